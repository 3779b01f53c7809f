// How a compared host is brought into each state, by the same segments and calls.

import type { Action } from "./conversation"

const segment = (text: string): Action => ({ segment: text })
const call = (name: "listen" | "connect" | "shutdown" | "close"): Action => ({ call: name })
const write = (length: number): Action => ({ write: length })

/** What is on SYNs of the driver; with timestamps where those are on. */
export const SYN_OPTIONS = { off: "mss 1460", on: "mss 1460,sackOK" } as const

/** The driver's SYN, at its initial sequence number. */
const syn = (options: boolean) => segment(`S 0 <${options ? SYN_OPTIONS.on : SYN_OPTIONS.off}>`)
const synAck = (options: boolean) => segment(`S. 0 ack nxt <${options ? SYN_OPTIONS.on : SYN_OPTIONS.off}>`)

const passive = (options: boolean) => [call("listen"), syn(options), segment(". 1 ack nxt")]
const active = (options: boolean) => [call("connect"), synAck(options)]

/**
 * 120 bytes in and 100 out, acknowledged and read: what lies before the windows has been there. In two halves, after which
 * the window that ours tells of is whole again.
 */
const text = segment("P. rcv(60) ack nxt")
const used = [text, text, write(100), segment(". rcv ack nxt")]
/** 20 bytes that are not acknowledged. */
const flight = write(20)
const fin = segment("F. rcv ack una")

export interface Situation {
    name: string
    /** What it is for the host. */
    state: string
    /** The same state as another's, reached in another way: less is asked. */
    variant?: true
    actions(options: boolean): Action[]
}

export const situations: Situation[] = [
    { name: "CLOSED", state: "CLOSED", actions: () => [] },
    { name: "LISTEN", state: "LISTEN", actions: () => [call("listen")] },
    { name: "SYN-SENT", state: "SYN-SENT", actions: () => [call("connect")] },
    {
        name: "SYN-RECEIVED",
        state: "SYN-RECEIVED",
        actions: o => [call("listen"), syn(o)],
    },
    {
        name: "SYN-RECEIVED, simultaneous open",
        state: "SYN-RECEIVED",
        actions: o => [call("connect"), syn(o)],
    },
    { name: "ESTABLISHED, fresh", state: "ESTABLISHED", variant: true, actions: o => active(o) },
    {
        name: "ESTABLISHED",
        state: "ESTABLISHED",
        actions: o => [...passive(o), ...used, flight],
    },
    {
        name: "FIN-WAIT-1",
        state: "FIN-WAIT-1",
        actions: o => [...passive(o), ...used, flight, call("shutdown")],
    },
    {
        name: "FIN-WAIT-1, closed",
        state: "FIN-WAIT-1",
        variant: true,
        actions: o => [...passive(o), ...used, flight, call("close")],
    },
    {
        name: "FIN-WAIT-2",
        state: "FIN-WAIT-2",
        actions: o => [...passive(o), ...used, call("shutdown"), segment(". rcv ack nxt")],
    },
    {
        name: "FIN-WAIT-2, closed",
        state: "FIN-WAIT-2",
        actions: o => [...passive(o), ...used, call("close"), segment(". rcv ack nxt")],
    },
    {
        name: "CLOSE-WAIT",
        state: "CLOSE-WAIT",
        actions: o => [...passive(o), ...used, flight, fin],
    },
    {
        name: "CLOSING",
        state: "CLOSING",
        actions: o => [...passive(o), ...used, flight, call("shutdown"), fin],
    },
    {
        name: "LAST-ACK",
        state: "LAST-ACK",
        actions: o => [...passive(o), ...used, flight, fin, call("shutdown")],
    },
    {
        name: "TIME-WAIT",
        state: "TIME-WAIT",
        actions: o => [...active(o), ...used, call("shutdown"), segment("F. rcv ack nxt")],
    },
    {
        name: "TIME-WAIT, with a listener",
        state: "TIME-WAIT",
        variant: true,
        actions: o => [...passive(o), ...used, call("shutdown"), segment("F. rcv ack nxt")],
    },
    {
        name: "TIME-WAIT, closed",
        state: "TIME-WAIT",
        actions: o => [...passive(o), ...used, call("close"), segment("F. rcv ack nxt")],
    },
]
