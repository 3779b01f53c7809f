// Changes or removes the address of the interface.

import type { Connection } from "../tcp/context"
import { freeHalf } from "../tcp/half-open"
import { ConnFlag, Half, SendFlag, State, Tcb, TcpError, TimeWaitRecord } from "../tcp/records"
import { failConnection, freeClosed } from "../tcp/state"
import { freeWait } from "../tcp/time-wait"
import { type Stack, setAddress } from "./stack"

/**
 * Sets another address, netmask and router, in network order; an `ip` of 0 removes the address. If `ip` stays the same,
 * connections continue. If it changes, they cannot: a connection is its four-tuple. Each then ends with TcpError.Unreachable,
 * without a segment to its peer, because an address that is no longer ours must not be used again (RFC 2131 section 4.4.5). The
 * data that the peer has sent stays readable, and listeners stay.
 */
export function changeAddress(s: Stack, ip: number, netmask: number, gateway: number, now: number): void {
    if (ip !== s.ip) {
        // a reply that waits to be sent contains the old address
        s.frameLength = 0
        s.replyLength = 0
        for (let i = 0; i < s.connsEnd; i++) {
            const c = s.conns[i] as Connection
            if (c.getAt(Tcb.Id, "u16") === 0) continue
            c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") & ~SendFlag.ResetDue)
            if (c.getAt(Tcb.State, "u8") !== State.Closed) failConnection(s, c, TcpError.Unreachable, now)
            else {
                // the connection has ended: only its RST was left to send
                c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") & ConnFlag.Held)
                freeClosed(s, c)
            }
        }
        for (let h = 0; h < s.halvesEnd; h += Half.Size) {
            if (s.halves.getAt(h + Half.Listener, "u16") !== 0) freeHalf(s, h, now)
        }
        for (let w = 0; w < s.waitsEnd; w += TimeWaitRecord.Size) {
            if (s.waits.getAt(w + TimeWaitRecord.Id, "u16") !== 0) freeWait(s, w, now)
        }
        // a cookie for the old address is not valid for the new one
        s.cookies = false
        // ARP records of the old network are no longer valid
        s.neighbours.fillAt(0, s.neighbours.length, 0)
        s.asking = false
    }
    setAddress(s, ip, netmask, gateway)
    s.dirty = true
    s.next = s.conns[0]
}
