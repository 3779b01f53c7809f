// Sends every frame back to where it came from; "counters" prints what the driver counted.

import "../../boards/host/pipe"
import { Buffer } from "@devicescript/core"
import { board } from "../../src/board"
import { lines } from "../../src/device/command-hook"
import { MacCounter } from "../../src/mac/mac"

const address = Buffer.from("021122334455", "hex")
const mac = board(address)

lines.run = async (_line, print) => {
    for (let at = 0; at < MacCounter.Size; at += 4) await print(`${mac.counters.getAt(at, "i32")}`)
    return 0
}

await mac.start()
console.log(`up ${mac.linkUp}`)
const frame = Buffer.alloc(1514)
while (true) {
    const length = await mac.receive(frame)
    if (length === 0) await mac.rest(1000)
    else {
        frame.blitAt(0, frame, 6, 6)
        frame.blitAt(6, address, 0, 6)
        if (!(await mac.send(frame, length))) console.log("not sent")
    }
}
