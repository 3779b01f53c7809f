// Counts the operations that one step of a conversation takes on the VM, by the program that test/fuzz drives:
// everything before is done as it comes, and of the step's slice as much is burnt as it survives.

import { dissect, type TcpView } from "../../sim/view/dissect"
import { CallKind } from "../fuzz/stack-under-test"
import { type Command, LIMIT, type Outcome, runOnVm, type Script, TURN, turn } from "../fuzz/vm-program"
import { arp, broadcastMac, ethernet, icmp, ipv4, tcp } from "../support/frames"
import { ip } from "../support/host"
import { optionBytes } from "../support/segment"

const STACK = "10.0.0.1"
const PEER = "10.0.0.2"
const STACK_MAC = "02:00:00:00:00:01"
const PEER_MAC = "02:00:00:00:01:02"
export const PORT = 7
const PEER_PORT = 40_000
const ISS = 1000
/** The peer's clock, ms ahead of ours. */
const CLOCK = 77_000

/** The kind of command that does nothing. */
const NOTHING = 3

/** What is measured, told from what leads there. */
export type Measured = Command & { measured?: true }
export type Steps<Result = void> = Generator<Measured, Result, Outcome>

/** Marks a step as the one to be counted. */
export function measured(command: Command): Measured {
    return { ...command, measured: true }
}

const none = new Uint8Array(0)

/** A peer of the stack on the VM: its segments, and what it knows of the stack's. */
export class CostPeer {
    /** The stack's number and timestamp, as last seen. */
    private seq = 0
    private stamp = 0
    private sent = 0

    /** Several peers of one stack share the time; the stack's port is PORT unless it connects. */
    constructor(
        private readonly stamps: boolean,
        private readonly port = PEER_PORT,
        private readonly time = { now: 1000 },
        private readonly stackPort = PORT
    ) {}

    /** Bytes of text in a full segment: timestamps take twelve. */
    get mss(): number {
        return this.stamps ? 1448 : 1460
    }

    /** A frame that the stack takes. */
    private frame(bytes: Uint8Array): Command {
        return { kind: 0, code: 0, more: false, now: ++this.time.now, a: bytes.length, b: 0, c: 0, bytes }
    }

    call(code: number, a: number, b: number, c = 0, bytes = none): Command {
        // nothing is sent until the next turn
        return { kind: 2, code, more: true, now: this.time.now, a, b, c, bytes }
    }

    /** The stack makes its next frame, after `ms` milliseconds. */
    turn(ms = 0): Command {
        this.time.now += ms
        return turn(this.time.now)
    }

    ping(length: number): Command {
        const message = icmp(8, 0, 1, new Uint8Array(length))
        const packet = ipv4({ source: PEER, destination: STACK, protocol: 1 }, message)
        return this.frame(ethernet(STACK_MAC, PEER_MAC, 0x0800, packet))
    }

    arp(): Command {
        const request = { operation: 1, senderMac: PEER_MAC, senderIp: PEER, targetIp: STACK }
        return this.frame(ethernet(broadcastMac, PEER_MAC, 0x0806, arp(request)))
    }

    /** A segment with `length` bytes of text, as a peer sends it whose last one was acknowledged. */
    segment(flags: string, length = 0, extra: string[] = []): Command {
        const between = { source: PEER, destination: STACK }
        const stamps = `TS val ${(this.time.now + CLOCK) >>> 0} ecr ${this.stamp >>> 0}`
        const syn = flags.includes("S")
        const own = this.stamps ? (syn ? [stamps, "nop", "nop"] : ["nop", "nop", stamps]) : []
        const fields = {
            sourcePort: this.port,
            destinationPort: this.stackPort,
            seq: ISS + this.sent,
            ack: flags.includes(".") ? this.seq : 0,
            flags,
            window: 8192,
            options: optionBytes([...extra, ...own]),
        }
        this.sent += length + (syn ? 1 : 0)
        const segment = tcp(between, fields, new Uint8Array(length).fill(0x61))
        return this.frame(ethernet(STACK_MAC, PEER_MAC, 0x0800, ipv4({ ...between, protocol: 6 }, segment)))
    }

    /** Takes note of what the stack sent. */
    hears(frame: Uint8Array | undefined): TcpView {
        const view = frame === undefined ? undefined : dissect(frame)
        if (view?.kind !== "tcp") throw new Error("the stack sent no segment")
        const controls = (view.flags.syn ? 1 : 0) + (view.flags.fin ? 1 : 0)
        this.seq = (view.seq + view.payload.length + controls) >>> 0
        for (const option of view.options) if (option.kind === "timestamps") this.stamp = option.value
        return view
    }

    /** LISTEN, and the peer's address is known. */
    *listening(): Steps {
        yield this.call(CallKind.Listen, PORT, 4)
        yield this.arp()
        yield this.turn()
    }

    /** From LISTEN to a SYN-ACK that was sent. */
    *halfOpen(): Steps {
        const { frame } = yield this.segment("S", 0, ["mss 1460"])
        this.hears(frame)
    }

    /** From LISTEN to ESTABLISHED, and accepted; the id. */
    *established(): Steps<number> {
        yield* this.halfOpen()
        yield this.segment(".")
        return yield* this.accepted()
    }

    *accepted(): Steps<number> {
        // the listener was the first to get an id
        const { result } = yield this.call(CallKind.Accept, 1, 0)
        if (result <= 0) throw new Error("nothing to accept")
        return result
    }

    /** From LISTEN to TIME-WAIT. */
    *timeWait(): Steps {
        const id = yield* this.established()
        yield this.call(CallKind.Close, id, 0)
        const { frame } = yield this.turn()
        this.hears(frame)
        const { frame: last } = yield this.segment("F.")
        this.hears(last)
        yield this.turn()
    }

    /** The stack's program connects to this peer; its SYN is heard. */
    *synSent(): Steps {
        yield this.call(CallKind.Connect, ip(PEER), this.port, this.stackPort)
        const { frame } = yield this.turn()
        this.hears(frame)
    }
}

/** The most operations that may be burnt behind the measured step of `steps`, to a turn of the burning loop. */
async function spare(config: Record<string, number>, steps: () => Steps): Promise<number> {
    let low = 0
    let high = Math.floor(LIMIT / TURN) + 1
    if (!(await survives(config, steps(), 0))) throw new Error("it takes more than the limit itself")
    while (high - low > 1) {
        const middle = (low + high) >> 1
        if (await survives(config, steps(), middle)) low = middle
        else high = middle
    }
    return low * TURN
}

async function survives(config: Record<string, number>, steps: Steps, nines: number): Promise<boolean> {
    let counted = false
    function* script(): Script {
        let next = steps.next()
        while (!next.done) {
            const { measured: isMeasured, ...command } = next.value
            counted ||= isMeasured === true
            const outcome = yield isMeasured ? { ...command, bound: LIMIT - nines * TURN } : command
            next = steps.next(outcome)
        }
    }
    try {
        await runOnVm({ config, secret: new Uint8Array(16) }, script())
    } catch (error) {
        if (/endless loop/.test((error as Error).message) && counted) return false
        throw error
    }
    if (!counted) throw new Error("no step is measured")
    return true
}

/** Operations of the measured step of `steps` on a stack with this configuration, to 9 of them. */
export async function operationsOf(config: Record<string, number>, steps: () => Steps): Promise<number> {
    const nothing = await spare(config, function* (): Steps {
        yield measured({ kind: NOTHING, code: 0, more: false, now: 0, a: 0, b: 0, c: 0, bytes: none })
    })
    return nothing - (await spare(config, steps))
}
