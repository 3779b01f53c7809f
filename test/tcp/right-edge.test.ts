// A pure ACK at the right edge of the window, RCV.NXT+RCV.WND: a peer whose data filled the window, and was lost, sends its
// ACKs from there. RFC 9293 section 3.10.7.4 has it answered and dropped; its appendix A.2 warns of what comes of that, and
// asks implementers to see to it. Here it is answered and counts.

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { Random } from "../../sim/time/random"
import { accept, connect, listen, read, write } from "../../src/tcp/calls"
import { Host, ip } from "../support/host"
import { LossyWire } from "../support/lossy"
import { needs } from "../support/needs"
import { bases, established, halfOpen, reach } from "../support/states"

describe.each(bases)("an ACK at the right edge of our window, $name", base => {
    test("an ACK at the right edge acknowledges data in ESTABLISHED", () => {
        const peer = established({ base }).writes(5).gets("P. 1(5) ack 1")
        peer.sends(". edge ack 6").gets(". 6 ack 1").after(200_000).gets().is("ESTABLISHED")
    })

    test("an ACK at the right edge updates the peer's window", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(5).gets()
        peer.sends(". edge ack 1 win 100").gets("P. 1(5) ack 1")
    })

    test.each([
        ["FIN-WAIT-1", "FIN-WAIT-2"],
        ["CLOSING", "TIME-WAIT"],
        ["LAST-ACK", "CLOSED"],
    ] as const)("an ACK at the right edge acknowledges our FIN: %s goes to %s", (from, to) => {
        reach(from, { base }).sends(". edge ack nxt").is(to)
    })

    test("an ACK at the right edge in SYN-RECEIVED is answered, and the next ACK opens", () => {
        halfOpen({ base }).sends(". edge ack 1").gets(". 1 ack 1").sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("an ACK at the right edge of a number that was never sent is answered and dropped", () => {
        established({ base }).sends(". edge ack 2").gets(". 1 ack 1").is("ESTABLISHED")
    })
})

describe("two stacks that both fill the window on a wire that loses frames", () => {
    const HOUR = 3_600_000
    const RING = 4096

    // by the letter 10 % with seed 8 was stuck after 5,544 bytes, and 5 % with seed 3 after 554,738
    test.each([
        [0.1, 1000],
        [0.1, 200],
        [0.05, 200],
    ])("loss %d, rtoMin %i: each stack receives all 600 KB", (loss, rtoMin) => {
        needs("ACTIVE_OPENS", "PASSIVE_OPENS")
        for (let seed = 1; seed <= 12; seed++) {
            const config = { sendBuffer: RING, receiveBuffer: RING, connections: 1, rtoMin }
            const hosts = [new Host("10.0.0.1", config), new Host("10.0.0.2", config)] as const
            const random = new Random(seed)
            for (const host of hosts) random.fill(host.stack.hashInput.subarray(0, 16))
            const delay: [number, number] = [20, 20]
            const impairment = { seed, loss: 0, duplicate: 0, corrupt: 0, sparesArp: true, delay }
            const wire = new LossyWire([...hosts], impairment)
            wire.checkEvery = 64
            const listener = listen(hosts[1].stack, 80, 1)
            const ids = [connect(hosts[0].stack, ip("10.0.0.2"), 80, 5000, 0), 0]
            wire.runUntil(() => {
                ids[1] = accept(hosts[1].stack, listener)
                return ids[1] > 0
            }, HOUR)
            impairment.loss = loss
            const total = 150 * RING
            const scratch = Buffer.alloc(RING)
            const sent = [0, 0]
            const heard = [0, 0]
            const done = wire.runUntil(() => {
                for (const [n, { stack }] of hosts.entries()) {
                    const id = ids[n]!
                    for (let got = 1; got > 0; heard[n]! += Math.max(0, got))
                        got = read(stack, id, scratch, 0, RING)
                    const left = total - sent[n]!
                    if (left > 0) sent[n]! += Math.max(0, write(stack, id, scratch, 0, Math.min(RING, left)))
                }
                return heard[0]! + heard[1]! >= 2 * total
            }, HOUR)
            expect({ seed, done, heard }).toEqual({ seed, done: true, heard: [total, total] })
        }
    })
})
