// The W5500 driver with a chip that works: start, frames, SPI transfers and rest().

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { MacCounter } from "../../src/mac/mac"
import { Bench, frame, STATION, started } from "./bench"

const OTHER = [0x02, 0x99, 0x99, 0x99, 0x99, 0x99]

describe("starting the W5500 driver", () => {
    test.each([true, false])("start() configures the chip (with a reset line: %s)", async resetLine => {
        const bench = new Bench({ resetLine })
        await bench.mac.start()
        const look = (control: number, address: number, count: number) => {
            const bytes = new Uint8Array(3 + count)
            bytes.set([0, address, control])
            bench.chip.select(0)
            bench.chip.transfer(bytes)
            bench.chip.select(1)
            return [...bytes.subarray(3)]
        }
        expect(look(0x00, 0x09, 6)).toEqual(STATION)
        expect(look(0x08, 0x00, 4)).toEqual([0xb4, 0, 0, 0x42])
        expect(look(0x08, 0x1e, 2)).toEqual([16, 16])
        for (let n = 1; n < 8; n++) expect(look(0x08 + n * 0x20, 0x1e, 2)).toEqual([0, 0])
        expect(bench.configuration).toEqual([16, 19, 18, 0, 20_000_000])
        expect(bench.clock.now()).toBeLessThan(10)
        expect(bench.mac.linkUp).toBe(true)
        expect(bench.chip.misuses).toEqual([])
        expect(bench.warnings).toEqual([])
    })

    test("start() resets a chip that was in use and drops its waiting frame", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60))
        await bench.send(frame(100))
        await bench.mac.start()
        expect(await bench.receive()).toBeUndefined()
        expect(bench.trouble).toEqual({})
    })

    test.each([0x00, 0xff] as const)(
        "start() of a chip that answers %i to everything fails with what to check",
        async dead => {
            const bench = new Bench()
            bench.chip.faults.dead = dead
            await expect(bench.mac.start()).rejects.toThrow(
                `W5500: ENODEV, version register reads ${dead} instead of 4: check power, reset, CS, SCK, MOSI, MISO`
            )
            expect(bench.clock.now()).toBeLessThan(100)
            expect(await bench.send(frame(60))).toBe(false)
            bench.chip.faults.dead = undefined
            await bench.mac.start()
            expect(await bench.send(frame(60))).toBe(true)
        }
    )

    test("start() of a chip with another version fails and names the version read", async () => {
        const bench = new Bench()
        bench.chip.faults.version = 0x51
        await expect(bench.mac.start()).rejects.toThrow("version register reads 81 instead of 4")
    })

    test("start() of a chip that takes no commands fails within 100 ms", async () => {
        const bench = new Bench()
        bench.chip.faults.untakenCommands = 1
        await expect(bench.mac.start()).rejects.toThrow("answers but does not open its socket")
        expect(bench.clock.now()).toBeLessThan(100)
    })

    test("start() and rest() end where the clock stands still", async () => {
        const bench = new Bench()
        bench.chip.faults.dead = 0xff
        const { power } = await import("../../src/mac/poll-wait")
        power.idle = async () => {}
        await expect(bench.mac.start()).rejects.toThrow("version register")
        await bench.mac.rest(1000)
    })

    test("a driver with an impossible SPI clock or address throws", () => {
        expect(() => new Bench({ driver: { hz: 0 } })).toThrow("hz must be 1 to 33300000")
        expect(() => new Bench({ driver: { hz: 33_300_001 } })).toThrow("hz must be 1 to 33300000")
        const { into } = new Bench()
        expect(() => new Bench({ driver: { address: into } })).toThrow("the address must be 6 bytes")
    })

    test("the option block keeps broadcasts out, and without it they come in", async () => {
        const broadcast = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
        const bench = await started({ driver: { block: 0x40 } })
        bench.chip.deliver(frame(60, 0, broadcast))
        expect(await bench.receive()).toBeUndefined()
        const open = await started()
        open.chip.deliver(frame(60, 0, broadcast))
        expect(await open.receive()).toEqual(frame(60, 0, broadcast))
    })
})

describe("SPI frames and transfers of the W5500 driver", () => {
    /** Returns the SPI frames and transfers that receiving these frames takes, the last look that finds none left out. */
    async function costOf(...lengths: number[]): Promise<number[]> {
        const bench = await started()
        for (const [n, length] of lengths.entries()) bench.chip.deliver(frame(length, n))
        while ((await bench.receive()) !== undefined);
        expect(bench.received).toEqual(lengths.map((length, n) => frame(length, n)))
        // returns the memory of what was received
        await bench.mac.rest(0)
        return [bench.selections - 1, bench.transfers - 1]
    }

    test.each([
        ["a short frame", [60], [4, 4]],
        ["a frame of 123 bytes", [123], [4, 4]],
        ["a frame of 124 bytes", [124], [4, 5]],
        ["the longest frame", [1514], [4, 5]],
        // the driver does not know yet that the first is short; the memory of long ones is returned every 4 KB
        ["ten short frames", new Array<number>(10).fill(60), [13, 14]],
        ["ten of the longest frames", new Array<number>(10).fill(1514), [22, 32]],
    ])("receiving %s takes this many SPI frames and transfers", async (_, lengths, expected) => {
        expect(await costOf(...lengths)).toEqual(expected)
    })

    test.each([
        ["a short frame", 60, [3, 3]],
        ["a frame of 125 bytes", 125, [3, 3]],
        ["a frame of 126 bytes", 126, [3, 4]],
        ["the longest frame", 1514, [3, 4]],
    ])("sending %s takes this many SPI frames and transfers", async (_, length, expected) => {
        const bench = await started()
        await bench.send(frame(length))
        expect([bench.selections, bench.transfers]).toEqual(expected)
        // the next send looks whether this frame was sent; a look of receive() or rest() does as well
        bench.countFrom()
        await bench.send(frame(length))
        expect(bench.selections).toBe(expected[0]! + 1)
        await bench.mac.rest(0)
        bench.countFrom()
        await bench.send(frame(length))
        expect(bench.selections).toBe(expected[0])
    })

    test("a reply is sent before the memory of the received frame is returned to the chip", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60))
        await bench.receive()
        expect(bench.selections).toBe(2)
        await bench.send(frame(60))
        expect(bench.selections).toBe(5)
    })

    test("receive() and rest() without a frame take one SPI frame each", async () => {
        const bench = await started()
        await bench.receive()
        expect(bench.selections).toBe(1)
        await bench.mac.rest(0)
        expect(bench.selections).toBe(2)
    })

    test("with the option look, every transfer of an idle driver has that length, those that look at link and version, too", async () => {
        const bench = await started({ driver: { look: 200 } })
        await bench.mac.rest(250)
        expect(bench.transfers).toBeGreaterThan(4)
        expect(bench.bytes).toBe(200 * bench.transfers)
        expect(bench.trouble).toEqual({})
    })
})

describe("frames through the W5500 driver", () => {
    const lengths = fc.array(fc.integer({ min: 60, max: 1514 }), { minLength: 300, maxLength: 600 })

    test("hundreds of frames of any size pass both ways through wrapping pointers", async () => {
        const bursts = fc.infiniteStream(fc.integer({ min: 1, max: 8 }))
        await fc.assert(
            fc.asyncProperty(lengths, lengths, bursts, async (inward, outward, bursts) => {
                const bench = await started()
                const expectedIn = inward.map((length, n) => frame(length, n))
                const expectedOut = outward.map((length, n) => frame(length, n, OTHER))
                let delivered = 0
                let sent = 0
                while (delivered < inward.length || sent < outward.length) {
                    for (let n = bursts.next().value; n > 0 && delivered < inward.length; n--)
                        bench.chip.deliver(expectedIn[delivered++]!)
                    for (let n = bursts.next().value; n > 0 && sent < outward.length; n--)
                        expect(await bench.send(expectedOut[sent++]!)).toBe(true)
                    while (bench.chip.dropped === 0 && (await bench.receive()) !== undefined);
                }
                expect(Buffer.concat(bench.received).equals(Buffer.concat(expectedIn))).toBe(true)
                expect(Buffer.concat(bench.sent).equals(Buffer.concat(expectedOut))).toBe(true)
                expect(bench.received.map(f => f.length)).toEqual(inward)
                expect(bench.sent.map(f => f.length)).toEqual(outward)
                expect(bench.counter(MacCounter.FramesIn)).toBe(inward.length)
                expect(bench.counter(MacCounter.FramesOut)).toBe(outward.length)
                expect(bench.trouble).toEqual({})
                expect(bench.chip.misuses).toEqual([])
            }),
            { numRuns: 10 }
        )
    })

    test("50 frames sent back to back while each takes 1.5 ms all go out", async () => {
        const bench = await started()
        bench.chip.faults.sendDelay = 1.5
        for (let n = 0; n < 50; n++) expect(await bench.send(frame(60 + n * 25, n))).toBe(true)
        expect(bench.sent.map(f => f.length)).toEqual(Array.from({ length: 50 }, (_, n) => 60 + n * 25))
        expect(bench.trouble).toEqual({})
        expect(bench.chip.misuses).toEqual([])
    })

    test("400 frames that arrive between any two transfers all come in", async () => {
        const bench = await started({ transferTime: 0.1 })
        const expected: Uint8Array[] = []
        for (let n = 0; n < 400; n++) {
            const next = frame(60 + ((n * 97) % 1400), n)
            expected.push(next)
            bench.clock.at(bench.clock.now() + 2 + n * 3.3, () => bench.chip.deliver(next))
        }
        await bench.run(1500)
        expect(bench.received).toEqual(expected)
        expect(bench.trouble).toEqual({})
    })

    test("a frame that arrives between the two bytes of Sn_RX_RSR comes in", async () => {
        const bench = await started()
        for (let n = 0; n < 200; n++) {
            bench.chip.deliver(frame(253, n))
            bench.chip.faults.betweenSizeBytes = () => bench.chip.deliver(frame(60, n))
            expect(await bench.receive()).toEqual(frame(253, n))
            expect(await bench.receive()).toEqual(frame(60, n))
            expect(await bench.receive()).toBeUndefined()
        }
        expect(bench.trouble).toEqual({})
    })

    test("a short frame is padded with zeros, whatever was sent before", async () => {
        const bench = await started()
        await bench.send(frame(125))
        await bench.send(frame(42))
        expect([...bench.sent[1]!]).toEqual([...frame(42), ...new Array<number>(18).fill(0)])
    })

    test.each([0, 13, 1515, -1])("send() of %i bytes returns false and touches no bus", async length => {
        const bench = await started()
        const from = bench.into
        expect(await bench.mac.send(from, length)).toBe(false)
        expect(bench.transfers).toBe(0)
    })

    test("send() of more bytes than the buffer holds returns false", async () => {
        const bench = await started({ frameSize: 100 })
        expect(await bench.mac.send(bench.into, 101)).toBe(false)
    })

    test("a frame for another station does not come in", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60, 0, OTHER))
        expect(await bench.receive()).toBeUndefined()
    })

    test.each([60, 1000])(
        "frames too long for a buffer of %i bytes are skipped and counted",
        async frameSize => {
            const bench = await started({ frameSize })
            for (const length of [frameSize, frameSize + 1, 1514, frameSize])
                bench.chip.deliver(frame(length))
            await bench.run(10)
            expect(bench.received).toEqual([frame(frameSize), frame(frameSize)])
            expect(bench.trouble).toEqual({ tooLong: 2 })
        }
    )

    // w5500-faults.test.ts has a header of one byte more
    test("frames of 1,518 bytes, the longest with a VLAN tag, come in", async () => {
        const bench = await started({ frameSize: 1600 })
        for (const length of [1518, 60, 1518]) bench.chip.deliver(frame(length))
        await bench.run(10)
        expect(bench.received).toEqual([frame(1518), frame(60), frame(1518)])
        expect(bench.trouble).toEqual({})
    })
})

describe("rest() of the W5500 driver", () => {
    test("rest(25) without a frame ends after 25 ms", async () => {
        const bench = await started()
        const from = bench.clock.now()
        await bench.mac.rest(25)
        expect(bench.clock.now() - from).toBe(25)
    })

    test("rest() ends when a frame arrives, and receive() takes it with one SPI frame", async () => {
        const bench = await started()
        const from = bench.clock.now()
        bench.clock.at(from + 7, () => bench.chip.deliver(frame(60)))
        await bench.mac.rest(1000)
        expect(bench.clock.now() - from).toBe(7)
        bench.countFrom()
        expect(await bench.receive()).toEqual(frame(60))
        expect(bench.selections).toBe(1)
    })

    test("power.wake() ends rest() once", async () => {
        const bench = await started()
        const { power } = await import("../../src/mac/poll-wait")
        const from = bench.clock.now()
        bench.clock.at(from + 3, () => power.wake())
        bench.clock.at(from + 20, () => {})
        await bench.mac.rest(1000)
        expect(bench.clock.now() - from).toBe(3)
        await bench.mac.rest(10)
        expect(bench.clock.now() - from).toBe(13)
    })

    test("power.wake() does not shorten the waits within start()", async () => {
        const bench = new Bench()
        const { power } = await import("../../src/mac/poll-wait")
        const idle = power.idle
        power.idle = ms => (power.woken ? Promise.resolve() : idle(ms))
        power.wake()
        await bench.mac.start()
        expect(bench.chip.misuses).toEqual([])
        expect(power.woken).toBe(true)
    })
})
