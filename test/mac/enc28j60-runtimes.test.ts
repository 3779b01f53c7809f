// The ENC28J60's driver in a program, on both runtimes.

import { describe, expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { Enc28j60Chip } from "../../sim/chip/enc28j60"
import type { VirtualClock } from "../../sim/time/clock"
import { type Echoed, echo, frame, type Hardware, hex, PEER, panicsOfDeadChip, STATION } from "./echo-device"

const HARDWARE: Hardware<Enc28j60Chip> = {
    board: readBoard("pico_enc28j60"),
    chip: options => new Enc28j60Chip(options),
}

/** Plays a scenario on both runtimes, and returns what came of it, which must be the same on both. */
async function onBoth(scenario: (chip: Enc28j60Chip, clock: VirtualClock) => Promise<void>): Promise<Echoed> {
    const vm = await echo("vm", HARDWARE, scenario)
    expect(await echo("node", HARDWARE, scenario)).toEqual(vm)
    return vm
}

describe("the ENC28J60's driver on the VM and under Node", () => {
    test("120 frames of all sizes are echoed, the same at the same times on both", async () => {
        const lengths = Array.from({ length: 120 }, (_, n) => 60 + ((n * 397) % 1455))
        const { sent, log, counters } = await onBoth(async (chip, clock) => {
            for (const [n, length] of lengths.entries()) {
                chip.deliver(frame(STATION, PEER, length, n))
                if (n % 3 === 2) await clock.runUntil(clock.now() + 150)
            }
        })
        expect(hex(sent)).toEqual(hex(lengths.map((length, n) => frame(PEER, STATION, length, n))))
        expect(counters).toBe("120 120 0 0 0 0 0 0")
        expect(log).toEqual(["up true"])
    })

    test("faults of the chip lead to the same frames, counters and messages on both", async () => {
        const { sent, log, counters } = await onBoth(async (chip, clock) => {
            const deliver = async (n: number, ms: number) => {
                chip.deliver(frame(STATION, PEER, 60 + n * 100, n))
                await clock.runUntil(clock.now() + ms)
            }
            await clock.runUntil(2000)
            chip.faults.nextPackets = [0x1fff]
            await deliver(1, 100)
            await deliver(2, 100)
            chip.faults.linkPulses = 1
            await deliver(3, 400)
            chip.faults.stuckSends = 1
            await deliver(4, 500)
            chip.setLink(false)
            await clock.runUntil(clock.now() + 400)
            chip.setLink(true)
            await clock.runUntil(clock.now() + 400)
            await deliver(5, 100)
            chip.faults.overflows = 1
            await deliver(6, 400)
            chip.faults.dead = 0xff
            await deliver(7, 5000)
            chip.faults.dead = undefined
            await clock.runUntil(clock.now() + 1500)
            await deliver(8, 100)
        })
        expect(hex(sent)).toEqual(hex([2, 3, 5, 8].map(n => frame(PEER, STATION, 60 + n * 100, n))))
        // four that came back and the one that never left; resync for the header and for the overflow
        expect(counters).toMatch(/^5 5 1 0 2 1 1 [01]$/)
        expect(log).toEqual([
            "up true",
            expect.stringMatching(/^ENC28J60: does not answer/),
            "ENC28J60: answers again",
        ])
    })

    test("start() without a chip throws what to check, on both", async () => {
        for (const runtime of ["vm", "node"] as const) {
            const panics = await panicsOfDeadChip(runtime, HARDWARE, 300)
            expect(panics).toHaveLength(1)
            expect(panics[0]).toContain("check power, crystal, reset, CS, SCK, MOSI, MISO")
        }
    })
})
