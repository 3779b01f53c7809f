// Publishes a number every second, and prints the messages of other clients, with the MQTT client of @devicescript/net.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import { MQTTClient } from "@devicescript/net"
import { board } from "../board"
import { boot } from "../boot"
import { useForNet } from "../socket/devicescript-net"
import { startNetwork } from "../socket/interface"

useForNet(await startNetwork({ mac: board, ...boot }))
// 10 s for a connection and for the broker's answer: without `timeout` the client waits for the answer forever
const options = { host: "10.0.0.1", port: 1883, timeout: 10000, watchdogInterval: 5000 }
const client = new MQTTClient({ ...options, proto: "tcp" })
client.onerror.subscribe(error => console.error(`MQTT: ${error.message}`))
// drops an incomplete message when the connection closes; otherwise the client would join it to the next connection's data
const parts = client as unknown as { buf: Buffer | undefined }
client.onclose.subscribe(() => {
    parts.buf = undefined
})
await client.subscribe("devices/say/#", message => {
    console.log(`${message.topic}: ${message.content.toString("utf-8")}`)
})
// whenever its connection is lost, the client connects and subscribes again
await client.start()
for (let count = 1; ; count++) {
    // publish returns false while the client is not connected
    if (!(await client.publish("devices/count", `${count}`))) console.warn(`${count} was not published`)
    await ds.sleep(1000)
}
