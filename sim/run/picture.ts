// The ladder of the built-in network: both ends' segments and states as they happen.

import type { StackEvent, Tuple } from "../events"
import { dissect } from "../view/dissect"
import { Ladder, type Ports, type Side } from "../view/ladder"
import type { Output } from "./output"
import type { Observer } from "./world"

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
            peerEvent: (event, time) => this.event("right", event, time),
            sent: (frame, _from, time, [delivery]) => {
                if (this.on) this.ladder.segment(dissect(frame), { ...delivery, time })
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

    private event(side: Side, event: StackEvent, time: number): void {
        if (!this.on) return
        const { name } = this.hosts[side]
        if (event.kind === "state") this.ladder.state(side, event.from, event.to, time, ports(side, event))
        else if (event.kind === "drop") this.ladder.note(`${name} dropped a frame: ${event.reason}`)
        else if (event.kind === "failed") this.ladder.note(`${name}: the connection failed, ${event.error}`)
    }
}

function ports(side: Side, { localPort, remotePort }: Tuple): Ports {
    return side === "left" ? { left: localPort, right: remotePort } : { left: remotePort, right: localPort }
}
