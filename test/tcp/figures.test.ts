// The figures of RFC 9293, line by line, each side in turn; figures 7 and 13 are in simultaneous.test.ts, 12 in closing.test.ts.

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { accept, close, connect, listen, read, stateOf, write } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/records"
import { plain } from "../support/bench"
import { bytes, Host, ip, Wire } from "../support/host"
import { formatSegment, segmentOf } from "../support/segment"
import { bases, established, listening, newPeer } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

// ---------------------------------------------------------------- The mission's example: two stacks
test("Host X sends SYN 4321, the server acknowledges 4322, Host X acknowledges the server's number plus 1", () => {
    const x = new Host("10.0.0.1", { ...plain, iss: 4321 })
    const server = new Host("10.0.0.2", { ...plain, iss: 99 })
    const wire = new Wire([x, server])
    const l = listen(server.stack, 80, 4)
    const c = connect(x.stack, ip("10.0.0.2"), 80, 0, 0)
    wire.settle()
    const a = accept(server.stack, l)
    expect(stateOf(x.stack, c)).toBe(State.Established)
    expect(stateOf(server.stack, a)).toBe(State.Established)
    expect(write(x.stack, c, bytes("hello"), 0, 5)).toBe(5)
    wire.settle()
    const into = Buffer.alloc(10)
    expect(read(server.stack, a, into, 0, 10)).toBe(5)
    expect(into.slice(0, 5).toString()).toBe("hello")
    close(x.stack, c, 0)
    wire.settle()
    expect(stateOf(x.stack, c)).toBe(State.FinWait2)
    expect(read(server.stack, a, into, 0, 10)).toBe(TcpError.Eof)
    close(server.stack, a, 0)
    wire.settle()
    expect(stateOf(x.stack, c)).toBe(State.TimeWait)
    expect(stateOf(server.stack, a)).toBe(State.Closed)
    // a record of TIME-WAIT counts in units of 16 ms
    wire.run(60_016)
    expect(stateOf(x.stack, c)).toBe(State.Closed)
    // the numbers of the headers
    const segments = wire.frames.flatMap(({ from, frame }) => {
        const view = dissect(frame)
        if (view.kind !== "tcp") return []
        return [`${from === x ? "X" : "server"}: ${formatSegment(segmentOf(view, 0, 0))}`]
    })
    expect(segments).toEqual([
        "X: S 4321 win 1024 <mss 1460>",
        "server: S. 99 ack 4322 win 1024 <mss 1460>",
        "X: . 4322 ack 100 win 1024",
        "X: P. 4322(5) ack 100 win 1024",
        "server: . 100 ack 4327 win 1019",
        "X: F. 4327 ack 100 win 1024",
        "server: . 100 ack 4328 win 1018",
        "server: F. 100 ack 4328 win 1018",
        "X: . 4328 ack 101 win 1023",
    ])
})

describe.each(bases)("the figures of RFC 9293, $name", base => {
    // ---------------------------------------------------------------- Figure 6: basic three-way handshake
    test("figure 6, TCP peer A: an active open is ESTABLISHED by the SYN,ACK and sends data", () => {
        const peer = newPeer({ base }).connects().gets("S 0 <mss 1460>").is("SYN-SENT")
        peer.sends("S. 0 ack 1").gets(". 1 ack 1").is("ESTABLISHED").writes(10).gets("P. 1(10) ack 1")
    })

    test("figure 6, TCP peer B: a listener answers the SYN, and the ACK establishes the connection", () => {
        const peer = listening({ base }).sends("S 0").gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
        peer.sends(". 1 ack 1").gets().is("ESTABLISHED").sends("P. 1(10) ack 1").gets(". 1 ack 11")
    })

    // ---------------------------------------------------------------- Figure 8: recovery from an old duplicate SYN
    test("figure 8, TCP peer A: an ACK of an old SYN is reset, and a later SYN,ACK opens", () => {
        const peer = newPeer({ base }).connects().gets("S 0 <mss 1460>")
        // line 4: an acknowledgment of the old SYN, ten numbers before
        peer.sends("S. 0 ack -9").gets("R -9").is("SYN-SENT")
        // line 7: the peer has chosen another number meanwhile
        peer.sends("S. 100 ack 1").gets(". 1 ack 101 win 1024").is("ESTABLISHED")
    })

    test("figure 8, TCP peer B: an old SYN is answered, its RST returns to LISTEN, and the new SYN opens", () => {
        const peer = listening({ base })
            .sends("S -10")
            .gets("S. 0 ack -9 win 1024 <mss 1460>")
            .is("SYN-RECEIVED")
        peer.sends("R -9").gets().is("LISTEN")
        peer.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("figure 8, TCP peer B: the new SYN before the RST returns to LISTEN and opens when it comes again", () => {
        const peer = listening({ base }).sends("S -10").gets("S. 0 ack -9 win 1024 <mss 1460>")
        // within the window of the old one: back to LISTEN (3.10.7.4, fourth), and the SYN comes again
        peer.sends("S 0").gets().is("LISTEN").sends("R -9").gets().is("LISTEN")
        peer.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    // ---------------------------------------------------------------- Figure 9: half-open connection discovery
    test("figure 9, TCP peer A, which has rebooted: the ACK of the old connection is reset, the SYN is retransmitted and opens", () => {
        const peer = newPeer({ base }).connects().gets("S 0 <mss 1460>")
        // line 4: the peer's connection is at -300
        peer.sends(". -100 ack -300").gets("R -300").is("SYN-SENT")
        // line 7
        peer.after(1000).gets("+1000 S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1").is("ESTABLISHED")
    })

    test("figure 9, TCP peer B, which has not: a SYN is challenged, the RST ends the connection, the next SYN is answered", () => {
        const peer = established({ base, open: "passive" })
            .sends("P. 1(99) ack 1")
            .gets(". 1 ack 100")
            .reads(99)
            .gets()
        peer.sends("S -70000").gets(". 1 ack 100").is("ESTABLISHED")
        peer.sends("R 100").gets().failed("ECONNRESET").closes()
        // line 7: the SYN again finds the listener
        peer.is("LISTEN").sends("S 0").gets("S. 0 ack 1 win 1024 <mss 1460>")
    })

    // ---------------------------------------------------------------- Figure 10: the active side causes the discovery
    test("figure 10, TCP peer A, which has rebooted: data of the old connection is reset", () => {
        newPeer({ base }).sends("P. 300(10) ack 100").gets("R 100").is("CLOSED")
    })

    test("figure 10, TCP peer B, which sends data: a RST ends the connection with ECONNRESET", () => {
        const peer = established({ base }).writes(10).gets("P. 1(10) ack 1")
        peer.sends("R 1").gets().failed("ECONNRESET").after(600_000).gets()
    })

    // ---------------------------------------------------------------- Figure 11: an old duplicate SYN on two passive sockets
    test("figure 11, TCP peer A: a SYN,ACK in LISTEN is reset", () => {
        listening({ base }).sends("S. 77 ack 5").gets("R 5").is("LISTEN")
    })

    test("figure 11, TCP peer B: an old SYN is answered, and the RST returns to LISTEN", () => {
        listening({ base }).sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends("R 1").gets().is("LISTEN")
    })
})

tsharkAgrees()
