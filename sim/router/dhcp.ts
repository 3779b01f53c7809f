// Reads a client's DHCP messages and writes the server's replies (RFC 2131, options of RFC 2132).

const MAGIC = [99, 130, 83, 99]
/** The length of the fixed part, with `sname` and `file`. */
const FIXED = 236
/** The offset of the options, which begin after the magic cookie. */
const OPTIONS = FIXED + 4
/** The length of the shortest message: relays may drop shorter ones (RFC 1542 section 2.1). */
const MIN_MESSAGE = 300
const ETHERNET = 1
const BROADCAST = 0x8000

const Op = { Request: 1, Reply: 2 } as const
const At = { Xid: 4, Flags: 10, Ciaddr: 12, Yiaddr: 16, Siaddr: 20, Giaddr: 24, Chaddr: 28 } as const

export const Message = {
    Discover: 1,
    Offer: 2,
    Request: 3,
    Decline: 4,
    Ack: 5,
    Nak: 6,
    Release: 7,
    Inform: 8,
} as const

const Option = {
    Pad: 0,
    Mask: 1,
    Router: 3,
    Dns: 6,
    Requested: 50,
    LeaseTime: 51,
    Type: 53,
    Server: 54,
    Renewal: 58,
    Rebinding: 59,
    End: 255,
} as const

/** A client's message. Addresses are dotted. */
export interface ClientMessage {
    readonly type: number
    readonly xid: Uint8Array
    readonly broadcast: boolean
    /** The client's own address; "0.0.0.0" if it has none. */
    readonly ciaddr: string
    /** The client's Ethernet address, six bytes. */
    readonly chaddr: Uint8Array
    /** The address that the client asks for; undefined if the option is missing. */
    readonly requested: string | undefined
    /** The server that the client has chosen; undefined if the option is missing. */
    readonly server: string | undefined
}

/** The server's reply. */
export interface Answer {
    readonly type: number
    /** The client's address; "0.0.0.0" in a NAK and in the reply to INFORM. */
    readonly yiaddr: string
    /** Duration of the lease in seconds; undefined if the reply has no lease. */
    readonly lease: number | undefined
}

/** The fields of a reply that are the same for all clients. */
interface Network {
    readonly router: string
    readonly mask: string
}

/** Reads a client's message; returns undefined for all other bytes, and for a relay's message: the network has no relay. */
export function parseDhcp(bytes: Uint8Array): ClientMessage | undefined {
    if (bytes.length < OPTIONS || bytes[0] !== Op.Request || bytes[1] !== ETHERNET || bytes[2] !== 6)
        return undefined
    if (MAGIC.some((byte, i) => bytes[FIXED + i] !== byte)) return undefined
    if (dotted(bytes, At.Giaddr) !== "0.0.0.0") return undefined
    const options = parseOptions(bytes)
    const type = options.get(Option.Type)
    if (type?.length !== 1) return undefined
    return {
        type: type[0]!,
        xid: bytes.slice(At.Xid, At.Xid + 4),
        broadcast: ((bytes[At.Flags]! << 8) & BROADCAST) !== 0,
        ciaddr: dotted(bytes, At.Ciaddr),
        chaddr: bytes.slice(At.Chaddr, At.Chaddr + 6),
        requested: addressOf(options.get(Option.Requested)),
        server: addressOf(options.get(Option.Server)),
    }
}

/** Writes a reply; RFC 2131 table 3 lists the fields and options of each type. */
export function writeDhcp(
    client: ClientMessage,
    { type, yiaddr, lease }: Answer,
    network: Network
): Uint8Array {
    const bytes: number[] = new Array<number>(FIXED).fill(0)
    const put = (at: number, values: ArrayLike<number>) => {
        for (let i = 0; i < values.length; i++) bytes[at + i] = values[i]!
    }
    put(0, [Op.Reply, ETHERNET, 6, 0])
    put(At.Xid, client.xid)
    // RFC 2131 section 4.3.2: a client that gets a NAK may have no address at which it can be reached
    if (client.broadcast || type === Message.Nak) put(At.Flags, [BROADCAST >> 8, 0])
    if (type === Message.Ack) put(At.Ciaddr, parts(client.ciaddr))
    put(At.Yiaddr, parts(yiaddr))
    if (type !== Message.Nak) put(At.Siaddr, parts(network.router))
    put(At.Chaddr, client.chaddr)
    bytes.push(...MAGIC, Option.Type, 1, type, Option.Server, 4, ...parts(network.router))
    if (lease !== undefined) {
        bytes.push(Option.LeaseTime, 4, ...seconds(lease))
        bytes.push(Option.Renewal, 4, ...seconds(Math.floor(lease / 2)))
        bytes.push(Option.Rebinding, 4, ...seconds(Math.floor((lease * 7) / 8)))
    }
    if (type !== Message.Nak) {
        bytes.push(Option.Mask, 4, ...parts(network.mask))
        bytes.push(Option.Router, 4, ...parts(network.router))
        bytes.push(Option.Dns, 4, ...parts(network.router))
    }
    bytes.push(Option.End)
    while (bytes.length < MIN_MESSAGE) bytes.push(Option.Pad)
    return Uint8Array.from(bytes)
}

/** Reads the options by code, the first of each code; stops at an option that passes the end of the message. */
function parseOptions(bytes: Uint8Array): Map<number, Uint8Array> {
    const options = new Map<number, Uint8Array>()
    let at = OPTIONS
    while (at < bytes.length && bytes[at] !== Option.End) {
        const code = bytes[at++]!
        if (code === Option.Pad) continue
        const length = bytes[at++]
        if (length === undefined || at + length > bytes.length) break
        if (!options.has(code)) options.set(code, bytes.slice(at, at + length))
        at += length
    }
    return options
}

function addressOf(bytes: Uint8Array | undefined): string | undefined {
    return bytes?.length === 4 ? dotted(bytes, 0) : undefined
}

function dotted(bytes: Uint8Array, at: number): string {
    return bytes.subarray(at, at + 4).join(".")
}

function parts(ip: string): number[] {
    return ip.split(".").map(Number)
}

function seconds(value: number): number[] {
    return [value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]
}
