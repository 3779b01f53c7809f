// An Ethernet switch inside the process, with any number of stations, on virtual or real time.
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

/** What becomes of a frame that was sent, at one of the stations it goes to. */
export interface Delivery extends Fate {
    readonly to: Station
}

/**
 * Sees every frame as it was put on the wire, before any trouble on the way, with the time (ms) and what will
 * become of it at each other station. The bytes are valid during the call only.
 */
export type FrameTap = (
    frame: Uint8Array,
    from: Station,
    time: number,
    deliveries: readonly Delivery[]
) => void

/** Sees every frame as a station is about to receive it, corrupted or duplicated as it may be. */
export type DeliveryTap = (frame: Uint8Array, from: Station, to: Station, time: number) => void

interface Attached {
    readonly station: Station
    readonly transmitter: Transmitter
    /** The way here from each station that has sent something. */
    readonly incoming: Map<Attached, Path>
}

/**
 * A frame goes to the station that its destination was last heard of, to every other one when that is not known.
 * Impairments strike each receiver by itself (a broadcast may reach one and miss another), except the rate, which is
 * that of a sender's plug.
 */
export class EthernetSwitch implements Link {
    readonly counters: LineCounters = lineCounters()
    private readonly impairments: Readonly<Impairments>
    private readonly random: Random
    private readonly attached = new Set<Attached>()
    private readonly forwarding = new Forwarding<Attached>()
    private readonly frameTaps = new Set<FrameTap>()
    private readonly deliveryTaps = new Set<DeliveryTap>()
    private closed = false

    /** Without impairments a frame arrives with the clock's next event; `random` decides their luck (seed 1 if absent). */
    constructor(
        private readonly clock: Clock,
        options: { impairments?: Readonly<Impairments>; random?: Random } = {}
    ) {
        this.impairments = options.impairments ?? noImpairments
        this.random = options.random ?? new Random(1)
    }

    /** Throws when a station of that name is attached: names tell the stations' random numbers apart. */
    attach(station: Station): Port {
        for (const other of this.attached) {
            if (other.station.name !== station.name) continue
            throw new Error(`a station called ${station.name} is attached already; give each its own name`)
        }
        const plug: Attached = {
            station,
            transmitter: new Transmitter(this.impairments.rate),
            incoming: new Map(),
        }
        this.attached.add(plug)
        return { send: frame => this.send(plug, frame), detach: () => this.detach(plug) }
    }

    /** Calls `tap` for every frame sent from now on; returns how to end that. */
    onFrame(tap: FrameTap): () => void {
        this.frameTaps.add(tap)
        return () => this.frameTaps.delete(tap)
    }

    /** Calls `tap` for every delivery from now on; returns how to end that. */
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
        for (const to of only === undefined ? this.attached : [only]) {
            if (to === from) continue
            const fate = departs === undefined ? lostBy("queue") : this.path(from, to).send(frame, departs)
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

    /** Frames on their way to the station go nowhere; those it has sent are on the wire and arrive. */
    private detach(plug: Attached): void {
        this.attached.delete(plug)
        this.forwarding.forget(plug)
        for (const path of plug.incoming.values()) path.close()
        plug.incoming.clear()
    }
}

/** Joins two links by a station called `name` on each, which passes on all it receives. */
export function bridge(a: Link, b: Link, name: string): void {
    const onA = a.attach({ name, receive: frame => onB.send(frame) })
    const onB = b.attach({ name, receive: frame => onA.send(frame) })
}
