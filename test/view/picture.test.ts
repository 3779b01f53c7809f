// The picture of a run, fed with what the simulated network reports.

import { PassThrough } from "node:stream"
import { describe, expect, it } from "vitest"
import type { StackEvent } from "../../sim/device/events"
import type { Delivery } from "../../sim/link/switch"
import { Output } from "../../sim/run/output"
import { Picture } from "../../sim/run/picture"
import { arp, ethernet, mss, type TcpFields, tcp, udp } from "./packets"

const SERVER = { source: "10.0.0.1", destination: "10.0.0.2", sourcePort: 7, destinationPort: 49152 }

class Shown {
    readonly picture: Picture
    private readonly stream = new PassThrough({ encoding: "utf8" })
    private text = ""

    constructor(on = true, width = 80) {
        const output = new Output(this.stream, { color: false, unicode: false, width })
        const hosts = { left: { name: "Host X", ip: "10.0.0.2" }, right: { name: "server", ip: "10.0.0.1" } }
        this.picture = new Picture(output, hosts, on)
    }

    /** Sends a frame from a station, to the other one of the picture. */
    send(
        time: number,
        from: "device" | "server" | "other",
        frame: Uint8Array,
        fate: Partial<Delivery> = {}
    ): void {
        const to = { name: from === "device" ? "server" : "device", receive: () => {} }
        const delivery = {
            to,
            lost: undefined,
            arrives: time + 5,
            copies: 1,
            corrupted: false,
            held: false,
            ...fate,
        }
        this.picture.observer.sent?.(frame, { name: from, receive: () => {} }, time, [delivery])
    }

    x(time: number, fields: TcpFields, fate: Partial<Delivery> = {}): void {
        this.send(time, "device", tcp(fields), fate)
    }

    s(time: number, fields: TcpFields, fate: Partial<Delivery> = {}): void {
        this.send(time, "server", tcp({ ...SERVER, ...fields }), fate)
    }

    event(side: "left" | "right", time: number, event: StackEvent): void {
        if (side === "left") this.picture.observer.event?.(event, time, 0)
        else this.picture.observer.serverEvent?.(event, time)
    }

    /** The lines below the boxes. */
    get lines(): string[] {
        this.picture.rest()
        this.text += this.stream.read() ?? ""
        return this.text.split("\n").slice(4, -1)
    }

    get all(): string {
        return this.lines.join("\n")
    }

    get boxes(): string {
        this.picture.rest()
        this.text += this.stream.read() ?? ""
        return this.text.split("\n").slice(0, 4).join("\n")
    }
}

function handshake(shown: Shown, fields: TcpFields = {}, answer: TcpFields = {}): void {
    shown.x(0, { seq: 100, flags: "S", options: mss(1460), ...fields })
    shown.s(5, { seq: 900, ack: 101, flags: "SA", options: mss(1460), ...answer })
    shown.x(10, { seq: 101, ack: 901, ...fields })
}

/** The states in the left margin. */
function left(lines: readonly string[]): string[] {
    return lines.map(line => line.slice(9, 21).trim()).filter(state => state !== "")
}

describe("the states of a device whose program keeps no events", () => {
    it("are those that its segments show, from the handshake to TIME-WAIT", () => {
        const shown = new Shown()
        handshake(shown)
        shown.x(20, { seq: 101, ack: 901, flags: "FA" })
        shown.s(25, { seq: 901, ack: 102 })
        shown.s(30, { seq: 901, ack: 102, flags: "FA" })
        shown.x(35, { seq: 102, ack: 902 })
        expect(left(shown.lines)).toEqual([
            "SYN-SENT",
            "ESTABLISHED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "TIME-WAIT",
        ])
    })

    it("include SYN-SENT when the line loses the SYN", () => {
        const shown = new Shown()
        shown.x(0, { seq: 100, flags: "S" }, { lost: "loss", arrives: Number.POSITIVE_INFINITY })
        expect(left(shown.lines)).toEqual(["SYN-SENT"])
    })

    it("are not drawn twice when the program keeps events", () => {
        const shown = new Shown()
        const ends = { remoteIp: "10.0.0.1", remotePort: 7, localPort: 49152 }
        shown.event("left", 0, { kind: "state", now: 0, id: 3, from: "CLOSED", to: "SYN-SENT", ...ends })
        handshake(shown)
        // the event of ESTABLISHED is missing, and so is the state
        expect(left(shown.lines)).toEqual(["SYN-SENT"])
    })

    it("of hosts other than the server are drawn at the right", () => {
        const shown = new Shown()
        const ends = { source: "10.0.0.8", destination: "10.0.0.2" }
        handshake(shown, { destination: "10.0.0.8" }, ends)
        expect(shown.lines.map(line => line.slice(68)).filter(Boolean)).toEqual([
            "SYN-RECEIVED",
            "ESTABLISHED",
        ])
    })
})

describe("a device with another address than --ip", () => {
    it("is still Host X, in the box and at its lifeline", () => {
        const shown = new Shown()
        shown.send(0, "device", arp(1, "10.0.0.77", "10.0.0.1"))
        handshake(shown, { source: "10.0.0.77" }, { destination: "10.0.0.77" })
        const ends = { remoteIp: "10.0.0.77", remotePort: 49152, localPort: 7 }
        shown.event("right", 15, {
            kind: "state",
            now: 0,
            id: 1,
            from: "SYN-RECEIVED",
            to: "ESTABLISHED",
            ...ends,
        })
        expect(shown.boxes).toContain("10.0.0.77")
        expect(shown.lines.filter(line => line.includes("SYN-ACK"))).toHaveLength(1)
        expect(shown.lines.at(-1)).toMatch(/\| ESTABLISHED$/)
    })
})

describe("what the line does", () => {
    it("a frame whose change a check finds is not taken, and changes no state", () => {
        const shown = new Shown()
        shown.x(0, { seq: 100, flags: "S" })
        shown.s(5, { seq: 900, ack: 101, flags: "SA" }, { corrupted: true, bit: 8 * 40 })
        expect(left(shown.lines)).toEqual(["SYN-SENT", "corrupted"])
        expect(shown.lines.at(-1)).toMatch(/corrupted \| +X- len 0/)
    })

    it("a frame whose change nothing finds arrives, and is called corrupted", () => {
        const shown = new Shown()
        shown.x(0, { seq: 100, flags: "S" })
        // a bit of the sender's Ethernet address
        shown.s(5, { seq: 900, ack: 101, flags: "SA" }, { corrupted: true, bit: 8 * 6 + 7 })
        expect(left(shown.lines)).toEqual(["SYN-SENT", "ESTABLISHED"])
        expect(shown.all).toContain("<- len 0    win 2048  corrupted -")
    })

    it("drops are told in words, with the counter's name, below the frame", () => {
        const shown = new Shown()
        shown.s(0, { seq: 1, ack: 1, payload: "x" }, { corrupted: true, bit: 8 * 54 })
        shown.event("left", 5, { kind: "drop", now: 5, reason: "tcp-checksum" })
        expect(shown.lines.slice(-3).map(line => line.slice(12, 60).trim())).toEqual([
            'corrupted |           X- len 1    win 2048  "x"',
            "|  Host X dropped a segment with a wro",
            "|  TCP checksum (tcp-checksum)",
        ])
    })
})

describe("a reset", () => {
    it("is an answer: not a drop, and the server's refusal needs no remark", () => {
        const shown = new Shown()
        shown.s(0, { seq: 100, flags: "S", sourcePort: 50_000, destinationPort: 80 })
        shown.event("left", 5, { kind: "drop", now: 5, reason: "tcp-no-connection" })
        shown.x(5, { seq: 0, ack: 101, flags: "RA", sourcePort: 80, destinationPort: 50_000 })
        const ends = { remoteIp: "10.0.0.2", remotePort: 80, localPort: 50_000 }
        shown.event("right", 10, { kind: "state", now: 0, id: 1, from: "SYN-SENT", to: "CLOSED", ...ends })
        shown.event("right", 10, { kind: "failed", now: 0, id: 1, error: "ECONNREFUSED", ...ends })
        expect(shown.all).not.toMatch(/dropped|failed/)
        expect(shown.lines.at(-1)).toMatch(/--- *>?\| CLOSED|>\| CLOSED$/)
    })

    it("by which a program aborts is called so", () => {
        const shown = new Shown()
        const ends = { remoteIp: "10.0.0.1", remotePort: 7, localPort: 49152 }
        shown.event("left", 0, { kind: "state", now: 0, id: 3, from: "ESTABLISHED", to: "CLOSED", ...ends })
        shown.event("left", 0, { kind: "failed", now: 0, id: 3, error: "ECONNABORTED", ...ends })
        shown.x(0, { seq: 9, ack: 1, flags: "RA" })
        expect(left(shown.lines)).toEqual(["CLOSED"])
        expect(shown.lines[1]).toMatch(/CLOSED \| {3}RST-ACK/)
        expect(shown.all).toMatch(/Host X: the program aborted the/)
    })
})

describe("picture on|off|PORT", () => {
    it("turns the picture on and off, and shows the connections of one port", () => {
        const shown = new Shown(false)
        const run = (line: string) => shown.picture.command(line)
        handshake(shown)
        expect(shown.lines).toEqual([])
        expect(run("picture on")).toEqual({ lines: ["the picture is on"], status: 0 })
        shown.x(20, { seq: 101, ack: 901, payload: "one" })
        expect(run("picture 9")?.lines[0]).toBe("the picture shows the connections of port 9 only")
        shown.x(30, { seq: 104, ack: 901, payload: "two" })
        shown.send(31, "device", arp(1, "10.0.0.2", "10.0.0.9"))
        shown.x(40, { seq: 1, flags: "S", destinationPort: 9 })
        expect(run("picture off")?.status).toBe(0)
        shown.x(50, { seq: 107, ack: 901, payload: "three" })
        expect(shown.all.match(/"\w+"|SYN |ARP/g)).toEqual(['"one"', "SYN "])
    })

    it.each(["picture", "picture x", "picture 0", "picture 65536", "picture on off"])("refuses %s", line => {
        expect(new Shown().picture.command(line)).toEqual({
            lines: ["picture: usage: picture on|off|PORT"],
            status: 1,
        })
    })

    it("leaves other commands alone", () => {
        expect(new Shown().picture.command("pictures on")).toBeUndefined()
    })
})

describe("a host that is not the one at the right lifeline", () => {
    const other = { source: "10.0.0.8", destination: "10.0.0.2", sourcePort: 7, destinationPort: 49152 }
    const broadcast = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]

    it("is named on its rows, in both directions", () => {
        const shown = new Shown()
        shown.x(0, { seq: 100, flags: "S", destination: "10.0.0.8" })
        shown.send(5, "other", tcp({ ...other, seq: 900, ack: 101, flags: "SA" }))
        shown.x(10, { seq: 101, ack: 901, destination: "10.0.0.8", flags: "PA", payload: "hello" })
        shown.send(15, "other", udp("10.0.0.3", "10.0.0.2", [53, 4000], [1]))
        const arrows = shown.lines.filter(line => /--\s?>?\|/.test(line) || line.includes("|<-"))
        expect(arrows.map(line => line.slice(22).replace(/ ?-+>?\|.*$/, ""))).toEqual([
            "|-- len 0    win 2048  to 10.0.0.8",
            "|<- len 0    win 2048  from 10.0.0.8",
            '|-- to 10.0.0.8 "hello"',
            "|<- UDP 53 to 4000 len 1 from 10.0.0.3",
        ])
    })

    it("is not named on rows of the server, on frames to all, and where the words name it", () => {
        const shown = new Shown()
        handshake(shown)
        shown.send(20, "device", ethernet("10.0.0.2", "255.255.255.255", 0x0800, [1]))
        shown.send(21, "device", udp("0.0.0.0", "255.255.255.255", [68, 67], [1]))
        shown.send(22, "other", arp(2, "10.0.0.8", "10.0.0.2"))
        expect(shown.all).not.toMatch(/ (to|from) \S*[.:]\S+/)
    })

    it("is named by its Ethernet address when it has the address of the device or of the server", () => {
        const shown = new Shown()
        shown.send(0, "server", arp(1, "10.0.0.1", "10.0.0.2", broadcast))
        shown.send(1, "other", arp(1, "10.0.0.2", "10.0.0.2", broadcast))
        const stolen = arp(1, "10.0.0.1", "10.0.0.2", broadcast)
        stolen.set([6, 0, 0, 0, 0, 0x66], 6)
        shown.send(2, "other", stolen)
        expect(shown.all).toContain("|<- from 02:00:0a:00:00:02 ----")
        expect(shown.all).toContain("|<- from 06:00:00:00:00:66 ----")
        expect(shown.lines.filter(line => / from /.test(line))).toHaveLength(2)
    })

    it.each([60, 80])("leaves %i columns whole", width => {
        const shown = new Shown(true, width)
        const far = "192.168.100.200"
        shown.x(0, { seq: 100, flags: "S", options: mss(1460), destination: far })
        shown.send(5, "other", tcp({ ...other, source: far, seq: 900, ack: 101, flags: "SA" }))
        shown.x(
            6,
            { seq: 101, ack: 901, destination: far, flags: "PA", payload: "hello\n" },
            { lost: "loss" }
        )
        shown.send(7, "other", udp(far, "10.0.0.2", [53, 4000], [1]), { lost: "loss" })
        const lines = shown.lines.filter(line => !line.includes(" port "))
        expect(lines.filter(line => line.length > width)).toEqual([])
        for (const line of lines) expect([line[22], line[width - 14]]).toEqual(["|", "|"])
        expect(shown.all).toContain(far)
    })
})
