// Reads numbers and addresses in the command line, and finds addresses in a network.

import { Address, ipv4Of, macOf, macText, netmaskOf } from "../../src/net/address"
import { OptionError } from "./error"

/** Reads a whole number in decimal digits. Throws an OptionError when the text is not a number, or the number is out of range. */
export function decimalNumber(text: string, lowest: number, highest: number): number {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (number >= lowest && number <= highest) return number
    throw new OptionError(`${text} is not a whole number from ${lowest} to ${highest}`)
}

/** Reads a host's address with the length of its network's prefix, such as 10.0.0.2/24. */
export function parseInterface(text: string): { ip: string; prefix: number } {
    const [address = "", length, ...more] = text.split("/")
    const prefix = length !== undefined && /^\d{1,2}$/.test(length) ? Number(length) : Number.NaN
    if (more.length > 0 || !(prefix >= 1 && prefix <= 30)) {
        throw new OptionError(`${text} is not an address and its prefix length, such as 10.0.0.2/24`)
    }
    const ip = parseUnicast(address)
    const host = ipv4Of(ip) & ~netmaskOf(prefix)
    if (host === 0) throw new OptionError(`${text} is the network itself, not a host in it`)
    if ((host | netmaskOf(prefix)) === -1) throw new OptionError(`${text} is the network's broadcast address`)
    return { ip, prefix }
}

/** Reads the address of a single host. */
export function parseUnicast(text: string): string {
    const ip = ipv4Of(text)
    if (ip === Address.None) throw new OptionError(`${text} is not an address; write one as 10.0.0.1`)
    const first = ip & 255
    if (first === 0 || first === 127 || first >= 224) {
        throw new OptionError(`${text} is not the address of a host on a network`)
    }
    return dotted(ip)
}

/** Reads the Ethernet address of a single station; returns it in lower case. */
export function parseMac(text: string): string {
    const mac = macOf(text)
    if (mac === undefined || /^[0:]*$/.test(text)) {
        throw new OptionError(`${text} is not a station's address; write one as 02:00:00:00:00:02`)
    }
    return macText(mac, 0)
}

/** Returns true when two addresses are in the same network. */
export function sameNetwork(a: string, b: string, prefix: number): boolean {
    return ((ipv4Of(a) ^ ipv4Of(b)) & netmaskOf(prefix)) === 0
}

/** Returns the network of an address in words, such as 10.0.0.0/24. */
export function networkText(ip: string, prefix: number): string {
    return `${dotted(ipv4Of(ip) & netmaskOf(prefix))}/${prefix}`
}

/** Returns the lowest host address in the network of `ip` other than `ip`. */
export function firstOther(ip: string, prefix: number): string {
    // the longest prefix that parseInterface accepts is 30, which leaves two hosts
    return freeHost(ip, prefix, [ip]) ?? ip
}

/** Returns the lowest host address in the network of `ip` that is not taken; undefined when all are taken. */
export function freeHost(ip: string, prefix: number, taken: readonly string[]): string | undefined {
    const network = swap(ipv4Of(ip) & netmaskOf(prefix))
    // the last address is the broadcast address
    const hosts = 2 ** (32 - prefix) - 2
    for (let n = 1; n <= Math.min(hosts, taken.length + 1); n++) {
        const host = dotted(swap(network + n))
        if (!taken.includes(host)) return host
    }
    return undefined
}

function dotted(ip: number): string {
    return [ip & 255, (ip >> 8) & 255, (ip >> 16) & 255, (ip >>> 24) & 255].join(".")
}

/** Swaps between network byte order and the order in which addresses can be counted. */
function swap(ip: number): number {
    return (ip << 24) | ((ip & 0xff00) << 8) | ((ip >> 8) & 0xff00) | (ip >>> 24)
}
