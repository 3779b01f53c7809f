// A connection of the script, and how the script's numbers become those on the wire and back.
//
// Numbers in segments with SYN are absolute, all others count from the first SYN of their side, as in tcpdump's output.
// The remote side's number is the script's to choose; the local one is the stack's, and becomes what the script writes.

import type { Opt, Segment } from "./script"

/** A timestamp of the stack that a line of the script had another number for. */
interface Stamp {
    readonly script: number
    readonly live: number
}

const wrap = (value: number) => value >>> 0

export class Connection {
    /** The remote side's initial sequence number; undefined before its SYN. */
    irs: number | undefined
    /** The stack's, and what the script has for it; undefined before its SYN. */
    iss: { readonly live: number; readonly script: number } | undefined
    /** The number of a SYN that came since: the stack may begin anew with it. */
    private again: number | undefined
    /** The stack's name for it, once a program has it. */
    handle: number | undefined
    /** When an ACK of the stack's SYN-ACK was injected, from where on it may be accepted: a number that grows. */
    completedAt: number | undefined
    /** Everything the program wrote, and how many bytes it read. */
    readonly written: number[] = []
    read = 0
    /** The first timestamp of the stack, and the live one for each that the script has. */
    private firstStamp: Stamp | undefined
    private readonly stamps = new Map<number, number>()

    constructor(
        readonly remotePort: number,
        /** Undefined for a connection being opened: its SYN will tell. */
        public localPort: number | undefined
    ) {}

    /** Numbers of this segment, which the script injects, as they go on the wire. */
    toWire(segment: Segment, scaledEcr: boolean): Segment {
        const syn = segment.flags.includes("S")
        const ackBase = this.local(syn)
        const seqBase = syn ? 0 : (this.irs ?? 0)
        return {
            ...segment,
            seq: wrap(segment.seq + seqBase),
            ack: segment.flags.includes(".") ? wrap(segment.ack + ackBase) : segment.ack,
            options: segment.options?.map(option => this.optionToWire(option, segment, ackBase, scaledEcr)),
        }
    }

    private optionToWire(option: Opt, segment: Segment, ackBase: number, scaledEcr: boolean): Opt {
        if (option.kind === "sack") return { kind: "sack", blocks: shifted(option.blocks, ackBase) }
        // RFC 7323 section 3.2: without ACK it means nothing
        if (option.kind !== "TS" || !segment.flags.includes(".")) return option
        const live = this.stamps.get(option.ecr)
        if (live !== undefined) return { ...option, ecr: live }
        // 0 is no timestamp; and where none were seen there is nothing that it could stand for
        if (option.ecr === 0 || this.firstStamp === undefined) return option
        if (scaledEcr) {
            return { ...option, ecr: wrap(option.ecr - this.firstStamp.script + this.firstStamp.live) }
        }
        throw new Error(
            `no line before has a segment of the stack with TS val ${option.ecr}, so ecr ${option.ecr} stands for ` +
                "nothing (with --tcp_ts_ecr_scaled it counts from the first one)"
        )
    }

    /** What the script calls the number 0 of the stack: added to its numbers it gives those on the wire. */
    private local(syn: boolean): number {
        if (this.iss === undefined) return 0
        return syn ? this.iss.live - this.iss.script : this.iss.live
    }

    /** The number on the wire for `seq` of the stack, in a segment that an ICMP message quotes. */
    quoted(seq: number): number {
        return wrap(seq + this.local(false))
    }

    /** Takes notice of a segment that the script injects as its `order`th. */
    injected(segment: Segment, order: number): void {
        const syn = segment.flags.includes("S")
        const ack = segment.flags.includes(".")
        if (syn && this.irs === undefined) this.irs = segment.seq
        else if (syn && !ack && segment.seq !== this.irs) this.again = segment.seq
        if (!syn && ack && this.iss !== undefined && !segment.flags.includes("R")) this.completedAt ??= order
    }

    /**
     * Takes notice of a segment of the stack, with the numbers it has on the wire. `script` is the number that the script
     * expects of a SYN. True when the segment begins another connection with the same ports (RFC 9293 section 3.6.1).
     */
    sent(segment: Segment, script: number): boolean {
        if (!segment.flags.includes("S")) return false
        const answersAgain =
            this.again !== undefined && segment.flags.includes(".") && segment.ack === wrap(this.again + 1)
        if (answersAgain && segment.seq !== this.iss?.live) {
            this.irs = this.again
            this.again = undefined
            this.completedAt = undefined
            this.handle = undefined
            this.written.length = 0
            this.read = 0
            this.firstStamp = undefined
            this.stamps.clear()
            this.iss = { live: segment.seq, script }
            return true
        }
        this.iss ??= { live: segment.seq, script }
        return false
    }

    /**
     * A segment of the stack as the script would write it. `expected` is the line it is compared with, if any: its
     * timestamp is remembered as the script's number for this one.
     */
    toScript(segment: Segment, expected?: Segment): Segment {
        const syn = segment.flags.includes("S")
        const ackBase = syn ? 0 : (this.irs ?? 0)
        const seqBase = syn && this.iss === undefined ? segment.seq : this.local(syn)
        const stamp = expected?.options?.find(option => option.kind === "TS")
        return {
            ...segment,
            seq: wrap(segment.seq - seqBase),
            ack: segment.flags.includes(".") ? wrap(segment.ack - ackBase) : segment.ack,
            options: segment.options?.map(option => this.optionToScript(option, ackBase, stamp)),
        }
    }

    private optionToScript(option: Opt, ackBase: number, stamp: Opt | undefined): Opt {
        if (option.kind === "sack") return { kind: "sack", blocks: shifted(option.blocks, -ackBase) }
        if (option.kind !== "TS") return option
        if (stamp?.kind === "TS") {
            this.stamps.set(stamp.val, option.val)
            this.firstStamp ??= { script: stamp.val, live: option.val }
        }
        const first = this.firstStamp
        return first === undefined ? option : { ...option, val: wrap(first.script + option.val - first.live) }
    }

    /** What `length` bytes of text at the sequence number `seq` of the stack have to be, as far as they were written. */
    textAt(seq: number, length: number): number[] {
        const from = this.iss === undefined ? -1 : (seq - this.iss.live - 1) | 0
        return from < 0 ? [] : this.written.slice(from, from + length)
    }

    /** A name for messages. */
    get name(): string {
        return `${this.remotePort} > ${this.localPort ?? "?"}`
    }
}

function shifted<B extends { left: number; right: number }>(blocks: readonly B[], by: number) {
    return blocks.map(({ left, right }) => ({ left: wrap(left + by), right: wrap(right + by) }))
}

/** `length` bytes of text that the remote side has at `seq`, counted from its SYN: a pattern without a short period. */
export function remoteText(seq: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = (seq + i) * 7 + ((seq + i) >>> 8)
    return bytes
}

/** What the program writes in one call: a to z over and over, which is what `send` of the control protocol writes. */
export function localText(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => 97 + (i % 26))
}
