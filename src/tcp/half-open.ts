// Half-open connections: those in SYN-RECEIVED after a passive open, before they get a connection record.
//
// They are small records in a table of their own, which all listeners share. A record is never taken from one handshake for
// another: while all records are taken, SYN cookies replace them (syn-cookie.ts). So a flood of SYNs fills no more than the
// table, and displaces no client from it.

import { Counter } from "../base/counters"
import { TIMESTAMPS } from "../features"
import { Flag, Tcp, writeTimestamps } from "../wire/tcp"
import { Frame, type TcpContext } from "./context"
import { writeSynOptions } from "./options"
import { Agreed, Half, HalfFlag, State } from "./records"
import { countSent, writeSegment } from "./reply"
import { count, traceState } from "./report"
import { timestampAt } from "./secret-numbers"
import { noteTimer } from "./state"

/** Returns the half-open record for this peer and these ports, -1 if not found. */
export function halfOpenFor(t: TcpContext, remoteIp: number, ports: number): number {
    const halves = t.halves
    const end = t.halvesEnd
    for (let h = 0; h < end; h += Half.Size) {
        if (halves.getAt(h + Half.Ports, "i32") === ports) {
            if (halves.getAt(h + Half.RemoteIp, "i32") === remoteIp) {
                if (halves.getAt(h + Half.Listener, "u16") > 0) return h
            }
        }
    }
    return -1
}

/** Returns a free half-open record, -1 if all are taken. The caller claims it by setting its Listener. */
export function takeHalf(t: TcpContext): number {
    const halves = t.halves
    const end = t.halvesEnd
    for (let h = 0; h < end; h += Half.Size) {
        if (halves.getAt(h + Half.Listener, "u16") === 0) return h
    }
    if (end >= halves.length) return -1
    t.halvesEnd = end + Half.Size
    return end
}

/** Frees a half-open record whose connection has moved to another record. No event is recorded. */
export function dropHalf(t: TcpContext, h: number): void {
    const halves = t.halves
    halves.setAt(h + Half.Listener, "u16", 0)
    // searches end before the free records at the end of the table
    while (t.halvesEnd > 0 && halves.getAt(t.halvesEnd - Half.Size + Half.Listener, "u16") === 0)
        t.halvesEnd -= Half.Size
}

/** Frees a half-open record whose handshake has failed, and records the event: back to LISTEN. */
export function freeHalf(t: TcpContext, h: number, now: number): void {
    const remoteIp = t.halves.getAt(h + Half.RemoteIp, "i32")
    const ports = t.halves.getAt(h + Half.Ports, "i32")
    dropHalf(t, h)
    traceState(t, 0, State.SynReceived, State.Listen, remoteIp, ports, now)
}

/** Schedules the SYN-ACK of a half-open record. */
export function setHalfDue(t: TcpContext, h: number): void {
    t.halves.setAt(h + Half.Flags, "u8", t.halves.getAt(h + Half.Flags, "u8") | HalfFlag.Due)
    t.dirty = true
}

/** Schedules SYN-ACKs again, with a timeout that doubles (RFC 6298 section 5), and gives up clients that do not answer. */
export function runHalfTimers(t: TcpContext, now: number): void {
    const halves = t.halves
    for (let h = 0; h < t.halvesEnd; h += Half.Size) {
        if (halves.getAt(h + Half.Listener, "u16") === 0) continue
        const deadline = halves.getAt(h + Half.Deadline, "i32")
        if (((deadline - now) | 0) > 0) noteTimer(t, deadline)
        else halfExpired(t, h, now)
    }
}

/** Schedules the SYN-ACK of a half-open record again, or frees the record after the last retry. */
function halfExpired(t: TcpContext, h: number, now: number): void {
    const halves = t.halves
    const retries = halves.getAt(h + Half.Retries, "u8")
    if (retries >= t.config.synAckRetries) {
        freeHalf(t, h, now)
        return
    }
    let wait = t.config.rtoInitial
    for (let i = 0; i <= retries && wait < t.config.rtoMax; i++) wait *= 2
    const deadline = (now + Math.min(wait, t.config.rtoMax)) | 0
    halves.setAt(h + Half.Retries, "u8", retries + 1)
    halves.setAt(h + Half.Deadline, "i32", deadline)
    noteTimer(t, deadline)
    setHalfDue(t, h)
}

/** Writes the SYN-ACK or the challenge ACK that a half-open record has to send into the transmit frame, and returns its length. */
export function halfOpenOut(t: TcpContext, h: number, now: number): number {
    const halves = t.halves
    const flags = halves.getAt(h + Half.Flags, "u8")
    const remoteIp = halves.getAt(h + Half.RemoteIp, "i32")
    const ports = halves.getAt(h + Half.Ports, "i32")
    const iss = halves.getAt(h + Half.Iss, "i32")
    const syn = (flags & HalfFlag.Due) !== 0
    // a SYN-ACK serves as the challenge ACK, too
    halves.setAt(h + Half.Flags, "u8", flags & ~(HalfFlag.Due | HalfFlag.Challenge))
    let value = 0
    let echo = 0
    if (TIMESTAMPS ? flags & Agreed.Timestamps : 0) {
        value = timestampAt(t, remoteIp, ports, now)
        echo = halves.getAt(h + Half.TsRecent, "i32")
    }
    let end: number = Frame.Transport + Tcp.Size
    if (syn) end = writeSynOptions(t, end, flags, value, echo)
    else if (TIMESTAMPS ? flags & Agreed.Timestamps : 0) end = writeTimestamps(t.tx, end, false, value, echo)
    const length = end - Frame.Transport
    writeSegment(
        t,
        remoteIp,
        ports,
        syn ? iss : (iss + 1) | 0,
        (halves.getAt(h + Half.Irs, "i32") + 1) | 0,
        syn ? Flag.Syn | Flag.Ack : Flag.Ack,
        halves.getAt(h + Half.ReceiveLimit, "u16"),
        length
    )
    if (syn) {
        if (halves.getAt(h + Half.Retries, "u8") > 0) count(t, Counter.Retransmits)
    }
    countSent(t, remoteIp, length, 0, State.SynReceived, now)
    return length
}
