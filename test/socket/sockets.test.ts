// Sockets of a program on a whole device, on the VM and on Node.

import { expect } from "vitest"
import { serveEcho } from "../../sim/peer"
import { scenario } from "../scenarios/scenario"
import { tsharkAgrees } from "../support/tshark"

const setup = { program: "test/programs/sockets.ts" }

scenario("hello: lines, both half closes, what is said afterwards", setup, async net => {
    serveEcho(net.peer(1), net.clock)
    expect((await net.reply("hello 10.0.0.1 7")).lines).toEqual([
        "tcp://10.0.0.1:7 10.0.0.2:true 10.0.0.1:7 ESTABLISHED",
        'line "hello"',
        'line "world"',
        'line "and"',
        'line ""',
        'line "the ënd"',
        'line "null"',
        "null TIME-WAIT",
        "null CLOSED 0",
        "socket tcp://10.0.0.1:7: closed",
    ])
})

tsharkAgrees()
