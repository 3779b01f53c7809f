// Publishes a number every second, and prints what others say, by the MQTT client of @devicescript/net.

import * as ds from "@devicescript/core"
import { startMQTTClient } from "@devicescript/net"
import { board } from "../board"
import { boot } from "../boot"
import { useForNet } from "../socket/net-backend"
import { startNetwork } from "../socket/start"

useForNet(await startNetwork({ mac: board, ...boot }))
const client = await startMQTTClient({ host: "10.0.0.1", port: 1883, proto: "tcp" })
await client.subscribe("devices/say/#", message => {
    console.log(`${message.topic}: ${message.content.toString("utf-8")}`)
})
for (let count = 1; ; count++) {
    await client.publish("devices/count", `${count}`)
    await ds.sleep(1000)
}
