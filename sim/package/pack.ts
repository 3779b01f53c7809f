// Compiles what the package has for Node into dist (`npm pack` runs it): the command, and the modules for tests.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative, resolve } from "node:path"
import ts from "typescript"
import { PACKAGE } from "../build/places"
import { compile } from "./compile"

const DIST = join(PACKAGE, "dist")
/** The compiled modules by name, each with its source. */
const MODULES = {
    main: "sim/command/main.ts",
    testing: "sim/testing/index.ts",
    matchers: "sim/testing/setup.ts",
    vitest: "sim/testing/vitest.ts",
}
/** The modules whose types users import. */
const TYPED = ["testing", "vitest"] as const
/** Packages whose code is compiled in. Their licenses go with it. */
const COMPILED_IN = ["commander", "jacdac-ts"]
/** Matches a relative import in declarations: what is before the name, the name without its ending. */
const RELATIVE = /((?:from|import\()\s*)"(\.{1,2}\/[^"]+?)(?:\.ts)?"/g

rmSync(DIST, { recursive: true, force: true })
await compile(MODULES, DIST)
writeLicenses()
writeTypes()

function writeLicenses(): void {
    const require = createRequire(join(PACKAGE, "package.json"))
    const texts = COMPILED_IN.map(name => {
        const folder = join(require.resolve(name).split(`node_modules/${name}`)[0]!, "node_modules", name)
        const license = readdirSync(folder).find(file => /^licen[cs]e/i.test(file))
        if (license === undefined) throw new Error(`${name} has no license file`)
        return `${name}\n\n${readFileSync(join(folder, license), "utf8").trim()}\n`
    })
    writeFileSync(join(DIST, "LICENSES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`))
}

/** Writes the type declarations of the typed modules, and of the modules that these name. */
function writeTypes(): void {
    const config = ts.readConfigFile(join(PACKAGE, "tsconfig.json"), ts.sys.readFile).config
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, PACKAGE)
    const roots = TYPED.map(name => join(PACKAGE, MODULES[name]))
    const all = new Map<string, string>()
    const program = ts.createProgram(roots, {
        ...options,
        noEmit: false,
        incremental: false,
        tsBuildInfoFile: undefined,
        declaration: true,
        emitDeclarationOnly: true,
        allowImportingTsExtensions: false,
        stripInternal: true,
        rootDir: PACKAGE,
        outDir: join(DIST, "types"),
    })
    program.emit(undefined, (path, text) => all.set(path, text), undefined, true)
    const waiting = TYPED.map(name => join(DIST, "types", MODULES[name].replace(/\.ts$/, ".d.ts")))
    for (const path of waiting) {
        if (existsSync(path)) continue
        const text = all.get(path)
        if (text === undefined) throw new Error(`no declarations for ${relative(DIST, path)}`)
        mkdirSync(dirname(path), { recursive: true })
        // imports with the ending .js: a project may resolve modules as Node does
        const named = text.replaceAll(RELATIVE, (_, before, name) => `${before}"${name}.js"`)
        writeFileSync(path, named)
        for (const [, , name = ""] of text.matchAll(RELATIVE)) {
            waiting.push(`${resolve(dirname(path), name)}.d.ts`)
        }
    }
}
