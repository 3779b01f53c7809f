// Runs the scripts of test/scripts that have a line --vm on the VM: the image that a board gets, its driver and the control
// protocol.
//
//     npx vitest run test/scripts-vm.test.ts -t handshake/passive

import { afterAll, test } from "vitest"
import { prepareAll, runOnVm } from "./support/packetdrill/run"
import { VmPool } from "./support/packetdrill/vm-backend"

const pool = new VmPool()
afterAll(() => pool.stop())

for (const { name, prepared } of prepareAll()) {
    // scripts.test.ts reports scripts that cannot be read
    if (prepared instanceof Error || !prepared.settings.vm) continue
    test(`${name} on the VM`, async () => {
        await runOnVm(prepared, pool)
    })
}
