// Makes a finished image smaller without changing what its program does. All passes run over all functions until
// the image stays as it is, so optimizing what comes out once more changes nothing.

import { threadChains } from "./chains"
import { sharedSlots } from "./closures"
import { propagateCopies } from "./copies"
import { type DebugFile, type DebugFunction, fileOf, setImage } from "./debug"
import { decodeFunction } from "./decode"
import { type Encoded, encodeFunction } from "./encode"
import { ImageError } from "./errors"
import { foldFunction } from "./fold"
import { forwardValues } from "./forward"
import { DESCRIPTOR, type ImageRecord, limitedBytes, padded, readImage, writeImage } from "./image"
import { PlaceMap, PlaceWriter } from "./places"
import type { ProgramFunction } from "./program"
import { useReturnValue } from "./registers"
import type { FunctionReport, PassReport, Report } from "./report"
import { shareSlots } from "./slots"
import { dropDeadStores } from "./stores"
import { threadFunction } from "./thread"
import { overLimit, verifyImage } from "./verify"
import { splitSlots } from "./webs"

/** More rounds than any program needs. */
const MOST_ROUNDS = 20

/** More repetitions of the passes on one function than any needs. */
const MOST_REPETITIONS = 12

interface Pass {
    name: string
    /** `shared` are the slots that closures reach. */
    run: (fn: ProgramFunction, shared: ReadonlySet<number>) => void
}

const JUMPS = "short jumps"

/** Run on each function over and over until its code stays as it is. */
const SIMPLIFYING: readonly Pass[] = [
    { name: "constant folding", run: foldFunction },
    { name: "jump threading", run: threadFunction },
    { name: "&& and || chains", run: threadChains },
    { name: "copy propagation", run: propagateCopies },
    { name: "values put where they are read", run: forwardValues },
    { name: "dead stores", run: dropDeadStores },
]

/** Run once a round on each function, in between. */
const SPLIT: Pass = { name: "slots split", run: splitSlots }
const LAST: readonly Pass[] = [
    { name: "values kept as the last call's", run: useReturnValue },
    { name: "slots shared", run: shareSlots },
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
    const names = [JUMPS, ...[...SIMPLIFYING, SPLIT, ...LAST].map(({ name }) => name)]
    const saved = new Map(names.map(name => [name, 0]))
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
    const shared = sharedSlots(functions)
    const encoded = functions.map((fn, n) =>
        optimizeFunction(fn, shared[n], record.functions[n].code.length, (name, bytes) => {
            saved.set(name, saved.get(name)! + bytes)
        })
    )
    const image = assemble(record, functions, encoded)
    verifyImage(image)
    const debug = stage.debug && renewDebug(stage.debug, image, encoded)
    return { image, debug, origins: stage.origins }
}

function optimizeFunction(
    fn: ProgramFunction,
    shared: ReadonlySet<number>,
    before: number,
    save: (name: string, bytes: number) => void
): Encoded {
    let encoded = encodeFunction(fn)
    let size = padded(encoded.code.length, 4)
    save(JUMPS, before - size)
    const apply = ({ name, run }: Pass) => {
        run(fn, shared)
        encoded = encodeFunction(fn)
        const now = padded(encoded.code.length, 4)
        save(name, size - now)
        size = now
    }
    const simplify = () => {
        for (let n = 0; n < MOST_REPETITIONS; n++) {
            const code = encoded.code
            for (const pass of SIMPLIFYING) apply(pass)
            if (Buffer.compare(code, encoded.code) === 0) break
        }
    }
    simplify()
    apply(SPLIT)
    simplify()
    for (const pass of LAST) apply(pass)
    return encoded
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
