// A host that a stage plays: it answers ARP, and otherwise does only what the stage has it do.

import type { Link, Port, Station } from "../link/port"
import { arp, broadcastMac, ethernet, icmp, ipv4, type TcpFields, tcp } from "../testing/frames"
import { dissect, type TcpView, type View } from "../view/dissect"

const ARP = 0x0806
const IPV4 = 0x0800
const UNREACHABLE = 3
/** The length of an Ethernet header, and the bytes after an IP header that an ICMP error quotes (RFC 792). */
const ETHERNET = 14
const QUOTED = 8
const ISS = 5000
const WINDOW = 8192
const CLIENT_PORT = 40_000
const MOST_KNOWN = 64

export class Actor implements Station {
    /** Receives each segment for this host. */
    onSegment: (view: TcpView) => void = () => {}
    /** Receives each packet whose next hop is this host, with its frame. */
    onPacket: (view: View, frame: Uint8Array) => void = () => {}
    /** The Ethernet address that this host's answers to ARP have; undefined for its own. */
    announced: ((asker: string) => string) | undefined
    private readonly port: Port
    /** The Ethernet addresses that ARP has answered. */
    private readonly known = new Map<string, string>()

    /** Plugs the host in. */
    constructor(
        link: Pick<Link, "attach">,
        readonly ip: string,
        readonly mac: string,
        readonly name = `host ${ip}`
    ) {
        this.port = link.attach(this)
    }

    receive(frame: Uint8Array): void {
        const view = dissect(frame)
        if (view.kind === "malformed") return
        if (view.destinationMac !== this.mac && view.destinationMac !== broadcastMac) return
        if (view.kind === "arp") {
            if (view.operation === 2 && this.known.size < MOST_KNOWN)
                this.known.set(view.senderIp, view.senderMac)
            if (view.operation === 1 && view.targetIp === this.ip)
                this.sendArp(2, { mac: view.senderMac, ip: view.senderIp })
            return
        }
        this.onPacket(view, frame)
        if (view.kind === "tcp" && view.destination === this.ip && view.checksumValid) this.onSegment(view)
    }

    /** Asks by ARP who has an address. */
    ask(ip: string): void {
        this.sendArp(1, { mac: broadcastMac, ip })
    }

    /** Sends a SYN to a host that has answered `ask`. */
    open(ip: string, port: number): void {
        const mac = this.known.get(ip)
        if (mac === undefined) return
        const ends = { source: this.ip, destination: ip }
        const syn = { sourcePort: CLIENT_PORT, destinationPort: port, seq: ISS, flags: "S", window: WINDOW }
        this.port.send(ethernet(mac, this.mac, IPV4, ipv4({ ...ends, protocol: 6 }, tcp(ends, syn))))
    }

    /** Answers a segment. */
    segment(
        to: TcpView,
        fields: Omit<TcpFields, "sourcePort" | "destinationPort">,
        data: ArrayLike<number> = []
    ): void {
        const ends = { source: this.ip, destination: to.source }
        const ports = { sourcePort: to.destinationPort, destinationPort: to.sourcePort }
        const packet = ipv4({ ...ends, protocol: 6 }, tcp(ends, { ...ports, ...fields }, data))
        this.send(ethernet(to.sourceMac, this.mac, IPV4, packet))
    }

    /** Sends a frame. */
    send(frame: Uint8Array): void {
        this.port.send(frame)
    }

    /** Reports to the sender of a packet that it cannot be delivered, with a code of ICMP unreachable. */
    unreachable(frame: Uint8Array, code: number): void {
        const view = dissect(frame)
        if (!("source" in view)) return
        const quoted = frame.subarray(ETHERNET, ETHERNET + (frame[ETHERNET]! & 15) * 4 + QUOTED)
        const ends = { source: this.ip, destination: view.source, protocol: 1 }
        this.port.send(
            ethernet(view.sourceMac, this.mac, IPV4, ipv4(ends, icmp(UNREACHABLE, code, 0, quoted)))
        )
    }

    /** Unplugs the host. */
    stop(): void {
        this.port.detach()
    }

    private sendArp(operation: 1 | 2, to: { mac: string; ip: string }): void {
        const target = { targetMac: operation === 1 ? "00:00:00:00:00:00" : to.mac, targetIp: to.ip }
        const senderMac = this.announced?.(to.mac) ?? this.mac
        const message = arp({ operation, senderMac, senderIp: this.ip, ...target })
        this.port.send(ethernet(to.mac, this.mac, ARP, message))
    }
}

/** How an actor plays a server's end of its connections. */
export interface Part {
    /** By how much the SYN-ACK acknowledges more than the SYN. */
    readonly wrong?: number
    /** The answer to data: an ACK, an ACK that shuts the window, a reset. */
    readonly data?: "ack" | "shut" | "reset"
}

/** The most clients that an actor remembers. */
const MOST_CLIENTS = 100

/** A client of an actor: the next number that is expected of it, and whether its first data has come. */
interface Client {
    next: number
    hasSpoken: boolean
}

/** Lets an actor play the server's end of every connection. */
export function playServer(actor: Actor, { wrong = 0, data = "ack" }: Part): void {
    const clients = new Map<string, Client>()
    actor.onSegment = view => {
        const { flags, seq, ack, payload, source, sourcePort, destinationPort } = view
        const key = `${source}:${sourcePort} ${destinationPort}`
        if (flags.rst) return
        if (flags.syn) {
            if (clients.size >= MOST_CLIENTS) clients.clear()
            clients.set(key, { next: (seq + 1) >>> 0, hasSpoken: false })
            actor.segment(view, { seq: ISS, ack: (seq + 1 + wrong) >>> 0, flags: "S.", window: WINDOW })
            return
        }
        const client = clients.get(key)
        if (client === undefined || (payload.length === 0 && !flags.fin)) return
        if (data === "reset") {
            actor.segment(view, { seq: ack, flags: "R" })
            return
        }
        // with a shut window the first data is taken, and nothing after it
        const isTaken = seq === client.next && (data !== "shut" || !client.hasSpoken)
        if (isTaken) client.next = (seq + payload.length + (flags.fin ? 1 : 0)) >>> 0
        client.hasSpoken = true
        const window = data === "shut" ? 0 : WINDOW
        actor.segment(view, { seq: ack, ack: client.next, flags: ".", window })
    }
}
