// One interface with its addresses: what src/net's functions work on. See docs/architecture.md, "Three synchronous calls".

import { Buffer } from "@devicescript/core"
import type { Config } from "../tcp/config"
import { TcpContext } from "../tcp/context"
import type { TcpError } from "../tcp/records"
import type { Protocol } from "../wire/ipv4"
import { Neighbour } from "./records"

/** Room for the Ethernet header before the IP packet. */
const enum Link {
    Header = 14,
}

const enum Mask {
    /** What 255.255.255.254 leaves for hosts. */
    TwoHosts = 0x01000000,
}

/** What the network layer asks of a stack's endpoints: `Endpoints` of endpoint-table.ts, whose code a program without any does not contain. */
export interface StackEndpoints {
    /** What answers for this host's name, <text>.local, if anything does (mdns.ts). */
    readonly named: { readonly text: string } | undefined
    datagram(source: number, destination: number, at: number, length: number, now: number): boolean
    isOffer(at: number): boolean
    echoReply(source: number, at: number, length: number, now: number): boolean
    arp(at: number, now: number): void
    unreachable(over: Protocol, ip: number, at: number, error: TcpError, now: number): boolean
    hopFailed(hop: number, now: number): void
    timers(now: number): void
    transmit(now: number): number
}

/** What ICMP asks of the one echo request of a stack without endpoints: `EchoRequest` of echo-request.ts. */
export interface StackEcho {
    arrives(source: number, at: number, length: number, now: number): boolean
}

/** TCP's memory, and the interface's. */
export class Stack extends TcpContext {
    /** This host's Ethernet address. */
    readonly mac: Buffer
    /** The same, as the first four and the last two bytes of a frame to it read. */
    readonly macStart: number
    readonly macEnd: number
    /** Default router as the wire has it; 0 is none. */
    gateway = 0
    /** Neighbours: records of Neighbour. */
    readonly neighbours: Buffer
    /** A neighbour is to be asked for its address. */
    asking = false
    /** Ethernet address of the sender of the current frame: replies go there without an ARP look-up. */
    readonly replyMac = Buffer.alloc(6)
    /** The endpoints that take and send packets besides TCP, if the program has any. */
    endpoints: StackEndpoints | undefined = undefined
    /** The echo request that was made last, where there are no endpoints. */
    echo: StackEcho | undefined = undefined

    /** Takes all memory there will be. `mac` is copied. Addresses are set by `setAddress`. */
    constructor(config: Config, mac: Buffer) {
        super(config, Link.Header + config.mtu)
        this.mac = Buffer.alloc(6)
        this.mac.blitAt(0, mac, 0, 6)
        // for mixKey of secret-numbers.ts
        this.hashInput.blitAt(16, mac, 0, 6)
        this.macStart = mac.getAt(0, "i32")
        this.macEnd = mac.getAt(4, "u16")
        this.neighbours = Buffer.alloc(config.neighbours * Neighbour.Size)
    }
}

/** Gives the interface an address. All three are as the wire has them (see wire/ipv4.ts); no gateway is 0. */
export function setAddress(s: Stack, ip: number, netmask: number, gateway: number): void {
    s.ip = ip
    s.netmask = netmask
    s.gateway = gateway
    // RFC 3021: a network of two hosts, or one, has no broadcast address of its own
    const hosts = ~netmask
    s.broadcast = hosts === 0 || hosts === Mask.TwoHosts ? -1 : ip | hosts
}

/** True for addresses on this network, which need no router. */
export function isLocal(s: Stack, ip: number): boolean {
    return ((ip ^ s.ip) & s.netmask) === 0
}

/** True for the limited broadcast address, this network's own, and its old form: the network's address (RFC 1122 section 3.3.6). */
export function isBroadcast(s: Stack, ip: number): boolean {
    return ip === -1 || ip === s.broadcast || ip === (s.broadcast & s.netmask)
}
