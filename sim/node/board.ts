// Stand-in for @dsboard/*: the pins are whatever stands in the runtime's GPIO object (boards/host/pipe.ts puts its own).

import type { IOPin } from "./core"

const board = globalThis as unknown as { GPIO?: Record<string, IOPin> }
board.GPIO ??= {}

export const pins: Record<`GP${number}`, IOPin> = board.GPIO
