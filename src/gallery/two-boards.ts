// Two boards talk: the one with the address 10.0.0.2 is a lamp, each other one is a switch that turns it on and off. The switch connects again
// whenever the lamp was away. In the simulator: npm start -- --program src/gallery/two-boards.ts --runtime vm,vm
// On boards: set IP of the first to 10.0.0.2/24, of the second to 10.0.0.3/24.

import * as ds from "@devicescript/core"
import { board } from "../board"
import { connect, listen, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

const LAMP = "10.0.0.2"
const PORT = 5000

const net = await startNetwork({ mac: board, ...(await networkSettings()) })

/** Answers each line, "on" or "off", with the state of the lamp. */
function lamp(): void {
    let lit = false
    listen({ port: PORT }, async socket => {
        for (;;) {
            // a switch that is silent for a minute is gone
            const line = await socket.readLine(60000)
            if (line === undefined || line === null) return
            if (line === "on" || line === "off") {
                lit = line === "on"
                // put the lamp's pin here
                console.log(`the lamp is ${line}`)
                await socket.send(`${lit ? "lit" : "dark"}\n`)
            } else await socket.send("what?\n")
        }
    })
}

/** Turns the lamp on and off once a second until the connection ends. */
async function useLamp(): Promise<void> {
    const socket = await connect({ host: LAMP, port: PORT, timeout: 5000 })
    try {
        for (let on = true; ; on = !on) {
            await socket.send(on ? "on\n" : "off\n")
            const answer = await socket.readLine(5000)
            if (answer === undefined || answer === null) return
            console.log(`the lamp says ${answer}`)
            await ds.sleep(1000)
        }
    } finally {
        await socket.close()
    }
}

if (net.address() === LAMP) lamp()
else {
    for (;;) {
        try {
            await useLamp()
        } catch (error) {
            console.error((error as Error).message)
        }
        await ds.sleep(2000)
    }
}
