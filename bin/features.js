// Makes the text of src/features.ts with the features that a project leaves out set to `false`.

/** Thrown for features that cannot be left out; the message is one line that says what is possible. */
export class FeatureError extends Error {
    name = "FeatureError"
}

const DECLARATION = /^export const ([A-Z0-9_]+) = (?:true|false)$/gm

/**
 * Lists of features of which a program needs at least one.
 * @type {{ names: string[], why: string }[]}
 */
const ONE_OF = [
    {
        names: ["ACTIVE_OPENS", "PASSIVE_OPENS", "UDP"],
        why: "a program could neither connect, nor listen, nor send a datagram",
    },
]

/**
 * Returns the names in the text of a features file.
 * @param {string} text
 * @returns {string[]}
 */
export function featureNames(text) {
    return [...text.matchAll(DECLARATION)].map(match => /** @type {string} */ (match[1]))
}

/**
 * Returns the text of a features file with all features on except those in `without`. Throws a FeatureError when a name is
 * unknown, or the rest makes no sense.
 * @param {string} text
 * @param {readonly string[]} without
 * @returns {string}
 */
export function withoutFeatures(text, without) {
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
 * @param {string} text
 * @returns {string[]}
 */
export function featuresLeftOut(text) {
    let manifest
    try {
        manifest = JSON.parse(text)
    } catch (error) {
        throw new FeatureError(`package.json: ${/** @type {Error} */ (error).message}`)
    }
    const own = manifest?.["devicescript-tcp"]?.without ?? []
    if (!Array.isArray(own) || !own.every(name => typeof name === "string")) {
        throw new FeatureError(
            'package.json: "without" of "devicescript-tcp" has to be a list of names, as ["SACK", "EVENTS"]'
        )
    }
    return own
}

/**
 * Returns the known name that is most like `name`.
 * @param {string} name
 * @param {string[]} known
 */
function nearest(name, known) {
    const wanted = name.toUpperCase().replaceAll("-", "_")
    const ways = known.map(word => ({ word, steps: distance(wanted, word) }))
    ways.sort((a, b) => a.steps - b.steps)
    return ways[0]?.word ?? "none"
}

/**
 * Returns the number of letters to insert, remove or replace to turn one word into the other (Levenshtein's distance).
 * @param {string} from
 * @param {string} to
 * @returns {number}
 */
function distance(from, to) {
    let row = Array.from({ length: to.length + 1 }, (_, i) => i)
    for (let i = 1; i <= from.length; i++) {
        const next = [i]
        for (let j = 1; j <= to.length; j++) {
            const same = from[i - 1] === to[j - 1] ? 0 : 1
            next.push(
                Math.min(
                    /** @type {number} */ (row[j]) + 1,
                    /** @type {number} */ (next[j - 1]) + 1,
                    /** @type {number} */ (row[j - 1]) + same
                )
            )
        }
        row = next
    }
    return /** @type {number} */ (row[to.length])
}
