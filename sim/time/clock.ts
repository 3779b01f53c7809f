// The clocks of the simulator: virtual (a queue of events, run as fast as the machine can) or real.

/** A scheduled event. */
export interface Timer {
    cancel(): void
}

/** The clock of a simulated world: all of its times come from one. */
export interface Clock {
    readonly virtual: boolean
    /** Returns the milliseconds since the clock was created, with fractions. */
    now(): number
    /**
     * Runs `run` at `when` (in terms of `now`), or as soon as possible if that has passed. Events of one time run in the order of
     * scheduling.
     */
    at(when: number, run: () => void): Timer
    /** Returns the time of the next event, Infinity if no event is scheduled. A real clock always returns Infinity. */
    next(): number
    /**
     * Functions that a virtual clock awaits after every event, so that the promises that the event resolved run before the next
     * event.
     */
    readonly settle: Set<() => Promise<void>>
    /**
     * Lets time pass until a moment, or until a condition holds (checked after every event), but not beyond `limit`.
     * Rejects with the error that an event throws.
     */
    runUntil(until: number | (() => boolean), limit?: number): Promise<void>
}

interface Event {
    when: number
    order: number
    run: (() => void) | undefined
}

/** The events by time, then by order of scheduling: a binary heap. Cancelled events are skipped when they are first. */
class EventQueue {
    private readonly heap: Event[] = []
    private order = 0

    add(when: number, run: () => void): Event {
        const event: Event = { when, order: this.order++, run }
        const heap = this.heap
        let i = heap.push(event) - 1
        while (i > 0) {
            const parent = (i - 1) >> 1
            if (!earlier(event, heap[parent])) break
            heap[i] = heap[parent]
            i = parent
        }
        heap[i] = event
        return event
    }

    /** Returns the earliest event that is not cancelled. */
    first(): Event | undefined {
        while (this.heap.length > 0 && this.heap[0].run === undefined) this.removeFirst()
        return this.heap[0]
    }

    removeFirst(): void {
        const heap = this.heap
        const last = heap.pop()!
        if (heap.length === 0) return
        let i = 0
        while (true) {
            let child = 2 * i + 1
            if (child >= heap.length) break
            if (child + 1 < heap.length && earlier(heap[child + 1], heap[child])) child++
            if (!earlier(heap[child], last)) break
            heap[i] = heap[child]
            i = child
        }
        heap[i] = last
    }
}

function earlier(a: Event, b: Event): boolean {
    return a.when < b.when || (a.when === b.when && a.order < b.order)
}

function timer(event: Event, cancelled: () => void): Timer {
    return {
        cancel: () => {
            if (event.run === undefined) return
            event.run = undefined
            cancelled()
        },
    }
}

/** The number of events after which a virtual clock lets the process handle its sockets and signals. */
const EVENTS_PER_BREATH = 4096

/** A clock whose time jumps from event to event: an idle minute takes no time, and a run repeats exactly. */
export class VirtualClock implements Clock {
    readonly virtual = true
    readonly settle = new Set<() => Promise<void>>()
    private readonly queue = new EventQueue()
    private time = 0
    private events = 0

    now(): number {
        return this.time
    }

    at(when: number, run: () => void): Timer {
        const moment = Number.isNaN(when) ? this.time : Math.max(when, this.time)
        return timer(this.queue.add(moment, run), () => {})
    }

    next(): number {
        return this.queue.first()?.when ?? Number.POSITIVE_INFINITY
    }

    async runUntil(until: number | (() => boolean), limit = Number.POSITIVE_INFINITY): Promise<void> {
        const end = typeof until === "number" ? Math.min(until, limit) : limit
        const met = typeof until === "number" ? () => false : until
        while (!met()) {
            const event = this.queue.first()
            if (event === undefined || event.when > end) {
                if (end !== Number.POSITIVE_INFINITY) this.time = Math.max(this.time, end)
                return
            }
            this.queue.removeFirst()
            this.time = event.when
            const run = event.run!
            event.run = undefined
            run()
            for (const settled of this.settle) await settled()
            if (++this.events % EVENTS_PER_BREATH === 0) await breath()
        }
    }
}

/** The shortest wait for which the process sets a timer, which may end up to 1 ms late; shorter ones keep it busy, ms. */
const SHORTEST = 0.25

/** A clock of real time. */
export class RealClock implements Clock {
    readonly virtual = false
    readonly settle = new Set<() => Promise<void>>()
    private readonly queue = new EventQueue()
    private readonly start = performance.now()
    private readonly waiters = new Set<{ look: () => void; fail: (error: unknown) => void }>()
    private disarm: (() => void) | undefined
    private armedFor = Number.POSITIVE_INFINITY

    now(): number {
        return performance.now() - this.start
    }

    at(when: number, run: () => void): Timer {
        const event = this.queue.add(Number.isNaN(when) ? 0 : when, run)
        this.arm()
        return timer(event, () => this.arm())
    }

    next(): number {
        return Number.POSITIVE_INFINITY
    }

    runUntil(until: number | (() => boolean), limit = Number.POSITIVE_INFINITY): Promise<void> {
        const end = typeof until === "number" ? Math.min(until, limit) : limit
        const met = typeof until === "number" ? () => false : until
        return new Promise((resolve, reject) => {
            let poll: NodeJS.Timeout | undefined
            const done = () => {
                clearTimeout(poll)
                this.waiters.delete(waiter)
            }
            const fail = (error: unknown) => {
                done()
                reject(error)
            }
            const look = () => {
                try {
                    if (!met() && this.now() < end) return
                    done()
                    resolve()
                } catch (error) {
                    fail(error)
                }
            }
            const waiter = { look, fail }
            this.waiters.add(waiter)
            const again = () => {
                look()
                if (!this.waiters.has(waiter)) return
                // data on a socket may change the condition, too, so it is also checked between events
                const wait = typeof until === "number" ? Math.min(end - this.now(), 1000) : 2
                poll = setTimeout(again, Math.max(1, wait))
            }
            again()
        })
    }

    /** Sets a timer of the process for the first event. */
    private arm(): void {
        const when = this.queue.first()?.when ?? Number.POSITIVE_INFINITY
        if (this.disarm !== undefined && when === this.armedFor) return
        this.disarm?.()
        this.disarm = undefined
        this.armedFor = when
        if (when === Number.POSITIVE_INFINITY) return
        const wait = when - this.now()
        if (wait < SHORTEST) {
            // timers of the process have a resolution of 1 ms: what is shorter passes in turns of the event loop
            const immediate = setImmediate(() => this.wake())
            this.disarm = () => clearImmediate(immediate)
        } else {
            const ms = wait < 2 ? 1 : Math.ceil(wait)
            const timeout = setTimeout(() => this.wake(), Math.min(ms, 0x7fff_ffff))
            this.disarm = () => clearTimeout(timeout)
        }
    }

    private wake(): void {
        this.disarm = undefined
        const now = this.now()
        try {
            for (let event = this.queue.first(); event && event.when <= now; event = this.queue.first()) {
                this.queue.removeFirst()
                const run = event.run!
                event.run = undefined
                run()
            }
        } catch (error) {
            if (this.waiters.size === 0) throw error
            for (const waiter of [...this.waiters]) waiter.fail(error)
        } finally {
            this.arm()
        }
        for (const waiter of [...this.waiters]) waiter.look()
    }
}

/** Waits for one turn of the process's event loop, in which all resolved promises run. */
function breath(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve))
}
