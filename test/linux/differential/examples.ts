// Sequences that end in a difference which one segment alone does not lead to. Those at random meet them too, but not with
// every seed.

import type { Action } from "./conversation"

export interface Example {
    /** The class that its last action leads to. */
    difference: string
    /** The name of the situation it begins in. */
    from: string
    options: boolean
    actions: Action[]
}

export const examples: Example[] = [
    {
        difference: "CLOSE in SYN-RECEIVED",
        from: "SYN-RECEIVED, simultaneous open",
        options: false,
        actions: [{ call: "close" }],
    },
    {
        difference: "FIN of a CLOSE in SYN-RECEIVED",
        from: "SYN-RECEIVED, simultaneous open",
        options: false,
        actions: [{ call: "shutdown" }, { segment: "P. rcv(20) ack nxt" }],
    },
    {
        difference: "reads after CLOSE in SYN-SENT",
        from: "SYN-SENT",
        options: false,
        actions: [{ call: "shutdown" }, { segment: "P. rcv(20) ack nxt" }],
    },
    {
        difference: "SACK on text and FIN",
        from: "ESTABLISHED, fresh",
        options: true,
        actions: [{ segment: "P. rcv+10(20) ack nxt" }, { write: 10 }],
    },
    {
        difference: "SACK behind the FIN",
        from: "FIN-WAIT-2",
        options: true,
        actions: [{ segment: "F. rcv+10(10) ack nxt" }, { segment: "P. rcv(10) ack nxt" }],
    },
    {
        difference: "a FIN ahead, and text behind it",
        from: "ESTABLISHED, fresh",
        options: false,
        actions: [{ segment: "F. rcv+1 ack nxt" }, { segment: "P. rcv(10) ack nxt" }],
    },
    {
        difference: "duplicate ACK with an older timestamp",
        from: "ESTABLISHED, fresh",
        options: true,
        actions: [{ segment: ". rcv ack nxt", stamp: 10 }, { segment: ". rcv ack nxt" }],
    },
    {
        difference: "timestamp of a segment with an old ACK",
        from: "FIN-WAIT-1",
        options: true,
        actions: [{ segment: ". rcv ack una-1", stamp: 10 }, { segment: ". rcv+30 ack nxt-1" }],
    },
    {
        difference: "FIN-WAIT-2 of a closed program: memory",
        from: "FIN-WAIT-2, closed",
        options: true,
        actions: [{ segment: ". rcv ack nxt", stamp: 10 }, { segment: "F. rcv ack nxt" }],
    },
    {
        difference: "ACK of what was acknowledged long ago",
        from: "SYN-RECEIVED",
        options: false,
        actions: [
            { segment: ". rcv ack nxt" },
            { segment: "P. rcv+30(20) ack una-1" },
            { segment: "P. rcv(35) ack nxt" },
        ],
    },
    {
        difference: "text beyond the window",
        from: "ESTABLISHED, fresh",
        options: false,
        actions: [{ segment: "P. edge-5(10) ack nxt" }, { segment: "P. rcv(195) ack nxt" }],
    },
    {
        difference: "two duplicate ACKs",
        from: "ESTABLISHED",
        options: false,
        actions: [{ segment: ". rcv ack una" }, { write: 1 }, { segment: ". rcv ack una" }],
    },
    {
        difference: "three duplicate ACKs of one segment",
        from: "ESTABLISHED",
        options: false,
        actions: [{ segment: ". rcv ack una" }, { segment: ". rcv ack una" }, { segment: ". rcv ack una" }],
    },
]
