// The DNS messages on a network, and the addresses that name servers gave for names.

import type { UdpView } from "../view/dissect"
import { type DnsMessage, parseDns } from "../view/dns"
import type { Evidence, Sighting } from "./evidence"

/** A DNS message, and its ends. */
export interface NameMessage extends DnsMessage {
    readonly time: number
    /** The name server. */
    readonly server: string
    readonly client: string
    readonly lost: Sighting["lost"]
    readonly view: UdpView
}

/** Returns the DNS messages that were seen. */
export function nameMessages({ others }: Pick<Evidence, "others">): NameMessage[] {
    return others.flatMap(({ view, time, lost }) => {
        const read = view.kind === "udp" ? parseDns(view) : undefined
        if (read === undefined || view.kind !== "udp") return []
        const [server, client] = read.isAnswer
            ? [view.source, view.destination]
            : [view.destination, view.source]
        return [{ ...read, time, server, client, lost, view }]
    })
}

/** Returns the addresses that name servers have answered for a name. */
export function addressesOf(evidence: Evidence, name: string): readonly string[] {
    const wanted = plain(name)
    return nameMessages(evidence)
        .filter(({ name: text, addresses }) => text === wanted && addresses.length > 0)
        .flatMap(({ addresses }) => addresses)
}

/** Returns which name server gave an address for which name, in words; undefined if none did. */
export function namedBy(evidence: Evidence, ip: string): string | undefined {
    const found = nameMessages(evidence)
        .filter(({ addresses }) => addresses.includes(ip))
        .at(-1)
    return found && `the name server ${found.server} said that ${found.name} has the address ${ip}`
}

/** Returns a name as it is in questions: in lower case, without a dot at its end. */
export function plain(name: string): string {
    return name.toLowerCase().replace(/\.$/, "")
}
