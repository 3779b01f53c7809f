// The stack of protocol-stack.ts on the VM, driven by command lines: what the host feeds it, and what it sends in return.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { lines } from "../../src/device/command-hook"
import { receive } from "../../src/net/receive"
import { transmit } from "../../src/net/transmit"
import { ProtocolStack } from "./protocol-stack"

const protocols = new ProtocolStack(Buffer.from("020000000001", "hex"))
const { stack } = protocols

// "act NUMBER NOW" or "frame HEX NOW"; prints the frames that are sent then, and what can be seen
lines.run = async (line, print) => {
    const words = line.split(" ")
    const now = +(words[2] as string) | 0
    const frame = words[0] === "act" ? stack.mac : Buffer.from(words[1] as string, "hex")
    // what is made of digits and into digits costs operations that no board would spend
    await ds.sleep(1)
    if (words[0] === "act") protocols.act(+(words[1] as string), now)
    else {
        stack.rx.blitAt(0, frame, 0, frame.length)
        receive(stack, frame.length, now)
    }
    for (let n = transmit(stack, now); n > 0; n = transmit(stack, now)) {
        await ds.sleep(1)
        await print(stack.tx.slice(0, n).toString("hex"))
        await ds.sleep(1)
    }
    await print(protocols.state(now))
    return 0
}
