// Why a name has no address: what the resolver asked, and what name servers answered (RFC 1035).

import { DNS } from "../view/dns"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { type NameMessage, nameMessages } from "./names"
import { heardHere, targetsOf, withoutNeighbour } from "./opening"
import { counted } from "./words"

const rcodes: { readonly [code: number]: string } = {
    1: "the question is malformed (FORMERR)",
    2: "it failed itself (SERVFAIL)",
    4: "it does not do that (NOTIMP)",
    5: "it refuses to answer (REFUSED)",
}

/** Returns why `name` was not found; without a name, why the last one was not. Undefined if no name server was asked for it. */
export function whyNoName(evidence: Evidence, name?: string): Diagnosis | undefined {
    const own = evidence.self?.().ip
    const all = nameMessages(evidence).filter(({ client }) => own === undefined || client === own)
    const wanted = (name ?? all.filter(({ isAnswer }) => !isAnswer).at(-1)?.name ?? "")
        .toLowerCase()
        .replace(/\.$/, "")
    const questions = all.filter(one => !one.isAnswer && one.name === wanted)
    const [first] = questions
    if (first === undefined) return unasked(evidence, name)
    const servers = [...new Set(questions.map(({ server }) => server))]
    const answers = all.filter(one => one.isAnswer && one.name === wanted)
    const last = answers.filter(({ id }) => questions.some(one => one.id === id)).at(-1)
    if (last === undefined) return foreign(answers, questions) ?? silent(evidence, wanted, questions, servers)
    if (last.isTruncated)
        return diagnosis(
            "name-server-failed",
            `The answer of the name server ${last.server} for ${wanted} is truncated: it is too long for a datagram, and this stack asks by UDP only.`,
            "use a name with fewer records, or another name server (dns)",
            [`${last.server} answered with the flag TC at ${moment(last.time)}`]
        )
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

/** Returns that all answers have other ids than the questions, so that the resolver drops them (RFC 5452 section 9.1). */
function foreign(answers: readonly NameMessage[], questions: readonly NameMessage[]): Diagnosis | undefined {
    const [answer] = answers
    const [question] = questions
    if (answer === undefined || question === undefined) return undefined
    return diagnosis(
        "name-server-failed",
        `The answers of ${answer.server} for ${question.name} have other ids than the questions, so the device drops them: ${answer.id} instead of ${question.id}.`,
        "set another name server (dns), or look at what changes or forges answers on the way",
        [
            `${counted(questions.length, "question")}, ${counted(answers.length, "answer")}, the first at ${moment(answer.time)}`,
        ]
    )
}

function silent(
    evidence: Evidence,
    name: string,
    questions: readonly NameMessage[],
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
