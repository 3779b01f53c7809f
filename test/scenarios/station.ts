// A host that a scenario plays: it answers ARP by itself, and sends nothing else of its own.

import type { Port, Station } from "../../sim/link/port"
import { macFor } from "../../sim/run/boot"
import { dissect, type IcmpView, type TcpView, type View } from "../../sim/view/dissect"
import { arp, ethernet, icmp, ipv4, type TcpFields, tcp, udp } from "../support/frames"
import { DEVICE_IP, type Net } from "./net"

const IPV4 = 0x0800
const ARP = 0x0806

export class ScriptedStation implements Station {
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

    /** Plugs it in as 10.0.0.`last`. */
    constructor(net: Net, last: number) {
        this.name = `station ${last}`
        this.ip = `10.0.0.${last}`
        this.source = this.ip
        this.mac = macFor(this.ip)
        this.port = net.attach(this)
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

    /** Sends a segment to the device. */
    segment(fields: TcpFields, data: ArrayLike<number> = []): void {
        const ends = { source: this.source, destination: DEVICE_IP }
        this.packet(6, tcp(ends, fields, data))
    }

    /** Sends a datagram to the device. */
    datagram(sourcePort: number, destinationPort: number, data: ArrayLike<number>): void {
        const ends = { source: this.source, destination: DEVICE_IP }
        this.packet(17, udp(ends, { sourcePort, destinationPort }, data))
    }

    /** Sends an echo request to the device. */
    ping(identifier: number, sequence: number, data: ArrayLike<number>): void {
        this.packet(1, icmp(8, 0, identifier * 0x10000 + sequence, data))
    }

    /** Returns the segments it got. */
    get segments(): TcpView[] {
        return this.got.filter((view): view is TcpView => view.kind === "tcp")
    }

    /** Returns the ICMP messages it got. */
    get messages(): IcmpView[] {
        return this.got.filter((view): view is IcmpView => view.kind === "icmp")
    }

    private packet(protocol: number, payload: number[]): void {
        const identification = ++this.identification
        const header = { source: this.source, destination: DEVICE_IP, protocol, identification }
        this.port.send(ethernet(macFor(DEVICE_IP), this.mac, IPV4, ipv4(header, payload)))
    }

    private answer(targetMac: string, targetIp: string): void {
        const reply = arp({ operation: 2, senderMac: this.mac, senderIp: this.ip, targetMac, targetIp })
        this.port.send(ethernet(targetMac, this.mac, ARP, reply))
    }
}
