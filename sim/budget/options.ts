// What follows `npm run build --`, checked before anything is built.

import { existsSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { addBoardOptions, chosenBoard, type GivenBoard } from "../board/board-options"
import type { Board } from "../board/boards"
import { CommandLine, printable, program, without } from "../options/command-line"
import { OptionError } from "../options/error"

export interface BuildOptions {
    board: Board
    /** A program in the place of the ones that are flashed, a path in this project. */
    program: string | undefined
    /** Features that are left out. */
    without: readonly string[]
    /** What each package, folder, file and function takes: as a table, or also as a picture in this file. */
    sizes: { file: string | undefined } | undefined
    /** What each feature takes. */
    features: boolean
    json: boolean
    /** The table of the documents. */
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

/** Reads the options. Throws an OptionError of one line, or an Answer that goes to standard output. */
export function parseBuildOptions(words: readonly string[]): BuildOptions {
    const command = new CommandLine(
        "npm run build -- [options]: builds what is flashed and what the simulator runs, and says what it takes"
    )
    command.add("--program <FILE>", "build this, such as src/examples/hello.ts", program)
    addBoardOptions(command)
    command.add("--without <NAME,...>", "leave these features out (src/features.ts)", without)
    command.add("--sizes [FILE.html]", "code by package, folder, file, function; a picture in FILE", picture)
    command.add("--features", "what each feature of src/features.ts takes: a build without each")
    command.add("--json", "main and the examples as one JSON object (with npm run --silent)")
    command.add("--document", "the table of all programs, as the documents have it")
    const { given } = command.parse<Given>(words)
    for (const whole of ["json", "document"] as const) {
        const other = (["sizes", "features", "json"] as const).find(name => name !== whole && given[name])
        if (given[whole] && other !== undefined) {
            const why = "each has standard output for itself"
            throw new OptionError(`--${whole} and --${other} cannot be combined: ${why}`)
        }
    }
    if (given.document && (given.program ?? given.without) !== undefined) {
        const other = given.program === undefined ? "--without" : "--program"
        throw new OptionError(`--document and ${other} cannot be combined: it is of all programs`)
    }
    const sizes =
        given.sizes === undefined ? undefined : { file: given.sizes === true ? undefined : given.sizes }
    return {
        board: chosenBoard(given),
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
        throw new OptionError(`${printable(text)}: the picture goes into a file that ends in .html`)
    }
    const folder = dirname(resolve(text))
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
        throw new OptionError(`${printable(text)}: there is no folder ${printable(folder)}`)
    }
    return text
}
