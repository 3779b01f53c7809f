// Data that arrived ahead of a gap at RCV.NXT waits in its place in the receive ring, and the record says which bytes are there.
//
// Offsets count from RCV.NXT. A FIN is a byte like any other here, the last one of the farthest block.

import type { Connection, TcpContext } from "./context"
import { Ahead, ConnOption, Tcb } from "./records"

/**
 * Keeps `length` bytes at `at` of the receive frame, the first of them `offset` (1 or more) after RCV.NXT; `fin` is 1 when a FIN
 * follows them. They fit the window. Keeps nothing and returns false when all blocks are taken, or the segment contradicts a FIN
 * that arrived before.
 */
export function keepAhead(
    t: TcpContext,
    c: Connection,
    offset: number,
    at: number,
    length: number,
    fin: number
): boolean {
    const connOptions = c.getAt(Tcb.Options, "u8")
    let start = offset
    let end = offset + length + fin
    // no data follows a FIN, and a FIN has only one sequence number
    const farthest = farthestEnd(c)
    if (
        connOptions & ConnOption.FinAhead
            ? end > farthest || (fin === 1 && end !== farthest)
            : fin === 1 && end <= farthest
    )
        return false
    // the data and the blocks that it touches become one block; the other blocks move to the end
    let kept = 0
    for (let b = 0; b < Ahead.All; b += Ahead.Size) {
        const s = c.getAt(Tcb.Ahead + b + Ahead.Start, "u16")
        const e = c.getAt(Tcb.Ahead + b + Ahead.End, "u16")
        if (e > 0) {
            if (e < offset || s > offset + length + fin) kept += Ahead.Size
        }
    }
    if (kept === Ahead.All) return false
    let to: number = Ahead.All
    for (let b = Ahead.All - Ahead.Size; b >= 0; b -= Ahead.Size) {
        const s = c.getAt(Tcb.Ahead + b + Ahead.Start, "u16")
        const e = c.getAt(Tcb.Ahead + b + Ahead.End, "u16")
        if (e === 0) continue
        if (e < offset || s > offset + length + fin) {
            to -= Ahead.Size
            c.setAt(Tcb.Ahead + to + Ahead.Start, "u16", s)
            c.setAt(Tcb.Ahead + to + Ahead.End, "u16", e)
        } else {
            if (s < start) start = s
            if (e > end) end = e
        }
    }
    // RFC 2018 section 4: the block of the newest segment is reported first
    c.fillAt(Tcb.Ahead, to, 0)
    const place = to - Ahead.Size
    c.setAt(Tcb.Ahead + place + Ahead.Start, "u16", start)
    c.setAt(Tcb.Ahead + place + Ahead.End, "u16", end)
    if (place > 0) {
        c.blitAt(Tcb.Ahead, c, Tcb.Ahead + place, Ahead.All - place)
        c.fillAt(Tcb.Ahead + Ahead.All - place, place, 0)
    }
    if (fin) c.setAt(Tcb.Options, "u8", connOptions | ConnOption.FinAhead)

    const size = t.receiveSize
    const ring = Tcb.Size + t.sendSize
    let into = c.getAt(Tcb.ReceiveHead, "u16") + c.getAt(Tcb.ReceiveLength, "u16") + offset
    while (into >= size) into -= size
    const part = size - into
    c.blitAt(ring + into, t.rx, at, Math.min(length, part))
    if (length > part) c.blitAt(ring, t.rx, at + part, length - part)
    return true
}

/** Returns where the farthest block ends, 0 if no block is kept. */
export function farthestEnd(c: Connection): number {
    let farthest = 0
    for (let b: number = Tcb.Ahead; b < Tcb.Ahead + Ahead.All; b += Ahead.Size) {
        const end = c.getAt(b + Ahead.End, "u16")
        if (end > farthest) farthest = end
    }
    return farthest
}

/**
 * Returns by how much RCV.NXT moves when `length` bytes have arrived and kept data follows them, a FIN included. The remaining
 * blocks then count from the new RCV.NXT. `takeFin` says whether RCV.NXT moved over a FIN.
 */
export function fillGap(c: Connection, length: number): number {
    let advance = length
    // a block may reach the next one
    for (let round = 0; round < Ahead.Blocks; round++) {
        for (let b = 0; b < Ahead.All; b += Ahead.Size) {
            const end = c.getAt(Tcb.Ahead + b + Ahead.End, "u16")
            if (end > advance) {
                if (c.getAt(Tcb.Ahead + b + Ahead.Start, "u16") <= advance) advance = end
            }
        }
    }
    let to = 0
    for (let b = 0; b < Ahead.All; b += Ahead.Size) {
        const start = c.getAt(Tcb.Ahead + b + Ahead.Start, "u16")
        const end = c.getAt(Tcb.Ahead + b + Ahead.End, "u16")
        if (end <= advance) continue
        c.setAt(Tcb.Ahead + to + Ahead.Start, "u16", start - advance)
        c.setAt(Tcb.Ahead + to + Ahead.End, "u16", end - advance)
        to += Ahead.Size
    }
    c.fillAt(Tcb.Ahead + to, Ahead.All - to, 0)
    return advance
}

/** Returns how many of the next `length` bytes lie before a FIN that arrived ahead of a gap: all of them if no FIN did. */
export function upToFin(c: Connection, length: number): number {
    if (!(c.getAt(Tcb.Options, "u8") & ConnOption.FinAhead)) return length
    const fin = farthestEnd(c) - 1
    return length > fin ? fin : length
}

/** Returns true, once, when `fillGap` has moved RCV.NXT over a FIN that arrived ahead of a gap. */
export function takeFin(c: Connection): boolean {
    const connOptions = c.getAt(Tcb.Options, "u8")
    if (!(connOptions & ConnOption.FinAhead)) return false
    if (c.getAt(Tcb.Ahead + Ahead.End, "u16") > 0) return false
    c.setAt(Tcb.Options, "u8", connOptions & ~ConnOption.FinAhead)
    return true
}

/** Forgets all blocks of data ahead of a gap. */
export function dropAhead(c: Connection): void {
    c.fillAt(Tcb.Ahead, Ahead.All, 0)
    c.setAt(Tcb.Options, "u8", c.getAt(Tcb.Options, "u8") & ~ConnOption.FinAhead)
}
