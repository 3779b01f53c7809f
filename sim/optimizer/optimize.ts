// Makes a finished image smaller without changing what its program does. All passes run over all functions until the image no
// longer changes, so optimizing the result again changes nothing.

import { threadChains } from "./chains"
import { sharedSlots } from "./closures"
import { shareExpressions } from "./common-subexpressions"
import { propagateCopies } from "./copies"
import { type DebugFile, type DebugFunction, fileOf, setImage } from "./debug"
import { decodeFunction } from "./decode"
import { codeSize, type Encoded, encodeFunction } from "./encode"
import { ImageError } from "./errors"
import { shortenFarJumps } from "./far"
import { forgetLiveness } from "./flow"
import { foldFunction } from "./fold"
import { forwardValues } from "./forward"
import { DESCRIPTOR, limitedBytes, padded, readImage, writeImage } from "./image"
import { inlineFunctions } from "./inline"
import { keyOf } from "./keys"
import { layOutBlocks } from "./layout"
import { PlaceMap, PlaceWriter } from "./places"
import type { ProgramFunction } from "./program"
import { orderFunctions, orderStrings } from "./renumber"
import type { FunctionReport, PassReport, Report } from "./report"
import { useReturnValue } from "./return-value"
import { shareSlots } from "./slots"
import { splitSlots } from "./split-slots"
import { dropDeadStores } from "./stores"
import { mergeTails } from "./tails"
import { threadFunction } from "./thread"
import { dropFunctions } from "./unused"
import { overLimit, verifyImage } from "./verify"

/** The limit of rounds; every program needs fewer. */
const MOST_ROUNDS = 20

/** The limit of repetitions of the passes on one function; every function needs fewer. */
const MOST_REPETITIONS = 12

interface Pass {
    name: string
    /** Changes a function; returns whether it changed anything. `shared` are the slots that closures reach. */
    run: (fn: ProgramFunction, shared: ReadonlySet<number>) => boolean
}

const JUMPS = "short jumps"

/** The passes that run on each function repeatedly until its code no longer changes. */
const SIMPLIFYING: readonly Pass[] = [
    { name: "constant folding", run: foldFunction },
    { name: "jump threading", run: threadFunction },
    { name: "&& and || chains", run: threadChains },
    { name: "copy propagation", run: propagateCopies },
    { name: "value forwarding", run: forwardValues },
    { name: "dead stores", run: dropDeadStores },
]

/**
 * The size above which a function gets only the first two passes: the time of the other passes grows with the square of the size.
 */
const LARGEST = 8000

/** The pass that runs once per round between two runs of the simplifying passes. */
const SPLIT: Pass = { name: "slot splitting", run: splitSlots }
/** The passes that run once at the end of a round. */
const LAST: readonly Pass[] = [
    { name: "values in the last call's value", run: useReturnValue },
    { name: "common subexpressions", run: shareExpressions },
    { name: "slot sharing", run: shareSlots },
    { name: "tail merging", run: mergeTails },
    { name: "order of blocks", run: layOutBlocks },
    { name: "far jumps", run: shortenFarJumps },
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
    /** The number of each function in the original image. */
    origins: number[]
}

/**
 * Optimizes an image, which may have more code than the VM's limit. `debug` is the debug information that the compiler has
 * written beside it. Throws an ImageError when the image is damaged.
 */
export function optimize(image: Uint8Array, debug?: DebugFile): Optimized {
    verifyImage(image)
    const { functions } = readImage(image)
    const saved = new Map<string, number>()
    const stable = new Set<string>()
    let stage: Stage = { image, debug, origins: functions.map((_, n) => n) }
    for (let round = 0; ; round++) {
        if (round === MOST_ROUNDS)
            throw new ImageError(`the optimizer still changes this image after ${MOST_ROUNDS} rounds`)
        const next = runPasses(stage, saved, stable)
        const done = Buffer.compare(next.image, stage.image) === 0
        stage = next
        if (done) break
    }
    verifyImage(stage.image)
    if (stage.debug !== undefined) setImage(stage.debug, stage.image)
    const passes = [...saved].map(([name, bytes]): PassReport => ({ name, saved: bytes }))
    return { image: stage.image, debug: stage.debug, report: makeReport(image, debug, stage, passes) }
}

/** Runs one round of all passes. The next round reads the resulting image again. */
function runPasses(stage: Stage, saved: Map<string, number>, stable: Set<string>): Stage {
    const record = readImage(stage.image)
    const places = stage.debug && new PlaceMap(stage.debug)
    const functions = record.functions.map((fn, n) => decodeFunction(fn, `function ${n}`, places))
    const save = (name: string, bytes: number) => saved.set(name, (saved.get(name) ?? 0) + bytes)
    const sizes = functions.map(sizeOf)
    functions.forEach((_, n) => {
        save(JUMPS, sizeWith(record.functions[n].code.length) - sizes[n])
    })
    const shared = sharedSlots(functions)
    functions.forEach((fn, n) => {
        const key = keyOf(fn, shared[n])
        if (stable.has(key)) return
        sizes[n] = optimizeFunction(fn, shared[n], sizes[n], save)
        if (Buffer.compare(encodeFunction(fn).code, record.functions[n].code) === 0) stable.add(key)
    })
    const resize = (name: string, n: number, size: number) => {
        save(name, sizes[n] - size)
        sizes[n] = size
    }
    const names = functions.map((_, n) => stage.debug?.functions[n].name ?? `F${n}`)
    inlineFunctions(functions, names)
    functions.forEach((fn, n) => {
        resize("inlining", n, sizeOf(fn))
    })
    let kept = dropFunctions(functions)
    functions.forEach((fn, n) => {
        if (fn.blocks.length === 0) resize("unreachable functions", n, 0)
    })
    const left = kept.map(n => functions[n])
    orderStrings(record, left)
    kept = orderFunctions(left).map(n => kept[n])
    const encoded = kept.map(n => encodeFunction(functions[n]))
    kept.forEach((n, at) => {
        resize("numbering by use", n, sizeWith(encoded[at].code.length))
    })
    const image = writeImage({
        ...record,
        functions: kept.map((n, at) => ({ ...functions[n], code: encoded[at].code, start: 0 })),
    })
    const debug = stage.debug && renewDebug(stage.debug, image, encoded, kept)
    return { image, debug, origins: kept.map(n => stage.origins[n]) }
}

/** Returns the size of a function with its descriptor, bytes. */
function sizeOf(fn: ProgramFunction): number {
    return sizeWith(codeSize(fn))
}

/** Returns the size of a function with this much code, with its descriptor, bytes. */
function sizeWith(code: number): number {
    return padded(code, 4) + DESCRIPTOR
}

/** Runs the passes for single functions on one function; returns its size. */
function optimizeFunction(
    fn: ProgramFunction,
    shared: ReadonlySet<number>,
    before: number,
    save: (name: string, bytes: number) => void
): number {
    let size = before
    const apply = ({ name, run }: Pass): boolean => {
        const changed = run(fn, shared)
        if (changed) {
            forgetLiveness(fn)
            const now = sizeOf(fn)
            save(name, size - now)
            size = now
        }
        return changed
    }
    if (before > LARGEST) {
        for (const pass of SIMPLIFYING.slice(0, 2)) apply(pass)
        return size
    }
    const simplify = () => {
        // until each of the passes has run without a change
        for (
            let n = 0, quiet = 0;
            quiet < SIMPLIFYING.length && n < MOST_REPETITIONS * SIMPLIFYING.length;
            n++
        )
            quiet = apply(SIMPLIFYING[n % SIMPLIFYING.length]) ? 0 : quiet + 1
    }
    simplify()
    if (apply(SPLIT)) simplify()
    for (const pass of LAST) apply(pass)
    return size
}

/** Returns the debug information of an image with the encoded functions; `kept` are their numbers before the round. */
function renewDebug(old: DebugFile, image: Uint8Array, encoded: Encoded[], kept: number[]): DebugFile {
    const writer = new PlaceWriter()
    const { functions } = readImage(image)
    const debugFunctions = functions.map(({ start, code }, n): DebugFunction => {
        for (const { offset, place } of encoded[n].places) writer.add(start + offset, place)
        return { ...old.functions[kept[n]], startpc: start, size: code.length + DESCRIPTOR }
    })
    const debug: DebugFile = { ...old, functions: debugFunctions, ...writer.tables }
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
    const left = new Map(stage.origins.map((origin, n) => [origin, sizeWith(after[n].code.length)]))
    return {
        before: { code: limitedBytes(before), image: image.length, functions: before.length },
        after: { code: limitedBytes(after), image: stage.image.length, functions: after.length },
        passes,
        functions: before.map(({ code }, n): FunctionReport => {
            const info = debug?.functions[n]
            return {
                name: info?.name ?? `F${n}`,
                file: debug && info?.location ? fileOf(debug, info.location[0]) : "",
                before: sizeWith(code.length),
                after: left.get(n) ?? 0,
            }
        }),
        over: overLimit(after),
    }
}
