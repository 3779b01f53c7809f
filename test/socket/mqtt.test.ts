// The MQTT client of @devicescript/net when its broker breaks off, says nothing or nonsense: the example goes on, on both runtimes.

import { expect } from "vitest"
import type { HostConnection } from "../../sim/host/host"
import type { Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"

const setup = { program: "src/examples/mqtt.ts", silent: true }

const accepted = "\x20\x02\x00\x00"

/** A broker that takes what it gets; `heard` is what its last connection said. */
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

/** The client is there for the `count`th time, has subscribed again and publishes. */
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

scenario("the broker resets the connection", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    await net.act(() => broker.connections[0]!.abort())
    // longer than the 40 s of its pings
    await net.pass(60_000)
    await publishes(net, broker, 2)
    expect(net.log.filter(line => line.startsWith("no broker: ECONNRESET"))).toHaveLength(1)
})

scenario("nothing of a message that a reset cut is left for the next connection", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    await net.act(() => broker.connections[0]!.send("\x30\x20\x00\x0edevices/"))
    await net.pass(500)
    await net.act(() => broker.connections[0]!.abort())
    await net.pass(20_000)
    await publishes(net, broker, 2)
})

scenario("the broker sends a message without a topic", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    await net.act(() => broker.connections[0]!.send("\x30\x00"))
    await net.pass(20_000)
    await publishes(net, broker, 1)
})

scenario("the broker takes the connection and says nothing", setup, async net => {
    const broker = brokerOf(net)
    broker.greets = false
    await net.pass(11_000)
    broker.greets = true
    await net.pass(20_000)
    await publishes(net, broker, broker.connections.length)
})

scenario("the cable is out until the connection is given up", setup, async net => {
    const broker = brokerOf(net)
    await publishes(net, broker, 1)
    net.chip.setLink(false)
    await net.pass(300_000)
    net.chip.setLink(true)
    await net.pass(60_000)
    await publishes(net, broker, broker.connections.length)
})
