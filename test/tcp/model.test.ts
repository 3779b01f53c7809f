// RFC 9293 section 3.10.7.4 once more, as a model: the paragraphs of the RFC in plain arithmetic on numbers that do
// not wrap, for one segment. Whatever segment comes in whatever synchronized state, the stack has to do what the
// model says.

import fc from "fast-check"
import { expect, test } from "vitest"
import { cases } from "../support/property"
import { bases, reach, type SynchronizedState, synchronizedStates } from "../support/states"

interface Segment {
    seq: number
    length: number
    flags: string
    ack: number
}

interface Outcome {
    state: string
    /** The acknowledgment number of the ACK that is sent, undefined when none is. */
    reply: number | undefined
    read: number
}

/** The peer's window was never more than this. */
const MAX_WINDOW = 4096

function model(
    state: SynchronizedState,
    v: { una: number; nxt: number; rcv: number; edge: number },
    s: Segment
): Outcome {
    const has = (flag: string) => s.flags.includes(flag)
    const nothing: Outcome = { state, reply: undefined, read: 0 }
    const ack: Outcome = { state, reply: v.rcv, read: 0 }
    const length = s.length + (has("S") ? 1 : 0) + (has("F") ? 1 : 0)
    const last = s.seq + length - 1

    // First, check sequence number. What covers the window on both sides is acceptable, too: trimmed, it fits.
    const within = (n: number) => v.rcv <= n && n < v.edge
    const acceptable =
        length === 0 ? within(s.seq) : within(s.seq) || within(last) || (s.seq < v.rcv && last >= v.edge)
    if (!acceptable) return has("R") ? nothing : ack
    // Second, check the RST bit; RFC 1337: in TIME-WAIT it would let old segments into a new connection
    if (has("R") && state === "TIME-WAIT") return nothing
    if (has("R")) return s.seq === v.rcv ? { ...nothing, state: "CLOSED" } : ack
    // Fourth, check the SYN bit
    if (has("S")) return ack
    // Fifth, check the ACK field
    if (!has(".")) return nothing
    if (s.ack > v.nxt || s.ack < v.una - MAX_WINDOW) return ack
    const finSent = state === "FIN-WAIT-1" || state === "CLOSING" || state === "LAST-ACK"
    let next: string = state
    if (finSent && s.ack === v.nxt) {
        if (state === "FIN-WAIT-1") next = "FIN-WAIT-2"
        if (state === "CLOSING") next = "TIME-WAIT"
        if (state === "LAST-ACK") return { ...nothing, state: "CLOSED" }
    }
    if (length === 0) return { ...nothing, state: next }
    // Seventh, process the segment text; eighth, check the FIN bit
    const open = next === "ESTABLISHED" || next === "FIN-WAIT-1" || next === "FIN-WAIT-2"
    if (!open || s.seq > v.rcv) return { ...ack, state: next }
    const end = Math.min(s.seq + s.length, v.edge)
    const read = Math.max(0, end - v.rcv)
    let rcv = v.rcv + read
    if (has("F") && s.seq + s.length === rcv) {
        rcv++
        if (next === "ESTABLISHED") next = "CLOSE-WAIT"
        else next = next === "FIN-WAIT-1" ? "CLOSING" : "TIME-WAIT"
    }
    return { state: next, reply: rcv, read }
}

const near = (...places: number[]) =>
    fc.tuple(fc.constantFrom(...places), fc.integer({ min: -12, max: 12 })).map(([place, by]) => place + by)

const segments: fc.Arbitrary<Segment> = fc.record({
    // 1 is the first octet, 1025 the right edge
    seq: fc.oneof({ weight: 6, arbitrary: near(1, 1, 1, 1025) }, fc.integer({ min: -2000, max: 3000 })),
    length: fc.oneof(fc.constantFrom(0, 0, 0, 1, 5, 12, 1023, 1024, 1025), fc.nat(1400)),
    flags: fc
        .record({
            S: fc.integer({ min: 0, max: 9 }),
            F: fc.integer({ min: 0, max: 3 }),
            R: fc.integer({ min: 0, max: 7 }),
            P: fc.integer({ min: 0, max: 1 }),
            ".": fc.integer({ min: 0, max: 6 }),
        })
        // most segments have an ACK, few a SYN or a RST
        .map(f => [..."SFRP."].filter(flag => (flag === "." ? f["."] > 0 : f[flag as "S"] === 0)).join(""))
        .map(flags => (flags === "" ? "U" : flags)),
    ack: fc.oneof(
        { weight: 5, arbitrary: near(1, 2) },
        near(-4095),
        fc.integer({ min: -10_000, max: 10_000 })
    ),
})

test.each(synchronizedStates)(
    "%s: any segment is answered as a model of section 3.10.7.4 answers it",
    state => {
        fc.assert(
            fc.property(
                segments,
                fc.constantFrom(...bases),
                fc.constantFrom("active" as const, "passive" as const),
                (s, base, open) => {
                    // a new SYN may open a connection in TIME-WAIT anew where a program listens: see time-wait.test.ts
                    const peer = reach(state, { base, open: state === "TIME-WAIT" ? "active" : open })
                    const edge = peer.edge
                    const { una, nxt, rcv } = peer.marks as { una: number; nxt: number; rcv: number }
                    const expected = model(state, { una, nxt, rcv, edge }, s)
                    const length = s.length > 0 ? `(${s.length})` : ""
                    const ack = s.flags.includes(".") ? ` ack ${s.ack}` : ""
                    peer.sends(`${s.flags} ${s.seq}${length}${ack}`)
                    peer.gets(
                        ...(expected.reply === undefined
                            ? []
                            : [`. ${nxt} ack ${expected.reply} win ${Math.max(0, edge - expected.reply)}`])
                    )
                    const closed = peer.bench.peers[0]!.listener > 0 ? "LISTEN" : "CLOSED"
                    peer.is(expected.state === "CLOSED" ? closed : expected.state)
                    if (expected.read > 0) {
                        peer.reads(expected.read)
                        peer.seen.length = 0
                    }
                    expect(peer.seen).toEqual([])
                }
            ),
            cases(200)
        )
    }
)
