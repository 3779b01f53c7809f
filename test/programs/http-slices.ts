// A web server that takes as many operations more in every turn as it is told: what it survives says what a turn takes.

import "../../boards/host/pipe"
import type * as ds from "@devicescript/core"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { HttpBodies } from "../../src/http/body"
import { HttpFields } from "../../src/http/fields"
import { HttpServer } from "../../src/http/server"
import { formValue } from "../../src/http/text"
import { ipv4Of, macOf, netmaskOf } from "../../src/net/address"
import { Stack, setAddress } from "../../src/net/stack"
import { Network } from "../../src/socket/driver-loop"
import { Config } from "../../src/tcp/config"
import { addRoutes } from "./http-routes"

/** Turns of 9 operations. */
const burn = (boot as unknown as { burn: number }).burn
const stack = new Stack(new Config(), macOf(boot.macAddress) as ds.Buffer)
setAddress(stack, ipv4Of("10.0.0.2"), netmaskOf(24), 0)
const fields = new HttpFields("authorization cookie")
const server = new HttpServer(stack, { port: 80, bodies: new HttpBodies(1024, 4), fields })
addRoutes(server)
// what a handler of a form does: it reads fields, one that is there, one that is not, and one that is last
server.route("POST", "/form", (request, body) => {
    const text = body ? body.toString() : ""
    const values = [formValue(text, "text"), formValue(text, "none"), formValue(text, "last")]
    return { body: `${values.join()} ${fields.valueOf(request, "cookie")}` }
})
server.route("GET", "/form", request => ({ body: `${formValue(request.query, "text")}` }))
const worker = {
    work: (now: number) => {
        server.work(now)
        let nines = burn
        while (nines > 0) nines--
    },
}
const network = new Network(stack, board(stack.mac), worker)
await network.start()
