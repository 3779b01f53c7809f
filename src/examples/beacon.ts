// Broadcasts a message over UDP every five seconds, and answers the datagrams that arrive.

import * as ds from "@devicescript/core"
import { board } from "../board"
import { boot } from "../boot"
import { startNetwork } from "../socket/interface"
import { openUdp } from "../socket/udp"

const net = await startNetwork({ mac: board, ...boot })
const udp = openUdp({ port: 4210 })

/** Sends a datagram. If it cannot be sent (no link, or a client that asked from port 0), prints a line, and does nothing more. */
async function send(host: string, port: number, text: string): Promise<void> {
    const error = await udp.send(host, port, text)
    if (error) console.warn(error.message)
}

async function answer(): Promise<void> {
    for (let asked = await udp.recv(); asked; asked = await udp.recv()) {
        console.log(`${asked.host} asks: ${asked.data.toString("utf-8")}`)
        await send(asked.host, asked.port, `I am at ${net.address()}`)
    }
}

answer.start()
for (let count = 1; ; count++) {
    await send("255.255.255.255", 4210, `beacon ${count}`)
    await ds.sleep(5000)
}
