// Data from one host of the stack to another, over a wire in virtual time.

import { Buffer } from "@devicescript/core"
import { accept, connect, listen, read, write } from "../../src/tcp/calls"
import { type Host, ip } from "../support/host"
import { type Impairment, LossyWire } from "../support/lossy"

/** The longest wait, ms: far more than any transfer takes. */
export const HOUR = 3_600_000

export interface OneWay {
    readonly wire: LossyWire
    /** Sends `total` bytes and returns how many arrived within an hour: all, unless something is wrong. */
    send(total: number): number
}

/** Connects two hosts, of which the second is 10.0.0.2, and returns the way from the first to the second. Both have rings of `ring` bytes. */
export function oneWay([a, b]: [Host, Host], impairment: Impairment, ring: number): OneWay {
    const wire = new LossyWire([a, b], impairment)
    wire.checkEvery = 64
    const scratch = Buffer.alloc(ring)
    const listener = listen(b.stack, 80, 1)
    const from = connect(a.stack, ip("10.0.0.2"), 80, 5000, 0)
    let to = 0
    wire.runUntil(() => {
        to = accept(b.stack, listener)
        return to > 0
    }, HOUR)
    const send = (total: number) => {
        let written = 0
        let heard = 0
        wire.runUntil(() => {
            for (let n = 1; n > 0; heard += Math.max(0, n)) n = read(b.stack, to, scratch, 0, ring)
            if (written < total)
                written += Math.max(0, write(a.stack, from, scratch, 0, Math.min(ring, total - written)))
            return heard >= total
        }, HOUR)
        return heard
    }
    return { wire, send }
}
