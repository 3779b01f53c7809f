// What the programs that are built here leave out: see src/features.ts.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { featuresLeftOut, withoutFeatures } from "../../bin/features.js"

export { FeatureError } from "../../bin/features.js"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
/** The file that is set, a path in this project. */
export const FEATURES = "src/features.ts"
/** Names with commas between, in the place of package.json's: how tests run a combination. */
const VARIABLE = "DEVICESCRIPT_TCP_WITHOUT"

/** The features that the environment, or else this project's package.json, asks to leave out. */
export function leftOut(): readonly string[] {
    const names = process.env[VARIABLE]
    if (names !== undefined) return names.split(",").filter(name => name !== "")
    return featuresLeftOut(readFileSync(join(ROOT, "package.json"), "utf8"))
}

/** The text of src/features.ts with these left out. Throws a FeatureError when they cannot be. */
export function featuresFile(without: readonly string[]): string {
    return withoutFeatures(readFileSync(join(ROOT, FEATURES), "utf8"), without)
}
