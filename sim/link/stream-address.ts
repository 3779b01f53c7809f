// Reads the address of a stream link: `stream:HOST:PORT`, `stream:[IPV6]:PORT` or `stream:unix:PATH`.
import { OptionError } from "../options/error"

/** The address in the form that `net.connect` expects. */
export type StreamAddress = { host: string; port: number } | { path: string }

/** The longest path of a UNIX socket on Linux. Some systems cut longer ones off without an error. */
const MAX_PATH_BYTES = 107

/** Reads the address. Throws an OptionError of one line that says what is wrong. */
export function parseStreamAddress(text: string): StreamAddress {
    const rest = text.startsWith("stream:") ? text.slice("stream:".length) : undefined
    if (rest === undefined) throw bad(text, "the address does not begin with stream:")
    if (rest.startsWith("unix:")) return { path: socketPath(text, rest.slice("unix:".length)) }
    const colon = rest.lastIndexOf(":")
    const host = rest.slice(0, Math.max(colon, 0))
    const port = rest.slice(colon + 1)
    if (colon < 0) throw bad(text, "the port is missing")
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
        throw bad(text, `${JSON.stringify(port)} is not a port from 1 to 65535`)
    }
    const bracketed = /^\[(.+)\]$/.exec(host)?.[1]
    if (bracketed === undefined && /[:[\]]/.test(host))
        throw bad(text, "an IPv6 address has to be in brackets")
    if (host === "") throw bad(text, "the host is missing")
    return { host: bracketed ?? host, port: Number(port) }
}

function socketPath(text: string, path: string): string {
    if (path === "") throw bad(text, "the path is missing")
    if (path.includes("\0")) throw bad(text, "the path contains a zero byte")
    const bytes = Buffer.byteLength(path)
    if (bytes > MAX_PATH_BYTES) {
        throw bad(text, `the path has ${bytes} bytes; that of a UNIX socket has at most ${MAX_PATH_BYTES}`)
    }
    return path
}

function bad(text: string, why: string): OptionError {
    return new OptionError(
        `link ${text}: ${why}; write stream:HOST:PORT, stream:[IPV6]:PORT or stream:unix:PATH`
    )
}
