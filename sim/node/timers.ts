// Node runtime: DeviceScript's setTimeout and setInterval. Every callback runs in a fiber of its own.

import { Fiber, millis, sleep } from "./fiber"

type Callback = () => void | Promise<void>

let ids = 0
const active = new Set<number>()

/** Calls `callback` after `ms` (at least 1). */
export function setTimeout(callback: Callback, ms: number): number {
    const id = ++ids
    active.add(id)
    Fiber.start(async () => {
        await sleep(atLeastOne(ms))
        if (active.delete(id)) await callback()
    })
    return id
}

/** Calls `callback` every `ms` (at least 1); a call that takes longer delays the next one. */
export function setInterval(callback: Callback, ms: number): number {
    const id = ++ids
    const period = atLeastOne(ms)
    active.add(id)
    let due = millis() + period
    Fiber.start(async () => {
        while (true) {
            await sleep(Math.max(0, due - millis()))
            if (!active.has(id)) return
            await callback()
            due = Math.max(millis(), due + period)
        }
    })
    return id
}

/** Cancels a timeout. */
export function clearTimeout(id: number): void {
    active.delete(id)
}

/** Ends an interval. */
export function clearInterval(id: number): void {
    active.delete(id)
}

function atLeastOne(ms: number): number {
    return ms >= 1 ? Math.trunc(ms) : 1
}
