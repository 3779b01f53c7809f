// Connects to an echo server, says hello and prints the answer.

import { connect, startNetwork } from "devicescript-tcp"
import { networkSettings } from "devicescript-tcp/src/socket/network-settings"
import { board } from "./board"

// the addresses are settings (.env.defaults); in the simulator they are options, as --ip
await startNetwork({ mac: board, ...(await networkSettings()) })
try {
    // the simulator's network has an echo server at this address
    const socket = await connect({ host: "10.0.0.1", port: 7 })
    await socket.send("hello, world\n")
    console.log(await socket.readLine())
    await socket.close()
} catch (error) {
    // the message says what failed, and what to do
    console.error((error as Error).message)
}
