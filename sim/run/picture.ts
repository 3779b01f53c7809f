// The ladder of the built-in network: both ends' segments and states as they happen.

import type { StackEvent, Tuple } from "../device/events"
import { dissect, type View } from "../view/dissect"
import { Ladder, type Ports, type Side } from "../view/ladder"
import type { Observer } from "./observer"
import type { Output } from "./output"

export interface Host {
    name: string
    ip: string
}

export class Picture {
    /** For the world to tell what happens. */
    readonly observer: Observer
    private readonly ladder: Ladder
    private on = true

    /**
     * The device stands to the left. `later` runs something after so many milliseconds of real time; without it (where
     * nobody watches as it happens) the last segment is drawn when the next thing happens, or by `rest`.
     */
    constructor(
        output: Output,
        private readonly hosts: { left: Host; right: Host },
        later?: (ms: number, run: () => void) => void
    ) {
        this.ladder = new Ladder({
            write: text => output.write(text),
            ...output.looks,
            ...hosts,
            ...(later === undefined ? {} : { later }),
        })
        this.observer = {
            event: (event, time) => this.event("left", event, time),
            serverEvent: (event, time) => this.event("right", event, time),
            sent: (frame, _from, time, [delivery]) => {
                const view = dissect(frame)
                if (this.on && this.concerns(view)) this.ladder.segment(view, { ...delivery, time })
            },
        }
    }

    /** Draws from now on, or not. */
    show(on: boolean): void {
        this.rest()
        this.on = on
    }

    /** A remark between the lifelines. */
    note(text: string): void {
        if (this.on) this.ladder.note(text)
    }

    /** Draws what is held back. */
    rest(): void {
        this.ladder.flush()
    }

    /** What other hosts have with each other is not in the picture. */
    private concerns(view: View): boolean {
        const { ip } = this.hosts.left
        if (view.kind === "arp") return view.senderIp === ip || view.targetIp === ip
        return !("source" in view) || view.source === ip || view.destination === ip
    }

    private event(side: Side, event: StackEvent, time: number): void {
        if (!this.on) return
        const { name } = this.hosts[side]
        // a broadcast that asks for another host
        if (event.kind === "drop" && event.reason === "arp-ignored") return
        if (event.kind === "drop") this.ladder.note(`${name} dropped a frame: ${event.reason}`)
        else if (side === "right" && event.remoteIp !== this.hosts.left.ip) return
        else if (event.kind === "state")
            this.ladder.state(side, event.from, event.to, time, this.ports(side, event))
        else if (event.kind === "failed") this.ladder.note(`${name}: the connection failed, ${event.error}`)
    }

    private ports(side: Side, { localPort, remoteIp, remotePort }: Tuple): Ports {
        if (side === "right") return { left: remotePort, right: localPort }
        const host = remoteIp === this.hosts.right.ip ? undefined : remoteIp
        return { left: localPort, right: remotePort, host }
    }
}
