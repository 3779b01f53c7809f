// The stand-in for the runtime under Node against the VM itself: function by function, on generated arguments.

import fc from "fast-check"
import { beforeAll, describe, expect, test } from "vitest"
import { bench } from "./support"

// Where JavaScript itself cannot be the VM, arguments stay away, and programs had better: characters beyond U+FFFF (two there, one
// here), doubles as text (7 digits) and in `%` (32-bit integers), `%` by 0 (0), `<` of texts (false), lenient numbers in JSON.

/** A function of test/programs/compare.ts and what it is called with. */
type Sample = [name: string, ...arguments: string[]]

const s = (text: string) => `s${Buffer.from(text).toString("hex")}`
const b = (bytes: Uint8Array) => `b${Buffer.from(bytes).toString("hex")}`
const n = (number: number) => {
    const bytes = Buffer.alloc(8)
    // there is one 0 on the VM
    bytes.writeDoubleLE(number + 0)
    return `n${bytes.toString("hex")}`
}

/** Letters that have been trouble somewhere: of one to four bytes, with other case, without, marks, separators. */
const letters = [
    ..."aAzZ09 .,:;/=-_\t\r\n\0\x7f",
    ..."äÄßéİıſKσςΣ€ﬁ漢\u00a0\u0085\u2028\ufeff\ufffe\uffff\ufffd\u0300",
]
const word = fc.string({ unit: fc.constantFrom(...letters), maxLength: 12 })
// one beyond U+FFFF is a character on the VM, and two in JavaScript: no stand-in can mend that
const text = fc.oneof(
    word,
    fc.string({ unit: "binary", maxLength: 12 }).map(t =>
        Buffer.from(t)
            .toString()
            .replace(/[\u{10000}-\u{10ffff}]/gu, "€")
    )
)
const bytes = fc.uint8Array({ maxLength: 24 })
/** What looks like UTF-8 and is not quite. */
const nearText = fc
    .tuple(fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 }), fc.nat(40), fc.nat(255))
    .map(([t, at, byte]) => {
        const some = Buffer.from(t)
        if (some.length > 0) some[at % some.length] = byte
        return new Uint8Array(some)
    })
const edges = [
    0, 1, -1, 2, 7, 8, 31, 32, 33, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2147483647, 2147483648,
]
const whole = fc.oneof(
    fc.constantFrom(...edges, ...edges.map(edge => -edge), 4294967295, 4294967296, -2147483649),
    fc.integer()
)
// nothing so small that the VM takes it for 0
const number = fc.oneof(
    whole,
    fc.constantFrom(
        0.5,
        -0.5,
        1.5,
        2.5,
        -1.5,
        0.49999999999999994,
        1e20,
        -1e20,
        Number.NaN,
        1e-7,
        123456.789
    ),
    fc.double({ noDefaultInfinity: true }).filter(x => Math.abs(Math.log10(Math.abs(x))) < 150)
)
const index = fc.integer({ min: 0, max: 16 })
const format = fc.constantFrom("u8", "u16", "u32", "i8", "i16", "i32", "f32", "f64")
// a double is written with 7 digits on the VM, and `%` is for whole numbers of 32 bits
const value = fc.letrec(tie => ({
    any: fc.oneof(
        { maxDepth: 2 },
        fc.constantFrom(null, true, false),
        fc.integer(),
        text,
        fc.array(tie("any"), { maxLength: 4 }),
        fc.dictionary(
            text.filter(key => key !== "__proto__"),
            tie("any"),
            { maxKeys: 3 }
        )
    ),
})).any
const json = value.map(v => JSON.stringify(v))

const samples: Record<string, fc.Arbitrary<Sample>> = {}
const of = (name: string, ...parts: fc.Arbitrary<string>[]) => {
    samples[name] = fc.tuple(fc.constant(name), ...parts) as unknown as fc.Arbitrary<Sample>
}
const S = text.map(s)
const N = number.map(n)
const I = index.map(n)
const B = bytes.map(b)
const sub = fc.constantFrom("", "a", "A", ",", " ", "ä", "aA", "\n").map(s)

of("length", S)
of("charCodeAt", S, I)
of("at", S, I)
of("slice", S, fc.integer({ min: -4, max: 16 }).map(n), fc.integer({ min: -4, max: 16 }).map(n))
of("sliceFrom", S, fc.integer({ min: -4, max: 16 }).map(n))
of("indexOf", S, sub, I)
of("split", S, sub)
of("join", S, sub, S)
of("starts", S, sub)
of("lower", S)
of("upper", S)
of("trim", S)
of("equal", S, fc.oneof(S, sub))
of("concat", S, S)
of(
    "parseInt",
    fc
        .oneof(
            number.map(String),
            fc.string({ unit: fc.constantFrom(..." \t+-0123456789.exXabf"), maxLength: 8 })
        )
        .map(s)
)
of("parseNothing")
of(
    "parseFloat",
    fc
        .oneof(number.map(String), fc.string({ unit: fc.constantFrom(..." \t+-0123456789.e"), maxLength: 8 }))
        .map(s)
)
of("numberText", whole.map(n))
of("stringify", json.map(s))
of(
    "parse",
    fc
        .oneof(
            json,
            fc
                .string({ unit: fc.constantFrom(...'[]{}",:0123456789.-+e truefalsn\\u'), maxLength: 10 })
                // the VM reads numbers as C does: 01 and 1. too
                .filter(text => !/\d\.(?!\d)|(^|[^\d.])0\d/.test(text))
        )
        .map(s)
)
of("quote", S)
of("bits", N, N)
of("arithmetic", N, N)
of(
    "remainder",
    fc.integer().map(n),
    fc
        .integer()
        .filter(by => by !== 0)
        .map(n)
)
of("compare", N, N)
of("round", N)
of("pair", N, N)
of("utf8", fc.oneof(nearText, bytes).map(b))
of("hex", fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF gä"), maxLength: 12 }).map(s))
of("store", B, I, N, format.map(s))
of("load", B, I, format.map(s))
of("blit", B, I, B, I, I)
of("blitText", B, I, S, I, I)
of("fill", B, I, I, whole.map(n))
of("cut", B, I, I)
of("find", B, fc.integer({ min: 0, max: 255 }).map(n), I, I)
of("both", B, B)

/** What a runtime gives for each. */
async function answers(runtime: "vm" | "node", all: readonly Sample[]): Promise<string[]> {
    const { clock, device, panics } = await bench(runtime, "compare")
    const given: string[] = []
    let failed: unknown
    const ask = async () => {
        for (let i = 0; i < all.length; i += AT_ONCE) {
            const some = all.slice(i, i + AT_ONCE)
            const { lines } = await device.command(some.map(sample => sample.join(" ")).join("|"))
            given.push(...lines)
        }
    }
    ask().catch(error => {
        failed = error
    })
    await clock.runUntil(() => given.length === all.length || failed !== undefined || panics.length > 0, 1e9)
    device.stop()
    if (failed !== undefined || panics.length > 0) {
        throw new Error(`${all[given.length]}: ${failed ?? panics[0]?.message}`)
    }
    return given
}

/** Samples to a line. */
const AT_ONCE = 10
const RUNS = Number(process.env.COMPARE_RUNS ?? 40)
const seed = Number(process.env.COMPARE_SEED ?? 1)

describe("the VM and the Node runtime return the same for", () => {
    const all = Object.entries(samples).map(([name, one]) => ({
        name,
        list: fc.sample(one, { numRuns: RUNS, seed }),
    }))
    const flat = all.flatMap(({ list }) => list)
    let both: [string[], string[]]
    beforeAll(async () => {
        both = [await answers("vm", flat), await answers("node", flat)]
    }, 300_000)
    test.each(all)("$name", async ({ list }) => {
        const [vm, node] = both
        const at = flat.indexOf(list[0]!)
        const differences = list.flatMap((sample, i) => {
            const [there, here] = [vm[at + i], node[at + i]]
            return there === here ? [] : [`${sample.join(" ")}: ${there} on the VM, ${here} on Node`]
        })
        expect(differences).toEqual([])
    })
})
