// The simulated world: a device, the network it is plugged into, and whoever else is there.

import { W5500Chip } from "../chip/w5500"
import { type Clock, RealClock, VirtualClock } from "../clock"
import { Device, type Reply } from "../device"
import { decodeEvents, type StackEvent } from "../events"
import { UserNetwork } from "../gateway/network"
import type { Link, Port, Station } from "../link/port"
import { bridge, type Delivery, Segment } from "../link/segment"
import { type Closed, connectStream } from "../link/stream"
import { openTap } from "../link/tap"
import type { Options } from "../options"
import { firstOther } from "../options-address"
import { Peer, serveEcho } from "../peer"
import { Random } from "../random"
import { describePanic, type Level, type Panic } from "../runtime"
import { bootOptions, macFor } from "./boot"
import { isProgramsOwn } from "./log"

/** The run is over: what to say about it on standard error, if anything, and the process's exit code. */
export class Ended extends Error {
    constructor(
        readonly code: number,
        message = ""
    ) {
        super(message)
    }
}

/** The end of a run that an error means. */
export function endedBy(error: unknown): Ended {
    if (error instanceof Ended) return error
    return new Ended(1, error instanceof Error ? error.message : String(error))
}

/** What can be watched. Times are in milliseconds since the device was switched on. */
export interface Observer {
    /** The device's stack tells of something. */
    event?(event: StackEvent, time: number): void
    /** The same of the peer's. */
    peerEvent?(event: StackEvent, time: number): void
    /** A frame was put on the network. */
    sent?(frame: Uint8Array, from: Station, time: number, deliveries: readonly Delivery[]): void
    /** A frame passes the device's port. */
    port?(frame: Uint8Array, direction: "in" | "out", time: number): void
    /** The device's program says something on its console. */
    log?(level: Level, text: string): void
}

/** A link that leaves this process, and how it ended once it has. */
interface Outside extends Link {
    readonly closed: Promise<Closed>
}

/** Opens the link that the options ask for, undefined for the built-in one. */
async function openOutside({ link, ip, prefix }: Options): Promise<Outside | undefined> {
    if (link === "builtin" || link === "user") return undefined
    if (link.startsWith("tap:")) return await openTap(link, { ip: firstOther(ip, prefix), prefix })
    return await connectStream(link)
}

/** The name of the device's port. */
const DEVICE = "device"
const LONGEST_LINE = 2000

export class World {
    readonly clock: Clock
    readonly device: Device
    /** The server of the built-in network. */
    readonly peer: Peer | undefined
    /** The router of the user-mode network. */
    readonly user: UserNetwork | undefined
    private readonly segment: Segment
    private readonly plug: Port
    private readonly outside: Outside | undefined
    private origin = 0
    private fatal: string | undefined
    private end: Ended | undefined
    private readonly whenEnded: Promise<Ended>
    private resolveEnded: (ended: Ended) => void = () => {}

    /** Makes a world that is switched off. Throws when the link to the outside cannot be opened. */
    static async make(options: Options, observers: readonly Observer[]): Promise<World> {
        return new World(options, observers, await openOutside(options))
    }

    /** Builds the program if it has to be, and switches the device on; returns when it answers. */
    async start(): Promise<void> {
        await this.user?.start()
        await this.device.start()
        this.origin = this.clock.now()
        await this.command("")
        // the cable is plugged in now: what the other end has sent meanwhile is not lost
        if (this.outside !== undefined) bridge(this.segment, this.outside, "outside")
    }

    private constructor(
        readonly options: Options,
        private readonly observers: readonly Observer[],
        outside: Outside | undefined
    ) {
        this.whenEnded = new Promise(resolve => {
            this.resolveEnded = resolve
        })
        this.clock = options.time === "virtual" ? new VirtualClock() : new RealClock()
        // whoever waits for a promise looks before the next event
        this.clock.settle.add(async () => {})
        const random = new Random(options.seed ?? Math.floor(Math.random() * 0x1_0000_0000))
        this.segment = new Segment(this.clock, {
            impairments: options.impairments,
            random: random.fork("segment"),
        })
        const { clock, segment } = this
        const chip = new W5500Chip({ clock, send: frame => this.plug.send(frame) })
        const station: Station = { name: DEVICE, receive: frame => chip.deliver(frame) }
        this.watchFrames(station)
        this.plug = segment.attach(station)
        this.device = new Device({
            clock,
            runtime: options.runtime,
            chip,
            boot: bootOptions(options),
            ...(options.seed === undefined ? {} : { seed: options.seed }),
            controlled: options.mode === "control",
            onEvent: records => this.event(records),
            onLog: (level, text) => this.log(level, text),
            onPanic: panic => this.finish(new Ended(1, this.describe(panic))),
        })
        this.outside = outside
        if (options.link === "user" && options.gateway !== undefined) {
            this.user = this.makeRouter(options.gateway, random.fork("router"))
        } else if (outside === undefined && options.gateway !== undefined) {
            this.peer = this.startPeer(options.gateway, random.fork("peer"))
        }
    }

    /** Milliseconds since the device was switched on. */
    now(): number {
        return this.clock.now() - this.origin
    }

    /** How the link to the outside ended, once it has. Never without such a link. */
    get linkClosed(): Promise<Closed> {
        return this.outside?.closed ?? new Promise(() => {})
    }

    /**
     * Lets time pass until the condition holds; false when it does not within `limit` milliseconds. Throws an Ended when
     * the run is over before.
     */
    async until(condition: () => boolean, limit: number): Promise<boolean> {
        let met = false
        const over = () => {
            met ||= condition()
            return met || this.end !== undefined
        }
        await this.clock.runUntil(over, this.clock.now() + limit)
        if (this.end !== undefined) throw this.end
        return met
    }

    /** Lets so many milliseconds pass. */
    async pass(ms: number): Promise<void> {
        await this.until(() => false, ms)
    }

    /** Does something as an event of its own in `ms` milliseconds, known to whoever looks for the next event until then. */
    async act<T>(ms: number, action: () => T): Promise<T> {
        const done: T[] = []
        this.clock.at(this.clock.now() + ms, () => done.push(action()))
        await this.until(() => done.length > 0, Number.POSITIVE_INFINITY)
        return done[0]!
    }

    /** Has the device carry out a command line, however long that takes. */
    async command(line: string): Promise<Reply> {
        let reply: Reply | undefined
        let failure: Error | undefined
        // an empty line is none on its way to the device; one that is too long it refuses, if it can take it in at all
        const command = this.device.command(line.slice(0, LONGEST_LINE) || " ").then(
            value => {
                reply = value
            },
            (error: Error) => {
                failure = error
            }
        )
        if (this.clock.virtual) {
            await this.until(() => reply !== undefined || failure !== undefined, Number.POSITIVE_INFINITY)
        } else {
            await Promise.race([command, this.whenEnded])
        }
        if (this.end !== undefined) throw this.end
        if (reply === undefined) throw failure ?? new Error(`the device never carried out "${line}"`)
        return reply
    }

    /** Ends the run: whoever waits for something in this world gets it thrown. The first reason counts. */
    finish(ended: Ended): void {
        if (this.end !== undefined) return
        this.end = ended
        this.resolveEnded(ended)
    }

    /** Waits, in real time, for the run to end. */
    async untilEnded(): Promise<never> {
        throw await this.whenEnded
    }

    /** Switches everything off. */
    async close(): Promise<void> {
        this.finish(new Ended(0))
        this.device.stop()
        this.peer?.stop()
        await this.user?.close()
        await this.segment.close()
        await this.outside?.close()
    }

    /** Why the program ended; a program that drives the device gets one line. */
    private describe(panic: Panic): string {
        if (this.fatal !== undefined) return this.fatal
        const text = describePanic(panic)
        return this.options.mode === "control" ? text.split("\n", 2).join("").replace(/ +/g, " ") : text
    }

    private log(level: Level, text: string): void {
        // what the program itself says on why it ends needs no stack
        if (level === "error" && text.startsWith("fatal: ")) this.fatal = text
        else if (isProgramsOwn(level, text)) this.observe(observer => observer.log?.(level, text))
    }

    private makeRouter(router: string, random: Random): UserNetwork {
        const { clock, options, segment } = this
        const { prefix, ip, macAddress, forwards } = options
        const mac = macAddress === macFor(router) ? "02:00:00:00:00:01" : macFor(router)
        return new UserNetwork({ clock, link: segment, random, router, prefix, mac, device: ip, forwards })
    }

    private startPeer(ip: string, random: Random): Peer {
        const { clock, options, segment } = this
        const peer = new Peer({
            clock,
            link: segment,
            name: "server",
            ip,
            prefix: options.prefix,
            mac: options.macAddress === macFor(ip) ? "02:00:00:00:00:01" : macFor(ip),
            random,
            onEvent: event => this.observe(observer => observer.peerEvent?.(event, this.now())),
        })
        serveEcho(peer, clock)
        return peer
    }

    private watchFrames(device: Station): void {
        this.segment.onFrame((frame, from, time, deliveries) => {
            const since = time - this.origin
            const fates = deliveries.map(fate => ({ ...fate, arrives: fate.arrives - this.origin }))
            this.observe(observer => {
                observer.sent?.(frame, from, since, fates)
                if (from === device) observer.port?.(frame, "out", since)
            })
        })
        this.segment.onDelivery((frame, _from, to, time) => {
            if (to === device) this.observe(observer => observer.port?.(frame, "in", time - this.origin))
        })
    }

    private event(records: Uint8Array): void {
        const now = this.now()
        for (const event of decodeEvents(records)) this.observe(observer => observer.event?.(event, now))
    }

    private observe(tell: (observer: Observer) => void): void {
        for (const observer of this.observers) tell(observer)
    }
}
