// A sensor that publishes its reading by MQTT every ten seconds. It connects again when broker or network were away; when the board itself
// is gone, the broker publishes its last will. Needs an MQTT broker without TLS at BROKER. In the simulator, with a broker on port 1883 of
// your computer: npm start -- --program src/gallery/mqtt-sensor.ts --link user

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import { MQTTClient } from "@devicescript/net"
import { board } from "../board"
import { mqttError, startNetwork, useForNet } from "../index"
import { networkSettings } from "../socket/network-settings"

const BROKER = "10.0.0.1"
const STATUS = "sensors/hall/status"

/** Returns the temperature in degrees Celsius: put your sensor here. */
function temperature(): number {
    return 20 + Math.idiv(ds.millis(), 10000) / 10
}

useForNet(await startNetwork({ mac: board, ...(await networkSettings()) }))
const client = new MQTTClient({
    host: BROKER,
    port: 1883,
    proto: "tcp",
    // ms for the connection and for the broker's answer
    timeout: 10000,
    // ms between two looks at the connection
    watchdogInterval: 5000,
    // seconds: the broker publishes the will when it has heard nothing for one and a half times this
    keepAlive: 20,
    pingInterval: 15000,
    will: { topic: STATUS, message: "offline", retain: true },
})
client.onerror.subscribe(error => console.error(mqttError(error).message))
// drops an incomplete message when the connection closes; otherwise the client would join it to the next connection's data
const parts = client as unknown as { buf: Buffer | undefined }
client.onclose.subscribe(() => {
    parts.buf = undefined
})
// at each connection, also after an outage
client.onconnect.subscribe(async () => {
    await client.publish(STATUS, "online", 0, true)
})
await client.start()
for (;;) {
    // false while there is no connection: this reading is lost, and the next one comes
    if (!(await client.publish("sensors/hall/temperature", `${temperature()}`))) console.warn("not published")
    await ds.sleep(10000)
}
