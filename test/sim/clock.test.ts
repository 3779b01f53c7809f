import { describe, expect, it } from "vitest"
import { RealClock, VirtualClock } from "../../sim/time/clock"

describe("the virtual clock", () => {
    it("runs events by time, and ties in the order of scheduling", async () => {
        const clock = new VirtualClock()
        const seen: string[] = []
        for (const [name, when] of [
            ["c", 3],
            ["a", 1],
            ["c2", 3],
            ["b", 2.5],
            ["c3", 3],
        ] as const) {
            clock.at(when, () => seen.push(`${name}@${clock.now()}`))
        }
        expect(clock.next()).toBe(1)
        await clock.runUntil(10)
        expect(seen).toEqual(["a@1", "b@2.5", "c@3", "c2@3", "c3@3"])
        expect(clock.now()).toBe(10)
        expect(clock.next()).toBe(Number.POSITIVE_INFINITY)
    })

    it("keeps the order of thousands of events under scheduling and cancelling", async () => {
        const clock = new VirtualClock()
        const seen: number[] = []
        const expected: number[] = []
        let state = 1
        for (let i = 0; i < 5000; i++) {
            state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
            const when = state % 1000
            const timer = clock.at(when, () => seen.push(when))
            if (i % 3 === 0) timer.cancel()
            else expected.push(when)
        }
        await clock.runUntil(1000)
        expect(seen).toEqual(expected.sort((a, b) => a - b))
    })

    it("stops at the given time, with later events still to come", async () => {
        const clock = new VirtualClock()
        const seen: number[] = []
        for (const when of [1, 2, 3]) clock.at(when, () => seen.push(when))
        await clock.runUntil(2)
        expect(seen).toEqual([1, 2])
        expect(clock.now()).toBe(2)
        await clock.runUntil(2.5)
        expect(clock.now()).toBe(2.5)
        await clock.runUntil(5)
        expect(seen).toEqual([1, 2, 3])
    })

    it("stops as soon as a condition holds", async () => {
        const clock = new VirtualClock()
        let count = 0
        const tick = () => {
            count++
            clock.at(clock.now() + 1, tick)
        }
        clock.at(0, tick)
        await clock.runUntil(() => count === 5)
        expect(clock.now()).toBe(4)
        await clock.runUntil(() => false, 20)
        expect(count).toBe(21)
        expect(clock.now()).toBe(20)
    })

    it("stops when nothing is left, at the time of the last event or of the limit", async () => {
        const clock = new VirtualClock()
        clock.at(3, () => {})
        await clock.runUntil(() => false)
        expect(clock.now()).toBe(3)
        await clock.runUntil(() => false, 50)
        expect(clock.now()).toBe(50)
    })

    it("runs events scheduled for the past at once, and does not go back", async () => {
        const clock = new VirtualClock()
        await clock.runUntil(100)
        const seen: number[] = []
        clock.at(5, () => seen.push(clock.now()))
        clock.at(Number.NaN, () => seen.push(clock.now()))
        await clock.runUntil(101)
        expect(seen).toEqual([100, 100])
    })

    it("does not run a cancelled event, also when one at the same time cancels it", async () => {
        const clock = new VirtualClock()
        const seen: string[] = []
        clock.at(1, () => second.cancel())
        const second = clock.at(1, () => seen.push("second"))
        const third = clock.at(2, () => seen.push("third"))
        await clock.runUntil(2)
        third.cancel()
        expect(seen).toEqual(["third"])
    })

    it("lets promise chains end between two events", async () => {
        const clock = new VirtualClock()
        const seen: string[] = []
        clock.settle.add(() => new Promise(resolve => setImmediate(resolve)))
        clock.at(1, async () => {
            for (let i = 0; i < 10; i++) await Promise.resolve()
            seen.push("chain")
        })
        clock.at(1, () => seen.push("next"))
        await clock.runUntil(1)
        expect(seen).toEqual(["chain", "next"])
    })

    it("passes on what an event throws and can go on after it", async () => {
        const clock = new VirtualClock()
        let after = false
        clock.at(1, () => {
            throw new Error("from an event")
        })
        clock.at(2, () => {
            after = true
        })
        await expect(clock.runUntil(5)).rejects.toThrow("from an event")
        await clock.runUntil(5)
        expect(after).toBe(true)
    })
})

describe("the real clock", () => {
    it("runs events in order and never early", async () => {
        const clock = new RealClock()
        const seen: string[] = []
        const early: number[] = []
        for (const [name, when] of [
            ["c", 6],
            ["a", 0],
            ["b", 1.4],
            ["c2", 6],
            ["none", 3],
        ] as const) {
            const timer = clock.at(when, () => {
                seen.push(name)
                if (clock.now() < when) early.push(when)
            })
            if (name === "none") timer.cancel()
        }
        await clock.runUntil(() => seen.length === 4)
        expect(seen).toEqual(["a", "b", "c", "c2"])
        expect(early).toEqual([])
        expect(clock.next()).toBe(Number.POSITIVE_INFINITY)
    })

    it("waits for a time or for a condition that changes elsewhere, and no longer than the limit", async () => {
        const clock = new RealClock()
        await clock.runUntil(3)
        expect(clock.now()).toBeGreaterThanOrEqual(3)
        let changed = false
        setTimeout(() => {
            changed = true
        }, 1)
        await clock.runUntil(() => changed)
        expect(changed).toBe(true)
        const limit = clock.now() + 3
        await clock.runUntil(() => false, limit)
        expect(clock.now()).toBeGreaterThanOrEqual(limit)
    })

    it("passes on what an event or a condition throws", async () => {
        const clock = new RealClock()
        clock.at(0, () => {
            throw new Error("from an event")
        })
        await expect(clock.runUntil(1000)).rejects.toThrow("from an event")
        const failing = () => {
            throw new Error("from a condition")
        }
        await expect(clock.runUntil(failing)).rejects.toThrow("from a condition")
    })
})
