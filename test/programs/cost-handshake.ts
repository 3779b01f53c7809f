// From a SYN in the receive buffer to the SYN-ACK in the transmit buffer, with the configuration's defaults except for the
// number of events kept, which the host sets.

import { boot } from "../../src/boot"
import { receive } from "../../src/net/receive"
import { transmit } from "../../src/net/transmit"
import { listening, SYN } from "./listening"
import { measure } from "./measure"

const stack = listening((boot as unknown as { events: number }).events)
stack.rx.blitAt(0, SYN, 0, SYN.length)

await measure(() => {
    receive(stack, SYN.length, 2)
    if (transmit(stack, 2) !== 58) throw new Error("no SYN-ACK")
})
