// The features that the programs of a project leave out: see src/features.ts.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { locate, ofPackage, ROOT } from "./places.ts"

/** Path in the project of the file with the features. */
export const FEATURES = ofPackage("src/features.ts")
/** Environment variable that overrides the list in package.json: names separated by commas. Tests use it to run a combination. */
const VARIABLE = "DEVICESCRIPT_TCP_WITHOUT"

const DECLARATION = /^export const ([A-Z0-9_]+) = (?:true|false)$/gm

/** Lists of features of which a program needs at least one. */
const ONE_OF: readonly { names: readonly string[]; why: string }[] = [
    {
        names: ["ACTIVE_OPENS", "PASSIVE_OPENS", "UDP"],
        why: "a program could neither connect, nor listen, nor send a datagram",
    },
]

/** Thrown for features that cannot be left out; the message is one line that says what is possible. */
export class FeatureError extends Error {
    override name = "FeatureError"
}

/** Returns the features to leave out: those in the environment, else those in the project's package.json. */
export function leftOut(): readonly string[] {
    const names = process.env[VARIABLE]
    if (names !== undefined) return names.split(",").filter(name => name !== "")
    return featuresLeftOut(readManifest())
}

/** Returns the text of the project's package.json. Throws a FeatureError when the project has none. */
export function readManifest(): string {
    try {
        return readFileSync(join(ROOT, "package.json"), "utf8")
    } catch {
        throw new FeatureError("there is no package.json here: run this in the folder of your project")
    }
}

/** Returns the text of src/features.ts of this package. */
export function featuresText(): string {
    return readFileSync(locate(FEATURES), "utf8")
}

/** Returns the text of src/features.ts without these features. Throws a FeatureError when they cannot be left out. */
export function featuresFile(without: readonly string[]): string {
    return withoutFeatures(featuresText(), without)
}

/** Returns the names in the text of a features file. */
export function featureNames(text: string): string[] {
    return [...text.matchAll(DECLARATION)].map(match => match[1]!)
}

/**
 * Returns the text of a features file with all features on except those in `without`. Throws a FeatureError when a name is
 * unknown, or the rest makes no sense.
 */
export function withoutFeatures(text: string, without: readonly string[]): string {
    const known = featureNames(text)
    for (const name of without) {
        if (!known.includes(name)) {
            throw new FeatureError(`unknown feature "${name}": did you mean ${nearest(name, known)}?`)
        }
    }
    for (const { names, why } of ONE_OF) {
        if (names.every(name => without.includes(name))) {
            throw new FeatureError(`${names.join(" and ")} cannot be left out together: ${why}`)
        }
    }
    return text.replace(DECLARATION, (_, name) => `export const ${name} = ${!without.includes(name)}`)
}

/**
 * Returns the features to leave out by the text of a project's package.json; none if it does not list any. Throws a FeatureError
 * when the text is not JSON, or has something else than a list of names.
 */
export function featuresLeftOut(text: string): string[] {
    let manifest: { "devicescript-tcp"?: { without?: unknown } } | null
    try {
        manifest = JSON.parse(text)
    } catch (error) {
        throw new FeatureError(`package.json: ${(error as Error).message}`)
    }
    const own = manifest?.["devicescript-tcp"]?.without ?? []
    if (!Array.isArray(own) || !own.every(name => typeof name === "string")) {
        throw new FeatureError(
            'package.json: "without" of "devicescript-tcp" has to be a list of names, as ["SACK", "EVENTS"]'
        )
    }
    return own
}

/** Returns the known name that is most like `name`. */
function nearest(name: string, known: readonly string[]): string {
    const wanted = name.toUpperCase().replaceAll("-", "_")
    const ways = known.map(word => ({ word, steps: distance(wanted, word) }))
    ways.sort((a, b) => a.steps - b.steps)
    return ways[0]?.word ?? "none"
}

/** Returns the number of letters to insert, remove or replace to turn one word into the other (Levenshtein's distance). */
function distance(from: string, to: string): number {
    let row = Array.from({ length: to.length + 1 }, (_, i) => i)
    for (let i = 1; i <= from.length; i++) {
        const next = [i]
        for (let j = 1; j <= to.length; j++) {
            const same = from[i - 1] === to[j - 1] ? 0 : 1
            next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same))
        }
        row = next
    }
    return row[to.length]!
}
