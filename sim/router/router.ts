// A router for simulated devices that needs no privileges: it carries what devices send to other networks over ordinary sockets
// of this process, and forwards ports of this computer to devices. Its TCP, ARP and ping are this project's stack.
//
//     a device's TCP       -> outgoing.ts (redirected to the router's stack) -> splice.ts -> a socket of this computer
//     this computer's TCP  -> incoming.ts (the router's stack connects)      -> splice.ts -> the device
//     a device's UDP       -> udp.ts, or dns-server.ts and dhcp-server.ts for the router's own ports
//
// The router's own address stands for 127.0.0.1 of this computer, so that devices reach servers that listen only there. A
// variable `host` in this folder is this computer's side.

import { connect } from "node:net"
import { Buffer } from "@devicescript/core"
import { ipv4Of, macOf, netmaskOf } from "../../src/net/address"
import { receive } from "../../src/net/receive"
import { isBroadcast, isLocal, Stack, setAddress } from "../../src/net/stack"
import { deadline, Never, transmit } from "../../src/net/transmit"
import { Config, configure } from "../../src/tcp/config"
import { Eth, EtherType } from "../../src/wire/ethernet"
import { Ip, IpCheck, ipv4Check, isNotUnicast, Protocol } from "../../src/wire/ipv4"
import type { Link, Port, Station } from "../link/port"
import type { Clock, Timer } from "../time/clock"
import type { Random } from "../time/random"
import { Wake } from "../time/wake"
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, type DhcpMode, DhcpServer } from "./dhcp-server"
import { DNS_PORT, DnsServer, type Lookup } from "./dns-server"
import { type Forward, Incoming } from "./incoming"
import { type Counters, defaultLimits, type Limits, noCounts } from "./limits"
import { type Dial, Outgoing } from "./outgoing"
import { datagramOf, type Ends, endsOf, isIntact, MAX_FRAME, writeDatagram, writeUnreachable } from "./packet"
import { UdpRelay } from "./udp"

export interface RouterOptions {
    clock: Clock
    link: Link
    /** Generates the secret from which the stack derives sequence numbers and ports. */
    random: Random
    /** The router's address, dotted, and the length of the network's prefix. */
    router: string
    prefix: number
    /** The router's Ethernet address, with colons. */
    mac: string
    /** The address that the first DHCP client gets. */
    device: string
    forwards?: readonly Forward[]
    limits?: Partial<Limits>
    /** Looks up names; the default is this computer's resolver. */
    lookup?: Lookup
    /** Opens sockets of this computer; the default is Node's `connect`. */
    dial?: Dial
    /** Receives lines for a developer. */
    log?: (text: string) => void
}

/** The configuration of the router's stack, with room for all connections that the limits allow and for those that are ending. */
const CONFIG = {
    connections: 200,
    halfOpen: 200,
    timeWaits: 200,
    listeners: 200,
    neighbours: 64,
    receiveBuffer: 16_384,
    sendBuffer: 16_384,
    events: 0,
    // a relay passes data on at once
    nagle: 0,
    // a device whose send ring holds one segment would wait for every ACK
    delayedAck: 0,
    r2Syn: 30_000,
}

/** The interval at which unused flows and ports are removed, ms. */
const SWEEP = 1000
const SCRATCH = 16_384

export class Router implements Station {
    readonly name = "router"
    readonly counters: Counters = noCounts()
    private readonly limits: Limits
    private readonly stack: Stack
    private readonly router: number
    private readonly outgoing: Outgoing
    private readonly incoming: Incoming
    private readonly udp: UdpRelay
    private readonly dhcp: DhcpServer
    private readonly dns: DnsServer
    /** Buffer for a frame that the router, not its stack, sends. */
    private readonly out = Buffer.alloc(MAX_FRAME)
    private port: Port | undefined
    private readonly wake: Wake
    private sweeper: Timer | undefined

    constructor(private readonly options: RouterOptions) {
        const { clock, random, router, prefix, device, mac } = options
        this.limits = { ...defaultLimits, ...options.limits }
        this.wake = new Wake(clock, () => this.run())
        const config = new Config()
        configure(config, CONFIG)
        const address = macOf(mac)
        if (address === undefined) throw new Error(`${mac} is not an Ethernet address`)
        this.stack = new Stack(config, address)
        random.fill(this.stack.hashInput.subarray(0, 16))
        this.router = ipv4Of(router)
        setAddress(this.stack, this.router, netmaskOf(prefix), 0)
        const { stack, counters, limits } = this
        const context = {
            stack,
            counters,
            limits,
            scratch: Buffer.alloc(SCRATCH),
            router: this.router,
            dial: options.dial ?? dialHost,
            now: () => Math.floor(clock.now()) | 0,
            poke: () => this.poke(),
            log: (text: string) => options.log?.(text),
            feed: (frame: Buffer, length: number) => this.feed(frame, length),
            unreachable: (about: Buffer, code: number) =>
                this.send(writeUnreachable(this.out, about, { ip: this.router, mac: stack.mac }, code)),
            mayConnect: () => this.outgoing.sockets + this.incoming.sockets < limits.connections,
            sendDatagram: (to: Buffer, ends: Ends, data: Uint8Array) => this.sendDatagram(to, ends, data),
        }
        this.outgoing = new Outgoing(context)
        this.incoming = new Incoming(context)
        this.udp = new UdpRelay(context)
        this.dhcp = new DhcpServer({ router, prefix, first: device, limits, counters })
        this.dns = new DnsServer(router, limits, counters, options.lookup)
    }

    /** Opens the ports of the forwards and plugs the router in. Rejects, with all ports closed, when a port cannot be opened. */
    async start(): Promise<void> {
        try {
            for (const forward of this.options.forwards ?? []) await this.incoming.listen(forward)
        } catch (error) {
            await this.incoming.close()
            throw error
        }
        this.port = this.options.link.attach(this)
        this.sweepLater()
    }

    /** Unplugs the router and closes all of its sockets. */
    async close(): Promise<void> {
        this.wake.cancel()
        this.sweeper?.cancel()
        this.port?.detach()
        this.port = undefined
        this.outgoing.close()
        this.udp.close()
        await this.incoming.close()
    }

    /** Waits until each connect() of this computer for a device has a result: a virtual clock stands still meanwhile. */
    async dialled(): Promise<void> {
        await this.outgoing.dialled()
    }

    /** The forwards with their actual ports. */
    get forwards(): readonly Forward[] {
        return this.incoming.forwards
    }

    /** Changes how the router's DHCP server behaves. */
    set dhcpMode(mode: DhcpMode) {
        this.dhcp.mode = mode
    }

    /** Returns true while this computer's own connection with a host's port, which carries a device's, has no answer. */
    dials(ip: string, port: number): boolean {
        return this.outgoing.dials(ipv4Of(ip), port)
    }

    /** The number of open sockets of this computer, and of connections that are remembered without a socket. */
    get usage(): { tcp: number; udp: number; remembered: number } {
        const { outgoing, incoming, udp } = this
        return { tcp: outgoing.sockets + incoming.sockets, udp: udp.size, remembered: outgoing.size }
    }

    receive(frame: Uint8Array): void {
        if (this.port === undefined) return
        const { rx } = this.stack
        if (frame.length < Eth.Size || frame.length > rx.length) {
            this.counters.malformed++
            return
        }
        rx.set(frame)
        if (rx.getAt(Eth.Type, "u16") === EtherType.IPv4) this.packet(frame.length)
        else this.feed(rx, frame.length)
        this.run()
    }

    /** Passes the IP packet in the receive buffer on: to a server of the router, to the stack, or to another network. */
    private packet(length: number): void {
        const { counters, router, stack } = this
        const { rx } = stack
        const toUs =
            rx.getAt(Eth.Destination, "i32") === stack.macStart &&
            rx.getAt(Eth.Destination + 4, "u16") === stack.macEnd
        const toAll =
            rx.getAt(Eth.Destination, "i32") === -1 && rx.getAt(Eth.Destination + 4, "u16") === 0xffff
        if (!toUs && !toAll) {
            counters.notForUs++
            return
        }
        const protocol = rx.getAt(Eth.Size + Ip.Protocol, "u8")
        const carried = protocol === Protocol.Tcp || protocol === Protocol.Udp
        const check = ipv4Check(rx, Eth.Size, length - Eth.Size)
        const ends = check === IpCheck.Ok && carried ? endsOf(rx) : undefined
        if (check !== IpCheck.Ok || (carried && ends === undefined)) {
            counters.malformed++
            return
        }
        const source = rx.getAt(Eth.Size + Ip.Source, "i32")
        const destination = rx.getAt(Eth.Size + Ip.Destination, "i32")
        if (protocol === Protocol.Udp && ends?.destinationPort === DHCP_SERVER_PORT) {
            if (destination === router || isBroadcast(stack, destination)) this.askDhcp()
            else counters.notForUs++
        } else if (!toUs) {
            counters.notForUs++
        } else if (!this.isDevice(source) || !this.isReachable(destination)) {
            counters.martian++
        } else if (ends === undefined) {
            // an ICMP message: the stack answers pings to the router
            if (destination === router) this.feed(rx, length)
            else counters.unsupported++
        } else if (protocol === Protocol.Udp) {
            this.datagram(ends)
        } else if (destination === router && this.incoming.owns(ends)) {
            this.feed(rx, length)
        } else {
            this.outgoing.receive(rx, length, ends)
        }
    }

    private datagram(ends: Ends): void {
        const { rx } = this.stack
        if (!isIntact(rx, Protocol.Udp)) {
            this.counters.malformed++
            return
        }
        const mac = rx.subarray(Eth.Source, Eth.Source + 6)
        const data = datagramOf(rx)
        if (ends.destination !== this.router || ends.destinationPort !== DNS_PORT) {
            this.udp.send(mac, ends, data)
            return
        }
        const to = Buffer.from(mac)
        const back = turned(ends)
        void this.dns.answer(data).then(answer => {
            if (answer !== undefined) this.sendDatagram(to, back, answer)
        })
    }

    private askDhcp(): void {
        const { rx } = this.stack
        if (!isIntact(rx, Protocol.Udp)) {
            this.counters.malformed++
            return
        }
        const to = Buffer.from(rx.subarray(Eth.Source, Eth.Source + 6))
        const reply = this.dhcp.receive(datagramOf(rx))
        if (reply === undefined) return
        if (reply.broadcast) to.fill(0xff)
        const ends = {
            source: this.router,
            sourcePort: DHCP_SERVER_PORT,
            destination: ipv4Of(reply.ip),
            destinationPort: DHCP_CLIENT_PORT,
        }
        this.sendDatagram(to, ends, reply.bytes)
    }

    /** Returns true when a device of this network can have an address. */
    private isDevice(ip: number): boolean {
        const { stack } = this
        const host = ip & ~stack.netmask
        return isLocal(stack, ip) && ip !== this.router && host !== 0 && !isBroadcast(stack, ip)
    }

    /** Returns true when an address is the router's own, or that of a host on another network. */
    private isReachable(ip: number): boolean {
        if (ip === this.router) return true
        const first = ip & 0xff
        return first !== 0 && first !== 127 && !isNotUnicast(ip) && !isLocal(this.stack, ip)
    }

    /** Passes a frame to the stack, and sends the stack's replies. */
    private feed(frame: Buffer, length: number): void {
        const { stack } = this
        if (frame !== stack.rx) stack.rx.blitAt(0, frame, 0, length)
        receive(stack, length, this.now())
        this.flush()
    }

    private flush(): void {
        const { stack } = this
        const { tx } = stack
        const now = this.now()
        for (let length = transmit(stack, now); length > 0; length = transmit(stack, now)) {
            const isTcp =
                tx.getAt(Eth.Type, "u16") === EtherType.IPv4 &&
                tx.getAt(Eth.Size + Ip.Protocol, "u8") === Protocol.Tcp
            const ends = isTcp ? endsOf(tx) : undefined
            if (ends !== undefined) this.outgoing.translate(tx, ends.sourcePort)
            this.port?.send(tx.subarray(0, length))
        }
    }

    private sendDatagram(to: Buffer, ends: Ends, data: Uint8Array): void {
        this.send(writeDatagram(this.out, { to, from: this.stack.mac }, ends, data))
    }

    private send(length: number): void {
        this.port?.send(this.out.subarray(0, length))
    }

    /** Moves the data of every connection, sends what is due, and schedules the next run for the stack's deadline. */
    private run(): void {
        if (this.port === undefined) return
        this.outgoing.work()
        this.incoming.work()
        this.flush()
        const now = this.now()
        const wait = deadline(this.stack, now)
        if (wait !== Never.Ms) this.wake.at(now + wait)
    }

    private sweepLater(): void {
        const { clock } = this.options
        this.sweeper = clock.at(clock.now() + SWEEP, () => {
            this.outgoing.sweep()
            this.udp.sweep()
            this.sweepLater()
        })
    }

    private poke(): void {
        if (this.port !== undefined) this.wake.at(this.options.clock.now())
    }

    private now(): number {
        return Math.floor(this.options.clock.now()) | 0
    }
}

/** Opens a TCP connection of this computer. */
function dialHost(host: string, port: number): ReturnType<Dial> {
    return connect({ host, port, allowHalfOpen: true })
}

/** Returns the ends of a reply. */
function turned({ source, sourcePort, destination, destinationPort }: Ends): Ends {
    return {
        source: destination,
        sourcePort: destinationPort,
        destination: source,
        destinationPort: sourcePort,
    }
}
