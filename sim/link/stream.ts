// A link to another program: Ethernet frames over a TCP or UNIX stream socket, in the protocol of QEMU and passt.
import net from "node:net"
import { FrameReader, MAX_SENT, MIN_FRAME, withLength } from "./frames"
import type { Link, Port, Station } from "./port"
import { parseStreamAddress, type StreamAddress } from "./stream-address"

export { parseStreamAddress, type StreamAddress } from "./stream-address"

/** Thrown when a link cannot be opened; the message is one line that says what to do. */
export class LinkError extends Error {
    override name = "LinkError"
}

/** How a link ended. */
export interface Closed {
    /**
     * `local`: `close()` ended it. `end`: the other program closed it between two frames. `protocol`: the other program sent
     * bytes that are not frames. `error`: anything else.
     */
    readonly how: "local" | "end" | "protocol" | "error"
    /** The reason, in one line for the user. */
    readonly reason: string
}

/** The counters of a stream link, in frames. */
export interface StreamCounters {
    sent: number
    received: number
    /** Frames shorter than an Ethernet header: received ones are skipped, others are not sent. */
    runts: number
    /** Frames longer than the other program accepts, which are not sent. */
    giants: number
    /** Frames not sent because the other program does not read and the queue is full. */
    queueDrops: number
}

/** The queue for a program that does not read, bytes; some 170 frames of full size. */
export const QUEUE_BYTES = 256 * 1024
const CONNECT_MS = 10_000
/** The longest time that `close` waits until the queue is sent, ms. */
const LINGER_MS = 1000

/** One end of a stream of frames, for one station. The link reads nothing before a station is attached. */
export class StreamLink implements Link {
    readonly counters: StreamCounters = { sent: 0, received: 0, runts: 0, giants: 0, queueDrops: 0 }
    /** Resolves with the reason when the link ends. */
    readonly closed: Promise<Closed>
    private readonly reader = new FrameReader(frame => this.received(frame))
    private station: Station | undefined
    private ending: Closed | undefined

    /** Creates a link over a connected socket. */
    constructor(private readonly socket: net.Socket) {
        socket.setNoDelay(true)
        socket.pause()
        socket.on("data", bytes => this.data(bytes))
        socket.on("error", error => this.end("error", explain(error)))
        socket.on("end", () => {
            const unfinished = this.reader.unfinished
            if (unfinished === undefined) this.end("end", "the other side closed the connection")
            else this.end("error", `the other side closed the connection after ${unfinished}`)
        })
        this.closed = new Promise(resolve => {
            socket.on("close", () => {
                this.end("error", "the connection was lost")
                resolve(this.ending!)
            })
        })
    }

    /** Plugs a station in. Throws when a station is already attached; a switch joined to the link accepts several. */
    attach(station: Station): Port {
        if (this.station !== undefined) {
            throw new Error(`a stream link accepts one station, and ${this.station.name} is already attached`)
        }
        this.station = station
        this.socket.resume()
        return {
            send: frame => {
                if (this.station === station) this.send(frame)
            },
            detach: () => {
                if (this.station !== station) return
                this.station = undefined
                this.socket.pause()
            },
        }
    }

    /** Sends the queue (for at most a second) and ends the link. */
    async close(): Promise<void> {
        this.end("local", "the link was closed")
        this.station = undefined
        // the socket reports the end of the stream only while it is read
        this.socket.resume()
        this.socket.destroySoon()
        const linger = setTimeout(() => this.socket.destroy(), LINGER_MS)
        await this.closed
        clearTimeout(linger)
    }

    private send(frame: Uint8Array): void {
        if (this.ending !== undefined) return
        if (frame.length < MIN_FRAME) {
            this.counters.runts++
        } else if (frame.length > MAX_SENT) {
            this.counters.giants++
        } else if (this.socket.writableLength + frame.length > QUEUE_BYTES) {
            this.counters.queueDrops++
        } else {
            this.counters.sent++
            this.socket.write(withLength(frame))
        }
    }

    private data(bytes: Uint8Array): void {
        if (this.ending !== undefined || this.reader.push(bytes)) return
        this.end("protocol", `the other side does not speak this protocol: ${this.reader.error}`)
        this.socket.destroy()
    }

    private received(frame: Uint8Array): void {
        this.counters.received++
        if (frame.length < MIN_FRAME) this.counters.runts++
        else this.station?.receive(frame)
    }

    /** Remembers the first reason, from which later ones follow. */
    private end(how: Closed["how"], reason: string): void {
        this.ending ??= { how, reason }
    }
}

/**
 * Connects to the program that listens at `stream:HOST:PORT` or `stream:unix:PATH`. Rejects with an OptionError when
 * `text` is not such an address, with a LinkError when no program answers there within `timeoutMs` (default 10 s).
 */
export async function connectStream(text: string, options: { timeoutMs?: number } = {}): Promise<StreamLink> {
    const address = parseStreamAddress(text)
    const timeoutMs = options.timeoutMs ?? CONNECT_MS
    return new Promise((resolve, reject) => {
        const socket = net.connect(address)
        const fail = (why: string) => {
            clearTimeout(timeout)
            socket.destroy()
            reject(new LinkError(`cannot connect to ${text}: ${why}`))
        }
        const timeout = setTimeout(
            () => fail(`no answer within ${timeoutMs / 1000} s; check the address and any firewall`),
            timeoutMs
        )
        const failed = (error: Error) => fail(advise(error, address))
        socket.once("error", failed)
        socket.once("connect", () => {
            clearTimeout(timeout)
            socket.off("error", failed)
            resolve(new StreamLink(socket))
        })
    })
}

const START_IT = "start the program at the other end first, such as passt or QEMU with -netdev stream"

/** Returns why a connection cannot be made, and what to do about it. */
function advise(error: Error, address: StreamAddress): string {
    const unix = "path" in address
    switch (code(error)) {
        case "ENOENT":
            return `the file does not exist; ${START_IT}`
        case "ECONNREFUSED":
            return `no program listens there${unix ? " (an ended one left the file, or it is not a socket)" : ""}; ${START_IT}`
        case "ENOTSOCK":
            return "the file is not a socket; check the path"
        case "EACCES":
        case "EPERM":
            return "permission denied; you need the right to write to that socket"
        case "ENOTFOUND":
        case "EAI_AGAIN":
            return "the host's name is not known; check it, or use the host's address"
        case "ETIMEDOUT":
        case "EHOSTUNREACH":
        case "ENETUNREACH":
            return "the host does not answer; check the address and any firewall"
        default:
            return explain(error)
    }
}

/** Returns why an open connection failed. */
function explain(error: Error): string {
    switch (code(error)) {
        case "ECONNRESET":
        case "EPIPE":
            return "the other side reset the connection"
        default:
            return error.message.replace(/\s+/g, " ")
    }
}

function code(error: Error): string | undefined {
    return (error as NodeJS.ErrnoException).code
}
