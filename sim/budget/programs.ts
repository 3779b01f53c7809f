// The programs that `npm run build` knows.

import { readdirSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "../build/build"
import { allFeatures } from "./features"

/** A program, and what its figures are listed under. */
export interface Listed {
    name: string
    path: string
}

const EXAMPLES = "src/examples"

export const MAIN: Listed = { name: "main", path: "src/main.ts" }

/**
 * What the programs that have to fit together leave out: what a short line with few losses can do without, what nobody sets,
 * and the records that are smaller than a connection's own in TIME-WAIT. SYN cookies and reassembly stay.
 */
export const NOT_TOGETHER: readonly string[] = [
    ...["TIME_WAIT_RECORDS", "FAST_RETRANSMIT", "SACK", "TIMESTAMPS"],
    ...["PATH_MTU", "KEEP_ALIVE", "USER_TIMEOUT", "UNREACHABLES"],
]

/** What has to fit together: the programs of the acceptance (test/socket, test/linux). */
export const TOGETHER = {
    web: { name: "DHCP, DNS, fetch, web server, status page", path: "test/programs/acceptance-web.ts" },
    field: { name: "DHCP, DNS, MQTT, web server for four", path: "test/programs/acceptance-field.ts" },
} as const

/** All that the smallest useful client has no need of: it connects, and that is all. */
export const NOT_IN_HELLO: readonly string[] = allFeatures().filter(name => name !== "ACTIVE_OPENS")

/** A program of the documents' table, and the features that it leaves out. */
export interface Row extends Listed {
    without: readonly string[]
}

/** All that a floor is held for, and that the documents have figures of. */
export function allRows(): Row[] {
    const whole = [...listed(), listedAs("src/controlled.ts")]
    return [
        ...whole.map(program => ({ ...program, without: [] })),
        ...Object.values(TOGETHER).map(program => ({ ...program, without: NOT_TOGETHER })),
        { name: "hello without what it does not need", path: `${EXAMPLES}/hello.ts`, without: NOT_IN_HELLO },
    ]
}

/** The flashed program and all examples. */
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
