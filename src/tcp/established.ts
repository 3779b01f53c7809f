// The end of an open, active or passive: ESTABLISHED, and the options that both ends agreed on.

import { KEEP_ALIVE, SACK, TIMESTAMPS } from "../features"
import { initialWindow } from "./congestion"
import type { Connection, TcpContext } from "./context"
import { Agreed, ConnFlag, ConnOption, SendFlag, State, Tcb } from "./records"
import { roundTrip } from "./rtt"
import { timestampOffset } from "./secret-numbers"
import { armTimer, setState, stopTimer } from "./state"

const enum Rto {
    /** The least retransmission timeout of a connection whose SYN or SYN-ACK was lost, ms: RFC 6298 section 5.7. */
    AfterLostSyn = 3000,
}

/**
 * Moves a connection whose SYN was acknowledged to ESTABLISHED, or to FIN-WAIT-1 if the program has closed meanwhile, and
 * returns the new state.
 */
export function enterEstablished(t: TcpContext, c: Connection, acknowledgment: number, now: number): State {
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    c.setAt(Tcb.SndUna, "i32", acknowledgment)
    c.setAt(Tcb.SndNxt, "i32", acknowledgment)
    c.setAt(Tcb.SndMax, "i32", acknowledgment)
    c.setAt(Tcb.Retries, "u8", 0)
    c.setAt(Tcb.Progress, "i32", now)
    stopTimer(c)
    if (sendFlags & SendFlag.Timing) roundTrip(t, c, (now - c.getAt(Tcb.RttStart, "u16")) & 0xffff)
    const mss = c.getAt(Tcb.Mss, "u16")
    let cwnd = initialWindow(mss)
    if (sendFlags & SendFlag.SynLost) {
        // RFC 5681 section 3.1
        cwnd = mss
        c.setAt(Tcb.Rto, "u16", Math.min(t.config.rtoMax, Rto.AfterLostSyn))
    }
    c.setAt(Tcb.Cwnd, "u16", cwnd)
    c.setAt(Tcb.Ssthresh, "u16", 0xffff)
    c.setAt(Tcb.SmallEnd, "u16", acknowledgment & 0xffff)
    c.setAt(Tcb.SendFlags, "u8", 0)
    const state = c.getAt(Tcb.Flags, "u8") & ConnFlag.FinQueued ? State.FinWait1 : State.Established
    setState(t, c, state, now)
    if (KEEP_ALIVE ? c.getAt(Tcb.Options, "u8") & ConnOption.KeepAlive : 0)
        armTimer(t, c, now, t.config.keepAliveIdle)
    return state
}

/**
 * Stores the options that both ends agreed on (bits of Agreed), and the peer's timestamp `stamp`. Overwrites RttSeq and RttStart
 * (same bytes), so in SYN-SENT, where our SYN is timed, it is called after `enterEstablished`.
 */
export function takeAgreement(
    t: TcpContext,
    c: Connection,
    agreement: number,
    stamp: number,
    now: number
): void {
    let connOptions = c.getAt(Tcb.Options, "u8")
    if (SACK ? agreement & Agreed.Sack : 0) connOptions |= ConnOption.Sack
    if (TIMESTAMPS ? agreement & Agreed.Timestamps : 0) {
        connOptions |= ConnOption.Timestamps
        const offset = timestampOffset(t, c.getAt(Tcb.RemoteIp, "i32"), c.getAt(Tcb.Ports, "i32"))
        c.setAt(Tcb.TsRecent, "i32", stamp)
        c.setAt(Tcb.TsOffset, "u16", offset)
        c.setAt(Tcb.TsAge, "u16", now >>> 16)
    }
    c.setAt(Tcb.Options, "u8", connOptions)
}
