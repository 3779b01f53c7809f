// The W5500 driver in a program, on both runtimes.

import { describe, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { echo as echoOn, frame, type Hardware, hex, PEER, panicsOfDeadChip, STATION } from "./echo-device"

const HARDWARE: Hardware<W5500Chip> = { chip: options => new W5500Chip(options) }

describe.each(["vm", "node"] as const)("the W5500 driver on %s", runtime => {
    const echo = (scenario: Parameters<typeof echoOn<W5500Chip>>[2]) => echoOn(runtime, HARDWARE, scenario)

    test("120 frames of all sizes are echoed byte for byte", async () => {
        const lengths = Array.from({ length: 120 }, (_, n) => 60 + ((n * 397) % 1455))
        const { sent, log, counters } = await echo(async (chip, clock) => {
            for (const [n, length] of lengths.entries()) {
                chip.deliver(frame(STATION, PEER, length, n))
                if (n % 5 === 4) await clock.runUntil(clock.now() + 150)
            }
        })
        expect(hex(sent)).toEqual(hex(lengths.map((length, n) => frame(PEER, STATION, length, n))))
        expect(counters).toBe("120 120 0 0 0 0 0 0")
        expect(log).toEqual(["up true"])
    })

    test("faults of the chip lose the frames they hit, and no others", async () => {
        const { sent, log, counters } = await echo(async (chip, clock) => {
            const deliver = async (n: number, ms: number) => {
                chip.deliver(frame(STATION, PEER, 60 + n * 100, n))
                await clock.runUntil(clock.now() + ms)
            }
            await clock.runUntil(2000)
            chip.faults.lengthHeaders = [0]
            await deliver(1, 100)
            await deliver(2, 100)
            chip.faults.lostSendOks = 1
            await deliver(3, 400)
            chip.faults.stuckSends = 1
            await deliver(4, 500)
            chip.setLink(false)
            await clock.runUntil(clock.now() + 200)
            chip.setLink(true)
            await clock.runUntil(clock.now() + 200)
            await deliver(5, 100)
            chip.faults.dead = 0xff
            await deliver(6, 5000)
            chip.faults.dead = undefined
            await clock.runUntil(clock.now() + 1500)
            await deliver(7, 100)
        })
        expect(hex(sent)).toEqual(hex([2, 3, 5, 7].map(n => frame(PEER, STATION, 60 + n * 100, n))))
        expect(counters).toBe("5 5 1 0 1 1 1 0")
        expect(log).toEqual([
            "up true",
            "W5500: does not answer as it should; the driver resets the chip until it answers",
            "W5500: answers again",
        ])
    })

    test("start() without a chip fails with what to check", async () => {
        const panics = await panicsOfDeadChip(runtime, HARDWARE, 200)
        expect(panics).toHaveLength(1)
        expect(panics[0]).toContain(
            "version register reads 255 instead of 4: check power, reset, CS, SCK, MOSI, MISO"
        )
    })
})
