// Frames that nobody would send: random ones, and sound ones with something changed, against a stack in every state. After each
// the tables are consistent (Bench looks at that), nothing was thrown, and transmit has come to its end.

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Random } from "../../sim/random"
import * as calls from "../../src/tcp/calls"
import { Bench } from "../support/bench"
import { arp, ethernet, icmp, ipv4, tcp, udp } from "../support/frames"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { cases } from "../support/property"
import {
    established,
    halfOpen,
    listening,
    newPeer,
    reach,
    type Setup,
    synchronizedStates,
    synReceived,
    synSent,
} from "../support/states"

const starts: [string, (setup: Setup) => Peer][] = [
    ["CLOSED", newPeer],
    ["LISTEN", listening],
    ["SYN-SENT", synSent],
    ["SYN-RECEIVED (passive)", halfOpen],
    ["SYN-RECEIVED (active)", synReceived],
    ...synchronizedStates.map(
        state => [state, (setup: Setup) => reach(state, setup)] as [string, (s: Setup) => Peer]
    ),
    [
        "ESTABLISHED with data in flight and unread",
        setup =>
            established(setup)
                .writes(500)
                .gets("P. 1(500) ack 1")
                .sends("P. 1(700) ack 1")
                .gets(". 501 ack 701"),
    ],
    [
        "ESTABLISHED with a shut window",
        setup => established(setup).sends(". 1 ack 1 win 0").gets().writes(300).gets(),
    ],
    [
        "LAST-ACK with data in flight",
        setup => reach("CLOSE-WAIT", setup).writes(9).gets("P. 1(9) ack 2").closes().gets("F. 10 ack 2"),
    ],
]

/** Everything the stack has sent is of no interest; that it was sound, Bench has looked at. */
function ignore(bench: Bench): void {
    for (const peer of bench.peers) peer.seen.length = 0
    bench.others.length = 0
    bench.host.sent.length = 0
}

/** Values that a field takes when it is up to mischief. */
function mischief(random: Random, around: number): number {
    const near = [
        0, 1, -1, 2, 5, -5, 300, 1023, 1024, 1025, -1024, 4096, -4097, 65_535, 0x7fff_ffff, -0x8000_0000,
    ]
    return (
        (around +
            (random.integer(8) === 0
                ? random.integer(0x1_0000_0000)
                : near[random.integer(near.length)]!)) >>>
        0
    )
}

/** A segment for the peer's connection, or nearly, with fields that may be anything. */
function segment(peer: Peer, random: Random): Uint8Array {
    const between = { source: peer.ip, destination: peer.bench.host.address }
    const letters = [..."SFRP.UEW"].filter(letter => random.integer(letter === "." ? 2 : 4) === 0).join("")
    const data = random.fill(new Uint8Array(random.integer(4) > 0 ? 0 : random.integer(1400)))
    const options = random.integer(3) > 0 ? [] : [...random.fill(new Uint8Array(4 * random.integer(11)))]
    const fields = {
        sourcePort: peer.port,
        destinationPort: peer.localPort,
        seq: mischief(random, peer.theirs + 1),
        ack: mischief(random, peer.ours + 1),
        flags: letters,
        window: random.integer(3) === 0 ? 0 : random.integer(65_536),
        urgent: random.integer(65_536),
        options,
    }
    return ethernet(
        peer.bench.mac,
        peer.mac,
        0x0800,
        ipv4({ ...between, protocol: 6 }, tcp(between, fields, data))
    )
}

/** Another kind of frame from the peer. */
function other(peer: Peer, random: Random): Uint8Array {
    const between = { source: peer.ip, destination: peer.bench.host.address }
    const bytes = random.fill(new Uint8Array(random.integer(200)))
    const wrap = (protocol: number, body: number[]) =>
        ethernet(peer.bench.mac, peer.mac, 0x0800, ipv4({ ...between, protocol }, body))
    switch (random.integer(6)) {
        case 0:
            return wrap(1, icmp(random.integer(20), random.integer(16), random.integer(0xffff_ffff), bytes))
        case 1: {
            const back = { source: peer.bench.host.address, destination: peer.ip }
            const ports = { sourcePort: peer.localPort, destinationPort: peer.port }
            const quoted = tcp(back, { ...ports, seq: mischief(random, peer.ours), flags: "." })
            return wrap(1, icmp(3, random.integer(16), 0, ipv4({ ...back, protocol: 6 }, quoted.slice(0, 8))))
        }
        case 2:
            return wrap(17, udp(between, { sourcePort: 1, destinationPort: random.integer(65_536) }, bytes))
        case 3:
            return wrap(random.integer(256), [...bytes])
        case 4: {
            const senderIp = random.integer(2) === 0 ? peer.ip : `10.0.0.${random.integer(256)}`
            const targetIp =
                random.integer(2) === 0 ? peer.bench.host.address : `10.0.0.${random.integer(256)}`
            const fields = { operation: random.integer(4), senderMac: peer.mac, senderIp, targetIp }
            return ethernet(peer.bench.mac, peer.mac, 0x0806, arp(fields))
        }
        default:
            return random.fill(new Uint8Array(random.integer(1600)))
    }
}

/** Turns bits around, cuts, or lengthens; most of what comes out fails a checksum. */
function spoil(frame: Uint8Array, random: Random): Uint8Array {
    let copy = Uint8Array.from(frame)
    for (let i = random.integer(4); i > 0 && copy.length > 0; i--) {
        copy[random.integer(copy.length)] = random.integer(256)
    }
    const cut = random.integer(6)
    if (cut === 0) copy = copy.slice(0, random.integer(copy.length + 1))
    if (cut === 1) copy = Uint8Array.from([...copy, ...random.fill(new Uint8Array(random.integer(60)))])
    return copy
}

/** What programs may do in between, with connections of theirs and with ids that are nobody's. */
function call(bench: Bench, ids: number[], random: Random): void {
    const { stack } = bench
    const now = bench.now | 0
    const id =
        ids.length > 0 && random.integer(10) > 0 ? ids[random.integer(ids.length)]! : random.integer(20)
    const buffer = Buffer.alloc(1 + random.integer(100))
    const at = random.integer(110) - 5
    const length = random.integer(120) - 5
    const told = [
        () => calls.write(stack, id, buffer, at, length),
        () => calls.read(stack, id, buffer, at, length),
        () => calls.read(stack, id, buffer, 0, buffer.length),
        () => calls.shutdown(stack, id, now),
        () => calls.close(stack, id, now),
        () => calls.abort(stack, id, now),
        () => calls.setReceiveLimit(stack, id, random.integer(70)),
        () => ids.push(calls.accept(stack, id)),
        () => ids.push(calls.listen(stack, 80 + random.integer(2), 1 + random.integer(2))),
        () => ids.push(calls.connect(stack, ip(`10.0.0.${random.integer(6)}`), 5000, random.integer(3), now)),
        () => calls.stateOf(stack, id) + calls.errorOf(stack, id),
    ]
    expect(Number.isInteger(told[random.integer(told.length)]!())).toBe(true)
    bench.poll()
    ignore(bench)
}

describe.each(starts)("%s", (_, start) => {
    test("segments with any fields", () => {
        fc.assert(
            fc.property(fc.integer(), seed => {
                const random = new Random(seed)
                const peer = start({ config: { challengeAckLimit: 0 } })
                for (let i = 0; i < 60; i++) {
                    peer.bench.receive(segment(peer, random))
                    if (random.integer(10) === 0) peer.bench.pass(random.integer(2000))
                    ignore(peer.bench)
                }
                // and then all comes to an end, or stays quietly
                peer.bench.pass(700_000)
                ignore(peer.bench)
            }),
            cases(12)
        )
    })

    test("frames of every kind, spoiled", () => {
        fc.assert(
            fc.property(fc.integer(), seed => {
                const random = new Random(seed)
                const peer = start({})
                for (let i = 0; i < 60; i++) {
                    const frame = random.integer(2) === 0 ? segment(peer, random) : other(peer, random)
                    peer.bench.receive(random.integer(2) === 0 ? spoil(frame, random) : frame)
                    if (random.integer(10) === 0) peer.bench.pass(random.integer(2000))
                    ignore(peer.bench)
                }
                peer.bench.pass(700_000)
                ignore(peer.bench)
            }),
            cases(12)
        )
    })
})

test("bytes without any sense at all", () => {
    const bench = new Bench({}, { arp: false })
    fc.assert(
        fc.property(fc.uint8Array({ maxLength: 1600 }), fc.boolean(), (bytes, addressed) => {
            const frame = Uint8Array.from(bytes)
            if (addressed && frame.length >= 14) frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])
            bench.receive(frame)
            ignore(bench)
        }),
        cases(2000)
    )
})

test("a crowd: many connections, everything at once, tables that are too small", () => {
    fc.assert(
        fc.property(fc.integer(), seed => {
            const random = new Random(seed)
            const bench = new Bench({
                connections: 3,
                halfOpen: 2,
                neighbours: 2,
                receiveBuffer: 64,
                sendBuffer: 64,
                timeWait: 5000,
            })
            const peers = Array.from(
                { length: 6 },
                (_, i) =>
                    new Peer(bench, { ip: `10.0.0.${2 + (i % 3)}`, port: 5000 + i, localPort: 80 + (i % 2) })
            )
            const ids = [peers[0]!.listens(2).listener, peers[1]!.listens(1).listener]
            for (let i = 0; i < 150; i++) {
                const peer = peers[random.integer(peers.length)]!
                bench.stack.config.iss = peer.ours
                const what = random.integer(6)
                if (what < 2) call(bench, ids, random)
                else if (what === 2) bench.receive(peer.frame("S 0 <mss 500>"))
                else if (what === 3) bench.receive(peer.frame(". 1 ack 1"))
                else bench.receive(segment(peer, random))
                bench.stack.config.iss = -1
                bench.arp = random.integer(4) > 0
                if (random.integer(8) === 0) bench.pass(random.integer(4000))
                ignore(bench)
            }
            // who holds what is done with it: then everything ends by itself
            for (const id of ids) calls.close(bench.stack, id, bench.now | 0)
            bench.pass(700_000)
            ignore(bench)
            expect(bench.stack.connsEnd).toBe(0)
            expect(bench.stack.halvesEnd).toBe(0)
        }),
        cases(40)
    )
})
