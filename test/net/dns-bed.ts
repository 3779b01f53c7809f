// A resolver whose servers a test plays, and what the tests of the resolver share.

import { expect } from "vitest"
import type { UdpView } from "../../sim/view/dissect"
import { ipv4Text } from "../../src/net/address"
import { DnsResult, Resolver } from "../../src/net/dns"
import { Endpoints } from "../../src/net/endpoint-table"
import { Bench } from "../support/bench"
import {
    A,
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
import { address, ethernet, ipv4, u32, udp } from "../support/frames"
import { ip } from "../support/host"

export const US = "02:00:00:00:00:01"
export const FIRST = "10.0.0.53"
export const SECOND = "10.0.0.54"
export const MACS: { [ip: string]: string } = {
    [FIRST]: "02:00:00:00:01:53",
    [SECOND]: "02:00:00:00:01:54",
    "10.0.0.99": "02:00:00:00:01:99",
}

export interface Query extends Asked {
    to: string
    from: number
    port: number
    at: number
    view: UdpView
}

export class DnsBed {
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

export const toQuestion = pointer(12)
export const a = (ip: string, name = toQuestion, ttl = 60): Record => ({
    name,
    type: A,
    ttl,
    data: address(ip),
})
export const cname = (target: number[], name = toQuestion, ttl = 60): Record => ({
    name,
    type: CNAME,
    ttl,
    data: target,
})
export const soa = (ttl: number, minimum: number): Record => ({
    name: dnsName("example"),
    type: SOA,
    ttl,
    data: [...dnsName("ns.example"), ...dnsName("root.example"), ...[1, 2, 3, 4, minimum].flatMap(u32)],
})

export const ns: Record = { name: dnsName("example"), type: NS, data: dnsName("ns.example") }
export const text: Record = { name: toQuestion, type: 16, data: [0] }

/** Returns the result of a query for host.example that gets this answer. */
export function answered(reply: Partial<Reply>, from: Parameters<DnsBed["answer"]>[2] = {}): string {
    const bed = new DnsBed()
    const ticket = bed.ask("host.example")
    bed.answer(bed.query(), reply, from)
    return bed.result(ticket)
}
