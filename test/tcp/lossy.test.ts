// Properties of whole transfers: what goes in comes out, whatever the wire does, and nothing is left.

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Random } from "../../sim/time/random"
import { accept, close, connect, listen } from "../../src/tcp/calls"
import { Tcb, TcpError } from "../../src/tcp/records"
import { findConnection } from "../../src/tcp/tables"
import { Host, ip } from "../support/host"
import { type Ending, type Habits, type Impairment, LossyWire, Program } from "../support/lossy"
import { cases } from "../support/property"

type Pair<T> = [T, T]

/** One connection between the two hosts. */
interface Conversation {
    /** The opener: the first host, the second, or both at the same time. */
    opener: 0 | 1 | "both"
    totals: Pair<number>
    /** Bytes of a write and of a read at most, of both ends. */
    writes: Pair<number>
    reads: Pair<number>
    pauses: Pair<number>
    endings: Pair<Ending>
    fickle: Pair<boolean>
    /** When it is opened, ms. */
    at: number
}

interface Scenario {
    impairment: Impairment
    iss: Pair<number>
    start: number
    configs: Pair<Record<string, number>>
    conversations: Conversation[]
}

const HOUR = 3_600_000
/** For a slow machine, or many cases. */
const MINUTES = 1_200_000
const FIRST_PORT = 5000
const A = "10.0.0.1"
const B = "10.0.0.2"

const onOff = fc.constantFrom(0, 1)
const ring = fc.oneof(fc.integer({ min: 64, max: 2000 }), fc.constantFrom(64, 1024, 8000))
const number = fc.oneof(
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.integer({ min: 0x7fff_f000, max: 0x8000_0fff }),
    fc.integer({ min: 0xffff_f000, max: 0xffff_ffff })
)

const config = (halfOpen: number) =>
    fc.record({
        sendBuffer: ring,
        receiveBuffer: ring,
        mtu: fc.constantFrom(576, 577, 1000, 1400, 1500),
        timestamps: onOff,
        sack: onOff,
        nagle: onOff,
        delayedAck: fc.constantFrom(0, 40, 200, 499),
        halfOpen: fc.integer({ min: halfOpen, max: 3 }),
        timeWaits: fc.integer({ min: 0, max: 3 }),
        rtoMin: fc.constantFrom(200, 1000),
    })

const split = fc.oneof(fc.constant(1), fc.constant(4000), fc.integer({ min: 1, max: 4000 }))

const endings: fc.Arbitrary<Pair<Ending>> = fc.constantFrom(
    ["shutdown", "shutdown"],
    ["shutdown", "last"],
    ["last", "shutdown"],
    ["close", "close"],
    ["close", "last"],
    ["last", "close"],
    ["shutdown", "close"],
    ["close", "shutdown"]
)

const pairOf = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Pair<T>> => fc.tuple(arbitrary, arbitrary)

/** The limit of a program's turns: more of them only take time. */
const MOST_TURNS = 300

const conversation = (most: number): fc.Arbitrary<Conversation> =>
    fc
        .record({
            opener: fc.constantFrom<Conversation["opener"]>(0, 0, 1, "both"),
            totals: pairOf(fc.nat(most)),
            writes: pairOf(split),
            reads: pairOf(split),
            pauses: pairOf(fc.constantFrom(1, 20, 200)),
            endings,
            fickle: pairOf(fc.boolean()),
            at: fc.nat(2000),
        })
        .map(c => {
            // a byte at a time is as good with some hundred as with many thousand
            const total = (side: 0 | 1) =>
                Math.min(c.totals[side], MOST_TURNS * Math.min(c.writes[side], c.reads[side === 0 ? 1 : 0]))
            return { ...c, totals: [total(0), total(1)] as Pair<number> }
        })

const scenarios = (loss: number, corrupt: number, most: number): fc.Arbitrary<Scenario> =>
    fc.record({
        impairment: fc.record({
            seed: fc.integer(),
            loss: fc.double({ min: 0, max: loss, noNaN: true }),
            duplicate: fc.double({ min: 0, max: 0.2, noNaN: true }),
            corrupt: fc.double({ min: 0, max: corrupt, noNaN: true }),
            sparesArp: fc.constant(loss <= 0.1),
            delay: fc
                .tuple(fc.nat(30), fc.nat(200))
                .map(([least, more]) => [least, least + more] as Pair<number>),
        }),
        iss: fc.tuple(number, number),
        // times, and with them timestamps, pass 2^31 and 2^32 on the way
        start: fc.oneof(fc.constantFrom(0, 1000, 0x7fff_f000, 0xffff_f000), fc.nat(0xffff_ffff)),
        // a cookie brings no more than the handshake's last ACK: what overtakes that is answered by a reset
        configs: pairOf(config(loss <= 0.1 ? 3 : 0)),
        conversations: fc.array(conversation(most), { minLength: 1, maxLength: 3 }),
    })

/** Time enough for every loss, so that on a wire that lets most through nothing fails. */
const patience = {
    r2: 600_000,
    r2Syn: 600_000,
    synAckRetries: 15,
    timeWait: 1000,
    finWait2: HOUR,
    connections: 4,
    keepAliveIdle: 60_000,
    keepAliveInterval: 10_000,
}

/** Both ends of one connection; one may never exist. */
class Both {
    readonly programs: Partial<Record<0 | 1, Program>> = {}
    /** The error of an end for which no program ever ran. */
    failure: TcpError = TcpError.None

    constructor(
        private readonly wire: LossyWire,
        private readonly hosts: Pair<Host>,
        private readonly c: Conversation,
        private readonly seed: number
    ) {}

    run(side: 0 | 1, id: number): void {
        const { c } = this
        const habits: Habits = {
            total: c.totals[side],
            expected: c.totals[side === 0 ? 1 : 0],
            writes: c.writes[side],
            reads: c.reads[side],
            pause: c.pauses[side],
            ending: c.endings[side],
            fickle: c.fickle[side],
            keepAlive: true,
            tag: side === 0 ? 3 : 89,
            seed: this.seed ^ side,
        }
        this.programs[side] = new Program(this.wire, this.hosts[side], id, habits)
    }

    /** Returns whether each program that has begun is done; that of the end opened first must have begun. */
    get ended(): boolean {
        const all = Object.values(this.programs)
        return all.length > 0 && all.every(p => p.ended)
    }

    get errors(): TcpError[] {
        return [this.programs[0], this.programs[1]].map(p => p?.error ?? this.failure)
    }
}

/** Runs it to the end, and returns the errors that the programs got. */
function transfer(s: Scenario): TcpError[] {
    const random = new Random(s.impairment.seed)
    const host = (side: 0 | 1) => {
        const made = new Host(side === 0 ? A : B, { ...patience, ...s.configs[side], iss: s.iss[side] })
        random.fill(made.stack.hashInput.subarray(0, 16))
        return made
    }
    const hosts: Pair<Host> = [host(0), host(1)]
    const wire = new LossyWire(hosts, s.impairment, s.start)
    const all = s.conversations.map((c, i) => new Both(wire, hosts, c, s.impairment.seed + 2 * i))
    const listeners = hosts.map(h => listen(h.stack, 80, 4))
    for (const [i, c] of s.conversations.entries()) wire.after(c.at, () => open(wire, hosts, i, c, all[i]!))
    // the accepted end is found by the port that the other end connects from
    const take = () => {
        for (const side of [0, 1] as const) {
            const { stack } = hosts[side]
            for (let id = accept(stack, listeners[side]!); id > 0; id = accept(stack, listeners[side]!)) {
                const ports = findConnection(stack, id)!.getAt(Tcb.Ports, "i32")
                const port = ((ports & 0xff) << 8) | ((ports >> 8) & 0xff)
                all[port - FIRST_PORT]!.run(side, id)
            }
        }
    }
    const ended = wire.runUntil(() => {
        take()
        return all.every(b => b.ended)
    }, 48 * HOUR)
    expect(ended, "all programs come to an end").toBe(true)
    // a connection accepted only now belongs to an end that has given up
    wire.runUntil(() => {
        take()
        return false
    }, 2 * HOUR)
    for (const [side, h] of hosts.entries()) close(h.stack, listeners[side]!, wire.now | 0)
    wire.runUntil(() => false, HOUR)
    for (const b of all) check(b)
    // nothing is left: no record, no timer, nothing to send
    for (const { stack } of hosts) {
        expect([stack.connsEnd, stack.halvesEnd, stack.waitsEnd], "records").toEqual([0, 0, 0])
    }
    expect(hosts.map(h => h.next(wire.now))).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
    return all.flatMap(b => b.errors)
}

/** Opens conversation number `i`. */
function open(wire: LossyWire, hosts: Pair<Host>, i: number, c: Conversation, both: Both): void {
    const port = FIRST_PORT + i
    const now = wire.now | 0
    if (c.opener !== 1) {
        // both at the same time: each to the port that the other one comes from
        const id = connect(hosts[0].stack, ip(B), c.opener === "both" ? port : 80, port, now)
        both.run(0, id)
    }
    if (c.opener !== 0) {
        const id = connect(hosts[1].stack, ip(A), c.opener === "both" ? port : 80, port, now)
        both.run(1, id)
    }
}

/** Asserts that each program read what the other wrote: all of it where neither failed, else its beginning. */
function check(both: Both): void {
    const { programs } = both
    for (const side of [0, 1] as const) {
        const program = programs[side]
        const other = programs[side === 0 ? 1 : 0]
        if (program === undefined) continue
        if (other === undefined) {
            expect(program.heard, "bytes heard of nobody").toEqual([])
            continue
        }
        if (program.error === TcpError.None && other.error === TcpError.None) {
            expect(program.heard.length, "bytes heard").toBe(other.habits.total)
        }
        expect(program.heard.length).toBeLessThanOrEqual(other.habits.total)
        const wrong = program.heard.findIndex((byte, at) => byte !== other.byte(at))
        expect(wrong, "the first byte that is not the one that was said").toBe(-1)
    }
}

const none = (errors: TcpError[]) => errors.map(() => TcpError.None)

describe("two stacks transfer all bytes, come to CLOSED and leave nothing", () => {
    test(
        "a transfer on a wire that delays and reorders ends without an error",
        () => {
            fc.assert(
                fc.property(scenarios(0, 0, 10_000), s => {
                    const errors = transfer(s)
                    expect(errors).toEqual(none(errors))
                }),
                cases(80)
            )
        },
        MINUTES
    )

    test(
        "a transfer on a wire that loses up to 10 % and spoils up to 5 % ends without an error",
        () => {
            fc.assert(
                fc.property(scenarios(0.1, 0.05, 4000), s => {
                    const errors = transfer(s)
                    expect(errors).toEqual(none(errors))
                }),
                cases(80)
            )
        },
        MINUTES
    )

    test(
        "a transfer on a wire that loses up to 30 % and spoils up to 10 % ends whole, or with an error that programs see",
        () => {
            fc.assert(
                fc.property(scenarios(0.3, 0.1, 2500), s => {
                    transfer(s)
                }),
                cases(80)
            )
        },
        MINUTES
    )
})
