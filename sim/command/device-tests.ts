// `devicescript-tcp test --device FILE.ts`: runs a program with @devicescript/test on the VM of a simulated board.

import type { Lab } from "../testing/api"
import { BoardDevice } from "../testing/device"
import { lab } from "../testing/index"

/** The last line that @devicescript/test prints; it then restarts the board, or ends the program by an error. */
const RESULT = /^tests: (\d+), pass: (\d+), error: (\d+)$/

/** Virtual time that a program may take, ms. */
const PATIENCE = 600_000
/** Virtual time between two looks at what it printed, ms. */
const SLICE = 50

/** Adds the network of `sim`: an echo server at 10.0.0.1. */
function withEcho(net: Lab): void {
    net.host("10.0.0.1").echo(7)
}

/**
 * Runs the tests in a program of the project, on virtual time, and prints what the program prints. Returns true when it ran at least one test, and
 * none failed. `hosts` adds the hosts of its network.
 */
export async function deviceTests(
    program: string,
    print: (line: string) => void,
    hosts: (net: Lab) => void = withEcho
): Promise<boolean> {
    const net = await lab()
    try {
        hosts(net)
        const board = await net.device(program)
        const lines = board instanceof BoardDevice ? board.printed : board.log
        let printed = 0
        for (let result: RegExpExecArray | null = null; ; ) {
            // an error that ends the program ends the wait, too: board.ended has it
            if (board.ended === undefined) await net.pass(SLICE).catch(() => {})
            for (; printed < lines.length; printed++) {
                const line = lines[printed]!
                print(line)
                result ??= RESULT.exec(line)
            }
            if (result !== null) {
                const [, total, , errors] = result.map(Number)
                if (total === 0) print("there are no tests in it: describe() and test() make them")
                return total! > 0 && errors === 0
            }
            if (board.ended !== undefined) {
                print(board.ended)
                return false
            }
            if (net.now > PATIENCE) {
                print(
                    `no result after ${PATIENCE / 60_000} minutes of the board's time: is a describe() of @devicescript/test in it?`
                )
                return false
            }
        }
    } finally {
        await net.close()
    }
}
