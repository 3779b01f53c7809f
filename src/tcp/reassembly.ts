// Data that arrived ahead of a gap at RCV.NXT waits in its place in the receive ring, and the record says which bytes are there.
//
// Offsets count from RCV.NXT. A FIN is a byte like any other here, the last one of the farthest block.

import type { TcpContext } from "./context"
import { Ahead, ConnOption, Tcb } from "./records"
import { ringsOf } from "./tables"

/**
 * Keeps `length` bytes at `at` of the receive frame, the first of them `offset` (1 or more) after RCV.NXT; `fin` is 1 when a FIN
 * follows them. They fit the window. Keeps nothing and returns false when all blocks are taken, or the segment contradicts a FIN
 * that arrived before.
 */
export function keepAhead(
    t: TcpContext,
    c: number,
    offset: number,
    at: number,
    length: number,
    fin: number
): boolean {
    const conns = t.conns
    const first = c + Tcb.Ahead
    const connOptions = conns.getAt(c + Tcb.Options, "u8")
    let start = offset
    let end = offset + length + fin
    // no data follows a FIN, and a FIN has only one sequence number
    const farthest = farthestEnd(t, c)
    if (
        connOptions & ConnOption.FinAhead
            ? end > farthest || (fin === 1 && end !== farthest)
            : fin === 1 && end <= farthest
    )
        return false
    // the data and the blocks that it touches become one block; the other blocks move to the end
    let kept = 0
    for (let b = 0; b < Ahead.All; b += Ahead.Size) {
        const s = conns.getAt(first + b + Ahead.Start, "u16")
        const e = conns.getAt(first + b + Ahead.End, "u16")
        if (e > 0) {
            if (e < offset || s > offset + length + fin) kept += Ahead.Size
        }
    }
    if (kept === Ahead.All) return false
    let to: number = Ahead.All
    for (let b = Ahead.All - Ahead.Size; b >= 0; b -= Ahead.Size) {
        const s = conns.getAt(first + b + Ahead.Start, "u16")
        const e = conns.getAt(first + b + Ahead.End, "u16")
        if (e === 0) continue
        if (e < offset || s > offset + length + fin) {
            to -= Ahead.Size
            conns.setAt(first + to + Ahead.Start, "u16", s)
            conns.setAt(first + to + Ahead.End, "u16", e)
        } else {
            if (s < start) start = s
            if (e > end) end = e
        }
    }
    // RFC 2018 section 4: the block of the newest segment is reported first
    conns.fillAt(first, to, 0)
    const place = to - Ahead.Size
    conns.setAt(first + place + Ahead.Start, "u16", start)
    conns.setAt(first + place + Ahead.End, "u16", end)
    if (place > 0) {
        conns.blitAt(first, conns, first + place, Ahead.All - place)
        conns.fillAt(first + Ahead.All - place, place, 0)
    }
    if (fin) conns.setAt(c + Tcb.Options, "u8", connOptions | ConnOption.FinAhead)

    const size = t.receiveSize
    const ring = ringsOf(t, c) + t.sendSize
    let into = conns.getAt(c + Tcb.ReceiveHead, "u16") + conns.getAt(c + Tcb.ReceiveLength, "u16") + offset
    while (into >= size) into -= size
    const part = size - into
    t.rings.blitAt(ring + into, t.rx, at, Math.min(length, part))
    if (length > part) t.rings.blitAt(ring, t.rx, at + part, length - part)
    return true
}

/** Returns where the farthest block ends, 0 if no block is kept. */
export function farthestEnd(t: TcpContext, c: number): number {
    let farthest = 0
    for (let b = c + Tcb.Ahead; b < c + Tcb.Ahead + Ahead.All; b += Ahead.Size) {
        const end = t.conns.getAt(b + Ahead.End, "u16")
        if (end > farthest) farthest = end
    }
    return farthest
}

/**
 * Returns by how much RCV.NXT moves when `length` bytes have arrived and kept data follows them, a FIN included. The remaining
 * blocks then count from the new RCV.NXT. `takeFin` says whether RCV.NXT moved over a FIN.
 */
export function fillGap(t: TcpContext, c: number, length: number): number {
    const conns = t.conns
    const first = c + Tcb.Ahead
    let advance = length
    // a block may reach the next one
    for (let round = 0; round < Ahead.Blocks; round++) {
        for (let b = 0; b < Ahead.All; b += Ahead.Size) {
            const end = conns.getAt(first + b + Ahead.End, "u16")
            if (end > advance) {
                if (conns.getAt(first + b + Ahead.Start, "u16") <= advance) advance = end
            }
        }
    }
    let to = 0
    for (let b = 0; b < Ahead.All; b += Ahead.Size) {
        const start = conns.getAt(first + b + Ahead.Start, "u16")
        const end = conns.getAt(first + b + Ahead.End, "u16")
        if (end <= advance) continue
        conns.setAt(first + to + Ahead.Start, "u16", start - advance)
        conns.setAt(first + to + Ahead.End, "u16", end - advance)
        to += Ahead.Size
    }
    conns.fillAt(first + to, Ahead.All - to, 0)
    return advance
}

/** Returns how many of the next `length` bytes lie before a FIN that arrived ahead of a gap: all of them if no FIN did. */
export function upToFin(t: TcpContext, c: number, length: number): number {
    if (!(t.conns.getAt(c + Tcb.Options, "u8") & ConnOption.FinAhead)) return length
    const fin = farthestEnd(t, c) - 1
    return length > fin ? fin : length
}

/** Returns true, once, when `fillGap` has moved RCV.NXT over a FIN that arrived ahead of a gap. */
export function takeFin(t: TcpContext, c: number): boolean {
    const conns = t.conns
    const connOptions = conns.getAt(c + Tcb.Options, "u8")
    if (!(connOptions & ConnOption.FinAhead)) return false
    if (conns.getAt(c + Tcb.Ahead + Ahead.End, "u16") > 0) return false
    conns.setAt(c + Tcb.Options, "u8", connOptions & ~ConnOption.FinAhead)
    return true
}

/** Forgets all blocks of data ahead of a gap. */
export function dropAhead(t: TcpContext, c: number): void {
    const conns = t.conns
    conns.fillAt(c + Tcb.Ahead, Ahead.All, 0)
    conns.setAt(c + Tcb.Options, "u8", conns.getAt(c + Tcb.Options, "u8") & ~ConnOption.FinAhead)
}
