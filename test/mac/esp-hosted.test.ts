import { Buffer as Bytes } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { byteSum } from "../../src/mac/esp-hosted-frame"
import { MacCounter } from "../../src/mac/mac"
import { anyBytes, cases } from "../support/property"
import { Bench, connected, frame, Id, Kind, pb, SET_UP, STATION, sum } from "./esp-hosted-bench"

describe("byteSum() of ESP-Hosted", () => {
    test.each([0, 1, 11, 12, 31, 32, 33, 64, 1599, 1600])(
        "byteSum() of %i bytes is the sum a byte at a time",
        length => {
            const b = Bytes.alloc(1600)
            for (let i = 0; i < b.length; i++) b.setAt(i, "u8", (i * 37 + 251) & 0xff)
            expect(byteSum(b, length)).toBe(sum(Uint8Array.from(b.slice(0, length))))
        }
    )

    test("byteSum() of 1,600 bytes of 255 does not overflow", () => {
        const b = Bytes.alloc(1600)
        b.fillAt(0, 1600, 255)
        expect(byteSum(b, 1600)).toBe((1600 * 255) & 0xffff)
    })

    test("byteSum() of any bytes is the sum a byte at a time", () => {
        fc.assert(
            fc.property(anyBytes(200), bytes => {
                expect(byteSum(Bytes.from(bytes), bytes.length)).toBe(sum(bytes))
            }),
            cases(300)
        )
    })
})

describe("start() of ESP-Hosted's driver", () => {
    test("start() resets the co-processor, configures it, and joins the network", async () => {
        const bench = new Bench()
        await bench.mac.start()
        expect(bench.chip.resets).toBe(1)
        // the lines mean nothing for 500 of the 700 ms that it takes to boot
        expect(bench.clock.now()).toBeLessThan(800)
        expect(bench.configuration).toEqual([16, 19, 18, 3, 10_000_000])
        expect(bench.chip.hellos).toEqual([
            Uint8Array.from([0x22, 12, 0x44, 1, 0, 0x46, 1, 0, 0x47, 1, 90, 0x48, 1, 60]),
        ])
        await bench.until(() => bench.mac.linkUp)
        expect(bench.chip.requests.map(({ id }) => id)).toEqual(SET_UP)
        const uids = bench.chip.requests.map(({ uid }) => uid)
        expect(new Set(uids).size).toBe(uids.length)
        expect(bench.mac.channel).toBe(6)
        expect([...bench.mac.bssid]).toEqual([0x0a, 1, 2, 3, 4, 5])
        expect(bench.mac.firmware).toBe(0x020c0c)
        expect(bench.told).toEqual(["up"])
        await bench.run(1500)
        expect(bench.mac.rssi).toBe(-55)
        expect(bench.chip.misuses).toEqual([])
        expect(bench.warnings).toEqual([])
        expect(bench.trouble).toEqual({})
    })

    test("start() sends the requests with these payloads", async () => {
        const bench = new Bench({ ssid: "h\u00f6me", password: "p".repeat(63) })
        await bench.mac.start()
        await bench.run(100)
        const payload = (id: number) => [...bench.chip.requests.find(it => it.id === id)!.payload]
        expect(payload(Id.SetMode)).toEqual(pb(1, 1))
        expect(payload(Id.SetMac)).toEqual(pb(1, STATION))
        expect(payload(Id.SetStorage)).toEqual(pb(1, 1))
        for (const id of [Id.Start, Id.SetPs, Id.Connect]) expect(payload(id)).toEqual([])
        const password = Array<number>(63).fill(0x70)
        const ssid = [...new TextEncoder().encode("h\u00f6me")]
        // lengths of messages take two bytes
        const two = (bytes: number[]) => [(bytes.length & 127) | 128, bytes.length >> 7, ...bytes]
        const station = [
            ...pb(1, ssid),
            ...pb(2, password),
            ...pb(3, 1),
            0x52,
            ...two(pb(1, 1)),
            ...pb(12, 3),
        ]
        expect(payload(Id.SetConfig)).toEqual([0x12, ...two([0x12, ...two(station)])])
        const numbers: [number, number][] = [
            [1, 10],
            [2, 32],
            [3, 1],
            [5, 32],
            [8, 1],
            [9, 1],
            [11, 1],
            [13, 6],
            [15, 752],
            [16, 32],
            [17, 1],
            [19, 7],
            [20, 0x1f2f3f4f],
            [22, 5],
            [23, 3],
        ]
        expect(payload(Id.Init)).toEqual(
            pb(
                1,
                numbers.flatMap(([number, value]) => pb(number, value))
            )
        )
    })

    test.each([false, true])(
        "a firmware built without checksums (%s): frames go both ways",
        async checksum => {
            const bench = new Bench()
            bench.chip.checksum = checksum
            await bench.mac.start()
            await bench.until(() => bench.mac.linkUp)
            await bench.send(frame(60))
            bench.chip.deliver(frame(100))
            await bench.run(10)
            expect(bench.chip.frames).toEqual([frame(60)])
            expect(bench.received).toEqual([frame(100)])
            expect(bench.chip.misuses).toEqual([])
        }
    )

    test.each([
        ["2.11.9", [2, 11, 9]],
        ["1.0.0", [1, 0, 0]],
        ["4.0.0", [4, 0, 0]],
        ["0.0.0, which is none,", [0, 0, 0]],
    ])("start() with firmware %s throws EPROTONOSUPPORT, and works with 2.12.12", async (_, firmware) => {
        const bench = new Bench()
        bench.chip.firmware = firmware
        await expect(bench.mac.start()).rejects.toThrow(
            `EPROTONOSUPPORT, the co-processor's firmware is ${firmware.join(".")}: 2.12.12 is wanted, see docs/esp-hosted.md`
        )
        await bench.run(1000)
        expect(bench.chip.asked).toEqual([])
        bench.chip.firmware = [2, 12, 12]
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp)
    })

    test("start() with a firmware of the 3.0 line, whose first message has more entries, joins", async () => {
        const bench = new Bench()
        bench.chip.firmware = [3, 0, 6]
        bench.chip.entries = [
            0x1a,
            1,
            2,
            0x19,
            32,
            ...Array<number>(32).fill(7),
            0x20,
            1,
            2,
            0x24,
            6,
            1,
            2,
            3,
            4,
            5,
            6,
        ]
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp)
        expect(bench.warnings).toEqual([])
    })

    test("start() of a co-processor that does not boot throws ENODEV, and works later", async () => {
        const bench = new Bench()
        bench.chip.bootTime = 1e9
        await expect(bench.mac.start()).rejects.toThrow(
            "ENODEV, the co-processor's handshake line stays low: check power, reset, handshake"
        )
        expect(bench.clock.now()).toBeLessThan(4000)
        bench.chip.bootTime = 700
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp)
        expect(bench.mac.problem).toBe("")
    })

    test("start() with both lines high and no module throws ENODEV", async () => {
        const bench = new Bench()
        bench.chip.bootTime = 1e9
        bench.chip.handshake = 1
        const start = bench.mac.start()
        bench.chip.reset = () => {
            bench.chip.handshake = 1
        }
        await expect(start).rejects.toThrow(
            "ENODEV, the co-processor sends nothing: check its data-ready line"
        )
    })

    test.each([0x00, 0xff])(
        "start() with MISO always %i throws ENODEV and what to check, and works later",
        async level => {
            const bench = new Bench()
            bench.chip.disturb = bytes => bytes.fill(level)
            await expect(bench.mac.start()).rejects.toThrow(
                `ENODEV, the first byte that the co-processor sends is ${level}: check SCK, MOSI, MISO, CS, the SPI mode and the clock`
            )
            expect(bench.counter(MacCounter.BadLength)).toBeGreaterThan(0)
            bench.chip.disturb = undefined
            await bench.mac.start()
            await bench.until(() => bench.mac.linkUp)
        }
    )

    test("start() with a damaged first message throws ENODEV, and the driver joins later", async () => {
        const bench = new Bench()
        let first = true
        bench.chip.disturb = bytes => {
            if (first) bytes[20]! ^= 1
            first = false
        }
        await expect(bench.mac.start()).rejects.toThrow("ENODEV")
        await bench.until(() => bench.mac.linkUp)
    })

    test.each([
        ["hz", { hz: 40_000_001 }],
        ["hz", { hz: 0 }],
        ["mode", { mode: 0 }],
        ["mode", { mode: 4 }],
    ])("a driver with %s %j throws", (what, driver) => {
        expect(() => new Bench({ driver })).toThrow(
            `ESP-Hosted: ${what === "hz" ? "hz must" : "the mode must"}`
        )
    })

    test.each([
        ["", "password", "the ssid must be 1 to 32 bytes"],
        ["x".repeat(33), "password", "the ssid must be 1 to 32 bytes"],
        ["home", "1234567", "the password must be 8 to 63 bytes"],
        ["home", "x".repeat(64), "the password must be 8 to 63 bytes"],
    ])('a driver with network "%s" and password "%s" throws: %s', (ssid, password, message) => {
        expect(() => new Bench({ ssid, password })).toThrow(message)
    })
})

describe("frames of ESP-Hosted's driver", () => {
    test.each([14, 60, 1514, 1518])("frames of %i bytes go both ways", async length => {
        const bench = await connected()
        bench.chip.deliver(frame(length))
        await bench.run(5)
        expect(await bench.send(frame(length, 1))).toBe(true)
        await bench.run(5)
        expect(bench.received).toEqual([frame(length)])
        expect(bench.chip.frames).toEqual([frame(length, 1)])
        expect(bench.chip.misuses).toEqual([])
        expect(bench.trouble).toEqual({})
        expect([bench.counter(MacCounter.FramesIn), bench.counter(MacCounter.FramesOut)]).toEqual([1, 1])
    })

    test("one transaction carries a frame each way", async () => {
        const bench = await connected()
        // the dummy that is armed goes first
        bench.chip.deliver(frame(60))
        await bench.send(frame(60))
        const before = bench.chip.transactions
        await bench.run(5)
        expect(bench.chip.transactions - before).toBe(2)
        for (let n = 0; n < 5; n++) bench.chip.deliver(frame(60, n))
        await bench.receive()
        const start = bench.chip.transactions
        for (let n = 0; n < 5; n++) {
            await bench.receive()
            await bench.send(frame(60, n))
        }
        // the last frame is sent with the next received one
        expect(bench.chip.transactions - start).toBe(4)
    })

    test("two frames sent for each one received: none is lost, and their order is kept", async () => {
        const bench = await connected()
        for (let n = 0; n < 20; n++) {
            bench.chip.deliver(frame(100, n))
            await bench.receive()
            await bench.send(frame(200, 2 * n))
            await bench.send(frame(1514, 2 * n + 1))
        }
        await bench.run(50)
        expect(bench.received).toEqual(Array.from({ length: 20 }, (_, n) => frame(100, n)))
        expect(bench.chip.frames).toEqual(Array.from({ length: 40 }, (_, n) => frame(n % 2 ? 1514 : 200, n)))
        expect(bench.trouble).toEqual({})
    })

    test("a received frame for which there is no room is counted", async () => {
        const bench = await connected()
        for (let n = 0; n < 6; n++) bench.chip.deliver(frame(100, n))
        for (let n = 0; n < 5; n++) await bench.send(frame(200, n))
        await bench.run(50)
        expect(bench.chip.frames.length).toBe(5)
        expect(bench.received.length + bench.counter(MacCounter.Resync)).toBe(6)
        expect(bench.received.length).toBeGreaterThan(2)
    })

    test("a frame longer than the buffer is skipped and counted", async () => {
        const bench = await connected({ frameSize: 1514 })
        bench.chip.deliver(frame(1518))
        bench.chip.deliver(frame(60))
        await bench.run(10)
        expect(bench.received).toEqual([frame(60)])
        expect(bench.trouble).toEqual({ tooLong: 1 })
    })

    test.each([0, 13, 1519, 3000])("a frame of %i bytes is not sent", async length => {
        const bench = await connected()
        expect(await bench.mac.send(Bytes.alloc(2000), length)).toBe(false)
    })

    test("send() without a link returns false", async () => {
        const bench = new Bench()
        expect(await bench.send(frame(60))).toBe(false)
        await bench.mac.start()
        expect(bench.mac.linkUp).toBe(false)
        expect(await bench.send(frame(60))).toBe(false)
    })

    test("send() waits for a co-processor that needs 20 ms a transaction", async () => {
        const bench = await connected()
        bench.chip.armTime = 20
        for (let n = 0; n < 5; n++) expect(await bench.send(frame(60, n))).toBe(true)
        await bench.run(100)
        expect(bench.chip.frames.length).toBe(5)
        expect(bench.chip.misuses).toEqual([])
    })

    test("send() to a co-processor that takes nothing ends within 400 ms and is counted", async () => {
        const bench = await connected()
        bench.chip.stuck = true
        const start = bench.clock.now()
        const sent: boolean[] = []
        for (let n = 0; n < 4; n++) sent.push(await bench.send(frame(60, n)))
        // one more transaction was armed
        expect(sent).toEqual([true, true, false, true])
        expect(bench.clock.now() - start).toBeLessThan(400)
        expect(bench.counter(MacCounter.SendTimeout)).toBe(1)
    })

    /** Has the co-processor ask for a pause, of which a dummy informs the driver. */
    async function pauseOf(bench: Bench): Promise<void> {
        bench.chip.throttle = 1
        for (let n = 0; n < 2; n++) {
            await bench.send(frame(60))
            await bench.run(3)
        }
        bench.chip.frames.length = 0
    }

    test("send() waits while the co-processor asks for a pause", async () => {
        const bench = await connected()
        await pauseOf(bench)
        const start = bench.clock.now()
        bench.clock.at(start + 60, () => {
            bench.chip.throttle = 0
        })
        expect(await bench.send(frame(60, 1))).toBe(true)
        const waited = bench.clock.now() - start
        expect(waited).toBeGreaterThan(50)
        expect(waited).toBeLessThan(80)
        await bench.run(5)
        expect(bench.chip.frames).toEqual([frame(60, 1)])
    })

    test("send() during a pause that does not end returns false within 200 ms, and frames come in", async () => {
        const bench = await connected()
        await pauseOf(bench)
        const start = bench.clock.now()
        expect(await bench.send(frame(60))).toBe(false)
        expect(bench.clock.now() - start).toBeLessThan(200)
        // a frame is received all the same
        bench.chip.deliver(frame(60))
        await bench.run(5)
        expect(bench.received).toEqual([frame(60)])
    })
})

describe("messages of the co-processor that are not valid", () => {
    test.each([
        ["a length of 0", { kind: Kind.Station, payload: frame(60), length: 0 }],
        ["a length of 13", { kind: Kind.Station, payload: frame(60), length: 13 }],
        ["a length of 1,589", { kind: Kind.Station, payload: frame(60), length: 1589 }],
        ["a length of 65,535", { kind: Kind.Station, payload: frame(60), length: 65535 }],
        ["an offset of 0", { kind: Kind.Station, payload: frame(60), offset: 0 }],
        ["an offset of 13", { kind: Kind.Station, payload: frame(60), offset: 13 }],
        ["an access point's frame", { kind: 2, payload: frame(60) }],
        ["Bluetooth", { kind: Kind.Hci, payload: frame(60) }],
        ["another interface number", { kind: 0x11, payload: frame(60) }],
        ["a message whose checksum is wrong", { kind: Kind.Serial, payload: [1, 2, 3], checksum: 1 }],
        ["a message that is no protobuf", { kind: Kind.Serial, payload: [1, 2, 3] }],
        [
            "a message of an unknown endpoint",
            { kind: Kind.Serial, payload: [1, 6, 0, ..."RPCXyz\x02\x00\x00"].map(Number) },
        ],
        ["a private message of an unknown kind", { kind: Kind.Private, payload: [0x23, 0] }],
        ["a first message without capabilities", { kind: Kind.Private, payload: [0x22, 3, 0x12, 1, 5] }],
    ])("%s is skipped and counted, and the next frame comes in", async (_, sent) => {
        const bench = await connected()
        bench.chip.push(sent)
        bench.chip.deliver(frame(60, 1))
        await bench.run(20)
        expect(bench.received).toEqual([frame(60, 1)])
        expect(bench.trouble).toEqual({ badLength: 1 })
        expect(bench.mac.linkUp).toBe(true)
    })

    test("a message of several pieces is skipped and counted, and the next one is read", async () => {
        const bench = await connected()
        bench.chip.push({ kind: Kind.Serial, flags: 1, payload: new Uint8Array(1500) })
        bench.chip.push({ kind: Kind.Serial, flags: 1, payload: new Uint8Array(1500) })
        bench.chip.push({ kind: Kind.Serial, payload: [1, 6, 0] })
        bench.chip.leave(8)
        await bench.run(100)
        expect(bench.counter(MacCounter.TooLong)).toBe(3)
        expect(bench.mac.reason).toBe(0)
        expect(bench.counter(MacCounter.Repair)).toBe(1)
    })

    test("any header and any message: the driver is connected and sends soon after", async () => {
        await fc.assert(
            fc.asyncProperty(
                fc.array(
                    fc.record({
                        kind: fc.oneof(fc.constantFrom(1, 3, 5), fc.nat(255)),
                        flags: fc.constantFrom(0, 0, 1, 2, 255),
                        payload: fc.oneof(
                            anyBytes(80),
                            anyBytes(80).map(bytes => [
                                ...[1, 6, 0, 82, 80, 67, 69, 118, 116, 2, bytes.length, 0],
                                ...bytes,
                            ]),
                            fc
                                .tuple(
                                    fc.constantFrom(2, 3),
                                    fc.integer({ min: 500, max: 790 }),
                                    anyBytes(40)
                                )
                                .map(([type, id, bytes]) => {
                                    const message = [
                                        ...pb(1, type),
                                        ...pb(2, id),
                                        ...pb(3, 1),
                                        ...pb(id, [...bytes]),
                                    ]
                                    return [
                                        1,
                                        6,
                                        0,
                                        82,
                                        80,
                                        67,
                                        69,
                                        118,
                                        116,
                                        2,
                                        message.length,
                                        0,
                                        ...message,
                                    ]
                                })
                        ),
                        length: fc.oneof(fc.constant(undefined), fc.nat(65535)),
                    }),
                    { maxLength: 12 }
                ),
                async sent => {
                    const bench = await connected({ transferTime: 0.1 })
                    for (const { length, ...it } of sent)
                        bench.chip.push(length === undefined ? it : { ...it, length })
                    await bench.run(50)
                    // however the driver took it, the station is connected again soon
                    await bench.until(() => bench.mac.linkUp, 20_000)
                    await bench.run(200)
                    bench.chip.frames.length = 0
                    await bench.send(frame(60, 5))
                    await bench.run(20)
                    expect(bench.chip.frames).toEqual([frame(60, 5)])
                    expect(bench.chip.misuses).toEqual([])
                }
            ),
            cases(60)
        )
    })
})

describe("the SPI bus of ESP-Hosted's driver", () => {
    test("a bus that another user holds for 100 ms: the driver resets the co-processor and works", async () => {
        const bench = await connected()
        bench.busyUntil = bench.clock.now() + 100
        await bench.send(frame(60))
        // chip select without a clock: the co-processor does not get ready any more
        await bench.until(() => bench.chip.resets === 2 && bench.mac.linkUp)
        expect(bench.mac.problem).toBe("")
        await bench.send(frame(60, 1))
        await bench.run(10)
        expect(bench.chip.frames).toEqual([frame(60, 1)])
    })

    test("a driver without traffic makes three transactions a second, to ask for the signal", async () => {
        const bench = await connected()
        await bench.run(10)
        const before = bench.chip.transactions
        await bench.run(10_000)
        // each takes one transaction for the question and two for the answer
        expect(bench.chip.transactions - before).toBeLessThan(35)
        expect(bench.chip.asked.every(id => id === Id.Rssi)).toBe(true)
    })

    test("rest() ends at once when a program wakes it", async () => {
        const bench = await connected()
        const { power } = await import("../../src/mac/poll-wait")
        const start = bench.clock.now()
        bench.clock.at(start + 5, () => power.wake())
        await bench.mac.rest(1000)
        expect(bench.clock.now() - start).toBeLessThan(10)
    })
})
