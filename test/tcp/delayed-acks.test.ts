// Never stop-and-wait against a peer that acknowledges every second segment, or after 250 ms (RFC 9293 section 3.8.6.3, RFC 5681
// section 4.2): 300 KB, 1 ms each way, no loss, sent and echoed.

import { Buffer } from "@devicescript/core"
import { afterAll, describe, expect, test } from "vitest"
import { accept, listen, read, write } from "../../src/tcp/calls"
import { Tcb } from "../../src/tcp/records"
import { findConnection } from "../../src/tcp/tables"
import { DelayingPeer } from "../support/delaying-peer"
import { Host } from "../support/host"

const TOTAL = 300_000
const RTT = 2
const rows: string[] = []
afterAll(() => console.log(rows.join("\n")))

interface Case {
    ring: number
    mtu: number
    nagle: number
    echo: boolean
    ackDelay: number
    delay?: number
}

/** Returns the milliseconds that 300 KB take, and the number of ACKs without data. */
function transfer({ ring, mtu, nagle, echo, ackDelay, delay = RTT / 2 }: Case) {
    const host = new Host("10.0.0.1", { sendBuffer: ring, receiveBuffer: ring, mtu, nagle, connections: 1 })
    const { stack } = host
    const listener = listen(stack, 80, 1)
    const manner = { window: 65_535, mss: 1460, text: mtu - 40, ackDelay, delay, sends: echo ? TOTAL : 0 }
    const peer = new DelayingPeer(host, manner)
    const scratch = Buffer.alloc(ring)
    let id = 0
    let left = TOTAL
    peer.run(
        () => {
            if (id === 0) id = accept(stack, listener)
            if (id <= 0) return
            if (!echo) {
                left -= Math.max(0, write(stack, id, scratch, 0, Math.min(ring, left)))
                return
            }
            const c = findConnection(stack, id)!
            const room = ring - c.getAt(Tcb.SendLength, "u16")
            const n = room > 0 ? read(stack, id, scratch, 0, room) : 0
            if (n > 0) write(stack, id, scratch, 0, n)
        },
        () => peer.heard >= TOTAL
    )
    return { ms: peer.now, bareAcks: peer.bareAcks }
}

/** Sends 300 KB from the peer to a program that reads, 20 ms each way; returns the time and our ACKs. */
function received(ring: number, fills = false) {
    const host = new Host("10.0.0.1", { sendBuffer: ring, receiveBuffer: ring, connections: 1 })
    const { stack } = host
    const listener = listen(stack, 80, 1)
    const manner = { window: 65_535, mss: 1460, text: 1460, ackDelay: 250, delay: 20, sends: TOTAL, fills }
    const peer = new DelayingPeer(host, manner)
    const scratch = Buffer.alloc(ring)
    let id = 0
    peer.run(
        () => {
            if (id === 0) id = accept(stack, listener)
            if (id > 0) read(stack, id, scratch, 0, ring)
        },
        () => peer.acknowledged >= TOTAL
    )
    return { ms: peer.now, acks: peer.bareAcks, segments: peer.segments }
}

describe("a program that reads all from a peer that sends a segment when half of the window has room", () => {
    // the peer sends a segment when it has room for it, or for half of the window
    test.each([
        [536, 536],
        [1024, 1024],
        [1460, 1460],
        [2048, 1460],
        [4096, 2920],
        [8192, 5840],
    ])(
        "a receive ring of %i bytes: %i bytes a round trip, and an ACK for two segments or for each",
        (ring, bytes) => {
            const { ms, acks, segments } = received(ring)
            const each = Math.max(1, Math.min(2, Math.floor(bytes / 1460)))
            rows.push(`read ring ${ring}: ${ms} ms, ${segments} segments, ${acks} ACKs`)
            expect(ms).toBeLessThanOrEqual(((Math.ceil(TOTAL / bytes) + 2) * 40) / 0.9)
            // some have no second one to wait for
            expect(acks).toBeLessThanOrEqual((1.15 * segments) / each)
        }
    )
})

test.each([3000, 4096, 5000, 8192])(
    "a peer that fills a receive ring of %i bytes: nine tenths of it a round trip, at most two ACKs for three segments",
    ring => {
        const { ms, acks, segments } = received(ring, true)
        rows.push(`read ring ${ring}, filled: ${ms} ms, ${segments} segments, ${acks} ACKs`)
        expect(ms).toBeLessThanOrEqual(((Math.ceil(TOTAL / ring) + 2) * 40) / 0.9)
        expect(acks).toBeLessThanOrEqual((2 / 3) * segments + 2)
    }
)

test.each([1024, 1460, 2048, 4096, 8192])(
    "20 ms each way, a send ring of %i bytes: 90 %% of a ring is sent in a round trip",
    ring => {
        const took = transfer({ ring, mtu: 1500, nagle: 1, echo: false, ackDelay: 250, delay: 20 }).ms
        rows.push(
            `send 20 ms ring ${ring}: ${took} ms, ${Math.round((100 * TOTAL * 40) / ring / (took - 40))} %`
        )
        expect(took).toBeLessThanOrEqual(((Math.ceil(TOTAL / ring) + 1) * 40) / 0.9)
    }
)

describe.each([false, true])("300 KB to a peer that delays its ACKs, echoed: %s", echo => {
    describe.each([576, 1064, 1500])("MTU %i", mtu => {
        test.each([536, 1024, 1460, 2048, 4096])(
            "rings of %i bytes: at most 1.3 times the ideal time, with and without Nagle",
            ring => {
                for (const nagle of [1, 0]) {
                    const took = transfer({ ring, mtu, nagle, echo, ackDelay: 250 }).ms
                    const free = transfer({ ring, mtu, nagle, echo, ackDelay: 0 }).ms
                    // a ring a round trip, and one for the handshake
                    const ideal = (Math.ceil(TOTAL / ring) + 1) * RTT
                    rows.push(
                        `${echo ? "echo" : "send"} mtu ${mtu} ring ${ring} nagle ${nagle}: ${took} ms, ${free} without delay, ideal ${ideal}`
                    )
                    expect.soft(took, `Nagle ${nagle}`).toBeLessThanOrEqual(1.3 * (echo ? free : ideal))
                }
            }
        )
    })
})
