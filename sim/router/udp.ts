// Datagrams of devices to anywhere: a socket of the host for each port of a device, and the answers back.

import { createSocket, type RemoteInfo, type Socket } from "node:dgram"
import { Buffer } from "@devicescript/core"
import { ipv4Of, ipv4Text } from "../../src/net/address"
import type { Counters, Limits } from "./limits"
import { LOOPBACK } from "./outgoing"
import { type Ends, MAX_DATAGRAM } from "./packet"

export interface UdpGround {
    readonly limits: Limits
    readonly counters: Counters
    /** The router's own address: the host's loopback. */
    readonly router: number
    now(): number
    /** Sends a datagram to the device with that Ethernet address. */
    sendDatagram(mac: Buffer, ends: Ends, data: Uint8Array): void
}

/** A port of a device. */
interface UdpPort {
    readonly socket: Socket
    readonly ip: number
    readonly port: number
    readonly mac: Buffer
    /** Hosts and ports that it has written to: nobody else is let in. Oldest first. */
    readonly peers: Set<string>
    used: number
}

export class UdpRelay {
    /** Oldest use first. */
    private readonly ports = new Map<string, UdpPort>()

    constructor(private readonly ground: UdpGround) {}

    get size(): number {
        return this.ports.size
    }

    /** Passes a datagram on. `mac` is the device's, and copied. */
    send(mac: Uint8Array, ends: Ends, data: Uint8Array): void {
        const { counters, limits, router, now } = this.ground
        // port 0 is nobody's, and Node would throw
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

    /** Gives up what nobody uses; called now and then. */
    sweep(): void {
        const now = this.ground.now()
        for (const [key, port] of this.ports) {
            if (((now - port.used) | 0) < this.ground.limits.udpIdle) break
            this.remove(key, port)
        }
    }

    close(): void {
        for (const [key, port] of this.ports) this.remove(key, port)
    }

    private open(key: string, { source, sourcePort }: Ends): UdpPort {
        const { counters, limits, now } = this.ground
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
        const { counters, router, now } = this.ground
        if (!port.peers.has(`${from.address}:${from.port}`)) {
            counters.udpStranger++
            return
        }
        // a device takes no fragments
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
        this.ground.sendDatagram(port.mac, ends, data)
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
