// Why a name has no address: what the resolver asked, and what name servers answered (RFC 1035).

import { networkText, sameNetwork } from "../options/address"
import { DNS, parseDns } from "../view/dns"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { type Lease, leaseOf } from "./lease"
import { AFTER_LOSS } from "./line"
import { type NameMessage, nameMessages, plain } from "./names"
import { askedFor, heardHere, targetsOf, withoutNeighbour } from "./opening"
import { type Reply, repliesTo } from "./replies"
import { counted, duration } from "./words"

/** The time after which the resolver ends a question, ms: it waits 1, 2 and 4 s for an answer (src/net/dns.ts). */
const PATIENCE = 7000
const NOWHERE = "0.0.0.0"

const rcodes: { readonly [code: number]: string } = {
    1: "the question is malformed (FORMERR)",
    2: "it failed itself (SERVFAIL)",
    4: "it does not do that (NOTIMP)",
    5: "it refuses to answer (REFUSED)",
}

/** Returns why `name` was not found; without a name, why the last one was not. Undefined if nothing was seen that shows it. */
export function whyNoName(evidence: Evidence, name?: string): Diagnosis | undefined {
    const asked = ownQuestions(evidence)
    const wanted = plain(name ?? asked.at(-1)?.name ?? "")
    const questions = asked.filter(one => one.name === wanted)
    const [first] = questions
    if (first === undefined) return asked.length === 0 ? unasked(evidence, name) : undefined
    const replies = repliesTo(evidence, questions)
    const arrived = replies.filter(({ lost }) => lost === undefined)
    const last = arrived.filter(({ fault }) => fault === undefined).at(-1)
    if (last === undefined) {
        const [dropped] = arrived
        if (dropped !== undefined) return foreign(arrived, dropped, questions)
        // the cable explains the silence
        return evidence.cableOut === undefined ? silent(evidence, wanted, questions, replies) : undefined
    }
    return verdict(last, wanted, questions)
}

/** Returns why an answer that the resolver accepts has no address that it can use; undefined if it has one. */
function verdict(last: Reply, wanted: string, questions: readonly NameMessage[]): Diagnosis | undefined {
    const { time, view } = last
    const server = view.source
    const answer = parseDns(view)
    const first = questions.find(({ id }) => id === answer?.id) ?? last.question
    if (answer === undefined) return undefined
    if (answer.isTruncated && answer.addresses.length === 0)
        return diagnosis(
            "name-server-failed",
            `The answer of the name server ${server} for ${wanted} is truncated: it is too long for a datagram, and this stack asks by UDP only.`,
            "use a name with fewer records, or another name server (dns)",
            [`${server} answered with the flag TC at ${moment(time)}`]
        )
    if (answer.rcode === 3)
        return diagnosis(
            "name-unknown",
            `The name ${wanted} does not exist: the name server ${server} says so.`,
            "check the spelling of the name",
            [`${server} answered NXDOMAIN at ${moment(time)}`]
        )
    if (answer.rcode !== 0)
        return diagnosis(
            "name-server-failed",
            `The name server ${server} does not find ${wanted}: ${rcodes[answer.rcode] ?? `its answer has code ${answer.rcode}`}.`,
            "try again later, or set another name server (dns)",
            [
                `${counted(questions.length, "question")} since ${moment(questions[0]!.time)}, answered at ${moment(time)}`,
            ]
        )
    if (answer.addresses.length === 0)
        return diagnosis(
            "name-unknown",
            `The name ${wanted} has no IPv4 address: the name server ${server} knows the name, but no A record.`,
            "use a name with an A record: this stack has no IPv6"
        )
    if (answer.addresses.every(ip => ip === NOWHERE))
        return diagnosis(
            "name-unknown",
            `The name server ${server} says that ${wanted} has the address ${NOWHERE}, which is no host's: a server that blocks a name answers so.`,
            "allow the name in the settings of the name server, or set another one (dns)",
            [`${server} answered at ${moment(time)}`]
        )
    if (time - first.time >= PATIENCE)
        return diagnosis(
            "name-server-silent",
            `The name server ${server} answered the question for ${wanted} ${duration((time - first.time) * 1e6)} after it was asked, and the resolver waits ${PATIENCE / 1000} s.`,
            "set a name server that is nearer (dns), or look at what delays its answers",
            [`${counted(questions.length, "question")} since ${moment(first.time)}`]
        )
    return undefined
}

/** Returns the questions that the device has sent to name servers. */
export function ownQuestions(evidence: Evidence): NameMessage[] {
    const own = evidence.self?.().ip
    return nameMessages(evidence).filter(
        ({ isAnswer, client, view }) =>
            !isAnswer && view.destinationPort === DNS && (own === undefined || client === own)
    )
}

/** Returns that no answer to the questions can be accepted. */
function foreign(
    replies: readonly Reply[],
    { view, fault }: Reply,
    questions: readonly NameMessage[]
): Diagnosis {
    const [{ name, server }] = questions as [NameMessage]
    const [what, details] = fault ?? [""]
    const sentence =
        view.source === server
            ? `The answers of ${server} for ${name} ${what}, so the device drops them${details === undefined ? "" : `: ${details}`}.`
            : `${view.source} answers the questions for ${name} instead of ${server}, which was asked, so the device drops the answers.`
    return diagnosis(
        "name-server-failed",
        sentence,
        "set another name server (dns), or look at what changes or forges answers on the way",
        [
            `${counted(questions.length, "question")}, ${counted(replies.length, "answer")}, the first at ${moment(replies[0]!.time)}`,
        ]
    )
}

function silent(
    evidence: Evidence,
    name: string,
    questions: readonly NameMessage[],
    replies: readonly Reply[]
): Diagnosis {
    const first = questions[0]!
    const servers = [...new Set(questions.map(({ server }) => server))]
    const asked = `${counted(questions.length, "question")} for ${name} since ${moment(first.time)}`
    const refused = evidence.others
        .filter(({ view }) => view.kind === "icmp" && view.type === 3 && servers.includes(view.source))
        .at(-1)
    if (refused !== undefined)
        return diagnosis(
            "name-server-failed",
            `${servers[0]} is no name server: it answers the questions for ${name} by ICMP unreachable, port ${DNS} is closed.`,
            "set the address of a name server (dns)",
            [`${asked}, no answer`]
        )
    const questionsLost = questions.filter(isLost).length
    const answersLost = replies.filter(isLost).length
    const parts = [
        ...(questionsLost > 0 ? [counted(questionsLost, "question")] : []),
        ...(answersLost > 0 ? [counted(answersLost, "answer")] : []),
    ]
    if (questionsLost + answersLost >= questions.length)
        return diagnosis(
            "frames-lost",
            `The line lost ${listed(parts)} between the device and the name server ${listed(servers)}: ${asked}, no answer.`,
            AFTER_LOSS,
            [heardHere(evidence)]
        )
    const many = servers.length > 1
    return diagnosis(
        "name-server-silent",
        `The name server${many ? "s" : ""} ${listed(servers)} ${many ? "do" : "does"} not answer: ${asked}, no answer.`,
        "is that the address of a name server (dns), and is it on?",
        [parts.length > 0 ? `the line lost ${listed(parts)}` : undefined, heardHere(evidence)]
    )
}

/** Returns why no question for a name left the device. */
function unasked(evidence: Evidence, name: string | undefined): Diagnosis | undefined {
    const own = evidence.self?.()
    if (own === undefined || evidence.cableOut !== undefined) return undefined
    const lease = leaseOf(evidence)
    const subject = `${name ?? "The name"} cannot be looked up: `
    const outside = lease && routerOutside(evidence, lease)
    if (outside !== undefined) return { ...outside, sentence: subject + lower(outside.sentence) }
    const servers = knownServers(evidence)
    for (const target of servers.length > 0 ? servers : targetsOf(evidence, own.ip)) {
        const why = withoutNeighbour(evidence, {
            client: own.ip,
            server: target,
            name: target,
            asked: "",
            since: 0,
        })
        if (why === undefined) continue
        const about = why.sentence.startsWith(target) ? "the name server " : ""
        return {
            ...why,
            cause: why.cause === "host-silent" ? "name-server-silent" : why.cause,
            sentence: `${subject}${about}${lower(why.sentence)}`,
        }
    }
    return undefined
}

/** Returns true for a frame that the line lost, and not a firewall. */
function isLost({ lost }: Pick<Reply, "lost">): boolean {
    return lost === "loss" || lost === "queue"
}

/** Returns the name servers of the device's lease and, without any, of its settings. */
export function knownServers(evidence: Evidence): readonly string[] {
    const leased = leaseOf(evidence)?.nameServers ?? []
    return leased.length > 0 ? leased : (evidence.self?.().nameServers ?? [])
}

/** Returns that the router of a lease is on no network of the device, and does not answer ARP; undefined if it is, or does. */
function routerOutside(evidence: Evidence, { server, ip, prefix, router }: Lease): Diagnosis | undefined {
    const asked = router === "" ? undefined : askedFor(evidence, ip, router, 0)
    if (asked === undefined || asked.answered || sameNetwork(router, ip, prefix)) return undefined
    return diagnosis(
        "gateway-silent",
        `The router ${router} of the lease is outside of the lease's network, ${networkText(ip, prefix)}, and does not answer ARP: ${counted(asked.count, "request")} since ${moment(asked.first)}, no reply.`,
        `correct the range, the netmask or the router in the settings of the DHCP server ${server}`
    )
}

function lower(sentence: string): string {
    return /^(No|The) /.test(sentence) ? sentence[0]!.toLowerCase() + sentence.slice(1) : sentence
}
