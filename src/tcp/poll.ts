// What a program can do with a connection without waiting.

import { pendingOf } from "./accepting"
import { errorOf, hasFin } from "./calls"
import type { TcpContext } from "./context"
import { State, Tcb, TcpError } from "./records"
import { findConnection, findListener } from "./tables"

/** What `readiness` tells: the bits of POSIX's poll. */
export const enum Ready {
    In = 1,
    Out = 4,
    Error = 8,
    HangUp = 16,
    ReadHangUp = 0x2000,
}

/** What a connection or listener is ready for without waiting: bits of Ready; HangUp for an id that is nobody's. */
export function readiness(t: TcpContext, id: number): number {
    if (findListener(t, id) >= 0) return pendingOf(t, id) > 0 ? Ready.In : 0
    const c = findConnection(t, id)
    if (c < 0) return Ready.HangUp
    const conns = t.conns
    const state = conns.getAt(c + Tcb.State, "u8")
    let ready = 0
    if (conns.getAt(c + Tcb.ReceiveLength, "u16") > 0) ready |= Ready.In
    if (state === State.Closed) {
        if (errorOf(t, id) !== TcpError.None) ready |= Ready.Error
        return ready | Ready.In | Ready.Out | Ready.HangUp | Ready.ReadHangUp
    }
    if (hasFin(state)) ready |= Ready.In | Ready.ReadHangUp
    if (state === State.Established || state === State.CloseWait) {
        if (conns.getAt(c + Tcb.SendLength, "u16") < t.sendSize) ready |= Ready.Out
    } else if (state !== State.SynSent && state !== State.SynReceived) {
        // both directions are over
        ready |= hasFin(state) ? Ready.Out | Ready.HangUp : Ready.Out
    }
    return ready
}
