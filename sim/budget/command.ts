// `npm run build` and `devicescript-tcp build`: builds the images for a board and for the simulator, and prints the bytes that they use and have
// left.

import { readFileSync, writeFileSync } from "node:fs"
import { relative } from "node:path"
import { behindPipe, compileImage, type Image } from "../build/build"
import { nameOf } from "../device/device"
import { CODE_LIMIT } from "../optimizer/image"
import { anyBoardImage } from "./board"
import { describeExcess } from "./code-limit-message"
import { each, featureBytes } from "./features"
import { heapInUse } from "./heap"
import { HEAP_LIMIT, IMAGE_LIMIT } from "./limits"
import { type BuildOptions, parseBuildOptions } from "./options"
import { partsOf, type SizedDebugInfo } from "./parts"
import { allRows, listed, listedAs, MAIN } from "./programs"
import { sizesTable } from "./sizes"
import { bytes, type Cell, table } from "./table"
import { treemap } from "./treemap"

/** A built image. */
interface Built {
    what: string
    /** Path of the program in this project. */
    path: string
    image: Image
    /** Bytes of heap in use after the start; undefined if the simulator cannot run the image. */
    heap: number | undefined
}

/** The options that an image depends on. */
type Wished = Pick<BuildOptions, "board" | "without">

/** Builds the image of a program for a board. */
async function forBoard(what: string, path: string, options: Wished): Promise<Built> {
    return { what, path, image: await anyBoardImage(path, options), heap: undefined }
}

/** Builds the image of a program for the simulator. */
async function forHost(what: string, path: string, { board, without }: Wished): Promise<Built> {
    const image = await compileImage(behindPipe(path), nameOf(path), { board, without })
    const heap = image.code < CODE_LIMIT ? await heapInUse(path, without, board) : undefined
    return { what, path, image, heap }
}

async function buildAll({ program, ...wished }: BuildOptions): Promise<Built[]> {
    if (program !== undefined) {
        const { name } = listedAs(program)
        return await Promise.all([
            forBoard(`${name}, board image`, program, wished),
            forHost(`${name}, host image`, program, wished),
        ])
    }
    // the compiler is a process of its own: it compiles one image while this process optimizes another
    return await Promise.all([
        forBoard("board image", MAIN.path, wished),
        forHost("host image", MAIN.path, wished),
        forHost("host image under control", "src/controlled.ts", wished),
    ])
}

/** Returns a table of the bytes used and left, a line per image. */
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

async function printJson({ program, ...wished }: BuildOptions): Promise<Built[]> {
    const programs = program === undefined ? listed() : [listedAs(program)]
    const all: Built[] = []
    await each(programs, async ({ name, path }, i) => {
        all[i] = await forHost(name, path, wished)
    })
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

/** Returns a table of the bytes of each feature of a program. */
async function featuresTable({ image, path }: Built, { board, without }: BuildOptions): Promise<string[]> {
    const features = await featureBytes(path, board, without, image.code)
    return table([
        ["feature", "code"],
        ...features.map(({ name, bytes: size }): Cell[] => [name, bytes(size)]),
    ])
}

/** Prints the table of programs for the documents, in Markdown. */
async function printDocument({ board }: BuildOptions): Promise<Built[]> {
    const rows = allRows()
    const all: Built[] = []
    await each(rows, async ({ name, path, without }, i) => {
        all[i] = await forHost(name, path, { board, without })
    })
    console.log("| program | code | left | image | heap |\n|---|---|---|---|---|")
    for (const { what, image, heap } of all) {
        const cells = [what, bytes(image.code), bytes(CODE_LIMIT - image.code), bytes(image.size)]
        console.log(`| ${[...cells, heap === undefined ? "" : bytes(heap)].join(" | ")} |`)
    }
    return all
}

async function built(options: BuildOptions): Promise<Built[]> {
    if (options.json) return await printJson(options)
    if (options.document) return await printDocument(options)
    const all = await buildAll(options)
    console.log(describe(all).join("\n"))
    return all
}

/**
 * Builds the images that the options request and returns the exit code. Throws what the process reports (sim/command/process.ts).
 */
export async function build(words: readonly string[]): Promise<number> {
    const options = parseBuildOptions(words)
    const all = await built(options)
    const [board, host = board] = all
    if (options.sizes) showSizes(host, options.sizes.file)
    if (options.features) console.log(`\n${(await featuresTable(host, options)).join("\n")}`)
    const excessive = all.reduce<Built | undefined>(
        (last, one) => (one.image.code < CODE_LIMIT ? last : one),
        undefined
    )
    if (excessive === undefined) return 0
    console.error(`\n${await describeExcess(excessive.image, excessive.path)}`)
    return 1
}
