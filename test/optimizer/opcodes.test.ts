import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { ROOT } from "../../sim/build/build"
import { shapeOf } from "../../sim/optimizer/opcodes"

/** The bits of the compiler's own table. */
const Bits = { Arguments: 15, Statement: 16, Number: 32 } as const
const REMOVED = [0, 42, 77]

it("the shapes of all operations are those of the compiler", () => {
    const bundle = readFileSync(
        join(ROOT, "node_modules/@devicescript/cli/built/devicescript-cli.cjs"),
        "latin1"
    )
    const quoted = /OP_PROPS = ("(?:[^"\\]|\\.)*")/.exec(bundle)![1]
    const properties = new Function(`return ${quoted}`)() as string
    for (let op = 0; op < properties.length; op++) {
        const bits = properties.charCodeAt(op)
        const shape = REMOVED.includes(op)
            ? undefined
            : {
                  arguments: bits & Bits.Arguments,
                  statement: (bits & Bits.Statement) !== 0,
                  number: (bits & Bits.Number) !== 0,
              }
        expect(shapeOf(op), `operation ${op}`).toEqual(shape)
    }
    expect(shapeOf(properties.length)).toBeUndefined()
})
