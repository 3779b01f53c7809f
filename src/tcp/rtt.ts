// The retransmission timeout (RFC 6298).

import type { Connection, TcpContext } from "./context"
import { Tcb } from "./records"

/**
 * Updates SRTT, RTTVAR and RTO with a round-trip time of `ms`: section 2, with alpha 1/8, beta 1/4 and a clock of 1 ms. The
 * record has room for an SRTT of 8 s; above that RTTVAR grows by what SRTT lacks, so that the RTO stays right up to 24 s.
 */
export function roundTrip(t: TcpContext, c: Connection, ms: number): void {
    let srtt = c.getAt(Tcb.Srtt, "u16")
    let rttVar = c.getAt(Tcb.RttVar, "u16")
    if (ms < 0) return
    // the clock measures no less than 1 ms, and 0 means that nothing was measured
    if (ms === 0) ms = 1
    if (srtt === 0) {
        // (2.2): SRTT = R, RTTVAR = R / 2
        srtt = ms << 3
        rttVar = ms << 1
    } else {
        // (2.3), RTTVAR first
        let difference = ms - (srtt >> 3)
        srtt += difference
        if (difference < 0) difference = -difference
        rttVar += difference - (rttVar >> 2)
    }
    // a store above 65,535 is clamped to it
    c.setAt(Tcb.Srtt, "u16", srtt)
    c.setAt(Tcb.RttVar, "u16", rttVar)
    computeRto(t, c)
}

/** Sets RTO = SRTT + max(G, 4 * RTTVAR), within the limits of the configuration. Without a measurement the RTO stays as it is. */
export function computeRto(t: TcpContext, c: Connection): void {
    const srtt = c.getAt(Tcb.Srtt, "u16")
    if (srtt === 0) return
    const rttVar = c.getAt(Tcb.RttVar, "u16")
    let rto = (srtt >> 3) + (rttVar || 1)
    // (2.4), (2.5)
    if (rto < t.config.rtoMin) rto = t.config.rtoMin
    if (rto > t.config.rtoMax) rto = t.config.rtoMax
    c.setAt(Tcb.Rto, "u16", rto)
}
