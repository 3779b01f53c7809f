// A console on port 23, for `telnet` or `nc`: help, uptime, led on, led off, peers, quit. Without a password: only for networks that you trust.
// In the simulator: npm start -- --program src/gallery/telnet.ts --forward 2323:23
// and then: telnet 127.0.0.1 2323

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { board } from "../board"
import { listen, type Socket, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

/** Bytes of RFC 854: after Interpret come a command and, from Will on, the number of an option. */
const enum Telnet {
    Suboption = 250,
    Will = 251,
    Do = 253,
    Interpret = 255,
}
const LONGEST = 80
let led = false
const peers: string[] = []

function execute(line: string): string {
    switch (line) {
        case "help":
            return "help, uptime, led on, led off, peers, quit"
        case "uptime":
            return `${Math.idiv(ds.millis(), 1000)} s`
        case "led on":
        case "led off":
            // put your pin here
            led = line === "led on"
            return `the led is ${led ? "on" : "off"}`
        case "peers":
            return peers.join("\r\n")
        default:
            return `there is no command "${line}": help lists them`
    }
}

/** Reads lines and executes them. Options of telnet are refused, other control characters are left out. */
async function serve(socket: Socket): Promise<void> {
    await socket.send("welcome\r\n> ")
    let line = ""
    for (;;) {
        // a client that is silent for ten minutes is gone
        const byte = await socket.readBytes(1, 600000)
        if (!byte) return
        const code = byte.getAt(0, "u8")
        if (code === Telnet.Interpret) {
            const command = await socket.readBytes(1, 5000)
            if (!command) return
            const verb = command.getAt(0, "u8")
            if (verb === Telnet.Suboption) return
            if (verb < Telnet.Will || verb === Telnet.Interpret) continue
            const option = await socket.readBytes(1, 5000)
            if (!option) return
            // DO is refused with WONT, WILL with DONT; what the client does not do (WONT, DONT) is as it is
            const refusal = verb === Telnet.Do ? 252 : 254
            if (verb === Telnet.Do || verb === Telnet.Will)
                await socket.send(Buffer.from([Telnet.Interpret, refusal, option.getAt(0, "u8")]))
        } else if (code === 10) {
            if (line === "quit") return
            await socket.send(line === "" ? "> " : `${execute(line)}\r\n> `)
            line = ""
        } else if (code >= 32 && code < 127 && line.length < LONGEST) line += String.fromCharCode(code)
    }
}

await startNetwork({ mac: board, ...(await networkSettings()) })
listen({ port: 23 }, async socket => {
    const { name } = socket
    peers.push(name)
    try {
        await serve(socket)
    } finally {
        peers.insert(peers.indexOf(name), -1)
    }
})
