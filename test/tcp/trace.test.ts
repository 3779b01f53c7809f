// What the stack reports: events in their order, and counters (src/base/events.ts, src/base/counters.ts).

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { readI32, readU16 } from "../../src/base/bytes"
import { Counter, counterNames } from "../../src/base/counters"
import { Event, EventKind } from "../../src/base/events"
import { errorName, stateName } from "../../src/tcp/records"
import type { Peer } from "../support/peer"
import { formatSegment } from "../support/segment"
import { halfOpen, listening, newPeer, reach, synSent } from "../support/states"

const names = counterNames.split(" ")

/** The events since the first of `from`, as text; numbers relative to the peer's and the stack's. */
function told(peer: Peer, from = 0): string[] {
    const { events } = peer.bench.stack
    const record = Buffer.alloc(Event.Size)
    const lines: string[] = []
    for (let i = Math.max(from, events.oldest()); i < events.count; i++) {
        events.copy(i, record)
        lines.push(text(peer, record))
    }
    return lines
}

function text(peer: Peer, record: Buffer): string {
    const u8 = (field: number) => record.getAt(field, "u8")
    const kind = u8(Event.Kind)
    if (kind === EventKind.Drop) return `drop ${names[record.getAt(Event.Reason, "u16") / 4]}`
    const id = record.getAt(Event.Id, "u16") === 0 ? "-" : "c"
    if (kind === EventKind.State)
        return `${id} ${stateName(u8(Event.Before))} > ${stateName(u8(Event.After))}`
    if (kind === EventKind.Failed) return `${id} failed ${errorName(-u8(Event.Error))}`
    const out = kind === EventKind.SegmentOut
    const [seqBase, ackBase] = out ? [peer.ours, peer.theirs] : [peer.theirs, peer.ours]
    const mss = record.getAt(Event.Mss, "u16")
    const bits = u8(Event.Flags)
    const segment = {
        flags: [..."SFRP.UEW"].filter(flag => bits & (1 << "FSRP.UEW".indexOf(flag))).join(""),
        seq: (readI32(record, Event.Sequence) - seqBase) | 0,
        length: record.getAt(Event.Length, "u16"),
        ack: bits & 16 ? (readI32(record, Event.Acknowledgment) - ackBase) | 0 : undefined,
        window: readU16(record, Event.Window),
        urgent: 0,
        options: mss > 0 ? [`mss ${mss}`] : [],
    }
    return `${id} ${stateName(u8(Event.After))} ${out ? "out" : "in"} ${formatSegment(segment)}`
}

// ---------------------------------------------------------------- Events
describe("the events of a connection", () => {
    test("an active open, data and a close report each segment and state", () => {
        const peer = synSent()
            .sends("S. 0 ack 1 <mss 500>")
            .gets(". 1 ack 1")
            .sends("P. 1(5) ack 1")
            .gets(". 1 ack 6")
            .shuts()
        peer.gets("F. 1 ack 6").sends("F. 6 ack 2").gets(". 2 ack 7").after(60_000).gets()
        expect(told(peer)).toEqual([
            "c CLOSED > SYN-SENT",
            "c SYN-SENT out S 0 win 1024 <mss 1460>",
            "c SYN-SENT in S. 0 ack 1 win 4096 <mss 500>",
            "c SYN-SENT > ESTABLISHED",
            "c ESTABLISHED out . 1 ack 1 win 1024",
            "c ESTABLISHED in P. 1(5) ack 1 win 4096",
            "c ESTABLISHED out . 1 ack 6 win 1019",
            "c ESTABLISHED > FIN-WAIT-1",
            "c FIN-WAIT-1 out F. 1 ack 6 win 1019",
            "c FIN-WAIT-1 in F. 6 ack 2 win 4096",
            "c FIN-WAIT-1 > FIN-WAIT-2",
            "c FIN-WAIT-2 > TIME-WAIT",
            "c TIME-WAIT out . 2 ack 7 win 1018",
            "c TIME-WAIT > CLOSED",
        ])
    })

    test("a passive open reports its half-open connection without an id", () => {
        const peer = halfOpen().sends(". 1 ack 1").gets()
        expect(told(peer)).toEqual([
            "- LISTEN in S 0 win 4096 <mss 1460>",
            "- LISTEN > SYN-RECEIVED",
            "- SYN-RECEIVED out S. 0 ack 1 win 1024 <mss 1460>",
            "- SYN-RECEIVED in . 1 ack 1 win 4096",
            "c SYN-RECEIVED > ESTABLISHED",
        ])
    })

    test("a half-open connection that is reset reports its return to LISTEN", () => {
        const peer = halfOpen().sends("R 1").gets()
        expect(told(peer, 3)).toEqual(["- SYN-RECEIVED in R 1 win 4096", "- SYN-RECEIVED > LISTEN"])
    })

    test("a SYN without a listener reports the segment, the drop and the RST", () => {
        const peer = newPeer().sends("S 0").gets("R. =0 ack 1")
        expect(told(peer)).toEqual([
            "- CLOSED in S 0 win 4096",
            "drop tcp-no-connection",
            `- CLOSED out R. ${(0 - peer.ours) | 0} ack 1 win 0`,
        ])
    })

    test("a connection that is reset reports its end and ECONNRESET", () => {
        const peer = reach("ESTABLISHED")
        const from = peer.bench.stack.events.count
        peer.sends("R 1").gets()
        expect(told(peer, from)).toEqual([
            "c ESTABLISHED in R 1 win 4096",
            "c ESTABLISHED > CLOSED",
            "c failed ECONNRESET",
        ])
    })

    test("a SYN in TIME-WAIT reports the old connection's end and the new one", () => {
        const peer = reach("TIME-WAIT", { open: "passive" })
        const from = peer.bench.stack.events.count
        peer.sends("S 100")
        peer.seen.length = 0
        const lines = told(peer, from).map(line => line.replace(/ -?\d.*/, ""))
        expect(lines).toEqual([
            "c TIME-WAIT in S",
            "- LISTEN > SYN-RECEIVED",
            "c TIME-WAIT > CLOSED",
            "- SYN-RECEIVED out S.",
        ])
    })

    test("each event has the time of the call that caused it", () => {
        const peer = listening()
        peer.bench.now = 7777
        peer.sends("S 0").gets("S. 0 ack 1 <mss 1460>")
        const record = Buffer.alloc(Event.Size)
        const { events } = peer.bench.stack
        for (let i = 0; i < events.count; i++) {
            events.copy(i, record)
            expect(record.getAt(Event.Time, "i32")).toBe(7777)
        }
    })

    test("a ring of four events keeps the last four", () => {
        const peer = newPeer({ config: { events: 4 } })
        for (let i = 0; i < 10; i++) peer.sends(`S ${i}`).gets(`R. =0 ack ${i + 1}`)
        const { events } = peer.bench.stack
        expect(events.count).toBe(30)
        expect(events.oldest()).toBe(26)
        expect(told(peer).length).toBe(4)
        expect(told(peer)[1]).toBe("- CLOSED in S 9 win 4096")
    })
})

// ---------------------------------------------------------------- Counters
describe("the counters", () => {
    test("each counter has a name, in the order of the offsets", () => {
        expect(names.length).toBe(Counter.Size / 4)
        expect(new Set(names).size).toBe(names.length)
        expect(names[Counter.FramesIn / 4]).toBe("frames-in")
        expect(names[Counter.FrameShort / 4]).toBe("frame-short")
        expect(names[Counter.TcpChecksum / 4]).toBe("tcp-checksum")
        expect(names[Counter.ReplyBusy / 4]).toBe("reply-busy")
        expect(names[Counter.Unresolved / 4]).toBe("unresolved")
    })

    test("the counters of frames and segments count each that comes in or is sent", () => {
        const peer = reach("ESTABLISHED")
        const { bench } = peer
        const before = [Counter.FramesIn, Counter.FramesOut, Counter.SegmentsIn, Counter.SegmentsOut].map(c =>
            bench.counter(c)
        )
        peer.sends("P. 1(5) ack 1")
            .gets(". 1 ack 6")
            .writes(5)
            .gets("P. 1(5) ack 6")
            .sends(". 6 ack 6")
            .gets()
        peer.sends("S 0").gets(". 6 ack 6").bench.introduce("10.0.0.3", "02:00:00:00:01:03")
        const after = [Counter.FramesIn, Counter.FramesOut, Counter.SegmentsIn, Counter.SegmentsOut].map(c =>
            bench.counter(c)
        )
        expect(after.map((value, i) => value - before[i]!)).toEqual([4, 4, 3, 3])
    })
})
