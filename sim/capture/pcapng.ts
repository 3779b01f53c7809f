// Captures frames to a pcapng file for Wireshark. A comment may be added until a number of packets after its frame.
import fs from "node:fs"
import { type Direction, interfaceBlock, packetBlock, sectionBlock } from "./blocks"

export type { Direction } from "./blocks"

/** Thrown when the capture file cannot be created; the message is one line for the user. */
export class CaptureError extends Error {
    override name = "CaptureError"
}

/** Identifies a captured packet, to add comments to it. */
export type PacketHandle = number

/** The options of a capture. */
interface CaptureOptions {
    /**
     * The moment at which the clock's time is 0, whole ms since 1970; the default is now. A fixed moment repeats a file exactly.
     */
    epochMs?: number
    /** The name of the writing program, with which the file begins. */
    application?: string
    /** Receives one line, once, when the file can no longer be written; the capture then ends. The default is standard error. */
    onError?: (message: string) => void
}

/** The number of packets that are held for comments before they are written. */
export const HELD_PACKETS = 16

interface Packet {
    readonly handle: PacketHandle
    readonly iface: number
    readonly time: bigint
    readonly frame: Uint8Array
    readonly direction: Direction | undefined
    readonly comments: string[]
}

/**
 * A capture file. Every block is written whole, so the file can be read at any moment, even after a crash. It lacks only the last
 * HELD_PACKETS packets, which are held for comments; `flush` writes them.
 */
export class Capture {
    private readonly held: Packet[] = []
    private readonly lastOf: (PacketHandle | undefined)[] = []
    private nextHandle: PacketHandle = 0
    /** True when a write has failed, so that the file ends too early. */
    failed = false
    private closed = false

    private constructor(
        private readonly path: string,
        private readonly file: number,
        private readonly epoch: bigint,
        private readonly onError: (message: string) => void
    ) {}

    /** Creates or replaces the file. Throws a CaptureError when that fails. */
    static open(path: string, options: CaptureOptions = {}): Capture {
        let file: number
        try {
            file = fs.openSync(path, "w")
        } catch (error) {
            throw new CaptureError(`cannot write the capture ${path}: ${explain(error)}`)
        }
        const epoch = BigInt(options.epochMs ?? Date.now()) * 1_000_000n
        const onError = options.onError ?? (message => process.stderr.write(`${message}\n`))
        const capture = new Capture(path, file, epoch, onError)
        capture.write(sectionBlock(options.application ?? "devicescript-tcp"))
        return capture
    }

    /** Adds an Ethernet interface and returns its number. */
    interface(name: string, description = ""): number {
        this.write(interfaceBlock(name, description))
        return this.lastOf.push(undefined) - 1
    }

    /**
     * Adds a copy of a packet that an interface received (`in`) or sent (`out`) at `timeMs` of the clock. Throws a RangeError
     * when the capture has no such interface.
     */
    packet(
        iface: number,
        timeMs: number,
        frame: Uint8Array,
        options: { direction?: Direction; comments?: readonly string[] } = {}
    ): PacketHandle {
        if (!(iface in this.lastOf)) {
            throw new RangeError(`the capture has no interface ${iface}; add it with interface() first`)
        }
        const handle = this.nextHandle++
        this.lastOf[iface] = handle
        if (this.failed || this.closed) return handle
        this.held.push({
            handle,
            iface,
            time: this.epoch + BigInt(Math.round(timeMs * 1e6)),
            frame: frame.slice(),
            direction: options.direction,
            comments: [...(options.comments ?? [])],
        })
        if (this.held.length > HELD_PACKETS) this.writePacket(this.held.shift()!)
        return handle
    }

    /** Returns the last packet of an interface; undefined if it has none. */
    last(iface: number): PacketHandle | undefined {
        return this.lastOf[iface]
    }

    /** Adds a comment to a captured packet; returns false when the packet is unknown or has already been written. */
    comment(handle: PacketHandle | undefined, text: string): boolean {
        const packet = this.held.find(held => held.handle === handle)
        packet?.comments.push(text)
        return packet !== undefined
    }

    /** Writes the packets that are held for comments. */
    flush(): void {
        for (const packet of this.held.splice(0)) this.writePacket(packet)
    }

    /** Writes the held packets and closes the file; later packets are not captured. */
    close(): void {
        if (this.closed) return
        this.flush()
        this.closed = true
        try {
            fs.closeSync(this.file)
        } catch (error) {
            this.fail(error)
        }
    }

    private writePacket(packet: Packet): void {
        this.write(packetBlock(packet.iface, packet.time, packet.frame, packet.direction, packet.comments))
    }

    private write(block: Uint8Array): void {
        if (this.failed || this.closed) return
        try {
            for (let at = 0; at < block.length; ) at += fs.writeSync(this.file, block, at)
        } catch (error) {
            this.fail(error)
        }
    }

    private fail(error: unknown): void {
        if (this.failed) return
        this.failed = true
        this.held.length = 0
        this.onError(`the capture ${this.path} ends here: ${explain(error)}`)
    }
}

function explain(error: unknown): string {
    const { code, message } = error as NodeJS.ErrnoException
    switch (code) {
        case "ENOENT":
            return "its folder does not exist"
        case "EISDIR":
            return "that is a folder"
        case "EACCES":
        case "EPERM":
        case "EROFS":
            return "permission denied"
        case "ENOSPC":
        case "EDQUOT":
            return "the disk is full"
        default:
            return message.replace(/\s+/g, " ")
    }
}
