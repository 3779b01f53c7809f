// Documents in JSON from servers that the program does not trust, by the `fetch` of @devicescript/net. The package's own `json` parses
// whatever arrives, and a document of a few KB can exhaust the heap.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import type { Response } from "@devicescript/net"
import { netError } from "../base/errors"
import { hexDigit } from "../net/address"

/** Limits of a document for jsonOf; docs/programs.md says how they were measured. */
const enum Json {
    Depth = 16,
    /** Objects and arrays together. */
    Containers = 64,
    /** Commas and colons outside of strings: each value has one, except for the first value in a container. */
    Values = 256,
    /** Bytes examined without a pause: the VM ends a program that executes 131,072 operations without a pause. */
    Piece = 512,
}

const enum Letter {
    Quote = 0x22,
    Comma = 0x2c,
    Colon = 0x3a,
    OpenBracket = 0x5b,
    Backslash = 0x5c,
    CloseBracket = 0x5d,
    OpenBrace = 0x7b,
    CloseBrace = 0x7d,
}

/**
 * Returns the document in a response of the package's `fetch`, like its `json`, but no server can end the program with it. Throws
 * a NetError EMSGSIZE, before it parses, for a document that is nested deeper than 16, has more than 64 objects and arrays, or
 * has more than 256 commas and colons; EBADMSG for text that is not JSON.
 */
export async function jsonOf(response: Response): Promise<unknown> {
    let bytes = await response.buffer()
    if (response.headers.get("transfer-encoding") === "chunked") {
        bytes = await unchunked(bytes)
        // for a further call
        response.headers.set("transfer-encoding", "identity")
        ;(response as unknown as { _buffer: Buffer })._buffer = bytes
    }
    let depth = 0
    let containers = 0
    let values = 0
    let quoted = false
    for (let at = 0; at < bytes.length; ) {
        const end = Math.min(at + Json.Piece, bytes.length)
        for (; at < end; at++) {
            const letter = bytes.getAt(at, "u8")
            if (letter === Letter.Quote) quoted = !quoted
            else if (quoted) {
                if (letter === Letter.Backslash) at++
            } else if (letter === Letter.OpenBracket || letter === Letter.OpenBrace) {
                containers++
                if (++depth > Json.Depth) values = Json.Values + 1
            } else if (letter === Letter.CloseBracket || letter === Letter.CloseBrace) depth--
            else if (letter === Letter.Comma || letter === Letter.Colon) values++
        }
        if (containers > Json.Containers || values > Json.Values) {
            throw netError("json: ", "EMSGSIZE, the document may not fit the heap: ask for a smaller one")
        }
        await ds.sleep(1)
    }
    try {
        return JSON.parse(bytes.toString("utf-8"))
    } catch {
        throw netError("json: ", "EBADMSG, the answer is not JSON: look at its status and its text")
    }
}

/** Returns a body without the sizes of its chunks (RFC 9112 section 7.1), as far as it is valid. The package does not know chunks. */
async function unchunked(bytes: Buffer): Promise<Buffer> {
    const { length } = bytes
    let to = 0
    for (let at = 0; at < length; at += 2) {
        let size = 0
        for (; at < length && size <= length; at++) {
            const digit = hexDigit(bytes.getAt(at, "u8"))
            if (digit < 0) break
            size = size * 16 + digit
        }
        // extensions may follow the size
        at = bytes.indexOf(10, at) + 1
        if (at === 0 || size === 0 || at + size > length) break
        bytes.blitAt(to, bytes, at, size)
        to += size
        at += size
        await ds.sleep(1)
    }
    return bytes.slice(0, to)
}
