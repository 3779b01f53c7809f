// A device whose SPI bus flips bits, both ways: a peer that echoes through it, and a station that asks for its address.

import type { Enc28j60Chip } from "../../sim/chip/enc28j60"
import type { W5500Chip } from "../../sim/chip/w5500"
import { DEVICE_IP, Net } from "../scenarios/net"
import { arp, broadcastMac, ethernet } from "../support/frames"

/** Milliseconds between two questions. */
const EACH = 100
const STATION = { mac: "02:00:00:00:09:09", ip: "10.0.0.9" }

export interface BitErrors {
    each: number
    /** The longest time without an answer, ms, and how many came. */
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
export async function bitErrors(
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
            // who it is from, and that it is an answer: bits of it may be wrong
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
        let said = ""
        let heard = ""
        let isWrong = false
        const connection = peer.connect(DEVICE_IP, 7, {
            data: (_connection, data) => {
                heard += data
                result.echoed += data.length
                if (isWrong || said.startsWith(heard)) return
                isWrong = true
                result.wrong++
            },
        })
        const more = () => {
            if (clock.now() >= end) return
            // one that got nothing back for a while is of no more use
            if (connection.ended || said.length - heard.length > 4000) {
                connection.abort()
                talk()
                return
            }
            const line = `${result.connections}:${said.length}:${"abcdefgh".repeat((said.length % 60) + 1)}\n`
            said += line
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
