// Prints the code of a program by package, folder, file and function as a table.

import type { Part } from "./parts"
import { bytes, type Cell, table } from "./table"

/** Returns a line for each part, indented by its depth, the largest first within each parent. */
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
