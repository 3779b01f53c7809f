// Registers of the ENC28J60 change by themselves, by a reset or by a disturbed bus: the driver finds out and sets them again.

import { describe, expect, test } from "vitest"
import { PhyReg, Reg } from "../../sim/chip/enc28j60-map"
import { MacCounter } from "../../src/mac/mac"
import { frame, STUCK_LINES } from "./bench"
import { expectToWork, settled } from "./enc28j60-bench"
import { readPhy } from "./enc28j60-registers"

describe("a register of the ENC28J60 that changes", () => {
    const banks = [0, 1, 2, 3]
    const registers = [
        ...banks.flatMap(bank => Array.from({ length: 0x1b }, (_, address) => bank * 32 + address)),
        0x1b,
        0x1c,
        0x1d,
        0x1e,
        0x1f,
    ].filter(register => (register & 0x1f) !== 0x1a)

    test.each(registers.map(register => [register.toString(16).padStart(2, "0"), register] as const))(
        "register 0x%s changed to any value: the driver works within 1.3 s",
        async (_, register) => {
            for (const value of [0x00, 0x01, 0x10, 0x38, 0x42, 0x7f, 0x80, 0xff]) {
                const bench = await settled()
                bench.chip.change(register, value)
                await bench.run(1300)
                // a pointer that is not ours shows when there is something to read: a packet that waits then is lost
                await bench.arrive(frame(60))
                await bench.run(300)
                bench.chip.misuses.length = 0
                await expectToWork(bench)
                expect(bench.mac.linkUp).toBe(true)
            }
        }
    )

    test.each([
        ["PHCON1 with loopback", PhyReg.PHCON1, 0x4000],
        ["PHCON1 with power save", PhyReg.PHCON1, 0x0800],
        ["PHCON1 with full duplex", PhyReg.PHCON1, 0x0100],
        ["PHCON1 with reset", PhyReg.PHCON1, 0x8000],
        ["PHCON2 with the transmitter off", PhyReg.PHCON2, 0x2100],
        ["PHCON2 with loopback in half duplex", PhyReg.PHCON2, 0x0000],
        ["PHCON2 with a forced link", PhyReg.PHCON2, 0x4100],
    ])("PHY register %s: the driver works within 1.3 s", async (_, register, value) => {
        const bench = await settled()
        bench.chip.change(0x100 + register, value)
        await bench.run(1300)
        bench.chip.misuses.length = 0
        await expectToWork(bench)
        expect(readPhy(bench.chip, PhyReg.PHCON1)).toBe(0)
        expect(readPhy(bench.chip, PhyReg.PHCON2)).toBe(0x0100)
    })

    test.each([
        ["MAADR2, without which the board would receive nothing", Reg.MAADR2, 0x99, { repair: 1 }],
        ["MACON1", Reg.MACON1, 0x00, { repair: 1 }],
        ["MACON3, without CRC", Reg.MACON3, 0x00, { repair: 1 }],
        ["ERXFCON, with all filters off", Reg.ERXFCON, 0x00, { repair: 1 }],
        ["ERXST", Reg.ERXST, 0x40, { repair: 1 }],
        ["ECON1, with RXEN clear", Reg.ECON1, 0x00, { repair: 1 }],
        ["ECON2, with power save", Reg.ECON2, 0xa0, { repair: 1, chipReset: 1 }],
        ["EWRPT", Reg.EWRPT, 0x77, {}],
        ["EHT0", Reg.EHT0, 0xff, {}],
    ])("register %s: the driver counts what it repairs, and works", async (_, register, value, trouble) => {
        const bench = await settled()
        bench.chip.change(register, value)
        await bench.run(1300)
        expect(bench.trouble).toEqual(trouble)
        bench.chip.misuses.length = 0
        await expectToWork(bench)
        expect(bench.trouble).toEqual(trouble)
    })

    test("a register that changes every 1.1 s is repaired each time", async () => {
        const bench = await settled()
        for (let n = 0; n < 20; n++) {
            bench.chip.change(Reg.MAADR1, 0x40 + 2 * n)
            await bench.run(1100)
        }
        expect(bench.counter(MacCounter.Repair)).toBe(20)
        bench.chip.misuses.length = 0
        await expectToWork(bench)
    })
})

describe("a brown-out of the ENC28J60", () => {
    test.each([1, 30, 300, 3000])("a brown-out of %i ms: the driver works 2 s later", async ms => {
        const bench = await settled({ negotiation: 500 })
        await bench.run(800)
        bench.chip.brownOut(ms)
        await bench.run(ms + 2000)
        expect(bench.mac.linkUp).toBe(true)
        bench.chip.misuses.length = 0
        await expectToWork(bench)
    })
})

describe("an SPI line of the ENC28J60 that is stuck", () => {
    test.each(STUCK_LINES)(
        "$line stuck at $level for $ms ms: the driver works 2 s later",
        async ({ line, level, ms }) => {
            const bench = await settled()
            bench.chip.faults[`${line}Stuck`] = level
            bench.chip.deliver(frame(60))
            await bench.send(frame(60))
            await bench.run(ms)
            bench.chip.faults[`${line}Stuck`] = undefined
            await bench.run(2000)
            expect(bench.mac.linkUp).toBe(true)
            bench.chip.misuses.length = 0
            await expectToWork(bench)
        }
    )
})

describe("an SPI transfer that the runtime refuses", () => {
    test.each(["receive", "send", "rest"])(
        "a transfer refused in %s: the driver resets the chip, reports it and works",
        async call => {
            const bench = await settled()
            bench.refuseTransfer()
            if (call === "receive") expect(await bench.receive()).toBeUndefined()
            else if (call === "send") expect(await bench.send(frame(60))).toBe(false)
            else await bench.mac.rest(10)
            await bench.run(50)
            expect(bench.warnings[0]).toMatch(
                /^ENC28J60: the SPI bus refused a transfer \(RangeError: SPI busy\)/
            )
            expect(bench.trouble).toEqual({ chipReset: 1 })
            await bench.run(200)
            await expectToWork(bench)
        }
    )

    test("a bus refused for 3 s: the driver resets the chip once and works", async () => {
        const bench = await settled()
        bench.busyUntil = bench.clock.now() + 3000
        await bench.run(4200)
        expect(bench.counter(MacCounter.ChipReset)).toBe(1)
        await expectToWork(bench)
    })
})
