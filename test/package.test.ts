// The package as others get it, and the programs that the README shows.

import { execFileSync } from "node:child_process"
import {
    cpSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { ROOT } from "../sim/build"

const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-package-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The code blocks of a language in the README, behind a heading if one is given. */
function blocks(language: string, heading = ""): string[] {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8")
    const start = readme.indexOf(heading)
    expect(start, `a heading "${heading}"`).toBeGreaterThanOrEqual(0)
    return [...readme.slice(start).matchAll(/```(\w*)\n(.*?)```/gs)]
        .filter(match => match[1] === language)
        .map(match => match[2]!)
}

test("the README begins with the shortest example, as it is", () => {
    // test/cli/program.test.ts runs it
    const readme = readFileSync(join(ROOT, "README.md"), "utf8")
    expect(/```(\w*)\n/.exec(readme)![1]).toBe("ts")
    expect(blocks("ts")[0]).toBe(readFileSync(join(ROOT, "src", "examples", "hello.ts"), "utf8"))
})

describe("a project that installs the package", () => {
    test("builds the README's program with it", () => {
        const [name] = JSON.parse(
            execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
                cwd: ROOT,
                encoding: "utf8",
                stdio: ["ignore", "pipe", "ignore"],
            })
        ).map((made: { filename: string }) => made.filename)
        const project = join(folder, "project")
        const modules = join(project, "node_modules")
        mkdirSync(join(modules, "devicescript-tcp"), { recursive: true })
        execFileSync("tar", [
            "-xzf",
            join(folder, name),
            "-C",
            join(modules, "devicescript-tcp"),
            "--strip-components=1",
        ])
        mkdirSync(join(modules, "@devicescript"))
        symlinkSync(join(ROOT, "node_modules", "@devicescript", "cli"), join(modules, "@devicescript", "cli"))
        mkdirSync(join(project, "boards"))
        cpSync(join(modules, "devicescript-tcp", "boards"), join(project, "boards"), { recursive: true })
        writeFileSync(
            join(project, "package.json"),
            '{ "name": "mine", "version": "1.0.0", "private": true }'
        )
        writeFileSync(join(project, "devsconfig.json"), "{}")
        mkdirSync(join(project, "src"))
        writeFileSync(join(project, "src", "main.ts"), blocks("ts", "## In your program")[0]!)
        execFileSync(
            process.execPath,
            [join(modules, "@devicescript", "cli", "devicescript"), "build", "src/main.ts"],
            {
                cwd: project,
                env: { ...process.env, NO_UPDATE_NOTIFIER: "1" },
                stdio: "ignore",
            }
        )
        expect(statSync(join(project, ".devicescript", "bin", "bytecode.devs")).size).toBeGreaterThan(10_000)
    })
})
