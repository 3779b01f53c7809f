// The interface gets another address: what was bound to the old one ends (RFC 2131 section 4.4.5).

import { expect, test } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { changeAddress } from "../../src/net/change-address"
import { Half } from "../../src/tcp/records"
import { arp, ethernet, ipv4, tcp } from "../support/frames"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { newPeer } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const THEM = "02:00:00:00:01:02"
const NEW = "10.0.0.7"

/** Sends a segment to the new address, and returns the kinds of the segments that come back. */
function sends(peer: Peer, port: number, flags: string, seq: number, ack = 0): string[] {
    const { host, now } = peer.bench
    const between = { source: "10.0.0.2", destination: NEW }
    const fields = { sourcePort: port, destinationPort: 80, seq, ack, flags, window: 1024 }
    const frame = ethernet(US, THEM, 0x0800, ipv4({ ...between, protocol: 6 }, tcp(between, fields)))
    return host.receive(frame, now).flatMap(sent => {
        const view = dissect(sent)
        if (view.kind !== "tcp") throw new Error(view.kind)
        expect(view.source).toBe(NEW)
        return [view.flags.syn ? "SYN" : view.flags.rst ? "RST" : "ACK"]
    })
}

test.each([1, 2, 5])(
    "changeAddress() with %d half-open records taken and a cookie out frees all without a segment",
    halfOpen => {
        const first = newPeer({ config: { halfOpen }, peer: { port: 5000 } }).listens()
        const { bench } = first
        const { stack } = bench
        const others = Array.from({ length: halfOpen }, (_, i) => new Peer(bench, { port: 5001 + i }))
        first.sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>")
        for (const peer of others) {
            peer.sends("S 0 <mss 1460>")
            expect(peer.seen.splice(0).length).toBe(1)
        }
        expect([stack.halvesEnd, stack.cookies]).toEqual([halfOpen * Half.Size, true])

        changeAddress(stack, ip(NEW), ip("255.255.255.0"), 0, bench.now)
        bench.poll()
        expect([stack.halvesEnd, stack.cookies]).toEqual([0, false])
        // nothing is sent for them, at any time
        bench.pass(60_000)
        expect([bench.others, bench.peers.flatMap(peer => peer.seen)]).toEqual([[], []])
        // an ACK that would have matched a cookie or a half-open record draws a reset
        bench.peers.length = 0
        const asks = { operation: 1, senderMac: THEM, senderIp: "10.0.0.2", targetIp: NEW }
        bench.host.receive(ethernet(US, THEM, 0x0806, arp(asks)), bench.now)
        expect(sends(first, 5000, ".", 1, 1)).toEqual(["RST"])
        // as many as before can be opened at the new address, all with records
        for (let i = 0; i < halfOpen; i++) expect(sends(first, 6000 + i, "S", 0)).toEqual(["SYN"])
        expect([stack.halvesEnd, stack.cookies]).toEqual([halfOpen * Half.Size, false])
    }
)

tsharkAgrees()
