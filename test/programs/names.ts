// Connections by name: by our own sockets, and by @devicescript/net.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { connect as packageConnect } from "@devicescript/net"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { useForNet } from "../../src/socket/devicescript-net"
import { dns } from "../../src/socket/dns"
import type { NetError } from "../../src/socket/errors"
import { startNetwork } from "../../src/socket/interface"
import { connect } from "../../src/socket/socket"

let ready = false
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
            print(`${await socket.readLine()}`)
            await socket.close()
        } else {
            const socket = await packageConnect({ proto: "tcp", host, port })
            await socket.send("hello\n")
            print(`${await socket.readLine()}`)
            await socket.close()
        }
    } catch (error) {
        print(`${(error as NetError).code} | ${(error as Error).message}`)
    }
    return 0
}

const net = await startNetwork({ mac: board, ...boot, resolver: dns() })
useForNet(net)
ready = true
