// Bad lines: all data arrives in order, or the connection fails with an error.

import { expect } from "vitest"
import { serveEcho } from "../../sim/host/host"
import { tsharkAgrees } from "../support/tshark"
import type { Setup } from "./net"
import { scenario } from "./scenario"
import { client, echoed, serves, text, underWay } from "./traffic"

const LENGTH = 4096
/** Milliseconds: a bad line may cost several timeouts in a row. */
const LONG = 600_000

const lines: [string, Setup["impairments"]][] = [
    ["loses one frame in ten", { loss: 0.1 }],
    ["is slow, uneven and out of order", { delay: 120, jitter: 60, reorder: 0.2 }],
    ["repeats one frame in five", { dup: 0.2 }],
    ["flips a bit in one frame of ten", { corrupt: 0.1 }],
    ["takes 64 kbit/s", { rate: 64_000 }],
]

for (const [name, impairments] of lines) {
    scenario(`4,096 bytes are echoed over a line that ${name}`, { impairments, seed: 11 }, async net => {
        const peer = net.host(1)
        const said = text(LENGTH)
        const one = await client(net, peer, 7, said)
        await echoed(net, one, said, LONG)
        expect(net.failures).toEqual([])
    })
}

for (const seed of [1, 2, 3]) {
    const impairments = { loss: 0.1, delay: 20, jitter: 10, dup: 0.05, reorder: 0.05, corrupt: 0.03 }
    scenario(
        `both ends echo over a line with all impairments, seed ${seed}`,
        { impairments, seed },
        async net => {
            const peer = net.host(1)
            serveEcho(peer, net.clock)
            const said = text(LENGTH)
            // both ways at once: the peer's transfer to the device's echo, and the device's own to the peer's
            const one = await client(net, peer, 7, said)
            const { id, port } = await net.connect("10.0.0.1", 7)
            await net.reached(port, "ESTABLISHED", LONG)
            const letters = "abcdefghijklmnopqrstuvwxyz".repeat(15)
            for (let i = 0; i < 2; i++) await net.command(`send ${id} ${letters}`)
            // console commands in between
            for (const line of ["connections", `ladder ${id}`, "stats", "neighbours"]) await net.command(line)
            await echoed(net, one, said, LONG)
            await net.pass(60_000)
            expect((await net.command(`read ${id}`)).join("")).toBe(letters + letters)
            await net.command(`close ${id}`)
            await net.act(() => one.connection.close())
            await net.until("both ends", () => net.states(port).includes("TIME-WAIT"), LONG)
            expect(net.failures).toEqual([])
        }
    )
}

scenario("4,096 bytes are echoed although the line is cut for 40 s", { seed: 5 }, async net => {
    const peer = net.host(1)
    const { said, one } = await underWay(net, peer, LENGTH)
    net.lose = () => true
    await net.pass(40_000)
    net.lose = () => false
    await echoed(net, one, said, LONG)
    expect(net.failures).toEqual([])
    await serves(net, peer)
})

tsharkAgrees()
