// Bodies of requests, for servers that want any.

import { Buffer } from "@devicescript/core"
import { hexDigit } from "../net/address"
import { fail } from "./http-answer"
import { type BodyReader, type HttpClient, type HttpContext, Stage } from "./http-record"
import { consume, handle, nextLine } from "./http-request"

/** Takes bodies of up to `limit` bytes, by Content-Length or in chunks. Memory for one a client is taken with the first. */
export class HttpBodies implements BodyReader {
    private readonly buffers: Buffer[] = []

    constructor(
        readonly limit: number,
        clients: number
    ) {
        for (let i = 0; i < clients; i++) this.buffers.push(Buffer.alloc(limit))
    }

    private bufferOf(h: HttpContext, c: HttpClient): Buffer {
        return this.buffers[h.clients.indexOf(c)] as Buffer
    }

    take(h: HttpContext, c: HttpClient): boolean {
        if (c.stage === Stage.Body || c.stage === Stage.ChunkData) {
            const n = Math.min(c.length, c.remaining)
            if (n === 0) return false
            this.bufferOf(h, c).blitAt(c.index, h.lines, c.at, n)
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
        if (c.stage === Stage.ChunkSize) this.chunkSize(h, c, text)
        else if (c.stage === Stage.Trailers) {
            if (text === "") this.end(h, c)
        } else if (c.stage === Stage.ChunkEnd) {
            if (text === "") c.stage = Stage.ChunkSize
            else fail(h, c, 400)
        }
        return true
    }

    /** The body has come whole. */
    private end(h: HttpContext, c: HttpClient): void {
        handle(h, c, this.bufferOf(h, c).slice(0, c.index))
    }

    /** A chunk's first line: its size, and extensions which are passed over. */
    private chunkSize(h: HttpContext, c: HttpClient, text: string): void {
        let size = 0
        let at = 0
        for (; at < text.length; at++) {
            const digit = hexDigit(text.charCodeAt(at))
            if (digit < 0) break
            size = size * 16 + digit
            if (c.index + size > this.limit) {
                fail(h, c, 413)
                return
            }
        }
        if (at === 0 || (at < text.length && " \t;".indexOf(text.charAt(at)) < 0)) {
            fail(h, c, 400)
            return
        }
        c.remaining = size
        c.stage = size > 0 ? Stage.ChunkData : Stage.Trailers
    }
}
