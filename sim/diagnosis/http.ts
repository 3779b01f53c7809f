// What an HTTP server answers (RFC 9112): a refusal, a redirection, another protocol, less than it announced, or nothing.

import { type Connection, endName, other } from "../analysis/connection"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { dataOf, firstData, latin1, quoted } from "./stream"
import { counted, duration } from "./words"

const REQUEST = /^([A-Z]{3,10}) (\S{1,200}) HTTP\/1\.\d\r?\n/
const STATUS = /^HTTP\/1\.\d (\d{3}) ?([^\r\n]{0,60})/
const HEAD_END = /\r?\n\r?\n/
/** Answers that have no body (RFC 9112 section 6.3), and those that another answer follows (RFC 9110 section 15.2). */
const NO_BODY = ["204", "304"]
const INTERIM = /^HTTP\/1\.\d 1\d\d[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n/
/** RFC 9110 section 15.4: the codes that name another address in the field Location. */
const REDIRECTIONS = ["301", "302", "303", "307", "308"]

/** What web servers write when a plain request comes to their port for TLS. */
const WANTS_TLS = /[^\r\n>]*\b(?:HTTPS (?:server|port)|SSL-enabled server port)\b[^\r\n<]*/

/** Returns the method and the path of a request, such as `GET /`; undefined for other data. */
export function requestOf(asked: Uint8Array): string | undefined {
    const [, method, path] = REQUEST.exec(latin1(asked)) ?? []
    return method === undefined ? undefined : `${method} ${path}`
}

/** Returns the first request that a connection's client has sent; undefined if its first data is no request, or was not captured. */
export function requestIn(connection: Connection, evidence: Evidence): string | undefined {
    const asked = firstData(connection, connection.client, evidence)
    return asked && requestOf(asked.view.payload)
}

/** Returns that the first data of an answer refuses the request, redirects it, or is not HTTP; undefined if it does none of these. */
export function ofHttp(name: string, asked: Uint8Array, answer: Uint8Array): Diagnosis | undefined {
    const request = requestOf(asked)
    if (request === undefined) return undefined
    const text = latin1(answer)
    const [, code = "", reason = ""] = STATUS.exec(text) ?? []
    if (code === "")
        return diagnosis(
            "foreign-protocol",
            `${name} does not speak HTTP: it answered ${request} by ${quoted(answer)}.`,
            "look at the port's number: another service listens there"
        )
    const words = `${code}${reason === "" ? "" : ` ${reason.replaceAll(/[^ -~]/g, "?")}`}`
    if (REDIRECTIONS.includes(code)) return redirected(name, request, words, fieldOf(text, "location"))
    if (Number(code) < 400) return undefined
    const [wantsTls] = WANTS_TLS.exec(text) ?? []
    if (wantsTls !== undefined)
        return diagnosis(
            "tls",
            `${name} expects TLS: it answered the plain ${request} by ${words}, with ${quoted(wantsTls.trim(), 70)}.`,
            "use the server's port without TLS, or a proxy on the network that speaks TLS: this stack has none"
        )
    const wait = fieldOf(text, "retry-after")
    return diagnosis(
        "service-refused",
        `${name} answered ${request} by ${words} (HTTP).`,
        adviceFor(Number(code)),
        [
            "the connection itself worked",
            wait === undefined
                ? undefined
                : `the server asks to try again later (Retry-After: ${quoted(wait)})`,
        ]
    )
}

function redirected(name: string, request: string, words: string, location = ""): Diagnosis {
    const place = location.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, 100)
    const advice =
        place === ""
            ? "look at the path, and at the name in the request's Host line"
            : place.startsWith("https:")
              ? "ask a server that answers without TLS, or a proxy on the network that speaks TLS: this stack has none"
              : "ask for that address instead: fetch does not follow it by itself"
    return diagnosis(
        "redirected",
        `${name} answered ${request} by ${words} (HTTP): what was asked for is ${place === "" ? "elsewhere, and the answer does not say where" : `at ${place}`}.`,
        advice,
        ["the connection itself worked"]
    )
}

function adviceFor(code: number): string {
    if (code === 401 || code === 403) return "give the request the authorization that the server wants"
    if (code === 404 || code === 410) return "look at the path, and at the name in the request's Host line"
    if (code === 429) return "ask less often"
    return code < 500 ? "look at what the server expects of such a request" : "look at the server's log"
}

/** A server that is silent for this long in the middle of an answer has stopped; a shorter time is enough for a client that gave up, ns. */
const STOPPED = 5e9
const GIVEN_UP = 2e9

/**
 * Returns that the answer to the first request is not complete, and nothing more of it comes: the server has ended the connection, or is
 * silent. Undefined if it is complete, or if this is not known.
 */
export function cutShort(connection: Connection, now: number, evidence: Evidence): Diagnosis | undefined {
    const { client, addresses, ends } = connection
    const server = other(client)
    const own = evidence.self?.()
    if (own === undefined || own.ip !== addresses[client]) return undefined
    const how = endOf(connection, now)
    if (how === undefined) return undefined
    const request = requestIn(connection, evidence)
    const answer = dataOf(connection, server, evidence)
    if (request === undefined || answer === undefined || !answer.isWhole || answer.length === 0)
        return undefined
    const text = latin1(answer.bytes, answer.bytes.length)
    const missing = missingOf(request, text)
    if (missing === undefined) return undefined
    const name = endName(connection, server)
    const seen = `${counted(answer.length, "byte")} of the answer arrived`
    if (how.by === "server")
        return diagnosis(
            "cut-short",
            `${name} ${how.reset ? "aborted" : "closed"} the connection in the middle of its answer to ${request}: ${missing}.`,
            "look at the server's log: its program ended, or announces more than it sends",
            [`${seen}, the ${how.reset ? "RST" : "FIN"} at ${moment(how.time / 1e6)}`]
        )
    const silence = how.time - ends[server].time
    // a stream of chunks may pause
    if (silence < (how.by === "nobody" ? STOPPED : GIVEN_UP) || isChunked(text)) return undefined
    const end =
        how.by === "nobody" ? "" : `, so ${own.name} ${how.reset ? "aborted the connection" : "closed"}`
    return diagnosis(
        "cut-short",
        `${name} stopped in the middle of its answer to ${request}: ${missing}, and nothing in ${duration(silence)}${end}.`,
        "look at the server: its program hangs, or announces more than it sends",
        [`${seen}, the last at ${moment(ends[server].time / 1e6)}`]
    )
}

/** Returns which end has ended an exchange first, how and when, ns; undefined while the client's data is on its way. */
function endOf({ client, closer, resetBy, finTime = 0, ends }: Connection, now: number) {
    const name = (end: 0 | 1) => (end === client ? "client" : "server")
    if (closer !== undefined) return { by: name(closer), reset: false, time: finTime }
    if (resetBy !== undefined && resetBy.cause !== "ignored-reset")
        return { by: name(resetBy.end), reset: true, time: resetBy.time }
    return ends[client].unansweredRetransmissions > 0 ? undefined : { by: "nobody", reset: false, time: now }
}

/** Returns what an answer lacks, in words; undefined if it is complete, or if only the end of the connection shows where it ends. */
export function missingOf(request: string, whole: string): string | undefined {
    let text = whole
    while (INTERIM.test(text)) text = text.replace(INTERIM, "")
    if (STATUS.exec(text) === null && text !== "") return undefined
    const end = HEAD_END.exec(text)
    if (end === null) return "not even its head was complete"
    const [, code = ""] = STATUS.exec(text) ?? []
    if (request.startsWith("HEAD ") || NO_BODY.includes(code)) return undefined
    const head = text.slice(0, end.index + 2)
    const body = text.slice(end.index + end[0].length)
    // RFC 9112 section 6.3: chunks count more than Content-Length
    if (isChunked(text)) return endsWithLastChunk(body) ? undefined : "the last chunk (of 0 bytes) is missing"
    const announced = fieldOf(head, "content-length") ?? ""
    if (!/^\d{1,15}$/.test(announced) || body.length >= Number(announced)) return undefined
    return `${body.length} of ${counted(Number(announced), "byte")} (Content-Length) came`
}

function isChunked(text: string): boolean {
    return /\bchunked\b/i.test(fieldOf(text, "transfer-encoding") ?? "")
}

/** Returns true when a body in chunks ends as it has to (RFC 9112 section 7.1). */
function endsWithLastChunk(body: string): boolean {
    let at = 0
    for (;;) {
        const [line, size = ""] = /^([\da-f]{1,8})[^\r\n]*\r?\n/i.exec(body.slice(at, at + 100)) ?? []
        if (line === undefined) return false
        at += line.length
        if (Number.parseInt(size, 16) === 0) return /^(?:[^\r\n]+\r?\n)*\r?\n/.test(body.slice(at))
        at += Number.parseInt(size, 16) + (body[at + Number.parseInt(size, 16)] === "\r" ? 2 : 1)
    }
}

/** Returns the value of a field in a head; undefined if it has no such field. */
function fieldOf(text: string, name: string): string | undefined {
    const [head = ""] = text.split(HEAD_END, 1)
    for (const line of head.split(/\r?\n/).slice(1)) {
        const colon = line.indexOf(":")
        if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim()
    }
    return undefined
}

/** Returns why a program cannot read the answer of an HTTP server as JSON; undefined if the answer is not HTTP, or not known. */
export function notJson(connection: Connection, now: number, evidence: Evidence): Diagnosis | undefined {
    const cut = cutShort(connection, now, evidence)
    if (cut !== undefined) return cut
    const server = other(connection.client)
    const request = requestIn(connection, evidence)
    const answer = dataOf(connection, server, evidence)
    const text = answer && latin1(answer.bytes, answer.bytes.length)
    const end = text === undefined ? null : HEAD_END.exec(text)
    if (request === undefined || answer === undefined || text === undefined || end === null) return undefined
    const body = answer.bytes.subarray(end.index + end[0].length)
    const type = fieldOf(text, "content-type")
    return diagnosis(
        "foreign-protocol",
        `The answer of ${endName(connection, server)} to ${request} is not JSON: it ${body.length === 0 ? "has no body" : `begins with ${quoted(body)}`}.`,
        "look at the path, and at what the server sends for it",
        [type === undefined ? "it names no type (Content-Type)" : `its type is ${quoted(type)}`]
    )
}
