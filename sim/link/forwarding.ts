// What a switch knows: behind which plug each Ethernet address is (IEEE 802.1Q clause 8.8, without VLANs).

/** Milliseconds after which an address that has said nothing is forgotten (the standard's default). */
const AGING = 300_000
/** Addresses that are remembered at most; a flood of made-up ones forgets the oldest. */
const ADDRESSES = 1024

const enum Frame {
    Destination = 0,
    Source = 6,
    Addresses = 12,
}

interface Known<Plug> {
    plug: Plug
    /** When it was last heard of, ms. */
    heard: number
}

export class Forwarding<Plug> {
    /** In the order in which they were heard of. */
    private readonly known = new Map<number, Known<Plug>>()

    /** Remembers where a frame came from. */
    learn(frame: Uint8Array, plug: Plug, now: number): void {
        if (frame.length < Frame.Addresses || isGroup(frame, Frame.Source)) return
        const address = addressAt(frame, Frame.Source)
        this.known.delete(address)
        this.known.set(address, { plug, heard: now })
        if (this.known.size <= ADDRESSES) return
        for (const oldest of this.known.keys()) {
            this.known.delete(oldest)
            break
        }
    }

    /** The plug that a frame has to go to, undefined when it has to go to all. */
    find(frame: Uint8Array, now: number): Plug | undefined {
        if (frame.length < Frame.Addresses || isGroup(frame, Frame.Destination)) return undefined
        const known = this.known.get(addressAt(frame, Frame.Destination))
        return known !== undefined && now - known.heard <= AGING ? known.plug : undefined
    }

    /** Forgets what is behind a plug that is pulled. */
    forget(plug: Plug): void {
        for (const [address, known] of this.known) if (known.plug === plug) this.known.delete(address)
    }
}

/** Six bytes as a number: exact, as a double holds 53 bits. */
function addressAt(frame: Uint8Array, at: number): number {
    let address = 0
    for (let i = at; i < at + 6; i++) address = address * 256 + frame[i]!
    return address
}

function isGroup(frame: Uint8Array, at: number): boolean {
    return (frame[at]! & 1) !== 0
}
