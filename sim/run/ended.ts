// The end of a run, with an exit code and a message for standard error.

/** Thrown when the run has ended. The message goes to standard error, unless it is empty; `code` is the process's exit code. */
export class Ended extends Error {
    constructor(
        readonly code: number,
        message = ""
    ) {
        super(message)
    }
}

/** Returns the end of the run that an error causes. */
export function endedBy(error: unknown): Ended {
    if (error instanceof Ended) return error
    return new Ended(1, error instanceof Error ? error.message : String(error))
}
