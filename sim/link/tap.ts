// A link to the Linux kernel: a TAP device, which is a network card whose cable ends in this process.

import { ipv4Of, netmaskOf } from "../../src/net/address"
import { MAX_SENT, MIN_FRAME } from "./frames"
import type { Link, Port, Station } from "./port"
import { type Closed, LinkError, type StreamCounters } from "./stream"
import { parseTapAddress, type TapAddress } from "./tap-address"
import type { TapFile } from "./tap-kernel"

type Kernel = typeof import("./tap-kernel")

/** The longest frame that any MTU leads to. */
const LARGEST = 65_600
/** Frames taken before others in this process get their turn. */
const BATCH = 64
/** A thread that waits is back after so long even if nobody wakes it, ms. */
const WAIT = 1000

/** The device's end of a TAP, with one station at it. Nothing is read before a station is attached. */
export class TapLink implements Link {
    /** `queueDrops`: the kernel had no room, or its end is down. */
    readonly counters: StreamCounters = { sent: 0, received: 0, runts: 0, giants: 0, queueDrops: 0 }
    /** Fulfilled when the link has ended, by whichever side. */
    readonly closed: Promise<Closed>
    private resolveClosed: (closed: Closed) => void = () => {}
    private readonly buffer = Buffer.alloc(LARGEST)
    private station: Station | undefined
    private ending: Closed | undefined
    /** Where the reading is: in another thread, in a turn of the event loop to come, or not begun. */
    private reading: "waits" | "turn" | "no" = "no"
    /** Whatever way the process ends, no thread of it is to wait on. */
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

    /** Throws when a station is attached already: join a switch to the link to have several. */
    attach(station: Station): Port {
        if (this.station !== undefined) {
            throw new Error(`a TAP link has one station, and ${this.station.name} is attached`)
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

    /** Lets go of the device; one that this process made is gone when the promise is fulfilled. */
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
        return `reading from the TAP device ${this.name} gives error ${errno}`
    }

    /** Remembers the first reason. The files are closed once nobody reads from them. */
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
 * Opens the TAP device that `tap:NAME[@NETNS][=A.B.C.D/N]` tells, or makes it. One that is made gets the address given,
 * else `byDefault`, at the computer's end; one that was there keeps its own unless another is given. It is set up.
 * Rejects with an OptionError when that is no such address, with a LinkError when the kernel does not do it.
 */
export async function openTap(text: string, byDefault: TapAddress["host"]): Promise<TapLink> {
    const address = parseTapAddress(text)
    if (process.platform !== "linux") {
        throw new LinkError(`cannot open ${text}: TAP devices of this kind are Linux's; take another --link`)
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
        throw new LinkError(`cannot open ${text}: koffi does not load here (${why}); npm ci installs it`)
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

/** The bytes of an address as the stack keeps it. */
function bytesOf(ip: number): Uint8Array {
    return Uint8Array.of(ip, ip >> 8, ip >> 16, ip >> 24)
}

/** What went wrong in opening, and what to do about it. */
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
        return `there is no network namespace ${namespace}; make it: ip netns add ${namespace}`
    }
    if (path === "/dev/net/tun" && !forbidden) {
        return "/dev/net/tun is not there; load it (modprobe tun), or give it to the container (--device /dev/net/tun)"
    }
    if (forbidden && namespace !== undefined) return "permission denied; going into a namespace takes root"
    if (forbidden) {
        const { ip, prefix } = host ?? byDefault ?? { ip: "10.0.0.1", prefix: 24 }
        const steps = [
            `ip tuntap add ${name} mode tap user $USER`,
            `ip address add ${ip}/${prefix} dev ${name}`,
            `ip link set ${name} up`,
        ]
        return `permission denied; be root, or have root make it yours: ${steps.join("; ")}; and --link tap:${name}`
    }
    if (errno === Errno.Busy) return "another program has it open; take another name"
    if (errno === Errno.Inval) return `${name} is a network device but no TAP; take another name`
    return (error as Error).message.replace(/\s+/g, " ")
}
