// The language: what is read, and what is said about lines that make no sense.

import { describe, expect, test } from "vitest"
import { ScriptMistake, sourceOf } from "../support/packetdrill/failure"
import { tokensOf } from "../support/packetdrill/lexer"
import { parseScript } from "../support/packetdrill/parser"
import type { Event, TcpLine } from "../support/packetdrill/script"
import { CONNECTED, PLAIN, play } from "./play"

function eventsOf(text: string): readonly Event[] {
    return parseScript(sourceOf("x.pkt", text)).events
}

/** The only event of a script, after one at time 0. */
function eventOf(line: string): Event {
    const [, event] = eventsOf(`0 close(3) = 0\n${line}`)
    return event!
}

function segmentOf(line: string) {
    return (eventOf(line).action as TcpLine).segment
}

function mistake(text: string): string {
    try {
        eventsOf(text)
        return ""
    } catch (error) {
        if (error instanceof ScriptMistake) return error.message.split("\n")[0]!
        throw error
    }
}

describe("tokens of the script language", () => {
    const kinds = (text: string) =>
        tokensOf(sourceOf("x", text)).map(token => (token.kind === "sign" ? token.text : token.kind))

    test.each([
        ["0...0.2", ["integer", "ellipsis", "float", "end"]],
        ["+.1...0.200", ["+", "float", "ellipsis", "float", "end"]],
        ["+0~+.2", ["+", "integer", "~", "+", "float", "end"]],
        ["1:1001(1000)", ["integer", ":", "integer", "(", "integer", ")", "end"]],
        ["S. P . -", ["word", ".", "word", ".", "-", "end"]],
        ["-1 0x1f 12ab", ["integer", "hex", "word", "end"]],
        ["10.0.0.1", ["address", "end"]],
        ["a // b\n/* c\nd */ e", ["word", "word", "end"]],
        ['"a // b" `c\nd` %{ e\nf }%', ["string", "command", "code", "end"]],
        ["--x --y=1,2 --z=a=`b c`", ["option", "option", "option", "end"]],
    ])("%s is read as %j", (text, expected) => {
        expect(kinds(text)).toEqual(expected)
    })

    test("lines are counted through all kinds of tokens", () => {
        const tokens = tokensOf(sourceOf("x", "a\n/* b\n*/ `c\nd` e"))
        expect(tokens.map(({ line, endLine }) => [line, endLine])).toEqual([
            [1, 1],
            [3, 4],
            [4, 4],
            [4, 4],
        ])
    })
})

describe("times of the script language", () => {
    test.each([
        [".5 close(3) = 0", { type: "absolute", usecs: 500_000 }],
        ["+1 close(3) = 0", { type: "relative", usecs: 1_000_000 }],
        ["+0.000250 close(3) = 0", { type: "relative", usecs: 250 }],
        ["* > . 1:1(0) ack 1", { type: "any" }],
        ["1~2 > . 1:1(0) ack 1", { type: "absolute range", usecs: 1_000_000, end: 2_000_000 }],
        ["+0~+.2 > . 1:1(0) ack 1", { type: "relative range", usecs: 0, end: 200_000 }],
    ])('the time of "%s" is %j', (line, time) => {
        expect(eventOf(line).time).toEqual(time)
    })

    test("a call that blocks has the time at which it returns", () => {
        const { time, action } = eventOf("+.1...0.300 read(4, ..., 1000) = 0")
        expect(time).toEqual({ type: "relative", usecs: 100_000 })
        expect(action).toMatchObject({ kind: "call", end: 300_000 })
    })
})

describe("packets of the script language", () => {
    test.each([
        ["+0 > S 0:0(0)", { flags: "S", seq: 0, length: 0, window: undefined, options: [] }],
        ["+0 < FP. 1:11(10) ack 5 win 7", { flags: "FP.", seq: 1, length: 10, ack: 5, window: 7 }],
        ["+0 > . 1:1(0) ack 2", { flags: ".", ack: 2 }],
        ["+0 < - 1:1(0) win 0", { flags: "", ack: 0 }],
        ["+0 > SEW 0:0(0)", { flags: "SEW" }],
        ["+0 > .P 1:2(1) ack 3", { flags: "P." }],
        ["+0 < PU. 1:3(2) ack 1 win 1 urg 2", { flags: "P.U", urgent: 2 }],
        ["+0 > A. 1:1(0) ack 1", { flags: ".A" }],
        ["+0 > . 4294967295:4(5) ack 4294967295", { seq: 4294967295, length: 5, ack: 4294967295 }],
        ["+0 > S 0:0(0) <...>", { options: undefined }],
        [
            "+0 < S 0:0(0) win 1 <mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 7>",
            {
                options: [
                    { kind: "mss", value: 1460 },
                    { kind: "sackOK" },
                    { kind: "TS", val: 1, ecr: 2 },
                    { kind: "nop" },
                    { kind: "wscale", value: 7 },
                ],
            },
        ],
        [
            "+0 < . 1:1(0) ack 1 win 1 <nop,nop,sack 1:2 5:6,eol,eol,nop,nop>",
            {
                options: [
                    { kind: "nop" },
                    { kind: "nop" },
                    {
                        kind: "sack",
                        blocks: [
                            { left: 1, right: 2 },
                            { left: 5, right: 6 },
                        ],
                    },
                    { kind: "eol" },
                    { kind: "eol" },
                    { kind: "nop" },
                    { kind: "nop" },
                ],
            },
        ],
        ["+0 < S 0:0(0) win 1 <FO 12aB>", { options: [{ kind: "bytes", bytes: [34, 4, 0x12, 0xab] }] }],
        ["+0 < S 0:0(0) win 1 <FOEXP>", { options: [{ kind: "bytes", bytes: [254, 4, 0xf9, 0x89] }] }],
        ["+0 < S 0:0(0) win 1 <md5 0102>", { options: [{ kind: "bytes", bytes: [19, 4, 1, 2] }] }],
        ["+0 < S 0:0(0) win 1 <bytes 02ff05b4>", { options: [{ kind: "bytes", bytes: [2, 255, 5, 180] }] }],
    ])("%s is read as %j", (line, segment) => {
        expect(segmentOf(line)).toMatchObject(segment)
    })

    test.each([
        ["+0 > [ect0] . 1:1(0) ack 1", { ip: { ecn: 2 } }],
        ["+0 > (noecn) . 1:1(0) ack 1", { ip: { ecn: 0 } }],
        ["+0 > [ect01] . 1:1(0) ack 1", { ip: { ecn: "ect01" } }],
        ["+0 < [tos 0x10] . 1:1(0) ack 1 win 1", { ip: { tos: 16 } }],
        ["+0 < [ttl 3] . 1:1(0) ack 1 win 1", { ip: { ttl: 3 } }],
        ["+0 < 40000 > 80 . 1:1(0) ack 1 win 1", { ports: { source: 40000, destination: 80 } }],
        ["+0 < icmp unreachable host_unreachable", { kind: "icmp", type: 3, code: 1, mtu: undefined }],
        [
            "+0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]",
            { type: 3, code: 4, mtu: 1200, quoted: { seq: 1, length: 1460 } },
        ],
        ["+0 < icmp type_11 code_1", { type: 11, code: 1 }],
        ["+0 > icmp unreachable port_unreachable", { direction: "out", type: 3, code: 3 }],
    ])("%s is read as %j", (line, action) => {
        expect(eventOf(line).action).toMatchObject(action)
    })
})

test("a call is read with its arguments, result, error and note", () => {
    const [, poll, bind] = eventsOf(`0 close(3) = 0
+0 poll([{fd=3, events=POLLIN|POLLOUT, revents=0}], 1, -1) = -1 EAGAIN (Resource temporarily unavailable)
+0 bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.2")}, 16) = 0x2 (flags O_RDWR)`)
    expect(poll!.action).toMatchObject({
        name: "poll",
        errno: "EAGAIN",
        result: { kind: "integer", value: -1 },
    })
    expect(bind!.action).toMatchObject({
        result: { kind: "integer", value: 2 },
        text: 'bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.2")}, 16) = 0x2',
    })
})

test("an event over several lines is read whole, and has the numbers of its first and last", () => {
    const [, event] = eventsOf("0 close(3) = 0\n+0 > . 1:1(0)\n   ack 1\n")
    expect([event!.line, event!.endLine]).toEqual([2, 3])
})

test("--define replaces numbers and words", async () => {
    await play(`${PLAIN}--define=PORT=9000\n--define=PROTO=IPPROTO_TCP\n
0 socket(..., SOCK_STREAM, PROTO) = 3
+0 bind(3, {sin_port=htons(PORT)}, 16) = 0
+0 listen(3, 1) = 0
+0 < 40000 > PORT S 0:0(0) win 1000
+0 > PORT > 40000 S. 0:0(0) ack 1 <mss 1460>`)
})

describe("mistakes in a script", () => {
    const start = "0 close(3) = 0\n"
    test.each([
        ["", "x.pkt:1: a script has at least one event"],
        ["1 close(3) = 0", "x.pkt:1: the first event has to be at time 0"],
        ["* > . 1:1(0) ack 1", "x.pkt:1: the first event has to be at time 0"],
        [`${start}2 close(3) = 0\n1 close(3) = 0`, "x.pkt:3: time goes backward, from 2 to 1 s"],
        [`${start}\n\nclose(3) = 0`, 'x.pkt:4: a time is missing before "close"'],
        [`${start}-1 close(3) = 0`, "x.pkt:2: a negative time: -1"],
        [`${start}+0 # comment`, 'x.pkt:2: a packet, a system call or a command is missing before "#"'],
        [`${start}+2~+1 > . 1:1(0) ack 1`, "x.pkt:2: a range of time that ends before it begins"],
        [`${start}* < . 1:1(0) ack 1 win 1`, "x.pkt:2: * is for packets that the stack sends"],
        [`${start}+0~+1 close(3) = 0`, "x.pkt:2: a range of time is for packets that the stack sends"],
        [`${start}+0 < S 0:0(0)`, "x.pkt:2: a packet that is injected needs a window: win"],
        [`${start}+0 < S 0:0(0) win 65536`, "x.pkt:2: a window is out of range: 65536 (0 to 65535)"],
        [`${start}+0 < S 0:0(0) win 1 <...>`, "x.pkt:2: <...> is for packets that the stack sends"],
        [`${start}+0 < [ect01] . 1:1(0) win 1`, "x.pkt:2: [ect01] is for packets that the stack sends"],
        [`${start}+0 > X 1:1(0)`, "x.pkt:2: no such TCP flag: X"],
        [`${start}+0 > 1:1(0)`, 'x.pkt:2: ">" is missing before ":"'],
        [`${start}+0 > S.5 1:1(0)`, "x.pkt:2: ACE numbers among the flags are not supported here"],
        [`${start}+0 > . 1:11(1) ack 1`, "x.pkt:2: 1:11(1): numbers and length do not fit"],
        [
            `${start}+0 > S 0:0(0) <mss 1460,nop>`,
            "x.pkt:2: options have to fill words of 4 bytes, these are 5: add nop",
        ],
        [
            `${start}+0 > S 0:0(0) <sack ${"1:2 ".repeat(6)}>`,
            "x.pkt:2: options have to fill words of 4 bytes, these are 50: add nop",
        ],
        [`${start}+0 > S 0:0(0) <nop,nop,sack ${"1:2 ".repeat(5)}>`, "x.pkt:2: 44 bytes of options: 40 fit"],
        [`${start}+0 > S 0:0(0) <foo 1>`, "x.pkt:2: no such option: foo"],
        [`${start}+0 > S 0:0(0) <FO 123>`, "x.pkt:2: not bytes in hexadecimal digits: 123"],
        [`${start}+0 < udp (100)`, "x.pkt:2: udp is not supported here: TCP and ICMP over IPv4"],
        [`${start}+0 < icmp nonsense`, "x.pkt:2: no such type of ICMP: nonsense"],
        [`${start}+0 < icmp unreachable nonsense`, "x.pkt:2: no such code of ICMP unreachable: nonsense"],
        [`${start}+0 < icmp unreachable mtu 5`, "x.pkt:2: mtu goes with unreachable frag_needed"],
        [`${start}+0 < icmp echo_request id 5`, "x.pkt:2: echo is not supported here"],
        [
            `${start}+0 < icmp unreachable [udp (8)]`,
            "x.pkt:2: an ICMP message quotes a TCP segment here: [1:1461(1460)]",
        ],
        [`${start}+0 read(4, ..., 1) = -1 ENONSENSE (no)`, "x.pkt:2: no such error: ENONSENSE"],
        [`${start}+0 read(4, , 1) = 0`, 'x.pkt:2: an argument is missing before ","'],
        [`${start}+0 read(4, ..., 1)`, 'x.pkt:2: "=" is missing before the end of the script'],
        [
            `${start}\`true\`\n+1 close(3) = 0`,
            "x.pkt:2: commands without a time stand at the start or at the end",
        ],
        ["--define=X\n0 close(3) = 0", "x.pkt:1: a definition is written --define=NAME=VALUE"],
        [`${start}/* never`, "x.pkt:2: a comment has no end: */ is missing"],
        [`${start}%{ never`, "x.pkt:2: code has no end: }% is missing"],
        [`${start}"never`, 'x.pkt:2: a string has no end: " is missing'],
        [`${start}\`never`, "x.pkt:2: commands have no end: ` is missing"],
    ])("%j is refused: %s", (text, message) => {
        expect(mistake(text)).toBe(message)
    })

    test("the message of a mistake shows its line", () => {
        expect(() => eventsOf("0 close(3) = 0\n   +0 > X 1:1(0)")).toThrow(
            "x.pkt:2: no such TCP flag: X\nline 2: +0 > X 1:1(0)"
        )
    })
})

test("the lines of PLAIN and CONNECTED are a whole script", async () => {
    await play(PLAIN + CONNECTED)
})
