// The program of a device as one script for the Node runtime: the same sources as in the image, with the stand-ins
// in the place of the runtime and the runtime's own libraries as the compiler leaves them.

import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"
import { BOARD, type Board, boardModule, pinsModule, readBoard } from "../board/boards"
import { ensureLibraries, importsOf, type Program, ROOT } from "../build/build"
import { FEATURES, featuresFile, leftOut } from "../build/features"

/** A bundled program. */
export interface Bundle {
    /** A script whose value is a function that starts the program. */
    code: string
    /** Its source map, as JSON. */
    map: string
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** On the VM the namespace is an object that programs write to: here it is core.ts's default export. */
const NAMESPACE = /import \* as (\w+) from "@devicescript\/core"/g

/** Puts the stand-ins, `features` (the text of src/features.ts) and the board in their places. */
const places = (features: string, board: Board): Plugin => ({
    name: "places",
    setup({ onResolve, onLoad }) {
        onResolve({ filter: /^@devicescript\/core$/ }, () => ({ path: here("core.ts") }))
        onResolve({ filter: /^@devicescript\/settings$/ }, () => ({ path: here("settings.ts") }))
        onResolve({ filter: /^@dsboard\// }, ({ path }) => ({ path: path.slice(9), namespace: "board" }))
        onResolve({ filter: /^\.\/environment$/ }, () => ({ path: here("device-environment.ts") }))
        onLoad({ filter: /.*/, namespace: "board" }, ({ path }) => ({
            contents: pinsModule(path === board.name ? board : readBoard(path), here("board.ts")),
            loader: "ts",
            resolveDir: ROOT,
        }))
        onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const own = path === join(ROOT, FEATURES) ? features : undefined
            const text =
                own ?? (path === join(ROOT, BOARD) ? boardModule(board) : await readFile(path, "utf8"))
            return {
                contents: text.replaceAll(NAMESPACE, 'import $1 from "@devicescript/core"'),
                loader: "ts",
            }
        })
    },
})

/**
 * Bundles a program; `without` names the features that it leaves out. Throws with all errors when it cannot be bundled, a
 * FeatureError when it cannot do without those.
 */
export async function bundleProgram(
    program: Program,
    board: Board = readBoard(),
    without: readonly string[] = leftOut()
): Promise<Bundle> {
    const features = featuresFile(without)
    await ensureLibraries()
    const result = await build({
        absWorkingDir: ROOT,
        stdin: {
            contents: `import ${JSON.stringify(here("globals.ts"))}\n${importsOf(program)}`,
            resolveDir: ROOT,
            sourcefile: "program.ts",
        },
        outfile: "program.js",
        bundle: true,
        write: false,
        format: "esm",
        target: "es2022",
        mainFields: ["main"],
        sourcemap: "external",
        tsconfigRaw: {},
        plugins: [places(features, board)],
        logLevel: "silent",
    })
    const text = (name: string) => result.outputFiles.find(file => file.path.endsWith(name))!.text
    // modules of this project may wait at their top level, which only a function can; it is a line more before all others
    const map = JSON.parse(text(".map")) as { mappings: string }
    map.mappings = `;${map.mappings}`
    return { code: `(async () => {\n${text(".js")}\n})`, map: JSON.stringify(map) }
}
