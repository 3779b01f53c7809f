// A timer for one task, which runs at the earliest of all times requested since its last run.

import type { Clock, Timer } from "./clock"

export class Wake {
    private timer: Timer | undefined
    /** The time at which the timer is due. */
    private due = Number.POSITIVE_INFINITY

    constructor(
        private readonly clock: Clock,
        private readonly run: () => void
    ) {}

    /** Schedules the task for `when` (ms of the clock), unless it is scheduled for an earlier time. */
    at(when: number): void {
        if (when >= this.due) return
        this.timer?.cancel()
        this.due = when
        this.timer = this.clock.at(when, () => {
            this.due = Number.POSITIVE_INFINITY
            this.run()
        })
    }

    /** Cancels the scheduled run. */
    cancel(): void {
        this.timer?.cancel()
    }
}
