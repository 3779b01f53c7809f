// Decides which requests the dashboard answers. Another page in the user's browser can send requests to this computer, too: it must
// neither read nor drive the simulator.

import type { IncomingHttpHeaders } from "node:http"

/** A refusal: a status of HTTP and one sentence. */
export interface Refusal {
    readonly status: number
    readonly text: string
}

const LOCAL = ["127.0.0.1", "localhost", "[::1]"]

/**
 * Returns why a request is refused; undefined for one of the dashboard's own page, or of a program of this computer.
 *
 * - The Host has to be this computer: with a name that leads here (DNS rebinding) a foreign page has the same origin as itself.
 * - Origin and Sec-Fetch-Site, which pages cannot forge, have to be the dashboard's own; a program sends none.
 * - A command is JSON by its type: no form of another page can send that without asking first, and no question is answered.
 */
export function refusal(
    method: string,
    headers: IncomingHttpHeaders,
    port: number,
    isPage: boolean
): Refusal | undefined {
    const { host = "", origin } = headers
    if (!LOCAL.some(name => host.toLowerCase() === `${name}:${port}` || (port === 80 && host === name)))
        return { status: 421, text: `This is the dashboard of 127.0.0.1:${port}, not of another host.` }
    const site = headers["sec-fetch-site"]
    const isOwn = origin === undefined || origin.toLowerCase() === `http://${host.toLowerCase()}`
    // a link on another page may lead to the page itself
    const isLink = isPage && method === "GET" && headers["sec-fetch-mode"] === "navigate"
    const isForeign = site !== undefined && site !== "same-origin" && site !== "none" && !isLink
    if (!isOwn || isForeign) return { status: 403, text: "Another page cannot use the dashboard." }
    if (method === "POST" && !/^application\/json(;|$)/i.test(headers["content-type"] ?? ""))
        return { status: 415, text: "Send JSON (Content-Type: application/json)." }
    return undefined
}
