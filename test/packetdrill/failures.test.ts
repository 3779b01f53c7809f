// What is said when the stack does not do as a script says: the line, what was expected, what came, and when.

import { describe, expect, test } from "vitest"
import type { Reading } from "../support/packetdrill/backend"
import { ScriptError, sourceOf } from "../support/packetdrill/failure"
import { NodeBackend } from "../support/packetdrill/node-backend"
import { prepare, runOnNode } from "../support/packetdrill/run"
import { runScript } from "../support/packetdrill/runner"
import { CONNECTED, LISTENING, PLAIN, verdict } from "./play"

/** What is said about a script with this end, behind a connection on socket 4: its first line is line 9. */
async function verdictOf(end: string, options = ""): Promise<string> {
    return await verdict(`${options}${PLAIN}${CONNECTED}${end}`)
}

/** The same with a stack that does something wrong. */
async function verdictWith(Backend: typeof NodeBackend, end: string): Promise<string> {
    const { script, settings } = prepare(sourceOf("x.pkt", `${PLAIN}${CONNECTED}${end}`))
    const backend = new Backend(settings.network, settings.config, settings.clock)
    const error = await runScript(script, settings, backend).catch((error: unknown) => error)
    return error instanceof ScriptError ? error.message : String(error)
}

const NONBLOCKING = "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
const WRITE = "+0 write(4, ..., 10) = 10\n"

describe("a packet that fails a script", () => {
    test("with other fields: the message has both packets, the fields, the times and the line", async () => {
        expect(await verdictOf(`${WRITE}+0 > P. 1:11(10) ack 1 win 1000 <nop,nop,nop,nop>`)).toBe(
            [
                "x.pkt:10: expected: > P. 1:11(10) ack 1 win 1000 <nop,nop,nop,nop>",
                "got:      > P. 1:11(10) ack 1 win 1024",
                "differs:  win 1024 instead of 1000; options <> instead of <nop,nop,nop,nop>",
                "when:     0.000 s, expected at 0.000 s",
                "line 10: +0 > P. 1:11(10) ack 1 win 1000 <nop,nop,nop,nop>",
            ].join("\n")
        )
    })

    test("with each field different: the message names each", async () => {
        const line = "> 8080 > 50000 [tos 0x4] F. 2:22(20) ack 2 urg 5"
        const wanted = "> [tos 0x4] 8080 > 50000 F. 2:22(20) ack 2 urg 5"
        const said = await verdictOf(
            `${WRITE}+0 ${line.replace("8080 > 50000 [tos 0x4]", "[tos 0x4] 8080 > 50000")}`
        )
        expect(said.split("\n").slice(0, 3)).toEqual([
            `x.pkt:10: expected: ${wanted}`,
            "got:      > 8080 > 50000 P. 1:11(10) ack 1 win 1024",
            "differs:  flags P. instead of F.; sequence number 1 instead of 2; length 10 instead of 20; " +
                "ack 1 instead of 2; urg 0 instead of 5; tos 0 instead of 4",
        ])
    })

    test("too late or too early: the message has both times", async () => {
        const late = `${WRITE}+0 > P. 1:11(10) ack 1\n+.5 > P. 1:11(10) ack 1`
        expect(await verdictOf(late)).toBe(
            [
                "x.pkt:11: expected: > P. 1:11(10) ack 1",
                "got:      > P. 1:11(10) ack 1 win 1024",
                "differs:  time: too late",
                "when:     1.000 s, expected at 0.500 s",
                "line 11: +.5 > P. 1:11(10) ack 1",
            ].join("\n")
        )
        expect(await verdictOf(late.replace("+.5", "+1.5~+2"))).toContain(
            "differs:  time: too early\nwhen:     1.000 s, expected at 1.500 to 2.000 s"
        )
    })

    test("4 ms off passes, or as much as the script says", async () => {
        const times = (time: string) => `${WRITE}+0 > P. 1:11(10) ack 1\n${time} > P. 1:11(10) ack 1`
        expect(await verdictOf(times("+.996"))).toBe("")
        expect(await verdictOf(times("+1.004"))).toBe("")
        expect(await verdictOf(times("+1.0041"))).toContain("too early")
        expect(await verdictOf(times("+.9"), "--tolerance_usecs=100000\n")).toBe("")
        expect(await verdictOf(times("+.9"), "--tolerance_percent=12\n")).toBe("")
        expect(await verdictOf(times("+.8"), "--tolerance_percent=12\n")).toContain("too late")
        expect(await verdictOf(times("+.5~+1.5"))).toBe("")
        expect(await verdictOf(times("*"))).toBe("")
    })

    test("that never comes is waited for until two seconds after its time", async () => {
        expect(await verdictOf("+.5 > . 1:1(0) ack 1")).toBe(
            [
                "x.pkt:9: expected: > . 1:1(0) ack 1",
                "got:      nothing until 2.500 s",
                "when:     expected at 0.500 s",
                "line 9: +.5 > . 1:1(0) ack 1",
            ].join("\n")
        )
    })

    test("that no line expects: the next line that expects one shows it and the rest", async () => {
        const unexpected = `${WRITE}+.1 < . 1:1(0) ack 99 win 1000\n+.1 > F. 11:11(0) ack 1`
        expect(await verdictOf(unexpected)).toBe(
            [
                "x.pkt:11: expected: > F. 11:11(0) ack 1",
                "got:      > P. 1:11(10) ack 1 win 1024",
                "differs:  flags P. instead of F.; sequence number 1 instead of 11; length 10 instead of 0; time: too early",
                "when:     0.000 s, expected at 0.200 s",
                "also:     0.100 > . 11:11(0) ack 1 win 1024",
                "line 11: +.1 > F. 11:11(0) ack 1",
            ].join("\n")
        )
    })

    test("that is left when the script ends is shown, unless --loose", async () => {
        expect(await verdictOf(WRITE)).toBe(
            [
                "x.pkt:9: expected: nothing more",
                "got:      0.000 > P. 1:11(10) ack 1 win 1024",
                "line 9: +0 write(4, ..., 10) = 10",
            ].join("\n")
        )
        expect(await verdictOf(WRITE, "--loose\n")).toBe("")
    })

    test("of another connection: the message names both", async () => {
        const second = "+0 < 40000 > 8080 S 5:5(0) win 1000\n+0 > 8080 > 50000 . 1:1(0) ack 1"
        const said = await verdictOf(second)
        expect(said).toContain("got:      > 8080 > 40000 S. 0:0(0) ack 6 win 1024 <mss 1460>\n")
        expect(said).toContain("differs:  it is of the connection 40000 > 8080, not 50000 > 8080\n")
    })

    test("expected of a connection that does not exist is refused", async () => {
        expect(await verdict("0 > . 1:1(0) ack 1")).toBe(
            "x.pkt:1: there is no connection that this packet could be of\nline 1: 0 > . 1:1(0) ack 1"
        )
        expect(await verdictOf("+0 > 1 > 2 . 1:1(0) ack 1")).toContain("x.pkt:9: there is no connection")
    })

    test("of TCP where ICMP was expected: the message shows both", async () => {
        expect(await verdictOf(`${WRITE}+0 > icmp unreachable port_unreachable`)).toContain(
            "expected: > icmp unreachable port_unreachable\ngot:      > P. 1:11(10) ack 1 win 1024\n"
        )
    })

    test("with other data than was written: the message has the byte", async () => {
        class OneLetter extends NodeBackend {
            override async write(handle: number, length: number): Promise<number> {
                for (let i = 0; i < length; i++) await super.write(handle, 1)
                return length
            }
        }
        const both = "+0 > P. 1:2(1) ack 1\n+0 < . 1:1(0) ack 2 win 1000\n+0 > P. 2:11(9) ack 1"
        expect(await verdictWith(OneLetter, WRITE + both)).toContain(
            "x.pkt:12: expected: > P. 2:11(9) ack 1\ngot:      > P. 2:11(9) ack 1 win 1024\n" +
                "differs:  text: byte 0 is 97 instead of 98\n"
        )
        class Silent extends NodeBackend {
            override async write(handle: number, length: number): Promise<number> {
                await super.write(handle, length)
                return length - 4
            }
        }
        expect(
            await verdictWith(Silent, `${NONBLOCKING}+0 write(4, ..., 10) = 6\n+0 > P. 1:11(10) ack 1`)
        ).toContain("differs:  text: byte 6 is 103, and nothing was written there\n")
    })

    test("expected over several lines: the message has all of them", async () => {
        expect(await verdictOf(`${WRITE}+0 > P. 1:11(10)\n   ack 2`)).toMatch(
            /^x\.pkt:10: expected: > P\. 1:11\(10\) ack 2\n[\s\S]*\nline 10: \+0 > P\. 1:11\(10\)\nline 11: ack 2$/
        )
    })

    test("among many that no line expects: the message has the first nine and the number of the rest", async () => {
        const many = Array.from({ length: 12 }, () => "+.6 < . 1:1(0) ack 99 win 1000\n").join("")
        const said = await verdictOf(`${many}+0 > F. 1:1(0) ack 1`)
        expect(said.match(/^also:/gm)).toHaveLength(9)
        expect(said).toContain("also:     and 3 more")
    })
})

describe("a system call that fails a script", () => {
    test("with another result: the message has both", async () => {
        expect(await verdictOf("+.1 write(4, ..., 2000) = 500", "--config=sendBuffer=700\n")).toContain(
            "it blocks"
        )
        expect(await verdict(`${PLAIN}${LISTENING}+.1 shutdown(3, SHUT_WR) = 0`)).toBe(
            [
                "x.pkt:5: expected: shutdown(3, SHUT_WR) = 0",
                "got:      -1 ENOTCONN (Transport endpoint is not connected)",
                "when:     0.100 s",
                "line 5: +.1 shutdown(3, SHUT_WR) = 0",
            ].join("\n")
        )
    })

    test("with another error, or none: the message has both", async () => {
        expect(
            await verdictOf(`${NONBLOCKING}+0 read(4, ..., 10) = -1 ECONNRESET (Connection reset by peer)`)
        ).toContain(
            "x.pkt:10: expected: read(4, ..., 10) = -1 ECONNRESET\n" +
                "got:      -1 EAGAIN (Resource temporarily unavailable)\n"
        )
        expect(
            await verdictOf(`${NONBLOCKING}+0 fcntl(4, F_GETFL) = -1 EINVAL (Invalid argument)`)
        ).toContain("got:      2050\n")
        expect(await verdictOf(`${NONBLOCKING}+0 read(4, ..., 10) = -1`)).toBe("")
        expect(await verdictOf(`${NONBLOCKING}+0 read(4, ..., 10) = ...`)).toBe("")
        expect(await verdictOf(`${NONBLOCKING}+0 read(4, ..., 10) = -1 EWOULDBLOCK (the same)`)).toBe("")
    })

    test("that blocks where the script has no time for it", async () => {
        expect(await verdictOf("+0 read(4, ..., 10) = 10")).toContain(
            "got:      it blocks, and there is no `...` with a time\n"
        )
    })

    test("that returns too late, too early or never: the message has the times", async () => {
        const read = (time: string) => `${time} read(4, ..., 10) = 10\n+.2 < P. 1:11(10) ack 1 win 1000\n`
        expect(await verdictOf(read("+0...0.2"))).toBe("")
        expect(await verdictOf(read("+0...0.1"))).toBe(
            [
                "x.pkt:9: expected: read(4, ..., 10) = 10, to return at 0.100 s",
                "got:      it still blocks at 0.110 s",
                "when:     0.110 s",
                "line 9: +0...0.1 read(4, ..., 10) = 10",
            ].join("\n")
        )
        expect(await verdictOf(read("+0...0.3"))).toContain("got:      it returned at 0.200 s\n")
        expect(await verdictOf("+0...0.3 read(4, ..., 10) = 10")).toContain(
            "got:      it still blocks at 0.3"
        )
        // an absolute time
        expect(await verdictOf("0...0.1 read(4, ..., 10) = 10\n0.1 < P. 1:11(10) ack 1 win 1000")).toBe("")
    })

    test("that blocks holds the next one back", async () => {
        const end = "+0 fcntl(4, F_GETFL) = 2\n+.1 < P. 1:11(10) ack 1 win 1000\n"
        expect(await verdictOf(`+0...0.1 read(4, ..., 10) = 10\n${end}`)).toContain(
            "x.pkt:9: expected: read(4, ..., 10)"
        )
    })

    test("that reads other bytes than the packets had: the message has the byte", async () => {
        class Garbled extends NodeBackend {
            override async read(handle: number, most: number): Promise<Reading> {
                const { outcome, data } = await super.read(handle, most)
                data?.fill(0, 3)
                return { outcome, ...(data === undefined ? {} : { data }) }
            }
        }
        const read = "+0 < P. 1:11(10) ack 1 win 1000\n+0 read(4, ..., 2) = 2\n+0 read(4, ..., 20) = 8"
        expect(await verdictWith(Garbled, read)).toContain(
            "x.pkt:11: expected: read(4, ..., 20) = 8\ngot:      byte 5 of the stream is 0, 42 was sent\n"
        )
    })

    test("with another socket option or other poll() events: the message has both", async () => {
        expect(await verdictOf("+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0")).toContain(
            "got:      TCP_NODELAY is 0 instead of 1\n"
        )
        expect(await verdictOf("+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0")).toContain(
            "got:      SO_ERROR is 0 instead of ECONNRESET\n"
        )
        const poll = "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1"
        expect(await verdictOf(poll)).toContain("got:      revents of 4 are POLLOUT instead of POLLIN\n")
    })
})

describe("code that fails a script", () => {
    test("an assertion that does not hold shows its values", async () => {
        expect(await verdictOf("+.1 %{ assert tcpi_state == TCP_LISTEN, tcpi_state }%")).toBe(
            [
                "x.pkt:9: expected: assert tcpi_state == TCP_LISTEN, tcpi_state",
                "got:      tcpi_state is 1",
                "when:     0.100 s",
                "line 9: +.1 %{ assert tcpi_state == TCP_LISTEN, tcpi_state }%",
            ].join("\n")
        )
    })

    test("an assertion without a connection is refused", async () => {
        expect(await verdict("0 %{ assert tcpi_state == 7 }%")).toContain(
            "x.pkt:1: there is no connection to look at\n"
        )
    })
})

describe("scripts that cannot go on", () => {
    test.each([
        ["+0 read(5, ..., 10) = 0", "there is no socket 5"],
        ["+0 frobnicate(4) = 0", "the system call frobnicate is not supported here"],
        ["+0 close(4, 5) = 0", "1 arguments are needed, not 2"],
        ["+0 < . 1:1(0) ack 1 win 1 <nop,nop,TS val 1 ecr 77>", ""],
        ["+0 < 9 > 9 . 1:1(0) ack 1 win 1\n+0 < icmp unreachable net_unreachable", "expected: nothing more"],
    ])("%s is refused: %s", async (line, message) => {
        expect(await verdictOf(line)).toContain(message === "" ? "" : `: ${message}`)
    })

    test("a line whose time has passed: the message has how long the line before took", async () => {
        const retransmission = `${WRITE}0 > P. 1:11(10) ack 1\n0.5~2 > P. 1:11(10) ack 1\n`
        expect(await verdictOf(`${retransmission}1 fcntl(4, F_GETFL) = 2`)).toBe("")
        expect(await verdictOf(`${retransmission}0.9 fcntl(4, F_GETFL) = 2`)).toBe(
            [
                "x.pkt:12: expected: to happen at that time",
                "got:      what came before took until 1.000 s",
                "when:     1.000 s",
                "line 12: 0.9 fcntl(4, F_GETFL) = 2",
            ].join("\n")
        )
    })

    test("an error of the stack itself is reported at the line that ran", async () => {
        class Broken extends NodeBackend {
            override async advance(): Promise<void> {
                throw new Error("invariants broken")
            }
        }
        expect(await verdictWith(Broken, "+1 close(4) = 0")).toBe("x.pkt:9: invariants broken")
    })

    test("an error's stack begins with the script's line", async () => {
        const source = sourceOf("x.pkt", `${LISTENING}+0 close(9) = 0`, "/somewhere/x.pkt")
        await expect(runOnNode(prepare(source))).rejects.toMatchObject({
            name: "ScriptError",
            line: 4,
            stack: expect.stringMatching(/\n {4}at \/somewhere\/x\.pkt:4:1$/),
        })
    })
})
