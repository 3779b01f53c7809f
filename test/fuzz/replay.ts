// A session that failed, made small: its steps are recorded, those that are not needed are left out, and what is left
// is printed.

import { dissect } from "../../sim/view/dissect"
import { flagNames } from "../../sim/view/flags"
import { type Recording, record } from "./session"
import { CallKind, callNames, StackUnderTest, type Step, StepKind } from "./stack-under-test"

/** Replays at most, while steps are left out. */
const TRIES = 3000

/**
 * Does the steps to a new stack. Gives the error in which that ends, and after how many steps; undefined for none.
 */
export function replay(r: Recording, steps: readonly Step[]): { error: Error; after: number } | undefined {
    const target = new StackUnderTest(r.config, r.secret, r.start)
    for (const [i, step] of steps.entries()) {
        try {
            target.redo(step)
        } catch (error) {
            return { error: error as Error, after: i + 1 }
        }
    }
    try {
        if (r.ended) target.checkEmpty()
    } catch (error) {
        return { error: error as Error, after: steps.length }
    }
    return undefined
}

/** What an error says, without the numbers in it. */
const gist = (error: Error) => error.message.replace(/-?\d+/g, "#")

/** Steps that fail in the same way, as few as chunks of every size can be left out. */
export function shrink(r: Recording): { steps: Step[]; error: Error } | undefined {
    const first = replay(r, r.steps)
    if (first === undefined) return undefined
    let steps = r.steps.slice(0, first.after)
    let { error } = first
    let tries = 0
    for (let size = steps.length >> 1; size >= 1 && tries < TRIES; size = size >> 1) {
        let smaller = true
        while (smaller && tries < TRIES) {
            smaller = false
            for (let at = steps.length - size; at >= 0 && tries < TRIES; at -= size) {
                tries++
                const fewer = [...steps.slice(0, at), ...steps.slice(at + size)]
                const again = replay(r, fewer)
                if (again === undefined || gist(again.error) !== gist(error)) continue
                steps = fewer.slice(0, again.after)
                error = again.error
                smaller = size === 1
                at = Math.min(at, steps.length)
            }
        }
    }
    return { steps, error }
}

/** A session that fails, in words: what it takes, and how to see it again. */
export function report(seed: number, frames: number, error: Error): string {
    const recording = record({ seed }, frames)
    const small = shrink(recording)
    const again = `FUZZ_SESSION=${seed} npx vitest run test/fuzz/frames.test.ts`
    if (small === undefined) return `${error.stack}\nonce more, it does not fail: ${again}`
    return [
        small.error.message,
        `again: ${again}`,
        `configuration: ${JSON.stringify(recording.config)}`,
        `${small.steps.length} of ${recording.steps.length} steps lead there, from ${recording.start} ms on:`,
        ...small.steps.map(describeStep),
        small.error.stack ?? "",
    ].join("\n")
}

function describeStep(step: Step): string {
    const when = `${step.at}`.padStart(10)
    if (step.kind === StepKind.Pass) return `${when} time`
    if (step.kind === StepKind.Call) {
        const { code, a, b, c } = step
        const args = code === CallKind.Connect ? `${address(a)}, ${b}, ${c}` : `${a}, ${b}, ${c}`
        return `${when} ${callNames[code]}(${args})`
    }
    const more = step.a === 0 ? "" : " (and another before it may send)"
    return `${when} frame of ${step.code}: ${describeFrame(step.bytes)}${more}`
}

function address(ip: number): string {
    return [ip & 255, (ip >> 8) & 255, (ip >> 16) & 255, ip >>> 24].join(".")
}

function describeFrame(bytes: Uint8Array): string {
    const view = dissect(bytes)
    const hex = Buffer.from(bytes.subarray(0, 114)).toString("hex") + (bytes.length > 114 ? "..." : "")
    if (view.kind !== "tcp") return `${view.kind} ${hex}`
    const ports = `${view.source}:${view.sourcePort} > ${view.destinationPort}`
    const options = view.options.map(o => JSON.stringify(o)).join(" ")
    const sound = view.checksumValid && view.headerChecksumValid ? "" : " bad checksum"
    const numbers = `${view.seq}(${view.payload.length}) ack ${view.ack} win ${view.window}`
    return `${ports} ${flagNames(view.flags)} ${numbers} ${options}${sound}`
}
