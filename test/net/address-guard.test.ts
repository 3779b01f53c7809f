// Probes, announcements and defence of the address (RFC 5227), and connections when it changes.

import { describe, expect, test } from "vitest"
import type { ArpView } from "../../sim/view/dissect"
import { AddressGuard, GuardState } from "../../src/net/address-guard"
import { findNeighbour } from "../../src/net/arp"
import { changeAddress } from "../../src/net/change-address"
import { Endpoints } from "../../src/net/endpoint-table"
import { UdpSocket } from "../../src/net/udp-socket"
import { listen, write } from "../../src/tcp/calls"
import { Bench } from "../support/bench"
import { type ArpFields, arp, broadcastMac, ethernet } from "../support/frames"
import { bytes, ip } from "../support/host"
import { Peer } from "../support/peer"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const OTHER = "02:00:00:00:01:02"
const NOBODY = "00:00:00:00:00:00"
const OURS = "10.0.0.1"

function bed(change: (guard: AddressGuard) => void = () => {}) {
    const bench = new Bench({}, { arp: false })
    const told: string[] = []
    const endpoints = new Endpoints(bench.stack)
    const guard = new AddressGuard(endpoints)
    change(guard)
    const owner = {
        claimed: (now: number) => {
            told.push(`claimed ${now - 1000}`)
            changeAddress(bench.stack, ip(OURS), ip("255.255.255.0"), 0, now)
        },
        conflict: (now: number) => void told.push(`conflict ${now - 1000}`),
    }
    /** Drops the address, and claims it anew. */
    const claim = () => {
        changeAddress(bench.stack, 0, 0, 0, bench.now)
        guard.claim(ip(OURS), owner, bench.now)
    }
    const sent = () =>
        bench.others.splice(0).map(({ view, time }) => ({ ...(view as ArpView), at: time - 1000 }))
    const hear = (fields: Partial<ArpFields>) => {
        const whole = { operation: 1, senderMac: OTHER, senderIp: OURS, targetIp: "10.0.0.9", ...fields }
        bench.receive(ethernet(broadcastMac, whole.senderMac, 0x0806, arp(whole)))
    }
    return { bench, guard, told, owner, claim, sent, hear }
}

const probe = {
    operation: 1,
    destinationMac: broadcastMac,
    senderMac: US,
    senderIp: "0.0.0.0",
    targetMac: NOBODY,
    targetIp: OURS,
}
const announcement = { ...probe, senderIp: OURS }

describe("the address guard and a free address", () => {
    test("a free address: three probes, two seconds, two announcements (RFC 5227 section 1.1), then silence", () => {
        const { bench, claim, told, sent, guard } = bed()
        claim()
        bench.pass(60_000)
        const all = sent()
        expect(all).toMatchObject([probe, probe, probe, announcement, announcement])
        const [first, second, third, fourth, fifth] = all.map(view => view.at) as [
            number,
            number,
            number,
            number,
            number,
        ]
        expect(first).toBeLessThan(1000)
        for (const gap of [second - first, third - second]) {
            expect(gap).toBeGreaterThanOrEqual(1000)
            expect(gap).toBeLessThan(2000)
        }
        expect([fourth - third, fifth - fourth]).toEqual([2000, 2000])
        expect(told).toEqual([`claimed ${fourth}`])
        expect(guard.state).toBe(GuardState.Holding)
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
    })

    test("a guard with one probe claims the address within 3 s, with none within 1 s", () => {
        const { bench, claim, told, sent, guard } = bed()
        for (const [probes, count, most] of [
            [1, 3, 3000],
            [0, 2, 1000],
        ] as const) {
            guard.probes = probes
            const start = bench.now
            claim()
            bench.pass(most)
            expect(told.length).toBe(1)
            bench.pass(5000)
            expect(sent().length).toBe(count)
            expect(Number(told.pop()!.split(" ")[1]) + 1000 - start).toBeLessThanOrEqual(most)
        }
    })

    test("announce() of an address in use sends two announcements and no probe", () => {
        const { bench, guard, owner, sent, told } = bed()
        guard.announce(ip(OURS), owner, bench.now)
        bench.pass(10_000)
        expect(sent()).toMatchObject([
            { ...announcement, at: 0 },
            { ...announcement, at: 2000 },
        ])
        expect(told).toEqual([])
    })
})

describe("the address guard while it probes", () => {
    test.each([
        ["an ARP reply from the address", { operation: 2, targetIp: "0.0.0.0" }],
        ["an ARP request from the address", { targetIp: "10.0.0.7" }],
        ["an announcement of the address", { targetIp: OURS }],
        ["another host's probe (2.1.1)", { senderIp: "0.0.0.0", targetIp: OURS }],
    ] as [string, Partial<ArpFields>][])(
        "%s during the probes: the conflict is reported and the address is not taken",
        (_, fields) => {
            const { bench, claim, told, sent, hear, guard } = bed()
            claim()
            bench.pass(1500)
            const before = sent().length
            hear(fields)
            expect(told).toEqual(["conflict 1500"])
            bench.pass(60_000)
            expect(before).toBeGreaterThan(0)
            expect(sent()).toEqual([])
            expect([guard.state, guard.conflicts, bench.stack.ip]).toEqual([GuardState.Idle, 1, 0])
        }
    )

    test.each([
        ["a probe for another address", { senderIp: "0.0.0.0", targetIp: "10.0.0.7" }],
        ["an ARP reply from 0.0.0.0", { operation: 2, senderIp: "0.0.0.0", targetIp: OURS }],
        ["an ARP request for the address from another", { senderIp: "10.0.0.7", targetIp: OURS }],
        ["our own probe, back from the wire", { senderMac: US, senderIp: "0.0.0.0", targetIp: OURS }],
        ["a claim from a multicast Ethernet address", { senderMac: "03:00:00:00:00:01" }],
        ["a malformed ARP packet", { operation: 9 }],
    ] as [string, Partial<ArpFields>][])(
        "%s during the probes: no conflict, and the address is claimed",
        (_, fields) => {
            const { bench, claim, told, hear } = bed()
            claim()
            bench.pass(1500)
            hear(fields)
            bench.pass(10_000)
            expect(told).toMatchObject([expect.stringMatching(/^claimed/)])
        }
    )
})

describe("the address guard of a claimed address", () => {
    const held = (change?: (guard: AddressGuard) => void) => {
        const all = bed(change)
        all.claim()
        all.bench.pass(20_000)
        all.sent()
        all.told.splice(0)
        return all
    }

    test("a second conflict after ten seconds is defended, within ten it gives up the address (2.4 b)", () => {
        const { hear, sent, told, bench, guard } = held()
        hear({})
        expect(sent()).toMatchObject([announcement])
        bench.pass(10_000)
        hear({})
        expect(sent()).toMatchObject([announcement])
        expect(told).toEqual([])
        bench.pass(9_999)
        hear({ operation: 2 })
        expect(sent()).toEqual([])
        expect(told).toEqual([`conflict ${bench.now - 1000}`])
        hear({})
        expect([told.length, guard.state]).toEqual([1, GuardState.Idle])
    })

    test("a guard that keeps its address defends it once in ten seconds and never gives up (2.4 c)", () => {
        const { hear, sent, told, bench, guard } = held(g => {
            g.keeps = true
        })
        for (let i = 0; i < 10; i++) {
            hear({})
            bench.pass(3000)
        }
        expect(sent().map(view => view.senderIp)).toEqual([OURS, OURS, OURS])
        expect([told, guard.conflicts]).toEqual([[], 10])
    })

    test("a host that claims our address gets no ARP entry, and its probe gets a reply", () => {
        const { hear, sent, told, bench } = held()
        hear({})
        expect(findNeighbour(bench.stack, ip(OURS))).toBe(-1)
        sent()
        hear({ senderIp: "0.0.0.0", targetIp: OURS })
        expect(sent()).toMatchObject([{ operation: 2, senderIp: OURS, targetIp: "0.0.0.0" }])
        expect(told).toEqual([])
    })

    test("a released address is not defended", () => {
        const { hear, sent, told, guard } = held()
        guard.release()
        hear({})
        expect([sent(), told]).toEqual([[], []])
    })
})

// ---------------------------------------------------------------- Another address
describe("changeAddress()", () => {
    test("changeAddress() to another address ends connections without a segment and keeps listeners", () => {
        const bench = new Bench()
        const peer = new Peer(bench).connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        const half = new Peer(bench, { port: 4001 }).listens().sends("S 0")
        half.gets("S. 0 ack 1 <mss 1460>")
        write(bench.stack, peer.id, bytes("unsent"), 0, 6)
        changeAddress(bench.stack, ip("10.0.0.7"), ip("255.255.255.0"), 0, bench.now)
        expect(bench.others.length).toBe(0)
        peer.gets().failed("EHOSTUNREACH")
        expect([bench.stack.halvesEnd, bench.stack.waitsEnd]).toEqual([0, 0])
        expect(listen(bench.stack, half.localPort, 1)).toBeLessThan(0)
    })

    test("changeAddress() to another router keeps the connections", () => {
        const bench = new Bench()
        const peer = new Peer(bench).connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        changeAddress(bench.stack, bench.stack.ip, ip("255.255.255.0"), ip("10.0.0.254"), bench.now)
        peer.is("ESTABLISHED")
        expect(bench.stack.gateway).toBe(ip("10.0.0.254"))
    })
})

// ---------------------------------------------------------------- Aging
describe("an ARP entry that is five minutes old", () => {
    /** Returns the number of ARP packets sent in `ms`, while `say` sends something every 20 seconds. */
    const asked = (bench: Bench, ms: number, say: () => void): number => {
        const before = bench.host.sent.length
        const end = bench.now + ms
        while (bench.now < end) {
            say()
            bench.pass(20_000)
        }
        return bench.host.sent.splice(before).filter(frame => frame[12] === 8 && frame[13] === 6).length
    }

    test("an ARP entry kept in use by sent datagrams only is resolved anew after five minutes", () => {
        const bench = new Bench()
        new Peer(bench)
        const socket = new UdpSocket(new Endpoints(bench.stack), 64, 64)
        socket.bind(0)
        const say = () => void socket.sendTo(ip("10.0.0.2"), 7, bytes("x"), 0, 1)
        expect(asked(bench, 299_000, say)).toBe(0)
        expect(asked(bench, 299_000, say)).toBe(1)
        expect(socket.error).toBe(0)
    })

    test("an ARP entry kept in use by segments only is resolved anew after five minutes", () => {
        const bench = new Bench()
        const peer = new Peer(bench).connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        let next = 1
        const say = () => {
            write(bench.stack, peer.id, bytes("x"), 0, 1)
            bench.pass(100)
            next++
            expect(peer.seen.splice(0).length).toBe(1)
            peer.sends(`. 1 ack ${next}`)
        }
        expect(asked(bench, 299_000, say)).toBe(0)
        expect(asked(bench, 310_000, say)).toBe(1)
        peer.is("ESTABLISHED")
    })

    test("an ARP entry whose host sends ARP requests is not resolved anew", () => {
        const bench = new Bench()
        const peer = new Peer(bench)
        const socket = new UdpSocket(new Endpoints(bench.stack), 64, 64)
        socket.bind(0)
        const say = () => {
            bench.introduce(peer.ip, peer.mac)
            socket.sendTo(ip("10.0.0.2"), 7, bytes("x"), 0, 1)
        }
        // all that is sent in return are ARP replies
        const answers = 60
        expect(asked(bench, answers * 20_000, say)).toBe(answers)
    })
})

tsharkAgrees()
