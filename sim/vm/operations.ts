// Counts the bytecode operations of a piece of code exactly. The VM ends a program that executes 131,072 operations between two
// awaits. A measuring program (see test/programs/measure.ts) runs the code and then a number of further operations. The largest
// number that the program survives shows how many operations the code ran. A count takes some forty runs of a new VM, a few
// milliseconds each, on virtual time, so the result is the same on every machine.

import { readFileSync } from "node:fs"
import { buildImage } from "../build/build"
import { Op, Pipe } from "../device/pipe"
import { describePanic, type Panic, PanicCode } from "../device/runtime"
import { VirtualClock } from "../time/clock"
import { VmRuntime } from "./runtime"

/** The VM's limit of operations between two awaits. */
const LIMIT = 131_072
/** Operations in one turn of the measuring program's first loop. */
const TURN = 9
/** Four more turns of 7 operations and three fewer turns of 9 add one operation. */
const FINE = { sevens: 4, nines: 3 } as const
/** The limit of a run, ms of virtual time. */
const PATIENCE = 60_000

/** Turns of a measuring program's two loops, of 9 and of 7 operations. */
export interface Turns {
    nines: number
    sevens: number
}

/**
 * Counts the operations of the function that a program passes to `measure`, without those of the call. `program` is a path
 * in this project; the program finds `options` in its boot options. Throws when the program does not compile, fails, or runs more
 * operations than the VM's limit.
 */
export async function countOperations(program: string, options: object = {}): Promise<number> {
    const { image } = await buildImage([program], program.replace(/\.ts$/, "").replaceAll("/", "-"))
    const bytes = readFileSync(image)
    const around = await spare(turns => survives(bytes, { ...options, ...turns, empty: true }))
    return around - (await spare(turns => survives(bytes, { ...options, ...turns, empty: false })))
}

/**
 * Returns how many operations the limit leaves after a program's code; `survives` says whether the program survives a number of
 * turns.
 */
export async function spare(survives: (turns: Turns) => Promise<boolean>): Promise<number> {
    const nines = await most(LIMIT / TURN, n => survives({ nines: n, sevens: 0 }))
    const rest = await most(TURN - 1, n => {
        const few = Math.max(0, nines - FINE.nines * n)
        return survives({ nines: few, sevens: FINE.sevens * n })
    })
    return nines * TURN + rest
}

/** Returns the largest number from 0 to `limit` that passes, if all smaller ones pass. Throws when 0 does not pass. */
async function most(limit: number, passes: (n: number) => Promise<boolean>): Promise<number> {
    if (!(await passes(0))) throw new Error(`the code runs more than ${LIMIT} operations without an await`)
    let low = 0
    let high = Math.floor(limit) + 1
    while (high - low > 1) {
        const middle = (low + high) >> 1
        if (await passes(middle)) low = middle
        else high = middle
    }
    return low
}

/** Runs the program once on a new VM; returns true when it survives. */
async function survives(image: Uint8Array, options: Turns & { empty: boolean }): Promise<boolean> {
    const clock = new VirtualClock()
    const boot = new TextEncoder().encode(JSON.stringify(options))
    const pipe = new Pipe({
        header: header => {
            if (header.op === Op.Boot) header.size = boot.length
            if (header.op === Op.Line) header.value = PATIENCE
            if (header.op === Op.Idle) header.value = 1
        },
        data: (header, bytes) => {
            if (header.op === Op.Boot) bytes.set(boot)
        },
    })
    let survived = false
    let panic: Panic | undefined
    const runtime = new VmRuntime({
        clock,
        image,
        seed: 1,
        onPipe: bytes => pipe.write(bytes),
        onLog: (level, text) => {
            if (level === "log" && text === "survived") survived = true
        },
        onPanic: what => {
            panic = what
        },
    })
    await runtime.start()
    await clock.runUntil(() => survived || panic !== undefined, PATIENCE)
    runtime.stop()
    if (panic !== undefined && panic.code !== PanicCode.EndlessLoop) throw new Error(describePanic(panic))
    if (!survived && panic === undefined) throw new Error("the program does not call measure")
    return survived
}
