// Captures what passes the device's port, with a comment on each frame that changed a connection's state.

import type { Capture, PacketHandle } from "../capture/pcapng"
import type { StackEvent, Tuple } from "../device/events"
import { dissect, type TcpView } from "../view/dissect"
import type { Observer } from "./observer"

type SegmentEvent = Extract<StackEvent, { kind: "segment" }>
type StateEvent = Extract<StackEvent, { kind: "state" }>

/** Entered by sending a segment with this flag; the others by what came in, or by a timer. */
const ENTERED_BY_SENDING: Record<string, "SYN" | "FIN"> = {
    "SYN-SENT": "SYN",
    "FIN-WAIT-1": "FIN",
    "LAST-ACK": "FIN",
}
/** Frames that came in and whose segment the device has not looked at yet; more are forgotten. */
const WAITING = 64

interface Arrived {
    handle: PacketHandle
    view: TcpView
}

export class PortCapture {
    /** For the world to tell what happens. */
    readonly observer: Observer
    private readonly port: number
    /** TCP frames that came in, until the device's stack tells of them. */
    private readonly arrived: Arrived[] = []
    /** The segment that the stack is working on, and its frame. */
    private cause: (SegmentEvent & { handle: PacketHandle | undefined }) | undefined
    /** Comments for a segment that is still to be sent. */
    private coming: (Tuple & { flag: string; text: string })[] = []

    /** Adds the port of device number `device` (from 0) to a capture, under a name. */
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
        if (event.kind === "segment" && event.direction === "in") {
            this.cause = { ...event, handle: this.takeArrived(event) }
        } else if (event.kind === "segment") {
            this.cause = undefined
        } else if (event.kind === "state") {
            this.stateChanged(event)
        } else if (event.kind === "failed") {
            this.comment(event, `failed: ${event.error}`)
        }
    }

    private stateChanged(event: StateEvent): void {
        const text = `${event.from} -> ${event.to}`
        const flag = ENTERED_BY_SENDING[event.to]
        if (flag !== undefined) this.coming.push({ ...tupleOf(event), flag, text })
        else if (!this.comment(event, text) && event.to === "CLOSED") {
            // an abort: its reset follows, unless the connection timed out
            this.coming = this.coming.filter(waiting => !same(waiting, event))
            this.coming.push({ ...tupleOf(event), flag: "RST", text })
        }
    }

    /** Adds a comment to the frame that the stack is working on; false when that is not this connection's. */
    private comment(event: Tuple & { now: number }, text: string): boolean {
        if (this.cause?.now !== event.now || !same(this.cause, event)) return false
        return this.capture.comment(this.cause.handle, text)
    }

    /** The frame that the stack tells of, and none of those before it. */
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
        const sent = { SYN: view.flags.syn, FIN: view.flags.fin, RST: view.flags.rst }
        const tuple = {
            remoteIp: view.destination,
            remotePort: view.destinationPort,
            localPort: view.sourcePort,
        }
        const mine = this.coming.filter(({ flag, ...waiting }) => {
            return sent[flag as keyof typeof sent] && same(waiting, tuple)
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
