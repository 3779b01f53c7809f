// Builds by a process that several processes share: a compiler and an optimizer that have run take half the time. The tests start
// it (test/support/build-server.ts).

import { connect } from "node:net"
import { text } from "node:stream/consumers"

/** The environment variable with a Builder as JSON, which names such a process. */
export const BUILDER = "DEVICESCRIPT_TCP_BUILDER"

export interface Builder {
    /** The folder of the project that it builds. */
    root: string
    /** Path of its socket. */
    path: string
}

/** The modules of a program as paths in the project, in the order in which they run; the last is the program itself. */
export type Program = readonly [...string[], string]

/** What is to be built. */
export interface Job {
    program: Program
    name: string
    /** Texts that replace files, by the files' paths in the project. */
    replaced: [string, string][]
    optimized: boolean
    /** The folder for the image, its debug information and the report. */
    directory: string
}

/** The result of a job: the error's message, if there was one. */
export interface Result {
    error?: string
}

/** Returns the path of the socket of the process that builds the project in `root`; undefined when no process does. */
export function builder(root: string): string | undefined {
    const known = JSON.parse(process.env[BUILDER] ?? "{}") as Partial<Builder>
    return known.root === root ? known.path : undefined
}

/** Has the process at this socket build a program. */
export async function buildBy(path: string, job: Job): Promise<Result> {
    const socket = connect(path)
    socket.end(JSON.stringify(job))
    const result = await text(socket)
    return result === "" ? { error: "the process that builds has ended" } : (JSON.parse(result) as Result)
}
