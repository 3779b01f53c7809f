/**
 * What a driver does between two looks at a chip that has nothing for it.
 *
 * On the RP2040 nothing: asking the chip again over SPI is what keeps the firmware's timer alive. A board whose fibers all sleep
 * can freeze for good; while this one goes on, others may sleep as they like. A board that sleeps well, or the host simulator, puts
 * its own wait here.
 */
export const power = {
    /** Waits at most `ms` milliseconds, less when a frame may have come. */
    idle: async (_ms: number): Promise<void> => {},
    /** A wait is to end: a program has given the stack something to do. Whoever waits clears it. */
    woken: false,
    /** Ends the wait that is under way, or the next one. */
    wake: (): void => {
        power.woken = true
    },
}
