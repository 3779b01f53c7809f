// A device that serves HTTP and nothing else, with a route for everything that answers can be.

import "../../boards/host/pipe"
import type * as ds from "@devicescript/core"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { HttpBodies } from "../../src/http/body"
import { HttpServer } from "../../src/http/server"
import { ipv4Of, macOf, netmaskOf } from "../../src/net/address"
import { Stack, setAddress } from "../../src/net/stack"
import { Network } from "../../src/socket/driver-loop"
import { Config, configure } from "../../src/tcp/config"
import { addRoutes } from "./http-routes"

const config = new Config()
configure(config, boot.config)
const address = macOf(boot.macAddress) as ds.Buffer
const stack = new Stack(config, address)
setAddress(stack, ipv4Of("10.0.2.2"), netmaskOf(24), ipv4Of("10.0.2.1"))
const server = new HttpServer(stack, { port: 80, bodies: new HttpBodies(256, 4) })
addRoutes(server)
const network = new Network(stack, board(address), server)
lines.run = async (_line, _print) => 0
await network.start()
