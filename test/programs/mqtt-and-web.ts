// The MQTT client of @devicescript/net and a web server for four at once, for the programs of the acceptance.

import * as ds from "@devicescript/core"
import { startMQTTClient } from "@devicescript/net"
import { lines } from "../../src/device/command-hook"
import { HttpServer } from "../../src/http/server"
import { useForNet } from "../../src/socket/devicescript-net"
import type { NetworkInterface } from "../../src/socket/interface"

let came = 0

/** Sends `count` messages there and back. Returns how many came, and how many of them were not as they were sent. */
async function messages(host: string, port: number, count: number): Promise<string> {
    came = 0
    let wrong = 0
    const client = await startMQTTClient({ host, port, proto: "tcp" })
    await client.subscribe("devs/test/#", async message => {
        if (message.content.toString("utf-8") !== `message ${came}`) wrong++
        came++
    })
    const until = ds.millis() + 50000
    for (let i = 0; i < count; i++) {
        if (!(await client.publish("devs/test/a", `message ${i}`))) wrong++
        while (came < i && ds.millis() < until) await ds.sleep(1)
    }
    while (came < count && ds.millis() < until) await ds.sleep(10)
    await client.stop()
    return `${came} of ${count}, ${wrong} wrong`
}

let ready = false
// "HOST PORT COUNT"
lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    if (args.length < 3) return 0
    try {
        await print(await messages(args[0], parseFloat(args[1]), parseFloat(args[2])))
        return 0
    } catch (error) {
        await print((error as Error).message)
        return 1
    }
}

/** Begins to serve, and takes commands. */
export function serve(network: NetworkInterface): void {
    useForNet(network)
    const row = "abcdefghijklmnopqrstuvwxyz\n"
    const server = new HttpServer(network.stack, { port: 80, clients: 4 })
    server.route("GET", "/count", () => ({ body: `${came}\n` }))
    server.route("GET", "/rows", () => ({ body: index => (index < 400 ? row : undefined) }))
    network.add(server)
    ready = true
}
