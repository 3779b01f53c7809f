// Prepares what the tests share: the compiled command line, and a process that builds for all of them. This file is that process, too,
// which takes a job from each connection and returns its result.

import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { TestProject } from "vitest/node"
import { build, ROOT } from "../../sim/build/build"
import { BUILDER, type Builder, builder, type Job, type Result } from "../../sim/build/builder"
import { YOUNG_SPACE } from "../../sim/build/compiler"
import { compile } from "../../sim/package/compile"
import { COMMAND } from "./command"

const FILE = fileURLToPath(import.meta.url)

/** Starts the process before the tests, and returns the function that ends it after them. */
export default async function setup({ vitest }: TestProject): Promise<(() => Promise<void>) | undefined> {
    // tests that run tests share the process; while vitest watches, the sources change
    if (builder(ROOT) !== undefined || vitest.config.watch) return undefined
    const folder = await mkdtemp(join(tmpdir(), "devicescript-tcp-builder-"))
    const path = process.platform === "win32" ? `\\\\.\\pipe\\${folder}` : join(folder, "socket")
    const server = fork(FILE, [path], { execArgv: [YOUNG_SPACE, "--import", "tsx"] })
    await once(server, "message")
    process.env[BUILDER] = JSON.stringify({ root: ROOT, path } satisfies Builder)
    // in the project, where it finds its packages
    await mkdir(join(ROOT, ".devicescript"), { recursive: true })
    const compiled = await mkdtemp(join(ROOT, ".devicescript", "command-"))
    await compile({ main: "sim/command/main.ts" }, compiled)
    process.env[COMMAND] = join(compiled, "main.js")
    return async () => {
        server.kill()
        for (const path of [folder, compiled]) await rm(path, { recursive: true, force: true })
    }
}

/** The most jobs at a time: one is compiled while another is optimized. Each further compiler would have to get warm first. */
const MOST_JOBS = 2
let running = 0
const waiting: (() => void)[] = []

async function run(job: Job): Promise<Result> {
    if (running < MOST_JOBS) running++
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
        await build(job)
        return {}
    } catch (error) {
        return { error: error instanceof Error ? error.message : `${error}` }
    } finally {
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
    }
}

const [, program, path] = process.argv
if (program === FILE) {
    const server = createServer({ allowHalfOpen: true }, socket => {
        let job = ""
        socket.setEncoding("utf8").on("data", piece => {
            job += piece
        })
        // a process that has ended meanwhile waits for no result
        socket.on("error", () => {})
        socket.on("end", async () => socket.end(JSON.stringify(await run(JSON.parse(job)))))
    })
    server.listen(path, () => process.send?.("ready"))
    process.on("disconnect", () => process.exit())
}
