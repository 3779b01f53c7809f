// A timer that runs something at the earliest of all times asked for since it ran last.

import type { Clock, Timer } from "./clock"

export class Wake {
    private timer: Timer | undefined
    /** When the timer is due. */
    private due = Number.POSITIVE_INFINITY

    constructor(
        private readonly clock: Clock,
        private readonly run: () => void
    ) {}

    /** Has it run at `when` (ms of the clock) at the latest. */
    at(when: number): void {
        if (when >= this.due) return
        this.timer?.cancel()
        this.due = when
        this.timer = this.clock.at(when, () => {
            this.due = Number.POSITIVE_INFINITY
            this.run()
        })
    }

    /** It does not run any more for what was asked. */
    cancel(): void {
        this.timer?.cancel()
    }
}
