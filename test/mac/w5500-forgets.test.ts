// Registers of the chip change by themselves, by a reset or by a wrong bit on the bus: the driver finds out and sets them again.

import { describe, expect, test } from "vitest"
import { MacCounter } from "../../src/mac/mac"
import { Bench, type BenchOptions, frame, STATION, STUCK_LINES, started } from "./bench"

const COMMON = 0
const SOCKET = 1
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
const OTHER = [0x02, 0x99, 0x99, 0x99, 0x99, 0x99]
const GROUP = [0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb]
const GROUP6 = [0x33, 0x33, 0x00, 0x00, 0x00, 0x01]

const ipv6 = frame(60, 5, GROUP6)
ipv6.set([0x86, 0xdd], 12)

/** Asserts that frames go both ways, and those for other stations do not come in. */
async function expectToWork(bench: Bench): Promise<void> {
    bench.received.length = 0
    bench.sent.length = 0
    bench.chip.misuses.length = 0
    const [inward, outward, toAll] = [frame(200, 1), frame(300, 2), frame(60, 3, BROADCAST)]
    for (const bytes of [inward, toAll, frame(60, 4, OTHER), frame(60, 4, GROUP), ipv6])
        bench.chip.deliver(bytes)
    expect(await bench.send(outward)).toBe(true)
    await bench.run(5)
    expect(bench.received).toEqual([inward, toAll])
    expect(bench.sent).toEqual([outward])
    expect(bench.chip.misuses).toEqual([])
}

/** Returns a bench that has been up for 2 s, so that a reset is not delayed. */
async function settled(options: BenchOptions = {}): Promise<Bench> {
    const bench = await started(options)
    await bench.run(2000)
    return bench
}

describe("a register of the W5500 changes by itself", () => {
    const registers: [string, number, number][] = []
    for (let address = 0; address <= 0x39; address++)
        registers.push([`common 0x${address.toString(16).padStart(2, "0")}`, COMMON, address])
    for (let address = 0; address <= 0x2f; address++)
        registers.push([`socket 0x${address.toString(16).padStart(2, "0")}`, SOCKET, address])

    test.each(registers)(
        "register %s changed to any value: the driver works as before within 200 ms",
        async (_, block, address) => {
            for (const value of [0x00, 0x01, 0x10, 0x30, 0x38, 0x42, 0x7f, 0x80, 0xff]) {
                const bench = await settled()
                // RST of MR is a reset and CLOSE a command; the driver recovers from both as from any other change
                bench.chip.change(block, address, value)
                await bench.run(200)
                // a changed read pointer shows when there is something to read: the waiting frames are lost
                bench.chip.deliver(frame(60))
                await bench.run(5)
                await expectToWork(bench)
                expect(bench.warnings.length).toBeLessThanOrEqual(2)
            }
        }
    )

    test.each([
        ["SHAR changed, which would make the board deaf", COMMON, 0x0b, 0x23, { repair: 1 }],
        ["MR changed", COMMON, 0x00, 0x08, { repair: 1 }],
        ["PHYCFGR changed, the PHY in reset", COMMON, 0x2e, 0x38, { repair: 1 }],
        ["PHYCFGR changed, the PHY powered down", COMMON, 0x2e, 0xf0, { repair: 1 }],
        ["Sn_MR changed, the filters off", SOCKET, 0x00, 0x04, { repair: 1 }],
        ["the socket closed", SOCKET, 0x01, 0x10, { repair: 1 }],
        ["Sn_TX_WR changed", SOCKET, 0x25, 0x77, {}],
        ["Sn_IMR changed, SENDOK not shown", SOCKET, 0x2c, 0x00, {}],
        ["Sn_TXBUF_SIZE changed", SOCKET, 0x1f, 2, { chipReset: 1 }],
    ])("%s: the driver repairs or resets what this takes", async (_, block, address, value, trouble) => {
        const bench = await settled()
        bench.chip.change(block, address, value)
        await bench.run(101)
        expect(bench.trouble).toEqual(trouble)
        await expectToWork(bench)
        expect(bench.trouble).toEqual(trouble)
    })

    test("Sn_RX_RD changed: the waiting frame is lost, later ones come in", async () => {
        const bench = await settled()
        bench.chip.change(SOCKET, 0x29, 0x77)
        bench.chip.deliver(frame(60))
        await bench.run(5)
        expect([bench.received.length, bench.trouble]).toEqual([0, { resync: 1 }])
        await expectToWork(bench)
    })

    test("SHAR or PHYCFGR read wrong once: no repair, and the link stays up", async () => {
        const bench = await settled()
        const { transfer } = bench.chip
        for (const at of [3, 12, 17, 49, 60]) {
            let looks = 0
            bench.chip.transfer = bytes => {
                transfer.call(bench.chip, bytes)
                if (bytes.length === 61 && ++looks === 1) bytes[at]! ^= 0x01
            }
            await bench.run(100)
            expect(bench.mac.linkUp).toBe(true)
        }
        expect(bench.trouble).toEqual({})
    })

    test("SHAR changed 50 times is repaired 50 times", async () => {
        const bench = await settled()
        for (let n = 0; n < 50; n++) {
            bench.chip.change(COMMON, 0x09, 0x40 + n)
            await bench.run(150)
        }
        expect(bench.counter(MacCounter.Repair)).toBe(50)
        await expectToWork(bench)
    })
})

describe("the PHY of the W5500", () => {
    test("a PHY held in reset for 3 s: no link, and a link afterwards", async () => {
        const bench = await settled({ negotiation: 500 })
        await bench.run(600)
        bench.chip.faults.phyHeld = true
        await bench.run(3000)
        expect(bench.mac.linkUp).toBe(false)
        expect(await bench.send(frame(60))).toBe(false)
        bench.chip.faults.phyHeld = false
        await bench.run(700)
        expect(bench.mac.linkUp).toBe(true)
        await expectToWork(bench)
    })

    test("a PHYCFGR that holds the PHY in reset is repaired, and the link comes back", async () => {
        const bench = await settled({ negotiation: 500 })
        await bench.run(600)
        bench.chip.change(COMMON, 0x2e, 0x38)
        await bench.run(101)
        expect(bench.trouble).toEqual({ repair: 1 })
        await bench.run(700)
        expect(bench.mac.linkUp).toBe(true)
        await expectToWork(bench)
    })
})

describe("a brown-out of the W5500", () => {
    test.each([1, 30, 300])("a brown-out of %i ms: the chip is reset and works within 2 s", async ms => {
        const bench = await settled({ negotiation: 500 })
        await bench.run(600)
        bench.chip.brownOut(ms)
        await bench.run(1900)
        expect(bench.trouble).toEqual({ chipReset: 1 })
        expect(bench.mac.linkUp).toBe(true)
        await expectToWork(bench)
    })
})

describe("a stuck line of the W5500", () => {
    test.each(STUCK_LINES)(
        "$line stuck at $level for $ms ms: the driver works within 2 s afterwards",
        async ({ line, level, ms }) => {
            const bench = await settled()
            bench.chip.faults[`${line}Stuck`] = level
            bench.chip.deliver(frame(60))
            await bench.send(frame(60))
            await bench.run(ms)
            bench.chip.faults[`${line}Stuck`] = undefined
            await bench.run(1900)
            expect(bench.mac.linkUp).toBe(true)
            await expectToWork(bench)
            expect(bench.received.length).toBe(2)
        }
    )
})

describe("a reset of the W5500", () => {
    test.each([1, 20, 45])(
        "a VERSIONR of 0 for %i ms after a reset: start() waits and succeeds",
        async ms => {
            const bench = new Bench()
            bench.chip.faults.versionDelay = ms
            await bench.mac.start()
            expect(bench.clock.now()).toBeLessThan(60)
            await expectToWork(bench)
            expect(bench.warnings).toEqual([])
        }
    )

    test("a reset over SPI of a chip that is deaf for 1 ms succeeds", async () => {
        const bench = new Bench({ resetLine: false })
        bench.chip.faults.deafAfterReset = 1
        await bench.mac.start()
        await expectToWork(bench)
    })

    // between two awaits a board's clock stands still: the program that starts the driver may have worked for long
    test.each([1, 3, 30, 1000])(
        "the reset pulse is long enough where the clock is %i ms late",
        async late => {
            const bench = new Bench({ transferTime: 0.023, lateClock: late })
            const { power } = await import("../../src/mac/poll-wait")
            power.idle = async () => {}
            await bench.mac.start()
            expect(bench.chip.misuses).toEqual([])
            expect(bench.warnings).toEqual([])
        }
    )
})

describe("a Sn_RX_RSR ahead of the W5500's memory", () => {
    test.each([0.05, 0.3, 2])(
        "a Sn_RX_RSR %f ms ahead of the memory: the driver works afterwards",
        async ms => {
            const bench = await settled({ transferTime: 0.1 })
            bench.chip.faults.sizeAhead = ms
            for (let n = 0; n < 50; n++) {
                bench.chip.deliver(frame(60 + n * 20, n))
                await bench.run(10)
            }
            bench.chip.faults.sizeAhead = 0
            await bench.run(100)
            await expectToWork(bench)
        }
    )
})

describe("multicast through the W5500", () => {
    test("a multicast frame comes in while multicast is set, an IPv6 frame never does", async () => {
        const bench = await settled()
        bench.mac.multicast = true
        await bench.run(101)
        for (const bytes of [ipv6, frame(60, 6, GROUP)]) bench.chip.deliver(bytes)
        await bench.run(5)
        expect(bench.received).toEqual([frame(60, 6, GROUP)])
        expect(bench.trouble).toEqual({ resync: 1 })
        bench.chip.reset(0)
        await bench.run(1)
        bench.chip.reset(1)
        await bench.run(200)
        bench.chip.deliver(frame(60, 7, GROUP))
        await bench.run(5)
        expect(bench.received[1]).toEqual(frame(60, 7, GROUP))
    })

    test("multicast set before start() holds after it", async () => {
        const bench = new Bench()
        bench.mac.multicast = true
        await bench.mac.start()
        bench.chip.deliver(frame(60, 6, GROUP))
        expect(await bench.receive()).toEqual(frame(60, 6, GROUP))
        expect(STATION[0]! & 1).toBe(0)
    })
})
