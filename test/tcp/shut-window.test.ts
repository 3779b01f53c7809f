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

/** Two stacks with an open connection, and its ids. */
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

// Table 6: with RCV.WND 0 only SEG.SEQ = RCV.NXT is acceptable. A probe or a FIN that the peer did not take is not counted
describe("what is sent while a probe is out", () => {
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

    test("an ACK has the number the peer expects", () => {
        probed().sends("P. 1(5) ack 1 win 0").gets(". 1 ack 6")
    })

    test("so has an RST", () => {
        probed().aborts().gets("R. 1 ack 1")
    })

    test("two stacks with shut windows do not answer each other for ever", () => {
        const { a, b, wire, x, y } = pair({ receiveBuffer: 64, sendBuffer: 256 })
        const data = Buffer.alloc(200)
        calls.write(a.stack, x, data, 0, 200)
        calls.write(b.stack, y, data, 0, 200)
        const before = wire.frames.length
        wire.run(60_000)
        expect(wire.frames.length - before).toBeLessThan(50)
    })

    test("a half close into a shut window does not slow the other direction down", () => {
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

describe("probes that are answered", () => {
    test("are no reason to give up, however short R2 is (MUST-37)", () => {
        const peer = established({ config: { r2: 5000 } })
        peer.sends(". 1 ack 1 win 0").gets().writes(10).gets()
        for (let wait = 1000; wait <= 32_000; wait *= 2) {
            peer.after(wait).gets(`+${wait} . 1(1) ack 1`).sends(". 1 ack 1 win 0").gets().is("ESTABLISHED")
        }
    })

    test("but R2 ends what a program has closed (RFC 6429)", () => {
        const peer = established().sends(". 1 ack 1 win 0").gets().writes(10).gets().closes().gets()
        for (let i = 0; i < 5; i++) {
            peer.bench.pass(60_000)
            peer.seen.splice(0)
            if (peer.state !== "CLOSED") peer.sends(". 1 ack 1 win 0").gets()
        }
        peer.is("CLOSED")
    })

    test("are not timed when the window opens and the octet goes again (Karn)", () => {
        const peer = established().sends(". 1 ack 1 win 0").gets().writes(10).gets()
        const c = findConnection(peer.bench.stack, peer.id)
        const srtt = () => peer.bench.stack.conns.getAt(c + Tcb.Srtt, "i32") >> 3
        const before = srtt()
        peer.after(1000).gets("+1000 . 1(1) ack 1").after(1900).gets()
        peer.sends(". 1 ack 1 win 100").gets("P. 1(10) ack 1")
        peer.after(1).gets().sends(". 1 ack 11 win 100").gets()
        expect(srtt()).toBeLessThanOrEqual(before + 1)
    })
})

test("more room in a receive limit is told at once", () => {
    const peer = established().limits(100)
    peer.sends("P. 1(1024) ack 1").gets(". 1 ack 1025 win 0").reads(1024).gets(". 1 ack 1025 win 100")
    peer.sends("P. 1025(100) ack 1").gets(". 1 ack 1125 win 0").limits(1024).gets(". 1 ack 1125 win 924")
})

describe("a SYN once more in SYN-RECEIVED", () => {
    test.each(["S 0(5) <mss 1460>", "SP 0 <mss 1460>"])("with what it had: %s", syn => {
        const peer = listening().sends(syn).gets("S. 0 ack 1 <mss 1460>")
        peer.sends(syn).gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
    })
})

test("what was queued and never sent is told when SYN-SENT is shut down", () => {
    synSent().writes(10).shuts().failed("ECONNABORTED")
})

test("nothing is given up before it was sent twice", () => {
    const peer = synSent({ config: { r2Syn: 1000 } })
    peer.after(1000).gets("+1000 S 0 <mss 1460>").is("SYN-SENT").after(2000).gets().failed("ETIMEDOUT")
})

test("a TIME-WAIT that a program still holds gives way when there is no other record", () => {
    needs("ACTIVE_OPENS")
    const peer = reach("TIME-WAIT", { config: { connections: 1 } })
    const { stack, now } = peer.bench
    expect(calls.read(stack, peer.id, Buffer.alloc(1), 0, 1)).toBe(TcpError.Eof)
    // the only record there is
    expect(calls.connect(stack, ip("10.0.0.3"), 80, 1234, now)).toBeGreaterThan(0)
    expect(calls.read(stack, peer.id, Buffer.alloc(1), 0, 1)).toBe(TcpError.NotConnected)
})

test("forged SYNs do not drive the neighbour of a connection out of the table", () => {
    const peer = established({ open: "passive" })
    const { bench } = peer
    for (let i = 10; i < 30; i++) {
        const between = { source: `10.0.0.${i}`, destination: "10.0.0.1" }
        const syn = tcp(between, { sourcePort: 9, destinationPort: 80, seq: 1, flags: "S" })
        bench.receive(
            ethernet(bench.mac, "02:00:00:00:09:09", 0x0800, ipv4({ ...between, protocol: 6 }, syn))
        )
        // the stack asks for some of them by ARP: who does not matter here
        bench.others.splice(0)
        peer.sends(`P. ${(i - 10) * 5 + 1}(5) ack 1`).gets(`. 1 ack ${(i - 10) * 5 + 6}`)
    }
})
