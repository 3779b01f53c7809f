// Builds images with the installed DeviceScript compiler (sim/budget/cli.ts is `npm run build`).

import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { layoutOf } from "./budget/layout"
import { CODE_LIMIT } from "./budget/limits"
import { describeExcess } from "./budget/over"
import { locked } from "./build-lock"
import { FEATURES, featuresFile, leftOut } from "./features"
import { verifyImage } from "./vm/verify"

export const ROOT = fileURLToPath(new URL("..", import.meta.url))
const OUTPUT = join(ROOT, ".devicescript", "sim")
const CLI = join(ROOT, "node_modules", "@devicescript", "cli")
/** Holds the version of the libraries that the compiler has written next to it. */
const MARK = join(ROOT, "node_modules", "@devicescript", ".written")
/** Imports the modules of a program that has more than one. */
const ENTRY = "program.ts"
const IMAGE = "bytecode.devs"
const DEBUG = "bytecode-dbg.json"
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
    /** Bytes in the image. */
    size: number
    /** What of them the VM's limit of code counts. */
    code: number
}

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
 * Compiles a program unless nothing has changed since the last time. `title` tells builds apart; `without` names the features
 * that it leaves out. Throws a BuildError when it does not compile, TooLarge when no VM takes it, a FeatureError when it cannot
 * do without those. May run in several processes at once.
 */
export async function buildImage(
    program: Program,
    title: string,
    without: readonly string[] = leftOut()
): Promise<Image> {
    const built = await compileImage(program, title, without)
    if (built.code < CODE_LIMIT) return built
    throw new TooLarge(describeExcess(built, program[program.length - 1]))
}

/** The same for a program of any size. */
export async function compileImage(
    program: Program,
    title: string,
    without: readonly string[] = leftOut()
): Promise<Image> {
    const features = featuresFile(without)
    const name = without.length === 0 ? title : `${title}-${hashOf(features).slice(0, 8)}`
    const directory = join(OUTPUT, `${name}-${await fingerprint(program, features)}`)
    if (!existsSync(directory)) {
        await mkdir(OUTPUT, { recursive: true })
        // until the libraries are there only one build may run: each would write them
        const lock = librariesComplete() ? `lock-${name}` : "lock"
        await locked(join(OUTPUT, lock), async () => {
            if (!existsSync(directory)) await compile(program, name, features, directory)
        })
    }
    const image = join(directory, IMAGE)
    const { code } = layoutOf(readFileSync(image))
    return { image, debug: join(directory, DEBUG), size: statSync(image).size, code }
}

/** Makes sure that the sources of @devicescript/spi and the like are there; the compiler writes them. */
export async function ensureLibraries(): Promise<void> {
    if (!librariesComplete()) await buildImage(behindPipe("src/main.ts"), "host")
}

/** Whether a build has left all of the libraries; `npm ci` removes them. */
function librariesComplete(): boolean {
    return existsSync(MARK) && readFileSync(MARK, "utf8") === cliVersion()
}

/** Depends on everything that goes into the image. */
async function fingerprint(program: Program, features: string): Promise<string> {
    const boards = readdirSync(join(ROOT, "boards")).filter(file => file.endsWith(".board.json"))
    const files = [
        "devsconfig.json",
        "package.json",
        ...boards.map(file => `boards/${file}`),
        ...(await sources(program)),
    ]
    const parts = files.sort().map(file => {
        return `${file}\n${file === FEATURES ? features : readFileSync(join(ROOT, file), "utf8")}`
    })
    return hashOf(`${cliVersion()}\n${program.join()}\n${parts.join("")}`)
}

function hashOf(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 16)
}

/** The files of this project that the program is made of. */
async function sources(program: Program): Promise<string[]> {
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
            logLevel: "silent",
        })
        return Object.keys(metafile.inputs)
    } catch {
        // what is wrong with it the compiler will say
        return [...program]
    }
}

async function compile(program: Program, name: string, features: string, directory: string): Promise<void> {
    const own = program.at(-1) ?? ""
    const progress = process.stderr.isTTY
    if (progress) process.stderr.write(`building ${name} ...`)
    // the compiler always writes to .devicescript/bin of the working directory (its option -o takes no value), and
    // it puts the state of a git checkout into the image: so it works elsewhere, on links to what is here
    const work = await mkdtemp(join(tmpdir(), "devicescript-tcp-"))
    try {
        await linkTo(ROOT, work, [".git", ".devicescript", "src"])
        await mkdir(join(work, "src"))
        await linkTo(join(ROOT, "src"), join(work, "src"), ["features.ts"])
        await writeFile(join(work, FEATURES), features)
        const entry = program.length === 1 ? own : ENTRY
        if (entry === ENTRY) await writeFile(join(work, ENTRY), importsOf(program))
        const { output, failed } = await runCompiler(entry, work)
        const built = join(work, ".devicescript", "bin")
        if (failed || !existsSync(join(built, IMAGE))) {
            throw new BuildError(`${own} does not compile:\n${output}`)
        }
        const bytes = readFileSync(join(built, IMAGE))
        const wrong = layoutOf(bytes).code < CODE_LIMIT ? verifyImage(bytes) : 0
        if (wrong !== 0) throw new BuildError(`${own}: the VM does not take its image (error ${wrong})`)
        await writeFile(MARK, cliVersion())
        const staged = await mkdtemp(join(OUTPUT, "staged-"))
        for (const file of [IMAGE, DEBUG]) await cp(join(built, file), join(staged, file))
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

/** Links all that is in a folder into another one, but for a few names. */
async function linkTo(from: string, to: string, except: readonly string[]): Promise<void> {
    for (const file of readdirSync(from)) {
        if (!except.includes(file)) await symlink(join(from, file), join(to, file))
    }
}

/** Runs the compiler in `work` and gives what it printed. */
function runCompiler(entry: string, work: string): Promise<{ output: string; failed: boolean }> {
    const script = join(CLI, "devicescript")
    const env = { ...process.env, NO_UPDATE_NOTIFIER: "1" }
    return new Promise(resolvePromise => {
        const options = { cwd: work, env, maxBuffer: 1 << 26 }
        // what it compiled is verified here, where the limit of code has words of its own
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
