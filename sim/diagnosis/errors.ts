// Explains errors that programs print, `WHAT: CODE, SENTENCE` (src/socket/errors.ts): the code says which rule applies.

import type { Tuple } from "../device/events"
import { sameNetwork } from "../options/address"
import { withoutCable } from "./connection"
import { whyNoDatagram, whyNoTime } from "./datagrams"
import { addressSoFar, whyNoAddress } from "./dhcp"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import { knownServers, ownQuestions, whyNoName } from "./dns"
import type { Evidence } from "./evidence"
import { addressesOf, namedBy, plain } from "./names"
import { withoutNeighbour } from "./opening"
import { whyNoReply } from "./reaching"
import { counted } from "./words"

/** What the rules need to know of the device's connections. */
interface Known {
    /** Returns why a host cannot be reached at a port, and the connection. */
    reach(ip: string, port: number, code: string): { why: Diagnosis; about: Tuple }
    /** Returns why the last connection that the device closed had no answer, and the connection; undefined if it had one. */
    mute(): { why: Diagnosis; about: Tuple } | undefined
    /** Returns why the answer to the last HTTP request cannot be read, as JSON with `isJson`, and the connection; undefined if it shows nothing. */
    unreadable(isJson: boolean): { why: Diagnosis; about: Tuple } | undefined
    /** Returns the open connections, in words. */
    open(): string[]
}

const CODE = /\b(E[A-Z]{2,}(?:_[A-Z]+)?)(?:, ([^\n]*))?/
const FAILED = /\b(time-?out|timed out|refused|unreachable|no answer)\b/i
const TARGET = /\b(tcp|udp|https?):\/\/([^\s:/]+)(?::(\d+))?/
const NAMED = /\b(ping|time) ([^\s:]+):/
const ADDRESS = /()\b(\d{1,3}(?:\.\d{1,3}){3})(?::(\d+))?\b/
/** The ports of URLs without one. */
const ports: { readonly [scheme: string]: number } = { http: 80, https: 443 }
/** The port that a call asks for, with the name of the call. */
const PORT = /\b(listen|udp) (\d{1,5})\b/

/** Returns why a program got an error that it printed, and the connection; undefined for any other text. */
export function whyError(
    text: string,
    evidence: Evidence,
    known: Known
): { why: Diagnosis; about: Tuple | undefined; peer?: string } | undefined {
    const [, scheme = "", host = "", digits] =
        TARGET.exec(text) ?? NAMED.exec(text) ?? ADDRESS.exec(text) ?? []
    const port = digits === undefined ? ports[scheme] : Number(digits)
    // @devicescript/net has errors without a code
    const [, code = host !== "" && FAILED.test(text) ? "ETIMEDOUT" : "", sentence = ""] =
        CODE.exec(text) ?? []
    if (code === "") return undefined
    const service = (why: Diagnosis | undefined) => why && { why, about: undefined }
    const own = evidence.self?.()
    const name = own?.name ?? "the device"
    switch (code) {
        case "ENETDOWN":
            return service(noLink(evidence, name, sentence))
        case "EADDRNOTAVAIL":
            return service(whyNoAddress(evidence) ?? noAddress(evidence, name))
        case "ENOTFOUND":
        case "EAI_AGAIN":
            return service(noName(evidence, host === "" ? undefined : host, sentence, name))
        case "ENOBUFS":
            return service(tablesFull(name, own?.connections, known.open()))
        case "EPROTONOSUPPORT":
            return service(
                diagnosis(
                    "tls",
                    `The program asks for TLS${host === "" ? "" : ` with ${host}`}, which this stack does not have.`,
                    "use http or tcp without TLS, or a proxy on the network that speaks TLS"
                )
            )
        case "ENOTCONN":
            // the client reports what has happened to its connection, not a call of the program
            return /\bbroker\b/.test(sentence) ? known.mute() : service(misused(code, sentence, text))
        case "EINVAL":
            return service(unusable(evidence, host, text) ?? misused(code, sentence, text))
        case "EADDRINUSE":
        case "EPIPE":
        case "EMSGSIZE":
            return service(misused(code, sentence, text))
        case "EBADMSG":
        case "EPROTO":
            return known.unreadable(code === "EBADMSG")
        case "EHOSTUNREACH":
        case "ETIMEDOUT":
        case "ECONNREFUSED":
        case "ECONNRESET":
        case "ECONNABORTED":
        case "EACCES": {
            const ip = addressOf(evidence, host)
            if (ip === undefined) return undefined
            const isService = scheme === "time" || scheme === "ping"
            const used = port ?? (isService ? undefined : lastPort(evidence, ip))
            if (used === undefined) {
                const why = whySilent(evidence, ip, scheme)
                return why && { why, about: undefined, peer: ip }
            }
            const found = known.reach(ip, used, code)
            // words like "timeout" alone are no proof of a failure
            return sentence === "" && found.why.cause === "unanswered" ? undefined : found
        }
        default:
            return undefined
    }
}

function noLink(evidence: Evidence, name: string, sentence: string): Diagnosis {
    if (evidence.cableOut !== undefined) return withoutCable(name, evidence.cableOut, evidence.cableOut)
    return diagnosis(
        "link-down",
        `${name} has no link${sentence === "" ? "" : `: ${sentence.replace(/\.$/, "")}`}.`,
        "look at the cable, at the access point, or at the wires of the chip",
        [evidence.note === undefined ? undefined : evidence.note.text]
    )
}

function noAddress(evidence: Evidence, name: string): Diagnosis {
    if (evidence.cableOut !== undefined) return withoutCable(name, evidence.cableOut, evidence.cableOut)
    return (
        addressSoFar(evidence, name) ??
        diagnosis(
            "dhcp-silent",
            `${name} has no address, and asked no DHCP server for one.`,
            "set an address (ip), or use dhcp()"
        )
    )
}

/** Returns the address of a host, which may be a name that a name server has answered for; undefined if none is known. */
function addressOf(evidence: Evidence, host: string): string | undefined {
    return /^\d/.test(host) ? host : addressesOf(evidence, host).at(-1)
}

/** Returns the port of the last segment that the device has sent to a host. */
function lastPort({ segments, self }: Evidence, ip: string): number | undefined {
    const own = self?.().ip
    return segments.filter(({ view }) => view.source === own && view.destination === ip).at(-1)?.view
        .destinationPort
}

/** Returns why a host to which no segment was sent does not answer. */
function whySilent(evidence: Evidence, ip: string, scheme: string): Diagnosis | undefined {
    const client = evidence.self?.().ip ?? ""
    return (
        (scheme === "time" ? whyNoTime(evidence, ip) : undefined) ??
        whyNoDatagram(evidence, ip) ??
        (scheme === "ping" ? whyNoReply(evidence, ip) : undefined) ??
        withoutNeighbour(evidence, { client, server: ip, name: ip, asked: "", since: 0 })
    )
}

function noName(evidence: Evidence, host: string | undefined, sentence: string, name: string): Diagnosis {
    if (sentence.includes("resolver"))
        return diagnosis(
            "resolver-missing",
            `${host ?? "The name"} cannot be looked up: the program was started without a resolver.`,
            "add resolver: dns() to startNetwork, or use an address"
        )
    const found = whyNoName(evidence, host)
    if (found !== undefined) return found
    if (evidence.cableOut !== undefined) return withoutCable(name, evidence.cableOut, evidence.cableOut)
    const subject = `${host ?? "The name"} cannot be looked up`
    const asked = ownQuestions(evidence)
    const own = asked.filter(one => host === undefined || one.name === plain(host)).at(-1)
    const addresses = own === undefined ? [] : addressesOf(evidence, own.name)
    if (own !== undefined && addresses.length > 0)
        return diagnosis(
            "name-server-failed",
            `${subject}, though the name server ${own.server} says that it has the address ${listed([...new Set(addresses)])}.`,
            "try again: the answer may have come too late",
            [`the last question for it was sent at ${moment(own.time)}`]
        )
    const servers = knownServers(evidence)
    if (servers.length > 0 || asked.length > 0)
        return diagnosis(
            "name-server-failed",
            `${subject}: ${name} sent no question for it${servers.length > 0 ? ` to the name server ${listed(servers)}` : ""}.`,
            "try again later, or configure more questions at a time (dns entries)",
            [asked.length > 0 ? `it sent ${counted(asked.length, "question")} for other names` : undefined]
        )
    return diagnosis(
        "resolver-missing",
        `${subject}: no name server is set, so ${name} asked none.`,
        "set a name server (dns), or let DHCP report one"
    )
}

function tablesFull(name: string, most: number | undefined, open: readonly string[]): Diagnosis {
    const number = most === undefined ? "All" : `All ${most}`
    return diagnosis(
        "tables-full",
        `${number} connection records of ${name} are in use, so it cannot open another connection.`,
        "close connections that are not needed, or configure more (connections)",
        open.length === 0 ? [] : [`open now: ${listed(open, 6)}`]
    )
}

/** Returns why no connection can be opened to a host, whatever hosts there are; undefined if nothing is wrong with its address. */
function unusable(evidence: Evidence, host: string, text: string): Diagnosis | undefined {
    const ip = addressOf(evidence, host) ?? ""
    const [what, rule] = problemOf(evidence, ip) ?? []
    if (what === undefined) return undefined
    const isPing = /\bping\b/.test(text)
    const action = isPing ? "No ping can be sent" : "No connection can be opened"
    const reason = isPing && rule === NO_OPEN ? "this stack pings single hosts only" : rule
    const named = ip === host ? undefined : namedBy(evidence, ip)
    return diagnosis(
        "misused",
        `${action} to ${ip === host ? ip : `${host}, ${ip}`}: it is ${what}.`,
        named === undefined
            ? `use the address of a host (${reason})`
            : `correct the name's address in the name server, or use the address of a host (${reason})`,
        [named]
    )
}

/** RFC 9293 section 3.9.2.3, MUST-46. */
const NO_OPEN = "RFC 9293 section 3.9.2.3: TCP has to reject an open to a broadcast or multicast address"
/** RFC 1122 section 3.2.1.3 (a). */
const NO_HOST = "RFC 1122 section 3.2.1.3: an address that begins with 0 must not be sent to"
const LOOPBACK = "RFC 1122 section 3.2.1.3: addresses that begin with 127 must not appear outside of a host"
const RESERVED = "RFC 1112 section 4: addresses from 240.0.0.0 on are reserved"
const NO_LOOP = "this stack sends nothing to itself"
const NETWORK = "RFC 1122 section 3.2.1.3: a host's number may not be all zeros, nor all ones"

/** Returns what an address is that no other host has, in words, and the rule that forbids it; undefined for any other address. */
function problemOf({ self }: Evidence, ip: string): readonly [string, string] | undefined {
    const bytes = ip.split(".").map(Number)
    const own = self?.()
    if (bytes.length !== 4 || bytes.some(Number.isNaN)) return undefined
    const [first = 0] = bytes
    if (ip === own?.ip) return [`the address of ${own.name} itself`, NO_LOOP]
    if (ip === "255.255.255.255") return ["the broadcast address", NO_OPEN]
    if (first === 0) return ["no host's address", NO_HOST]
    if (first === 127) return ["a loopback address, which leads nowhere on a network", LOOPBACK]
    if (first >= 224)
        return first < 240 ? ["a multicast address", NO_OPEN] : ["an address that no host has", RESERVED]
    if (own?.prefix === undefined || !sameNetwork(ip, own.ip, own.prefix)) return undefined
    const hosts = 2 ** (32 - own.prefix)
    // RFC 3021: both addresses of a /31 are hosts'
    if (hosts <= 2) return undefined
    const rest = bytes.reduce((all, byte) => all * 256 + byte, 0) % hosts
    if (rest === hosts - 1) return [`the broadcast address of its network, /${own.prefix}`, NO_OPEN]
    return rest === 0 ? [`the address of its network, /${own.prefix}`, NETWORK] : undefined
}

function misused(code: string, sentence: string, text: string): Diagnosis {
    const [what = "", todo = ""] = sentence.split(": ", 2)
    const [, call, port] = PORT.exec(text) ?? []
    const calls =
        port === undefined || code !== "EADDRINUSE"
            ? "A call of the program failed"
            : `The program cannot ${call === "udp" ? "use UDP" : "listen on"} port ${port}`
    return diagnosis("misused", `${calls} (${code})${what === "" ? "" : `: ${what}`}.`, todo)
}
