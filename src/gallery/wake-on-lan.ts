// A web page with a button for each computer; a click wakes the computer by a magic packet (wake-on-LAN): six bytes of 255, and then its
// Ethernet address 16 times. Put your computers into COMPUTERS. In the simulator:
// npm start -- --program src/gallery/wake-on-lan.ts --forward 8080:80 --pcap wake.pcapng

import { Buffer } from "@devicescript/core"
import { board } from "../board"
import { formValue, HttpBodies, HttpServer, macOf, openUdp, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

/** A name, "=" and an Ethernet address for each computer. */
const COMPUTERS = ["desk=00:1b:21:3c:9d:f8", "server=52:54:00:12:34:56"]

const clients = 2
const net = await startNetwork({ mac: board, ...(await networkSettings()) })
const udp = openUdp({})
const server = new HttpServer(net.stack, { port: 80, clients, bodies: new HttpBodies(64, clients) })
net.add(server)

function nameOf(computer: string): string {
    return computer.slice(0, computer.indexOf("="))
}

async function wake(computer: string): Promise<void> {
    const address = macOf(computer.slice(computer.indexOf("=") + 1))
    if (!address) return
    const packet = Buffer.alloc(102)
    packet.fillAt(0, 6, 255)
    for (let at = 6; at < packet.length; at += 6) packet.blitAt(at, address, 0, 6)
    const error = await udp.send("255.255.255.255", 9, packet)
    console.log(error ? error.message : `woke ${computer}`)
}

server.route("GET", "/", () => ({
    type: "text/html; charset=utf-8",
    body: index => {
        if (index === 0) return "<!doctype html><title>wake</title><form method=post>\n"
        const computer = COMPUTERS[index - 1]
        return computer
            ? `<p><button name=wake value=${nameOf(computer)}>${nameOf(computer)}</button>\n`
            : undefined
    },
}))

server.route("POST", "/", (_request, body) => {
    const name = body ? formValue(body.toString(), "wake") : undefined
    for (const computer of COMPUTERS) {
        if (nameOf(computer) !== name) continue
        wake.start(computer)
        return { status: 303, headers: "Location: /\r\n" }
    }
    return { status: 404, body: "there is no such computer\n" }
})
