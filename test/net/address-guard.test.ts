// Probes, announcements and defence of the address: RFC 5227. And what becomes of connections when it changes.

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
    /** Begins without an address. */
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

describe("an address nobody has", () => {
    test("three probes, two seconds, two announcements (section 1.1), then quiet", () => {
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

    test("with one probe it is quicker, with none at once", () => {
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

    test("one that this host has already is announced", () => {
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

describe("while it is probed for", () => {
    test.each([
        ["somebody answers", { operation: 2, targetIp: "0.0.0.0" }],
        ["somebody asks from it", { targetIp: "10.0.0.7" }],
        ["somebody announces it", { targetIp: OURS }],
        ["somebody else probes for it (2.1.1)", { senderIp: "0.0.0.0", targetIp: OURS }],
    ] as [string, Partial<ArpFields>][])("%s: it is not taken", (_, fields) => {
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
    })

    test.each([
        ["a probe for another address", { senderIp: "0.0.0.0", targetIp: "10.0.0.7" }],
        ["an answer that is a probe by its sender", { operation: 2, senderIp: "0.0.0.0", targetIp: OURS }],
        ["somebody who asks for it, as a host does", { senderIp: "10.0.0.7", targetIp: OURS }],
        ["its own probe, back from the wire", { senderMac: US, senderIp: "0.0.0.0", targetIp: OURS }],
        ["a sender that can be none", { senderMac: "03:00:00:00:00:01" }],
        ["what is malformed", { operation: 9 }],
    ] as [string, Partial<ArpFields>][])("%s is no conflict", (_, fields) => {
        const { bench, claim, told, hear } = bed()
        claim()
        bench.pass(1500)
        hear(fields)
        bench.pass(10_000)
        expect(told).toMatchObject([expect.stringMatching(/^claimed/)])
    })
})

describe("once it is ours", () => {
    const held = (change?: (guard: AddressGuard) => void) => {
        const all = bed(change)
        all.claim()
        all.bench.pass(20_000)
        all.sent()
        all.told.splice(0)
        return all
    }

    test("it is defended once in ten seconds (2.4 b), and given up at the second conflict", () => {
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

    test("one that a person has chosen is kept, and still defended no more often (2.4 c)", () => {
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

    test("who has it is not taken for a neighbour, and a probe for it is answered", () => {
        const { hear, sent, told, bench } = held()
        hear({})
        expect(findNeighbour(bench.stack, ip(OURS))).toBe(-1)
        sent()
        hear({ senderIp: "0.0.0.0", targetIp: OURS })
        expect(sent()).toMatchObject([{ operation: 2, senderIp: OURS, targetIp: "0.0.0.0" }])
        expect(told).toEqual([])
    })

    test("released: nobody defends it", () => {
        const { hear, sent, told, guard } = held()
        guard.release()
        hear({})
        expect([sent(), told]).toEqual([[], []])
    })
})

// ---------------------------------------------------------------- Another address
describe("the address changes", () => {
    test("connections end, without a word to the peer; listeners stay", () => {
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

    test("the same address with another router: they stay", () => {
        const bench = new Bench()
        const peer = new Peer(bench).connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        changeAddress(bench.stack, bench.stack.ip, ip("255.255.255.0"), ip("10.0.0.254"), bench.now)
        peer.is("ESTABLISHED")
        expect(bench.stack.gateway).toBe(ip("10.0.0.254"))
    })
})

// ---------------------------------------------------------------- Aging
describe("a neighbour that has not been heard of for five minutes is asked for anew", () => {
    /** How often it was asked for, when something is sent every 20 seconds for so long. */
    const asked = (bench: Bench, ms: number, say: () => void): number => {
        const before = bench.host.sent.length
        const end = bench.now + ms
        while (bench.now < end) {
            say()
            bench.pass(20_000)
        }
        return bench.host.sent.splice(before).filter(frame => frame[12] === 8 && frame[13] === 6).length
    }

    test("however many datagrams are sent to it", () => {
        const bench = new Bench()
        new Peer(bench)
        const socket = new UdpSocket(new Endpoints(bench.stack), 64, 64)
        socket.bind(0)
        const say = () => void socket.sendTo(ip("10.0.0.2"), 7, bytes("x"), 0, 1)
        expect(asked(bench, 299_000, say)).toBe(0)
        expect(asked(bench, 299_000, say)).toBe(1)
        expect(socket.error).toBe(0)
    })

    test("however many segments", () => {
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

    test("and not when it asks for us meanwhile", () => {
        const bench = new Bench()
        const peer = new Peer(bench)
        const socket = new UdpSocket(new Endpoints(bench.stack), 64, 64)
        socket.bind(0)
        const say = () => {
            bench.introduce(peer.ip, peer.mac)
            socket.sendTo(ip("10.0.0.2"), 7, bytes("x"), 0, 1)
        }
        // what is sent in return is an answer
        const answers = 60
        expect(asked(bench, answers * 20_000, say)).toBe(answers)
    })
})

tsharkAgrees()
