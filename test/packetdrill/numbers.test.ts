// Numbers of a script and numbers on the wire: initial sequence numbers, timestamps, SACK blocks, ports, joined segments.

import { describe, expect, test } from "vitest"
import { Connection } from "../support/packetdrill/connection"
import type { Segment } from "../support/packetdrill/script"
import { CONNECTED, LISTENING, PLAIN, play, verdict } from "./play"

function segment(flags: string, seq: number, ack = 0, options: Segment["options"] = []): Segment {
    return { flags, seq, length: 0, ack, window: 1000, urgent: 0, options }
}

const stamp = (val: number, ecr: number): Segment["options"] => [{ kind: "TS", val, ecr }]

describe("sequence numbers between script and wire", () => {
    test("a number of a segment with SYN is absolute, of others relative to the SYN", () => {
        const c = new Connection(50000, 80)
        const syn = c.toWire(segment("S", 4321), false)
        expect(syn.seq).toBe(4321)
        c.injected(syn, 0)
        // the script says 7 for the stack's number
        const synAck = segment("S.", 0x8000_0000, 4322)
        c.sent(synAck, 7)
        expect(c.toScript(synAck)).toMatchObject({ seq: 7, ack: 4322 })
        expect(c.toScript(segment(".", 0x8000_0001, 4322))).toMatchObject({ seq: 1, ack: 1 })
        expect(c.toWire(segment(".", 1, 1), false)).toMatchObject({ seq: 4322, ack: 0x8000_0001 })
        // of a SYN-ACK too: the acknowledged number as the script writes it
        expect(c.toWire(segment("S.", 4321, 8), false)).toMatchObject({ seq: 4321, ack: 0x8000_0001 })
        expect(c.quoted(1)).toBe(0x8000_0001)
    })

    test("numbers wrap at 2^32", () => {
        const c = new Connection(50000, 80)
        c.injected(segment("S", 0xffff_fffe), 0)
        c.sent(segment("S.", 0xffff_ffff, 0xffff_ffff), 0)
        expect(c.toWire(segment(".", 3, 2), false)).toMatchObject({ seq: 1, ack: 1 })
        expect(c.toScript(segment(".", 1, 1))).toMatchObject({ seq: 2, ack: 3 })
    })

    test("numbers before a SYN of that side are taken as they are", () => {
        const c = new Connection(50000, 80)
        expect(c.toWire(segment(".", 5, 777), false)).toMatchObject({ seq: 5, ack: 777 })
        expect(c.toScript(segment("R", 777))).toMatchObject({ seq: 777 })
    })

    test("a SYN that a SYN,ACK answers begins another connection of the same ports", () => {
        const c = new Connection(50000, 80)
        c.injected(segment("S", 100), 0)
        c.sent(segment("S.", 1000, 101), 0)
        c.written.push(1, 2, 3)
        // in TIME-WAIT, say
        c.injected(segment("S", 500), 1)
        expect(c.sent(segment(".", 1004, 104), 0)).toBe(false)
        expect(c.toScript(segment(".", 1004, 104))).toMatchObject({ seq: 4, ack: 4 })
        expect(c.sent(segment("S.", 9000, 501), 0)).toBe(true)
        expect(c.toScript(segment(".", 9001, 502))).toMatchObject({ seq: 1, ack: 2 })
        expect(c.written).toEqual([])
    })

    test("numbers of SACK blocks are relative, as acknowledgments are", () => {
        const c = new Connection(50000, 80)
        c.injected(segment("S", 1000), 0)
        c.sent(segment("S.", 9000, 1001), 0)
        const blocks: Segment["options"] = [{ kind: "sack", blocks: [{ left: 11, right: 21 }] }]
        expect(c.toWire(segment(".", 1, 1, blocks), false).options).toEqual([
            { kind: "sack", blocks: [{ left: 9011, right: 9021 }] },
        ])
        const live: Segment["options"] = [{ kind: "sack", blocks: [{ left: 1011, right: 1021 }] }]
        expect(c.toScript(segment(".", 9001, 1001, live)).options).toEqual([
            { kind: "sack", blocks: [{ left: 11, right: 21 }] },
        ])
    })
})

describe("timestamps between script and wire", () => {
    /** A connection whose script says 100 where the stack says 5100, and 200 where it says 5250. */
    function stamped(): Connection {
        const c = new Connection(50000, 80)
        c.injected(segment("S", 0), 0)
        c.sent(segment("S.", 0, 1), 0)
        c.toScript(segment("S.", 0, 1, stamp(5100, 1)), segment("S.", 0, 1, stamp(100, 1)))
        c.toScript(segment(".", 1, 1, stamp(5250, 1)), segment(".", 1, 1, stamp(200, 1)))
        return c
    }

    test("the stack's first timestamp is the script's, and later ones count from it", () => {
        const c = stamped()
        expect(c.toScript(segment(".", 1, 1, stamp(6100, 9))).options).toEqual(stamp(1100, 9))
    })

    test("an echo in the script becomes the stack's value of the segment with that number", () => {
        const c = stamped()
        expect(c.toWire(segment(".", 1, 1, stamp(7, 100)), false).options).toEqual(stamp(7, 5100))
        expect(c.toWire(segment(".", 1, 1, stamp(7, 200)), false).options).toEqual(stamp(7, 5250))
        // without ACK it means nothing
        expect(c.toWire(segment("S", 1, 0, stamp(7, 100)), false).options).toEqual(stamp(7, 100))
    })

    test("an echo of a number that no segment had is refused, unless scaled or 0", () => {
        const c = stamped()
        expect(() => c.toWire(segment(".", 1, 1, stamp(7, 150)), false)).toThrow("ecr 150 stands for nothing")
        expect(c.toWire(segment(".", 1, 1, stamp(7, 150)), true).options).toEqual(stamp(7, 5150))
        expect(c.toWire(segment(".", 1, 1, stamp(7, 0)), false).options).toEqual(stamp(7, 0))
    })

    const OPEN = `${LISTENING}+0 < S 0:0(0) win 10000 <mss 1000,nop,nop,TS val 7 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 7>
+.5 < . 1:1(0) ack 1 win 10000 <nop,nop,TS val 8 ecr 100>
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 10) = 10\n`

    test("the stack's values are compared only with a tick length, its echoes always", async () => {
        const expected = (val: number, ecr: number) =>
            `${OPEN}+0 > P. 1:11(10) ack 1 <nop,nop,TS val ${val} ecr ${ecr}>`
        expect(await verdict(expected(123456, 8))).toBe("")
        expect(await verdict(expected(600, 7))).toContain("TS val 600 ecr 8 instead of TS val 600 ecr 7")
        const exact = "--tcp_ts_tick_usecs=1000\n"
        expect(await verdict(exact + expected(604, 8))).toBe("")
        expect(await verdict(exact + expected(606, 8))).toContain(
            "TS val 600 ecr 8 instead of TS val 606 ecr 8"
        )
    })

    test("an echo of a number that no segment had is reported with its line", async () => {
        expect(await verdict(`${OPEN}+0 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 9 ecr 55>`)).toContain(
            "x.pkt:9: no line before has a segment of the stack with TS val 55, so ecr 55 stands for nothing"
        )
    })
})

describe("successive segments of the stack", () => {
    const WRITE = "+0 write(4, ..., 950) = 950\n"
    const small = PLAIN + CONNECTED.replace("<mss 1000>", "<mss 300>") + WRITE

    test("with one header are matched by one line", async () => {
        await play(`${small}+0 > P. 1:951(950) ack 1`)
        await play(`${small}+0 > . 1:601(600) ack 1\n+0 > P. 601:951(350) ack 1`)
    })

    test("are matched one by one with --strict_segments", async () => {
        const each =
            "+0 > . 1:301(300) ack 1\n+0 > . 301:601(300) ack 1\n+0 > . 601:901(300) ack 1\n+0 > P. 901:951(50) ack 1"
        await play(`--strict_segments\n${small}${each}`)
        expect(await verdict(`--strict_segments\n${small}+0 > P. 1:951(950) ack 1`)).toContain(
            "differs:  flags . instead of P.; length 300 instead of 950\n"
        )
    })

    test("whose lengths do not add up are shown one by one", async () => {
        const said = await verdict(`${small}+0 > . 1:501(500) ack 1`)
        expect(said).toContain("got:      > . 1:301(300) ack 1 win 1024\n")
        expect(said).toContain("also:     0.000 > . 301:601(300) ack 1 win 1024\n")
    })
})

describe("ports in a script", () => {
    test("two connections at once are told apart by their ports", async () => {
        await play(`${PLAIN}${LISTENING.replace("listen(3, 1)", "listen(3, 3)")}
+0 < 1001 > 8080 S 10:10(0) win 1000
+0 < 1002 > 8080 S 20:20(0) win 1000
+0 > 8080 > 1001 S. 0:0(0) ack 11 <mss 1460>
+0 > 8080 > 1002 S. 0:0(0) ack 21 <mss 1460>
+0 < 1002 > 8080 . 1:1(0) ack 1 win 1000
+0 < 1001 > 8080 . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 5
+0 < 1001 > 8080 P. 1:6(5) ack 1 win 1000
+0 < 1002 > 8080 P. 1:4(3) ack 1 win 1000
+0 read(5, ..., 100) = 3
+0 accept(3, ..., ...) = 6
+0 read(6, ..., 100) = 5
+.2 > 8080 > 1002 . 1:1(0) ack 4
+0 > 8080 > 1001 . 1:1(0) ack 6`)
    })

    test("two listeners and a bound connect() use the ports of their addresses", async () => {
        const at = (port: number) =>
            `{sa_family=AF_INET, sin_port=htons(${port}), sin_addr=inet_addr("10.0.0.1")}`
        await play(`${PLAIN}0 socket(..., SOCK_STREAM, 0) = 3
+0 bind(3, ${at(80)}, 16) = 0
+0 listen(3, 1) = 0
+0 socket(..., SOCK_STREAM, 0) = 4
+0 bind(4, ${at(81)}, 16) = 0
+0 listen(4, 1) = 0
+0 < 900 > 80 S 0:0(0) win 1000
+0 > 80 > 900 S. 0:0(0) ack 1 <mss 1460>
+0 < 900 > 81 S 0:0(0) win 1000
+0 > 81 > 900 S. 0:0(0) ack 1 <mss 1460>
+0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 5
+0 bind(5, ${at(4000)}, 16) = 0
+0 connect(5, ${at(9)}, 16) = -1 EINPROGRESS (Operation now in progress)
+0 > 4000 > 9 S 0:0(0) <mss 1460>`)
    })

    test("a connection opened anew has numbers of its own", async () => {
        await play(`${PLAIN}${CONNECTED}
+0 shutdown(4, SHUT_WR) = 0
+0 > F. 1:1(0) ack 1
+0 < F. 1:1(0) ack 2 win 1000
+0 > . 2:2(0) ack 2
+0 close(4) = 0
+1 < S 70000:70000(0) win 1000
+0 > S. 0:0(0) ack 70001 <mss 1460>
+0 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 < P. 1:4(3) ack 1 win 1000
+0 read(4, ..., 100) = 3`)
    })

    test("an ICMP error is about the connection of the line before", async () => {
        await play(`${PLAIN}0 socket(..., SOCK_STREAM, 0) = 3
+0...0.1 connect(3, ..., ...) = -1 ECONNREFUSED (Connection refused)
+0 > S 0:0(0) <mss 1460>
+.1 < icmp unreachable port_unreachable [0:0(0)]`)
    })
})
