// What the smallest useful stack takes of the heap: it is made a second after the start, and the host looks before
// and after.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { boot } from "../../src/boot"
import { Stack } from "../../src/net/stack"
import { Config, configure } from "../../src/tcp/config"

const config = new Config()
configure(config, boot.config)
const mac = ds.Buffer.from("020000000001", "hex")
let stack: Stack | undefined

/** The stack has to be in use, else nobody would keep it. */
async function run(): Promise<void> {
    await ds.sleep(1000)
    stack = new Stack(config, mac)
    for (;;) {
        await ds.sleep(1000)
        if (stack.connsEnd > 0) console.log("connections")
    }
}

run.start()
