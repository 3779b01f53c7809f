// Who has which address on the device's network.

import { parseTapAddress } from "../link/tap-address"
import { firstOther, freeHost, sameNetwork } from "./address"
import { OptionError } from "./error"

export interface NetworkWishes {
    /** Host X's. */
    ip: string
    prefix: number
    /** The router, or on the built-in link the server, if the user says so. */
    gateway: string | undefined
    link: string
    /** What runs the devices beside Host X. */
    others: readonly ("vm" | "node")[]
    /** It stays up in real time, so that this computer's programs can meet the device. */
    stays: boolean
}

export interface NetworkPlan {
    others: { runtime: "vm" | "node"; ip: string }[]
    /** The host that the example talks to. */
    server: string | undefined
    /** The user-mode network's router. */
    router: string | undefined
    /** What devices send to that is for elsewhere. */
    gateway: string | undefined
}

/** Throws an OptionError when the addresses given do not go together, or there are too few. */
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
                `${ip}/${prefix} has too few addresses for so many devices: --ip sets another network`
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

/** The address of the computer's end of the cable, which the device has to be able to reach. */
function tapHost(link: string, ip: string, prefix: number): string {
    const host = parseTapAddress(link).host?.ip
    if (host === undefined) return firstOther(ip, prefix)
    if (host === ip) throw new OptionError(`--link tap: ${host} is the device's own address (--ip)`)
    if (!sameNetwork(host, ip, prefix)) {
        throw new OptionError(`--link tap: ${host} is not in the device's network ${ip}/${prefix} (--ip)`)
    }
    return host
}
