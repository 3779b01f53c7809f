// Reads the address of a TAP link: `tap:NAME[@NETNS][=A.B.C.D/N]`.
import { parseInterface } from "../options/address"
import { OptionError } from "../options/error"

export interface TapAddress {
    /** Name of the TAP device, as `ip link` shows it. */
    readonly name: string
    /** Network namespace of the TAP device, as `ip netns` lists it; undefined for that of this process. */
    readonly namespace: string | undefined
    /** Address of this computer's end of the link; undefined if none is given. */
    readonly host: { readonly ip: string; readonly prefix: number } | undefined
}

/** IFNAMSIZ of the kernel, without the zero at the end. */
const LONGEST_NAME = 15

/** Reads the address. Throws an OptionError of one line that says what is wrong. */
export function parseTapAddress(text: string): TapAddress {
    if (!text.startsWith("tap:")) throw bad(text, "the address does not begin with tap:")
    const [place = "", ...addresses] = text.slice("tap:".length).split("=")
    const [name = "", ...namespaces] = place.split("@")
    const [namespace] = namespaces
    if (name === "") throw bad(text, "the device's name is missing")
    if (name.length > LONGEST_NAME) {
        throw bad(
            text,
            `the device's name has ${name.length} characters; at most ${LONGEST_NAME} are possible`
        )
    }
    if (!isName(name)) throw bad(text, "a device's name has letters, digits and . _ - only")
    if (namespaces.length > 1) throw bad(text, "the address has more than one @")
    if (namespace === "") throw bad(text, "the namespace's name is missing")
    if (namespace !== undefined && !isName(namespace)) {
        throw bad(text, "a namespace's name has letters, digits and . _ - only")
    }
    if (addresses.length > 1) throw bad(text, "the address has more than one =")
    const [address] = addresses
    try {
        return { name, namespace, host: address === undefined ? undefined : parseInterface(address) }
    } catch (error) {
        if (error instanceof OptionError) throw bad(text, error.message)
        throw error
    }
}

/** Returns true when a name can be a file name: the kernel uses both kinds of names as file names. */
function isName(text: string): boolean {
    return /^[\w.-]+$/.test(text) && text !== "." && text !== ".."
}

function bad(text: string, why: string): OptionError {
    return new OptionError(`link ${text}: ${why}; write tap:NAME, tap:NAME@NETNS or tap:NAME=10.0.0.1/24`)
}
