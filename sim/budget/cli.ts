// The entry of `npm run build`: builds what is flashed and what the simulator runs, and says what they use and what is left.

import { readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { relative } from "node:path"
import { BuildError, behindPipe, compileImage, type Image, type Program } from "../build"
import { Answer } from "../command-line"
import { nameOf } from "../device"
import { OptionError } from "../options-error"
import { heapInUse } from "./heap"
import { CODE_LIMIT, HEAP_LIMIT, IMAGE_LIMIT } from "./limits"
import { type BuildOptions, parseBuildOptions } from "./options"
import { describeExcess } from "./over"
import { partsOf, type SizedDebugInfo } from "./parts"
import { listed, listedAs, MAIN } from "./programs"
import { sizesTable } from "./sizes"
import { bytes, type Cell, table } from "./table"
import { treemap } from "./treemap"

/** An image that is built, and what it takes. */
interface Built {
    what: string
    /** Its own module, a path in this project. */
    path: string
    image: Image
    /** In use after the start, where the simulator can tell. */
    heap: number | undefined
}

async function build(what: string, program: Program, name: string, simulated: boolean): Promise<Built> {
    const image = await compileImage(program, name)
    const path = program[program.length - 1]
    const runs = simulated && image.code < CODE_LIMIT
    return { what, path, image, heap: runs ? await heapInUse(path) : undefined }
}

/** What the simulator runs of a program. */
async function simulated(what: string, path: string): Promise<Built> {
    return await build(what, behindPipe(path), nameOf(path), true)
}

function boardName(path: string): string {
    return path === MAIN.path ? "board" : `${nameOf(path)}-board`
}

async function buildAll({ program }: BuildOptions): Promise<Built[]> {
    if (program !== undefined) {
        const { name } = listedAs(program)
        return [
            await build(`${name}, board image`, [program], boardName(program), false),
            await simulated(`${name}, host image`, program),
        ]
    }
    return [
        await build("board image", [MAIN.path], boardName(MAIN.path), false),
        await simulated("host image", MAIN.path),
        await simulated("host image under control", "src/controlled.ts"),
    ]
}

/** Used and left of everything, a line an image. */
function describe(all: readonly Built[]): string[] {
    const used = (count: number | undefined, limit: number): Cell[] =>
        count === undefined ? ["", ""] : [bytes(count), bytes(limit - count)]
    const rows = all.map(({ what, image, heap }): Cell[] => [
        what,
        ...used(image.code, CODE_LIMIT),
        ...used(image.size, IMAGE_LIMIT),
        ...used(heap, HEAP_LIMIT),
        relative(process.cwd(), image.image),
    ])
    return table([["bytes", "code", "left", "image", "left", "heap", "left", ""], ...rows])
}

function showSizes({ image, path }: Built, file: string | undefined): void {
    const debug = JSON.parse(readFileSync(image.debug, "utf8")) as SizedDebugInfo
    const parts = partsOf(readFileSync(image.image), debug)
    console.log(`\n${sizesTable(parts).join("\n")}`)
    if (file === undefined) return
    writeFileSync(file, treemap(path, parts))
    console.log(`\nThe picture is in ${file}.`)
}

async function printJson({ program }: BuildOptions): Promise<Built[]> {
    const programs = program === undefined ? listed() : [listedAs(program)]
    const all: Built[] = []
    const next = programs.entries()
    const work = async () => {
        for (const [i, { name, path }] of next) all[i] = await simulated(name, path)
    }
    await Promise.all(Array.from({ length: availableParallelism() }, work))
    const images = all.map(({ what, image, heap }) => ({
        name: what,
        code: image.code,
        limit: CODE_LIMIT,
        image: image.size,
        heap: heap ?? null,
    }))
    console.log(JSON.stringify({ images }, null, 4))
    return all
}

/** Gives the exit code. */
async function main(words: readonly string[]): Promise<number> {
    try {
        const options = parseBuildOptions(words)
        const all = options.json ? await printJson(options) : await buildAll(options)
        if (!options.json) console.log(describe(all).join("\n"))
        const excessive = all.filter(({ image }) => image.code >= CODE_LIMIT)
        for (const { image, path } of excessive) console.error(describeExcess(image, path))
        if (options.sizes) showSizes(all[1], options.sizes.file)
        return excessive.length > 0 ? 1 : 0
    } catch (error) {
        if (error instanceof Answer) {
            process.stdout.write(error.message)
            return 0
        }
        if (error instanceof OptionError) {
            console.error(error.message)
            return 2
        }
        if (!(error instanceof BuildError)) throw error
        console.error(error.message)
        return 1
    }
}

// whoever read our output has gone: so do we
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

process.exitCode = await main(process.argv.slice(2))
