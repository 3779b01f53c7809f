// One interface with its addresses, on which the functions of src/net work. See docs/architecture.md, "Three synchronous calls".

import { Buffer } from "@devicescript/core"
import type { Config } from "../tcp/config"
import { TcpContext } from "../tcp/context"
import type { TcpError } from "../tcp/records"
import type { Protocol } from "../wire/ipv4"
import { Neighbour } from "./neighbour-record"

/** Room for the Ethernet header before the IP packet. */
const enum Link {
    Header = 14,
}

const enum Mask {
    /** The hosts' part of the netmask 255.255.255.254. */
    TwoHosts = 0x01000000,
}

/** The methods of a stack's endpoints that the network layer calls: the interface of endpoint-table.ts, without its code. */
export interface StackEndpoints {
    /** The responder for this host's name, `text`.local, if the program has one (mdns.ts). */
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

/** The methods that ICMP calls on the echo request of a stack without endpoints: the interface of echo-request.ts. */
export interface StackEcho {
    arrives(source: number, at: number, length: number, now: number): boolean
}

/** The memory of TCP and of the interface. */
export class Stack extends TcpContext {
    /** This host's Ethernet address. */
    readonly mac: Buffer
    /** `mac` as `getAt` "i32" and "u16" read it from the start of a frame to this host. */
    readonly macStart: number
    readonly macEnd: number
    /** The source of the last packet, which is a host's address (receive.ts); NaN, which equals nothing, for none. */
    lastSource = NaN
    /** Default router in network order; 0 = none. */
    gateway = 0
    /** The ARP table: records of Neighbour. */
    readonly neighbours: Buffer
    /** True when an ARP request is due. */
    asking = false
    /** Ethernet address of the sender of the current frame: replies go there without an ARP look-up. */
    readonly replyMac = Buffer.alloc(6)
    /** The endpoints that send and receive packets besides TCP, if the program has any. */
    endpoints: StackEndpoints | undefined = undefined
    /** The echo request that was created last, in a program without endpoints. */
    echo: StackEcho | undefined = undefined

    /** Allocates all memory of the stack. `mac` is copied; `setAddress` sets the IPv4 addresses. */
    constructor(config: Config, mac: Buffer) {
        super(config, Link.Header + config.mtu)
        this.mac = Buffer.alloc(6)
        this.mac.blitAt(0, mac, 0, 6)
        // mixKey in secret-numbers.ts hashes the address
        this.hashInput.blitAt(16, mac, 0, 6)
        this.macStart = mac.getAt(0, "i32")
        this.macEnd = mac.getAt(4, "u16")
        this.neighbours = Buffer.alloc(config.neighbours * Neighbour.Size)
    }
}

/** Sets the interface's address. All three are in network order (see wire/ipv4.ts); a gateway of 0 = none. */
export function setAddress(s: Stack, ip: number, netmask: number, gateway: number): void {
    s.ip = ip
    s.netmask = netmask
    s.gateway = gateway
    s.lastSource = NaN
    // RFC 3021: a network of one or two hosts has no broadcast address of its own
    const hosts = ~netmask
    s.broadcast = hosts === 0 || hosts === Mask.TwoHosts ? -1 : ip | hosts
}

/** Returns true for an address on this network, which is reached without the router. */
export function isLocal(s: Stack, ip: number): boolean {
    return ((ip ^ s.ip) & s.netmask) === 0
}

/**
 * Returns true for 255.255.255.255, for this network's broadcast address, and for its old form, the network's address (RFC 1122
 * section 3.3.6).
 */
export function isBroadcast(s: Stack, ip: number): boolean {
    return ip === -1 || ip === s.broadcast || ip === (s.broadcast & s.netmask)
}
