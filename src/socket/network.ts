// The fiber that ties a driver to the stack.

import * as ds from "@devicescript/core"
import { power } from "../mac/idle"
import type { Mac } from "../mac/mac"
import { receive } from "../net/receive"
import type { Stack } from "../net/stack"
import { deadline, transmit } from "../net/transmit"

/** Something that is given a turn whenever connections may have changed. */
export interface Worker {
    /** Does what can be done without waiting. */
    work(now: number): void
}

const enum Wait {
    /** Longest time between two looks at everything, ms. */
    Longest = 1000,
}

/** A stack and the driver it sends and receives by. */
export class Network {
    constructor(
        readonly stack: Stack,
        readonly mac: Mac,
        readonly worker: Worker
    ) {}

    /** Starts the driver, then the fiber. Throws what the driver's start throws; it may be called again then. */
    async start(): Promise<void> {
        await this.mac.start()
        run.start(this)
    }

    /** Tells the fiber that a program has given the stack something to do. */
    poke(): void {
        power.wake()
    }
}

/** Moves frames between driver and stack until the end of days. */
async function run(network: Network): Promise<void> {
    const { stack, mac, worker } = network
    for (;;) {
        const length = await mac.receive(stack.rx)
        // the clock stands still between two awaits: one reading serves the frame and all it leads to
        const now = ds.millis() | 0
        if (length > 0) receive(stack, length, now)
        worker.work(now)
        let busy = length > 0
        for (;;) {
            const out = transmit(stack, now)
            if (out === 0) break
            await mac.send(stack.tx, out)
            busy = true
        }
        if (busy) continue
        const wait = deadline(stack, now)
        await mac.rest(wait < Wait.Longest ? wait : Wait.Longest)
    }
}
