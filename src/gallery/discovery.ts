// Lets programs find the device by UDP: who broadcasts "discover" to port 4211 gets its name and address. The device also announces itself
// when its address is new. In the simulator: npm start -- --program src/gallery/discovery.ts --runtime vm,vm
// which starts two devices that hear each other's announcements.

import { board } from "../board"
import { openUdp, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

const PORT = 4211
const NAME = "hall lamp"

const net = await startNetwork({ mac: board, ...(await networkSettings()) })
const udp = openUdp({ port: PORT })

function description(): string {
    return `{"name":"${NAME}","address":"${net.address()}"}\n`
}

/** Sends what the device is. UDP promises nothing, and neither does this: a datagram that cannot be sent is reported. */
async function tell(host: string, port: number): Promise<void> {
    const error = await udp.send(host, port, description())
    if (error) console.warn(error.message)
}

let announced = ""

async function announce(): Promise<void> {
    if (!net.isUp() || net.address() === announced) return
    announced = net.address()
    await tell("255.255.255.255", PORT)
}

net.onchange.subscribe(announce)
announce.start()
for (;;) {
    const asked = await udp.recv()
    if (!asked) break
    // any bytes may arrive: what is not the question is no reason to answer, or two devices would answer each other forever
    const text = asked.data.toString("utf-8").trim()
    if (text === "discover") await tell(asked.host, asked.port)
    else if (text.startsWith("{") && asked.host !== net.address())
        console.log(`${asked.host} is there: ${text}`)
}
