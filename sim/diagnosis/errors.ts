// Explains errors that programs print, `WHAT: CODE, SENTENCE` (src/socket/errors.ts): the code says which rule applies.

import type { Tuple } from "../device/events"
import { sameNetwork } from "../options/address"
import { withoutCable } from "./connection"
import { whyNoAddress } from "./dhcp"
import { type Diagnosis, diagnosis, listed } from "./diagnosis"
import { whyNoName } from "./dns"
import type { Evidence } from "./evidence"
import { addressesOf } from "./names"

/** What the rules need to know of the device's connections. */
interface Known {
    /** Returns why a host cannot be reached at a port, and the connection. */
    reach(ip: string, port: number, code: string): { why: Diagnosis; about: Tuple }
    /** Returns why the last connection that the device closed had no answer, and the connection; undefined if it had one. */
    mute(): { why: Diagnosis; about: Tuple } | undefined
    /** Returns the open connections, in words. */
    open(): string[]
}

const CODE = /\b(E[A-Z]{2,}(?:_[A-Z]+)?)(?:, ([^\n]*))?/
const FAILED = /\b(time-?out|timed out|refused|unreachable|no answer)\b/i
const TARGET = /\b(?:tcp|udp|https?):\/\/([^\s:/]+)(?::(\d+))?/
const ADDRESS = /\b(\d{1,3}(?:\.\d{1,3}){3})(?::(\d+))?\b/

/** Returns why a program got an error that it printed, and the connection; undefined for any other text. */
export function whyError(
    text: string,
    evidence: Evidence,
    known: Known
): { why: Diagnosis; about: Tuple | undefined } | undefined {
    const [, host = "", port] = TARGET.exec(text) ?? ADDRESS.exec(text) ?? []
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
            return service(whyNoAddress(evidence) ?? noLinkYet(evidence, name))
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
            return /\bbroker\b/.test(sentence) ? known.mute() : service(misused(code, sentence))
        case "EINVAL":
            return service(unusable(evidence, host) ?? misused(code, sentence))
        case "EADDRINUSE":
        case "EPIPE":
        case "EMSGSIZE":
            return service(misused(code, sentence))
        case "EHOSTUNREACH":
        case "ETIMEDOUT":
        case "ECONNREFUSED":
        case "ECONNRESET":
        case "ECONNABORTED":
        case "EACCES": {
            const ip = /^\d/.test(host) ? host : addressesOf(evidence, host).at(-1)
            const found = ip === undefined ? undefined : known.reach(ip, Number(port ?? 80), code)
            // words like "timeout" alone are no proof of a failure
            return sentence === "" && found?.why.cause === "unanswered" ? undefined : found
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

function noLinkYet(evidence: Evidence, name: string): Diagnosis {
    if (evidence.cableOut !== undefined) return withoutCable(name, evidence.cableOut, evidence.cableOut)
    return diagnosis(
        "dhcp-silent",
        `${name} has no address, and asked no DHCP server for one.`,
        "set an address (ip), or use dhcp()"
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
    return diagnosis(
        "resolver-missing",
        `${host ?? "The name"} cannot be looked up: no name server is set, so ${name} asked none.`,
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

/** Returns why no connection can be opened to an address, whatever hosts there are; undefined if nothing is wrong with it. */
function unusable({ self }: Evidence, ip: string): Diagnosis | undefined {
    const bytes = ip.split(".").map(Number)
    const own = self?.()
    if (bytes.length !== 4 || bytes.some(Number.isNaN)) return undefined
    const why = (what: string) =>
        diagnosis(
            "misused",
            `No connection can be opened to ${ip}: it is ${what}.`,
            "use the address of a host"
        )
    const [first = 0] = bytes
    if (ip === own?.ip) return why(`the address of ${own.name} itself`)
    if (ip === "255.255.255.255") return why("the broadcast address")
    if (first === 127) return why("a loopback address, which leads nowhere on a network")
    if (first >= 224) return why(first < 240 ? "a multicast address" : "an address that no host has")
    if (own?.prefix === undefined || !sameNetwork(ip, own.ip, own.prefix)) return undefined
    const rest = bytes.reduce((all, byte) => all * 256 + byte, 0) % 2 ** (32 - own.prefix)
    if (rest === 2 ** (32 - own.prefix) - 1)
        return why(`the broadcast address of its network, /${own.prefix}`)
    return rest === 0 ? why(`the address of its network, /${own.prefix}`) : undefined
}

function misused(code: string, sentence: string): Diagnosis {
    const [what = "", todo = ""] = sentence.split(": ", 2)
    return diagnosis(
        "misused",
        `A call of the program failed (${code})${what === "" ? "" : `: ${what}`}.`,
        todo
    )
}
