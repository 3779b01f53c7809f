// Captures the frames that pass a device's port, with a comment on each frame that changed a connection's state.

import type { Capture, PacketHandle } from "../capture/pcapng"
import type { StackEvent, Tuple } from "../device/events"
import { dissect, type TcpView } from "../view/dissect"
import { ENTERED_BY_SENDING, type FlagName } from "../view/flags"
import type { Observer } from "./observer"

type SegmentEvent = Extract<StackEvent, { kind: "segment" }>
type StateEvent = Extract<StackEvent, { kind: "state" }>

/** Received frames that are remembered until the stack reports their segment; the oldest is forgotten for a new one. */
const WAITING = 64

interface Arrived {
    handle: PacketHandle
    view: TcpView
}

export class PortCapture {
    /** The observer that receives the world's reports. */
    readonly observer: Observer
    private readonly port: number
    /** Received TCP frames whose segment the stack has not reported yet. */
    private readonly arrived: Arrived[] = []
    /** The received segment that the stack processes now, and its frame. */
    private cause: (SegmentEvent & { handle: PacketHandle | undefined }) | undefined
    /** Comments for segments that were not sent yet. */
    private coming: (Tuple & { flag: FlagName; text: string })[] = []

    /** Adds the port of device number `device` (from 0) to a capture, as an interface of this name. */
    constructor(
        private readonly capture: Capture,
        name: string,
        device: number
    ) {
        this.port = capture.interface(name, "the simulated device's network port")
        this.observer = {
            port: (frame, direction, time, n) => {
                if (n === device) this.frame(frame, direction, time)
            },
            event: (event, _time, n) => {
                if (n === device) this.event(event)
            },
        }
    }

    private frame(frame: Uint8Array, direction: "in" | "out", time: number): void {
        const view = dissect(frame)
        const comments = direction === "out" && view.kind === "tcp" ? this.commentsFor(view) : []
        const handle = this.capture.packet(this.port, time, frame, { direction, comments })
        if (direction === "out" || view.kind !== "tcp") return
        this.arrived.push({ handle, view })
        if (this.arrived.length > WAITING) this.arrived.shift()
    }

    private event(event: StackEvent): void {
        switch (event.kind) {
            case "segment":
                this.cause =
                    event.direction === "in" ? { ...event, handle: this.takeArrived(event) } : undefined
                break
            case "state":
                this.stateChanged(event)
                break
            case "failed":
                this.comment(event, `failed: ${event.error}`)
                break
            case "drop":
                // the event does not say which frame was dropped
                break
            default:
                event satisfies never
        }
    }

    private stateChanged(event: StateEvent): void {
        const text = `${event.from} -> ${event.to}`
        const flag = ENTERED_BY_SENDING[event.to]
        if (flag !== undefined) this.coming.push({ ...tupleOf(event), flag, text })
        else if (!this.comment(event, text) && event.to === "CLOSED") {
            // an abort: a reset follows, unless the connection timed out
            this.coming = this.coming.filter(waiting => !same(waiting, event))
            this.coming.push({ ...tupleOf(event), flag: "rst", text })
        }
    }

    /** Adds a comment to the frame that the stack processes; returns false if the frame is not this connection's. */
    private comment(event: Tuple & { now: number }, text: string): boolean {
        if (this.cause?.now !== event.now || !same(this.cause, event)) return false
        return this.capture.comment(this.cause.handle, text)
    }

    /** Removes the frame of a reported segment from `arrived`, and forgets the frames before it. */
    private takeArrived(event: SegmentEvent): PacketHandle | undefined {
        const index = this.arrived.findIndex(
            ({ view }) =>
                view.source === event.remoteIp &&
                view.sourcePort === event.remotePort &&
                view.destinationPort === event.localPort &&
                view.seq === event.seq &&
                view.payload.length === event.length
        )
        return index < 0 ? undefined : this.arrived.splice(0, index + 1).at(-1)?.handle
    }

    private commentsFor(view: TcpView): string[] {
        const tuple = {
            remoteIp: view.destination,
            remotePort: view.destinationPort,
            localPort: view.sourcePort,
        }
        const mine = this.coming.filter(({ flag, ...waiting }) => {
            return view.flags[flag] && same(waiting, tuple)
        })
        this.coming = this.coming.filter(waiting => !mine.includes(waiting))
        return mine.map(({ text }) => text)
    }
}

function tupleOf({ remoteIp, remotePort, localPort }: Tuple): Tuple {
    return { remoteIp, remotePort, localPort }
}

function same(a: Tuple, b: Tuple): boolean {
    return a.remoteIp === b.remoteIp && a.remotePort === b.remotePort && a.localPort === b.localPort
}
