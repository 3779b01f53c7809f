// The shortest program: it connects to an echo server and sends a greeting.

import { board } from "../board"
import { boot } from "../boot"
import { startNetwork } from "../socket/interface"
import { connect } from "../socket/socket"

await startNetwork({ mac: board, ...boot })
try {
    const socket = await connect({ host: "10.0.0.1", port: 7 })
    await socket.send("hello, world\n")
    console.log(await socket.readLine())
    await socket.close()
} catch (error) {
    // the message says what failed: no link, no answer, connection refused or reset
    console.error((error as Error).message)
}
