// Properties of whole transfers: what goes in comes out, whatever the wire does, and nothing is left behind.

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { accept, connect, errorOf, listen, stateOf } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/tcb"
import { Host, ip } from "../support/host"
import { type Impairment, LossyWire, Program } from "../support/lossy"
import { cases } from "../support/property"

interface Scenario {
    impairment: Impairment
    iss: [number, number]
    start: number
    rings: [number, number, number, number]
    totals: [number, number]
    /** Both connect, or one listens. */
    simultaneous: boolean
}

const HOUR = 3_600_000

const ring = fc.oneof(fc.integer({ min: 64, max: 2000 }), fc.constantFrom(64, 1024, 8000))
const number = fc.oneof(
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.integer({ min: 0x7fff_f000, max: 0x8000_0fff }),
    fc.integer({ min: 0xffff_f000, max: 0xffff_ffff })
)

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
                .map(([least, more]) => [least, least + more] as [number, number]),
        }),
        iss: fc.tuple(number, number),
        start: fc.constantFrom(0, 1000, 0x7fff_f000, 0xffff_f000),
        rings: fc.tuple(ring, ring, ring, ring),
        totals: fc.tuple(fc.nat(most), fc.nat(most)),
        simultaneous: fc.boolean(),
    })

/** Runs it to the end, and says which errors the programs got. */
function transfer(s: Scenario): TcpError[] {
    const patient = { r2: 600_000, r2Syn: 600_000, synAckRetries: 15, timeWait: 1000, connections: 2 }
    const config = (side: 0 | 1) => ({
        ...patient,
        sendBuffer: s.rings[side * 2]!,
        receiveBuffer: s.rings[side * 2 + 1]!,
        iss: s.iss[side],
    })
    const a = new Host("10.0.0.1", config(0))
    const b = new Host("10.0.0.2", config(1))
    const wire = new LossyWire([a, b], s.impairment, s.start)
    const first = connect(a.stack, ip("10.0.0.2"), 80, 5000, wire.now | 0)
    const listener = s.simultaneous ? 0 : listen(b.stack, 80, 4)
    let second = s.simultaneous ? connect(b.stack, ip("10.0.0.1"), 5000, 80, wire.now | 0) : 0
    const opened = wire.runUntil(() => {
        if (listener > 0 && second === 0) second = accept(b.stack, listener)
        // to close in SYN-SENT would be to take it all back
        const closable = (stack: typeof a.stack, id: number) => stateOf(stack, id) !== State.SynSent
        const failed = errorOf(a.stack, first) !== TcpError.None
        return failed || (second > 0 && closable(a.stack, first) && closable(b.stack, second))
    }, HOUR)
    expect(opened, "the handshake comes to an end").toBe(true)
    // as when nobody answered ARP
    if (second === 0) return [errorOf(a.stack, first)]
    const programs = [
        new Program(wire, a, first, s.totals[0], 3, s.impairment.seed ^ 1),
        new Program(wire, b, second, s.totals[1], 89, s.impairment.seed ^ 2),
    ] as const
    expect(
        wire.runUntil(() => programs.every(p => p.ended), 24 * HOUR),
        "both programs come to an end"
    ).toBe(true)
    wire.runUntil(() => false, HOUR)
    for (const [i, program] of programs.entries()) {
        const other = programs[1 - i]!
        if (program.error === TcpError.None && other.error === TcpError.None) {
            expect(program.heard.length, "bytes heard").toBe(other.total)
        }
        // a prefix at least, and never anything else
        expect(program.heard.length).toBeLessThanOrEqual(other.total)
        const wrong = program.heard.findIndex((byte, at) => byte !== other.byte(at))
        expect(wrong, "the first byte that is not the one that was said").toBe(-1)
    }
    // nothing is left: no record, no timer, nothing to send
    for (const host of [a, b]) {
        expect(host.stack.connsEnd, "connections").toBe(0)
        expect(host.stack.halvesEnd, "half-open connections").toBe(0)
        expect(host.next(wire.now)).toBe(Number.POSITIVE_INFINITY)
    }
    return programs.map(p => p.error)
}

describe("bytes out equal bytes in, both sides come to CLOSED, nothing is left", () => {
    test("on a wire that only delays and reorders: without an error", () => {
        fc.assert(
            fc.property(scenarios(0, 0, 20_000), s => {
                expect(transfer(s)).toEqual([TcpError.None, TcpError.None])
            }),
            cases(30)
        )
    })

    test("on a wire that loses up to 10 % and spoils up to 5 %: without an error", () => {
        fc.assert(
            fc.property(scenarios(0.1, 0.05, 6000), s => {
                expect(transfer(s)).toEqual([TcpError.None, TcpError.None])
            }),
            cases(30)
        )
    })

    test("on a wire that loses up to 30 % and spoils up to 10 %: or with an error that both programs see", () => {
        fc.assert(
            fc.property(scenarios(0.3, 0.1, 3000), s => {
                transfer(s)
            }),
            cases(30)
        )
    })
})
