// Draws the ladder of the network: the segments and states of Host X and of the other hosts as they happen.

import type { Reply } from "../device/device"
import type { StackEvent, Tuple } from "../device/events"
import { failedCheck } from "../diagnosis/evidence"
import { type Fate, flip } from "../link/impair"
import { concerns, dropWords, failureWords } from "../view/concerns"
import { dissect, type View } from "../view/dissect"
import { Ladder, type Ports, type Side } from "../view/ladder"
import { HOST_X } from "./boot"
import type { Observer } from "./observer"
import type { Output } from "./output"
import { WireStates } from "./wire-states"

interface Host {
    readonly name: string
    ip: string
}

const NO_ADDRESS = "0.0.0.0"
/** The time within which a busy computer reports a segment and the state that it causes in real time, ms. */
const REAL_TOGETHER = 100
const USAGE = "picture: usage: picture on|off|PORT"

export class Picture {
    /** The observer that receives the world's reports. */
    readonly observer: Observer
    private readonly ladder: Ladder
    private readonly states = new WireStates()
    /** The Ethernet address of the device, once it has sent a frame. */
    private mac = ""
    /** That of the host at the right lifeline. */
    private rightMac = ""
    /** True when the device's stack has reported an event, so that its states need not be inferred. */
    private isHeard = false
    /** The port whose connections only are drawn; undefined for all. */
    private port: number | undefined

    /**
     * Creates the picture of two hosts, with the device on the left, and the network's other hosts on the right. `later` runs `run` after
     * `ms` milliseconds of real time. Without `later` the last segment is drawn with the next report, or by `rest`.
     */
    constructor(
        output: Output,
        private readonly hosts: { readonly left: Host; readonly right: Host },
        private on: boolean,
        later?: (ms: number, run: () => void) => void
    ) {
        this.ladder = new Ladder({
            write: text => output.write(text),
            get width() {
                return output.looks.width
            },
            color: output.looks.color,
            unicode: output.looks.unicode,
            ...hosts,
            isSilent: (side, { host }) => (side === "left" ? !this.isHeard : host !== undefined),
            ...(later === undefined ? {} : { later, together: REAL_TOGETHER }),
        })
        this.observer = {
            event: (event, time) => {
                this.isHeard = true
                this.event("left", event, time)
            },
            serverEvent: (event, time) => this.event("right", event, time),
            note: (text, time) => {
                if (this.on) this.ladder.note(text, time)
            },
            sent: (frame, from, time, deliveries) => {
                const isOwn = from.name === HOST_X
                if (from.name === hosts.right.name) this.learnRight(frame)
                // of a frame that goes to all, the fate at the host of the other lifeline counts
                const wanted = isOwn ? hosts.right.name : HOST_X
                const fate = deliveries.find(({ to }) => to.name === wanted) ?? deliveries[0]
                this.sent(frame, isOwn, time, fate)
            },
        }
    }

    /** Turns drawing on or off. */
    show(on: boolean): void {
        this.rest()
        this.on = on
        this.port = undefined
    }

    /** Carries out `picture on|off|PORT`; returns undefined for any other command. */
    command(line: string): Reply | undefined {
        const [, word] = /^\s*picture(?:\s+(\S+))?\s*$/.exec(line) ?? []
        if (word === undefined)
            return /^\s*picture(\s|$)/.test(line) ? { lines: [USAGE], status: 1 } : undefined
        if (word === "on" || word === "off") {
            this.show(word === "on")
            return { lines: [`the picture is ${word}`], status: 0 }
        }
        const port = /^\d{1,5}$/.test(word) ? Number(word) : 0
        if (port < 1 || port > 65_535) return { lines: [USAGE], status: 1 }
        this.show(true)
        this.port = port
        return { lines: [`the picture shows the connections of port ${port} only`], status: 0 }
    }

    /** Writes a remark between the lifelines. */
    note(text: string): void {
        if (this.on) this.ladder.note(text)
    }

    /** Draws whatever is held back. */
    rest(): void {
        this.ladder.flush()
    }

    /** Draws the segment that is held back, so that what the program prints stands below the arrow that brought it about. */
    restArrived(): void {
        this.ladder.flushArrived()
    }

    /** Runs `run` when what is held back is drawn: an explanation stands below the segment and the states that it explains. */
    afterwards(run: () => void): void {
        this.ladder.afterwards(run)
    }

    private sent(frame: Uint8Array, isOwn: boolean, time: number, fate: Fate | undefined): void {
        const view = dissect(frame)
        if (isOwn) this.learn(view)
        if (!isOwn && !concerns(view, this.hosts.left.ip, this.mac)) return
        const check = fate?.bit === undefined ? undefined : checkAgainst(frame, view, fate.bit)
        const isTaken = fate?.lost === undefined && check === undefined
        // a SYN shows a state of its sender only, which has it even if the SYN is lost
        const isSyn = view.kind === "tcp" && view.flags.syn && !view.flags.ack
        const shown = view.kind === "tcp" && (isTaken || isSyn) ? this.states.take(frame, time) : []
        if (!this.on || !this.isChosen(view)) return
        // broadcasts have no host's address, and with DHCP the device's own is another one
        const side = isOwn ? ("left" as const) : ("right" as const)
        const other = isOwn ? ("right" as const) : ("left" as const)
        this.ladder.segment(view, { ...fate, check, time, from: side, mac: this.rightMac })
        for (const { end, from, to } of shown) this.ladder.infer(end === "sender" ? side : other, from, to)
    }

    /** Learns the device's addresses from a frame that it sends. */
    private learn(view: View): void {
        if (view.kind === "malformed") return
        this.mac = view.sourceMac
        const ip = view.kind === "arp" ? view.senderIp : "source" in view ? view.source : NO_ADDRESS
        if (ip !== NO_ADDRESS) this.hosts.left.ip = ip
    }

    /** Learns the Ethernet address of the host at the right lifeline from a frame that it sends. */
    private learnRight(frame: Uint8Array): void {
        const view = dissect(frame)
        if (view.kind !== "malformed") this.rightMac = view.sourceMac
    }

    /** Returns true when a frame is of the connections that are drawn. */
    private isChosen(view: View): boolean {
        if (this.port === undefined) return true
        return view.kind === "tcp" && (view.sourcePort === this.port || view.destinationPort === this.port)
    }

    private event(side: Side, event: StackEvent, time: number): void {
        if (!this.on) return
        switch (event.kind) {
            case "drop": {
                const text = dropWords(this.hosts[side].name, event.reason)
                if (this.port === undefined && text !== undefined) this.later(text)
                break
            }
            case "state":
                if (this.isShown(side, event))
                    this.ladder.state(side, event.from, event.to, time, this.ports(side, event))
                break
            case "failed":
                // the answer to the SYN is drawn, and the server only tries the ports of a program
                if (side === "right" && event.error === "ECONNREFUSED") break
                if (this.isShown(side, event)) this.later(failureWords(this.hosts[side].name, event.error))
                break
            case "segment":
                // `sent` reports the frame itself, which is drawn
                break
            default:
                event satisfies never
        }
    }

    /** Writes a remark below what is held back. */
    private later(text: string): void {
        this.ladder.afterwards(() => this.ladder.note(text))
    }

    /** Returns true when a connection is drawn: the server's connections with other devices are not. */
    private isShown(side: Side, { remoteIp, remotePort, localPort }: Tuple): boolean {
        if (this.port !== undefined && this.port !== remotePort && this.port !== localPort) return false
        return side === "left" || remoteIp === this.hosts.left.ip
    }

    private ports(side: Side, { localPort, remoteIp, remotePort }: Tuple): Ports {
        if (side === "right") return { left: remotePort, right: localPort }
        const host = remoteIp === this.hosts.right.ip ? undefined : remoteIp
        return { left: localPort, right: remotePort, host }
    }
}

/** Returns the check that finds a frame to be corrupted when the line has flipped a bit of it; undefined if its receiver takes it. */
export function checkAgainst(frame: Uint8Array, view: View, bit: number): string | undefined {
    const bytes = frame.slice()
    flip(bytes, bit)
    const arrived = dissect(bytes)
    const check = failedCheck(arrived)
    if (check !== undefined || view.kind === "malformed" || arrived.kind === "malformed") return check
    return arrived.kind === view.kind && arrived.destinationMac === view.destinationMac
        ? undefined
        : "the Ethernet header"
}
