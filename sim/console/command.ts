// `npm run console` and `devicescript-tcp console`: a console for the program on a board, over the USB cable.

import { transportFor } from "../deploy/route"
import type { BoardConsole } from "./board"
import { parseConsoleOptions } from "./options"

/** The mark before what the board prints, in what jacdac-ts logs; the board marks its program's lines by their level. */
const PRINTED = /^DEV: [>?*!#] (.*)$/

/** Runs the console and returns the exit code. Throws what the process reports (sim/command/process.ts). */
export async function boardConsole(words: readonly string[]): Promise<number> {
    const { route, device, commands, patience } = parseConsoleOptions(words)
    // --help and wrong words need none of these
    const { closeBus, openBus } = await import("../deploy/bus")
    const { boardOf, findConsole, findRoute } = await import("./find")
    const { BoardConsole } = await import("./board")
    const { Session } = await import("./session")
    const { looksOf } = await import("../run/output")
    let print = (_line: string) => {}
    // jacdac-ts reports by no other way what a board prints
    console.debug = (text: unknown) => {
        const [, line] = PRINTED.exec(String(text)) ?? []
        if (line !== undefined) print(line)
    }
    const transport = await transportFor(route ?? (await findRoute()), true)
    const bus = await openBus(transport, patience)
    let board: BoardConsole | undefined
    try {
        const service = await findConsole(bus, device, patience)
        board = new BoardConsole(service, transport)
        const { stdin: input, stdout: output } = process
        const session = new Session(board, { input, output }, looksOf(output, process.env))
        if (commands === undefined) {
            const terminal = input.isTTY && output.isTTY
            print = terminal ? line => session.print(line) : line => void process.stderr.write(`${line}\n`)
            if (terminal) {
                output.write(
                    `board ${boardOf(service.device.deviceId)}: help lists the commands, Tab completes them, Ctrl-D ends the console\n`
                )
            }
            await session.serve()
        } else await Promise.race([session.run(commands), board.gone.then(error => Promise.reject(error))])
        return session.failed > 0 ? 1 : 0
    } finally {
        board?.close()
        await closeBus(bus)
    }
}
