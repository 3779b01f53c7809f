#!/usr/bin/env node
// The package's command, for projects that build with DeviceScript's own tools.

import { lstatSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { FeatureError, featureNames, featuresLeftOut, withoutFeatures } from "./features.js"

const HELP = `devicescript-tcp features [--list]

Sets what the project's program leaves out, as its package.json says:

    "devicescript-tcp": { "without": ["SACK", "EVENTS"] }

It writes node_modules/devicescript-tcp/src/features.ts, so it has to run once after each npm install and each change
of the list ("prebuild" of the project's scripts is a place for it). --list prints all names and changes nothing.
`

/**
 * Gives the exit code.
 * @param {string[]} words
 */
function main(words) {
    const [command, option] = words
    if (command === undefined || command === "--help" || command === "-h") {
        process.stdout.write(HELP)
        return command === undefined ? 2 : 0
    }
    if (command !== "features" || words.length > 2 || (option !== undefined && option !== "--list")) {
        process.stderr.write(
            `devicescript-tcp: no command "${words.join(" ")}"; there is: features [--list]\n`
        )
        return 2
    }
    const here = join(dirname(fileURLToPath(import.meta.url)), "..")
    const file = join(here, "src", "features.ts")
    const text = readFileSync(file, "utf8")
    if (option === "--list") {
        process.stdout.write(`${featureNames(text).join("\n")}\n`)
        return 0
    }
    try {
        const without = featuresLeftOut(readManifest())
        const wanted = withoutFeatures(text, without)
        refuseShared(here)
        if (wanted !== text) writeFileSync(file, wanted)
        const what = without.length === 0 ? "all features" : `without ${without.join(", ")}`
        process.stdout.write(`${relative(process.cwd(), file)}: ${what}\n`)
        return 0
    } catch (error) {
        if (!(error instanceof FeatureError)) throw error
        process.stderr.write(`devicescript-tcp: ${error.message}\n`)
        return 2
    }
}

/** The package.json of the project in whose folder the command runs. */
function readManifest() {
    try {
        return readFileSync("package.json", "utf8")
    } catch {
        throw new FeatureError("no package.json here: run this in the folder of your project")
    }
}

/**
 * A linked package is not the project's own: other projects' programs would change with it.
 * @param {string} here
 */
function refuseShared(here) {
    const own = join("node_modules", "devicescript-tcp")
    const kind = lstatSync(own, { throwIfNoEntry: false })
    if (kind === undefined) throw new FeatureError(`no ${own} here: npm install it first`)
    if (kind.isSymbolicLink()) {
        throw new FeatureError(
            `${own} is a link to ${here}, which is not this project's own: npm install --install-links it`
        )
    }
}

process.exitCode = main(process.argv.slice(2))
