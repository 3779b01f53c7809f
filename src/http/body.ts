// Reads the bodies of requests, for servers that accept bodies.

import { Buffer } from "@devicescript/core"
import { netError } from "../base/errors"
import { fail } from "./answer"
import { type BodyReader, ClientFlag, type HttpClient, type HttpContext, Stage } from "./record"
import { consume, handle, nameEnd, nextLine, numberOf, tokenEnd } from "./request"

const enum Limit {
    /**
     * The most bytes of a body: formValue on a body of this size, with the rest of a handler, takes no more operations than one
     * turn may.
     */
    Body = 1024,
}

/** Reads the bodies of requests for an HttpServer, by Content-Length or in chunks (RFC 9112 section 6 and 7). */
export class HttpBodies implements BodyReader {
    private readonly buffers: Buffer[] = []

    /**
     * Allocates a body of `limit` bytes (1 to 1,024) per client; `clients` is the number in the server's options, 4 by default.
     * Throws a NetError EINVAL for another limit.
     */
    constructor(
        readonly limit: number,
        clients: number
    ) {
        if (limit < 1 || limit > Limit.Body)
            throw netError("HttpBodies: ", `EINVAL, the limit must be 1 to ${Limit.Body}, not ${limit}`)
        for (let i = 0; i < clients; i++) this.buffers.push(Buffer.alloc(limit))
    }

    private bufferOf(h: HttpContext, c: HttpClient): Buffer {
        return this.buffers[h.clients.indexOf(c)] as Buffer
    }

    /** @internal */
    take(h: HttpContext, c: HttpClient): boolean {
        if (c.stage === Stage.Body || c.stage === Stage.ChunkData) {
            const n = Math.min(c.length, c.remaining)
            if (n === 0) return false
            this.bufferOf(h, c).blitAt(c.index, h.lines, c.lineAt, n)
            consume(h, c, n)
            c.index += n
            c.remaining -= n
            if (c.remaining > 0) return true
            if (c.stage === Stage.Body) this.end(h, c)
            else c.stage = Stage.ChunkEnd
            return true
        }
        const text = nextLine(h, c)
        if (text === undefined) return false
        let status = 0
        // a line that is too long is neither a chunk's size nor a valid trailer
        if (c.flags & ClientFlag.Cut) status = 431
        else if (c.stage === Stage.ChunkSize) status = this.chunkSize(c, text)
        else if (c.stage === Stage.ChunkEnd) {
            if (text !== "") status = 400
            c.stage = Stage.ChunkSize
        } else if (c.stage === Stage.Trailers) {
            if (text === "") this.end(h, c)
            else if (nameEnd(text) < 0) status = 400
        }
        if (status > 0) fail(h, c, status)
        return true
    }

    /** Calls the handler, because the whole body has arrived. */
    private end(h: HttpContext, c: HttpClient): void {
        handle(h, c, this.bufferOf(h, c).slice(0, c.index))
    }

    /** Reads a chunk's first line: its size, and extensions, which are ignored (RFC 9112 section 7.1.1). Returns an error status, or 0. */
    private chunkSize(c: HttpClient, text: string): number {
        let end = text.indexOf(";")
        if (end < 0) end = text.length
        const size = numberOf(text.slice(0, end), 16)
        if (size < 0 || !areExtensions(text, end)) return 400
        if (c.index + size > this.limit) return 413
        c.remaining = size
        c.stage = size > 0 ? Stage.ChunkData : Stage.Trailers
        return 0
    }
}

/**
 * Returns true when `text` from `at` on consists of chunk extensions only: each is a semicolon and a name, and may have a value.
 */
function areExtensions(text: string, at: number): boolean {
    while (at < text.length) {
        let from = blanksEnd(text, at + 1)
        const end = tokenEnd(text, from)
        if (text.charAt(at) !== ";" || end === from) return false
        at = blanksEnd(text, end)
        if (text.charAt(at) !== "=") continue
        from = blanksEnd(text, at + 1)
        at = text.charAt(from) === '"' ? stringEnd(text, from + 1) : tokenEnd(text, from)
        if (at === from) return false
        at = blanksEnd(text, at)
    }
    return at === text.length
}

function blanksEnd(text: string, at: number): number {
    while (at < text.length && " \t".indexOf(text.charAt(at)) >= 0) at++
    return at
}

/** Returns the offset after a quoted string; it is past the end of the text if the string does not end. */
function stringEnd(text: string, at: number): number {
    while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1
    return at + 1
}
