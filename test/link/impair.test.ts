import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
    type Fate,
    HOLD_MS,
    Impairment,
    type Impairments,
    noImpairments,
    QUEUE_FRAMES,
} from "../../sim/link/impair"
import { VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"

interface Arrival {
    number: number
    time: number
    bytes: Uint8Array
}

/** Sends `count` frames of 100 bytes, the n-th with n in its first two bytes, one every `every` ms. */
async function run(settings: Partial<Impairments>, count: number, every = 1, seed = 7) {
    const clock = new VirtualClock()
    const arrivals: Arrival[] = []
    const impairments = { ...noImpairments, ...settings }
    const line = new Impairment(clock, impairments, new Random(seed), bytes => {
        arrivals.push({ number: bytes[0]! * 256 + bytes[1]!, time: clock.now(), bytes })
    })
    const fates: Fate[] = []
    for (let n = 0; n < count; n++) {
        clock.at(n * every, () => {
            const frame = numbered(n)
            fates.push(line.send(frame))
            frame.fill(255) // the caller may reuse the bytes
        })
    }
    await clock.runUntil(count * every + 200_000)
    return { arrivals, fates, counters: line.counters, numbers: arrivals.map(arrival => arrival.number) }
}

function numbered(n: number): Uint8Array {
    const frame = new Uint8Array(100)
    frame.set([n >> 8, n & 255])
    return frame
}

const inOrder = (count: number) => Array.from({ length: count }, (_, n) => n)

describe("a line without impairments", () => {
    it("delivers every frame unchanged, in order, with the clock's next event", async () => {
        const { arrivals, numbers, counters } = await run({}, 50)
        expect(numbers).toEqual(inOrder(50))
        expect(arrivals.map(arrival => arrival.time)).toEqual(inOrder(50))
        expect(arrivals.map(arrival => arrival.bytes)).toEqual(inOrder(50).map(numbered))
        expect(counters).toMatchObject({ sent: 50, delivered: 50, lost: 0, queueDrops: 0 })
    })

    it("never delivers from within send", () => {
        const clock = new VirtualClock()
        let delivered = 0
        const line = new Impairment(clock, noImpairments, new Random(1), () => delivered++)
        line.send(numbered(1))
        expect(delivered).toBe(0)
        expect(clock.next()).toBe(0)
    })

    it("delivers nothing after it was closed", async () => {
        const clock = new VirtualClock()
        let delivered = 0
        const line = new Impairment(
            clock,
            { ...noImpairments, reorder: 0.5 },
            new Random(1),
            () => delivered++
        )
        for (let n = 0; n < 20; n++) line.send(numbered(n))
        line.close()
        await clock.runUntil(1000)
        expect(delivered).toBe(0)
    })
})

describe("loss on a line", () => {
    it("loses about the fraction that was asked for, and the others arrive", async () => {
        const { numbers, fates, counters } = await run({ loss: 0.1 }, 5000)
        expect(counters.lost).toBeGreaterThan(400)
        expect(counters.lost).toBeLessThan(600)
        expect(numbers).toEqual(inOrder(5000).filter(n => fates[n]!.lost === undefined))
    })

    it("loss=1 loses all frames, loss=0 none", async () => {
        expect((await run({ loss: 1 }, 100)).numbers).toEqual([])
        expect((await run({ loss: 0 }, 100)).numbers).toEqual(inOrder(100))
    })

    it("loses the same frames whatever other impairments there are, and others with another seed", async () => {
        const lost = async (settings: Partial<Impairments>, seed?: number) =>
            (await run({ loss: 0.2, ...settings }, 300, 5, seed)).fates.map(fate => fate.lost === "loss")
        const plain = await lost({})
        expect(await lost({ delay: 30, jitter: 20, dup: 0.3, reorder: 0.3, corrupt: 0.3 })).toEqual(plain)
        expect(await lost({}, 8)).not.toEqual(plain)
    })
})

describe("delay and jitter of a line", () => {
    it("a delay holds each frame back alike", async () => {
        const { arrivals } = await run({ delay: 20 }, 20)
        expect(arrivals.map(arrival => arrival.time)).toEqual(inOrder(20).map(n => n + 20))
    })

    it("jitter varies the delay both ways, within its bounds", async () => {
        const { arrivals } = await run({ delay: 20, jitter: 5 }, 500, 100)
        const delays = arrivals.map(arrival => arrival.time - arrival.number * 100)
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(15)
        expect(Math.min(...delays)).toBeLessThan(15.5)
        expect(Math.max(...delays)).toBeLessThanOrEqual(25)
        expect(Math.max(...delays)).toBeGreaterThan(24.5)
    })

    it("jitter above the delay changes no order, and delivers nothing before it was sent", async () => {
        const { arrivals, numbers } = await run({ delay: 10, jitter: 50 }, 500)
        expect(numbers).toEqual(inOrder(500))
        for (const arrival of arrivals) expect(arrival.time).toBeGreaterThanOrEqual(arrival.number)
    })
})

describe("duplication on a line", () => {
    it("delivers about the fraction that was asked for twice, each copy with bytes of its own", async () => {
        const { arrivals, counters, fates } = await run({ dup: 0.2 }, 2000)
        expect(counters.duplicated).toBeGreaterThan(320)
        expect(counters.duplicated).toBeLessThan(480)
        expect(counters.delivered).toBe(2000 + counters.duplicated)
        expect(fates.reduce((sum, fate) => sum + fate.copies, 0)).toBe(arrivals.length)
        expect(new Set(arrivals.map(arrival => arrival.bytes.buffer)).size).toBe(arrivals.length)
    })
})

describe("reordering on a line", () => {
    it("lets one to three later frames pass, and loses none", async () => {
        const { numbers, counters, fates } = await run({ reorder: 0.1 }, 2000)
        expect([...numbers].sort((a, b) => a - b)).toEqual(inOrder(2000))
        const overtakenBy = (n: number) =>
            numbers.slice(0, numbers.indexOf(n)).filter(other => other > n && !fates[other]!.held).length
        const heldBack = inOrder(2000).filter(n => fates[n]!.held)
        expect(heldBack.length).toBeGreaterThan(150)
        const passed = heldBack.map(overtakenBy)
        expect([...new Set(passed)].sort()).toEqual([1, 2, 3])
        expect(counters.reordered).toBe(heldBack.length)
        for (const n of inOrder(2000).filter(n => !fates[n]!.held)) expect(overtakenBy(n)).toBe(0)
    })

    it("a held frame is delivered when none follows that could pass it", async () => {
        const { arrivals, counters, fates } = await run({ reorder: 1, delay: 5 }, 1)
        expect(arrivals.map(arrival => arrival.time)).toEqual([5 + HOLD_MS])
        expect(fates[0]).toMatchObject({ held: true, arrives: 5 + HOLD_MS })
        expect(counters).toMatchObject({ delivered: 1, reordered: 0 })
    })
})

describe("corruption on a line", () => {
    it("flips one bit of a frame, over all places", async () => {
        const { arrivals, counters, fates } = await run({ corrupt: 0.5 }, 2000)
        const places = new Set<number>()
        // the number itself may be hit, but on this line order tells which frame it is
        arrivals.forEach(({ bytes }, n) => {
            const wrong = [...bytes].flatMap((byte, at) => {
                const bits = byte ^ numbered(n)[at]!
                return inOrder(8).flatMap(bit => (bits & (1 << bit) ? [at * 8 + bit] : []))
            })
            expect(wrong.length).toBe(fates[n]!.corrupted ? 1 : 0)
            for (const place of wrong) places.add(place)
        })
        expect(counters.corrupted).toBe(fates.filter(fate => fate.corrupted).length)
        expect(places.size).toBeGreaterThan(500)
    })

    it("leaves an empty frame as it is", async () => {
        const clock = new VirtualClock()
        const frames: Uint8Array[] = []
        const line = new Impairment(clock, { ...noImpairments, corrupt: 1 }, new Random(1), f =>
            frames.push(f)
        )
        line.send(new Uint8Array(0))
        await clock.runUntil(10)
        expect(frames).toEqual([new Uint8Array(0)])
    })
})

describe("rate of a line", () => {
    it("holds each frame for its bits, with preamble, check sequence and gap", async () => {
        const clock = new VirtualClock()
        const times: number[] = []
        const impairments = { ...noImpairments, rate: 10_000_000, delay: 1 }
        const line = new Impairment(clock, impairments, new Random(1), () => times.push(clock.now()))
        line.send(new Uint8Array(1514)) // 1538 bytes on the wire
        line.send(new Uint8Array(42)) // padded to 60, so 84
        await clock.runUntil(0.5)
        line.send(new Uint8Array(60))
        await clock.runUntil(100)
        line.send(new Uint8Array(60))
        await clock.runUntil(200)
        const tenthsOfUs = times.map(time => Math.round((time - 1) * 10_000))
        expect(tenthsOfUs).toEqual([12_304, 12_304 + 672, 12_304 + 2 * 672, 1_000_672])
    })

    it("drops and reports frames that do not fit the queue, and recovers", async () => {
        const clock = new VirtualClock()
        let delivered = 0
        const line = new Impairment(clock, { ...noImpairments, rate: 1e6 }, new Random(1), () => delivered++)
        const fates = inOrder(QUEUE_FRAMES + 11).map(n => line.send(numbered(n)).lost)
        expect(fates.filter(lost => lost === "queue").length).toBe(10)
        expect(fates.lastIndexOf(undefined)).toBe(QUEUE_FRAMES)
        await clock.runUntil(10_000)
        expect(delivered).toBe(QUEUE_FRAMES + 1)
        expect(line.send(numbered(0)).lost).toBeUndefined()
        expect(line.counters).toMatchObject({ sent: QUEUE_FRAMES + 12, queueDrops: 10 })
    })
})

describe("all impairments of a line together", () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true })
    const settings = fc.record({
        loss: unit,
        dup: unit,
        reorder: unit,
        corrupt: unit,
        delay: fc.double({ min: 0, max: 100, noNaN: true }),
        jitter: fc.double({ min: 0, max: 100, noNaN: true }),
        rate: fc.constantFrom(0, 64_000, 10_000_000),
    })

    it("accounts for every frame, and repeats from the same seed", async () => {
        await fc.assert(
            fc.asyncProperty(settings, fc.integer(), async (impairments, seed) => {
                const first = await run(impairments, 100, 3, seed)
                const { sent, lost, queueDrops, duplicated, delivered, corrupted } = first.counters
                expect(sent).toBe(100)
                expect(delivered).toBe(first.arrivals.length)
                expect(delivered).toBe(sent - lost - queueDrops + duplicated)
                expect(corrupted).toBe(first.fates.filter(fate => fate.corrupted).length)
                expect(await run(impairments, 100, 3, seed)).toEqual(first)
            }),
            { numRuns: 50 }
        )
    })

    it("reports each frame's fate as it is delivered", async () => {
        await fc.assert(
            fc.asyncProperty(settings, async impairments => {
                const { arrivals, fates } = await run({ ...impairments, corrupt: 0 }, 60, 3)
                fates.forEach((fate, n) => {
                    const times = arrivals
                        .filter(arrival => arrival.number === n)
                        .map(arrival => arrival.time)
                    expect(times.length).toBe(fate.copies)
                    for (const time of times) {
                        if (fate.held) expect(time).toBeLessThanOrEqual(fate.arrives)
                        else expect(time).toBe(fate.arrives)
                    }
                })
            }),
            { numRuns: 50 }
        )
    })
})
