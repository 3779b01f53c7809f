// What a line does to the frames between two hosts: it damages them, loses them, or loses those of one kind.

import { type Connection, endName, other } from "../analysis/connection"
import { sameNetwork } from "../options/address"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence, SegmentSighting, Sighting } from "./evidence"
import { type Ends, segmentsBetween, segmentsOf } from "./sightings"
import { counted } from "./words"

/** What to do about a line that loses frames. */
export const AFTER_LOSS = "look at the cable and at the switch, or lower the loss (--impair)"
/** Packets of less than this length pass every link in use. */
const SHORT = 300
/** Frames that have to be damaged or lost before the line is blamed. */
const FEW = 2

/** Returns that packets between two hosts arrive damaged, since `since` (ms), and which check finds it. */
export function damaged(
    evidence: Evidence | undefined,
    a: string,
    b: string,
    since: number
): Diagnosis | undefined {
    const isOfThem = ({ time, source, destination }: { time: number; source: string; destination: string }) =>
        // the addresses may be what is damaged
        time >= since && (source === "" || [source, destination].some(ip => ip === a || ip === b))
    const found = evidence?.damages.filter(isOfThem)
    if (evidence === undefined || found === undefined || found.length < FEW) return undefined
    const made = evidence.wrongAtSender.filter(isOfThem)
    if (made.length >= found.length) return wronglyMade(made, a === made.at(-1)?.source ? b : a, since)
    const byCheck = new Map<string, number>()
    for (const { check } of found) byCheck.set(check, (byCheck.get(check) ?? 0) + 1)
    const [[check, count] = ["", 0]] = [...byCheck].sort(([, x], [, y]) => y - x)
    const main = count === found.length ? `${check} found it` : `${check} found it ${counted(count, "time")}`
    return diagnosis(
        "corrupted",
        `The line changes packets between ${a} and ${b}: ${counted(found.length, "packet")} arrived damaged since ${moment(since)} and were dropped; ${main}.`,
        "look at the cable, its plugs, and the wires of the chip",
        count === found.length ? [] : parts(byCheck)
    )
}

/** Returns that a host sends wrong checksums. */
function wronglyMade(
    made: readonly { source: string; check: string }[],
    receiver: string,
    since: number
): Diagnosis {
    const { source = "", check = "" } = made.at(-1) ?? {}
    return diagnosis(
        "corrupted",
        `${source} sends packets whose checksum is wrong: ${counted(made.length, "packet")} since ${moment(since)}, which ${receiver} drops; ${check} does not fit.`,
        `look at the stack of ${source}: with checksum offload a host leaves checksums to its chip, and where none makes them they stay wrong`,
        ["the line changed nothing: they were sent that way"]
    )
}

/** The checks that have a line of their own. */
const MOST_CHECKS = 4

/** Returns how many packets each check has found, those that found the most first; the sum is that of all packets. */
function parts(byCheck: ReadonlyMap<string, number>): string[] {
    const sorted = [...byCheck].sort(([, x], [, y]) => y - x)
    const shown = sorted.length > MOST_CHECKS ? sorted.slice(0, MOST_CHECKS - 1) : sorted
    const rest = sorted.slice(shown.length).reduce((sum, [, n]) => sum + n, 0)
    return [
        ...shown.map(([text, n]) => `${text} found ${n}`),
        ...(rest === 0 ? [] : [`${counted(sorted.length - shown.length, "other check")} found ${rest}`]),
    ]
}

/** Returns what the frames that were lost between two hosts since `since` (ms) have in common. */
export function lossesBetween(
    evidence: Evidence | undefined,
    a: string,
    b: string,
    since: number
): Diagnosis | undefined {
    if (evidence === undefined) return undefined
    const all = evidence.segments.filter(({ view }) => isBetween(view.source, view.destination, a, b))
    // the simulator knows what was too long
    const long = all.some(({ lost }) => lost === "mtu") ? tooLong(all, evidence) : undefined
    if (long !== undefined) return long
    const kind = oneKind(all, since, evidence)
    const late = all.filter(({ time }) => time >= since)
    const lost = late.filter(isLost)
    if (lost.length < FEW || lost.length * 2 < late.length) return kind
    return tooLong(all, evidence) ?? selective(evidence, late, a, b) ?? kind ?? lossy(late, lost, a, b, since)
}

/** Returns that all segments of one direction are lost, while those of the other one arrive; undefined if it is otherwise. */
export function oneWay(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
    if (evidence === undefined) return undefined
    for (const end of [0, 1] as const) {
        const sent = segmentsOf(connection, end, evidence)
        const tail = sent.slice(sent.map(isLost).lastIndexOf(false) + 1)
        const [first] = tail
        if (first === undefined || tail.length < FEW || tail.some(({ lost }) => lost === "mtu")) continue
        // if only data is lost, the other segments of this direction may pass
        if (tail.every(({ view }) => view.length > 0)) continue
        const back = segmentsOf(connection, other(end), evidence).filter(({ time }) => time > first.time)
        if (back.length < FEW || back.some(isLost)) continue
        const [name, peer] = [endName(connection, end), endName(connection, other(end))]
        const isOwn = evidence.self?.().ip === connection.addresses[end]
        const rest = `since ${moment(first.time)}, while ${counted(back.length, "segment")} of ${peer} arrived: segments are lost in one direction only.`
        return diagnosis(
            "frames-lost",
            isOwn
                ? `The line lost all ${counted(tail.length, "segment")} that ${name} sent ${rest}`
                : `${name} answers, but the line lost all ${counted(tail.length, "segment")} that it sent ${rest}`,
            "look at the cable (one pair may be broken), at the switch, and at a firewall that lets only one direction pass",
            [
                sent.length === tail.length
                    ? `nothing that ${name} sent has arrived`
                    : `the last segment of ${name} that arrived was sent at ${moment(sent.at(-tail.length - 1)!.time)}`,
            ]
        )
    }
    return undefined
}

/** Returns that the line loses the same bytes of an end every time, while what follows arrives; undefined if it lost them less than twice. */
export function sameBytesLost(
    connection: Connection,
    from: 0 | 1,
    ack: number,
    evidence: Evidence
): Diagnosis | undefined {
    const sent = segmentsOf(connection, from, evidence).filter(
        ({ view }) => ((ack - view.seq) | 0) >= 0 && ((ack - view.seq) | 0) < view.length
    )
    const [first] = sent
    if (first === undefined || sent.length < FEW || !sent.every(isLost)) return undefined
    return diagnosis(
        "frames-lost",
        `The line lost the same ${counted(first.view.length, "byte")} of ${endName(connection, from)} every time, ${sent.length} of ${sent.length} since ${moment(first.time)}, while what follows arrives.`,
        "look at what drops this segment on the way: a limit on length, or a firewall that reads data"
    )
}

/** The SYNs of a client after which it is reported that none arrives: three repetitions. */
const LOST_SYNS = 4

/** Returns that no SYN of a client arrives at the device, which does not notice it; undefined if one does, or if they are few. */
export function lostSyns(evidence: Evidence, ends: Ends): Diagnosis | undefined {
    const { source, destination, destinationPort } = ends
    const own = evidence.self?.()
    if (own === undefined || own.ip !== destination) return undefined
    const syns = segmentsBetween(evidence, ends)
    const [first] = syns
    if (first === undefined || syns.length < LOST_SYNS) return undefined
    if (!syns.every(one => isLost(one) && one.view.flags.syn && !one.view.flags.ack)) return undefined
    return allLost(
        syns,
        `${counted(syns.length, "SYN")} of ${source} to port ${destinationPort} of ${own.name} since ${moment(first.time)}: nothing of that connection arrives`,
        `let port ${destinationPort} through the firewall between ${source} and ${own.name}`,
        `${own.name} itself notices nothing: only the network shows it`
    )
}

/** Returns that a firewall or the line dropped all of these packets, which are `what`; `unfiltered` is the advice about a firewall. */
export function allLost(
    sent: readonly Pick<Sighting, "lost">[],
    what: string,
    unfiltered: string,
    seen: string
): Diagnosis {
    return sent.every(({ lost }) => lost === "filter")
        ? diagnosis("filtered", `A firewall on the way dropped all ${what}.`, unfiltered, [seen])
        : diagnosis("frames-lost", `The line lost all ${what}.`, AFTER_LOSS, [seen])
}

function tooLong(all: readonly SegmentSighting[], evidence: Evidence): Diagnosis | undefined {
    const lengths = (some: readonly SegmentSighting[]) => some.map(({ view }) => view.frameLength - 14)
    const shortestLost = Math.min(...lengths(all.filter(isLost)))
    const longestPassed = Math.max(...lengths(all.filter(one => !isLost(one))))
    // shorter ones than any link drops for their length may be lost for another reason, which the simulator knows
    const isKnown = all.filter(isLost).every(({ lost }) => lost === "mtu")
    if (!(shortestLost > longestPassed) || (shortestLost < SHORT && !isKnown)) return undefined
    const first = all.find(one => isLost(one) && one.view.frameLength - 14 === shortestLost)?.view
    if (first === undefined) return undefined
    const { source, destination, length } = first
    const near = isNear(evidence, source, destination)
    return diagnosis(
        "mtu",
        `Packets of ${shortestLost} bytes and more from ${source} to ${destination} vanish on the way, while those of up to ${longestPassed} bytes arrive: a link${near ? " or switch" : ""} on the way carries no longer ones${near ? "" : ", and no ICMP message says so"}.`,
        afterTooLong(near),
        [`a packet of ${shortestLost} bytes is a segment of len ${length} with its headers`]
    )
}

/** Returns true when two hosts are known to be on one network, so that no router on the way can send ICMP. */
export function isNear(evidence: Evidence | undefined, a: string, b: string): boolean {
    const prefix = evidence?.self?.().prefix
    return prefix !== undefined && sameNetwork(a, b, prefix)
}

/** Returns what to do about packets that are too long for a link; `near` is true where no router is on the way. */
export function afterTooLong(near: boolean): string {
    return near
        ? "use a smaller MSS on either end, or raise the longest frame (MTU) of that link or switch"
        : 'use a smaller MSS on either end, or let ICMP "fragmentation needed" through'
}

/** Returns that all segments with data of one direction are lost, while others pass. */
function oneKind(all: readonly SegmentSighting[], since: number, evidence: Evidence): Diagnosis | undefined {
    for (const source of new Set(all.map(({ view }) => view.source))) {
        const data = all.filter(
            ({ view, time }) => view.source === source && view.length > 0 && time >= since - 1
        )
        const [first] = data
        if (first === undefined || data.length < FEW || !data.every(isLost)) continue
        const others = all.filter(one => one.time >= first.time && !isLost(one))
        if (others.length === 0) continue
        return (
            tooLong(all, evidence) ??
            diagnosis(
                "frames-lost",
                `The line loses every segment with data from ${source} to ${first.view.destination}: ${data.length} of ${data.length} since ${moment(first.time)}, while others pass.`,
                "look at what drops them on the way: a firewall that reads data, or a limit on length",
                [`${counted(others.length, "other segment")} arrived meanwhile`]
            )
        )
    }
    return undefined
}

/** Returns that a firewall drops the segments: all of them are lost since the first loss, while ARP passes. */
function selective(
    { others }: Evidence,
    late: readonly SegmentSighting[],
    a: string,
    b: string
): Diagnosis | undefined {
    const first = late.find(isLost)
    if (first === undefined || late.some(one => one.time >= first.time && !isLost(one))) return undefined
    const arp = others.find(
        ({ view, time, lost }) =>
            view.kind === "arp" &&
            view.operation === 2 &&
            time >= first.time &&
            lost === undefined &&
            isBetween(view.senderIp, view.targetIp, a, b)
    )
    if (arp === undefined) return undefined
    const { sourcePort, destinationPort, source, destination } = first.view
    const port = Math.min(sourcePort, destinationPort)
    const isOfOne = late.every(one => one.view.source === source || !isLost(one))
    const way = isOfOne ? `from ${source} to ${destination}` : `between ${a} and ${b}`
    return diagnosis(
        "filtered",
        `Since ${moment(first.time)} no segment of port ${port} passes ${way}, though ARP does: a firewall on the way drops them.`,
        `look at the firewalls between ${a} and ${b}: they may have forgotten the connection`,
        [
            `${counted(late.filter(isLost).length, "segment")} did not arrive; ARP was answered at ${moment(arp.time)}`,
        ]
    )
}

function lossy(
    late: readonly SegmentSighting[],
    lost: readonly SegmentSighting[],
    a: string,
    b: string,
    since: number
): Diagnosis {
    const share =
        lost.length === late.length
            ? `all ${counted(lost.length, "segment")}`
            : `${lost.length} of ${counted(late.length, "segment")}`
    if (lost.every(one => one.lost === "queue"))
        return diagnosis(
            "frames-lost",
            `The line dropped ${share} between ${a} and ${b} since ${moment(since)}: its queue was full, because more is sent than it carries.`,
            "send less, or raise the rate of the line (--impair rate)"
        )
    return diagnosis(
        "frames-lost",
        `The line lost ${share} between ${a} and ${b} since ${moment(since)}.`,
        AFTER_LOSS
    )
}

function isLost({ lost }: SegmentSighting): boolean {
    return lost !== undefined
}

function isBetween(source: string, destination: string, a: string, b: string): boolean {
    return (source === a && destination === b) || (source === b && destination === a)
}
