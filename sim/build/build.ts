// Builds images with the installed DeviceScript compiler and the optimizer (`npm run build` is sim/budget/cli.ts).

import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"
import {
    BOARD,
    BOARDS,
    type Board,
    boardFilePath,
    boardModule,
    defaultBoard,
    readBoard,
} from "../board/boards"
import { describeExcess } from "../budget/over"
import type { DebugFile } from "../optimizer/debug"
import { CODE_LIMIT, limitedBytes, readImage } from "../optimizer/image"
import { optimize } from "../optimizer/optimize"
import { verifyByVm } from "../vm/verify"
import { FEATURES, featuresFile, leftOut } from "./features"
import { locked } from "./lock"

export const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const OUTPUT = join(ROOT, ".devicescript", "sim")
const CLI = join(ROOT, "node_modules", "@devicescript", "cli")
/** Holds the version of the libraries that the compiler has written next to it. */
const MARK = join(ROOT, "node_modules", "@devicescript", ".written")
const CORE = join(ROOT, "node_modules", "@devicescript", "core")
/** Imports the modules of a program that has more than one. */
const ENTRY = "program.ts"
const IMAGE = "bytecode.devs"
const DEBUG = "bytecode-dbg.json"
/** What the optimizer did: see optimizer/report.ts. */
const REPORT = "optimizer.json"
/** Their sources are part of what an image is made of. */
const OPTIMIZER = ["sim/build/build.ts", "sim/optimizer"]
/** Builds of one program that are kept, because another process may be about to read them. */
const KEPT = 3

/** A program that the compiler does not take; the message holds all that it said. */
export class BuildError extends Error {}

/** A program whose code is above the VM's limit; the message says by how much, and what takes the most of it. */
export class TooLarge extends BuildError {}

export interface Image {
    /** Path of the image. */
    image: string
    /** Path of the debug information. */
    debug: string
    /** Path of the optimizer's report. */
    report: string
    /** Bytes in the image. */
    size: number
    /** What of them the VM's limit of code counts. */
    code: number
}

export interface BuildOptions {
    /** The board that the program is for; the one that src/board.ts names unless given. */
    board?: Board
    /** The features that the program leaves out; those that the project's package.json names unless given. */
    without?: readonly string[]
    /** Whether the optimizer makes the image smaller; it does unless told otherwise. */
    optimize?: boolean
}

/** Texts that a build puts in the place of files, by their paths in this project. */
type Replaced = ReadonlyMap<string, string>

/** A program's modules, paths in this project, in the order in which they run: the program itself is the last. */
export type Program = readonly [...string[], string]

/** What connects a program to the simulator in the place of a board's SPI bus and pins. */
const PIPE = "boards/host/pipe.ts"

/** A program as the simulator runs it. */
export function behindPipe(entry: string): Program {
    return [PIPE, entry]
}

/** The module that imports a program's modules. */
export function importsOf(program: Program): string {
    return program.map(module => `import ${JSON.stringify(`./${module.replace(/\.ts$/, "")}`)}\n`).join("")
}

/**
 * Compiles and optimizes a program unless nothing has changed since the last time. `title` tells builds apart. Throws a
 * BuildError when it does not compile, TooLarge when it has more code than the VM takes, a FeatureError when it cannot do
 * without the features that it is to leave out. May run in several processes at once.
 */
export async function buildImage(program: Program, title: string, options?: BuildOptions): Promise<Image> {
    const built = await compileImage(program, title, options)
    if (built.code < CODE_LIMIT) return built
    throw new TooLarge(describeExcess(built, program[program.length - 1]))
}

/** The same for a program of any size. */
export async function compileImage(
    program: Program,
    title: string,
    { board = readBoard(), without = leftOut(), optimize: optimized = true }: BuildOptions = {}
): Promise<Image> {
    const replaced: Replaced = new Map([
        [FEATURES, featuresFile(without)],
        [BOARD, boardModule(board)],
        [boardFilePath(board.name), board.file],
    ])
    const onBoard = board.name === defaultBoard() ? title : `${title}-${board.name}`
    const named = without.length === 0 ? onBoard : `${onBoard}-${hashOf(replaced.get(FEATURES)!).slice(0, 8)}`
    const name = optimized ? named : `${named}-plain`
    const directory = join(OUTPUT, `${name}-${await fingerprint(program, replaced)}`)
    if (!existsSync(directory)) {
        try {
            await mkdir(OUTPUT, { recursive: true })
            // until the libraries are there only one build may run: each would write them
            const lock = librariesComplete() ? `lock-${name}` : "lock"
            await locked(join(OUTPUT, lock), async () => {
                if (!existsSync(directory)) await compile(program, name, replaced, optimized, directory)
            })
        } catch (error) {
            throw unwritable(error)
        }
    }
    const image = join(directory, IMAGE)
    const [debug, report] = [join(directory, DEBUG), join(directory, REPORT)]
    const bytes = readFileSync(image)
    return { image, debug, report, size: bytes.length, code: limitedBytes(readImage(bytes).functions) }
}

/** What a build that may not write means, in one line; any other error as it is. */
function unwritable(error: unknown): unknown {
    const { code, path = OUTPUT } = error as NodeJS.ErrnoException
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
        return new BuildError(`cannot build: ${path} may not be written; use a checkout of your own`)
    }
    if (code === "ENOSPC" || code === "EDQUOT")
        return new BuildError(`cannot build: the disk of ${path} is full`)
    return error
}

/** Makes sure that the sources of @devicescript/spi and the like are there; the compiler writes them. */
export async function ensureLibraries(): Promise<void> {
    if (!librariesComplete()) await buildImage(behindPipe("src/main.ts"), "host")
}

/** Whether a build has left all of the libraries; `npm ci` removes them, and `npm install` all but the mark. */
function librariesComplete(): boolean {
    return existsSync(CORE) && existsSync(MARK) && readFileSync(MARK, "utf8") === cliVersion()
}

/** Depends on everything that goes into the image. */
async function fingerprint(program: Program, replaced: Replaced): Promise<string> {
    const boards = readdirSync(join(ROOT, BOARDS)).filter(file => file.endsWith(".board.json"))
    const files = [
        ...OPTIMIZER.flatMap(path => filesBelow(path)),
        "devsconfig.json",
        "package.json",
        ...boards.map(file => `${BOARDS}/${file}`),
        ...(await sources(program, replaced)),
    ]
    const parts = files.sort().map(file => {
        return `${file}\n${replaced.get(file) ?? readFileSync(join(ROOT, file), "utf8")}`
    })
    return hashOf(`${cliVersion()}\n${program.join()}\n${parts.join("")}`)
}

function hashOf(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 16)
}

/** The file at a path in this project, or the files below it. */
function filesBelow(path: string): string[] {
    if (statSync(join(ROOT, path)).isFile()) return [path]
    return readdirSync(join(ROOT, path)).flatMap(name => filesBelow(`${path}/${name}`))
}

/** Returns the files of this project that the program is made of. */
async function sources(program: Program, replaced: Replaced): Promise<string[]> {
    try {
        const { metafile } = await build({
            absWorkingDir: ROOT,
            entryPoints: [...program],
            outdir: "unused",
            bundle: true,
            write: false,
            metafile: true,
            format: "esm",
            packages: "external",
            tsconfigRaw: {},
            plugins: [replacing(replaced)],
            logLevel: "silent",
        })
        return Object.keys(metafile.inputs)
    } catch {
        // what is wrong with it the compiler will say
        return [...program]
    }
}

/** Puts the texts in the place of the files for esbuild. */
function replacing(replaced: Replaced): Plugin {
    return {
        name: "replaced",
        setup({ onLoad }) {
            onLoad({ filter: /\.ts$/ }, ({ path }) => {
                const contents = replaced.get(relative(ROOT, path).replaceAll("\\", "/"))
                return contents === undefined ? undefined : { contents, loader: "ts" }
            })
        },
    }
}

async function compile(
    program: Program,
    name: string,
    replaced: Replaced,
    optimized: boolean,
    directory: string
): Promise<void> {
    const own = program.at(-1) ?? ""
    const progress = process.stderr.isTTY
    if (progress) process.stderr.write(`building ${name} ...`)
    // the compiler always writes to .devicescript/bin of the working directory (its option -o takes no value), and
    // it puts the state of a git checkout into the image: so it works elsewhere, on links to what is here
    const work = await mkdtemp(join(tmpdir(), "devicescript-tcp-"))
    try {
        await copyTo(work, replaced)
        const entry = program.length === 1 ? own : ENTRY
        if (entry === ENTRY) await writeFile(join(work, ENTRY), importsOf(program))
        const { output, failed } = await runCompiler(entry, work)
        const built = join(work, ".devicescript", "bin")
        if (failed || !existsSync(join(built, IMAGE)))
            throw new BuildError(`${own} does not compile:\n${output}`)
        await writeFile(MARK, cliVersion())
        const staged = await mkdtemp(join(OUTPUT, "staged-"))
        await finish(built, staged, own, optimized)
        await rename(staged, directory).catch(async (error: unknown) => {
            // a build that broke our lock was faster: its result is as good
            await rm(staged, { recursive: true, force: true })
            if (!existsSync(directory)) throw error
        })
    } finally {
        await rm(work, { recursive: true, force: true })
        if (progress) process.stderr.write("\r\x1b[K")
    }
    await forgetOldBuilds(name)
}

/** Links this project's files into a folder, and writes what replaces some of them. */
async function copyTo(work: string, replaced: Replaced): Promise<void> {
    const paths = [...replaced.keys()]
    const folders = [...new Set(paths.map(path => dirname(path)))]
    await linkTo(ROOT, work, [".git", ".devicescript", ...folders])
    for (const folder of folders) {
        await mkdir(join(work, folder))
        const own = paths.filter(path => dirname(path) === folder).map(path => basename(path))
        await linkTo(join(ROOT, folder), join(work, folder), own)
    }
    for (const [path, text] of replaced) await writeFile(join(work, path), text)
}

/** Links all that is in a folder into another one, but for a few names. */
async function linkTo(from: string, to: string, except: readonly string[]): Promise<void> {
    for (const file of readdirSync(from)) {
        if (!except.includes(file)) await symlink(join(from, file), join(to, file))
    }
}

/** Optimizes what the compiler has left in `built` and writes it to `staged`. Throws when the VM does not take it. */
async function finish(built: string, staged: string, own: string, optimized: boolean): Promise<void> {
    const plain = readFileSync(join(built, IMAGE))
    const plainDebug = JSON.parse(readFileSync(join(built, DEBUG), "utf8")) as DebugFile
    const { image, debug, report } = optimize(plain, plainDebug)
    const code = optimized ? report.after.code : report.before.code
    // what is too large is for its figures only
    const refused = code < CODE_LIMIT ? verifyByVm(optimized ? image : plain) : undefined
    if (refused !== undefined) throw new BuildError(`${own}: the VM does not take the image (${refused})`)
    await writeFile(join(staged, IMAGE), optimized ? image : plain)
    await writeFile(join(staged, DEBUG), JSON.stringify(optimized ? debug : plainDebug))
    await writeFile(join(staged, REPORT), JSON.stringify(report))
}

/** Runs the compiler in `work` and gives what it printed. The optimizer gets images that the VM does not take yet. */
function runCompiler(entry: string, work: string): Promise<{ output: string; failed: boolean }> {
    const script = join(CLI, "devicescript")
    const env = { ...process.env, NO_UPDATE_NOTIFIER: "1" }
    return new Promise(resolvePromise => {
        const options = { cwd: work, env, maxBuffer: 1 << 26 }
        execFile(
            process.execPath,
            [script, "build", "--no-verify", entry],
            options,
            (error, stdout, stderr) => {
                resolvePromise({ output: `${stdout}${stderr}`, failed: error !== null })
            }
        )
    })
}

async function forgetOldBuilds(name: string): Promise<void> {
    const mine = (await readdir(OUTPUT)).filter(file => new RegExp(`^${name}-[0-9a-f]{16}$`).test(file))
    const ages = await Promise.all(
        mine.map(async file => ({ file, time: (await stat(join(OUTPUT, file))).mtimeMs }))
    )
    ages.sort((a, b) => b.time - a.time)
    for (const { file } of ages.slice(KEPT)) await rm(join(OUTPUT, file), { recursive: true, force: true })
}

function cliVersion(): string {
    const manifest = join(CLI, "package.json")
    if (!existsSync(manifest)) throw new BuildError("@devicescript/cli is not installed: run npm ci")
    return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version
}
