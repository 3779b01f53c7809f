// A link to the Linux kernel through a TAP device: a network interface of the kernel whose cable ends in this process.

import { ipv4Of, netmaskOf } from "../../src/net/address"
import { INSTALLED } from "../build/places"
import { MAX_SENT, MIN_FRAME } from "./frames"
import type { Link, Port, Station } from "./port"
import { type Closed, LinkError, type StreamCounters } from "./stream"
import { parseTapAddress, type TapAddress } from "./tap-address"
import type { TapFile } from "./tap-kernel"

type Kernel = typeof import("./tap-kernel")

/** The longest frame for the largest MTU. */
const LARGEST = 65_600
/** Frames read in one turn of the event loop, so that other code of this process gets its turn. */
const BATCH = 64
/** The thread's longest wait, ms. */
const WAIT = 1000

/** The process's end of a TAP device, for one station. The link reads nothing before a station is attached. */
export class TapLink implements Link {
    /** `queueDrops` counts the frames that the kernel did not accept, because it had no room or its end was down. */
    readonly counters: StreamCounters = { sent: 0, received: 0, runts: 0, giants: 0, queueDrops: 0 }
    /** Resolves with the reason when the link ends. */
    readonly closed: Promise<Closed>
    private resolveClosed: (closed: Closed) => void = () => {}
    private readonly buffer = Buffer.alloc(LARGEST)
    private station: Station | undefined
    private ending: Closed | undefined
    /** Where the reader is: blocked in another thread, in a turn of the event loop, or not started. */
    private reading: "waits" | "turn" | "no" = "no"
    /** Ends the waiting thread when the process exits. */
    private readonly atExit = () => this.file.wake()

    constructor(
        private readonly file: TapFile,
        private readonly errno: Pick<Kernel["Errno"], "Again" | "BadFd">,
        private readonly name: string
    ) {
        this.closed = new Promise(resolve => {
            this.resolveClosed = resolve
        })
        process.on("exit", this.atExit)
    }

    /** Plugs a station in. Throws when a station is already attached; a switch joined to the link accepts several. */
    attach(station: Station): Port {
        if (this.station !== undefined) {
            throw new Error(`a TAP link accepts one station, and ${this.station.name} is already attached`)
        }
        this.station = station
        if (this.reading === "no" && this.ending === undefined) this.wait()
        return {
            send: frame => {
                if (this.station === station) this.send(frame)
            },
            detach: () => {
                if (this.station === station) this.station = undefined
            },
        }
    }

    /** Closes the TAP device. A device that this process created has been removed by the time the promise resolves. */
    async close(): Promise<void> {
        this.station = undefined
        this.end("local", "the link was closed")
        await this.closed
    }

    private send(frame: Uint8Array): void {
        if (this.ending !== undefined) return
        if (frame.length < MIN_FRAME) this.counters.runts++
        else if (frame.length > MAX_SENT) this.counters.giants++
        else if (this.file.write(frame) < 0) this.counters.queueDrops++
        else this.counters.sent++
    }

    private wait(): void {
        this.reading = "waits"
        this.file.wait(WAIT, () => this.read())
    }

    private read(): void {
        this.reading = "turn"
        for (let frames = 0; frames < BATCH && this.ending === undefined; frames++) {
            const length = this.file.read(this.buffer)
            if (length === -this.errno.Again) {
                this.wait()
                return
            }
            if (length < 0) this.end("error", this.explain(-length))
            else this.received(this.buffer.subarray(0, length))
        }
        if (this.ending === undefined) setImmediate(() => this.read())
        else this.release(this.ending)
    }

    private received(frame: Uint8Array): void {
        this.counters.received++
        if (frame.length < MIN_FRAME) this.counters.runts++
        else this.station?.receive(Uint8Array.from(frame))
    }

    private explain(errno: number): string {
        if (errno === this.errno.BadFd) return `the TAP device ${this.name} was removed`
        return `the kernel reports error ${errno} for reading from the TAP device ${this.name}`
    }

    /** Ends the link, with the first reason. The files are closed once no read is in progress. */
    private end(how: Closed["how"], reason: string): void {
        if (this.ending !== undefined) return
        this.ending = { how, reason }
        if (this.reading === "waits") this.file.wake()
        if (this.reading === "no") this.release(this.ending)
    }

    private release(ending: Closed): void {
        process.off("exit", this.atExit)
        this.file.close()
        this.resolveClosed(ending)
    }
}

/**
 * Opens the TAP device of `tap:NAME[@NETNS][=A.B.C.D/N]`, or creates it, and brings it up. The address is set at this computer's
 * end; if `text` has none, a new device gets `byDefault` and an existing device keeps its own. Rejects with an OptionError when
 * `text` is not such an address, with a LinkError when the kernel refuses.
 */
export async function openTap(text: string, byDefault: TapAddress["host"]): Promise<TapLink> {
    const address = parseTapAddress(text)
    if (process.platform !== "linux") {
        throw new LinkError(`cannot open ${text}: only Linux has these TAP devices; use another --link`)
    }
    const kernel = await load(text)
    try {
        const file = kernel.inNamespace(address.namespace, () => open(kernel, address, byDefault))
        return new TapLink(file, kernel.Errno, address.name)
    } catch (error) {
        throw new LinkError(`cannot open ${text}: ${advise(error, address, byDefault, kernel)}`)
    }
}

async function load(text: string): Promise<Kernel> {
    try {
        return await import("./tap-kernel")
    } catch (error) {
        const [why = ""] = (error as Error).message.split("\n")
        throw new LinkError(
            `cannot open ${text}: the package koffi does not load (${why}); ${INSTALLED ? "npm install koffi" : "npm ci"} installs it`
        )
    }
}

function open(kernel: Kernel, { name, host }: TapAddress, byDefault: TapAddress["host"]): TapFile {
    const interfaces = new kernel.Interfaces()
    try {
        const made = !interfaces.exists(name)
        const file = new kernel.KernelTap(name)
        try {
            const wanted = host ?? (made ? byDefault : undefined)
            if (wanted !== undefined) {
                interfaces.setAddress(name, bytesOf(ipv4Of(wanted.ip)), bytesOf(netmaskOf(wanted.prefix)))
            }
            if (!interfaces.isUp(name)) interfaces.setUp(name)
            return file
        } catch (error) {
            file.close()
            throw error
        }
    } finally {
        interfaces.close()
    }
}

/** Returns the bytes, in network order, of an address as the stack stores it. */
function bytesOf(ip: number): Uint8Array {
    return Uint8Array.of(ip, ip >> 8, ip >> 16, ip >> 24)
}

/** Returns why a TAP device cannot be opened, and what to do about it. */
function advise(
    error: unknown,
    { name, namespace, host }: TapAddress,
    byDefault: TapAddress["host"],
    { KernelError, Errno }: Kernel
): string {
    const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
    const path = error instanceof Error ? (error as NodeJS.ErrnoException).path : undefined
    const errno = error instanceof KernelError ? error.errno : undefined
    const forbidden = code === "EACCES" || code === "EPERM" || errno === Errno.Perm || errno === Errno.Access
    if (path?.startsWith("/run/netns/") && code === "ENOENT") {
        return `the network namespace ${namespace} does not exist; create it: ip netns add ${namespace}`
    }
    if (path === "/dev/net/tun" && !forbidden) {
        return "/dev/net/tun does not exist; load the module (modprobe tun), or pass the device to the container (--device /dev/net/tun)"
    }
    if (forbidden && namespace !== undefined)
        return "permission denied; only root may enter a network namespace"
    if (forbidden) {
        const { ip, prefix } = host ?? byDefault ?? { ip: "10.0.0.1", prefix: 24 }
        const steps = [
            `ip tuntap add ${name} mode tap user $USER`,
            `ip address add ${ip}/${prefix} dev ${name}`,
            `ip link set ${name} up`,
        ]
        return `permission denied; run as root, or let root create the device for you: ${steps.join("; ")}; then use --link tap:${name}`
    }
    if (errno === Errno.Busy) return "another program has the device open; use another name"
    if (errno === Errno.Inval) return `the network device ${name} is not a TAP device; use another name`
    return (error as Error).message.replace(/\s+/g, " ")
}
