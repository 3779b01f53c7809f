// An Ethernet switch inside the process, for any number of stations, on virtual or real time.
import type { Clock } from "../time/clock"
import { Random } from "../time/random"
import { Forwarding } from "./forwarding"
import {
    type Fate,
    type Impairments,
    type LineCounters,
    lineCounters,
    lostBy,
    noImpairments,
    Path,
    Transmitter,
} from "./impair"
import type { Link, Port, Station } from "./port"

/** The delivery of a frame to one of its receivers. */
export interface Delivery extends Fate {
    readonly to: Station
}

/**
 * Receives every frame as it is sent, before any impairment, with the time (ms) and its fate at each receiver. The bytes are
 * valid only during the call.
 */
type FrameTap = (frame: Uint8Array, from: Station, time: number, deliveries: readonly Delivery[]) => void

/** Receives every frame as a station receives it, corrupted or duplicated. */
type DeliveryTap = (frame: Uint8Array, from: Station, to: Station, time: number) => void

interface Attached {
    readonly station: Station
    readonly transmitter: Transmitter
    /** The path to this plug from each plug that has sent a frame. */
    readonly incoming: Map<Attached, Path>
}

/**
 * Delivers a frame to the plug of its destination address, or to all plugs if that is not known. Impairments apply to each
 * receiver separately (a broadcast may reach one and miss another), except the rate, which applies to a sender.
 */
export class EthernetSwitch implements Link {
    readonly counters: LineCounters = lineCounters()
    /** Returns why something on the way between two stations drops a frame; undefined if nothing does. */
    obstacle: (frame: Uint8Array) => Fate["lost"] = () => undefined
    private readonly impairments: Impairments
    private readonly random: Random
    private readonly attached = new Set<Attached>()
    private readonly forwarding = new Forwarding<Attached>()
    private readonly frameTaps = new Set<FrameTap>()
    private readonly deliveryTaps = new Set<DeliveryTap>()
    private closed = false

    /**
     * Creates a switch without stations. Without impairments a frame arrives with the clock's next event; `random` draws the
     * impairments (default: seed 1).
     */
    constructor(
        private readonly clock: Clock,
        options: { impairments?: Readonly<Impairments>; random?: Random } = {}
    ) {
        // a copy, which `impair` may change
        this.impairments = { ...(options.impairments ?? noImpairments) }
        this.random = options.random ?? new Random(1)
    }

    /**
     * Plugs a station in. Throws when a station of that name is attached, because each path draws its random numbers by the
     * names.
     */
    attach(station: Station): Port {
        for (const other of this.attached) {
            if (other.station.name !== station.name) continue
            throw new Error(
                `a station named ${station.name} is attached already; each needs a name of its own`
            )
        }
        const plug: Attached = {
            station,
            transmitter: new Transmitter(this.impairments),
            incoming: new Map(),
        }
        this.attached.add(plug)
        return { send: frame => this.send(plug, frame), detach: () => this.detach(plug) }
    }

    /** What the line does to frames. */
    get line(): Readonly<Impairments> {
        return this.impairments
    }

    /** Changes what the line does to frames that are sent from now on. */
    impair(changes: Partial<Impairments>): void {
        Object.assign(this.impairments, changes)
    }

    /** Calls `tap` for every frame sent from now on; returns a function that ends these calls. */
    onFrame(tap: FrameTap): () => void {
        this.frameTaps.add(tap)
        return () => this.frameTaps.delete(tap)
    }

    /** Calls `tap` for every delivery from now on; returns a function that ends these calls. */
    onDelivery(tap: DeliveryTap): () => void {
        this.deliveryTaps.add(tap)
        return () => this.deliveryTaps.delete(tap)
    }

    async close(): Promise<void> {
        this.closed = true
        for (const plug of this.attached) this.detach(plug)
    }

    private send(from: Attached, frame: Uint8Array): void {
        if (this.closed || !this.attached.has(from)) return
        const now = this.clock.now()
        this.counters.sent++
        const departs = from.transmitter.transmit(frame.length, now)
        if (departs === undefined) this.counters.queueDrops++
        this.forwarding.learn(frame, from, now)
        const only = this.forwarding.find(frame, now)
        const deliveries: Delivery[] = []
        const dropped = this.obstacle(frame)
        for (const to of only === undefined ? this.attached : [only]) {
            if (to === from) continue
            const fate =
                departs === undefined
                    ? lostBy("queue")
                    : dropped === undefined
                      ? this.path(from, to).send(frame, departs)
                      : lostBy(dropped)
            deliveries.push({ ...fate, to: to.station })
        }
        for (const tap of this.frameTaps) tap(frame, from.station, now, deliveries)
    }

    private path(from: Attached, to: Attached): Path {
        const known = to.incoming.get(from)
        if (known !== undefined) return known
        const label = `${from.station.name}>${to.station.name}`
        const path = new Path(this.clock, this.impairments, this.random.fork(label), this.counters, frame => {
            const now = this.clock.now()
            for (const tap of this.deliveryTaps) tap(frame, from.station, to.station, now)
            to.station.receive(frame)
        })
        to.incoming.set(from, path)
        return path
    }

    /** Unplugs a station: frames on their way to it are dropped; frames that it has sent still arrive. */
    private detach(plug: Attached): void {
        this.attached.delete(plug)
        this.forwarding.forget(plug)
        for (const path of plug.incoming.values()) path.close()
        plug.incoming.clear()
    }
}

/** Joins two links with a station named `name` on each; each passes the frames that it receives to the other. */
export function bridge(a: Link, b: Link, name: string): void {
    const onA = a.attach({ name, receive: frame => onB.send(frame) })
    const onB = b.attach({ name, receive: frame => onA.send(frame) })
}
