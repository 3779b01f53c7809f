// Where the Linux kernel and ours answer differently, and what decides: every difference that is found has to be one of
// these, and each of these has to be found. A difference belongs to the first that fits. They are those of Linux 6.18.
//
// "ours": an RFC says what ours does. "linux": it says what Linux does. "both": it leaves it open, or says it for neither.

import type { Difference } from "./compare"
import { callDifferences } from "./differences-calls"
import { closingDifferences } from "./differences-closing"
import { numberDifferences, stampDifferences } from "./differences-numbers"
import { openingDifferences } from "./differences-opening"
import { type DifferenceClass, factsOf } from "./facts"

/** All, in the order in which they are asked. */
export const classes: readonly DifferenceClass[] = [
    ...callDifferences,
    ...openingDifferences,
    ...stampDifferences,
    ...closingDifferences,
    ...numberDifferences,
]

/** The class of a difference; undefined when there is none, which is a failure. */
export function classOf(difference: Difference): DifferenceClass | undefined {
    const facts = factsOf(difference)
    if (facts === undefined) return classes.find(one => one.isAfterCall?.(difference))
    return classes.find(one => one.is?.(facts))
}
