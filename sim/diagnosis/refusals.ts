// What a server answers in the protocol above TCP, when it answers by a refusal or not at all: HTTP (RFC 9112), MQTT (OASIS 3.1.1).

import { type Connection, endName, other } from "../analysis/connection"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { segmentsOf } from "./sightings"
import { counted, duration } from "./words"

const REQUEST = /^([A-Z]{3,10}) (\S{1,200}) HTTP\/1\.\d\r?\n/
const STATUS = /^HTTP\/1\.\d (\d{3}) ?([^\r\n]{0,60})/
const MQTT_CONNECT = 0x10
const MQTT_CONNACK = 0x20

/** The reasons of an MQTT broker by the code of its CONNACK (MQTT 3.1.1 section 3.2.2.3), and what to do. */
const connack: { readonly [code: number]: readonly [string, string] } = {
    1: ["it does not speak this version of MQTT", "use a broker that speaks MQTT 3.1.1"],
    2: ["it rejects the client's identifier", "use another clientId"],
    3: ["it is not available", "look at the broker's log, and try again later"],
    4: ["the user name or password is wrong", "check user name and password (userName, password)"],
    5: [
        "the client is not authorized",
        "let the broker accept this user, or check user name, password and clientId (userName, password, clientId)",
    ],
}
/** The codes that speak of a user. */
const USER_CODES = [4, 5]
const USER_NAME_FLAG = 0x80

/** Returns that the server has refused in its own protocol what the device asked for; undefined if it has not. */
export function refusal(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
    const own = evidence?.self?.()
    const { client, addresses } = connection
    if (evidence === undefined || own?.ip !== addresses[client]) return undefined
    const asked = firstData(connection, client, evidence)
    const answer = firstData(connection, other(client), evidence)
    if (asked === undefined || answer === undefined) return undefined
    const name = endName(connection, other(client))
    return ofMqtt(name, asked, answer) ?? ofHttp(name, text(asked), text(answer))
}

function ofMqtt(name: string, asked: Uint8Array, answer: Uint8Array): Diagnosis | undefined {
    if (asked[0] !== MQTT_CONNECT || !/^.{4}MQ/s.test(text(asked))) return undefined
    const code = answer[3] ?? 0
    if (answer[0] !== MQTT_CONNACK || code === 0) return undefined
    const [reason, advice] = connack[code] ?? [`its answer has the code ${code}`, "look at the broker's log"]
    const seen = [`it answered the CONNECT by a CONNACK with the code ${code}`]
    if (USER_CODES.includes(code) && !namesUser(asked))
        return diagnosis(
            "service-refused",
            `The MQTT broker ${name} refuses the client: ${code === 4 ? "the client" : `${reason}, and`} sent no user name.`,
            "give the client a user name and a password that the broker knows (userName, password)",
            seen
        )
    return diagnosis(
        "service-refused",
        `The MQTT broker ${name} refuses the client: ${reason}.`,
        advice,
        seen
    )
}

/** Returns true when a CONNECT has a user name (MQTT 3.1.1 section 3.1.2.3): the flags come after the protocol's name and level. */
export function namesUser(asked: Uint8Array): boolean {
    let at = 1
    // the remaining length has up to four bytes (section 2.2.3)
    while (at < 4 && asked[at]! & 0x80) at++
    const name = ((asked[at + 1] ?? 0) << 8) | (asked[at + 2] ?? 0)
    return ((asked[at + 3 + name + 1] ?? 0) & USER_NAME_FLAG) !== 0
}

function ofHttp(name: string, asked: string, answer: string): Diagnosis | undefined {
    const [, method, path] = REQUEST.exec(asked) ?? []
    if (method === undefined) return undefined
    const [, code, reason = ""] = STATUS.exec(answer) ?? []
    if (code === undefined)
        return diagnosis(
            "foreign-protocol",
            `${name} does not speak HTTP: it answered ${method} ${path} by ${quoted(answer)}.`,
            "look at the port's number: another service listens there"
        )
    if (Number(code) < 400) return undefined
    return diagnosis(
        "service-refused",
        `${name} answered ${method} ${path} by ${code}${reason === "" ? "" : ` ${reason}`} (HTTP).`,
        adviceFor(Number(code)),
        ["the connection itself worked"]
    )
}

function adviceFor(code: number): string {
    if (code === 401 || code === 403) return "give the request the authorization that the server wants"
    if (code === 404 || code === 410) return "look at the path, and at the name in the request's Host line"
    if (code === 429) return "ask less often"
    return code < 500 ? "look at what the server expects of such a request" : "look at the server's log"
}

/** Returns that the server has taken the device's data and said nothing until the device closed; undefined if it was otherwise. */
export function mute(connection: Connection, evidence: Evidence): Diagnosis | undefined {
    const { ends, client, addresses, closer, finTime, reset } = connection
    const own = evidence.self?.()
    const server = other(client)
    if (own?.ip !== addresses[client] || closer !== client || reset !== undefined) return undefined
    const { bytes } = ends[client]
    if (bytes === 0 || ends[server].bytes > 0 || finTime === undefined) return undefined
    const first = segmentsOf(connection, client, evidence).find(({ view }) => view.length > 0)
    const since = first === undefined ? connection.firstTime : first.time * 1e6
    const name = endName(connection, server)
    return diagnosis(
        "no-answer",
        `${name} took ${counted(bytes, "byte")} of ${own.name}, but its program sent nothing back in ${duration(finTime - since)}, so ${own.name} closed.`,
        "does that program run, and does it speak the protocol that is expected of it?",
        [`the data was sent at ${moment(since / 1e6)}, and its arrival acknowledged`]
    )
}

/** Returns the first data of an end. */
function firstData(connection: Connection, from: 0 | 1, evidence: Evidence): Uint8Array | undefined {
    return segmentsOf(connection, from, evidence).find(
        ({ view, lost }) => view.length > 0 && lost === undefined
    )?.view.payload
}

/** Returns bytes as Latin-1, so that each is a character. */
function text(bytes: Uint8Array): string {
    return String.fromCharCode(...bytes.subarray(0, 400))
}

/** Returns the first line of a text in quotes, without what cannot be printed. */
function quoted(answer: string): string {
    const [line = ""] = answer.split(/\r?\n/)
    const tame = line.replaceAll(/[^\x20-\x7e]/g, "?")
    return `"${tame.length > 40 ? `${tame.slice(0, 40)}...` : tame}"`
}
