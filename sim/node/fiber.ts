// Fibers as the VM has them: one runs at a time, until it sleeps or suspends; who wakes first runs first.

import { environment, scheduler } from "./environment"

/** Thrown in a fiber that ends itself, to leave its functions. */
const terminated = new Error("fiber terminated")

/** A thread of the program. */
export class Fiber {
    /** Fibers that wait. */
    static readonly waiting = new Set<Fiber>()
    static current: Fiber | undefined
    private static ids = 0

    readonly id = ++Fiber.ids
    /** True while it waits in `suspend`, so that `resume` may wake it. */
    suspended = false
    /** When it runs again, in ms of `millis`. */
    wakeAt = Number.POSITIVE_INFINITY
    private value: unknown
    private continue: ((value: unknown) => void) | undefined

    /** The fiber that runs. */
    static self(): Fiber {
        if (Fiber.current === undefined) throw new Error("no fiber runs: start the code as a fiber")
        return Fiber.current
    }

    /** Makes a fiber of a function; it runs as soon as the running one waits. */
    static start(body: () => unknown): Fiber {
        const fiber = new Fiber()
        fiber.wait(0, false, async () => {
            try {
                await body()
            } catch (error) {
                if (error !== terminated) environment.panic(error)
            }
        })
        return fiber
    }

    /** Wakes the fiber from `suspend`, which returns the value. Throws a RangeError when it does not wait there. */
    resume(value?: unknown): void {
        if (!this.suspended) throw new RangeError("fiber not suspended")
        this.value = value
        this.wakeAt = Number.NEGATIVE_INFINITY
        if (Fiber.current === undefined) environment.changed()
    }

    /** Ends the fiber, which may be the running one. */
    terminate(): void {
        Fiber.waiting.delete(this)
        this.continue = undefined
        if (Fiber.current === this) throw terminated
    }

    /** Parks the fiber for `ms`; `next` is called with what it was resumed with, undefined when the time was over. */
    wait(ms: number, suspended: boolean, next: (value: unknown) => void): void {
        this.suspended = suspended
        this.wakeAt = ms === Number.POSITIVE_INFINITY ? ms : millis() + ms
        this.continue = next
        Fiber.waiting.add(this)
        if (Fiber.current === undefined) environment.changed()
    }

    /** Runs it up to its next wait (the rest of the way goes by promises, which the caller lets run dry). */
    run(): void {
        const { continue: next, value } = this
        this.suspended = false
        this.value = undefined
        this.continue = undefined
        Fiber.waiting.delete(this)
        Fiber.current = this
        next?.(value)
    }
}

let time: number | undefined

/** Milliseconds since the program's start. It stands still while a fiber runs. */
export function millis(): number {
    return time ?? Math.floor(environment.now())
}

/** Waits for that many milliseconds (whole ones count). */
export function sleep(ms: number): Promise<void> {
    return park<undefined>(ms, false)
}

/** Waits until another fiber resumes this one and gives its value; undefined when the time is over. */
export function suspend<T>(ms?: number): Promise<T | undefined> {
    return park<T>(ms, true)
}

function park<T>(ms: number | undefined, suspended: boolean): Promise<T | undefined> {
    const wait = ms === undefined || ms === null || ms > 0xffff_ffff ? Number.POSITIVE_INFINITY : ms
    // code outside of all fibers (a test) gets one for the wait
    const fiber = Fiber.current ?? new Fiber()
    return new Promise(resolve => fiber.wait(Math.max(0, Math.trunc(wait)), suspended, v => resolve(v as T)))
}

/** Runs the fiber that is due first, if any; its promises have to run dry before the next call. */
scheduler.step = () => {
    Fiber.current = undefined
    time = Math.floor(environment.now())
    let first: Fiber | undefined
    for (const fiber of Fiber.waiting) {
        if (fiber.wakeAt <= time && (first === undefined || precedes(fiber, first))) first = fiber
    }
    if (first === undefined) {
        time = undefined
        return false
    }
    first.run()
    return true
}

function precedes(a: Fiber, b: Fiber): boolean {
    return a.wakeAt < b.wakeAt || (a.wakeAt === b.wakeAt && a.id < b.id)
}

scheduler.next = () => {
    let next = Number.POSITIVE_INFINITY
    for (const fiber of Fiber.waiting) next = Math.min(next, fiber.wakeAt)
    return next
}
