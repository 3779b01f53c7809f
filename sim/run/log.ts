// What a device's console says, without what its runtime says of itself.

import type { Level } from "../runtime"

/** The VM's greeting, and its own words for an exception that ends the program: that is told better elsewhere. */
const RUNTIME =
    /^(DeviceScript Simulator|start: |Exception: | {2}message: |Unhandled exception| *at \w*_F\d+ \(pc:\d+\))/

/** Whether a line of the console is the program's own. */
export function isProgramsOwn(level: Level, text: string): boolean {
    return level !== "system" && !RUNTIME.test(text)
}
