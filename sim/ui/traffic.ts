// Turns the world's reports into messages for the page: for each device its ladder, its connections, and its failures.

import type { Connection } from "../analysis/connection"
import type { StateChange } from "../analysis/states"
import type { StackEvent, Tuple } from "../device/events"
import type { Evidence } from "../diagnosis/evidence"
import type { Explained } from "../diagnosis/explainer"
import type { Station } from "../link/port"
import type { Delivery } from "../link/switch"
import { deviceName } from "../run/boot"
import { checkAgainst } from "../run/picture"
import { concerns, dropWords, failureWords } from "../view/concerns"
import { oneLine } from "../view/describe"
import { dissect, type TcpView, type View } from "../view/dissect"
import { seconds } from "../view/ladder-style"
import { KEPT } from "./feed"
import type { Message, Side, WhyView } from "./messages"
import { Recordings } from "./recordings"
import { Rows } from "./rows"
import { type Tracked, Tracking } from "./tracking"

/** The traffic of one device. */
export class Traffic {
    private readonly rows: Rows
    private readonly tracking = new Tracking(KEPT.connection)
    private readonly recordings: Recordings
    private mac = ""
    /** The connections that have changed since they were sent to the pages. */
    private readonly changed = new Set<Tracked>()
    private now = 0

    /** Creates the traffic of device `device`, which begins with the address `ip`. */
    constructor(
        private readonly device: number,
        private readonly name: string,
        private ip: string,
        private readonly put: (message: Message) => void,
        evidence: () => Evidence | undefined
    ) {
        this.rows = new Rows(device, put)
        this.recordings = new Recordings(
            (connection, changes) => this.inferred(connection, changes),
            evidence
        )
    }

    /** Takes a frame that a station sent. */
    sent(frame: Uint8Array, from: Station, time: number, deliveries: readonly Delivery[]): void {
        this.now = time
        const own = deviceName(this.device)
        const isOwn = from.name === own
        const view = dissect(frame.slice())
        // a frame of ours that any station receives is not lost
        const delivery = isOwn
            ? (deliveries.find(({ lost }) => lost === undefined) ?? deliveries[0])
            : deliveries.find(({ to }) => to.name === own)
        if (!isOwn && (delivery === undefined || !concerns(view, this.ip, this.mac))) return
        if (isOwn) this.learn(view)
        const check = delivery?.bit === undefined ? undefined : checkAgainst(frame, view, delivery.bit)
        const passage = { ...delivery, check, time }
        const side: Side = isOwn ? "left" : "right"
        if (view.kind === "tcp") {
            const tracked = this.tracking.ofSegment(tupleOf(view, side), view, side)
            this.rows.segment(view, side, passage, tracked)
            this.mark(tracked)
        } else this.rows.frame(oneLine(view), side, passage)
    }

    /** Takes a frame that passes the device's port. */
    port(frame: Uint8Array, time: number): void {
        this.recordings.take(frame, time)
    }

    /** Takes an event of the device's stack. */
    event(event: StackEvent, time: number): void {
        this.now = time
        switch (event.kind) {
            case "drop": {
                const text = dropWords(this.name, event.reason)
                if (text !== undefined) this.rows.note(text, time, "note")
                break
            }
            case "state": {
                const tracked = this.tracking.ofState(event, event.from)
                tracked.id = event.id || tracked.id
                this.step(tracked, "left", event.from, event.to, time)
                break
            }
            case "failed": {
                const tracked = this.tracking.ofState(event, "")
                tracked.id = event.id || tracked.id
                this.rows.note(failureWords(this.name, event.error), time, "note", tracked)
                this.mark(tracked)
                break
            }
            case "segment":
                // `sent` reports the frame itself
                break
            default:
                event satisfies never
        }
    }

    /** Takes an event of the stack of another host, which has the address `ip`. */
    peerEvent(event: StackEvent, ip: string, time: number): void {
        if (event.kind !== "state" || event.remoteIp !== this.ip) return
        this.now = time
        const tuple = { localPort: event.remotePort, remoteIp: ip, remotePort: event.localPort }
        this.step(this.tracking.ofState(tuple, event.from), "right", event.from, event.to, time)
    }

    note(text: string, time: number): void {
        this.rows.note(text, time, "note")
    }

    /** Takes why something failed; `number` is the failure's. */
    explained({ time, about, cause, sentence, evidence, advice }: Explained, number: number): void {
        this.now = Math.max(this.now, time)
        const tracked = about === undefined ? undefined : this.tracking.find(about)
        const why: WhyView = { cause, sentence, evidence, advice }
        this.rows.note(sentence, time, "why", tracked)
        this.put({
            kind: "failure",
            number,
            device: this.device,
            time: seconds(time).trim(),
            connection: tracked?.number,
            ...why,
        })
        if (tracked === undefined) return
        tracked.why = why
        this.mark(tracked)
    }

    /** Sends what has changed, at `now` (ms). */
    flush(now: number): void {
        for (const tracked of this.changed) {
            if (tracked.isSettled && tracked.why === undefined) {
                const number = this.numberOf(tracked)
                tracked.ended = number === undefined ? "" : this.recordings.ending(number, now)
            }
            this.put(tracked.view(this.device, this.ip))
        }
        this.changed.clear()
    }

    /** Returns the numbers that the device gave to connections that are not over. */
    ids(): string[] {
        return this.tracking.all.filter(({ id, over }) => id > 0 && !over).map(({ id }) => String(id))
    }

    /** Returns the graphs of a connection as SVG; undefined if its segments are not kept. */
    graphs(connection: number): string | undefined {
        const number = this.numberOf(this.tracking.numbered(connection))
        return number === undefined ? undefined : this.recordings.graphs(number)
    }

    /** Returns all about a connection as a page; undefined if its segments are not kept. */
    report(connection: number): string | undefined {
        const number = this.numberOf(this.tracking.numbered(connection))
        const title = `Recorded by the simulator at the port of ${this.name}`
        return number === undefined ? undefined : this.recordings.report(number, title)
    }

    private numberOf(tracked: Tracked | undefined): number | undefined {
        if (tracked === undefined) return undefined
        const { localPort, remoteIp, remotePort } = tracked.tuple
        return this.recordings.numberOf(localPort, remoteIp, remotePort)
    }

    /** Notes the device's addresses: DHCP may change the one of IP. */
    private learn(view: View): void {
        if (view.kind === "malformed") return
        this.mac = view.sourceMac
        if ("source" in view && view.source !== "0.0.0.0") this.ip = view.source
    }

    private step(tracked: Tracked, side: Side, from: string, to: string, time: number): void {
        const end = tracked.end(side)
        // what was inferred before the first report is replaced by what the stack says
        if (!end.isReported) end.steps.length = 0
        end.isReported = true
        end.step(from, to, time)
        this.rows.state(tracked, side, { from, to }, time)
        this.mark(tracked)
    }

    /** Takes changes that the wire shows, for ends whose stack reports none. */
    private inferred(connection: Connection, changes: readonly StateChange[]): void {
        for (const { end, from, to } of changes) {
            const { addresses, ports } = connection
            const other = end === 0 ? 1 : 0
            const isLeft = addresses[end] === this.ip
            const [near, far] = isLeft ? [end, other] : [other, end]
            const tracked = this.tracking.find({
                localPort: ports[near],
                remoteIp: addresses[far],
                remotePort: ports[far],
            })
            const side: Side = isLeft ? "left" : "right"
            if (tracked === undefined || tracked.end(side).isReported) continue
            tracked.end(side).step(from, to, this.now)
            this.rows.state(tracked, side, { from, to }, this.now, true)
            this.mark(tracked)
        }
    }

    private mark(tracked: Tracked): void {
        this.changed.add(tracked)
    }
}

/** Returns the ends of a segment's connection, from the device's point of view. */
function tupleOf(view: TcpView, from: Side): Tuple {
    return from === "left"
        ? { localPort: view.sourcePort, remoteIp: view.destination, remotePort: view.destinationPort }
        : { localPort: view.destinationPort, remoteIp: view.source, remotePort: view.sourcePort }
}
