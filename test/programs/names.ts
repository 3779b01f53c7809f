// Connections by name, by our own sockets and by @devicescript/net, and the errors of the latter.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { fetch, connect as packageConnect, type Socket } from "@devicescript/net"
import type { NetError } from "../../src/base/errors"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { mqttError, useForNet } from "../../src/socket/devicescript-net"
import { dns } from "../../src/socket/dns"
import { startNetwork } from "../../src/socket/interface"
import { jsonOf } from "../../src/socket/json"
import { connect } from "../../src/socket/socket"

let ready = false
let held: Socket | undefined
let kept: Socket | undefined

const bulk = ds.Buffer.alloc(4000)

async function sending(): Promise<void> {
    try {
        await held?.send(bulk)
    } catch {
        // the test closes the connection
    }
}

lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    const host = args[1] as string
    const port = parseFloat(args[2] as string)
    try {
        if (args[0] === "sleep") await ds.sleep(parseFloat(host))
        else if (args[0] === "connect") {
            const socket = await connect({ host, port, timeout: parseFloat(args[3] as string) || undefined })
            await socket.send("hello\n")
            await print(`${await socket.readLine()}`)
            await socket.close()
        } else if (args[0] === "open") {
            held = await packageConnect({
                proto: args[4] === "tls" ? "tls" : "tcp",
                host,
                port,
                timeout: parseFloat(args[3] as string) || undefined,
            })
            held.onerror.subscribe(error => console.log(`${(error as NetError).code} | ${error.message}`))
            await print(held.name)
        } else if (args[0] === "keep") kept = held
        else if (args[0] === "kept-recv") await print(`${await kept?.recv()}`)
        else if (args[0] === "kept-send") await kept?.send("x")
        else if (args[0] === "crowd") {
            // as many fibers as may wait to send, and one more
            for (let i = 0; i < 8; i++) sending.start()
            await ds.sleep(1)
            await held?.send("x")
        } else if (args[0] === "throwing") {
            // as the MQTT client does
            const options = { proto: "tcp" as const, host, port, clientId: "x" }
            held = await packageConnect(options)
            held.onerror.subscribe(error => console.log(`${(error as NetError).code} | ${error.message}`))
            held.onmessage.subscribe(async () => {
                await ds.sleep(1)
                throw new RangeError("on purpose")
            })
        } else if (args[0] === "json") await print(JSON.stringify(await jsonOf(await fetch(host))))
        else if (args[0] === "text") await print(await (await fetch(host)).text())
        else if (args[0] === "mqtt") throw mqttError(new Error(line.slice(5)))
        else {
            const socket = await packageConnect({ proto: "tcp", host, port })
            await socket.send("hello\n")
            await print(`${await socket.readLine()}`)
            await socket.close()
        }
    } catch (error) {
        await print(`${(error as NetError).code} | ${(error as Error).message}`)
    }
    return 0
}

const net = await startNetwork({ mac: board, ...boot, resolver: dns() })
useForNet(net)
ready = true
