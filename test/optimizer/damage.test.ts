import fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { ImageError } from "../../sim/optimizer/errors"
import { HEADER, readImage, writeImage } from "../../sim/optimizer/image"
import { Op } from "../../sim/optimizer/opcodes"
import { optimize } from "../../sim/optimizer/optimize"
import { verifyImage } from "../../sim/optimizer/verify"
import { type Built, build } from "./image"

let built: Built

beforeAll(async () => {
    built = await build("test/programs/semantics.ts", true)
})

/** The image with other code in its first function. */
function withCode(...code: number[]): Uint8Array {
    const record = readImage(built.image)
    record.functions[0].code = Uint8Array.from(code)
    return writeImage(record)
}

const UNDEFINED = [Op.Undefined, Op.Return]

describe("the verifier of images", () => {
    it("accepts what the compiler and the optimizer make", () => {
        verifyImage(built.image)
        verifyImage(withCode(...UNDEFINED))
    })

    it.each([
        ["a jump into the middle of a statement", [Op.Jump, 1, ...UNDEFINED], /does not lead to a statement/],
        [
            "a jump into the middle of an expression",
            [Op.JumpIfFalse, 4, 0x90, Op.Not],
            /stack is empty|statement/,
        ],
        ["a jump to before the function", [Op.Jump, 0xfc, 8, ...UNDEFINED], /does not lead to a statement/],
        [
            "a jump to after the function",
            [Op.Jump, 0xf9, 64, 0, ...UNDEFINED],
            /does not lead to a statement/,
        ],
        ["a value that no operation takes", [0x90, ...UNDEFINED], /leaves values on the stack/],
        ["an operation without its values", [Op.Add, Op.Return], /stack is empty/],
        ["too many values", [...new Array<number>(17).fill(0x90), Op.Return], /too many values/],
        ["an unknown operation", [42, Op.Return], /no operation has the code 42/],
        ["an unknown slot", [Op.LoadLocal, 240, Op.Return], /LoadLocal 240, but there are only/],
        ["an unknown global", [Op.LoadGlobal, 240, Op.Return], /LoadGlobal 240, but there are only/],
        ["an unknown function", [Op.StaticFunction, 0xf9, 99, 9, Op.Return], /StaticFunction 25353/],
        ["an unknown string", [Op.StaticAsciiString, 0xf9, 99, 9, Op.Return], /StaticAsciiString 25353/],
        ["a negative index", [Op.LoadLocal, 0xfc, 1, Op.Return], /LoadLocal -1/],
        ["code that runs over its end", [Op.Debugger], /control runs past the end of its code/],
        ["a catch without a try", [Op.Catch, ...UNDEFINED], /catch or finally without a try/],
        ["a try without a catch", [Op.Try, 2, ...UNDEFINED], /begin with catch|more nested try blocks/],
        [
            "the end of a try that has not begun",
            [Op.EndTry, 2, ...UNDEFINED],
            /a try block that it has not begun/,
        ],
    ])("refuses %s", (_, code, message) => {
        expect(() => verifyImage(withCode(...code))).toThrow(message)
        expect(() => verifyImage(withCode(...code))).toThrow(ImageError)
    })

    it("refuses an image of another version, and bytes that are no image", () => {
        const other = built.image.slice()
        other[10] = 17
        expect(() => verifyImage(other)).toThrow("version 2.17")
        expect(() => verifyImage(new Uint8Array(200))).toThrow("not a DeviceScript image")
        expect(() => verifyImage(new Uint8Array(3))).toThrow("an image of 3 bytes has no header")
    })
})

describe("the optimizer and damaged images", () => {
    it("refuses an image that ends early, at any length", () => {
        for (let length = 0; length < HEADER + 64; length++)
            expect(() => optimize(built.image.slice(0, length)), `${length} bytes`).toThrow(ImageError)
        fc.assert(
            fc.property(fc.nat(built.image.length - 64), length => {
                expect(() => optimize(built.image.slice(0, length))).toThrow(ImageError)
            }),
            { numRuns: 50 }
        )
    })

    it("accepts or refuses an image with changed bytes, and throws nothing else", () => {
        const change = fc.tuple(fc.nat(built.image.length - 1), fc.nat(255))
        fc.assert(
            fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), changes => {
                const image = built.image.slice()
                for (const [at, value] of changes) image[at] = value
                try {
                    verifyImage(optimize(image).image)
                } catch (error) {
                    if (!(error instanceof ImageError)) throw error
                }
            }),
            { numRuns: 60 }
        )
    })
})
