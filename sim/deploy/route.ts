// The ways to a board: a serial port, or a TCP socket as DeviceScript's devtools and the simulator offer it.

import type { Transport } from "jacdac-ts"
import { SIMULATOR_PORT } from "../device/jacdac"
import { OptionError } from "../options/error"

/** The way to the board: a serial port, undefined for the only board on USB, or a TCP socket. */
export type Route = { kind: "serial"; path: string | undefined } | { kind: "tcp"; host: string; port: number }

/** The address on which DeviceScript's devtools listen. */
export const DEVTOOLS = { kind: "tcp", host: "127.0.0.1", port: 8082 } as const
/** The address on which the simulator listens with `--jacdac 8085`. */
export const SIMULATOR = { kind: "tcp", host: "127.0.0.1", port: SIMULATOR_PORT } as const

/** Reads the value of --port. Throws an OptionError. */
export function parseRoute(text: string): Route {
    if (text === "devtools") return DEVTOOLS
    if (!text.includes("://")) return { kind: "serial", path: text }
    const [, host, digits] = /^tcp:\/\/([\w.-]+|\[[\da-fA-F:]+\]):(\d{1,5})$/.exec(text) ?? []
    const port = Number(digits)
    if (host === undefined || port < 1 || port > 65_535) {
        throw new OptionError(`${text} is not valid; use a serial port, devtools or tcp://HOST:PORT`)
    }
    return { kind: "tcp", host: host.replaceAll(/[[\]]/g, ""), port }
}

/** Reads the value of --device: a board's number, the end of it, or its short name. Throws an OptionError. */
export function parseDevice(text: string): string {
    if (/^([0-9a-fA-F]{1,16}|[A-Z]{2}\d{2})$/.test(text)) return text
    throw new OptionError(
        `${text} is neither a board's hexadecimal number nor its short name; write one as AB12`
    )
}

const SECONDS = { least: 1, most: 600 }

/** Reads the value of --timeout. Throws an OptionError. */
export function parseSeconds(text: string): number {
    const { least, most } = SECONDS
    const value = Number(text)
    if (/^\d{1,3}$/.test(text) && value >= least && value <= most) return value
    throw new OptionError(`${text} is not a whole number of seconds from ${least} to ${most}`)
}

/**
 * Returns the transport to a board. With `endsWithPort` it disconnects when a serial port closes; otherwise it tries to open the port
 * again. Throws a DeployError that says what to do if there is no way to a board.
 */
export async function transportFor(route: Route, endsWithPort = false): Promise<Transport> {
    if (route.kind === "tcp") {
        const { SocketTransport } = await import("./socket")
        return new SocketTransport(route.host, route.port)
    }
    const { choosePort, loadSerialPorts, portsOf, serialTransport } = await import("./serial")
    const serialPorts = await loadSerialPorts()
    const port = choosePort(await portsOf(serialPorts, route.path), route.path)
    return serialTransport(serialPorts, port, endsWithPort)
}
