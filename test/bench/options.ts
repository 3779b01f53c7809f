// The options of `npm run bench`, read and checked before anything is measured.

import { existsSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { CommandLine } from "../../sim/options/command-line"
import { OptionError } from "../../sim/options/error"

export const parts = ["vm", "growth", "programs", "node", "wire"] as const
export type Part = (typeof parts)[number]

/** The parts that the file for machines has. */
const FOR_MACHINES: readonly Part[] = ["vm", "node"]

export interface BenchOptions {
    /** Absolute path of the file for machines. */
    json: string | undefined
    only: readonly Part[]
}

/** Reads the options. Throws an OptionError of one line, or an Answer for standard output. */
export function parseBenchOptions(words: readonly string[]): BenchOptions {
    const command = new CommandLine(
        "npm run bench -- [options]: measures the stack on the VM, on Node and on the wire, and prints one table"
    )
    command.add(
        "--json <FILE>",
        "write what the VM and Node take into FILE as JSON, and measure only that",
        file
    )
    command.add("--only <PART,...>", `measure only these parts: ${parts.join(", ")}`, listed)
    const { given } = command.parse<{ json?: string; only?: Part[] }>(words)
    const missing = given.only === undefined ? [] : FOR_MACHINES.filter(part => !given.only!.includes(part))
    if (given.json !== undefined && missing.length > 0)
        throw new OptionError(`--json needs ${missing.join(" and ")}, which --only leaves out`)
    return { json: given.json, only: given.only ?? (given.json === undefined ? parts : FOR_MACHINES) }
}

function listed(text: string): Part[] {
    const names = text.split(",")
    const unknown = names.find(name => !parts.includes(name as Part))
    if (unknown !== undefined) throw new OptionError(`"${unknown}" is no part; known: ${parts.join(", ")}`)
    return names as Part[]
}

function file(text: string): string {
    const path = resolve(text)
    if (!existsSync(dirname(path))) throw new OptionError(`"${text}" is in no folder that exists`)
    if (existsSync(path) && !statSync(path).isFile()) throw new OptionError(`"${text}" is not a file`)
    return path
}
