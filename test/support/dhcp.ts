// DHCP messages as a server of a test reads and writes them, with nothing of src/wire.

import { address, ethernet, ipv4, mac, u16, u32, udp } from "./frames"

export const Type = { Discover: 1, Offer: 2, Request: 3, Decline: 4, Ack: 5, Nak: 6 } as const

export interface Said {
    type: number
    xid: number
    seconds: number
    broadcast: boolean
    ciaddr: string
    chaddr: string
    options: Record<number, number[]>
}

/** What a client says (RFC 2131 figure 1). */
export function readDhcp(bytes: Uint8Array): Said {
    if (bytes.length < 300) throw new Error(`a message of ${bytes.length} bytes`)
    const options: Record<number, number[]> = {}
    let at = 240
    while (bytes[at] !== 255) {
        const length = bytes[at + 1]!
        if (at + 2 + length >= bytes.length) throw new Error("options without an end")
        if (options[bytes[at]!] !== undefined) throw new Error(`option ${bytes[at]} twice`)
        options[bytes[at]!] = [...bytes.subarray(at + 2, at + 2 + length)]
        at += 2 + length
    }
    if ([...bytes.subarray(0, 4)].join() !== "1,1,6,0") throw new Error("no request")
    if ([...bytes.subarray(236, 240)].join() !== "99,130,83,99") throw new Error("no cookie")
    if (bytes.subarray(at + 1).some(byte => byte !== 0)) throw new Error("something behind the end")
    if (bytes.subarray(16, 28).some(byte => byte !== 0) || bytes.subarray(34, 236).some(byte => byte !== 0))
        throw new Error("something in fields that are the server's")
    return {
        type: options[53]![0]!,
        xid: new DataView(bytes.buffer, bytes.byteOffset).getUint32(4),
        seconds: bytes[8]! * 256 + bytes[9]!,
        broadcast: bytes[10] === 0x80,
        ciaddr: bytes.subarray(12, 16).join("."),
        chaddr: Array.from(bytes.subarray(28, 34), b => b.toString(16).padStart(2, "0")).join(":"),
        options,
    }
}

export interface Answer {
    type?: number
    xid: number
    op?: number
    htype?: number
    hlen?: number
    yiaddr?: string
    chaddr: string
    cookie?: number[]
    /** Options behind the type, as bytes. */
    options?: number[]
    /** In the places of the file's and of the server's name. */
    file?: number[]
    sname?: number[]
}

export const option = (code: number, ...bytes: number[]) => [code, bytes.length, ...bytes]
export const addresses = (code: number, ...list: string[]) => option(code, ...list.flatMap(address))
export const time = (code: number, seconds: number) => option(code, ...u32(seconds))

export function writeAnswer(a: Answer): number[] {
    const field = (bytes: number[], length: number) => [...bytes, ...new Array(length - bytes.length).fill(0)]
    return [
        ...[a.op ?? 2, a.htype ?? 1, a.hlen ?? 6, 0],
        ...u32(a.xid),
        ...[0, 0, 0, 0],
        ...address("0.0.0.0"),
        ...address(a.yiaddr ?? "0.0.0.0"),
        ...address("0.0.0.0"),
        ...address("0.0.0.0"),
        ...field(mac(a.chaddr), 16),
        ...field(a.sname ?? [], 64),
        ...field(a.file ?? [], 128),
        ...(a.cookie ?? [99, 130, 83, 99]),
        ...(a.type === undefined ? [] : option(53, a.type)),
        ...(a.options ?? []),
        255,
    ]
}

/** Returns the frame from a server's port to the broadcast address, or to one station. */
export function serverFrame(
    from: { ip: string; mac: string },
    to: { ip: string; mac: string },
    message: number[],
    ports = { sourcePort: 67, destinationPort: 68 }
): Uint8Array {
    const header = { source: from.ip, destination: to.ip }
    return ethernet(to.mac, from.mac, 0x0800, ipv4({ ...header, protocol: 17 }, udp(header, ports, message)))
}

export { u16 }
