// The combinations of features that the documents name: each is built, fits what is said of it, works on the simulated board, and
// passes the tables of test/tcp that apply to it.

import { execFile } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createConnection } from "node:net"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterEach, describe, expect, test } from "vitest"
import { behindPipe, buildImage, ROOT } from "../../sim/build/build"
import { featureNames } from "../../sim/build/features"
import { nameOf } from "../../sim/device/device"
import { limitedBytes, readImage } from "../../sim/optimizer/image"
import { Cli } from "../cli/cli"
import { free } from "../cli/ports"
import { type Combination, client, server } from "./combinations"

let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})

/** The tables that say what a connection does, whatever its program leaves out; they skip what that does without. */
const TABLES = [
    "syn-sent",
    "syn-received",
    "listen",
    "established",
    "sending",
    "window",
    "closing",
    "closed",
    "shut-window",
    "right-edge",
    "retransmit",
    "calls",
].map(name => `test/tcp/${name}.test.ts`)

/** Runs these test files in a program without some features; gives how many tests passed. */
async function passed(files: string[], without: string[]): Promise<number> {
    const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs")
    const words = [vitest, "run", "--reporter=json", "--maxWorkers=2", ...files]
    const env = { ...process.env, DEVICESCRIPT_TCP_WITHOUT: without.join() }
    const options = { cwd: ROOT, env, maxBuffer: 1 << 27 }
    const { stdout } = await promisify(execFile)(process.execPath, words, options).catch((error: unknown) => {
        // tests that failed are in it, too
        return error as { stdout: string }
    })
    const report = JSON.parse(stdout.slice(stdout.indexOf("{"))) as {
        numPassedTests: number
        testResults: { message: string; assertionResults: { fullName: string; status: string }[] }[]
    }
    const failed = report.testResults.flatMap(file => [
        ...(file.message === "" ? [] : [file.message]),
        ...file.assertionResults.filter(({ status }) => status === "failed").map(({ fullName }) => fullName),
    ])
    expect(failed).toEqual([])
    return report.numPassedTests
}

describe.each([client, server])("$name", combination => {
    const { program, without, code } = combination

    test("fits its limit of code", async () => {
        const { image } = await buildImage(behindPipe(program), nameOf(program), { without })
        expect(limitedBytes(readImage(readFileSync(image)).functions)).toBeLessThanOrEqual(code)
    })

    test("passes the tests of test/tcp that apply to it", { timeout: 600_000 }, async () => {
        expect(await passed(TABLES, without)).toBeGreaterThan(600)
    })
})

const run = ({ program, without }: Combination, ...more: string[]) =>
    new Cli("--program", program, "--without", without.join(), ...more)

test("the smallest client opens a connection and says hello", async () => {
    device = run(client)
    // without events its own states are not reported: the server's are
    await device.until(stdout => stdout.includes("\nhello, world\n") && stdout.includes("LAST-ACK"))
})

test("the smallest server echoes through a port of this computer", async () => {
    const port = await free()
    device = run(server, "--forward", `${port}:7`)
    await device.until(stdout => stdout.includes("echo on 10.0.0.2, port 7"))
    const socket = createConnection(port, "127.0.0.1")
    socket.write("knock, knock\n")
    const [echoed] = (await once(socket, "data")) as [Buffer]
    expect(echoed.toString()).toBe("knock, knock\n")
    socket.destroy()
})

test("docs/programs.md has the cost of each feature", () => {
    const text = readFileSync(join(ROOT, "docs", "programs.md"), "utf8")
    for (const name of featureNames(readFileSync(join(ROOT, "src", "features.ts"), "utf8"))) {
        expect(text).toMatch(new RegExp(`\\| \`${name}\` \\|`))
    }
})
