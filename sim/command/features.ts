// `devicescript-tcp features`: leaves features out for projects that build with DeviceScript's own tools.

import { lstatSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import {
    FeatureError,
    featureNames,
    featuresLeftOut,
    featuresText,
    readManifest,
    withoutFeatures,
} from "../build/features"
import { PACKAGE, ROOT } from "../build/places"
import { Answer } from "../options/command-line"
import { OptionError } from "../options/error"

const HELP = `devicescript-tcp features [--list]: leaves features of the package out of your program

Your package.json lists them:

    "devicescript-tcp": { "without": ["SACK", "EVENTS"] }

devicescript-tcp sim, build and deploy read that list. DeviceScript's own commands do not: for them this command writes
node_modules/devicescript-tcp/src/features.ts, so run it after each npm install and each change of the list, for
example as the script "prebuild". --list prints the names of all features and changes nothing.
`

/** Writes the project's list of features into the installed package, and returns the exit code. */
export async function features(words: readonly string[]): Promise<number> {
    const [option, ...others] = words
    if (option === "--help" || option === "-h") throw new Answer(HELP)
    if (others.length > 0 || (option !== undefined && option !== "--list")) {
        throw new OptionError(`features: unexpected argument "${others[0] ?? option}"; it takes --list only`)
    }
    const text = featuresText()
    if (option === "--list") {
        process.stdout.write(`${featureNames(text).join("\n")}\n`)
        return 0
    }
    const without = featuresLeftOut(readManifest())
    const wanted = withoutFeatures(text, without)
    const own = join(ROOT, "node_modules", "devicescript-tcp")
    refuseShared(own)
    const file = join(own, "src", "features.ts")
    if (wanted !== text) writeFileSync(file, wanted)
    const what = without.length === 0 ? "all features" : `without ${without.join(", ")}`
    process.stdout.write(`${relative(process.cwd(), file)}: ${what}\n`)
    return 0
}

/** Throws a FeatureError unless the package is the project's own: a change of a linked one would change other projects too. */
function refuseShared(own: string): void {
    const kind = lstatSync(own, { throwIfNoEntry: false })
    const place = relative(ROOT, own)
    if (kind === undefined) {
        throw new FeatureError(`there is no ${place} here: run npm install devicescript-tcp first`)
    }
    if (kind.isSymbolicLink()) {
        throw new FeatureError(
            `${place} is a link to ${PACKAGE}, which other projects may use too: run npm install --install-links ${PACKAGE}`
        )
    }
}
