// The program that is flashed: puts a board on the network, with echo on port 7, a page on port 80 and a console.

import { board } from "./board"
import { boot } from "./boot"
import { consoleOf } from "./device/console"
import { startDevice } from "./device/device"

await startDevice(board, boot, consoleOf)
