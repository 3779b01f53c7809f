// TIME-WAIT: RFC 9293 sections 3.6.1 and 3.10.7.4, RFC 1337, RFC 6191. In a connection's record while a program holds it,
// then in 24 bytes.

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { Event, EventKind } from "../../src/base/events"
import { connect, stateOf } from "../../src/tcp/calls"
import { State, Tcb, TcpError, TimeWaitRecord } from "../../src/tcp/records"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { onlySegment, ourTimestamp, timestampOption, timestampsOf } from "../support/secret-values"
import { bases, established, listening, reach, type Setup } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

interface Kind {
    name: string
    /** What brings a connection in TIME-WAIT into the record. */
    into: (peer: Peer) => Peer
    /** The window that the ACKs advertise, and how much later than 2 MSL it may end, ms. */
    window: number
    slack: number
}

const kinds: Kind[] = [
    { name: "held by a program", into: peer => peer, window: 1023, slack: 0 },
    { name: "in 24 bytes", into: peer => shrunk(peer), window: 1024, slack: 15 },
]

/** Closes the connection, whose record shrinks. */
function shrunk(peer: Peer): Peer {
    const { stack } = peer.closes().is("TIME-WAIT").bench
    expect([stack.connsEnd, stack.waitsEnd]).toEqual([0, TimeWaitRecord.Size])
    expect(stateOf(stack, peer.id)).toBe(State.TimeWait)
    return peer
}

const places = kinds.flatMap(kind => bases.map(base => ({ ...kind, kind, base, at: base.name })))

describe.each(places)("TIME-WAIT, $name, $at", ({ kind, base, window, slack }) => {
    const acknowledged = `. 2 ack 2 win ${window}`
    const waiting = (setup: Setup = {}) => kind.into(reach("TIME-WAIT", { base, ...setup }))

    test("TIME-WAIT lasts 2 MSL, then the connection is CLOSED (MUST-13)", () => {
        const peer = waiting().after(59_999).gets().is("TIME-WAIT")
        peer.after(1 + slack)
            .gets()
            .is("CLOSED")
        expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
        expect(peer.bench.stack.waitsEnd).toBe(0)
    })

    test("the peer's FIN again is acknowledged and starts 2 MSL anew", () => {
        const peer = waiting().after(50_000).gets().sends("F. 1 ack 2").gets(acknowledged)
        peer.after(59_999).gets().is("TIME-WAIT")
        peer.after(1 + slack)
            .gets()
            .is("CLOSED")
    })

    test("the peer's last data and FIN again are acknowledged and start 2 MSL anew", () => {
        const open = established({ base })
            .shuts()
            .gets("F. 1 ack 1")
            .sends("FP. 1(5) ack 2")
            .gets(". 2 ack 7")
        const peer = kind.into(open.reads(5).gets()).after(50_000).gets().sends("FP. 1(5) ack 2")
        peer.gets(`. 2 ack 7 win ${slack === 0 ? 1018 : 1024}`)
            .after(59_999)
            .gets()
            .is("TIME-WAIT")
        peer.after(1 + slack)
            .gets()
            .is("CLOSED")
    })

    // ---------------------------------------------------------------- RFC 1337: hazards
    test.each([
        ["an old ACK (H2)", ". 1 ack 2", true],
        ["an ACK at RCV.NXT", ". 2 ack 2", false],
        ["old data (H1)", "P. 0(1) ack 2", true],
        ["data after the FIN", "P. 2(5) ack 2", true],
        ["data far ahead", "P. 60000(5) ack 2", true],
        ["a FIN after the FIN", "F. 2 ack 2", true],
        ["an old FIN", "F. 0 ack 2", true],
        ["an ACK of what was not sent", ". 2 ack 3", true],
        ["data that acknowledges what was not sent", "P. 2(5) ack 9", true],
        ["data without an ACK", "P 2(5)", false],
        ["a SYN,ACK", "S. 100 ack 2", true],
        ["a SYN,ACK within the window", "S. 3 ack 2", true],
        ["a RST at RCV.NXT (H3)", "R 2", false],
        ["a RST within the window", "R 3", false],
        ["a RST that acknowledges", "R. 2 ack 2", false],
        ["a RST with data", "R 2(5)", false],
        ["an old RST", "R 1", false],
        ["a SYN with a RST", "SR 100", false],
    ])("%s (%s) leaves the end of TIME-WAIT as it is", (_, segment, answer) => {
        const peer = waiting().after(50_000).gets().sends(segment)
        peer.gets(...(answer ? [acknowledged] : []))
        peer.after(9999).gets().is("TIME-WAIT")
        peer.after(1 + slack)
            .gets()
            .is("CLOSED")
    })

    // ---------------------------------------------------------------- A new SYN (3.6.1, MAY-2)
    test("a SYN above all numbers used makes a new connection, with an ISS above all numbers of ours", () => {
        const peer = waiting({ open: "passive" })
        const next = new Peer(peer.bench, {
            ip: "10.0.0.2",
            ours: base.ours - 100_000,
            theirs: base.theirs + 3,
        })
        peer.bench.peers.shift()
        const answer = onlySegment(next.sends("S 0 <mss 1460>"))
        expect(answer.flags).toMatchObject({ syn: true, ack: true })
        expect((answer.seq - (base.ours + 2)) | 0, "the new ISS against the old SND.NXT").toBeGreaterThan(0)
        expect(next.state).toBe("SYN-RECEIVED")
        expect(peer.bench.stack.waitsEnd).toBe(0)
    })

    test("an ISS that is above all numbers used is not changed", () => {
        const peer = waiting({ open: "passive" })
        const next = new Peer(peer.bench, {
            ip: "10.0.0.2",
            ours: base.ours + 100_000,
            theirs: base.theirs + 3,
        })
        peer.bench.peers.shift()
        next.sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        next.listener = peer.listener
        next.accepts().is("ESTABLISHED").sends("P. 1(5) ack 1").gets(". 1 ack 6").reads(5)
    })

    test.each([
        ["below what was used", "S 1"],
        ["at what was used last", "S 2"],
        ["far below", "S -1000"],
    ])("a SYN %s (%s) is an old duplicate and gets a challenge ACK", (_, segment) => {
        waiting({ open: "passive" }).sends(segment).gets(acknowledged).is("TIME-WAIT")
    })

    test("a new SYN without a listener gets a challenge ACK", () => {
        waiting().sends("S 100").gets(acknowledged).is("TIME-WAIT")
    })
})

// ---------------------------------------------------------------- RFC 6191 section 2
describe.each(kinds)("a new SYN in TIME-WAIT by the rules of RFC 6191, $name", ({ into, window }) => {
    /** In TIME-WAIT with RCV.NXT 2 and, if it had timestamps, TS.Recent 2000. */
    function waiting(stamped: boolean, start = 2000, config: { [key: string]: number } = {}): Peer {
        const option = (ms: number) => (stamped ? ` <TS val ${(start + ms) >>> 0} ecr 0>` : "")
        const peer = listening({ config: { timestamps: 1, ...config } })
        peer.sends(`S 0${option(-100)}`).seen.length = 0
        peer
            .sends(`. 1 ack 1${option(-90)}`)
            .gets()
            .accepts()
            .shuts().seen.length = 0
        peer.sends(`F. 1 ack 2${option(0)}`).seen.length = 0
        return into(peer.is("TIME-WAIT"))
    }

    test.each([
        // the old connection's timestamps, the new one's TSval against TS.Recent, SEG.SEQ, honoured
        ["both with timestamps: a later one", true, 1, 3, true],
        ["both with timestamps: a later one, whatever the number", true, 1, -5000, true],
        ["both with timestamps: the same, and a higher number", true, 0, 3, true],
        ["both with timestamps: the same, and the same number", true, 0, 2, false],
        ["both with timestamps: the same, and a lower number", true, 0, 1, false],
        ["both with timestamps: an earlier one, and a higher number", true, -1, 3, false],
        ["both with timestamps: an earlier one, and a lower number", true, -1, 1, false],
        ["only the old one with timestamps: a higher number", true, undefined, 3, true],
        ["only the old one with timestamps: the same number", true, undefined, 2, false],
        ["only the old one with timestamps: a lower number", true, undefined, 1, false],
        ["only the new one with timestamps: a higher number", false, 0, 3, true],
        ["only the new one with timestamps: whatever the number", false, 0, -5000, true],
        ["neither with timestamps: a higher number", false, undefined, 3, true],
        ["neither with timestamps: the same number", false, undefined, 2, false],
        ["neither with timestamps: a lower number", false, undefined, 1, false],
    ] as const)(
        "%s: old timestamps %s, TSval ahead by %s, SEG.SEQ %s, new connection %s",
        (_, stamped, ahead, seq, honoured) => {
            for (const start of [2000, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000]) {
                const peer = waiting(stamped, start)
                const option = ahead === undefined ? "" : ` <TS val ${(start + ahead) >>> 0} ecr 0>`
                const answer = onlySegment(peer.sends(`S ${seq}${option}`))
                expect(answer.flags).toMatchObject({ syn: honoured, ack: true, rst: false })
                expect(peer.state).toBe(honoured ? "SYN-RECEIVED" : "TIME-WAIT")
                if (honoured) expect((answer.seq - (peer.ours + 2)) | 0).toBeGreaterThan(0)
                else expect(answer.seq).toBe(peer.ours + 2)
            }
        }
    )

    test("timestamps=0: a SYN's timestamps do not count, its number does", () => {
        const peer = waiting(false, 2000, { timestamps: 0 })
        expect(onlySegment(peer.sends("S 1 <TS val 9000 ecr 0>")).flags.syn).toBe(false)
        expect(onlySegment(peer.sends("S 3 <TS val 1 ecr 0>")).flags.syn).toBe(true)
    })

    test("the timestamps of a new connection go on from the old one's", () => {
        const peer = waiting(true)
        const old = timestampsOf(onlySegment(peer.sends("F. 1 ack 2 <TS val 2000 ecr 0>"))).value
        peer.bench.pass(1234)
        const next = timestampsOf(onlySegment(peer.sends("S 3 <TS val 3000 ecr 0>"))).value
        expect((next - old) | 0).toBe(1234)
    })

    test("a new SYN with a full backlog is dropped, and TIME-WAIT stays", () => {
        const peer = waiting(false)
        for (const port of [6001, 6002, 6003, 6004]) {
            const other = new Peer(peer.bench, { port })
            other.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        }
        peer.sends("S 100").gets().is("TIME-WAIT")
        expect(peer.bench.counter(Counter.BacklogFull)).toBe(1)
    })

    // ---------------------------------------------------------------- RFC 7323 in TIME-WAIT
    test("the FIN again with a later timestamp is acknowledged, with timestamps", () => {
        const peer = waiting(true).after(100).gets().sends("F. 1 ack 2 <TS val 2500 ecr 0>")
        const answer = onlySegment(peer)
        expect([answer.seq, answer.ack]).toEqual([peer.ours + 2, peer.theirs + 2])
        expect(timestampsOf(answer).value).toBe(ourTimestamp(peer))
        peer.bench.pass(59_999)
        expect(peer.state).toBe("TIME-WAIT")
        // (R2): as it is out of the window its own is not taken
        peer.sends("F. 1 ack 2 <TS val 2000 ecr 0>")
        expect(timestampsOf(onlySegment(peer)).echo).toBe(2000)
    })

    test("an ACK at RCV.NXT updates TS.Recent (RFC 7323 section 4.3 (2)): a SYN with an earlier timestamp opens nothing", () => {
        const peer = waiting(true).sends(". 2 ack 2 <TS val 3000 ecr 0>").gets()
        expect(onlySegment(peer.sends("S 3 <TS val 2999 ecr 0>")).flags.syn).toBe(false)
        expect(onlySegment(peer.sends("S 3 <TS val 3001 ecr 0>")).flags.syn).toBe(true)
    })

    test("an ACK that RFC 5961 section 5.2 does not let pass leaves TS.Recent as it is", () => {
        for (const ack of [3, 2 - 0x10000]) {
            const peer = waiting(true).sends(`. 2 ack ${ack} <TS val 3000 ecr 0>`)
            expect(onlySegment(peer).flags).toMatchObject({ syn: false, ack: true })
            expect(onlySegment(peer.sends("S 3 <TS val 2999 ecr 0>")).flags.syn).toBe(true)
        }
    })

    test("PAWS: the FIN again with an earlier timestamp is acknowledged and does not start 2 MSL anew", () => {
        const peer = waiting(true).after(100).gets().sends("F. 1 ack 2 <TS val 1999 ecr 0>")
        peer.gets(`. 2 ack 2 win ${window} <${timestampOption(peer, 2000)}>`)
        expect(peer.bench.counter(Counter.TcpPaws)).toBe(1)
        peer.bench.pass(59_915)
        expect(peer.state).toBe("LISTEN")
    })

    test("the FIN again without a timestamp is acknowledged and counted", () => {
        const peer = waiting(true).sends("F. 1 ack 2")
        peer.gets(`. 2 ack 2 win ${window} <${timestampOption(peer, 2000)}>`)
        expect(peer.bench.counter(Counter.TcpPaws)).toBe(0)
        expect(peer.bench.counter(Counter.TcpUnstamped)).toBe(1)
    })
})

// ---------------------------------------------------------------- The 24 bytes
describe("TIME-WAIT in 24 bytes", () => {
    test("close() in TIME-WAIT: the rest of 2 MSL goes on in 24 bytes", () => {
        const peer = shrunk(reach("TIME-WAIT").after(45_000).gets()).after(14_999).gets().is("TIME-WAIT")
        peer.after(16).gets().is("CLOSED").gone()
    })

    test("a connection closed before TIME-WAIT has a record of 24 bytes at once", () => {
        const peer = established()
            .closes()
            .gets("F. 1 ack 1")
            .sends("F. 1 ack 2")
            .gets(". 2 ack 2")
            .is("TIME-WAIT")
        expect(peer.bench.stack.connsEnd).toBe(0)
        expect(stateOf(peer.bench.stack, peer.id)).toBe(State.TimeWait)
        peer.sends("F. 1 ack 2").gets(". 2 ack 2 win 1024").after(60_015).gets().is("CLOSED").gone()
    })

    test("a connection closed in CLOSING has a record of 24 bytes in TIME-WAIT", () => {
        const peer = reach("CLOSING").closes().sends(". 2 ack 2").gets().is("TIME-WAIT")
        expect(peer.bench.stack.connsEnd).toBe(0)
        peer.after(60_015).gets().is("CLOSED")
    })

    test.each([1, 7, 16, 1000, 240_000])(
        "2 MSL of %d ms last that long, and at most 15 ms more",
        timeWait => {
            for (const { start } of bases) {
                for (const phase of [0, 5, 15]) {
                    const peer = established({
                        config: { timeWait },
                        options: { start: start + phase },
                    }).closes()
                    peer.gets("F. 1 ack 1")
                        .sends("F. 1 ack 2")
                        .gets(". 2 ack 2")
                        .after(timeWait - 1)
                    peer.gets().is("TIME-WAIT").after(16).gets().is("CLOSED")
                }
            }
        }
    )

    test("the FIN again gets the ACK of the connection's last numbers", () => {
        const peer = established()
            .writes(10)
            .gets("P. 1(10) ack 1")
            .sends("P. 1(7) ack 11")
            .gets(". 11 ack 8")
        peer.reads(7)
            .gets()
            .closes()
            .gets("F. 11 ack 8")
            .sends("F. 8 ack 12")
            .gets(". 12 ack 9")
            .is("TIME-WAIT")
        peer.sends("F. 8 ack 12").gets(". 12 ack 9 win 1024")
    })

    test("a TS.Recent of 0 still counts as timestamps", () => {
        const peer = listening({ config: { timestamps: 1 } }).sends("S 0 <TS val 4294967294 ecr 0>")
        peer.seen.length = 0
        peer.sends(". 1 ack 1 <TS val 4294967295 ecr 0>").gets().accepts().closes().seen.length = 0
        peer.sends("F. 1 ack 2 <TS val 0 ecr 0>").seen.length = 0
        peer.is("TIME-WAIT").sends("F. 1 ack 2").seen.length = 0
        expect(peer.bench.counter(Counter.TcpUnstamped)).toBe(1)
        peer.sends("F. 1 ack 2 <TS val 1 ecr 0>")
        // it is remembered as 1
        expect(timestampsOf(onlySegment(peer)).echo).toBe(1)
    })

    test("connect() with the ports of a connection in TIME-WAIT returns InUse", () => {
        const peer = shrunk(reach("TIME-WAIT"))
        const { stack, now } = peer.bench
        expect(connect(stack, ip("10.0.0.2"), 5000, 80, now)).toBe(TcpError.InUse)
        expect(connect(stack, ip("10.0.0.2"), 5000, 81, now)).toBeGreaterThan(0)
    })

    test("timeWaits=0: the connection is CLOSED at once, and the FIN again is reset", () => {
        const peer = established({ config: { timeWaits: 0 } })
            .closes()
            .gets("F. 1 ack 1")
        peer.sends("F. 1 ack 2").gets(". 2 ack 2").is("CLOSED").gone().sends("F. 1 ack 2").gets("R 2")
        peer.after(1000).gets()
        expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
    })

    test("the FIN again while another reply waits to be sent is dropped and counted", () => {
        const peer = shrunk(reach("TIME-WAIT"))
        peer.bench.introduce("10.0.0.9", "02:00:00:00:01:09")
        peer.bench.stack.frameLength = 42
        peer.sends("F. 1 ack 2").gets().bench.others.length = 0
        expect(peer.bench.counter(Counter.ReplyBusy)).toBe(1)
    })
})

// ---------------------------------------------------------------- Slots run out: the oldest TIME-WAIT goes
/** Makes `count` connections, each closed 10 ms after the one before, all in TIME-WAIT. */
function closed(count: number, config: { [key: string]: number }): Peer[] {
    const { bench } = listening({ config })
    const peers = Array.from(
        { length: count },
        (_, i) => new Peer(bench, { port: 7000 + i, localPort: 4000 })
    )
    for (const peer of peers) {
        peer.connects()
            .gets("S 0 <mss 1460>")
            .sends("S. 0 ack 1")
            .gets(". 1 ack 1")
            .closes()
            .gets("F. 1 ack 1")
        peer.sends("F. 1 ack 2").gets(". 2 ack 2").is("TIME-WAIT").after(10).gets()
    }
    return peers
}

describe("more connections in TIME-WAIT than records", () => {
    test("the connection that has been in TIME-WAIT longest gives up its record", () => {
        const peers = closed(5, { timeWaits: 3, connections: 1 })
        expect(peers.map(p => p.state)).toEqual(["CLOSED", "CLOSED", "TIME-WAIT", "TIME-WAIT", "TIME-WAIT"])
        expect(peers[0]!.bench.counter(Counter.TimeWaitsFull)).toBe(2)
        peers[0]!.sends("F. 1 ack 2").gets("R 2")
        peers[4]!.sends("F. 1 ack 2").gets(". 2 ack 2 win 1024")
    })

    test("the FIN again makes a connection in TIME-WAIT the youngest", () => {
        const [first, second] = closed(2, { timeWaits: 2 }) as [Peer, Peer]
        first.after(100).gets().sends("F. 1 ack 2").gets(". 2 ack 2 win 1024")
        const third = new Peer(first.bench, { ip: "10.0.0.3" }).connects().gets("S 0 <mss 1460>")
        third
            .sends("S. 0 ack 1")
            .gets(". 1 ack 1")
            .closes()
            .gets("F. 1 ack 1")
            .sends("F. 1 ack 2")
            .gets(". 2 ack 2")
        expect([first, second, third].map(p => p.state)).toEqual(["TIME-WAIT", "CLOSED", "TIME-WAIT"])
    })

    test("the end of a TIME-WAIT that gives up its record is reported with its id", () => {
        const peers = closed(2, { timeWaits: 1, events: 64 })
        const { stack } = peers[0]!.bench
        expect(peers.map(p => stateOf(stack, p.id))).toEqual([State.Closed, State.TimeWait])
        const record = Buffer.alloc(Event.Size)
        const ends: number[] = []
        for (let i = 0; i < stack.events.count; i++) {
            stack.events.copy(i, record)
            const [kind, before, after] = [Event.Kind, Event.Before, Event.After].map(at =>
                record.getAt(at, "u8")
            )
            if (kind !== EventKind.State || before !== State.TimeWait) continue
            expect(after).toBe(State.Closed)
            ends.push(record.getAt(Event.Id, "u16"))
        }
        expect(ends).toEqual([peers[0]!.id])
    })

    test("a full table of TIME-WAIT refuses no new connection", () => {
        const peers = closed(5, { timeWaits: 2, connections: 1, halfOpen: 1 })
        const { bench } = peers[0]!
        for (let port = 6000; port < 6050; port++) {
            const peer = new Peer(bench, { port })
            peer.listener = bench.peers[0]!.listener
            peer.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts().closes()
            peer.gets("F. 1 ack 1").sends("F. 1 ack 2").gets(". 2 ack 2").is("TIME-WAIT")
        }
        expect(bench.stack.waitsEnd).toBe(2 * TimeWaitRecord.Size)
    })

    test("an id of a connection in TIME-WAIT is not given to a new one", () => {
        const peers = closed(4, { timeWaits: 4 })
        const { stack } = peers[0]!.bench
        const ids = peers.map(p => p.id)
        stack.lastId = ids[0]! - 1
        const next = new Peer(peers[0]!.bench, { ip: "10.0.0.3" }).connects().gets("S 0 <mss 1460>")
        expect(ids).not.toContain(next.id)
    })

    test("four connections in TIME-WAIT end one after the other, and leave no record or timer", () => {
        const peers = closed(4, { timeWaits: 4 })
        const { bench } = peers[0]!
        bench.pass(59_970)
        expect(peers.map(p => p.state)).toEqual(["CLOSED", "TIME-WAIT", "TIME-WAIT", "TIME-WAIT"])
        bench.pass(60)
        expect(peers.map(p => p.state)).toEqual(["CLOSED", "CLOSED", "CLOSED", "CLOSED"])
        expect(bench.stack.waitsEnd).toBe(0)
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
    })
})

// ---------------------------------------------------------------- Held by a program
describe("TIME-WAIT held by a program", () => {
    test("the program reads its data in TIME-WAIT, then EOF, also after 2 MSL", () => {
        const peer = established().shuts().gets("F. 1 ack 1").sends("FP. 1(5) ack 2").gets(". 2 ack 7")
        peer.is("TIME-WAIT").reads(5).gets().reads(TcpError.Eof).after(60_000).gets().reads(TcpError.Eof)
        peer.closes().gone()
    })

    test("data not read in TIME-WAIT can be read after it", () => {
        const peer = established().shuts().gets("F. 1 ack 1").sends("FP. 1(5) ack 2").gets(". 2 ack 7")
        peer.after(60_000).gets().is("CLOSED").reads(5).gets().reads(TcpError.Eof)
    })

    test("connect() takes the record that has been in TIME-WAIT longest", () => {
        const first = reach("TIME-WAIT", { config: { connections: 2 } })
            .after(10)
            .gets()
        const second = new Peer(first.bench, { ip: "10.0.0.3" }).connects().gets("S 0 <mss 1460>")
        second
            .sends("S. 0 ack 1")
            .gets(". 1 ack 1")
            .shuts()
            .gets("F. 1 ack 1")
            .sends("F. 1 ack 2")
            .gets(". 2 ack 2")
        new Peer(first.bench, { ip: "10.0.0.4" }).connects().gets("S 0 <mss 1460>")
        expect([first.state, second.state]).toEqual(["CLOSED", "TIME-WAIT"])
    })

    test("a new connection does not take a record in TIME-WAIT with unread data", () => {
        const first = established({ config: { connections: 1 } })
            .shuts()
            .gets("F. 1 ack 1")
        first.sends("FP. 1(5) ack 2").gets(". 2 ack 7").is("TIME-WAIT")
        const second = listening({ bench: first.bench, peer: { ip: "10.0.0.3", localPort: 90 } })
        second.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().is("SYN-RECEIVED")
        first.is("TIME-WAIT").reads(5).gets()
        second.sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("a new SYN of the same peer opens, and the old connection's data can still be read", () => {
        const old = established({ open: "passive" }).shuts().gets("F. 1 ack 1").sends("FP. 1(5) ack 2")
        old.gets(". 2 ack 7").is("TIME-WAIT").sends("S 1000")
        expect(onlySegment(old).flags.syn).toBe(true)
        old.is("SYN-RECEIVED").reads(5).gets().reads(TcpError.Eof).closes()
        expect(old.bench.stack.conns[0].getAt(Tcb.Id, "u16")).toBe(0)
    })
})

tsharkAgrees()
