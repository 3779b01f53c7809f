// What is agreed on in a handshake: maximum segment size (RFC 9293 section 3.7.1) and window scale (RFC 7323).

import { describe, expect, test } from "vitest"
import type { TcpView } from "../../sim/view/dissect"
import type { Peer } from "../support/peer"
import { bases, established, listening, synSent } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

const config = { sendBuffer: 20_000, connections: 1 }
const peer = { window: 60_000 }

/** The length of the first segment of a long write. */
function firstSegment(p: Peer): number {
    p.writes(20_000)
    const lengths = p.seen.splice(0).map(s => (s.view as TcpView).payload.length)
    return lengths[0]!
}

// ---------------------------------------------------------------- MSS
const sizes: [what: string, options: string, mss: number][] = [
    ["of 1460", "<mss 1460>", 1460],
    ["of 100", "<mss 100>", 100],
    ["of 64, the least we believe", "<mss 64>", 64],
    ["of 63", "<mss 63>", 64],
    ["of 1", "<mss 1>", 64],
    ["of 0", "<mss 0>", 64],
    ["larger than our MTU takes (MUST-16)", "<mss 8960>", 1460],
    ["of 65535", "<mss 65535>", 1460],
    ["absent: 536 (MUST-15)", "", 536],
    ["of the wrong length: 536", "<hex 0203ff00>", 536],
    ["twice: the first", "<mss 200,mss 900>", 200],
]

describe("the peer's MSS option", () => {
    test.each(sizes)("MSS %s, passive open: the first segment has that many octets", (_, options, mss) => {
        const p = listening({ config, peer }).sends(`S 0 ${options}`).gets("S. 0 ack 1 <mss 1460>")
        expect(firstSegment(p.sends(". 1 ack 1").gets().accepts())).toBe(mss)
    })

    test.each(sizes)("MSS %s, active open: the first segment has that many octets", (_, options, mss) => {
        expect(firstSegment(synSent({ config, peer }).sends(`S. 0 ack 1 ${options}`).gets(". 1 ack 1"))).toBe(
            mss
        )
    })

    test.each(sizes)(
        "MSS %s, simultaneous open: the first segment has that many octets",
        (_, options, mss) => {
            const p = synSent({ config, peer }).sends(`S 0 ${options}`).gets("S. 0 ack 1 <mss 1460>")
            expect(firstSegment(p.sends(". 1 ack 1").gets())).toBe(mss)
        }
    )

    test("an MSS option after the handshake is ignored", () => {
        expect(firstSegment(established({ config, peer }).sends(". 1 ack 1 <mss 100>").gets())).toBe(1460)
    })

    test.each([
        [576, 536],
        [1006, 966],
        [1500, 1460],
    ])("our MSS is the MTU less 40 (3.7.1, MUST-67): MTU %d, MSS %d", (mtu, mss) => {
        const p = listening({ config: { ...config, mtu }, peer })
            .sends("S 0 <mss 1460>")
            .gets(`S. 0 ack 1 <mss ${mss}>`)
        expect(firstSegment(p.sends(". 1 ack 1").gets().accepts())).toBe(mss)
    })
})

// ---------------------------------------------------------------- Window scale
describe("the peer's window scale option", () => {
    /** Bytes in flight that the peer's window of `window`, as in the header, allows after a handshake with `offer`. */
    function allowed(offer: string, answer: string, window: number, synWindow = 100): number {
        const p = listening({ config: { sendBuffer: 40_000, connections: 1 } })
        p.sends(`S 0 win ${synWindow} ${offer}`).gets(`S. 0 ack 1 ${answer}`)
        p.sends(`. 1 ack 1 win ${window}`).gets().accepts().writes(40_000)
        let next = 1
        for (let turn = 0; turn < 50; turn++) {
            const sent = p.seen.splice(0).map(s => (s.view as TcpView).payload.length)
            if (sent.length === 0) break
            for (const length of sent) next += length
            // acknowledged to open the congestion window, with a window that leaves the right edge where it was
            p.sends(`. 1 ack ${next - 1} win 0`)
        }
        return next - 1
    }

    test.each([
        ["not offered: never scaled", "<mss 1460>", "<mss 1460>", 200, 200],
        ["offered with 0", "<mss 1460,nop,wscale 0>", "<mss 1460,wscale 0>", 200, 200],
        ["offered with 2", "<mss 1460,nop,wscale 2>", "<mss 1460,wscale 0>", 200, 800],
        ["offered with 7", "<mss 1460,nop,wscale 7>", "<mss 1460,wscale 0>", 23, 2920],
        ["offered with 14", "<mss 1460,nop,wscale 14>", "<mss 1460,wscale 0>", 1, 14600],
        [
            "offered with more than 14: taken as 14 (RFC 7323, 2.3)",
            "<mss 1460,nop,wscale 15>",
            "<mss 1460,wscale 0>",
            1,
            14600,
        ],
        ["offered with 255", "<mss 1460,nop,wscale 255>", "<mss 1460,wscale 0>", 1, 14600],
    ] as const)(
        "window scale %s (SYN %s, SYN,ACK %s, then a window of %s): %s octets are in flight",
        (_, offer, answer, window, octets) => {
            // whole segments, if there is room for one (section 3.8.6.2.1), and ten of them at first (RFC 6928)
            expect(allowed(offer, answer, window)).toBe(octets)
        }
    )

    test("the window of a SYN is not scaled (RFC 7323 section 2.2)", () => {
        const p = listening()
            .sends("S 0 win 10 <mss 1460,nop,wscale 7>")
            .gets("S. 0 ack 1 <mss 1460,wscale 0>")
        p.sends(". 1 ack 1 win 1").gets().accepts().writes(500).gets(". 1(128) ack 1")
    })

    test("our SYN offers no window scale, and one in the SYN,ACK is ignored", () => {
        const p = synSent().sends("S. 0 ack 1 win 10 <mss 1460,nop,wscale 7>").gets(". 1 ack 1")
        p.writes(500).gets(". 1(10) ack 1").sends(". 1 ack 11 win 10").gets(". 11(10) ack 1")
    })

    test("RFC 5961 section 5.2: the oldest ACK that passes is counted from the scaled window", () => {
        const p = listening()
            .sends("S 0 win 10 <mss 1460,nop,wscale 4>")
            .gets("S. 0 ack 1 <mss 1460,wscale 0>")
        p.sends(". 1 ack 1 win 100").gets().accepts()
        p.sends(". 1 ack -1599 win 100").gets().sends(". 1 ack -1600 win 100").gets(". 1 ack 1")
    })
})

test("RFC 5961 section 5.2: the oldest ACK that passes is counted from the SYN's window if that is the largest", () => {
    const p = listening()
        .sends("S 0 win 4096")
        .gets("S. 0 ack 1 <mss 1460>")
        .sends(". 1 ack 1 win 10")
        .gets()
        .accepts()
    p.sends(". 1 ack -4095 win 10").gets().sends(". 1 ack -4096 win 10").gets(". 1 ack 1")
})

test.each(bases)(
    "a SYN with every known option opens a connection that carries data both ways, $name",
    base => {
        const p = listening({ base })
        p.sends("S 0 win 29200 <mss 1460,sackOK,TS val 4294967295 ecr 0,nop,wscale 7>").gets(
            "S. 0 ack 1 <mss 1460,wscale 0>"
        )
        p.sends("P. 1(5) ack 1 win 229").gets(". 1 ack 6").accepts().writes(5).gets("P. 1(5) ack 6")
    }
)

tsharkAgrees()
