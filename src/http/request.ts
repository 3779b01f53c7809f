// Requests: lines out of what has come, and what RFC 9112 says of each.

import type { Buffer } from "@devicescript/core"
import { wordIndex } from "../base/words"
import { Address, hexDigit, ipv4Of } from "../net/address"
import { thrown } from "../socket/errors"
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
    /** Bytes of all header lines, and of all that stands between chunks. */
    Head = 4096,
    /** Larger than any body, and what a larger number counts as. */
    Number = 1000000000,
}

const enum Char {
    Lf = 10,
    Cr = 13,
}

/** Fields that are looked at, in the order of `Field`; others are passed over. */
const fields = "host connection content-length transfer-encoding expect"
const enum Field {
    Host = 0,
    Connection = 1,
    ContentLength = 2,
    TransferEncoding = 3,
    Expect = 4,
}

/** Methods of RFC 9110 and 5789: one of these that a path does not have is 405, any other 501. */
const methods = "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH"

/** Reads what has come, as far as there is room for it. False when nothing has. */
export function receive(h: HttpContext, c: HttpClient): boolean {
    const n = read(h.stack, c.id, h.lines, c.lineAt + c.length, h.line - c.length)
    if (n > 0) c.length += n
    // a client that shut its side down may still read why its request came to nothing
    else if (n === TcpError.Eof && c.stage > Stage.Idle && c.stage < Stage.Answer) fail(h, c, 400)
    else if (n < 0) release(h, c, close)
    return n !== 0
}

/** Takes `size` bytes off the beginning of what has come. */
export function consume(h: HttpContext, c: HttpClient, size: number): void {
    c.length -= size
    h.lines.blitAt(c.lineAt, h.lines, c.lineAt + size, c.length)
}

/**
 * Takes the next line off what has come. It may end with a bare LF (RFC 9112 section 2.2), but not where chunks are told apart
 * (section 7.1). Undefined while it has no end. Of a line that is longer than `h.line`, its beginning, and ClientFlag.Cut is set;
 * the rest is passed over. "", and Stage.Answer, when it is refused: for its length, a NUL or a bare CR (RFC 9110 section 5.5).
 */
export function nextLine(h: HttpContext, c: HttpClient): string | undefined {
    const { lines } = h
    const start = c.lineAt
    for (;;) {
        const lf = lines.indexOf(Char.Lf, start, start + c.length)
        // the last byte may be the CR of the line's end
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
        // to look at every byte takes a while
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

/** Takes in a line of a request's head. False when there is none. */
export function takeHead(h: HttpContext, c: HttpClient): boolean {
    if (c.stage === Stage.Idle) {
        if (c.length === 0) return false
        enter(h, c, Stage.RequestLine)
    }
    const text = nextLine(h, c)
    if (text === undefined) return false
    let status = 0
    // empty lines before a request are passed over (section 2.2)
    if (c.stage === Stage.RequestLine) status = text === "" ? 0 : requestLine(h, c, text)
    else if (c.stage === Stage.Fields) {
        if (text === "") headEnds(h, c)
        else status = fieldLine(h, c, text)
    }
    if (status > 0) fail(h, c, status)
    return true
}

/** Where the visible ASCII that is none of `others` ends in `text`, from `at` on. */
export function visibleEnd(text: string, at: number, others: string): number {
    for (; at < text.length; at++) {
        const code = text.charCodeAt(at)
        if (code <= 32 || code >= 127 || others.indexOf(text.charAt(at)) >= 0) break
    }
    return at
}

/** Where the token ends (RFC 9110 section 5.6.2). */
export function tokenEnd(text: string, at: number): number {
    return visibleEnd(text, at, '"(),/:;<=>?@[\\]{}')
}

/** The number that `text` is in digits of the base, at most Limit.Number; -1 if it is none. */
export function numberOf(text: string, base: number): number {
    let value = text === "" ? -1 : 0
    for (let i = 0; i < text.length; i++) {
        const digit = hexDigit(text.charCodeAt(i))
        if (digit < 0 || digit >= base) return -1
        value = Math.min(value * base + digit, Limit.Number)
    }
    return value
}

/** RFC 9112 section 3: one space each between method, target and version. Gives what is wrong, 0 for nothing. */
function requestLine(h: HttpContext, c: HttpClient, text: string): number {
    if (c.flags & ClientFlag.Cut) return 414
    const first = tokenEnd(text, 0)
    const second = text.indexOf(" ", first + 1)
    if (first < 1 || second < 0 || text.charAt(first) !== " ") return 400
    const version = text.slice(second + 1, text.length)
    const minor = numberOf(version.slice(7, version.length), 10)
    if (version.length !== 8 || !version.startsWith("HTTP/") || minor < 0) return 400
    if (!version.startsWith("HTTP/1.")) return 505
    if (minor > 0) c.flags |= ClientFlag.Http11
    const method = text.slice(0, first)
    c.method = method
    // no proxy: the target is an authority, and what follows may be anything
    if (method === "CONNECT") return 501
    let target = text.slice(first + 1, second)
    let status = 0
    if (target.slice(0, 7).toLowerCase() === "http://") {
        // the absolute form is for proxies, but all servers have to take it (section 3.2.2)
        const end = visibleEnd(target, 7, "/?")
        status = hostStatus(h, target.slice(7, end).toLowerCase())
        target = target.slice(end, target.length)
        if (!target.startsWith("/")) target = `/${target}`
    } else if (!target.startsWith("/")) {
        // the server as a whole (section 3.2.4)
        if (target !== "*" || method !== "OPTIONS") return 400
    }
    const mark = target.indexOf("?")
    const path = percentDecoded(mark < 0 ? target : target.slice(0, mark))
    if (path === undefined || visibleEnd(target, 0, "#") < target.length) return 400
    c.path = path
    c.query = mark < 0 ? "" : target.slice(mark + 1, target.length)
    c.stage = Stage.Fields
    return status
}

/**
 * RFC 9110 section 7.2, RFC 3986 section 3.2: what is wrong with a host and its port. 421 for a name that is not ours, lest
 * somebody's page has a browser take this device for its own site (DNS rebinding): that needs a name of the public DNS, which has a dot.
 */
function hostStatus(h: HttpContext, text: string): number {
    const literal = text.startsWith("[")
    let end = literal ? visibleEnd(text, 1, '"#/<>?@[\\]^`{|}') : visibleEnd(text, 0, '"#/:<>?@[\\]^`{|}')
    if (literal && text.charAt(end++) !== "]") return 400
    const name = text.slice(0, end)
    const port = text.slice(end, text.length)
    if (name === "") return 400
    if (port !== "" && (port.charAt(0) !== ":" || numberOf(`0${port.slice(1, port.length)}`, 10) < 0))
        return 400
    if (literal || name.indexOf(".") < 0 || h.names === "*" || ipv4Of(name) !== Address.None) return 0
    const named = h.stack.endpoints?.named
    return wordIndex(h.names, name) >= 0 || (named && name === `${named.text}.local`) ? 0 : 421
}

/** Finds the request's route, else the status that says what is missing. Gives the methods that the path has. */
function findRoute(h: HttpContext, c: HttpClient): string {
    const { method, path } = c
    let allowed = ""
    c.goal = path === "*" ? 204 : wordIndex(methods, method) < 0 ? 501 : 404
    // to ask the server as a whole shows that it is there (RFC 9110 section 9.3.7); and nobody's path is no UTF-8
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

/** A header field (RFC 9112 section 5). Gives what is wrong, 0 for nothing. */
function fieldLine(h: HttpContext, c: HttpClient, text: string): number {
    const { flags } = c
    const colon = nameEnd(text)
    const cut = flags & ClientFlag.Cut
    // what has no end yet may be a name that is longer than any which is looked at
    if (colon < 0) return cut ? 431 : 400
    const name = text.slice(0, colon).toLowerCase()
    const rest = text.slice(colon + 1, text.length)
    const field = wordIndex(fields, name)
    if (field < 0) return h.fields ? h.fields.take(h, c, name, rest) : 0
    if (cut) return 431
    const value = trimmed(rest, " \t").toLowerCase()
    switch (field) {
        case Field.Host:
            // RFC 9112 section 3.2: one, and a valid one
            if (flags & ClientFlag.Host) return 400
            c.flags |= ClientFlag.Host
            return value === "" ? 0 : hostStatus(h, value)
        case Field.Connection:
            // in a list of which we know no more; to close too often is no harm
            if (value.indexOf("close") >= 0) c.flags |= ClientFlag.Close
            if (value.indexOf("keep-alive") >= 0) c.flags |= ClientFlag.KeepAlive
            return 0
        case Field.ContentLength:
            // RFC 9112 section 6.3: digits and nothing else, once
            c.remaining = numberOf(value, 10)
            if (flags & ClientFlag.Length || c.remaining < 0) return 400
            c.flags |= ClientFlag.Length
            return 0
        case Field.TransferEncoding:
            // section 6.1: nothing of 1.0 has it
            if (!(flags & ClientFlag.Http11) || flags & ClientFlag.Chunked) return 400
            c.flags |= ClientFlag.Chunked
            // RFC 9110 section 5.6.1.2: a list may have empty elements
            return trimmed(value, " \t,") === "chunked" ? 0 : 501
        default:
            // RFC 9110 section 10.1.1: passed over in a request of 1.0, as other expectations are
            if (flags & ClientFlag.Http11) {
                if (value === "100-continue") c.flags |= ClientFlag.Expect
            }
            return 0
    }
}

/** Where the colon behind a field's name is: the name is a token, and nothing is between (RFC 9112 section 5.1). -1 if it is not. */
export function nameEnd(text: string): number {
    const end = tokenEnd(text, 0)
    return end > 0 && text.charAt(end) === ":" ? end : -1
}

/** The head has come whole: what it asks for is done, or its body awaited. */
function headEnds(h: HttpContext, c: HttpClient): void {
    const flags = c.flags
    const both = ClientFlag.Chunked | ClientFlag.Length
    // RFC 9112 section 3.2, and 6.1: two lengths are somebody's attempt to smuggle
    if ((flags & (ClientFlag.Http11 | ClientFlag.Host)) === ClientFlag.Http11 || (flags & both) === both) {
        fail(h, c, 400)
        return
    }
    const hasBody = flags & ClientFlag.Chunked || c.remaining > 0
    const allowed = findRoute(h, c)
    let status = typeof c.goal === "number" ? c.goal : 0
    if (hasBody && status === 0 && (!h.bodies || c.remaining > h.bodies.limit)) status = 413
    // after a body that is not wanted, nothing can be told
    if (!(flags & (ClientFlag.Http11 | ClientFlag.KeepAlive)) || (hasBody && status > 0))
        c.flags |= ClientFlag.Close
    // RFC 9110 section 10.2.1
    if (status > 0)
        refuse(h, c, status, allowed === "" ? "" : `Allow: ${allowed.slice(2, allowed.length)}\r\n`)
    else if (hasBody) {
        c.stage = flags & ClientFlag.Chunked ? Stage.ChunkSize : Stage.Body
        c.head = 0
        if (flags & ClientFlag.Expect) c.piece = "HTTP/1.1 100 Continue\r\n\r\n"
    } else handle(h, c, undefined)
}

/** The request has come whole: its handler answers. */
export function handle(h: HttpContext, c: HttpClient, body: Buffer | undefined): void {
    c.index = 0
    h.handled = true
    try {
        answer(h, c, (c.goal as HttpRoute).handler(c, body))
    } catch (error) {
        console.error(`${c.path}: ${thrown(error)}`)
        refuse(h, c, 500, "")
    }
}

/** RFC 9110 section 5.6.3: without these characters at its ends. */
export function trimmed(text: string, chars: string): string {
    let start = 0
    let end = text.length
    while (start < end && chars.indexOf(text.charAt(start)) >= 0) start++
    while (end > start && chars.indexOf(text.charAt(end - 1)) >= 0) end--
    return text.slice(start, end)
}
