// Node runtime: bundles a program into one script. The bundle has the same sources as the image, with this folder's files instead
// of the VM's built-in packages, and DeviceScript's libraries as the compiler writes them.

import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { build, type Plugin } from "esbuild"
import { type Board, boardFile, boardFiles, boardNames, pinsModule, readBoard } from "../board/boards"
import { ensureLibraries, type Program, ROOT } from "../build/build"
import { MadeOfFiles } from "../build/changes"
import { FEATURES, featuresFile, leftOut } from "../build/features"
import { locate, projectPath } from "../build/places"
import { nodeFile } from "./packages"
import { isStack, specialize } from "./specialize"

/** A bundled program. */
export interface Bundle {
    /** A script whose value is a function that starts the program. */
    code: string
    /** The script's source map, as JSON. */
    map: string
}

/** Matches an import of DeviceScript's namespace. Programs write to it as an object, so they get core.ts's default export. */
const NAMESPACE = /import \* as (\w+) from "@devicescript\/core"/g

/** Returns an esbuild plugin that inserts this folder's files, `files` (texts by path in this project) and the board's pins. */
const places = (files: ReadonlyMap<string, string>, board: Board): Plugin => ({
    name: "places",
    setup({ onResolve, onLoad }) {
        onResolve({ filter: /^@devicescript\/core$/ }, () => ({ path: nodeFile("core") }))
        onResolve({ filter: /^@devicescript\/(settings|server)$/ }, ({ path }) => ({
            path: nodeFile(path.slice(14)),
        }))
        onResolve({ filter: /^@dsboard\// }, ({ path }) => ({ path: path.slice(9), namespace: "board" }))
        onResolve({ filter: /^\.\/environment$/ }, () => ({ path: nodeFile("device-environment") }))
        onLoad({ filter: /.*/, namespace: "board" }, ({ path }) => ({
            contents: pinsModule(path === board.name ? board : readBoard(path), nodeFile("board")),
            loader: "ts",
            resolveDir: ROOT,
        }))
        onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const own = files.get(projectPath(path))
            const text = own ?? (await readFile(path, "utf8"))
            const contents = isStack(path) ? specialize(text, files.get(FEATURES)!) : text
            return {
                contents: contents.replaceAll(NAMESPACE, 'import $1 from "@devicescript/core"'),
                loader: "ts",
            }
        })
    },
})

/**
 * A field without an initial value has none before the constructor sets it, as on the VM. With undefined at first, V8 knows less about
 * the values that it has later.
 */
export const TSCONFIG = { compilerOptions: { useDefineForClassFields: false } }

const bundles = new MadeOfFiles<Bundle>()

/**
 * Bundles a program without the features in `without`. Throws an error with all messages when the program cannot be bundled,
 * a FeatureError when the features cannot be left out.
 */
export async function bundleProgram(
    program: Program,
    board: Board = readBoard(),
    without: readonly string[] = leftOut()
): Promise<Bundle> {
    const files = boardFiles(board).set(FEATURES, featuresFile(without))
    await ensureLibraries()
    return await bundles.get(JSON.stringify([program, board, [...files]]), () =>
        bundle(program, board, files)
    )
}

async function bundle(
    program: Program,
    board: Board,
    files: Map<string, string>
): Promise<{ value: Bundle; files: string[] }> {
    const result = await build({
        absWorkingDir: ROOT,
        stdin: {
            contents: `import ${JSON.stringify(nodeFile("globals"))}\n${program.map(module => `import ${JSON.stringify(locate(module))}\n`).join("")}`,
            resolveDir: ROOT,
            sourcefile: "program.ts",
        },
        outfile: "program.js",
        bundle: true,
        write: false,
        metafile: true,
        format: "esm",
        target: "es2022",
        mainFields: ["main"],
        nodePaths: [join(ROOT, "node_modules")],
        sourcemap: "external",
        // a debugger shows the sources as they are in their files
        sourcesContent: false,
        tsconfigRaw: TSCONFIG,
        plugins: [places(files, board)],
        logLevel: "silent",
    })
    const text = (name: string) => result.outputFiles.find(file => file.path.endsWith(name))!.text
    // a module may await at its top level, so the script is an async function; which adds a line before the first line of the
    // sources
    const map = JSON.parse(text(".map")) as { mappings: string }
    map.mappings = `;${map.mappings}`
    const inputs = Object.keys(result.metafile.inputs).map(path => resolve(ROOT, path))
    return {
        value: { code: `(async () => {\n${text(".js")}\n})`, map: JSON.stringify(map) },
        // without the modules of pins, which are made of the boards' files
        files: [
            ...inputs.filter(path => existsSync(path)),
            ...boardNames().map(name => locate(boardFile(name))),
        ],
    }
}
