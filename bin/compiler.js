// A process that runs DeviceScript's compiler, one job after another: a compiler that has run once takes two thirds of the time.
// sim/build/compiler.ts starts it with the path of the tool and sends it jobs, { folder, args }; it returns { output, failed }.

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const [tool = ""] = process.argv.splice(2)
const require = createRequire(import.meta.url)
const ENDED = new Error("the compiler has called process.exit()")

let working = false
/** What the compiler has printed in this job. */
let output = ""

/**
 * Keeps what the compiler prints.
 * @param {string | Uint8Array} text
 * @param {unknown[]} rest
 */
function write(text, ...rest) {
    output += text
    const done = rest.at(-1)
    if (typeof done === "function") done()
    return true
}
process.stdout.write = write
process.stderr.write = write

/**
 * Sends the result of the job to the parent.
 * @param {boolean} failed
 * @param {() => void} then is called when it is sent
 */
function report(failed, then = () => {}) {
    if (!working) return
    working = false
    // the process waits for the next job
    process.channel?.ref()
    process.send?.({ output, failed }, then)
    output = ""
}

// What a compiler that has failed leaves behind is not known, so this process ends with it.
const { exit } = process
process.exit = code => {
    report(code !== 0, () => exit())
    throw ENDED
}

/** @param {unknown} error */
function fail(error) {
    if (error === ENDED) return
    output += `${error instanceof Error ? error.stack : error}\n`
    report(true, () => exit())
}
process.on("uncaughtException", fail)
process.on("unhandledRejection", fail)

// The compiler does not report its end. It has ended when nothing is left to do but to wait for the parent.
process.on("beforeExit", () => report(false))

/**
 * Names of symbols, by the checker of one program. The compiler asks for the full name of a symbol at each of its uses, and its
 * checker prints the name anew each time: a sixth of the time of a build.
 * @type {WeakMap<object, Map<object, string>>}
 */
const names = new WeakMap()
const NAME = "this.checker.getFullyQualifiedName(sym)"
const KEPT_NAME = "compilerNames(this.checker, sym)"

/**
 * Returns the full name of a symbol.
 * @param {{ getFullyQualifiedName(symbol: object): string }} checker
 * @param {object} symbol
 */
globalThis.compilerNames = (checker, symbol) => {
    const known = names.get(checker) ?? new Map()
    names.set(checker, known)
    const name = known.get(symbol) ?? checker.getFullyQualifiedName(symbol)
    known.set(symbol, name)
    return name
}

const load = require.extensions[".js"]
/**
 * Loads the compiler so that it remembers names; a version that asks for them otherwise is loaded as it is.
 * @param {NodeJS.Module} module
 * @param {string} file
 */
require.extensions[".js"] = (module, file) => {
    if (file !== tool) return load(module, file)
    const loading = /** @type {NodeJS.Module & { _compile(text: string, file: string): void }} */ (module)
    loading._compile(readFileSync(file, "utf8").replaceAll(NAME, KEPT_NAME), file)
}

const { mainCli } = require(tool)
process.on("message", message => {
    const { folder, args } = /** @type {{ folder: string, args: string[] }} */ (message)
    working = true
    process.channel?.unref()
    process.chdir(folder)
    process.argv.splice(1, Number.POSITIVE_INFINITY, tool, ...args)
    mainCli()
})
