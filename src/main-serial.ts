// The program of main.ts, whose console takes commands over the board's USB cable, too: `npx devicescript-tcp console`.

import { board } from "./board"
import { boot } from "./boot"
import { lines } from "./device/command-hook"
import { consoleOf } from "./device/console"
import { startDevice } from "./device/device"
import { startSerialConsole } from "./device/serial-console"

const enum Heap {
    /** Bytes that the service takes from the program's heap: 1,500 at rest, the others while a command runs. */
    Service = 2600,
}

boot.heap -= Heap.Service
startSerialConsole(async (line, print) => await lines.run(line, print))
await startDevice(board, boot, consoleOf)
