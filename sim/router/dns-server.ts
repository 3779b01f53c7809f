// The DNS server on the router's address: the host's own resolver, and two names of this network.

import { promises as dns, type LookupAddress } from "node:dns"
import { asksAddress, parseQuery, type Question, Rcode, writeAnswer, writeError } from "./dns"
import type { Counters, Limits } from "./limits"

export const DNS_PORT = 53

/** The router's names; its address is the host's loopback (see udp.ts and outgoing.ts). */
const OWN_NAMES = ["host.internal", "router.internal", "router"]

/** Addresses of a name, dotted; rejects as dns.lookup does. */
export type Lookup = (name: string) => Promise<string[]>

/** Asks as the host's programs do: its hosts file counts too. */
export const hostLookup: Lookup = async name => {
    const found: LookupAddress[] = await dns.lookup(name, { all: true, family: 4 })
    return found.map(({ address }) => address)
}

export class DnsServer {
    private pending = 0

    constructor(
        /** Dotted. */
        private readonly router: string,
        private readonly limits: Limits,
        private readonly counters: Counters,
        private readonly lookup: Lookup = hostLookup
    ) {}

    /** The answer to a message; undefined when there is to be none. Never rejects. */
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
        // that there is nothing of this kind is true, and has clients go on with what there is
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
            // the host's loopback has the router's address here
            const addresses = found.map(ip => bytesOf(ip.startsWith("127.") ? this.router : ip))
            return writeAnswer(question, Rcode.NoError, addresses)
        } catch (error) {
            const { code } = error as NodeJS.ErrnoException
            const nobody = code === "ENOTFOUND" || code === "ENODATA"
            return writeAnswer(question, nobody ? Rcode.NxDomain : Rcode.ServFail, [])
        }
    }
}

/**
 * What the host's resolver is asked for: names of hosts, no addresses and nothing that it could take for an
 * option.
 */
function isName(name: string): boolean {
    return /^(?=.*[a-z_-])[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name)
}

function bytesOf(ip: string): number[] {
    return ip.split(".").map(Number)
}
