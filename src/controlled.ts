// The flashed program for control by another program (device/control.ts). It has no console: the VM takes 64 KB of code at most, and a
// device that is driven by lines of the protocol needs none.

import { board } from "./board"
import { boot } from "./boot"
import { controlOf } from "./device/control"
import { startDevice } from "./device/device"

boot.control = true
await startDevice(board, boot, controlOf)
