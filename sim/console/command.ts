// `npm run console` and `devicescript-tcp console`: a console for the program on a board, over the USB cable.

import { closeBus, openBus } from "../deploy/bus"
import { transportFor } from "../deploy/route"
import { looksOf } from "../run/output"
import { BoardConsole } from "./board"
import { boardOf, findConsole, findRoute } from "./find"
import { parseConsoleOptions } from "./options"
import { Session } from "./session"

/** The mark before what the board prints, in what jacdac-ts logs; the board marks its program's lines by their level. */
const PRINTED = /^DEV: [>?*!#] (.*)$/

/** Runs the console and returns the exit code. Throws what the process reports (sim/command/process.ts). */
export async function boardConsole(words: readonly string[]): Promise<number> {
    const { route, device, commands, patience } = parseConsoleOptions(words)
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
        board = new BoardConsole(bus, service, transport)
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
