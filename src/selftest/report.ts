// The lines of the self test's report: each has a result, its subject and what the check found.

import * as ds from "@devicescript/core"
import { power } from "../mac/poll-wait"

/** Results so far. */
export const results = { passed: 0, failed: 0 }

/** Width of a line's subject. */
const WIDTH = 10

function put(result: string, subject: string, text: string): void {
    let padded = subject
    while (padded.length < WIDTH) padded += " "
    console.log(`${result} ${padded} ${text}`)
}

/** Reports a check that passed. */
export function passed(subject: string, text: string): void {
    results.passed++
    put("ok  ", subject, text)
}

/** Reports a check that failed, and what to look at. */
export function failed(subject: string, text: string): void {
    results.failed++
    put("FAIL", subject, text)
}

/** Reports a finding that is neither a pass nor a failure. */
export function noted(subject: string, text: string): void {
    put("    ", subject, text)
}

/** Lets at least `ms` milliseconds pass. Sleeps only where drivers do: an RP2040 whose fibers all sleep can freeze. */
export async function spin(ms: number): Promise<void> {
    await ds.sleep(0)
    const until = ds.millis() + ms
    while (ds.millis() < until) {
        await power.idle(1)
        await ds.sleep(0)
    }
}
