// The bytes that features take of a program, found in its sources at once, against builds without them.

import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { guardedBytes } from "../../sim/budget/guards"
import type { SizedDebugInfo } from "../../sim/budget/parts"
import { behindPipe, buildImage } from "../../sim/build/build"

const HELLO = "src/examples/hello.ts"
const NAME = "src-examples-hello"

it("guardedBytes() of a feature is about what a build without it saves", async () => {
    const { image, debug, code } = await buildImage(behindPipe(HELLO), NAME)
    const features = guardedBytes(
        readFileSync(image),
        JSON.parse(readFileSync(debug, "utf8")) as SizedDebugInfo
    )
    expect(features.map(({ bytes }) => bytes)).toEqual(
        features.map(({ bytes }) => bytes).sort((a, b) => b - a)
    )
    for (const name of ["SACK", "REASSEMBLY", "FAST_RETRANSMIT"]) {
        const without = await buildImage(behindPipe(HELLO), NAME, { without: [name] })
        const saved = code - without.code
        const told = features.find(feature => feature.name === name)!.bytes
        expect(told / saved, name).toBeGreaterThan(0.6)
        expect(told / saved, name).toBeLessThan(1.2)
    }
    // what is not there has no bytes
    const none = await buildImage(behindPipe(HELLO), NAME, { without: ["SACK"] })
    const left = guardedBytes(
        readFileSync(none.image),
        JSON.parse(readFileSync(none.debug, "utf8")) as SizedDebugInfo
    )
    expect(left.map(({ name }) => name)).not.toContain("SACK")
}, 300_000)
