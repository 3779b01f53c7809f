// This project's stack at both ends, as the simulator runs it on Node.

import { Buffer } from "@devicescript/core"
import { receive } from "../../../src/net/receive"
import { Stack, setAddress } from "../../../src/net/stack"
import { transmit } from "../../../src/net/transmit"
import { accept, close, connect, listen, read, stateOf, write } from "../../../src/tcp/calls"
import { Config, configure } from "../../../src/tcp/config"
import { State } from "../../../src/tcp/records"
import { AT_ONCE, Line, type Pair, PORT, RING } from "./line"

/** 10.0.0.1 and 10.0.0.2 as the wire has them, and the netmask of their network. */
const ADDRESSES = [0x0100000a, 0x0200000a] as const
const NETMASK = 0x00ffffff

function stackAt(end: number): Stack {
    const config = new Config()
    configure(config, { connections: AT_ONCE, sendBuffer: RING, receiveBuffer: RING, events: 0 })
    const mac = Buffer.from([2, 0, 0, 0, 0, end + 1])
    const stack = new Stack(config, mac)
    setAddress(stack, ADDRESSES[end]!, NETMASK, 0)
    return stack
}

export function ours(): Pair {
    const stacks = [stackAt(0), stackAt(1)] as const
    const [client, server] = stacks
    let now = 1000
    /**
     * How many frames are on the line for each end. The first of them is in the end's receive frame already: every stack's frames are
     * copied once. The others wait in frames that serve again, as the stack copies what it keeps.
     */
    const waiting = [0, 0]
    const spare: Buffer[] = []
    const take = (end: number) => (frame: Buffer, length: number) => {
        const { rx } = stacks[end]!
        if (frame !== rx) {
            rx.blitAt(0, frame, 0, length)
            spare.push(frame)
        }
        receive(stacks[end]!, length, now)
        waiting[end]!--
        send(end)
    }
    const line = new Line([take(0), take(1)])
    const send = (end: number) => {
        const { tx } = stacks[end]!
        for (;;) {
            const length = transmit(stacks[end]!, now)
            if (length === 0) return
            const to = 1 - end
            const frame = waiting[to]!++ === 0 ? stacks[to]!.rx : (spare.pop() ?? Buffer.alloc(tx.length))
            frame.blitAt(0, tx, 0, length)
            line.send(to, frame, length)
        }
    }
    const settle = () => {
        send(0)
        send(1)
        line.settle()
    }
    const listener = listen(server, PORT, AT_ONCE)
    let opened: [number, number][] = []
    const connection = () => {
        now++
        const from = connect(client, ADDRESSES[1], PORT, 0, now)
        send(0)
        line.settle()
        const to = accept(server, listener)
        if (to <= 0 || stateOf(client, from) !== State.Established) throw new Error("no connection")
        opened.push([from, to])
        return { from, to }
    }
    const data = Buffer.alloc(RING)
    data.fillAt(0, RING, 0x61)
    const taken = Buffer.alloc(RING)
    return {
        name: "ours",
        open: () => void connection(),
        close: () => {
            for (const [from, to] of opened) {
                close(client, from, now)
                settle()
                close(server, to, now)
                settle()
            }
            opened = []
        },
        bulk: bytes => {
            const { from, to } = connection()
            let written = 0
            let arrived = 0
            while (arrived < bytes) {
                now++
                written += write(client, from, data, 0, Math.min(RING, bytes - written))
                settle()
                for (let n = 1; n > 0; arrived += Math.max(0, n)) n = read(server, to, taken, 0, RING)
                settle()
            }
        },
    }
}
