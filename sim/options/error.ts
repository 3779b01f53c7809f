// The error for a wrong option on a command line.

/** Thrown for a wrong option: the message is one line that says what is wrong and what is possible. The exit code is 2. */
export class OptionError extends Error {
    override name = "OptionError"

    constructor(message: string) {
        super(printable(message))
    }
}

/**
 * Replaces every character but printable ASCII with `?`: a message quotes what the user wrote, but without control characters.
 */
function printable(text: string): string {
    return text.replaceAll(/[^\x20-\x7e]/g, "?")
}
