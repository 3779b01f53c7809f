// Tests of what a program may leave out (src/features.ts) are skipped where it is left out.

import { TestRunner } from "vitest"
import { leftOut } from "../../sim/build/features"
import type * as features from "../../src/features"

export type Feature = keyof typeof features

const missing = leftOut()

/** Skips the running test, from here on, unless these features are there. */
export function needs(...names: Feature[]): void {
    for (const name of names) {
        if (missing.includes(name)) TestRunner.getCurrentTest()?.context.skip(`without ${name}`)
    }
}
