// Scripts inside of tests: run on Node, and what is said about them.

import { ScriptError, sourceOf } from "../support/packetdrill/failure"
import { prepare, runOnNode } from "../support/packetdrill/run"

/** Runs a script, whose file would be x.pkt. Throws what the runner throws. */
export async function play(text: string): Promise<void> {
    await runOnNode(prepare(sourceOf("x.pkt", text)))
}

/** What the runner says about a script: its message, or "" when all is as it says. */
export async function verdict(text: string): Promise<string> {
    try {
        await play(text)
        return ""
    } catch (error) {
        if (error instanceof ScriptError) return error.message
        throw error
    }
}

/** Options that keep segments short. */
export const PLAIN = "--config=timestamps=0,sack=0\n"

/** A listener on socket 3, from the first line on: 3 lines. */
export const LISTENING = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`

/** That, and a connection on socket 4: 7 lines. */
export const CONNECTED = `${LISTENING}+0 < S 0:0(0) win 10000 <mss 1000>
+0 > S. 0:0(0) ack 1 win 1024 <mss 1460>
+0 < . 1:1(0) ack 1 win 10000
+0 accept(3, ..., ...) = 4
`
