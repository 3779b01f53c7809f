// What a maker writes first: an address by DHCP, names by DNS, the fetch of @devicescript/net, and a web server with the status page.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { fetch } from "@devicescript/net"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { HttpBodies } from "../../src/http/body"
import { HttpServer } from "../../src/http/server"
import { addStatus } from "../../src/inspect/status"
import { useForNet } from "../../src/socket/devicescript-net"
import { dhcp } from "../../src/socket/dhcp"
import { dns } from "../../src/socket/dns"
import { startNetwork } from "../../src/socket/interface"

/** What the server tells of the last document. */
let told = "nothing yet"

/** "up", "get URL" */
let ready = false
lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    try {
        if (args[0] === "up") await print(`${await net.up(20000)} ${net.address()}`)
        if (args[0] === "get") {
            const response = await fetch(args[1])
            const { celsius } = (await response.json()) as { celsius: number }
            told = `${celsius} degrees`
            await print(`${response.status} ${told}`)
        }
        return 0
    } catch (error) {
        await print((error as Error).message)
        return 1
    }
}

const clients = 4
// events are what the page's ladders are drawn from
const config = { events: 32 }
Object.assign(config, boot.config)
const net = await startNetwork({
    mac: board,
    ip: boot.ip,
    gateway: boot.gateway,
    macAddress: boot.macAddress,
    config,
    addressing: dhcp({ hostName: "pico" }),
    resolver: dns(),
})
useForNet(net)

const server = new HttpServer(net.stack, { port: 80, clients, bodies: new HttpBodies(256, clients) })
addStatus(server, net.mac)
server.route("GET", "/told", () => ({ body: `${told}\n` }))
server.route("POST", "/told", (_request, body) => {
    told = body ? body.toString() : "nothing"
    return { status: 204 }
})
net.add(server)
ready = true
