// Segments as text, in packetdrill's notation but for the end of the sequence numbers:
//
//     S 0 <mss 1460>              SYN; numbers count from the initial sequence number of their sender
//     S. 0 ack 1 win 1024         a dot is ACK
//     P. 1(5) ack 1               5 bytes of data
//     . rcv-1 ack nxt+1           names stand for numbers that the test knows
//     R =0                        a number as it is in the header

import type { TcpView } from "../view/dissect"
import type { TcpOption } from "../view/tcp-options"
import { u16, u32 } from "./frames"

/** A segment's fields; numbers relative to the sender's initial sequence number. */
export interface Segment {
    flags: string
    seq: number
    length: number
    ack: number | undefined
    window: number | undefined
    urgent: number
    options: string[]
}

/** Numbers that names in a segment's text stand for. */
export type Marks = Readonly<Record<string, number>>

const SHAPE =
    /^([SFRPUEW.]+) ([^\s()]+)(?:\((\d+)\))?(?: ack (\S+))?(?: win (\S+))?(?: urg (\d+))?(?: <([^>]*)>)?$/

/**
 * Reads the text. `seqBase` and `ackBase` are the initial sequence numbers of the sender and of the other side, which
 * the numbers are relative to; one that begins with "=" is not.
 */
export function parseSegment(text: string, marks: Marks, seqBase: number, ackBase: number): Segment {
    const match = SHAPE.exec(text.trim())
    if (match === null) throw new Error(`not a segment: "${text}"`)
    const [, flags, seq, length, ack, window, urgent, options] = match
    if (flags!.includes(".") !== (ack !== undefined))
        throw new Error(`ACK without ack, or ack without: ${text}`)
    return {
        flags: flags!,
        seq: number(seq!, marks, seqBase),
        length: Number(length ?? 0),
        ack: ack === undefined ? undefined : number(ack, marks, ackBase),
        window: window === undefined ? undefined : number(window, marks, 0),
        urgent: Number(urgent ?? 0),
        options: options === undefined || options === "" ? [] : options.split(",").map(o => o.trim()),
    }
}

/** A number, a name, or a name and a number more or less. */
function number(text: string, marks: Marks, base: number): number {
    if (text.startsWith("=")) return (Number(text.slice(1)) - base) | 0
    let total = 0
    for (const term of text.match(/[+-]?[^+-]+/g) ?? []) {
        const sign = term.startsWith("-") ? -1 : 1
        const name = term.replace(/^[+-]/, "")
        const value = /^\d+$/.test(name) ? Number(name) : marks[name]
        if (value === undefined) throw new Error(`"${name}" in "${text}" stands for nothing here`)
        total += sign * value
    }
    return total
}

/** The segment as text, in one form only, so that two can be compared. */
export function formatSegment(s: Segment): string {
    let text = `${s.flags} ${s.seq}`
    if (s.length > 0) text += `(${s.length})`
    if (s.ack !== undefined) text += ` ack ${s.ack}`
    text += ` win ${s.window ?? "?"}`
    if (s.urgent > 0) text += ` urg ${s.urgent}`
    if (s.options.length > 0) text += ` <${s.options.join(",")}>`
    return text
}

/** A segment that was seen on the wire. */
export function segmentOf(view: TcpView, seqBase: number, ackBase: number): Segment {
    const f = view.flags
    const set = [f.syn, f.fin, f.rst, f.psh, f.ack, f.urg, f.ece, f.cwr]
    return {
        flags: [..."SFRP.UEW"].filter((_, i) => set[i]).join(""),
        seq: (view.seq - seqBase) | 0,
        length: view.payload.length,
        // without the ACK bit the field has no meaning, and is to be 0
        ack: f.ack ? (view.ack - ackBase) | 0 : view.ack === 0 ? undefined : Number.NaN,
        window: view.window,
        urgent: view.urgent,
        options: view.options.map(optionText),
    }
}

function optionText(option: TcpOption): string {
    switch (option.kind) {
        case "mss":
            return `mss ${option.value}`
        case "window-scale":
            return `wscale ${option.shift}`
        case "sack-permitted":
            return "sackOK"
        case "sack":
            return `sack ${option.blocks.map(b => `${b.start}:${b.end}`).join(" ")}`
        case "timestamps":
            return `TS val ${option.value} ecr ${option.echo}`
        default:
            return `${option.kind} ${option.code}`
    }
}

/** The bytes of options in text: those above, "nop", "eol", and "hex 0204...". */
export function optionBytes(options: readonly string[]): number[] {
    return options.flatMap(option => {
        const [name, ...rest] = option.split(/\s+/)
        switch (name) {
            case "mss":
                return [2, 4, ...u16(Number(rest[0]))]
            case "wscale":
                return [3, 3, Number(rest[0])]
            case "sackOK":
                return [4, 2]
            case "TS":
                return [8, 10, ...u32(Number(rest[1])), ...u32(Number(rest[3]))]
            case "nop":
                return [1]
            case "eol":
                return [0]
            case "hex":
                return (rest.join("").match(/../g) ?? []).map(byte => Number.parseInt(byte, 16))
            default:
                throw new Error(`no such option: ${option}`)
        }
    })
}
