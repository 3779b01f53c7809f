// The responder for the device's own name: RFC 6762.

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { UdpView } from "../../sim/view/dissect"
import { DnsResult, Resolver } from "../../src/net/dns"
import { Endpoints } from "../../src/net/endpoint-table"
import { Responder, ResponderState } from "../../src/net/mdns"
import { setAddress } from "../../src/net/stack"
import { Bench } from "../support/bench"
import {
    A,
    AAAA,
    dnsMessage,
    dnsName,
    nameAt,
    number16,
    pointer,
    question,
    type Record,
    type Reply,
    readQuestion,
} from "../support/dns"
import { address, ethernet, ipv4, udp } from "../support/frames"
import { Host, ip, Wire } from "../support/host"
import { anyBytes, cases } from "../support/property"
import { tsharkAgrees } from "../support/tshark"

const GROUP = { ip: "224.0.0.251", mac: "01:00:5e:00:00:fb" }
const US = { ip: "10.0.0.1", mac: "02:00:00:00:00:01" }
const THEM = { ip: "10.0.0.2", mac: "02:00:00:00:01:02" }
const ANY = 255
const NSEC = 47
const QU = 0x8001

interface Heard {
    at: number
    to: string
    port: number
    id: number
    flags: number
    counts: number[]
    question?: { name: string; type: number; class: number }
    record?: { name: string; type: number; class: number; ttl: number; data: number[] }
    view: UdpView
}

function read(view: UdpView, at: number): Heard {
    const bytes = view.payload
    const counts = [4, 6, 8, 10].map(offset => number16(bytes, offset))
    const heard: Heard = {
        at,
        to: view.destination,
        port: view.destinationPort,
        id: number16(bytes, 0),
        flags: number16(bytes, 2),
        counts,
        view,
    }
    let end = 12
    if (counts[0]! > 0) {
        const { name, type, class: kind, rest } = readQuestion(bytes)
        heard.question = { name, type, class: kind }
        end = bytes.length - rest.length
    }
    const { name, end: after } = nameAt(bytes, end)
    const length = number16(bytes, after + 8)
    const data = [...bytes.subarray(after + 10, after + 10 + length)]
    expect(after + 10 + length).toBe(bytes.length)
    const view32 = new DataView(bytes.buffer, bytes.byteOffset)
    heard.record = {
        name,
        type: number16(bytes, after),
        class: number16(bytes, after + 2),
        ttl: view32.getUint32(after + 4),
        data,
    }
    return heard
}

class Bed {
    readonly bench = new Bench({}, { arp: false })
    readonly endpoints = new Endpoints(this.bench.stack)
    readonly responder = new Responder(this.endpoints)

    constructor() {
        this.bench.introduce(THEM.ip, THEM.mac)
    }

    /** Returns a bed whose responder has the name and uses it. */
    static running(): Bed {
        const bed = new Bed()
        expect(bed.responder.start("Box", bed.bench.now)).toBe(true)
        bed.bench.pass(10_000)
        expect(bed.responder.state).toBe(ResponderState.Running)
        bed.heard()
        return bed
    }

    heard(): Heard[] {
        this.bench.poll()
        return this.bench.others.splice(0).map(({ view, time }) => read(view as UdpView, time))
    }

    pass(ms: number): this {
        this.bench.pass(ms)
        return this
    }

    hear(message: Partial<Reply>, from: { ip?: string; port?: number; to?: typeof US } = {}): this {
        const to = from.to ?? GROUP
        const header = { source: from.ip ?? THEM.ip, destination: to.ip }
        const ports = { sourcePort: from.port ?? 5353, destinationPort: 5353 }
        const bytes = dnsMessage({ id: 0, flags: 0, ...message })
        const body = ipv4({ ...header, protocol: 17 }, udp(header, ports, bytes))
        this.bench.receive(ethernet(to.mac, THEM.mac, 0x0800, body))
        return this
    }

    asks(name: string, type = A, kind = 1, from: { ip?: string; port?: number; to?: typeof US } = {}): this {
        return this.hear({ id: 0x1234, question: question(name, type, kind) }, from)
    }
}

const record = (name: string | number[], ip: string, ttl = 120): Record => ({
    name: typeof name === "string" ? dnsName(name) : name,
    type: A,
    class: 0x8001,
    ttl,
    data: address(ip),
})
const response = (...answers: Record[]): Partial<Reply> => ({ flags: 0x8400, questions: 0, answers })
const ours = { name: "box.local", type: A, class: 0x8001, ttl: 120, data: [10, 0, 0, 1] }

describe("the mDNS responder takes a name", () => {
    test("start() sends three probes, then two announcements (RFC 6762 sections 8.1 and 8.3)", () => {
        const bed = new Bed()
        const start = bed.bench.now
        expect(bed.responder.start("Box", start)).toBe(true)
        bed.pass(60_000)
        const all = bed.heard()
        const first = all[0]!.at
        expect(first - start).toBeLessThan(250)
        expect(all.map(({ at }) => at - first)).toEqual([0, 250, 500, 750, 1750])
        for (const probe of all.slice(0, 3)) {
            expect(probe).toMatchObject({
                ...{ to: GROUP.ip, port: 5353, id: 0, flags: 0, counts: [1, 0, 1, 0] },
                question: { name: "box.local", type: ANY, class: QU },
                record: { ...ours, class: 1 },
            })
        }
        for (const announcement of all.slice(3)) {
            expect(announcement).toMatchObject({ flags: 0x8400, counts: [0, 1, 0, 0], record: ours, id: 0 })
            expect(announcement.view).toMatchObject({ destinationMac: GROUP.mac, ttl: 255, sourcePort: 5353 })
        }
        expect([bed.responder.text, bed.responder.state]).toEqual(["Box", ResponderState.Running])
        expect(bed.bench.host.next(bed.bench.now)).toBe(Number.POSITIVE_INFINITY)
    })

    test.each(["", "a.b", "a b", "ä", "x".repeat(49)])("start(%j) is refused", name => {
        const { responder } = new Bed()
        expect([responder.start(name, 0), responder.state]).toEqual([false, ResponderState.Off])
    })

    test("a name of 48 bytes that 30 hosts have gets a number appended", () => {
        const bed = new Bed()
        bed.responder.start("x".repeat(48), bed.bench.now)
        for (let i = 0; i < 30; i++) {
            bed.pass(300)
            bed.hear(response(record(`${bed.responder.text}.local`, "10.0.0.9")))
        }
        bed.heard()
        expect(bed.responder.text).toMatch(/^x{48}-\d+$/)
    })

    test("start() without an address sends nothing until it is called with one", () => {
        const bed = new Bed()
        setAddress(bed.bench.stack, 0, 0, 0)
        expect(bed.responder.start("box", bed.bench.now)).toBe(true)
        bed.pass(5000)
        expect(bed.bench.others).toEqual([])
        setAddress(bed.bench.stack, ip(US.ip), ip("255.255.255.0"), 0)
        bed.responder.start("box", bed.bench.now)
        expect(bed.pass(5000).heard().length).toBe(5)
    })

    test("a stopped responder answers no query", () => {
        const bed = Bed.running()
        bed.responder.stop()
        expect(bed.asks("box.local").heard()).toEqual([])
    })
})

describe("mDNS conflicts", () => {
    const probing = () => {
        const bed = new Bed()
        bed.responder.start("box", bed.bench.now)
        bed.pass(300).heard()
        return bed
    }

    test("a response to a probe makes the responder probe for the next name", () => {
        const bed = probing().hear(response(record("BOX.local", "10.0.0.9")))
        expect(bed.responder.text).toBe("box-2")
        bed.pass(10_000)
        expect(bed.heard().map(({ record: { name = "" } = {} }) => name)).toEqual(
            new Array(5).fill("box-2.local")
        )
        expect(bed.asks("box.local").heard()).toEqual([])
        expect(bed.asks("box-2.local").heard()).toMatchObject([{ record: { data: [10, 0, 0, 1] } }])
    })

    test("a conflicting record in additional records, or by a pointer, counts as a conflict", () => {
        const additional = [record("x.local", "10.0.0.9"), record("box.local", "10.0.0.9")]
        const bed = probing().hear({ flags: 0x8400, questions: 0, additional })
        expect(bed.responder.text).toBe("box-2")
        const answers = [record("box-2.local", "10.0.0.1"), record(pointer(12), "10.0.0.9")]
        expect(bed.hear(response(...answers)).responder.text).toBe("box-3")
    })

    test.each([
        ["our own record", response(record("box.local", US.ip))],
        ["another name's record", response(record("box2.local", "10.0.0.9"))],
        ["a goodbye", response(record("box.local", "10.0.0.9", 0))],
        ["a record of another type", response({ ...record("box.local", "10.0.0.9"), type: 16 })],
        ["a record of another class", response({ ...record("box.local", "10.0.0.9"), class: 3 })],
        ["a record in a query", { answers: [record("box.local", "10.0.0.9")], questions: 0 }],
    ] as [string, Partial<Reply>][])("%s during the probes is no conflict", (_, message) => {
        expect(probing().hear(message).responder.text).toBe("box")
    })

    test.each([
        ["another network", { ip: "192.0.2.9" }],
        ["another port", { port: 5354 }],
    ])("a conflicting record from %s is ignored", (_, from) => {
        expect(probing().hear(response(record("box.local", "10.0.0.9")), from).responder.text).toBe("box")
    })

    test("a conflict in use: the responder probes once more and keeps the unanswered name (section 9)", () => {
        const bed = Bed.running().hear(response(record("box.local", "10.0.0.9")))
        expect([bed.responder.state, bed.responder.text]).toEqual([ResponderState.Probing, "Box"])
        expect(bed.pass(10_000).heard().length).toBe(5)
        expect(bed.responder.text).toBe("Box")
    })

    test("the 15th conflict delays the next probe by five seconds (section 8.1)", () => {
        const bed = probing()
        for (let i = 0; i < 15; i++) bed.hear(response(record(`${bed.responder.text}.local`, "10.0.0.9")))
        // a probe for one of the earlier names may have been sent: each waits 0 to 250 ms
        const last = bed.heard().filter(({ question }) => question?.name === "box-16.local")
        expect([bed.responder.text, last]).toEqual(["box-16", []])
        expect(bed.pass(4999).heard()).toEqual([])
        expect(bed.pass(1).heard().length).toBe(1)
    })

    test.each([
        ["a greater address: ours waits", "10.0.0.2", true],
        ["an address above 127: ours waits", "200.0.0.0", true],
        ["a lesser address: ours goes on", "9.255.255.255", false],
        ["our own address: ours goes on", US.ip, false],
    ])("a simultaneous probe with %s (section 8.2)", (_, other, waits) => {
        const bed = probing()
        const probe = { question: question("box.local", ANY, QU), authorities: [record(pointer(12), other)] }
        bed.hear(probe)
        expect(bed.pass(999).heard().length > 0).toBe(!waits)
        expect(bed.pass(5000).responder.text).toBe("box")
    })
})

describe("mDNS queries", () => {
    test("a multicast query gets a multicast response, at most once a second (section 6)", () => {
        const bed = Bed.running()
        expect(bed.asks("BOX.Local").heard()).toMatchObject([
            { to: GROUP.ip, port: 5353, id: 0, flags: 0x8400, counts: [0, 1, 0, 0], record: ours },
        ])
        expect(bed.pass(999).asks("box.local").heard()).toEqual([])
        expect(bed.pass(1).asks("box.local").heard().length).toBe(1)
    })

    test("a query with the QU bit gets a unicast response each time (section 5.4)", () => {
        const bed = Bed.running()
        for (let i = 0; i < 3; i++) {
            expect(bed.asks("box.local", A, QU).heard()).toMatchObject([
                { to: THEM.ip, port: 5353, record: ours },
            ])
        }
    })

    test("a query from another port than 5353 gets a plain DNS answer (section 6.7)", () => {
        const bed = Bed.running()
        expect(bed.asks("box.local", A, 1, { port: 40_000 }).heard()).toMatchObject([
            {
                ...{ to: THEM.ip, port: 40_000, id: 0x1234, counts: [1, 1, 0, 0] },
                question: { name: "box.local", type: A, class: 1 },
                record: { ...ours, class: 1, ttl: 10 },
            },
        ])
        expect(bed.asks("box.local", ANY, 1, { port: 40_000 }).heard()).toMatchObject([
            { question: { type: ANY }, record: { type: A } },
        ])
        expect(bed.asks("box.local", AAAA, 1, { port: 40_000 }).heard()).toEqual([])
    })

    test("a query of type ANY gets the address record", () => {
        expect(Bed.running().asks("box.local", ANY).heard()).toMatchObject([{ record: ours }])
    })

    test("a query for AAAA gets an NSEC record (section 6.1)", () => {
        expect(Bed.running().asks("box.local", AAAA).heard()).toMatchObject([
            {
                counts: [0, 1, 0, 0],
                // the same name, and a bit map with A in it
                record: { ...ours, type: NSEC, data: [0xc0, 12, 0, 1, 0x40] },
            },
        ])
    })

    test("our name in the second or third question, by a pointer, gets a response", () => {
        const bed = Bed.running()
        const two = [...question("x.local"), 3, ...Buffer.from("box"), ...pointer(14), 0, 28, 0, 1]
        const three = [...two, 3, ...Buffer.from("box"), ...pointer(14), 0, 1, 0, 1]
        bed.hear({ questions: 2, question: two })
        expect(bed.heard()).toMatchObject([{ record: { type: NSEC } }])
        bed.pass(1000).hear({ questions: 3, question: three })
        expect(bed.heard()).toMatchObject([{ record: ours }])
    })

    test("a query with our record at more than half its TTL gets no response (section 7.1)", () => {
        const bed = Bed.running()
        const known = (ttl: number, ip = US.ip) => ({
            question: question("box.local"),
            answers: [record(pointer(12), ip, ttl)],
        })
        expect(bed.hear(known(60)).heard()).toEqual([])
        expect(bed.hear(known(59)).heard().length).toBe(1)
        bed.pass(1000)
        expect(bed.hear(known(120, "10.0.0.9")).heard().length).toBe(1)
    })

    test("another host's probe is answered at once, by unicast with QU (sections 5.4 and 8.1)", () => {
        const bed = Bed.running()
        const probe = (kind: number) => ({
            question: question("box.local", ANY, kind),
            authorities: [record(pointer(12), "10.0.0.9")],
        })
        for (let i = 0; i < 3; i++)
            expect(bed.hear(probe(QU)).heard()).toMatchObject([{ to: THEM.ip, record: ours }])
        // by multicast at most four times a second (section 6)
        expect(bed.hear(probe(1)).heard()).toMatchObject([{ to: GROUP.ip, record: ours }])
        expect(bed.pass(249).hear(probe(1)).heard()).toEqual([])
        expect(bed.pass(1).hear(probe(1)).heard()).toMatchObject([{ to: GROUP.ip, record: ours }])
        expect(bed.pass(250).asks("box.local").heard()).toEqual([])
        expect(bed.responder.state).toBe(ResponderState.Running)
    })

    test.each([
        ["another name", question("box2.local")],
        ["a longer name", question("box.local.x")],
        ["a shorter name", question("box")],
        ["another class", question("box.local", A, 3)],
        ["a name that points to itself", [...pointer(12), 0, 1, 0, 1]],
        ["a question that is cut off", question("box.local").slice(0, -1)],
    ])("a query with %s gets no response", (_, asked) => {
        expect(Bed.running().hear({ question: asked }).heard()).toEqual([])
    })

    test.each([
        ["another opcode", { flags: 0x0800 }, {}],
        ["a source in another network", {}, { ip: "192.0.2.9" }],
        ["fewer questions than it says", { questions: 2 }, {}],
        ["fewer records than it says", { counts: [1, 0, 0] as [number, number, number] }, {}],
    ])("a message with %s gets no response", (_, change, from) => {
        const bed = Bed.running()
        expect(bed.hear({ question: question("box.local"), ...change }, from).heard()).toEqual([])
    })

    test("a query while the name is probed for gets no response", () => {
        const bed = new Bed()
        bed.responder.start("box", bed.bench.now)
        bed.pass(300).heard()
        expect(bed.asks("box.local").heard()).toEqual([])
    })
})

test("any bytes to port 5353 leave the responder's name as it is", () => {
    const bed = Bed.running()
    const head = fc.constantFrom([], dnsMessage({ id: 0, flags: 0, question: question("box.local") }))
    fc.assert(
        fc.property(head, anyBytes(120), (start, bytes) => {
            const header = { source: THEM.ip, destination: GROUP.ip }
            const ports = { sourcePort: 5353, destinationPort: 5353 }
            const body = ipv4({ ...header, protocol: 17 }, udp(header, ports, [...start, ...bytes]))
            bed.bench.receive(ethernet(GROUP.mac, THEM.mac, 0x0800, body))
            bed.pass(1000)
            for (const { record } of bed.heard()) expect(record?.name).toBe("box.local")
        }),
        cases(2000)
    )
    expect(bed.responder.text).toBe("Box")
})

test("two responders of one name and a resolver: the second takes name-2, both resolve", () => {
    const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(address => new Host(address))
    const wire = new Wire(hosts)
    const [one, two, three] = hosts.map(host => new Endpoints(host.stack)) as [
        Endpoints,
        Endpoints,
        Endpoints,
    ]
    const first = new Responder(one)
    const second = new Responder(two)
    const resolver = new Resolver(three, 4)
    first.start("box", wire.now)
    wire.run(5000)
    second.start("box", wire.now)
    wire.run(5000)
    expect([first.text, second.text]).toEqual(["box", "box-2"])
    const tickets = ["box.local", "box-2.local", "box-3.local"].map(name => resolver.ask(name, wire.now))
    wire.run(100)
    const found = tickets.map(ticket => {
        const result = resolver.result(ticket)
        return result === DnsResult.Found ? resolver.address : -result
    })
    expect(found).toEqual([ip("10.0.0.1"), ip("10.0.0.2"), -DnsResult.Asking])
    wire.run(10_000)
    expect(resolver.result(tickets[2]!)).toBe(DnsResult.TimedOut)
})

tsharkAgrees("mdns")
