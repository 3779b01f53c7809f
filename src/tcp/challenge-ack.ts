// Challenge ACKs (RFC 5961): a segment that could be forged is answered with an ACK that the real peer can react to.
//
// RFC 5961 section 10 wants them throttled, and proposes one counter for all connections. That counter became a side channel: an
// attacker who sees how many challenge ACKs are left for a connection of his own learns what his forged segments did to another
// connection (CVE-2016-5696). Here nothing is shared. Each record sends at most one challenge ACK per period, and a bit in the
// record says whether it has. The clock alone begins a period, never a segment, so that its beginning reveals nothing either.

import type { Buffer } from "@devicescript/core"
import { Counter } from "../base/counters"
import { PASSIVE_OPENS, TIME_WAIT_RECORDS } from "../features"
import type { Connection, TcpContext } from "./context"
import { ConnFlag, ConnOption, Half, HalfFlag, Tcb, TimeWaitRecord, WaitFlag } from "./records"
import { count } from "./report"
import { setDue } from "./state"

/**
 * Schedules a challenge ACK of the connection `c`, <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, unless it sent one in this period. A
 * segment of no length that has to be answered with an ACK gets a challenge ACK, too: otherwise two peers that disagree would
 * answer each other forever.
 */
export function challengeAck(t: TcpContext, c: Connection, now: number): void {
    if (mayChallenge(t, c, Tcb.Options, ConnOption.Challenged, now)) setDue(t, c, ConnFlag.AckNow)
}

/** Schedules a challenge ACK of the half-open record `h`, unless it sent one in this period. */
export function challengeHalf(t: TcpContext, h: number, now: number): void {
    const halves = t.halves
    if (!mayChallenge(t, halves, h + Half.Flags, HalfFlag.Challenged, now)) return
    halves.setAt(h + Half.Flags, "u8", halves.getAt(h + Half.Flags, "u8") | HalfFlag.Challenge)
    t.dirty = true
}

/** Returns true when the record `w` of TIME-WAIT may send a challenge ACK, which then counts as sent. */
export function mayChallengeWait(t: TcpContext, w: number, now: number): boolean {
    return mayChallenge(t, t.waits, w + TimeWaitRecord.Deadline, WaitFlag.Challenged, now)
}

/**
 * Counts a challenge ACK, and returns true, unless its record sent one in this period. The record's bit for that is in the byte
 * `at` of `table`.
 */
function mayChallenge(t: TcpContext, table: Buffer, at: number, bit: number, now: number): boolean {
    const interval = t.config.challengeInterval
    if (interval > 0) {
        // half of the time is divided by half of the interval: on the VM a number of 2^31 or more is not an integer
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

/** Begins a new period, in which every record may send a challenge ACK again. */
function forgetChallenges(t: TcpContext): void {
    const { halves, waits } = t
    for (let i = 0; i < t.connsEnd; i++) {
        const c = t.conns[i] as Connection
        c.setAt(Tcb.Options, "u8", c.getAt(Tcb.Options, "u8") & ~ConnOption.Challenged)
    }
    if (PASSIVE_OPENS) {
        for (let h = 0; h < t.halvesEnd; h += Half.Size) {
            halves.setAt(h + Half.Flags, "u8", halves.getAt(h + Half.Flags, "u8") & ~HalfFlag.Challenged)
        }
    }
    if (TIME_WAIT_RECORDS) {
        for (let w = 0; w < t.waitsEnd; w += TimeWaitRecord.Size) {
            waits.setAt(
                w + TimeWaitRecord.Deadline,
                "u8",
                waits.getAt(w + TimeWaitRecord.Deadline, "u8") & ~WaitFlag.Challenged
            )
        }
    }
}
