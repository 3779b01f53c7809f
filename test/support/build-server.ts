// Prepares what the tests share: the compiled command line, and a process that builds for all of them (build-process.ts), compiled, too,
// as the optimizer takes an eighth less time then.

import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { BUILDER, type Builder, builder } from "../../sim/build/builder"
import { YOUNG_SPACE } from "../../sim/build/compiler"
import { ROOT } from "../../sim/build/places"
import { compile } from "../../sim/package/compile"
import { COMMAND } from "./command"

/** Starts the process before the tests, and returns the function that ends it after them. */
export default async function setup({ vitest }: TestProject): Promise<(() => Promise<void>) | undefined> {
    // tests that run tests share the process; while vitest watches, the sources change
    if (builder(ROOT) !== undefined || vitest.config.watch) return undefined
    // in the project, where they find its packages
    await mkdir(join(ROOT, ".devicescript"), { recursive: true })
    const compiled = await mkdtemp(join(ROOT, ".devicescript", "command-"))
    await compile({ main: "sim/command/main.ts", builds: "test/support/build-process.ts" }, compiled)
    process.env[COMMAND] = join(compiled, "main.js")
    const folder = await mkdtemp(join(tmpdir(), "devicescript-tcp-builder-"))
    const path = process.platform === "win32" ? `\\\\.\\pipe\\${folder}` : join(folder, "socket")
    const server = fork(join(compiled, "builds.js"), [path], { execArgv: [YOUNG_SPACE] })
    await once(server, "message")
    process.env[BUILDER] = JSON.stringify({ root: ROOT, path } satisfies Builder)
    return async () => {
        server.kill()
        for (const path of [folder, compiled]) await rm(path, { recursive: true, force: true })
    }
}
