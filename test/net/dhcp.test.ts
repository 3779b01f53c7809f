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

/** A stack whose address comes from servers that the test plays. No host answers ARP for the address unless a test plays one. */
class Bed {
    readonly host = new Host("10.0.0.50")
    readonly endpoints = new Endpoints(this.host.stack)
    readonly guard = new AddressGuard(this.endpoints)
    readonly client = new DhcpClient(this.endpoints, this.guard)
    now = 1000
    /** DHCP messages that the client sent and no test has looked at, and the ARP requests it sent. */
    said: Message[] = []
    asked: { sender: string; target: string; at: number }[] = []
    /** Addresses the stack had, in their order. */
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
                // servers answer ARP at once
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

    /** Hands an ARP packet from `sender` to the stack. */
    hears(sender: string, target: string, operation = 1): this {
        const senderMac = `02:00:00:00:01:0${sender.at(-1)}`
        const fields = { operation, senderMac, senderIp: sender, targetIp: target }
        return this.receive(ethernet(broadcastMac, fields.senderMac, 0x0806, arp(fields)))
    }

    /** Takes the one message that the client has sent. */
    says(type: number): Message {
        expect(this.said.map(message => message.type)).toEqual([type])
        return this.said.pop()!
    }

    quiet(): this {
        expect(this.said).toEqual([])
        return this
    }

    /** Hands a server's answer to the message to the stack. */
    answer(to: Said, answer: Partial<Answer>, from = SERVER, where = EVERYBODY): this {
        return this.receive(
            serverFrame(from, where, writeAnswer({ xid: to.xid, chaddr: to.chaddr, ...answer }))
        )
    }

    /** Goes to BOUND, with a server that has these options. */
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
// no test leaves a frame to be sent
afterEach(() => expect(bed.host.poll(bed.now)).toEqual([]))

// ---------------------------------------------------------------- INIT and SELECTING
describe("DHCP in INIT and SELECTING", () => {
    test("the DHCPDISCOVER is broadcast from 0.0.0.0 and requests the options that the device uses", () => {
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

    test("DHCPDISCOVER without a reply is sent again after 4 to 64 s, one xid (RFC 2131 section 4.1)", () => {
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

    test("ten new DHCP clients use ten different xids", () => {
        const xids = Array.from({ length: 10 }, () => fresh().start().says(Type.Discover).xid)
        expect(new Set(xids).size).toBe(10)
    })

    test("the first usable DHCPOFFER is requested, a second one ignored", () => {
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
    test.each(unusable)("a DHCPOFFER with %s is ignored", (_, change) => {
        const discover = fresh().start().says(Type.Discover)
        bed.answer(discover, { ...offer, ...change }).quiet()
        expect([bed.client.dropped, bed.client.state]).toEqual([1, DhcpState.Selecting])
    })

    test("a DHCPOFFER with a lease of 10 seconds is requested", () => {
        const discover = fresh().start().says(Type.Discover)
        bed.answer(discover, { ...offer, options: [...server, ...time(51, 10)] })
        bed.says(Type.Request)
    })

    test("offer and ACK sent to the offered address are taken, though broadcast was requested (4.1)", () => {
        const discover = fresh().start().says(Type.Discover)
        const itself = { ip: OFFERED, mac: US }
        // to another Ethernet address, or from another port
        bed.answer(discover, offer, SERVER, { ip: OFFERED, mac: OTHER.mac }).quiet()
        const message = writeAnswer({ ...offer, xid: discover.xid, chaddr: US })
        bed.receive(serverFrame(SERVER, itself, message, { sourcePort: 67, destinationPort: 69 })).quiet()
        bed.answer(discover, offer, SERVER, itself)
        bed.answer(bed.says(Type.Request), { ...offer, type: Type.Ack }, SERVER, itself)
        bed.pass(10_000)
        expect([bed.address, bed.client.state]).toEqual([OFFERED, DhcpState.Bound])
        // with an address only messages to it are taken
        bed.client.linkUp(bed.now)
        const again = bed.poll().says(Type.Request)
        bed.answer(again, { ...offer, type: Type.Ack }, SERVER, itself)
        expect(bed.client.state).toBe(DhcpState.Bound)
        const { dropped } = bed.client
        bed.answer(again, { ...offer, type: Type.Ack }, SERVER, { ip: "10.0.0.99", mac: US })
        expect(bed.client.dropped).toBe(dropped)
    })

    test("a DHCPOFFER from another port than 67 is ignored", () => {
        const discover = fresh().start().says(Type.Discover)
        const message = writeAnswer({ ...offer, xid: discover.xid, chaddr: US })
        const ports = { sourcePort: 68, destinationPort: 68 }
        bed.receive(serverFrame(SERVER, EVERYBODY, message, ports)).quiet()
    })

    test("a DHCPOFFER cut short at any length is ignored", () => {
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
describe("DHCP options", () => {
    /** Returns what the stack and the client have set once they are bound with these options. */
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
    ])(
        "the options of a lease, %s: address, mask, router and servers as expected",
        (_, options, expected) => {
            expect(boundWith(options)).toEqual(expected)
        }
    )

    const file = [...addresses(6, "10.0.0.1"), 255]
    const sname = [...mask, ...addresses(3, "10.0.0.254")]
    test.each([
        ["none", 0, {}],
        ["the file's name (52 is 1)", 1, { dns: "10.0.0.1" }],
        ["the server's name (2)", 2, { netmask: "255.255.255.0", gateway: "10.0.0.254" }],
        ["both (3)", 3, { dns: "10.0.0.1", netmask: "255.255.255.0", gateway: "10.0.0.254" }],
    ])("option overload (52), %s: the options in these fields are read", (_, value, expected) => {
        expect(boundWith([...lease, ...option(52, value)], { file, sname })).toEqual({
            ...plain,
            ...expected,
        })
    })

    test("lease time and message type in overloaded fields are read", () => {
        fresh().start()
        const fields = { options: option(52, 3), file: [...option(53, 2), ...server], sname: time(51, 3600) }
        const discover = bed.says(Type.Discover)
        bed.answer(discover, { yiaddr: OFFERED, ...fields })
        bed.says(Type.Request)
    })

    test.each(["", "a b", "ä", "under_score", "x".repeat(33), "dot.ted"])(
        "setHostName(%j) is refused",
        name => {
            fresh()
            expect(bed.client.setHostName(name)).toBe(false)
        }
    )
})

// ---------------------------------------------------------------- REQUESTING
describe("DHCP in REQUESTING", () => {
    const requesting = () => {
        const discover = fresh().start().says(Type.Discover)
        bed.answer(discover, { type: Type.Offer, yiaddr: OFFERED, options: usual })
        return bed.says(Type.Request)
    }

    test("a DHCPREQUEST without an answer is sent four times in a minute, then DISCOVER (3.1.5)", () => {
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
        ["another server's identifier", { options: [...usual.slice(6), ...addresses(54, OTHER.ip)] }],
        ["no lease", { options: server }],
    ] as [string, Partial<Answer>][])("a DHCPACK with %s is ignored in REQUESTING", (_, change) => {
        const request = requesting()
        bed.answer(request, { type: Type.Ack, yiaddr: OFFERED, options: usual, ...change })
        expect(bed.client.state).toBe(DhcpState.Requesting)
    })

    test("a DHCPACK without a server identifier counts as that of the offering server, also for renewal", () => {
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

    test("a DHCPNAK: DHCPDISCOVER after a second, with another xid", () => {
        const request = requesting()
        bed.answer(request, { type: Type.Nak, options: server })
        bed.pass(999).quiet()
        const discover = bed.pass(1).says(Type.Discover)
        expect(discover.xid).not.toBe(request.xid)
        expect(discover.options[50]).toBeUndefined()
    })

    test.each([
        ["another server's identifier", addresses(54, OTHER.ip)],
        ["no server identifier", []],
    ])("a DHCPNAK with %s is ignored in REQUESTING", (_, options) => {
        const request = requesting()
        bed.answer(request, { type: Type.Nak, options })
        expect(bed.client.state).toBe(DhcpState.Requesting)
    })
})

// ---------------------------------------------------------------- The address is probed for
describe("DHCP and address conflicts (RFC 2131 section 4.4.1, RFC 5227)", () => {
    const acknowledged = () => {
        fresh().guard.probes = 3
        bed.start()
        for (const type of [Type.Offer, Type.Ack])
            bed.answer(bed.said.pop()!, { type, yiaddr: OFFERED, options: usual })
        return bed
    }

    test("a leased address is probed three times before use and announced twice", () => {
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

    test("a conflict while probing: DHCPDECLINE, ten seconds of silence, then DHCPDISCOVER", () => {
        acknowledged().pass(1500)
        bed.hears(OFFERED, "10.0.0.9")
        const decline = bed.says(Type.Decline)
        expect(decline).toMatchObject({ from: "0.0.0.0", to: "255.255.255.255", ciaddr: "0.0.0.0" })
        expect(decline.options).toEqual({ 53: [4], 50: [10, 0, 0, 77], 54: [10, 0, 0, 1] })
        bed.pass(9_999).quiet()
        const discover = bed.pass(1).says(Type.Discover)
        expect([discover.options[50], bed.had, bed.address]).toEqual([undefined, [], "0.0.0.0"])
    })

    test("a conflict in BOUND: one defence, then DHCPDECLINE, and the connections end", () => {
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
describe("DHCP leases", () => {
    const since = (request: Message) => (bed.now - request.at) / SECOND

    test("half of the lease is over: the server gets a unicast DHCPREQUEST (RFC 2131 section 4.4.5)", () => {
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

    test("the server's own T1 and T2 (options 58, 59) set the times of renewal and rebinding", () => {
        const first = fresh().bind([...usual, ...time(58, 600), ...time(59, 1200)])
        bed.pass(2000 * SECOND)
        const [renewal] = bed.said
        const rebinding = bed.said.find(message => message.to === "255.255.255.255")!
        expect([renewal!.at - first.at, rebinding.at - first.at]).toEqual([600 * SECOND, 1200 * SECOND])
        bed.said = []
    })

    test.each([
        ["T1 after T2", [...time(58, 1200), ...time(59, 600)]],
        ["T2 at the end of the lease", [...time(58, 600), ...time(59, 3600)]],
        ["T1 of 0", [...time(58, 0), ...time(59, 1200)]],
        ["T1 of 2^32 - 1", [...time(58, 0xffffffff), ...time(59, 1200)]],
        ["T1 without T2", time(58, 600)],
    ])("%s: renewal after half of the lease, rebinding after seven eighths", (_, times) => {
        const first = fresh().bind([...usual, ...times])
        bed.pass(HOUR - 60 * SECOND)
        const [renewal] = bed.said
        const rebinding = bed.said.find(message => message.to === "255.255.255.255")!
        expect([renewal!.at - first.at, rebinding.at - first.at]).toEqual([HOUR / 2, (HOUR * 7) / 8])
        bed.said = []
    })

    test("a renewal without an answer: requests at half of the time left, then the address goes", () => {
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

    test("a DHCPACK of another server in REBINDING renews the lease", () => {
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

    test("a DHCPNAK in RENEWING: the address and its connections are dropped at once", () => {
        fresh().bind()
        const id = connect(bed.host.stack, ip("10.0.0.9"), 80, 0, bed.now)
        const request = bed.pass(HOUR / 2).says(Type.Request)
        bed.answer(request, { type: Type.Nak, options: server })
        expect([bed.address, stateOf(bed.host.stack, id)]).toEqual(["0.0.0.0", State.Closed])
        const discover = bed.pass(SECOND).says(Type.Discover)
        expect(discover.options[50]).toBeUndefined()
    })

    test("a DHCPACK or DHCPNAK in BOUND is counted as dropped and changes nothing", () => {
        const first = fresh().bind()
        const options = [...server, ...time(51, 60), ...addresses(6, "6.6.6.6")]
        bed.answer(first, { type: Type.Ack, yiaddr: OFFERED, options })
        bed.answer(first, { type: Type.Nak, options: server })
        expect([bed.client.dropped, bed.address, ipv4Text(bed.client.dns)]).toEqual([2, OFFERED, "10.0.0.1"])
    })

    test.each([
        ["without end", 0xffffffff],
        ["of 100 years", 100 * 365 * 86400],
        ["of 40 days", 40 * 86400],
    ])("a lease %s keeps its times when milliseconds wrap", (_, seconds) => {
        const first = fresh().bind([...server, ...time(51, seconds), ...addresses(1, "255.255.255.0")])
        bed.pass(20 * 86400 * SECOND - 20_000)
        bed.quiet()
        // milliseconds have wrapped
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
describe("DHCP when the link comes up again", () => {
    const plug = () => {
        bed.client.linkUp(bed.now)
        return bed.poll()
    }

    test("link up before there was an address: DHCPDISCOVER at once", () => {
        fresh()
            .start()
            .pass(40 * SECOND)
        bed.said = []
        plug().says(Type.Discover)
        bed.pass(5 * SECOND).says(Type.Discover)
    })

    test("link up in BOUND: a DHCPREQUEST asks whether the address is valid, which stays (3.2, 4.3.2)", () => {
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

    test("link up in another network: a DHCPNAK, then DHCPDISCOVER", () => {
        fresh().bind()
        const request = plug().says(Type.Request)
        bed.answer(request, { type: Type.Nak, options: addresses(54, OTHER.ip) }, OTHER)
        expect(bed.address).toBe("0.0.0.0")
        bed.pass(SECOND).says(Type.Discover)
    })

    test("link up without an answer: the address is used for the rest of its lease", () => {
        const first = fresh().bind()
        plug().pass(40 * SECOND)
        expect(bed.said.splice(0).map(message => message.type)).toEqual([3, 3, 3])
        expect([bed.client.state, bed.address]).toEqual([DhcpState.Bound, OFFERED])
        bed.pass(first.at + HOUR / 2 - bed.now)
        expect(bed.says(Type.Request).to).toBe(SERVER.ip)
    })

    test("link up and no answer until the lease is over: the address goes", () => {
        fresh().bind()
        bed.pass(HOUR - 50 * SECOND)
        bed.said = []
        plug().pass(60 * SECOND)
        expect(bed.address).toBe("0.0.0.0")
        expect(bed.said.at(-1)!.type).toBe(Type.Discover)
        bed.said = []
    })

    test("link up on a stopped client sends nothing", () => {
        fresh().bind()
        bed.client.stop(bed.now)
        plug().pass(HOUR).quiet()
        expect(bed.address).toBe("0.0.0.0")
        bed.start().says(Type.Discover)
    })
})

// ---------------------------------------------------------------- Fallback
describe("DHCP fallback address", () => {
    const withFallback = () => {
        const { client } = fresh()
        client.fallbackIp = ip("10.0.0.50")
        client.fallbackNetmask = ip("255.255.255.0")
        client.fallbackGateway = ip("10.0.0.254")
        return bed.start()
    }

    test("three DHCPDISCOVERs without an answer: the fallback address is used and asking goes on", () => {
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

    test("a fallback address that another host has is not used", () => {
        withFallback()
        while (bed.guard.state !== GuardState.Probing) bed.pass(100)
        bed.hears("10.0.0.50", "10.0.0.9")
        bed.pass(100 * SECOND)
        expect([bed.address, bed.had]).toEqual(["0.0.0.0", []])
        expect(bed.said.every(message => message.type === Type.Discover)).toBe(true)
        bed.said = []
    })

    test("a DHCPNAK leaves a fallback address in use", () => {
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
