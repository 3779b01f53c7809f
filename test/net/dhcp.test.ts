// The DHCP client: RFC 2131 by its states, RFC 2132's options.

import { Buffer } from "@devicescript/core"
import { afterEach, describe, expect, test } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { ipv4Text } from "../../src/net/address"
import { AddressGuard, GuardState } from "../../src/net/address-guard"
import { DhcpClient, DhcpState } from "../../src/net/dhcp"
import { Endpoints } from "../../src/net/endpoint-table"
import { connect, stateOf } from "../../src/tcp/calls"
import { State } from "../../src/tcp/records"
import {
    type Answer,
    addresses,
    option,
    readDhcp,
    type Said,
    serverFrame,
    Type,
    time,
    writeAnswer,
} from "../support/dhcp"
import { arp, broadcastMac, ethernet } from "../support/frames"
import { Host, ip } from "../support/host"
import { record, tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:32"
const SERVER = { ip: "10.0.0.1", mac: "02:00:00:00:01:01" }
const OTHER = { ip: "10.0.0.2", mac: "02:00:00:00:01:02" }
const EVERYBODY = { ip: "255.255.255.255", mac: broadcastMac }
const OFFERED = "10.0.0.77"
const ROUTER = "10.0.0.254"

type Message = Said & { at: number; from: string; to: string; mac: string }

/** A stack whose address comes from servers that are played by hand. Nobody answers ARP for the address unless told to. */
class Bed {
    readonly host = new Host("10.0.0.50")
    readonly endpoints = new Endpoints(this.host.stack)
    readonly guard = new AddressGuard(this.endpoints)
    readonly client = new DhcpClient(this.endpoints, this.guard)
    now = 1000
    /** What it said by DHCP and was not looked at yet, and the ARP requests it sent. */
    said: Message[] = []
    asked: { sender: string; target: string; at: number }[] = []
    /** Addresses it had. */
    readonly had: string[] = []

    constructor() {
        this.guard.probes = 1
        this.client.changed = () => this.had.push(this.address)
    }

    get address(): string {
        return ipv4Text(this.host.stack.ip)
    }

    start(): this {
        this.client.start(this.now)
        return this.poll()
    }

    take(frames: Uint8Array[]): this {
        for (const frame of frames) {
            record(frame, this.now)
            const view = dissect(frame)
            if (view.kind === "malformed") throw new Error(view.reason)
            expect(view.sourceMac).toBe(US)
            if (view.kind === "arp") {
                const { senderIp: sender, targetIp: target } = view
                if (view.operation === 1) this.asked.push({ sender, target, at: this.now })
                // servers say at once who they are
                if (target === SERVER.ip || target === OTHER.ip) this.hears(target, sender, 2)
                continue
            }
            if (view.kind !== "udp") continue
            expect([view.sourcePort, view.destinationPort, view.checksumValid]).toEqual([68, 67, true])
            const place = { at: this.now, from: view.source, to: view.destination, mac: view.destinationMac }
            this.said.push({ ...readDhcp(view.payload), ...place })
        }
        return this
    }

    poll(): this {
        return this.take(this.host.poll(this.now))
    }

    pass(ms: number): this {
        const end = this.now + ms
        this.poll()
        for (;;) {
            const next = this.host.next(this.now)
            if (next > end) break
            this.now = Math.max(this.now, next)
            this.poll()
        }
        this.now = end
        return this
    }

    receive(frame: Uint8Array): this {
        return this.take(this.host.receive(frame, this.now))
    }

    /** ARP: `sender` says something. */
    hears(sender: string, target: string, operation = 1): this {
        const senderMac = `02:00:00:00:01:0${sender.at(-1)}`
        const fields = { operation, senderMac, senderIp: sender, targetIp: target }
        return this.receive(ethernet(broadcastMac, fields.senderMac, 0x0806, arp(fields)))
    }

    /** The one message it has said. */
    says(type: number): Message {
        expect(this.said.map(message => message.type)).toEqual([type])
        return this.said.pop()!
    }

    quiet(): this {
        expect(this.said).toEqual([])
        return this
    }

    /** A server's answer to the message. */
    answer(to: Said, answer: Partial<Answer>, from = SERVER, where = EVERYBODY): this {
        return this.receive(
            serverFrame(from, where, writeAnswer({ xid: to.xid, chaddr: to.chaddr, ...answer }))
        )
    }

    /** Up to BOUND, at a server with these options. */
    bind(options = usual): Message {
        this.start()
        const discover = this.says(Type.Discover)
        this.answer(discover, { type: Type.Offer, yiaddr: OFFERED, options })
        const request = this.says(Type.Request)
        this.answer(request, { type: Type.Ack, yiaddr: OFFERED, options })
        this.pass(10_000)
        expect([this.address, this.client.state]).toEqual([OFFERED, DhcpState.Bound])
        this.asked = []
        return request
    }
}

const server = addresses(54, SERVER.ip)
const usual = [
    ...server,
    ...time(51, 3600),
    ...addresses(1, "255.255.255.0"),
    ...addresses(3, "10.0.0.254"),
    ...addresses(6, "10.0.0.1", "10.0.0.2", "10.0.0.3"),
    ...addresses(42, "10.0.0.9"),
]
/** Milliseconds. */
const SECOND = 1000
const HOUR = 3600 * SECOND

let bed: Bed
const fresh = () => {
    bed = new Bed()
    return bed
}
// nothing is left to be sent, whatever happened
afterEach(() => expect(bed.host.poll(bed.now)).toEqual([]))

// ---------------------------------------------------------------- INIT and SELECTING
describe("INIT, SELECTING", () => {
    test("DISCOVER goes from nobody to everybody, and asks for what the device can use", () => {
        fresh().client.setHostName("thermometer-1")
        const discover = bed.start().says(Type.Discover)
        expect(discover).toMatchObject({
            seconds: 0,
            broadcast: true,
            ciaddr: "0.0.0.0",
            chaddr: US,
            from: "0.0.0.0",
            to: "255.255.255.255",
            mac: broadcastMac,
        })
        expect(discover.options).toEqual({
            53: [1],
            55: [1, 3, 6, 42],
            12: [...Buffer.from("thermometer-1")],
        })
        expect(bed.address).toBe("0.0.0.0")
    })

    test("again after 4, 8, 16, 32, 64, 64 seconds, each a second more or less; the same xid (4.1)", () => {
        fresh()
            .start()
            .pass(300 * SECOND)
        const times = bed.said.map(message => message.at)
        const gaps = times.slice(1).map((at, i) => at - times[i]!)
        for (const [i, seconds] of [4, 8, 16, 32, 64, 64, 64].entries()) {
            expect(Math.abs(gaps[i]! - seconds * SECOND)).toBeLessThanOrEqual(SECOND)
        }
        expect(gaps.every(gap => gap % SECOND === 0)).toBe(false)
        expect(new Set(bed.said.map(message => message.xid)).size).toBe(1)
        expect(bed.said.map(message => message.seconds)).toEqual(
            times.map(at => Math.floor((at - times[0]!) / SECOND))
        )
        bed.said = []
    })

    test("each begin has another xid", () => {
        const xids = Array.from({ length: 10 }, () => fresh().start().says(Type.Discover).xid)
        expect(new Set(xids).size).toBe(10)
    })

    test("the first offer that can be used is taken, others are not", () => {
        const discover = fresh().start().says(Type.Discover)
        const offer = { type: Type.Offer, options: usual }
        bed.answer(discover, { ...offer, yiaddr: OFFERED })
        const request = bed.says(Type.Request)
        expect(request).toMatchObject({
            broadcast: true,
            from: "0.0.0.0",
            ciaddr: "0.0.0.0",
            xid: discover.xid,
        })
        expect(request.options).toMatchObject({ 50: [10, 0, 0, 77], 54: [10, 0, 0, 1], 55: [1, 3, 6, 42] })
        bed.answer(discover, { ...offer, yiaddr: "10.0.0.78" }).quiet()
    })

    const offer = { type: Type.Offer, yiaddr: OFFERED, options: usual }
    const unusable: [string, Partial<Answer>][] = [
        ["an ACK", { type: Type.Ack }],
        ["no type", { type: undefined } as unknown as Partial<Answer>],
        ["another xid", { xid: 1 }],
        ["another client's Ethernet address", { chaddr: "02:00:00:00:00:33" }],
        ["a request", { op: 1 }],
        ["another kind of hardware", { htype: 6 }],
        ["another length of address", { hlen: 8 }],
        ["another cookie", { cookie: [99, 130, 83, 100] }],
        ["no server's address", { options: time(51, 3600) }],
        ["no lease", { options: server }],
        ["a lease of 9 seconds", { options: [...server, ...time(51, 9)] }],
        ["no address", { yiaddr: "0.0.0.0" }],
        ["a group", { yiaddr: "224.0.0.1" }],
        ["a loopback address", { yiaddr: "127.0.0.1" }],
        ["the network's own address", { yiaddr: "10.0.0.0" }],
        ["the broadcast address", { yiaddr: "10.0.0.255" }],
    ]
    test.each(unusable)("an offer with %s is not taken", (_, change) => {
        const discover = fresh().start().says(Type.Discover)
        bed.answer(discover, { ...offer, ...change }).quiet()
        expect([bed.client.dropped, bed.client.state]).toEqual([1, DhcpState.Selecting])
    })

    test("a lease of 10 seconds is taken", () => {
        const discover = fresh().start().says(Type.Discover)
        bed.answer(discover, { ...offer, options: [...server, ...time(51, 10)] })
        bed.says(Type.Request)
    })

    test("sent to the address that is offered (4.1), though everybody was to hear it: taken, and so is the ACK", () => {
        const discover = fresh().start().says(Type.Discover)
        const itself = { ip: OFFERED, mac: US }
        // to somebody else's Ethernet address, or from another port
        bed.answer(discover, offer, SERVER, { ip: OFFERED, mac: OTHER.mac }).quiet()
        const message = writeAnswer({ ...offer, xid: discover.xid, chaddr: US })
        bed.receive(serverFrame(SERVER, itself, message, { sourcePort: 67, destinationPort: 69 })).quiet()
        bed.answer(discover, offer, SERVER, itself)
        bed.answer(bed.says(Type.Request), { ...offer, type: Type.Ack }, SERVER, itself)
        bed.pass(10_000)
        expect([bed.address, bed.client.state]).toEqual([OFFERED, DhcpState.Bound])
        // with an address only what is for that is taken
        bed.client.linkUp(bed.now)
        const again = bed.poll().says(Type.Request)
        bed.answer(again, { ...offer, type: Type.Ack }, SERVER, itself)
        expect(bed.client.state).toBe(DhcpState.Bound)
        const { dropped } = bed.client
        bed.answer(again, { ...offer, type: Type.Ack }, SERVER, { ip: "10.0.0.99", mac: US })
        expect(bed.client.dropped).toBe(dropped)
    })

    test("from another port: no server", () => {
        const discover = fresh().start().says(Type.Discover)
        const message = writeAnswer({ ...offer, xid: discover.xid, chaddr: US })
        const ports = { sourcePort: 68, destinationPort: 68 }
        bed.receive(serverFrame(SERVER, EVERYBODY, message, ports)).quiet()
    })

    test("cut short at every length: nothing is taken that is not there", () => {
        const discover = fresh().start().says(Type.Discover)
        const whole = writeAnswer({ ...offer, xid: discover.xid, chaddr: US })
        // up to the option with the lease
        for (let length = 0; length < 240 + 3 + 6 + 6; length++) {
            bed.receive(serverFrame(SERVER, EVERYBODY, whole.slice(0, length))).quiet()
        }
        expect(bed.client.state).toBe(DhcpState.Selecting)
    })
})

// ---------------------------------------------------------------- Options
describe("options", () => {
    /** What is set once bound with these options, and those of a lease. */
    function boundWith(options: number[], more: Partial<Answer> = {}) {
        fresh().start()
        for (const type of [Type.Offer, Type.Ack])
            bed.answer(bed.said.pop()!, { type, yiaddr: OFFERED, options, ...more })
        bed.pass(10_000)
        const { stack } = bed.host
        const { dns, dns2, ntp } = bed.client
        const all = { ip: stack.ip, netmask: stack.netmask, gateway: stack.gateway, dns, dns2, ntp }
        return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, ipv4Text(value)]))
    }
    const none = "0.0.0.0"
    const lease = [...server, ...time(51, 3600)]
    const plain = { ip: OFFERED, netmask: "255.0.0.0", gateway: none, dns: none, dns2: none, ntp: none }
    const whole = {
        ip: OFFERED,
        netmask: "255.255.255.0",
        gateway: "10.0.0.254",
        dns: "10.0.0.1",
        dns2: "10.0.0.2",
        ntp: "10.0.0.9",
    }
    const mask = addresses(1, "255.255.255.0")
    const masked = { ...plain, netmask: "255.255.255.0" }
    const routed = { ...masked, gateway: ROUTER }

    test.each([
        ["all of them", usual, whole],
        ["none: the mask by its class", lease, plain],
        ["pads between them", [0, 0, ...lease, 0, ...mask, 0], { ...plain, netmask: "255.255.255.0" }],
        [
            "unknown ones between them",
            [...lease, ...option(200, 1, 2, 3), ...option(201), ...mask],
            {
                ...plain,
                netmask: "255.255.255.0",
            },
        ],
        [
            "the first of two",
            [...lease, ...mask, ...addresses(1, "255.255.0.0")],
            {
                ...plain,
                netmask: "255.255.255.0",
            },
        ],
        ["a mask with holes", [...lease, ...addresses(1, "255.0.255.0")], plain],
        ["a mask of 0", [...lease, ...addresses(1, "0.0.0.0")], plain],
        ["a mask of 5 bytes", [...lease, ...option(1, 255, 255, 255, 0, 0)], plain],
        ["a mask of 3 bytes", [...lease, ...option(1, 255, 255, 255)], plain],
        ["two masks in one", [...lease, ...addresses(1, "255.255.255.0", "255.255.255.0")], plain],
        // a neighbour all the same: masks are wrong more often than routers
        [
            "a router elsewhere",
            [...lease, ...mask, ...addresses(3, "10.0.1.254")],
            { ...masked, gateway: "10.0.1.254" },
        ],
        [
            "a router elsewhere, then one here",
            [...lease, ...mask, ...addresses(3, "10.0.1.254", ROUTER)],
            routed,
        ],
        [
            "two routers elsewhere",
            [...lease, ...mask, ...addresses(3, "10.0.1.9", "10.0.2.9")],
            { ...masked, gateway: "10.0.1.9" },
        ],
        [
            "routers that are none, then one",
            [...lease, ...mask, ...addresses(3, none, "10.0.0.255", OFFERED, ROUTER)],
            routed,
        ],
        ["a fifth router", [...lease, ...mask, ...addresses(3, none, none, none, none, ROUTER)], masked],
        ["two routers here: the first", [...lease, ...mask, ...addresses(3, ROUTER, "10.0.0.253")], routed],
        [
            "a mask of this host alone, and a router outside",
            [...lease, ...addresses(1, "255.255.255.255"), ...addresses(3, "172.31.1.1")],
            { ...plain, netmask: "255.255.255.255", gateway: "172.31.1.1" },
        ],
        [
            "a network of two",
            [...lease, ...addresses(1, "255.255.255.254"), ...addresses(3, "10.0.0.76")],
            { ...plain, netmask: "255.255.255.254", gateway: "10.0.0.76" },
        ],
        // RFC 3396
        ["a mask in two pieces", [...lease, ...option(1, 255, 255), ...option(1, 255, 0)], masked],
        ["a lease in four", [...server, ...[0, 0, 14, 16].flatMap(byte => option(51, byte))], plain],
        [
            "name servers in pieces, others between them",
            [...lease, ...option(6, 10, 0, 0, 1, 10, 0), ...mask, ...option(6), ...option(6, 0, 2)],
            { ...masked, dns: "10.0.0.1", dns2: "10.0.0.2" },
        ],
        ["a router each", [...lease, ...mask, ...addresses(3, none), ...addresses(3, ROUTER)], routed],
        ["a mask in pieces of 2 and 3", [...lease, ...option(1, 255, 255), ...option(1, 255, 0, 0)], plain],
        [
            "name servers of which a byte is missing",
            [...lease, ...option(6, 10, 0, 0, 1, 10), ...option(6, 0, 0)],
            plain,
        ],
        [
            "300 bytes of routers",
            [...lease, ...mask, ...option(3, ...new Array(252).fill(0)), ...addresses(3, ROUTER)],
            masked,
        ],
        [
            "itself as router",
            [...lease, ...mask, ...addresses(3, OFFERED)],
            {
                ...plain,
                netmask: "255.255.255.0",
            },
        ],
        ["seven bytes of name servers", [...lease, ...option(6, 10, 0, 0, 1, 10, 0, 0)], plain],
        ["one name server", [...lease, ...addresses(6, "10.0.0.1")], { ...plain, dns: "10.0.0.1" }],
        [
            "an option of which the end is missing",
            [...lease, ...mask, 3, 200, 10, 0, 0, 254],
            {
                ...plain,
                netmask: "255.255.255.0",
            },
        ],
        ["an option of which all is missing", [...lease, ...mask, 3], { ...plain, netmask: "255.255.255.0" }],
        ["what stands behind the end", [...lease, 255, ...mask], plain],
        ["no bytes of lease, and then some", [...server, ...option(51), ...time(51, 60)], plain],
    ])("%s", (_, options, expected) => {
        expect(boundWith(options)).toEqual(expected)
    })

    const file = [...addresses(6, "10.0.0.1"), 255]
    const sname = [...mask, ...addresses(3, "10.0.0.254")]
    test.each([
        ["none", 0, {}],
        ["the file's name (52 is 1)", 1, { dns: "10.0.0.1" }],
        ["the server's name (2)", 2, { netmask: "255.255.255.0", gateway: "10.0.0.254" }],
        ["both (3)", 3, { dns: "10.0.0.1", netmask: "255.255.255.0", gateway: "10.0.0.254" }],
    ])("option overload: %s", (_, value, expected) => {
        expect(boundWith([...lease, ...option(52, value)], { file, sname })).toEqual({
            ...plain,
            ...expected,
        })
    })

    test("the lease and the type in the overloaded fields", () => {
        fresh().start()
        const fields = { options: option(52, 3), file: [...option(53, 2), ...server], sname: time(51, 3600) }
        const discover = bed.says(Type.Discover)
        bed.answer(discover, { yiaddr: OFFERED, ...fields })
        bed.says(Type.Request)
    })

    test.each(["", "a b", "ä", "under_score", "x".repeat(33), "dot.ted"])("no host name: %j", name => {
        fresh()
        expect(bed.client.setHostName(name)).toBe(false)
    })
})

// ---------------------------------------------------------------- REQUESTING
describe("REQUESTING", () => {
    const requesting = () => {
        const discover = fresh().start().says(Type.Discover)
        bed.answer(discover, { type: Type.Offer, yiaddr: OFFERED, options: usual })
        return bed.says(Type.Request)
    }

    test("asked four times, a minute in all; then it begins anew (3.1.5)", () => {
        const request = requesting()
        const start = bed.now
        while (bed.said.at(-1)?.type !== Type.Discover) bed.pass(SECOND)
        expect(bed.said.map(message => message.type)).toEqual([3, 3, 3, 1])
        const [second, , , discover] = bed.said as [Message, Message, Message, Message]
        expect([second.xid, discover.xid !== request.xid]).toEqual([request.xid, true])
        expect(Math.abs(discover.at - start - 60 * SECOND)).toBeLessThanOrEqual(4 * SECOND)
        bed.said = []
    })

    test.each([
        ["another address", { yiaddr: "10.0.0.78" }],
        ["another server's", { options: [...usual.slice(6), ...addresses(54, OTHER.ip)] }],
        ["no lease", { options: server }],
    ] as [string, Partial<Answer>][])("an ACK with %s is none", (_, change) => {
        const request = requesting()
        bed.answer(request, { type: Type.Ack, yiaddr: OFFERED, options: usual, ...change })
        expect(bed.client.state).toBe(DhcpState.Requesting)
    })

    test("an ACK that does not say whose it is (RFC 2131, table 3) is that of who offered: it is asked to renew", () => {
        const request = requesting()
        bed.answer(request, { type: Type.Ack, yiaddr: OFFERED, options: usual.slice(6) })
        bed.pass(10_000)
        expect([bed.address, bed.client.state]).toEqual([OFFERED, DhcpState.Bound])
        const renewal = bed.pass(HOUR / 2).says(Type.Request)
        expect([renewal.to, bed.client.state]).toEqual([SERVER.ip, DhcpState.Renewing])
        bed.answer(renewal, { type: Type.Ack, yiaddr: OFFERED, options: usual.slice(6) })
        expect(bed.client.state).toBe(DhcpState.Bound)
        expect(bed.pass(HOUR / 2).says(Type.Request).to).toBe(SERVER.ip)
    })

    test("NAK: it begins anew after a second, with another xid", () => {
        const request = requesting()
        bed.answer(request, { type: Type.Nak, options: server })
        bed.pass(999).quiet()
        const discover = bed.pass(1).says(Type.Discover)
        expect(discover.xid).not.toBe(request.xid)
        expect(discover.options[50]).toBeUndefined()
    })

    test.each([
        ["another server's", addresses(54, OTHER.ip)],
        ["nobody's", []],
    ])("a NAK of %s is none", (_, options) => {
        const request = requesting()
        bed.answer(request, { type: Type.Nak, options })
        expect(bed.client.state).toBe(DhcpState.Requesting)
    })
})

// ---------------------------------------------------------------- The address is probed for
describe("ARP (4.4.1, RFC 5227)", () => {
    const acknowledged = () => {
        fresh().guard.probes = 3
        bed.start()
        for (const type of [Type.Offer, Type.Ack])
            bed.answer(bed.said.pop()!, { type, yiaddr: OFFERED, options: usual })
        return bed
    }

    test("probed for before it is used, then announced", () => {
        acknowledged().pass(10_000)
        expect(bed.asked.map(({ sender }) => sender)).toEqual([
            "0.0.0.0",
            "0.0.0.0",
            "0.0.0.0",
            OFFERED,
            OFFERED,
        ])
        expect(new Set(bed.asked.map(({ target }) => target))).toEqual(new Set([OFFERED]))
        expect([bed.address, bed.had]).toEqual([OFFERED, [OFFERED]])
        expect(bed.quiet().client.state).toBe(DhcpState.Bound)
    })

    test("somebody has it: DECLINE, nothing for ten seconds, then another", () => {
        acknowledged().pass(1500)
        bed.hears(OFFERED, "10.0.0.9")
        const decline = bed.says(Type.Decline)
        expect(decline).toMatchObject({ from: "0.0.0.0", to: "255.255.255.255", ciaddr: "0.0.0.0" })
        expect(decline.options).toEqual({ 53: [4], 50: [10, 0, 0, 77], 54: [10, 0, 0, 1] })
        bed.pass(9_999).quiet()
        const discover = bed.pass(1).says(Type.Discover)
        expect([discover.options[50], bed.had, bed.address]).toEqual([undefined, [], "0.0.0.0"])
    })

    test("somebody takes it later: defended once, then declined, and connections end", () => {
        fresh().bind()
        const id = connect(bed.host.stack, ip("10.0.0.9"), 80, 0, bed.now)
        bed.poll().hears(OFFERED, "10.0.0.9")
        expect(bed.asked.at(-1)).toMatchObject({ sender: OFFERED, target: OFFERED })
        bed.pass(SECOND).hears(OFFERED, "10.0.0.9")
        bed.says(Type.Decline)
        expect([bed.address, bed.had]).toEqual(["0.0.0.0", [OFFERED, "0.0.0.0"]])
        expect(stateOf(bed.host.stack, id)).toBe(State.Closed)
        bed.pass(10 * SECOND).says(Type.Discover)
    })
})

// ---------------------------------------------------------------- BOUND, RENEWING, REBINDING
describe("the lease", () => {
    const since = (request: Message) => (bed.now - request.at) / SECOND

    test("half of it is over: the server is asked, from address to address (4.4.5)", () => {
        const first = fresh().bind()
        bed.pass(first.at + HOUR / 2 - bed.now - 1).quiet()
        const request = bed.pass(1).says(Type.Request)
        expect(request).toMatchObject({
            from: OFFERED,
            to: SERVER.ip,
            mac: SERVER.mac,
            ciaddr: OFFERED,
            broadcast: false,
        })
        expect(request.options).toEqual({ 53: [3], 55: [1, 3, 6, 42] })
        expect(request.xid).not.toBe(first.xid)
        const us = { ip: OFFERED, mac: US }
        bed.answer(request, { type: Type.Ack, yiaddr: OFFERED, options: usual }, SERVER, us)
        expect(bed.client.state).toBe(DhcpState.Bound)
        bed.pass(HOUR / 2 - 1).quiet()
        bed.pass(1).says(Type.Request)
        expect(bed.had).toEqual([OFFERED, OFFERED])
    })

    test("times of the server's own (58, 59)", () => {
        const first = fresh().bind([...usual, ...time(58, 600), ...time(59, 1200)])
        bed.pass(2000 * SECOND)
        const [renewal] = bed.said
        const rebinding = bed.said.find(message => message.to === "255.255.255.255")!
        expect([renewal!.at - first.at, rebinding.at - first.at]).toEqual([600 * SECOND, 1200 * SECOND])
        bed.said = []
    })

    test.each([
        ["T1 behind T2", [...time(58, 1200), ...time(59, 600)]],
        ["T2 behind the end", [...time(58, 600), ...time(59, 3600)]],
        ["T1 of 0", [...time(58, 0), ...time(59, 1200)]],
        ["T1 beyond all numbers", [...time(58, 0xffffffff), ...time(59, 1200)]],
        ["T1 alone", time(58, 600)],
    ])("%s: half and seven eighths after all", (_, times) => {
        const first = fresh().bind([...usual, ...times])
        bed.pass(HOUR - 60 * SECOND)
        const [renewal] = bed.said
        const rebinding = bed.said.find(message => message.to === "255.255.255.255")!
        expect([renewal!.at - first.at, rebinding.at - first.at]).toEqual([HOUR / 2, (HOUR * 7) / 8])
        bed.said = []
    })

    test("nobody answers: asked at half of the time left, at most once a minute; at the end the address goes", () => {
        const first = fresh().bind()
        const id = connect(bed.host.stack, ip("10.0.0.9"), 80, 0, bed.now)
        bed.pass(first.at + HOUR - bed.now - 1)
        const asked = bed.said.splice(0)
        expect(asked.map(message => Math.round((message.at - first.at) / SECOND))).toEqual([
            1800, 2475, 2812, 2981, 3065, 3125, 3150, 3375, 3487, 3547,
        ])
        expect(asked.map(({ from, to }) => [from, to].join())).toEqual([
            ...new Array(6).fill(`${OFFERED},${SERVER.ip}`),
            ...new Array(4).fill(`${OFFERED},255.255.255.255`),
        ])
        expect(bed.address).toBe(OFFERED)
        bed.pass(1)
        const discover = bed.says(Type.Discover)
        expect([since(first), bed.address, bed.had]).toEqual([3600, "0.0.0.0", [OFFERED, "0.0.0.0"]])
        expect(discover.options[50]).toEqual([10, 0, 0, 77])
        expect(stateOf(bed.host.stack, id)).toBe(State.Closed)
        expect([bed.client.dns, bed.client.dns2, bed.client.ntp]).toEqual([0, 0, 0])
    })

    test("REBINDING: any server's ACK will do", () => {
        fresh().bind()
        bed.pass(HOUR - 200 * SECOND)
        const request = bed.said.pop()!
        expect(request.to).toBe("255.255.255.255")
        bed.said = []
        const options = [...usual.slice(6), ...addresses(54, OTHER.ip)]
        bed.answer(request, { type: Type.Ack, yiaddr: OFFERED, options }, OTHER)
        expect(bed.client.state).toBe(DhcpState.Bound)
        const next = bed.pass(HOUR / 2).says(Type.Request)
        expect(next.to).toBe(OTHER.ip)
        expect(next.mac).toBe(OTHER.mac)
    })

    test("NAK while renewing: the address goes at once, connections with it", () => {
        fresh().bind()
        const id = connect(bed.host.stack, ip("10.0.0.9"), 80, 0, bed.now)
        const request = bed.pass(HOUR / 2).says(Type.Request)
        bed.answer(request, { type: Type.Nak, options: server })
        expect([bed.address, stateOf(bed.host.stack, id)]).toEqual(["0.0.0.0", State.Closed])
        const discover = bed.pass(SECOND).says(Type.Discover)
        expect(discover.options[50]).toBeUndefined()
    })

    test("an ACK that nobody asked for changes nothing", () => {
        const first = fresh().bind()
        const options = [...server, ...time(51, 60), ...addresses(6, "6.6.6.6")]
        bed.answer(first, { type: Type.Ack, yiaddr: OFFERED, options })
        bed.answer(first, { type: Type.Nak, options: server })
        expect([bed.client.dropped, bed.address, ipv4Text(bed.client.dns)]).toEqual([2, OFFERED, "10.0.0.1"])
    })

    test.each([
        ["for ever", 0xffffffff],
        ["for 100 years", 100 * 365 * 86400],
        ["for 40 days", 40 * 86400],
    ])("%s", (_, seconds) => {
        const first = fresh().bind([...server, ...time(51, seconds), ...addresses(1, "255.255.255.0")])
        bed.pass(20 * 86400 * SECOND - 20_000)
        bed.quiet()
        // milliseconds have passed all that a number holds
        bed.pass(60 * 86400 * SECOND)
        if (seconds > 80 * 86400) {
            bed.quiet()
            expect(bed.address).toBe(OFFERED)
        } else {
            expect(bed.said[0]!.at - first.at).toBe((seconds / 2) * SECOND)
            expect(bed.address).toBe("0.0.0.0")
            bed.said = []
        }
    })
})

// ---------------------------------------------------------------- INIT-REBOOT
describe("the cable comes back", () => {
    const plug = () => {
        bed.client.linkUp(bed.now)
        return bed.poll()
    }

    test("before there was an address: asked anew at once", () => {
        fresh()
            .start()
            .pass(40 * SECOND)
        bed.said = []
        plug().says(Type.Discover)
        bed.pass(5 * SECOND).says(Type.Discover)
    })

    test("whether the address is still good is asked; meanwhile it stays (3.2, 4.3.2)", () => {
        fresh().bind()
        const id = connect(bed.host.stack, ip("10.0.0.9"), 80, 0, bed.now)
        bed.poll()
        const request = plug().says(Type.Request)
        expect(request).toMatchObject({ ciaddr: "0.0.0.0", from: "0.0.0.0", broadcast: true })
        expect(request.options).toMatchObject({ 50: [10, 0, 0, 77] })
        expect(request.options[54]).toBeUndefined()
        expect(bed.address).toBe(OFFERED)
        bed.answer(request, { type: Type.Ack, yiaddr: OFFERED, options: usual })
        expect([bed.client.state, stateOf(bed.host.stack, id)]).toEqual([DhcpState.Bound, State.SynSent])
        expect(bed.asked.splice(0)).toMatchObject([
            { target: "10.0.0.9" },
            { sender: OFFERED, target: OFFERED },
        ])
        bed.pass(HOUR / 2 - 1).quiet()
    })

    test("another network: NAK, and all over again", () => {
        fresh().bind()
        const request = plug().says(Type.Request)
        bed.answer(request, { type: Type.Nak, options: addresses(54, OTHER.ip) }, OTHER)
        expect(bed.address).toBe("0.0.0.0")
        bed.pass(SECOND).says(Type.Discover)
    })

    test("nobody answers: it is used for the rest of its lease", () => {
        const first = fresh().bind()
        plug().pass(40 * SECOND)
        expect(bed.said.splice(0).map(message => message.type)).toEqual([3, 3, 3])
        expect([bed.client.state, bed.address]).toEqual([DhcpState.Bound, OFFERED])
        bed.pass(first.at + HOUR / 2 - bed.now)
        expect(bed.says(Type.Request).to).toBe(SERVER.ip)
    })

    test("the lease is over meanwhile", () => {
        fresh().bind()
        bed.pass(HOUR - 50 * SECOND)
        bed.said = []
        plug().pass(60 * SECOND)
        expect(bed.address).toBe("0.0.0.0")
        expect(bed.said.at(-1)!.type).toBe(Type.Discover)
        bed.said = []
    })

    test("switched off: nothing", () => {
        fresh().bind()
        bed.client.stop(bed.now)
        plug().pass(HOUR).quiet()
        expect(bed.address).toBe("0.0.0.0")
        bed.start().says(Type.Discover)
    })
})

// ---------------------------------------------------------------- Fallback
describe("fallback", () => {
    const withFallback = () => {
        const { client } = fresh()
        client.fallbackIp = ip("10.0.0.50")
        client.fallbackNetmask = ip("255.255.255.0")
        client.fallbackGateway = ip("10.0.0.254")
        return bed.start()
    }

    test("after three questions the address of its own is used, and asking goes on", () => {
        withFallback().pass(26 * SECOND)
        expect(bed.address).toBe("0.0.0.0")
        bed.pass(10 * SECOND)
        expect([bed.address, ipv4Text(bed.host.stack.gateway)]).toEqual(["10.0.0.50", "10.0.0.254"])
        bed.said = []
        const discover = bed.pass(40 * SECOND).says(Type.Discover)
        expect(discover).toMatchObject({ from: "0.0.0.0", ciaddr: "0.0.0.0" })
        bed.answer(discover, { type: Type.Offer, yiaddr: OFFERED, options: usual })
        bed.answer(bed.says(Type.Request), { type: Type.Ack, yiaddr: OFFERED, options: usual })
        bed.pass(10 * SECOND)
        expect([bed.address, bed.had]).toEqual([OFFERED, ["10.0.0.50", OFFERED]])
    })

    test("somebody else has it: it is not used", () => {
        withFallback()
        while (bed.guard.state !== GuardState.Probing) bed.pass(100)
        bed.hears("10.0.0.50", "10.0.0.9")
        bed.pass(100 * SECOND)
        expect([bed.address, bed.had]).toEqual(["0.0.0.0", []])
        expect(bed.said.every(message => message.type === Type.Discover)).toBe(true)
        bed.said = []
    })

    test("a NAK to what was asked for meanwhile leaves it alone", () => {
        withFallback().pass(60 * SECOND)
        const discover = bed.said.pop()!
        bed.said = []
        bed.answer(discover, { type: Type.Offer, yiaddr: OFFERED, options: usual })
        bed.answer(bed.says(Type.Request), { type: Type.Nak, options: server })
        expect(bed.address).toBe("10.0.0.50")
        bed.pass(SECOND).says(Type.Discover)
    })
})

tsharkAgrees("dhcp")
