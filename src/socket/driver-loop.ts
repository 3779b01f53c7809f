// The fiber that moves frames between a driver and the stack.

import * as ds from "@devicescript/core"
import type { Mac } from "../mac/mac"
import { power } from "../mac/poll-wait"
import { receive } from "../net/receive"
import type { Stack } from "../net/stack"
import { deadline, transmit } from "../net/transmit"

/** A part of the program that is called whenever a connection or the link may have changed. */
export interface Worker {
    /** Does what can be done without waiting. */
    work(now: number): void
}

/** Milliseconds. */
const enum Time {
    /** Longest wait before the workers are called again. */
    Longest = 1000,
    /** Between attempts to start a driver whose chip does not answer. */
    Retry = 5000,
    /** After this many waits that returned at once the loop sleeps for `Slice`, because the driver does not wait. */
    Still = 64,
    Slice = 10,
}

/** A stack and the driver through which it sends and receives. */
export class Network {
    /** True when the worker has to be called although no frame arrived. */
    stirred = true

    constructor(
        readonly stack: Stack,
        readonly mac: Mac,
        readonly worker: Worker
    ) {}

    /** Starts the driver, then the fiber. When the driver does not start, prints why (level error) and returns false. */
    async start(): Promise<boolean> {
        try {
            await this.mac.start()
        } catch (error) {
            // a driver may answer again before `startAgain` calls, so no time is named
            console.error(`${(error as Error).message}; trying again`)
            return false
        }
        run.start(this)
        return true
    }

    /** Tries every 5 seconds until the driver starts. */
    async startAgain(): Promise<void> {
        let started = false
        while (!started) {
            await this.pause(Time.Retry)
            started = await this.start()
        }
    }

    /** Waits for `ms` milliseconds, or until the link changes, in the driver, which keeps this board awake. */
    private async pause(ms: number): Promise<void> {
        const until = ds.millis() + ms
        const link = this.mac.linkUp
        let still = 0
        for (;;) {
            const before = ds.millis()
            if (before >= until || this.mac.linkUp !== link) return
            await this.mac.rest(until - before)
            // a driver that was woken returns at once and waits on the next call: a sleep here could freeze the board permanently
            if (ds.millis() === before && ++still > Time.Still) await ds.sleep(Time.Slice)
        }
    }

    /** Wakes the fiber, because a program has given the stack or the worker something to do. */
    poke(): void {
        this.stirred = true
        power.wake()
    }
}

/** True when a fiber was resumed since the last turn of the loop. */
let woken = false

/** Moves frames between the driver and the stack, forever. */
async function run(network: Network): Promise<void> {
    const { stack, mac, worker } = network
    let link = false
    let held = false
    for (;;) {
        const length = await mac.receive(stack.rx)
        // the clock does not advance between two awaits, so one reading serves the frame and all its consequences
        let now = ds.millis() | 0
        if (length > 0) receive(stack, length, now)
        if (length > 0 || network.stirred || mac.linkUp !== link) {
            link = mac.linkUp
            network.stirred = false
            worker.work(now)
        }
        // a timer may end a connection without a frame, which the workers have to see
        let busy = stack.timerArmed && ((stack.nextTimer - now) | 0) <= 0
        if (busy) network.stirred = true
        if (length > 0) busy = true
        // A resumed fiber runs first, while the driver reads the next frame or does what it owes the chip: what the fiber reads and
        // answers then goes out with the ACK
        const first = woken && stack.frameLength === 0 && stack.replyLength === 0
        woken = false
        held = first && !held && stack.dirty
        if (held) continue
        if (first) {
            await mac.rest(0)
            now = ds.millis() | 0
        }
        for (;;) {
            const out = transmit(stack, now)
            if (out === 0) break
            await mac.send(stack.tx, out)
            busy = true
        }
        // a resumed fiber may have stirred the loop
        if (busy || network.stirred) continue
        const wait = deadline(stack, now)
        await mac.rest(Math.min(wait, Time.Longest))
        // workers have deadlines of their own
        network.stirred = true
    }
}

/** Resumes a fiber. Returns false when the fiber no longer exists because it was terminated while it waited. */
export function resumed(fiber: ds.Fiber): boolean {
    try {
        fiber.resume(true)
        woken = true
        return true
    } catch {
        return false
    }
}
