// What DHCP servers have sent to a device, and the lease that it uses (RFC 2131).

import { ipv4Of, isHostAddress, isNetmask, netmaskOf } from "../../src/net/address"
import { sameNetwork } from "../options/address"
import { type DhcpMessage, Kind, Option, parseDhcp } from "../view/dhcp"
import type { UdpView } from "../view/dissect"
import type { Evidence, Self, Sighting } from "./evidence"

/** The shortest lease that the stack uses, s (src/net/dhcp.ts). */
const SHORTEST_LEASE = 10

/** A message, and the host that sent it. */
export interface Message extends DhcpMessage {
    readonly time: number
    readonly source: string
    readonly isQuestion: boolean
    readonly lost: Sighting["lost"]
    /** False when the checksum of UDP or of the IP header is wrong, so that the receiver drops the message. */
    readonly isWhole: boolean
}

/** The lease that a device uses. */
export interface Lease {
    readonly server: string
    readonly ip: string
    readonly prefix: number
    /** The router that the device uses; "" without one. */
    readonly router: string
    readonly nameServers: readonly string[]
}

/** Returns the DHCP messages that were seen. */
export function dhcpMessages({ others }: Pick<Evidence, "others">): Message[] {
    return others.flatMap(({ view, time, lost }) => {
        const read = view.kind === "udp" ? parseDhcp(view) : undefined
        if (read === undefined || view.kind !== "udp") return []
        const { source } = view
        return [{ ...read, time, source, isQuestion: isQuestion(read.kind), lost, isWhole: isWhole(view) }]
    })
}

/** Returns true when a datagram's checksums are right. */
export function isWhole({ checksumValid, headerChecksumValid }: UdpView): boolean {
    return checksumValid && headerChecksumValid
}

function isQuestion(kind: number): boolean {
    return kind === Kind.Discover || kind === Kind.Request || kind === Kind.Decline || kind > Kind.Nak
}

/** Returns the lease of the address that the device uses; undefined if no server gave it that address. */
export function leaseOf(evidence: Evidence): Lease | undefined {
    const { address, mac } = evidence
    if (address === undefined) return undefined
    const ack = dhcpMessages(evidence)
        .filter(({ kind, hardware, offered }) => kind === Kind.Ack && hardware === mac && offered === address)
        .filter(one => one.lost === undefined && one.isWhole && problemOf(one) === undefined)
        .at(-1)
    if (ack === undefined) return undefined
    const prefix = prefixOf(ack)
    const routers = addressesIn(ack.options.get(Option.Router), 4).filter(
        ip => ip !== address && isHostAddress(ipv4Of(ip), netmaskOf(prefix))
    )
    // src/net/dhcp.ts: a router in the device's network comes first
    const router = routers.find(ip => sameNetwork(ip, address, prefix)) ?? routers[0] ?? ""
    const nameServers = addressesIn(ack.options.get(Option.Dns), 2)
    return { server: ack.source, ip: address, prefix, router, nameServers }
}

/** Returns the description of a device that may have another address than `set`: as far as it was seen, what it uses. */
export function inUse(set: Self, evidence: () => Evidence): Self {
    return {
        ...set,
        get ip() {
            return evidence().address ?? set.ip
        },
        get prefix() {
            return leaseOf(evidence())?.prefix ?? set.prefix
        },
        get gateway() {
            return leaseOf(evidence())?.router ?? set.gateway
        },
    }
}

/** Returns what is wrong with an offer or ACK, by the rules of src/net/dhcp.ts; undefined if nothing is. */
export function problemOf(message: Message): string | undefined {
    const { kind, offered, options } = message
    const what = kind === Kind.Offer ? "its offer" : "its ACK"
    if (kind === Kind.Offer && options.get(Option.Server)?.length !== 4)
        return `${what} does not name the server (option 54)`
    const lease = options.get(Option.Lease)
    if (lease === undefined) return `${what} has no lease time (option 51)`
    const seconds = secondsOf(message)
    if (seconds < SHORTEST_LEASE) return `${what} has a lease of ${seconds} s, too short to use`
    if (!isHostAddress(ipv4Of(offered), 0)) return `${what} has the address ${offered}, which is no host's`
    const prefix = prefixOf(message)
    if (isHostAddress(ipv4Of(offered), netmaskOf(prefix))) return undefined
    const isNetwork = (ipv4Of(offered) & ~netmaskOf(prefix)) === 0
    return `${what} has the address ${offered}, which is the ${isNetwork ? "network's" : "broadcast address"}`
}

/** Returns the seconds of a message's lease; 0 if it has none. */
export function secondsOf({ options }: Message): number {
    const lease = options.get(Option.Lease)
    return lease?.length === 4 ? new DataView(lease.buffer, lease.byteOffset).getUint32(0) : 0
}

/** Returns the length of the prefix: that of the netmask or, without a valid one, of the address's class. */
function prefixOf({ offered, options }: Message): number {
    const mask = options.get(Option.Mask)
    if (mask?.length === 4 && isNetmask(ipv4Of(mask.join("."))))
        return mask.reduce((bits, byte) => bits + byte.toString(2).replaceAll("0", "").length, 0)
    const first = ipv4Of(offered) & 0xff
    return first < 128 ? 8 : first < 192 ? 16 : 24
}

function addressesIn(bytes: Uint8Array | undefined, most: number): string[] {
    if (bytes === undefined || bytes.length % 4 !== 0) return []
    return Array.from({ length: Math.min(bytes.length / 4, most) }, (_, n) =>
        bytes.subarray(4 * n, 4 * n + 4).join(".")
    ).filter(ip => ip !== "0.0.0.0")
}
