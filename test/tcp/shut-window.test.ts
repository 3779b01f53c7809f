// A window that is shut, and what else a reader of the RFCs found: each of these went wrong once.

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import * as calls from "../../src/tcp/calls"
import { Tcb, TcpError } from "../../src/tcp/records"
import { findConnection } from "../../src/tcp/tables"
import { ethernet, ipv4, tcp } from "../support/frames"
import { Host, ip, Wire } from "../support/host"
import { needs } from "../support/needs"
import { established, listening, reach, synSent } from "../support/states"

/** Two stacks with an open connection, and the connection's ids. */
function pair(config: { [key: string]: number }) {
    needs("ACTIVE_OPENS", "PASSIVE_OPENS")
    const a = new Host("10.0.0.1", { iss: 1000, ...config })
    const b = new Host("10.0.0.2", { iss: 5000, ...config })
    const wire = new Wire([a, b])
    const listener = calls.listen(b.stack, 80, 4)
    const x = calls.connect(a.stack, ip("10.0.0.2"), 80, 5000, wire.now)
    wire.run(10)
    return { a, b, wire, x, y: calls.accept(b.stack, listener) }
}

// Table 6: with RCV.WND 0 only SEG.SEQ = RCV.NXT is acceptable. A probe or a FIN that the peer did not take does not move it
describe("segments sent while a probe of a zero window is out", () => {
    /** The window is shut, and one octet of ten was sent as a probe. */
    const probed = () =>
        established()
            .sends(". 1 ack 1 win 0")
            .gets()
            .writes(10)
            .gets()
            .after(1000)
            .gets("+1000 . 1(1) ack 1")
            .sends(". 1 ack 1 win 0")
            .gets()

    test("an ACK sent while a probe is out has the sequence number that the peer expects", () => {
        probed().sends("P. 1(5) ack 1 win 0").gets(". 1 ack 6")
    })

    test("a RST sent while a probe is out has the sequence number that the peer expects", () => {
        probed().aborts().gets("R. 1 ack 1")
    })

    test("two stacks with zero windows send fewer than 50 frames in a minute", () => {
        const { a, b, wire, x, y } = pair({ receiveBuffer: 64, sendBuffer: 256 })
        const data = Buffer.alloc(200)
        calls.write(a.stack, x, data, 0, 200)
        calls.write(b.stack, y, data, 0, 200)
        const before = wire.frames.length
        wire.run(60_000)
        expect(wire.frames.length - before).toBeLessThan(50)
    })

    test("shutdown() towards a zero window does not slow the other direction down", () => {
        const { a, b, wire, x, y } = pair({ receiveBuffer: 256, sendBuffer: 256 })
        const data = Buffer.alloc(256)
        // b fills a's window, then ends its stream; a does not read, but sends
        calls.write(b.stack, y, data, 0, 256)
        wire.run(10)
        calls.shutdown(b.stack, y, wire.now)
        wire.run(10)
        let got = 0
        const into = Buffer.alloc(4096)
        for (let i = 0; i < 100; i++) {
            calls.write(a.stack, x, data, 0, 256)
            wire.run(100)
            got += calls.read(b.stack, y, into, 0, 4096)
        }
        expect(got).toBe(100 * 256)
    })
})

describe("probes of a zero window that are answered", () => {
    test("answered probes keep the connection, however short R2 is (MUST-37)", () => {
        const peer = established({ config: { r2: 5000 } })
        peer.sends(". 1 ack 1 win 0").gets().writes(10).gets()
        for (let wait = 1000; wait <= 32_000; wait *= 2) {
            peer.after(wait).gets(`+${wait} . 1(1) ack 1`).sends(". 1 ack 1 win 0").gets().is("ESTABLISHED")
        }
    })

    test("answered probes of a connection that the program has closed: R2 ends it (RFC 6429)", () => {
        const peer = established().sends(". 1 ack 1 win 0").gets().writes(10).gets().closes().gets()
        for (let i = 0; i < 5; i++) {
            peer.bench.pass(60_000)
            peer.seen.splice(0)
            if (peer.state !== "CLOSED") peer.sends(". 1 ack 1 win 0").gets()
        }
        peer.is("CLOSED")
    })

    test("a probe's octet that is sent again when the window opens is not timed (Karn)", () => {
        const peer = established().sends(". 1 ack 1 win 0").gets().writes(10).gets()
        const c = findConnection(peer.bench.stack, peer.id)!
        const srtt = () => c.getAt(Tcb.Srtt, "i32") >> 3
        const before = srtt()
        peer.after(1000).gets("+1000 . 1(1) ack 1").after(1900).gets()
        peer.sends(". 1 ack 1 win 100").gets("P. 1(10) ack 1")
        peer.after(1).gets().sends(". 1 ack 11 win 100").gets()
        expect(srtt()).toBeLessThanOrEqual(before + 1)
    })
})

test("a larger receive limit is advertised at once when the window was shut", () => {
    const peer = established().limits(100)
    peer.sends("P. 1(1024) ack 1").gets(". 1 ack 1025 win 0").reads(1024).gets(". 1 ack 1025 win 100")
    peer.sends("P. 1025(100) ack 1").gets(". 1 ack 1125 win 0").limits(1024).gets(". 1 ack 1125 win 924")
})

describe("a retransmitted SYN in SYN-RECEIVED", () => {
    test.each(["S 0(5) <mss 1460>", "SP 0 <mss 1460>"])(
        "a SYN that comes twice, %s, gets the same SYN,ACK twice",
        syn => {
            const peer = listening().sends(syn).gets("S. 0 ack 1 <mss 1460>")
            peer.sends(syn).gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
        }
    )
})

test("shutdown() in SYN-SENT with data queued is reported as ECONNABORTED", () => {
    synSent().writes(10).shuts().failed("ECONNABORTED")
})

test("a SYN is retransmitted at least once before R2 gives up", () => {
    const peer = synSent({ config: { r2Syn: 1000 } })
    peer.after(1000).gets("+1000 S 0 <mss 1460>").is("SYN-SENT").after(2000).gets().failed("ETIMEDOUT")
})

test("a record in TIME-WAIT that a program holds is given to connect() when no other is free", () => {
    needs("ACTIVE_OPENS")
    const peer = reach("TIME-WAIT", { config: { connections: 1 } })
    const { stack, now } = peer.bench
    expect(calls.read(stack, peer.id, Buffer.alloc(1), 0, 1)).toBe(TcpError.Eof)
    // the only record there is
    expect(calls.connect(stack, ip("10.0.0.3"), 80, 1234, now)).toBeGreaterThan(0)
    expect(calls.read(stack, peer.id, Buffer.alloc(1), 0, 1)).toBe(TcpError.NotConnected)
})

test("forged SYNs do not drive the neighbour of a connection out of the ARP table", () => {
    const peer = established({ open: "passive" })
    const { bench } = peer
    for (let i = 10; i < 30; i++) {
        const between = { source: `10.0.0.${i}`, destination: "10.0.0.1" }
        const syn = tcp(between, { sourcePort: 9, destinationPort: 80, seq: 1, flags: "S" })
        bench.receive(
            ethernet(bench.mac, "02:00:00:00:09:09", 0x0800, ipv4({ ...between, protocol: 6 }, syn))
        )
        // the stack asks for some of them by ARP: for which does not matter here
        bench.others.splice(0)
        peer.sends(`P. ${(i - 10) * 5 + 1}(5) ack 1`).gets(`. 1 ack ${(i - 10) * 5 + 6}`)
    }
})
