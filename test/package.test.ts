// The package as others get it, and the programs that the README shows.

import { execFileSync, spawnSync } from "node:child_process"
import {
    cpSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ROOT } from "../sim/build/build"

const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-package-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The TypeScript programs in a document, from a heading on if one is given. */
function programs(heading = "", document = "README.md"): string[] {
    const text = readFileSync(join(ROOT, document), "utf8")
    const start = text.indexOf(heading)
    expect(start, `a heading "${heading}" in ${document}`).toBeGreaterThanOrEqual(0)
    return [...text.slice(start).matchAll(/^```ts\n(.*?)^```/gms)].map(match => match[1]!)
}

test("the README begins with the shortest example as it is in src/examples", () => {
    // test/cli/program.test.ts runs it
    const readme = readFileSync(join(ROOT, "README.md"), "utf8")
    expect(/```(\w*)\n/.exec(readme)![1]).toBe("ts")
    // and the other one is built below
    expect(programs().length).toBe(2)
    expect(programs()[0]).toBe(readFileSync(join(ROOT, "src", "examples", "hello.ts"), "utf8"))
})

/** What `npm pack` makes of this checkout. */
let packed: string
beforeAll(() => {
    const output = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
        cwd: ROOT,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
    })
    const [{ filename }] = JSON.parse(output) as [{ filename: string }]
    packed = join(folder, filename)
})

/** A project of its own that has installed the package; `manifest` goes into its package.json. */
class Project {
    readonly path: string

    constructor(name: string, manifest: object = {}) {
        this.path = join(folder, name)
        const modules = join(this.path, "node_modules")
        const own = join(modules, "devicescript-tcp")
        mkdirSync(own, { recursive: true })
        execFileSync("tar", ["-xzf", packed, "-C", own, "--strip-components=1"])
        mkdirSync(join(modules, "@devicescript"))
        symlinkSync(join(ROOT, "node_modules", "@devicescript", "cli"), join(modules, "@devicescript", "cli"))
        cpSync(join(own, "boards"), join(this.path, "boards"), { recursive: true })
        this.write("package.json", JSON.stringify({ name, version: "1.0.0", private: true, ...manifest }))
        this.write("devsconfig.json", "{}")
        mkdirSync(join(this.path, "src"))
        this.write("src/main.ts", programs("## In your program")[0]!)
    }

    write(file: string, text: string): void {
        writeFileSync(join(this.path, file), text)
    }

    /** Runs a script of one of its packages; gives the exit code and what it said. */
    run(script: string, ...words: string[]): { status: number | null; output: string } {
        const env = { ...process.env, NO_UPDATE_NOTIFIER: "1" }
        const file = join(this.path, "node_modules", script)
        const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...words], {
            cwd: this.path,
            env,
            encoding: "utf8",
        })
        return { status, output: `${stdout}${stderr}` }
    }

    /** Builds its program with DeviceScript's own compiler; gives the bytes of the image. */
    build(): number {
        const { status, output } = this.run("@devicescript/cli/devicescript", "build", "src/main.ts")
        expect(status, output).toBe(0)
        return statSync(join(this.path, ".devicescript", "bin", "bytecode.devs")).size
    }

    features(): { status: number | null; output: string } {
        return this.run("devicescript-tcp/bin/devicescript-tcp.js", "features")
    }
}

/** What the programs of docs stand on, by their heading. */
const around: Record<string, string> = {
    "## Addresses by DHCP, hosts by name": `import { connect, dhcp, dns, startNetwork } from "devicescript-tcp"`,
    "## A web server": `import { addStatus, HttpBodies, HttpServer, startNetwork } from "devicescript-tcp"
const net = await startNetwork({ mac: board, ip: "10.0.0.2/24" })
const lines = 3
function lineAt(index: number): string {
    return "line " + index
}
function read(): number {
    return 20
}
function set(text: string): string {
    return text
}`,
}
const board = `import type { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/w5500_evb_pico"
import { W5500 } from "devicescript-tcp"
function board(address: Buffer): W5500 {
    const { W5500_MISO, W5500_CS, W5500_SCK, W5500_MOSI } = pins
    return new W5500({ miso: W5500_MISO, cs: W5500_CS, sck: W5500_SCK, mosi: W5500_MOSI, address, look: 200 })
}`

/** The programs of docs: document, heading, program. */
const documented = readdirSync(join(ROOT, "docs"))
    .filter(name => name.endsWith(".md"))
    .flatMap(name => {
        const text = readFileSync(join(ROOT, "docs", name), "utf8")
        const sections = text.split(/^(?=#+ )/m)
        return sections.flatMap(section =>
            [...section.matchAll(/^```ts\n(.*?)^```/gms)].map(
                match => [name, section.split("\n")[0]!, match[1]!] as const
            )
        )
    })

describe("a project that installs the package", () => {
    test.each(documented)("builds the program of docs/%s under %s", (_document, heading, program) => {
        const whole = program.includes(`from "devicescript-tcp"`)
        if (!whole) expect(Object.keys(around)).toContain(heading)
        const project = new Project(`docs-${documented.findIndex(one => one[2] === program)}`)
        project.write("src/main.ts", whole ? program : `${board}\n${around[heading]}\n${program}`)
        expect(project.build()).toBeGreaterThan(10_000)
    })

    test("builds the README's program with it", () => {
        expect(new Project("plain").build()).toBeGreaterThan(10_000)
    })

    test("leaves features out by a list in its package.json, and takes them back", () => {
        const project = new Project("small", { "devicescript-tcp": { without: ["SACK"] } })
        const all = project.build()
        expect(project.features()).toEqual({
            status: 0,
            output: "node_modules/devicescript-tcp/src/features.ts: without SACK\n",
        })
        expect(project.build()).toBeLessThan(all - 1000)
        // the name and the version are in the image, too
        project.write("package.json", JSON.stringify({ name: "small", version: "1.0.0", private: true }))
        expect(project.features().output).toContain("all features")
        expect(project.build()).toBe(all)
    })

    test("is told which feature it may have meant by an unknown one", () => {
        const project = new Project("misspelt", { "devicescript-tcp": { without: ["SAKC"] } })
        expect(project.features()).toEqual({
            status: 2,
            output: 'devicescript-tcp: unknown feature "SAKC": did you mean SACK?\n',
        })
    })

    test("is told that a linked package is not its own", () => {
        const project = new Project("linked", { "devicescript-tcp": { without: ["SACK"] } })
        const own = join(project.path, "node_modules", "devicescript-tcp")
        rmSync(own, { recursive: true })
        symlinkSync(join(folder, "plain", "node_modules", "devicescript-tcp"), own)
        const { status, output } = project.features()
        expect(status).toBe(2)
        expect(output).toMatch(/is a link to .*: run npm install --install-links .*\n$/)
    })
})
