// Prints what the runtime makes of many small operations: the VM and its stand-in have to print the same.

import { Buffer } from "@devicescript/core"
import { digest, hmac } from "@devicescript/crypto"

function show(name: string, compute: () => unknown): void {
    try {
        console.log(`${name}: ${compute()}`)
    } catch (e: unknown) {
        console.log(`${name}: throws ${(e as Error).name}`)
    }
}

/** A buffer after something was done to it, in hexadecimal. */
function after(size: number, change: (b: Buffer) => void): string {
    const b = Buffer.alloc(size)
    for (let i = 0; i < size; i++) b.setAt(i, "u8", i)
    change(b)
    return b.toString("hex")
}

const values = [
    0,
    1,
    -1,
    1.5,
    -1.5,
    2.5,
    0.49,
    -0.5,
    127,
    128,
    -129,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2147483647,
    2147483648,
    4294967295,
    4294967296,
    -2147483648,
    -2147483649,
    1e20,
    -1e20,
    NaN,
]

/** Takes no radix on the VM. */
const integer: (text: string) => number = parseInt

function whole(): void {
    // the compiler takes no closures over the variable of a loop
    values.forEach(v => {
        show(`${v}`, () => [v | 0, v >>> 0, v >> 3, v >>> 3, v << 5, v & 0xffff, v ^ -1, ~v])
        show(`${v} floor ceil`, () => [Math.floor(v), Math.ceil(v), Math.round(v), Math.abs(v)])
        show(`${v} idiv`, () => [Math.idiv(v, 3), Math.idiv(v, 0), Math.imul(v, 65537)])
    })
    show("shifts", () => [1 << 31, 1 << 32, 1 << 33, -1 >>> 28, 1 >>> 33, -8 >> 1, -8 >>> 0])
    show("remainders", () => [7 % 3, -7 % 3, 7 % -3, 7 % 0, 5.5 % 2])
    show("big", () => [2147483647 + 1, -2147483648 - 1, 65536 * 65536, (65536 * 65536) | 0, 4294967295 + 1])
    show("sequence", () => [(-2147483648 - 1) | 0, (2147483647 + 1) | 0, (10 - -2147483648) | 0])
    show("parse", () => ["12", "12x", "x", "0x1f", "", " 7 ", "-7.9"].map(text => integer(text)))
    show("min max", () => [Math.min(3, -3), Math.max(3, -3), Math.min(1, NaN)])
}

function stores(): void {
    values.forEach(v => {
        show(`store ${v} as u8`, () => after(4, b => b.setAt(0, "u8", v)))
        show(`store ${v} as i8`, () => after(4, b => b.setAt(0, "i8", v)))
        show(`store ${v} as u16`, () => after(4, b => b.setAt(0, "u16", v)))
        show(`store ${v} as i16`, () => after(4, b => b.setAt(0, "i16", v)))
        show(`store ${v} as u32`, () => after(4, b => b.setAt(0, "u32", v)))
        show(`store ${v} as i32`, () => after(4, b => b.setAt(0, "i32", v)))
        show(`store ${v} by index`, () => after(2, b => (b[0] = v)))
    })
    // Infinity | 0 is 1 on the VM, so it is not among the values above; stores saturate it as they should
    show("store Infinity", () => after(4, b => b.setAt(0, "i16", Infinity)))
    show("store -Infinity", () => after(4, b => b.setAt(0, "i32", -Infinity)))
    show("store beyond", () => after(4, b => b.setAt(3, "u16", 1)))
    show("store a string", () => after(4, b => b.setAt(0, "u16", "7" as unknown as number)))
    show("store null", () => after(4, b => b.setAt(0, "u16", null as unknown as number)))
    show("store true", () => after(4, b => b.setAt(0, "u16", true as unknown as number)))
    show("store undefined", () => after(4, b => b.setAt(0, "i16", undefined as unknown as number)))
}

function loads(): void {
    const b = Buffer.from("fffefd807f0001028000", "hex")
    for (let at = 0; at <= 10; at++) {
        console.log(at, b.getAt(at, "u8"), b.getAt(at, "i8"), b.getAt(at, "u16"), b.getAt(at, "i16"))
        console.log(at, b.getAt(at, "u32"), b.getAt(at, "i32"), b[at])
    }
    show("load beyond", () => [b.getAt(9, "u16"), b.getAt(1000, "u8"), b[10]])
    show("fraction of an offset", () => b.getAt(1.9, "u8"))
}

function copies(): void {
    show("blit", () => after(8, b => b.blitAt(1, Buffer.from([9, 8, 7]), 0, 3)))
    show("blit clipped by source", () => after(8, b => b.blitAt(1, Buffer.from([9, 8, 7]), 1, 100)))
    show("blit clipped by target", () => after(8, b => b.blitAt(6, Buffer.from([9, 8, 7]), 0, 3)))
    show("blit from beyond", () => after(8, b => b.blitAt(0, Buffer.from([9, 8, 7]), 3, 3)))
    show("blit to beyond", () => after(8, b => b.blitAt(8, Buffer.from([9, 8, 7]), 0, 3)))
    show("blit nothing", () => after(8, b => b.blitAt(0, Buffer.from([9, 8, 7]), 0, 0)))
    show("blit less than nothing", () => after(8, b => b.blitAt(0, Buffer.from([9, 8, 7]), 0, -1)))
    show("blit to a negative offset", () => after(8, b => b.blitAt(-1, Buffer.from([9, 8, 7]), 0, 2)))
    show("blit from a negative offset", () => after(8, b => b.blitAt(0, Buffer.from([9, 8, 7]), -1, 2)))
    show("blit a string", () => after(8, b => b.blitAt(1, "aé€", 0, 100)))
    const shifts = [1, 2, 3, 4, 5, 6, 7, 8, 13]
    shifts.forEach(shift => {
        show(`blit up by ${shift}`, () => after(100, b => b.blitAt(shift, b, 0, 100)))
        show(`blit down by ${shift}`, () => after(100, b => b.blitAt(0, b, shift, 100)))
        show(`blit up from ${shift}`, () => after(40, b => b.blitAt(shift + 3, b, shift, 20)))
    })
    show("fill", () => after(8, b => b.fillAt(2, 3, 0x1ff)))
    show("fill clipped", () => after(8, b => b.fillAt(5, 100, -1)))
    show("fill beyond", () => after(8, b => b.fillAt(8, 1, 1)))
    show("fill a negative offset", () => after(8, b => b.fillAt(-2, 5, 1)))
    show("set", () => after(8, b => b.set(Buffer.from([9, 8]), 5)))
    show("slice", () => Buffer.from([1, 2, 3, 4]).slice(1, 3).toString("hex"))
    show("slice to the end", () => Buffer.from([1, 2, 3, 4]).slice(2).toString("hex"))
    show("slice beyond", () => Buffer.from([1, 2, 3, 4]).slice(2, 7).toString("hex"))
    show("slice of nothing", () => Buffer.from([1, 2, 3, 4]).slice(4).length)
    show("concat", () => Buffer.concat(Buffer.from([1]), Buffer.from([]), Buffer.from("z")).toString("hex"))
    show("concat two", () =>
        Buffer.from([1])
            .concat(Buffer.from([2, 3]))
            .toString("hex")
    )
    show("index", () => Buffer.from([1, 2, 3, 2]).indexOf(2))
    show("index from", () => Buffer.from([1, 2, 3, 2]).indexOf(2, 2))
    show("index before", () => Buffer.from([1, 2, 3, 2]).indexOf(2, 2, 3))
    show("last index", () => Buffer.from([1, 2, 3, 2]).indexOf(2, 0, -4))
    show("too big", () => Buffer.alloc(100000000))
    show("less than nothing", () => Buffer.alloc(-1))
}

function texts(): void {
    show("hex", () => Buffer.from("00ffA0", "hex").toString("hex"))
    show("hex with spaces", () => Buffer.from("00 ff A0 1", "hex").toString("hex"))
    show("utf-8", () => Buffer.from("aé€").toString("hex"))
    show("back", () => Buffer.from("61c3a9e282ac", "hex").toString())
    show("no utf-8", () => Buffer.from("ff41c3", "hex").toString("utf-8"))
    show("numbers", () => Buffer.from([1, 300, -1, 1.9]).toString("hex"))
    show("bytes", () => "aé€".byteLength)
    show("in a template", () => `${Buffer.from([1, 2])}`)
    show("string", () => ["abcabc".indexOf("c", 3), "abc".slice(1), "a,b,,c".split(","), " a ".trim()])
    show("more", () => ["abc".startsWith("ab"), "abc".endsWith("c"), "x".charCodeAt(0), "Ab".toLowerCase()])
    show("json", () => JSON.stringify(JSON.parse('{"a":[1,"x",null,true],"b":{}}')))
    show("array", () => [[3, 1, 2].sort(), [1, 2].map(x => x * 2), [1, 2, 3].filter(x => x !== 2)])
    show("object", () => Object.keys({ a: 1, b: 2 }))
    show("sha256", () => digest("sha256", Buffer.from("abc")).toString("hex"))
    show("sha256 of parts", () => digest("sha256", "a", Buffer.from("b"), "c").toString("hex"))
    show("hmac", () => hmac("key", "sha256", "data").toString("hex"))
    console.log(
        "several",
        1,
        "values",
        [1, "a", undefined, null, true],
        { a: 1, b: { c: "d" } },
        Buffer.from([1])
    )
    console.debug("debug")
    console.warn("warn")
    console.error("error")
    console.log("two\nlines")
}

whole()
stores()
loads()
copies()
texts()
