// Runs every script of test/scripts on Node, and those with a line --vm on the VM too. test/scripts/README.md tells how
// they are written.
//
//     npx vitest run test/scripts.test.ts -t handshake/passive

import { afterAll, describe, expect, test } from "vitest"
import { type Prepared, prepare, runOnNode, runOnVm, scriptFiles } from "./support/packetdrill/run"
import { VmPool } from "./support/packetdrill/vm-backend"
import { tsharkAgrees } from "./support/tshark"

const files = scriptFiles()
const pool = new VmPool()
afterAll(() => pool.stop())

test("there are scripts", () => {
    expect(files.length).toBeGreaterThan(0)
})

/** The script, or what is wrong with it, which is told when it is run. */
function read(source: (typeof files)[number]["source"]): Prepared | Error {
    try {
        return prepare(source)
    } catch (error) {
        if (error instanceof Error) return error
        throw error
    }
}

describe("scripts", () => {
    for (const { name, source } of files) {
        const prepared = read(source)
        test(`${name} on Node`, async () => {
            if (prepared instanceof Error) throw prepared
            await runOnNode(prepared)
        })
        if (prepared instanceof Error || !prepared.settings.vm) continue
        test(`${name} on the VM`, async () => {
            await runOnVm(prepared, pool)
        })
    }
})

tsharkAgrees()
