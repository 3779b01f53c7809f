// What --forward takes: a port of the host, and the device's port behind it.

import { isIPv4 } from "node:net"
import type { Forward } from "../router/incoming"
import { LOOPBACK } from "../router/outgoing"
import { decimalNumber } from "./address"
import { OptionError } from "./error"

const FORM = "[HOSTADDR:]HOSTPORT:[DEVICEADDR:]DEVICEPORT, as 8080:80"

/** What a user asks for: the device may be left to the network. */
export type ForwardWish = Omit<Forward, "deviceIp"> & { deviceIp?: string }

/** Reads --forward's value; without a host's address only this computer's own programs may connect. */
export function parseForward(text: string): ForwardWish {
    const parts = text.split(":")
    const bad = () => new OptionError(`${printable(text)}: it takes ${FORM}`)
    if (parts.length < 2) throw bad()
    const devicePort = decimalNumber(parts.pop() ?? "", 1, 65_535)
    const last = parts.pop() ?? ""
    const deviceIp = isIPv4(last) ? last : undefined
    const hostPort = deviceIp === undefined ? last : (parts.pop() ?? "")
    const host = parts.pop() ?? LOOPBACK
    if (parts.length > 0) throw bad()
    if (!isIPv4(host)) throw new OptionError(`${printable(host)} is not an address of this host: ${FORM}`)
    return {
        host,
        hostPort: decimalNumber(hostPort, 0, 65_535),
        devicePort,
        ...(deviceIp === undefined ? {} : { deviceIp }),
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
