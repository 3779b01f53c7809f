// Differences in what is acceptable: sequence numbers at the edges of the window, acknowledgments, timestamps.

import { type Difference, sameStanding } from "./compare"
import type { Outcome, Stimulus } from "./conversation"
import { acceptable, type DifferenceClass, type Facts, has, hasNone, inState, validAck } from "./facts"

const isOld = (f: Facts) => f.newer < 0
const stays = (f: Facts) => f.ours.look.state === f.state

/** TS.Recent comes from an earlier segment with an ACK below SND.UNA. */
const tookOldAck = ({ before, tsRecent }: Difference) =>
    before.some(s => s.value === tsRecent && s.ack !== undefined && s.ack < s.marks.una)

const unstamped = ({ answers }: Outcome) => answers.join().replace(/TS ecr -?\d+/g, "TS")

export const stampDifferences: DifferenceClass[] = [
    {
        name: "timestamp older by one",
        linux: "PAWS lets TS.Recent-1 pass",
        ours: "does not",
        verdict: "ours",
        why: 'RFC 7323 5.3 R1: "If ... SEG.TSval < TS.Recent ... then treat the arriving segment as not acceptable"',
        is: f => f.newer === -1 && hasNone(f, "SR") && f.us === "." && stays(f),
    },
    {
        name: "duplicate ACK with an older timestamp",
        linux: "taken: ACKs without text may overtake each other",
        ours: "not acceptable: ACK",
        verdict: "ours",
        why: 'RFC 7323 5.3 R1: "send an acknowledgment in reply"',
        is: f =>
            isOld(f) &&
            f.size === 0 &&
            f.offset === 0 &&
            has(f, ".") &&
            hasNone(f, "R") &&
            f.linux === "-" &&
            f.us === "." &&
            f.alike,
    },
    {
        name: "timestamp of a segment with an old ACK",
        linux: "is not taken",
        ours: "becomes TS.Recent",
        verdict: "ours",
        why: 'RFC 7323 4.3 (2): "If SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then SEG.TSval is copied to TS.Recent"',
        is: f => f.options && f.us === "." && stays(f) && tookOldAck(f),
        isAfterCall: d =>
            tookOldAck(d) && unstamped(d.kernel) === unstamped(d.ours) && sameStanding(d.kernel, d.ours),
    },
    {
        name: "old pure ACK with an old timestamp",
        linux: "dropped without a word",
        ours: "ACK",
        verdict: "ours",
        passes: true,
        why: 'RFC 7323 5.3 R1: "send an acknowledgment in reply"',
        is: f =>
            isOld(f) &&
            f.size === 0 &&
            f.offset < 0 &&
            has(f, ".") &&
            hasNone(f, "R") &&
            f.linux === "-" &&
            f.us === "." &&
            f.alike,
    },
]

/** What the peer said of its FIN cannot all be true: it has sent something behind it, or another. */
function contradictsFin(f: Facts): boolean {
    const whole = [...f.before, f.stimulus].filter(s => /^[^SR]*\.[^SR]*$/.test(s.flags) && inReach(s))
    const fins = whole.filter(s => s.flags.includes("F")).map(s => s.seq + s.length)
    const ends = whole.map(s => s.seq + s.length)
    return fins.length > 0 && Math.max(...ends) > Math.min(...fins)
}

const inReach = ({ seq, marks }: Facts["stimulus"]) => Math.abs(seq - marks.rcv) < 1000

/** An earlier segment with text ahead of RCV.NXT was such a one: what waits since then may differ unseen until the gap is filled. */
const waited = (f: Facts, was: (earlier: Stimulus) => boolean) =>
    f.us === "." && f.before.some(s => s.length > 0 && s.seq > s.marks.rcv && was(s))

/** One segment, which begins at SND.UNA. */
const retransmits = (f: Facts, { answers }: Outcome) =>
    answers.length === 1 && answers[0]!.split(/[ (]/)[1] === `${f.stimulus.marks.una}`

const saysSack = ({ answers }: Outcome) => answers.join().includes("sack")

export const numberDifferences: DifferenceClass[] = [
    {
        name: "no ACK bit",
        linux: "dropped without a word wherever it lies",
        ours: "what is not acceptable is answered by an ACK",
        verdict: "ours",
        passes: true,
        why: 'RFC 9293 3.10.7.4, first: "If an incoming segment is not acceptable, an acknowledgment should be sent in reply"; ACK is checked fifth',
        is: f =>
            hasNone(f, ".SR") && (!acceptable(f) || isOld(f)) && f.linux === "-" && f.us === "." && f.alike,
    },
    {
        name: "RST at an edge",
        linux: "at RCV.NXT+RCV.WND, or ending at RCV.NXT: challenge ACK",
        ours: "outside the window: dropped",
        verdict: "ours",
        passes: true,
        why: 'RFC 5961 3.2: "If the RST bit is set and the sequence number is outside the current receive window, silently drop the segment"',
        is: f =>
            has(f, "R") &&
            !acceptable(f) &&
            (f.offset === f.room || (f.offset < 0 && f.end >= 0)) &&
            f.linux === "." &&
            f.us === "-" &&
            f.alike,
    },
    {
        name: "ends at RCV.NXT",
        linux: "all of it came before: its ACK and timestamp count all the same",
        ours: "not acceptable: ACK, and no more",
        verdict: "ours",
        why: 'RFC 9293 table 6: RCV.NXT =< SEG.SEQ+SEG.LEN-1; "After sending the acknowledgment, drop the unacceptable segment and return"',
        is: f => f.size > 0 && f.end === 0 && hasNone(f, "R") && f.us === "." && stays(f),
    },
    {
        name: "pure ACK at the right edge",
        linux: "acceptable: it counts, and asks for nothing",
        ours: "not acceptable: ACK; but it counts (SYN-RECEIVED apart)",
        verdict: "ours",
        why:
            'RFC 9293 table 6: SEG.SEQ < RCV.NXT+RCV.WND, "an acknowledgment should be sent in reply"; A.2 for the rest: ' +
            '"validation rules can prevent ACK fields from being processed"',
        is: f =>
            f.offset === f.room &&
            f.size === 0 &&
            hasNone(f, "R") &&
            (f.us === "." || f.us === ". .") &&
            (f.alike || inState(f, "SYN-RECEIVED") || !has(f, ".") || !validAck(f)),
    },
    {
        name: "text or FIN at the right edge",
        linux: "acceptable: its ACK counts, what begins there is not taken",
        ours: "not acceptable: ACK, and no more",
        verdict: "ours",
        why: "RFC 9293 table 6: SEG.SEQ < RCV.NXT+RCV.WND; what comes with text is sent again",
        is: f => f.offset === f.room && f.size > 0 && hasNone(f, "R") && f.us === "." && stays(f),
    },
    {
        name: "ACK of what was acknowledged long ago",
        linux: "older than the bytes ever acknowledged: challenge ACK, and the segment is dropped",
        ours: "as old as the largest window may be: ignored, and the text taken",
        verdict: "ours",
        why: "RFC 5961 5.2: acceptable if SND.UNA - MAX.SND.WND =< SEG.ACK",
        is: f =>
            has(f, ".") &&
            hasNone(f, "SR") &&
            f.linux === "." &&
            ((f.acked < 0 && f.acked >= -4096 && acceptable(f)) ||
                waited(f, ({ ack, marks }) => ack !== undefined && ack < marks.una)),
    },
    {
        name: "two duplicate ACKs",
        linux: "two of two segments in flight, and no SACK: the first is sent again, both in one",
        ours: "waits for the third",
        verdict: "ours",
        why: 'RFC 5681 3.2: "The fast retransmit algorithm uses the arrival of 3 duplicate ACKs"',
        is: f =>
            f.acked === 0 &&
            f.flight > 0 &&
            f.size === 0 &&
            f.us === "-" &&
            retransmits(f, f.kernel) &&
            f.alike,
    },
    {
        name: "SACK behind the FIN",
        linux: "tells of blocks that the FIN has made needless",
        ours: "does not",
        verdict: "ours",
        why: 'RFC 2018 3: blocks tell of "non-contiguous blocks of data that have been received and queued"',
        is: f =>
            ["CLOSE-WAIT", "CLOSING", "TIME-WAIT"].includes(f.kernel.look.state) &&
            f.linux === "." &&
            f.us === "." &&
            f.alike &&
            saysSack(f.kernel) &&
            !saysSack(f.ours),
    },
    {
        name: "three duplicate ACKs of one segment",
        linux: "no more can have arrived than was sent: what is alone in flight waits for the timer",
        ours: "sends it again",
        verdict: "ours",
        why: "RFC 5681 3.2: \"The TCP sender SHOULD use the 'fast retransmit' algorithm\" after three duplicate ACKs",
        is: f =>
            f.acked === 0 &&
            f.flight > 0 &&
            f.size === 0 &&
            f.linux === "-" &&
            retransmits(f, f.ours) &&
            f.alike,
    },
    {
        name: "text with an ACK that is too old",
        linux: "taken where header prediction lets it in: a segment in order, in ESTABLISHED",
        ours: "challenge ACK",
        verdict: "ours",
        why: 'RFC 5961 5.2: "All incoming segments whose ACK value doesn\'t satisfy the above condition MUST be discarded and an ACK sent back"',
        is: f =>
            f.state === "ESTABLISHED" &&
            f.acked < -4096 &&
            f.offset === 0 &&
            f.linux === "." &&
            f.us === "." &&
            stays(f),
    },
    {
        name: "a FIN ahead, and text behind it",
        linux: "goes by what came last: a FIN that waits out of order is forgotten for text that covers it",
        ours: "goes by the FIN that came first: nothing is behind it",
        verdict: "both",
        why: "RFC 9293 3.10.4: no more is sent after a FIN; what such a peer gets is nowhere said",
        is: f =>
            !inState(f, "CLOSE-WAIT", "CLOSING", "LAST-ACK") &&
            has(f, ".") &&
            hasNone(f, "SR") &&
            contradictsFin(f),
    },
    {
        name: "half of all numbers away",
        linux: "2^31 ahead is ahead",
        ours: "2^31 ahead is behind",
        verdict: "both",
        why: "RFC 9293 3.4: arithmetic modulo 2^32 does not tell which of two numbers 2^31 apart is the larger",
        is: f => f.offset === -0x8000_0000,
    },
    {
        name: "text beyond the window",
        linux: "taken whole, FIN too, while nothing waits to be read",
        ours: "trimmed to the window, and the FIN left",
        verdict: "ours",
        why: 'RFC 9293 3.10.7.4: "trimming off any portions that lie outside the window (including SYN and FIN)"',
        is: f =>
            has(f, ".") &&
            hasNone(f, "SR") &&
            ((f.end > f.room && f.offset < f.room) ||
                waited(f, ({ seq, length, marks }) => seq + length > marks.edge && seq < marks.edge)),
    },
]
