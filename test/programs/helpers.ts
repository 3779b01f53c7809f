// What a program may want beside sockets: whether a host answers, what time it is, and a name of its own.

import * as ds from "@devicescript/core"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { startNetwork } from "../../src/socket/interface"
import { publishName } from "../../src/socket/mdns"
import { ping } from "../../src/socket/ping"
import { networkTime } from "../../src/socket/sntp"

const net = await startNetwork({ mac: board, ...boot })
// the others are there by then
await ds.sleep(500)

async function said(what: string, answer: () => Promise<unknown>): Promise<void> {
    try {
        console.log(`${what}: ${await answer()}`)
    } catch (error) {
        console.log(`${what}: ${(error as Error).message}`)
    }
}

await said("ping", async () => ((await ping("10.0.0.1")) as number) < 200)
await said("large", async () => ((await ping("10.0.0.1", { size: 1472 })) as number) < 200)
await said("nobody", async () => await ping("10.0.0.99", { timeout: 200 }))
await said("too large", async () => await ping("10.0.0.1", { size: 1473 }))
await said("no host", async () => await ping("10.0.0.255"))
await said("no name", async () => await ping("example.com"))
await said("no time", async () => await networkTime("10.0.0.99", 500))
await said("time", async () => {
    const clock = await networkTime("10.0.0.5")
    const now = clock.time(ds.millis() | 0)
    await ds.sleep(1000)
    return `${Math.round(now / 1000)}, and ${clock.time(ds.millis() | 0) - now} ms later`
})
const name = publishName(net, "pico")
await ds.sleep(3000)
console.log(`name: ${name.text}.local`)
