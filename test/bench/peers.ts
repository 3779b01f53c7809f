// Measures this stack on Node beside others in JavaScript. The others come from npm into a folder of caches, only for this.

import { execFile } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { build } from "esbuild"
import { ROOT } from "../../sim/build/build"
import { TSCONFIG } from "../../sim/node/bundle"
import { ALIASES } from "../../sim/node/packages"
import { specialized } from "../../sim/node/specialize"
import type { Measured, Rates } from "./node/measure"
import type { Progress } from "./progress"

/** The packages with the other stacks, and their versions. */
const PEERS: Record<string, string> = { v86: "0.5.462", runtimejs: "0.2.16" }
const FOLDER = join(ROOT, "node_modules/.cache/bench-peers")
const INSTALL_TIMEOUT = 120_000
const MEASURE_TIMEOUT = 600_000

const run = promisify(execFile)

/** Ours and the best of the others, by one figure. */
export interface Comparison {
    ours: number
    /** The best of the others, and its name; null when none was there. */
    best: number | null
    peer: string | null
}

export interface NodeResult extends Measured {
    handshakes: Comparison
    stretch: Comparison
    bulk: Comparison
}

/** Installs a package, if it is not there, and returns why that failed. */
async function install(name: string, version: string): Promise<string | undefined> {
    if (existsSync(join(FOLDER, "node_modules", name))) return undefined
    mkdirSync(FOLDER, { recursive: true })
    if (!existsSync(join(FOLDER, "package.json"))) writeFileSync(join(FOLDER, "package.json"), "{}\n")
    const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`]
    try {
        await run("npm", words, { cwd: FOLDER, timeout: INSTALL_TIMEOUT })
        return undefined
    } catch (error) {
        const { stderr = "", message } = error as { stderr?: string; message: string }
        return `npm cannot install it: ${(stderr.trim() || message).split("\n")[0]}`
    }
}

function compare(rates: Record<string, Rates>, of: keyof Rates): Comparison {
    const peers = Object.keys(rates).filter(name => name !== "ours")
    const peer = peers.reduce<string | null>(
        (best, name) => (best === null || rates[name]![of] > rates[best]![of] ? name : best),
        null
    )
    return { ours: rates.ours![of], best: peer === null ? null : rates[peer]![of], peer }
}

export async function measureNode(progress: Progress): Promise<NodeResult> {
    const failures: Record<string, string> = {}
    for (const [name, version] of Object.entries(PEERS)) {
        progress(`installs ${name} ${version}`)
        const failure = await install(name, version)
        if (failure !== undefined) failures[name] = failure
    }
    progress("measures handshakes and bulk on Node")
    const script = join(FOLDER, "measure.mjs")
    await build({
        entryPoints: [join(ROOT, "test/bench/node/measure.ts")],
        outfile: script,
        bundle: true,
        platform: "node",
        format: "esm",
        alias: ALIASES,
        // as in the bundle of a simulated device
        tsconfigRaw: TSCONFIG,
        plugins: [specialized],
        logLevel: "silent",
    })
    const names = ["ours", ...Object.keys(PEERS).filter(name => !(name in failures))]
    const { stdout } = await run(process.execPath, [script, FOLDER, ...names], { timeout: MEASURE_TIMEOUT })
    const measured = JSON.parse(stdout) as Measured
    if (measured.rates.ours === undefined) throw new Error(`our own stack fails: ${measured.failures.ours}`)
    return {
        rates: measured.rates,
        failures: { ...failures, ...measured.failures },
        handshakes: compare(measured.rates, "handshakes"),
        stretch: compare(measured.rates, "stretch"),
        bulk: compare(measured.rates, "bulk"),
    }
}
