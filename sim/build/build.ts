// Builds images with the installed DeviceScript compiler and the optimizer (`npm run build` is sim/budget/command.ts).

import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { mkdir, mkdtemp, readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { build as bundle, type Plugin } from "esbuild"
import { type Board, boardFile, boardFiles, boardNames, defaultBoard, readBoard } from "../board/boards"
import { describeExcess } from "../budget/code-limit-message"
import type { DebugFile } from "../optimizer/debug"
import { CODE_LIMIT, limitedBytes, readImage } from "../optimizer/image"
import { optimize } from "../optimizer/optimize"
import { verifyByVm } from "../vm/verify"
import { buildBy, builder, type Job, type Program } from "./builder"
import { MadeOfFiles } from "./changes"
import { runCompiler } from "./compiler"
import { BuildError } from "./error"
import { FEATURES, featuresFile, leftOut } from "./features"
import { locked } from "./lock"
import { commandLineTool, INSTALL, INSTALLED, locate, ofPackage, PACKAGE, projectPath, ROOT } from "./places"
import { withProgress } from "./progress"
import { fillWorkFolder, type Replaced } from "./work-folder"

export type { Program } from "./builder"
export { ROOT } from "./places"

const OUTPUT = join(ROOT, ".devicescript", "sim")
/** DeviceScript's command line tool, beside which the compiler writes DeviceScript's libraries. */
const CLI = commandLineTool()?.folder ?? join(ROOT, "node_modules", "@devicescript", "cli")
/** The command line tool itself. */
const TOOL = join(CLI, "built", "devicescript-cli.cjs")
/** A file with the version of DeviceScript's libraries, which the compiler has written beside it. */
const MARK = join(dirname(CLI), ".written")
const CORE = join(dirname(CLI), "core")
/** The folder of a project with its specifications of Jacdac services. */
const SERVICES = "services"
/** The generated module that imports the modules of a program, if it has more than one. */
const ENTRY = "program.ts"
const IMAGE = "bytecode.devs"
const DEBUG = "bytecode-dbg.json"
/** The optimizer's report (optimizer/report.ts). */
const REPORT = "optimizer.json"
/**
 * The files of the build itself, paths in this package: an image depends on them, too. Installed, it is the version that counts.
 */
const OPTIMIZER = INSTALLED ? ["package.json"] : ["sim/build/build.ts", "sim/optimizer"]
/** The number of builds of one program that are kept, because another process may be about to read them. */
const KEPT = 3

/** Thrown for a program whose code is above the VM's limit; the message says by how much, and what takes the most code. */
export class TooLarge extends BuildError {}

export interface Image {
    /** Path of the image. */
    image: string
    /** Path of the debug information. */
    debug: string
    /** Path of the optimizer's report, if the image is optimized. */
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
    /** True to show no progress. */
    quiet?: boolean
}

/** The module that connects a program to the simulator, instead of a board's SPI bus and pins. */
const PIPE = ofPackage("boards/host/pipe.ts")

/** Returns a program with the module that connects it to the simulator. */
export function behindPipe(entry: string): Program {
    return [PIPE, entry]
}

/** Returns the text of a module that imports the modules of a program. */
function importsOf(program: Program): string {
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
    throw new TooLarge(await describeExcess(built, program[program.length - 1]))
}

/** Compiles and optimizes a program of any size, also above the VM's limit. */
export async function compileImage(
    program: Program,
    title: string,
    { board = readBoard(), without = leftOut(), optimize: optimized = true, quiet = false }: BuildOptions = {}
): Promise<Image> {
    const replaced: Replaced = new Map([[FEATURES, featuresFile(without)], ...boardFiles(board)])
    const onBoard = board.name === defaultBoard() ? title : `${title}-${board.name}`
    const named = without.length === 0 ? onBoard : `${onBoard}-${hashOf(replaced.get(FEATURES)!).slice(0, 8)}`
    const name = optimized ? named : `${named}-plain`
    const directory = join(OUTPUT, `${name}-${await fingerprint(program, replaced)}`)
    if (!existsSync(directory)) {
        try {
            await mkdir(OUTPUT, { recursive: true })
            // before the libraries exist only one build may run, because each build would write them
            const lock = librariesComplete() ? `lock-${name}` : "lock"
            await locked(join(OUTPUT, lock), async () => {
                if (existsSync(directory)) return
                const job = { program, name, replaced: [...replaced], optimized, directory }
                const path = builder(ROOT)
                // a process that builds for several is waited for in silence
                if (path !== undefined) return buildElsewhere(path, job)
                const work = () => build(job)
                return quiet ? work() : withProgress(`building ${name}`, work)
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

/** Returns a BuildError of one line for an error in writing, any other error unchanged. */
function unwritable(error: unknown): unknown {
    const { code, path = OUTPUT } = error as NodeJS.ErrnoException
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
        return new BuildError(
            `cannot build: no permission to write ${path}; ${INSTALLED ? "use a project that you may write to" : "use a checkout that you may write to"}`
        )
    }
    if (code === "ENOSPC" || code === "EDQUOT")
        return new BuildError(`cannot build: the disk of ${path} is full`)
    return error
}

/** Ensures that the sources of DeviceScript's libraries exist; the compiler writes them in any build. */
export async function ensureLibraries(): Promise<void> {
    if (!librariesComplete()) await buildImage([PIPE], "libraries")
}

/** Returns true when all of DeviceScript's libraries exist. `npm ci` removes them, `npm install` removes all but the mark. */
function librariesComplete(): boolean {
    return existsSync(CORE) && existsSync(MARK) && readFileSync(MARK, "utf8") === cliVersion()
}

const fingerprints = new MadeOfFiles<string>()

/** Returns a hash of everything that determines an image. */
async function fingerprint(program: Program, replaced: Replaced): Promise<string> {
    const always = [
        "devsconfig.json",
        "package.json",
        ...serviceFiles(),
        ...boardNames().map(name => boardFile(name)),
    ]
    return await fingerprints.get(
        JSON.stringify([cliVersion(), program, always, [...replaced]]),
        async () => {
            const files = [
                ...OPTIMIZER.flatMap(path => filesBelow(path)),
                ...always,
                ...(await sources(program, replaced)),
            ].sort()
            const parts = files.map(
                file => `${file}\n${replaced.get(file) ?? readFileSync(locate(file), "utf8")}`
            )
            const value = hashOf(`${cliVersion()}\n${program.join()}\n${parts.join("")}`)
            return { value, files: files.map(locate) }
        }
    )
}

/** Returns the paths of the project's specifications of Jacdac services, which the compiler reads in every build. */
function serviceFiles(): string[] {
    const folder = join(ROOT, SERVICES)
    if (!existsSync(folder)) return []
    return readdirSync(folder)
        .filter(file => file.endsWith(".md"))
        .map(file => `${SERVICES}/${file}`)
}

function hashOf(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 16)
}

/** Returns the paths in the project of the file at a path in this package, or of the files below it. */
function filesBelow(path: string): string[] {
    if (statSync(join(PACKAGE, path)).isFile()) return [ofPackage(path)]
    return readdirSync(join(PACKAGE, path)).flatMap(name => filesBelow(`${path}/${name}`))
}

/** Returns the paths in the project of the files that the program is made of, except DeviceScript's libraries. */
async function sources(program: Program, replaced: Replaced): Promise<string[]> {
    try {
        const { metafile } = await bundle({
            absWorkingDir: ROOT,
            entryPoints: program.map(locate),
            outdir: "unused",
            bundle: true,
            write: false,
            metafile: true,
            format: "esm",
            mainFields: ["main"],
            external: ["@devicescript/*", "@dsboard/*"],
            tsconfigRaw: {},
            plugins: [replacing(replaced)],
            logLevel: "silent",
        })
        return Object.keys(metafile.inputs).map(path => projectPath(resolve(ROOT, path)))
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
                const contents = replaced.get(projectPath(path))
                return contents === undefined ? undefined : { contents, loader: "ts" }
            })
        },
    }
}

/** Builds by the process at this socket, which builds for several. */
async function buildElsewhere(path: string, job: Job): Promise<void> {
    const { error } = await buildBy(path, job)
    if (error !== undefined) throw new BuildError(error)
}

/** Compiles and optimizes a program into `directory`. */
export async function build({ program, name, replaced, optimized, directory }: Job): Promise<void> {
    const own = program.at(-1) ?? ""
    // the compiler always writes to .devicescript/bin of its working directory (its option -o takes no value), and writes the
    // state of a git checkout into the image, so it runs in another directory, with links to the files here
    const work = await realpath(await mkdtemp(join(tmpdir(), "devicescript-tcp-")))
    try {
        await fillWorkFolder(work, new Map(replaced), dirname(CLI))
        const entry = program.length === 1 ? own : ENTRY
        if (entry === ENTRY) await writeFile(join(work, ENTRY), importsOf(program))
        const { output, failed } = await runCompiler(TOOL, entry, work)
        const built = join(work, ".devicescript", "bin")
        if (failed || !existsSync(join(built, IMAGE)))
            throw new BuildError(`${own} does not compile:\n${readable(output, work)}${advice(output)}`)
        await writeFile(MARK, cliVersion())
        const staged = await mkdtemp(join(OUTPUT, "staged-"))
        await finish(built, staged, own, optimized)
        await rename(staged, directory).catch(async (error: unknown) => {
            // another process broke the lock and was faster: its result is the same
            await rm(staged, { recursive: true, force: true })
            if (!existsSync(directory)) throw error
        })
    } finally {
        await rm(work, { recursive: true, force: true })
    }
    await forgetOldBuilds(name)
}

/** Returns what the compiler printed, without colours, and with the files' paths in the project. */
function readable(output: string, work: string): string {
    return stripVTControlCharacters(output).replaceAll(join(work, "/"), "")
}

/** Returns what to do about an error whose cause the compiler does not name. */
function advice(output: string): string {
    if (!/Property 'NetworkConsole' does not exist/.test(output)) return ""
    return "The serial console needs services/networkconsole.md in your project: npx devicescript-tcp init puts it there.\n"
}

/** Optimizes the compiler's image in `built` and writes it to `staged`. Throws when the VM rejects it. */
async function finish(built: string, staged: string, own: string, optimized: boolean): Promise<void> {
    const plain = readFileSync(join(built, IMAGE))
    const plainDebug = JSON.parse(readFileSync(join(built, DEBUG), "utf8")) as DebugFile
    const small = optimized ? optimize(plain, plainDebug) : undefined
    const image = small?.image ?? plain
    // an image that is too large is built only for its figures
    const fits = limitedBytes(readImage(image).functions) < CODE_LIMIT
    const refused = fits ? verifyByVm(image) : undefined
    if (refused !== undefined) throw new BuildError(`${own}: the VM rejects the image (${refused})`)
    await writeFile(join(staged, IMAGE), image)
    await writeFile(join(staged, DEBUG), JSON.stringify(small?.debug ?? plainDebug))
    if (small !== undefined) await writeFile(join(staged, REPORT), JSON.stringify(small.report))
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
    const tool = commandLineTool()
    if (tool === undefined) throw new BuildError(`@devicescript/cli is not installed: run ${INSTALL}`)
    return tool.version
}
