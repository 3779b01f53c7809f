// Reads the value of --forward: a port of this computer, and the device's port to which it leads.

import { isIPv4 } from "node:net"
import type { Forward } from "../router/incoming"
import { LOOPBACK } from "../router/outgoing"
import { decimalNumber } from "./address"
import { OptionError } from "./error"

const FORM = "[HOSTADDR:]HOSTPORT:[DEVICEADDR:]DEVICEPORT, as 8080:80"

/** A forward as the user wrote it; if it names no device, it leads to Host X. */
export type ForwardWish = Omit<Forward, "deviceIp"> & { deviceIp?: string }

/** Reads the value of --forward. Without HOSTADDR only programs of this computer can connect. */
export function parseForward(text: string): ForwardWish {
    const parts = text.split(":")
    const bad = () => new OptionError(`${text} is not valid; use ${FORM}`)
    if (parts.length < 2) throw bad()
    const devicePort = decimalNumber(parts.pop() ?? "", 1, 65_535)
    const last = parts.pop() ?? ""
    const deviceIp = isIPv4(last) ? last : undefined
    const hostPort = deviceIp === undefined ? last : (parts.pop() ?? "")
    const host = parts.pop() ?? LOOPBACK
    if (parts.length > 0) throw bad()
    if (!isIPv4(host)) throw new OptionError(`${host} is not an IPv4 address; use ${FORM}`)
    return {
        host,
        hostPort: decimalNumber(hostPort, 0, 65_535),
        devicePort,
        ...(deviceIp === undefined ? {} : { deviceIp }),
    }
}

/** Returns the URL of a forwarded page for a browser of this computer. */
export function urlOf({ host, hostPort }: Pick<Forward, "host" | "hostPort">): string {
    const name = host === "0.0.0.0" ? LOOPBACK : host
    return `http://${name}${hostPort === 80 ? "" : `:${hostPort}`}`
}
