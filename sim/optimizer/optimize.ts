// Makes a finished image smaller without changing what its program does. All passes run over all functions until
// the image stays as it is, so optimizing what comes out once more changes nothing.

import { type DebugFile, type DebugFunction, fileOf, setImage } from "./debug"
import { decodeFunction } from "./decode"
import { type Encoded, encodeFunction } from "./encode"
import { ImageError } from "./errors"
import { foldFunction } from "./fold"
import { DESCRIPTOR, type ImageRecord, limitedBytes, padded, readImage, writeImage } from "./image"
import { PlaceMap, PlaceWriter } from "./places"
import type { ProgramFunction } from "./program"
import type { FunctionReport, PassReport, Report } from "./report"
import { threadFunction } from "./thread"
import { overLimit, verifyImage } from "./verify"

/** More rounds than any program needs. */
const MOST_ROUNDS = 20

interface Pass {
    name: string
    run: (fn: ProgramFunction) => void
}

const PASSES: readonly Pass[] = [
    { name: "short jumps", run: () => {} },
    { name: "constant folding", run: foldFunction },
    { name: "jump threading", run: threadFunction },
]

export interface Optimized {
    image: Uint8Array
    debug: DebugFile | undefined
    report: Report
}

/** A program between two rounds. */
interface Stage {
    image: Uint8Array
    debug: DebugFile | undefined
    /** For each function its number in the image that was given. */
    origins: number[]
}

/**
 * Optimizes an image, which may have more code than the VM takes; `debug` is what the compiler has written beside it.
 * Throws an ImageError when the image is damaged.
 */
export function optimize(image: Uint8Array, debug?: DebugFile): Optimized {
    verifyImage(image)
    const { functions } = readImage(image)
    const saved = new Map(PASSES.map(({ name }) => [name, 0]))
    let stage: Stage = { image, debug, origins: functions.map((_, n) => n) }
    for (let round = 0; ; round++) {
        if (round === MOST_ROUNDS)
            throw new ImageError("the optimizer does not come to an end with this image")
        const next = runPasses(stage, saved)
        const done = Buffer.compare(next.image, stage.image) === 0
        stage = next
        if (done) break
    }
    const passes = [...saved].map(([name, bytes]): PassReport => ({ name, saved: bytes }))
    return { image: stage.image, debug: stage.debug, report: makeReport(image, debug, stage, passes) }
}

/** One round of all passes. Checks what comes out. */
function runPasses(stage: Stage, saved: Map<string, number>): Stage {
    const record = readImage(stage.image)
    const places = stage.debug && new PlaceMap(stage.debug.srcmap)
    const functions = record.functions.map((fn, n) => decodeFunction(fn, `function ${n}`, places))
    let size = limitedBytes(record.functions)
    let encoded: Encoded[] = []
    for (const { name, run } of PASSES) {
        for (const fn of functions) run(fn)
        encoded = functions.map(encodeFunction)
        const now = limitedBytes(encoded)
        saved.set(name, saved.get(name)! + size - now)
        size = now
    }
    const image = assemble(record, functions, encoded)
    verifyImage(image)
    const debug = stage.debug && renewDebug(stage.debug, image, encoded)
    return { image, debug, origins: stage.origins }
}

function assemble(record: ImageRecord, functions: ProgramFunction[], encoded: Encoded[]): Uint8Array {
    return writeImage({
        ...record,
        functions: functions.map((fn, n) => ({ ...fn, code: encoded[n].code, start: 0 })),
    })
}

/** The debug information of the image that the encoded functions have become. */
function renewDebug(old: DebugFile, image: Uint8Array, encoded: Encoded[]): DebugFile {
    const writer = new PlaceWriter()
    const { functions } = readImage(image)
    const debugFunctions = functions.map(({ start, code }, n): DebugFunction => {
        for (const { offset, place } of encoded[n].places) writer.add(start + offset, place)
        return { ...old.functions[n], startpc: start, size: code.length + DESCRIPTOR }
    })
    const debug: DebugFile = { ...old, functions: debugFunctions, srcmap: writer.triples }
    setImage(debug, image)
    return debug
}

function makeReport(
    image: Uint8Array,
    debug: DebugFile | undefined,
    stage: Stage,
    passes: PassReport[]
): Report {
    const before = readImage(image).functions
    const after = readImage(stage.image).functions
    const size = (code: Uint8Array) => padded(code.length, 4) + DESCRIPTOR
    const left = new Map(stage.origins.map((origin, n) => [origin, size(after[n].code)]))
    return {
        before: { code: limitedBytes(before), image: image.length, functions: before.length },
        after: { code: limitedBytes(after), image: stage.image.length, functions: after.length },
        passes,
        functions: before.map(({ code }, n): FunctionReport => {
            const info = debug?.functions[n]
            return {
                name: info?.name ?? `F${n}`,
                file: debug && info?.location ? fileOf(debug, info.location[0]) : "",
                before: size(code),
                after: left.get(n) ?? 0,
            }
        }),
        over: overLimit(after),
    }
}
