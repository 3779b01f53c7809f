// The flashed program for control by another program (device/control.ts). It has no console, because the VM accepts at most 64 KB
// of code, and lines of the protocol drive the device.

import { board } from "./board"
import { boot } from "./boot"
import { controlOf } from "./device/control"
import { startDevice } from "./device/device"

boot.control = true
await startDevice(board, boot, controlOf)
