// What a server answers in the protocol above TCP, when it answers by a refusal or not at all.

import { type Connection, endName, other } from "../analysis/connection"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { ofHttp, requestOf } from "./http"
import { segmentsOf } from "./sightings"
import { firstData, latin1, quoted } from "./stream"
import { counted, duration } from "./words"

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
    const asked = firstData(connection, client, evidence)?.view.payload
    const answer = firstData(connection, other(client), evidence)?.view.payload
    if (asked === undefined || answer === undefined) return undefined
    const name = endName(connection, other(client))
    return ofMqtt(name, asked, answer) ?? ofHttp(name, asked, answer)
}

function ofMqtt(name: string, asked: Uint8Array, answer: Uint8Array): Diagnosis | undefined {
    if (!isConnect(asked)) return undefined
    if (answer[0] !== MQTT_CONNACK)
        return diagnosis(
            "foreign-protocol",
            `${name} does not speak MQTT: it answered the CONNECT by ${quoted(answer)}.`,
            "look at the port's number: another service listens there"
        )
    const code = answer[3] ?? 0
    if (code === 0) return undefined
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

/** Returns true for data that begins with a CONNECT (MQTT 3.1.1 section 3.1): its length has up to four bytes. */
function isConnect(data: Uint8Array): boolean {
    return data[0] === MQTT_CONNECT && /^.{4,7}MQ/s.test(latin1(data, 12))
}

/** Returns true when a CONNECT has a user name (MQTT 3.1.1 section 3.1.2.3): the flags come after the protocol's name and level. */
export function namesUser(asked: Uint8Array): boolean {
    let at = 1
    // the remaining length has up to four bytes (section 2.2.3)
    while (at < 4 && asked[at]! & 0x80) at++
    const name = ((asked[at + 1] ?? 0) << 8) | (asked[at + 2] ?? 0)
    return ((asked[at + 3 + name + 1] ?? 0) & USER_NAME_FLAG) !== 0
}

/** An open request is reported after this time without an answer, and one that its client gave up after a shorter time, ns. */
export const UNANSWERED = 5e9
const GIVEN_UP = 2e9

/** A request of the device that nothing has answered. */
interface Waiting {
    /** What was asked, such as `GET /`. */
    readonly request: string
    /** When it was sent, ns. */
    readonly since: number
    /** The bytes that were sent. */
    readonly bytes: number
}

/** Returns what the device waits for; undefined if what it sent last is no request, has not arrived, or is answered. */
export function waitingFor(connection: Connection, evidence: Evidence): Waiting | undefined {
    const { client, addresses, ends } = connection
    const server = other(client)
    if (evidence.self?.().ip !== addresses[client] || ends[client].unansweredRetransmissions > 0)
        return undefined
    const [answered] = segmentsOf(connection, server, evidence)
        .filter(({ view, lost }) => view.length > 0 && lost === undefined)
        .map(({ time }) => time)
        .slice(-1)
    const first = segmentsOf(connection, client, evidence).find(
        ({ view, time, lost }) => view.length > 0 && lost === undefined && time > (answered ?? 0)
    )
    if (first === undefined) return undefined
    const { payload } = first.view
    const request = requestOf(payload) ?? (isConnect(payload) ? "the CONNECT (MQTT)" : undefined)
    return request === undefined ? undefined : { request, since: first.time * 1e6, bytes: ends[client].bytes }
}

/** Returns that a server has not answered a request until an end gave up, or for a long time; undefined if it was otherwise. */
export function unansweredRequest(
    connection: Connection,
    now: number,
    evidence?: Evidence
): Diagnosis | undefined {
    const waiting = evidence && waitingFor(connection, evidence)
    if (evidence === undefined || waiting === undefined) return undefined
    const { client, closer, finTime, resetBy } = connection
    const { request, since } = waiting
    const [name, own] = [endName(connection, other(client)), evidence.self?.().name]
    const seen = [`the request was sent at ${moment(since / 1e6)}, and its arrival acknowledged`]
    if (resetBy?.end === other(client)) return undefined
    if (closer === other(client)) {
        const after = (finTime ?? now) - since
        if (after < GIVEN_UP) return undefined
        return diagnosis(
            "no-answer",
            `${name} closed the connection ${duration(after)} after ${request}, without an answer.`,
            "does that server's program run, and does it accept this client? Look at its log",
            seen
        )
    }
    const ended = resetBy?.end === client ? resetBy.time : closer === client ? finTime : undefined
    const silence = (ended ?? now) - since
    if (silence < (ended === undefined ? UNANSWERED : GIVEN_UP)) return undefined
    const taken = request.startsWith("the ") ? counted(waiting.bytes, "byte") : request
    const ending = resetBy?.end === client ? "aborted the connection" : "closed"
    return diagnosis(
        "no-answer",
        ended === undefined
            ? `${name} did not answer ${request} in ${duration(silence)}: it took the request, but its program sent nothing back.`
            : `${name} took ${taken} of ${own}, but its program sent nothing back in ${duration(silence)}, so ${own} ${ending}.`,
        "does that program run, and does it speak the protocol that is expected of it?",
        seen
    )
}

/** Returns that a request is answered after it had been explained that it was not. */
export function answeredAfterAll(connection: Connection, now: number): Diagnosis {
    const { client, closer, resetBy } = connection
    const isTooLate = closer === client || resetBy?.end === client
    return diagnosis(
        isTooLate ? "answered-late" : "answered-slowly",
        isTooLate
            ? `${endName(connection, other(client))} answered, but too late: its answer came at ${moment(now)}, when ${endName(connection, client)} had given up.`
            : `${endName(connection, other(client))} has answered after all, at ${moment(now)}.`,
        isTooLate ? "wait longer (timeout), or look at why that server is slow" : ""
    )
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
