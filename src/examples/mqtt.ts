// Publishes a number every second, and prints what others say, by the MQTT client of @devicescript/net.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import { MQTTClient } from "@devicescript/net"
import { board } from "../board"
import { boot } from "../boot"
import { useForNet } from "../socket/devicescript-net"
import { startNetwork } from "../socket/interface"

useForNet(await startNetwork({ mac: board, ...boot }))
// 10 s for a connect and for the broker's answer: the client waits for that without an end otherwise
const options = { host: "10.0.0.1", port: 1883, timeout: 10000, watchdogInterval: 5000 }
const client = new MQTTClient({ ...options, proto: "tcp" })
client.onerror.subscribe(error => console.error(`no broker: ${error.message}`))
// the client would join what an end cut with what comes next
const parts = client as unknown as { buf: Buffer | undefined }
client.onclose.subscribe(() => {
    parts.buf = undefined
})
await client.subscribe("devices/say/#", message => {
    console.log(`${message.topic}: ${message.content.toString("utf-8")}`)
})
// the client connects again, and subscribes, whenever there is no connection
await client.start()
for (let count = 1; ; count++) {
    // false: there was no connection
    if (!(await client.publish("devices/count", `${count}`))) console.warn(`${count} was not published`)
    await ds.sleep(1000)
}
