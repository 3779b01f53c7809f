// The W5500 driver with a chip, a link or a bus that fails: each wait ends, and the driver works afterwards.

import fc from "fast-check"
import { describe, expect, test, vi } from "vitest"
import { MacCounter } from "../../src/mac/mac"
import { Bench, frame, started } from "./bench"

/** Asserts that the driver works: a frame goes each way, and no rule of the data sheet is broken. */
async function expectToWork(bench: Bench): Promise<void> {
    bench.received.length = 0
    bench.sent.length = 0
    const [inward, outward] = [frame(200, 1), frame(300, 2)]
    bench.chip.deliver(inward)
    expect(await bench.send(outward)).toBe(true)
    await bench.run(5)
    expect(bench.received).toEqual([inward])
    expect(bench.sent).toEqual([outward])
    expect(bench.chip.misuses).toEqual([])
}

describe("wrong length headers in the W5500", () => {
    test.each([
        ["0", 0],
        ["1", 1],
        ["2, an empty frame", 2],
        ["15, less than an Ethernet header", 15],
        ["63, more than the memory holds", 63],
        ["65534", 65534],
        ["65535", 65535],
    ])("a length header of %s: the driver counts it, resynchronizes and works", async (_, header) => {
        const bench = await started()
        bench.chip.faults.lengthHeaders = [header]
        bench.chip.deliver(frame(60))
        await bench.run(5)
        expect(bench.received).toEqual([])
        expect(bench.trouble).toEqual({ badLength: 1, resync: 1 })
        await expectToWork(bench)
    })

    test("a length header of 1521, longer than any frame, resynchronizes the driver", async () => {
        const bench = await started()
        bench.chip.faults.lengthHeaders = [1521]
        for (let n = 0; n < 5; n++) bench.chip.deliver(frame(1000, n))
        await bench.run(5)
        expect(bench.trouble).toEqual({ badLength: 1, resync: 1 })
        await expectToWork(bench)
    })

    test("a length header beyond the memory after good frames: the good frames come in", async () => {
        const bench = await started()
        bench.chip.faults.lengthHeaders = [62, 1502, 1000]
        for (const length of [60, 1500, 60]) bench.chip.deliver(frame(length))
        await bench.run(5)
        expect(bench.received).toEqual([frame(60), frame(1500)])
        expect(bench.trouble).toEqual({ badLength: 1, resync: 1 })
        await expectToWork(bench)
    })

    test("length headers of any value: the driver throws nothing, and later frames come in", async () => {
        const header = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 2000 }))
        const headers = fc.array(header, { minLength: 1, maxLength: 10 })
        await fc.assert(
            fc.asyncProperty(
                headers,
                fc.array(fc.integer({ min: 14, max: 1514 })),
                async (headers, lengths) => {
                    const bench = await started()
                    bench.chip.faults.lengthHeaders = headers
                    for (const [n, length] of lengths.entries()) {
                        bench.chip.deliver(frame(length, n))
                        await bench.receive()
                    }
                    bench.chip.faults.lengthHeaders = []
                    await bench.run(5)
                    // a wrong header may skip a stretch of memory, which only more frames show
                    for (let n = 0; n < 12 && bench.counter(MacCounter.Resync) === 0; n++) {
                        bench.chip.deliver(frame(1514))
                        await bench.run(5)
                    }
                    bench.countFrom()
                    await expectToWork(bench)
                    expect(bench.transfers).toBeLessThan(100)
                }
            ),
            { numRuns: 300 }
        )
    })

    test("a length header that is read wrong once costs no frame", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60))
        const { transfer } = bench.chip
        let disturbed = false
        bench.chip.transfer = bytes => {
            const isMemory = bytes.length === 128
            transfer.call(bench.chip, bytes)
            if (isMemory && !disturbed) {
                bytes[3] = 0xff
                disturbed = true
            }
        }
        await bench.run(5)
        expect(disturbed).toBe(true)
        expect(bench.received).toEqual([frame(60)])
        expect(bench.trouble).toEqual({})
    })
})

test("a look that shows a frame once which is not there changes nothing", async () => {
    const bench = await started()
    const { transfer } = bench.chip
    bench.chip.transfer = bytes => {
        transfer.call(bench.chip, bytes)
        bytes.set([0, 100, 0, 0, 0, 100], 41)
        bench.chip.transfer = transfer
    }
    const from = bench.clock.now()
    expect(await bench.receive()).toBeUndefined()
    expect(await bench.receive()).toBeUndefined()
    await bench.mac.rest(10)
    expect(bench.clock.now() - from).toBe(10)
    expect(bench.trouble).toEqual({})
    await expectToWork(bench)
})

describe("receive memory of the W5500", () => {
    test("a full receive memory: its ten frames come in, then later ones", async () => {
        const bench = await started()
        for (let n = 0; n < 20; n++) bench.chip.deliver(frame(1514, n))
        expect(bench.chip.dropped).toBe(10)
        await bench.run(5)
        expect(bench.received).toEqual(Array.from({ length: 10 }, (_, n) => frame(1514, n)))
        expect(bench.trouble).toEqual({})
        await expectToWork(bench)
    })

    test("a receive memory that is full to the last byte is read whole", async () => {
        const bench = await started()
        for (let n = 0; n < 10; n++) bench.chip.deliver(frame(1514, n))
        bench.chip.deliver(frame(0x4000 - 10 * 1516 - 2, 10))
        expect(bench.chip.dropped).toBe(0)
        await bench.run(5)
        expect(bench.received).toHaveLength(11)
        await expectToWork(bench)
    })

    test("three frames that the chip drops are lost, and the next three come in", async () => {
        const bench = await started()
        bench.chip.faults.overflows = 3
        for (let n = 0; n < 6; n++) bench.chip.deliver(frame(100, n))
        await bench.run(5)
        expect(bench.received).toEqual([3, 4, 5].map(n => frame(100, n)))
    })

    test("a read pointer that the driver did not set resynchronizes the driver", async () => {
        const bench = await started()
        bench.chip.deliver(frame(60))
        writeSocket(bench, 0x28, 0, 20)
        writeSocket(bench, 0x01, 0x40)
        await bench.run(5)
        expect(bench.received).toEqual([])
        expect(bench.trouble).toEqual({ resync: 1 })
        await expectToWork(bench)
    })
})

describe("sends that the W5500 does not finish", () => {
    test("a lost SENDOK: Sn_TX_RD shows that the frame was sent, and the driver goes on", async () => {
        const bench = await started()
        bench.chip.faults.lostSendOks = 1
        expect(await bench.send(frame(60, 1))).toBe(true)
        bench.chip.deliver(frame(60, 2))
        const from = bench.clock.now()
        expect(await bench.send(frame(60, 3))).toBe(true)
        expect(bench.clock.now()).toBe(from)
        expect(bench.sent).toEqual([frame(60, 1), frame(60, 3)])
        expect(await bench.receive()).toEqual(frame(60, 2))
        expect(bench.trouble).toEqual({})
        await expectToWork(bench)
    })

    test("a send that never ends is counted and its socket reopened", async () => {
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

    test("a command that the chip does not take: the driver resets the chip and reports it", async () => {
        const bench = await started()
        bench.chip.faults.untakenCommands = 1
        expect(await bench.send(frame(60))).toBe(true)
        await bench.run(2000)
        expect(bench.trouble).toEqual({ chipReset: 1 })
        expect(bench.warnings).toEqual([
            "W5500: takes no commands; the driver resets the chip until it answers",
            "W5500: answers again",
        ])
        await expectToWork(bench)
    })
})

describe("link of the W5500", () => {
    test("a cable pulled and plugged in again is seen within 100 ms each time", async () => {
        const bench = await started()
        bench.chip.setLink(false)
        await bench.run(101)
        expect(bench.mac.linkUp).toBe(false)
        bench.countFrom()
        expect(await bench.send(frame(60))).toBe(false)
        expect(bench.transfers).toBe(0)
        bench.chip.setLink(true)
        await bench.run(101)
        expect(bench.mac.linkUp).toBe(true)
        expect(bench.trouble).toEqual({})
        await expectToWork(bench)
    })

    test("receive() alone sees that the link is down", async () => {
        const bench = await started()
        bench.chip.setLink(false)
        await bench.clock.runUntil(bench.clock.now() + 101)
        await bench.receive()
        expect(bench.mac.linkUp).toBe(false)
    })

    test("a link that goes down during a send: the send is given up and counted", async () => {
        const bench = await started()
        bench.chip.setLink(false)
        expect(await bench.send(frame(60))).toBe(true)
        await bench.run(300)
        expect(bench.trouble).toEqual({ sendTimeout: 1 })
        bench.chip.setLink(true)
        await bench.run(101)
        await expectToWork(bench)
    })

    test("a link that comes up 1.5 s after start() is seen", async () => {
        const bench = await started({ negotiation: 1500 })
        bench.chip.setLink(false)
        bench.chip.setLink(true)
        await bench.run(101)
        expect(bench.mac.linkUp).toBe(false)
        await bench.run(1600)
        expect(bench.mac.linkUp).toBe(true)
        await expectToWork(bench)
    })
})

describe("a W5500 that stops answering", () => {
    describe.each([0x00, 0xff] as const)("a chip that answers %i to everything", dead => {
        test("a silent chip is reported once, looked for every second, and works when it is back", async () => {
            const bench = await started()
            await bench.run(5000)
            bench.chip.deliver(frame(60))
            bench.chip.faults.dead = dead
            await bench.run(20_000)
            expect(bench.mac.linkUp).toBe(false)
            expect(bench.received).toEqual([])
            expect(await bench.send(frame(60))).toBe(false)
            expect(bench.trouble).toEqual({ chipReset: 1 })
            const report = "W5500: does not answer as it should; the driver resets the chip until it answers"
            expect(bench.warnings).toEqual([report])
            bench.chip.faults.dead = undefined
            await bench.run(1100)
            expect(bench.mac.linkUp).toBe(true)
            expect(bench.trouble).toEqual({ chipReset: 1 })
            expect(bench.warnings).toEqual([report, "W5500: answers again"])
            await expectToWork(bench)
        })

        test("send() alone sees that the chip is silent", async () => {
            const bench = await started()
            expect(await bench.send(frame(60))).toBe(true)
            bench.chip.faults.dead = dead
            expect(await bench.send(frame(60))).toBe(false)
            expect(bench.mac.linkUp).toBe(false)
        })

        test("a silent chip that its reset line revives works within 100 ms", async () => {
            const bench = await started()
            await bench.run(5000)
            bench.chip.faults.dead = dead
            bench.chip.faults.resetRevives = true
            await bench.run(100)
            expect(bench.trouble).toEqual({ chipReset: 1 })
            await expectToWork(bench)
        })
    })

    test("a silent chip keeps the SPI bus in use, which the board's timer needs", async () => {
        const bench = await started({ transferTime: 0.1 })
        bench.chip.faults.dead = 0xff
        await bench.run(100)
        bench.countFrom()
        await bench.run(50)
        expect(bench.transfers).toBeGreaterThan(0)
    })

    test("a chip that a dip of its supply reset is configured again", async () => {
        const bench = await started()
        await bench.run(5000)
        bench.chip.reset(0)
        await bench.run(1)
        bench.chip.reset(1)
        await bench.run(50)
        expect(bench.trouble).toEqual({ chipReset: 1 })
        await expectToWork(bench)
    })

    test("a chip reset every 100 ms is configured at most once a second", async () => {
        const bench = await started()
        for (let n = 0; n < 50; n++) {
            bench.chip.reset(0)
            await bench.run(1)
            bench.chip.reset(1)
            await bench.run(99)
        }
        expect(bench.counter(MacCounter.ChipReset)).toBeLessThanOrEqual(6)
        await bench.run(1100)
        await expectToWork(bench)
    })

    test("a chip with another version: the link is down until the version is right", async () => {
        const bench = await started()
        bench.chip.faults.version = 0x51
        await bench.run(3000)
        expect(bench.trouble).toEqual({ chipReset: 1 })
        expect(bench.mac.linkUp).toBe(false)
        bench.chip.faults.version = undefined
        await bench.run(1100)
        await expectToWork(bench)
    })

    test("a look that is disturbed once does not reset the chip", async () => {
        const bench = await started()
        const { transfer } = bench.chip
        for (const disturbed of [1, 2, 3]) {
            let looks = 0
            bench.chip.transfer = bytes => {
                transfer.call(bench.chip, bytes)
                if (bytes.length === 46 && ++looks === disturbed) bytes.fill(0xff)
            }
            await bench.run(150)
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
        await bench.run(1100)
        await expectToWork(bench)
    })
})

describe("a transfer that the runtime refuses", () => {
    test.each(["receive", "send", "wait"])(
        "a transfer refused in %s: the driver resets the chip, reports it and works",
        async call => {
            const bench = await started()
            await bench.run(5000)
            bench.refuseTransfer()
            if (call === "receive") expect(await bench.receive()).toBeUndefined()
            else if (call === "send") expect(await bench.send(frame(60))).toBe(false)
            else await bench.mac.rest(10)
            await bench.run(50)
            expect(bench.warnings).toEqual([
                "W5500: the SPI bus refused a transfer (RangeError: SPI busy); the driver resets the chip until it answers",
                "W5500: answers again",
            ])
            await expectToWork(bench)
        }
    )

    test("a bus refused for 300 ms: the driver waits between tries and works afterwards", async () => {
        const bench = await started()
        await bench.run(5000)
        bench.busyUntil = bench.clock.now() + 300
        bench.began.length = 0
        await bench.run(299)
        // a loop without a wait would end the program
        expect(bench.began.length).toBeLessThan(350)
        await bench.run(1100)
        expect(bench.trouble).toEqual({ chipReset: 1 })
        await expectToWork(bench)
    })
})

describe("a board whose timer stops when nothing uses the SPI bus", () => {
    /** The longest time without a transfer. */
    const gap = ({ began }: Bench) => Math.max(...began.slice(1).map((at, i) => at - began[i]!))

    test("start() of a silent chip uses the bus at least every millisecond, whatever wakes it", async () => {
        const { Stack } = await import("../../src/net/stack")
        const { Network } = await import("../../src/socket/driver-loop")
        const { Config } = await import("../../src/tcp/config")
        const { power } = await import("../../src/mac/poll-wait")
        const bench = new Bench({ transferTime: 0.1 })
        vi.spyOn(console, "error").mockImplementation(() => {})
        power.idle = async () => {}
        bench.chip.faults.dead = 0xff
        const network = new Network(new Stack(new Config(), bench.mac.address), bench.mac, { work: () => {} })
        // this test is about the start only
        bench.mac.receive = () => new Promise(() => {})
        expect(await network.start()).toBe(false)
        for (let n = 1; n < 60; n++) bench.clock.at(bench.clock.now() + n * 97, () => network.poke())
        bench.clock.at(bench.clock.now() + 6000, () => {
            bench.chip.faults.dead = undefined
        })
        await network.startAgain()
        expect(bench.clock.now()).toBeGreaterThan(6000)
        expect(gap(bench)).toBeLessThan(1)
    })

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
    })
})

/** Writes registers of socket 0 without the driver. */
function writeSocket(bench: Bench, address: number, ...bytes: number[]): void {
    bench.chip.select(0)
    bench.chip.transfer(Uint8Array.from([0, address, 0x0c, ...bytes]))
    bench.chip.select(1)
}
