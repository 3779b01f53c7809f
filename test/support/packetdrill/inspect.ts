// What code of a script can ask about a connection on Node: fields of its record under the names that Linux has for
// them, in Linux's units, and our own in bytes and milliseconds.

import { swap16 } from "../../../src/base/bytes"
import { counterNames } from "../../../src/base/counters"
import type { Stack } from "../../../src/net/stack"
import type { Connection } from "../../../src/tcp/context"
import { ConnOption, Half, Listener, State, stateName, Tcb, TimeWaitRecord } from "../../../src/tcp/records"
import { findConnection, findTuple, joinPorts } from "../../../src/tcp/tables"
import { STATES } from "./backend"

/** A connection by what a script knows of it. */
export interface Who {
    readonly handle: number | undefined
    readonly remoteIp: number
    readonly remotePort: number
    readonly localPort: number
}

const COUNTERS = counterNames.split(" ").map(name => `counter_${name.replaceAll("-", "_")}`)

/** The value of a name; undefined for those that are not known, 0 for what a connection without a record has not. */
export function inspect(s: Stack, name: string, who: Who): number | undefined {
    const counter = COUNTERS.indexOf(name)
    if (counter >= 0) return s.counters.getAt(counter * 4, "i32")
    const c = recordOf(s, who)
    const state = c === undefined ? stateWithout(s, who) : c.getAt(Tcb.State, "u8")
    if (name === "tcpi_state") return STATES[stateName(state)]!
    const u8 = (offset: Tcb) => (c === undefined ? 0 : c.getAt(offset, "u8"))
    const u16 = (offset: Tcb) => (c === undefined ? 0 : c.getAt(offset, "u16"))
    const i32 = (offset: Tcb) => (c === undefined ? 0 : c.getAt(offset, "i32"))
    const segments = (bytes: number) => Math.floor(bytes / Math.max(1, u16(Tcb.Mss)))
    switch (name) {
        case "tcpi_snd_mss":
        case "mss":
            return u16(Tcb.Mss)
        case "tcpi_snd_cwnd":
            return segments(u16(Tcb.Cwnd))
        case "cwnd":
            return u16(Tcb.Cwnd)
        case "tcpi_snd_ssthresh":
            return segments(u16(Tcb.Ssthresh))
        case "ssthresh":
            return u16(Tcb.Ssthresh)
        case "tcpi_rto":
            return u16(Tcb.Rto) * 1000
        case "tcpi_rtt":
            return u16(Tcb.Srtt) * 125
        case "tcpi_rttvar":
            return u16(Tcb.RttVar) * 250
        case "tcpi_retransmits":
        case "tcpi_backoff":
            return u8(Tcb.Retries)
        case "tcpi_snd_wnd":
            return u16(Tcb.SndWnd)
        case "tcpi_rcv_wnd":
            return u16(Tcb.RcvWnd)
        case "tcpi_unacked":
            return Math.ceil(((i32(Tcb.SndMax) - i32(Tcb.SndUna)) | 0) / Math.max(1, u16(Tcb.Mss)))
        case "tcpi_options":
            return (
                (u8(Tcb.Options) & ConnOption.Timestamps ? 1 : 0) |
                (u8(Tcb.Options) & ConnOption.Sack ? 2 : 0)
            )
        case "unread":
            return u16(Tcb.ReceiveLength)
        case "unsent":
            return u16(Tcb.SendLength)
        case "connections":
            return s.conns.filter(record => record.getAt(Tcb.Id, "u16") > 0).length
        case "half_open":
            return used(s.halves, Half.Size, at => s.halves.getAt(at + Half.Listener, "u16"))
        case "time_waits":
            return used(s.waits, TimeWaitRecord.Size, at => s.waits.getAt(at + TimeWaitRecord.Id, "u16"))
        default:
            return undefined
    }
}

/** The connection's record, undefined when it has none. */
function recordOf(s: Stack, { handle, remoteIp, remotePort, localPort }: Who): Connection | undefined {
    const c = handle === undefined ? undefined : findConnection(s, handle)
    return c ?? s.conns[findTuple(s, remoteIp, joinPorts(remotePort, localPort))]
}

/** The state of a connection without a record of its own. */
function stateWithout(s: Stack, { handle, remoteIp, remotePort, localPort }: Who): State {
    const ports = joinPorts(remotePort, localPort)
    for (let w = 0; w < s.waits.length; w += TimeWaitRecord.Size) {
        if (
            s.waits.getAt(w + TimeWaitRecord.Id, "u16") === 0 ||
            s.waits.getAt(w + TimeWaitRecord.Ports, "i32") !== ports
        )
            continue
        if (s.waits.getAt(w + TimeWaitRecord.RemoteIp, "i32") === remoteIp) return State.TimeWait
    }
    for (let h = 0; h < s.halves.length; h += Half.Size) {
        if (s.halves.getAt(h + Half.Listener, "u16") === 0 || s.halves.getAt(h + Half.Ports, "i32") !== ports)
            continue
        if (s.halves.getAt(h + Half.RemoteIp, "i32") === remoteIp) return State.SynReceived
    }
    // one that a program has, or had, does not go back to where it came from
    if (handle !== undefined) return State.Closed
    for (let l = 0; l < s.listeners.length; l += Listener.Size) {
        const port = s.listeners.getAt(l + Listener.Port, "u16")
        if (s.listeners.getAt(l + Listener.Id, "u16") !== 0 && port === swap16(localPort)) return State.Listen
    }
    return State.Closed
}

function used(table: { length: number }, size: number, id: (at: number) => number): number {
    let count = 0
    for (let at = 0; at < table.length; at += size) if (id(at) !== 0) count++
    return count
}
