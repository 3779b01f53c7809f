// Floods of forged segments: what they may not touch (RFC 4987).

import { describe, expect, test } from "vitest"
import { Random } from "../../sim/time/random"
import { Counter } from "../../src/base/counters"
import { Half } from "../../src/tcp/records"
import { bench, output } from "../sim/support"
import { Bench } from "../support/bench"
import { ethernet, ipv4, tcp } from "../support/frames"
import { Peer } from "../support/peer"
import { onlySegment, withIss } from "../support/secret-values"

const ROUTER = "10.0.0.254"
const ROUTER_MAC = "02:00:00:00:00:fe"
const SYN = "S 0 <mss 1460>"
/** The options of a SYN of Linux, of Windows and of a small host; and none. */
const OPTIONS = [
    [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 3, 232, 0, 0, 0, 0, 1, 3, 3, 7],
    [2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2],
    [2, 4, 2, 24],
    [],
]

/** A bench that drops what is sent to hosts that do not exist: SYN,ACKs, and ARP requests for their addresses. */
class Besieged extends Bench {
    override receive(frame: Uint8Array): void {
        super.receive(frame)
        this.ignore()
    }

    override poll(): void {
        super.poll()
        this.ignore()
    }

    private ignore(): void {
        const rest = this.others.filter(({ view }) => {
            if (view.kind === "arp") return view.operation !== 1
            return !(view.kind === "tcp" && view.flags.syn && view.flags.ack)
        })
        this.others.splice(0, this.others.length, ...rest)
        this.host.sent.length = 0
    }
}

/** Where forged segments come from. */
type From = "this network" | "other networks" | "both"

/** Forged segments to port 80, each from another host that does not exist and another port; one a millisecond. */
class Flood {
    constructor(
        private readonly bench: Bench,
        private readonly from: From,
        private readonly random = new Random(4987)
    ) {}

    private source(): { ip: string; mac: string } {
        const below = (limit: number) => this.random.integer(limit)
        const near = this.from === "this network" || (this.from === "both" && below(2) === 0)
        const host = 20 + below(200)
        if (near) return { ip: `10.0.0.${host}`, mac: `02:00:00:00:03:${host.toString(16).padStart(2, "0")}` }
        return { ip: `${11 + below(100)}.${below(256)}.${below(256)}.${host}`, mac: ROUTER_MAC }
    }

    frame(flags: string): Uint8Array {
        const { ip: source, mac } = this.source()
        const between = { source, destination: "10.0.0.1" }
        const segment = tcp(between, {
            sourcePort: 1 + this.random.integer(65_535),
            destinationPort: 80,
            seq: this.random.integer(0x1_0000_0000),
            ack: flags.includes(".") ? this.random.integer(0x1_0000_0000) : 0,
            flags,
            window: this.random.integer(65_536),
            options: flags === "S" ? OPTIONS[this.random.integer(4)]! : [],
        })
        return ethernet(this.bench.mac, mac, 0x0800, ipv4({ ...between, protocol: 6 }, segment))
    }

    send(count: number, flags = "S"): void {
        for (let i = 0; i < count; i++) {
            this.bench.now++
            this.bench.receive(this.frame(flags))
            if (flags !== "S") this.bench.others.length = 0
        }
    }
}

interface Siege {
    bench: Bench
    /** Two clients of port 80, one of them beyond the router, and a server that the stack connected to. */
    established: Peer[]
    listener: number
}

function besieged(config: { [key: string]: number } = {}): Siege {
    const bench = new Besieged({ connections: 5, ...config }, { gateway: ROUTER })
    const near = new Peer(bench, { port: 5001 }).listens()
    const far = new Peer(bench, { ip: "192.0.2.7", hop: ROUTER, mac: ROUTER_MAC, port: 5002 })
    const out = new Peer(bench, { ip: "10.0.0.3", port: 7, localPort: 40_000 }).connects()
    onlySegment(out)
    out.sends("S. 0 ack 1").gets(". 1 ack 1")
    far.listener = near.listener
    const established = [near, far].map(peer => {
        const next = withIss(peer, onlySegment(peer.sends(SYN)).seq)
        return next.sends(". 1 ack 1").gets().accepts()
    })
    return { bench, established: [...established, out], listener: near.listener }
}

/** Returns all fixed memory of the stack, and the ends of its tables. */
function memory({ stack }: Bench) {
    return [...stack.conns, stack.halves, stack.waits, stack.rx, stack.tx, stack.listeners, stack.segment]
}

/** Has a client connect, write, read and close. Fails unless each step is done at once. */
function serve(
    { bench, listener }: Siege,
    options: { ip: string; hop?: string; mac?: string; port: number }
): void {
    // its Ethernet address is not known before an ARP request
    bench.arp = false
    const client = new Peer(bench, options)
    bench.arp = true
    client.listener = listener
    const peer = withIss(client, onlySegment(client.sends(SYN)).seq)
    peer.sends(". 1 ack 1")
        .gets()
        .is("ESTABLISHED")
        .accepts()
        .sends("P. 1(20) ack 1")
        .gets(". 1 ack 21")
        .reads(20)
    peer.gets().writes(30).gets("P. 1(30) ack 21").sends("F. 21 ack 31").gets(". 31 ack 22").closes()
    peer.gets("F. 31 ack 22").sends(". 22 ack 32").gets().gone()
    bench.peers.splice(bench.peers.indexOf(peer), 1)
}

/** Sends `count` SYNs, and uses all connections, old and new, in between. */
function withstand(siege: Siege, from: From, count: number): void {
    const { bench, established } = siege
    const flood = new Flood(bench, from)
    const before = memory(bench)
    const sizes = before.map(b => b.length)
    const ends = bench.stack.connsEnd
    for (let round = 0; round < 20; round++) {
        flood.send(count / 20)
        for (const peer of established) {
            const [theirs, ours] = [1 + 8 * round, 1 + 5 * round]
            peer.sends(`P. ${theirs}(8) ack ${ours}`)
                .gets(`. ${ours} ack ${theirs + 8}`)
                .reads(8)
                .gets()
                .writes(5)
            peer.gets(`P. ${ours}(5) ack ${theirs + 8}`)
                .sends(`. ${theirs + 8} ack ${ours + 5}`)
                .gets()
        }
        serve(siege, { ip: `10.0.0.${220 + round}`, port: 6000 })
        serve(siege, { ip: "198.51.100.9", hop: ROUTER, mac: ROUTER_MAC, port: 6000 + round })
        expect(bench.stack.connsEnd).toBe(ends)
    }
    for (const [i, b] of memory(bench).entries()) expect(b).toBe(before[i])
    expect(before.map(b => b.length)).toEqual(sizes)
}

describe("a flood of forged SYNs", () => {
    test.each([
        [100_000, "both", {}],
        [20_000, "this network", {}],
        [20_000, "other networks", { timestamps: 1, sack: 1, challengeInterval: 500 }],
        [20_000, "both", { halfOpen: 1 }],
        [20_000, "both", { halfOpen: 0 }],
    ] as const)(
        "%d forged SYNs from %s with %o: connections, tables and new clients are left alone",
        (count, from, config) => {
            const siege = besieged(config)
            const { bench, established } = siege
            withstand(siege, from, count)
            // each was answered once: by a cookie, but for those that had a record, one a minute
            const halves = bench.stack.halves.length / Half.Size
            const taken = halves * Math.ceil(count / 63_000 + 1)
            expect(bench.counter(Counter.CookiesSent)).toBeGreaterThanOrEqual(count - taken)
            // a SYN,ACK is sent again 5 times; the rest is what the connections had to say
            expect(bench.counter(Counter.SegmentsOut)).toBeLessThan(
                count + taken * 6 + 20 * (3 * 2 + 2 * 6) + 20
            )
            expect(bench.counter(Counter.BacklogFull) + bench.counter(Counter.ConnectionsFull)).toBe(0)
            expect(bench.stack.halvesEnd).toBe(bench.stack.halves.length)

            // a minute later nothing is left of it
            bench.pass(64_000)
            bench.others.length = 0
            expect([bench.stack.halvesEnd, bench.stack.waitsEnd]).toEqual([0, 0])
            expect(bench.stack.connsEnd).toBe(3)
            for (const peer of established)
                peer.is("ESTABLISHED").sends("P. 161(4) ack 101").gets(". 101 ack 165")
            new Peer(bench, { port: 5999 }).sends(SYN)
            expect(bench.stack.halvesEnd).toBe(bench.stack.halves.length > 0 ? Half.Size : 0)
        },
        120_000
    )
})

describe("a flood of forged segments while cookies are valid", () => {
    test("20,000 forged ACKs: each is reset, none makes a connection", () => {
        const siege = besieged({ halfOpen: 0 })
        const flood = new Flood(siege.bench, "both")
        flood.send(1)
        flood.send(20_000, ".")
        expect(siege.bench.counter(Counter.ResetsSent)).toBe(20_000)
        expect(siege.bench.counter(Counter.CookiesTaken)).toBe(2)
        serve(siege, { ip: "10.0.0.4", port: 6000 })
    })

    test("20,000 forged resets: none is answered, none is believed", () => {
        const siege = besieged({ halfOpen: 0 })
        const sent = siege.bench.counter(Counter.SegmentsOut)
        new Flood(siege.bench, "both").send(20_000, "R")
        expect(siege.bench.counter(Counter.SegmentsOut)).toBe(sent)
        for (const peer of siege.established) peer.is("ESTABLISHED")
        serve(siege, { ip: "10.0.0.4", port: 6000 })
    })
})

test("a client that reads the answers of its own flood gets as many connections as the backlog has places", () => {
    const { bench, listener } = besieged({ connections: 20 })
    const clients = Array.from({ length: 12 }, (_, i) => new Peer(bench, { ip: "10.0.0.66", port: 6000 + i }))
    const known = clients.map(client => withIss(client, onlySegment(client.sends(SYN)).seq))
    for (const peer of known) peer.sends(". 1 ack 1").gets()
    expect(known.map(peer => peer.state)).toEqual([
        ...new Array(4).fill("ESTABLISHED"),
        ...new Array(4).fill("SYN-RECEIVED"),
        ...new Array(4).fill("LISTEN"),
    ])
    for (const peer of known.slice(0, 4)) {
        peer.listener = listener
        peer.accepts()
    }
})

describe("a flood on DeviceScript's VM", () => {
    test("the VM sends the same cookies, TIME-WAIT ACKs and challenges as Node, also when the time passes 2^31 and wraps", async () => {
        const vm = await output("vm", "flood", 4000)
        expect(vm).toContain("11 log SYN-ACK of 74 bytes, scale 7 and SACK do stand in it")
        expect(vm).toContain("11 log FIN again: 66 bytes, 2")
        expect(vm.at(-2)).toMatch(/ log flood: 3009 9 18 9 3$/)
        expect(await output("node", "flood", 4000)).toEqual(vm)
    })

    test("a flood of 1,500 SYNs leaves not a byte on the heap", async () => {
        const { clock, device, log } = await bench("vm", "flood")
        const floods = () => log.filter(line => line.includes("log flood")).length
        while (floods() < 1) await clock.runUntil(clock.now() + 1)
        const before = await device.liveHeap()
        while (floods() < 2) await clock.runUntil(clock.now() + 1)
        expect(await device.liveHeap()).toEqual(before)
        device.stop()
    })
})
