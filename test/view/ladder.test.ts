import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { Ladder, type Passage } from "../../sim/view/ladder"
import { Drawing, drawExample, example, exampleInAscii, sequence, withoutColor } from "./drawing"
import { arp, echo, mss, sack, type TcpFields, tcp, timestamps, udp, windowScale } from "./packets"

describe("the example's ladder", () => {
    it("is drawn in Unicode", () => {
        const drawing = new Drawing()
        drawExample(drawing)
        expect(drawing.text).toBe(example)
    })

    it("is drawn in ASCII", () => {
        const drawing = new Drawing({ unicode: false })
        drawExample(drawing)
        expect(drawing.text).toBe(exampleInAscii)
    })

    it("has the same text in colour, and each colour ends on its line", () => {
        const drawing = new Drawing({ color: true })
        drawExample(drawing)
        expect(withoutColor(drawing.text)).toBe(example)
        expect(drawing.text).toContain("\x1b[32m   SYN     seq 4321                        \x1b[39m")
        expect(drawing.text).toContain("\x1b[1mSYN-RECEIVED\x1b[22m")
        expect(drawing.text).toContain("\x1b[31mlost\x1b[39m")
        for (const line of drawing.text.split("\n")) {
            const open = new Set<string>()
            for (const [, code] of line.matchAll(sequence)) {
                if (code === "22" || code === "39") open.clear()
                else open.add(code!)
            }
            expect([...open]).toEqual([])
        }
    })

    it("has all numbers in one line where the width allows it", () => {
        const drawing = new Drawing({ width: 120 })
        drawing.s(0, { seq: 8800, ack: 4322, flags: "SA", options: mss(1460) })
        const gap = " ".repeat(23)
        expect(drawing.lines.slice(1)).toEqual([
            `  0.0000              │   SYN-ACK seq 8800       ack 4322       len 0    win 8192 ${gap} │`,
            `                      │◄─ mss 1460 ${"─".repeat(71)}│`,
        ])
    })
})

describe("a segment that the ladder holds back", () => {
    it("is the last one only, until the next call or flush", () => {
        const drawing = new Drawing()
        drawing.x(0, { seq: 1, flags: "S" })
        expect(drawing.text).not.toContain("SYN")
        drawing.s(1, { seq: 5, ack: 2, flags: "SA" })
        expect(drawing.text).toContain("SYN     seq 1")
        expect(drawing.text).not.toContain("SYN-ACK")
        drawing.ladder.flush()
        expect(drawing.text).toContain("SYN-ACK seq 5")
        const { text } = drawing
        drawing.ladder.flush()
        expect(drawing.text).toBe(text)
    })

    it("is drawn when its own `later` comes, not when an earlier one's does", () => {
        const turns: [number, () => void][] = []
        const drawing = new Drawing({ later: (ms, run) => turns.push([ms, run]) })
        drawing.x(0, { seq: 1, flags: "S" }, { arrives: 20 })
        drawing.s(20, { seq: 5, ack: 2, flags: "SA" }, { lost: "loss", arrives: Number.POSITIVE_INFINITY })
        expect(turns.map(([ms]) => ms)).toEqual([45, 25])
        turns[0]![1]()
        expect(drawing.text).not.toContain("SYN-ACK")
        turns[1]![1]()
        expect(drawing.text).toContain("SYN-ACK")
    })
})

describe("a terminal that changes its width", () => {
    it("gets the boxes again, and lines that fit", () => {
        let width = 100
        let text = ""
        const ladder = new Ladder({
            write: line => {
                text += line
            },
            get width() {
                return width
            },
            color: false,
            unicode: true,
            left: { name: "Host X", ip: "10.0.0.2" },
            right: { name: "Server", ip: "10.0.0.1" },
        })
        ladder.segment(dissect(tcp({ seq: 1, flags: "S" })), { time: 0 })
        ladder.flush()
        width = 60
        ladder.segment(dissect(tcp({ seq: 2 })), { time: 1 })
        ladder.flush()
        const lines = text.split("\n").slice(0, -1)
        expect(lines.filter(line => line.includes("Host X"))).toHaveLength(2)
        for (const line of lines.slice(-6)) expect(line.length).toBeLessThanOrEqual(60)
    })
})

describe("remarks in the ladder", () => {
    const last = (drawing: Drawing) => drawing.lines.at(-1)!

    it("name lost segments in both directions, and the reason", () => {
        const drawing = new Drawing()
        drawing.x(0, { seq: 9, ack: 1, payload: "data" }, { lost: "queue" })
        expect(last(drawing)).toBe(
            '                      │── len 4    win 2048  "data" ──✗           │ queue full'
        )
        drawing.s(0, { seq: 9, ack: 1, payload: "data" }, { lost: "loss" })
        expect(last(drawing)).toBe('                 lost │           ✗─ len 4    win 8192  "data" ───│')
    })

    it("tell retransmitted data from new data", () => {
        const drawing = new Drawing()
        const remark = (fields: TcpFields) => {
            drawing.x(0, fields)
            return /retransmission|keep-alive/.exec(last(drawing))?.[0]
        }
        expect(remark({ seq: 0xffff_fffe, flags: "S" })).toBeUndefined()
        expect(remark({ seq: 0xffff_fffe, flags: "S" })).toBe("retransmission")
        expect(remark({ seq: 0xffff_ffff, ack: 1 })).toBeUndefined()
        expect(remark({ seq: 0xffff_ffff, ack: 1, payload: "abc" })).toBeUndefined()
        expect(remark({ seq: 0xffff_ffff, ack: 1, payload: "abc" })).toBe("retransmission")
        expect(remark({ seq: 0, ack: 1, payload: "bcd" })).toBe("retransmission")
        expect(remark({ seq: 3, ack: 1, payload: "e" })).toBeUndefined()
        expect(remark({ seq: 3, ack: 1 })).toBe("keep-alive")
        expect(remark({ seq: 4, ack: 9 })).toBeUndefined()
        expect(remark({ seq: 4, ack: 9, flags: "FA" })).toBeUndefined()
        expect(remark({ seq: 4, ack: 9, flags: "FA" })).toBe("retransmission")
        expect(remark({ seq: 4, ack: 9, flags: "R" })).toBeUndefined()
        // the ports again, for a new connection, whose number may well be lower
        expect(remark({ seq: 77, flags: "S" })).toBeUndefined()
        expect(remark({ seq: 78, flags: "A", payload: "new" })).toBeUndefined()
        // a part again, then the other part
        expect(remark({ seq: 81, payload: "12345678" })).toBeUndefined()
        expect(remark({ seq: 81, payload: "1234" })).toBe("retransmission")
        expect(remark({ seq: 85, payload: "5678" })).toBe("retransmission")
        // others are told apart
        expect(remark({ seq: 78, flags: "A", payload: "new", sourcePort: 50_000 })).toBeUndefined()
    })

    it("do not call the SYN,ACK of a simultaneous open a retransmission", () => {
        const drawing = new Drawing()
        drawing.x(0, { seq: 5, flags: "S" })
        drawing.x(1, { seq: 5, ack: 9, flags: "SA" })
        expect(last(drawing)).not.toContain("retransmission")
        drawing.x(2, { seq: 5, ack: 9, flags: "SA" })
        expect(last(drawing)).toContain("retransmission")
    })

    it("name what the line did, and wrong checksums", () => {
        const drawing = new Drawing()
        drawing.x(0, { seq: 1 }, { corrupted: true })
        expect(last(drawing)).toContain("corrupted")
        drawing.x(0, { seq: 1 }, { copies: 2 })
        expect(last(drawing)).toContain("duplicated")
        drawing.x(0, { seq: 1 }, { held: true })
        expect(last(drawing)).toContain("held back")
        const frame = tcp({ seq: 1 })
        frame[50]! ^= 1
        drawing.ladder.segment(dissect(frame), { time: 0 })
        expect(last(drawing)).toContain("bad checksum")
    })

    it("have lines of their own for long options", () => {
        const drawing = new Drawing()
        const options = [...sack(4_000_000_000, 4_000_001_460), ...sack(4_100_000_000, 4_100_001_460)]
        drawing.x(0, { seq: 4_294_967_295, ack: 4_294_967_295, flags: "FPA", options, window: 65_535 })
        expect(drawing.lines.slice(1)).toEqual([
            "  0.0000              │   FIN-ACK seq 4294967295 ack 4294967295   │",
            "                      │   len 0    win 65535 PSH                  │",
            "                      │   sack 4000000000-4000001460              │",
            "                      │── sack 4100000000-4100001460 ────────────►│",
        ])
    })

    it("leave the numbers in their columns whatever the flags are: PSH and others move to the arrow", () => {
        const drawing = new Drawing()
        for (const flags of ["A", "PA", "FPA", "SEC", "RPA", "FSRPAUEC"])
            drawing.x(0, { seq: 1, ack: 2, flags })
        const heads = drawing.lines.filter(line => line.startsWith("  0.0000"))
        expect(heads.map(line => line.slice(26))).toEqual([
            "ACK     seq 1          ack 2            │",
            "PSH-ACK seq 1          ack 2            │",
            "FIN-ACK seq 1          ack 2            │",
            "SYN-ECE seq 1                           │",
            "RST-ACK seq 1          ack 2            │",
            "RST-SYN-ACK seq 1          ack 2        │",
        ])
        expect(drawing.text).toMatch(/win 2048 {2}PSH ─/)
    })

    it("say that a frame which the line has changed does not count for its receiver", () => {
        const drawing = new Drawing()
        drawing.x(0, { seq: 9, ack: 1, payload: "data" }, { corrupted: true, check: "the checksum of TCP" })
        expect(last(drawing)).toBe(
            '                      │── len 4    win 2048  "data" ──✗           │ corrupted'
        )
        drawing.ladder.segment(dissect(arp(1, "10.0.0.2", "10.0.0.1")), { time: 1, copies: 2 })
        expect(last(drawing)).toContain("ARP who has 10.0.0.1? duplicated ──")
    })

    it("tell window probes from retransmissions, and name a window that is shut", () => {
        const drawing = new Drawing()
        drawing.x(0, { seq: 1, ack: 5, payload: "abc" })
        drawing.s(1, { seq: 5, ack: 4, payload: "x" })
        drawing.s(2, { seq: 6, ack: 4, window: 0 })
        expect(last(drawing)).toContain("zero window")
        for (const time of [3, 4]) {
            drawing.x(time, { seq: 4, ack: 6, payload: "d" })
            expect(last(drawing)).toContain("window probe")
        }
        drawing.s(5, { seq: 6, ack: 4, window: 100 })
        expect(last(drawing)).not.toContain("window ")
        drawing.x(6, { seq: 4, ack: 6, payload: "d" })
        expect(last(drawing)).toContain("retransmission")
    })

    it("name timestamps where they are agreed on, and not after that", () => {
        const drawing = new Drawing()
        drawing.x(0, { flags: "S", options: timestamps(1, 0) })
        expect(last(drawing)).toMatch(/ ts ─*►/)
        drawing.x(1, { flags: "A", options: timestamps(2, 1) })
        expect(last(drawing)).not.toContain("ts")
    })

    it("show as much of the data as fits, if it is printable", () => {
        const arrow = (payload: string | Uint8Array, options: number[] = []) => {
            const drawing = new Drawing()
            drawing.x(0, { payload, options })
            return /[─ ]win 2048(.*)►/.exec(last(drawing))?.[1]?.replace(/─/g, "").trim()
        }
        expect(arrow("12345678901234")).toBe('"12345678901234"')
        expect(arrow("GET / HTTP/1.1\r\nHost: x\r\n")).toBe('"GET / HTTP/1.1…"')
        expect(arrow("a\r\nb")).toBe('"a\\r\\nb"')
        expect(arrow(Uint8Array.of(65, 66, 0))).toBe("")
        expect(arrow("\x1b[2J")).toBe("")
        expect(arrow("text", windowScale(7))).toBe('ws 7 "text"')
        expect(arrow("text", [...mss(536), ...windowScale(7)])).toBe("mss 536 ws 7")
    })
})

describe("other packets in the ladder", () => {
    it("have one line each", () => {
        const drawing = new Drawing()
        const draw = (frame: Uint8Array, passage: Partial<Passage> = {}) =>
            drawing.ladder.segment(dissect(frame), { time: 0, ...passage })
        draw(echo("10.0.0.1", "10.0.0.2", 8, 3, []))
        draw(echo("10.0.0.2", "10.0.0.1", 0, 3, []), { lost: "loss" })
        draw(udp("10.0.0.2", "255.255.255.255", [68, 67], [1, 2, 3]))
        draw(arp(2, "192.168.100.100", "10.0.0.2"))
        draw(udp("1.2.3.4", "5.6.7.8", [1, 2], []))
        draw(tcp({ source: "1.2.3.4", destination: "5.6.7.8" }))
        draw(Uint8Array.of(1, 2, 3), { from: "right" })
        expect(drawing.lines).toEqual([
            "  0.0000              │◄─ ICMP echo request 3 ────────────────────│",
            "  0.0000              │── ICMP echo reply 3 ──────────✗           │ lost",
            "  0.0000              │── UDP 68 to 67 len 3 ────────────────────►│",
            "  0.0000              │◄─ ARP 192.168.100.100 at 02:00:c0:a8:6… ──│",
            "  0.0000              │   UDP 1 to 2 len 0                        │",
            "  0.0000              │   TCP 1.2.3.4 to 5.6.7.8                  │",
            "  0.0000              │◄─ malformed: shorter than an Ethernet … ──│",
        ])
    })
})

describe("whatever the ladder draws", () => {
    const words = fc.oneof(
        fc.string({ unit: "binary", maxLength: 200 }),
        fc.constantFrom("ESTABLISHED", "FIN-WAIT-1")
    )
    const side = fc.constantFrom("left" as const, "right" as const)
    const time = fc.double({ min: 0, max: 1e12, noNaN: true })
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
    const text = fc.string({ maxLength: 99 }).map(string => new TextEncoder().encode(string))
    const segment = fc.record({
        seq: u32,
        ack: u32,
        flags: fc.subarray([..."FSRPAUEC"]).map(flags => flags.join("")),
        window: fc.integer({ min: 0, max: 65_535 }),
        payload: fc.oneof(fc.uint8Array({ maxLength: 2000 }), text),
        options: fc.constantFrom<number[][]>([], mss(65_535), [
            ...timestamps(4e9, 4e9),
            ...sack(4e9, 4e9, 4e9, 4e9),
        ]),
    })
    const passage = fc.record({
        time,
        lost: fc.constantFrom("loss" as const, "queue" as const, undefined),
        corrupted: fc.boolean(),
        copies: fc.constantFrom(1, 2),
        held: fc.boolean(),
        from: side,
    })
    const call = fc.oneof(
        fc.tuple(segment, passage).map(([fields, way]) => (ladder: Ladder) => {
            ladder.segment(dissect(tcp(fields)), way)
        }),
        fc.tuple(fc.uint8Array({ maxLength: 99 }), passage).map(([bytes, way]) => (ladder: Ladder) => {
            ladder.segment(dissect(bytes), way)
        }),
        fc.tuple(side, words, words, time).map(args => (ladder: Ladder) => ladder.state(...args)),
        words.map(text => (ladder: Ladder) => ladder.note(text))
    )

    it("fits the width line by line, without control characters, in ASCII if asked for", () => {
        fc.assert(
            fc.property(
                fc.array(call, { maxLength: 20 }),
                fc.constantFrom([0, 80], [80, 80], [100, 100], [Number.NaN, 80], [500, 120]),
                fc.boolean(),
                words,
                (calls, [width, most], unicode, name) => {
                    const left = { name, ip: "255.255.255.255" }
                    const drawing = new Drawing({ width: width!, unicode, left })
                    for (const draw of calls) draw(drawing.ladder)
                    drawing.ladder.flush()
                    for (const line of drawing.text.split("\n")) {
                        expect(line.length).toBeLessThanOrEqual(most!)
                        expect(line).not.toMatch(unicode ? /\p{Cc}/u : /[^\x20-\x7e]/)
                    }
                }
            ),
            { numRuns: 300 }
        )
    })

    const steps = ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "LAST-ACK", "TIME-WAIT", "CLOSED"]
    const tick = fc.record({
        after: fc.integer({ min: 0, max: 40 }),
        kind: fc.constantFrom("segment", "arp", "state", "note", "printed", "explained"),
        side,
        flags: fc.constantFrom("S", "SA", "A", "PA", "FA", "RA"),
        from: fc.constantFrom(...steps),
        to: fc.constantFrom(...steps),
        port: fc.constantFrom(7, 80),
        flight: fc.constantFrom(1, 5, 30),
    })

    it("has times that never run backwards, and loses no line, whatever is reported", () => {
        fc.assert(
            fc.property(fc.array(tick, { maxLength: 40 }), ticks => {
                const drawing = new Drawing()
                const { ladder } = drawing
                let [now, segments, notes, said] = [0, 0, 0, 0]
                for (const { after, kind, side, flags, from, to, port, flight } of ticks) {
                    now += after
                    const ports = side === "left" ? { destinationPort: port } : { sourcePort: port }
                    const draw = side === "left" ? drawing.x.bind(drawing) : drawing.s.bind(drawing)
                    if (kind === "segment") {
                        segments++
                        draw(now, { seq: 1, ack: 1, flags, ...ports }, { arrives: now + flight })
                    } else if (kind === "arp")
                        ladder.segment(dissect(arp(1, "10.0.0.2", "10.0.0.1")), { time: now })
                    else if (kind === "state") ladder.state(side, from, to, now, { left: 49152, right: port })
                    else if (kind === "note") ladder.note(`note ${notes++}`)
                    else if (kind === "printed") ladder.flushArrived()
                    else ladder.afterwards(() => said++)
                }
                const times = drawing.lines.map(line => line.slice(0, 8).trim()).filter(text => text !== "")
                expect(times.map(Number)).toEqual(times.map(Number).sort((a, b) => a - b))
                const { text } = drawing
                expect(text.match(/ (SYN|SYN-ACK|ACK|PSH-ACK|FIN-ACK|RST-ACK) +seq 1 /g) ?? []).toHaveLength(
                    segments
                )
                expect([...text.matchAll(/note (\d+)/g)].map(([, n]) => Number(n))).toEqual(
                    Array.from({ length: notes }, (_, n) => n)
                )
                expect(said).toBe(ticks.filter(({ kind }) => kind === "explained").length)
            }),
            { numRuns: 300 }
        )
    })
})
