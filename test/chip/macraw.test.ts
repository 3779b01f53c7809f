import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { COMMON, frameTo, receiveBlock, SpiHost, STATION, socketBlock } from "./spi-host"

const S0 = socketBlock(0)
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
const OTHER = [0x02, 0x99, 0x99, 0x99, 0x99, 0x99]

function opened(mode?: number): SpiHost {
    const host = new SpiHost()
    host.open(mode)
    return host
}

const size = (host: SpiHost) => host.read16(S0, 0x26)
const interrupts = (host: SpiHost) => host.read(S0, 0x02)[0]!
const state = (host: SpiHost, n = 0) => host.read(socketBlock(n), 0x03)[0]

describe("OPEN and CLOSE of the W5500's socket 0", () => {
    test("OPEN of socket 0 in MACRAW mode sets Sn_SR to 0x42", () => {
        const host = opened()
        expect(state(host)).toBe(0x42)
        expect(host.read(S0, 0x01)).toEqual([0])
        expect(host.read16(S0, 0x20)).toBe(0x4000)
        expect(host.chip.misuses).toEqual([])
    })

    test("OPEN resets the socket's pointers", () => {
        const host = opened()
        host.chip.deliver(frameTo(STATION))
        host.send(frameTo(OTHER))
        host.write(S0, 0x01, 0x01)
        for (const pointer of [0x22, 0x24, 0x26, 0x28, 0x2a]) expect(host.read16(S0, pointer)).toBe(0)
    })

    test("OPEN works with mode and command in one SPI frame", () => {
        const host = new SpiHost()
        host.write(S0, 0x00, 0x84, 0x01)
        expect(state(host)).toBe(0x42)
    })

    test.each([
        [0x01, 0x13],
        [0x02, 0x22],
    ])("OPEN in mode 0x%s sets the state of the data sheet", (mode, expected) => {
        const host = new SpiHost()
        host.write(socketBlock(3), 0x00, mode, 0x01)
        expect(state(host, 3)).toBe(expected)
    })

    test.each([
        [0, 0x00],
        [0, 0x0f],
        [1, 0x04],
        [7, 0x04],
    ])("OPEN of socket %i in mode %i is misuse and does nothing", (n, mode) => {
        const host = new SpiHost()
        host.write(socketBlock(n), 0x00, mode, 0x01)
        expect(state(host, n)).toBe(0)
        expect(host.chip.misuses).toHaveLength(1)
    })

    test("CLOSE ends reception", () => {
        const host = opened()
        host.write(S0, 0x01, 0x10)
        expect(state(host)).toBe(0)
        host.chip.deliver(frameTo(STATION))
        expect(size(host)).toBe(0)
    })

    test.each([0x02, 0x04, 0x08, 0x21, 0x22, 0x33])(
        "command 0x%s in MACRAW mode is misuse and does nothing",
        command => {
            const host = opened()
            host.write(S0, 0x01, command)
            expect(host.read(S0, 0x01, 3)).toEqual([0, 0, 0x42])
            expect(host.chip.misuses).toHaveLength(1)
        }
    )

    test.each([0x20, 0x40])("command 0x%s without an open socket is misuse and does nothing", command => {
        const host = new SpiHost()
        host.write(S0, 0x01, command)
        expect(host.chip.misuses).toHaveLength(1)
        expect(host.sent).toEqual([])
    })
})

describe("receiving by the W5500 in MACRAW mode", () => {
    test("a received frame has a length header that counts itself", () => {
        const host = opened()
        const frame = frameTo(STATION, 61)
        host.chip.deliver(frame)
        expect(size(host)).toBe(63)
        expect(host.read16(S0, 0x2a)).toBe(63)
        expect(interrupts(host)).toBe(0x04)
        expect(host.receive()).toEqual([0, 63, ...frame])
        expect(size(host)).toBe(0)
    })

    test("RECV, not the pointer alone, frees memory", () => {
        const host = opened()
        host.chip.deliver(frameTo(STATION))
        host.write16(S0, 0x28, 62)
        expect(size(host)).toBe(62)
        host.write(S0, 0x01, 0x40)
        expect(size(host)).toBe(0)
    })

    test("a frame that does not fit is dropped whole, and later frames come in once there is room", () => {
        const host = opened()
        const frame = frameTo(STATION, 1514)
        for (let n = 0; n < 12; n++) host.chip.deliver(frame)
        expect(size(host)).toBe(10 * 1516)
        expect(host.chip.dropped).toBe(2)
        host.chip.deliver(frameTo(STATION, 0x4000 - 10 * 1516 - 2))
        expect(size(host)).toBe(0x4000)
        host.receive()
        host.chip.deliver(frame)
        expect(size(host)).toBe(0x4000)
        for (let n = 0; n < 9; n++) expect(host.receive()).toEqual([0x05, 0xec, ...frame])
    })

    test("a smaller receive memory holds fewer frames", () => {
        const host = opened()
        host.write(S0, 0x1e, 2)
        host.chip.deliver(frameTo(STATION, 1514))
        host.chip.deliver(frameTo(STATION, 1514))
        expect(size(host)).toBe(1516)
    })

    test("received frames of any size pass through wrapping pointers", () => {
        const lengths = fc.array(fc.integer({ min: 14, max: 1518 }), { minLength: 200, maxLength: 300 })
        fc.assert(
            fc.property(lengths, lengths => {
                const host = opened()
                const waiting: Uint8Array[] = []
                for (const [n, length] of lengths.entries()) {
                    const frame = frameTo(STATION, length, n)
                    host.chip.deliver(frame)
                    waiting.push(frame)
                    if (waiting.length < 8) continue
                    const expected = waiting.shift()!
                    expect(host.receive().slice(2)).toEqual([...expected])
                }
            }),
            { numRuns: 5 }
        )
    })

    test.each([13, 1519])("a frame of %i bytes is not received", length => {
        const host = opened()
        host.chip.deliver(frameTo(STATION, length))
        expect(size(host)).toBe(0)
    })

    test("the two bytes of Sn_RX_RSR may be of two values, when a frame comes between their reads", () => {
        const host = opened()
        host.chip.deliver(frameTo(STATION, 253))
        host.chip.faults.betweenSizeBytes = () => host.chip.deliver(frameTo(STATION, 60))
        expect(size(host)).toBe(0x003d)
        expect(size(host)).toBe(0x013d)
    })
})

describe("MACRAW filters of the W5500", () => {
    const ipv4Multicast = [0x01, 0x00, 0x5e, 1, 2, 3]
    const ipv6Multicast = [0x33, 0x33, 0, 0, 0, 1]
    const otherMulticast = [0x01, 0x80, 0xc2, 0, 0, 0]
    const all = [STATION, OTHER, BROADCAST, ipv4Multicast, ipv6Multicast, otherMulticast]

    test.each([
        ["none", 0x04, all],
        ["MFEN", 0x84, [STATION, BROADCAST, ipv4Multicast, ipv6Multicast]],
        ["MFEN, BCASTB", 0xc4, [STATION, ipv4Multicast, ipv6Multicast]],
        ["MFEN, MMB", 0xa4, [STATION, BROADCAST, ipv6Multicast]],
        ["MMB", 0x24, [STATION, OTHER, BROADCAST, ipv6Multicast]],
        ["BCASTB", 0x44, [STATION, OTHER, ipv4Multicast, ipv6Multicast, otherMulticast]],
    ])("filters %s let in what the data sheet says", (_, mode, passing) => {
        for (const destination of all) {
            const host = opened(mode)
            host.chip.deliver(frameTo(destination))
            expect([destination, size(host)]).toEqual([destination, passing.includes(destination) ? 62 : 0])
        }
    })

    test("MIP6B drops IPv6 to any address", () => {
        const ipv6 = frameTo(STATION)
        ipv6.set([0x86, 0xdd], 12)
        for (const [mode, expected] of [
            [0x84, 62],
            [0x94, 0],
        ] as const) {
            const host = opened(mode)
            host.chip.deliver(ipv6)
            expect(size(host)).toBe(expected)
        }
    })
})

describe("sending by the W5500 in MACRAW mode", () => {
    test("SEND puts the written frame on the wire and sets SENDOK", () => {
        const host = opened()
        const frame = frameTo(OTHER, 100)
        host.send(frame)
        expect(host.sent).toEqual([frame])
        expect(interrupts(host)).toBe(0x10)
        expect(host.read16(S0, 0x22)).toBe(100)
        expect(host.read16(S0, 0x20)).toBe(0x4000)
    })

    test("free memory shrinks as the write pointer moves", () => {
        const host = opened()
        host.write16(S0, 0x24, 1000)
        expect(host.read16(S0, 0x20)).toBe(0x4000 - 1000)
    })

    test("a short frame is padded", () => {
        const host = opened()
        host.send(frameTo(OTHER, 42))
        expect([...host.sent[0]!]).toEqual([...frameTo(OTHER, 42), ...new Array<number>(18).fill(0)])
    })

    test("SENDOK comes after the SPI frame of the SEND, so that the last one can be cleared in it", () => {
        const host = opened()
        host.send(frameTo(OTHER))
        host.write16(S0, 0x24, 120)
        host.write(S0, 0x01, 0x20, 0x10)
        expect(interrupts(host)).toBe(0x10)
        expect(host.sent).toHaveLength(2)
    })

    test("SENDOK takes the set time", async () => {
        const host = opened()
        host.chip.faults.sendDelay = 2
        host.send(frameTo(OTHER))
        expect(host.sent).toHaveLength(1)
        await host.clock.runUntil(1.9)
        expect(interrupts(host)).toBe(0)
        expect(host.read16(S0, 0x22)).toBe(0)
        await host.clock.runUntil(2)
        expect(interrupts(host)).toBe(0x10)
        expect(host.read16(S0, 0x22)).toBe(60)
    })

    test("SEND before the end of the last one is misuse", () => {
        const host = opened()
        host.chip.faults.sendDelay = 2
        host.send(frameTo(OTHER))
        host.send(frameTo(OTHER))
        expect(host.sent).toHaveLength(1)
        expect(host.chip.misuses).toEqual(["SEND before the end of the last SEND"])
    })

    test("SEND of more than 1,514 bytes is misuse", () => {
        const host = opened()
        host.send(frameTo(OTHER, 1514))
        host.send(frameTo(OTHER, 1515))
        expect(host.sent).toHaveLength(1)
        expect(host.chip.misuses).toEqual(["SEND of 1515 bytes"])
    })

    test("a SEND without a link does not end", () => {
        const host = opened()
        host.chip.setLink(false)
        host.send(frameTo(OTHER))
        host.chip.setLink(true)
        expect(interrupts(host)).toBe(0)
        expect(host.read16(S0, 0x22)).toBe(0)
        expect(host.sent).toEqual([])
    })

    test("sent frames of any size pass through wrapping pointers", () => {
        const lengths = fc.array(fc.integer({ min: 60, max: 1514 }), { minLength: 200, maxLength: 300 })
        fc.assert(
            fc.property(lengths, lengths => {
                const host = opened()
                const frames = lengths.map((length, n) => frameTo(OTHER, length, n))
                for (const frame of frames) host.send(frame)
                expect(host.sent).toEqual(frames)
            }),
            { numRuns: 5 }
        )
    })

    test("each frame sent or received counts as activity", () => {
        const host = opened()
        host.send(frameTo(OTHER))
        host.chip.deliver(frameTo(STATION))
        host.chip.deliver(frameTo(OTHER))
        expect(host.chip.activity).toBe(2)
    })
})

test("a frame changes no memory beyond its end", () => {
    const host = opened()
    host.chip.deliver(frameTo(STATION))
    expect(host.read(receiveBlock(0), 62, 4)).toEqual([0, 0, 0, 0])
    expect(host.read(COMMON, 0x17)).toEqual([0x01])
})
