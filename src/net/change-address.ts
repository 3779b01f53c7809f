// The interface gets another address, or loses its own.

import { freeHalf } from "../tcp/half-open"
import { ConnFlag, Half, SendFlag, State, Tcb, TcpError, Wait } from "../tcp/records"
import { closed, release } from "../tcp/state"
import { freeWait } from "../tcp/time-wait"
import { type Stack, setAddress } from "./stack"

/**
 * Sets another address, netmask and router, as the wire has them; an `ip` of 0 takes the address away. With the same address
 * only the rest changes, and connections stay. With another one they cannot go on: a connection is its four-tuple. Each ends
 * with TcpError.Unreachable, and no word to the peer: an address that is no longer ours must not be used once more (RFC 2131
 * section 4.4.5). What the peer had sent stays readable, listeners stay.
 */
export function changeAddress(s: Stack, ip: number, netmask: number, gateway: number, now: number): void {
    if (ip !== s.ip) {
        // an answer that waits has the old address in it
        s.frameLength = 0
        s.replyLength = 0
        const conns = s.conns
        for (let c = 0; c < s.connsEnd; c += Tcb.Size) {
            if (conns.getAt(c + Tcb.Id, "u16") === 0) continue
            conns.setAt(c + Tcb.SendFlags, "u8", conns.getAt(c + Tcb.SendFlags, "u8") & ~SendFlag.ResetDue)
            if (conns.getAt(c + Tcb.State, "u8") !== State.Closed) closed(s, c, TcpError.Unreachable, now)
            else {
                // all it had left to do was to send an RST
                conns.setAt(c + Tcb.Flags, "u8", conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Held)
                release(s, c)
            }
        }
        for (let h = 0; h < s.halvesEnd; h += Half.Size) {
            if (s.halves.getAt(h + Half.Listener, "u16") !== 0) freeHalf(s, h, now)
        }
        for (let w = 0; w < s.waitsEnd; w += Wait.Size) {
            if (s.waits.getAt(w + Wait.Id, "u16") !== 0) freeWait(s, w, now)
        }
        // a cookie for the old address is none for the new one
        s.cookies = false
        // who is who may be another matter in another network
        s.neighbours.fillAt(0, s.neighbours.length, 0)
        s.asking = false
    }
    setAddress(s, ip, netmask, gateway)
    s.dirty = true
}
