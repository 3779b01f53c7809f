// Header prediction (src/tcp/expected.ts): whatever takes the short path leaves the connection as the long one does.

import fc from "fast-check"
import { expect, test } from "vitest"
import type { Stack } from "../../src/net/stack"
import { type Connection, Frame } from "../../src/tcp/context"
import { takeExpected } from "../../src/tcp/expected"
import { ConnFlag, ConnOption, Seg, SendFlag, State, Tcb } from "../../src/tcp/records"
import { segmentArrives } from "../../src/tcp/segment-arrives"
import { Flag, Tcp, TimestampsOnly } from "../../src/wire/tcp"
import { Host } from "../support/host"

const UNA = 0x7fff_ff00
const NXT = 0x1000
const NOW = 70_000
const RUNS = 5000
const RING = 1024
const CONFIG = { connections: 2, sendBuffer: RING, receiveBuffer: RING }
/** The header fields of a segment of a connection, and the fields of its record. */
const scene = fc.record({
    control: fc.constantFrom(Flag.Ack, Flag.Ack, Flag.Ack | Flag.Psh, Flag.Ack | Flag.Fin, Flag.Rst, 0),
    offset: fc.constantFrom(0, 0, 0, 0, 1, -1),
    acked: fc.oneof(fc.nat(600), fc.integer({ min: -2, max: 700 })),
    flight: fc.nat(600),
    unsent: fc.nat(400),
    bytes: fc.constantFrom(0, 0, 1, 22, 500, 1024),
    room: fc.constantFrom(0, 1, 22, 23, 501, 1024),
    window: fc.constantFrom(0, 1, 400, 512, 64_240),
    sameWindow: fc.constantFrom(true, true, true, false),
    scale: fc.constantFrom(0, 0, 7, 0x10),
    recover: fc.constantFrom(0, 0, 0, 5),
    stamped: fc.boolean(),
    stamp: fc.constantFrom(0, 1, 5, -1),
    echo: fc.constantFrom(0, NOW - 30, NOW + 5),
    connOptions: fc.constantFrom(0, 0, ConnOption.Sack, ConnOption.KeepAlive, ConnOption.NoDelay),
    agreed: fc.boolean(),
    flags: fc.constantFrom(0, ConnFlag.AckDelayed, ConnFlag.AckNow | ConnFlag.Due, ConnFlag.ReadClosed),
    sendFlags: fc.constantFrom(0, SendFlag.Timing, SendFlag.SoftError, SendFlag.Probe),
    fallenBack: fc.boolean(),
    wl1: fc.constantFrom(0, -100, 100),
    cwnd: fc.constantFrom(536, 5000, 65_000),
    ssthresh: fc.constantFrom(1072, 65_535),
    srtt: fc.constantFrom(0, 240, 65_000),
    retries: fc.constantFrom(0, 2),
    unread: fc.constantFrom(0, 100),
    head: fc.constantFrom(0, 600, 1020),
})
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never

const [quickHost, slowHost] = [1, 1].map(() => new Host("10.0.0.1", CONFIG)) as [Host, Host]

/** Sets one connection as the scene has it, and the segment in the receive frame. */
function stackOf({ stack }: Host, s: Scene): { stack: Stack; c: Connection; header: number } {
    const c = stack.conns[0]
    c.fill(0)
    stack.counters.fill(0)
    Object.assign(stack, { connsEnd: 1, dirty: false, next: undefined, timerArmed: false, nextTimer: 0 })
    const stamps = s.agreed ? ConnOption.Timestamps : 0
    const u8 = (field: number, value: number) => c.setAt(field, "u8", value)
    const u16 = (field: number, value: number) => c.setAt(field, "u16", value)
    const i32 = (field: number, value: number) => c.setAt(field, "i32", value | 0)
    u8(Tcb.State, State.Established)
    u8(Tcb.Flags, s.flags | ConnFlag.Held | (s.flight > 0 ? ConnFlag.Timer : 0))
    u16(Tcb.Id, 7)
    i32(Tcb.SndUna, UNA)
    i32(Tcb.SndNxt, s.fallenBack ? UNA : UNA + s.flight)
    i32(Tcb.SndMax, UNA + s.flight)
    i32(Tcb.SndWl1, NXT + s.wl1)
    i32(Tcb.RcvNxt, NXT)
    i32(Tcb.RttSeq, s.agreed ? 100 : UNA + s.flight)
    u16(Tcb.RttStart, s.agreed ? 0 : NOW - 25)
    const window = Math.min(s.window << (s.scale & 15), 0xffff)
    u16(Tcb.SndWnd, s.sameWindow ? window : window >> 1)
    u16(Tcb.MaxSndWnd, 0xffff)
    u16(Tcb.RcvWnd, Math.min(s.room, RING - s.unread))
    u16(Tcb.Srtt, s.srtt)
    u16(Tcb.RttVar, s.srtt >> 2)
    u16(Tcb.Rto, 3000)
    u16(Tcb.Cwnd, s.cwnd)
    u16(Tcb.Ssthresh, s.ssthresh)
    u16(Tcb.Mss, 536)
    u16(Tcb.SendHead, s.head)
    u16(Tcb.SendLength, s.flight + s.unsent)
    u16(Tcb.ReceiveHead, s.head)
    u16(Tcb.ReceiveLength, s.unread)
    u16(Tcb.ReceiveLimit, RING)
    u16(Tcb.Recover, s.recover)
    u8(Tcb.ScaleDups, s.scale)
    u8(Tcb.Retries, s.retries)
    u8(Tcb.SendFlags, s.sendFlags)
    u8(Tcb.Options, s.connOptions | stamps)
    const header = Tcp.Size + (s.stamped ? TimestampsOnly.Size : 0)
    const { rx } = stack
    rx.setAt(Frame.Transport + Tcp.Flags, "u8", s.control)
    rx.setAt(Frame.Transport + Tcp.Window, "u16", ((s.window & 0xff) << 8) | (s.window >> 8))
    if (s.stamped) {
        rx.setAt(Frame.Transport + Tcp.Size, "i32", TimestampsOnly.Start)
        Buffer.from(rx.buffer, rx.byteOffset).writeInt32BE(100 + s.stamp, Frame.Transport + Tcp.Size + 4)
        Buffer.from(rx.buffer, rx.byteOffset).writeInt32BE(s.echo, Frame.Transport + Tcp.Size + 8)
    }
    for (let i = 0; i < s.bytes; i++) rx[Frame.Transport + header + i] = i + 1
    return { stack, c, header }
}

/** Returns all that the two paths may change. */
function traces({ stack, c }: { stack: Stack; c: Connection }) {
    const { dirty, next, timerArmed, nextTimer } = stack
    const due = next === undefined ? -1 : stack.conns.indexOf(next)
    return {
        record: c.toString("hex"),
        dirty,
        due,
        timerArmed,
        nextTimer,
        counters: stack.counters.toString("hex"),
    }
}

test("a segment that takes the short path leaves all as the long path does, and one that does not is left alone", () => {
    let taken = 0
    fc.assert(
        fc.property(scene, s => {
            const sequence = (NXT + s.offset) | 0
            const acknowledgment = (UNA + s.acked) | 0
            const quick = stackOf(quickHost, s)
            const before = traces(quick)
            const { header } = quick
            const length = header + s.bytes
            if (
                !takeExpected(quick.stack, quick.c, header, length, sequence, acknowledgment, s.control, NOW)
            ) {
                expect(traces(quick)).toEqual(before)
                return
            }
            taken++
            const slow = stackOf(slowHost, s)
            const { segment } = slow.stack
            segment.setAt(Seg.Sequence, "i32", sequence)
            segment.setAt(Seg.Acknowledgment, "i32", acknowledgment)
            segment.setAt(Seg.Window, "u16", s.window)
            segment.setAt(Seg.DataAt, "u16", Frame.Transport + header)
            segment.setAt(Seg.Length, "u16", s.bytes)
            segment.setAt(Seg.Control, "u8", s.control)
            segmentArrives(slow.stack, slow.c, NOW)
            expect(traces(quick)).toEqual(traces(slow))
        }),
        { numRuns: RUNS }
    )
    expect(taken).toBeGreaterThan(RUNS / 200)
})
