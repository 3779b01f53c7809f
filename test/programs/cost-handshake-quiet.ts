// The same without the event ring.

import { receive } from "../../src/net/receive"
import { transmit } from "../../src/net/transmit"
import { listening, SYN } from "./listening"
import { measure } from "./measure"

const stack = listening(0)
stack.rx.blitAt(0, SYN, 0, SYN.length)

await measure(() => {
    receive(stack, SYN.length, 2)
    if (transmit(stack, 2) !== 58) throw new Error("no SYN-ACK")
})
