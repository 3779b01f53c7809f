// A host that a test plays: it answers ARP by itself, and sends nothing else of its own.

import type { Port, Station } from "../link/port"
import { macFor } from "../run/boot"
import { dissect, type IcmpView, type TcpView, type View } from "../view/dissect"
import { arp, ethernet, icmp, ipv4, type TcpFields, tcp, udp } from "./frames"
import type { Wire } from "./wire"

const IPV4 = 0x0800
const ARP = 0x0806

/** Data as bytes, or as Latin-1 text. */
type Data = ArrayLike<number> | string

/** Where packets go. Without `mac` the Ethernet address is the one that the simulator makes of the IP address. */
interface Target {
    readonly ip: string
    readonly mac?: string
}

function bytesOf(data: Data): ArrayLike<number> {
    return typeof data === "string" ? Array.from(data, character => character.charCodeAt(0)) : data
}

export class ScriptedPeer implements Station {
    readonly name: string
    readonly ip: string
    /** The source address of its packets; another than its own when it plays a router. */
    source: string
    readonly mac: string
    /** The frames it got, ARP left out. */
    readonly got: View[] = []
    /** Takes every segment it gets. */
    onSegment: (view: TcpView) => void = () => {}
    private readonly port: Port
    private identification = 0

    /** Plugs it in at the address `ip`; its packets go to the host that `target` returns, unless the test names another. */
    constructor(
        wire: Wire,
        name: string,
        ip: string,
        private readonly target: () => Target
    ) {
        this.name = name
        this.ip = ip
        this.source = this.ip
        this.mac = macFor(this.ip)
        this.port = wire.attach(this)
    }

    receive(frame: Uint8Array): void {
        const view = dissect(frame)
        if (view.kind === "malformed") throw new Error(`${this.name} got a malformed frame: ${view.reason}`)
        if (view.destinationMac !== this.mac && view.destinationMac !== "ff:ff:ff:ff:ff:ff") return
        if (view.kind === "arp") {
            if (view.operation === 1 && view.targetIp === this.ip) this.answer(view.senderMac, view.senderIp)
            return
        }
        this.got.push(view)
        if (view.kind === "tcp") this.onSegment(view)
    }

    /** Sends a segment to a device. */
    segment(fields: TcpFields, data: Data = [], to?: Target): void {
        const target = to ?? this.target()
        const ends = { source: this.source, destination: target.ip }
        this.packet(6, tcp(ends, fields, bytesOf(data)), target)
    }

    /** Sends a datagram to a device. */
    datagram(sourcePort: number, destinationPort: number, data: Data, to?: Target): void {
        const target = to ?? this.target()
        const ends = { source: this.source, destination: target.ip }
        this.packet(17, udp(ends, { sourcePort, destinationPort }, bytesOf(data)), target)
    }

    /** Sends an echo request to a device. */
    ping(identifier: number, sequence: number, data: Data = [], to?: Target): void {
        const message = icmp(8, 0, identifier * 0x10000 + sequence, bytesOf(data))
        this.packet(1, message, to ?? this.target())
    }

    /** Returns the segments it got. */
    get segments(): TcpView[] {
        return this.got.filter((view): view is TcpView => view.kind === "tcp")
    }

    /** Returns the ICMP messages it got. */
    get messages(): IcmpView[] {
        return this.got.filter((view): view is IcmpView => view.kind === "icmp")
    }

    protected packet(protocol: number, payload: number[], { ip, mac = macFor(ip) }: Target): void {
        const identification = ++this.identification
        const header = { source: this.source, destination: ip, protocol, identification }
        this.port.send(ethernet(mac, this.mac, IPV4, ipv4(header, payload)))
    }

    /** Unplugs it. */
    stop(): void {
        this.port.detach()
    }

    private answer(targetMac: string, targetIp: string): void {
        const reply = arp({ operation: 2, senderMac: this.mac, senderIp: this.ip, targetMac, targetIp })
        this.port.send(ethernet(targetMac, this.mac, ARP, reply))
    }
}
