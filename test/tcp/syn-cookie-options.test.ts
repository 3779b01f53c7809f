// What a SYN cookie carries of the SYN's options: the MSS in our number, window scale and SACK in our timestamp.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import type { Peer } from "../support/peer"
import { afterSynAck, onlySegment, ourTimestamp, timestampsOf, withIss } from "../support/secret-values"
import { listening, type Setup } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

const SYN = "S 0 <mss 1460>"

/** A listener that has no half-open record, and a peer that has sent nothing. */
function bare(config: { [key: string]: number } = {}, setup: Setup = {}): Peer {
    return listening({ ...setup, config: { halfOpen: 0, ...config } })
}

/** The peer once its SYN was answered. */
function cookied(config: { [key: string]: number } = {}, syn = SYN): Peer {
    return afterSynAck(bare(config), syn)
}

/** Asserts that the peer got a reset, and no connection was made. */
function refused(peer: Peer): void {
    peer.gets("R 1").is("LISTEN")
    expect(peer.bench.stack.connsEnd).toBe(0)
}

// ---------------------------------------------------------------- The peer's MSS
describe("the MSS of a SYN cookie is one of eight", () => {
    test.each([
        ["<mss 65535>", 1460],
        ["<mss 1460>", 1460],
        ["<mss 1459>", 1440],
        ["<mss 1452>", 1440],
        ["<mss 1440>", 1440],
        ["<mss 1439>", 1360],
        ["<mss 1360>", 1360],
        ["<mss 1359>", 1240],
        ["<mss 1240>", 1240],
        ["<mss 1239>", 1024],
        ["<mss 1024>", 1024],
        ["<mss 1023>", 536],
        ["<mss 536>", 536],
        ["", 536],
        ["<mss 535>", 256],
        ["<mss 256>", 256],
        ["<mss 255>", 64],
        ["<mss 1>", 64],
        ["<mss 0>", 64],
    ])("a SYN with options %j: the MSS is rounded down to %d", (options, mss) => {
        const peer = cookied({ sendBuffer: 4096 }, `S 0 ${options}`.trim()).sends(". 1 ack 1 win 9000").gets()
        peer.accepts().writes(4000)
        expect(Math.max(...peer.seen.splice(0).map(s => s.view.payload.length))).toBe(mss)
    })

    test("the MSS of a cookie is not above that of our own MTU", () => {
        const peer = cookied({ sendBuffer: 4096, mtu: 1000 }).sends(". 1 ack 1 win 9000").gets().accepts()
        peer.writes(4000)
        expect(Math.max(...peer.seen.splice(0).map(s => s.view.payload.length))).toBe(536)
    })
})

// ---------------------------------------------------------------- Timestamps carry what else was offered
describe("SYN cookies with timestamps", () => {
    const config = { timestamps: 1, sack: 1, sendBuffer: 32_768, challengeInterval: 500 }
    const scales = ["none", ...Array.from({ length: 15 }, (_, i) => i)] as const
    const offers = scales.flatMap(scale => [false, true].map(sackOK => ({ scale, sackOK })))

    test.each(offers)(
        "a SYN with window scale $scale, SACK $sackOK: the ACK's echo brings both back",
        ({ scale, sackOK }) => {
            const list = ["mss 1460", "TS val 100 ecr 0"]
            if (sackOK) list.push("sackOK")
            if (scale !== "none") list.push(`wscale ${scale}`)
            const peer = bare(config)
            const view = onlySegment(peer.sends(`S 0 <${list}>`))
            const stamp = timestampsOf(view)
            expect(stamp.echo).toBe(100)
            expect(view.options.map(o => o.kind)).toEqual([
                "mss",
                ...(sackOK ? ["sack-permitted"] : []),
                "timestamps",
                ...(scale === "none" ? [] : ["window-scale"]),
            ])
            const next = withIss(peer, view.seq)
            next.sends(`. 1 ack 1 win 1 <nop,nop,TS val 101 ecr ${stamp.value}>`)
                .gets()
                .accepts()
                .writes(32_768)
            const sent = next.seen.splice(0)
            // as much as fits the window, all but the last in full segments; ten of those at most (RFC 6928)
            const window = scale === "none" ? 1 : 1 << scale
            const expected = window <= 1448 ? window : Math.min(window - (window % 1448), 14_480)
            expect(sent.reduce((sum, s) => sum + s.view.payload.length, 0)).toBe(expected)
            for (const s of sent)
                expect(timestampsOf(s.view)).toEqual({
                    kind: "timestamps",
                    value: ourTimestamp(next),
                    echo: 101,
                })
            next.sends("P. 11(10) ack 1 win 1 <nop,nop,TS val 102 ecr 0>")
            const kinds = onlySegment(next).options.map(o => o.kind)
            expect(kinds).toEqual(["timestamps", ...(sackOK ? ["sack"] : [])])
        }
    )

    test.each(Array.from({ length: 64 }, (_, i) => i))(
        "the timestamp of a cookie's SYN,ACK is not ahead of the clock, at %d ms",
        ms => {
            const peer = bare(config, { options: { start: 1_000_000 + ms } })
            const { value } = timestampsOf(onlySegment(peer.sends("S 0 <TS val 1 ecr 0,wscale 14,sackOK>")))
            const behind = (ourTimestamp(peer) - value) | 0
            expect(behind).toBeGreaterThanOrEqual(0)
            expect(behind).toBeLessThan(64)
        }
    )

    /** Sends an ACK that echoes a timestamp `ms` older than the SYN,ACK's. */
    function echoes(ms: number): Peer {
        const peer = bare(config, { options: { start: 6_400_000 } })
        const view = onlySegment(peer.sends("S 0 <TS val 100 ecr 0,sackOK>"))
        const { value } = timestampsOf(view)
        return withIss(peer, view.seq).sends(`. 1 ack 1 <nop,nop,TS val 101 ecr ${(value - ms) >>> 0}>`)
    }

    test.each([0, 32, 1000, 127_000])("an ACK whose echo is %d ms old makes a connection", ms => {
        echoes(ms).gets().is("ESTABLISHED")
    })

    test.each([-64, -1000, -128_000, 128_100, 129_000, 0x7fff_ffff, 0x4000_0000])(
        "an ACK whose echo is %d ms old is reset: it is from the future, or too old",
        ms => {
            refused(echoes(ms))
        }
    )

    test("an ACK without timestamps makes a connection without window scale and timestamps", () => {
        const peer = cookied(config, "S 0 <mss 1460,TS val 100 ecr 0,sackOK,wscale 3>")
        peer.sends(". 1 ack 1 win 100").gets().accepts().writes(600).gets(". 1(100) ack 1")
    })

    test("an echo with SACK set by the client makes no connection with SACK where the settings forbid it", () => {
        const peer = bare({ ...config, sack: 0 })
        const view = onlySegment(peer.sends("S 0 <TS val 100 ecr 0,sackOK>"))
        const { value } = timestampsOf(view)
        expect(value & 16).toBe(0)
        const next = withIss(peer, view.seq)
        next.sends(`. 1 ack 1 <nop,nop,TS val 101 ecr ${(value | 16) >>> 0}>`).gets()
        next.sends("P. 11(10) ack 1 <nop,nop,TS val 102 ecr 0>")
        expect(onlySegment(next).options.map(o => o.kind)).toEqual(["timestamps"])
    })

    test("the timestamp of the ACK is TS.Recent: an older segment is dropped (PAWS)", () => {
        const peer = bare(config)
        const view = onlySegment(peer.sends("S 0 <TS val 100 ecr 0>"))
        const next = withIss(peer, view.seq)
        next.sends(`. 1 ack 1 <TS val 150 ecr ${timestampsOf(view).value}>`).gets()
        next.sends("P. 1(5) ack 1 <TS val 149 ecr 0>").gets(
            `. 1 ack 1 <TS val ${ourTimestamp(next)} ecr 150>`
        )
        expect(next.bench.counter(Counter.TcpPaws)).toBe(1)
    })
})

describe("SYN cookies without timestamps", () => {
    test.each([
        ["a client that offers no timestamps", { timestamps: 1, sack: 1 }, "mss 1460,sackOK,wscale 3"],
        ["timestamps=0", { timestamps: 0, sack: 1 }, "mss 1460,sackOK,TS val 1 ecr 0,wscale 3"],
    ])("%s: the SYN,ACK has neither window scale nor SACK, and no window is scaled", (_, config, options) => {
        const peer = bare(config)
        const view = onlySegment(peer.sends(`S 0 <${options}>`))
        expect(view.options).toEqual([{ kind: "mss", value: 1460 }])
        const next = withIss(peer, view.seq).sends(". 1 ack 1 win 100").gets().accepts().writes(600)
        next.gets(". 1(100) ack 1").sends("P. 11(10) ack 1 win 100").gets(". 101 ack 1")
    })

    test("timestamps of an ACK after a handshake without them are ignored (RFC 7323 section 3.2)", () => {
        const peer = cookied({ timestamps: 0 }, "S 0 <TS val 1 ecr 0>")
        peer.sends(". 1 ack 1 <TS val 2 ecr 12345>").gets().is("ESTABLISHED")
    })
})

tsharkAgrees()
