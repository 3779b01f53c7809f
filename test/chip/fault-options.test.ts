import { expect, test } from "vitest"
import { parseFaults, scheduleFaults } from "../../sim/chip/fault-options"
import { w5500 } from "../../sim/chip/w5500-kind"
import { COMMON, SpiHost } from "./spi-host"

test("parseFaults() reads values and times of faults, and scheduleFaults() sets them at those times", async () => {
    const host = new SpiHost()
    const steps = parseFaults(
        "miso-errors=1e-5,mosi-errors=0.001,mosi-stuck=255@20,mosi-stuck=-1@30,overflows=3,phy-held=1@40,version-delay=2.5",
        w5500
    )
    scheduleFaults(host.chip, host.clock, steps)
    const { faults } = host.chip
    expect(faults).toMatchObject({ misoErrors: 1e-5, mosiErrors: 1e-3, overflows: 3, versionDelay: 2.5 })
    expect(faults.mosiStuck).toBeUndefined()
    await host.clock.runUntil(20)
    expect(faults.mosiStuck).toBe(0xff)
    await host.clock.runUntil(40)
    expect([faults.mosiStuck, faults.phyHeld]).toEqual([undefined, true])
})

test("scheduleFaults() changes a register and makes a brown-out at their times", async () => {
    const host = new SpiHost()
    host.open()
    scheduleFaults(host.chip, host.clock, parseFaults("register=0x0942@1,brown-out=5@2", w5500))
    await host.clock.runUntil(1)
    expect(host.read(COMMON, 0x09)).toEqual([0x42])
    await host.clock.runUntil(9)
    expect(host.read(COMMON, 0x09)).toEqual([0])
})
