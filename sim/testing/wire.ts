// The network of a test: stations on one switch, and a clock whose time passes only while the test waits.

import type { Fate } from "../link/impair"
import type { Link, Port, Station } from "../link/port"
import { EthernetSwitch } from "../link/switch"
import { type Impairments, noImpairments } from "../options/impair"
import { type Clock, RealClock, VirtualClock } from "../time/clock"
import { Random } from "../time/random"
import { dissect, type TcpView, type View } from "../view/dissect"
import { segmentOf } from "./segment"

/** A frame that was put on the wire. */
export interface Seen {
    readonly time: number
    /** The name of the station that sent it. */
    readonly from: string
    readonly view: View
    readonly frame: Uint8Array
    /** True when the test or the link's impairments dropped the frame, so that it arrived nowhere. */
    readonly lost: boolean
    /** The time at which it arrives, ms; infinity when it does not. */
    readonly arrives: number
    /** Its place among everything that happened (Wire.order). */
    readonly order: number
}

/** A TCP segment that was put on the wire. */
export interface SeenSegment extends Seen {
    readonly view: TcpView
}

/** Receives every frame of a wire as it is sent, and as a station receives it. */
export interface Watcher {
    /** `lost` says why no station gets the frame. */
    sent(frame: Uint8Array, from: string, time: number, lost: Fate["lost"]): void
    arrived(frame: Uint8Array, to: string, time: number): void
}

interface WireOptions {
    seed?: number | undefined
    /** A delay of 5 ms each way when left out. */
    impairments?: Partial<Impairments> | undefined
    time?: "virtual" | "real" | undefined
}

const DELAY = 5
/** Milliseconds before an action of the test: longer than the device sleeps between two looks at its commands. */
const NOTICE = 150
/** Milliseconds that a wait may take, unless the test sets another limit. */
const PATIENCE = 30_000
/** More frames than any test needs. */
const MOST_FRAMES = 200_000

export class Wire {
    readonly clock: Clock
    /** All frames on the wire. */
    readonly frames: Seen[] = []
    /** Returns true for a frame that the wire drops. */
    lose: (view: View, from: string) => boolean = () => false
    protected readonly random: Random
    /** Why the test cannot go on; undefined while it can. */
    protected broken: string | undefined
    protected readonly ethernet: EthernetSwitch
    private fate: { lost: boolean; why: Fate["lost"]; arrives: number } = {
        lost: false,
        why: undefined,
        arrives: 0,
    }
    private readonly watchers: Watcher[] = []
    private happened = 0

    constructor({ seed = 1, impairments = {}, time = "virtual" }: WireOptions) {
        this.clock = time === "virtual" ? new VirtualClock() : new RealClock()
        this.random = new Random(seed)
        this.ethernet = new EthernetSwitch(this.clock, {
            impairments: { ...noImpairments, delay: DELAY, ...impairments },
            random: this.random.fork("segment"),
        })
        this.ethernet.onFrame((_frame, _from, _time, deliveries) => {
            const lost = deliveries.length > 0 && deliveries.every(fate => fate.lost !== undefined)
            const why = lost ? deliveries[0]?.lost : undefined
            this.fate = { lost, why, arrives: Math.min(...deliveries.map(fate => fate.arrives)) }
        })
        this.ethernet.onDelivery((frame, _from, to, now) => {
            for (const watcher of this.watchers) watcher.arrived(frame, to.name, now)
        })
        // a test that waits for a promise looks before the next event
        this.clock.settle.add(async () => {})
    }

    /** Reports every frame from now on. */
    watch(watcher: Watcher): void {
        this.watchers.push(watcher)
    }

    /** Returns the place of what happens now among everything that happens: one time has several. */
    order(): number {
        return this.happened++
    }

    /** Plugs a station in. */
    attach(station: Station): Port {
        const port = this.ethernet.attach(station)
        return { send: frame => this.send(station.name, port, frame), detach: () => port.detach() }
    }

    /** The wire as a link, for stations that attach themselves. */
    get link(): Link {
        return { attach: station => this.attach(station), close: () => this.ethernet.close() }
    }

    /** Lets time pass until the condition holds. Throws when it does not within `limit` milliseconds. */
    async until(what: string, condition: () => boolean, limit = PATIENCE): Promise<void> {
        let met = false
        const over = () => {
            met ||= condition()
            return met || this.broken !== undefined
        }
        await this.clock.runUntil(over, this.clock.now() + limit)
        if (this.broken !== undefined) throw new Error(this.broken)
        if (!met) throw new Error(`${what} did not come within ${limit} ms; ${this.seen()}`)
    }

    async pass(ms: number): Promise<void> {
        await this.clock.runUntil(this.clock.now() + ms)
        if (this.broken !== undefined) throw new Error(this.broken)
    }

    /** Runs an action outside of the devices. */
    async act<T>(action: () => T): Promise<T> {
        const done: T[] = []
        this.clock.at(this.clock.now() + NOTICE, () => done.push(action()))
        await this.until("an action", () => done.length > 0)
        return done[0]!
    }

    /** Returns the segments of one connection of a station, by its ports there and at the other end. */
    conversationOf(station: string, localPort: number, remotePort: number): SeenSegment[] {
        return this.frames.filter((seen): seen is SeenSegment => {
            const { view, from } = seen
            if (view.kind !== "tcp") return false
            const [ours, theirs] =
                from === station
                    ? [view.sourcePort, view.destinationPort]
                    : [view.destinationPort, view.sourcePort]
            return ours === localPort && theirs === remotePort
        })
    }

    /**
     * The same in words, such as "> S 0", "< S. 0 ack 1" or "> P. 1(5) ack 1 lost": numbers count from the initial
     * sequence numbers, the station is on the left.
     */
    segmentsOf(station: string, localPort: number, remotePort: number): string[] {
        return inWords(station, this.conversationOf(station, localPort, remotePort))
    }

    /** Puts a frame of a station on the wire, and remembers it. */
    private send(from: string, port: Port, frame: Uint8Array): void {
        const bytes = Uint8Array.from(frame)
        const view = dissect(bytes)
        const dropped = this.lose(view, from)
        this.noteFrame(from, bytes)
        this.fate = { lost: true, why: "loss", arrives: Number.POSITIVE_INFINITY }
        const time = this.clock.now()
        const order = this.order()
        if (!dropped) port.send(bytes)
        const { lost, why, arrives } = this.fate
        this.frames.push({ time, from, view, frame: bytes, order, lost, arrives })
        for (const watcher of this.watchers) watcher.sent(bytes, from, time, why)
        if (this.frames.length > MOST_FRAMES) throw new Error(`more than ${MOST_FRAMES} frames: a storm`)
    }

    /** Called for every frame of a station before it is on the wire. */
    protected noteFrame(_from: string, _bytes: Uint8Array): void {}

    /** Returns what was seen, for the message of a wait that came to nothing. */
    seen(): string {
        return "nothing of it was seen"
    }

    /** Ends the network: no frame arrives any more. */
    protected async closeWire(): Promise<void> {
        await this.ethernet.close()
    }
}

/** Returns segments in words; those of the station at the left begin with ">". */
function inWords(station: string, seen: readonly SeenSegment[]): string[] {
    const base = (own: boolean) =>
        seen.find(({ from, view }) => (from === station) === own && view.flags.syn)?.view.seq ?? 0
    const [ours, theirs] = [base(true), base(false)]
    return seen.map(({ view, from, lost }) => {
        const out = from === station
        const { flags, seq, length, ack } = segmentOf(view, out ? ours : theirs, out ? theirs : ours)
        const text = `${flags} ${seq}${length > 0 ? `(${length})` : ""}`
        return `${out ? ">" : "<"} ${text}${ack === undefined ? "" : ` ack ${ack}`}${lost ? " lost" : ""}`
    })
}
