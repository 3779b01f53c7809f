// How the DHCP client keeps an address, loses it and goes on without: RFC 2131 sections 4.4.1 to 4.4.5, RFC 5227.

import { afterEach, describe, expect, test } from "vitest"
import { ipv4Text } from "../../src/net/address"
import { GuardState } from "../../src/net/address-guard"
import { DhcpState } from "../../src/net/dhcp"
import { connect, stateOf } from "../../src/tcp/calls"
import { State } from "../../src/tcp/records"
import { addresses, Type, time } from "../support/dhcp"
import { ip } from "../support/host"
import { tsharkAgrees } from "../support/tshark"
import { DhcpBed, HOUR, type Message, OFFERED, OTHER, SECOND, SERVER, server, US, usual } from "./dhcp-bed"

let bed: DhcpBed
const fresh = () => {
    bed = new DhcpBed()
    return bed
}
// no test leaves a frame to be sent
afterEach(() => expect(bed.host.poll(bed.now)).toEqual([]))

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
