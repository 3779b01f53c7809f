// The ENC28J60's driver with a chip, a link or a bus that fails: each wait ends, and the driver works afterwards.

import fc from "fast-check"
import { describe, expect, test, vi } from "vitest"
import { Reg } from "../../sim/chip/enc28j60-map"
import { MacCounter } from "../../src/mac/mac"
import { frame, STATION } from "./bench"
import { Bench, expectToWork, OTHER, settled, started } from "./enc28j60-bench"
import { read } from "./enc28j60-registers"

/** Runs until the driver's counters of trouble have changed, at most 5 s. Returns how long it took. */
async function untilTrouble(bench: Bench): Promise<number> {
    const from = bench.clock.now()
    const before = JSON.stringify(bench.trouble)
    while (JSON.stringify(bench.trouble) === before && bench.clock.now() - from < 5000) await bench.run(10)
    return bench.clock.now() - from
}

describe("wrong packet headers in the ENC28J60", () => {
    test.each([
        ["0", 0],
        ["71, which is odd,", 71],
        ["72, two more than it should be,", 72],
        ["0x1fff, beyond receive memory,", 0x1fff],
        ["65535", 0xffff],
    ])("a next packet pointer of %s: this packet is lost, and no other", async (_, pointer) => {
        const bench = await started()
        bench.chip.faults.nextPackets = [pointer]
        await bench.arrive(frame(60))
        await bench.run(5)
        expect(bench.received).toEqual([])
        expect(bench.trouble).toEqual({ badLength: 1, resync: 1 })
        await expectToWork(bench)
    })

    test.each([0, 1, 63, 65, 1523, 0xffff])(
        "a byte count of %i: the packet is lost and counted, and the driver works",
        async count => {
            const bench = await started()
            bench.chip.faults.byteCounts = [count]
            await bench.arrive(frame(60))
            await bench.run(5)
            expect(bench.received).toEqual([])
            expect(bench.trouble).toEqual({ badLength: 1, resync: 1 })
            await expectToWork(bench)
        }
    )

    test("a wrong byte count after good packets: the good packets come in", async () => {
        const bench = await started()
        bench.chip.faults.byteCounts = [64, 1004, 9]
        for (const length of [60, 1000, 60]) await bench.arrive(frame(length))
        await bench.run(5)
        expect(bench.received).toEqual([frame(60), frame(1000)])
        expect(bench.trouble).toEqual({ badLength: 1, resync: 1 })
        await expectToWork(bench)
    })

    test("headers of any values: the driver throws nothing, and later frames come in", async () => {
        const word = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 2000 }))
        const words = fc.array(word, { minLength: 1, maxLength: 10 })
        const lengths = fc.array(fc.integer({ min: 14, max: 1514 }), { maxLength: 12 })
        await fc.assert(
            fc.asyncProperty(words, words, lengths, async (pointers, counts, lengths) => {
                const bench = await started()
                bench.chip.faults.nextPackets = pointers
                bench.chip.faults.byteCounts = counts
                for (const [n, length] of lengths.entries()) {
                    await bench.arrive(frame(length, n))
                    await bench.receive()
                }
                bench.chip.faults.nextPackets = []
                bench.chip.faults.byteCounts = []
                await bench.run(500)
                bench.countFrom()
                await expectToWork(bench)
                expect(bench.transfers).toBeLessThan(300)
            }),
            { numRuns: 200 }
        )
    })

    test("a header that is read wrong once costs no frame", async () => {
        const bench = await started()
        await bench.arrive(frame(60))
        const { transfer } = bench.chip
        let disturbed = false
        bench.chip.transfer = bytes => {
            transfer.call(bench.chip, bytes)
            if (bytes.length === 7 && !disturbed) {
                bytes[3]! ^= 0x10
                disturbed = true
            }
        }
        await bench.run(5)
        expect(disturbed).toBe(true)
        expect(bench.received).toEqual([frame(60)])
        expect(bench.trouble).toEqual({})
    })

    test("a look that shows a packet once which is not there changes nothing", async () => {
        const bench = await started()
        await bench.arrive(frame(60))
        await bench.receive()
        await bench.receive()
        const { transfer } = bench.chip
        bench.chip.transfer = bytes => {
            const isCount = bytes[0] === 0x19
            transfer.call(bench.chip, bytes)
            if (!isCount) return
            bytes[1] = 1
            bench.chip.transfer = transfer
        }
        expect(await bench.receive()).toBeUndefined()
        const from = bench.clock.now()
        await bench.mac.rest(10)
        expect(bench.clock.now() - from).toBe(10)
        expect(bench.trouble).toEqual({})
        await expectToWork(bench)
    })
})

describe("receive memory of the ENC28J60", () => {
    test("a full receive memory: its four frames come in, the receive logic is restarted, and later frames come in", async () => {
        const bench = await started()
        for (let n = 0; n < 10; n++) await bench.arrive(frame(1514, n))
        expect(bench.chip.dropped).toBe(6)
        await bench.run(300)
        expect(bench.received).toEqual(Array.from({ length: 4 }, (_, n) => frame(1514, n)))
        expect(bench.trouble).toEqual({ resync: 1 })
        await expectToWork(bench)
    })

    test("a full receive memory whose chip then receives nothing: the driver restarts it", async () => {
        const bench = await started()
        bench.chip.faults.deafAfterOverflow = true
        for (let n = 0; n < 6; n++) await bench.arrive(frame(1514, n))
        await bench.run(300)
        expect(bench.received.length).toBe(4)
        expect(bench.trouble).toEqual({ resync: 1 })
        await expectToWork(bench)
    })

    test("a receive memory that is full to the last byte is read whole", async () => {
        const bench = await started()
        for (let n = 0; n < 4; n++) await bench.arrive(frame(1514, n))
        expect(bench.chip.dropped).toBe(0)
        expect(await bench.receive()).toEqual(frame(1514, 0))
        await bench.arrive(frame(1514 + 38 - 14, 5).subarray(0, 1514))
        await bench.run(5)
        expect(bench.received).toHaveLength(5)
        expect(bench.trouble).toEqual({})
        await expectToWork(bench)
    })

    test("255 packets waiting: the driver resynchronizes and works", async () => {
        const bench = await started()
        bench.chip.change(Reg.EPKTCNT, 255)
        await bench.run(500)
        expect(bench.counter(MacCounter.Resync)).toBe(1)
        await expectToWork(bench)
    })

    test("three frames that the chip drops are lost, and the next three come in", async () => {
        const bench = await started()
        bench.chip.faults.overflows = 3
        for (let n = 0; n < 6; n++) await bench.arrive(frame(100, n))
        await bench.run(300)
        expect(bench.received).toEqual([3, 4, 5].map(n => frame(100, n)))
        await expectToWork(bench)
    })

    test("a flood that the driver cannot keep up with: over 100 frames a second come in", async () => {
        const bench = await started({ transferTime: 0.3 })
        let stopped = false
        const flood = () => {
            if (stopped) return
            bench.chip.deliver(frame(600, 1))
            bench.clock.at(bench.clock.now() + 0.6, flood)
        }
        flood()
        for (let second = 0; second < 5; second++) {
            const before = bench.received.length
            await bench.run(1000)
            expect(bench.received.length - before).toBeGreaterThan(100)
        }
        stopped = true
        await bench.run(400)
        expect(bench.received.every(bytes => Buffer.compare(bytes, frame(600, 1)) === 0)).toBe(true)
        await expectToWork(bench)
    })

    test("a lost decrement of EPKTCNT: the driver is in step again within 300 ms", async () => {
        const bench = await settled()
        for (let n = 0; n < 30; n++) {
            await bench.arrive(frame(60 + n, n))
            if (n === 20) bench.chip.faults.lostDecrements = 1
            await bench.run(2)
        }
        await bench.run(310)
        expect(bench.counter(MacCounter.Resync)).toBe(1)
        // the old packet at the end of memory is not taken for a new one, and one may be lost when memory is emptied
        expect(bench.received.length).toBeGreaterThanOrEqual(29)
        expect(bench.received.length).toBeLessThanOrEqual(30)
        await expectToWork(bench)
    })

    test("an EPKTCNT that is too high, with packets of one length all around the memory: none comes in twice", async () => {
        const bench = await settled()
        // 64 + 6 bytes of memory each do not divide 6,144; 96 do
        for (let n = 0; n < 64; n++) {
            await bench.arrive(frame(86, n))
            await bench.run(1)
        }
        bench.chip.change(Reg.EPKTCNT, 1)
        await bench.run(500)
        expect(bench.received.length).toBeLessThanOrEqual(65)
        expect(bench.counter(MacCounter.Resync)).toBe(1)
        await expectToWork(bench)
    })

    test("an EPKTCNT that is too low: the packet waits for at most 300 ms", async () => {
        const bench = await settled()
        await bench.arrive(frame(60, 1))
        await bench.run(1)
        await bench.arrive(frame(60, 2))
        bench.chip.change(Reg.EPKTCNT, 0)
        expect(await untilTrouble(bench)).toBeLessThan(310)
        expect(bench.trouble).toEqual({ resync: 1 })
        await expectToWork(bench)
    })
})

describe("sends that the ENC28J60 does not finish", () => {
    test.each(["lateCollisions", "linkPulses"] as const)(
        "%s: the frame is retransmitted (errata 13, 15)",
        async fault => {
            const bench = await started()
            for (const times of [1, 2, 16]) {
                bench.chip.faults[fault] = times
                expect(await bench.send(frame(100, times, OTHER))).toBe(true)
                await bench.run(50)
                expect(bench.sent.at(-1)).toEqual(frame(100, times, OTHER))
            }
            expect(bench.sent.length).toBe(3)
            expect(bench.trouble).toEqual({})
            await expectToWork(bench)
        }
    )

    test.each(["lateCollisions", "linkPulses"] as const)(
        "17 %s in a row: the frame is given up and counted",
        async fault => {
            const bench = await started()
            bench.chip.faults[fault] = 17
            await bench.send(frame(100))
            await bench.run(50)
            expect(bench.trouble).toEqual({ sendTimeout: 1 })
            await expectToWork(bench)
        }
    )

    test("the next frame waits until the one before has been retransmitted", async () => {
        const bench = await started()
        bench.chip.faults.linkPulses = 3
        await bench.send(frame(100, 1, OTHER))
        await bench.send(frame(100, 2, OTHER))
        await bench.run(10)
        expect(bench.sent).toEqual([frame(100, 1, OTHER), frame(100, 2, OTHER)])
        expect(bench.chip.misuses).toEqual([])
    })

    test("excessive collisions: the frame is lost, the next is sent (erratum 12)", async () => {
        const bench = await started()
        bench.chip.faults.excessiveCollisions = 1
        await bench.send(frame(100, 1, OTHER))
        await bench.send(frame(100, 2, OTHER))
        await bench.run(10)
        expect(bench.sent).toEqual([frame(100, 2, OTHER)])
        expect(bench.trouble).toEqual({ sendTimeout: 1 })
        await expectToWork(bench)
    })

    test("a frame that arrives between two attempts to send comes in", async () => {
        const bench = await started()
        bench.chip.faults.lateCollisions = 3
        await bench.send(frame(100, 1, OTHER))
        await bench.arrive(frame(300, 2))
        await bench.run(10)
        expect(bench.received).toEqual([frame(300, 2)])
        expect(bench.sent).toEqual([frame(100, 1, OTHER)])
        expect(bench.chip.misuses).toEqual([])
    })

    test("a send that never ends is counted, and the transmit logic is reset", async () => {
        const bench = await started()
        bench.chip.faults.stuckSends = 1
        expect(await bench.send(frame(60, 1))).toBe(true)
        await bench.run(200)
        expect(bench.sent).toEqual([])
        expect(bench.trouble).toEqual({ sendTimeout: 1 })
        await expectToWork(bench)
    })

    test("20 sends that never end are counted, and the driver works afterwards", async () => {
        const bench = await started()
        bench.chip.faults.stuckSends = 20
        for (let n = 0; n < 20; n++) await bench.send(frame(1000, n))
        await bench.run(200)
        expect(bench.trouble).toEqual({ sendTimeout: 20 })
        await expectToWork(bench)
    })

    test("a send that never ends is given up where the clock stands still", async () => {
        const bench = await started()
        const { power } = await import("../../src/mac/poll-wait")
        power.idle = async () => {}
        bench.chip.faults.stuckSends = 1
        expect(await bench.send(frame(60, 1))).toBe(true)
        expect(await bench.send(frame(60, 2))).toBe(true)
        expect(bench.trouble).toEqual({ sendTimeout: 1 })
    })
})

describe("link of the ENC28J60", () => {
    test("a cable pulled and plugged in again is seen within 300 ms each time", async () => {
        const bench = await started()
        bench.chip.setLink(false)
        await bench.run(301)
        expect(bench.mac.linkUp).toBe(false)
        bench.countFrom()
        expect(await bench.send(frame(60))).toBe(false)
        expect(bench.transfers).toBe(0)
        bench.chip.setLink(true)
        await bench.run(301)
        expect(bench.mac.linkUp).toBe(true)
        expect(bench.trouble).toEqual({})
        await expectToWork(bench)
    })

    test("receive() alone sees that the link is down", async () => {
        const bench = await started()
        bench.chip.setLink(false)
        for (let n = 0; n < 4; n++) {
            await bench.clock.runUntil(bench.clock.now() + 101)
            await bench.receive()
        }
        expect(bench.mac.linkUp).toBe(false)
    })

    test("a link that goes down during a send: the frame is lost, nothing else", async () => {
        const bench = await started()
        bench.chip.setLink(false)
        expect(await bench.send(frame(60))).toBe(true)
        await bench.run(400)
        expect(bench.trouble).toEqual({})
        bench.chip.setLink(true)
        await bench.run(301)
        await expectToWork(bench)
    })

    test("a link that comes up 1.5 s after start() is seen", async () => {
        const bench = await started({ negotiation: 1500 })
        expect(bench.mac.linkUp).toBe(false)
        await bench.run(1900)
        expect(bench.mac.linkUp).toBe(true)
        await expectToWork(bench)
    })

    test("a PHY held in reset for 3 s: the link is down, then up", async () => {
        const bench = await settled()
        bench.chip.faults.phyHeld = true
        await bench.run(3000)
        expect(bench.mac.linkUp).toBe(false)
        expect(await bench.send(frame(60))).toBe(false)
        bench.chip.faults.phyHeld = false
        await bench.run(301)
        expect(bench.mac.linkUp).toBe(true)
        await expectToWork(bench)
    })
})

describe("an ENC28J60 that stops answering", () => {
    describe.each([0x00, 0xff] as const)("a chip that answers %i to everything", dead => {
        test("a silent chip is reported once, looked for every second, and works when it is back", async () => {
            const bench = await settled()
            bench.chip.deliver(frame(60))
            bench.chip.faults.dead = dead
            await bench.run(20_000)
            expect(bench.mac.linkUp).toBe(false)
            expect(bench.received).toEqual([])
            expect(await bench.send(frame(60))).toBe(false)
            expect(bench.counter(MacCounter.ChipReset)).toBe(1)
            const report = bench.warnings[0]
            expect(report).toMatch(/^ENC28J60: does not answer/)
            expect(bench.warnings).toEqual([report])
            bench.chip.faults.dead = undefined
            await bench.run(1100)
            expect(bench.mac.linkUp).toBe(true)
            expect(bench.counter(MacCounter.ChipReset)).toBe(1)
            expect(bench.warnings.length).toBe(2)
            bench.chip.misuses.length = 0
            await expectToWork(bench)
        })

        test("a silent chip that its reset line revives works within 500 ms", async () => {
            const bench = await settled()
            bench.chip.faults.dead = dead
            bench.chip.faults.resetRevives = true
            await bench.run(500)
            expect(bench.counter(MacCounter.ChipReset)).toBe(1)
            await expectToWork(bench)
        })

        test("send() alone sees within 500 ms that the chip is silent", async () => {
            const bench = await settled()
            bench.chip.faults.dead = dead
            const from = bench.clock.now()
            while (bench.mac.linkUp && bench.clock.now() - from < 2000) {
                await bench.send(frame(60))
                await bench.run(10)
            }
            expect(bench.clock.now() - from).toBeLessThan(500)
        })
    })

    test("a silent chip keeps the SPI bus in use, which the board's timer needs", async () => {
        const bench = await started({ transferTime: 0.1 })
        bench.chip.faults.dead = 0xff
        await bench.run(500)
        bench.countFrom()
        await bench.run(50)
        expect(bench.transfers).toBeGreaterThan(0)
    })

    test("a chip that a dip of its supply reset is configured again", async () => {
        const bench = await settled()
        bench.chip.reset(0)
        await bench.run(1)
        bench.chip.reset(1)
        await bench.run(300)
        expect(bench.counter(MacCounter.Repair)).toBe(1)
        bench.chip.misuses.length = 0
        await expectToWork(bench)
    })

    test("a chip reset every 100 ms works when that ends", async () => {
        const bench = await started()
        for (let n = 0; n < 50; n++) {
            bench.chip.reset(0)
            await bench.run(1)
            bench.chip.reset(1)
            await bench.run(99)
        }
        expect(bench.counter(MacCounter.ChipReset)).toBeLessThanOrEqual(6)
        await bench.run(1300)
        bench.chip.misuses.length = 0
        await expectToWork(bench)
    })

    test("a chip with another revision is reset once and works", async () => {
        const bench = await started()
        bench.chip.faults.revision = 0x11
        await bench.run(5000)
        // the driver takes the other revision as well, once it has read it
        expect(bench.mac.linkUp).toBe(true)
        expect(bench.counter(MacCounter.ChipReset)).toBe(1)
        await expectToWork(bench)
    })

    test("a look that is disturbed once does not reset the chip", async () => {
        const bench = await settled()
        const { transfer } = bench.chip
        for (let disturbed = 1; disturbed < 40; disturbed++) {
            let looks = 0
            bench.chip.transfer = bytes => {
                const isCount = bytes[0] === 0x19 && bytes.length === 2
                transfer.call(bench.chip, bytes)
                if (bytes.length < 4 && !isCount && ++looks === disturbed) bytes.fill(0xff)
            }
            await bench.run(200)
            expect(bench.mac.linkUp).toBe(true)
        }
        expect(bench.trouble).toEqual({})
    })

    test("a chip silent every other 100 ms is reset at most once a second", async () => {
        const bench = await started()
        for (let n = 0; n < 100; n++) {
            bench.chip.faults.dead = n % 2 === 0 ? 0xff : undefined
            await bench.run(100)
        }
        expect(bench.counter(MacCounter.ChipReset)).toBeLessThanOrEqual(10)
        expect(bench.warnings.length).toBeLessThanOrEqual(20)
        bench.chip.faults.dead = undefined
        await bench.run(1300)
        bench.chip.misuses.length = 0
        await expectToWork(bench)
    })
})

describe("multicast through the ENC28J60", () => {
    const GROUP = [0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb]
    const ipv4 = (seed: number) => {
        const bytes = frame(80, seed, GROUP)
        bytes.set([0x08, 0x00], 12)
        return bytes
    }
    const ipv6 = frame(80, 5, [0x33, 0x33, 0x00, 0x00, 0x00, 0x01])
    ipv6.set([0x86, 0xdd], 12)

    test("multicast is received while a program asks for it, also after a reset; IPv6's is not", async () => {
        const bench = await settled({ errata: { patternMatchLeaks: false } })
        await bench.arrive(ipv4(1))
        await bench.run(5)
        expect(bench.received).toEqual([])
        bench.mac.multicast = true
        await bench.run(201)
        expect(read(bench.chip, Reg.ERXFCON)).toBe(0xb1)
        await bench.arrive(ipv6, ipv4(6))
        await bench.run(5)
        expect(bench.received).toEqual([ipv4(6)])
        expect(bench.trouble).toEqual({ resync: 1 })
        bench.chip.reset(0)
        await bench.run(1)
        bench.chip.reset(1)
        await bench.run(1300)
        await bench.arrive(ipv4(7))
        await bench.run(5)
        expect(bench.received[1]).toEqual(ipv4(7))
        expect(STATION[0]! & 1).toBe(0)
    })

    test("multicast asked for before start() is received", async () => {
        const bench = new Bench()
        bench.mac.multicast = true
        await bench.mac.start()
        await bench.arrive(ipv4(6))
        expect(await bench.receive()).toEqual(ipv4(6))
    })
})

describe("an ENC28J60 without some of its errata", () => {
    const errata = Object.keys(new Bench().chip.errata)
    test.each([...errata, "all"])(
        "without erratum %s the driver works, and retransmits after a late collision",
        async name => {
            const off = Object.fromEntries((name === "all" ? errata : [name]).map(one => [one, false]))
            for (const resetLine of [true, false]) {
                const bench = await started({ errata: off, resetLine })
                await expectToWork(bench)
                bench.chip.faults.lateCollisions = 1
                await bench.send(frame(100, 9, OTHER))
                await bench.run(50)
                expect(bench.sent.at(-1)).toEqual(frame(100, 9, OTHER))
                await expectToWork(bench)
                expect(bench.trouble).toEqual({})
            }
        }
    )

    test.each(["B1", "B4", "B5", "B7"] as const)("the driver works with revision %s", async revision => {
        await expectToWork(await started({ revision }))
    })
})

describe("a board whose timer stops when nothing uses the SPI bus", () => {
    /** The longest time between two transfers. */
    function gap(bench: Bench): number {
        return bench.began.slice(1).reduce((most, at, i) => Math.max(most, at - bench.began[i]!), 0)
    }

    test("a driver without traffic, or with a silent chip, uses the bus at least every millisecond", async () => {
        const bench = await started({ transferTime: 0.1 })
        const { power } = await import("../../src/mac/poll-wait")
        power.idle = async () => {}
        bench.began.length = 0
        for (const dead of [undefined, 0x00, undefined, 0xff] as const) {
            bench.chip.faults.dead = dead
            await bench.run(3000)
        }
        expect(gap(bench)).toBeLessThan(1)
        vi.restoreAllMocks()
    })
})
