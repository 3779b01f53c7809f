import { expect } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { ipv4Text } from "../../src/net/address"
import { AddressGuard } from "../../src/net/address-guard"
import { DhcpClient, DhcpState } from "../../src/net/dhcp"
import { Endpoints } from "../../src/net/endpoint-table"
import {
    type Answer,
    addresses,
    readDhcp,
    type Said,
    serverFrame,
    Type,
    time,
    writeAnswer,
} from "../support/dhcp"
import { arp, broadcastMac, ethernet } from "../support/frames"
import { Host } from "../support/host"
import { record } from "../support/tshark"

export const US = "02:00:00:00:00:32"
export const SERVER = { ip: "10.0.0.1", mac: "02:00:00:00:01:01" }
export const OTHER = { ip: "10.0.0.2", mac: "02:00:00:00:01:02" }
export const EVERYBODY = { ip: "255.255.255.255", mac: broadcastMac }
export const OFFERED = "10.0.0.77"
export const ROUTER = "10.0.0.254"

export type Message = Said & { at: number; from: string; to: string; mac: string }

/** A stack whose address comes from servers that the test plays. No host answers ARP for the address unless a test plays one. */
export class DhcpBed {
    readonly host = new Host("10.0.0.50")
    readonly endpoints = new Endpoints(this.host.stack)
    readonly guard = new AddressGuard(this.endpoints)
    readonly client = new DhcpClient(this.endpoints, this.guard)
    now = 1000
    /** DHCP messages that the client sent and no test has looked at, and the ARP requests it sent. */
    said: Message[] = []
    asked: { sender: string; target: string; at: number }[] = []
    /** Addresses the stack had, in their order. */
    readonly had: string[] = []

    constructor() {
        this.guard.probes = 1
        this.client.changed = () => this.had.push(this.address)
    }

    get address(): string {
        return ipv4Text(this.host.stack.ip)
    }

    start(): this {
        this.client.start(this.now)
        return this.poll()
    }

    take(frames: Uint8Array[]): this {
        for (const frame of frames) {
            record(frame, this.now)
            const view = dissect(frame)
            if (view.kind === "malformed") throw new Error(view.reason)
            expect(view.sourceMac).toBe(US)
            if (view.kind === "arp") {
                const { senderIp: sender, targetIp: target } = view
                if (view.operation === 1) this.asked.push({ sender, target, at: this.now })
                // servers answer ARP at once
                if (target === SERVER.ip || target === OTHER.ip) this.hears(target, sender, 2)
                continue
            }
            if (view.kind !== "udp") continue
            expect([view.sourcePort, view.destinationPort, view.checksumValid]).toEqual([68, 67, true])
            const place = { at: this.now, from: view.source, to: view.destination, mac: view.destinationMac }
            this.said.push({ ...readDhcp(view.payload), ...place })
        }
        return this
    }

    poll(): this {
        return this.take(this.host.poll(this.now))
    }

    pass(ms: number): this {
        const end = this.now + ms
        this.poll()
        for (;;) {
            const next = this.host.next(this.now)
            if (next > end) break
            this.now = Math.max(this.now, next)
            this.poll()
        }
        this.now = end
        return this
    }

    receive(frame: Uint8Array): this {
        return this.take(this.host.receive(frame, this.now))
    }

    /** Hands an ARP packet from `sender` to the stack. */
    hears(sender: string, target: string, operation = 1): this {
        const senderMac = `02:00:00:00:01:0${sender.at(-1)}`
        const fields = { operation, senderMac, senderIp: sender, targetIp: target }
        return this.receive(ethernet(broadcastMac, fields.senderMac, 0x0806, arp(fields)))
    }

    /** Takes the one message that the client has sent. */
    says(type: number): Message {
        expect(this.said.map(message => message.type)).toEqual([type])
        return this.said.pop()!
    }

    quiet(): this {
        expect(this.said).toEqual([])
        return this
    }

    /** Hands a server's answer to the message to the stack. */
    answer(to: Said, answer: Partial<Answer>, from = SERVER, where = EVERYBODY): this {
        return this.receive(
            serverFrame(from, where, writeAnswer({ xid: to.xid, chaddr: to.chaddr, ...answer }))
        )
    }

    /** Goes to BOUND, with a server that has these options. */
    bind(options = usual): Message {
        this.start()
        const discover = this.says(Type.Discover)
        this.answer(discover, { type: Type.Offer, yiaddr: OFFERED, options })
        const request = this.says(Type.Request)
        this.answer(request, { type: Type.Ack, yiaddr: OFFERED, options })
        this.pass(10_000)
        expect([this.address, this.client.state]).toEqual([OFFERED, DhcpState.Bound])
        this.asked = []
        return request
    }
}

export const server = addresses(54, SERVER.ip)
export const usual = [
    ...server,
    ...time(51, 3600),
    ...addresses(1, "255.255.255.0"),
    ...addresses(3, "10.0.0.254"),
    ...addresses(6, "10.0.0.1", "10.0.0.2", "10.0.0.3"),
    ...addresses(42, "10.0.0.9"),
]
/** Milliseconds. */
export const SECOND = 1000
export const HOUR = 3600 * SECOND
