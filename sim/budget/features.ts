// Measures the bytes of code that a program would save by leaving out each feature, with a build without it.

import { availableParallelism } from "node:os"
import type { Board } from "../board/boards"
import { behindPipe, compileImage } from "../build/build"
import { FeatureError, featureNames, featuresText } from "../build/features"
import { nameOf } from "../device/device"

interface FeatureBytes {
    name: string
    /** Bytes of the program's code that only this feature needs. */
    bytes: number
}

/** Returns the names in src/features.ts. */
export function allFeatures(): string[] {
    return featureNames(featuresText())
}

/** Returns the features that a program uses, the largest first. `code` is the size of the program's code with all of them. */
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
            // the features in `without` may not allow this one to be left out, too
            if (!(error instanceof FeatureError)) throw error
        }
    })
    return found.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
}

/** Runs `work` for each element, for as many elements at the same time as the computer has processors. */
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
