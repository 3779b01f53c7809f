// Compiles modules for Node, with all that they import: the package's command and its modules for tests.

import { build } from "esbuild"
import { PACKAGE } from "../build/places"
import { ALIASES } from "../node/packages"
import { specialized } from "../node/specialize"

/** Packages that are loaded from the user's project, some only when they are used. */
const EXTERNAL = ["@devicescript/cli", "esbuild", "koffi", "serialport", "typescript", "vite", "vitest"]
/** CommonJS modules that are compiled in ask for Node's modules by `require`. */
const BANNER = `import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);`

/** Writes the compiled modules into `folder`, each with its name. `modules` are the sources by name, paths in this package. */
export async function compile(modules: { [name: string]: string }, folder: string): Promise<void> {
    await build({
        absWorkingDir: PACKAGE,
        entryPoints: modules,
        outdir: folder,
        chunkNames: "parts/[name]-[hash]",
        bundle: true,
        splitting: true,
        format: "esm",
        platform: "node",
        target: "node20",
        external: EXTERNAL,
        alias: ALIASES,
        plugins: [specialized],
        tsconfigRaw: {},
        banner: { js: BANNER },
        logLevel: "warning",
    })
}
