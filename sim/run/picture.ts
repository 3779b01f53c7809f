// Draws the ladder of the built-in link: the segments and states of Host X and the server as they happen.

import type { StackEvent, Tuple } from "../device/events"
import { concerns, dropWords, failureWords } from "../view/concerns"
import { dissect } from "../view/dissect"
import { Ladder, type Ports, type Side } from "../view/ladder"
import { HOST_X } from "./boot"
import type { Observer } from "./observer"
import type { Output } from "./output"

interface Host {
    name: string
    ip: string
}

export class Picture {
    /** The observer that receives the world's reports. */
    readonly observer: Observer
    private readonly ladder: Ladder
    private on = true

    /**
     * Creates the picture of two hosts, with the device on the left. `later` runs `run` after `ms` milliseconds of real time.
     * Without `later` the last segment is drawn with the next report, or by `rest`.
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
            note: (text, time) => {
                if (this.on) this.ladder.note(text, time)
            },
            sent: (frame, from, time, [delivery]) => {
                const view = dissect(frame)
                const isOwn = from.name === HOST_X
                if (!this.on || !(isOwn || concerns(view, hosts.left.ip))) return
                // broadcasts have no host's address, and with DHCP the device's own is another one
                const side = isOwn ? ("left" as const) : ("right" as const)
                this.ladder.segment(view, { ...delivery, time, from: side })
            },
        }
    }

    /** Turns drawing on or off. */
    show(on: boolean): void {
        this.rest()
        this.on = on
    }

    /** Writes a remark between the lifelines. */
    note(text: string): void {
        if (this.on) this.ladder.note(text)
    }

    /** Draws whatever is held back. */
    rest(): void {
        this.ladder.flush()
    }

    private event(side: Side, event: StackEvent, time: number): void {
        if (!this.on) return
        const { name } = this.hosts[side]
        switch (event.kind) {
            case "drop": {
                const text = dropWords(name, event.reason)
                if (text !== undefined) this.ladder.note(text)
                break
            }
            case "state":
                if (this.isShown(side, event))
                    this.ladder.state(side, event.from, event.to, time, this.ports(side, event))
                break
            case "failed":
                if (this.isShown(side, event)) this.ladder.note(failureWords(name, event.error))
                break
            case "segment":
                // `sent` reports the frame itself, which is drawn
                break
            default:
                event satisfies never
        }
    }

    /** Returns true when a connection is drawn: the server's connections with other devices are not. */
    private isShown(side: Side, { remoteIp }: Tuple): boolean {
        return side === "left" || remoteIp === this.hosts.left.ip
    }

    private ports(side: Side, { localPort, remoteIp, remotePort }: Tuple): Ports {
        if (side === "right") return { left: remotePort, right: localPort }
        const host = remoteIp === this.hosts.right.ip ? undefined : remoteIp
        return { left: localPort, right: remotePort, host }
    }
}
