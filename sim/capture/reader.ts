// Reads a capture as it comes, piece by piece: the whole file is never in memory.

import { createReadStream, fstatSync } from "node:fs"
import type { Readable } from "node:stream"
import { gunzipped, isGzip } from "./gzip"
import { type CapturedPacket, type CaptureFormat, DamagedCapture } from "./packet"
import { isPcap, PCAP_HEADER, pcapFormat } from "./pcap-format"
import { isPcapng, PcapngFormat } from "./pcapng-format"

/** Thrown for a file that cannot be read at all; the message is one line for the user. */
export class ReadError extends Error {
    override name = "ReadError"

    constructor(message: string) {
        super(visible(message))
    }
}

/** Replaces the control characters of a text by `?`: the name of a file may have them, and a terminal would obey. */
export function visible(text: string): string {
    return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?")
}

/** How the reading of a capture ended. */
export interface ReadResult {
    readonly format: string
    readonly packets: number
    /** What is wrong with the rest of the file, in words for the user; undefined if it was read to its end. */
    readonly damage: string | undefined
}

/** Takes the bytes of a file in pieces of any size and passes its packets on. */
export class CaptureReader {
    private format: CaptureFormat | undefined
    private rest: Uint8Array = new Uint8Array(0)
    private skip = 0
    private packets = 0
    private damage: string | undefined

    constructor(private readonly onPacket: (packet: CapturedPacket) => void) {}

    /** Takes the next piece. Returns false when nothing after it would be read. Throws a ReadError if this is not a capture. */
    push(piece: Uint8Array): boolean {
        if (this.damage !== undefined) return false
        const bytes = this.joined(piece)
        let at = Math.min(this.skip, bytes.length)
        this.skip -= at
        if (this.format === undefined) {
            if (bytes.length < PCAP_HEADER) {
                this.rest = bytes
                return true
            }
            this.format = this.recognized(bytes)
        }
        try {
            while (at < bytes.length) {
                const size = this.format.read(bytes, at)
                if (size === 0) break
                this.skip = Math.max(0, at + size - bytes.length)
                at = Math.min(bytes.length, at + size)
            }
        } catch (error) {
            if (!(error instanceof DamagedCapture)) throw error
            this.damage = `the file is damaged ${this.place()}: ${error.message}`
        }
        this.rest = bytes.subarray(at)
        return this.damage === undefined
    }

    /** Ends the file. Throws a ReadError if it was not a capture. */
    end(): ReadResult {
        if (this.format === undefined) this.format = this.recognized(this.rest)
        const isCut = this.rest.length > 0 || this.skip > 0
        if (isCut) this.damage ??= `the file ends in the middle of a record, ${this.place()}`
        return { format: this.format.name, packets: this.packets, damage: this.damage }
    }

    private place(): string {
        return this.packets === 0 ? "before its first packet" : `after packet ${this.packets}`
    }

    private joined(piece: Uint8Array): Uint8Array {
        if (this.rest.length === 0) return piece
        const bytes = new Uint8Array(this.rest.length + piece.length)
        bytes.set(this.rest)
        bytes.set(piece, this.rest.length)
        return bytes
    }

    private recognized(bytes: Uint8Array): CaptureFormat {
        const count = (packet: CapturedPacket) => {
            this.packets++
            this.onPacket(packet)
        }
        if (bytes.length >= 4 && isPcapng(bytes)) return new PcapngFormat(count)
        const format = bytes.length >= PCAP_HEADER ? pcapFormat(bytes, count) : undefined
        if (format !== undefined) return format
        if (bytes.length < PCAP_HEADER && isPcap(bytes))
            throw new ReadError("the file ends within its file header")
        const what = bytes.length === 0 ? "it is empty" : "it begins neither as pcap nor as pcapng"
        throw new ReadError(`not a capture: ${what}`)
    }
}

/** Reads a file, `-` for standard input, gzip or not. Throws a ReadError that names the file when nothing of it can be read. */
export async function readCapture(
    path: string,
    onPacket: (packet: CapturedPacket) => void
): Promise<ReadResult> {
    const reader = new CaptureReader(onPacket)
    let cut: string | undefined
    let isNothing = true
    try {
        // Node reads a folder as an empty input
        if (path === "-" && fstatSync(0).isDirectory()) throw new ReadError("that is a folder")
        const source = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 })
        const pieces = unzipped(source)
        try {
            for await (const piece of pieces) {
                isNothing = false
                if (!reader.push(piece)) break
            }
        } catch (error) {
            // what came before the damage is read
            if (error instanceof DamagedCapture) cut = error.message
            else if (/^Z_/.test((error as NodeJS.ErrnoException).code ?? ""))
                cut = "the compressed file is damaged or cut short"
            else throw error
        }
        if (cut !== undefined && isNothing) throw new ReadError(cut)
        const result = reader.end()
        return cut === undefined ? result : { ...result, damage: cut }
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        if (error instanceof ReadError || code !== undefined)
            throw new ReadError(`${path === "-" ? "standard input" : path}: ${explain(code, message)}`)
        throw error
    }
}

/** Returns the bytes of a source; those of a gzip file are uncompressed. */
async function* unzipped(source: Readable): AsyncGenerator<Uint8Array> {
    const pieces = source[Symbol.asyncIterator]()
    const first = (await pieces.next()) as IteratorResult<Uint8Array>
    if (first.done) return
    if (!isGzip(first.value)) {
        yield first.value
        for await (const piece of { [Symbol.asyncIterator]: () => pieces }) yield piece as Uint8Array
        return
    }
    yield* gunzipped(
        (async function* () {
            yield first.value
            yield* { [Symbol.asyncIterator]: () => pieces }
        })()
    )
}

/** Returns why a file cannot be read or written, in words for the user. */
export function explain(code: string | undefined, message: string): string {
    switch (code) {
        case "ENOSPC":
        case "EDQUOT":
            return "the disk is full"
        case "ENOTDIR":
            return "a part of its path is not a folder"
        case "ENOENT":
            return "there is no such file"
        case "EISDIR":
            return "that is a folder"
        case "EACCES":
        case "EPERM":
            return "permission denied"
        default:
            return message.replace(/\s+/g, " ")
    }
}
