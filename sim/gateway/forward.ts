// What --forward takes: a port of the host, and the device's port behind it.

import { isIPv4 } from "node:net"
import { decimalNumber } from "../options-address"
import { OptionError } from "../options-error"
import type { Forward } from "./incoming"
import { LOOPBACK } from "./outgoing"

const FORM = "[HOSTADDR:]HOSTPORT:DEVICEPORT, as 8080:80"

/** Reads [HOSTADDR:]HOSTPORT:DEVICEPORT; without an address only this host's own programs may connect. */
export function parseForward(text: string): Omit<Forward, "deviceIp"> {
    const parts = text.split(":")
    if (parts.length < 2 || parts.length > 3) throw new OptionError(`${printable(text)}: it takes ${FORM}`)
    const [devicePort = "", hostPort = "", host = LOOPBACK] = parts.reverse()
    if (!isIPv4(host)) throw new OptionError(`${printable(host)} is not an address of this host: ${FORM}`)
    return {
        host,
        hostPort: decimalNumber(hostPort, 0, 65_535),
        devicePort: decimalNumber(devicePort, 1, 65_535),
    }
}

/** Where a forward's page is in a browser. */
export function urlOf({ host, hostPort }: Pick<Forward, "host" | "hostPort">): string {
    const name = host === "0.0.0.0" ? LOOPBACK : host
    return `http://${name}${hostPort === 80 ? "" : `:${hostPort}`}`
}

function printable(text: string): string {
    return text.replaceAll(/[^\x20-\x7e]/g, "?")
}
