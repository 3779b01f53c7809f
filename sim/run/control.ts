// Lets another program drive the device (`--control`): each line on standard input is a command, each line on standard output
// is the reply to one.

import { createInterface } from "node:readline"
import { Ended, endedBy } from "./ended"
import type { World } from "./world"

/** Executes commands in order until `quit` or the end of the input. When all are answered, the run ends with exit code 0. */
export async function control(
    world: World,
    input: NodeJS.ReadableStream,
    write: (line: string) => void
): Promise<never> {
    const lines = createInterface({ input })
    let queue: Promise<void> = Promise.resolve()
    const answered = (line: string) => async () => {
        const { lines } = await world.command(line)
        write(`${lines.join(" ")}\n`)
        if (line.trim() === "quit") world.finish(new Ended(0))
    }
    lines.on("line", line => {
        queue = queue.then(answered(line))
        queue.catch(error => world.finish(endedBy(error)))
    })
    lines.on("close", () => {
        queue = queue.then(() => world.finish(new Ended(0)))
    })
    try {
        return await world.untilEnded()
    } finally {
        lines.close()
    }
}
