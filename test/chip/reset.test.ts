import { describe, expect, test } from "vitest"
import { COMMON, frameTo, receiveBlock, SpiHost, STATION, socketBlock } from "./spi-host"

const S0 = socketBlock(0)
const version = (host: SpiHost) => host.read(COMMON, 0x39)[0]
const wait = (host: SpiHost, ms: number) => host.clock.runUntil(host.clock.now() + ms)

async function hardwareReset(host: SpiHost, pulse = 0.5): Promise<void> {
    host.chip.reset(0)
    await wait(host, pulse)
    host.chip.reset(1)
}

describe("a software reset of the W5500", () => {
    test("MR.RST resets all registers and clears itself at once", () => {
        const host = new SpiHost()
        host.open()
        host.chip.deliver(frameTo(STATION))
        host.write(COMMON, 0x00, 0x80)
        expect(version(host)).toBe(4)
        expect(host.read(COMMON, 0x00)).toEqual([0])
        expect(host.read(COMMON, 0x09, 6)).toEqual([0, 0, 0, 0, 0, 0])
        expect(host.read(S0, 0x00, 4)).toEqual([0, 0, 0, 0])
        expect(host.read(S0, 0x1e, 2)).toEqual([2, 2])
        expect(host.read16(S0, 0x26)).toBe(0)
        host.write(COMMON, 0x09, 1, 2)
        expect(host.read(COMMON, 0x09, 2)).toEqual([1, 2])
    })

    test("deafAfterReset: after a reset the chip does not answer for a while", async () => {
        const host = new SpiHost()
        host.chip.faults.deafAfterReset = 1
        host.write(COMMON, 0x00, 0x80)
        host.write(COMMON, 0x09, 1, 2)
        expect(version(host)).toBe(0)
        await wait(host, 1)
        expect(version(host)).toBe(4)
        expect(host.read(COMMON, 0x09, 2)).toEqual([0, 0])
    })
})

describe("a hardware reset of the W5500", () => {
    test("a hardware reset needs half a millisecond, and one more for the PLL", async () => {
        const host = new SpiHost()
        host.open()
        host.chip.reset(0)
        expect(version(host)).toBe(0)
        await wait(host, 0.5)
        host.chip.reset(1)
        await wait(host, 0.9)
        expect(version(host)).toBe(0)
        await wait(host, 0.1)
        expect(version(host)).toBe(4)
        expect(host.read(S0, 0x03)).toEqual([0])
    })

    test("a shorter pulse is misuse and resets nothing", async () => {
        const host = new SpiHost()
        host.open()
        await hardwareReset(host, 0.4)
        expect(host.read(S0, 0x03)).toEqual([0x42])
        expect(host.chip.misuses).toHaveLength(1)
    })

    test("a frame during a hardware reset is dropped", async () => {
        const host = new SpiHost()
        host.open()
        host.chip.reset(0)
        host.chip.deliver(frameTo(STATION))
        expect(host.chip.dropped).toBe(1)
        expect(host.chip.linkUp).toBe(false)
    })
})

describe("the W5500's link", () => {
    test("the link comes after the negotiation, also after a reset", async () => {
        const host = new SpiHost({ negotiation: 1500 })
        host.chip.setLink(false)
        expect(host.chip.linkUp).toBe(false)
        host.chip.setLink(true)
        expect(host.chip.linkUp).toBe(false)
        await wait(host, 1500)
        expect(host.chip.linkUp).toBe(true)
        await hardwareReset(host)
        expect(host.chip.linkUp).toBe(false)
        await wait(host, 1500)
        expect(host.chip.linkUp).toBe(true)
    })

    test("a reset of the PHY negotiates again", async () => {
        const host = new SpiHost({ negotiation: 100 })
        host.write(COMMON, 0x2e, 0x38)
        expect(host.read(COMMON, 0x2e)).toEqual([0x38])
        host.write(COMMON, 0x2e, 0xb8)
        expect(host.read(COMMON, 0x2e)).toEqual([0xb8])
        await wait(host, 100)
        expect(host.read(COMMON, 0x2e)).toEqual([0xbf])
    })

    test.each([
        ["10 Mbit/s, half duplex", 0b000, 0b001],
        ["10 Mbit/s, full duplex", 0b001, 0b101],
        ["100 Mbit/s, half duplex", 0b010, 0b011],
        ["100 Mbit/s, full duplex", 0b011, 0b111],
        ["100 Mbit/s, half duplex, negotiated", 0b100, 0b011],
        ["power down", 0b110, 0b000],
        ["all", 0b111, 0b111],
    ])("PHYCFGR set to %s shows the speed and duplex", (_, mode, status) => {
        const host = new SpiHost()
        const configuration = 0xc0 | (mode << 3)
        host.write(COMMON, 0x2e, configuration)
        expect(host.read(COMMON, 0x2e)).toEqual([configuration | status])
    })

    test("a frame without a link is dropped", () => {
        const host = new SpiHost()
        host.open()
        host.chip.setLink(false)
        host.chip.deliver(frameTo(STATION))
        expect(host.read16(S0, 0x26)).toBe(0)
    })
})

describe("the W5500's interrupt line", () => {
    test("INT is low when Sn_IR and SIMR are set", () => {
        const host = new SpiHost()
        host.open()
        host.chip.deliver(frameTo(STATION))
        expect(host.read(COMMON, 0x17)).toEqual([0x01])
        expect(host.chip.interrupt).toBe(1)
        host.write(COMMON, 0x18, 0x01)
        expect(host.chip.interrupt).toBe(0)
        host.write(S0, 0x02, 0x04)
        expect(host.chip.interrupt).toBe(1)
        expect(host.read(COMMON, 0x17)).toEqual([0x00])
    })

    test("a one written to Sn_IR clears that bit only", () => {
        const host = new SpiHost()
        host.open()
        host.chip.deliver(frameTo(STATION))
        host.send(frameTo(STATION))
        expect(host.read(S0, 0x02)).toEqual([0x14])
        host.write(S0, 0x02, 0x10)
        expect(host.read(S0, 0x02)).toEqual([0x04])
    })

    test("an interrupt that Sn_IMR masks is not in Sn_IR", () => {
        const host = new SpiHost()
        host.open()
        host.write(S0, 0x2c, 0x04)
        host.send(frameTo(STATION))
        expect(host.read(S0, 0x02)).toEqual([0x00])
        host.chip.deliver(frameTo(STATION))
        expect(host.read(S0, 0x02)).toEqual([0x04])
    })

    test("INTLEVEL keeps INT high for a while", async () => {
        const host = new SpiHost()
        host.open()
        host.write(COMMON, 0x18, 0x01)
        host.write(COMMON, 0x13, 0x92, 0x7b)
        host.chip.deliver(frameTo(STATION))
        expect(host.chip.interrupt).toBe(0)
        host.write(S0, 0x02, 0x04)
        host.chip.deliver(frameTo(STATION))
        expect(host.chip.interrupt).toBe(1)
        // (0x927b + 1) * 4 / 150 MHz = 1.0000 ms
        await wait(host, 0.99)
        expect(host.chip.interrupt).toBe(1)
        await wait(host, 0.02)
        expect(host.chip.interrupt).toBe(0)
    })
})

describe("faults of the W5500", () => {
    test.each([0x00, 0xff] as const)("a dead chip answers 0x%s until it is revived", dead => {
        const host = new SpiHost()
        host.open()
        host.chip.faults.dead = dead
        expect(host.frame([0, 0x39, 0, 0])).toEqual([dead, dead, dead, dead])
        host.write(COMMON, 0x09, 9, 9)
        host.chip.deliver(frameTo(STATION))
        host.chip.faults.dead = undefined
        expect(version(host)).toBe(4)
        expect(host.read(COMMON, 0x09, 6)).toEqual(STATION)
        expect(host.read16(S0, 0x26)).toBe(0)
    })

    test("a hardware reset revives a dead chip only if resetRevives is set", async () => {
        const host = new SpiHost()
        host.chip.faults.dead = 0xff
        await hardwareReset(host)
        await wait(host, 1)
        expect(version(host)).toBe(0xff)
        host.chip.faults.resetRevives = true
        await hardwareReset(host)
        await wait(host, 1)
        expect(version(host)).toBe(4)
    })

    test("version: VERSIONR has the set value", () => {
        const host = new SpiHost()
        host.chip.faults.version = 0x51
        expect(version(host)).toBe(0x51)
    })

    test("lengthHeaders: the next frames have these headers, later ones right ones", () => {
        const host = new SpiHost()
        host.open()
        host.chip.faults.lengthHeaders = [0, 65534]
        for (let n = 0; n < 3; n++) host.chip.deliver(frameTo(STATION))
        expect(host.read16(S0, 0x26)).toBe(186)
        expect([0, 62, 124].map(at => host.read16(3, at))).toEqual([0, 65534, 62])
    })

    test("overflows, lostSendOks, stuckSends and untakenCommands each do what their names say", () => {
        const host = new SpiHost()
        host.open()
        host.chip.faults.overflows = 1
        host.chip.deliver(frameTo(STATION))
        expect(host.read16(S0, 0x26)).toBe(0)
        host.chip.faults.lostSendOks = 1
        host.send(frameTo(STATION))
        expect([host.sent.length, host.read(S0, 0x02), host.read16(S0, 0x22)]).toEqual([1, [0], 60])
        host.chip.faults.stuckSends = 1
        host.send(frameTo(STATION))
        expect([host.sent.length, host.read(S0, 0x02), host.read16(S0, 0x22)]).toEqual([1, [0], 60])
        host.chip.faults.untakenCommands = 1
        host.write(S0, 0x01, 0x10)
        host.write(S0, 0x01, 0x10)
        expect(host.read(S0, 0x01, 3)).toEqual([0x10, 0, 0x42])
        expect(host.chip.misuses).toEqual(["command 0x10 while 0x10 is not yet taken"])
    })
    test("versionDelay: VERSIONR is 0 for a while after a reset, and all else works", async () => {
        const host = new SpiHost()
        host.chip.faults.versionDelay = 20
        await hardwareReset(host)
        await wait(host, 1)
        host.write(COMMON, 0x09, 1, 2)
        expect([version(host), host.read(COMMON, 0x09, 2)]).toEqual([0, [1, 2]])
        await wait(host, 20)
        expect(version(host)).toBe(4)
    })

    test("Sn_RX_RSR may be ahead of the memory", async () => {
        const host = new SpiHost()
        host.open()
        host.chip.faults.sizeAhead = 0.5
        host.chip.deliver(frameTo(STATION))
        expect([host.read16(S0, 0x26), host.read16(3, 0)]).toEqual([62, 0])
        await wait(host, 0.5)
        expect(host.read16(3, 0)).toBe(62)
    })

    test("phyHeld: the PHY is held in reset", () => {
        const host = new SpiHost()
        host.chip.faults.phyHeld = true
        host.write(COMMON, 0x2e, 0x38)
        host.write(COMMON, 0x2e, 0xb8)
        expect(host.read(COMMON, 0x2e)).toEqual([0xb8])
        host.chip.faults.phyHeld = false
        expect(host.read(COMMON, 0x2e)).toEqual([0xbf])
    })

    test("a brown-out: the chip does not answer, then all is as after power-on", async () => {
        const host = new SpiHost({ negotiation: 10 })
        host.open()
        host.chip.deliver(frameTo(STATION))
        host.chip.brownOut(5)
        expect(host.frame([0, 0x39, 0, 0])).toEqual([0, 0, 0, 0])
        host.write(COMMON, 0x09, 1, 2)
        await wait(host, 6)
        expect(version(host)).toBe(4)
        expect(host.read(COMMON, 0x09, 2)).toEqual([0, 0])
        expect(host.read(S0, 0x1e, 2)).toEqual([2, 2])
        expect(host.read16(3, 0)).toBe(0)
        expect(host.chip.linkUp).toBe(false)
        await wait(host, 5)
        expect(host.chip.linkUp).toBe(true)
    })

    test("change() changes a register without the host", () => {
        const host = new SpiHost()
        host.open()
        host.chip.change(COMMON, 0x0a, 0x99)
        host.chip.change(S0, 0x00, 0x04)
        expect([host.read(COMMON, 0x09, 2), host.read(S0, 0x00)]).toEqual([[STATION[0], 0x99], [0x04]])
    })

    test.each([0x00, 0xff] as const)("MISO stuck at %i: the host reads that, and the chip goes on", stuck => {
        const host = new SpiHost()
        host.open()
        host.chip.faults.misoStuck = stuck
        host.write(COMMON, 0x09, 1, 2)
        expect(host.read(COMMON, 0x09, 2)).toEqual([stuck, stuck])
        host.chip.faults.misoStuck = undefined
        expect(host.read(COMMON, 0x09, 2)).toEqual([1, 2])
    })

    test.each([0x00, 0xff] as const)("MOSI stuck at %i: no write reaches the chip", stuck => {
        const host = new SpiHost()
        host.open()
        host.chip.faults.mosiStuck = stuck
        host.write(COMMON, 0x09, 1, 2)
        host.chip.faults.mosiStuck = undefined
        expect(host.read(COMMON, 0x09, 2)).toEqual(STATION.slice(0, 2))
    })

    test.each(["miso", "mosi"] as const)("bits on %s flip at the set rate", line => {
        const host = new SpiHost()
        let flipped = 0
        host.chip.faults.onError = (name, arrived, sent) => {
            expect(name).toBe(line)
            for (const [i, byte] of arrived.entries()) {
                for (let bit = 1; bit < 256; bit <<= 1) if ((byte ^ sent[i]!) & bit) flipped++
            }
        }
        host.chip.faults[`${line}Errors`] = 1e-4
        for (let n = 0; n < 1000; n++) host.read(receiveBlock(0), 0, 1247)
        // 10 million bits; four standard deviations
        expect(flipped).toBeGreaterThan(1000 - 4 * 32)
        expect(flipped).toBeLessThan(1000 + 4 * 32)
        host.chip.faults[`${line}Errors`] = 0
        flipped = 0
        for (let n = 0; n < 100; n++) host.read(receiveBlock(0), 0, 1247)
        expect(flipped).toBe(0)
    })
})
