// The router's DNS server: asks this computer's resolver, and knows the router's own names.

import { promises as dns, type LookupAddress } from "node:dns"
import { asksAddress, parseQuery, type Question, Rcode, writeAnswer, writeError } from "./dns"
import type { Counters, Limits } from "./limits"

export const DNS_PORT = 53

/** The router's names. The router's address stands for this computer's loopback address (see udp.ts and outgoing.ts). */
const OWN_NAMES = ["host.internal", "router.internal", "router"]

/** Looks up the addresses of a name, dotted; rejects as dns.lookup does. */
export type Lookup = (name: string) => Promise<string[]>

/** Looks up a name as programs on this computer do, including the hosts file. */
const hostLookup: Lookup = async name => {
    const found: LookupAddress[] = await dns.lookup(name, { all: true, family: 4 })
    return found.map(({ address }) => address)
}

/** Returns a look-up that knows these names only. */
export function fixedLookup(names: { readonly [name: string]: string | readonly string[] }): Lookup {
    return async name => {
        const found = Object.hasOwn(names, name) ? names[name] : undefined
        if (found !== undefined) return typeof found === "string" ? [found] : [...found]
        throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" })
    }
}

export class DnsServer {
    private pending = 0

    constructor(
        /** The router's address, dotted. */
        private readonly router: string,
        private readonly limits: Limits,
        private readonly counters: Counters,
        private readonly lookup: Lookup = hostLookup
    ) {}

    /** Returns the answer to a message; undefined when the server sends no answer. Never rejects. */
    async answer(message: Uint8Array): Promise<Uint8Array | undefined> {
        const query = parseQuery(message)
        if (query === undefined) return undefined
        this.counters.dns++
        if ("error" in query) return writeError(query)
        const { question } = query
        if (OWN_NAMES.includes(question.name)) {
            const known = asksAddress(question) ? [bytesOf(this.router)] : []
            return writeAnswer(question, Rcode.NoError, known)
        }
        // an empty answer is correct here, and clients then use the other record type
        if (!asksAddress(question)) return writeAnswer(question, Rcode.NoError, [])
        if (!isName(question.name)) return writeAnswer(question, Rcode.NxDomain, [])
        if (this.pending >= this.limits.lookups) {
            this.counters.dnsFull++
            return writeAnswer(question, Rcode.ServFail, [])
        }
        this.pending++
        try {
            return await this.resolve(question)
        } finally {
            this.pending--
        }
    }

    private async resolve(question: Question): Promise<Uint8Array> {
        try {
            const found = await this.lookup(question.name)
            // the router's address stands for this computer's loopback addresses
            const addresses = found.map(ip => bytesOf(ip.startsWith("127.") ? this.router : ip))
            return writeAnswer(question, Rcode.NoError, addresses)
        } catch (error) {
            const { code } = error as NodeJS.ErrnoException
            const unknown = code === "ENOTFOUND" || code === "ENODATA"
            return writeAnswer(question, unknown ? Rcode.NxDomain : Rcode.ServFail, [])
        }
    }
}

/** Returns true when a name is passed to the resolver: only host names are, not addresses or other texts. */
function isName(name: string): boolean {
    return /^(?=.*[a-z_-])[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name)
}

function bytesOf(ip: string): number[] {
    return ip.split(".").map(Number)
}
