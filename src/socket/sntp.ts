// The time of day from a server on the network: wraps net/sntp.ts for fibers, and resolves the server's name.

import * as ds from "@devicescript/core"
import { netError } from "../base/errors"
import { SntpClient } from "../net/sntp"
import { endpointsOf } from "./endpoints"
import { currentNetwork } from "./interface"

/** A clock that a time server sets. */
export interface NetworkTime {
    /** Returns milliseconds since 1970; `now` is `ds.millis() | 0`. */
    time(now: number): number
}

/**
 * Asks a time server, an address or a name, now and once an hour from then on (RFC 4330). Returns a clock when the server's first
 * answer has arrived: `clock.time(ds.millis() | 0)` is milliseconds since 1970. `timeout` is in milliseconds, 30,000 by default.
 * Throws a NetError: ETIMEDOUT, ENETDOWN, EADDRNOTAVAIL, ENOTFOUND, EAI_AGAIN; EACCES when the server refuses to answer (RFC 4330
 * section 8).
 */
export async function networkTime(server: string, timeout?: number): Promise<NetworkTime> {
    const net = currentNetwork()
    const until = ds.millis() + (timeout === undefined ? 30000 : timeout)
    const ip = await net.find(server, until, `time ${server}: `)
    const client = new SntpClient(endpointsOf(net))
    client.setServer(ip, net.now())
    net.flush()
    while (!client.known) {
        const why = client.denied
            ? "EACCES, the server refuses to answer: ask another one"
            : ds.millis() >= until
              ? "ETIMEDOUT"
              : ""
        if (why !== "") {
            // removes the client, so that a program that tries again does not collect clients
            client.setServer(0, net.now())
            endpointsOf(net).remove(client)
            throw netError(`time ${server}: `, why)
        }
        await ds.sleep(10)
    }
    return client
}
