// An echo server with a fiber for each client, which prints nothing: what test/costs/whole.ts measures.

import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { startNetwork } from "../../src/socket/interface"
import { listen } from "../../src/socket/listener"

await startNetwork({ mac: board, ...boot })
listen({ port: 7 }, async socket => {
    try {
        for (let bytes = await socket.recv(); bytes; bytes = await socket.recv()) await socket.send(bytes)
    } catch {
        // the peer resets its connections
    }
})
