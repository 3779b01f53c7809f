// The documents: their links lead somewhere, their programs build, and what they name is there.

import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import ts from "typescript"
import { describe, expect, test } from "vitest"
import { parseLadderOptions } from "../sim/analysis/options"
import { parseBuildOptions } from "../sim/budget/options"
import { ROOT } from "../sim/build/build"
import { chips } from "../sim/chip/chips"
import { parseConsoleOptions } from "../sim/console/options"
import { parseDeployOptions } from "../sim/deploy/options"
import { Answer } from "../sim/options/command-line"
import { parseOptions } from "../sim/options/options"
import { Config } from "../src/tcp/config"
import floors from "./budget/floors.json"

const read = (path: string) => readFileSync(join(ROOT, path), "utf8")

/** This project's files, without what is installed or built. */
function filesOf(folder: string): string[] {
    return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
        const path = join(folder, entry.name).replaceAll("\\", "/")
        if (entry.isFile()) return [path]
        return entry.isDirectory() && !/^(\.git|\.devicescript|node_modules|dist)$/.test(entry.name)
            ? filesOf(path)
            : []
    })
}
const files = filesOf("")
const documents = files.filter(path => path.endsWith(".md"))
const sources = files.filter(path => /\.(m?[jt]s|py)$/.test(path))

/** A document without the code in its fences. */
const prose = (path: string) => read(path).replaceAll(/^```.*?^```/gms, "")
/** Returns the texts in `backticks`, and the lines in fences without a language of their own or with the shell's. */
const spans = (path: string) =>
    [...prose(path).matchAll(/`([^`\n]+)`/g)].map(match => match[1]!.replaceAll("\\|", "|"))
const shell = (path: string) =>
    [...read(path).matchAll(/^```sh\n(.*?)^```/gms)].flatMap(match => match[1]!.trim().split("\n"))

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(path: string): string[] {
    return [...prose(path).matchAll(/^#+ (.*)$/gm)].map(match =>
        match[1]!
            .toLowerCase()
            .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
            .replaceAll(" ", "-")
    )
}

test("README.md has at most 10,240 bytes", () => {
    expect(statSync(join(ROOT, "README.md")).size).toBeLessThanOrEqual(10_240)
})

test("README.md links to every document of docs", () => {
    for (const path of documents.filter(one => one.startsWith("docs/")))
        expect(read("README.md")).toContain(`(${path})`)
})

describe.each(documents)("document %s", path => {
    test("each relative link leads to a file, and to a heading in it", () => {
        const links = [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1]!)
        for (const link of links.filter(text => !/^https?:/.test(text))) {
            const [file = "", anchor] = link.split("#")
            const target = file === "" ? path : relative(ROOT, resolve(ROOT, dirname(path), file))
            expect(existsSync(join(ROOT, target)), `${link}: the file`).toBe(true)
            if (anchor !== undefined) expect(anchors(target), link).toContain(anchor)
        }
    })

    test("each path of this project exists", () => {
        const words = [...spans(path), ...shell(path)].flatMap(text => text.split(/[\s'"()]+/))
        const missing = words
            .map(word => word.replace(/[,:;]+$/, ""))
            .filter(word => /^(src|sim|test|boards|docs|bin|\.ci|\.vscode)\//.test(word))
            .filter(word => !existsSync(join(ROOT, word)) && !matches(word))
        expect(missing).toEqual([])
    })

    test("each file that is named without its folder exists", () => {
        const names = new Set(files.map(file => basename(file)))
        const missing = spans(path).filter(
            text => /^[\w.-]+\.(ts|py|md|json|pkt)$/.test(text) && !names.has(text) && !FOREIGN.has(text)
        )
        expect(missing).toEqual([])
    })

    test("each script and option exists", () => {
        for (const command of [...spans(path), ...shell(path)].flatMap(commandsIn)) check(command)
        const known = helpTexts()
        const options = spans(path).filter(text => text.startsWith("--"))
        const missing = options.filter(
            text => !known.includes(text.split(/[ =]/)[0]!) && !FOREIGN.has(text.split(/[ =]/)[0]!)
        )
        // packetdrill's options are a language of their own
        expect(path.startsWith("test/scripts/") ? [] : missing).toEqual([])
    })

    test("each name is somewhere in the code", () => {
        const missing = spans(path)
            .filter(text => /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(.*\))?$/.test(text))
            .flatMap(text => text.replace(/\(.*/, "").split("."))
            .filter(name => !isNamed(name) && !FOREIGN.has(name))
        expect(path.startsWith("test/scripts/") ? [] : missing).toEqual([])
    })
})

/** Files, options and names of other programs, and of packetdrill's scripts. */
const FOREIGN = new Set([
    ...[
        "docs/spi_full_duplex.md",
        "bytecode-dbg.json",
        "syntax.md",
        "set_sysctls.py",
        "tim.c",
        "verify.c",
        "main.c",
    ],
    ...["--file", "--vm"],
    ...[
        "tsconfig",
        "menuconfig",
        "rp2040js",
        "mainCli",
        "_jd_em_tcpsock_on_event",
        "jd_spi_process",
        "JD_WAKE_MAIN",
        "tim",
    ],
    ...["spi_bus_config", "esp_fill_random"],
])

/** True for a pattern with `*` that fits a file. */
function matches(pattern: string): boolean {
    if (!pattern.includes("*")) return false
    const form = pattern.replaceAll(/[.+]/g, "\\$&").replaceAll("*", "[^/]*")
    return files.some(file => new RegExp(`^${form}$`).test(file))
}

/** The npm commands in a line, each as far as the line's next command or comment. */
function commandsIn(line: string): string[] {
    return [
        ...line.matchAll(
            /\bnpm (?:start|test|run [\w:]+|ci)(?: --silent)?(?: --(?: (?:'[^']*'|[^\s#&;])+)+)?/g
        ),
    ].map(match => match[0].trim())
}

/** Fails when a command is not one of package.json's, or its options are wrong. */
function check(command: string): void {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> }
    const [, script = "", rest = ""] = /^npm (?:run )?(\S+)(?: --silent)?(?: -- (.*))?$/.exec(command) ?? []
    if (script !== "ci") expect(Object.keys(scripts), command).toContain(script)
    const words = [...rest.matchAll(/'([^']*)'|(\S+)/g)].map(match => match[1] ?? match[2]!)
    // what is to be put in by a reader
    if (words.some(word => /[[\]…|]|^[A-Z_]+$|FILE/.test(word))) return
    try {
        if (script === "start") parseOptions(words, { terminal: false })
        else if (script === "build") parseBuildOptions(words)
        else if (script === "deploy") parseDeployOptions(words)
        else if (script === "console") parseConsoleOptions(words)
        else if (script === "ladder" && words.length > 0) parseLadderOptions(words)
    } catch (error) {
        if (!(error instanceof Answer) && !words.includes("x"))
            throw new Error(`${command}: ${(error as Error).message}`)
    }
}

let help: string | undefined
/** What the five command lines say of their options. */
function helpTexts(): string {
    help ??= [
        () => parseOptions(["--help"], { terminal: false }),
        () => parseBuildOptions(["--help"]),
        () => parseDeployOptions(["--help"]),
        () => parseConsoleOptions(["--help"]),
        () => parseLadderOptions(["--help"]),
    ]
        .map(parse => {
            try {
                parse()
            } catch (error) {
                return (error as Error).message
            }
            return ""
        })
        .join("\n")
    return help
}

let words: Set<string> | undefined
/** True for a word that is in a source file of this project. */
function isNamed(name: string): boolean {
    words ??= new Set(sources.flatMap(path => read(path).match(/[A-Za-z_]\w*/g) ?? []))
    return words.has(name)
}

describe("docs/where-to-change.md", () => {
    const rows = [
        ...prose("docs/where-to-change.md").matchAll(/^\| (.*?) \| (.*?) \| (.*?) \| .* \|$/gm),
    ].slice(2)

    test("has at least 25 rows", () => expect(rows.length).toBeGreaterThanOrEqual(25))

    test.each(rows.map(row => row.slice(1)))("%s: %s has %s", (_what, file, names) => {
        const paths = [...file!.matchAll(/`([^`]+)`/g)].map(match => match[1]!)
        const text = paths
            .flatMap(path => (path.endsWith("/") ? files.filter(one => one.startsWith(path)) : [path]))
            .map(path => `${path}\n${read(path)}`)
            .join("\n")
        for (const [, name] of names!.matchAll(/`([^`]+)`/g)) expect(text).toContain(name!.split(".").at(-1)!)
    })
})

describe("the lists in the documents are complete:", () => {
    const listed = (path: string, heading: string, form: RegExp) => {
        const text = read(path)
        const start = text.indexOf(heading)
        const end = text.slice(start).search(/\n##/) + start
        return [...text.slice(start, end <= start ? text.length : end).matchAll(form)].map(match => match[1]!)
    }
    /** The keys that an option's mistake lists. */
    const known = (option: string) => {
        try {
            parseOptions([option, "x"], { terminal: false })
        } catch (error) {
            return /known: (.*)\)/.exec((error as Error).message)![1]!.split(", ")
        }
        return []
    }

    test("the fields of the configuration", () => {
        const rows = listed("docs/programs.md", "## Configuration", /^\| [^|`]+ \| (`.*`) \|$/gm)
        const fields = rows.flatMap(row => [...row.matchAll(/`(\w+)`/g)].map(match => match[1]))
        expect(fields.sort()).toEqual(Object.keys(new Config()).sort())
    })

    test.each(["w5500", "enc28j60", "esp_hosted"])("the faults of the chip %s", name => {
        const own = {
            w5500: "### Faults of the W5500",
            enc28j60: "### Faults of the ENC28J60",
            esp_hosted: "### Faults of the Wi-Fi module",
        }[name]!
        const rows = ["### Faults of every chip", own].flatMap(heading =>
            listed("docs/simulator.md", heading, /^\| (`.*?`) \|/gm)
        )
        const faults = rows.flatMap(row => [...row.matchAll(/`([\w-]+)`/g)].map(match => match[1]))
        expect(faults.sort()).toEqual(Object.keys(chips[name]!.faults).sort())
    })

    test("what a line does to frames", () => {
        expect(listed("docs/simulator.md", "## Bad lines", /^\| `(\w+)` \|/gm).sort()).toEqual(
            known("--impair").sort()
        )
    })

    test("the console's commands", () => {
        const rows = listed("docs/simulator.md", "## Console", /^\| (`.*?`) \| /gm)
        const commands = rows.flatMap(row => [...row.matchAll(/`(\w+)/g)].map(match => match[1]))
        const written = [...read("src/device/console.ts").matchAll(/^ {4}"(\w+)[^"]*? {2}.*\\n"/gm)].map(
            match => match[1]
        )
        expect(commands.sort()).toEqual(written.sort())
    })

    test("the control protocol's commands", () => {
        const rows = listed("docs/simulator.md", "## Control", /^\| (`.*?`) \| `ok/gm)
        const commands = rows.flatMap(row => [...row.matchAll(/`(\w+)/g)].map(match => match[1]))
        const header = read("src/device/control.ts").split("\nimport")[0]!
        const written = [...header.matchAll(/^\/\/ {3}(\w.*?) {2,}ok/gm)].flatMap(match =>
            match[1]!.split(", ").map(usage => usage.split(" ")[0]!)
        )
        expect(commands.sort()).toEqual(written.sort())
    })

    test("the codes of errors", () => {
        // test/socket/errors.test.ts compares the sentences, too
        const codes = [...read("docs/errors.md").matchAll(/^\| (E[A-Z_]+) \|/gm)].map(match => match[1]!)
        const written = ["src/base/errors.ts", "src/mac", "src/socket", "src/http", "src/tcp/records.ts"]
            .flatMap(folder => files.filter(path => path.startsWith(folder)))
            .flatMap(path => [
                ...read(path)
                    .replaceAll(/^\s*(\/\/|\*|\/\*\*).*$/gm, "")
                    .matchAll(/\bE[A-Z_]{4,}\b/g),
            ])
            .map(match => match[0])
        // a state, and registers of the ENC28J60, are no codes
        const others = ["ESTABLISHED", "EREVID", "ESTAT"]
        expect([...new Set(codes)].filter(code => code !== "EOF").sort()).toEqual(
            [...new Set(written)].filter(code => !others.includes(code)).sort()
        )
    })
})

test("docs/measurements.md has each program's code within 1 % of test/budget/floors.json", () => {
    for (const [name, code] of Object.entries(floors)) {
        const row = read("docs/measurements.md")
            .split("\n")
            .find(line => line.startsWith(`| ${name} |`))
        expect(row, name).toBeDefined()
        const documented = Number(row!.split(" | ")[1]!.replaceAll(",", ""))
        expect(Math.abs(documented - code) / code, `${name}: ${documented}, and ${code}`).toBeLessThan(0.01)
    }
})

test("the README's picture is what npm start draws, but for numbers that change with every image", () => {
    const drawn = spawnSync(process.execPath, ["--import", "tsx", "sim/cli.ts", "--once"], {
        cwd: ROOT,
        encoding: "utf8",
    })
    const masked = (text: string) => text.replaceAll(/\b\d{5,10}\b *(?=\D)/g, "N ")
    const [, picture = ""] = /```\n( +\+---.*?)```/s.exec(read("README.md"))!
    expect(masked(drawn.stdout)).toContain(masked(picture))
})

test("each document that a comment cites is there", () => {
    for (const path of sources.filter(one => one !== "test/docs.test.ts")) {
        for (const [, cited] of read(path).matchAll(/\b(?<![/\w.])((?:docs\/)?[\w-]+\.md)\b/g)) {
            const there = cited!.includes("/")
                ? existsSync(join(ROOT, cited!))
                : files.some(file => basename(file) === cited)
            if (!FOREIGN.has(cited!)) expect(there, `${path} cites ${cited}`).toBe(true)
        }
    }
})

describe("the public names", () => {
    test("are listed one by one in src/index.ts", () => {
        const index = read("src/index.ts")
        expect(index).not.toContain("export *")
        const internal =
            "Stage ClientFlag Time enter release HttpContext HttpClient Worker Network resumed decimal hexDigit"
        for (const name of internal.split(" ")) expect(index).not.toMatch(new RegExp(`\\b${name}\\b`))
    })

    test("are documented, so that typedoc reports nothing", { timeout: 300_000 }, () => {
        const typedoc = join(ROOT, "node_modules", "typedoc", "bin", "typedoc")
        const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, "--emit", "none"], {
            cwd: ROOT,
            encoding: "utf8",
        })
        expect(`${stdout}${stderr}`).not.toContain("warning")
        expect(status).toBe(0)
    })
})

test("the programs of test/README.md compile", { timeout: 120_000 }, () => {
    const around: Record<string, string> = {
        "### Peer": `import { Bench } from "./support/bench"
            import { Peer } from "./support/peer"
            const bench = new Bench()`,
        "### Scenario": `import { expect } from "vitest"
            import { scenario } from "./scenarios/scenario"`,
        "### Console bench": `import { expect } from "vitest"
            import { ConsoleBench } from "./device/console-bench"`,
    }
    const text = read("test/README.md")
    const programs = text.split(/^(?=#+ )/m).flatMap((section, i) =>
        [...section.matchAll(/^```ts\n(.*?)^```/gms)].map(match => {
            const before = around[section.split("\n")[0]!]
            return [join(ROOT, "test", `readme-${i}.ts`), `${before}\n${match[1]}\nexport {}`] as const
        })
    )
    expect(programs.length).toBe([...text.matchAll(/^```ts$/gm)].length)
    const virtual = new Map(programs)
    const { options } = ts.parseJsonConfigFileContent(
        ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile).config,
        ts.sys,
        ROOT
    )
    const host = ts.createCompilerHost(options)
    const { readFile, fileExists } = host
    host.readFile = path => virtual.get(path) ?? readFile(path)
    host.fileExists = path => virtual.has(path) || fileExists(path)
    const program = ts.createProgram(
        [...virtual.keys()],
        { ...options, incremental: false, tsBuildInfoFile: undefined },
        host
    )
    const wrong = [...virtual.keys()].flatMap(path => {
        const file = program.getSourceFile(path)!
        return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    })
    expect(wrong.map(one => ts.flattenDiagnosticMessageText(one.messageText, "\n"))).toEqual([])
})
