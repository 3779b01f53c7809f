// A device whose SPI bus flips bits, both ways: a peer that echoes through it, and a station that asks for its address.

import { describe, expect, test } from "vitest"
import type { Enc28j60Chip } from "../../sim/chip/enc28j60"
import type { W5500Chip } from "../../sim/chip/w5500"
import { DEVICE_IP, Net } from "../scenarios/net"
import { arp, broadcastMac, ethernet } from "../support/frames"

/** Milliseconds between two ARP requests. */
const EACH = 100
/** The longest time without a reply, ms: the drivers find a disturbed register within 1 s. */
const LONGEST = 2000
const STATION = { mac: "02:00:00:00:09:09", ip: "10.0.0.9" }

interface BitErrors {
    each: number
    /** The longest time without a reply, ms, and the number of replies. */
    gap: number
    answers: number
    /** Bytes that came back, connections it took, and connections on which a byte was wrong. */
    echoed: number
    connections: number
    wrong: number
    /** Transfers with two flipped bits or more that no Internet checksum can tell from none. */
    hidden: number
    flips: number
    counters: string[]
}

/** The sum of all 16-bit words, as the Internet checksum has it; where the first begins does not matter to a difference. */
function sum(bytes: Uint8Array): number {
    return bytes.reduce((sum, byte, i) => (sum + (i % 2 === 0 ? byte << 8 : byte)) % 0xffff, 0)
}

/** Runs a board for `seconds` with bits that flip at `rate`, and for 3 s without. */
async function bitErrors(
    runtime: "vm" | "node",
    rate: number,
    seconds: number,
    seed: number,
    board?: string
): Promise<BitErrors> {
    const net = await Net.open<W5500Chip | Enc28j60Chip>(runtime, {
        seed,
        impairments: { delay: 1 },
        ...(board === undefined ? {} : { board }),
    })
    const { clock, chip } = net
    const result: BitErrors = {
        each: EACH,
        gap: 0,
        answers: 0,
        echoed: 0,
        connections: 0,
        wrong: 0,
        hidden: 0,
        flips: 0,
        counters: [],
    }
    let heardAt = clock.now()
    const end = heardAt + seconds * 1000
    const answered = () => {
        result.gap = Math.max(result.gap, clock.now() - heardAt)
        heardAt = clock.now()
    }
    const station = net.attach({
        name: "station",
        receive: frame => {
            // an ARP reply; other bits of it may be wrong
            if (frame[12] !== 0x08 || frame[13] !== 0x06 || frame[21] !== 2) return
            result.answers++
            answered()
        },
    })
    const question = ethernet(
        broadcastMac,
        STATION.mac,
        0x0806,
        arp({ operation: 1, senderMac: STATION.mac, senderIp: STATION.ip, targetIp: DEVICE_IP })
    )
    const ask = () => {
        station.send(Uint8Array.from(question))
        if (clock.now() < end) clock.at(clock.now() + EACH, ask)
    }
    const peer = net.host(1)
    const talk = () => {
        result.connections++
        let said = 0
        // what the device has not echoed yet
        let expected = ""
        let isWrong = false
        const connection = peer.connect(DEVICE_IP, 7, {
            data: (_connection, data) => {
                result.echoed += data.length
                if (!expected.startsWith(data) && !isWrong) {
                    isWrong = true
                    result.wrong++
                }
                expected = expected.slice(data.length)
            },
        })
        const more = () => {
            if (clock.now() >= end) return
            // a connection on which 4,000 bytes are out is given up
            if (connection.ended || expected.length > 4000) {
                connection.abort()
                talk()
                return
            }
            const line = `${result.connections}:${said}:${"abcdefgh".repeat((said % 60) + 1)}\n`
            said += line.length
            expected += line
            connection.send(line)
            clock.at(clock.now() + 200, more)
        }
        more()
    }
    chip.faults.onError = (_line, arrived, sent) => {
        result.flips++
        if (arrived.length > 5 && sum(arrived) === sum(sent)) result.hidden++
    }
    chip.faults.misoErrors = rate
    chip.faults.mosiErrors = rate
    clock.at(clock.now() + 1, ask)
    clock.at(clock.now() + 2, talk)
    await net.pass(seconds * 1000)
    answered()
    chip.faults.misoErrors = 0
    chip.faults.mosiErrors = 0
    await net.pass(3000)
    result.counters = await net.command("stats")
    await net.close()
    return result
}

function check(result: BitErrors, seconds: number): void {
    console.log(JSON.stringify({ ...result, counters: result.counters.filter(l => l.includes("driver")) }))
    expect(result.gap).toBeLessThan(LONGEST)
    expect(result.answers).toBeGreaterThan((seconds * 1000 * 0.9) / result.each)
    expect(result.echoed).toBeGreaterThan(seconds * 200)
    expect(result.wrong).toBeLessThanOrEqual(result.hidden)
}

/** Declares the tests of a board, the default one when left out, whose bus flips bits. `bits` names them in the titles. */
export function testBitErrors(bits: string, board?: string): void {
    describe.each([1e-6, 1e-5])("one SPI bit in 1 / %f flips", rate => {
        test.each([1, 2, 3])(
            `ten minutes of ${bits} under Node, seed %i: no gap of 2 s, no wrong byte`,
            { timeout: 300_000 },
            async seed => check(await bitErrors("node", rate, 600, seed, board), 600)
        )

        test(`a minute of ${bits} on the VM: no gap of 2 s, no wrong byte`, { timeout: 120_000 }, async () =>
            check(await bitErrors("vm", rate, 60, 4, board), 60)
        )
    })
}
