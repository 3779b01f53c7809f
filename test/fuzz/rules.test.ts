// The rules find the faults they are for: each is planted in the stack's memory, and must be reported.

import { describe, expect, test } from "vitest"
import { ConnFlag, State, Tcb } from "../../src/tcp/records"
import { Flag } from "../../src/wire/tcp"
import { FrameBuilder } from "./frame-builder"
import { Remote } from "./remote"
import { CallKind, Place, StackUnderTest } from "./stack-under-test"

const ISS = 5000
const PEER = new Remote(0x0200000a, 0x0200000a, 5000, 80, false)

/** A stack with one connection, ESTABLISHED; its id, and what the peer has to say with. */
function established(config: Record<string, number> = {}) {
    const target = new StackUnderTest(
        { connections: 2, timestamps: 0, delayedAck: 0, nagle: 0, ...config },
        new Uint8Array(16),
        1000
    )
    const { stack } = target
    const builder = new FrameBuilder()
    const send = (control: number, seq: number, text = 0, ack = 0) => {
        builder.reset(Place.mac, PEER.mac, PEER.ip, Place.ip)
        builder.sourcePort = PEER.port
        builder.destinationPort = PEER.localPort
        builder.control = control
        builder.seq = (ISS + seq) | 0
        builder.ack = ack === 0 ? 0 : (PEER.stackIss + ack) | 0
        builder.window = 4096
        builder.text = text
        target.frame(builder.segment(stack.rx), false)
    }
    target.observer = {
        sent: (frame, length) => {
            if (frame[12] === 8 && frame[13] === 0) PEER.hears(frame, length)
        },
    }
    target.call(CallKind.Listen, 80, 1, 0)
    builder.reset(Place.mac, PEER.mac, PEER.hop, Place.ip)
    target.frame(builder.arp(stack.rx, 1, PEER.mac, Place.mac), false)
    send(Flag.Syn, 0)
    send(Flag.Ack, 1, 0, 1)
    const id = target.call(CallKind.Accept, 1, 0, 0)
    expect(id).toBeGreaterThan(0)
    send(Flag.Ack | Flag.Psh, 1, 100, 1)
    return { target, stack, send, id, now: target.now }
}

type Test = ReturnType<typeof established>

const nothing = (t: Test) => t.target.pass(t.target.at)

/** What is done to the stack's memory, and the words of the rule that sees it with the next step. */
const faults: [string, (t: Test) => void, (t: Test) => void, RegExp][] = [
    ["RCV.NXT", t => t.stack.conns[0].setAt(Tcb.RcvNxt, "i32", ISS + 50), nothing, /RCV.NXT moves back/],
    [
        "RCV.NXT beyond the window",
        t => {
            t.stack.conns[0].setAt(Tcb.RcvNxt, "i32", ISS + 3000)
            t.stack.conns[0].setAt(Tcb.RcvWnd, "u16", 1)
        },
        nothing,
        /more was taken than was allowed/,
    ],
    ["the window", t => t.stack.conns[0].setAt(Tcb.RcvWnd, "u16", 5), nothing, /right edge moves back/],
    [
        "SND.UNA",
        t => t.stack.conns[0].setAt(Tcb.SndUna, "i32", t.stack.conns[0].getAt(Tcb.SndUna, "i32") - 1),
        nothing,
        /SND.UNA moves back/,
    ],
    [
        "SND.UNA above SND.NXT",
        t => t.stack.conns[0].setAt(Tcb.SndUna, "i32", t.stack.conns[0].getAt(Tcb.SndUna, "i32") + 1),
        nothing,
        /SND.UNA is above/,
    ],
    [
        "a state that no frame leads to",
        t => t.stack.conns[0].setAt(Tcb.State, "u8", State.LastAck),
        nothing,
        /from ESTABLISHED to LAST-ACK/,
    ],
    [
        "a byte received",
        t => {
            t.stack.conns[0][Tcb.Size + t.stack.sendSize + 7] ^= 1
        },
        t => t.target.call(CallKind.Read, t.id, 100, 0),
        /byte 7 of 100 read is not what the peer said/,
    ],
    [
        "a byte to be sent",
        t => {
            t.stack.conns[0].setAt(Tcb.SndWnd, "u16", 0)
            t.target.call(CallKind.Write, t.id, 50, 0)
            t.stack.conns[0][Tcb.Size + 9] ^= 1
        },
        t => t.send(Flag.Ack, 101, 0, 1),
        /byte 9 of 50 sent is not what was written/,
    ],
    [
        "the peer's window",
        t => {
            t.stack.conns[0].setAt(Tcb.SndWnd, "u16", 0)
            t.target.call(CallKind.Write, t.id, 50, 0)
            // the stack thinks that there is room: the rules look at SND.WND when the frame is there
            t.target.stack.conns[0].setAt(Tcb.SndWnd, "u16", 50)
            const { rules } = t.target
            const sends = rules.sends.bind(rules)
            rules.sends = (length, isReply) => {
                t.stack.conns[0].setAt(Tcb.SndWnd, "u16", 49)
                sends(length, isReply)
            }
            t.stack.conns[0].setAt(Tcb.Flags, "u8", t.stack.conns[0].getAt(Tcb.Flags, "u8") | ConnFlag.Due)
            t.stack.dirty = true
            t.stack.next = t.stack.conns[0]
        },
        nothing,
        /50 bytes sent into a window of 49/,
    ],
    [
        "a record that stays",
        t => t.target.call(CallKind.Close, 1, 0, 0),
        t => t.target.checkEmpty(),
        /connections are left/,
    ],
    [
        "a timer for nothing",
        t => {
            t.stack.timerArmed = true
            t.stack.nextTimer = t.now
            t.stack.conns[0].setAt(Tcb.Flags, "u8", t.stack.conns[0].getAt(Tcb.Flags, "u8") | ConnFlag.Timer)
            t.stack.conns[0].setAt(Tcb.Deadline, "i32", t.now + 1000)
        },
        nothing,
        /a timer for nothing/,
    ],
    [
        "a checksum",
        t => {
            const { rules } = t.target
            const sends = rules.sends.bind(rules)
            rules.sends = (length, isReply) => {
                t.stack.tx[50] ^= 1
                sends(length, isReply)
            }
        },
        t => t.send(Flag.Ack, 101, 1, 1),
        /a segment that is not sound/,
    ],
]

describe("the rules of fuzzing and a planted fault", () => {
    test.each(faults)("%s is found", (_, plant, step, words) => {
        const t = established()
        plant(t)
        expect(() => step(t)).toThrow(words)
    })
})

test("a connection without a planted fault breaks no rule", () => {
    const t = established()
    t.target.call(CallKind.Write, t.id, 50, 0)
    t.send(Flag.Ack, 101, 10, 51)
    expect(t.target.call(CallKind.Read, t.id, 200, 0)).toBe(110)
    t.target.call(CallKind.Close, t.id, 0, 0)
    t.send(Flag.Ack | Flag.Fin, 111, 0, 52)
    t.target.call(CallKind.Close, 1, 0, 0)
    t.target.pass(t.target.at + 1_000_000)
    t.target.checkEmpty()
})
