// What the resolver does with answers: several addresses, aliases, its cache (RFC 2308), and names in .local (RFC 6762 section 5.1).

import { describe, expect, test } from "vitest"
import { ipv4Text } from "../../src/net/address"
import { DnsResult } from "../../src/net/dns"
import { TcpError } from "../../src/tcp/records"
import { dnsName, type Record, type Reply } from "../support/dns"
import { ip } from "../support/host"
import { tsharkAgrees } from "../support/tshark"
import { a, cname, DnsBed, FIRST, SECOND, soa, text, toQuestion } from "./dns-bed"

test("an answer with several addresses: the first four are kept in their order", () => {
    const all = (...records: Record[]) => {
        const bed = new DnsBed()
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
        const bed = new DnsBed()
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
        const bed = new DnsBed()
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
        const bed = new DnsBed({ entries: 8 })
        const ticket = bed.ask("a.example")
        for (const next of chain) bed.answer(bed.query(), alias(next))
        expect([bed.result(ticket), bed.queries()]).toEqual(["failed", []])
        bed.rests()
    })

    test("an alias whose query gets no answer times out", () => {
        const bed = new DnsBed()
        const ticket = bed.ask("a.example")
        bed.answer(bed.query(), alias("b.example"))
        expect(bed.pass(8000).result(ticket)).toBe("timed out")
    })
})

describe("the DNS cache", () => {
    const told = (reply: Partial<Reply>) => {
        const bed = new DnsBed()
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
        const bed = new DnsBed()
        expect(new Set([bed.ask("a.example"), bed.ask("A.example"), bed.ask("a.example.")]).size).toBe(1)
        bed.query()
    })

    test("four queries at a time are answered in any order, a fifth is refused", () => {
        const bed = new DnsBed()
        const names = ["a.example", "b.example", "c.example", "d.example"]
        const tickets = names.map(name => bed.ask(name))
        expect(bed.ask("e.example")).toBe(TcpError.NoBuffers)
        const queries = bed.queries()
        for (const i of [2, 0, 3, 1]) bed.answer(queries[i]!, { answers: [a(`192.0.2.${i}`)] })
        expect(tickets.map(ticket => bed.result(ticket))).toEqual([0, 1, 2, 3].map(i => `192.0.2.${i}`))
    })

    test("a new query takes the entry that expires first", () => {
        const bed = new DnsBed({ entries: 3 })
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
        const bed = new DnsBed()
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
        const bed = new DnsBed({ servers: [] })
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
        const bed = new DnsBed()
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
        const bed = new DnsBed()
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
            const bed = new DnsBed()
            bed.ask(name)
            expect(bed.query().to).toBe(FIRST)
        }
    )
})

tsharkAgrees("dns")
