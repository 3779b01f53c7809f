// The example on every board: it associates or has a link, and shakes hands, on both runtimes.

import { expect, test } from "vitest"
import { boardNames, readBoard } from "../../sim/board/boards"
import { Cli } from "../cli/cli"

test.each(boardNames().flatMap(name => ["vm", "node"].map(runtime => [name, runtime])))(
    "npm start -- --board %s --runtime %s --once",
    { timeout: 120_000 },
    async (name, runtime) => {
        const cli = new Cli("--board", name!, "--runtime", runtime!, "--once")
        expect(await cli.ended, cli.stderr).toBe(0)
        expect(cli.stdout).toContain(`Host X  ${readBoard(name).title} at 10.0.0.2/24`)
        expect(cli.stdout.match(/^ {2}ok {2}/gm)?.length).toBeGreaterThan(3)
    }
)
