// The plan of the house (docs/architecture.md): each folder of src/ knows only those above it, nothing in src/ knows Node or the
// simulator, and no files import each other in a circle, types included.

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { expect, test } from "vitest"

const ROOT = resolve(import.meta.dirname, "..")
const SRC = join(ROOT, "src")
const ORDER = [
    "base",
    "wire",
    "tcp",
    "net",
    "mac",
    "socket",
    "http",
    "inspect",
    "device",
    "selftest",
    "examples",
]
/** The program's own settings, which know no layer; any file may ask for them. */
const SETTINGS = ["features", "boot"]

const files = filesIn("src")

function filesIn(folder: string): string[] {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    return names.filter(name => name.endsWith(".ts")).map(name => name.replaceAll("\\", "/"))
}

/** What a file imports or re-exports, as it is written there; `import()` and `import type` included. */
function importsOf(path: string): string[] {
    const text = readFileSync(path, "utf8")
    const written = text.matchAll(
        /(?:^(?:import|\}|export (?:type )?[*{])(?: ?[^"=]*from)? |\bimport\()"([^"]+)"/gm
    )
    return [...written].map(match => match[1]!)
}

/** The imports of a file in src from src itself, as paths in it without the ending. */
function own(file: string): string[] {
    return importsOf(join(SRC, file))
        .filter(name => name.startsWith("."))
        .map(name => relative(SRC, resolve(SRC, dirname(file), name)).replaceAll("\\", "/"))
}

// examples are programs, as those in src itself are
test.each(files.filter(file => file.includes("/") && !/^(examples|gallery)\//.test(file)))(
    "src/%s imports only from its own layer and those before it in the order",
    file => {
        const layer = ORDER.indexOf(file.split("/")[0]!)
        expect(layer, "a folder that is not in the list").toBeGreaterThanOrEqual(0)
        for (const name of own(file)) {
            if (SETTINGS.includes(name)) continue
            const folder = name.split("/")[0]!
            expect(ORDER.indexOf(folder), `${file} imports ${name}`).toBeLessThanOrEqual(layer)
            expect(ORDER.indexOf(folder), `${file} imports ${name}`).toBeGreaterThanOrEqual(0)
        }
    }
)

test.each(files.filter(file => file.startsWith("base/")))(
    "src/%s imports nothing from outside base",
    file => {
        for (const name of own(file)) expect(name).toMatch(/^base\//)
    }
)

test.each(SETTINGS)("src/%s.ts imports nothing", name => {
    expect(own(`${name}.ts`)).toEqual([])
})

test.each(files)("src/%s imports only DeviceScript's packages", file => {
    for (const name of importsOf(join(SRC, file)))
        expect(name).toMatch(/^(\.{1,2}\/|@devicescript\/|@dsboard\/)/)
})

test("no files of src, sim and boards import each other in a circle", () => {
    expect(circles()).toEqual([])
})

/** The circles among the files of src, sim and boards, each as the paths along it. */
function circles(): string[] {
    const paths = ["src", "sim", "boards"].flatMap(folder =>
        filesIn(folder).map(name => join(ROOT, folder, name))
    )
    const known = new Set(paths)
    const targets = (path: string) =>
        importsOf(path)
            .filter(name => name.startsWith("."))
            .map(name => resolve(dirname(path), name))
            .flatMap(base => [base, `${base}.ts`, `${base}.d.ts`].filter(name => known.has(name)))
    const done = new Set<string>()
    const found: string[] = []
    const walk = (path: string, way: string[]) => {
        const start = way.indexOf(path)
        if (start >= 0) {
            found.push([...way.slice(start), path].map(name => relative(ROOT, name)).join(" > "))
            return
        }
        if (done.has(path)) return
        for (const target of targets(path)) walk(target, [...way, path])
        done.add(path)
    }
    for (const path of paths) walk(path, [])
    return found
}

test("every import of a file of this project leads to one", () => {
    // or the search for circles would miss what it cannot resolve
    for (const folder of ["src", "sim", "boards"]) {
        for (const name of filesIn(folder)) {
            const path = join(ROOT, folder, name)
            for (const spec of importsOf(path).filter(text => text.startsWith("."))) {
                const base = resolve(dirname(path), spec)
                const there = [base, `${base}.ts`, `${base}.d.ts`].some(candidate => existsSync(candidate))
                expect(there, `${folder}/${name} imports ${spec}`).toBe(true)
            }
        }
    }
})

test.each(["sim/command/main.ts", "sim/command/simulate.ts", "sim/analysis/cli.ts"])(
    "the help of %s comes without loading what runs a device, builds a program or draws a capture",
    start => {
        const loaded = [...loadedBy(join(ROOT, start))].map(path =>
            relative(ROOT, path).replaceAll("\\", "/")
        )
        expect(
            loaded.filter(path => !/^sim\/(command|options|build|deploy|optimizer|analysis)\//.test(path))
        ).toEqual(loaded.filter(path => path === "sim/run/interruption.ts"))
        for (const heavy of ["sim/build/build.ts", "sim/optimizer/optimize.ts", "sim/analysis/drawing.ts"])
            expect(loaded).not.toContain(heavy)
        expect(loaded.length).toBeLessThan(16)
    }
)

/** The files that a file loads at once: without those that it imports by `import()`, or for their types only. */
function loadedBy(path: string, found = new Set<string>()): Set<string> {
    if (found.has(path)) return found
    found.add(path)
    const text = readFileSync(path, "utf8")
    const written = text.matchAll(/^(?:import (?!type)|\}|export (?:\*|\{))(?: ?[^"=]*from)? ?"(\.[^"]+)"/gm)
    for (const [, spec = ""] of written) {
        const base = resolve(dirname(path), spec)
        const target = [base, `${base}.ts`].find(
            candidate => candidate.endsWith(".ts") && existsSync(candidate)
        )
        if (target !== undefined) loadedBy(target, found)
    }
    return found
}
