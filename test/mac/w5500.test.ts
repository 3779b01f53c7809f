import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { MacCounter } from "../../src/mac/mac"
import { Bench, frame, STATION, started } from "./bench"

const OTHER = [0x02, 0x99, 0x99, 0x99, 0x99, 0x99]

describe("start", () => {
    test.each([true, false])("configures the chip (reset line: %s)", async resetLine => {
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

    test("a chip that was in use before is reset", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60))
        await bench.send(frame(100))
        await bench.mac.start()
        expect(await bench.receive()).toBeUndefined()
        expect(bench.trouble).toEqual({})
    })

    test.each([0x00, 0xff] as const)("a chip that answers %i to everything", async dead => {
        const bench = new Bench()
        bench.chip.faults.dead = dead
        await expect(bench.mac.start()).rejects.toThrow(
            `W5500: version register reads ${dead} instead of 4: check power, reset, CS, SCK, MOSI, MISO`
        )
        expect(bench.clock.now()).toBeLessThan(100)
        expect(await bench.send(frame(60))).toBe(false)
        bench.chip.faults.dead = undefined
        await bench.mac.start()
        expect(await bench.send(frame(60))).toBe(true)
    })

    test("another chip", async () => {
        const bench = new Bench()
        bench.chip.faults.version = 0x51
        await expect(bench.mac.start()).rejects.toThrow("version register reads 81 instead of 4")
    })

    test("a chip that takes no commands", async () => {
        const bench = new Bench()
        bench.chip.faults.untakenCommands = 1
        await expect(bench.mac.start()).rejects.toThrow("answers but does not open its socket")
        expect(bench.clock.now()).toBeLessThan(100)
    })

    test("ends also where the clock stands still", async () => {
        const bench = new Bench()
        bench.chip.faults.dead = 0xff
        const { power } = await import("../../src/mac/power")
        power.idle = async () => {}
        await expect(bench.mac.start()).rejects.toThrow("version register")
        await bench.mac.rest(1000)
    })

    test("a frame size, clock or address that cannot be", () => {
        expect(() => new Bench({ driver: { hz: 0 } })).toThrow("hz must be 1 to 33300000")
        expect(() => new Bench({ driver: { hz: 33_300_001 } })).toThrow("hz must be 1 to 33300000")
        const { into } = new Bench()
        expect(() => new Bench({ driver: { address: into } })).toThrow("the address must be 6 bytes")
    })

    test("blocks what it is told to", async () => {
        const broadcast = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
        const bench = await started({ driver: { block: 0x40 } })
        bench.chip.deliver(frame(60, 0, broadcast))
        expect(await bench.receive()).toBeUndefined()
        const open = await started()
        open.chip.deliver(frame(60, 0, broadcast))
        expect(await open.receive()).toEqual(frame(60, 0, broadcast))
    })
})

describe("SPI frames and transfers", () => {
    /** Costs of receiving what waits, with the look that finds nothing more. */
    async function costOf(...lengths: number[]): Promise<number[]> {
        const bench = await started()
        for (const [n, length] of lengths.entries()) bench.chip.deliver(frame(length, n))
        while ((await bench.receive()) !== undefined);
        expect(bench.received).toEqual(lengths.map((length, n) => frame(length, n)))
        return [bench.selections - 1, bench.transfers - 1]
    }

    test.each([
        ["a short frame", [60], [4, 4]],
        ["the longest short one", [123], [4, 4]],
        ["longer ones", [124], [4, 5]],
        ["the longest", [1514], [4, 5]],
        // of the first it is not yet known that it is short; long ones are given back every 4 KB
        ["ten short frames", new Array<number>(10).fill(60), [13, 14]],
        ["ten long ones", new Array<number>(10).fill(1514), [22, 32]],
    ])("received: %s", async (_, lengths, expected) => {
        expect(await costOf(...lengths)).toEqual(expected)
    })

    test.each([
        ["a short frame", 60, [3, 3]],
        ["the longest short one", 125, [3, 3]],
        ["longer ones", 126, [3, 4]],
        ["the longest", 1514, [3, 4]],
    ])("sent: %s", async (_, length, expected) => {
        const bench = await started()
        await bench.send(frame(length))
        expect([bench.selections, bench.transfers]).toEqual(expected)
        // the next one looks whether this one is out; a look of receive or wait would do as well
        bench.countFrom()
        await bench.send(frame(length))
        expect(bench.selections).toBe(expected[0]! + 1)
        await bench.mac.rest(0)
        bench.countFrom()
        await bench.send(frame(length))
        expect(bench.selections).toBe(expected[0])
    })

    test("an answer goes out before the memory of the question is given back", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60))
        await bench.receive()
        expect(bench.selections).toBe(2)
        await bench.send(frame(60))
        expect(bench.selections).toBe(5)
    })

    test("a look that finds nothing is one", async () => {
        const bench = await started()
        await bench.receive()
        expect(bench.selections).toBe(1)
        await bench.mac.rest(0)
        expect(bench.selections).toBe(2)
    })
})

describe("frames", () => {
    const lengths = fc.array(fc.integer({ min: 60, max: 1514 }), { minLength: 300, maxLength: 600 })

    test("thousands of any size, both ways, through wrapping pointers", async () => {
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

    test("sent back to back while each takes its time", async () => {
        const bench = await started()
        bench.chip.faults.sendDelay = 1.5
        for (let n = 0; n < 50; n++) expect(await bench.send(frame(60 + n * 25, n))).toBe(true)
        expect(bench.sent.map(f => f.length)).toEqual(Array.from({ length: 50 }, (_, n) => 60 + n * 25))
        expect(bench.trouble).toEqual({})
        expect(bench.chip.misuses).toEqual([])
    })

    test("arriving between any two transfers of the driver", async () => {
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

    test("arriving between the two bytes of Sn_RX_RSR", async () => {
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

    test("short ones are padded with zeros, whatever was sent before", async () => {
        const bench = await started()
        await bench.send(frame(125))
        await bench.send(frame(42))
        expect([...bench.sent[1]!]).toEqual([...frame(42), ...new Array<number>(18).fill(0)])
    })

    test.each([0, 13, 1515, -1])("a length of %i is not sent", async length => {
        const bench = await started()
        const from = bench.into
        expect(await bench.mac.send(from, length)).toBe(false)
        expect(bench.transfers).toBe(0)
    })

    test("nor is more than the buffer holds", async () => {
        const bench = await started({ frameSize: 100 })
        expect(await bench.mac.send(bench.into, 101)).toBe(false)
    })

    test("for other stations do not come in", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60, 0, OTHER))
        expect(await bench.receive()).toBeUndefined()
    })

    test.each([60, 1000])("too long for the buffer are passed over (buffer of %i bytes)", async frameSize => {
        const bench = await started({ frameSize })
        for (const length of [frameSize, frameSize + 1, 1514, frameSize]) bench.chip.deliver(frame(length))
        await bench.run(10)
        expect(bench.received).toEqual([frame(frameSize), frame(frameSize)])
        expect(bench.trouble).toEqual({ tooLong: 2 })
    })

    // a byte more is no frame: "1521, which is there" of w5500-faults.test.ts
    test("of 1,518 bytes, as long as one with a VLAN tag can be, come in", async () => {
        const bench = await started({ frameSize: 1600 })
        for (const length of [1518, 60, 1518]) bench.chip.deliver(frame(length))
        await bench.run(10)
        expect(bench.received).toEqual([frame(1518), frame(60), frame(1518)])
        expect(bench.trouble).toEqual({})
    })
})

describe("wait", () => {
    test("ends with the time", async () => {
        const bench = await started()
        const from = bench.clock.now()
        await bench.mac.rest(25)
        expect(bench.clock.now() - from).toBe(25)
    })

    test("ends when a frame arrives, which receive then takes without another look", async () => {
        const bench = await started()
        const from = bench.clock.now()
        bench.clock.at(from + 7, () => bench.chip.deliver(frame(60)))
        await bench.mac.rest(1000)
        expect(bench.clock.now() - from).toBe(7)
        bench.countFrom()
        expect(await bench.receive()).toEqual(frame(60))
        expect(bench.selections).toBe(1)
    })

    test("ends when a program wakes it, and only once", async () => {
        const bench = await started()
        const { power } = await import("../../src/mac/power")
        const from = bench.clock.now()
        bench.clock.at(from + 3, () => power.wake())
        bench.clock.at(from + 20, () => {})
        await bench.mac.rest(1000)
        expect(bench.clock.now() - from).toBe(3)
        await bench.mac.rest(10)
        expect(bench.clock.now() - from).toBe(13)
    })

    test("a program that wakes does not cut the waits within a reset short", async () => {
        const bench = new Bench()
        const { power } = await import("../../src/mac/power")
        const idle = power.idle
        power.idle = ms => (power.woken ? Promise.resolve() : idle(ms))
        power.wake()
        await bench.mac.start()
        expect(bench.chip.misuses).toEqual([])
        expect(power.woken).toBe(true)
    })
})
