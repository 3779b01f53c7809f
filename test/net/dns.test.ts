// The resolver: its queries, the answers that it believes, and its retries. RFC 1035, RFC 1123 section 6.1.3, RFC 5452.

import { describe, expect, test } from "vitest"
import { setAddress } from "../../src/net/stack"
import { TcpError } from "../../src/tcp/records"
import { A, AAAA, CNAME, dnsMessage, dnsName, pointer, question, type Reply } from "../support/dns"
import { arp, ethernet, ipv4, udp } from "../support/frames"
import { ip } from "../support/host"
import { tsharkAgrees } from "../support/tshark"
import { a, answered, cname, DnsBed, FIRST, MACS, ns, SECOND, soa, text, toQuestion, US } from "./dns-bed"

describe("DNS queries", () => {
    test("a query for a name is of type A with recursion, and rests once answered", () => {
        const bed = new DnsBed()
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
            const bed = new DnsBed()
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
        expect(new DnsBed().ask(name)).toBe(TcpError.Invalid)
    })

    test.each(["a", "a.b.c.d.e", "x-1.example", "_srv.example", "1.2.3.example", `${long}.`])(
        "the name %j is queried",
        name => {
            const bed = new DnsBed()
            expect(bed.ask(name)).toBeGreaterThan(0)
            expect(bed.query().name).toBe(name.replace(/\.$/, ""))
        }
    )

    test("a name of 253 characters is queried, one of 254 is refused", () => {
        const bed = new DnsBed()
        const name = [long, long, long, "b".repeat(61)].join(".")
        expect([bed.ask(name) > 0, bed.ask(`${name}b`)]).toEqual([true, TcpError.Invalid])
        const query = bed.query()
        expect(query.name).toBe(name)
        bed.answer(query, { answers: [cname(dnsName(name.replaceAll("a", "c")))] })
        expect(bed.query().name).toBe(name.replaceAll("a", "c"))
    })

    test("a long name after a shorter one fits the same entry", () => {
        const bed = new DnsBed({ entries: 1 })
        for (const name of ["a", `${long}.example`, "b.example", `${long}.${long}`]) {
            expect(bed.ask(name)).toBeGreaterThan(0)
            const query = bed.query()
            expect(query.name).toBe(name)
            bed.answer(query, { answers: [a("192.0.2.1", toQuestion, 0)] })
        }
    })

    test("a query without a DNS server fails with EHOSTUNREACH", () => {
        expect(new DnsBed({ servers: [] }).ask("host.example")).toBe(TcpError.Unreachable)
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
            const bed = new DnsBed({ servers: [FIRST, SECOND] })
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
            const bed = new DnsBed()
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
        const bed = new DnsBed()
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
        const bed = new DnsBed()
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
        const bed = new DnsBed({ servers: [FIRST, SECOND] })
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
        const bed = new DnsBed({ servers: [FIRST, SECOND] })
        const ticket = bed.ask("host.example")
        const first = bed.query()
        bed.pass(1500)
        expect(bed.answer(first, { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
    })

    test("SERVFAIL of the first server: the second is queried at once, REFUSED of both fails", () => {
        const bed = new DnsBed({ servers: [FIRST, SECOND] })
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
        const bed = new DnsBed({ servers: [FIRST, SECOND] })
        const ticket = bed.ask("host.example")
        bed.answer(bed.query(), reply)
        const second = bed.query()
        expect([second.to, bed.result(ticket)]).toEqual([SECOND, "asking"])
        expect(bed.answer(second, { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
    })

    test("a resolver with only a second server queries it", () => {
        const bed = new DnsBed({ servers: ["0.0.0.0", SECOND] })
        bed.ask("host.example")
        expect(bed.query().to).toBe(SECOND)
    })

    test("a query without an address of our own is sent when there is one", () => {
        const bed = new DnsBed()
        setAddress(bed.bench.stack, 0, 0, 0)
        const ticket = bed.ask("host.example")
        bed.pass(500)
        setAddress(bed.bench.stack, ip("10.0.0.1"), ip("255.255.255.0"), 0)
        bed.pass(500)
        expect(bed.answer(bed.query(), { answers: [a("192.0.2.1")] }).result(ticket)).toBe("192.0.2.1")
    })

    test("queries to a server with an unknown Ethernet address wait for its ARP reply", () => {
        const bed = new DnsBed({ servers: ["10.0.0.88"] })
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
        const bed = new DnsBed({ servers: ["10.0.0.88"] })
        const ticket = bed.ask("a.example")
        bed.pass(7000)
        expect(bed.result(ticket)).toBe("timed out")
        bed.bench.others.splice(0)
        bed.rests()
    })
})

tsharkAgrees("dns")
