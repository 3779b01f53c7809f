// A web server: the status page, a page of its own with a form, and an answer that is made row by row.

import { board } from "../board"
import { boot } from "../boot"
import { HttpBodies } from "../http/body"
import { HttpServer } from "../http/server"
import { escapeHtml, formValue } from "../http/text"
import { addStatus } from "../inspect/status"
import { decimal } from "../net/address"
import { startNetwork } from "../socket/interface"

const clients = 4
// the page draws its ladders from events
const config = { events: 32 }
Object.assign(config, boot.config)
const net = await startNetwork({
    mac: board,
    ip: boot.ip,
    gateway: boot.gateway,
    macAddress: boot.macAddress,
    config,
})

const server = new HttpServer(net.stack, { port: 80, clients, bodies: new HttpBodies(256, clients) })
addStatus(server, net.mac)
net.add(server)

let message = "nothing yet"
server.route("GET", "/message", () => ({
    type: "text/html; charset=utf-8",
    body: `<!doctype html><title>message</title><p>${escapeHtml(message)}<form method=post><input name=text><button>set</button></form>`,
}))
server.route("POST", "/message", (_request, body) => {
    const text = body ? formValue(body.toString(), "text") : undefined
    if (text === undefined) return { status: 400, body: "a form with a field text, please\n" }
    message = text
    return { status: 303, headers: "Location: /message\r\n" }
})

// 9 KB or more, of which only one row at a time is in memory; a row for a larger number would exceed the operations that a row
// may take
server.route("GET", "/primes", request => {
    const count = Math.min(decimal(formValue(request.query, "n") || "1000"), 5000)
    return { body: index => (index < count ? `${index}: ${isPrime(index)}\n` : undefined) }
})

function isPrime(n: number): boolean {
    for (let i = 2; i * i <= n; i++) if (n % i === 0) return false
    return n > 1
}

// no error reaches this program: an error of a client ends its own connection, and an error of a handler is answered with 500
while (!(await net.up(10000))) console.warn("no cable, or no address yet")
console.log(`http://${net.address()}/`)
