// What a program would have more if it left out a feature: it is built without each.

import { readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { featureNames } from "../../bin/features.js"
import type { Board } from "../board/boards"
import { behindPipe, compileImage, ROOT } from "../build/build"
import { FEATURES, FeatureError } from "../build/features"
import { nameOf } from "../device/device"

export interface FeatureBytes {
    name: string
    /** Of the program's code, that nothing else needs. */
    bytes: number
}

/** The names in src/features.ts. */
export function allFeatures(): string[] {
    return featureNames(readFileSync(join(ROOT, FEATURES), "utf8"))
}

/** The features that a program uses, the largest first; `code` is what it takes with them. */
export async function featureBytes(
    program: string,
    board: Board,
    without: readonly string[],
    code: number
): Promise<FeatureBytes[]> {
    const names = allFeatures().filter(name => !without.includes(name))
    const found: FeatureBytes[] = []
    await each(names, async name => {
        try {
            const left = await compileImage(behindPipe(program), nameOf(program), {
                board,
                without: [...without, name],
            })
            if (left.code !== code) found.push({ name, bytes: code - left.code })
        } catch (error) {
            // what others left out need cannot be left out as well
            if (!(error instanceof FeatureError)) throw error
        }
    })
    return found.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
}

/** Does something with each, as many at once as there are processors. */
export async function each<T>(
    all: readonly T[],
    work: (one: T, index: number) => Promise<void>
): Promise<void> {
    const next = all.entries()
    const worker = async () => {
        for (const [index, one] of next) await work(one, index)
    }
    await Promise.all(Array.from({ length: availableParallelism() }, worker))
}
