// The line in memory between a stack's two ends, the same for every stack: frames are copied and delivered in their order.

/** Takes a frame: the first `length` bytes of `frame`. */
export type Receiver<F> = (frame: F, length: number) => void

export class Line<F = Uint8Array<ArrayBuffer>> {
    private readonly ends: [Receiver<F>, Receiver<F>]
    /** The frames on the line, `count` of them. */
    private readonly frames: F[] = []
    private readonly lengths: number[] = []
    private readonly targets: number[] = []
    private count = 0

    constructor(ends: [Receiver<F>, Receiver<F>]) {
        this.ends = ends
    }

    /** Queues a frame of `length` bytes for an end. The caller leaves it as it is from then on, and the receiver may keep it. */
    send(to: number, frame: F, length: number): void {
        this.targets[this.count] = to
        this.frames[this.count] = frame
        this.lengths[this.count++] = length
    }

    /** Delivers frames until neither end has sent another. */
    settle(): void {
        for (let i = 0; i < this.count; i++) this.ends[this.targets[i]!]!(this.frames[i]!, this.lengths[i]!)
        this.count = 0
    }
}

/** A stack at both ends of a line, with segments of 1,460 bytes and rings of 16 KB. */
export interface Pair {
    readonly name: string
    /** Opens a connection; it is ESTABLISHED at both ends then. */
    open(): void
    /** Closes all open connections at both ends. */
    close(): void
    /** Sends this many bytes over one connection, and returns when the other end's program has them. */
    bulk(bytes: number): void | Promise<void>
}

export const RING = 16_384
export const PORT = 80
/** Connections that are open at once while handshakes are measured. */
export const AT_ONCE = 16
