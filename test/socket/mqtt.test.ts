// The MQTT client of @devicescript/net with a broker that resets, is silent or sends nonsense: the example goes on, on both runtimes.

import { expect } from "vitest"
import type { HostConnection } from "../../sim/host/host"
import type { Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"

const setup = { program: "src/examples/mqtt.ts", silent: true }

const accepted = "\x20\x02\x00\x00"

/** Returns a broker that accepts everything; `heard` is the data of its last connection. */
function brokerOf(net: Net) {
    const broker = { connections: [] as HostConnection[], heard: "", greets: true }
    net.host(1).listen(1883, {
        accepted: connection => {
            broker.connections.push(connection)
            broker.heard = ""
        },
        data: (connection, text) => {
            broker.heard += text
            if (text.charCodeAt(0) === 0x10 && broker.greets) connection.send(accepted)
        },
    })
    return broker
}

type Broker = ReturnType<typeof brokerOf>

/** Waits until the client has connected for the `count`th time, subscribed and published. */
async function publishes(net: Net, broker: Broker, count: number): Promise<void> {
    await net.until(
        `connection ${count}`,
        () =>
            broker.connections.length === count &&
            broker.heard.includes("devices/say/#") &&
            broker.heard.includes("devices/count")
    )
    await net.act(() => broker.connections[count - 1]!.send(`\x30\x10\x00\x0edevices/say/h${count}`))
}

scenario("mqtt.ts connects and subscribes again after the broker reset its connection", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    await net.act(() => broker.connections[0]!.abort())
    // longer than the client's 40 s between pings
    await net.pass(60_000)
    await publishes(net, broker, 2)
    expect(net.log.filter(line => line.startsWith("MQTT: ECONNRESET"))).toHaveLength(1)
})

scenario("mqtt.ts drops the half message that a reset cut, and hears the next whole", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    await net.act(() => broker.connections[0]!.send("\x30\x20\x00\x0edevices/"))
    await net.pass(500)
    await net.act(() => broker.connections[0]!.abort())
    await net.pass(20_000)
    await publishes(net, broker, 2)
})

scenario("mqtt.ts ignores a message without a topic and goes on publishing", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    await net.act(() => broker.connections[0]!.send("\x30\x00"))
    await net.pass(20_000)
    await publishes(net, broker, 1)
})

scenario("mqtt.ts gives up a broker that accepts and says nothing, and tries again", setup, async net => {
    const broker = brokerOf(net)
    broker.greets = false
    await net.pass(11_000)
    broker.greets = true
    await net.pass(20_000)
    await publishes(net, broker, broker.connections.length)
})

scenario("mqtt.ts connects again after the cable was out for five minutes", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    net.chip.setLink(false)
    await net.pass(300_000)
    net.chip.setLink(true)
    await net.pass(60_000)
    await publishes(net, broker, broker.connections.length)
})
