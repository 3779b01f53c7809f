import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { PhyReg, RESET, Reg, WRITABLE } from "../../sim/chip/enc28j60-map"
import { MacCounter } from "../../src/mac/mac"
import { frame, STATION } from "./bench"
import { Bench, started } from "./enc28j60-bench"
import { read, readPhy } from "./enc28j60-registers"

const OTHER = [0x02, 0x99, 0x99, 0x99, 0x99, 0x99]
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
const GROUP = [0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb]

/** The configuration of the chip, by section of the data sheet or number of the erratum. */
const told: [string, number, number, string][] = [
    ["ECON2", Reg.ECON2, 0x80, "register 3-2: AUTOINC"],
    ["ETXST", Reg.ETXST, 0x00, "7.1"],
    ["ETXST+1", Reg.ETXST + 1, 0x18, "7.1"],
    ["ERXST", Reg.ERXST, 0x00, "erratum 5"],
    ["ERXST+1", Reg.ERXST + 1, 0x00, "erratum 5"],
    ["ERXND", Reg.ERXND, 0xff, "6.1, odd for erratum 14"],
    ["ERXND+1", Reg.ERXND + 1, 0x17, "6.1"],
    ["ERXRDPT", Reg.ERXRDPT, 0xff, "erratum 14"],
    ["ERXRDPT+1", Reg.ERXRDPT + 1, 0x17, "7.2.4"],
    ["EPMM0", Reg.EPMM0, 0x03, "8.2: bytes 0 and 1"],
    ["EPMM1", Reg.EPMM0 + 1, 0x30, "8.2: bytes 12 and 13"],
    ["EPMCS", Reg.EPMCS, 0xff, "8.2: checksum of 01 00 08 00"],
    ["EPMCS+1", Reg.EPMCS + 1, 0xf6, "8.2"],
    ["ERXFCON", Reg.ERXFCON, 0xa1, "8.0: unicast, broadcast, CRC"],
    ["MACON1", Reg.MACON1, 0x01, "6.5 step 1: MARXEN"],
    ["MACON3", Reg.MACON3, 0x30, "6.5 step 2: PADCFG 001, TXCRCEN, half duplex"],
    ["MACON4", Reg.MACON4, 0x40, "6.5 step 3: DEFER"],
    ["MAMXFLL", Reg.MAMXFL, 0xf2, "6.5 step 4: 1522"],
    ["MAMXFLH", Reg.MAMXFL + 1, 0x05, "6.5 step 4"],
    ["MABBIPG", Reg.MABBIPG, 0x12, "6.5 step 5"],
    ["MAIPGL", Reg.MAIPGL, 0x12, "6.5 step 6"],
    ["MAIPGH", Reg.MAIPGH, 0x0c, "6.5 step 7"],
    ["MACLCON1", Reg.MACLCON1, 0x0f, "6.5 step 8"],
    ["MACLCON2", Reg.MACLCON2, 0x37, "6.5 step 8"],
    ["MAADR1", Reg.MAADR1, STATION[0]!, "table 3-2"],
    ["MAADR2", Reg.MAADR2, STATION[1]!, "table 3-2"],
    ["MAADR3", Reg.MAADR3, STATION[2]!, "table 3-2"],
    ["MAADR4", Reg.MAADR4, STATION[3]!, "table 3-2"],
    ["MAADR5", Reg.MAADR5, STATION[4]!, "table 3-2"],
    ["MAADR6", Reg.MAADR6, STATION[5]!, "table 3-2"],
    ["EFLOCON", Reg.EFLOCON, 0x00, "chapter 10"],
]

describe("start() of the ENC28J60's driver", () => {
    test.each([true, false])("start() configures the chip (reset line: %s)", async resetLine => {
        const bench = new Bench({ resetLine })
        await bench.mac.start()
        for (const [name, register, value, why] of told)
            expect([name, read(bench.chip, register), why]).toEqual([name, value, why])
        expect(read(bench.chip, Reg.ECON1) & 0xfc).toBe(0x04)
        expect(readPhy(bench.chip, PhyReg.PHCON1)).toBe(0)
        expect(readPhy(bench.chip, PhyReg.PHCON2)).toBe(0x0100)
        expect(readPhy(bench.chip, PhyReg.PHLCON)).toBe(0x3476)
        expect(bench.configuration).toEqual([16, 19, 18, 0, 20_000_000])
        expect(bench.clock.now()).toBeLessThan(10)
        expect(bench.mac.linkUp).toBe(true)
        expect(bench.chip.misuses).toEqual([])
        expect(bench.warnings).toEqual([])
    })

    test("start() of a chip in use resets it, and its packets are gone", async () => {
        const bench = await started()
        await bench.arrive(frame(60), frame(60))
        await bench.send(frame(100))
        await bench.mac.start()
        expect(await bench.receive()).toBeUndefined()
        expect(bench.trouble).toEqual({})
        await bench.arrive(frame(60, 1))
        expect(await bench.receive()).toEqual(frame(60, 1))
        expect(bench.chip.misuses).toEqual([])
    })

    test("start() wakes a chip in power save mode, over SPI (erratum 19)", async () => {
        const bench = new Bench({ resetLine: false })
        bench.chip.change(Reg.ECON2, 0xa0)
        await bench.mac.start()
        await bench.arrive(frame(60))
        expect(await bench.receive()).toEqual(frame(60))
        expect(bench.chip.misuses).toEqual([])
    })

    test.each([0x00, 0xff] as const)(
        "start() of a chip that answers %i to everything throws what to check, and works later",
        async dead => {
            const bench = new Bench()
            bench.chip.faults.dead = dead
            await expect(bench.mac.start()).rejects.toThrow(
                `ENC28J60: ENODEV, ESTAT is ${dead} (expected 1), EREVID is ${dead} (expected 2 to 6): ` +
                    "check power, crystal, reset, CS, SCK, MOSI, MISO"
            )
            expect(bench.clock.now()).toBeLessThan(100)
            expect(await bench.send(frame(60))).toBe(false)
            bench.chip.faults.dead = undefined
            await bench.mac.start()
            expect(await bench.send(frame(60))).toBe(true)
        }
    )

    test("start() waits 30 ms for an oscillator, and throws within 100 ms when it never starts", async () => {
        const bench = new Bench()
        bench.chip.faults.oscillator = 30
        bench.chip.brownOut(0)
        await bench.mac.start()
        expect(bench.chip.misuses).toEqual([])
        const other = new Bench()
        other.chip.faults.oscillator = 1000
        other.chip.brownOut(0)
        await expect(other.mac.start()).rejects.toThrow("ESTAT is 0 (expected 1), EREVID is 6")
        expect(other.clock.now()).toBeLessThan(100)
    })

    test("start() throws within 100 ms when the MII bus stays busy", async () => {
        const bench = new Bench()
        bench.chip.faults.miiStuck = true
        await expect(bench.mac.start()).rejects.toThrow("answers but does not keep its settings")
        expect(bench.clock.now()).toBeLessThan(100)
    })

    test.each([
        ["B1", 2],
        ["B4", 4],
    ] as const)("start() of revision %s throws below 8 MHz (erratum 1)", async (revision, id) => {
        const slow = new Bench({ revision, driver: { hz: 7_999_999 } })
        await expect(slow.mac.start()).rejects.toThrow(
            `ENC28J60: EINVAL, revision ${id} of the chip needs an SPI clock of 8 MHz or more: set hz`
        )
        await new Bench({ revision, driver: { hz: 8_000_000 } }).mac.start()
        await new Bench({ revision }).mac.start()
    })

    test.each(["B5", "B7"] as const)("start() of revision %s works at 1 MHz", async revision => {
        await new Bench({ revision, driver: { hz: 1_000_000 } }).mac.start()
    })

    test("start() of a silent chip throws also where the clock stands still", async () => {
        const bench = new Bench()
        bench.chip.faults.dead = 0xff
        const { power } = await import("../../src/mac/poll-wait")
        power.idle = async () => {}
        await expect(bench.mac.start()).rejects.toThrow("ESTAT is 255 (expected 1), EREVID is 255")
        await bench.mac.rest(1000)
    })

    test("a clock of 0 or above 20 MHz, or an address of another length, is refused", () => {
        expect(() => new Bench({ driver: { hz: 0 } })).toThrow("hz must be 1 to 20000000")
        expect(() => new Bench({ driver: { hz: 20_000_001 } })).toThrow("hz must be 1 to 20000000")
        const { into } = new Bench()
        expect(() => new Bench({ driver: { address: into } })).toThrow("the address must be 6 bytes")
    })

    // between two awaits a board's clock stands still: the program that starts the driver may have worked for long
    test.each([1, 3, 30, 1000])("start() waits long enough where the clock is %i ms late", async late => {
        for (const resetLine of [true, false]) {
            const bench = new Bench({ transferTime: 0.023, lateClock: late, resetLine })
            const { power } = await import("../../src/mac/poll-wait")
            power.idle = async () => {}
            await bench.mac.start()
            expect(bench.chip.misuses).toEqual([])
            expect(bench.warnings).toEqual([])
        }
    })
})

test("each register that a write can change is configured, or does not matter", () => {
    const matters = new Set(told.map(([, register]) => register))
    // written for each frame, or read only by what the driver leaves off: DMA, hash table, self test, clock output, interrupt, pause frames
    const free =
        /^(ERDPT|EWRPT|ETXND|ERXWRPT|EDMA|EHT|EBST|ECOCON|EIE|EIR|ESTAT|EPAUS|MICMD|MIREGADR|MIWR|MIRD|MISTAT|ECON1)/
    const zeros = /^(EPMM|EPMO)/
    for (let register = 0; register < 128; register++) {
        if (WRITABLE[register] === 0 || matters.has(register)) continue
        const name = Reg[register] ?? Reg[register - 1] ?? nearest(register)
        expect(`${name} ${free.test(name) || (zeros.test(name) && RESET[register] === 0)}`).toBe(
            `${name} true`
        )
    }
})

function nearest(register: number): string {
    while (Reg[register] === undefined) register--
    return Reg[register]!
}

describe("SPI frames and transfers of the ENC28J60's driver", () => {
    /** Returns the cost of receiving the frames that wait, without the look that finds nothing more. */
    async function costOf(...lengths: number[]): Promise<number[]> {
        const bench = await started()
        await bench.receive()
        await bench.arrive(...lengths.map((length, n) => frame(length, n)))
        bench.countFrom()
        while ((await bench.receive()) !== undefined);
        expect(bench.received).toEqual(lengths.map((length, n) => frame(length, n)))
        return [bench.selections - 1, bench.transfers - 1]
    }

    test.each([
        ["a short frame", [60], [8, 9]],
        ["the longest frame read or written in one transfer", [128], [8, 9]],
        ["a frame longer by one byte", [129], [8, 9]],
        ["the longest frame, whose memory is freed,", [1514], [10, 11]],
        // ERXRDPT follows every 512 bytes
        ["ten short frames", new Array<number>(10).fill(60), [46, 56]],
        ["four long frames", new Array<number>(4).fill(1500), [28, 32]],
    ])("received: %s, lengths %j, takes %j SPI frames and transfers", async (_, lengths, expected) => {
        expect(await costOf(...lengths)).toEqual(expected)
    })

    test.each([
        ["a short frame", 60, [8, 8]],
        ["the longest frame read or written in one transfer", 126, [8, 8]],
        ["a frame longer by one byte", 127, [8, 9]],
        ["the longest frame", 1514, [8, 9]],
    ])("sent: %s of %i bytes takes %j SPI frames and transfers", async (_, length, expected) => {
        const bench = await started()
        await bench.receive()
        bench.countFrom()
        await bench.send(frame(length))
        expect([bench.selections, bench.transfers]).toEqual(expected)
        await bench.sentAll()
        // the next one looks whether this one is out; a look of receive or rest would do as well
        bench.countFrom()
        await bench.send(frame(length))
        expect(bench.selections).toBe(expected[0]! + 2)
    })

    test("a reply is sent without another look", async () => {
        const bench = await started()
        await bench.receive()
        await bench.arrive(frame(60))
        bench.countFrom()
        await bench.receive()
        expect(bench.selections).toBe(7)
        await bench.send(frame(60))
        expect(bench.selections).toBe(14)
    })

    test("a look that finds nothing is one SPI frame", async () => {
        const bench = await started()
        await bench.receive()
        bench.countFrom()
        await bench.receive()
        expect(bench.selections).toBe(1)
        await bench.mac.rest(0)
        expect(bench.selections).toBe(2)
    })
})

describe("frames of the ENC28J60's driver", () => {
    const lengths = fc.array(fc.integer({ min: 60, max: 1514 }), { minLength: 300, maxLength: 600 })

    test("600 frames of any size, both ways, pass through wrapping memory", async () => {
        const bursts = fc.infiniteStream(fc.integer({ min: 1, max: 4 }))
        await fc.assert(
            fc.asyncProperty(lengths, lengths, bursts, async (inward, outward, bursts) => {
                const bench = await started()
                const expectedIn = inward.map((length, n) => frame(length, n))
                const expectedOut = outward.map((length, n) => frame(length, n, OTHER))
                let delivered = 0
                let sent = 0
                while (delivered < inward.length || sent < outward.length) {
                    let room = 5600
                    for (let n = bursts.next().value; n > 0 && delivered < inward.length; n--) {
                        room -= expectedIn[delivered]!.length + 11
                        if (room < 0) break
                        await bench.arrive(expectedIn[delivered++]!)
                    }
                    for (let n = bursts.next().value; n > 0 && sent < outward.length; n--)
                        expect(await bench.send(expectedOut[sent++]!)).toBe(true)
                    while ((await bench.receive()) !== undefined);
                }
                await bench.run(5)
                expect([bench.chip.dropped, bench.trouble]).toEqual([0, {}])
                expect(Buffer.concat(bench.received).equals(Buffer.concat(expectedIn))).toBe(true)
                expect(Buffer.concat(bench.sent).equals(Buffer.concat(expectedOut))).toBe(true)
                expect(bench.received.map(f => f.length)).toEqual(inward)
                expect(bench.sent.map(f => f.length)).toEqual(outward)
                expect(bench.counter(MacCounter.FramesIn)).toBe(inward.length)
                expect(bench.counter(MacCounter.FramesOut)).toBe(outward.length)
                expect(bench.trouble).toEqual({})
                expect(bench.chip.misuses).toEqual([])
            }),
            { numRuns: 10, endOnFailure: true }
        )
    })

    test("frames of any size and any bytes come in as they arrived", async () => {
        await fc.assert(
            fc.asyncProperty(
                fc.array(fc.uint8Array({ minLength: 60, maxLength: 1514 }), { maxLength: 12 }),
                async bytes => {
                    const bench = await started()
                    for (const one of bytes) {
                        one.set(STATION)
                        await bench.arrive(one)
                        expect(await bench.receive()).toEqual(one)
                    }
                    expect(bench.trouble).toEqual({})
                    expect(bench.chip.misuses).toEqual([])
                }
            ),
            { numRuns: 100 }
        )
    })

    test("50 frames sent back to back are all sent", async () => {
        const bench = await started()
        for (let n = 0; n < 50; n++) expect(await bench.send(frame(60 + n * 25, n))).toBe(true)
        await bench.run(5)
        expect(bench.sent.map(f => f.length)).toEqual(Array.from({ length: 50 }, (_, n) => 60 + n * 25))
        expect(bench.trouble).toEqual({})
        expect(bench.chip.misuses).toEqual([])
    })

    test("400 frames arriving between any two transfers of the driver come in", async () => {
        const bench = await started({ transferTime: 0.1 })
        const expected: Uint8Array[] = []
        for (let n = 0; n < 400; n++) {
            const next = frame(60 + ((n * 97) % 1400), n)
            expected.push(next)
            bench.clock.at(bench.clock.now() + 2 + n * 4.3, () => bench.chip.deliver(next))
        }
        await bench.run(2000)
        expect(bench.received).toEqual(expected)
        expect(bench.trouble).toEqual({})
        expect(bench.chip.misuses).toEqual([])
    })

    test("a short frame is padded with zeros, whatever was sent before", async () => {
        const bench = await started()
        await bench.send(frame(126))
        await bench.send(frame(42))
        await bench.sentAll()
        expect([...bench.sent[1]!]).toEqual([...frame(42), ...new Array<number>(18).fill(0)])
    })

    test.each([0, 13, 1515, -1])("a frame of %i bytes is not sent", async length => {
        const bench = await started({ frameSize: 1600 })
        expect(await bench.mac.send(bench.into, length)).toBe(false)
        expect(bench.transfers).toBe(0)
    })

    test("a frame longer than the buffer, or of a buffer that would overwrite received packets, is not sent", async () => {
        const bench = await started({ frameSize: 100 })
        expect(await bench.mac.send(bench.into, 101)).toBe(false)
        const large = await started({ frameSize: 2048 })
        expect(await large.mac.send(large.into, 100)).toBe(false)
        const fits = await started({ frameSize: 2047 })
        expect(await fits.mac.send(fits.into, 1000)).toBe(true)
        expect(read(fits.chip, Reg.EWRPT) | (read(fits.chip, Reg.EWRPT + 1) << 8)).toBe(0)
        expect(fits.chip.misuses).toEqual([])
    })

    test("frames to other stations do not come in", async () => {
        const bench = await started()
        await bench.arrive(frame(60, 0, OTHER), frame(60, 0, GROUP), frame(60, 1, BROADCAST))
        await bench.run(5)
        expect(bench.received).toEqual([frame(60, 1, BROADCAST)])
    })

    test.each([60, 1000])(
        "frames longer than a buffer of %i bytes are skipped and counted",
        async frameSize => {
            const bench = await started({ frameSize })
            for (const length of [frameSize, frameSize + 1, 1514, frameSize])
                await bench.arrive(frame(length))
            await bench.run(10)
            expect(bench.received).toEqual([frame(frameSize), frame(frameSize)])
            expect(bench.trouble).toEqual({ tooLong: 2 })
        }
    )

    test("frames of 1,518 bytes come in, longer ones do not", async () => {
        const bench = await started({ frameSize: 1600 })
        for (const length of [1518, 60, 1518, 1519]) {
            await bench.arrive(frame(length))
            await bench.receive()
        }
        expect(bench.received).toEqual([frame(1518), frame(60), frame(1518)])
        expect(bench.trouble).toEqual({})
    })
})

describe("rest() of the ENC28J60's driver", () => {
    test("rest(25) ends after 25 ms", async () => {
        const bench = await started()
        const from = bench.clock.now()
        await bench.mac.rest(25)
        expect(bench.clock.now() - from).toBe(25)
    })

    test("rest() ends when a frame arrives, which receive() takes without another look", async () => {
        const bench = await started()
        const from = bench.clock.now()
        bench.clock.at(from + 7, () => bench.chip.deliver(frame(60)))
        await bench.mac.rest(1000)
        expect(bench.clock.now() - from).toBeLessThan(9)
        bench.countFrom()
        expect(await bench.receive()).toEqual(frame(60))
        expect(bench.selections).toBe(5)
    })

    test("rest() ends when a program wakes it, once", async () => {
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

    test("a program that wakes the driver does not shorten the waits of a reset", async () => {
        const bench = new Bench({ resetLine: false })
        const { power } = await import("../../src/mac/poll-wait")
        const idle = power.idle
        power.idle = ms => (power.woken ? Promise.resolve() : idle(ms))
        power.wake()
        await bench.mac.start()
        expect(bench.chip.misuses).toEqual([])
        expect(power.woken).toBe(true)
    })
})
