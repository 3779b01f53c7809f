// An echo server (RFC 862) with a fiber per client.

import { board } from "../board"
import { boot } from "../boot"
import { startNetwork } from "../socket/interface"
import { listen } from "../socket/listener"

const net = await startNetwork({ mac: board, ...boot })
listen({ port: 7 }, async socket => {
    console.log(`${socket.name} connected`)
    try {
        for (let bytes = await socket.recv(); bytes; bytes = await socket.recv()) await socket.send(bytes)
        console.log(`${socket.name} closed`)
    } catch (error) {
        // the client reset the connection, or does not answer; uncaught, the error would be printed and end only this connection
        console.warn((error as Error).message)
    }
})
while (!(await net.up(10000))) console.warn("no cable, or no address yet")
console.log(`echo on ${net.address()}, port 7`)
