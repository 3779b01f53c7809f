// What must not end a program: each call of the socket layer in a loop that never has to wait, and every failure as it is told.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import type { NetError } from "../../src/base/errors"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { HttpBodies } from "../../src/http/body"
import { HttpServer } from "../../src/http/server"
import { W5500, type W5500Options } from "../../src/mac/w5500"
import { type NetworkOptions, startNetwork } from "../../src/socket/interface"
import { listen } from "../../src/socket/listener"
import { ping } from "../../src/socket/ping"
import { networkTime } from "../../src/socket/sntp"
import { connect, type Socket } from "../../src/socket/socket"
import { openUdp } from "../../src/socket/udp"
import { Config, configure } from "../../src/tcp/config"

/** Settings of a network that is refused. */
const refused: { [name: string]: Partial<NetworkOptions> } = {
    ip: { ip: "10.0.0.2" },
    host: { ip: "10.0.0.255/24" },
    gateway: { gateway: "x" },
    elsewhere: { gateway: "10.0.1.1" },
    mac: { macAddress: "01:00:00:00:00:02" },
    dns: { dns: "x" },
    dhcp: { ip: "dhcp" },
    address: {
        mac: () => new W5500({ address: ds.Buffer.alloc(5) } as Partial<W5500Options> as W5500Options),
    },
    hz: { mac: address => new W5500({ address, hz: 0 } as Partial<W5500Options> as W5500Options) },
}

let ready = false
lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    if (args[0] === "sleep") await ds.sleep(parseFloat(args[1]))
    else await print(await told(async () => await play(args)))
    return 0
}

const before = await told(async () => await connect({ host: "10.0.0.1", port: 7 }))
// never finds an address
const addressing = { start: () => {}, link: () => {} }
const net = await startNetwork({ mac: board, ...boot, addressing })
const udp = openUdp({ port: 4210 })
let held: Socket | undefined

/** What a call gives, or the error it ends with: code and text. */
async function told(call: () => Promise<unknown>): Promise<string> {
    let result: unknown
    try {
        result = await call()
    } catch (error) {
        result = error
    }
    return result instanceof Error ? `${(result as NetError).code} | ${result.message}` : `${result}`
}

async function play(args: string[]): Promise<unknown> {
    const host = args[1]
    const port = parseFloat(args[2])
    switch (args[0]) {
        case "connect":
            held = await connect({ host, port, timeout: parseFloat(args[3]) || undefined })
            return held.state()
        case "close":
            await held?.close()
            return held?.state()
        case "shutdown":
            await held?.shutdown()
            return held?.state()
        case "recv":
            return await held?.recv(1000)
        case "line":
            return await held?.readLine(1000)
        case "bytes": {
            const bytes = await held?.readBytes(parseFloat(args[1]), 1000)
            return bytes
                ? `${bytes.length} ${bytes.slice(0, Math.min(8, bytes.length)).toString("utf-8")}`
                : bytes
        }
        case "send":
            return await held?.send(args[1])
        case "listen":
            listen({ port: parseFloat(args[1]) }, async () => {})
            return "listens"
        case "throws":
            // what a handler throws need be no Error
            listen({ port: parseFloat(args[1]) }, async () => {
                throw args[2] === "nothing" ? undefined : args[2]
            })
            return "listens"
        case "open":
            return openUdp({ port: parseFloat(args[1]) }).port()
        case "udp":
            return await udp.send(host, port, args[3])
        case "long":
            return await udp.send(host, port, ds.Buffer.alloc(1473))
        case "ping":
            return await ping(host, { timeout: 1000 })
        case "time":
            return await networkTime(host, 1000)
        case "times":
            // as a program would that tries again and again
            for (let i = 0; i < 30; i++) await told(async () => await networkTime(host, 20))
            return "tried"
        case "before":
            return before
        case "watch":
            held?.onerror.subscribe(error => console.log(`${error.code} | ${error.message}`))
            return "watches"
        case "setup":
            return await startNetwork({ mac: board, ip: "10.0.0.2/24", ...refused[args[1]] })
        case "configure": {
            const values: { [key: string]: number } = {}
            values[args[1]] = port
            return configure(new Config(), values)
        }
        case "bodies":
            return new HttpBodies(0, 1)
        case "serve":
            return new HttpServer(net.stack, { port: parseFloat(args[1]) })
        case "loop":
            return await loop(args[1], parseFloat(args[2]))
        default:
            return `what is ${args[0]}?`
    }
}

/** Calls one function `times` times, as fast as it returns. */
async function loop(what: string, times: number): Promise<string> {
    let some = ""
    for (let i = 0; i < times; i++) {
        switch (what) {
            case "send":
                await held?.send("x")
                break
            case "recv":
                some = `${await held?.recv(0)}`
                break
            case "line":
                some = `${await held?.readLine(1000)}`
                break
            case "shutdown":
                await held?.shutdown()
                break
            case "close":
                await held?.close()
                break
            case "abort":
                await held?.abort()
                break
            case "up":
                some = `${await net.up(0)}`
                break
            case "connect":
                some = await told(async () => await connect({ host: "10.0.0.1", port: 0 }))
                break
            case "udp":
                some = await told(async () => await udp.send("10.0.0.1", 0, "x"))
                break
            case "datagram":
                some = await told(async () => await udp.recv(0))
                break
            case "ping":
                some = await told(async () => await ping("10.0.0.255"))
                break
            default:
                some = await told(async () => await networkTime("no.name"))
        }
    }
    return `${what} ${times} times: ${some}`
}

ready = true
