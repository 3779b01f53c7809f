// What a small rtoMin costs where nothing is lost: a message is sent again when the peer delays its ACK for longer than the timeout.
// docs/measurements.md has the reason for the default.

import { expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { Host } from "../support/host"
import { needs } from "../support/needs"
import { HOUR, oneWay } from "./one-way"

const RING = 4096
const ROUNDS = 5
/** Data in bulk: the round-trip times that it measures are short and even, and so is the timeout after it. */
const BULK = 100_000
const MESSAGE = 100

/** Returns how many segments are sent again in some rounds of data in bulk and one message. The peer delays ACKs by 200 ms. */
function retransmissions(rtoMin: number, delay: number): number {
    needs("COUNTERS", "DELAYED_ACKS")
    const config = { sendBuffer: RING, receiveBuffer: RING, connections: 1, rtoMin }
    const hosts: [Host, Host] = [new Host("10.0.0.1", config), new Host("10.0.0.2", config)]
    const without = { seed: 1, loss: 0, duplicate: 0, corrupt: 0, sparesArp: true }
    const { wire, send: sendData } = oneWay(hosts, { ...without, delay: [delay, delay] }, RING)
    const send = (total: number) => {
        sendData(total)
        const end = wire.now + 1000
        wire.runUntil(() => wire.now >= end, HOUR)
    }
    for (let round = 0; round < ROUNDS; round++) {
        send(BULK)
        send(MESSAGE)
    }
    return hosts[0].stack.counters.getAt(Counter.Retransmits, "i32")
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
