// The end of an open, active or passive: ESTABLISHED, and the options that both ends agreed on.

import { KEEP_ALIVE, SACK, TIMESTAMPS } from "../features"
import { initialWindow } from "./congestion"
import type { TcpContext } from "./context"
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
export function enterEstablished(t: TcpContext, c: number, acknowledgment: number, now: number): State {
    const conns = t.conns
    const sendFlags = conns.getAt(c + Tcb.SendFlags, "u8")
    conns.setAt(c + Tcb.SndUna, "i32", acknowledgment)
    conns.setAt(c + Tcb.SndNxt, "i32", acknowledgment)
    conns.setAt(c + Tcb.SndMax, "i32", acknowledgment)
    conns.setAt(c + Tcb.Retries, "u8", 0)
    conns.setAt(c + Tcb.Progress, "i32", now)
    stopTimer(t, c)
    if (sendFlags & SendFlag.Timing) roundTrip(t, c, (now - conns.getAt(c + Tcb.RttStart, "u16")) & 0xffff)
    const mss = conns.getAt(c + Tcb.Mss, "u16")
    let cwnd = initialWindow(mss)
    if (sendFlags & SendFlag.SynLost) {
        // RFC 5681 section 3.1
        cwnd = mss
        conns.setAt(c + Tcb.Rto, "u16", Math.min(t.config.rtoMax, Rto.AfterLostSyn))
    }
    conns.setAt(c + Tcb.Cwnd, "u16", cwnd)
    conns.setAt(c + Tcb.Ssthresh, "u16", 0xffff)
    conns.setAt(c + Tcb.SmallEnd, "u16", acknowledgment & 0xffff)
    conns.setAt(c + Tcb.SendFlags, "u8", 0)
    const state = conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.FinQueued ? State.FinWait1 : State.Established
    setState(t, c, state, now)
    if (KEEP_ALIVE ? conns.getAt(c + Tcb.Options, "u8") & ConnOption.KeepAlive : 0)
        armTimer(t, c, now, t.config.keepAliveIdle)
    return state
}

/**
 * Stores the options that both ends agreed on (bits of Agreed), and the peer's timestamp `stamp`. Overwrites RttSeq and RttStart
 * (same bytes), so in SYN-SENT, where our SYN is timed, it is called after `enterEstablished`.
 */
export function takeAgreement(t: TcpContext, c: number, agreement: number, stamp: number, now: number): void {
    const conns = t.conns
    let connOptions = conns.getAt(c + Tcb.Options, "u8")
    if (SACK ? agreement & Agreed.Sack : 0) connOptions |= ConnOption.Sack
    if (TIMESTAMPS ? agreement & Agreed.Timestamps : 0) {
        connOptions |= ConnOption.Timestamps
        const offset = timestampOffset(
            t,
            conns.getAt(c + Tcb.RemoteIp, "i32"),
            conns.getAt(c + Tcb.Ports, "i32")
        )
        conns.setAt(c + Tcb.TsRecent, "i32", stamp)
        conns.setAt(c + Tcb.TsOffset, "u16", offset)
        conns.setAt(c + Tcb.TsAge, "u16", now >>> 16)
    }
    conns.setAt(c + Tcb.Options, "u8", connOptions)
}
