// The process that builds for all tests (build-server.ts starts it): it takes a job from each connection and returns its result.

import { createServer } from "node:net"
import { build } from "../../sim/build/build"
import type { Job, Result } from "../../sim/build/builder"

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

const [, , path] = process.argv
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
