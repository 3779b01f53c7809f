// Millions of frames that no peer would send, and as many that one might, against a stack in every state. After
// each the tables are consistent, no rule of rules.ts is broken, nothing was thrown; and when all is over nothing is
// left.
//
//     FUZZ_FRAMES=50000000 npx vitest run test/fuzz/frames.test.ts      for longer
//     SEED=7 npx vitest run test/fuzz/frames.test.ts                    other frames
//     FUZZ_SESSION=123 npx vitest run test/fuzz/frames.test.ts          one session only, as a failure says

import { expect, test } from "vitest"
import { counterNames } from "../../src/base/counters"
import { report } from "./replay"
import { Coverage, places, Session } from "./session"

const FRAMES = Number(process.env.FUZZ_FRAMES ?? 2_000_000)
const FIRST = Number(process.env.FUZZ_SESSION ?? process.env.SEED ?? 20_261_122)
const ONLY = process.env.FUZZ_SESSION !== undefined
/** Frames of a session; then another begins, with another configuration. */
const OF_A_SESSION = 400
/** Seconds between two lines of a long run. */
const PROGRESS = 10
/** Below that many frames a run is too short to have come everywhere. */
const ENOUGH = 500_000
const DAY = 86_400_000

function runSession(seed: number, coverage: Coverage): void {
    try {
        new Session({ seed }, coverage).run(OF_A_SESSION)
    } catch (error) {
        throw new Error(report(seed, OF_A_SESSION, error as Error))
    }
}

test(
    `${FRAMES.toLocaleString("en")} frames break no rule`,
    async () => {
        const coverage = new Coverage()
        if (ONLY) return runSession(FIRST, coverage)
        const began = performance.now()
        let told = began
        for (let seed = FIRST; coverage.received < FRAMES; seed++) {
            runSession(seed, coverage)
            const now = performance.now()
            if (now - told < PROGRESS * 1000) continue
            told = now
            if (FRAMES > ENOUGH * 10)
                process.stdout.write(`${line(coverage, now - began)}, up to session ${seed}\n`)
            // the test runner gets its turn
            await new Promise(resolve => setImmediate(resolve))
        }
        console.log(line(coverage, performance.now() - began))
        console.log(places.map(state => `${coverage.states.get(state) ?? 0} ${state}`).join(", "))
        if (FRAMES < ENOUGH) return
        const missed = places.filter(state => !coverage.states.has(state))
        expect(missed, "states that no frame came to").toEqual([])
        const names = counterNames.split(" ")
        expect(
            names.filter((_, i) => !(coverage.counters[i] > 0)),
            "what was never counted"
        ).toEqual([])
    },
    DAY
)

function line(coverage: Coverage, ms: number): string {
    const { received, sent, most } = coverage
    const rate = Math.round((received / ms) * 1000).toLocaleString("en")
    const frames = received.toLocaleString("en")
    return `${frames} frames fuzzed, ${rate} a second; ${sent.toLocaleString("en")} sent, ${most} at most for one`
}
