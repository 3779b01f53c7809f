// Differences before a connection is established.

import { acceptable, type DifferenceClass, type Facts, has, hasNone, inState, overlaps } from "./facts"

/** SYN-RECEIVED after a passive open: no program has the connection yet. */
const isHalfOpen = (f: Facts) => inState(f, "SYN-RECEIVED") && !isCrossed(f)
/** After a simultaneous open. */
const isCrossed = (f: Facts) =>
    inState(f, "SYN-RECEIVED") && f.actions.some(a => "call" in a && a.call === "connect")

const isOld = (f: Facts) => f.newer < 0
const isUnstamped = (f: Facts) => f.options && f.stimulus.stamp === "none"

export const openingDifferences: DifferenceClass[] = [
    {
        name: "SYN with FIN on TIME-WAIT",
        linux: "dropped, and TIME-WAIT is over",
        ours: "dropped",
        verdict: "ours",
        why: "RFC 9293 3.6.1: TIME-WAIT ends early for a SYN that opens a new connection; this one does not",
        is: f =>
            inState(f, "TIME-WAIT") &&
            has(f, "SF") &&
            hasNone(f, ".R") &&
            f.linux === "-" &&
            f.us === "-" &&
            f.kernel.look.state === "LISTEN",
    },
    {
        name: "text or FIN on the SYN-ACK",
        linux: "SYN-SENT takes the SYN-ACK and drops text and FIN",
        ours: "takes them",
        verdict: "ours",
        why: 'RFC 9293 3.10.7.3: "If there are other controls or text in the segment, then continue processing at the sixth step"',
        is: f =>
            inState(f, "SYN-SENT") &&
            has(f, "S.") &&
            f.size > 1 &&
            f.linux === "." &&
            f.us === "." &&
            !f.alike,
    },
    {
        name: "SYN-ACK offers timestamps unasked",
        linux: "simultaneous open: SYN-ACK with timestamps though the peer's SYN had none",
        ours: "without",
        verdict: "ours",
        why: 'RFC 7323 3.2: in a SYN,ACK "only if it received a TSopt in the initial <SYN> segment"',
        is: f =>
            inState(f, "SYN-SENT") &&
            has(f, "S") &&
            isUnstamped(f) &&
            f.linux === "S." &&
            f.us === "S." &&
            f.alike,
    },
    {
        name: "wrong ACK half open",
        linux: "looks at the ACK first: RST",
        ours: "looks at number, timestamp and SYN first: ACK, silence, back to LISTEN",
        verdict: "ours",
        passes: true,
        why: 'RFC 9293 3.10.7.4: "First, check sequence number" ... "Fourth, check the SYN bit" ... "Fifth, check the ACK field"',
        is: f =>
            inState(f, "SYN-RECEIVED") &&
            has(f, ".") &&
            hasNone(f, "R") &&
            f.acked !== f.flight &&
            f.linux === "R" &&
            f.us !== "R" &&
            (!acceptable(f) || has(f, "S") || isOld(f) || isUnstamped(f)),
    },
    {
        name: "SYN in the window of a half-open connection",
        linux: "RST and back to LISTEN, or a challenge ACK",
        ours: "back to LISTEN without a word",
        verdict: "ours",
        why: 'RFC 9293 3.10.7.4, fourth: "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state and return"',
        is: f =>
            isHalfOpen(f) &&
            has(f, "S") &&
            hasNone(f, "R") &&
            overlaps(f) &&
            f.us === "-" &&
            f.ours.look.state === "LISTEN",
    },
    {
        name: "timestamps of a reset",
        linux: "half open, PAWS drops a RST",
        ours: "RST whatever its timestamp",
        verdict: "ours",
        why: 'RFC 7323 5.3 R1: "... and if the RST bit is off"',
        is: f => isHalfOpen(f) && has(f, "R") && isOld(f) && f.linux === "-",
    },
    {
        name: "SYN again, timestamp older",
        linux: "half open: ACK",
        ours: "SYN-ACK, which holds that ACK",
        verdict: "both",
        passes: true,
        why: "RFC 7323 5.3 R1 asks for an ACK; a SYN-ACK is one that SYN-SENT can use too",
        is: f =>
            isHalfOpen(f) && has(f, "S") && hasNone(f, ".R") && isOld(f) && f.linux === "." && f.us === "S.",
    },
    {
        name: "SYN again, timestamp newer",
        linux: "half open: echoes the first SYN's timestamp",
        ours: "echoes the newer",
        verdict: "ours",
        why: 'RFC 7323 4.3 (2): "If SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then SEG.TSval is copied to TS.Recent"',
        is: f =>
            isHalfOpen(f) && has(f, "S") && hasNone(f, ".R") && f.linux === "S." && f.us === "S." && f.alike,
    },
    {
        name: "ISS taken for an ACK of the SYN",
        linux: "simultaneous open: SEG.ACK = SND.UNA makes it ESTABLISHED, the SYN unacknowledged",
        ours: "RST (or what the number deserves)",
        verdict: "ours",
        why: 'RFC 9293 3.10.7.4, fifth: "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state", else "<SEQ=SEG.ACK><CTL=RST>"',
        is: f =>
            isCrossed(f) && f.acked === 0 && f.kernel.look.state !== f.state && f.ours.look.state === f.state,
    },
    {
        name: "SYN-ACK again, wrong ACK",
        linux: "simultaneous open: challenge ACK",
        ours: "RST: the SYN is the one already taken, and the ACK is wrong",
        verdict: "both",
        why: 'RFC 9293 figure 7 has this SYN-ACK taken, table 6 not; "fifth" then asks for the RST',
        is: f =>
            isCrossed(f) &&
            has(f, "S.") &&
            f.offset === -1 &&
            f.acked !== f.flight &&
            f.linux === "." &&
            f.us !== ".",
    },
    {
        name: "SYN-ACK with text or FIN crosses",
        linux: "simultaneous open: takes figure 7's SYN-ACK only when it is bare, else challenge ACK",
        ours: "takes it and what it brings",
        verdict: "ours",
        why: "RFC 9293 figure 7, line 6, and 3.10.7.4: only what lies outside the window is trimmed",
        is: f =>
            isCrossed(f) &&
            has(f, "S.") &&
            f.offset === -1 &&
            f.size > 1 &&
            f.acked === f.flight &&
            f.linux === ".",
    },
    {
        name: "what a reset of a simultaneous open is called",
        linux: "ECONNRESET",
        ours: "ECONNREFUSED",
        verdict: "ours",
        why: "RFC 9293 3.10.7.4, second: \"if this connection was initiated with an active OPEN (i.e., came from SYN-SENT state), then the connection was refused; signal the user 'connection refused'\"",
        is: f =>
            inState(f, "SYN-RECEIVED", "CLOSED") &&
            f.linux === f.us &&
            f.kernel.look.state === f.ours.look.state &&
            f.kernel.reading?.status === "ECONNRESET" &&
            f.ours.reading?.status === "ECONNREFUSED",
    },
    {
        name: "FIN of a CLOSE in SYN-RECEIVED",
        linux: "goes out first, then the ACK of the text that completed the handshake",
        ours: "holds that ACK, or follows it",
        verdict: "both",
        passes: true,
        why: 'RFC 9293 3.10.4: the FIN is queued "for processing after entering ESTABLISHED state"',
        is: f => inState(f, "SYN-RECEIVED") && f.linux === "F. ." && ["F.", ". F."].includes(f.us) && f.alike,
    },
]
