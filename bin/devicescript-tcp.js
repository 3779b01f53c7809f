#!/usr/bin/env node
// The command of this package, for projects that build with DeviceScript's own tools.

import { lstatSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { FeatureError, featureNames, featuresLeftOut, withoutFeatures } from "./features.js"

const HELP = `devicescript-tcp features [--list]

Leaves features of the package out of your program. Your package.json lists them:

    "devicescript-tcp": { "without": ["SACK", "EVENTS"] }

The command writes node_modules/devicescript-tcp/src/features.ts, so run it after each npm install and each change of
the list, for example as the script "prebuild". --list prints the names of all features and changes nothing.
`

/**
 * Runs the command and returns the exit code.
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
            `devicescript-tcp: unknown command "${words.join(" ")}"; the command is: features [--list]\n`
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

/** Reads the package.json of the project in whose folder the command runs. */
function readManifest() {
    try {
        return readFileSync("package.json", "utf8")
    } catch {
        throw new FeatureError("there is no package.json here: run this in the folder of your project")
    }
}

/**
 * Throws a FeatureError unless the package is the project's own: a change of a linked one would change other projects too.
 * @param {string} here
 */
function refuseShared(here) {
    const own = join("node_modules", "devicescript-tcp")
    const kind = lstatSync(own, { throwIfNoEntry: false })
    if (kind === undefined) {
        throw new FeatureError(`there is no ${own} here: run npm install devicescript-tcp first`)
    }
    if (kind.isSymbolicLink()) {
        throw new FeatureError(
            `${own} is a link to ${here}, which other projects may use too: run npm install --install-links ${here}`
        )
    }
}

process.exitCode = main(process.argv.slice(2))
