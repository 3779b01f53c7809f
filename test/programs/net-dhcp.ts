// An address from a DHCP server, then a connection.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { dhcp } from "../../src/socket/dhcp"
import { dns } from "../../src/socket/dns"
import { startNetwork } from "../../src/socket/interface"
import { connect } from "../../src/socket/socket"

let ready = false
lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    try {
        if (args[0] === "up") await print(`${await net.up(parseFloat(args[1]))} ${net.address()}`)
        if (args[0] === "hello") {
            const socket = await connect({ host: args[1], port: parseFloat(args[2]) })
            await socket.send("hello\n")
            await print(`${await socket.readLine()} from ${socket.localAddress()}`)
            await socket.close()
        }
        return 0
    } catch (error) {
        await print((error as Error).message)
        return 1
    }
}

const net = await startNetwork({ mac: board, ...boot, addressing: dhcp(), resolver: dns() })
net.onchange.subscribe(() => console.log(`${net.isUp() ? "up" : "down"} ${net.address()}`))
ready = true
