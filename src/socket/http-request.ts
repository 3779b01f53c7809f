// Requests: lines out of what has come, and what RFC 9112 says of each.

import type { Buffer } from "@devicescript/core"
import { wordIndex } from "../inspect/words"
import { decimal } from "../net/address"
import { close, read } from "../tcp/calls"
import { TcpError } from "../tcp/tcb"
import { answer, fail, refuse } from "./http-answer"
import {
    ClientFlag,
    enter,
    type HttpClient,
    type HttpContext,
    type HttpRoute,
    release,
    Stage,
} from "./http-record"
import { percentDecoded } from "./http-text"

const enum Limit {
    /** Bytes of all header lines, and of all that stands between chunks. */
    Head = 4096,
    /** Bytes kept of a line that is too long: more than the longest name that is looked at. */
    Name = 20,
}

const enum Char {
    Lf = 10,
}

/** Fields that are looked at, in the order of `Field`; all others are passed over. */
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
    const n = read(h.stack, c.id, h.lines, c.at + c.length, h.line - c.length)
    if (n > 0) c.length += n
    // a client that shut its side down may still read why its request came to nothing
    else if (n === TcpError.Eof && c.stage > Stage.Idle && c.stage < Stage.Answer) fail(h, c, 400)
    else if (n < 0) release(h, c, close)
    return n !== 0
}

/** Takes `size` bytes off the beginning of what has come. */
export function consume(h: HttpContext, c: HttpClient, size: number): void {
    c.length -= size
    h.lines.blitAt(c.at, h.lines, c.at + size, c.length)
}

/**
 * Takes the next line off what has come. It may end with a bare LF (RFC 9112 section 2.2). Undefined while it has no end;
 * "" when it is refused for its length.
 */
export function nextLine(h: HttpContext, c: HttpClient): string | undefined {
    const { lines } = h
    const start = c.at
    let text: string | undefined
    let size = 0
    const end = lines.indexOf(Char.Lf, start, start + c.length)
    if (end >= 0) {
        text = lines.slice(start, end).toString()
        size = end + 1 - start
        consume(h, c, size)
    } else if (c.length === h.line) {
        // what is kept tells which field it is
        size = c.length - Limit.Name
        c.length = Limit.Name
        c.flags |= ClientFlag.Cut
    } else {
        return undefined
    }
    c.head += size
    // to look at every byte takes a while
    h.steps -= size >> 5
    let status = 0
    if (c.flags & ClientFlag.Cut) {
        if (c.stage === Stage.RequestLine) status = 414
    }
    if (c.head > Limit.Head) status = 431
    if (status > 0) {
        fail(h, c, status)
        return ""
    }
    const last = text ? text.length - 1 : 0
    return text && text.charAt(last) === "\r" ? text.slice(0, last) : text
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
    // it was refused
    if (c.stage === Stage.Answer) return true
    // RFC 9112 section 2.2 and RFC 9110 section 5.5: refused whatever else it says
    if (hasAny(text, "\r\0")) status = 400
    else if (text === "") {
        // empty lines before a request are passed over
        if (c.stage === Stage.Fields) headEnds(h, c)
    } else status = c.stage === Stage.RequestLine ? requestLine(c, text) : fieldLine(c, text)
    c.flags &= ~ClientFlag.Cut
    if (status > 0) fail(h, c, status)
    return true
}

/** RFC 9112 section 3: one space each between method, target and version. Gives what is wrong, 0 for nothing. */
function requestLine(c: HttpClient, text: string): number {
    const first = text.indexOf(" ")
    const second = text.indexOf(" ", first + 1)
    if (first < 1 || second < 0) return 400
    c.method = text.slice(0, first)
    const version = text.slice(second + 1, text.length)
    if (version.length !== 8 || !version.startsWith("HTTP/") || decimal(version.slice(7, 8)) < 0) return 400
    if (!version.startsWith("HTTP/1.")) return 505
    if (version !== "HTTP/1.0") c.flags |= ClientFlag.Http11
    // the absolute form is for proxies, but all servers have to take it (section 3.2.2); OPTIONS asks for "*"
    let target = text.slice(first + 1, second)
    if (target.toLowerCase().startsWith("http://")) {
        const slash = target.indexOf("/", 7)
        target = slash < 0 ? "/" : target.slice(slash, target.length)
    } else if (!target.startsWith("/") && target !== "*") return 400
    const mark = target.indexOf("?")
    const path = percentDecoded(mark < 0 ? target : target.slice(0, mark))
    if (path === undefined || hasAny(target, "#\ufffd")) return 400
    c.path = path
    c.query = mark < 0 ? "" : target.slice(mark + 1, target.length)
    c.stage = Stage.Fields
    return 0
}

/** Finds the request's route, else the status that says what is missing. Gives the methods that the path has. */
function findRoute(h: HttpContext, c: HttpClient): string {
    const { method, path } = c
    let allowed = ""
    c.goal = wordIndex(methods, method) < 0 ? 501 : 404
    for (const route of h.routes) {
        const own = route.method === method
        const last = route.path.length - 1
        if (route.path !== path) {
            if (route.path.charAt(last) !== "*" || !path.startsWith(route.path.slice(0, last))) continue
        }
        if (own || (route.method === "GET" && method === "HEAD")) {
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
function fieldLine(c: HttpClient, text: string): number {
    const flags = c.flags
    const colon = text.indexOf(":")
    const name = text.slice(0, colon).toLowerCase()
    // no space before the colon, and none before a name: that would be a folded line
    if (colon < 1 || hasAny(name, " \t")) return 400
    const field = wordIndex(fields, name)
    if (field < 0) return 0
    if (flags & ClientFlag.Cut) return 431
    const value = trimmed(text.slice(colon + 1, text.length)).toLowerCase()
    switch (field) {
        case Field.Host:
            // RFC 9112 section 3.2: one, and a valid one
            if (flags & ClientFlag.Host || hasAny(value, " ,@/")) return 400
            c.flags |= ClientFlag.Host
            return 0
        case Field.Connection:
            // in a list of which we know no more; to close too often is no harm
            if (value.indexOf("close") >= 0) c.flags |= ClientFlag.Close
            if (value.indexOf("keep-alive") >= 0) c.flags |= ClientFlag.KeepAlive
            return 0
        case Field.ContentLength:
            // RFC 9112 section 6.3: digits and nothing else, once
            if (flags & ClientFlag.Length || decimal(value.slice(0, 9)) < 0) return 400
            c.flags |= ClientFlag.Length
            c.remaining = decimal(value)
            return c.remaining < 0 ? 413 : 0
        case Field.TransferEncoding:
            // section 6.1: nothing of 1.0 has it
            if (!(flags & ClientFlag.Http11) || flags & ClientFlag.Chunked) return 400
            c.flags |= ClientFlag.Chunked
            return value === "chunked" ? 0 : 501
        default:
            // RFC 9110 section 10.1.1: passed over in a request of 1.0, as other expectations are
            if (flags & ClientFlag.Http11) {
                if (value === "100-continue") c.flags |= ClientFlag.Expect
            }
            return 0
    }
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
    if (hasBody) {
        if (status === 0) {
            if (!h.bodies || c.remaining > h.bodies.limit) status = 413
        }
    }
    // after a body that is not wanted, nothing can be told
    if (!(flags & (ClientFlag.Http11 | ClientFlag.KeepAlive)) || (hasBody && status > 0))
        c.flags |= ClientFlag.Close
    // RFC 9110 section 10.2.1
    if (status > 0)
        refuse(h, c, status, status === 405 ? `Allow: ${allowed.slice(2, allowed.length)}\r\n` : "")
    else if (hasBody) {
        c.stage = flags & ClientFlag.Chunked ? Stage.ChunkSize : Stage.Body
        c.head = 0
        if (flags & ClientFlag.Expect) c.piece = "HTTP/1.1 100 Continue\r\n\r\n"
    } else handle(h, c, undefined)
}

/** The request has come whole: its handler answers. */
export function handle(h: HttpContext, c: HttpClient, body: Buffer | undefined): void {
    c.index = 0
    try {
        answer(h, c, (c.goal as HttpRoute).handler(c, body))
    } catch (error) {
        console.error(`${c.path}: ${(error as Error).message}`)
        refuse(h, c, 500, "")
    }
}

/** True when one of `chars` is in the text. */
function hasAny(text: string, chars: string): boolean {
    for (let i = 0; i < chars.length; i++) if (text.indexOf(chars.charAt(i)) >= 0) return true
    return false
}

/** RFC 9110 section 5.6.3: without blanks at its ends. */
function trimmed(text: string): string {
    let start = 0
    let end = text.length
    while (start < end && " \t".indexOf(text.charAt(start)) >= 0) start++
    while (end > start && " \t".indexOf(text.charAt(end - 1)) >= 0) end--
    return text.slice(start, end)
}
