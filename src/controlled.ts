// The same device with another program in charge (device/control.ts). It is a program of its own, as the VM takes 64 KB of
// bytecode at most: who controls a device by lines has no use for a console, and the other way round.

import { board } from "./board"
import { boot } from "./boot"
import { controlOf } from "./device/control"
import { startDevice } from "./device/device"

boot.control = true
await startDevice(board, boot, controlOf)
