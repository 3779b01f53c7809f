// The resolver: RFC 1035, RFC 1123 section 6.1.3, RFC 2308, RFC 5452; one-shot multicast DNS of RFC 6762 section 5.1.

import { describe, expect, test } from "vitest"
import type { UdpView } from "../../sim/view/dissect"
import { ipv4Text } from "../../src/net/address"
import { DnsResult, Resolver } from "../../src/net/dns"
import { Endpoints } from "../../src/net/endpoint-table"
import { setAddress } from "../../src/net/stack"
import { TcpError } from "../../src/tcp/records"
import { Bench } from "../support/bench"
import {
    A,
    AAAA,
    type Asked,
    CNAME,
    dnsMessage,
    dnsName,
    NS,
    pointer,
    question,
    type Record,
    type Reply,
    readQuestion,
    SOA,
} from "../support/dns"
import { address, arp, ethernet, ipv4, u32, udp } from "../support/frames"
import { ip } from "../support/host"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const FIRST = "10.0.0.53"
const SECOND = "10.0.0.54"
const MACS: { [ip: string]: string } = {
    [FIRST]: "02:00:00:00:01:53",
    [SECOND]: "02:00:00:00:01:54",
    "10.0.0.99": "02:00:00:00:01:99",
}

interface Query extends Asked {
    to: string
    from: number
    port: number
    at: number
    view: UdpView
}

class Bed {
    readonly bench = new Bench({}, { arp: false })
    readonly endpoints = new Endpoints(this.bench.stack)
    readonly resolver: Resolver

    constructor(options: { entries?: number; servers?: string[] } = {}) {
        this.resolver = new Resolver(this.endpoints, options.entries ?? 4)
        const [one = "0.0.0.0", two = "0.0.0.0"] = options.servers ?? [FIRST]
        this.resolver.setServers(ip(one), ip(two))
        for (const [address, mac] of Object.entries(MACS)) this.bench.introduce(address, mac)
    }

    ask(name: string): number {
        const ticket = this.resolver.ask(name, this.bench.now)
        if (ticket > 0) this.bench.poll()
        return ticket
    }

    /** Takes the queries sent since the last call. */
    queries(): Query[] {
        return this.bench.others.splice(0).map(({ view, time }) => {
            const { destination: to, sourcePort: from, destinationPort: port, payload } = view as UdpView
            return { ...readQuestion(payload), to, from, port, at: time, view: view as UdpView }
        })
    }

    query(): Query {
        const all = this.queries()
        expect(all.length).toBe(1)
        return all[0]!
    }

    answer(to: Query, reply: Partial<Reply>, from: { ip?: string; port?: number; to?: number } = {}): this {
        const source = from.ip ?? to.to
        const header = { source, destination: "10.0.0.1" }
        const message = dnsMessage({ id: to.id, question: question(to.name), ...reply })
        const ports = { sourcePort: from.port ?? 53, destinationPort: from.to ?? to.from }
        const mac = MACS[source] ?? MACS[FIRST]!
        const body = ipv4({ ...header, protocol: 17 }, udp(header, ports, message))
        this.bench.receive(ethernet(US, mac, 0x0800, body))
        return this
    }

    /** Returns the result in words, or the address if there is one. */
    result(ticket: number): string {
        const result = this.resolver.result(ticket)
        const names = ["asking", "found", "no name", "failed", "timed out", "gone"]
        return result === DnsResult.Found ? ipv4Text(this.resolver.address) : names[result]!
    }

    pass(ms: number): this {
        this.bench.pass(ms)
        return this
    }

    /** Asserts that nothing is sent any more and no timer runs. */
    rests(): void {
        this.pass(10_000)
        expect(this.bench.others).toEqual([])
        expect(this.bench.host.next(this.bench.now)).toBe(Number.POSITIVE_INFINITY)
    }
}

const toQuestion = pointer(12)
const a = (ip: string, name = toQuestion, ttl = 60): Record => ({ name, type: A, ttl, data: address(ip) })
const cname = (target: number[], name = toQuestion, ttl = 60): Record => ({
    name,
    type: CNAME,
    ttl,
    data: target,
})
const soa = (ttl: number, minimum: number): Record => ({
    name: dnsName("example"),
    type: SOA,
    ttl,
    data: [...dnsName("ns.example"), ...dnsName("root.example"), ...[1, 2, 3, 4, minimum].flatMap(u32)],
})

const ns: Record = { name: dnsName("example"), type: NS, data: dnsName("ns.example") }
const text: Record = { name: toQuestion, type: 16, data: [0] }

/** Returns the result of a query for host.example that gets this answer. */
function answered(reply: Partial<Reply>, from: Parameters<Bed["answer"]>[2] = {}): string {
    const bed = new Bed()
    const ticket = bed.ask("host.example")
    bed.answer(bed.query(), reply, from)
    return bed.result(ticket)
}

describe("DNS queries", () => {
    test("a query for a name is of type A with recursion, and rests once answered", () => {
        const bed = new Bed()
        const ticket = bed.ask("Host.Example.")
        expect(bed.result(ticket)).toBe("asking")
        const query = bed.query()
        expect(query).toMatchObject({
            flags: 0x0100,
            counts: [1, 0, 0, 0],
            name: "host.example",
            type: A,
            class: 1,
            to: FIRST,
            port: 53,
        })
        expect(query.rest.length).toBe(0)
        expect(bed.answer(query, { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
        bed.rests()
    })

    test("30 queries use different ports and ids (RFC 5452)", () => {
        const seen = Array.from({ length: 30 }, () => {
            const bed = new Bed()
            bed.ask("host.example")
            return bed.query()
        })
        expect(new Set(seen.map(query => query.id)).size).toBeGreaterThan(28)
        expect(new Set(seen.map(query => query.from)).size).toBeGreaterThan(28)
        expect(seen.every(query => query.from >= 1024)).toBe(true)
    })

    const long = "a".repeat(63)
    test.each([
        ["", "empty"],
        [".", "a dot"],
        ["a..b", "an empty label"],
        [".a", "a dot first"],
        ["a b", "a space"],
        ["ä.example", "not ASCII"],
        ["a/b", "a slash"],
        ["a\0b", "a zero"],
        [`${long}a.example`, "a label of 64"],
        [`${"a.".repeat(126)}aa`, "254 characters"],
    ])("the name %j is refused (%s)", name => {
        expect(new Bed().ask(name)).toBe(TcpError.Invalid)
    })

    test.each(["a", "a.b.c.d.e", "x-1.example", "_srv.example", "1.2.3.example", `${long}.`])(
        "the name %j is queried",
        name => {
            const bed = new Bed()
            expect(bed.ask(name)).toBeGreaterThan(0)
            expect(bed.query().name).toBe(name.replace(/\.$/, ""))
        }
    )

    test("a name of 253 characters is queried, one of 254 is refused", () => {
        const bed = new Bed()
        const name = [long, long, long, "b".repeat(61)].join(".")
        expect([bed.ask(name) > 0, bed.ask(`${name}b`)]).toEqual([true, TcpError.Invalid])
        const query = bed.query()
        expect(query.name).toBe(name)
        bed.answer(query, { answers: [cname(dnsName(name.replaceAll("a", "c")))] })
        expect(bed.query().name).toBe(name.replaceAll("a", "c"))
    })

    test("a long name after a shorter one fits the same entry", () => {
        const bed = new Bed({ entries: 1 })
        for (const name of ["a", `${long}.example`, "b.example", `${long}.${long}`]) {
            expect(bed.ask(name)).toBeGreaterThan(0)
            const query = bed.query()
            expect(query.name).toBe(name)
            bed.answer(query, { answers: [a("192.0.2.1", toQuestion, 0)] })
        }
    })

    test("a query without a DNS server fails with EHOSTUNREACH", () => {
        expect(new Bed({ servers: [] }).ask("host.example")).toBe(TcpError.Unreachable)
    })
})

describe("DNS answers", () => {
    test.each([
        ["an address", { answers: [a("192.0.2.1")] }, "192.0.2.1"],
        ["the first of several", { answers: [a("192.0.2.1"), a("192.0.2.2")] }, "192.0.2.1"],
        ["the name uncompressed", { answers: [a("192.0.2.1", dnsName("host.example"))] }, "192.0.2.1"],
        ["the name in capitals", { answers: [a("192.0.2.1", dnsName("HOST.Example"))] }, "192.0.2.1"],
        [
            "the question in capitals",
            { question: question("HOST.EXAMPLE"), answers: [a("192.0.2.1")] },
            "192.0.2.1",
        ],
        [
            "half a name and a pointer",
            { answers: [a("192.0.2.1", [4, ...Buffer.from("host"), ...pointer(17)])] },
            "192.0.2.1",
        ],
        [
            "a pointer to a pointer",
            {
                answers: [{ name: toQuestion, type: 16, data: [1, 65] }, a("192.0.2.1", pointer(30))],
            },
            "192.0.2.1",
        ],
        [
            "an alias, and its address",
            { answers: [cname(dnsName("b.example")), a("192.0.2.1", dnsName("b.example"))] },
            "192.0.2.1",
        ],
        [
            "an alias with a pointer in it",
            { answers: [cname([1, 98, ...pointer(17)]), a("192.0.2.1", pointer(42))] },
            "192.0.2.1",
        ],
        [
            "three aliases",
            {
                answers: [
                    cname(dnsName("b.example")),
                    cname(dnsName("c.example"), dnsName("b.example")),
                    cname(dnsName("d.other"), dnsName("c.example")),
                    a("192.0.2.1", dnsName("d.other")),
                ],
            },
            "192.0.2.1",
        ],
        [
            "another name's address first",
            { answers: [a("6.6.6.6", dnsName("b.example")), a("192.0.2.1")] },
            "192.0.2.1",
        ],
        [
            "a record of another type first",
            { answers: [{ name: toQuestion, type: AAAA, data: new Array(16).fill(1) }, a("192.0.2.1")] },
            "192.0.2.1",
        ],
        [
            "a record of another class first",
            { answers: [{ ...a("6.6.6.6"), class: 3 }, a("192.0.2.1")] },
            "192.0.2.1",
        ],
        [
            "an address of 5 bytes first",
            { answers: [{ ...a("6.6.6.6"), data: [6, 6, 6, 6, 6] }, a("192.0.2.1")] },
            "192.0.2.1",
        ],
        [
            "an address after 100 other records",
            { answers: [...new Array(100).fill(text), a("192.0.2.1")] },
            "192.0.2.1",
        ],
        [
            "an address after 60 of other names",
            { answers: [...new Array(60).fill(a("6.6.6.6", [1, 98, ...pointer(17)])), a("192.0.2.1")] },
            "192.0.2.1",
        ],
        [
            "a second address that is cut off",
            { answers: [a("192.0.2.1"), { ...a("6.6.6.6"), length: 5 }] },
            "192.0.2.1",
        ],
        ["fewer addresses than it says", { answers: [a("192.0.2.1")], counts: [2, 0, 0] }, "192.0.2.1"],
        ["the TC bit and an address", { flags: 0x8380, answers: [a("192.0.2.1")] }, "192.0.2.1"],
        [
            "an additional record after the address",
            { answers: [a("192.0.2.1")], additional: [{ name: [0], type: 41, data: [] }] },
            "192.0.2.1",
        ],
        ["no such name", { flags: 0x8183 }, "no name"],
        [
            "no such name, after an alias",
            { flags: 0x8183, answers: [cname(dnsName("b.example"))] },
            "no name",
        ],
        ["no address", { authorities: [soa(60, 60)] }, "no name"],
        ["another name's address only", { answers: [a("6.6.6.6", dnsName("b.example"))] }, "no name"],
        ["the address in additional records", { additional: [a("6.6.6.6")] }, "no name"],
        ["SERVFAIL", { flags: 0x8182 }, "failed"],
        ["REFUSED", { flags: 0x8185 }, "failed"],
        ["NOTIMP", { flags: 0x8184 }, "failed"],
        ["the TC bit and no record", { flags: 0x8380 }, "failed"],
        ["the TC bit and no such name", { flags: 0x8383 }, "no name"],
        ["a referral", { authorities: [ns, ns] }, "failed"],
        ["no address, and its authority", { authorities: [ns, soa(60, 60)] }, "no name"],
        ["no such name, and its authority", { flags: 0x8183, authorities: [ns] }, "no name"],
    ] as [string, Partial<Reply>, string][])("an answer with %s has this result", (_, reply, expected) => {
        expect(answered(reply)).toBe(expected)
    })

    const good = { answers: [a("192.0.2.1")] }
    test.each([
        ["another id", { ...good, id: 1 }, {}],
        ["the QR bit of a query", { ...good, flags: 0x0180 }, {}],
        ["another opcode", { ...good, flags: 0x8980 }, {}],
        ["another question", { ...good, question: question("other.example") }, {}],
        ["more than what was asked", { ...good, question: question("host.example.more") }, {}],
        ["less than what was asked", { ...good, question: question("host") }, {}],
        ["a question of another type", { ...good, question: question("host.example", AAAA) }, {}],
        ["a question of another class", { ...good, question: question("host.example", A, 3) }, {}],
        ["no question", { ...good, questions: 0, question: [] }, {}],
        ["two questions", { ...good, questions: 2 }, {}],
        ["another server", good, { ip: "10.0.0.99" }],
        ["the second server, which was not asked yet", good, { ip: SECOND }],
        ["another port of the server", good, { port: 5353 }],
        ["a name that points to itself", { answers: [a("6.6.6.6", pointer(30))] }, {}],
        ["a name that points forward", { answers: [a("6.6.6.6", pointer(40))] }, {}],
        [
            "names that point to each other",
            { answers: [{ name: pointer(42), type: CNAME, data: [0] }, a("6.6.6.6", pointer(30))] },
            {},
        ],
        ["a label of an unknown kind", { answers: [a("6.6.6.6", [0x41, 1])] }, {}],
        [
            "an alias that is longer than it may be",
            { answers: [cname(new Array(5).fill([63, ...new Array(63).fill(97)]).flat())] },
            {},
        ],
        ["an alias without an end", { answers: [cname([3, 97, 98])] }, {}],
        [
            "an alias that reaches beyond its record",
            { answers: [{ ...cname(dnsName("b.example")), length: 4 }] },
            {},
        ],
        ["data that is not there", { answers: [{ ...a("6.6.6.6"), length: 5 }] }, {}],
        ["records that are not there", { counts: [1, 0, 0] }, {}],
    ] as [string, Partial<Reply>, { ip?: string; port?: number }][])(
        "a DNS message with %s is ignored, and the query goes on",
        (_, reply, from) => {
            const bed = new Bed({ servers: [FIRST, SECOND] })
            const ticket = bed.ask("host.example")
            const query = bed.query()
            bed.answer(query, reply, from)
            expect(bed.result(ticket)).toBe("asking")
            expect(bed.resolver.dropped).toBe(1)
            expect(bed.answer(query, good).result(ticket)).toBe("192.0.2.1")
        }
    )

    test("an answer cut short at any length is ignored", () => {
        const whole = dnsMessage({ id: 0, question: question("host.example"), ...good })
        for (let length = 0; length < whole.length; length++) {
            const bed = new Bed()
            const ticket = bed.ask("host.example")
            const query = bed.query()
            const cut = dnsMessage({ id: query.id, question: question("host.example"), ...good }).slice(
                0,
                length
            )
            const header = { source: FIRST, destination: "10.0.0.1" }
            const ports = { sourcePort: 53, destinationPort: query.from }
            const body = ipv4({ ...header, protocol: 17 }, udp(header, ports, cut))
            bed.bench.receive(ethernet(US, MACS[FIRST]!, 0x0800, body))
            expect(bed.result(ticket)).toBe("asking")
        }
    })

    test("an answer to another port, or to an answered query, draws an ICMP error", () => {
        const bed = new Bed()
        const ticket = bed.ask("host.example")
        const query = bed.query()
        bed.answer(query, good, { to: query.from ^ 1 })
        expect(bed.bench.others.splice(0).map(s => s.view.kind)).toEqual(["icmp"])
        // and once the query is answered, the port is closed
        bed.answer(query, good).answer(query, good)
        expect(bed.result(ticket)).toBe("192.0.2.1")
        expect(bed.bench.others.map(s => s.view.kind)).toEqual(["icmp"])
    })
})

describe("DNS retries", () => {
    test("three queries without an answer, after 0, 1 and 3 s, time out after 7 s", () => {
        const bed = new Bed()
        const start = bed.bench.now
        const ticket = bed.ask("host.example")
        bed.pass(6999)
        expect(bed.result(ticket)).toBe("asking")
        expect(bed.pass(1).result(ticket)).toBe("timed out")
        const all = bed.queries()
        expect(all.map(query => query.at - start)).toEqual([0, 1000, 3000])
        expect(new Set(all.map(query => `${query.id} ${query.from}`)).size).toBe(1)
        bed.rests()
    })

    test("two servers without an answer are queried in turn", () => {
        const bed = new Bed({ servers: [FIRST, SECOND] })
        const start = bed.bench.now
        const ticket = bed.ask("host.example")
        bed.pass(20_000)
        expect(bed.queries().map(query => [query.to, query.at - start])).toEqual([
            [FIRST, 0],
            [SECOND, 1000],
            [FIRST, 2000],
            [SECOND, 4000],
            [FIRST, 6000],
            [SECOND, 10_000],
        ])
        expect(bed.result(ticket)).toBe("timed out")
    })

    test("a late answer of the first server counts after the second was queried", () => {
        const bed = new Bed({ servers: [FIRST, SECOND] })
        const ticket = bed.ask("host.example")
        const first = bed.query()
        bed.pass(1500)
        expect(bed.answer(first, { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
    })

    test("SERVFAIL of the first server: the second is queried at once, REFUSED of both fails", () => {
        const bed = new Bed({ servers: [FIRST, SECOND] })
        const ticket = bed.ask("host.example")
        bed.answer(bed.query(), { flags: 0x8182 })
        const second = bed.query()
        expect([second.to, bed.result(ticket)]).toEqual([SECOND, "asking"])
        expect(bed.answer(second, { flags: 0x8185 }).result(ticket)).toBe("failed")
    })

    test.each([
        ["an answer that was cut (TC), without a record", { flags: 0x8380 }],
        ["a referral (RFC 2308, 2.2)", { authorities: [ns] }],
    ])("%s: the second server is queried at once", (_, reply) => {
        const bed = new Bed({ servers: [FIRST, SECOND] })
        const ticket = bed.ask("host.example")
        bed.answer(bed.query(), reply)
        const second = bed.query()
        expect([second.to, bed.result(ticket)]).toEqual([SECOND, "asking"])
        expect(bed.answer(second, { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
    })

    test("a resolver with only a second server queries it", () => {
        const bed = new Bed({ servers: ["0.0.0.0", SECOND] })
        bed.ask("host.example")
        expect(bed.query().to).toBe(SECOND)
    })

    test("a query without an address of our own is sent when there is one", () => {
        const bed = new Bed()
        setAddress(bed.bench.stack, 0, 0, 0)
        const ticket = bed.ask("host.example")
        bed.pass(500)
        setAddress(bed.bench.stack, ip("10.0.0.1"), ip("255.255.255.0"), 0)
        bed.pass(500)
        expect(bed.answer(bed.query(), { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
    })

    test("queries to a server with an unknown Ethernet address wait for its ARP reply", () => {
        const bed = new Bed({ servers: ["10.0.0.88"] })
        const tickets = ["a.example", "b.example", "x.local"].map(name => bed.ask(name))
        bed.pass(500)
        const kinds = bed.bench.others.splice(0).map(({ view }) => view.kind)
        expect(kinds).toEqual(["arp"])
        const said = {
            operation: 2,
            senderMac: "02:00:00:00:01:88",
            senderIp: "10.0.0.88",
            targetIp: "10.0.0.1",
        }
        bed.bench.receive(ethernet(US, said.senderMac, 0x0806, arp(said)))
        expect(bed.queries().map(query => query.name)).toEqual(["a.example", "b.example", "x.local"])
        bed.pass(20_000)
        expect(tickets.map(ticket => bed.result(ticket))).toEqual(new Array(3).fill("timed out"))
    })

    test("a query to a server that does not answer ARP times out after 7 s", () => {
        const bed = new Bed({ servers: ["10.0.0.88"] })
        const ticket = bed.ask("a.example")
        bed.pass(7000)
        expect(bed.result(ticket)).toBe("timed out")
        bed.bench.others.splice(0)
        bed.rests()
    })
})

test("an answer with several addresses: the first four are kept in their order", () => {
    const all = (...records: Record[]) => {
        const bed = new Bed()
        const ticket = bed.ask("host.example")
        bed.answer(bed.query(), { answers: records })
        expect(bed.resolver.result(ticket)).toBe(DnsResult.Found)
        const { addresses } = bed.resolver
        return [0, 4, 8, 12].map(at => ipv4Text(addresses.getAt(at, "i32")))
    }
    const [one, two, three, four] = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] as const
    const none = "0.0.0.0"
    expect(all(a(one))).toEqual([one, none, none, none])
    expect(all(a(two), text, a("6.6.6.6", dnsName("b.example")), a(one))).toEqual([two, one, none, none])
    expect(all(a(one), a(two), a(three), a(four), a("192.0.2.5"))).toEqual([one, two, three, four])
    // after an alias; the name of an alias has no addresses of its own
    expect(all(cname(dnsName("b.example")), a(one, dnsName("b.example")), a(two))).toEqual([
        one,
        none,
        none,
        none,
    ])
    expect(all(a(one), cname(dnsName("b.example")), a(two))).toEqual([one, two, none, none])
})

describe("DNS aliases that end in another message", () => {
    const alias = (to: string, ttl = 60) => ({ answers: [cname(dnsName(to), toQuestion, ttl)] })

    test("an answer with an alias only: the alias is queried and its address is the result", () => {
        const bed = new Bed()
        const ticket = bed.ask("a.example")
        bed.answer(bed.query(), alias("b.example", 10))
        const next = bed.query()
        expect([next.name, bed.result(ticket)]).toEqual(["b.example", "asking"])
        expect(bed.answer(next, { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
        // the cache holds the alias' target
        expect([bed.ask("b.example"), bed.queries().length]).toEqual([ticket, 0])
        bed.ask("a.example")
        expect(bed.query().name).toBe("a.example")
    })

    test("the query for an alias has its own port and id, and a .local alias goes to multicast", () => {
        const bed = new Bed()
        bed.ask("a.example")
        const first = bed.query()
        bed.answer(first, alias("printer.local"))
        const next = bed.query()
        expect([next.to, next.from === first.from]).toEqual(["224.0.0.251", false])
    })

    test.each([
        ["back to the first name", new Array(5).fill("a.example")],
        ["to each other", ["b.example", "a.example", "b.example", "a.example", "b.example"]],
        ["through more than four names", ["b.example", "c.example", "d.example", "e.example", "f.example"]],
    ])("aliases that lead %s fail the query", (_, chain) => {
        const bed = new Bed({ entries: 8 })
        const ticket = bed.ask("a.example")
        for (const next of chain) bed.answer(bed.query(), alias(next))
        expect([bed.result(ticket), bed.queries()]).toEqual(["failed", []])
        bed.rests()
    })

    test("an alias whose query gets no answer times out", () => {
        const bed = new Bed()
        const ticket = bed.ask("a.example")
        bed.answer(bed.query(), alias("b.example"))
        expect(bed.pass(8000).result(ticket)).toBe("timed out")
    })
})

describe("the DNS cache", () => {
    const told = (reply: Partial<Reply>) => {
        const bed = new Bed()
        const ticket = bed.ask("host.example")
        bed.answer(bed.query(), reply)
        return { bed, ticket }
    }
    /** Returns the seconds until the name is queried again, at most `most`. */
    const remembered = (reply: Partial<Reply>, most = 200_000): number => {
        const { bed, ticket } = told(reply)
        for (const seconds of [0, 1, 5, 6, 10, 11, 60, 61, 300, 301, 86_400, 86_401]) {
            if (seconds > most) return seconds
            bed.pass(bed.bench.now < 1000 + seconds * 1000 ? 1000 + seconds * 1000 - bed.bench.now : 0)
            if (bed.ask("host.example") !== ticket) return seconds
        }
        return Number.POSITIVE_INFINITY
    }

    test.each([
        ["an address is kept for its TTL", { answers: [a("192.0.2.1", toQuestion, 10)] }, 10],
        ["an address with a TTL of 0 is not kept", { answers: [a("192.0.2.1", toQuestion, 0)] }, 0],
        [
            "an address with the highest bit of its TTL set is not kept (RFC 2181 section 8)",
            { answers: [a("192.0.2.1", toQuestion, 0x80000000)] },
            0,
        ],
        [
            "an address with a long TTL is kept for a day",
            { answers: [a("192.0.2.1", toQuestion, 0x7fffffff)] },
            86_400,
        ],
        [
            "an address is kept for its alias' TTL if that is less",
            {
                answers: [cname(dnsName("b.example"), toQuestion, 5), a("192.0.2.1", dnsName("b.example"))],
            },
            5,
        ],
        [
            "no such name is kept for the minimum of its SOA (RFC 2308)",
            { flags: 0x8183, authorities: [soa(60, 10)] },
            10,
        ],
        [
            "no such name is kept for the TTL of its SOA if that is less",
            { flags: 0x8183, authorities: [soa(5, 3600)] },
            5,
        ],
        [
            "no such name is kept for five minutes at most",
            { flags: 0x8183, authorities: [soa(86400, 86400)] },
            300,
        ],
        ["no such name without an SOA is not kept", { flags: 0x8183 }, 0],
        ["no address is kept for the minimum of its SOA", { authorities: [soa(60, 60)] }, 60],
        ["a server's failure is not kept", { flags: 0x8182 }, 0],
    ] as [string, Partial<Reply>, number][])("%s", (_, reply, seconds) => {
        expect(remembered(reply)).toBe(seconds)
    })

    test("an entry that has expired is still readable by its ticket", () => {
        const { bed, ticket } = told({ answers: [a("192.0.2.1", toQuestion, 0)] })
        bed.pass(10_000)
        expect(bed.result(ticket)).toBe("192.0.2.1")
    })

    test("three questions for one name at a time share one query", () => {
        const bed = new Bed()
        expect(new Set([bed.ask("a.example"), bed.ask("A.example"), bed.ask("a.example.")]).size).toBe(1)
        bed.query()
    })

    test("four queries at a time are answered in any order, a fifth is refused", () => {
        const bed = new Bed()
        const names = ["a.example", "b.example", "c.example", "d.example"]
        const tickets = names.map(name => bed.ask(name))
        expect(bed.ask("e.example")).toBe(TcpError.NoBuffers)
        const queries = bed.queries()
        for (const i of [2, 0, 3, 1]) bed.answer(queries[i]!, { answers: [a(`192.0.2.${i}`)] })
        expect(tickets.map(ticket => bed.result(ticket))).toEqual([0, 1, 2, 3].map(i => `192.0.2.${i}`))
    })

    test("a new query takes the entry that expires first", () => {
        const bed = new Bed({ entries: 3 })
        const tickets = [30, 10, 20].map((seconds, i) => {
            const ticket = bed.ask(`${i}.example`)
            bed.answer(bed.query(), { answers: [a("192.0.2.1", toQuestion, seconds)] })
            return ticket
        })
        bed.ask("new.example")
        expect(tickets.map(ticket => bed.result(ticket))).toEqual(["192.0.2.1", "gone", "192.0.2.1"])
        for (const ticket of [0, -1, 999]) expect(bed.result(ticket)).toBe("gone")
    })

    test("setServers with other servers empties the cache", () => {
        const { bed, ticket } = told({ answers: [a("192.0.2.1")] })
        bed.resolver.setServers(ip(FIRST), 0)
        expect(bed.result(ticket)).toBe("192.0.2.1")
        bed.resolver.setServers(ip(SECOND), 0)
        expect(bed.result(ticket)).toBe("gone")
        bed.ask("host.example")
        expect(bed.query().to).toBe(SECOND)
    })

    test("tickets wrap from 65,535 to 1", () => {
        const bed = new Bed()
        // as if there had been 65,534 queries
        Object.assign(bed.resolver, { lastTicket: 65_534 })
        const tickets = ["a.example", "b.example", "c.example"].map(name => bed.ask(name))
        expect(tickets).toEqual([65_535, 1, 2])
        bed.queries().forEach((query, i) => void bed.answer(query, { answers: [a(`192.0.2.${i}`)] }))
        expect(tickets.map(ticket => bed.result(ticket))).toEqual(["192.0.2.0", "192.0.2.1", "192.0.2.2"])
    })
})

describe("DNS names in .local (RFC 6762 section 5.1)", () => {
    const ask = () => {
        const bed = new Bed({ servers: [] })
        const ticket = bed.ask("Printer.local")
        return { bed, ticket, query: bed.query() }
    }

    test("a .local name is queried by multicast from a port other than 5353", () => {
        const { bed, ticket, query } = ask()
        expect(query).toMatchObject({ to: "224.0.0.251", port: 5353, flags: 0, name: "printer.local" })
        expect(query.view).toMatchObject({ destinationMac: "01:00:5e:00:00:fb", ttl: 255 })
        expect(query.from).not.toBe(5353)
        const from = { ip: "10.0.0.99", port: 5353 }
        const answers = [{ ...a("10.0.0.99"), class: 0x8001 }]
        expect(bed.answer(query, { flags: 0x8400, answers }, from).result(ticket)).toBe("10.0.0.99")
    })

    test.each([
        ["another network", { ip: "192.0.2.9", port: 5353 }],
        ["another port", { ip: "10.0.0.99", port: 53 }],
    ])("an mDNS answer from %s is ignored", (_, from) => {
        const { bed, ticket, query } = ask()
        expect(bed.answer(query, { answers: [a("6.6.6.6")] }, from).result(ticket)).toBe("asking")
    })

    test("a .local query without an answer is sent three times and times out after 7 s", () => {
        const { bed, ticket, query } = ask()
        bed.pass(7000)
        expect(bed.queries().map(({ at }) => at - query.at)).toEqual([1000, 3000])
        expect(bed.result(ticket)).toBe("timed out")
    })

    test("a .local query without an answer goes to the DNS server, with another port", () => {
        const bed = new Bed()
        const ticket = bed.ask("printer.local")
        const query = bed.query()
        bed.pass(6999).queries()
        expect(bed.result(ticket)).toBe("asking")
        const next = bed.pass(1).query()
        expect(next).toMatchObject({ to: FIRST, port: 53, flags: 0x0100, name: "printer.local" })
        expect(next.from).not.toBe(query.from)
        expect(bed.answer(next, { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
    })

    test("a .local query that nobody answers times out after 14 s", () => {
        const bed = new Bed()
        const ticket = bed.ask("printer.local")
        expect(bed.pass(13_999).result(ticket)).toBe("asking")
        expect(bed.pass(1).result(ticket)).toBe("timed out")
        expect(bed.queries().map(({ to }) => to)).toEqual([
            ...new Array(3).fill("224.0.0.251"),
            FIRST,
            FIRST,
            FIRST,
        ])
        bed.rests()
    })

    test.each(["local.example", "printer.local.example", "local", "xlocal"])(
        "the name %s goes to the DNS server",
        name => {
            const bed = new Bed()
            bed.ask(name)
            expect(bed.query().to).toBe(FIRST)
        }
    )
})

tsharkAgrees("dns")
