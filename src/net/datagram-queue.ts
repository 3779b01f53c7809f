// A queue of datagrams in a ring of bytes, each with the peer's address and port.

import { Buffer } from "@devicescript/core"

/** Offsets in a datagram's header in the ring. A header begins at a multiple of its size, so it is never split. */
const enum Queued {
    Ip = 0,
    Port = 4,
    Length = 6,
    Size = 8,
}

export class DatagramQueue {
    private readonly ring: Buffer
    private head = 0
    private used = 0

    /** Allocates `bytes` bytes: each datagram takes 8 more than its data, rounded up to a multiple of 8. */
    constructor(bytes: number) {
        this.ring = Buffer.alloc((bytes + 7) & ~7)
    }

    isEmpty(): boolean {
        return this.used === 0
    }

    /**
     * Returns the first datagram's address; `port` and `length` return its other fields. Only valid while the queue is not empty.
     */
    ip(): number {
        return this.ring.getAt(this.head + Queued.Ip, "i32")
    }

    port(): number {
        return this.ring.getAt(this.head + Queued.Port, "u16")
    }

    length(): number {
        return this.ring.getAt(this.head + Queued.Length, "u16")
    }

    /**
     * Adds a datagram with the `length` bytes at `at` of `from`, which must lie inside that buffer. Returns false when the queue
     * has no room.
     */
    put(ip: number, port: number, from: Buffer, at: number, length: number): boolean {
        const ring = this.ring
        const size = Queued.Size + ((length + 7) & ~7)
        if (this.used + size > ring.length) return false
        let end = this.head + this.used
        if (end >= ring.length) end -= ring.length
        this.used += size
        ring.setAt(end + Queued.Ip, "i32", ip)
        ring.setAt(end + Queued.Port, "u16", port)
        ring.setAt(end + Queued.Length, "u16", length)
        end += Queued.Size
        if (end === ring.length) end = 0
        const straight = ring.length - end
        if (length <= straight) ring.blitAt(end, from, at, length)
        else {
            ring.blitAt(end, from, at, straight)
            ring.blitAt(0, from, at + straight, length - straight)
        }
        return true
    }

    /**
     * Removes the first datagram and copies the first `length` bytes of its data to `at`; both the datagram and `into` must have
     * that many.
     */
    take(into: Buffer, at: number, length: number): void {
        const ring = this.ring
        let start = this.head + Queued.Size
        if (start === ring.length) start = 0
        const straight = ring.length - start
        if (length <= straight) into.blitAt(at, ring, start, length)
        else {
            into.blitAt(at, ring, start, straight)
            into.blitAt(at + straight, ring, 0, length - straight)
        }
        this.drop()
    }

    /** Removes the first datagram. */
    drop(): void {
        const size = Queued.Size + ((this.length() + 7) & ~7)
        this.head += size
        if (this.head >= this.ring.length) this.head -= this.ring.length
        this.used -= size
    }
}
