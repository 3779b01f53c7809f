// Reads requests: splits received data into lines, and checks each line by RFC 9112.

import type { Buffer } from "@devicescript/core"
import { errorText } from "../base/errors"
import { wordIndex } from "../base/words"
import { Address, hexDigit, ipv4Of } from "../net/address"
import { close, read } from "../tcp/calls"
import { TcpError } from "../tcp/records"
import { answer, fail, refuse } from "./answer"
import {
    ClientFlag,
    enter,
    type HttpClient,
    type HttpContext,
    type HttpRoute,
    release,
    Stage,
} from "./record"
import { percentDecoded } from "./text"

const enum Limit {
    /** Bytes of all lines of a head, or of all lines between chunks. */
    Head = 4096,
    /** Larger than any body; a larger number is read as this number. */
    Number = 1000000000,
}

const enum Char {
    Lf = 10,
    Cr = 13,
}

/** Header fields that the server itself reads, in the order of `Field`. */
const fields = "host connection content-length transfer-encoding expect"
const enum Field {
    Host = 0,
    Connection = 1,
    ContentLength = 2,
    TransferEncoding = 3,
    Expect = 4,
}

/**
 * Methods of RFC 9110 and RFC 5789: if the path has no route for one of these methods, the status is 405; for any other method,
 * 501.
 */
const methods = "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH"

/** Reads received data into the client's line, as far as it has room. Returns false when no data has arrived. */
export function receive(h: HttpContext, c: HttpClient): boolean {
    const n = read(h.stack, c.id, h.lines, c.lineAt + c.length, h.line - c.length)
    if (n > 0) c.length += n
    // a client that has closed its side may still read why its request failed
    else if (n === TcpError.Eof && c.stage > Stage.Idle && c.stage < Stage.Answer) fail(h, c, 400)
    else if (n < 0) release(h, c, close)
    return n !== 0
}

/** Removes the first `size` bytes of the received data. */
export function consume(h: HttpContext, c: HttpClient, size: number): void {
    c.length -= size
    h.lines.blitAt(c.lineAt, h.lines, c.lineAt + size, c.length)
}

/**
 * Removes and returns the next line of the received data. The line may end with a bare LF (RFC 9112 section 2.2), except between
 * chunks (section 7.1). Returns undefined while the line has no end. If the line is longer than `h.line`, it returns the start,
 * sets ClientFlag.Cut and skips the rest. Returns "" in Stage.Answer when the line is refused: for its length, a NUL or a bare CR
 * (RFC 9110 section 5.5).
 */
export function nextLine(h: HttpContext, c: HttpClient): string | undefined {
    const { lines } = h
    const start = c.lineAt
    for (;;) {
        const lf = lines.indexOf(Char.Lf, start, start + c.length)
        // the last byte may be the CR of the line's end, so it waits for the next byte
        let end = start + c.length - 1
        let status = 0
        if (lf >= 0) {
            end = lf
            if (lf > start && lines.getAt(lf - 1, "u8") === Char.Cr) end--
            else if (c.stage > Stage.Body) status = 400
        } else if (c.length < h.line) return undefined
        const size = lf < 0 ? end - start : lf + 1 - start
        const cut = c.flags & ClientFlag.Cut
        const text = cut ? "" : lines.slice(start, end).toString()
        if (lines.indexOf(0, start, end) >= 0 || lines.indexOf(Char.Cr, start, end) >= 0) status = 400
        consume(h, c, size)
        c.head += size
        // every byte of the line costs operations
        h.steps -= size >> 5
        if (c.head > Limit.Head) status = 431
        c.flags = lf < 0 ? c.flags | ClientFlag.Cut : c.flags & ~ClientFlag.Cut
        if (status > 0) {
            fail(h, c, status)
            return ""
        }
        if (!cut) return text
    }
}

/** Reads a line of a request's head. Returns false when no whole line has arrived. */
export function takeHead(h: HttpContext, c: HttpClient): boolean {
    if (c.stage === Stage.Idle) {
        if (c.length === 0) return false
        enter(h, c, Stage.RequestLine)
    }
    const text = nextLine(h, c)
    if (text === undefined) return false
    let status = 0
    // empty lines before a request are skipped (section 2.2)
    if (c.stage === Stage.RequestLine) status = text === "" ? 0 : requestLine(h, c, text)
    else if (c.stage === Stage.Fields) {
        if (text === "") headEnds(h, c)
        else status = fieldLine(h, c, text)
    }
    if (status > 0) fail(h, c, status)
    return true
}

/** Returns the end of the visible ASCII characters of `text` from `at` on; one of `others` ends them, too. */
function visibleEnd(text: string, at: number, others: string): number {
    for (; at < text.length; at++) {
        const code = text.charCodeAt(at)
        if (code <= 32 || code >= 127 || others.indexOf(text.charAt(at)) >= 0) break
    }
    return at
}

/** Returns the end of the token at `at` (RFC 9110 section 5.6.2). */
export function tokenEnd(text: string, at: number): number {
    return visibleEnd(text, at, '"(),/:;<=>?@[\\]{}')
}

/** Returns the number that `text` holds in digits of the base, at most Limit.Number; -1 if it is not valid. */
export function numberOf(text: string, base: number): number {
    let value = text === "" ? -1 : 0
    for (let i = 0; i < text.length; i++) {
        const digit = hexDigit(text.charCodeAt(i))
        if (digit < 0 || digit >= base) return -1
        value = Math.min(value * base + digit, Limit.Number)
    }
    return value
}

/** Reads a request line, with one space between method, target and version (RFC 9112 section 3). Returns an error status, or 0. */
function requestLine(h: HttpContext, c: HttpClient, text: string): number {
    if (c.flags & ClientFlag.Cut) return 414
    const first = tokenEnd(text, 0)
    const second = text.indexOf(" ", first + 1)
    if (first < 1 || second < 0 || text.charAt(first) !== " ") return 400
    const version = text.slice(second + 1)
    const minor = numberOf(version.slice(7), 10)
    if (version.length !== 8 || !version.startsWith("HTTP/") || minor < 0) return 400
    if (!version.startsWith("HTTP/1.")) return 505
    if (minor > 0) c.flags |= ClientFlag.Http11
    const method = text.slice(0, first)
    c.method = method
    // this server is not a proxy: the target is a host and port, and any data may follow
    if (method === "CONNECT") return 501
    let target = text.slice(first + 1, second)
    let status = 0
    if (target.slice(0, 7).toLowerCase() === "http://") {
        // the absolute form is for proxies, but every server must accept it (section 3.2.2)
        const end = visibleEnd(target, 7, "/?")
        status = hostStatus(h, target.slice(7, end).toLowerCase())
        target = target.slice(end)
        if (!target.startsWith("/")) target = `/${target}`
    } else if (!target.startsWith("/")) {
        // "*" is the server as a whole (section 3.2.4)
        if (target !== "*" || method !== "OPTIONS") return 400
    }
    const mark = target.indexOf("?")
    const path = percentDecoded(mark < 0 ? target : target.slice(0, mark))
    if (path === undefined || visibleEnd(target, 0, "#") < target.length) return 400
    c.path = path
    c.query = mark < 0 ? "" : target.slice(mark + 1)
    c.stage = Stage.Fields
    return status
}

/**
 * Checks a host and its port (RFC 9110 section 7.2, RFC 3986 section 3.2). Returns an error status, or 0. A name that is not ours
 * is refused (421); otherwise a web page could make a browser treat this device as the page's own site (DNS rebinding). That
 * attack needs a name in the public DNS, which has a dot.
 */
function hostStatus(h: HttpContext, text: string): number {
    const literal = text.startsWith("[")
    let end = literal ? visibleEnd(text, 1, '"#/<>?@[\\]^`{|}') : visibleEnd(text, 0, '"#/:<>?@[\\]^`{|}')
    if (literal && text.charAt(end++) !== "]") return 400
    const name = text.slice(0, end)
    const port = text.slice(end)
    if (name === "") return 400
    if (port !== "" && (port.charAt(0) !== ":" || numberOf(`0${port.slice(1)}`, 10) < 0)) return 400
    if (literal || name.indexOf(".") < 0 || h.names === "*" || ipv4Of(name) !== Address.None) return 0
    const named = h.stack.endpoints?.named
    return wordIndex(h.names, name) >= 0 || (named && name === `${named.text}.local`) ? 0 : 421
}

/** Sets `c.goal` to the request's route, or to an error status. Returns the methods that the path has. */
function findRoute(h: HttpContext, c: HttpClient): string {
    const { method, path } = c
    let allowed = ""
    c.goal = path === "*" ? 204 : wordIndex(methods, method) < 0 ? 501 : 404
    // OPTIONS * only shows that the server is there (RFC 9110 section 9.3.7); a path that is not UTF-8 has no route
    if (path === "*" || path.indexOf("\ufffd") >= 0) return ""
    for (const route of h.routes) {
        const last = route.path.length - 1
        if (route.path !== path) {
            if (route.path.charAt(last) !== "*" || !path.startsWith(route.path.slice(0, last))) continue
        }
        if (route.method === method || (route.method === "GET" && method === "HEAD")) {
            c.goal = route
            break
        }
        if (c.goal === 404) c.goal = 405
        allowed += `, ${route.method}`
        if (route.method === "GET") allowed += ", HEAD"
    }
    return allowed
}

/** Reads a header field (RFC 9112 section 5). Returns an error status, or 0. */
function fieldLine(h: HttpContext, c: HttpClient, text: string): number {
    const { flags } = c
    const colon = nameEnd(text)
    const cut = flags & ClientFlag.Cut
    // the line has no colon yet: the name is longer than any that the server reads
    if (colon < 0) return cut ? 431 : 400
    const name = text.slice(0, colon).toLowerCase()
    const rest = text.slice(colon + 1)
    const field = wordIndex(fields, name)
    if (field < 0) return h.fields ? h.fields.take(h, c, name, rest) : 0
    if (cut) return 431
    const value = trimmed(rest, " \t").toLowerCase()
    switch (field) {
        case Field.Host:
            // RFC 9112 section 3.2: there must be one Host field, and it must be valid
            if (flags & ClientFlag.Host) return 400
            c.flags |= ClientFlag.Host
            return value === "" ? 0 : hostStatus(h, value)
        case Field.Connection:
            // the field is a list, whose other options are ignored; closing too often does no harm
            if (value.indexOf("close") >= 0) c.flags |= ClientFlag.Close
            if (value.indexOf("keep-alive") >= 0) c.flags |= ClientFlag.KeepAlive
            return 0
        case Field.ContentLength:
            // RFC 9112 section 6.3: the value is digits only, and the field may appear only once
            c.remaining = numberOf(value, 10)
            if (flags & ClientFlag.Length || c.remaining < 0) return 400
            c.flags |= ClientFlag.Length
            return 0
        case Field.TransferEncoding:
            // section 6.1: an HTTP/1.0 request has no Transfer-Encoding
            if (!(flags & ClientFlag.Http11) || flags & ClientFlag.Chunked) return 400
            c.flags |= ClientFlag.Chunked
            // RFC 9110 section 5.6.1.2: a list may have empty elements
            return trimmed(value, " \t,") === "chunked" ? 0 : 501
        default:
            // RFC 9110 section 10.1.1: Expect is ignored in an HTTP/1.0 request, as are other expectations
            if (flags & ClientFlag.Http11) {
                if (value === "100-continue") c.flags |= ClientFlag.Expect
            }
            return 0
    }
}

/**
 * Returns the offset of the colon after a field's name, which is a token directly before it (RFC 9112 section 5.1); -1 if not
 * found.
 */
export function nameEnd(text: string): number {
    const end = tokenEnd(text, 0)
    return end > 0 && text.charAt(end) === ":" ? end : -1
}

/** Handles the end of the head: finds the route, then answers or waits for the body. */
function headEnds(h: HttpContext, c: HttpClient): void {
    const flags = c.flags
    const both = ClientFlag.Chunked | ClientFlag.Length
    // RFC 9112 section 3.2, and 6.1: a request with two lengths may be an attempt at request smuggling
    if ((flags & (ClientFlag.Http11 | ClientFlag.Host)) === ClientFlag.Http11 || (flags & both) === both) {
        fail(h, c, 400)
        return
    }
    const hasBody = flags & ClientFlag.Chunked || c.remaining > 0
    const allowed = findRoute(h, c)
    let status = typeof c.goal === "number" ? c.goal : 0
    if (hasBody && status === 0 && (!h.bodies || c.remaining > h.bodies.limit)) status = 413
    // after a body that is not read, the start of the next request is unknown
    if (!(flags & (ClientFlag.Http11 | ClientFlag.KeepAlive)) || (hasBody && status > 0))
        c.flags |= ClientFlag.Close
    // RFC 9110 section 10.2.1: 405 says which methods the path has
    if (status > 0)
        refuse(h, c, status, allowed === "" ? "" : `Allow: ${allowed.slice(2, allowed.length)}\r\n`)
    else if (hasBody) {
        c.stage = flags & ClientFlag.Chunked ? Stage.ChunkSize : Stage.Body
        c.head = 0
        if (flags & ClientFlag.Expect) c.piece = "HTTP/1.1 100 Continue\r\n\r\n"
    } else handle(h, c, undefined)
}

/** Calls the handler of a complete request, and begins to send its answer. */
export function handle(h: HttpContext, c: HttpClient, body: Buffer | undefined): void {
    c.index = 0
    h.handled = true
    try {
        answer(h, c, (c.goal as HttpRoute).handler(c, body))
    } catch (error) {
        console.error(`${c.path}: ${errorText(error)}`)
        refuse(h, c, 500, "")
    }
}

/** Returns `text` without these characters at its ends (RFC 9110 section 5.6.3). */
export function trimmed(text: string, chars: string): string {
    let start = 0
    let end = text.length
    while (start < end && chars.indexOf(text.charAt(start)) >= 0) start++
    while (end > start && chars.indexOf(text.charAt(end - 1)) >= 0) end--
    return text.slice(start, end)
}
