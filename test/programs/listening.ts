// A stack at 10.0.0.2 that listens on port 7 and knows the Ethernet address of 10.0.0.1.

import { Buffer } from "@devicescript/core"
import { receive } from "../../src/net/receive"
import { Stack, setAddress } from "../../src/net/stack"
import { transmit } from "../../src/net/transmit"
import { listen } from "../../src/tcp/calls"
import { Config } from "../../src/tcp/config"
import { initialSequence } from "../../src/tcp/secret-numbers"

/** A SYN of 10.0.0.1 to port 7, with an MSS option. */
export const SYN = Buffer.from(
    "0200000000020a000000000108004500002c00010000400666c90a0000010a000002" +
        "9c40000700000001000000006002faf0ecea0000020405b4",
    "hex"
)

/** 10.0.0.1 asks for 10.0.0.2. */
const ARP = Buffer.from(
    "0200000000020a00000000010806" + "00010800060400010a00000000010a0000010000000000000a000002",
    "hex"
)

/** The stack, with an event ring of `events` records. */
export function listening(events: number): Stack {
    const config = new Config()
    config.events = events
    const stack = new Stack(config, Buffer.from("020000000002", "hex"))
    setAddress(stack, 0x0200000a, 0x00ffffff, 0)
    listen(stack, 7, 4)
    stack.rx.blitAt(0, ARP, 0, ARP.length)
    receive(stack, ARP.length, 1)
    transmit(stack, 1)
    // makes the key, once in a device's life
    initialSequence(stack, 0, 0, 1)
    return stack
}
