// A web page, and a console on the board's USB cable with commands of its own: status, connections, stats, led on, led off, ping HOST. On a board:
// npm run deploy -- src/gallery/serial-console.ts, then npm run console
// In the simulator: npm start -- --program src/gallery/serial-console.ts --link user --jacdac 8085
// and then, in another terminal: npm run console -- --port sim

import { board } from "../board"
import { serialConsole } from "../device/program-console"
import { HttpServer, ping, startNetwork } from "../index"
import type { Print } from "../inspect/text"
import { networkSettings } from "../socket/network-settings"

let led = false

/** Runs a command of the program itself. Returns why it failed, "" on success. */
async function run(words: string[], print: Print): Promise<string> {
    if (words[0] === "ping") {
        const ms = await ping(words[1] as string)
        if (ms === undefined) return "no reply"
        await print(`${ms} ms`)
        return ""
    }
    const wanted = words[1] as string
    if (wanted !== "on" && wanted !== "off") return `"${wanted}" is neither on nor off`
    // put your pin here
    led = wanted === "on"
    await print(`the led is ${wanted}`)
    return ""
}

const net = await startNetwork({ mac: board, ...(await networkSettings()), config: { events: 32 } })
const server = new HttpServer(net.stack, { port: 80, clients: 2 })
server.route("GET", "/", () => ({ body: `the led is ${led ? "on" : "off"}\n` }))
net.add(server)
serialConsole(net, {
    usage: "led on|off  switches the light\nping HOST  sends an echo request\n",
    run,
})
