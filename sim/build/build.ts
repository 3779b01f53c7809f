// Builds images with the installed DeviceScript compiler and the optimizer (`npm run build` is sim/budget/cli.ts).

import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"
import { BOARDS, type Board, boardFiles, defaultBoard, readBoard } from "../board/boards"
import { describeExcess } from "../budget/code-limit-message"
import type { DebugFile } from "../optimizer/debug"
import { CODE_LIMIT, limitedBytes, readImage } from "../optimizer/image"
import { optimize } from "../optimizer/optimize"
import { verifyByVm } from "../vm/verify"
import { FEATURES, featuresFile, leftOut } from "./features"
import { locked } from "./lock"

export const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const OUTPUT = join(ROOT, ".devicescript", "sim")
const CLI = join(ROOT, "node_modules", "@devicescript", "cli")
/** A file with the version of DeviceScript's libraries that the compiler has written beside it. */
const MARK = join(ROOT, "node_modules", "@devicescript", ".written")
const CORE = join(ROOT, "node_modules", "@devicescript", "core")
/** The generated module that imports the modules of a program, if it has more than one. */
const ENTRY = "program.ts"
const IMAGE = "bytecode.devs"
const DEBUG = "bytecode-dbg.json"
/** The optimizer's report (optimizer/report.ts). */
const REPORT = "optimizer.json"
/** The sources of the build itself: an image depends on them too. */
const OPTIMIZER = ["sim/build/build.ts", "sim/optimizer"]
/** The number of builds of one program that are kept, as another process may be about to read them. */
const KEPT = 3

/** Thrown for a program that the compiler rejects; the message has all of the compiler's output. */
export class BuildError extends Error {}

/** Thrown for a program whose code is above the VM's limit; the message says by how much, and what takes the most. */
export class TooLarge extends BuildError {}

export interface Image {
    /** Path of the image. */
    image: string
    /** Path of the debug information. */
    debug: string
    /** Path of the optimizer's report. */
    report: string
    /** Bytes of the image. */
    size: number
    /** Bytes of the image that the VM's limit of code counts. */
    code: number
}

export interface BuildOptions {
    /** The board that the program is for; the default is the board in src/board.ts. */
    board?: Board
    /** The features that the program leaves out; the default is the list in package.json. */
    without?: readonly string[]
    /** Runs the optimizer; the default is true. */
    optimize?: boolean
}

/** Texts with which a build replaces files, by the files' paths in this project. */
type Replaced = ReadonlyMap<string, string>

/** The modules of a program as paths in this project, in the order in which they run; the last is the program itself. */
export type Program = readonly [...string[], string]

/** The module that connects a program to the simulator, instead of a board's SPI bus and pins. */
const PIPE = "boards/host/pipe.ts"

/** Returns a program with the module that connects it to the simulator. */
export function behindPipe(entry: string): Program {
    return [PIPE, entry]
}

/** Returns the text of a module that imports the modules of a program. */
export function importsOf(program: Program): string {
    return program.map(module => `import ${JSON.stringify(`./${module.replace(/\.ts$/, "")}`)}\n`).join("")
}

/**
 * Compiles and optimizes a program, unless a build of the same sources exists. Builds are kept under `title`. Throws a
 * BuildError when the program does not compile, TooLarge when its code is above the VM's limit, a FeatureError when the
 * features cannot be left out. Several processes may call it at the same time.
 */
export async function buildImage(program: Program, title: string, options?: BuildOptions): Promise<Image> {
    const built = await compileImage(program, title, options)
    if (built.code < CODE_LIMIT) return built
    throw new TooLarge(describeExcess(built, program[program.length - 1]))
}

/** Compiles and optimizes a program of any size, also above the VM's limit. */
export async function compileImage(
    program: Program,
    title: string,
    { board = readBoard(), without = leftOut(), optimize: optimized = true }: BuildOptions = {}
): Promise<Image> {
    const replaced: Replaced = new Map([[FEATURES, featuresFile(without)], ...boardFiles(board)])
    const onBoard = board.name === defaultBoard() ? title : `${title}-${board.name}`
    const named = without.length === 0 ? onBoard : `${onBoard}-${hashOf(replaced.get(FEATURES)!).slice(0, 8)}`
    const name = optimized ? named : `${named}-plain`
    const directory = join(OUTPUT, `${name}-${await fingerprint(program, replaced)}`)
    if (!existsSync(directory)) {
        try {
            await mkdir(OUTPUT, { recursive: true })
            // before the libraries exist only one build may run, as each build would write them
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

/** Returns a BuildError of one line for an error in writing; any other error unchanged. */
function unwritable(error: unknown): unknown {
    const { code, path = OUTPUT } = error as NodeJS.ErrnoException
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
        return new BuildError(`cannot build: no permission to write ${path}; use a checkout of your own`)
    }
    if (code === "ENOSPC" || code === "EDQUOT")
        return new BuildError(`cannot build: the disk of ${path} is full`)
    return error
}

/** Ensures that the sources of DeviceScript's libraries exist; the compiler writes them in any build. */
export async function ensureLibraries(): Promise<void> {
    if (!librariesComplete()) await buildImage(behindPipe("src/main.ts"), "host")
}

/** Returns whether all of DeviceScript's libraries exist. `npm ci` removes them, `npm install` removes all but the mark. */
function librariesComplete(): boolean {
    return existsSync(CORE) && existsSync(MARK) && readFileSync(MARK, "utf8") === cliVersion()
}

/** Returns a hash of everything that an image is made of. */
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

/** Returns the file at a path in this project, or the files below it. */
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
        // the program has an error, which the compiler will report
        return [...program]
    }
}

/** Returns an esbuild plugin that replaces the files. */
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
    // the compiler always writes to .devicescript/bin of its working directory (its option -o takes no value), and it puts the
    // state of a git checkout into the image: so it runs in another directory, with links to the files here
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
            // another process has broken the lock and was faster: its result is the same
            await rm(staged, { recursive: true, force: true })
            if (!existsSync(directory)) throw error
        })
    } finally {
        await rm(work, { recursive: true, force: true })
        if (progress) process.stderr.write("\r\x1b[K")
    }
    await forgetOldBuilds(name)
}

/** Links this project's files into a folder, and writes the texts that replace some of them. */
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

/** Links the files of a folder into another folder, except some names. */
async function linkTo(from: string, to: string, except: readonly string[]): Promise<void> {
    for (const file of readdirSync(from)) {
        if (!except.includes(file)) await symlink(join(from, file), join(to, file))
    }
}

/** Optimizes the compiler's image in `built` and writes it to `staged`. Throws when the VM rejects it. */
async function finish(built: string, staged: string, own: string, optimized: boolean): Promise<void> {
    const plain = readFileSync(join(built, IMAGE))
    const plainDebug = JSON.parse(readFileSync(join(built, DEBUG), "utf8")) as DebugFile
    const { image, debug, report } = optimize(plain, plainDebug)
    const code = optimized ? report.after.code : report.before.code
    // an image that is too large is built for its figures only
    const refused = code < CODE_LIMIT ? verifyByVm(optimized ? image : plain) : undefined
    if (refused !== undefined) throw new BuildError(`${own}: the VM rejects the image (${refused})`)
    await writeFile(join(staged, IMAGE), optimized ? image : plain)
    await writeFile(join(staged, DEBUG), JSON.stringify(optimized ? debug : plainDebug))
    await writeFile(join(staged, REPORT), JSON.stringify(report))
}

/** Runs the compiler in `work` and returns its output. The compiler does not verify the image, which may be above the VM's limit. */
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
