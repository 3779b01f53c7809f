// The code of a program by package, folder, file and function, as a table.

import type { Part } from "./parts"
import { bytes, type Cell, table } from "./table"

/** A line for each part, the largest of each kind first, indented by depth. */
export function sizesTable(root: Part): string[] {
    const rows: Cell[][] = [["", "code", "part"]]
    const walk = (part: Part, depth: number): void => {
        const share = `${((100 * part.bytes) / root.bytes).toFixed(1)} %`
        rows.push([`${"  ".repeat(depth)}${part.name}`, bytes(part.bytes), share])
        for (const child of part.parts) walk(child, depth + 1)
    }
    walk(root, 0)
    return table(rows)
}
