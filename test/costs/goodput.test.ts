// How much of what the window allows gets through: our stack at both ends of a wire with 20 ms each way that loses
// frames at random, in virtual time. 100 % is a window in every round trip.

import { afterAll, describe, expect, test } from "vitest"
import { Random } from "../../sim/time/random"
import { Host } from "../support/host"
import { oneWay } from "./one-way"

const DELAY = 20
const RTT = 2 * DELAY
/** Windows to be sent; those of a lossy wire are enough for the losses to even out. */
const WINDOWS = 150
const SEEDS = [1, 2, 3, 4]

const losses = [0, 0.01, 0.05, 0.1] as const
const rings = [1024, 4096, 16_384] as const
const timeouts = [1000, 200] as const

const rows: string[] = []
afterAll(() => {
    const head = losses.map(loss => `${loss * 100} % lost`.padStart(11)).join("")
    console.log(
        ["goodput as a part of window / RTT, 20 ms each way", `${" ".repeat(24)}${head}`, ...rows].join("\n")
    )
})

/** Bytes a millisecond from one end to the other. */
function rate(ring: number, loss: number, rtoMin: number, seed: number): number {
    const config = { sendBuffer: ring, receiveBuffer: ring, connections: 1, rtoMin }
    const hosts: [Host, Host] = [new Host("10.0.0.1", config), new Host("10.0.0.2", config)]
    const random = new Random(seed)
    for (const host of hosts) random.fill(host.stack.hashInput.subarray(0, 16))
    const impairment = {
        seed,
        loss: 0,
        duplicate: 0,
        corrupt: 0,
        sparesArp: true,
        delay: [DELAY, DELAY] as [number, number],
    }
    const { wire, send } = oneWay(hosts, impairment, ring)
    // the handshake is not what is measured
    impairment.loss = loss
    const began = wire.now
    const total = WINDOWS * ring
    const heard = send(total)
    if (heard < total) throw new Error(`${heard} of ${total} bytes in an hour`)
    return total / (wire.now - began)
}

/** The least part of window / RTT, in percent, for each loss: some two thirds of what was measured. */
const floors: Record<number, Record<number, readonly number[]>> = {
    1000: { 1024: [95, 46, 17, 9], 4096: [95, 54, 15, 7.7], 16384: [95, 35, 10.5, 3.2] },
    200: { 1024: [95, 57, 35, 22], 4096: [95, 60, 32, 20], 16384: [95, 40, 15, 7] },
}

describe.each(timeouts)("goodput with a timeout of at least %i ms", rtoMin => {
    test.each(rings)(
        "goodput with rings of %i bytes at 0 to 5 % lost has its least part of window / RTT",
        ring => {
            const parts = losses.map(loss => {
                const seeds = loss === 0 ? [1] : SEEDS
                const rates = seeds.map(seed => rate(ring, loss, rtoMin, seed))
                const mean = rates.reduce((sum, one) => sum + one, 0) / rates.length
                return (100 * mean) / (ring / RTT)
            })
            const numbers = parts.map(part => `${part.toFixed(1)} %`.padStart(11)).join("")
            rows.push(`ring ${ring}, rtoMin ${rtoMin}`.padEnd(24) + numbers)
            for (const [i, part] of parts.entries()) {
                expect(part, `${losses[i]! * 100} % lost`).toBeGreaterThanOrEqual(floors[rtoMin]![ring]![i]!)
            }
        }
    )
})
