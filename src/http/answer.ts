// Sends answers: the head, then the body in pieces, whenever the send ring has room for them.

import type { Buffer } from "@devicescript/core"
import { errorText } from "../base/errors"
import { abort, close, shutdown, write } from "../tcp/calls"
import {
    ClientFlag,
    enter,
    type HttpClient,
    type HttpContext,
    type HttpResponse,
    release,
    Stage,
} from "./record"

/** Status codes with their phrases, each between two semicolons. A single string stays in flash. */
const phrases =
    ";200 OK;201 Created;202 Accepted;204 No Content;301 Moved Permanently;302 Found;303 See Other;" +
    "304 Not Modified;400 Bad Request;401 Unauthorized;403 Forbidden;404 Not Found;405 Method Not Allowed;" +
    "408 Request Timeout;409 Conflict;413 Content Too Large;414 URI Too Long;" +
    "421 Misdirected Request;431 Request Header Fields Too Large;500 Internal Server Error;" +
    "501 Not Implemented;503 Service Unavailable;505 HTTP Version Not Supported;"

/** Returns the status code with its phrase, which may be missing (RFC 9112 section 4). */
function statusText(status: number): string {
    const start = phrases.indexOf(`;${status} `) + 1
    return start < 1 ? `${status} ` : phrases.slice(start, phrases.indexOf(";", start))
}

/** Begins to send a handler's answer. */
export function answer(h: HttpContext, c: HttpClient, response: HttpResponse): void {
    const http11 = c.flags & ClientFlag.Http11
    const status = response.status || 200
    const body = response.body || ""
    const rows = typeof body === "function"
    // RFC 9110 section 8.6: answers with these codes have no body, and no Content-Length
    const empty = status === 204 || status === 304
    // the connection is closed afterwards if other clients wait for a slot, and always if no chunks mark the end of the body
    if (h.crowded || (rows && !http11)) c.flags |= ClientFlag.Close
    let head = `HTTP/1.1 ${statusText(status)}\r\n${response.headers || ""}`
    if (!empty) {
        head += `Content-Type: ${response.type || "text/plain; charset=utf-8"}\r\n`
        if (!rows) {
            const length = typeof body === "string" ? body.byteLength : (body as Buffer).length
            head += `Content-Length: ${length}\r\n`
        } else if (http11) {
            head += "Transfer-Encoding: chunked\r\n"
        }
    }
    if (c.flags & ClientFlag.Close) head += "Connection: close\r\n"
    else if (!http11) head += "Connection: keep-alive\r\n"
    c.body = empty || c.method === "HEAD" ? undefined : body
    // the line before a chunk begins with the CR LF that ends the previous part, so the head leaves out its last CR LF
    c.piece = c.body === undefined || !rows || !http11 ? `${head}\r\n` : head
    enter(h, c, Stage.Answer)
}

/** Answers with an error; the body is the status with its phrase. */
export function refuse(h: HttpContext, c: HttpClient, status: number, headers: string): void {
    answer(h, c, { status, headers, body: `${statusText(status)}\n` })
}

/** Answers with an error and closes: the server cannot tell where the next request would begin. */
export function fail(h: HttpContext, c: HttpClient, status: number): void {
    c.flags |= ClientFlag.Close
    refuse(h, c, status, "")
}

/** Moves the current piece to the send ring. Returns false while a part of it is left, or when the connection has ended. */
export function sendPiece(h: HttpContext, c: HttpClient): boolean {
    // a string has to be in a buffer to be written; the frame that arrived was handled, and the next one overwrites it
    const scratch = h.stack.rx
    const { piece } = c
    if (piece === undefined) return true
    const length = typeof piece === "string" ? piece.byteLength : piece.length
    while (c.sent < length) {
        // blitAt copies no more than the rest of the piece
        scratch.blitAt(0, piece, c.sent, scratch.length)
        const n = write(h.stack, c.id, scratch, 0, length - c.sent)
        if (n < 0) release(h, c, close)
        if (n <= 0) return false
        c.sent += n
        enter(h, c, c.stage)
    }
    c.sent = 0
    c.piece = undefined
    return true
}

/** Prepares the next piece of the answer; after the last, awaits the next request, or closes. */
export function nextPiece(h: HttpContext, c: HttpClient): void {
    const body = c.body
    if (c.row !== "") {
        c.piece = c.row
        c.row = ""
    } else if (typeof body === "function") {
        nextRow(h, c, body)
    } else if (body !== undefined) {
        c.piece = body
        c.body = undefined
    } else {
        // frees the text of the request, so that an idle client holds no heap
        c.path = ""
        c.query = ""
        if (c.flags & ClientFlag.Close) linger(h, c)
        else awaitRequest(h, c)
    }
}

/** Closes our side. The client's slot is free once the client has closed its side, too. */
export function linger(h: HttpContext, c: HttpClient): void {
    shutdown(h.stack, c.id, h.now)
    enter(h, c, Stage.Linger)
}

function nextRow(h: HttpContext, c: HttpClient, body: (index: number) => string | undefined): void {
    const chunks = c.flags & ClientFlag.Http11
    let row: string | undefined
    try {
        row = body(c.index++)
    } catch (error) {
        // the head was sent: the missing end of the body shows the client that an error occurred
        console.error(`${c.path}: ${errorText(error)}`)
        release(h, c, abort)
        return
    }
    if (row === undefined) {
        c.body = undefined
        if (chunks) c.piece = "\r\n0\r\n\r\n"
    } else if (!chunks) {
        c.piece = row
    } else if (row !== "") {
        c.piece = `\r\n${hexadecimal(row.byteLength)}\r\n`
        c.row = row
    }
}

function hexadecimal(value: number): string {
    const digit = "0123456789abcdef".charAt(value & 15)
    return value < 16 ? digit : hexadecimal(value >> 4) + digit
}

/** Waits for the next request of the client. */
export function awaitRequest(h: HttpContext, c: HttpClient): void {
    c.flags = 0
    c.method = ""
    c.head = 0
    c.remaining = 0
    c.sent = 0
    c.row = ""
    c.index = 0
    if (h.fields) h.fields.clear(c)
    enter(h, c, Stage.Idle)
}
