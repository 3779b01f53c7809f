// Frames in a byte stream, as QEMU (`-netdev stream`) and passt send them: each frame follows its length, 4 bytes big-endian.

/** The length of an Ethernet header. Shorter frames are not sent, because passt would end the link; received ones are skipped. */
export const MIN_FRAME = 14
/** The longest frame that passt accepts; longer frames are not sent. */
export const MAX_SENT = 65_535
/**
 * The size of QEMU's receive buffer (64 KB and a page for headers). Frames of this size are accepted because QEMU may forward
 * them.
 */
export const MAX_RECEIVED = 69_632
const HEADER = 4

/** Returns a copy of a frame after its length. */
export function withLength(frame: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(HEADER + frame.length)
    new DataView(bytes.buffer).setUint32(0, frame.length)
    bytes.set(frame, HEADER)
    return bytes
}

/**
 * Reads a byte stream in pieces of any size and hands over whole frames. After a length of 0 or above MAX_RECEIVED the
 * reader cannot know where the next frame begins, so it stops permanently.
 */
export class FrameReader {
    private readonly buffer = new Uint8Array(HEADER + MAX_RECEIVED)
    private readonly header = new DataView(this.buffer.buffer, 0, HEADER)
    /** Bytes read so far, of the header and the frame together. */
    private filled = 0
    /** The length of the frame being read, once the header is complete. */
    private length = 0
    private failed: string | undefined

    /** Creates a reader that passes each frame to `frame`, in new bytes; one `push` may complete any number of frames. */
    constructor(private readonly frame: (bytes: Uint8Array) => void) {}

    /** Why the reader has stopped; undefined while it reads. */
    get error(): string | undefined {
        return this.failed
    }

    /** How much of the unfinished frame was read, as text; undefined between two frames. */
    get unfinished(): string | undefined {
        if (this.filled === 0) return undefined
        if (this.filled < HEADER) return `${this.filled} of ${HEADER} bytes of a length`
        return `${this.filled - HEADER} of ${this.length} bytes of a frame`
    }

    /** Reads the next bytes; returns false when the reader has stopped (see `error`). */
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
            this.failed = `a frame length of ${this.length} bytes (1 to ${MAX_RECEIVED} are possible)`
        }
    }

    private finish(): void {
        this.filled = 0
        this.frame(this.buffer.slice(HEADER, HEADER + this.length))
    }
}
