// A device whose address comes by DHCP, with nearly all the clients there are (all would be above 64 KB), an echo of datagrams on port 7, and a name of its
// own: driven by command lines. See test/support/protocol-device.ts.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { ipv4Of, ipv4Text, macOf } from "../../src/net/address"
import { AddressGuard } from "../../src/net/address-guard"
import { DhcpClient } from "../../src/net/dhcp"
import { DnsResult, Resolver } from "../../src/net/dns"
import { Endpoints } from "../../src/net/endpoint-table"
import { Responder } from "../../src/net/mdns"
import { Ping, PingResult } from "../../src/net/ping"
import { Stack } from "../../src/net/stack"
import { UdpSocket } from "../../src/net/udp-socket"
import { Network } from "../../src/socket/driver-loop"
import { Config, configure } from "../../src/tcp/config"

/** What the host puts into the boot options. */
interface Options {
    macAddress: string
    hostName: string
    probes: number
    config: { [key: string]: number }
}
const options = boot as unknown as Options

const config = new Config()
configure(config, options.config)
const address = macOf(options.macAddress) as Buffer
const stack = new Stack(config, address)
const mac = board(address)
// as publishName does
mac.multicast = true
const endpoints = new Endpoints(stack)
const guard = new AddressGuard(endpoints)
const dhcp = new DhcpClient(endpoints, guard)
const resolver = new Resolver(endpoints, 4)
const responder = new Responder(endpoints)
const ping = new Ping(endpoints)
const echo = new UdpSocket(endpoints, 1024, 1024)
const own = new UdpSocket(endpoints, 256, 256)

guard.probes = options.probes
dhcp.setHostName(options.hostName)
dhcp.changed = now => {
    resolver.setServers(dhcp.dns, dhcp.dns2)
    if (stack.ip !== 0) responder.start(options.hostName, now)
    else responder.stop()
    console.log(`address ${ipv4Text(stack.ip)}`)
}
echo.bind(7)
own.bind(0)

let wasUp = false
const datagram = Buffer.alloc(512)
const network = new Network(stack, mac, {
    work: now => {
        if (mac.linkUp && !wasUp) dhcp.linkUp(now)
        wasUp = mac.linkUp
        while (echo.waiting() >= 0) {
            const n = echo.receiveFrom(datagram, 0, datagram.length)
            echo.sendTo(echo.sourceIp, echo.sourcePort, datagram, 0, n)
        }
    },
})

const now = () => ds.millis() | 0
const results = ["asking", "found", "no name", "failed", "timed out", "gone"]
const pings = ["waiting", "answered", "timed out", "unreachable"]

lines.run = async (line, print) => {
    const words = line.split(" ")
    const word = words[1] as string
    switch (words[0]) {
        case "state": {
            const all = [stack.ip, stack.netmask, stack.gateway, dhcp.dns, dhcp.dns2, dhcp.ntp]
            await print(
                `${all.map(ip => ipv4Text(ip)).join(" ")} ${dhcp.state} ${responder.text} ${responder.state}`
            )
            return 0
        }
        case "ask": {
            const ticket = resolver.ask(word, now())
            network.poke()
            if (ticket < 0) {
                await print(`error ${ticket}`)
                return 1
            }
            while (resolver.result(ticket) === DnsResult.Asking) await ds.sleep(5)
            const result = resolver.result(ticket)
            await print(result === DnsResult.Found ? ipv4Text(resolver.address) : (results[result] as string))
            return 0
        }
        case "ping": {
            const error = ping.start(ipv4Of(word), 56, 2000, now())
            network.poke()
            while (error === 0 && ping.result === PingResult.Waiting) await ds.sleep(5)
            await print(error === 0 ? (pings[ping.result] as string) : `error ${error}`)
            return 0
        }
        case "say": {
            const data = Buffer.from(words[3] as string)
            const error = own.sendTo(ipv4Of(word), +(words[2] as string), data, 0, data.length)
            network.poke()
            for (let i = 0; error === 0 && i < 200 && own.waiting() < 0 && own.error === 0; i++)
                await ds.sleep(5)
            const n = own.receiveFrom(datagram, 0, datagram.length)
            const heard = n < 0 ? "nothing" : datagram.slice(0, n).toString()
            await print(`${error} ${own.error} ${heard}`)
            own.error = 0
            return 0
        }
        default:
            return 1
    }
}

await network.start()
dhcp.start(now())
network.poke()
