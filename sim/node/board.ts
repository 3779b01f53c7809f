// Stand-in for @dsboard/*: a board's pins are those in the runtime's GPIO object (boards/host/pipe.ts puts its own there).

import type { IOPin } from "./core"

const runtime = globalThis as unknown as { GPIO?: Record<string, IOPin> }
runtime.GPIO ??= {}

/** The pins by the names that the firmware has for them; what @dsboard/* is to the type checker. */
export const pins: Record<string, IOPin> = runtime.GPIO

/** Returns the pins by a board's own labels; `labels` leads from each to the firmware's name. */
export function named(labels: Record<string, string>): Record<string, IOPin> {
    const found: Record<string, IOPin> = {}
    for (const [label, name] of Object.entries(labels)) {
        Object.defineProperty(found, label, { get: () => pins[name], enumerable: true })
    }
    return found
}
