// Remembers the segments and states of the built-in link, for the example to check.

import type { StackEvent } from "../device/events"
import { dissect, type TcpView } from "../view/dissect"
import type { Observer } from "./observer"

export type Side = "device" | "server"

interface Change {
    readonly side: Side
    readonly id: number
    readonly localPort: number
    readonly remotePort: number
    readonly from: string
    readonly to: string
}

export class Watch {
    /** TCP segments in the order of sending, each with the side that sent it. */
    readonly segments: { readonly side: Side; readonly view: TcpView }[] = []
    readonly changes: Change[] = []
    /** Errors that ended a connection of the device. */
    readonly failures: { readonly id: number; readonly error: string }[] = []
    readonly observer: Observer
    private over = false

    /** Watches the device at the address `ip`. */
    constructor(ip: string) {
        this.observer = {
            event: event => this.event("device", event),
            serverEvent: event => this.event("server", event),
            sent: frame => {
                if (this.over) return
                const view = dissect(frame.slice())
                if (view.kind !== "tcp") return
                this.segments.push({ side: view.source === ip ? "device" : "server", view })
            },
        }
    }

    /** Stops remembering segments and states. */
    end(): void {
        this.over = true
    }

    /** Returns the state of one end of the connection with this port of the device; undefined before its first state. */
    state(side: Side, devicePort: number): string | undefined {
        const port = side === "device" ? "localPort" : "remotePort"
        return this.changes.filter(change => change.side === side && change[port] === devicePort).at(-1)?.to
    }

    /** Returns the data that one end has sent on the connection with this port of the device, in the order of sequence numbers. */
    dataOf(side: Side, devicePort: number): string {
        const port = side === "device" ? "sourcePort" : "destinationPort"
        const mine = this.segments.filter(
            ({ side: from, view }) => from === side && view[port] === devicePort
        )
        const syn = mine.find(({ view }) => view.flags.syn)?.view
        const text: string[] = []
        for (const { view } of mine) {
            const at = (view.seq - (syn?.seq ?? 0) - 1) >>> 0
            view.payload.forEach((byte, i) => {
                text[at + i] = String.fromCharCode(byte)
            })
        }
        return text.join("")
    }

    /** Returns true when one end of the connection with this port of the device ever entered a state. */
    reached(side: Side, devicePort: number, state: string): boolean {
        const port = side === "device" ? "localPort" : "remotePort"
        return this.changes.some(change => {
            return change.side === side && change[port] === devicePort && change.to === state
        })
    }

    private event(side: Side, event: StackEvent): void {
        if (this.over) return
        switch (event.kind) {
            case "state":
                this.changes.push({ side, ...event })
                break
            case "failed":
                if (side === "device") this.failures.push(event)
                break
            case "segment":
            case "drop":
                // `sent` records the segments; a dropped frame ends no connection
                break
            default:
                event satisfies never
        }
    }
}
