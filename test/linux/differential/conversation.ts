// The driver: it speaks to a host in segments whose numbers are relative to what that host has said, so that the same
// words can be said to two of them.

import { dissect, type TcpView } from "../../../sim/view/dissect"
import type { TcpOption } from "../../../sim/view/tcp-options"
import { ethernet, ipv4, tcp, u32 } from "../../support/frames"
import { formatSegment, optionBytes, parseSegment, type Segment, segmentOf } from "../../support/segment"
import type { ComparedHost, Ports, Reading } from "./compared-host"
import type { Look } from "./diagnosis"
import { comparedHost, driverHost, WINDOW } from "./lab"

/** The timestamp of a segment: TS.Recent and so much more, or none. */
export type Stamp = number | "none"

/** What is done to a host: a segment in the notation of segment.ts, or a call of its program. */
export type Action =
    | {
          readonly segment: string
          readonly stamp?: Stamp
          /** The program does not read what came. */
          readonly unread?: boolean
      }
    | { readonly call: "listen" | "connect" | "shutdown" | "close" }
    | { readonly write: number }

/**
 * What places in a segment's text stand for: RCV.NXT and the window's right edge, SND.UNA and SND.NXT; as the driver knows
 * them from what it was sent.
 */
export interface Marks {
    rcv: number
    edge: number
    una: number
    nxt: number
}

/** A segment and where it lies, for the predicates of differences.ts. */
export interface Stimulus extends Segment {
    stamp: Stamp
    /** The timestamp itself. */
    value: number | undefined
    marks: Marks
}

/** What came of an action. */
export interface Outcome {
    /** Every segment sent because of it, in order, without its window: how large buffers are is each one's own. */
    answers: string[]
    look: Look
    /** The program has the connection. */
    held: boolean
    /** What the program reads then; undefined when it does not. */
    reading: Reading | undefined
}

/** A peer that says nothing else offers this window. */
const DRIVER_WINDOW = 4096
/** The driver's timestamps begin here: what is echoed is shown as so many more. */
export const STAMPS = 5_000_000

/** States in which all that was sent is acknowledged. */
const acknowledged = ["FIN-WAIT-2", "TIME-WAIT"]

export class Conversation {
    /** TS.Recent, and the host's own clock. */
    private tsRecent = STAMPS
    private tsEcho = 0
    private iss: number | undefined
    private irs: number
    private state = "CLOSED"
    marks: Marks = { rcv: 0, edge: WINDOW, una: 1, nxt: 1 }

    constructor(
        private readonly host: ComparedHost,
        private readonly ports: Ports,
        /** The driver's initial sequence number. */
        private readonly base: number,
        private readonly options: boolean
    ) {
        this.irs = base
    }

    do(action: Action): Outcome {
        const answers = this.taken(this.act(action))
        const reading = "segment" in action && !action.unread ? this.read() : undefined
        return { answers, look: this.look(), held: this.host.held(), reading }
    }

    /** Does what leads to a situation: what comes of it is seen at the end. */
    prepare(actions: readonly Action[]): Outcome {
        for (const action of actions) {
            this.taken(this.act(action))
            if ("segment" in action) this.read()
            this.look()
        }
        return { answers: [], look: this.look(), held: this.host.held(), reading: undefined }
    }

    /** What the action is here and now, undefined if it is a call. */
    explain(action: Action): Stimulus | undefined {
        if (!("segment" in action)) return undefined
        const stamp = action.stamp ?? (this.options ? 0 : "none")
        const value = stamp === "none" ? undefined : this.tsRecent + stamp
        return { ...this.parse(action.segment), stamp, value, marks: { ...this.marks } }
    }

    /** What a segment's text and timestamp stand for: where that is the same for two, they are asked the same. */
    knowledge(action: Action): string {
        const { rcv, edge, una, nxt } = this.marks
        const usesEdge = "segment" in action && action.segment.includes("edge")
        return [rcv, una, nxt, this.tsRecent, usesEdge ? edge : ""].join()
    }

    /** Ends what is left of the connection, so that the next has the host for itself. */
    end(): void {
        for (const segment of ["R rcv", ". rcv-1 ack nxt", "R rcv"]) {
            if (["CLOSED", "LISTEN", "TIME-WAIT"].includes(this.state)) break
            this.do({ segment, unread: true })
        }
        this.host.end()
    }

    private act(action: Action): Uint8Array[] {
        // before that Linux has the caller wait; later both refuse
        if ("write" in action) {
            const may = ["ESTABLISHED", "CLOSE-WAIT"].includes(this.state)
            return may ? this.host.write(action.write) : []
        }
        if ("segment" in action) return this.say(this.explain(action)!)
        switch (action.call) {
            case "listen":
                this.host.listen()
                return []
            case "connect":
                return this.host.connect()
            case "shutdown":
                return this.host.shutdown()
            case "close":
                return this.host.close()
        }
    }

    /**
     * What the program reads. When the window that this frees is told of is a matter of buffers, and not compared; the marks
     * know of it.
     */
    private read(): Reading {
        const { reading, frames } = this.host.read()
        this.taken(frames)
        return reading
    }

    private look(): Look {
        const look = this.host.look(this.irs)
        this.state = look.state
        if (look.numbers !== undefined) this.marks.una = this.marks.nxt - look.numbers.unacknowledged
        else if (acknowledged.includes(look.state)) this.marks.una = this.marks.nxt
        return look
    }

    private parse(text: string): Segment {
        const read = (t: string) => parseSegment(t, { ...this.marks }, this.base, this.iss ?? 0)
        // the notation has no word for a segment without flags
        return text.startsWith("- ") ? { ...read(text.replace("-", "P")), flags: "" } : read(text)
    }

    private say(stimulus: Stimulus): Uint8Array[] {
        const { flags, seq, length, ack, window, urgent, options, value } = stimulus
        const stamps = value === undefined ? [] : [1, 1, 8, 10, ...u32(value), ...u32(this.tsEcho)]
        const fields = {
            sourcePort: this.ports.remote,
            destinationPort: this.ports.local,
            seq: this.base + seq,
            ack: ack === undefined ? 0 : (this.iss ?? 0) + ack,
            flags,
            window: window ?? DRIVER_WINDOW,
            urgent,
            options: [...optionBytes(options), ...stamps],
        }
        // RCV.NXT is counted from the SYN that was taken, which only these states do
        if (flags.includes("S") && ["LISTEN", "SYN-SENT", "TIME-WAIT"].includes(this.state)) {
            this.irs = (this.base + seq) | 0
        }
        const ip = { source: driverHost.ip, destination: comparedHost.ip, protocol: 6 }
        const text = new Uint8Array(length).fill(0x62)
        const packet = ipv4(ip, tcp(ip, fields, text))
        return this.host.receive(ethernet(comparedHost.mac, driverHost.mac, 0x0800, packet))
    }

    /** The segments of this connection in what the host sent, as text. */
    private taken(frames: Uint8Array[]): string[] {
        const texts: string[] = []
        for (const frame of frames) {
            const view = dissect(frame)
            if (view.kind !== "tcp") throw new Error(`the host sent ${view.kind}`)
            if (view.sourcePort !== this.ports.local || view.destinationPort !== this.ports.remote) continue
            // a SYN again is a timer's doing (see compare.ts)
            const repeated = view.flags.syn && !view.flags.ack && view.seq === this.iss
            if (!repeated) texts.push(this.heard(view))
        }
        return texts
    }

    private heard(view: TcpView): string {
        const { flags } = view
        const known = this.iss
        if (flags.syn) this.iss = view.seq
        const segment = segmentOf(view, this.iss ?? 0, this.base)
        if (!flags.rst) this.learn(view, segment)
        const options = view.options.map(option => this.option(option))
        if (flags.syn && known !== undefined && known !== view.seq) options.push("another ISS")
        let text = formatSegment({ ...segment, options, window: undefined }).replace(" win ?", "")
        // what was asked may lie at an edge, which need not be the same for two
        if (flags.syn && flags.ack) text = text.replace(/ack \S+/, `ack SYN+${(view.ack - this.irs) | 0}`)
        // a reset of nobody's begins at 0
        return flags.rst && view.seq === 0 ? text.replace(/ \S+/, " =0") : text
    }

    private learn(view: TcpView, segment: Segment): void {
        const { marks } = this
        const { syn, fin, ack } = view.flags
        if (syn) {
            marks.una = 0
            marks.nxt = 0
            marks.edge = 0
        }
        marks.nxt = Math.max(marks.nxt, segment.seq + segment.length + (syn ? 1 : 0) + (fin ? 1 : 0))
        if (ack) {
            marks.rcv = segment.ack!
            marks.edge = Math.max(marks.edge, segment.ack! + view.window)
        }
        for (const option of view.options) {
            if (option.kind !== "timestamps") continue
            // half open, Linux drops an echo of what did not stand on a SYN-ACK
            if (syn || this.state !== "SYN-RECEIVED") this.tsEcho = option.value
            if (ack) this.tsRecent = option.echo
        }
    }

    private option(option: TcpOption): string {
        switch (option.kind) {
            case "timestamps":
                return option.echo === 0 ? "TS" : `TS ecr ${option.echo - STAMPS}`
            case "sack":
                return `sack ${option.blocks.map(b => `${(b.start - this.base) | 0}:${(b.end - this.base) | 0}`).join(" ")}`
            case "mss":
                return `mss ${option.value}`
            default:
                return option.kind
        }
    }
}
