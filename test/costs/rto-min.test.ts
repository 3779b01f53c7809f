// What a small rtoMin costs where nothing is lost: a message is sent again when the peer delays its ACK for longer than the timeout.
// docs/measurements.md has the reason for the default.

import { Buffer } from "@devicescript/core"
import { expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { accept, connect, listen, read, write } from "../../src/tcp/calls"
import { Host, ip } from "../support/host"
import { LossyWire } from "../support/lossy"
import { needs } from "../support/needs"

const RING = 4096
const HOUR = 3_600_000
const ROUNDS = 5
/** Data in bulk: the round-trip times that it measures are short and even, and so is the timeout after it. */
const BULK = 100_000
const MESSAGE = 100

/** Returns how many segments are sent again in some rounds of data in bulk and one message. The peer delays ACKs by 200 ms. */
function retransmissions(rtoMin: number, delay: number): number {
    needs("COUNTERS", "DELAYED_ACKS")
    const config = { sendBuffer: RING, receiveBuffer: RING, connections: 1, rtoMin }
    const [a, b] = [new Host("10.0.0.1", config), new Host("10.0.0.2", config)]
    const without = { seed: 1, loss: 0, duplicate: 0, corrupt: 0, sparesArp: true }
    const wire = new LossyWire([a, b], { ...without, delay: [delay, delay] })
    wire.checkEvery = 64
    const scratch = Buffer.alloc(RING)
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
            for (let n = 1; n > 0; heard += Math.max(0, n)) n = read(b.stack, to, scratch, 0, RING)
            if (written < total)
                written += Math.max(0, write(a.stack, from, scratch, 0, Math.min(RING, total - written)))
            return heard >= total
        }, HOUR)
        const end = wire.now + 1000
        wire.runUntil(() => wire.now >= end, HOUR)
    }
    for (let round = 0; round < ROUNDS; round++) {
        send(BULK)
        send(MESSAGE)
    }
    return a.stack.counters.getAt(Counter.Retransmits, "i32")
}

test.each([
    [1000, 1],
    [1000, 20],
    [1000, 60],
    [300, 1],
    [300, 20],
])("rtoMin %i, %i ms each way: nothing is sent again without a loss", (rtoMin, delay) => {
    expect(retransmissions(rtoMin, delay)).toBe(0)
})

test.each([1, 20, 60])("rtoMin 200, %i ms each way: each message is sent again without a loss", delay => {
    expect(retransmissions(200, delay)).toBeGreaterThanOrEqual(ROUNDS)
})
