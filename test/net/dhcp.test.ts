// How the DHCP client gets an address: RFC 2131 by its states, RFC 2132's options.

import { Buffer } from "@devicescript/core"
import { afterEach, describe, expect, test } from "vitest"
import { ipv4Text } from "../../src/net/address"
import { DhcpState } from "../../src/net/dhcp"
import { type Answer, addresses, option, serverFrame, Type, time, writeAnswer } from "../support/dhcp"
import { broadcastMac } from "../support/frames"
import { tsharkAgrees } from "../support/tshark"
import {
    DhcpBed,
    EVERYBODY,
    HOUR,
    type Message,
    OFFERED,
    OTHER,
    ROUTER,
    SECOND,
    SERVER,
    server,
    US,
    usual,
} from "./dhcp-bed"

let bed: DhcpBed
const fresh = () => {
    bed = new DhcpBed()
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

tsharkAgrees("dhcp")
