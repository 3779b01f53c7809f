// What the user asked for cannot be done as written: one line that says which part and what is possible.

/** A bad command line option; the message is one line for the user, and the program ends with exit code 2. */
export class OptionError extends Error {
    override name = "OptionError"
}
