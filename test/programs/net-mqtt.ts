// The MQTT client of @devicescript/net, as it is, over this stack: publishes, and gets it back from the broker.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { startMQTTClient } from "@devicescript/net"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import type { Print } from "../../src/inspect/text"
import { useForNet } from "../../src/socket/devicescript-net"
import { startNetwork } from "../../src/socket/interface"

let ready = false

/** "HOST PORT COUNT QOS [burst]": COUNT messages there and back. Returns how many came, and whether in order. */
async function messages(args: string[], print: Print): Promise<void> {
    const client = await startMQTTClient({ host: args[0], port: parseFloat(args[1]), proto: "tcp" })
    const count = parseFloat(args[2])
    const qos = parseFloat(args[3])
    let came = 0
    let inOrder = true
    client.onerror.subscribe(async error => await print(`error ${error.message}`))
    await client.subscribe("devs/test/#", async message => {
        if (message.content.toString("utf-8") !== `message ${came}` || message.topic !== "devs/test/a") {
            inOrder = false
        }
        came++
    })
    for (let i = 0; i < count; i++) {
        if (!(await client.publish("devs/test/a", `message ${i}`, qos))) await print("not published")
        // "burst": all of them at once
        while (args.length < 5 && came < i) await ds.sleep(1)
    }
    const until = ds.millis() + 10000
    while (came < count && ds.millis() < until) await ds.sleep(10)
    await print(`${came} of ${count}, in order: ${inOrder}`)
    await client.stop()
}

lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    if (line.trim() === "") return 0
    try {
        await messages(line.split(" "), print)
        return 0
    } catch (error) {
        await print((error as Error).message)
        return 1
    }
}

useForNet(await startNetwork({ mac: board, ...boot }))
ready = true
