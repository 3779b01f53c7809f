// The connections of one device as the dashboard shows them: both ends' states and the steps between them, bytes, and why it failed.

import type { Tuple } from "../device/events"
import type { TcpView } from "../view/dissect"
import { seconds } from "../view/ladder-style"
import type { ConnectionView, EndView, Side, StepView, WhyView } from "./messages"

/** The steps of an end that are kept: more than any connection takes that does not go round in circles. */
const MOST_STEPS = 40

/** One end of a connection. */
export class TrackedEnd {
    state = ""
    /** The last state that the ladder shows. */
    shown = ""
    /** True when the end's own stack reports its states; otherwise they are inferred from the wire. */
    isReported = false
    /** The first sequence number; undefined before any. */
    base: number | undefined
    /** The number after its FIN; undefined before the FIN. */
    fin: number | undefined
    readonly steps: StepView[] = []

    step(from: string, to: string, time: number): void {
        this.state = to
        this.steps.push({ from, to, time: seconds(time).trim() })
        if (this.steps.length > MOST_STEPS) this.steps.splice(1, 1)
    }

    view(name: string): EndView {
        return { name, state: this.state, steps: [...this.steps] }
    }
}

export class Tracked {
    id = 0
    readonly left = new TrackedEnd()
    readonly right = new TrackedEnd()
    opened: Side | undefined
    segments = 0
    sent = 0
    received = 0
    repeated = 0
    why: WhyView | undefined
    ended = ""

    constructor(
        readonly number: number,
        readonly tuple: Tuple
    ) {}

    /** The device is done with the connection. */
    get over(): boolean {
        const { state, steps } = this.left
        return steps.length > 0 && (state === "CLOSED" || state === "LISTEN")
    }

    /** Nothing more is to come, but for late segments. */
    get isSettled(): boolean {
        return this.over || this.left.state === "TIME-WAIT"
    }

    end(side: Side): TrackedEnd {
        return side === "left" ? this.left : this.right
    }

    /** Counts a segment of one end. */
    count(view: TcpView, from: Side, isRepeated: boolean): void {
        const end = this.end(from)
        const { flags, seq, length } = view
        // a SYN has the number before the first byte's; a connection that began earlier counts as if a SYN had come before
        end.base ??= flags.syn ? seq : (seq - 1) >>> 0
        if (flags.fin) end.fin = (seq + length + 1) >>> 0
        if (flags.syn && !flags.ack) this.opened ??= from
        this.segments++
        if (isRepeated) this.repeated++
        else if (from === "left") this.sent += length
        else this.received += length
    }

    /** Returns a segment with numbers that count from 0. */
    counted(view: TcpView, from: Side): TcpView {
        const own = this.end(from).base ?? 0
        const other = this.end(from === "left" ? "right" : "left").base
        const back = (number: number) => (other === undefined ? number : (number - other) >>> 0)
        return {
            ...view,
            seq: (view.seq - own) >>> 0,
            ack: back(view.ack),
            options: view.options.map(option =>
                option.kind === "sack"
                    ? {
                          kind: "sack" as const,
                          blocks: option.blocks.map(({ start, end }) => ({
                              start: back(start),
                              end: back(end),
                          })),
                      }
                    : option
            ),
        }
    }

    view(device: number, ip: string): ConnectionView {
        const { number, id, tuple, opened, segments, sent, received, repeated, over, ended, why } = this
        return {
            kind: "connection",
            device,
            number,
            id,
            left: this.left.view(`${ip}:${tuple.localPort}`),
            right: this.right.view(`${tuple.remoteIp}:${tuple.remotePort}`),
            opened,
            segments,
            sent,
            received,
            repeated,
            over,
            ended,
            why,
        }
    }
}

/** The connections of a device that are remembered. */
export class Tracking {
    private readonly latest = new Map<string, Tracked>()
    private made = 0

    /** Creates the list, which remembers the last `most` connections. */
    constructor(private readonly most: number) {}

    /** Returns the latest connection with these ends. */
    find(tuple: Tuple): Tracked | undefined {
        return this.latest.get(keyOf(tuple))
    }

    get all(): Tracked[] {
        return [...this.latest.values()]
    }

    /** Returns the connection with a number; undefined if it is not remembered. */
    numbered(number: number): Tracked | undefined {
        return this.all.find(one => one.number === number)
    }

    /** Returns the connection of a segment: a SYN after the end of one begins another. */
    ofSegment(tuple: Tuple, { flags, seq }: TcpView, from: Side): Tracked {
        const known = this.find(tuple)
        if (known === undefined) return this.add(tuple)
        const { base } = known.end(from)
        const isNew = flags.syn && !flags.ack && known.isSettled && base !== undefined && base !== seq
        return isNew ? this.add(tuple) : known
    }

    /** Returns the connection of a state: one that leaves CLOSED after the end of one begins another. */
    ofState(tuple: Tuple, from: string): Tracked {
        const known = this.find(tuple)
        if (known === undefined) return this.add(tuple)
        const isNew = (from === "CLOSED" || from === "LISTEN") && known.over
        return isNew ? this.add(tuple) : known
    }

    private add(tuple: Tuple): Tracked {
        const { localPort, remoteIp, remotePort } = tuple
        const one = new Tracked(++this.made, { localPort, remoteIp, remotePort })
        const key = keyOf(tuple)
        this.latest.delete(key)
        this.latest.set(key, one)
        if (this.latest.size > this.most) {
            const [oldest = ""] = this.latest.keys()
            this.latest.delete(oldest)
        }
        return one
    }
}

function keyOf({ localPort, remoteIp, remotePort }: Tuple): string {
    return `${localPort} ${remoteIp} ${remotePort}`
}
