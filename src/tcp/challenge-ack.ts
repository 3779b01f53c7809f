// Challenge ACKs (RFC 5961): what could be a forged segment is answered by what the real peer can react to.
//
// RFC 5961 section 10 wants them throttled, and proposes one counter for all connections. That counter became a side
// channel: who sees how many challenge ACKs are left for his own connection learns what his forgeries did to another
// (CVE-2016-5696). Here nothing is shared. Each record sends one at most in a period, and a bit in it says whether it
// has. Periods begin by the clock alone, never because of a segment: when one begins tells nothing either.

import type { Buffer } from "@devicescript/core"
import { Counter } from "../base/counters"
import { PASSIVE_OPENS, TIME_WAIT_RECORDS } from "../features"
import type { TcpContext } from "./context"
import { ConnFlag, ConnOption, Half, HalfFlag, Tcb, Wait, WaitFlag } from "./records"
import { count } from "./report"
import { setDue } from "./state"

/**
 * Has <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> sent by the connection `c`, unless it sent a challenge ACK in this period. Also
 * for what is answered by an ACK and holds no text: two ends that disagree would else answer each other for ever.
 */
export function challengeAck(t: TcpContext, c: number, now: number): void {
    if (mayChallenge(t, t.conns, c + Tcb.Options, ConnOption.Challenged, now)) setDue(t, c, ConnFlag.AckNow)
}

/** The same for the half-open record `h`. */
export function challengeHalf(t: TcpContext, h: number, now: number): void {
    const halves = t.halves
    if (!mayChallenge(t, halves, h + Half.Flags, HalfFlag.Challenged, now)) return
    halves.setAt(h + Half.Flags, "u8", halves.getAt(h + Half.Flags, "u8") | HalfFlag.Challenge)
    t.dirty = true
}

/** True when the record of TIME-WAIT `w` may send a challenge ACK, which then counts as sent. */
export function mayChallengeWait(t: TcpContext, w: number, now: number): boolean {
    return mayChallenge(t, t.waits, w + Wait.Deadline, WaitFlag.Challenged, now)
}

/** Counts a challenge ACK of the record whose byte `at` of `table` has the bit; false when it has sent one already. */
function mayChallenge(t: TcpContext, table: Buffer, at: number, bit: number, now: number): boolean {
    const interval = t.config.challengeInterval
    if (interval > 0) {
        // half of the time, and of the interval: the VM divides no whole number above 2^31
        const period = Math.idiv(now >>> 1, interval > 1 ? interval >> 1 : 1)
        if (period !== t.challengePeriod) {
            t.challengePeriod = period
            forgetChallenges(t)
        }
        const flags = table.getAt(at, "u8")
        if (flags & bit) {
            count(t, Counter.ChallengeLimit)
            return false
        }
        table.setAt(at, "u8", flags | bit)
    }
    count(t, Counter.ChallengeAcks)
    return true
}

/** A new period: every record may send a challenge ACK again. */
function forgetChallenges(t: TcpContext): void {
    const { conns, halves, waits } = t
    for (let c = 0; c < t.connsEnd; c += Tcb.Size) {
        conns.setAt(c + Tcb.Options, "u8", conns.getAt(c + Tcb.Options, "u8") & ~ConnOption.Challenged)
    }
    if (PASSIVE_OPENS) {
        for (let h = 0; h < t.halvesEnd; h += Half.Size) {
            halves.setAt(h + Half.Flags, "u8", halves.getAt(h + Half.Flags, "u8") & ~HalfFlag.Challenged)
        }
    }
    if (TIME_WAIT_RECORDS) {
        for (let w = 0; w < t.waitsEnd; w += Wait.Size) {
            waits.setAt(w + Wait.Deadline, "u8", waits.getAt(w + Wait.Deadline, "u8") & ~WaitFlag.Challenged)
        }
    }
}
