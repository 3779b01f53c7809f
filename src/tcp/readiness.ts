// Reports without waiting whether a program can read from or write to a connection, or accept on a listener.

import { pendingOf } from "./accepting"
import { errorOf, hasFin } from "./calls"
import type { TcpContext } from "./context"
import { State, Tcb, TcpError } from "./records"
import { findConnection, findListener } from "./tables"

/** The bits that `readiness` returns, with the values of POSIX's poll. */
export const enum Ready {
    In = 1,
    Out = 4,
    Error = 8,
    HangUp = 16,
    ReadHangUp = 0x2000,
}

/** Returns what the connection or listener `id` is ready for: bits of Ready; HangUp if not found. */
export function readiness(t: TcpContext, id: number): number {
    if (findListener(t, id) >= 0) return pendingOf(t, id) > 0 ? Ready.In : 0
    const c = findConnection(t, id)
    if (!c) return Ready.HangUp
    const state = c.getAt(Tcb.State, "u8")
    let ready = 0
    if (c.getAt(Tcb.ReceiveLength, "u16") > 0) ready |= Ready.In
    if (state === State.Closed) {
        if (errorOf(t, id) !== TcpError.None) ready |= Ready.Error
        return ready | Ready.In | Ready.Out | Ready.HangUp | Ready.ReadHangUp
    }
    if (hasFin(state)) ready |= Ready.In | Ready.ReadHangUp
    if (state === State.Established || state === State.CloseWait) {
        if (c.getAt(Tcb.SendLength, "u16") < t.sendSize) ready |= Ready.Out
    } else if (state !== State.SynSent && state !== State.SynReceived) {
        // sending is over; after the peer's FIN both directions are
        ready |= hasFin(state) ? Ready.Out | Ready.HangUp : Ready.Out
    }
    return ready
}
