// DHCP's messages (RFC 2131, options of RFC 2132): bytes to what a server has to know of them, and its answer
// to bytes.

const MAGIC = [99, 130, 83, 99]
/** Fixed part, names included, and the cookie. */
const FIXED = 236
const OPTIONS = FIXED + 4
/** RFC 1542 section 2.1: relays may drop what is shorter. */
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

/** What a client says. Addresses are dotted. */
export interface ClientMessage {
    readonly type: number
    readonly xid: Uint8Array
    readonly broadcast: boolean
    /** Its own address, where it has one; "0.0.0.0" else. */
    readonly ciaddr: string
    /** Six bytes. */
    readonly chaddr: Uint8Array
    /** The address it would like, and the server it has chosen, if it says so. */
    readonly requested: string | undefined
    readonly server: string | undefined
}

/** What a client gets told. */
export interface Answer {
    readonly type: number
    /** Its address; "0.0.0.0" in a NAK and in the answer to INFORM. */
    readonly yiaddr: string
    /** Seconds; undefined for none. */
    readonly lease: number | undefined
}

/** What is the same for all. */
export interface Network {
    readonly router: string
    readonly mask: string
}

/**
 * The message of a client; undefined for anything else, a relay's among them: there is none on this network.
 */
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

/** The bytes of an answer. RFC 2131 table 3 says what is in which. */
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
    // RFC 2131 section 4.3.2: a client that gets a NAK may have no address to be reached at
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

/** Options by code, the first of each; the list ends where it no longer makes sense. */
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
