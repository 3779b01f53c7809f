// Node runtime: @dsboard/*. The pins of a board are those in the runtime's GPIO object (boards/host/pipe.ts puts its own there).

import type { IOPin } from "./core"

const runtime = globalThis as unknown as { GPIO?: Record<string, IOPin> }
runtime.GPIO ??= {}

/** The pins by their names in the firmware. For the type checker this file is @dsboard/*. */
export const pins: Record<string, IOPin> = runtime.GPIO

/** Returns the pins by a board's own labels; `labels` maps each to the name in the firmware. */
export function named(labels: Record<string, string>): Record<string, IOPin> {
    const found: Record<string, IOPin> = {}
    for (const [label, name] of Object.entries(labels)) {
        Object.defineProperty(found, label, { get: () => pins[name], enumerable: true })
    }
    return found
}
