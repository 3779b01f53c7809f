import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { noImpairments, parseImpair } from "../../sim/link/impair"
import { OptionError } from "../../sim/options/error"

const known = "(known: loss, delay, jitter, dup, reorder, corrupt, rate)"

describe("parseImpair", () => {
    it("reads each key", () => {
        const text = "loss=0.1,delay=20,jitter=5,dup=0.01,reorder=0.05,corrupt=0.01,rate=10mbit"
        expect(parseImpair(text)).toEqual({
            loss: 0.1,
            delay: 20,
            jitter: 5,
            dup: 0.01,
            reorder: 0.05,
            corrupt: 0.01,
            rate: 10_000_000,
        })
    })

    it("leaves keys that are not given at 0", () => {
        expect(parseImpair("delay=.5")).toEqual({ ...noImpairments, delay: 0.5 })
    })

    it.each([
        ["9600bit", 9600],
        ["64kbit", 64_000],
        ["1.5mbit", 1_500_000],
        ["1gbit", 1_000_000_000],
    ])("reads the rate %s as %i bit/s", (text, rate) => {
        expect(parseImpair(`rate=${text}`).rate).toBe(rate)
    })

    it.each([
        ["", 'impair: unknown key ""'],
        ["los=0.1", 'impair: unknown key "los"'],
        ["loss=0.1,", 'impair: unknown key ""'],
        ["toString=1", 'impair: unknown key "toString"'],
        [" loss=0.1", 'impair: unknown key " loss"'],
        ["loss", "impair: loss has no value; loss takes a probability from 0 to 1"],
        ["loss=", "impair: loss= is not valid: loss takes a probability from 0 to 1"],
        ["loss=1.1", "impair: loss=1.1 is not valid: loss takes a probability from 0 to 1"],
        ["loss=-0.1", "impair: loss=-0.1 is not valid: loss takes a probability from 0 to 1"],
        ["loss=1e-3", "impair: loss=1e-3 is not valid: loss takes a probability from 0 to 1"],
        ["loss=0.1=0.2", "impair: loss=0.1=0.2 is not valid: loss takes a probability from 0 to 1"],
        ["delay=20ms", "impair: delay=20ms is not valid: delay takes milliseconds, at most 60000"],
        ["jitter=60001", "impair: jitter=60001 is not valid: jitter takes milliseconds, at most 60000"],
        ["loss=0.1,loss=0.2", "impair: loss is given twice"],
        [
            "rate=10",
            "impair: rate=10 is not valid: rate takes a number with bit, kbit, mbit or gbit, such as 10mbit",
        ],
        [
            "rate=0mbit",
            "impair: rate=0mbit is not valid: rate takes a number with bit, kbit, mbit or gbit, such as 10mbit",
        ],
    ])("refuses %j: %s", (text, message) => {
        expect(() => parseImpair(text)).toThrow(new OptionError(`${message} ${known}`))
    })

    it("reads back any settings that are in range", () => {
        const probability = fc.integer({ min: 0, max: 1000 }).map(n => n / 1000)
        const ms = fc.integer({ min: 0, max: 60_000_000 }).map(n => n / 1000)
        const fields = fc.record({
            loss: probability,
            delay: ms,
            jitter: ms,
            dup: probability,
            reorder: probability,
            corrupt: probability,
        })
        fc.assert(
            fc.property(fields, fc.integer({ min: 1, max: 1e9 }), (values, rate) => {
                const text = Object.entries(values).map(([key, value]) => `${key}=${value}`)
                expect(parseImpair([...text, `rate=${rate}bit`].join(","))).toEqual({ ...values, rate })
            })
        )
    })

    it("returns settings in range or one line of error for any text", () => {
        const word = fc.constantFrom("loss", "rate", "delay", "=", ",", "0.5", "2", "mbit", "\n", "é", "")
        const text = fc.oneof(
            fc.string({ unit: "binary" }),
            fc.array(word).map(words => words.join(""))
        )
        fc.assert(
            fc.property(text, input => {
                try {
                    const result = parseImpair(input)
                    for (const value of Object.values(result)) expect(value).toBeGreaterThanOrEqual(0)
                } catch (error) {
                    expect(error).toBeInstanceOf(OptionError)
                    expect((error as Error).message).toMatch(/^impair: [\x20-\x7e]+$/)
                }
            })
        )
    })
})
