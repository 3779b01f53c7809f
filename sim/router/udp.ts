// Carries the datagrams of devices to other networks over one socket of this computer per port of a device, and returns the
// datagrams that come back.

import { createSocket, type RemoteInfo, type Socket } from "node:dgram"
import { Buffer } from "@devicescript/core"
import { ipv4Of, ipv4Text } from "../../src/net/address"
import type { Counters, Limits } from "./limits"
import { LOOPBACK } from "./outgoing"
import { type Ends, MAX_DATAGRAM } from "./packet"

/** The parts of the router that the relay uses. */
interface UdpContext {
    readonly limits: Limits
    readonly counters: Counters
    /** The router's own address, which stands for this computer's loopback address. */
    readonly router: number
    now(): number
    /** Sends a datagram to the device with this Ethernet address. */
    sendDatagram(mac: Buffer, ends: Ends, data: Uint8Array): void
}

/** A port of a device. */
interface UdpPort {
    readonly socket: Socket
    readonly ip: number
    readonly port: number
    readonly mac: Buffer
    /** Remote hosts and ports to which the port has sent, the oldest first: only their datagrams are passed to the device. */
    readonly peers: Set<string>
    /** Time of the last datagram, ms. */
    used: number
}

export class UdpRelay {
    /** The ports, the least recently used first. */
    private readonly ports = new Map<string, UdpPort>()

    constructor(private readonly context: UdpContext) {}

    get size(): number {
        return this.ports.size
    }

    /** Passes a device's datagram on. `mac` is the device's Ethernet address, which is copied. */
    send(mac: Uint8Array, ends: Ends, data: Uint8Array): void {
        const { counters, limits, router, now } = this.context
        // no program has port 0, and Node would throw
        if (ends.destinationPort === 0 || ends.sourcePort === 0) {
            counters.malformed++
            return
        }
        const key = `${ends.source}:${ends.sourcePort}`
        const port = this.ports.get(key) ?? this.open(key, ends)
        port.used = now()
        port.mac.set(mac)
        this.ports.delete(key)
        this.ports.set(key, port)
        const address = ends.destination === router ? LOOPBACK : ipv4Text(ends.destination)
        const peer = `${address}:${ends.destinationPort}`
        port.peers.delete(peer)
        port.peers.add(peer)
        if (port.peers.size > limits.udpPeers) removeFirst(port.peers)
        counters.datagramsOut++
        port.socket.send(data, ends.destinationPort, address, error => {
            if (error !== null) counters.udpFailed++
        })
    }

    /** Closes the ports that are idle. The router calls it from time to time. */
    sweep(): void {
        const now = this.context.now()
        for (const [key, port] of this.ports) {
            if (((now - port.used) | 0) < this.context.limits.udpIdle) break
            this.remove(key, port)
        }
    }

    close(): void {
        for (const [key, port] of this.ports) this.remove(key, port)
    }

    private open(key: string, { source, sourcePort }: Ends): UdpPort {
        const { counters, limits, now } = this.context
        if (this.ports.size >= limits.udpPorts) {
            const [oldest] = this.ports
            this.remove(...oldest!)
            counters.udpEvicted++
        }
        const port: UdpPort = {
            socket: createSocket("udp4"),
            ip: source,
            port: sourcePort,
            mac: Buffer.alloc(6),
            peers: new Set(),
            used: now(),
        }
        port.socket.on("message", (data, from) => this.answer(key, port, data, from))
        port.socket.on("error", () => {
            counters.udpFailed++
            this.remove(key, port)
        })
        this.ports.set(key, port)
        return port
    }

    private answer(key: string, port: UdpPort, data: Uint8Array, from: RemoteInfo): void {
        const { counters, router, now } = this.context
        if (!port.peers.has(`${from.address}:${from.port}`)) {
            counters.udpStranger++
            return
        }
        // the stack of a device does not reassemble fragments
        if (data.length > MAX_DATAGRAM) {
            counters.udpTooLong++
            return
        }
        counters.datagramsIn++
        port.used = now()
        this.ports.delete(key)
        this.ports.set(key, port)
        const source = from.address === LOOPBACK ? router : ipv4Of(from.address)
        const ends = { source, sourcePort: from.port, destination: port.ip, destinationPort: port.port }
        this.context.sendDatagram(port.mac, ends, data)
    }

    private remove(key: string, port: UdpPort): void {
        if (this.ports.get(key) !== port) return
        this.ports.delete(key)
        port.socket.close()
    }
}

function removeFirst(set: Set<string>): void {
    for (const first of set) {
        set.delete(first)
        return
    }
}
