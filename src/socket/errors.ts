// What a program is told when something fails: a `code` to decide by, and a sentence that says what happened and what to do.

import { ipv4Text } from "../net/address"
import { findNeighbour, nextHop } from "../net/arp"
import { Neighbour, NeighbourState } from "../net/records"
import type { Stack } from "../net/stack"
import { errorName, TcpError } from "../tcp/records"

/** An Error `WHAT: CODE, SENTENCE`. docs/programs.md has a table of the codes. */
export interface NetError extends Error {
    code: string
}

/** One text, as that stays in flash. */
const sentences =
    "|ECONNREFUSED, nobody listens on that port: start the server, or look at the port's number" +
    "|ECONNRESET, the other end broke the connection off: connect again" +
    "|ETIMEDOUT, the other end does not answer: is it on, and still there?" +
    "|EHOSTUNREACH, there is no way to the host: look at its address and the router" +
    "|ECONNABORTED, this end broke the connection off" +
    "|ENOBUFS, all places are taken: close something, or configure more" +
    "|EADDRINUSE, the port is taken: close what has it, or take another" +
    "|ENOTCONN, there is no connection: it was closed here, or is yet to be opened" +
    "|EPIPE, nothing can be sent after a shutdown" +
    "|EINVAL, not an address or port to use, or more than a frame holds" +
    "|EOF, the other end sends no more" +
    "|ENOTFOUND, there is no such name: look at how it is written" +
    "|EAI_AGAIN, no name server answers: try again later" +
    "|ENETDOWN, there is no link: is the cable in?" +
    "|EADDRNOTAVAIL, there is no address yet: does a DHCP server answer?|"

/** Returns a code with its sentence, `CODE, SENTENCE`; what has a sentence already as it is. */
export function explained(why: string): string {
    const at = sentences.indexOf(`|${why},`) + 1
    return at > 0 ? sentences.slice(at, sentences.indexOf("|", at)) : why
}

/** Returns the error of `what`, such as "udp 53: "; `why` is a code, or a code, a comma and a sentence. */
export function netError(what: string, why: string): NetError {
    return coded(new Error(what + explained(why)), why)
}

/** Returns what to print of what a program threw: that need be no Error, and of undefined the VM makes one with these words. */
export function thrown(error: unknown): string {
    return error instanceof Error ? error.message : error ? `${error}` : "throwing null/undefined"
}

/** Gives an error the code that `why` begins with. */
export function coded(error: Error, why: string): NetError {
    const comma = why.indexOf(",")
    const it = error as NetError
    it.code = comma < 0 ? why : why.slice(0, comma)
    return it
}

/** Returns what became of a connection to `ip` that ended with `error`: for Unreachable, at which step of the way. */
export function whyNot(stack: Stack, error: TcpError, ip: number): string {
    if (error !== TcpError.Unreachable) return errorName(error)
    const hop = nextHop(stack, ip)
    if (hop === 0) return "EHOSTUNREACH, it is not on this network, and there is no router: set one"
    const n = findNeighbour(stack, hop)
    return n >= 0 && stack.neighbours.getAt(n + Neighbour.State, "u8") >= NeighbourState.Known
        ? "EHOSTUNREACH, a router says that there is no way to it"
        : `EHOSTUNREACH, ${ipv4Text(hop)} does not answer ARP: is it on, and on this network?`
}
