// Ping for fibers: wraps net/ping.ts and waits for the reply.

import * as ds from "@devicescript/core"
import { netError } from "../base/errors"
import { Ping, PingResult } from "../net/ping"
import { errorName } from "../tcp/records"
import { endpointsOf } from "./endpoints"
import { currentNetwork } from "./interface"

/** Settings of `ping`. */
export interface PingOptions {
    /** Bytes of data: 56 by default, at most what fits a frame. */
    size?: number
    /** Timeout in milliseconds, including name resolution: 1,000 by default. */
    timeout?: number
}

const enum Time {
    /** Milliseconds between two checks for the reply; the interval does not affect the measured time. */
    Look = 5,
}

let idle: Ping | undefined

/**
 * Sends one echo request (RFC 792) to an address or name. Returns the milliseconds until the reply, or `undefined` when no reply
 * came in time or the host is unreachable. Throws a NetError: ENETDOWN, EADDRNOTAVAIL, ENOTFOUND, EAI_AGAIN (names), EINVAL (no
 * host can have the address, the data is too long for a frame).
 */
export async function ping(host: string, options?: PingOptions): Promise<number | undefined> {
    const { size, timeout } = options || {}
    const net = currentNetwork()
    const limit = timeout === undefined ? 1000 : timeout
    const ip = await net.find(host, ds.millis() + limit, `ping ${host}: `)
    // a Ping in use belongs to another fiber
    const one = idle || new Ping(endpointsOf(net))
    idle = undefined
    const error = one.start(ip, size === undefined ? 56 : size, limit, net.now())
    if (error < 0) {
        idle = one
        throw netError(`ping ${host}: `, errorName(error))
    }
    net.flush()
    while (one.result === PingResult.Waiting) await ds.sleep(Time.Look)
    idle = one
    return one.result === PingResult.Answered ? one.time : undefined
}
