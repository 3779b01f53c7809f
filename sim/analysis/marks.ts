// Remarkable properties of a segment, in the terms of Wireshark's TCP analysis.

export const enum Mark {
    /** The segment repeats sequence numbers that were sent before. Fast and spurious retransmissions have this mark, too. */
    Retransmission = 1 << 0,
    /** The segment was repeated because of duplicate ACKs, not because of a timeout. */
    Fast = 1 << 1,
    /** All repeated data was acknowledged before. */
    Spurious = 1 << 2,
    OutOfOrder = 1 << 3,
    /** Data before the segment is missing in the capture, because it was lost or not captured. */
    LostBefore = 1 << 4,
    /** The segment acknowledges data that is missing in the capture. */
    AcksUnseen = 1 << 5,
    DuplicateAck = 1 << 6,
    ZeroWindow = 1 << 7,
    ZeroWindowProbe = 1 << 8,
    ZeroWindowProbeAck = 1 << 9,
    WindowUpdate = 1 << 10,
    /** The segment's data fills the window of the receiver. */
    WindowFull = 1 << 11,
    KeepAlive = 1 << 12,
    KeepAliveAck = 1 << 13,
    /** The ports were used by an earlier connection in the capture. */
    PortsReused = 1 << 14,
}

/** The words for a segment's marks, the most telling first; those that another one implies are left out. */
const words: readonly (readonly [Mark, string])[] = [
    [Mark.Fast, "fast retransmission"],
    [Mark.Spurious, "needless retransmission"],
    [Mark.Retransmission, "retransmission"],
    [Mark.OutOfOrder, "out of order"],
    [Mark.LostBefore, "segment missing before"],
    [Mark.AcksUnseen, "ACK of unseen data"],
    [Mark.DuplicateAck, "duplicate ACK"],
    [Mark.ZeroWindowProbe, "window probe"],
    [Mark.ZeroWindowProbeAck, "answer to probe"],
    [Mark.ZeroWindow, "zero window"],
    [Mark.WindowUpdate, "window update"],
    [Mark.WindowFull, "window full"],
    [Mark.KeepAlive, "keep-alive"],
    [Mark.KeepAliveAck, "answer to keep-alive"],
    [Mark.PortsReused, "ports reused"],
]

/** Returns the words for marks, such as `fast retransmission`. */
export function markWords(marks: number): string[] {
    const found: string[] = []
    for (const [mark, text] of words) {
        if ((marks & mark) === 0) continue
        const isImplied = mark === Mark.Retransmission && (marks & (Mark.Fast | Mark.Spurious)) !== 0
        if (!isImplied) found.push(text)
    }
    return found
}

/** Returns how often each mark occurred in words, such as `2 × retransmission`. Retransmissions count the fast and needless ones. */
export function countedMarks(counts: ReadonlyMap<Mark, number>): string {
    return words
        .filter(([mark]) => counts.has(mark))
        .map(([mark, text]) => `${counts.get(mark)} x ${text}`)
        .join(", ")
}
