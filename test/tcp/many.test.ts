// Several connections at once: on one port and on several, in both directions, from one peer and from several.

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { accept, close, connect, listen, read, stateOf, write } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/records"
import { Bench } from "../support/bench"
import { Host, ip, Wire } from "../support/host"
import { checkInvariants } from "../support/invariants"
import { Peer } from "../support/peer"
import { afterSynAck } from "../support/secret-values"
import { tsharkAgrees } from "../support/tshark"

const SYN = "S 0 <mss 1460>"
const SYNACK = "S. 0 ack 1 <mss 1460>"

// ---------------------------------------------------------------- By hand
describe("several connections of hand-made peers", () => {
    test("eight connections of one peer to one port, their segments interleaved: each has its own octets", () => {
        const bench = new Bench()
        const peers = Array.from(
            { length: 8 },
            (_, i) => new Peer(bench, { port: 5000 + i, ours: 1000 * i, theirs: 0x8000_0000 - 500 * i })
        )
        const listener = peers[0]!.listens(8).listener
        for (const peer of peers) peer.sends(SYN).gets(SYNACK)
        for (const peer of peers) peer.sends(". 1 ack 1").gets()
        for (const peer of peers) {
            peer.listener = listener
            peer.accepts()
        }
        for (let round = 0; round < 20; round++) {
            for (const [i, peer] of peers.entries()) {
                const n = i + 1
                const [theirs, ours] = [1 + round * n, 1 + round * 2 * n]
                peer.sends(`P. ${theirs}(${n}) ack ${ours}`).gets(`. ${ours} ack ${theirs + n}`)
                peer.reads(n)
                    .gets()
                    .writes(2 * n)
                peer.gets(`P. ${ours}(${2 * n}) ack ${theirs + n}`)
                peer.sends(`. ${theirs + n} ack ${ours + 2 * n}`).gets()
            }
            if (round === 0) for (const peer of peers) peer.is("ESTABLISHED")
        }
    })

    test("five connections in both directions on shared ports, with the same sequence numbers, stay apart", () => {
        const bench = new Bench()
        const server7 = new Peer(bench, { localPort: 7 }).listens().sends(SYN).gets(SYNACK)
        const server80 = new Peer(bench, { localPort: 80 }).listens().sends(SYN).gets(SYNACK)
        const client = new Peer(bench, { localPort: 40_000, port: 80 }).connects().gets(SYN)
        const fromSame = new Peer(bench, { localPort: 7, port: 80 }).connects().gets(SYN)
        const other = new Peer(bench, { ip: "10.0.0.3", localPort: 7 }).sends(SYN).gets(SYNACK)
        fromSame.sends("S. 0 ack 1").gets(". 1 ack 1")
        client.sends("S. 0 ack 1").gets(". 1 ack 1")
        for (const peer of [other, server80, server7]) peer.sends(". 1 ack 1").gets()
        for (const peer of [server7, server80, client, fromSame, other]) {
            peer.is("ESTABLISHED").sends("P. 1(9) ack 1").gets(". 1 ack 10")
        }
        server80.sends("R 10").gets()
        client.shuts().gets("F. 1 ack 10")
        expect([server7, server80, client, fromSame, other].map(p => p.state)).toEqual([
            "ESTABLISHED",
            "LISTEN",
            "FIN-WAIT-1",
            "ESTABLISHED",
            "ESTABLISHED",
        ])
    })

    test("new clients open by cookies while two half-open records are taken, and the slow one opens later", () => {
        const bench = new Bench({ halfOpen: 2 })
        const peers = Array.from({ length: 6 }, (_, i) => new Peer(bench, { port: 5000 + i }))
        const listener = peers[0]!.listens(8).listener
        for (const peer of peers) peer.listener = listener
        const [silent, slow, ...others] = peers as [Peer, Peer, ...Peer[]]
        silent.sends(SYN).gets(SYNACK)
        slow.sends(SYN).gets(SYNACK)
        for (const peer of others) {
            afterSynAck(peer, SYN)
                .sends(". 1 ack 1")
                .gets()
                .accepts()
                .sends("P. 1(3) ack 1")
                .gets(". 1 ack 4")
        }
        slow.sends(". 1 ack 1").gets().accepts().is("ESTABLISHED")
        silent.is("SYN-RECEIVED")
    })

    test("a record that is freed while others send: the records after it still get their turn", () => {
        const bench = new Bench({ connections: 3 })
        const peers = [5000, 5001, 5002].map(port => new Peer(bench, { port }).connects().gets(SYN))
        for (const peer of peers) peer.sends("S. 0 ack 1").gets(". 1 ack 1")
        const [first, second, third] = peers as [Peer, Peer, Peer]
        // the last record sends: the first one has the next turn
        third.writes(1).gets("P. 1(1) ack 1").sends(". 1 ack 2").gets()
        second.writes(1).gets("P. 1(1) ack 1")
        third.aborts().gets("R. 2 ack 1")
        second.aborts().gets("R. 2 ack 1")
        first.writes(5).gets("P. 1(5) ack 1").shuts().gets("F. 6 ack 1")
    })

    test("two connections with data to send take turns, a segment each", () => {
        const bench = new Bench({ connections: 2, sendBuffer: 20_000 })
        const peers = [5000, 5001].map(port => new Peer(bench, { port, window: 60_000 }).connects().gets(SYN))
        for (const peer of peers) peer.sends("S. 0 ack 1 <mss 1000>").gets(". 1 ack 1")
        const order: number[] = []
        for (const peer of peers) {
            const data = Buffer.alloc(4000)
            expect(write(bench.stack, peer.id, data, 0, 4000)).toBe(4000)
        }
        for (const frame of bench.host.poll(bench.now)) order.push((frame[36]! << 8) | frame[37]!)
        expect(order).toEqual([5000, 5001, 5000, 5001, 5000, 5001, 5000, 5001])
    })
})

// ---------------------------------------------------------------- Stack against stack
test.each([
    { connections: 24, rounds: 30 },
    { connections: 2000, rounds: 2 },
])(
    "two hosts, three ports, $connections connections in both directions: all data is whole",
    ({ connections, rounds }) => {
        const config = {
            ...{ connections, halfOpen: connections, timeWaits: connections, listeners: 3 },
            ...{ receiveBuffer: 256, sendBuffer: 256 },
        }
        const hosts = [new Host("10.0.0.1", config), new Host("10.0.0.2", config)] as const
        const wire = new Wire([...hosts])
        const listeners = hosts.map(h => [7, 80, 443].map(port => listen(h.stack, port, connections)))
        const clients: { host: Host; id: number; tag: number }[] = []
        for (let i = 0; i < connections; i++) {
            const side = i % 2
            const to = ip(side === 0 ? "10.0.0.2" : "10.0.0.1")
            const id = connect(hosts[side]!.stack, to, [7, 80, 443][i % 3]!, 0, 0)
            expect(id).toBeGreaterThan(0)
            clients.push({ host: hosts[side]!, id, tag: i })
        }
        wire.settle()
        const servers = hosts.map((host, side) =>
            listeners[side]!.flatMap(l => {
                const ids: number[] = []
                for (let id = accept(host.stack, l); id > 0; id = accept(host.stack, l)) ids.push(id)
                return ids
            })
        )
        expect(servers.map(ids => ids.length)).toEqual([connections / 2, connections / 2])

        // each client writes its tag over and over, each server echoes it
        const data = Buffer.alloc(200)
        const got = new Map<number, number[]>()
        for (let round = 0; round < rounds; round++) {
            for (const { host, id, tag } of clients) {
                for (let i = 0; i < 50; i++) data[i] = (tag * 31 + round * 50 + i) & 0xff
                expect(write(host.stack, id, data, 0, 50)).toBe(50)
            }
            wire.settle()
            for (const [side, host] of hosts.entries()) {
                for (const id of servers[side]!) {
                    const n = read(host.stack, id, data, 0, 200)
                    expect(n).toBe(50)
                    expect(write(host.stack, id, data, 0, n)).toBe(n)
                }
            }
            wire.settle()
            for (const { host, id, tag } of clients) {
                const n = read(host.stack, id, data, 0, 200)
                got.set(tag, [...(got.get(tag) ?? []), ...data.subarray(0, n)])
            }
        }
        for (const [tag, heard] of got) expect(heard).toEqual(heard.map((_, i) => (tag * 31 + i) & 0xff))
        expect([...got.values()].map(heard => heard.length)).toEqual(new Array(connections).fill(50 * rounds))

        for (const { host, id } of clients) close(host.stack, id, wire.now)
        wire.settle()
        for (const [side, host] of hosts.entries()) {
            for (const id of servers[side]!) {
                expect(read(host.stack, id, data, 0, 1)).toBe(TcpError.Eof)
                expect(stateOf(host.stack, id)).toBe(State.CloseWait)
                close(host.stack, id, wire.now)
            }
        }
        wire.settle()
        wire.run(60_000)
        for (const host of hosts) {
            checkInvariants(host.stack, wire.now)
            expect(host.stack.connsEnd, "records still in use").toBe(0)
            expect(host.next(wire.now)).toBe(Number.POSITIVE_INFINITY)
        }
    }
)

// ---------------------------------------------------------------- A peer that reboots and uses its port again (3.5.1)
describe("a client that rebooted and uses the same port again", () => {
    test.each([
        ["below", -70_000],
        ["within the window", 500],
        ["beyond the window", 70_000],
    ])(
        "a SYN %s the old numbers' window: a challenge ACK, its RST is believed, the next SYN opens",
        (_, seq) => {
            const bench = new Bench({ challengeInterval: 500 })
            const old = new Peer(bench).listens().sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
            old.sends("P. 1(99) ack 1").gets(". 1 ack 100").reads(99).gets().writes(7).gets("P. 1(7) ack 100")
            // figure 9: SYN, an ACK of numbers that it does not know, RST; a second later the SYN again
            old.sends(`S ${seq}`).gets(". 8 ack 100").sends("R 100").gets().failed("ECONNRESET").closes()
            const next = new Peer(bench, { ours: 0x9999, theirs: old.theirs + seq })
            next.listener = old.listener
            bench.peers.shift()
            next.after(1000)
                .gets()
                .sends(SYN)
                .gets(SYNACK)
                .sends(". 1 ack 1")
                .gets()
                .accepts()
                .is("ESTABLISHED")
            next.sends("P. 1(5) ack 1").gets(". 1 ack 6").reads(5)
        }
    )

    test("a SYN of a client that rebooted during the handshake: a challenge ACK, its RST, then a new SYN,ACK", () => {
        const bench = new Bench()
        const old = new Peer(bench).listens().sends(SYN).gets(SYNACK)
        old.sends("S 70000").gets(". 1 ack 1").sends("R 1").gets().is("LISTEN")
        old.sends("S 70000").gets("S. 0 ack 70001 win 1024 <mss 1460>").is("SYN-RECEIVED")
    })

    test("data for a connection that the board lost in its own reboot is reset, and a SYN is answered", () => {
        const bench = new Bench()
        const old = new Peer(bench).listens()
        old.sends("P. 300(10) ack 100").gets("R 100").is("LISTEN").sends(SYN).gets(SYNACK)
    })
})

test("300 connections one after the other through three records: TIME-WAIT does not use them up", () => {
    const config = { connections: 3, halfOpen: 2, receiveBuffer: 64, sendBuffer: 64 }
    const x = new Host("10.0.0.1", config)
    const server = new Host("10.0.0.2", config)
    const wire = new Wire([x, server])
    const l = listen(server.stack, 80, 2)
    const data = Buffer.alloc(64)
    for (let i = 0; i < 300; i++) {
        const c = connect(x.stack, ip("10.0.0.2"), 80, 0, wire.now)
        expect(c).toBeGreaterThan(0)
        wire.settle()
        const a = accept(server.stack, l)
        expect(a).toBeGreaterThan(0)
        write(x.stack, c, data, 0, 10)
        wire.settle()
        expect(read(server.stack, a, data, 0, 64)).toBe(10)
        // the one, the other, or both at once
        if (i % 3 !== 1) close(x.stack, c, wire.now)
        if (i % 3 !== 0) close(server.stack, a, wire.now)
        wire.settle()
        close(x.stack, c, wire.now)
        close(server.stack, a, wire.now)
        wire.run(7)
        checkInvariants(x.stack, wire.now)
        checkInvariants(server.stack, wire.now)
    }
})

tsharkAgrees()
