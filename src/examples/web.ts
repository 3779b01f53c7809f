// A web server: the status page, a page of its own with a form, and an answer larger than any memory there is.

import { Buffer } from "@devicescript/core"
import { board } from "../board"
import { boot } from "../boot"
import { addStatus } from "../inspect/status"
import { decimal, ipv4Of, macOf, netmaskOf } from "../net/address"
import { Stack, setAddress } from "../net/stack"
import { HttpServer } from "../socket/http"
import { HttpBodies } from "../socket/http-body"
import { escapeHtml, formValue } from "../socket/http-text"
import { Network } from "../socket/network"
import { Config } from "../tcp/config"

const clients = 4
const slash = boot.ip.indexOf("/")
const address = macOf(boot.macAddress) || Buffer.from("020000000001", "hex")
const mac = board(address)
const stack = new Stack(new Config(), address)
setAddress(
    stack,
    ipv4Of(boot.ip.slice(0, slash)),
    netmaskOf(decimal(boot.ip.slice(slash + 1, boot.ip.length))),
    ipv4Of(boot.gateway)
)

const server = new HttpServer(stack, { port: 80, clients, bodies: new HttpBodies(256, clients) })
addStatus(server, mac)

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

// 9 KB or more, of which only a row is ever in memory
server.route("GET", "/primes", request => {
    const count = decimal(formValue(request.query, "n") || "1000")
    return { body: index => (index < count ? `${index}: ${isPrime(index)}\n` : undefined) }
})

function isPrime(n: number): boolean {
    for (let i = 2; i * i <= n; i++) if (n % i === 0) return false
    return n > 1
}

await new Network(stack, mac, server).start()
console.log(`http://${boot.ip.slice(0, slash)}/`)
