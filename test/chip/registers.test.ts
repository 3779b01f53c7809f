import { describe, expect, test } from "vitest"
import { COMMON, SpiHost, socketBlock } from "./spi-host"

// The tables of the data sheet (1.0.9, chapter 4): address, value after reset, bits that a host can set.
// Registers that do something when they are written (MR.RST, Sn_CR) are tested elsewhere.

type Row = [name: string, address: number, reset: number[], writable: number]

const common: Row[] = [
    ["MR", 0x00, [0x00], 0x3a],
    ["GAR", 0x01, [0, 0, 0, 0], 0xff],
    ["SUBR", 0x05, [0, 0, 0, 0], 0xff],
    ["SHAR", 0x09, [0, 0, 0, 0, 0, 0], 0xff],
    ["SIPR", 0x0f, [0, 0, 0, 0], 0xff],
    ["INTLEVEL", 0x13, [0, 0], 0xff],
    ["IR", 0x15, [0], 0x00],
    ["IMR", 0x16, [0], 0xf0],
    ["SIR", 0x17, [0], 0x00],
    ["SIMR", 0x18, [0], 0xff],
    ["RTR", 0x19, [0x07, 0xd0], 0xff],
    ["RCR", 0x1b, [0x08], 0xff],
    ["PTIMER", 0x1c, [0x28], 0xff],
    ["PMAGIC", 0x1d, [0x00], 0xff],
    ["PHAR", 0x1e, [0, 0, 0, 0, 0, 0], 0xff],
    ["PSID", 0x24, [0, 0], 0xff],
    ["PMRU", 0x26, [0xff, 0xff], 0xff],
    ["UIPR", 0x28, [0, 0, 0, 0], 0x00],
    ["UPORTR", 0x2c, [0, 0], 0x00],
    ["reserved", 0x2f, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0x00],
    ["VERSIONR", 0x39, [0x04], 0x00],
]

const socket: Row[] = [
    ["Sn_MR", 0x00, [0], 0xff],
    ["Sn_IR", 0x02, [0], 0x00],
    ["Sn_SR", 0x03, [0], 0x00],
    ["Sn_PORT", 0x04, [0, 0], 0xff],
    ["Sn_DHAR", 0x06, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 0xff],
    ["Sn_DIPR", 0x0c, [0, 0, 0, 0], 0xff],
    ["Sn_DPORT", 0x10, [0, 0], 0xff],
    ["Sn_MSSR", 0x12, [0, 0], 0xff],
    ["reserved", 0x14, [0], 0x00],
    ["Sn_TOS", 0x15, [0], 0xff],
    ["Sn_TTL", 0x16, [0x80], 0xff],
    ["reserved", 0x17, [0, 0, 0, 0, 0, 0, 0], 0x00],
    ["Sn_TX_FSR", 0x20, [0x08, 0x00], 0x00],
    ["Sn_TX_RD", 0x22, [0, 0], 0x00],
    ["Sn_RX_RSR", 0x26, [0, 0], 0x00],
    ["Sn_RX_RD", 0x28, [0, 0], 0xff],
    ["Sn_RX_WR", 0x2a, [0, 0], 0x00],
    ["Sn_IMR", 0x2c, [0xff], 0x1f],
    ["Sn_FRAG", 0x2d, [0x40, 0x00], 0xff],
    ["Sn_KPALVTR", 0x2f, [0], 0xff],
    ["Sn_RXBUF_SIZE", 0x1e, [2], 0xff],
    ["Sn_TXBUF_SIZE", 0x1f, [2], 0xff],
    ["Sn_TX_WR", 0x24, [0, 0], 0xff],
]

function checkAccess(block: number, [, address, reset, writable]: Row): void {
    const host = new SpiHost()
    expect(host.read(block, address, reset.length)).toEqual(reset)
    for (const pattern of [0xff, 0x00, 0xa5]) {
        const before = host.read(block, address, reset.length)
        host.write(block, address, ...reset.map(() => pattern))
        const after = before.map(byte => (byte & ~writable) | (pattern & writable))
        expect(host.read(block, address, reset.length)).toEqual(after)
    }
}

describe("common registers of the W5500", () => {
    test.each(common.filter(row => row[0] !== "MR"))(
        "%s has the reset value and the writable bits of the data sheet",
        (...row) => checkAccess(COMMON, row)
    )

    test("MR keeps the bits but RST", () => {
        const host = new SpiHost()
        host.write(COMMON, 0x00, 0x7f)
        expect(host.read(COMMON, 0x00)).toEqual([0x3a])
    })

    test("PHYCFGR has the configuration in its upper bits and the status in its lower", () => {
        const host = new SpiHost()
        expect(host.read(COMMON, 0x2e)).toEqual([0b1011_1111])
        host.chip.setLink(false)
        expect(host.read(COMMON, 0x2e)).toEqual([0b1011_1000])
        host.write(COMMON, 0x2e, 0b1100_1111)
        expect(host.read(COMMON, 0x2e)).toEqual([0b1100_1000])
    })

    test("an address after the last common register reads 0 and ignores writes", () => {
        const host = new SpiHost()
        host.write(COMMON, 0x3a, 0xff, 0xff)
        expect(host.read(COMMON, 0x3a, 2)).toEqual([0, 0])
    })
})

describe.each([0, 1, 2, 3, 4, 5, 6, 7])("registers of the W5500's socket %i", n => {
    test.each(socket)("%s has the reset value and the writable bits of the data sheet", (...row) =>
        checkAccess(socketBlock(n), row)
    )

    test("an address after the socket's last register reads 0 and ignores writes", () => {
        const host = new SpiHost()
        host.write(socketBlock(n), 0x30, 0xff)
        expect(host.read(socketBlock(n), 0x30, 3)).toEqual([0, 0, 0])
    })

    test("a write changes no other socket's register", () => {
        const host = new SpiHost()
        host.write(socketBlock(n), 0x04, 0x12, 0x34)
        for (let other = 0; other < 8; other++)
            expect(host.read16(socketBlock(other), 0x04)).toBe(other === n ? 0x1234 : 0)
    })
})

describe("size registers of the W5500", () => {
    test.each([
        [0, 0],
        [1, 1024],
        [2, 2048],
        [4, 4096],
        [8, 8192],
        [16, 16384],
        [3, 0],
        [17, 0],
    ])("Sn_TXBUF_SIZE of %i KB: %i bytes of free transmit memory", (kiloBytes, bytes) => {
        const host = new SpiHost()
        host.write(socketBlock(0), 0x1f, kiloBytes)
        expect(host.read16(socketBlock(0), 0x20)).toBe(bytes)
    })
})
