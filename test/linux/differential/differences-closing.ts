// Differences once one side has sent its FIN, or its program is gone.

import { STAMPS } from "./conversation"
import { type DifferenceClass, type Facts, has, hasNone, inState, overlaps, validAck } from "./facts"

/** The peer's FIN was taken. */
const isAfterFin = (f: Facts) => inState(f, "CLOSE-WAIT", "CLOSING", "LAST-ACK")
/** No program has the connection any more. */
const isOrphan = (f: Facts) => !f.kernel.held && f.state !== "SYN-RECEIVED"
const isShrunk = (f: Facts) => inState(f, "FIN-WAIT-2") && isOrphan(f)
const isGone = (f: Facts) => ["CLOSED", "LISTEN"].includes(f.kernel.look.state)

/** What they answer differs in the timestamp that is echoed, ours being the segment's. */
const newerEcho = (f: Facts) => {
    const [kernel, ours] = [f.kernel, f.ours].map(outcome =>
        outcome.answers.join().replace(/TS ecr -?\d+/, "TS")
    )
    return kernel === ours && f.ours.answers.join().includes(`TS ecr ${(f.stimulus.value ?? 0) - STAMPS}`)
}

const hasBlocks = (f: Facts) => f.ours.answers.join().includes("sack")

/** Linux took the timestamp of an earlier segment whose ACK is missing, or acknowledges what was never sent, or too long ago. */
const tookStamp = (f: Facts) =>
    f.before.some(({ ack, marks, value }) => {
        const odd = ack === undefined || ack > marks.nxt || ack < marks.una - 4096
        return odd && value !== undefined && value > (f.tsRecent ?? 0)
    })

export const closingDifferences: DifferenceClass[] = [
    {
        name: "reset in TIME-WAIT",
        linux: "ends TIME-WAIT (tcp_rfc1337 is 0)",
        ours: "is dropped",
        verdict: "ours",
        why: 'RFC 1337 3, F1: "Ignore RST segments in TIME-WAIT state"',
        is: f => inState(f, "TIME-WAIT") && has(f, "R") && isGone(f) && f.ours.look.state === "TIME-WAIT",
    },
    {
        name: "TIME-WAIT answers what is in the window",
        linux: "ACK to whatever is not exactly at RCV.NXT, or has text",
        ours: "silence for what has no ACK bit or no text",
        verdict: "ours",
        passes: true,
        why: 'RFC 9293 3.10.7.4, fifth: "if the ACK bit is off, drop the segment"; a pure ACK in the window asks for nothing',
        is: f => inState(f, "TIME-WAIT") && hasNone(f, "SR") && f.linux === "." && f.us === "-" && f.alike,
    },
    {
        name: "TIME-WAIT does not look at ACK",
        linux: "silence; and the timestamp counts",
        ours: "ACK to an acknowledgment of what was never sent, or too old, and no more",
        verdict: "ours",
        passes: true,
        why: 'RFC 5961 5.2: "All incoming segments whose ACK value doesn\'t satisfy the above condition MUST be discarded and an ACK sent back"',
        is: f =>
            inState(f, "TIME-WAIT") &&
            f.us === "." &&
            f.alike &&
            (f.linux === "-" ? has(f, ".") && !validAck(f) : f.linux === "." && tookStamp(f)),
    },
    {
        name: "TS.Recent in TIME-WAIT",
        linux: "stays what it was",
        ours: "is a newer timestamp of what begins at or before RCV.NXT",
        verdict: "ours",
        why: 'RFC 7323 4.3 (2): "If SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then SEG.TSval is copied to TS.Recent"',
        is: f =>
            inState(f, "TIME-WAIT") &&
            f.options &&
            f.size > 0 &&
            f.linux === "." &&
            f.us === "." &&
            f.alike &&
            newerEcho(f),
    },
    // Linux keeps FIN-WAIT-2 in a small record once its program has closed, which checks little
    {
        name: "FIN-WAIT-2 of a closed program: RST",
        linux: "anywhere in the window it ends the connection; elsewhere it is answered by an ACK",
        ours: "ends it at RCV.NXT only, is challenged in the window and dropped elsewhere",
        verdict: "ours",
        why: "RFC 5961 3.2, its three cases",
        is: f =>
            isShrunk(f) && has(f, "R") && (isGone(f) ? f.linux === "-" : f.linux === "." && f.us === "-"),
    },
    {
        name: "FIN-WAIT-2 of a closed program: SYN",
        linux: "at RCV.NXT or beyond it is answered by a RST, which ends the connection; before it is taken for what else it has",
        ours: "challenge ACK",
        verdict: "ours",
        why: 'RFC 5961 4.2: "If the SYN bit is set, irrespective of the sequence number, TCP MUST send an ACK"',
        is: f =>
            isShrunk(f) &&
            has(f, "S") &&
            hasNone(f, "R") &&
            f.us === "." &&
            (f.kernel.look.state !== f.state || f.linux === "-"),
    },
    {
        name: "FIN-WAIT-2 of a closed program: ACK",
        linux: "is not looked at",
        ours: "one of what was never sent, or too old, is challenged",
        verdict: "ours",
        why: 'RFC 5961 5.2: "All incoming segments whose ACK value doesn\'t satisfy the above condition MUST be discarded and an ACK sent back"',
        is: f =>
            isShrunk(f) &&
            has(f, ".") &&
            hasNone(f, "SR") &&
            !validAck(f) &&
            f.us === "." &&
            f.ours.look.state === f.state,
    },
    {
        name: "FIN-WAIT-2 of a closed program: memory",
        linux: "forgets what waits out of order, and takes no newer timestamp from a pure ACK",
        ours: "tells of it by SACK, and goes by the newest timestamp",
        verdict: "ours",
        why: 'RFC 2018 4; RFC 7323 4.3 (2): "SEG.TSval is copied to TS.Recent"',
        is: f =>
            isShrunk(f) &&
            f.options &&
            f.us === "." &&
            f.ours.look.state === f.state &&
            (hasBlocks(f) || f.before.some(s => s.value === f.tsRecent)),
    },
    {
        name: "numbers of the reset for a closed program's text",
        linux: "<SEQ=SEG.ACK><CTL=RST>",
        ours: "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>",
        verdict: "both",
        why: "RFC 9293 3.6.1 SHLD-3 asks for a RST, not for its numbers; SND.NXT is what the peer expects once all in flight has come",
        is: f => isOrphan(f) && f.linux === "R" && f.us === "R." && isGone(f),
    },
    {
        name: "text for a closed program, out of order",
        linux: "RST as soon as a number beyond RCV.NXT is taken up, a FIN without text included",
        ours: "RST for text that is in the window; a FIN alone, and what is not acceptable, is no lost text",
        verdict: "both",
        why: 'RFC 9293 3.6.1 SHLD-3: "... to show that data was lost"',
        is: f => isOrphan(f) && f.linux === "R" && f.us !== "R." && isGone(f),
    },
    {
        name: "RST at the number of the FIN",
        linux: "after a FIN RCV.NXT-1 resets too (some stacks send that)",
        ours: "only RCV.NXT does",
        verdict: "ours",
        why: 'RFC 5961 3.2: reset if it "exactly matches the next expected sequence number (RCV.NXT)"',
        is: f => isAfterFin(f) && has(f, "R") && f.offset === -1 && isGone(f),
    },
    {
        name: "what a reset in CLOSE-WAIT is called",
        linux: "reads give the end of the stream",
        ours: "ECONNRESET",
        verdict: "ours",
        why: "RFC 9293 3.10.7.4, second: CLOSE-WAIT: \"any outstanding RECEIVEs and SEND should receive 'reset' responses\"",
        is: f =>
            inState(f, "CLOSE-WAIT", "CLOSED", "LISTEN") &&
            f.linux === f.us &&
            f.kernel.look.state === f.ours.look.state &&
            f.kernel.reading?.status === "end" &&
            f.ours.reading?.status === "ECONNRESET",
    },
    {
        name: "old text that reaches beyond the FIN",
        linux: "RST, and the connection is gone",
        ours: "ACK; the text is ignored",
        verdict: "ours",
        why: 'RFC 9293 3.10.7.4, seventh: CLOSE-WAIT, CLOSING, LAST-ACK: "Ignore the segment text"',
        is: f =>
            isAfterFin(f) &&
            f.offset < 0 &&
            f.end > 0 &&
            has(f, ".") &&
            hasNone(f, "SR") &&
            f.linux === "R" &&
            f.us === ".",
    },
    {
        name: "a second FIN",
        linux: "takes it: RCV.NXT grows by one more",
        ours: "ignores it",
        verdict: "ours",
        why: "RFC 9293 3.10.7.4, eighth: CLOSE-WAIT, CLOSING, LAST-ACK: remain; nothing can follow the peer's FIN",
        is: f => isAfterFin(f) && has(f, "F.") && f.end === 1 && f.linux === "." && f.us === ".",
    },
    {
        name: "text after the FIN",
        linux: "dropped without a word",
        ours: "dropped, and answered by an ACK",
        verdict: "both",
        passes: true,
        why: 'RFC 9293 3.10.7.4, seventh: "This should not occur ... Ignore the segment text" asks for neither',
        is: f =>
            isAfterFin(f) &&
            has(f, ".") &&
            hasNone(f, "SR") &&
            f.size > 0 &&
            overlaps(f) &&
            f.linux === "-" &&
            f.us === ".",
    },
]
