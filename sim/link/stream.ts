// A link to another program: Ethernet frames over a TCP or UNIX stream socket, as QEMU and passt speak it.
import net from "node:net"
import { FrameReader, MAX_SENT, MIN_FRAME, withLength } from "./frames"
import type { Link, Port, Station } from "./port"
import { parseStreamAddress, type StreamAddress } from "./stream-address"

export { parseStreamAddress, type StreamAddress } from "./stream-address"

/** The link could not be made; the message is one line that says what to do. */
export class LinkError extends Error {
    override name = "LinkError"
}

/** How a link ended. */
export interface Closed {
    /**
     * `local`: by `close()`. `end`: the other side closed it between two frames. `protocol`: what it sent are no frames. `error`:
     * anything else.
     */
    readonly how: "local" | "end" | "protocol" | "error"
    /** One line for the user. */
    readonly reason: string
}

/** What a stream link did so far, in frames. */
export interface StreamCounters {
    sent: number
    received: number
    /** Shorter than an Ethernet header: skipped, or not sent. */
    runts: number
    /** Longer than the other side takes: not sent. */
    giants: number
    /** Not sent as the other side does not read and the queue is full. */
    queueDrops: number
}

/** Bytes that may wait for the other side to read; some 170 frames of full size. */
export const QUEUE_BYTES = 256 * 1024
const CONNECT_MS = 10_000
/** How long `close` waits for what is queued to go out. */
const LINGER_MS = 1000

/** One end of a stream of frames, with one station at it. Nothing is read before a station is attached. */
export class StreamLink implements Link {
    readonly counters: StreamCounters = { sent: 0, received: 0, runts: 0, giants: 0, queueDrops: 0 }
    /** Fulfilled when the link has ended, by whichever side. */
    readonly closed: Promise<Closed>
    private readonly reader = new FrameReader(frame => this.received(frame))
    private station: Station | undefined
    private ending: Closed | undefined

    /** Takes over a connected socket. */
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
                this.end("error", "the connection is gone")
                resolve(this.ending!)
            })
        })
    }

    /** Throws when a station is attached already: join a switch to the link to have several. */
    attach(station: Station): Port {
        if (this.station !== undefined) {
            throw new Error(`a stream link has one station, and ${this.station.name} is attached`)
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

    /** Sends what is queued (for a second at most) and ends the link. */
    async close(): Promise<void> {
        this.end("local", "the link was closed")
        this.station = undefined
        // reading on lets the end of the stream be seen
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

    /** Remembers the first reason; what follows from it is no news. */
    private end(how: Closed["how"], reason: string): void {
        this.ending ??= { how, reason }
    }
}

/**
 * Connects to the program that listens at `stream:HOST:PORT` or `stream:unix:PATH`. Rejects with an OptionError when
 * that is no such address, with a LinkError when nothing can be reached there within `timeoutMs` (10 s if absent).
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

/** What went wrong in connecting, and what to do about it. */
function advise(error: Error, address: StreamAddress): string {
    const unix = "path" in address
    switch (code(error)) {
        case "ENOENT":
            return `there is no such file; ${START_IT}`
        case "ECONNREFUSED":
            return `nothing listens there${unix ? " (the file is a leftover, or no socket)" : ""}; ${START_IT}`
        case "ENOTSOCK":
            return "the file is not a socket; check the path"
        case "EACCES":
        case "EPERM":
            return "permission denied; it takes the right to write to that socket"
        case "ENOTFOUND":
        case "EAI_AGAIN":
            return "the name of the host is not known; check it, or use its address"
        case "ETIMEDOUT":
        case "EHOSTUNREACH":
        case "ENETUNREACH":
            return "the host does not answer; check the address and any firewall"
        default:
            return explain(error)
    }
}

/** What went wrong on a connection that was there. */
function explain(error: Error): string {
    switch (code(error)) {
        case "ECONNRESET":
        case "EPIPE":
            return "the other side broke off the connection"
        default:
            return error.message.replace(/\s+/g, " ")
    }
}

function code(error: Error): string | undefined {
    return (error as NodeJS.ErrnoException).code
}
