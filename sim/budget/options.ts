// The options of `npm run build`, read and checked before anything is built.

import { existsSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { addBoardOptions, chosenBoard, type GivenBoard } from "../board/board-options"
import type { Board } from "../board/boards"
import { boardGiven } from "../build/board-of"
import { CommandLine, ownProgram, program, usage, WORDS, without } from "../options/command-line"
import { OptionError } from "../options/error"

export interface BuildOptions {
    board: Board
    /** Path of the program in this project; undefined for the programs of this project that are flashed. */
    program: string | undefined
    /** Features that are left out. */
    without: readonly string[]
    /** Prints the bytes of each package, folder, file and function, and draws them into this file; undefined: does neither. */
    sizes: { file: string | undefined } | undefined
    /** Prints the bytes of each feature. */
    features: boolean
    json: boolean
    /** Prints the table of programs for the documents. */
    document: boolean
}

interface Given extends GivenBoard {
    program?: string
    without?: readonly string[]
    sizes?: string | true
    features?: true
    json?: true
    document?: true
}

/** Reads the options. Throws an OptionError of one line, or an Answer for standard output. */
export function parseBuildOptions(words: readonly string[]): BuildOptions {
    const command = new CommandLine(
        `${usage("run build", "build")}: builds the images for a board and the simulator, and prints their sizes`
    )
    command.add("--program <FILE>", "build this program, as src/examples/hello.ts", program)
    addBoardOptions(command)
    command.add("--without <NAME,...>", "build without these features (src/features.ts)", without)
    command.add(
        "--sizes [FILE.html]",
        "print code by package, folder, file, function; draw it in FILE",
        picture
    )
    command.add("--features", "print the bytes of each feature, by a build without each")
    command.add("--json", "print main and the examples as one JSON object (with npm run --silent)")
    command.add("--document", "print the table of all programs for the documents")
    const { given: options, args } = command.parse<Given>(words, WORDS)
    const own = options.program ?? (args[0] === undefined ? ownProgram() : program(args[0]))
    const given = { ...options, ...(own === undefined ? {} : { program: own }) }
    for (const whole of ["json", "document"] as const) {
        const other = (["sizes", "features", "json"] as const).find(name => name !== whole && given[name])
        if (given[whole] && other !== undefined) {
            const why = "each needs standard output for itself"
            throw new OptionError(`--${whole} and --${other} cannot be combined: ${why}`)
        }
    }
    if (given.document && (given.program ?? given.without) !== undefined) {
        const other = given.program === undefined ? "--without" : "--program"
        throw new OptionError(`--document and ${other} cannot be combined: the table is of all programs`)
    }
    const sizes =
        given.sizes === undefined ? undefined : { file: given.sizes === true ? undefined : given.sizes }
    return {
        board: chosenBoard(boardGiven(given, given.program)),
        program: given.program,
        without: given.without ?? without(),
        sizes,
        features: given.features === true,
        json: given.json === true,
        document: given.document === true,
    }
}

function picture(text: string): string {
    if (!/\.html?$/i.test(text)) {
        throw new OptionError(`${text}: the name of the file has to end in .html`)
    }
    const folder = dirname(resolve(text))
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
        throw new OptionError(`${text}: the folder ${folder} does not exist`)
    }
    return text
}
