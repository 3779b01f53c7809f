// The line in memory between a stack's two ends, the same for every stack: frames are copied and delivered in their order.

/** What takes the frames of an end. */
export type Receiver = (frame: Uint8Array<ArrayBuffer>) => void

export class Line {
    private readonly ends: [Receiver, Receiver]
    private readonly frames: Uint8Array<ArrayBuffer>[] = []
    private readonly targets: number[] = []

    constructor(ends: [Receiver, Receiver]) {
        this.ends = ends
    }

    /** Queues a frame for an end. The caller leaves it as it is from then on. */
    send(to: number, frame: Uint8Array<ArrayBuffer>): void {
        this.targets.push(to)
        this.frames.push(frame)
    }

    /** Delivers frames until neither end has sent another. */
    settle(): void {
        for (let i = 0; i < this.frames.length; i++) this.ends[this.targets[i]!]!(this.frames[i]!)
        this.frames.length = 0
        this.targets.length = 0
    }
}

/** A stack at both ends of a line, with segments of 1,460 bytes and rings of 16 KB. */
export interface Pair {
    readonly name: string
    /** Connections that it opens before it has to be made anew; undefined without a limit. */
    readonly most?: number
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
