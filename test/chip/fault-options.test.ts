import { describe, expect, test } from "vitest"
import type { Fault } from "../../sim/chip/chip"
import { chips } from "../../sim/chip/chips"
import { changeFault, parseFaults, scheduleFaults } from "../../sim/chip/fault-options"
import { w5500 } from "../../sim/chip/w5500-kind"
import { OptionError } from "../../sim/options/error"
import { VirtualClock } from "../../sim/time/clock"
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

describe("a value that a fault does not take is refused in one line, on the command line and on the console", () => {
    const off = [-2, 0.5, 1.5, 2, 5, 254, 256, 1001, 60_001, 0x8000, 0xffff, 8191.5, 2 ** 21, 2 ** 24, 1e9]
    /** Returns true for a value that the fault's own description allows. */
    const described = ({ form }: Fault, value: number): boolean => {
        const whole = Number.isInteger(value)
        if (form.startsWith("0 or 255")) return [0, 255, -1].includes(value)
        if (form.startsWith("0 or 1")) return [0, 1, -1].includes(value)
        if (form.startsWith("1 or 0")) return [0, 1].includes(value)
        if (form.startsWith("a count")) return whole && value >= 0 && value <= 1000
        if (form.startsWith("any whole number")) return whole && value >= 0 && value <= 60_000
        if (form.startsWith("milliseconds")) return value >= 0 && value <= 60_000
        if (form.startsWith("a probability")) return value >= 0 && value <= 0.1
        if (form.startsWith("an IEEE 802.11")) return whole && value >= 1 && value <= 254
        if (form.startsWith("the SPI mode")) return whole && value >= 1 && value <= 3
        if (form.startsWith("dBm")) return whole && value >= 20 && value <= 100
        if (form.startsWith("major")) return whole && value >= -1 && value < 2 ** 24
        if (form.startsWith("block")) return whole && value >= 0 && value < 32 * 65_536
        if (form.startsWith("bank"))
            return whole && value >= 0 && (value < 4 * 8192 || (value >= 65_536 && value < 33 * 65_536))
        throw new Error(`"${form}" is a form that this test does not know`)
    }
    const rows = Object.entries(chips).flatMap(([name, kind]) =>
        Object.entries(kind.faults).map(([fault, value]) => [name, fault, kind, value] as const)
    )
    test.each(rows)("%s, %s", (_, name, kind, fault) => {
        for (const value of [-1, 0, 1, 255, ...off]) {
            const parse = () => parseFaults(`${name}=${value}`, kind)
            const change = () =>
                changeFault(
                    kind.make({ clock: new VirtualClock(), send: () => {} }),
                    kind,
                    `${name} ${value}`
                )
            if (described(fault, value)) expect(parse, String(value)).not.toThrow()
            else
                for (const call of [parse, change]) {
                    expect(call, String(value)).toThrow(OptionError)
                    expect(call, String(value)).toThrow(fault.form)
                    expect(call, String(value)).not.toThrow("\n")
                }
        }
    })
})
