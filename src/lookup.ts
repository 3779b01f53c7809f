// Gets an address from a DHCP server, finds a host by its name, and says hello to it. The simulator runs it to show what happens when one
// of them fails (`--stage`).

import { board } from "./board"
import { boot } from "./boot"
import { dhcp } from "./socket/dhcp"
import { dns } from "./socket/dns"
import { startNetwork } from "./socket/interface"
import { connect } from "./socket/socket"

await startNetwork({ mac: board, ...boot, ip: "dhcp", addressing: dhcp(), resolver: dns() })
try {
    const socket = await connect({ host: "server.example", port: 7 })
    await socket.send("hello\n")
    console.log(await socket.readLine())
    await socket.close()
} catch (error) {
    console.error((error as Error).message)
}
