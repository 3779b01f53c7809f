// Challenge ACKs (RFC 5961): what could be a forged segment is answered by what the real peer can react to.

import { Counter } from "../inspect/counters"
import { count, setDue, type TcpContext } from "./context"
import { ConnFlag } from "./tcb"

/** RFC 5961 section 10: so many challenge ACKs in so many milliseconds. */
const enum Limit {
    Period = 5000,
}

/** Sends <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, unless too many went out lately (config.challengeAckLimit). */
export function challengeAck(t: TcpContext, c: number, now: number): void {
    if (!mayChallenge(t, now)) return
    setDue(t, c, ConnFlag.AckNow)
}

/** Counts a challenge ACK; false when the limit is reached. */
export function mayChallenge(t: TcpContext, now: number): boolean {
    const limit = t.config.challengeAckLimit
    if (((now - t.challengeSince) | 0) >= Limit.Period || ((now - t.challengeSince) | 0) < 0) {
        t.challengeSince = now
        t.challenges = 0
    }
    if (limit > 0 && t.challenges >= limit) {
        count(t, Counter.ChallengeLimit)
        return false
    }
    t.challenges++
    count(t, Counter.ChallengeAcks)
    return true
}
