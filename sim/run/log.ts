// What a device's console says, without what its runtime says of itself.

import type { Level } from "../device/runtime"

/** The VM's greeting, and its own words for an exception that ends the program: the end of the run tells that better. */
const OF_RUNTIME =
    /^(DeviceScript Simulator|start: |Exception: |Unhandled exception$| message: | +at \w*_F\d+ \(pc:\d+\))/

/** Whether a line of the console is the program's own. */
export function isProgramsOwn(level: Level, text: string): boolean {
    if (level === "system") return false
    return (level !== "warn" && level !== "error") || !OF_RUNTIME.test(text)
}
