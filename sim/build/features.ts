// The features that programs of this project leave out: see src/features.ts.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { featuresLeftOut, withoutFeatures } from "../../bin/features.js"

export { FeatureError } from "../../bin/features.js"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
/** Path in this project of the file with the features. */
export const FEATURES = "src/features.ts"
/** Environment variable that overrides the list in package.json: names separated by commas. Tests use it to run a combination. */
const VARIABLE = "DEVICESCRIPT_TCP_WITHOUT"

/** Returns the features to leave out: those in the environment, else those in this project's package.json. */
export function leftOut(): readonly string[] {
    const names = process.env[VARIABLE]
    if (names !== undefined) return names.split(",").filter(name => name !== "")
    return featuresLeftOut(readFileSync(join(ROOT, "package.json"), "utf8"))
}

/** Returns the text of src/features.ts without these features. Throws a FeatureError when they cannot be left out. */
export function featuresFile(without: readonly string[]): string {
    return withoutFeatures(readFileSync(join(ROOT, FEATURES), "utf8"), without)
}
