// The time of day from a server on the network: net/sntp.ts for fibers, with the server's name.

import * as ds from "@devicescript/core"
import { SntpClient } from "../net/sntp"
import { endpointsOf } from "./endpoints"
import { netError } from "./errors"
import { running } from "./interface"

/**
 * Asks a time server now and every hour from then on, and returns the client when it knows the time: `client.time(ds.millis() | 0)` is
 * in milliseconds since 1970. Throws a NetError `time SERVER: WHY`: ETIMEDOUT (after 30 s, or `timeout` ms), ENETDOWN, EADDRNOTAVAIL,
 * ENOTFOUND, EAI_AGAIN; EACCES when the server refuses to answer (RFC 4330 section 8).
 */
export async function networkTime(server: string, timeout?: number): Promise<SntpClient> {
    const net = running()
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
            // the client is removed, so that a program that tries again does not collect clients
            client.setServer(0, net.now())
            endpointsOf(net).remove(client)
            throw netError(`time ${server}: `, why)
        }
        await ds.sleep(10)
    }
    return client
}
