// LISTEN: RFC 9293 section 3.10.7.2.

import { describe, expect, test } from "vitest"
import { listen, stateOf } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/records"
import { Peer } from "../support/peer"
import { timestampOption } from "../support/secret-values"
import { bases, listening, newPeer } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("LISTEN, $name", base => {
    // ---------------------------------------------------------------- First, check for a RST: ignored
    // ---------------------------------------------------------------- Second, check for an ACK: <SEQ=SEG.ACK><CTL=RST>
    // ---------------------------------------------------------------- Fourth, other data or control: dropped
    test.each([
        ["first: a RST is dropped", "R 10"],
        ["first: a RST with an ACK is dropped", "R. 10 ack 77"],
        ["first: a RST with a SYN is dropped", "SR 10"],
        ["second: an ACK is reset", ". 10 ack 77", "R 77"],
        ["second: a SYN,ACK is reset", "S. 10 ack 1", "R 1"],
        ["second: data with an ACK is reset", "P. 10(10) ack 77", "R 77"],
        ["second: a FIN with an ACK is reset", "F. 10 ack 77", "R 77"],
        ["fourth: data without an ACK is dropped", "P 10(10)"],
        ["fourth: a FIN without an ACK is dropped", "F 10"],
        ["fourth: a segment without SYN, ACK, FIN and RST is dropped", "U 10"],
    ])("%s (%s): the listener stays in LISTEN", (_, segment, ...answers) => {
        listening({ base })
            .sends(segment)
            .gets(...answers)
            .is("LISTEN")
    })

    // ---------------------------------------------------------------- Third, check for a SYN: <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
    test.each([
        ["a SYN", "S 0 <mss 1460>", "S. 0 ack 1 <mss 1460>"],
        ["a SYN without options", "S 0", "S. 0 ack 1 <mss 1460>"],
        ["a SYN with data, which comes again", "SP 0(5)", "S. 0 ack 1 <mss 1460>"],
        ["a SYN that asks for ECN (RFC 3168), which is declined", "SEW 0", "S. 0 ack 1 <mss 1460>"],
        ["a SYN with an urgent pointer", "SU 0 urg 7", "S. 0 ack 1 <mss 1460>"],
        ["a SYN with a window of 0", "S 0 win 0", "S. 0 ack 1 <mss 1460>"],
    ])("third: %s (%s) is answered by a SYN,ACK, and the next ACK opens", (_, segment, ...answers) => {
        listening({ base })
            .sends(segment)
            .gets(...answers)
            .is("SYN-RECEIVED")
            .sends(". 1 ack 1")
            .gets()
            .is("ESTABLISHED")
            .accepts()
    })
})

// ---------------------------------------------------------------- LISTEN: options of the SYN (section 3.1, MUST-5 to MUST-7)
test.each([
    [
        "those of Linux, of which MSS and window scale are agreed on",
        "<mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 7>",
        "<mss 1460,wscale 0>",
    ],
    [
        "those of Windows, of which MSS and window scale are agreed on",
        "<mss 1460,nop,wscale 8,nop,nop,sackOK>",
        "<mss 1460,wscale 0>",
    ],
    ["padding alone counts as no option", "<nop,nop,nop,nop>", "<mss 1460>"],
    [
        "an unknown kind is skipped by its length",
        "<hex fe0a0102030405060708,wscale 2>",
        "<mss 1460,wscale 0>",
    ],
    ["an option after the end of the list does not count", "<eol,wscale 2>", "<mss 1460>"],
    ["an MSS of the wrong length is skipped", "<hex 0205aabbcc,wscale 1>", "<mss 1460,wscale 0>"],
    ["a length of 0 ends the list", "<hex fe00,wscale 2>", "<mss 1460>"],
    ["a length of 1 ends the list", "<hex fe01,wscale 2>", "<mss 1460>"],
    ["a length beyond the header ends the list", "<wscale 2,hex fe09>", "<mss 1460,wscale 0>"],
    ["a kind without a length at the end ends the list", "<mss 500,nop,nop,nop,hex 02>", "<mss 1460>"],
    [
        "forty bytes of options are read to their end",
        "<mss 1460,nop,nop,TS val 1 ecr 0,nop,wscale 1,nop,nop,nop,nop,hex fe0a0000000000000000,nop,nop,nop,nop,nop,nop>",
        "<mss 1460,wscale 0>",
    ],
])("options of a SYN: %s", (_, options, answer) => {
    listening().sends(`S 0 ${options}`).gets(`S. 0 ack 1 ${answer}`)
})

// ---------------------------------------------------------------- LISTEN: what both offer is agreed on (RFC 7323, RFC 2018)
describe.each([
    [1, 1],
    [1, 0],
    [0, 1],
    [0, 0],
])("a listener with timestamps=%d, sack=%d", (timestamps, sack) => {
    const offers = [0, 1, 2, 3, 4, 5, 6, 7].map(n => ({
        scale: (n & 1) > 0,
        sackOK: (n & 2) > 0,
        stamps: (n & 4) > 0,
    }))

    test.each(offers)(
        "a SYN that offers scale $scale, SACK $sackOK, timestamps $stamps gets what both have, and keeps to it",
        ({ scale, sackOK, stamps }) => {
            const offered = [...(scale ? ["wscale 3"] : []), ...(sackOK ? ["sackOK"] : [])]
            if (stamps) offered.push("TS val 100 ecr 0")
            const peer = listening({ config: { timestamps, sack, sendBuffer: 4096 } })
            peer.sends(`S 0 win 100 <${["mss 512", ...offered].join(",")}>`)
            const withStamps = stamps && timestamps > 0
            const withSack = sackOK && sack > 0
            const agreed = [
                "mss 1460",
                ...(withSack ? ["sackOK"] : []),
                ...(withStamps ? [timestampOption(peer, 100)] : []),
            ]
            if (scale) agreed.push("wscale 0")
            peer.gets(`S. 0 ack 1 <${agreed.join(",")}>`)

            // the window of the ACK is scaled, that of the SYN was not; each has timestamps or none has
            const own = (echo: number) => (withStamps ? [timestampOption(peer, echo)] : [])
            const theirs = (value: number) => (withStamps ? ` <nop,nop,TS val ${value} ecr 0>` : "")
            const mss = withStamps ? 500 : 512
            peer.sends(`. 1 ack 1 win 100${theirs(101)}`)
                .gets()
                .accepts()
                .writes(600)
            const sent = scale
                ? [`. 1(${mss}) ack 1`, `P. ${mss + 1}(${600 - mss}) ack 1`]
                : [". 1(100) ack 1"]
            peer.gets(...sent.map(text => `${text} <${own(101)}>`))

            // data out of order: acknowledged with a SACK block where that was agreed on
            peer.sends(`P. 11(10) ack 1 win 100${theirs(102)}`)
            const options = [
                ...own(101),
                ...(withSack ? [`sack ${peer.theirs + 11}:${peer.theirs + 21}`] : []),
            ]
            peer.gets(`. ${scale ? 601 : 101} ack 1 <${options}>`)
        }
    )
})

// ---------------------------------------------------------------- LISTEN: ports
test("a SYN to a port without a listener is reset, whatever bytes of records look like its port", () => {
    const peer = listening()
    new Peer(peer.bench, { localPort: 81 }).sends("S 0").gets("R. =0 ack 1")
    new Peer(peer.bench, { localPort: 0x5000 }).sends("S 0").gets("R. =0 ack 1")
})

test("four listeners on four ports each accept a connection", () => {
    const peer = listening()
    const ports = [7, 443, 65535].map(localPort => new Peer(peer.bench, { localPort }).listens())
    for (const p of [peer, ...ports]) {
        p.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts().is("ESTABLISHED")
    }
})

test.each([
    ["port 0", 0, 1, TcpError.Invalid],
    ["port 65536", 65536, 1, TcpError.Invalid],
    ["a negative port", -1, 1, TcpError.Invalid],
    ["a backlog of 0", 80, 0, TcpError.Invalid],
])("OPEN (3.10.1), passive: listen() with %s returns EINVAL", (_, port, backlog, error) => {
    expect(listen(newPeer().bench.stack, port, backlog)).toBe(error)
})

test("OPEN (3.10.1), passive: listen() on a port in use returns InUse, without a free record NoBuffers", () => {
    const { stack } = listening({ config: { listeners: 2 } }).bench
    expect(listen(stack, 80, 1)).toBe(TcpError.InUse)
    const id = listen(stack, 81, 1)
    expect(stateOf(stack, id)).toBe(State.Listen)
    expect(listen(stack, 82, 1)).toBe(TcpError.NoBuffers)
})

tsharkAgrees()
