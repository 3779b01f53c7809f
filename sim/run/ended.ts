// How a run ends.

/** The run is over: what to say about it on standard error, if anything, and the process's exit code. */
export class Ended extends Error {
    constructor(
        readonly code: number,
        message = ""
    ) {
        super(message)
    }
}

/** The end of a run that an error means. */
export function endedBy(error: unknown): Ended {
    if (error instanceof Ended) return error
    return new Ended(1, error instanceof Error ? error.message : String(error))
}
