// Sentences for what fits no rule, and for what two stations share.

import { type Connection, endName, other } from "../analysis/connection"
import type { Tuple } from "../device/events"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { lastWords } from "./sightings"
import { counted } from "./words"

/** Returns what is known of a connection that fails without anything on the network that shows why. */
export function general(
    connection: Connection | undefined,
    tuple: Tuple,
    error: string,
    evidence: Evidence
): Diagnosis {
    const name = `${tuple.remoteIp}:${tuple.remotePort}`
    if (connection === undefined)
        return diagnosis(
            "unanswered",
            `The connection with ${name} failed (${error}) before anything was sent to it.`
        )
    const { ends } = connection
    return diagnosis(
        "unanswered",
        `The connection with ${name} failed (${error}) after ${counted(ends[0].segments + ends[1].segments, "segment")}.`,
        "look at what was heard last",
        lastWords(connection, evidence)
    )
}

export function sharedAddress(
    name: string,
    ip: string,
    [one, another]: readonly [string, string]
): Diagnosis {
    return diagnosis(
        "address-taken",
        `Two hosts have the address ${ip}: ${one} and ${another} both answer ARP for it, and ${name} talks to only one of them.`,
        "give one of them another address"
    )
}

/** Returns that a host tries one port of the device after the other. */
export function scanned(name: string, ip: string, ports: readonly number[]): Diagnosis {
    return diagnosis(
        "port-closed",
        `${ip} tries one port of ${name} after the other, and ${name} refuses those on which no program listens: ${listed(ports.map(String))} so far.`,
        "nothing, if it is a port scan; else look at the port's number, and start the server"
    )
}

export function recovered(connection: Connection, now: number): Diagnosis {
    const { client } = connection
    return diagnosis(
        "recovered",
        `The connection of ${endName(connection, client)} with ${endName(connection, other(client))} goes on at ${moment(now)}: all that was sent has been acknowledged.`
    )
}

export function healthy(
    connection: Connection,
    { remoteIp, remotePort }: Tuple,
    evidence: Evidence
): Diagnosis {
    return diagnosis(
        "unanswered",
        `Nothing is wrong with the connection with ${remoteIp}:${remotePort} so far.`,
        "",
        lastWords(connection, evidence)
    )
}
