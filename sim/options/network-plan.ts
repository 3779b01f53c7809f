// Assigns the addresses of the devices' network.

import { parseTapAddress } from "../link/tap-address"
import { firstOther, freeHost, sameNetwork } from "./address"
import { OptionError } from "./error"

interface NetworkWishes {
    /** The address of Host X. */
    ip: string
    prefix: number
    /** The address of the router or, on the built-in link, of the server; undefined unless the user sets it. */
    gateway: string | undefined
    link: string
    /** The runtimes of the devices other than Host X. */
    others: readonly ("vm" | "node")[]
    /** True when the run stays up in real time, so that programs of this computer can reach the devices. */
    stays: boolean
}

interface NetworkPlan {
    others: { runtime: "vm" | "node"; ip: string }[]
    /** The address of the host to which the example connects; undefined if the network has none. */
    server: string | undefined
    /** The address of the router that leads to this computer's sockets; undefined if the network has none. */
    router: string | undefined
    /** The address to which devices send packets for other networks. */
    gateway: string | undefined
}

/** Assigns the addresses. Throws an OptionError when the given addresses contradict each other, or the network has too few. */
export function planNetwork({ ip, prefix, gateway, link, others, stays }: NetworkWishes): NetworkPlan {
    if (gateway !== undefined && !sameNetwork(gateway, ip, prefix)) {
        throw new OptionError(`--gateway ${gateway} is not in the network of ${ip}/${prefix}`)
    }
    if (gateway === ip) throw new OptionError(`--gateway ${ip} is the device itself`)
    const first = gateway ?? firstOther(ip, prefix)
    const taken = [ip, first]
    if (link.startsWith("tap:")) taken.push(tapHost(link, ip, prefix))
    const take = () => {
        const free = freeHost(ip, prefix, taken)
        if (free !== undefined) taken.push(free)
        return free
    }
    const rest = others.map(runtime => {
        const own = take()
        if (own === undefined) {
            throw new OptionError(
                `${ip}/${prefix} has too few addresses for ${others.length + 1} devices: --ip sets another network`
            )
        }
        return { runtime, ip: own }
    })
    if (link === "user") return { others: rest, server: undefined, router: first, gateway: first }
    if (link === "passt") return { others: rest, server: undefined, router: undefined, gateway: first }
    if (link !== "builtin") return { others: rest, server: undefined, router: undefined, gateway }
    // a network of two hosts has no address for a router
    const router = stays ? take() : undefined
    return { others: rest, server: first, router, gateway: router ?? first }
}

/** Returns the address of this computer's end of a TAP link. Throws an OptionError when the device cannot reach it. */
function tapHost(link: string, ip: string, prefix: number): string {
    const host = parseTapAddress(link).host?.ip
    if (host === undefined) return firstOther(ip, prefix)
    if (host === ip) throw new OptionError(`--link tap: ${host} is the device's own address (--ip)`)
    if (!sameNetwork(host, ip, prefix)) {
        throw new OptionError(`--link tap: ${host} is not in the device's network ${ip}/${prefix} (--ip)`)
    }
    return host
}
