// A status page of the firmware: version, uptime, addresses, frames; as JSON for machines at /status.json. At /network are the
// connections, the last handshakes and all counters. In the simulator: npm start -- --program src/gallery/status-page.ts --forward 8080:80
// and then http://127.0.0.1:8080/ in a browser.

import * as ds from "@devicescript/core"
import { board } from "../board"
import { HttpServer, MacCounter, macText, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

const VERSION = "1.0.0"

const net = await startNetwork({ mac: board, ...(await networkSettings()) })
const server = new HttpServer(net.stack, { port: 80, clients: 4 })
net.add(server)

/** Returns the names and values of the page, one by one; undefined after the last. */
function entry(index: number): [string, string] | undefined {
    const { mac } = net
    switch (index) {
        case 0:
            return ["version", VERSION]
        case 1:
            return ["uptime", uptime()]
        case 2:
            return ["device", ds.deviceIdentifier("self")]
        case 3:
            return ["address", net.address()]
        case 4:
            return ["ethernet", macText(mac.address, 0)]
        case 5:
            return ["received", `${mac.counters.getAt(MacCounter.FramesIn, "u32")} frames`]
        case 6:
            return ["sent", `${mac.counters.getAt(MacCounter.FramesOut, "u32")} frames`]
        case 7:
            return ["chip resets", `${mac.counters.getAt(MacCounter.ChipReset, "u32")}`]
        default:
            return undefined
    }
}

/** Returns the time since the start, as "1 d 02:03:04". */
function uptime(): string {
    const seconds = Math.idiv(ds.millis(), 1000)
    const two = (n: number) => (n < 10 ? `0${n}` : `${n}`)
    const hours = Math.idiv(seconds, 3600)
    return `${Math.idiv(hours, 24)} d ${two(hours % 24)}:${two(Math.idiv(seconds, 60) % 60)}:${two(seconds % 60)}`
}

// a page is sent row by row, so it takes little memory
server.route("GET", "/", () => ({
    type: "text/html; charset=utf-8",
    body: index => {
        if (index === 0)
            return "<!doctype html><meta http-equiv=refresh content=5><title>status</title><table>\n"
        const one = entry(index - 1)
        return one ? `<tr><th align=left>${one[0]}<td>${one[1]}\n` : undefined
    },
}))
server.route("GET", "/status.json", () => ({
    type: "application/json",
    body: index => {
        const one = entry(index)
        if (one) return `${index > 0 ? "," : "{"}"${one[0]}":"${one[1]}"`
        return entry(index - 1) ? "}\n" : undefined
    },
}))
