// `devicescript-tcp init`: adds a board, a first program, a test, settings and scripts to a DeviceScript project.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { addBoardOptions } from "../board/board-options"
import { boardFile, readBoard } from "../board/boards"
import { locate, PACKAGE, ROOT } from "../build/places"
import { CommandLine } from "../options/command-line"
import { OptionError } from "../options/error"

/** The program that DeviceScript's own init writes: it is nobody's work yet. */
const FIRST_OF_DEVICESCRIPT = `import * as ds from "@devicescript/core"

setInterval(async () => {
    console.log(":)")
}, 1000)`
const FIRST_BOARD = "w5500_evb_pico"
/** The program that `sim`, `build` and `deploy` take, and the one for a project whose main program is in use. */
const MAIN = "src/main.ts"
const BESIDE = "src/hello.ts"
/** The service of the serial console: the compiler reads such files in the project itself only. */
const CONSOLE = "services/networkconsole.md"
/** What the tests need. */
const TESTING = { vitest: "^4.1.12", "@types/node": "^20.0.0" }
const SCRIPTS = {
    sim: "devicescript-tcp sim",
    size: "devicescript-tcp build",
    "test:network": "devicescript-tcp test",
    deploy: "devicescript-tcp deploy",
}

interface Manifest {
    scripts?: { [name: string]: string }
    devDependencies?: { [name: string]: string }
    dependencies?: { [name: string]: string }
}

/** Adds what the project does not have, says what it did, and returns the exit code. A file of the user stays as it is. */
export async function init(words: readonly string[]): Promise<number> {
    const command = new CommandLine(
        "npx devicescript-tcp init [options]: adds a board, a first program, a test and scripts; overwrites nothing"
    )
    addBoardOptions(command)
    const { given } = command.parse<{ board?: string; pins?: object }>(words)
    if (given.pins !== undefined) {
        throw new OptionError("init takes no --pins: change the wires in the board's file, in $pins")
    }
    const name = given.board ?? FIRST_BOARD
    const board = readBoard(name)
    const driver = join(PACKAGE, "boards", `${name}.ts`)
    if (!existsSync(driver)) throw new OptionError(`--board ${name}: the project has that board already`)
    const main = mainProgram()
    const files: [path: string, text: string][] = [
        [`boards/${name}.board.json`, readFileSync(locate(boardFile(name)), "utf8")],
        ["src/board.ts", readFileSync(driver, "utf8").replaceAll('"../src/', '"devicescript-tcp/src/')],
        [main, template("main.ts")],
        [CONSOLE, readFileSync(join(PACKAGE, CONSOLE), "utf8")],
        ["test/network.test.ts", template("network.test.ts").replaceAll(MAIN, main)],
        ["test/tsconfig.json", template("tsconfig.json")],
        ["vitest.config.mts", template("vitest.config.mts")],
        [".env.defaults", template("env.defaults")],
    ]
    for (const [path, text] of files) say(path, add(path, text))
    say("package.json", addToManifest())
    const how = main === MAIN ? "" : ` ${main}`
    process.stdout.write(`
The program is for the ${board.title}. See it connect, in the simulator:
    npx devicescript-tcp sim --once${how}
Its tests: npm install, then npx devicescript-tcp test
On the board: npx devicescript-tcp flash, then npx devicescript-tcp deploy${how}
`)
    return 0
}

/** Returns the text of a file that projects get. */
function template(name: string): string {
    return readFileSync(join(PACKAGE, "template", name), "utf8")
}

/** Returns the path for the first program: that of the main program, unless the user has written one. */
function mainProgram(): string {
    const path = join(ROOT, MAIN)
    if (!existsSync(path)) return MAIN
    const text = readFileSync(path, "utf8")
    return text.trim() === FIRST_OF_DEVICESCRIPT || text === template("main.ts") ? MAIN : BESIDE
}

/** Writes a file, unless there is one that the user may have changed. Returns what happened. */
function add(path: string, text: string): string {
    const file = join(ROOT, path)
    if (existsSync(file)) {
        const old = readFileSync(file, "utf8")
        if (old === text) return "is there already"
        if (path !== MAIN || old.trim() !== FIRST_OF_DEVICESCRIPT) return "is yours, and stays as it is"
        writeFileSync(file, text)
        return "written; it was DeviceScript's first program, unchanged"
    }
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    return "written"
}

/** Adds the scripts and vitest to package.json, if it has none of those names. Returns what happened. */
function addToManifest(): string {
    const file = join(ROOT, "package.json")
    if (!existsSync(file)) throw new OptionError("there is no package.json here: run npm init first")
    const text = readFileSync(file, "utf8")
    let manifest: Manifest
    try {
        manifest = JSON.parse(text) as Manifest
    } catch (error) {
        throw new OptionError(`package.json: ${(error as Error).message}`)
    }
    const scripts = { ...SCRIPTS, ...manifest.scripts }
    const missing = Object.entries(TESTING).filter(([name]) => manifest.dependencies?.[name] === undefined)
    const devDependencies = { ...Object.fromEntries(missing), ...manifest.devDependencies }
    const indent = /^[ \t]+/m.exec(text)?.[0] ?? "    "
    const changed = `${JSON.stringify({ ...manifest, scripts: ordered(scripts, manifest.scripts), devDependencies }, null, indent)}\n`
    if (JSON.stringify(JSON.parse(changed)) === JSON.stringify(manifest)) return "is there already"
    writeFileSync(file, changed)
    return `has the scripts ${Object.keys(SCRIPTS).join(", ")}, and vitest for the tests`
}

/** Returns the scripts with those that the project had first. */
function ordered(all: { [name: string]: string }, before: { [name: string]: string } = {}): object {
    return { ...before, ...all }
}

function say(path: string, what: string): void {
    process.stdout.write(`${path.padEnd(36)} ${what}\n`)
}
