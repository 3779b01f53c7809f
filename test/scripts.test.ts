// Runs every script of test/scripts on Node. test/scripts/README.md explains how they are written; scripts-vm.test.ts runs
// those with a line --vm on the VM.
//
//     npx vitest run test/scripts.test.ts -t handshake/passive

import { expect, test } from "vitest"
import { prepareAll, runOnNode } from "./support/packetdrill/run"
import { tsharkAgrees } from "./support/tshark"

const scripts = prepareAll()

test("test/scripts holds scripts", () => {
    expect(scripts.length).toBeGreaterThan(0)
})

for (const { name, prepared } of scripts) {
    test(`${name} on Node`, async () => {
        if (prepared instanceof Error) throw prepared
        await runOnNode(prepared)
    })
}

tsharkAgrees()
