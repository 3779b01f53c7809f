// The programs that `npm run build` knows.

import { readdirSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "../build"
import { allFeatures } from "./features"

/** A program, and what its figures are listed under. */
export interface Listed {
    name: string
    path: string
}

const EXAMPLES = "src/examples"

export const MAIN: Listed = { name: "main", path: "src/main.ts" }

/** What has to fit together: the programs of the acceptance (test/socket, test/linux). */
export const TOGETHER: readonly Listed[] = [
    { name: "DHCP, DNS, fetch, web server, status page", path: "test/programs/acceptance-web.ts" },
    { name: "DHCP, DNS, MQTT, web server for four", path: "test/programs/acceptance-field.ts" },
]

/** All that the smallest useful client has no need of: it connects, and that is all. */
export const NOT_IN_HELLO: readonly string[] = allFeatures().filter(name => name !== "ACTIVE_OPENS")

/** A program of the documents' table, and the features that it leaves out. */
export interface Row extends Listed {
    without: readonly string[]
}

/** All that a floor is held for, and that the documents have figures of. */
export function allRows(): Row[] {
    const whole = [...listed(), listedAs("src/controlled.ts"), ...TOGETHER]
    return [
        ...whole.map(program => ({ ...program, without: [] })),
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
