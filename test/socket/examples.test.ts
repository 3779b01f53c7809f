// The examples of src/examples on both runtimes; prints the heap that each takes on the VM.

import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { afterAll, afterEach, describe, expect, it } from "vitest"
import type { Device } from "../../sim/device/device"
import { serveEcho } from "../../sim/host/host"
import { Lan } from "../router/lan"
import { Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"
import { ScriptedStation } from "../scenarios/station"
import { client, echoed, text } from "../scenarios/traffic"
import { broker, startBroker } from "./broker"

const setup = (name: string) => ({ program: `src/examples/${name}.ts`, silent: true })

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

async function measure(name: string, device: Device): Promise<void> {
    const { used } = await device.liveHeap()
    measured.push(`${name}: ${used.toLocaleString("en")} bytes of heap`)
}

async function play(name: string, net: Net): Promise<void> {
    switch (name) {
        case "hello":
            serveEcho(net.host(1), net.clock)
            await net.until("the greeting", () => net.log.includes("hello, world"))
            break
        case "echo": {
            const one = await client(net, net.host(1), 7, text(3000))
            await echoed(net, one, text(3000))
            await net.act(() => one.connection.close())
            await net.pass(500)
            expect(net.log[0]).toBe("echo on 10.0.0.2, port 7")
            expect(net.log[1]).toMatch(/^tcp:\/\/10\.0\.0\.1:\d+ connected$/)
            expect(net.log[2]).toMatch(/^tcp:\/\/10\.0\.0\.1:\d+ closed$/)
            break
        }
        case "beacon": {
            const host = new ScriptedStation(net, 5)
            await net.pass(11_000)
            const heard = () =>
                net.frames.flatMap(({ view }) =>
                    view.kind === "udp" && view.sourcePort === 4210
                        ? [`${view.destination}:${view.destinationPort} ${Buffer.from(view.payload)}`]
                        : []
                )
            expect(heard()).toEqual([1, 2, 3].map(i => `255.255.255.255:4210 beacon ${i}`))
            await net.act(() => host.datagram(999, 4210, [...Buffer.from("where are you?")]))
            await net.until("the answer", () => heard().includes("10.0.0.5:999 I am at 10.0.0.2"))
            expect(net.log.at(-1)).toBe("10.0.0.5 asks: where are you?")
        }
    }
}

for (const name of ["hello", "echo", "beacon"]) {
    scenario(`${name}.ts runs its whole conversation`, setup(name), net => play(name, net))
    it(`${name}.ts on the VM: its heap is measured`, async () => {
        const net = await Net.open("vm", setup(name))
        await play(name, net)
        await measure(name, net.device)
        await net.close()
    })
}

let lan: Lan
afterEach(() => lan?.close())

/** Returns a device with an example that connects to 10.0.0.1, which leads to this computer at that port. */
async function device(runtime: "vm" | "node", name: string, port: number) {
    lan = await Lan.open({
        router: "10.0.0.1",
        device: "10.0.0.2",
        dial: () => connect({ host: "127.0.0.1", port, allowHalfOpen: true }),
    })
    const log: string[] = []
    const running = await lan.device(runtime, false, {
        ...setup(name),
        boot: { ip: "10.0.0.2/24", gateway: "10.0.0.1" },
        onLog: (level, line) => {
            if (level !== "debug") log.push(line)
        },
    })
    return { log, running }
}

describe.each(["vm", "node"] as const)("on %s, with servers of this computer", runtime => {
    it("fetch.ts prints the document of a real HTTP server", async () => {
        const server = createServer((_request, response) => response.end('{"answer":42}'))
        await new Promise<void>(done => server.listen(0, "127.0.0.1", done))
        const { log, running } = await device(runtime, "fetch", (server.address() as AddressInfo).port)
        lan.later(() => new Promise<void>(done => server.close(() => done())))
        await lan.until("the document", () => log.some(line => line.startsWith("200 ")))
        expect(log.at(-1)).toMatch(/^200 \{answer:42,\}$/)
        if (runtime === "vm") await measure("fetch", running)
    })

    it.skipIf(broker === undefined && process.env.CI === undefined)(
        "mqtt.ts publishes to mosquitto and prints the message it subscribed to",
        async () => {
            const port = await startBroker()
            const { log, running } = await device(runtime, "mqtt", port.port)
            lan.later(port.stop)
            await lan.until("it to be there", () => log.some(line => /MQTT connection accepted/.test(line)))
            const counts = await port.listen("devices/count", 2)
            expect(counts).toHaveLength(2)
            expect(Number(counts[1])).toBe(Number(counts[0]) + 1)
            await port.say("devices/say/hi", "hello")
            await lan.until("what was said", () => log.includes("devices/say/hi: hello"))
            if (runtime === "vm") await measure("mqtt", running)
        }
    )
})
