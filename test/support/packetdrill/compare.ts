// What a packet of the stack and the line that expects it differ in.

import { optionText } from "./format"
import type { IpInfo, Opt, Segment } from "./script"
import type { Header, TcpPacket } from "./wire"

export interface TimestampRule {
    /** Microseconds of one tick of the script's timestamps; 0: their values are not compared. */
    readonly tick: number
    /** Microseconds that they may be off. */
    readonly tolerance: number
}

/** Every field that is not as expected, in words. `got` has the script's numbers. */
export function differences(expected: Segment, got: Segment, rule: TimestampRule): string[] {
    const found: string[] = []
    const check = (name: string, wanted: number | string, is: number | string) => {
        if (wanted !== is) found.push(`${name} ${is} instead of ${wanted}`)
    }
    check("flags", expected.flags || "-", got.flags || "-")
    check("sequence number", expected.seq, got.seq)
    check("length", expected.length, got.length)
    if (expected.flags.includes(".") && got.flags.includes(".")) check("ack", expected.ack, got.ack)
    if (expected.window !== undefined) check("win", expected.window, got.window ?? 0)
    check("urg", expected.urgent, got.urgent)
    if (expected.options !== undefined)
        found.push(...optionDifferences(expected.options, got.options ?? [], rule))
    return found
}

/** Options have an order, no-operations included; of timestamps the value has a rule of its own. */
function optionDifferences(expected: readonly Opt[], got: readonly Opt[], rule: TimestampRule): string[] {
    const kinds = (options: readonly Opt[]) => options.map(option => option.kind).join()
    if (kinds(expected) !== kinds(got)) {
        return [
            `options <${got.map(optionText).join(",")}> instead of <${expected.map(optionText).join(",")}>`,
        ]
    }
    return expected.flatMap((option, i) => {
        const other = got[i]!
        const same = stampsAgree(option, other, rule) ?? optionText(option) === optionText(other)
        return same ? [] : [`${optionText(other)} instead of ${optionText(option)}`]
    })
}

/** The original does not look at what is echoed; here it has to be exact. Undefined for other options. */
function stampsAgree(expected: Opt, got: Opt, { tick, tolerance }: TimestampRule): boolean | undefined {
    if (expected.kind !== "TS" || got.kind !== "TS") return undefined
    const off = Math.abs((got.val - expected.val) | 0) * tick
    return off <= tolerance && expected.ecr === got.ecr
}

export function ipDifferences(expected: IpInfo, got: Header): string[] {
    const found: string[] = []
    const { ecn, tos, ttl } = expected
    const bits = got.tos & 3
    if (ecn === "ect01") {
        if (bits !== 1 && bits !== 2) found.push(`ECN ${bits} instead of 1 or 2`)
    } else if (ecn !== undefined && bits !== ecn) found.push(`ECN ${bits} instead of ${ecn}`)
    if (tos !== undefined && got.tos !== tos) found.push(`tos ${got.tos} instead of ${tos}`)
    if (ttl !== undefined && got.ttl !== ttl) found.push(`ttl ${got.ttl} instead of ${ttl}`)
    return found
}

/** Where text is not what was written, in words; undefined where it is. */
export function textDifference(expected: readonly number[], got: Uint8Array): string | undefined {
    const at = got.findIndex((byte, i) => expected[i] !== byte)
    if (at < 0) return undefined
    const wanted =
        expected[at] === undefined ? ", and nothing was written there" : ` instead of ${expected[at]}`
    return `text: byte ${at} is ${got[at]}${wanted}`
}

/**
 * Whether `next` goes on where `before` ended, so that both may be what one line expects (as the original joins what
 * a network card or the kernel cut in pieces): the same header, numbers that follow, and of the same length but the last.
 */
export function continues(before: TcpPacket, next: TcpPacket, isLast: boolean): boolean {
    const a = before.segment
    const b = next.segment
    const header = (s: Segment) =>
        [s.flags.replace(/[FP]/g, ""), s.ack, s.window, s.urgent, s.options?.length].join()
    if (before.sourcePort !== next.sourcePort || before.destinationPort !== next.destinationPort) return false
    if (header(a) !== header(b) || b.seq !== (a.seq + a.length) >>> 0) return false
    return isLast || b.length === a.length
}

/** Several packets as one: the first's number, the last's header, the text of all. */
export function joined(packets: readonly TcpPacket[]): TcpPacket {
    const last = packets.at(-1)!
    const payload = Uint8Array.from(packets.flatMap(packet => [...packet.payload]))
    const { seq } = packets[0]!.segment
    return { ...last, payload, segment: { ...last.segment, seq, length: payload.length } }
}
