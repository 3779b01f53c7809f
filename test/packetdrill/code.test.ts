// Code between %{ and }%: what of Python is understood, and what can be looked at.

import { describe, expect, test } from "vitest"
import { BadCode, runCode } from "../support/packetdrill/code"
import { CONNECTED, LISTENING, PLAIN, play, verdict } from "./play"

const VALUES: Readonly<Record<string, number>> = { a: 1, b: 2, tcpi_state: 4 }
const names = async (name: string) => VALUES[name]

describe("assertions in a script", () => {
    test.each([
        "assert 1",
        "assert a == 1",
        "assert a != b",
        "assert a < b <= 2",
        "assert not a > b",
        "assert a == 2 or b == 2",
        "assert (a == 2 or b == 2) and a",
        "assert a + b * 2 == 5",
        "assert 10 - 2 - 3 == 5",
        "assert 7 / 2 == 3.5 or 7 % 4 == 3",
        "assert -a == 0 - 1",
        "assert 6 & 3 == 2 or True",
        "assert (4 | 1) == 5",
        "assert 0x10 == 16",
        "assert tcpi_state == TCP_FIN_WAIT1, tcpi_state",
        "assert a == 1; assert b == 2 # and no more\n\nassert b",
        "assert a == 1 and \\\n b == 2",
    ])("%j holds", async code => {
        expect(await runCode(code, names)).toBeUndefined()
    })

    test.each([
        ["assert a == 2", "a is 1"],
        ["assert a == 1\nassert a > b, b", "a is 1, b is 2"],
        ["assert tcpi_state == TCP_CLOSE", "tcpi_state is 4"],
        ["assert False", ""],
        ["assert not 1", ""],
        ["assert 1 < 2 < 2", ""],
    ])('%j does not hold, and shows "%s"', async (code, values) => {
        expect((await runCode(code, names))?.values).toBe(values)
    })

    test.each([
        ["print(a)", 'only assert is understood here, not "print(a)"'],
        ["assert nothing == 1", "nothing is not known here"],
        ["assert a ==", '"the end" is not understood in "assert a =="'],
        ["assert (a == 1", '"the end" is not understood in "assert (a == 1"'],
        ["assert a = 1", '"=" is not understood in "assert a = 1"'],
        ["assert a == 1 b", '"b" is not understood in "assert a == 1 b"'],
    ])("%j is refused: %s", async (code, message) => {
        await expect(runCode(code, names)).rejects.toEqual(new BadCode(message))
    })
})

describe("the values of a connection on Node", () => {
    test("have the names of the kernel's tcp_info, and bytes where it has segments", async () => {
        await play(`${PLAIN}${CONNECTED}+0 write(4, ..., 700) = 700
+0 > P. 1:701(700) ack 1
+0 %{ assert tcpi_state == TCP_ESTABLISHED
      assert tcpi_snd_mss == 1000 and mss == 1000
      assert tcpi_snd_cwnd * 1000 <= cwnd
      assert tcpi_snd_ssthresh * 1000 <= ssthresh
      assert tcpi_unacked == 1 and unsent == 700 and unread == 0
      assert tcpi_rto == 1000000 and tcpi_retransmits == 0 and tcpi_backoff == 0
      assert tcpi_rcv_wnd == 1024 and tcpi_snd_wnd == 10000
      assert tcpi_options == 0
      assert counter_segments_in == 2 and counter_retransmits == 0
      assert connections == 1 and half_open == 0 and time_waits == 0 }%
+.4 < . 1:1(0) ack 701 win 2000
+0 %{ assert 40000 < tcpi_rtt < 60000, tcpi_rtt; assert tcpi_rttvar > 0 }%`)
    })

    test("include a state from its first segment to its end", async () => {
        await play(`${PLAIN}${LISTENING}+0 < R 0:0(0) win 0
+0 %{ assert tcpi_state == TCP_LISTEN, tcpi_state }%
+0 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 %{ assert tcpi_state == TCP_SYN_RECV, tcpi_state }%
+0 < . 1:1(0) ack 1 win 1000
+0 %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }%
+0 accept(3, ..., ...) = 4
+0 close(4) = 0
+0 > F. 1:1(0) ack 1
+0 %{ assert tcpi_state == TCP_FIN_WAIT1, tcpi_state }%
+0 < F. 1:1(0) ack 2 win 1000
+0 > . 2:2(0) ack 2
+0 %{ assert tcpi_state == TCP_TIME_WAIT, tcpi_state; assert time_waits == 1 and connections == 0 }%
+62 %{ assert tcpi_state == TCP_CLOSE, tcpi_state; assert time_waits == 0 }%`)
    })

    test("with an unknown name are refused", async () => {
        expect(await verdict(`${PLAIN}${CONNECTED}+0 %{ assert tcpi_frob == 1 }%`)).toContain(
            "x.pkt:9: tcpi_frob is not known here"
        )
    })
})
