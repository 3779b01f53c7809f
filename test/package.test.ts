// The package as others get it, and the programs that the README shows.

import { execFileSync, spawn, spawnSync } from "node:child_process"
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
import { isBuiltin } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import ts from "typescript"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ROOT } from "../sim/build/build"

const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-package-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The programs in a document, in one language, from a heading on if one is given. */
function programs(heading = "", document = "README.md", language = "ts"): string[] {
    const text = readFileSync(join(ROOT, document), "utf8")
    const start = text.indexOf(heading)
    expect(start, `a heading "${heading}" in ${document}`).toBeGreaterThanOrEqual(0)
    return [...text.slice(start).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
        match => match[1]!
    )
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
let listed: { filename: string; unpackedSize: number; files: { path: string }[] }
beforeAll(() => {
    const npm = (...words: string[]) =>
        execFileSync("npm", words, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
    // apart, as its output would be among that of --json
    npm("run", "--silent", "prepack")
    const output = npm("pack", "--json", "--silent", "--ignore-scripts", "--pack-destination", folder)
    listed = (JSON.parse(output) as [typeof listed])[0]
    packed = join(folder, listed.filename)
}, 240_000)

/** The end of a process: its exit code, what it printed to standard output, and all that it printed. */
interface Ran {
    status: number | null
    stdout: string
    output: string
}

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
        for (const name of ["@devicescript/cli", "esbuild", "vitest", "vite"]) {
            symlinkSync(join(ROOT, "node_modules", name), join(modules, name))
        }
        for (const folder of ["boards", "services"])
            cpSync(join(own, folder), join(this.path, folder), { recursive: true })
        this.write("package.json", JSON.stringify({ name, version: "1.0.0", private: true, ...manifest }))
        this.write("devsconfig.json", "{}")
        mkdirSync(join(this.path, "src"))
        this.write("src/main.ts", programs("## In your program")[0]!)
    }

    write(file: string, text: string): void {
        writeFileSync(join(this.path, file), text)
    }

    /** Runs a script of one of its packages; returns the exit code and what it said. */
    run(script: string, ...words: string[]): Ran {
        const env = { ...process.env, NO_UPDATE_NOTIFIER: "1" }
        const file = join(this.path, "node_modules", script)
        const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...words], {
            cwd: this.path,
            env,
            encoding: "utf8",
        })
        return { status, stdout, output: `${stdout}${stderr}` }
    }

    /** Builds its program with DeviceScript's own compiler; returns the bytes of the image. */
    build(...options: string[]): number {
        const words = ["build", ...options, "src/main.ts"]
        const { status, output } = this.run("@devicescript/cli/devicescript", ...words)
        expect(status, output).toBe(0)
        return statSync(join(this.path, ".devicescript", "bin", "bytecode.devs")).size
    }

    /** Runs the package's command. */
    command(...words: string[]): Ran {
        return this.run("devicescript-tcp/bin/devicescript-tcp.js", ...words)
    }

    features(): Ran {
        return this.command("features")
    }
}

/** What the programs of docs stand on, by their heading. */
const around: Record<string, string> = {
    "# Errors": `import { sleep } from "@devicescript/core"
import { connect, type NetError, startNetwork } from "devicescript-tcp"
await startNetwork({ mac: board, ip: "10.0.0.2/24" })`,
    "## Tests on the device": `function brightness(step: number): number {
    return step * 2
}`,
    "## Sockets": `import { listen, startNetwork } from "devicescript-tcp"
await startNetwork({ mac: board, ip: "10.0.0.2/24" })`,
    "## Settings": `import { startNetwork } from "devicescript-tcp"`,
    "## Addresses by DHCP, hosts by name": `import { connect, dhcp, dns, startNetwork } from "devicescript-tcp"`,
    "## A console on the USB cable": `import { startNetwork } from "devicescript-tcp"
const net = await startNetwork({ mac: board, ip: "10.0.0.2/24" })`,
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
    test("builds the programs of docs/ with it, as modules of one program", () => {
        const project = new Project("docs")
        const names = documented.map(([document, heading, program], i) => {
            const whole = program.includes(`from "devicescript-tcp"`)
            if (!whole) expect(Object.keys(around), document).toContain(heading)
            project.write(`src/docs${i}.ts`, whole ? program : `${board}\n${around[heading]}\n${program}`)
            return `./docs${i}`
        })
        expect(names.length).toBeGreaterThan(3)
        project.write("src/main.ts", names.map(name => `import "${name}"\n`).join(""))
        // together they have more code than the VM takes
        expect(project.build("--no-verify")).toBeGreaterThan(10_000)
    }, 120_000)

    test("builds the README's program, leaves features out by a list in its package.json, and takes them back", () => {
        const project = new Project("plain")
        const all = project.build()
        expect(all).toBeGreaterThan(10_000)
        const without = (...features: string[]) =>
            project.write(
                "package.json",
                JSON.stringify({
                    name: "plain",
                    version: "1.0.0",
                    private: true,
                    "devicescript-tcp": { without: features },
                })
            )
        without("SACK")
        expect(project.features()).toMatchObject({
            status: 0,
            output: "node_modules/devicescript-tcp/src/features.ts: without SACK\n",
        })
        expect(project.build()).toBeLessThan(all - 1000)
        without()
        expect(project.features().output).toContain("all features")
        expect(project.build()).toBe(all)
    }, 240_000)

    test("is told which feature it may have meant by an unknown one", () => {
        const project = new Project("misspelt", { "devicescript-tcp": { without: ["SAKC"] } })
        expect(project.features()).toMatchObject({
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

describe("what npm would publish", () => {
    test("has the device's sources, the compiled modules, documents, and nothing else", () => {
        const files = listed.files.map(({ path }) => path)
        for (const path of files) {
            expect(path).toMatch(
                /^(src\/.*\.ts|sim\/node\/\w+(-\w+)*(\.d)?\.ts|sim\/device\/runtime\.ts|sim\/ui\/page\/\w+\.(js|css|html)|boards\/.*\.(ts|json)|dist\/.*\.(js|d\.ts|txt)|bin\/(compiler|devicescript-tcp)\.js|docs\/[\w-]+\.md|services\/\w+\.md|template\/[\w.-]+|README\.md|LICENSE|package\.json|devsconfig\.json)$/
            )
        }
        for (const path of [
            "src/index.ts",
            "dist/main.js",
            "dist/testing.js",
            "dist/LICENSES.txt",
            "sim/ui/page/page.html",
        ]) {
            expect(files).toContain(path)
        }
        // what docs/testing.md says of the installed size
        expect(listed.unpackedSize).toBeLessThan(4_000_000)
    })

    test("asks for no package that it does not declare", () => {
        const { dependencies, peerDependencies } = JSON.parse(
            readFileSync(join(ROOT, "package.json"), "utf8")
        ) as Record<string, Record<string, string>>
        const declared = [...Object.keys(dependencies!), ...Object.keys(peerDependencies!)]
        // what a message says to install, or what is left out without it
        const optional = ["serialport", "typescript"]
        const found = listed.files
            .filter(({ path }) => /^dist\/.*\.js$/.test(path))
            .flatMap(({ path }) => {
                const text = readFileSync(join(ROOT, path), "utf8")
                return [...text.matchAll(/^(?:import|export)\b[^"\n]*?"([^".][^"]*)"/gm)].map(
                    ([, name]) => name!
                )
            })
        const packages = new Set(
            found
                .filter(name => /^[\w@/:.-]+$/.test(name) && !isBuiltin(name))
                .map(name => name.replace(/\/config$/, ""))
        )
        for (const name of packages) expect([...declared, ...optional]).toContain(name)
    })

    test.each([
        ["node10", "es2022"],
        ["bundler", "preserve"],
        ["node16", "node16"],
    ])("has types for tests that resolve modules as %s does", (moduleResolution, module) => {
        const project = new Project(`types-${moduleResolution}`, { type: "module" })
        project.write(
            "use.ts",
            `import { check, lab, type Lab } from "devicescript-tcp/testing"
import { devicescript } from "devicescript-tcp/vitest"
const net: Lab = await lab({ loss: 0.1, seed: 7 })
const board = await net.device()
const segments: string[] = board.segments({ port: 7 })
check(board).toHaveSegments(segments)
const name: string = devicescript().name
console.log(name)
// @ts-expect-error: a number is not a program
await net.device(7)
`
        )
        const program = ts.createProgram([join(project.path, "use.ts")], {
            ...ts.convertCompilerOptionsFromJson(
                { moduleResolution, module, target: "es2022", lib: ["es2022"], types: ["node"] },
                project.path
            ).options,
            typeRoots: [join(ROOT, "node_modules", "@types")],
            strict: true,
            noEmit: true,
            // vitest's own declarations have errors where vite's are not installed
            skipLibCheck: true,
        })
        const errors = ts.getPreEmitDiagnostics(program)
        expect(
            ts.formatDiagnostics(errors, {
                ...ts.sys,
                getCanonicalFileName: name => name,
                getNewLine: () => "\n",
            })
        ).toBe("")
    })
})

describe("the command in a project that DeviceScript's own init has made", () => {
    let fresh: Project
    beforeAll(() => {
        fresh = new Project("fresh")
        for (const path of ["src", "boards", "services", "devsconfig.json", "package.json"]) {
            rmSync(join(fresh.path, path), { recursive: true })
        }
        expect(fresh.run("@devicescript/cli/devicescript", "init", "--no-install").status).toBe(0)
    })
    const read = (path: string) => readFileSync(join(fresh.path, path), "utf8")

    test("init adds board, program, test, settings and scripts, and overwrites nothing", () => {
        const { status, output } = fresh.command("init")
        expect(status, output).toBe(0)
        expect(output).toMatch(/^src\/main\.ts +written; it was DeviceScript's first program, unchanged$/m)
        expect(read("src/main.ts")).toContain(`from "devicescript-tcp"`)
        // the compiler reads the service of the serial console in the project only
        expect(read("services/networkconsole.md")).toContain("identifier: 0x1c6a3e9f")
        const scripts = JSON.parse(read("package.json")).scripts as Record<string, string>
        expect(scripts).toMatchObject({
            sim: "devicescript-tcp sim",
            "test:network": "devicescript-tcp test",
            // DeviceScript's own
            start: "npm run watch",
        })
        fresh.write("test/network.test.ts", "// mine\n")
        const before = read("package.json")
        const again = fresh.command("init")
        expect(again.status).toBe(0)
        expect(again.output).toMatch(/^src\/main\.ts +is there already$/m)
        expect(again.output).toMatch(/^test\/network\.test\.ts +is yours, and stays as it is$/m)
        expect(read("test/network.test.ts")).toBe("// mine\n")
        expect(read("package.json")).toBe(before)
        rmSync(join(fresh.path, "test", "network.test.ts"))
        expect(fresh.command("init").status).toBe(0)
    })

    test("init leaves a program of the user alone and writes its own beside it", () => {
        const project = new Project("own-main")
        const { output } = project.command("init")
        expect(output).toMatch(/^src\/hello\.ts +written$/m)
        expect(output).toContain("npx devicescript-tcp sim --once src/hello.ts\n")
        expect(readFileSync(join(project.path, "src", "main.ts"), "utf8")).toBe(
            programs("## In your program")[0]!
        )
    })

    test.each(["vm", "node"])(
        "sim --once shows the handshake of the user's own program, on %s",
        runtime => {
            const { status, stdout, output } = fresh.command("sim", "--once", "--runtime", runtime)
            expect(status, output).toBe(0)
            expect(stdout).toMatch(/SYN-SENT \| +SYN +seq/)
            expect(stdout).toMatch(/ESTABLISHED \|<-/)
            expect(stdout).toContain("\nhello, world\n")
            expect(stdout).toMatch(/\nsrc\/main\.ts: 1 connection was established\n$/)
        },
        240_000
    )

    test("sim shows the place of an error in the user's program", () => {
        fresh.write("src/fails.ts", `import "@dsboard/w5500_evb_pico"\n\nthrow new Error("no such luck")\n`)
        const { status, output } = fresh.command("sim", "--once", "src/fails.ts")
        expect(status).toBe(1)
        expect(output).toMatch(/no such luck\n {4}at .*src\/fails\.ts:3:\d+/)
    }, 240_000)

    test("sim says what does not compile, and where", () => {
        fresh.write("src/wrong.ts", `const text: string = 1\nconsole.log(text)\n`)
        const { status, output } = fresh.command("sim", "--once", "src/wrong.ts")
        expect(status).toBe(1)
        expect(stripVTControlCharacters(output)).toMatch(
            /src\/wrong\.ts:1:7.*Type 'number' is not assignable to type 'string'/s
        )
    }, 240_000)

    test("sim says what a serial console needs in the project", () => {
        fresh.write(
            "src/cabled.ts",
            `import { startSerialConsole } from "devicescript-tcp/src/device/serial-console"\nstartSerialConsole(async () => 0)\n`
        )
        rmSync(join(fresh.path, "services"), { recursive: true })
        const { status, output } = fresh.command("sim", "--once", "src/cabled.ts")
        expect(status).toBe(1)
        expect(output).toContain(
            "The serial console needs services/networkconsole.md in your project: npx devicescript-tcp init puts it there.\n"
        )
        expect(fresh.command("init").output).toMatch(/^services\/networkconsole\.md +written$/m)
    }, 240_000)

    test("build prints what the program uses and has left, without what package.json leaves out", () => {
        const bytesOf = () => {
            const { status, stdout, output } = fresh.command("build", "--json")
            expect(status, output).toBe(0)
            return (JSON.parse(stdout) as { images: { name: string; code: number; heap: number }[] })
                .images[0]!
        }
        const all = bytesOf()
        expect(all.name).toBe("main")
        expect(all.heap).toBeGreaterThan(10_000)
        const manifest = read("package.json")
        fresh.write(
            "package.json",
            JSON.stringify({ ...JSON.parse(manifest), "devicescript-tcp": { without: ["SACK"] } })
        )
        expect(bytesOf().code).toBeLessThan(all.code - 500)
        fresh.write("package.json", manifest)
    }, 240_000)

    test("test runs the tests that init wrote, and one that fails explains itself", () => {
        fresh.write(
            "test/fails.test.ts",
            `import { lab } from "devicescript-tcp/testing"
import { expect, test } from "vitest"
test("there is a server at 10.0.0.9", async () => {
    const net = await lab()
    net.host("10.0.0.1").echo(7)
    const board = await net.device()
    await net.until(() => board.log.length > 0)
    expect(board).toHaveConnected("10.0.0.9")
})
test("the program never says goodbye", async () => {
    const net = await lab()
    net.host("10.0.0.1")
    const board = await net.device()
    await net.until(() => board.log.includes("goodbye"), "2 s")
})
test("a program that does not compile", async () => {
    const net = await lab()
    await net.device("src/mistyped.ts")
})
`
        )
        fresh.write("src/mistyped.ts", `const port: number = "seven"\nconsole.log(port)\n`)
        const [documented = "", , server = "", , without = ""] = programs("", "docs/testing.md", "js")
        const [upper = ""] = programs("## Sockets", "docs/programs.md")
        const onNode = server.replace("lab({ loss: 0.1 })", `lab({ loss: 0.1, runtime: "node" })`)
        fresh.write("test/documented.test.js", `${documented}\n${onNode}`)
        fresh.write(
            "src/upper.ts",
            `import { listen, startNetwork } from "devicescript-tcp"
import { board } from "./board"
await startNetwork({ mac: board, ip: "10.0.0.2/24" })
${upper}`
        )
        fresh.write("without-vitest.mjs", without)
        const alone = spawnSync(process.execPath, ["without-vitest.mjs"], {
            cwd: fresh.path,
            encoding: "utf8",
        })
        expect([alone.status, alone.stderr]).toEqual([0, ""])
        const { status, output } = fresh.command("test", "--no-color")
        expect(status).toBe(1)
        expect(output).toMatch(/✓ test\/network\.test\.ts \(2 tests\)/)
        expect(output).toMatch(/✓ test\/documented\.test\.js \(2 tests\)/)
        expect(output).toContain("device has not connected with 10.0.0.9: there was no SYN")
        expect(output).toMatch(/ESTABLISHED \|<- len 0/)
        expect(output).toContain("device printed:\nhello, world")
        expect(output).toContain("the condition did not hold within 2 s: ")
        expect(output).toContain("ECONNREFUSED, nobody listens")
        expect(output).toMatch(/src\/mistyped\.ts does not compile:.*src\/mistyped\.ts:1:7 - error TS2322/s)
    }, 240_000)

    test.each([
        [
            [],
            /^devicescript-tcp: name a command: init, sim, build, test, flash, deploy, console, ladder, features \(/,
        ],
        [["simulate"], /^devicescript-tcp: there is no command "simulate"; the commands are init, sim, /],
        [["init", "--board", "nope"], /^devicescript-tcp: unknown board "nope"; the boards are /],
        [["sim", "--nonsense"], /^unknown option '--nonsense' \(--help lists the options\)/],
        [["sim", "src/missing.ts"], /^src\/missing\.ts does not exist/],
        [["sim", "src/main.ts", "src/main.ts"], /^unexpected argument "src\/main\.ts"/],
        [["sim", "--exec", "connections"], /^--exec cannot be used with src\/main\.ts: the program has no /],
        [["sim", "--control"], /^--control cannot be used with src\/main\.ts: /],
        [["sim", "--once", "--json"], /^--json cannot be used with src\/main\.ts: /],
        [["build", "src/main.js"], /^src\/main\.js is not a TypeScript file/],
        [["test", "--bogus"], /^devicescript-tcp: vitest: Unknown option --bogus \(npx vitest --help lists /],
        [["features", "--lost"], /^devicescript-tcp: features: unexpected argument "--lost"/],
    ])("refuses the words %j in one line, with exit code 2", (words, message) => {
        const { status, output } = fresh.command(...words)
        expect(output).toMatch(message)
        expect(output.split("\n")).toHaveLength(2)
        expect(status).toBe(2)
    })

    test("sim --once --watch ends with its run when its input has ended", () => {
        const { status, output } = fresh.command("sim", "--once", "--watch", "--runtime", "node")
        expect(output).toContain("The run is over")
        // it has ended by itself, with the code of the run
        expect(status).not.toBeNull()
    })

    test("ladder draws a capture of sim, also where there is no project", () => {
        const capture = join(folder, "run.pcapng")
        expect(fresh.command("sim", "--once", "--runtime", "node", "--pcap", capture).status).toBe(0)
        const file = join(fresh.path, "node_modules", "devicescript-tcp", "bin", "devicescript-tcp.js")
        const { status, stdout } = spawnSync(process.execPath, [file, "ladder", capture], {
            cwd: folder,
            encoding: "utf8",
        })
        expect(stdout).toContain("1 TCP connection")
        expect(status).toBe(0)
    })

    test("sim --watch runs anew after a change, and ends by a signal", async () => {
        fresh.write("src/watched.ts", `import "@dsboard/w5500_evb_pico"\nconsole.log("first")\n`)
        const file = join(fresh.path, "node_modules", "devicescript-tcp", "bin", "devicescript-tcp.js")
        const words = [file, "sim", "src/watched.ts", "--runtime", "node", "--watch"]
        const child = spawn(process.execPath, words, {
            cwd: fresh.path,
            stdio: ["ignore", "pipe", "inherit"],
        })
        const ended = new Promise(resolve => child.once("close", resolve))
        let output = ""
        child.stdout.setEncoding("utf8").on("data", text => {
            output += text
        })
        await expect.poll(() => output, { timeout: 60_000 }).toMatch(/^first$/m)
        fresh.write("src/watched.ts", `import "@dsboard/w5500_evb_pico"\nconsole.log("second")\n`)
        await expect.poll(() => output, { timeout: 60_000 }).toMatch(/^second$/m)
        child.kill("SIGTERM")
        expect(await ended).toBe(0)
    }, 240_000)

    test("says how to begin where there is no project", () => {
        const file = join(fresh.path, "node_modules", "devicescript-tcp", "bin", "devicescript-tcp.js")
        const { status, stderr } = spawnSync(process.execPath, [file, "sim"], {
            cwd: folder,
            encoding: "utf8",
        })
        expect([status, stderr]).toEqual([
            2,
            "devicescript-tcp: there is no DeviceScript project here (no devsconfig.json): npx @devicescript/cli init makes one\n",
        ])
    })
})
