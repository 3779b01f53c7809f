// A stack with all endpoints, for frames of any kind: the same on the VM (fuzz-protocols.ts) and in a test on Node.

import { Buffer } from "@devicescript/core"
import { AddressGuard } from "../../src/net/address-guard"
import { DhcpClient } from "../../src/net/dhcp"
import { Resolver } from "../../src/net/dns"
import { Endpoints } from "../../src/net/endpoint-table"
import { Responder } from "../../src/net/mdns"
import { Ping } from "../../src/net/ping"
import { SntpClient } from "../../src/net/sntp"
import { Stack } from "../../src/net/stack"
import { UdpSocket } from "../../src/net/udp-socket"
import { Config } from "../../src/tcp/config"

export class ProtocolStack {
    readonly stack: Stack
    readonly endpoints: Endpoints
    readonly dhcp: DhcpClient
    readonly resolver: Resolver
    readonly responder: Responder
    readonly sntp: SntpClient
    readonly ping: Ping
    readonly socket: UdpSocket
    private readonly data = Buffer.alloc(64)

    constructor(mac: Buffer) {
        const config = new Config()
        config.connections = 1
        this.stack = new Stack(config, mac)
        this.endpoints = new Endpoints(this.stack)
        // no secret, so that every run is the same
        const draw = (this.endpoints as unknown as { draw: Buffer }).draw
        draw.fillAt(0, draw.length, 7)
        this.stack.hashInput.fillAt(0, 16, 7)
        const guard = new AddressGuard(this.endpoints)
        guard.probes = 0
        this.dhcp = new DhcpClient(this.endpoints, guard)
        this.resolver = new Resolver(this.endpoints, 4)
        this.responder = new Responder(this.endpoints)
        this.sntp = new SntpClient(this.endpoints)
        this.ping = new Ping(this.endpoints)
        this.socket = new UdpSocket(this.endpoints, 256, 256)
        this.socket.bind(7)
        // a closure of the VM has no `this`
        const { dhcp, resolver, sntp, responder } = this
        dhcp.changed = now => {
            resolver.setServers(dhcp.dns, dhcp.dns2)
            sntp.setServer(dhcp.ntp, now)
            responder.start("box", now)
        }
    }

    /** What the program around it does, by number. */
    act(what: number, now: number): void {
        switch (what) {
            case 0:
                this.dhcp.start(now)
                break
            case 1:
                this.dhcp.linkUp(now)
                break
            case 2:
                this.resolver.ask("host.example", now)
                break
            case 3:
                this.resolver.ask("printer.local", now)
                break
            case 4:
                this.ping.start(this.stack.gateway, 8, 2000, now)
                break
            default:
                // an echo
                for (let i = 0; i < 4; i++) {
                    const n = this.socket.receiveFrom(this.data, 0, this.data.length)
                    if (n >= 0)
                        this.socket.sendTo(this.socket.sourceIp, this.socket.sourcePort, this.data, 0, n)
                }
        }
    }

    /** What can be seen of it. */
    state(now: number): string {
        const { stack, dhcp, resolver, responder, sntp, ping, socket } = this
        const drops = dhcp.dropped + resolver.dropped + responder.dropped + sntp.dropped + socket.dropped
        return `${stack.ip} ${dhcp.state} ${responder.text} ${sntp.time(now)} ${ping.result} ${drops}`
    }
}
