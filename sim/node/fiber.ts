// Node runtime: fibers with the VM's rules. One fiber runs at a time, until it sleeps or suspends; the fiber with the earliest
// wake time runs next.

import { environment, scheduler } from "./environment"

/** Thrown by a fiber that ends itself, to leave its functions. */
const terminated = new Error("fiber terminated")

/** A thread of the program. */
export class Fiber {
    /** The fibers that wait. */
    static readonly waiting = new Set<Fiber>()
    /** The fiber that runs; undefined for code outside of all fibers. */
    static current: Fiber | undefined
    private static ids = 0

    readonly id = ++Fiber.ids
    /** True while the fiber waits in `suspend`, so that `resume` can wake it. */
    suspended = false
    /** The time at which the fiber runs again, in ms of `millis`. */
    wakeAt = Number.POSITIVE_INFINITY
    private value: unknown
    private continue: ((value: unknown) => void) | undefined

    /** Returns the fiber that runs. Throws outside of all fibers. */
    static self(): Fiber {
        if (Fiber.current === undefined) throw new Error("no fiber runs: start the code as a fiber")
        return Fiber.current
    }

    /** Starts a function as a fiber, which runs as soon as the running fiber waits. */
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

    /** Wakes the fiber from `suspend`, which returns `value`. Throws a RangeError when the fiber does not wait in `suspend`. */
    resume(value?: unknown): void {
        if (!this.suspended) throw new RangeError("fiber not suspended")
        this.value = value
        this.wakeAt = Number.NEGATIVE_INFINITY
        if (Fiber.current === undefined) environment.changed()
    }

    /** Ends the fiber, even the running one. */
    terminate(): void {
        Fiber.waiting.delete(this)
        this.continue = undefined
        if (Fiber.current === this) throw terminated
    }

    /** Makes the fiber wait for `ms`, and then calls `next` with the value of `resume`, or undefined after the time. */
    wait(ms: number, suspended: boolean, next: (value: unknown) => void): void {
        this.suspended = suspended
        this.wakeAt = ms === Number.POSITIVE_INFINITY ? ms : millis() + ms
        this.continue = next
        Fiber.waiting.add(this)
        if (Fiber.current === undefined) environment.changed()
    }

    /** Runs the fiber to its next wait. The caller has to let its promises run before it runs another fiber. */
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

/** Returns the milliseconds since the program's start. The time does not advance while a fiber runs. */
export function millis(): number {
    return time ?? Math.floor(environment.now())
}

/** Waits for `ms` milliseconds; a fraction is dropped. */
export function sleep(ms: number): Promise<void> {
    return park<undefined>(ms, false)
}

/** Waits until another fiber resumes this one and returns the value of `resume`; undefined after `ms` milliseconds. */
export function suspend<T>(ms?: number): Promise<T | undefined> {
    return park<T>(ms, true)
}

function park<T>(ms: number | undefined, suspended: boolean): Promise<T | undefined> {
    const wait = ms === undefined || ms === null || ms > 0xffff_ffff ? Number.POSITIVE_INFINITY : ms
    // code outside of all fibers (such as a test) gets a fiber for the wait
    const fiber = Fiber.current ?? new Fiber()
    return new Promise(resolve => fiber.wait(Math.max(0, Math.trunc(wait)), suspended, v => resolve(v as T)))
}

/** Runs the fiber that is due first; returns false if no fiber is due. Its promises have to run before the next call. */
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
