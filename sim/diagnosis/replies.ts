// What came back to the questions of a resolver, and why it drops an answer (RFC 1035 section 7.3, RFC 5452 section 9.1).

import type { UdpView } from "../view/dissect"
import { DNS, nameAt, parseDns } from "../view/dns"
import type { Evidence, Sighting } from "./evidence"
import { isWhole } from "./lease"
import type { NameMessage } from "./names"
import { counted } from "./words"

const HEADER = 12
const RESPONSE = 0x8000
const OPCODE = 0x7800
const TYPE_A = 1

/** A datagram that was sent to the port from which a question came. */
export interface Reply {
    readonly time: number
    readonly lost: Sighting["lost"]
    readonly view: UdpView
    /** The question; of several from one port the latest. */
    readonly question: NameMessage
    /** Why the resolver drops it: what is wrong, and the numbers if they help; undefined if nothing is wrong. */
    readonly fault: readonly [what: string, details?: string] | undefined
}

/** Returns what was sent back to the ports of the questions. */
export function repliesTo({ others }: Evidence, questions: readonly NameMessage[]): Reply[] {
    return others.flatMap(({ view, time, lost }) => {
        if (view.kind !== "udp") return []
        const question = questions
            .filter(
                ({ client, time: since, view: { sourcePort } }) =>
                    view.destination === client && view.destinationPort === sourcePort && time >= since
            )
            .at(-1)
        if (question === undefined || !isReply(view, question)) return []
        return [{ time, lost, view, question, fault: fault(view, questions) }]
    })
}

/** Returns true unless another host uses the port for something else. */
function isReply({ source, payload }: UdpView, { server, id }: NameMessage): boolean {
    return source === server || (payload.length >= 2 && ((payload[0]! << 8) | payload[1]!) === id)
}

/** Returns why the resolver drops a datagram that was sent to it, by the rules of src/net/dns.ts and src/wire/dns.ts. */
function fault(view: UdpView, questions: readonly NameMessage[]): Reply["fault"] {
    const own = questions.filter(one => one.view.sourcePort === view.destinationPort)
    const [first] = own
    if (first === undefined) return undefined
    const servers = [...new Set(own.map(({ server }) => server))]
    if (!servers.includes(view.source))
        return ["come from an address that was not asked", instead(view.source, servers[0])]
    if (view.sourcePort !== DNS)
        return ["come from another port than the questions went to", instead(view.sourcePort, DNS)]
    if (!isWhole(view)) return ["have wrong checksums"]
    const { payload } = view
    if (payload.length < HEADER) return ["are shorter than the header of DNS", `${payload.length} bytes`]
    const data = new DataView(payload.buffer, payload.byteOffset, payload.length)
    const id = data.getUint16(0)
    if (own.every(one => one.id !== id)) return ["have other ids than the questions", instead(id, first.id)]
    const flags = data.getUint16(2)
    if (!(flags & RESPONSE)) return ["are marked as questions", "the flag QR is 0"]
    if (flags & OPCODE) return ["have another opcode than the questions", instead((flags & OPCODE) >> 11, 0)]
    if (data.getUint16(4) !== 1) return ["do not repeat the question", counted(data.getUint16(4), "question")]
    const question = nameAt(payload, HEADER)
    if (question === undefined || question.end + 4 > payload.length) return ["are cut short in the question"]
    if (question.text !== first.name)
        return [
            "are about another name than the questions",
            instead(question.text.replace(/[^ -~]/g, "?"), first.name),
        ]
    const type = data.getUint16(question.end)
    if (type !== TYPE_A) return ["are about another type of record than the questions", instead(type, TYPE_A)]
    const read = parseDns(view)
    if (read?.isCut && read.addresses.length === 0)
        return ["are cut short", `${payload.length} bytes for ${counted(data.getUint16(6), "record")}`]
    return undefined
}

function instead(one: string | number, other: string | number = ""): string {
    return `${one} instead of ${other}`
}
