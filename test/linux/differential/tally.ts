// What was compared, and what came of it.

import { release } from "node:os"
import { type Difference, describe } from "./compare"
import { classes, classOf } from "./differences"
import type { DifferenceClass } from "./facts"

export class Tally {
    /** Actions after which the two were compared, and how many of these they answered alike. */
    compared = 0
    equal = 0
    sequences = 0
    private readonly met = new Map<DifferenceClass, number>()

    /** Counts one action; gives the difference if it belongs to no class. */
    add(difference: Difference | undefined): Difference | undefined {
        this.compared++
        if (difference === undefined) {
            this.equal++
            return undefined
        }
        const found = classOf(difference)
        if (found === undefined) return difference
        this.met.set(found, (this.met.get(found) ?? 0) + 1)
        return undefined
    }

    /** Classes that nothing belonged to. */
    get dead(): string[] {
        return classes.filter(one => !this.met.has(one)).map(one => one.name)
    }

    report(): string {
        const lines = classes.map(one => {
            const times = String(this.met.get(one) ?? 0).padStart(6)
            return `${times}  ${one.verdict.padEnd(4)}  ${one.name}\n${wrapped(one)}`
        })
        const counts = `${this.compared} answers compared, ${this.equal} equal; ${this.sequences} sequences`
        const head = `Linux ${release()}: ${counts}`
        return [head, " times  right", ...lines].join("\n")
    }
}

function wrapped({ linux, ours, why }: DifferenceClass): string {
    const indent = " ".repeat(14)
    return [`Linux: ${linux}`, `ours:  ${ours}`, why].map(text => indent + text).join("\n")
}

/** Differences as a failing test shows them: not all of thousands. */
export function shown(differences: readonly Difference[]): string[] {
    return differences.slice(0, 20).map(describe)
}
