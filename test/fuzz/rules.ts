// What has to hold from one step to the next, beside what has to hold at any time (test/support/invariants.ts):
// numbers that never move back, frames that are sound and within the peer's window, no more of them than a frame can
// ask for.

import { dissect } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import type { Stack } from "../../src/net/stack"
import type { Connection } from "../../src/tcp/context"
import { halfOpenFor } from "../../src/tcp/half-open"
import { ConnOption, Half, State, stateName, Tcb } from "../../src/tcp/records"
import { findTuple } from "../../src/tcp/tables"
import { Control, get16, get32, isSound, sum16 } from "./frame-builder"
import { firstWrong, saltOf } from "./pattern"

/** What is remembered of a connection's record, as words. */
const Word = { Id: 0, State: 1, Una: 2, Max: 3, RcvNxt: 4, Edge: 5, ReadNext: 6, Size: 7 } as const

/** The least that an MSS of 64 leaves, less timestamps. */
const LEAST_MSS = 52
/** One in N frames is taken apart by the simulator's dissector, too. */
const SAMPLE = 64
const { Fin, Syn, Rst, Psh, Ack } = Control

const bit = (...states: State[]) => states.reduce((bits, state) => bits | (1 << state), 0)

/**
 * Where a single frame may lead from a state (RFC 9293 section 3.3.2, several arrows at once where one segment does
 * it).
 */
const byFrame: number[] = []
byFrame[State.Closed] = 0
byFrame[State.SynSent] = bit(State.SynReceived, State.Established, State.CloseWait, State.Closed)
byFrame[State.SynReceived] = bit(
    State.Established,
    State.CloseWait,
    State.FinWait1,
    State.Closing,
    State.Closed
)
byFrame[State.Established] = bit(State.CloseWait, State.Closed)
byFrame[State.FinWait1] = bit(State.FinWait2, State.Closing, State.TimeWait, State.Closed)
byFrame[State.FinWait2] = bit(State.TimeWait, State.Closed)
byFrame[State.CloseWait] = bit(State.Closed)
byFrame[State.Closing] = bit(State.TimeWait, State.Closed)
byFrame[State.LastAck] = bit(State.Closed)
byFrame[State.TimeWait] = bit(State.Closed)

/** Where a call of the program may lead; the others only end a connection. */
const byCall: number[] = Array.from({ length: byFrame.length }, () => bit(State.Closed))
byCall[State.Closed] = 0
byCall[State.Established] = bit(State.FinWait1, State.Closed)
byCall[State.CloseWait] = bit(State.LastAck, State.Closed)

const byTime: number[] = Array.from({ length: byFrame.length }, () => bit(State.Closed))
byTime[State.Closed] = 0

export class Rules {
    /** More frames than can be due at one time. */
    readonly mostAtOnce: number
    /** The most that one frame has led to, and the most that the stack has sent at one time. */
    most = 0
    private readonly words: Int32Array
    private readonly slots: number
    /** Frames sent since the last frame came, and how many there may be. */
    private sent = 0
    private allowed = 0
    /** Peer and ports of an RST that came: it is not answered by another. */
    private resets = false
    private resetIp = 0
    private resetPorts = 0
    private moves = byTime
    /** Sequence numbers of the FINs that were sent to the stack, by connection. */
    private readonly fins = new Map<string, Set<number>>()
    private frames = 0
    private segments = 0

    constructor(private readonly stack: Stack) {
        const { config } = stack
        this.slots = config.connections
        this.words = new Int32Array(this.slots * Word.Size)
        this.mostAtOnce =
            config.connections * (Math.ceil(config.sendBuffer / LEAST_MSS) + 4) + config.halfOpen + 4
    }

    /** The frame of `length` bytes in the receive frame is about to be handed over. */
    receives(length: number): void {
        const { rx } = this.stack
        this.moves = byFrame
        const alone = this.allowed === 0
        // the answer, and a challenge or window update
        this.allowed += 2
        this.resets = false
        const segment = get16(rx, 12) === 0x0800 && rx[23] === 6
        if (!segment) {
            // ARP lets go what waited for an address, ICMP makes segments smaller
            this.allowed = this.mostAtOnce
            return
        }
        if (!isSound(rx, length)) return
        const ip = rx.getAt(26, "i32")
        const at = 14 + ((rx[14] & 15) << 2)
        const ports = rx.getAt(at, "i32")
        const control = rx[at + 13]
        if (control & Fin) this.finSent(ip, ports, at, get16(rx, 16) - at + 14)
        if (control & Rst && alone) {
            this.resets = true
            this.resetIp = ip
            this.resetPorts = ports
        }
        const c = this.stack.conns[findTuple(this.stack, ip, ports)]
        if (c === undefined) return
        const mss = Math.max(LEAST_MSS, c.getAt(Tcb.Mss, "u16"))
        this.allowed += Math.ceil(c.getAt(Tcb.SendLength, "u16") / mss) + 1
    }

    /** A segment of `length` bytes at `at` of the receive frame has a FIN. */
    private finSent(ip: number, ports: number, at: number, length: number): void {
        const { rx } = this.stack
        const text = length - ((rx[at + 12] >> 4) << 2)
        const seq = (get32(rx, at + 4) + text + (rx[at + 13] & Syn ? 1 : 0)) | 0
        const key = `${ip} ${ports}`
        const fins = this.fins.get(key)
        if (fins === undefined) this.fins.set(key, new Set([seq]))
        else fins.add(seq)
    }

    /**
     * The program was told that the record `c`, which is not CLOSED, has no more to read: the peer has said so, and
     * just there.
     */
    ends(c: Connection): void {
        const seq = this.words[this.stack.conns.indexOf(c) * Word.Size + Word.ReadNext]
        const key = `${c.getAt(Tcb.RemoteIp, "i32")} ${c.getAt(Tcb.Ports, "i32")}`
        if (!this.fins.get(key)?.has(seq)) throw new Error("the end of what the peer has not ended")
    }

    /** All that a frame has led to has been sent. */
    answered(): void {
        if (this.sent > this.most) this.most = this.sent
        if (this.sent > this.allowed) throw new Error(`${this.sent} frames in answer to one`)
        this.sent = 0
        this.allowed = 0
        this.resets = false
    }

    /** A call gave `result`; `opens`: that is the id of a connection. */
    called(result: number, opens: boolean): void {
        this.moves = byCall
        this.resets = false
        if (opens && result > 0xffff) throw new Error(`an id of ${result}`)
    }

    /**
     * The frame of `length` bytes in the transmit frame is being sent; `isReply`: it answers a segment, and is no
     * record's.
     */
    sends(length: number, isReply: boolean): void {
        const { tx } = this.stack
        this.sent++
        this.frames++
        if (length > tx.length || length < 42) throw new Error(`a frame of ${length} bytes`)
        if (this.frames % SAMPLE === 0) this.dissected(length)
        if (tx.getAt(6, "i32") !== 2 || get16(tx, 10) !== 1) throw new Error("sent from another address")
        const type = get16(tx, 12)
        if (type === 0x0806) {
            if (length !== 42) throw new Error("an ARP packet of another length")
            // a frame may make a place in the table for several who waited for one; each is asked for once a second (test/net/arp.test.ts)
            if (tx[21] === 1) this.sent--
            return
        }
        if (type !== 0x0800) throw new Error(`a frame of type ${type}`)
        if (tx[0] & 1) throw new Error("sent to a group of hosts")
        if (tx[14] !== 0x45 || get16(tx, 16) !== length - 14 || sum16(tx, 14, 20) !== 0xffff)
            throw new Error("the IP header of what was sent is wrong")
        if (length - 14 > this.stack.config.mtu) throw new Error(`a packet of ${length - 14} bytes`)
        if (tx[23] === 6) {
            this.segments++
            this.segment(length, isReply)
        }
        if (this.stack.counters.getAt(Counter.FramesOut, "i32") !== this.frames)
            throw new Error(`${this.frames} frames were sent, and not counted`)
        if (this.stack.counters.getAt(Counter.SegmentsOut, "i32") !== this.segments)
            throw new Error(`${this.segments} segments were sent, and not counted`)
    }

    private dissected(length: number): void {
        const view = dissect(Uint8Array.from(this.stack.tx.subarray(0, length)))
        if (view.kind === "malformed") throw new Error(`sent a malformed frame: ${view.reason}`)
        if ("headerChecksumValid" in view && !view.headerChecksumValid) throw new Error("IP checksum")
        if ("checksumValid" in view && !view.checksumValid) throw new Error(`${view.kind} checksum`)
    }

    private segment(length: number, isReply: boolean): void {
        const { stack } = this
        const { tx } = stack
        const control = tx[47]
        const header = (tx[46] >> 4) << 2
        const text = length - 34 - header
        if (!isSound(tx, length) || header < 20 || text < 0) throw new Error("a segment that is not sound")
        if (control & Rst && (text > 0 || control & (Syn | Fin))) throw new Error("an RST with more")
        if (control & Syn && control & Fin) throw new Error("SYN and FIN")
        if (!(control & (Ack | Syn | Rst))) throw new Error("a segment without ACK")
        const ip = tx.getAt(30, "i32")
        const own = tx.getAt(34, "i32")
        const ports = (own << 16) | ((own >> 16) & 0xffff)
        if (control & Rst) {
            if (this.resets && ports === this.resetPorts && ip === this.resetIp)
                throw new Error("an RST answers an RST")
            return
        }
        this.options(header, control)
        const c = isReply ? -1 : findTuple(stack, ip, ports)
        if (c >= 0) this.ofConnection(stack.conns[c], get32(tx, 38), control, header, text)
        else if (text > 0 || control & Fin) throw new Error("text or FIN without a connection")
        else if (control & Syn && !isReply) this.ofHalf(halfOpenFor(stack, ip, ports))
    }

    /** The options are whole: each as long as its kind is, padded by "no operation" or the end. */
    private options(header: number, control: number): void {
        const { tx } = this.stack
        const end = 34 + header
        for (let at = 54; at < end; ) {
            const kind = tx[at]
            if (kind === 1) {
                at++
                continue
            }
            const length = tx[at + 1]
            const right =
                kind === 2
                    ? length === 4 && control & Syn
                    : kind === 3
                      ? length === 3 && control & Syn
                      : kind === 4
                        ? length === 2 && control & Syn
                        : kind === 5
                          ? (length === 10 || length === 18) && !(control & Syn)
                          : kind === 8 && length === 10
            if (!right || at + length > end) throw new Error(`option ${kind} of length ${length}`)
            at += length
        }
    }

    private ofHalf(h: number): void {
        const { tx, halves } = this.stack
        if (h < 0) throw new Error("a SYN-ACK without a record, and no cookie")
        if (get32(tx, 38) !== halves.getAt(h + Half.Iss, "i32"))
            throw new Error("a SYN-ACK with another number")
        if (get32(tx, 42) !== ((halves.getAt(h + Half.Irs, "i32") + 1) | 0))
            throw new Error("a SYN-ACK that acknowledges something else")
    }

    private ofConnection(c: Connection, seq: number, control: number, header: number, text: number): void {
        const { stack } = this
        const { tx } = stack
        const w = this.slotOf(c)
        const state = c.getAt(Tcb.State, "u8")
        const una = c.getAt(Tcb.SndUna, "i32")
        const max = this.words[w + Word.Max]
        const connOptions = c.getAt(Tcb.Options, "u8")
        const end = (seq + text) | 0
        const at = (seq - una) | 0
        if (control & Syn) {
            if (at !== 0 || text > 0) throw new Error("a SYN that is not the first")
        } else {
            if (connOptions & ConnOption.Timestamps && tx.getAt(54, "i32") !== 0x0a080101)
                throw new Error("a segment without timestamps")
            if (text > 0) {
                const window = c.getAt(Tcb.SndWnd, "u16")
                const isNew = ((end - max) | 0) > 0
                const probe = text === 1 && at === 0
                if (at < 0) throw new Error("text that was acknowledged is sent again")
                if (isNew && !probe && ((end - una) | 0) > window)
                    throw new Error(`${(end - una) | 0} bytes sent into a window of ${window}`)
                if (text > c.getAt(Tcb.Mss, "u16")) throw new Error(`${text} bytes of text`)
                const ip = c.getAt(Tcb.RemoteIp, "i32")
                const salt = saltOf("stack", ip, c.getAt(Tcb.Ports, "i32"))
                const wrong = firstWrong(tx, 34 + header, text, salt, seq)
                if (wrong >= 0) throw new Error(`byte ${wrong} of ${text} sent is not what was written`)
            } else if (
                !(control & Fin) &&
                at !== -1 &&
                at !== 0 &&
                seq !== max &&
                seq !== c.getAt(Tcb.SndMax, "i32")
            ) {
                throw new Error(`an ACK with sequence number SND.UNA+${at}`)
            }
            if (control & Fin) {
                const closing = state === State.FinWait1 || state === State.Closing || state === State.LastAck
                if (!closing) throw new Error(`a FIN in ${stateName(state)}`)
                if (((end - una) | 0) !== c.getAt(Tcb.SendLength, "u16"))
                    throw new Error("a FIN before the end")
            }
            if (control & Psh && text === 0) throw new Error("PSH without text")
        }
        if (control & Ack) this.acknowledges(c, w, get32(tx, 42), get16(tx, 48))
        this.words[w + Word.Max] = c.getAt(Tcb.SndMax, "i32")
    }

    /** The ACK is RCV.NXT, and the window's right edge where the record has it: not before where it was. */
    private acknowledges(c: Connection, w: number, ack: number, window: number): void {
        const rcvNxt = c.getAt(Tcb.RcvNxt, "i32")
        if (ack !== rcvNxt) throw new Error(`acknowledges RCV.NXT+${(ack - rcvNxt) | 0}`)
        if (window !== c.getAt(Tcb.RcvWnd, "u16")) throw new Error(`tells a window of ${window}`)
        const edge = (ack + window) | 0
        if (this.words[w + Word.State] !== State.SynSent && ((edge - this.words[w + Word.Edge]) | 0) < 0)
            throw new Error("the window's right edge moves back")
    }

    /** Where what is remembered of the record `c` stands; what was remembered of another connection is forgotten. */
    private slotOf(c: Connection): number {
        const w = this.stack.conns.indexOf(c) * Word.Size
        const id = c.getAt(Tcb.Id, "u16")
        const state = c.getAt(Tcb.State, "u8")
        const words = this.words
        if (words[w + Word.Id] === id && words[w + Word.State] !== State.SynSent) return w
        if (words[w + Word.Id] !== id) {
            words[w + Word.Id] = id
            words[w + Word.State] = state
            words[w + Word.Una] = c.getAt(Tcb.SndUna, "i32")
            words[w + Word.Max] = c.getAt(Tcb.SndMax, "i32")
        }
        const rcvNxt = c.getAt(Tcb.RcvNxt, "i32")
        words[w + Word.RcvNxt] = rcvNxt
        words[w + Word.Edge] = (rcvNxt + c.getAt(Tcb.RcvWnd, "u16")) | 0
        const fin = state === State.CloseWait || state === State.TimeWait || state === State.Closing ? 1 : 0
        words[w + Word.ReadNext] = (rcvNxt - fin - c.getAt(Tcb.ReceiveLength, "u16")) | 0
        return w
    }

    /** Compares every connection with what it was. */
    look(): void {
        const { conns } = this.stack
        for (const c of conns) {
            const w = this.stack.conns.indexOf(c) * Word.Size
            const id = c.getAt(Tcb.Id, "u16")
            if (id === 0) {
                this.words[w + Word.Id] = 0
                continue
            }
            if (this.words[w + Word.Id] === id) this.compare(c, w)
            else this.slotOf(c)
        }
        this.sent = 0
        this.moves = byTime
    }

    private compare(c: Connection, w: number): void {
        const words = this.words
        const state = c.getAt(Tcb.State, "u8")
        const before = words[w + Word.State]
        if (state !== before && !(this.moves[before] & (1 << state)))
            throw new Error(`from ${stateName(before)} to ${stateName(state)}`)
        if (state === State.Closed) {
            // what came with the segment that opened it, or with it
            if (before === State.SynSent) this.slotOf(c)
            words[w + Word.State] = state
            return
        }
        const una = c.getAt(Tcb.SndUna, "i32")
        const max = c.getAt(Tcb.SndMax, "i32")
        if (((una - words[w + Word.Una]) | 0) < 0) throw new Error("SND.UNA moves back")
        if (((una - max) | 0) > 0) throw new Error("SND.UNA is above what was sent")
        if (((max - words[w + Word.Max]) | 0) < 0) throw new Error("SND.NXT moves back")
        words[w + Word.Una] = una
        words[w + Word.Max] = max
        if (before === State.SynSent) {
            this.slotOf(c)
        } else {
            const rcvNxt = c.getAt(Tcb.RcvNxt, "i32")
            const edge = (rcvNxt + c.getAt(Tcb.RcvWnd, "u16")) | 0
            if (((rcvNxt - words[w + Word.RcvNxt]) | 0) < 0) throw new Error("RCV.NXT moves back")
            // a FIN may stand on the edge
            if (((rcvNxt - words[w + Word.Edge]) | 0) > 1) throw new Error("more was taken than was allowed")
            if (((edge - words[w + Word.Edge]) | 0) < 0) throw new Error("the window's right edge moves back")
            words[w + Word.RcvNxt] = rcvNxt
            words[w + Word.Edge] = edge
        }
        words[w + Word.State] = state
    }

    /**
     * `count` bytes were read from the record `c`: gives the sequence number of the first, and remembers where they
     * end.
     */
    reads(c: Connection, count: number): number {
        const w = this.stack.conns.indexOf(c) * Word.Size
        const first = this.words[w + Word.ReadNext]
        this.words[w + Word.ReadNext] = (first + count) | 0
        return first
    }
}
