// --program: any program of the project on the simulated board.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join, relative } from "node:path"
import { afterAll, afterEach, describe, expect, test } from "vitest"
import { ROOT } from "../../sim/build/build"
import { parseOptions } from "../../sim/options/options"
import { Cli, cli, runtimes } from "./cli"
import { free } from "./ports"

const folder = mkdtempSync(join(ROOT, "test", "programs", "scratch-cli-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})

function written(name: string, text: string): string {
    const file = join(folder, name)
    writeFileSync(file, text)
    return relative(process.cwd(), file)
}

test.each(runtimes)(
    "--program hello.ts opens a connection on the screen and says hello, on %s",
    async runtime => {
        device = new Cli("--program", "src/examples/hello.ts", "--runtime", runtime)
        await device.until(stdout => stdout.includes("\nhello, world\n") && stdout.includes("FIN-WAIT-2"))
        expect(device.stdout).toMatch(/SYN-SENT \|/)
        expect(device.stdout).toMatch(/ESTABLISHED \|/)
        device.signal("SIGTERM")
        expect(await device.ended).toBe(0)
        expect(device.stderr).toBe("")
    }
)

test.each(runtimes)("--program fetch.ts reads what this computer serves, on %s", async runtime => {
    const server = createServer((_request, response) => response.end('{"degrees":21}'))
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const program = written(
        `fetch-${runtime}.ts`,
        `import { fetch } from "@devicescript/net"
        import { board } from "../../../src/board"
        import { boot } from "../../../src/boot"
        import { useForNet } from "../../../src/socket/devicescript-net"
        import { startNetwork } from "../../../src/socket/interface"

        useForNet(await startNetwork({ mac: board, ...boot }))
        const response = await fetch("http://10.0.0.1:${port}/")
        console.log(await response.text())
        `
    )
    device = new Cli("--program", program, "--link", "user", "--runtime", runtime)
    await device.until(stdout => stdout.includes('{"degrees":21}'))
    await new Promise(resolve => server.close(resolve))
})

test.each(runtimes)(
    "--program with the web server: its pages come through a port of this computer, on %s",
    async runtime => {
        const port = await free()
        device = new Cli("--program", "src/examples/web.ts", "--forward", `${port}:80`, "--runtime", runtime)
        await device.until(stdout => stdout.includes("http://10.0.0.2/"))
        expect(device.stdout).toContain(`Its page in your browser: http://127.0.0.1:${port}\n`)
        const primes = await (await fetch(`http://127.0.0.1:${port}/primes?n=100`)).text()
        expect(primes.split("\n")[97]).toBe("97: true")
    }
)

test.each(runtimes)(
    "an exception of a program ends the run with exit code 1 and its place, on %s",
    async runtime => {
        const program = written(`throws-${runtime}.ts`, 'throw new Error("no such luck")\n')
        const { code, stderr } = await cli("--program", program, "--runtime", runtime)
        expect(code).toBe(1)
        expect(stderr).toContain("no such luck")
        expect(stderr).toContain(`throws-${runtime}.ts:1:`)
    }
)

test("a server on a port that nobody tries: --once names the ports it tried, and explains no refusal", async () => {
    const program = written(
        "server.ts",
        `import { board } from "../../../src/board"
        import { listen, startNetwork } from "../../../src/index"

        await startNetwork({ mac: board, ip: "10.0.0.2/24" })
        listen({ port: 7000 }, async socket => {
            await socket.send(await socket.recv())
        })
        `
    )
    const once = (...words: string[]) => cli("--program", program, "--runtime", "node", "--once", ...words)
    const { code, stdout, stderr } = await once()
    expect(code).toBe(1)
    expect(stderr).toContain("accepts none on port 80, 7, 23, 502, 8080, 1883 (--forward P:Q names another)")
    expect(stdout + stderr).not.toContain("why:")
    const named = await once("--forward", "7000:7000")
    expect(named.code).toBe(0)
    expect(named.stdout).toMatch(/ESTABLISHED/)
})

test("a program that does not compile ends with the compiler's messages", async () => {
    const program = written("wrong.ts", 'const n: number = "one"\nconsole.log(n)\n')
    const { code, stderr } = await cli("--program", program)
    expect(code).toBe(1)
    expect(stderr).toContain("Type 'string' is not assignable to type 'number'")
})

describe("options of --program", () => {
    const parse = (...words: string[]) => parseOptions(words, { terminal: false })

    test("--program runs in real time, with the server and the router of the built-in network", () => {
        expect(parse("--program", "src/examples/hello.ts")).toMatchObject({
            ...{ program: "src/examples/hello.ts", mode: "program", example: false, time: "real" },
            ...{ server: "10.0.0.1", router: "10.0.0.3", forwards: [] },
        })
    })

    test.each([
        [["--program", "src/none.ts"], /src\/none\.ts does not exist/],
        [["--program", "../x.ts"], /not in this project/],
        [["--program", "README.md"], /not a TypeScript file/],
        [["--program", "src/main.ts", "--exec", "help"], /cannot be combined/],
        [["--program", "src/main.ts", "--control"], /cannot be combined/],
        [["--program", "src/main.ts", "--json"], /cannot be combined/],
    ])("%j is refused", (words, why) => {
        expect(() => parse(...words)).toThrow(why)
    })
})
