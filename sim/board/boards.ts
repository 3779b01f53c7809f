// The boards that programs are built for: boards/NAME.board.json (DeviceScript's board file) and boards/NAME.ts (the driver on
// its pins). A board file names the chip's pins in `$pins`, each by the chip and its line, such as `"W5500_CS": "GP17"`; the
// board's module, the build and the simulator read the wiring there.

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { locate, ofPackage } from "../build/places.ts"
import { OptionError } from "../options/error.ts"
import { type Arch, isArch, wiringProblem } from "./wiring.ts"

/** The folder of the boards, a path in this project. */
export const BOARDS = "boards"
const ENDING = ".board.json"
/** The folder of this package's boards, and all folders with boards; those of the project come first. Paths in the project. */
const OWN = ofPackage(BOARDS)
const FOLDERS = [...new Set([BOARDS, OWN])]
/** The file that names the board, a path in this project. The build replaces it to use another board. */
export const BOARD = ofPackage("src/board.ts")
/** The file that lists for src/selftest.ts what is wired to which pin, a path in this project. The build writes it. */
const WIRING = ofPackage("src/wiring.ts")
const NAMED = /"\.\.\/boards\/(\w+)"/
/** The environment variable that names a board in place of src/board.ts, so that tests can run on another board. */
const VARIABLE = "DEVICESCRIPT_TCP_BOARD"

/** A line between the board and its chip, by the name that it has in a board file. */
export type Line = (typeof LINES)[number]
const LINES = ["MISO", "MOSI", "SCK", "CS", "RESET", "INT", "HANDSHAKE", "DATA_READY"] as const
const CHIP_PIN = new RegExp(`^(\\w+?)_(${LINES.join("|")})$`)

/** The parts of DeviceScript's board files that are read here. */
interface BoardFile {
    devName: string
    archId: string
    pins: { [label: string]: number }
    $pins?: { [label: string]: string }
}

export interface Board {
    /** Name of the board's files, such as `pico_w5500`. */
    readonly name: string
    /** The board's name for people. */
    readonly title: string
    readonly arch: Arch
    /** Key of the chip in sim/chip/chips.ts. */
    readonly chip: string
    /** The label of the pin to which each line of the chip is wired. */
    readonly wiring: { readonly [Key in Line]?: string }
    /** GPIO numbers by label: all pins that a program may use. */
    readonly pins: { readonly [label: string]: number }
    /** The board file's text. */
    readonly file: string
}

/** Returns the names of all boards, sorted: those of the project, and those of this package. */
export function boardNames(): string[] {
    return [...new Set(FOLDERS.flatMap(folder => namesIn(folder)))].sort()
}

function namesIn(folder: string): string[] {
    const place = locate(folder)
    if (!existsSync(place)) return []
    const files = readdirSync(place)
    const names = files.filter(file => file.endsWith(ENDING)).map(file => file.slice(0, -ENDING.length))
    // the program of a project has its driver in any file
    return folder === OWN ? names.filter(name => files.includes(`${name}.ts`)) : names
}

/** Returns the path in the project of a board's file. */
export function boardFile(name: string): string {
    const paths = FOLDERS.map(folder => `${folder}/${name}${ENDING}`)
    return paths.find(path => existsSync(locate(path))) ?? paths[0]!
}

/** Returns the name of the board that programs are built for unless `--board` names another one. */
export function defaultBoard(): string {
    return process.env[VARIABLE] ?? NAMED.exec(sourceOf(BOARD))?.[1] ?? ""
}

/**
 * Reads a board; `moved` maps lines of its chip to other pins, by label. Throws an OptionError that says what is wrong: no such
 * board, no such pin, or a pin that cannot do what the line needs.
 */
export function readBoard(name = defaultBoard(), moved: { readonly [line: string]: string } = {}): Board {
    const names = boardNames()
    if (!names.includes(name)) {
        throw new OptionError(`unknown board ${JSON.stringify(name)}; the boards are ${names.join(", ")}`)
    }
    const text = sourceOf(boardFile(name))
    const given = JSON.parse(text) as BoardFile
    const board = withPins(name, given, text)
    if (Object.keys(moved).length === 0) return checked(board)
    const $pins = { ...given.$pins }
    for (const [line, label] of Object.entries(moved)) {
        const key = `${board.chip.toUpperCase()}_${line}`
        if (!(key in $pins)) {
            const lines = Object.keys(board.wiring).join(", ")
            throw new OptionError(`${name} has no line ${line}; its chip's lines are ${lines}`)
        }
        $pins[key] = label
    }
    const changed = { ...given, $pins }
    return checked(withPins(name, changed, `${JSON.stringify(changed, null, 4)}\n`))
}

function withPins(name: string, { devName, archId, pins, $pins = {} }: BoardFile, file: string): Board {
    if (!isArch(archId)) throw new OptionError(`boards/${name}${ENDING}: unknown archId ${archId}`)
    const wiring: { [Key in Line]?: string } = {}
    let chip = ""
    for (const [key, label] of Object.entries($pins)) {
        const [, prefix, line] = CHIP_PIN.exec(key) ?? []
        if (prefix === undefined) continue
        chip = prefix.toLowerCase()
        wiring[line as Line] = label
    }
    const used = pinsInUse(JSON.parse(file), pins)
    const free = Object.entries(pins).filter(([label, gpio]) => !/^[#@]/.test(label) && !used.has(gpio))
    return { name, title: devName, arch: archId, chip, wiring, pins: Object.fromEntries(free), file }
}

/**
 * Returns the GPIO numbers that the firmware keeps for itself, such as those of its log: gpio.c of the runtime gives programs
 * none of these pins.
 */
function pinsInUse(file: object, pins: { [label: string]: number }): Set<number> {
    const used = new Set<number>()
    const look = (value: object, path: string): void => {
        for (const [key, inner] of Object.entries(value)) {
            if (/^[#$]/.test(key) || (path === "" && /pins$/i.test(key))) continue
            if (typeof inner === "object" && inner !== null) look(inner, `${path}.${key}`)
            else if (path !== "" && key.startsWith("pin")) used.add(pins[inner as string] ?? Number(inner))
        }
    }
    look(file, "")
    return used
}

function checked(board: Board): Board {
    const problem = wiringProblem(board)
    if (problem === undefined) return board
    throw new OptionError(`${board.name}: ${problem}`)
}

/** Returns the texts, by path, with which the build for a board replaces this project's files. */
export function boardFiles(board: Board): Map<string, string> {
    const { name, file } = board
    const files = new Map([[`${BOARDS}/${name}${ENDING}`, file]])
    // the driver of a project's own board is in its program
    if (!namesIn(OWN).includes(name)) return files
    files.set(BOARD, sourceOf(BOARD).replace(NAMED, `"../boards/${name}"`))
    return files.set(WIRING, wiringModule(board))
}

/** Returns the text of src/wiring.ts. */
function wiringModule({ name, chip, wiring }: Board): string {
    const lines = Object.keys(wiring).map(line => `        ${line}: pins.${chip.toUpperCase()}_${line},\n`)
    const tests = `"./selftest/${chip.replaceAll("_", "-")}"`
    return `// What is wired to which pin, for src/selftest.ts. The build writes this file from boards/NAME.board.json.

import { pins } from "@dsboard/${name}"

export { linkDetails, probe } from ${tests}

export const boardName = "${name}"

/** Returns the pin of each of the chip's lines. */
export function wiring() {
    return {
${lines.join("")}    }
}
`
}

/**
 * Returns the text of a module with the pins of `@dsboard/NAME` under Node: it maps each label to the runtime's own name of the
 * pin.
 */
export function pinsModule(board: Board, helper: string): string {
    const { pins, $pins = {} } = JSON.parse(board.file) as BoardFile
    const labels = Object.fromEntries(Object.keys(pins).map(label => [label, label]))
    for (const [silk, label] of Object.entries($pins)) {
        delete labels[label]
        labels[silk] = label
    }
    const path = JSON.stringify(helper)
    return `import { named } from ${path}\nexport const pins = named(${JSON.stringify(labels)})\n`
}

function sourceOf(path: string): string {
    return readFileSync(locate(path), "utf8")
}
