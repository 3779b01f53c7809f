// Reads DHCP messages (RFC 2131) for display.

import type { UdpView } from "./dissect"

export const DHCP_SERVER = 67
const DHCP_CLIENT = 68
const OPTIONS = 240
export const Kind = { Discover: 1, Offer: 2, Request: 3, Decline: 4, Ack: 5, Nak: 6 } as const
export const Option = {
    Pad: 0,
    Mask: 1,
    Router: 3,
    Dns: 6,
    Requested: 50,
    Lease: 51,
    Type: 53,
    Server: 54,
    Message: 56,
    End: 255,
} as const
const kinds = ["", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"]

export interface DhcpMessage {
    /** The value of option 53. */
    readonly kind: number
    readonly xid: number
    /** The client's Ethernet address. */
    readonly hardware: string
    /** The address that the server offers. */
    readonly offered: string
    readonly options: ReadonlyMap<number, Uint8Array>
}

/** Returns the DHCP message in a datagram; undefined if it is none. */
export function parseDhcp({ payload, destinationPort }: UdpView): DhcpMessage | undefined {
    if (destinationPort !== DHCP_SERVER && destinationPort !== DHCP_CLIENT) return undefined
    if (payload.length < OPTIONS) return undefined
    const options = optionsOf(payload)
    const kind = options.get(Option.Type)?.[0]
    if (kind === undefined) return undefined
    const xid = new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(4)
    const hardware = Array.from(payload.subarray(28, 34), byte => byte.toString(16).padStart(2, "0")).join(
        ":"
    )
    return { kind, xid, hardware, offered: payload.subarray(16, 20).join("."), options }
}

/** Describes a DHCP message in one line. */
export function dhcpLine({ kind, offered, options }: DhcpMessage): string {
    const name = `DHCP ${kinds[kind] ?? `type ${kind}`}`
    const requested = options.get(Option.Requested)
    if (kind === Kind.Offer || kind === Kind.Ack) return `${name} ${offered}`
    return requested?.length === 4 ? `${name} ${requested.join(".")}` : name
}

function optionsOf(bytes: Uint8Array): Map<number, Uint8Array> {
    const options = new Map<number, Uint8Array>()
    for (let at = OPTIONS; at < bytes.length && bytes[at] !== Option.End; ) {
        const code = bytes[at++]!
        if (code === Option.Pad) continue
        const length = bytes[at++]
        if (length === undefined || at + length > bytes.length) break
        options.set(code, bytes.subarray(at, at + length))
        at += length
    }
    return options
}
