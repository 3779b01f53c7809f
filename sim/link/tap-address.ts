// Which TAP device a link uses: `tap:NAME[@NETNS][=A.B.C.D/N]`.
import { parseInterface } from "../options/address"
import { OptionError } from "../options/error"

export interface TapAddress {
    /** Of the network device, as `ip link` shows it. */
    readonly name: string
    /** The network namespace it is in, as `ip netns` lists them; undefined for the process's own. */
    readonly namespace: string | undefined
    /** What the computer's end of it is to have. */
    readonly host: { readonly ip: string; readonly prefix: number } | undefined
}

/** IFNAMSIZ of the kernel, without the zero at the end. */
const LONGEST_NAME = 15

/** Throws an OptionError of one line that says what is wrong. */
export function parseTapAddress(text: string): TapAddress {
    if (!text.startsWith("tap:")) throw bad(text, "it does not begin with tap:")
    const [place = "", ...addresses] = text.slice("tap:".length).split("=")
    const [name = "", ...namespaces] = place.split("@")
    const [namespace] = namespaces
    if (name === "") throw bad(text, "the device's name is missing")
    if (name.length > LONGEST_NAME) {
        throw bad(text, `the device's name has ${name.length} characters and may have ${LONGEST_NAME}`)
    }
    if (!isName(name)) throw bad(text, "a device's name has letters, digits and . _ - only")
    if (namespaces.length > 1) throw bad(text, "there is more than one @")
    if (namespace === "") throw bad(text, "the namespace's name is missing")
    if (namespace !== undefined && !isName(namespace)) {
        throw bad(text, "a namespace's name has letters, digits and . _ - only")
    }
    if (addresses.length > 1) throw bad(text, "there is more than one =")
    const [address] = addresses
    try {
        return { name, namespace, host: address === undefined ? undefined : parseInterface(address) }
    } catch (error) {
        if (error instanceof OptionError) throw bad(text, error.message)
        throw error
    }
}

/** Both kinds of names end up as names of files. */
function isName(text: string): boolean {
    return /^[\w.-]+$/.test(text) && text !== "." && text !== ".."
}

function bad(text: string, why: string): OptionError {
    const oneLine = text.replace(/\p{Cc}/gu, "?")
    return new OptionError(`link ${oneLine}: ${why}; it is tap:NAME, tap:NAME@NETNS or tap:NAME=10.0.0.1/24`)
}
