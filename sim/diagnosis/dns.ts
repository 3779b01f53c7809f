// Why a name has no address: what the resolver asked, and what name servers answered (RFC 1035).

import { DNS, type DnsMessage, parseDns } from "../view/dns"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { heardHere, targetsOf, withoutNeighbour } from "./opening"
import { counted } from "./words"

const rcodes: { readonly [code: number]: string } = {
    1: "the question is malformed (FORMERR)",
    2: "it failed itself (SERVFAIL)",
    4: "it does not do that (NOTIMP)",
    5: "it refuses to answer (REFUSED)",
}

/** A message, and its ends. */
interface Message extends DnsMessage {
    readonly time: number
    /** The name server. */
    readonly server: string
    readonly client: string
}

/** Returns why `name` was not found; without a name, why the last one was not. Undefined if no name server was asked for it. */
export function whyNoName(evidence: Evidence, name?: string): Diagnosis | undefined {
    const own = evidence.self?.().ip
    const all = messages(evidence).filter(({ client }) => own === undefined || client === own)
    const wanted = (name ?? all.filter(({ isAnswer }) => !isAnswer).at(-1)?.name ?? "")
        .toLowerCase()
        .replace(/\.$/, "")
    const questions = all.filter(one => !one.isAnswer && one.name === wanted)
    const [first] = questions
    if (first === undefined) return unasked(evidence, name)
    const servers = [...new Set(questions.map(({ server }) => server))]
    const last = all.filter(one => one.isAnswer && one.name === wanted).at(-1)
    if (last === undefined) return silent(evidence, wanted, questions, servers)
    if (last.rcode === 3)
        return diagnosis(
            "name-unknown",
            `The name ${wanted} does not exist: the name server ${last.server} says so.`,
            "check the spelling of the name",
            [`${last.server} answered NXDOMAIN at ${moment(last.time)}`]
        )
    if (last.rcode !== 0)
        return diagnosis(
            "name-server-failed",
            `The name server ${last.server} does not find ${wanted}: ${rcodes[last.rcode] ?? `its answer has code ${last.rcode}`}.`,
            "try again later, or set another name server (dns)",
            [
                `${counted(questions.length, "question")} since ${moment(first.time)}, answered at ${moment(last.time)}`,
            ]
        )
    if (last.addresses.length === 0)
        return diagnosis(
            "name-unknown",
            `The name ${wanted} has no IPv4 address: the name server ${last.server} knows the name, but no A record.`,
            "use a name with an A record: this stack has no IPv6"
        )
    return undefined
}

/** Returns the addresses that name servers have answered for a name. */
export function addressesOf(evidence: Evidence, name: string): readonly string[] {
    const wanted = name.toLowerCase()
    return messages(evidence)
        .filter(({ name: text, addresses }) => text === wanted && addresses.length > 0)
        .flatMap(({ addresses }) => addresses)
}

function silent(
    evidence: Evidence,
    name: string,
    questions: readonly Message[],
    servers: readonly string[]
): Diagnosis {
    const first = questions[0]!
    const tries = `${counted(questions.length, "question")} for ${name} since ${moment(first.time)}, no answer`
    const refused = evidence.others
        .filter(({ view }) => view.kind === "icmp" && view.type === 3 && servers.includes(view.source))
        .at(-1)
    if (refused !== undefined)
        return diagnosis(
            "name-server-failed",
            `${servers[0]} is no name server: it answers the questions for ${name} by ICMP unreachable, port ${DNS} is closed.`,
            "set the address of a name server (dns)",
            [tries]
        )
    return diagnosis(
        "name-server-silent",
        `The name server ${listed(servers)} does not answer: ${tries}.`,
        "is that the address of a name server (dns), and is it on?",
        [heardHere(evidence)]
    )
}

/** Returns why no question for a name left the device. */
function unasked(evidence: Evidence, name: string | undefined): Diagnosis | undefined {
    const own = evidence.self?.()
    if (own === undefined) return undefined
    for (const target of targetsOf(evidence, own.ip)) {
        const why = withoutNeighbour(evidence, {
            client: own.ip,
            server: target,
            name: target,
            asked: "",
            since: 0,
        })
        if (why === undefined) continue
        return {
            ...why,
            cause: why.cause === "host-silent" ? "name-server-silent" : why.cause,
            sentence: `${name ?? "The name"} cannot be looked up: ${lower(why.sentence)}`,
        }
    }
    return undefined
}

function lower(sentence: string): string {
    return /^(No|The) /.test(sentence) ? sentence[0]!.toLowerCase() + sentence.slice(1) : sentence
}

function messages({ others }: Evidence): Message[] {
    return others.flatMap(({ view, time }) => {
        const read = view.kind === "udp" ? parseDns(view) : undefined
        if (read === undefined || !("source" in view)) return []
        const [server, client] = read.isAnswer
            ? [view.source, view.destination]
            : [view.destination, view.source]
        return [{ ...read, time, server, client }]
    })
}
