// Separates what a device's program prints on its console from what the runtime prints there.

import type { Level } from "../device/runtime"

/**
 * Matches the VM's greeting and its lines on an exception that ends the program, which the message at the end of the run
 * replaces.
 */
const OF_RUNTIME =
    /^(DeviceScript Simulator|start: |Exception: |Unhandled exception$| message: | +at \w*_F\d+ \(pc:\d+\))/

/** Returns true when the program, not the runtime, printed a line on the console. */
export function isProgramsOwn(level: Level, text: string): boolean {
    if (level === "system") return false
    return (level !== "warn" && level !== "error") || !OF_RUNTIME.test(text)
}

/** Returns the message in a line that the runtime prints of an error; undefined for any other line. */
export function errorMessage(text: string): string | undefined {
    return /^ message: (.*)/.exec(text)?.[1]
}
