// One echo request and its reply, for a stack without endpoints: ping.ts does more, and takes 3 KB of bytecode with what it
// stands on, this 0.4.

import { Frame } from "../tcp/context"
import { Icmp, IcmpType } from "../wire/icmp"
import { resolve } from "./arp"
import { finish } from "./icmp"
import { Neighbour } from "./records"
import type { Stack, StackEcho } from "./stack"

export const enum Echo {
    /** Bytes of data in a request. */
    Data = 56,
    Length = 64,
}

/** From its making on it waits to be sent, by `work`, and then for its reply. The one made last takes all replies. */
export class EchoRequest implements StackEcho {
    sent = false
    answered = false
    /** Milliseconds from the request to its reply. */
    time = 0

    /** `rest` is identifier and sequence number as the wire has them: who can guess them can answer for `ip`. */
    constructor(
        private readonly stack: Stack,
        private readonly ip: number,
        private readonly rest: number
    ) {
        stack.echo = this
    }

    /** Puts the request into the transmit frame when that is free and the way to `ip` known, and asks for the way. */
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

    /** A sound echo reply of `length` bytes came, it stands at `at`. False when it is not to this request. */
    arrives(source: number, at: number, length: number, now: number): boolean {
        if (!this.sent || this.answered || source !== this.ip || length !== Echo.Length) return false
        if (this.stack.rx.getAt(at + Icmp.Rest, "i32") !== this.rest) return false
        this.answered = true
        this.time = (now - this.time) | 0
        return true
    }
}
