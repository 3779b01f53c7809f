// Opening connections: refused, lost, delayed, crossed and answered wrongly.

import { expect } from "vitest"
import { serveEcho } from "../../sim/host/host"
import type { View } from "../../sim/view/dissect"
import { tsharkAgrees } from "../support/tshark"
import { DEVICE_IP } from "./net"
import { scenario } from "./scenario"
import { ScriptedStation } from "./station"
import { client } from "./traffic"

const isSyn = (view: View) => view.kind === "tcp" && view.flags.syn && !view.flags.ack
const isSynAck = (view: View) => view.kind === "tcp" && view.flags.syn && view.flags.ack

scenario("connect to a port without a listener is refused", {}, async net => {
    net.host(1)
    const { id, port } = await net.connect("10.0.0.1", 9)
    await net.reached(port, "CLOSED")
    expect(net.states(port)).toEqual(["SYN-SENT", "CLOSED"])
    expect(net.segments(port, 9)).toEqual(["> S 0", "< R. 0 ack 1"])
    expect(net.failures).toEqual(["ECONNREFUSED"])
    expect(await net.refusal(`read ${id}`)).toContain("ECONNREFUSED")
    await net.command(`close ${id}`)
    expect(await net.refusal(`read ${id}`)).toContain("no longer exists")
})

scenario("twenty SYNs to a port without a listener draw twenty resets", {}, async net => {
    const peer = net.host(1)
    for (let i = 0; i < 20; i++) {
        const { connection } = await client(net, peer, 9)
        await net.until("the refusal", () => connection.ended)
        expect(connection.error).toBe("ECONNREFUSED")
    }
    const resets = net.frames.filter(({ view }) => view.kind === "tcp" && view.flags.rst)
    expect(resets.map(({ from }) => from)).toEqual(new Array(20).fill("device"))
    expect(net.events.filter(({ kind }) => kind === "state")).toEqual([])
})

scenario("connect to an absent address or another network without a router is unreachable", {}, async net => {
    const { id, port } = await net.connect("10.0.0.77", 7)
    await net.reached(port, "CLOSED")
    expect(net.sendTimes(view => view.kind === "arp")).toEqual([0, 1, 2])
    expect(net.frames.every(({ view }) => view.kind === "arp" && view.targetIp === "10.0.0.77")).toBe(true)
    expect(net.failures).toEqual(["EHOSTUNREACH"])
    expect(await net.refusal(`wait ${id} ESTABLISHED`)).toContain("EHOSTUNREACH")
    // outside of the network, and no gateway
    const far = await net.connect("192.0.2.1", 7)
    await net.reached(far.port, "CLOSED")
    expect(net.failures).toEqual(["EHOSTUNREACH", "EHOSTUNREACH"])
})

scenario(
    "connect to a host after the router resolves and uses the router",
    { gateway: "10.0.0.254" },
    async net => {
        const router = new ScriptedStation(net, 254)
        router.source = "192.0.2.1"
        router.onSegment = ({ destination, sourcePort, seq, flags }) => {
            if (destination !== "192.0.2.1" || !flags.syn) return
            router.segment({
                sourcePort: 80,
                destinationPort: sourcePort,
                seq: 500,
                ack: seq + 1,
                flags: "S.",
            })
        }
        const { port } = await net.connect("192.0.2.1", 80)
        await net.reached(port, "ESTABLISHED")
        const asked = net.frames.flatMap(({ view }) => (view.kind === "arp" ? [view.targetIp] : []))
        expect(asked).toEqual(["10.0.0.254", DEVICE_IP])
    }
)

scenario("two lost ARP requests delay the SYN and lose none", {}, async net => {
    serveEcho(net.host(1), net.clock)
    let asked = 0
    net.lose = view => view.kind === "arp" && view.operation === 1 && ++asked <= 2
    const { port } = await net.connect("10.0.0.1", 7)
    await net.reached(port, "ESTABLISHED")
    expect(net.sendTimes(view => view.kind === "arp")).toEqual([0, 1, 2])
    expect(net.sendTimes(isSyn)).toEqual([0])
})

scenario("three lost SYNs are sent again after 1, 2 and 4 s, and the fourth connects", {}, async net => {
    serveEcho(net.host(1), net.clock)
    let syns = 0
    net.lose = view => isSyn(view) && ++syns <= 3
    const { port } = await net.connect("10.0.0.1", 7)
    await net.reached(port, "ESTABLISHED")
    await net.pass(100)
    expect(net.sendTimes(isSyn)).toEqual([0, 1, 3, 7])
    expect(net.segments(port, 7)).toEqual([
        "> S 0 lost",
        "> S 0 lost",
        "> S 0 lost",
        "> S 0",
        "< S. 0 ack 1",
        "> . 1 ack 1",
    ])
})

scenario("five SYNs without an answer end with ETIMEDOUT", { config: { r2Syn: 20_000 } }, async net => {
    const host = new ScriptedStation(net, 5)
    const { id, port } = await net.connect("10.0.0.5", 7)
    await net.reached(port, "CLOSED", 60_000)
    expect(net.sendTimes(isSyn)).toEqual([0, 1, 3, 7, 15])
    // ARP asks again, in case the host has another Ethernet address now
    expect(net.frames.filter(({ view }) => view.kind === "arp" && view.operation === 1).length).toBe(2)
    expect(host.segments).toHaveLength(5)
    expect(net.failures).toEqual(["ETIMEDOUT"])
    expect(await net.refusal(`read ${id}`)).toContain("ETIMEDOUT")
})

scenario("a lost SYN-ACK of the peer: the device sends its SYN again and connects", {}, async net => {
    serveEcho(net.host(1), net.clock)
    let lost = 0
    net.lose = view => isSynAck(view) && ++lost <= 1
    const { port } = await net.connect("10.0.0.1", 7)
    await net.reached(port, "ESTABLISHED")
    expect(net.sendTimes(isSyn)).toEqual([0, 1])
    const text = net.segments(port, 7)
    expect(text.filter(line => line.startsWith("> S"))).toEqual(["> S 0", "> S 0"])
    expect(text).toContain("< S. 0 ack 1 lost")
    expect(net.states(port)).toEqual(["SYN-SENT", "ESTABLISHED"])
})

scenario(
    "a SYN-ACK never acknowledged is sent six times, then the client may connect anew",
    {},
    async net => {
        const host = new ScriptedStation(net, 5)
        const syn = { sourcePort: 4000, destinationPort: 7, seq: 1000, flags: "S" }
        await net.act(() => host.segment(syn))
        await net.pass(70_000)
        expect(net.sendTimes(isSynAck)).toEqual([0, 1, 3, 7, 15, 31])
        expect(net.states(7, 4000)).toEqual(["SYN-RECEIVED", "LISTEN"])
        // the same client again, and this time it answers
        await net.act(() => {
            host.onSegment = ({ seq }) => {
                const ack = { sourcePort: 4000, destinationPort: 7, seq: 1001, ack: seq + 1, flags: "." }
                host.segment(ack)
            }
            host.segment(syn)
        })
        await net.until("the connection", () => net.states(7, 4000).includes("ESTABLISHED"))
        expect(net.states(7, 4000)).toEqual(["SYN-RECEIVED", "LISTEN", "SYN-RECEIVED", "ESTABLISHED"])
    }
)

scenario("data after a lost ACK of the handshake completes the handshake", {}, async net => {
    const host = new ScriptedStation(net, 5)
    const ports = { sourcePort: 4000, destinationPort: 7 }
    await net.act(() => host.segment({ ...ports, seq: 1000, flags: "S" }))
    await net.until("the SYN-ACK", () => host.segments.length === 1)
    const theirs = host.segments[0]!.seq
    await net.act(() => {
        host.segment({ ...ports, seq: 1001, ack: theirs + 1, flags: "P." }, Buffer.from("hello"))
    })
    await net.until("the echo", () => host.segments.some(({ payload }) => payload.length === 5))
    expect(net.states(7, 4000)).toEqual(["SYN-RECEIVED", "ESTABLISHED"])
})

scenario("two crossing SYNs make one connection", {}, async net => {
    const host = new ScriptedStation(net, 5)
    let answered = false
    host.onSegment = ({ sourcePort, seq, flags }) => {
        const ports = { sourcePort: 6000, destinationPort: sourcePort }
        // a SYN that crosses the device's, then one that acknowledges it
        if (flags.syn && !flags.ack) host.segment({ ...ports, seq: 9000, flags: "S" })
        else if (flags.syn && !answered) {
            answered = true
            host.segment({ ...ports, seq: 9000, ack: seq + 1, flags: "S." })
            host.segment({ ...ports, seq: 9001, ack: seq + 1, flags: "P." }, Buffer.from("both"))
        }
    }
    const { id, port } = await net.connect("10.0.0.5", 6000)
    await net.reached(port, "ESTABLISHED")
    expect(net.states(port)).toEqual(["SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"])
    await net.pass(100)
    expect(net.segments(port, 6000).slice(0, 4)).toEqual(["> S 0", "< S 0", "> S. 0 ack 1", "< S. 0 ack 1"])
    expect(await net.command(`read ${id}`)).toEqual(["both"])
    expect(net.segments(port, 6000).some(line => line.startsWith("> R"))).toBe(false)
})

scenario("a SYN-ACK of a wrong number is reset, and the right one connects", {}, async net => {
    const host = new ScriptedStation(net, 5)
    let first = true
    host.onSegment = ({ sourcePort, seq, flags }) => {
        if (!flags.syn) return
        const ports = { sourcePort: 6000, destinationPort: sourcePort }
        const ack = first ? seq + 100 : seq + 1
        first = false
        host.segment({ ...ports, seq: 9000, ack, flags: "S." })
    }
    const { port } = await net.connect("10.0.0.5", 6000)
    await net.reached(port, "ESTABLISHED")
    expect(net.segments(port, 6000).slice(0, 3)).toEqual(["> S 0", "< S. 0 ack 100", "> R 100"])
    expect(net.sendTimes(isSyn)).toEqual([0, 1])
})

tsharkAgrees()
