// Frames in a byte stream: each with its length before it, 4 bytes big-endian. So do QEMU (`-netdev stream`) and passt.

/** An Ethernet header. passt ends a link that carries shorter frames; a receiver may meet them and skips them. */
export const MIN_FRAME = 14
/** The longest frame passt takes; nothing longer is sent. */
export const MAX_SENT = 65_535
/** QEMU's receive buffer (64 KB and a page for headers): what it would pass on is no reason to hang up. */
export const MAX_RECEIVED = 69_632
const HEADER = 4

/** A frame with its length before it, in new bytes. */
export function withLength(frame: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(HEADER + frame.length)
    new DataView(bytes.buffer).setUint32(0, frame.length)
    bytes.set(frame, HEADER)
    return bytes
}

/**
 * Takes a byte stream in pieces of any size and hands over whole frames. A length of 0 or beyond MAX_RECEIVED
 * cannot be a frame's: the two sides are out of step, which cannot be mended, so the reader stops for good.
 */
export class FrameReader {
    private readonly buffer = new Uint8Array(HEADER + MAX_RECEIVED)
    private readonly header = new DataView(this.buffer.buffer, 0, HEADER)
    /** Bytes of header and frame that are there. */
    private filled = 0
    /** Of the frame being read, once the header is complete. */
    private length = 0
    private failed: string | undefined

    /** `frame` gets bytes of its own and may be called several times, or not at all, within one `push`. */
    constructor(private readonly frame: (bytes: Uint8Array) => void) {}

    /** Why the stream cannot be read on, if so. */
    get error(): string | undefined {
        return this.failed
    }

    /** What is missing of the frame being read; undefined between two frames. */
    get unfinished(): string | undefined {
        if (this.filled === 0) return undefined
        if (this.filled < HEADER) return `${this.filled} of ${HEADER} bytes of a length`
        return `${this.filled - HEADER} of ${this.length} bytes of a frame`
    }

    /** Takes the next bytes; false when the stream cannot be read on, see `error`. */
    push(bytes: Uint8Array): boolean {
        let at = 0
        while (at < bytes.length && this.failed === undefined) {
            const wanted = this.filled < HEADER ? HEADER : HEADER + this.length
            const take = Math.min(wanted - this.filled, bytes.length - at)
            this.buffer.set(bytes.subarray(at, at + take), this.filled)
            this.filled += take
            at += take
            if (this.filled < wanted) break
            if (wanted === HEADER) this.begin()
            else this.finish()
        }
        return this.failed === undefined
    }

    private begin(): void {
        this.length = this.header.getUint32(0)
        if (this.length === 0 || this.length > MAX_RECEIVED) {
            this.failed = `a frame of ${this.length} bytes was announced (1 to ${MAX_RECEIVED} are possible)`
        }
    }

    private finish(): void {
        this.filled = 0
        this.frame(this.buffer.slice(HEADER, HEADER + this.length))
    }
}
