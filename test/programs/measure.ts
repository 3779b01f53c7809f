// Lets the host count the operations of a piece of code exactly: see sim/vm/operations.ts.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { boot } from "../../src/boot"

/** What the host puts into the boot options for one try. */
interface Try {
    /** Turns of 9 operations to take after the code. */
    nines: number
    /** Turns of 7 operations to take after the code. */
    sevens: number
    /** Leaves the code out, to measure what is around it. */
    empty: boolean
}

function nothing(): void {}

/**
 * Runs `code`, which must not wait for anything, and then a number of operations that the host wants to be taken: the program
 * ends there, or says "survived" if the VM allows so many between two awaits.
 */
export async function measure(code: () => void | Promise<void>): Promise<void> {
    const options = boot as unknown as Try
    const measured = options.empty ? nothing : code
    let nines = options.nines
    let sevens = options.sevens
    // the count begins anew after every await
    await ds.sleep(1)
    await measured()
    while (nines > 0) nines--
    while (sevens) sevens--
    await ds.sleep(1)
    console.log("survived")
}
