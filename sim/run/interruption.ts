/** A signal that ends a run. The signal may arrive before the run can be ended. */
export class Interruption {
    /** True when the signal has arrived. */
    happened = false
    private act: (() => void) | undefined

    happen(): void {
        this.happened = true
        this.act?.()
    }

    /** Runs `act` when the signal arrives, or now if it has arrived. */
    whenever(act: () => void): void {
        this.act = act
        if (this.happened) act()
    }
}
