import { describe, expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { Enc28j60Chip } from "../../sim/chip/enc28j60"
import { Device } from "../../sim/device/device"
import { describePanic } from "../../sim/device/runtime"
import { VirtualClock } from "../../sim/time/clock"

const STATION = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]
const PEER = [0x02, 0, 0, 0, 0, 1]

function frame(to: number[], from: number[], length: number, seed: number): Uint8Array {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 11 + seed * 5) & 0xff)
    bytes.set([...to, ...from, 0x88, 0xb5])
    return bytes
}

const hex = (frames: Uint8Array[]) => frames.map(bytes => Buffer.from(bytes).toString("hex"))

interface Echoed {
    sent: Uint8Array[]
    /** When each of these was on the wire. */
    times: number[]
    log: string[]
    counters: string | undefined
}

/** The very image of a board on the VM, or the same sources under Node: an echo of frames behind the driver. */
async function echo(
    runtime: "vm" | "node",
    scenario: (chip: Enc28j60Chip, clock: VirtualClock) => Promise<void>
): Promise<Echoed> {
    const clock = new VirtualClock()
    const sent: Uint8Array[] = []
    const times: number[] = []
    const log: string[] = []
    const send = (bytes: Uint8Array) => {
        sent.push(bytes)
        times.push(clock.now())
    }
    const chip = new Enc28j60Chip({ clock, send })
    const device = new Device({
        clock,
        runtime,
        chip,
        board: readBoard("pico_enc28j60"),
        program: "test/mac/echo.ts",
        onLog: (level, text) => {
            if (level === "log" || level === "warn") log.push(text)
        },
        onPanic: panic => log.push(describePanic(panic)),
    })
    await device.start()
    await clock.runUntil(20)
    await scenario(chip, clock)
    let counters: string[] | undefined
    void device.command("counters").then(reply => {
        counters = reply.lines
    })
    await clock.runUntil(() => counters !== undefined, clock.now() + 100)
    device.stop()
    expect(chip.misuses).toEqual([])
    return {
        sent,
        times,
        log: log.filter(line => !/^(DeviceScript|start: )/.test(line)),
        counters: counters?.join(" "),
    }
}

async function onBoth(scenario: (chip: Enc28j60Chip, clock: VirtualClock) => Promise<void>): Promise<Echoed> {
    const vm = await echo("vm", scenario)
    expect(await echo("node", scenario)).toEqual(vm)
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
            const clock = new VirtualClock()
            const chip = new Enc28j60Chip({ clock, send: () => {} })
            chip.faults.dead = 0xff
            const panics: string[] = []
            const onPanic = ({ message }: { message: string }) => void panics.push(message)
            const board = readBoard("pico_enc28j60")
            const device = new Device({ clock, runtime, chip, board, program: "test/mac/echo.ts", onPanic })
            await device.start()
            await clock.runUntil(300)
            device.stop()
            expect(panics).toHaveLength(1)
            expect(panics[0]).toContain("check power, crystal, reset, CS, SCK, MOSI, MISO")
        }
    })
})
