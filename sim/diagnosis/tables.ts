// Whose tables were full when the segments of a connection were dropped.

import { type Connection, endName, other } from "../analysis/connection"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { counted } from "./words"

/** Returns whose tables were full when the segments of a connection were dropped. */
export function tablesOf(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
    const { addresses, firstTime, client } = connection
    const drops = evidence?.drops.filter(
        ({ ip, reason, time }) =>
            (reason === "backlog-full" || reason === "connections-full") &&
            time * 1e6 >= firstTime &&
            ip === addresses[other(client)]
    )
    const drop = drops?.at(-1)
    if (drops === undefined || drop === undefined) return undefined
    const name = endName(connection, other(client))
    const own = evidence?.self?.()
    const whose = drop.ip === own?.ip ? own.name : drop.ip
    const seen = [
        `${whose} reported ${drop.reason} ${counted(drops.length, "time")}, last at ${moment(drop.time)}`,
    ]
    return drop.reason === "backlog-full"
        ? diagnosis(
              "backlog-full",
              `The backlog of ${name} is full: connections wait there that its program has not accepted, so ${whose} drops the handshake of ${endName(connection, client)}.`,
              "let the program accept connections, or listen with a larger backlog",
              seen
          )
        : diagnosis(
              "tables-full",
              `All connection records of ${whose} are in use, so it drops the handshake of ${endName(connection, client)}.`,
              "close connections there, or configure more (connections)",
              seen
          )
}
