// A script as its parser leaves it: options, commands for the start, and events with their times.

import type { Source } from "./failure"

export interface Script {
    readonly source: Source
    readonly options: readonly Option[]
    /** Commands before the first event, and behind the last. */
    readonly init: Command | undefined
    readonly cleanup: Command | undefined
    readonly events: readonly Event[]
}

/** `--name` or `--name=value` at the top. */
export interface Option {
    readonly name: string
    readonly value: string | undefined
    readonly line: number
}

/** When an event is to happen, in microseconds: since the start, or since the event before. */
export type Time =
    | { readonly type: "absolute" | "relative"; readonly usecs: number }
    | { readonly type: "absolute range" | "relative range"; readonly usecs: number; readonly end: number }
    | { readonly type: "any" }

export interface Event {
    readonly time: Time
    readonly action: Action
    /** Lines it begins and ends on, from 1. */
    readonly line: number
    readonly endLine: number
}

export type Action = TcpLine | IcmpLine | SystemCall | Command | Code

/** Which way a packet goes: the script injects it, or expects it of the stack. */
export type Direction = "in" | "out"

/** Ports that a line names: source and destination, as on the wire. */
export interface Ports {
    readonly source: number
    readonly destination: number
}

/** What a line says about the IP header. */
export interface IpInfo {
    /** Bits of ECN; "ect01" is either of the two. */
    readonly ecn?: number | "ect01"
    /** The whole type of service byte. */
    readonly tos?: number
    readonly ttl?: number
}

/** Options of a TCP header, no-operations and all, in their order. Numbers as they stand there. */
export type Opt =
    | { readonly kind: "nop" | "eol" | "sackOK" }
    | { readonly kind: "mss" | "wscale"; readonly value: number }
    | { readonly kind: "TS"; readonly val: number; readonly ecr: number }
    | { readonly kind: "sack"; readonly blocks: readonly SackBlock[] }
    /** Anything else, with its kind and length bytes; or bytes that are no option at all. */
    | { readonly kind: "bytes"; readonly bytes: readonly number[] }

export interface SackBlock {
    readonly left: number
    readonly right: number
}

/** A TCP segment: sequence numbers as the script writes them, or as they are on the wire. */
export interface Segment {
    /** Letters of FSRP.UEWA, in this order. */
    readonly flags: string
    readonly seq: number
    readonly length: number
    readonly ack: number
    /** Undefined: not said. */
    readonly window: number | undefined
    readonly urgent: number
    /** Undefined: any, `<...>`. */
    readonly options: readonly Opt[] | undefined
}

export interface TcpLine {
    readonly kind: "tcp"
    readonly direction: Direction
    readonly ip: IpInfo
    readonly ports: Ports | undefined
    readonly segment: Segment
}

export interface IcmpLine {
    readonly kind: "icmp"
    readonly direction: Direction
    readonly ip: IpInfo
    readonly type: number
    readonly code: number
    readonly mtu: number | undefined
    /** Of the TCP segment that an inbound message quotes: its number, and how much text it had. */
    readonly quoted: { readonly seq: number; readonly length: number }
}

export interface SystemCall {
    readonly kind: "call"
    readonly name: string
    readonly arguments: readonly Expression[]
    readonly result: Expression
    /** Name of the error that is expected. */
    readonly errno: string | undefined
    /** A call that blocks: when it is to return, in microseconds, counted as the event's time. */
    readonly end: number | undefined
    /** As written, without the time. */
    readonly text: string
}

export interface Command {
    readonly kind: "command"
    readonly text: string
    readonly line: number
}

export interface Code {
    readonly kind: "code"
    readonly text: string
}

/** Arguments and results of system calls. */
export type Expression =
    | { readonly kind: "ellipsis" }
    | { readonly kind: "integer"; readonly value: number }
    | { readonly kind: "word"; readonly name: string }
    | { readonly kind: "string"; readonly text: string }
    | { readonly kind: "or"; readonly left: Expression; readonly right: Expression }
    /** `[a, b]` */
    | { readonly kind: "list"; readonly items: readonly Expression[] }
    /** `{a, b}` or, when its items are assignments, a structure. */
    | { readonly kind: "braces"; readonly items: readonly Expression[] }
    | { readonly kind: "assign"; readonly name: string; readonly value: Expression }
    /** `htons(80)` and the like. */
    | { readonly kind: "apply"; readonly name: string; readonly arguments: readonly Expression[] }

/** Control bits of a TCP header in the order that they are written in; the last is the AE of RFC 9768, once NS. */
export const FLAGS = "FSRP.UEWA"
