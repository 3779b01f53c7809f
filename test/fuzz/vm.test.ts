// The same frames on the VM: it survives them, it does the very same as Node with each, and none takes more
// operations than it may.

import { expect, test } from "vitest"
import { Never } from "../../src/net/transmit"
import { places, record } from "./session"
import { StackUnderTest, type Step, StepKind } from "./stack-under-test"
import { BOUND, commandOf, type Outcome, runOnVm, type Script, turn } from "./vm-program"

const SESSIONS = 15
const FRAMES = 300

/** What one of the two has shown since it was looked at last. */
class Shown {
    lines: string[] = []

    frame(at: number, bytes: Uint8Array): void {
        this.lines.push(`${at} frame ${Buffer.from(bytes).toString("hex")}`)
    }

    result(value: number): void {
        this.lines.push(`result ${value}`)
    }

    data(bytes: Uint8Array): void {
        this.lines.push(`read ${Buffer.from(bytes).toString("hex")}`)
    }

    take(): string[] {
        return this.lines.splice(0)
    }
}

/** Where the script is, for messages. */
const place = { step: "", frames: 0, turns: 0 }

/** Does the steps on the VM and on Node, and holds what comes out of both against each other. */
function* compare(steps: readonly Step[], twin: StackUnderTest): Script {
    const vm = new Shown()
    const node = new Shown()
    twin.observer = {
        sent: (frame, length) => node.frame(twin.at, frame.subarray(0, length)),
        result: value => node.result(value),
        data: bytes => node.data(bytes),
    }
    let at = twin.at
    let wait = 0
    // a frame that another follows before the stack may send
    let pending = true

    function* drain(first: Outcome | undefined): Generator<ReturnType<typeof turn>, void, Outcome> {
        let outcome = first ?? (yield { ...turn(at | 0), bound: BOUND })
        place.turns++
        while (outcome.frame !== undefined) {
            vm.frame(at, outcome.frame)
            outcome = yield { ...turn(at | 0), bound: BOUND }
            place.turns++
        }
        wait = outcome.deadline
        pending = false
    }

    function* pass(until: number): Generator<ReturnType<typeof turn>, void, Outcome> {
        if (pending) yield* drain(undefined)
        while (wait !== Never.Ms && at + wait <= until) {
            at += wait
            yield* drain(undefined)
        }
        // what is due is counted from another time now
        if (wait !== Never.Ms) wait -= until - at
        at = until
    }

    for (const [i, step] of steps.entries()) {
        place.step = `step ${i}: ${JSON.stringify({ ...step, bytes: Buffer.from(step.bytes).toString("hex") })}`
        if (step.at > at) {
            twin.pass(step.at)
            yield* pass(step.at)
        }
        twin.redo(step)
        if (step.kind === StepKind.Frame) {
            place.frames++
            const outcome = yield { ...commandOf(step, at | 0), bound: BOUND }
            if (step.a === 0) yield* drain(outcome)
            else pending = true
        } else if (step.kind === StepKind.Call) {
            const outcome = yield { ...commandOf(step, at | 0), bound: BOUND }
            if (outcome.data !== undefined) vm.data(outcome.data.subarray(step.c, step.c + outcome.result))
            vm.result(outcome.result)
            yield* drain(outcome)
        }
        expect(vm.take(), place.step).toEqual(node.take())
    }
}

const operations = `${BOUND.toLocaleString("en")} operations at most`

test(`${SESSIONS} sessions of ${FRAMES} frames on the VM: the frames of Node, and ${operations}`, async () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= SESSIONS; seed++) {
        // full tables take longest to search; small ones are full sooner, and need cookies
        const config: Record<string, number> = seed % 4 === 0 ? { halfOpen: 1, timeWaits: 1 } : {}
        const r = record({ seed, config, remotes: 24 }, FRAMES)
        if (r.error !== undefined) throw r.error
        for (const state of r.coverage.states.keys()) seen.add(state)
        const twin = new StackUnderTest(r.config, r.secret, r.start)
        try {
            await runOnVm(r, compare(r.steps, twin))
        } catch (error) {
            throw new Error(`session ${seed}, ${place.step}\n${(error as Error).stack}`)
        }
    }
    expect(places.filter(state => !seen.has(state))).toEqual([])
    const [frames, turns] = [place.frames, place.turns].map(n => n.toLocaleString("en"))
    console.log(`${frames} frames on the VM in ${turns} turns, ${operations}`)
}, 300_000)
