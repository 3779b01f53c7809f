// The forwarding table of a switch: the plug to which each Ethernet address belongs (IEEE 802.1Q clause 8.8, without VLANs).

/** The time after which an address that has sent nothing is forgotten, ms (the standard's default). */
const AGING = 300_000
/** The size of the table. A flood of forged addresses displaces the oldest addresses. */
const ADDRESSES = 1024

const enum Frame {
    Destination = 0,
    Source = 6,
    Addresses = 12,
}

interface Known<Plug> {
    plug: Plug
    /** Time of the last frame from the address, ms. */
    heard: number
}

export class Forwarding<Plug> {
    /** The addresses in the order of their last frames. */
    private readonly known = new Map<number, Known<Plug>>()

    /** Remembers the plug from which a frame's source address sends. */
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

    /** Returns the plug to which a frame goes; undefined when it goes to all. */
    find(frame: Uint8Array, now: number): Plug | undefined {
        if (frame.length < Frame.Addresses || isGroup(frame, Frame.Destination)) return undefined
        const known = this.known.get(addressAt(frame, Frame.Destination))
        return known !== undefined && now - known.heard <= AGING ? known.plug : undefined
    }

    /** Forgets the addresses of a plug. */
    forget(plug: Plug): void {
        for (const [address, known] of this.known) if (known.plug === plug) this.known.delete(address)
    }
}

/** Returns an Ethernet address as a number, which is exact: the address has 48 bits, and a double holds 53. */
function addressAt(frame: Uint8Array, at: number): number {
    let address = 0
    for (let i = at; i < at + 6; i++) address = address * 256 + frame[i]!
    return address
}

function isGroup(frame: Uint8Array, at: number): boolean {
    return (frame[at]! & 1) !== 0
}
