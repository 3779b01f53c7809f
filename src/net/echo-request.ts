// One echo request and its reply, for a stack without endpoints. This file costs 0.4 KB of bytecode; ping.ts does more, and costs
// 3 KB with the endpoints.

import { Frame } from "../tcp/context"
import { Icmp, IcmpType } from "../wire/icmp"
import { resolve } from "./arp"
import { finish } from "./icmp"
import { Neighbour } from "./neighbour-record"
import type { Stack, StackEcho } from "./stack"

export const enum Echo {
    /** Bytes of data in a request. */
    Data = 56,
    Length = 64,
}

/** One echo request: `work` sends it, `arrives` receives its reply. Only the request that was created last receives replies. */
export class EchoRequest implements StackEcho {
    sent = false
    answered = false
    /** Milliseconds from the request to its reply. */
    time = 0

    /**
     * `rest` is the identifier and the sequence number, in network order; a host that guesses them can reply in place of `ip`.
     */
    constructor(
        private readonly stack: Stack,
        private readonly ip: number,
        private readonly rest: number
    ) {
        stack.echo = this
    }

    /** Resolves the next hop, then puts the request into the transmit frame when that is free. */
    work(now: number): void {
        const s = this.stack
        if (this.sent) return
        const n = resolve(s, this.ip, now, true)
        if (n < 0 || s.frameLength > 0 || s.replyLength > 0) return
        s.tx.setAt(Frame.Transport + Icmp.Type, "i32", IcmpType.Echo)
        s.tx.setAt(Frame.Transport + Icmp.Rest, "i32", this.rest)
        s.tx.fillAt(Frame.Transport + Icmp.Data, Echo.Data, 0x55)
        s.replyMac.blitAt(0, s.neighbours, n + Neighbour.Mac, 6)
        finish(s, this.ip, Echo.Length)
        this.sent = true
        this.time = now
    }

    /** Handles the valid echo reply of `length` bytes at `at`. Returns false when it does not answer this request. */
    arrives(source: number, at: number, length: number, now: number): boolean {
        if (!this.sent || this.answered || source !== this.ip || length !== Echo.Length) return false
        if (this.stack.rx.getAt(at + Icmp.Rest, "i32") !== this.rest) return false
        this.answered = true
        this.time = (now - this.time) | 0
        return true
    }
}
