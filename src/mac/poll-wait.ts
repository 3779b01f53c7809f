// The wait of a driver between two polls of its chip, which a board or a host can replace.

interface Power {
    idle(ms: number): Promise<void>
    woken: boolean
    wake(): void
    /** True when a host has set its own `idle` and `wake`, which a board leaves as they are. */
    hosted?: boolean
}

/**
 * On the RP2040 `idle` does nothing: polling the chip over SPI keeps the firmware's timer alive. A board on which all fibers sleep can
 * freeze permanently; while the driver's fiber polls, the others may sleep. A board that can sleep, or the host simulator, sets its own
 * `idle` and `wake`.
 */
export const power: Power = {
    /** Waits at most `ms` milliseconds, less when a frame may have arrived. */
    idle: async (_ms: number): Promise<void> => {},
    /** True when a wait has to end, because a program has given the stack something to do. The driver that waits clears it. */
    woken: false,
    /** Ends the current wait, or the next one. */
    wake: (): void => {
        power.woken = true
    },
}
