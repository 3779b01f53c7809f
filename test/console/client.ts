// The end of a Jacdac bus at which a test's console is: a TCP socket leads there.

import type { Transport } from "jacdac-ts"
import { BoardConsole } from "../../sim/console/board"
import { findConsole } from "../../sim/console/find"
import { closeBus, openBus } from "../../sim/deploy/bus"
import { SocketTransport } from "../../sim/deploy/socket"

const PATIENCE = 10_000

/** What a line printed, and whether its command succeeded. */
export interface Printed {
    lines: string[]
    done: boolean
}

export interface Client {
    readonly board: BoardConsole
    run(line: string): Promise<Printed>
    close(): Promise<void>
}

/** Connects to the console of the only board, or of the wanted one. */
export async function client(to: number | Transport, wanted?: string, patience = PATIENCE): Promise<Client> {
    console.debug = () => {}
    const transport = typeof to === "number" ? new SocketTransport("127.0.0.1", to) : to
    const bus = await openBus(transport, patience)
    try {
        const board = new BoardConsole(await findConsole(bus, wanted, patience), transport)
        return {
            board,
            run: async line => {
                const lines: string[] = []
                return { done: await board.execute(line, text => lines.push(text)), lines }
            },
            close: async () => {
                board.close()
                await closeBus(bus)
            },
        }
    } catch (error) {
        await closeBus(bus)
        throw error
    }
}
