// What the segments of a connection cost on the VM, in operations: some 380 cycles each on an RP2040. docs/measurements.md has
// the numbers.

import { afterAll, describe, expect, test } from "vitest"
import { CallKind } from "../fuzz/stack-under-test"
import { CostPeer, measured, operationsOf, type Steps } from "./count"

const rows: string[] = []
afterAll(() => console.log(rows.join("\n")))

interface Cost {
    /** What is configured otherwise than for the others. */
    config?: Record<string, number>
    steps: (peer: CostPeer) => Steps
    /** The most operations without timestamps and events; with timestamps; with both. */
    most: [number, number, number]
}

/** Rings in which full segments are no more than half of the window. */
const ROOMY = { receiveBuffer: 4096, sendBuffer: 4096, connections: 4 }

const costs: Record<string, Cost> = {
    "SYN in, SYN-ACK out": {
        *steps(peer) {
            yield* peer.listening()
            const { frame } = yield measured(peer.segment("S", 0, ["mss 1460"]))
            peer.hears(frame)
        },
        most: [2700, 3250, 3700],
    },
    "ACK in, ESTABLISHED": {
        *steps(peer) {
            yield* peer.listening()
            yield* peer.halfOpen()
            const { frame } = yield measured(peer.segment("."))
            if (frame !== undefined) throw new Error("the handshake's last ACK is answered")
            yield* peer.accepted()
        },
        most: [3200, 3950, 4100],
    },
    "SYN in, SYN cookie out": {
        config: { halfOpen: 0 },
        *steps(peer) {
            yield* peer.listening()
            const { frame } = yield measured(peer.segment("S", 0, ["mss 1460"]))
            peer.hears(frame)
        },
        most: [2450, 3000, 3400],
    },
    "cookie in, ESTABLISHED": {
        config: { halfOpen: 0 },
        *steps(peer) {
            yield* peer.listening()
            yield* peer.halfOpen()
            yield measured(peer.segment("."))
            yield* peer.accepted()
        },
        most: [3200, 3950, 4250],
    },
    "full segment in, no ACK yet": {
        *steps(peer) {
            yield* peer.listening()
            yield* peer.established()
            const { frame } = yield measured(peer.segment("P.", peer.mss))
            if (frame !== undefined) throw new Error("it is acknowledged at once")
        },
        most: [4250, 4450, 4600],
    },
    "full segment in, ACK out": {
        *steps(peer) {
            yield* peer.listening()
            yield* peer.established()
            yield peer.segment("P.", peer.mss)
            const { frame } = yield measured(peer.segment("P.", peer.mss))
            peer.hears(frame)
        },
        most: [5200, 5500, 5800],
    },
    "full segment out": {
        *steps(peer) {
            yield* peer.listening()
            const id = yield* peer.established()
            yield peer.call(CallKind.Write, id, peer.mss, 0, new Uint8Array(peer.mss).fill(0x62))
            const { frame } = yield measured(peer.turn())
            const { payload } = peer.hears(frame)
            if (payload.length !== peer.mss) throw new Error(`${payload.length} bytes of text`)
        },
        most: [3900, 4000, 4150],
    },
    "pure ACK in": {
        *steps(peer) {
            yield* peer.listening()
            const id = yield* peer.established()
            yield peer.call(CallKind.Write, id, 100, 0, new Uint8Array(100))
            const { frame } = yield peer.turn()
            peer.hears(frame)
            yield measured(peer.segment("."))
        },
        most: [2350, 2550, 2650],
    },
}

const variants = [
    ["plain", 0, 0],
    ["timestamps", 1, 0],
    ["timestamps, 32 events", 1, 32],
] as const

describe.each(Object.keys(costs))("operations of: %s", what => {
    const { steps, most, config: own } = costs[what]!
    test.each(variants)("with %s stay within their limit", async (name, timestamps, events) => {
        const config = { ...ROOMY, ...own, timestamps, events }
        const n = await operationsOf(config, () => steps(new CostPeer(timestamps === 1)))
        rows.push(`${n.toLocaleString("en").padStart(7)} operations: ${what}, ${name}`)
        expect(n).toBeLessThanOrEqual(most[variants.findIndex(v => v[0] === name)]!)
    })
})
