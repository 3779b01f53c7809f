// Scripts as files: found, read, and run on a backend.

import { readdirSync, readFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { type Source, sourceOf } from "./failure"
import { NodeBackend } from "./node-backend"
import { type Settings, settingsOf } from "./options"
import { parseScript } from "./parser"
import { runScript } from "./runner"
import type { Script } from "./script"
import { VmBackend, type VmPool } from "./vm-backend"

const ROOT = resolve(import.meta.dirname, "../../..")
const SCRIPTS = join(ROOT, "test", "scripts")

/** A script that could be read. */
export interface Prepared {
    readonly script: Script
    readonly settings: Settings
}

/** A script's file; `name` is its path below test/scripts. */
export interface ScriptFile {
    readonly name: string
    readonly source: Source
}

/** All files below test/scripts that end in .pkt, in order. */
export function scriptFiles(): ScriptFile[] {
    const names = readdirSync(SCRIPTS, { recursive: true, encoding: "utf8" }).filter(name =>
        name.endsWith(".pkt")
    )
    return names.sort().map(name => {
        const file = join(SCRIPTS, name)
        return { name, source: sourceOf(relative(ROOT, file), readFileSync(file, "utf8"), file) }
    })
}

/** Reads a script. Throws a ScriptMistake when it is not valid. */
export function prepare(source: Source): Prepared {
    const script = parseScript(source)
    return { script, settings: settingsOf(script) }
}

/** Reads all scripts: each one, or what is wrong with it, which the test that runs it reports. */
export function prepareAll(): { name: string; prepared: Prepared | Error }[] {
    return scriptFiles().map(({ name, source }) => {
        try {
            return { name, prepared: prepare(source) }
        } catch (error) {
            if (error instanceof Error) return { name, prepared: error }
            throw error
        }
    })
}

/** Runs a script on Node. */
export async function runOnNode({ script, settings }: Prepared): Promise<void> {
    const { network, config, clock } = settings
    await runScript(script, settings, new NodeBackend(network, config, clock))
}

/** Runs a script on a device of `pool`. */
export async function runOnVm({ script, settings }: Prepared, pool: VmPool): Promise<void> {
    const device = await pool.device(settings.network, settings.config)
    await runScript(script, settings, new VmBackend(device))
}
