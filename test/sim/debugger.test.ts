// An editor's debugger on the Node runtime: the process is started as .vscode/launch.json says, and a breakpoint in src/ stops it.

import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { expect, test } from "vitest"
import { Inspector } from "./inspector"

const ROOT = resolve(import.meta.dirname, "../..")

interface Configuration {
    name: string
    program: string
    args: string[]
    runtimeArgs?: string[]
}

const { configurations } = JSON.parse(readFileSync(resolve(ROOT, ".vscode/launch.json"), "utf8")) as {
    configurations: Configuration[]
}

/** Returns the path that VS Code makes of a setting. */
function pathOf(setting: string): string {
    return setting.replace(/^\$\{workspaceFolder\}/, ROOT)
}

/** Returns the number of the first line of a source file that contains a text. */
function lineOf(path: string, text: string): number {
    const line =
        readFileSync(path, "utf8")
            .split("\n")
            .findIndex(found => found.includes(text)) + 1
    expect(line, `${text} in ${path}`).toBeGreaterThan(0)
    return line
}

test.each(configurations)("the debug configuration $name starts a program that exists", ({ program }) => {
    expect(existsSync(pathOf(program)), program).toBe(true)
})

test("a breakpoint in src/tcp/syn-sent.ts stops the Node runtime at that line when the device connects", async () => {
    const { program, args, runtimeArgs = [] } = configurations.find(({ args }) => args.includes("--runtime"))!
    const child = spawn(
        process.execPath,
        ["--inspect-brk=127.0.0.1:0", ...runtimeArgs, pathOf(program), ...args, "--once"],
        { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] }
    )
    const ended = new Promise(resolve => child.on("exit", code => resolve(code)))
    try {
        const address = await new Promise<string>((resolve, reject) => {
            let text = ""
            child.stderr.setEncoding("utf8").on("data", chunk => {
                text += chunk
                const found = /ws:\/\/\S+/.exec(text)
                if (found !== null) resolve(found[0])
            })
            child.on("exit", () => reject(new Error(text)))
        })
        const inspector = await Inspector.open(address)
        await inspector.request("Runtime.enable")
        await inspector.request("Debugger.enable")
        // as VS Code does with "pauseForSourceMap"
        await inspector.request("Debugger.setInstrumentationBreakpoint", {
            instrumentation: "beforeScriptWithSourceMapExecution",
        })
        await inspector.request("Runtime.runIfWaitingForDebugger")
        const path = resolve(ROOT, "src/tcp/syn-sent.ts")
        const position = { path, line: lineOf(path, "const sequence = ") }
        // the script of the device's program is parsed, and has not run yet
        const script = expect.stringMatching(/device-program-\d+\.js$/)
        for (let paused = await inspector.paused(); !script.asymmetricMatch(paused.data?.url); ) {
            await inspector.request("Debugger.resume")
            paused = await inspector.paused()
        }
        expect(await inspector.breakAt(position)).toContainEqual(script)
        await inspector.request("Debugger.resume")
        expect(inspector.position(await inspector.paused())).toEqual({ ...position, script })
        inspector.close()
        expect(await ended).toBe(0)
    } finally {
        child.kill("SIGKILL")
    }
})
