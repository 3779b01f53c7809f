// The fiber that ties a driver to the stack.

import * as ds from "@devicescript/core"
import type { Mac } from "../mac/mac"
import { power } from "../mac/power"
import { receive } from "../net/receive"
import type { Stack } from "../net/stack"
import { deadline, transmit } from "../net/transmit"

/** Something that is given a turn whenever connections, or the link, may have changed. */
export interface Worker {
    /** Does what can be done without waiting. */
    work(now: number): void
}

/** Milliseconds. */
const enum Time {
    /** Longest time between two looks at everything. */
    Longest = 1000,
    /** Between attempts to start a driver whose chip does not answer. */
    Retry = 5000,
    /** Where the driver's wait came back at once more often than this, as if it did not wait. */
    Still = 64,
    Slice = 10,
}

/** A stack and the driver it sends and receives by. */
export class Network {
    /** The worker is to have a turn though nothing came in. */
    stirred = true

    constructor(
        readonly stack: Stack,
        readonly mac: Mac,
        readonly worker: Worker
    ) {}

    /** Starts the driver, and then the fiber. When it does not start, it says why (level error), and gives false. */
    async start(): Promise<boolean> {
        try {
            await this.mac.start()
        } catch (error) {
            console.error(`${(error as Error).message}; tried again every ${Math.idiv(Time.Retry, 1000)} s`)
            return false
        }
        run.start(this)
        return true
    }

    /** Tries again, every 5 seconds, until the driver starts. */
    async startAgain(): Promise<void> {
        let started = false
        while (!started) {
            await this.pause(Time.Retry)
            started = await this.start()
        }
    }

    /** Waits for `ms`. The driver does, as it knows how to keep this board awake. */
    private async pause(ms: number): Promise<void> {
        const until = ds.millis() + ms
        let still = 0
        for (;;) {
            const before = ds.millis()
            if (before >= until) return
            await this.mac.rest(until - before)
            // one that was woken comes back at once, and waits the next time: a sleep here could be a board's last
            if (ds.millis() === before && ++still > Time.Still) await ds.sleep(Time.Slice)
        }
    }

    /** Tells the fiber that a program has given the stack, or the worker, something to do. */
    poke(): void {
        this.stirred = true
        power.wake()
    }
}

/** A fiber was let go on. */
let woken = false

/** Moves frames between driver and stack until the end of days. */
async function run(network: Network): Promise<void> {
    const { stack, mac, worker } = network
    let link = false
    let held = false
    for (;;) {
        const length = await mac.receive(stack.rx)
        // the clock stands still between two awaits: one reading serves the frame and all it leads to
        const now = ds.millis() | 0
        if (length > 0) receive(stack, length, now)
        if (length > 0 || network.stirred || mac.linkUp !== link) {
            link = mac.linkUp
            network.stirred = false
            worker.work(now)
        }
        // a timer may end a connection without a frame: whoever waits for it is to hear of that
        let busy = stack.timerArmed && ((stack.nextTimer - now) | 0) <= 0
        if (busy) network.stirred = true
        if (length > 0) busy = true
        // Who was woken has a turn first, during one look at the chip: what it reads, and answers, goes with the acknowledgment
        held = woken && !held && stack.dirty && stack.frameLength === 0 && stack.replyLength === 0
        woken = false
        if (held) continue
        for (;;) {
            const out = transmit(stack, now)
            if (out === 0) break
            await mac.send(stack.tx, out)
            busy = true
        }
        if (busy) continue
        const wait = deadline(stack, now)
        await mac.rest(Math.min(wait, Time.Longest))
        // workers have deadlines of their own
        network.stirred = true
    }
}

/** Lets a fiber go on. False when there is none any more: it was terminated while it waited. */
export function resumed(fiber: ds.Fiber): boolean {
    try {
        fiber.resume(true)
        woken = true
        return true
    } catch {
        return false
    }
}
