// HTTP/1.1 (RFC 9112) for the hosts of a test: as a server that ends each connection after its answer, and as a client.

import type { HttpAnswer, HttpReply, HttpRequest } from "./api"
import { fromWire, toWire } from "./text"

type Headers = { readonly [name: string]: string }

/** The lines before a body, and what comes after them. */
interface Head {
    readonly first: string
    readonly headers: Headers
    readonly rest: string
}

/** Reads the first line and the fields; returns undefined while they are not complete. */
function headOf(data: string): Head | undefined {
    const end = data.indexOf("\r\n\r\n")
    if (end < 0) return undefined
    const [first = "", ...lines] = data.slice(0, end).split("\r\n")
    const headers = Object.fromEntries(
        lines.map(line => {
            const colon = line.indexOf(":")
            return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
        })
    )
    return { first, headers, rest: data.slice(end + 4) }
}

/** Returns the body (RFC 9112 section 6.3); undefined while it is not complete. `ended`: the peer sends no more. */
function bodyOf({ headers, rest }: Head, ended: boolean, untilEnd: boolean): string | undefined {
    if (/chunked$/i.test(headers["transfer-encoding"] ?? "")) return unchunked(rest)
    const length = headers["content-length"]
    if (length === undefined) return untilEnd ? (ended ? rest : undefined) : ""
    return rest.length >= Number(length) ? rest.slice(0, Number(length)) : undefined
}

/** Returns the data of chunks (RFC 9112 section 7.1); undefined while the last one is missing. */
function unchunked(text: string): string | undefined {
    let body = ""
    for (let at = 0; ; ) {
        const end = text.indexOf("\r\n", at)
        if (end < 0) return undefined
        const size = Number.parseInt(text.slice(at, end), 16)
        if (!(size > 0)) return size === 0 && text.indexOf("\r\n\r\n", end) >= 0 ? body : undefined
        if (text.length < end + 2 + size + 2) return undefined
        body += text.slice(end + 2, end + 2 + size)
        at = end + 2 + size + 2
    }
}

/** Returns the request in the data of a connection; undefined while it is not complete. */
export function requestOf(data: string): HttpRequest | undefined {
    const head = headOf(data)
    if (head === undefined) return undefined
    const body = bodyOf(head, false, false)
    if (body === undefined) return undefined
    const [method = "", path = ""] = head.first.split(" ")
    return { method, path, headers: head.headers, body: fromWire(body) }
}

/** Returns the answer in the data of a connection; undefined while it is not complete. */
export function answerOf(data: string, ended: boolean, method: string): HttpAnswer | undefined {
    const head = headOf(data)
    if (head === undefined) return undefined
    const [, digits] = /^HTTP\/1\.\d (\d{3})/.exec(head.first) ?? []
    const status = Number(digits)
    // RFC 9112 section 6.3: these have no body
    const none = method === "HEAD" || status === 204 || status === 304
    const body = none ? "" : bodyOf(head, ended, true)
    return body === undefined ? undefined : { status, headers: head.headers, body: fromWire(body) }
}

/** Returns a request as it is on the wire. */
export function writeRequest(method: string, url: URL, body: string, headers: Headers): string {
    const sent = toWire(body)
    const fields: Headers = {
        Host: url.host,
        Connection: "close",
        ...(body === "" ? {} : { "Content-Length": String(sent.length) }),
        ...headers,
    }
    return `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines(fields)}\r\n${sent}`
}

/** Returns an answer as it is on the wire. */
export function writeReply(reply: HttpReply): string {
    const { status = 200, headers = {}, body = "" } = typeof reply === "string" ? { body: reply } : reply
    const sent = toWire(body)
    const fields = { "Content-Length": String(sent.length), Connection: "close", ...headers }
    return `HTTP/1.1 ${status} ${status < 400 ? "OK" : "Error"}\r\n${lines(fields)}\r\n${sent}`
}

function lines(fields: Headers): string {
    return Object.entries(fields)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")
}
