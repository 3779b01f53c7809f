// The programs whose sizes are measured and limited.

import { readdirSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "../build/build"
import { allFeatures } from "./features"

/** A program, and the name under which its figures are listed. */
interface Listed {
    name: string
    path: string
}

const EXAMPLES = "src/examples"

export const MAIN: Listed = { name: "main", path: "src/main.ts" }

/**
 * The features that the programs in TOGETHER leave out: features for long or lossy paths, options that are rarely set, and the
 * small records for TIME-WAIT. SYN cookies and reassembly stay.
 */
export const NOT_TOGETHER: readonly string[] = [
    ...["TIME_WAIT_RECORDS", "FAST_RETRANSMIT", "SACK", "TIMESTAMPS"],
    ...["PATH_MTU", "KEEP_ALIVE", "USER_TIMEOUT", "UNREACHABLES"],
]

/** Programs with many services at the same time, which have to fit: those of the acceptance tests (test/socket, test/linux). */
export const TOGETHER = {
    web: { name: "DHCP, DNS, fetch, web server, status page", path: "test/programs/acceptance-web.ts" },
    field: { name: "DHCP, DNS, MQTT, web server for four", path: "test/programs/acceptance-field.ts" },
} as const

/** All features that the smallest useful client does not need: it only connects. */
const NOT_IN_HELLO: readonly string[] = allFeatures().filter(name => name !== "ACTIVE_OPENS")

/** A row in the table of the documents. */
interface Row extends Listed {
    /** The features that the program leaves out. */
    without: readonly string[]
}

/** Returns all programs that have a limit in test/budget and a row in the documents. */
export function allRows(): Row[] {
    const whole = [...listed(), listedAs("src/controlled.ts")]
    return [
        ...whole.map(program => ({ ...program, without: [] })),
        ...Object.values(TOGETHER).map(program => ({ ...program, without: NOT_TOGETHER })),
        { name: "hello without what it does not need", path: `${EXAMPLES}/hello.ts`, without: NOT_IN_HELLO },
    ]
}

/** Returns the flashed program and all examples. */
export function listed(): Listed[] {
    const examples = readdirSync(join(ROOT, EXAMPLES))
        .filter(file => file.endsWith(".ts"))
        .sort()
        .map(file => listedAs(`${EXAMPLES}/${file}`))
    return [MAIN, ...examples]
}

export function listedAs(path: string): Listed {
    return { name: path.replace(/^.*\//, "").replace(/\.ts$/, ""), path }
}
