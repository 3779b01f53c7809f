// ICMP destination unreachable about our segments: RFC 9293 section 3.9.2.2, RFC 1122 section 4.2.3.9, RFC 5461, RFC 5927.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { ethernet, icmp, ipv4, tcp, udp } from "../support/frames"
import type { Peer } from "../support/peer"
import { bases, established, halfOpen, reach, synReceived, synSent } from "../support/states"

interface Quote {
    seq?: number
    /** Bytes of the segment that are quoted. */
    bytes?: number
    source?: string
    destination?: string
    localPort?: number
    port?: number
    protocol?: number
    options?: number[]
    checksum?: number
    ihl?: number
}

/** Returns the frame with the ICMP message that a router sends about a segment of ours. */
function unreachable(peer: Peer, code: number, quote: Quote = {}, type = 3): Uint8Array {
    const own = peer.bench.host.address
    const between = { source: quote.source ?? own, destination: quote.destination ?? peer.ip }
    const fields = {
        sourcePort: quote.localPort ?? peer.localPort,
        destinationPort: quote.port ?? peer.port,
        seq: (peer.ours + (quote.seq ?? 0)) >>> 0,
        flags: ".",
    }
    const segment = tcp(between, fields).slice(0, quote.bytes ?? 8)
    const header = {
        ...between,
        protocol: quote.protocol ?? 6,
        totalLength: 40,
        options: quote.options ?? [],
    }
    const quoted = ipv4(quote.ihl === undefined ? header : { ...header, ihl: quote.ihl }, segment)
    const message = icmp(type, code, 0, quoted, quote.checksum)
    return ethernet(
        peer.bench.mac,
        peer.mac,
        0x0800,
        ipv4({ source: "10.0.0.254", destination: own, protocol: 1 }, message)
    )
}

function tells(peer: Peer, code: number, quote?: Quote, type?: number): Peer {
    peer.bench.receive(unreachable(peer, code, quote, type))
    return peer
}

const hard = [
    ["protocol unreachable", 2],
    ["port unreachable", 3],
] as const
const soft = [
    ["net unreachable", 0],
    ["host unreachable", 1],
    ["fragmentation needed", 4],
    ["source route failed", 5],
    ["net unknown", 6],
    ["an unknown code", 200],
] as const

/** RFC 1812 section 5.2.7.1: a firewall sends these, and will send them again. */
const prohibited = [
    ["network administratively prohibited", 9],
    ["host administratively prohibited", 10],
    ["administratively prohibited", 13],
] as const

describe.each(bases)("an ICMP error in SYN-SENT, $name", base => {
    test.each(prohibited)("%s ends the connection at once with EACCES", (_, code) => {
        tells(synSent({ base }), code).gets().is("CLOSED").failed("EACCES").after(200_000).gets()
    })

    test.each(hard)("%s is hard: it ends the connection with ECONNREFUSED (SHLD-26)", (_, code) => {
        tells(synSent({ base }), code).gets().is("CLOSED").failed("ECONNREFUSED").after(200_000).gets()
    })

    test.each(soft)("%s is soft: the connection opens afterwards (MUST-56)", (_, code) => {
        tells(synSent({ base }), code)
            .gets()
            .is("SYN-SENT")
            .sends("S. 0 ack 1")
            .gets(". 1 ack 1")
            .is("ESTABLISHED")
    })

    test("a soft error in SYN-SENT is the error of the program when R2 passes (SHLD-25)", () => {
        const peer = tells(synSent({ base }), 1).after(183_000)
        peer.seen.length = 0
        peer.failed("EHOSTUNREACH")
    })
})

// ---------------------------------------------------------------- Synchronized states: RFC 5927 section 5.2, all are soft
describe.each(["ESTABLISHED", "FIN-WAIT-1", "CLOSE-WAIT", "LAST-ACK"] as const)(
    "an ICMP error in %s",
    state => {
        // what asks for fragmentation is about the path (test/scripts/pmtu)
        test.each([...hard, ...soft].filter(([, code]) => code !== 4))(
            "%s is soft: the state stays, and the error after R2 is EHOSTUNREACH",
            (_, code) => {
                const peer = reach(state)
                if (state === "ESTABLISHED" || state === "CLOSE-WAIT")
                    peer.writes(5).gets("P. nxt(5) ack rcv")
                tells(peer, code, { seq: peer.marks.una! }).gets().is(state)
                peer.after(130_000).seen.splice(0)
                peer.failed("EHOSTUNREACH")
            }
        )
    }
)

test.each([
    ["time exceeded", 11],
    ["parameter problem", 12],
])("%s in ESTABLISHED is soft, whatever its code (RFC 1122 section 4.2.3.9)", (_, type) => {
    for (const code of [0, 1, 2, 3, 4]) {
        const peer = tells(established().writes(5).gets("P. 1(5) ack 1"), code, { seq: 1 }, type).gets()
        peer.is("ESTABLISHED").after(130_000).seen.splice(0)
        peer.failed("EHOSTUNREACH")
    }
})

test("an ACK of new data clears a soft error: the error after R2 is ETIMEDOUT", () => {
    const peer = tells(established().writes(5).gets("P. 1(5) ack 1"), 1, { seq: 1 })
        .gets()
        .sends(". 1 ack 6")
        .gets()
    peer.writes(5).gets("P. 6(5) ack 1").after(130_000).seen.splice(0)
    peer.failed("ETIMEDOUT")
})

test("port unreachable in SYN-RECEIVED after an active open is soft", () => {
    tells(synReceived(), 3).gets().is("SYN-RECEIVED").sends(". 1 ack 1").gets().is("ESTABLISHED")
})

test("port unreachable in SYN-RECEIVED after a passive open is ignored", () => {
    tells(halfOpen(), 3).gets().is("SYN-RECEIVED").sends(". 1 ack 1").gets().is("ESTABLISHED")
})

// ---------------------------------------------------------------- RFC 5927 section 4: what a blind attacker could send
describe("an ICMP error that does not count", () => {
    const cases: [string, Quote][] = [
        ["a sequence number that is not in flight: below", { seq: -1 }],
        ["a sequence number that is not in flight: above", { seq: 1 }],
        ["a sequence number that is not in flight: far off", { seq: 1_000_000 }],
        ["another remote port", { port: 5001 }],
        ["another local port", { localPort: 81 }],
        ["another remote address", { destination: "10.0.0.3" }],
        ["another source than ours", { source: "10.0.0.9" }],
        ["another protocol", { protocol: 17 }],
        ["less than 8 bytes quoted", { bytes: 7 }],
        ["a checksum that does not fit", { checksum: 0x1234 }],
        ["a header length below 5 in what is quoted", { ihl: 4 }],
        ["a header length beyond what is quoted", { ihl: 15 }],
    ]
    test.each(cases)("an ICMP error with %s is ignored and counted", (_, quote) => {
        const peer = synSent()
        tells(peer, 3, quote).gets().is("SYN-SENT").sends("S. 0 ack 1").gets(". 1 ack 1")
        const { bench } = peer
        expect(bench.counter(Counter.IcmpIgnored) + bench.counter(Counter.IcmpMalformed)).toBe(1)
    })

    test("an ICMP error that quotes less than an IP header is ignored", () => {
        const peer = synSent()
        for (let bytes = 0; bytes < 28; bytes++) {
            const message = icmp(3, 3, 0, new Uint8Array(bytes).fill(0x45))
            const packet = ipv4({ source: "10.0.0.254", destination: "10.0.0.1", protocol: 1 }, message)
            peer.bench.receive(ethernet(peer.bench.mac, peer.mac, 0x0800, packet))
        }
        peer.gets().is("SYN-SENT")
    })

    test.each([
        ["source quench (MUST-55)", 4],
        ["redirect", 5],
        ["echo reply", 0],
    ])("%s in SYN-SENT is ignored: the error after R2 is ETIMEDOUT", (_, type) => {
        const peer = synSent()
        tells(peer, 1, {}, type).gets().is("SYN-SENT")
        expect(peer.bench.counter(Counter.IcmpIgnored)).toBe(1)
        peer.after(183_000).seen.splice(0)
        peer.failed("ETIMEDOUT")
    })

    test("an ICMP error that was sent to a broadcast address is ignored", () => {
        const peer = synSent()
        const frame = unreachable(peer, 3)
        const inner = frame.slice(34)
        const packet = ipv4({ source: "10.0.0.254", destination: "10.0.0.255", protocol: 1 }, inner)
        peer.bench.receive(ethernet("ff:ff:ff:ff:ff:ff", peer.mac, 0x0800, packet))
        peer.gets().is("SYN-SENT")
    })
})

test("IP options of the quoted header are skipped, and the error counts", () => {
    tells(synSent(), 3, { options: [1, 1, 1, 0] })
        .gets()
        .failed("ECONNREFUSED")
})

test("an ICMP error about a connection leaves others alone", () => {
    const peer = synSent()
    const other = established({ bench: peer.bench, peer: { port: 5001 } })
    tells(peer, 3).gets().failed("ECONNREFUSED")
    other.is("ESTABLISHED").sends("P. 1(5) ack 1").gets(". 1 ack 6")
})

test("an ICMP error that quotes a datagram we never sent changes nothing", () => {
    const peer = synSent()
    const between = { source: "10.0.0.1", destination: "10.0.0.2" }
    const quoted = ipv4({ ...between, protocol: 17 }, udp(between, { sourcePort: 80, destinationPort: 5000 }))
    const packet = ipv4({ source: "10.0.0.2", destination: "10.0.0.1", protocol: 1 }, icmp(3, 3, 0, quoted))
    peer.bench.receive(ethernet(peer.bench.mac, peer.mac, 0x0800, packet))
    peer.gets().is("SYN-SENT")
})
