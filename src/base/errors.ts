// The errors that programs receive: a `code` to decide by, and a sentence that says what happened and what to do.

/** An Error whose message is `WHAT: CODE, SENTENCE`. docs/errors.md has the table of all codes and sentences. */
export interface NetError extends Error {
    /** The code to decide by, such as "ECONNREFUSED". */
    code: string
}

/** The sentences by code. A single string stays in flash. */
const sentences =
    "|ECONNREFUSED, nobody listens on that port: start the server, or look at the port's number" +
    "|ECONNRESET, the peer reset the connection: connect again" +
    "|ETIMEDOUT, the other host does not answer: is it on, and connected?" +
    "|EHOSTUNREACH, there is no route to the host: check its address and the router" +
    "|EACCES, a firewall prohibits the connection: ask for another port, or for a rule" +
    "|ECONNABORTED, this side ended the connection: connect again" +
    "|ENOBUFS, all records or buffers are in use: close a connection, or configure more" +
    "|EADDRINUSE, the port is in use: close the socket that has it, or choose another" +
    "|ENOTCONN, the socket was closed here, or is not open yet" +
    "|EPIPE, no data can be sent after a shutdown" +
    "|EINVAL, the address or port is not valid, or the data does not fit a frame" +
    "|EOF, the peer sends no more data" +
    "|ENOTFOUND, the name does not exist: check its spelling" +
    "|EAI_AGAIN, no answer for the name: try again later" +
    "|ENETDOWN, there is no link: is the cable in?" +
    "|EADDRNOTAVAIL, this host has no address yet: does a DHCP server answer?|"

/** Returns `why` with the sentence of its code, `CODE, SENTENCE`. A `why` that has a sentence already is returned as it is. */
export function withSentence(why: string): string {
    const at = sentences.indexOf(`|${why},`) + 1
    return at > 0 ? sentences.slice(at, sentences.indexOf("|", at)) : why
}

/** Returns the error of `what`, such as "udp 53: "; `why` is a code, or a code, a comma and a sentence. */
export function netError(what: string, why: string): NetError {
    return withCode(new Error(what + withSentence(why)), why)
}

/** Sets the code of an error to the one that `why` begins with, and returns the error. */
export function withCode(error: Error, why: string): NetError {
    const it = error as NetError
    it.code = why.slice(0, `${why},`.indexOf(","))
    return it
}

/**
 * Returns the text to print for a value that a program threw. The value may not be an Error; when a program throws undefined, the
 * VM creates an Error with these words.
 */
export function errorText(error: unknown): string {
    return error instanceof Error ? error.message : error ? `${error}` : "throwing null/undefined"
}
