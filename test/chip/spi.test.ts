import { describe, expect, test } from "vitest"
import { COMMON, receiveBlock, SpiHost, socketBlock, transmitBlock } from "./spi-host"

describe("SPI frames of the W5500, variable length", () => {
    test("a read counts its address up to the end of the frame", () => {
        const host = new SpiHost()
        expect(host.read(COMMON, 0x19, 4)).toEqual([0x07, 0xd0, 0x08, 0x28])
    })

    test("a write counts its address up to the end of the frame", () => {
        const host = new SpiHost()
        host.write(COMMON, 0x01, 192, 168, 0, 1, 255, 255, 255, 0)
        expect(host.read(COMMON, 0x01, 4)).toEqual([192, 168, 0, 1])
        expect(host.read(COMMON, 0x05, 4)).toEqual([255, 255, 255, 0])
    })

    test("several transfers within one chip select are one frame", () => {
        const host = new SpiHost()
        const back = host.frame([0x00], [0x19, 0x00], [0], [0, 0])
        expect(back.slice(3)).toEqual([0x07, 0xd0, 0x08])
    })

    test("each falling edge of chip select begins a frame", () => {
        const host = new SpiHost()
        host.chip.select(0)
        host.shift([0x00, 0x19])
        host.chip.select(1)
        expect(host.read(COMMON, 0x39)).toEqual([4])
    })

    test("MISO numbers the bytes of address and control", () => {
        expect(new SpiHost().frame([0, 0x39, 0, 0])).toEqual([1, 2, 3, 4])
    })

    test("MISO has no data while the host writes", () => {
        expect(new SpiHost().frame([0, 0x09, 4, 1, 2])).toEqual([1, 2, 3, 0xa5, 0xa5])
        expect(new SpiHost().frame([0, 0x09, transmitBlock(0) * 8 + 4, 1, 2])).toEqual([1, 2, 3, 0xa5, 0xa5])
    })

    test("a chip that is not selected ignores MOSI and leaves MISO high", () => {
        const host = new SpiHost()
        expect(host.shift([0x00, 0x01, 0x04, 0x55])).toEqual([0xff, 0xff, 0xff, 0xff])
        expect(host.read(COMMON, 0x01)).toEqual([0])
    })

    test("an address wraps at 64 KB", () => {
        const host = new SpiHost()
        expect(host.read(socketBlock(0), 0xfffe, 10)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
    })
})

describe("SPI frames of the W5500, fixed length", () => {
    test.each([
        [1, 1],
        [2, 2],
        [3, 4],
    ])("mode %i reads %i bytes, then the next frame begins", (mode, length) => {
        const host = new SpiHost()
        host.chip.select(0)
        const data = new Array<number>(length).fill(0)
        const expected = [0x07, 0xd0, 0x08, 0x28].slice(0, length)
        expect(host.shift([0x00, 0x19, mode, ...data])).toEqual([1, 2, 3, ...expected])
        expect(host.shift([0x00, 0x39, 0x01, 0x00])).toEqual([1, 2, 3, 4])
    })

    test.each([
        [1, 1],
        [2, 2],
        [3, 4],
    ])("mode %i writes %i bytes, then the next frame begins", (mode, length) => {
        const host = new SpiHost()
        const data = [0xa1, 0xa2, 0xa3, 0xa4].slice(0, length)
        host.chip.select(0)
        host.shift([0x00, 0x01, 0x04 | mode, ...data])
        host.shift([0x00, 0x05, 0x05, 0x77])
        host.chip.select(1)
        expect(host.read(COMMON, 0x01, 5)).toEqual([...data, ...[0, 0, 0, 0].slice(length), 0x77])
    })

    test("a memory is read and written in fixed length, too", () => {
        const host = new SpiHost()
        host.frame([0x00, 0x05, (transmitBlock(0) << 3) | 4 | 2, 0x12, 0x34])
        expect(host.frame([0x00, 0x05, (transmitBlock(0) << 3) | 2, 0, 0])).toEqual([1, 2, 3, 0x12, 0x34])
    })
})

describe("block select of the W5500", () => {
    const every = Array.from({ length: 32 }, (_, block) => block)

    test.each(every.filter(block => (block & 3) === 0 && block !== 0))(
        "block %i is reserved: it reads 0, and access is misuse",
        block => {
            const host = new SpiHost()
            host.write(block, 0, 0xff)
            expect(host.read(block, 0)).toEqual([0])
            expect(host.chip.misuses).toEqual([
                `write to reserved block ${block}`,
                `read of reserved block ${block}`,
            ])
        }
    )

    test.each(every.filter(block => (block & 3) >= 2))("block %i is a memory of its own", block => {
        const host = new SpiHost()
        host.write(block, 0, 0xc0, 0xde)
        for (const other of every.filter(b => (b & 3) >= 2))
            expect(host.read(other, 0, 2)).toEqual(other === block ? [0xc0, 0xde] : [0, 0])
        expect(host.chip.misuses).toEqual([])
    })
})

describe("memory of the W5500", () => {
    test.each([1, 2, 4, 8, 16])("a block of %i KB repeats through all 64 KB of addresses", kiloBytes => {
        const host = new SpiHost()
        for (let n = 7; n >= 0; n--) host.write(socketBlock(n), 0x1e, 0, 0)
        host.write(socketBlock(0), 0x1e, kiloBytes, kiloBytes)
        const size = kiloBytes * 1024
        for (const block of [transmitBlock(0), receiveBlock(0)]) {
            host.write(block, size - 2, 1, 2, 3, 4)
            expect(host.read(block, 0, 2)).toEqual([3, 4])
            for (let at = size; at < 0x10000; at += size) {
                expect(host.read(block, at - 2, 4)).toEqual([1, 2, 3, 4])
            }
            expect(host.read(block, 0xfffe, 4)).toEqual([1, 2, 3, 4])
        }
    })

    test("blocks follow each other: a changed size moves the later ones", () => {
        const host = new SpiHost()
        host.write(transmitBlock(1), 0, 0xaa)
        host.write(socketBlock(0), 0x1f, 4)
        expect(host.read(transmitBlock(0), 0x800)).toEqual([0xaa])
        expect(host.read(transmitBlock(1), 0)).toEqual([0])
    })

    test("a socket of size 0 keeps nothing", () => {
        const host = new SpiHost()
        host.write(socketBlock(3), 0x1e, 0, 0)
        host.write(transmitBlock(3), 0, 0xaa)
        expect(host.read(transmitBlock(3), 0)).toEqual([0])
    })

    test("all 16 KB of both memories keep what is written", () => {
        const host = new SpiHost()
        host.open()
        for (const block of [transmitBlock(0), receiveBlock(0)]) {
            const pattern = Array.from({ length: 0x4000 }, (_, i) => (i * 31 + (i >> 8) + block) & 0xff)
            host.write(block, 0, ...pattern)
            expect(host.read(block, 0, 0x4000)).toEqual(pattern)
        }
    })
})
