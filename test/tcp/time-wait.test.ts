// TIME-WAIT: RFC 9293 sections 3.6.1 and 3.10.7.4, RFC 6191.

import { describe, expect, test } from "vitest"
import { TcpError } from "../../src/tcp/tcb"
import { Peer } from "../support/peer"
import { bases, established, listening, reach } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("TIME-WAIT, $name", base => {
    test("2 MSL, and then CLOSED (MUST-13)", () => {
        const peer = reach("TIME-WAIT", { base })
            .after(59_999)
            .gets()
            .is("TIME-WAIT")
            .after(1)
            .gets()
            .is("CLOSED")
        expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
    })

    test("the peer's FIN again: acknowledged, and 2 MSL from then on", () => {
        const peer = reach("TIME-WAIT", { base }).after(50_000).gets().sends("F. 1 ack 2").gets(". 2 ack 2")
        peer.after(59_999).gets().is("TIME-WAIT").after(1).gets().is("CLOSED")
    })

    test("the peer's last data and FIN again: the same", () => {
        const peer = established({ base })
            .shuts()
            .gets("F. 1 ack 1")
            .sends("FP. 1(5) ack 2")
            .gets(". 2 ack 7")
        peer.is("TIME-WAIT").after(50_000).gets().sends("FP. 1(5) ack 2").gets(". 2 ack 7")
        peer.after(59_999).gets().is("TIME-WAIT").after(1).gets().is("CLOSED")
    })

    test.each([
        ["an old ACK", ". 1 ack 2", ". 2 ack 2"],
        ["an ACK at RCV.NXT", ". 2 ack 2"],
        ["old text", "P. 0(1) ack 2", ". 2 ack 2"],
        ["text behind the FIN", "P. 2(5) ack 2", ". 2 ack 2"],
        ["a FIN behind the FIN", "F. 2 ack 2", ". 2 ack 2"],
    ])("%s does not make it longer", (_, segment, ...answers) => {
        const peer = reach("TIME-WAIT", { base })
            .after(50_000)
            .gets()
            .sends(segment)
            .gets(...answers)
        peer.after(9999).gets().is("TIME-WAIT").after(1).gets().is("CLOSED")
    })

    // ---------------------------------------------------------------- A new SYN (3.6.1, MAY-2)
    test("a SYN beyond all that was used: a new connection, its ISS above all we used", () => {
        const peer = reach("TIME-WAIT", { base, open: "passive" })
        const next = new Peer(peer.bench, {
            ip: "10.0.0.2",
            ours: base.ours - 100_000,
            theirs: base.theirs + 3,
        })
        peer.bench.peers.shift()
        next.sends("S 0 <mss 1460>")
        const [answer] = next.seen.splice(0)
        expect(answer!.view.flags).toMatchObject({ syn: true, ack: true })
        const iss = answer!.view.seq
        expect((iss - (base.ours + 2)) | 0, "the new ISS against the old SND.NXT").toBeGreaterThan(0)
        expect(next.state).toBe("SYN-RECEIVED")
    })

    test("an ISS that is above anyway is not changed", () => {
        const peer = reach("TIME-WAIT", { base, open: "passive" })
        const next = new Peer(peer.bench, {
            ip: "10.0.0.2",
            ours: base.ours + 100_000,
            theirs: base.theirs + 3,
        })
        peer.bench.peers.shift()
        next.sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        next.listener = peer.listener
        next.accepts().is("ESTABLISHED").sends("P. 1(5) ack 1").gets(". 1 ack 6").reads(5)
    })

    test.each([
        ["below what was used", "S 1"],
        ["at what was used last", "S 2"],
        ["far below", "S -1000"],
    ])("a SYN %s: an old duplicate, challenged", (_, segment) => {
        reach("TIME-WAIT", { base, open: "passive" }).sends(segment).gets(". 2 ack 2").is("TIME-WAIT")
    })
})

test("a new SYN where nobody listens any more: challenged", () => {
    reach("TIME-WAIT", { open: "active" }).sends("S 100").gets(". 2 ack 2").is("TIME-WAIT")
})

test("a new SYN that finds no half-open record leaves TIME-WAIT alone", () => {
    const peer = reach("TIME-WAIT", { open: "passive", config: { halfOpen: 1 } })
    new Peer(peer.bench, { ip: "10.0.0.3" }).sends("S 0").gets("S. 0 ack 1 <mss 1460>")
    peer.sends("S 100").gets().is("TIME-WAIT")
})

test("RST ends it (3.10.7.4)", () => {
    reach("TIME-WAIT").sends("R 2").gets().is("CLOSED")
})

test("the program that holds it finds its data, then EOF, then the end", () => {
    const peer = established().shuts().gets("F. 1 ack 1").sends("FP. 1(5) ack 2").gets(". 2 ack 7")
    peer.is("TIME-WAIT").reads(5).gets().reads(TcpError.Eof).after(60_000).gets().reads(TcpError.Eof)
    peer.closes().gone()
})

test("what was read neither before nor in TIME-WAIT can be read after it", () => {
    const peer = established().shuts().gets("F. 1 ack 1").sends("FP. 1(5) ack 2").gets(". 2 ack 7")
    peer.after(60_000).gets().is("CLOSED").reads(5).gets().reads(TcpError.Eof)
})

test("its length is configured", () => {
    reach("TIME-WAIT", { config: { timeWait: 1000 } })
        .after(999)
        .gets()
        .is("TIME-WAIT")
        .after(1)
        .gets()
        .is("CLOSED")
})

// ---------------------------------------------------------------- Slots run out: the oldest TIME-WAIT goes
test("a new connection takes the record that has been in TIME-WAIT longest", () => {
    const first = reach("TIME-WAIT", { config: { connections: 3 } })
        .closes()
        .after(10)
        .gets()
    const others = ["10.0.0.3", "10.0.0.4", "10.0.0.5"].map(ip => new Peer(first.bench, { ip }))
    const [second, third, fourth] = others as [Peer, Peer, Peer]
    for (const p of [second, third]) {
        p.connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1").closes().gets("F. 1 ack 1")
        p.sends("F. 1 ack 2").gets(". 2 ack 2").is("TIME-WAIT").after(10).gets()
    }
    fourth.connects().gets("S 0 <mss 1460>")
    expect([first, second, third, fourth].map(p => p.state)).toEqual([
        "CLOSED",
        "TIME-WAIT",
        "TIME-WAIT",
        "SYN-SENT",
    ])
    first.sends("F. 1 ack 2").gets("R 2")
})

test("the peer's FIN again makes a record younger", () => {
    const first = reach("TIME-WAIT", { config: { connections: 2 } })
        .closes()
        .after(10)
        .gets()
    const second = new Peer(first.bench, { ip: "10.0.0.3" }).connects().gets("S 0 <mss 1460>")
    second
        .sends("S. 0 ack 1")
        .gets(". 1 ack 1")
        .closes()
        .gets("F. 1 ack 1")
        .sends("F. 1 ack 2")
        .gets(". 2 ack 2")
    second.after(10).gets()
    first.sends("F. 1 ack 2").gets(". 2 ack 2")
    new Peer(first.bench, { ip: "10.0.0.4" }).connects().gets("S 0 <mss 1460>")
    expect([first.state, second.state]).toEqual(["TIME-WAIT", "CLOSED"])
})

test("data that a program has still to read is not thrown away for a new connection", () => {
    const first = established({ config: { connections: 1 } })
        .shuts()
        .gets("F. 1 ack 1")
    first.sends("FP. 1(5) ack 2").gets(". 2 ack 7").is("TIME-WAIT")
    const second = listening({ bench: first.bench, peer: { ip: "10.0.0.3", localPort: 90 } })
    second.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().is("SYN-RECEIVED")
    first.is("TIME-WAIT").reads(5).gets()
    second.sends(". 1 ack 1").gets().is("ESTABLISHED")
})

tsharkAgrees()
