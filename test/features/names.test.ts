// The features that a project may leave out, and the error when a list is not valid.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { ROOT } from "../../sim/build/build"
import { featureNames, featuresLeftOut, withoutFeatures } from "../../sim/build/features"
import { OptionError } from "../../sim/options/error"
import { parseOptions } from "../../sim/options/options"

const text = readFileSync(join(ROOT, "src", "features.ts"), "utf8")
const names = featureNames(text)

describe("src/features.ts", () => {
    test("has each feature on, with a comment that says what is lost without it", () => {
        expect(names.length).toBeGreaterThan(0)
        expect(text.match(/^export const /gm)).toHaveLength(names.length)
        expect(text.match(/^export const [A-Z_]+ = true$/gm)).toHaveLength(names.length)
        for (const name of names) {
            const comment = new RegExp(`/\\*\\*((?:(?!\\*/).)*)\\*/\\nexport const ${name} `, "s").exec(text)
            expect(comment?.[1], name).toMatch(/Without (it|them) /)
        }
    })

    test("is written from a list of names, whatever was left out before", () => {
        const [first, ...others] = names as [string, ...string[]]
        const once = withoutFeatures(text, [first])
        expect(once).toContain(`export const ${first} = false\n`)
        for (const name of others) expect(once).toContain(`export const ${name} = true\n`)
        expect(withoutFeatures(once, [])).toBe(text)
        expect(withoutFeatures(once, [first])).toBe(once)
    })
})

describe("a list of features that is refused", () => {
    test.each([
        ["SAKC", "SACK"],
        ["sack", "SACK"],
    ])('%s is refused with "did you mean %s?"', (wrong, right) => {
        expect(() => withoutFeatures(text, [wrong])).toThrow(
            `unknown feature "${wrong}": did you mean ${right}?`
        )
    })

    test.each(['"SACK"', '["SACK", 1]', "{}", "true"])(
        "%s in package.json is refused with the form of a list",
        without => {
            const manifest = `{ "devicescript-tcp": { "without": ${without} } }`
            expect(() => featuresLeftOut(manifest)).toThrow(
                /has to be a list of names, as \["SACK", "EVENTS"\]$/
            )
        }
    )

    test("a package.json that is no JSON is refused", () => {
        expect(() => featuresLeftOut("{")).toThrow(/^package.json: /)
    })

    test("a list that leaves a program nothing to do is refused", () => {
        const all = ["ACTIVE_OPENS", "PASSIVE_OPENS", "UDP"]
        expect(() => withoutFeatures(text, [...all, "SACK"])).toThrow(
            "ACTIVE_OPENS and PASSIVE_OPENS and UDP cannot be left out together: " +
                "a program could neither connect, nor listen, nor send a datagram"
        )
        for (const name of all) withoutFeatures(text, [...all.filter(other => other !== name), "SACK"])
    })

    test("--without with an unknown feature is refused in one line", () => {
        expect(() => parseOptions(["--without", "SAKC"], { terminal: false })).toThrow(
            new OptionError('--without unknown feature "SAKC": did you mean SACK?')
        )
    })
})

test("a package.json without a list leaves nothing out", () => {
    for (const manifest of ["{}", "null", "[]", '{ "devicescript-tcp": {} }']) {
        expect(featuresLeftOut(manifest)).toEqual([])
    }
})
