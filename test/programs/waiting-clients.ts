// A stack whose clients wait for messages: of which parser the next one is for, says the host. The same on the VM
// (dearest-message.ts) and in a test on Node.

import { Buffer } from "@devicescript/core"
import { AddressGuard } from "../../src/net/address-guard"
import { DhcpClient, DhcpState } from "../../src/net/dhcp"
import { Resolver } from "../../src/net/dns"
import { Endpoints } from "../../src/net/endpoint-table"
import { Responder } from "../../src/net/mdns"
import { Ping } from "../../src/net/ping"
import { receive } from "../../src/net/receive"
import { SntpClient } from "../../src/net/sntp"
import { Stack, setAddress } from "../../src/net/stack"
import { transmit } from "../../src/net/transmit"
import { Config } from "../../src/tcp/config"

/** Whose message comes next. */
export const enum Parser {
    Responder = 0,
    Resolver = 1,
    Dhcp = 2,
    Sntp = 3,
    Icmp = 4,
}

/** What the host knows of the questions that were asked. */
export const enum Asked {
    Port = 4321,
    Id = 0x3412,
    Xid = 0x04030201,
    Nonce = 0x08070605,
    Address = 0x0100000a,
    Server = 0x3500000a,
    Netmask = 0x00ffffff,
}

interface Question {
    port: number
    id: number
    tries: number
}

export class WaitingClients {
    readonly stack: Stack
    /** Names that are compared byte by byte, for whoever counts that. */
    name: Buffer | undefined = undefined

    constructor() {
        const config = new Config()
        config.connections = 1
        this.stack = new Stack(config, Buffer.from("020000000001", "hex"))
    }

    /** Has a new client wait for a message. */
    prepare(parser: Parser, now: number): void {
        const { stack } = this
        setAddress(stack, Asked.Address, Asked.Netmask, 0)
        const endpoints = new Endpoints(stack)
        if (parser === Parser.Responder) {
            const responder = new Responder(endpoints)
            responder.start("pico", now)
            for (let i = 0; i < 5; i++) responder.expires(stack, now)
            responder.due = false
        } else if (parser === Parser.Resolver) {
            const resolver = new Resolver(endpoints, 4)
            resolver.setServers(Asked.Server, Asked.Server + 1)
            resolver.ask("host.example", now)
            const { list } = resolver as unknown as { list: Question[] }
            const question = list[0] as Question
            question.port = Asked.Port
            question.id = Asked.Id
            resolver.due = false
        } else if (parser === Parser.Dhcp) {
            const client = new DhcpClient(endpoints, new AddressGuard(endpoints))
            client.start(now)
            client.state = DhcpState.Selecting
            const inside = client as unknown as { xid: number }
            inside.xid = Asked.Xid
        } else if (parser === Parser.Sntp) {
            const client = new SntpClient(endpoints)
            client.setServer(Asked.Server, now)
            client.port = Asked.Port
            const inside = client as unknown as { nonce: number; nonce2: number }
            inside.nonce = Asked.Nonce
            inside.nonce2 = Asked.Nonce
        } else {
            const ping = new Ping(endpoints)
            ping.start(Asked.Server, 8, 1000, now)
            ping.due = false
        }
        stack.dirty = false
        stack.asking = false
    }

    /** What stands between two awaits of a driver's loop: the frame is taken, and the first that it leads to made. */
    take(length: number, now: number): number {
        receive(this.stack, length, now)
        return transmit(this.stack, now)
    }
}
