// Uncompresses a gzip file (RFC 1952) as it comes. What is before other bytes that follow its end comes out, unlike with zlib's own
// reader of the format.

import { createInflateRaw } from "node:zlib"
import { crc32 } from "../link/crc32"
import { DamagedCapture } from "./packet"

/** The bits of a header's flags, for the fields that follow it. */
const enum Flag {
    Check = 2,
    Extra = 4,
    Name = 8,
    Comment = 16,
}

const MAGIC = [0x1f, 0x8b]
/** The only method of compression. */
const DEFLATE = 8
const PIECE = 1 << 18

/** Returns true when bytes begin as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
    return bytes[0] === MAGIC[0] && bytes[1] === MAGIC[1]
}

/** The bytes of a file that are not yet used. */
class Input {
    private rest: Uint8Array = new Uint8Array(0)

    constructor(private readonly pieces: AsyncIterator<Uint8Array>) {}

    /** Returns the next piece; undefined at the end. */
    async piece(): Promise<Uint8Array | undefined> {
        const piece = this.rest
        this.rest = new Uint8Array(0)
        if (piece.length > 0) return piece
        const next = await this.pieces.next()
        return next.done ? undefined : next.value
    }

    /** Puts bytes back, which come next. */
    back(bytes: Uint8Array): void {
        this.rest = bytes
    }

    /** Returns true at the end. */
    async isOver(): Promise<boolean> {
        const piece = await this.piece()
        if (piece === undefined) return true
        this.back(piece)
        return piece.length === 0 && (await this.isOver())
    }

    /** Returns the next byte. Throws a DamagedCapture at the end. */
    async byte(): Promise<number> {
        if (await this.isOver()) throw new DamagedCapture("the compressed file is cut short")
        const first = this.rest[0]!
        this.rest = this.rest.subarray(1)
        return first
    }

    /** Returns the next number of `size` bytes, the lowest first. */
    async number(size: number): Promise<number> {
        let value = 0
        for (let i = 0; i < size; i++) value += (await this.byte()) * 2 ** (8 * i)
        return value
    }
}

/**
 * Returns the uncompressed bytes of a file, which may have several members. Throws a DamagedCapture, or an error of zlib, after all
 * that could be uncompressed.
 */
export async function* gunzipped(pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
    const input = new Input(pieces)
    while (!(await input.isOver())) {
        const first = await input.byte()
        // zeros pad a file to the end of its block
        if (first === 0) return
        if (first !== MAGIC[0] || (await input.byte()) !== MAGIC[1])
            throw new DamagedCapture("other bytes follow the end of the compressed file")
        await skipHeader(input)
        let check = 0
        let length = 0
        for await (const piece of inflated(input)) {
            check = crc32(piece, check)
            length += piece.length
            yield piece
        }
        if ((await input.number(4)) !== check || (await input.number(4)) !== length % 2 ** 32)
            throw new DamagedCapture("the compressed file is damaged: its checksum is wrong")
    }
}

/** Skips the header after its magic number (RFC 1952 section 2.3). */
async function skipHeader(input: Input): Promise<void> {
    if ((await input.byte()) !== DEFLATE) throw new DamagedCapture("the compressed file is damaged")
    const flags = await input.byte()
    await input.number(6)
    if (flags & Flag.Extra) for (let rest = await input.number(2); rest > 0; rest--) await input.byte()
    if (flags & Flag.Name) while ((await input.byte()) !== 0);
    if (flags & Flag.Comment) while ((await input.byte()) !== 0);
    if (flags & Flag.Check) await input.number(2)
}

/** Returns the uncompressed bytes up to the end of the deflated data, and leaves what follows in the input. */
async function* inflated(input: Input): AsyncGenerator<Uint8Array> {
    const inflate = createInflateRaw({ chunkSize: PIECE })
    let taken = 0
    let last: Uint8Array = new Uint8Array(0)
    const feed = async () => {
        for (let piece = await input.piece(); piece !== undefined; piece = await input.piece()) {
            last = piece
            taken += piece.length
            const { length } = piece
            await new Promise(done => inflate.write(piece, done))
            // the data has ended in this piece
            if (inflate.bytesWritten < taken && length > 0) return
        }
        inflate.end()
    }
    feed().catch(error => inflate.destroy(error))
    yield* inflate
    input.back(last.subarray(last.length - (taken - inflate.bytesWritten)))
}
