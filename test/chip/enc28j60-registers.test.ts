// The ENC28J60 model's registers and SPI instructions against the tables of its data sheet (DS39662E).

import { describe, expect, test } from "vitest"
import type { Revision } from "../../sim/chip/enc28j60-errata"
import { Econ1, PhyReg, Reg } from "../../sim/chip/enc28j60-map"
import { EncHost, STATION } from "./enc28j60-host"

/** Table 3-2: register, value after a reset, bits that can be written. */
const table: [string, number, number, number][] = [
    ["ERDPTL", 0x00, 0xfa, 0xff],
    ["ERDPTH", 0x01, 0x05, 0x1f],
    ["EWRPTL", 0x02, 0x00, 0xff],
    ["EWRPTH", 0x03, 0x00, 0x1f],
    ["ETXSTL", 0x04, 0x00, 0xff],
    ["ETXSTH", 0x05, 0x00, 0x1f],
    ["ETXNDL", 0x06, 0x00, 0xff],
    ["ETXNDH", 0x07, 0x00, 0x1f],
    ["ERXSTL", 0x08, 0xfa, 0xff],
    ["ERXSTH", 0x09, 0x05, 0x1f],
    ["ERXNDL", 0x0a, 0xff, 0xff],
    ["ERXNDH", 0x0b, 0x1f, 0x1f],
    ["ERXWRPTL", 0x0e, 0x00, 0x00],
    ["ERXWRPTH", 0x0f, 0x00, 0x00],
    ["EDMASTL", 0x10, 0x00, 0xff],
    ["EDMASTH", 0x11, 0x00, 0x1f],
    ["EDMANDL", 0x12, 0x00, 0xff],
    ["EDMANDH", 0x13, 0x00, 0x1f],
    ["EDMADSTL", 0x14, 0x00, 0xff],
    ["EDMADSTH", 0x15, 0x00, 0x1f],
    ["EDMACSL", 0x16, 0x00, 0x00],
    ["EDMACSH", 0x17, 0x00, 0x00],
    ["EIE", 0x1b, 0x00, 0xfb],
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((n): [string, number, number, number] => [
        `EHT${n}`,
        0x20 + n,
        0x00,
        0xff,
    ]),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((n): [string, number, number, number] => [
        `EPMM${n}`,
        0x28 + n,
        0x00,
        0xff,
    ]),
    ["EPMCSL", 0x30, 0x00, 0xff],
    ["EPMCSH", 0x31, 0x00, 0xff],
    ["EPMOL", 0x34, 0x00, 0xff],
    ["EPMOH", 0x35, 0x00, 0x1f],
    ["ERXFCON", 0x38, 0xa1, 0xff],
    ["EPKTCNT", 0x39, 0x00, 0x00],
    ["MACON1", 0x40, 0x00, 0x1f],
    ["MACON3", 0x42, 0x00, 0xff],
    ["MACON4", 0x43, 0x00, 0x73],
    ["MABBIPG", 0x44, 0x00, 0x7f],
    ["MAIPGL", 0x46, 0x00, 0x7f],
    ["MAIPGH", 0x47, 0x00, 0x7f],
    ["MACLCON1", 0x48, 0x0f, 0x0f],
    ["MACLCON2", 0x49, 0x37, 0x3f],
    ["MAMXFLL", 0x4a, 0x00, 0xff],
    ["MAMXFLH", 0x4b, 0x06, 0xff],
    ["MIREGADR", 0x54, 0x00, 0x1f],
    ["MIWRL", 0x56, 0x00, 0xff],
    ["MIRDL", 0x58, 0x00, 0x00],
    ["MIRDH", 0x59, 0x00, 0x00],
    ["MAADR5", 0x60, 0x00, 0xff],
    ["MAADR6", 0x61, 0x00, 0xff],
    ["MAADR3", 0x62, 0x00, 0xff],
    ["MAADR4", 0x63, 0x00, 0xff],
    ["MAADR1", 0x64, 0x00, 0xff],
    ["MAADR2", 0x65, 0x00, 0xff],
    ["EBSTSD", 0x66, 0x00, 0xff],
    ["EBSTCSL", 0x68, 0x00, 0x00],
    ["EBSTCSH", 0x69, 0x00, 0x00],
    ["MISTAT", 0x6a, 0x00, 0x00],
    ["ECOCON", 0x75, 0x04, 0x07],
    ["EPAUSL", 0x78, 0x00, 0xff],
    ["EPAUSH", 0x79, 0x10, 0xff],
]

describe("registers of the ENC28J60", () => {
    test.each(table)(
        "%s has the reset value and the writable bits of the data sheet",
        (_, register, reset, bits) => {
            const host = new EncHost()
            expect(host.read(register)).toBe(reset)
            for (const value of [0xff, 0x00, 0x5a]) {
                host.write(register, value)
                expect(host.read(register)).toBe((value & bits) | (reset & ~bits))
            }
        }
    )

    test("ERXRDPT takes effect with its high byte, the low one is kept until then (7.2.4)", () => {
        const host = new EncHost()
        expect(host.read16(Reg.ERXRDPT)).toBe(0x05fa)
        host.write(Reg.ERXRDPT, 0x23)
        expect(host.read16(Reg.ERXRDPT)).toBe(0x05fa)
        host.write(Reg.ERXRDPT + 1, 0x11)
        expect(host.read16(Reg.ERXRDPT)).toBe(0x1123)
    })

    test.each([0x0c, 0x2c, 0x4c, 0x6c])(
        "registers from 0x1b on are the same in all banks (bank of register %i)",
        register => {
            const host = new EncHost()
            host.write(Reg.EIE, 0x5a & 0xfb)
            host.bank(register)
            expect(host.readSelected(Reg.EIE)).toBe(0x5a)
        }
    )

    test("one address is another register in each bank", () => {
        const host = new EncHost()
        for (const [i, register] of [Reg.EWRPT, Reg.EHT0 + 2, Reg.MACON3, Reg.MAADR3].entries())
            host.write(register, 0x10 + i)
        expect([Reg.EWRPT, Reg.EHT0 + 2, Reg.MACON3, Reg.MAADR3].map(r => host.read(r))).toEqual([
            0x10, 0x11, 0x12, 0x13,
        ])
    })

    test("unimplemented registers read 0 and ignore writes; a write to a reserved one is misuse (3.1)", () => {
        const host = new EncHost()
        for (const register of [0x18, 0x32, 0x45, 0x53, 0x6b, 0x76]) {
            host.write(register, 0xff)
            expect(host.read(register)).toBe(0)
        }
        expect(host.misuses).toEqual([])
        for (const register of [0x36, 0x41, 0x55]) host.write(register, 1)
        host.read(0x3a)
        expect(host.misuses).toEqual([
            "write to register 0x36",
            "write to MACON1+1",
            "write to MIREGADR+1",
            "read of EPKTCNT+1",
        ])
    })

    test.each([
        ["B1", 2],
        ["B4", 4],
        ["B5", 5],
        ["B7", 6],
    ] as [Revision, number][])("EREVID of revision %s is that of DS80349C, table 1", (revision, id) => {
        expect(new EncHost({ revision }).read(Reg.EREVID)).toBe(id)
    })

    test("EFLOCON.FULDPXS shows MACON3.FULDPX", () => {
        const host = new EncHost()
        host.write(Reg.EFLOCON, 0xff)
        expect(host.read(Reg.EFLOCON)).toBe(0x03)
        host.write(Reg.MACON3, 0x01)
        expect(host.read(Reg.EFLOCON)).toBe(0x07)
    })
})

describe("SPI instructions of the ENC28J60", () => {
    test("bit field set and clear change ETH registers only (4.2.5, 4.2.6)", () => {
        const host = new EncHost()
        host.set(Reg.EPMM0, 0x0f)
        host.set(Reg.EPMM0, 0x30)
        host.clear(Reg.EPMM0, 0x11)
        expect(host.read(Reg.EPMM0)).toBe(0x2e)
        host.set(Reg.MACON3, 0x30)
        expect(host.read(Reg.MACON3)).toBe(0)
        expect(host.misuses).toEqual(["bit field instruction on MACON3"])
    })

    test("a MAC or MII register is read after a dummy byte, an ETH register at once (figures 4-3, 4-4)", () => {
        const host = new EncHost()
        host.bank(Reg.MACLCON2)
        expect(host.frame([0x09, 0, 0])).toEqual([0xa5, 0xa5, 0x37])
        expect(host.frame([0x1e, 0])).toEqual([0xa5, 0x80])
        expect(host.misuses).toEqual([])
        expect(host.frame([0x09, 0])).toEqual([0xa5, 0xa5])
        expect(host.misuses).toEqual(["no dummy byte for MACLCON2"])
    })

    test("an instruction is all between two edges of chip select, in any number of transfers", () => {
        const host = new EncHost()
        host.frame([0x42], [0x34])
        host.frame([0x43, 0x12])
        expect(host.read16(Reg.EWRPT)).toBe(0x1234)
        host.chip.select(0)
        host.shift([0x42])
        host.chip.select(1)
        expect(host.read(Reg.EWRPT)).toBe(0x34)
    })

    test("a chip that is not selected ignores MOSI and leaves MISO high", () => {
        const host = new EncHost()
        expect(host.shift([0x42, 0x34])).toEqual([0xff, 0xff])
        expect(host.read(Reg.EWRPT)).toBe(0)
    })

    test.each([0x20, 0x3b, 0x60, 0x7b, 0xc0, 0xe0])("instruction 0x%s does not exist and is misuse", byte => {
        const host = new EncHost()
        host.frame([byte, 0x12])
        expect(host.misuses).toEqual([`instruction 0x${byte.toString(16)}`])
    })
})

describe("memory of the ENC28J60", () => {
    test("memory is written and read in a stream, and writing wraps at its end", () => {
        const host = new EncHost()
        host.writeMemory(0x1ffe, [1, 2, 3, 4])
        expect(host.readMemory(0x0000, 2)).toEqual([3, 4])
        expect(host.read16(Reg.EWRPT)).toBe(2)
        host.write16(Reg.ERXND, 0x0fff)
        expect(host.readMemory(0x1ffe, 4)).toEqual([1, 2, 3, 4])
    })

    test("a read goes on at ERXST after ERXND (3.2.3)", () => {
        const host = new EncHost()
        host.writeMemory(0x0100, [1, 2])
        host.writeMemory(0x01fe, [8, 9])
        host.write16(Reg.ERXST, 0x0100)
        host.write16(Reg.ERXND, 0x01ff)
        expect(host.readMemory(0x01fe, 4)).toEqual([8, 9, 1, 2])
        expect(host.read16(Reg.ERDPT)).toBe(0x0102)
    })

    test("without AUTOINC every byte is at the same address", () => {
        const host = new EncHost()
        host.clear(Reg.ECON2, 0x80)
        host.writeMemory(0x100, [1, 2, 3])
        expect(host.readMemory(0x100, 3)).toEqual([3, 3, 3])
    })

    test("all 8 KB of memory keep what is written", () => {
        const host = new EncHost()
        const pattern = Array.from({ length: 0x2000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
        host.writeMemory(0, pattern)
        expect(host.readMemory(0, 0x2000)).toEqual(pattern)
    })
})

describe("the PHY of the ENC28J60 (table 3-3)", () => {
    test.each([
        ["PHCON1", PhyReg.PHCON1, 0x0100, 0x4900],
        ["PHID1", PhyReg.PHID1, 0x0083, 0],
        ["PHID2", PhyReg.PHID2, 0x1400, 0],
        ["PHCON2", PhyReg.PHCON2, 0x0000, 0x6500],
        ["PHIE", PhyReg.PHIE, 0x0000, 0x0012],
        ["PHLCON", PhyReg.PHLCON, 0x3422, 0x3ffe],
        ["an address without a PHY register", 0x05, 0, 0],
    ])("%s has the reset value and the writable bits of the data sheet", (_, register, reset, bits) => {
        const host = new EncHost()
        expect(host.readPhy(register)).toBe(reset)
        // PHCON1.PRST aside
        host.writePhy(register, 0x7fff)
        expect(host.readPhy(register)).toBe((0x7fff & bits) | (reset & ~bits))
        expect(host.misuses).toEqual([])
    })

    test("a PHY read takes 10.24 us (3.3.1); reading MIRD before is misuse", () => {
        const host = new EncHost()
        host.write(Reg.MIREGADR, PhyReg.PHID1)
        host.write(Reg.MICMD, 1)
        expect(host.read(Reg.MISTAT)).toBe(1)
        expect(host.read16(Reg.MIRD)).toBe(0)
        expect(host.misuses).toContain("MIRD read while MISTAT.BUSY is set")
        host.shift(Array(26).fill(0))
        expect(host.read(Reg.MISTAT)).toBe(0)
        expect(host.read16(Reg.MIRD)).toBe(0x0083)
    })

    test("a PHY write takes 10.24 us; MIWRH written meanwhile is misuse", () => {
        const host = new EncHost()
        host.write(Reg.MIREGADR, PhyReg.PHCON2)
        host.write16(Reg.MIWR, 0x0100)
        host.frame([0x57, 0x40])
        expect(host.misuses).toEqual(["MIWRH written while MISTAT.BUSY is set"])
        host.shift(Array(26).fill(0))
        expect(host.readPhy(PhyReg.PHCON2)).toBe(0x0100)
    })

    test("a scan keeps MIRD up to date (3.3.3)", async () => {
        const host = new EncHost()
        host.write(Reg.MIREGADR, PhyReg.PHSTAT2)
        host.write(Reg.MICMD, 2)
        await host.wait(1)
        expect([host.read(Reg.MISTAT), host.read(Reg.MIRD + 1) & 4]).toEqual([2, 4])
        host.chip.setLink(false)
        expect(host.read(Reg.MIRD + 1) & 4).toBe(0)
    })

    test("LSTAT is the link, and LLSTAT keeps its loss until it is read", () => {
        const host = new EncHost()
        host.readPhy(PhyReg.PHSTAT1)
        expect([host.readPhy(PhyReg.PHSTAT1), host.readPhy(PhyReg.PHSTAT2) & 0x0400]).toEqual([
            0x1804, 0x0400,
        ])
        host.chip.setLink(false)
        expect(host.readPhy(PhyReg.PHSTAT2) & 0x0400).toBe(0)
        host.chip.setLink(true)
        expect([host.readPhy(PhyReg.PHSTAT1), host.readPhy(PhyReg.PHSTAT1)]).toEqual([0x1800, 0x1804])
    })

    test("LINKIF is set when PHIE asks for it, until PHIR is read (12.1.5)", () => {
        const host = new EncHost()
        host.chip.setLink(false)
        expect(host.read(Reg.EIR)).toBe(0)
        host.writePhy(PhyReg.PHIE, 0x0012)
        host.write(Reg.EIE, 0x90)
        host.chip.setLink(true)
        expect([host.read(Reg.EIR), host.chip.interrupt]).toEqual([0x10, 0])
        host.clear(Reg.EIR, 0x10)
        expect(host.read(Reg.EIR)).toBe(0x10)
        expect(host.readPhy(PhyReg.PHIR)).toBe(0x0014)
        expect([host.read(Reg.EIR), host.chip.interrupt]).toEqual([0, 1])
    })

    test("PRST resets the PHY, and its link takes its time", async () => {
        const host = new EncHost({ negotiation: 10 })
        host.writePhy(PhyReg.PHLCON, 0x3476)
        host.writePhy(PhyReg.PHCON1, 0x8000)
        expect(host.readPhy(PhyReg.PHLCON)).toBe(0x3422)
        expect(host.chip.linkUp).toBe(false)
        await host.wait(10)
        expect(host.chip.linkUp).toBe(true)
    })

    test("power save and loopback end the link, FRCLNK forces one", () => {
        const host = new EncHost()
        for (const value of [0x0800, 0x4000]) {
            host.writePhy(PhyReg.PHCON1, value)
            expect(host.chip.linkUp).toBe(false)
        }
        host.writePhy(PhyReg.PHCON1, 0)
        host.chip.setLink(false)
        host.writePhy(PhyReg.PHCON2, 0x4000)
        expect(host.readPhy(PhyReg.PHSTAT2) & 0x0400).toBe(0x0400)
    })

    test("full duplex after a reset, unless the LED's polarity is read well (erratum 16)", () => {
        expect(new EncHost().readPhy(PhyReg.PHSTAT2) & 0x0200).toBe(0x0200)
        expect(new EncHost({ errata: { ledPolarity: false } }).readPhy(PhyReg.PHSTAT2) & 0x0200).toBe(0)
    })
})

describe("resets of the ENC28J60", () => {
    test("a reset by SPI sets registers as after power-on and keeps memory and ECOCON (11.2)", async () => {
        const host = new EncHost()
        host.open()
        host.write(Reg.ECOCON, 0)
        host.write(Reg.ECOCON, 3)
        host.writeMemory(0x1900, [1, 2, 3])
        host.frame([0xff])
        await host.wait(1)
        for (const [, register, reset] of table.filter(([name]) => name !== "ECOCON"))
            expect(host.read(register)).toBe(reset)
        expect(host.read(Reg.ECOCON)).toBe(3)
        expect(host.readMemory(0x1900, 3)).toEqual([1, 2, 3])
        expect(host.read(Reg.ECON1) & ~Econ1.BSEL).toBe(0)
    })

    test("CLKRDY is set at once after a reset, but MAC and PHY need 1 ms (erratum 2)", async () => {
        const host = new EncHost()
        host.frame([0xff])
        expect(host.read(Reg.ESTAT) & 1).toBe(1)
        host.write(Reg.MACON1, 1)
        await host.wait(0.5)
        host.write(Reg.MACON3, 0x30)
        await host.wait(0.6)
        expect([host.read(Reg.MACON1), host.read(Reg.MACON3)]).toEqual([0, 0])
        expect(host.misuses).toEqual([
            "MACON1 while its clock does not run",
            "MACON3 while its clock does not run",
        ])
    })

    test("without erratum 2 MAC and PHY work at once after a reset", () => {
        const host = new EncHost({ errata: { clkrdySetEarly: false } })
        host.frame([0xff])
        host.write(Reg.MACON1, 1)
        expect(host.read(Reg.MACON1)).toBe(1)
    })

    test("a reset by SPI does nothing in power save (erratum 19); CLKRDY is set 0.3 ms after it (14.0)", async () => {
        const host = new EncHost()
        host.write16(Reg.EWRPT, 0x123)
        host.set(Reg.ECON2, 0x20)
        expect(host.read(Reg.ESTAT) & 1).toBe(0)
        host.frame([0xff])
        expect(host.read16(Reg.EWRPT)).toBe(0x123)
        host.write(Reg.MACON1, 1)
        host.clear(Reg.ECON2, 0x20)
        expect(host.read(Reg.ESTAT) & 1).toBe(0)
        await host.wait(0.4)
        expect([host.read(Reg.ESTAT) & 1, host.read(Reg.MACON1)]).toEqual([1, 0])
        host.frame([0xff])
        expect(host.read16(Reg.EWRPT)).toBe(0)
        expect(host.misuses).toEqual([
            "reset command in power save mode",
            "MACON1 while its clock does not run",
        ])
    })

    test("a reset by the pin needs 0.4 us or more (table 16-3)", async () => {
        const host = new EncHost()
        host.write16(Reg.EWRPT, 0x123)
        host.chip.reset(0)
        host.chip.reset(1)
        expect([host.read16(Reg.EWRPT), host.misuses]).toEqual([
            0x123,
            ["reset pulse of 0 ms, shorter than 0.0004"],
        ])
        host.chip.reset(0)
        await host.wait(0.001)
        expect(host.frame([0x1e, 0])).toEqual([0, 0])
        host.chip.reset(1)
        expect(host.read16(Reg.EWRPT)).toBe(0)
    })

    test("a brown-out: the chip does not answer, then all is as after power-on", async () => {
        const host = new EncHost({ negotiation: 10 })
        host.open()
        host.writeMemory(0x1900, STATION)
        host.chip.brownOut(5)
        expect(host.frame([0x1e, 0])).toEqual([0, 0])
        await host.wait(5.1)
        expect([host.read(Reg.ESTAT) & 1, host.read(Reg.ECON2)]).toEqual([0, 0x80])
        await host.wait(0.3)
        expect([host.read(Reg.ESTAT) & 1, host.read(Reg.MACON1), host.read(Reg.ECOCON)]).toEqual([1, 0, 4])
        expect(host.readMemory(0x1900, 6)).not.toEqual(STATION)
        expect(host.chip.linkUp).toBe(false)
        await host.wait(10)
        expect(host.chip.linkUp).toBe(true)
    })
})
