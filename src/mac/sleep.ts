// A driver's wait on boards whose fibers may all sleep: those of the ESP32 family.

import * as ds from "@devicescript/core"
import { type Mac, MacCounter } from "./mac"
import { power } from "./poll-wait"

const enum Quiet {
    /** Milliseconds without a frame after which the driver's fiber sleeps between two polls. */
    After = 100,
    /** The longest sleep. The firmware's main loop turns every 10 ms (main.c of devicescript-esp32), and ends a sleep then. */
    Longest = 10,
}

/**
 * Lets the fiber of a driver sleep between two polls of its chip once no frame has moved for 100 ms; until then it polls, because
 * a sleep can last 10 ms. A host with its own wait keeps it. Returns the driver.
 */
export function sleepWhenQuiet(mac: Mac): Mac {
    if (power.hosted) return mac
    const counters = mac.counters
    let moved = 0
    let movedAt = ds.millis() | 0
    let sleeping: ds.Fiber | undefined
    power.idle = async (ms: number): Promise<void> => {
        const frames =
            (counters.getAt(MacCounter.FramesIn, "i32") + counters.getAt(MacCounter.FramesOut, "i32")) | 0
        const now = ds.millis() | 0
        if (frames !== moved) {
            moved = frames
            movedAt = now
        }
        if (power.woken || ((now - movedAt) | 0) < Quiet.After) return
        sleeping = ds.Fiber.self()
        await ds.suspend(Math.min(ms, Quiet.Longest))
        sleeping = undefined
    }
    power.wake = (): void => {
        power.woken = true
        if (sleeping?.suspended) sleeping.resume(undefined)
    }
    return mac
}
