import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { DnsServer, type Lookup } from "../../sim/router/dns-server"
import { defaultLimits, noCounts } from "../../sim/router/limits"
import { hex } from "../support/frames"

const A = 1
const AAAA = 28

/** A query as RFC 1035 section 4.1 has it, with RD set. */
function query(name: string, type = A, id = 0x1234): number[] {
    const labels = name.split(".").filter(label => label !== "")
    const bytes = labels.flatMap(label => [label.length, ...Buffer.from(label)])
    return [id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...bytes, 0, 0, type, 0, 1]
}

const KNOWN: Record<string, string[]> = {
    "one.example": ["192.0.2.1"],
    "two.example": ["192.0.2.1", "192.0.2.2"],
    localhost: ["127.0.0.1"],
    "many.example": Array.from({ length: 40 }, (_, i) => `192.0.2.${i}`),
}

const lookup: Lookup = async name => {
    const found = KNOWN[name]
    if (found !== undefined) return found
    throw Object.assign(new Error(name), { code: name === "later.example" ? "EAI_AGAIN" : "ENOTFOUND" })
}

function server(limits = defaultLimits, ask = lookup) {
    const counters = noCounts()
    return { counters, dns: new DnsServer("10.0.2.1", limits, counters, ask) }
}

/** Code and addresses of an answer, whose header and question are looked at here. */
function read(answer: Uint8Array | undefined, asked: number[]): { code: number; addresses: string[] } {
    if (answer === undefined) throw new Error("there is no answer")
    const count = answer[7]!
    expect([...answer.slice(0, 2)]).toEqual(asked.slice(0, 2))
    // QR and RD; RA
    expect(answer[2]).toBe(0x81)
    expect(answer[3]! & 0xf0).toBe(0x80)
    expect([...answer.slice(4, 12)]).toEqual([0, 1, 0, count, 0, 0, 0, 0])
    expect([...answer.slice(12, asked.length)]).toEqual(asked.slice(12))
    const records = answer.slice(asked.length)
    expect(records).toHaveLength(16 * count)
    const addresses = Array.from({ length: count }, (_, i) => {
        const record = records.subarray(16 * i, 16 * i + 16)
        expect([...record.subarray(0, 12)]).toEqual([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4])
        return record.subarray(12).join(".")
    })
    return { code: answer[3]! & 15, addresses }
}

describe("the DNS server", () => {
    it.each([
        ["a name", "one.example", A, 0, ["192.0.2.1"]],
        ["a name with two addresses", "two.example", A, 0, ["192.0.2.1", "192.0.2.2"]],
        ["capitals", "ONE.Example", A, 0, ["192.0.2.1"]],
        ["ANY", "one.example", 255, 0, ["192.0.2.1"]],
        ["another type", "one.example", AAAA, 0, []],
        ["an unknown name", "none.example", A, 3, []],
        ["a resolver that fails", "later.example", A, 2, []],
        ["the host", "host.internal", A, 0, ["10.0.2.1"]],
        ["the router", "router.internal", A, 0, ["10.0.2.1"]],
        ["the router's other types", "router", AAAA, 0, []],
        ["what is the host's loopback", "localhost", A, 0, ["10.0.2.1"]],
        ["the root", "", A, 3, []],
        ["an address for a name", "192.0.2.1", A, 3, []],
        ["a name that no host can have", "a b;c", A, 3, []],
        ["what looks like an option", "-x.example", A, 3, []],
    ])(
        "a query for %s (%s, type %i) is answered by code %i and %j",
        async (_, name, type, code, addresses) => {
            const asked = query(name, type)
            expect(read(await server().dns.answer(Uint8Array.from(asked)), asked)).toEqual({
                code,
                addresses,
            })
        }
    )

    it("answers with as many addresses as fit 512 bytes", async () => {
        const asked = query("many.example")
        const answer = await server().dns.answer(Uint8Array.from(asked))
        expect(read(answer, asked).addresses).toHaveLength(12)
        expect(answer!.length).toBeLessThanOrEqual(512)
    })

    it.each([
        ["an empty message", "", undefined],
        ["a message shorter than a header", "1234 0100 0001 0000 0000 00", undefined],
        ["a response", "1234 8180 0001 0000 0000 0000 00 0001 0001", undefined],
        ["another kind of request", "1234 2800 0001 0000 0000 0000 00 0001 0001", 4],
        ["a query without a question", "1234 0100 0000 0000 0000 0000", 1],
        ["a query with two questions", "1234 0100 0002 0000 0000 0000 00 0001 0001 00 0001 0001", 1],
        ["a name that goes on beyond the message's end", "1234 0100 0001 0000 0000 0000 05 61 62", 1],
        ["a name that points to itself", "1234 0100 0001 0000 0000 0000 c00c 0001 0001", 1],
        ["a question that is cut short", "1234 0100 0001 0000 0000 0000 01 61 00 00 01 00", 1],
    ])("answers %s (%s) by code %s (undefined: not at all)", async (_, bytes, code) => {
        const answer = await server().dns.answer(hex(bytes))
        expect(answer === undefined ? undefined : answer[3]! & 15).toBe(code)
    })

    it("refuses a name longer than 255 bytes", async () => {
        const long = query(Array.from({ length: 5 }, () => "a".repeat(60)).join("."))
        expect((await server().dns.answer(Uint8Array.from(long)))![3]! & 15).toBe(1)
    })

    it("answers SERVFAIL beyond its limit of look-ups at once", async () => {
        let finish = (_: string[]) => {}
        const waiting = new Promise<string[]>(resolve => {
            finish = resolve
        })
        const { dns, counters } = server({ ...defaultLimits, lookups: 1 }, () => waiting)
        const first = dns.answer(Uint8Array.from(query("one.example")))
        const asked = query("two.example")
        expect(read(await dns.answer(Uint8Array.from(asked)), asked).code).toBe(2)
        finish(["192.0.2.9"])
        expect(read(await first, query("one.example")).addresses).toEqual(["192.0.2.9"])
        expect(counters).toMatchObject({ dns: 2, dnsFull: 1 })
    })

    it("answers any bytes by a valid message or not at all", async () => {
        const { dns } = server()
        await fc.assert(
            fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.nat(30), async (bytes, at) => {
                const mixed = Uint8Array.from(query("one.example"))
                mixed.set(bytes.subarray(0, Math.max(0, mixed.length - at)), Math.min(at, mixed.length))
                for (const message of [bytes, mixed]) {
                    const answer = await dns.answer(message)
                    if (answer !== undefined) expect(answer.length).toBeLessThanOrEqual(512)
                }
            })
        )
    })
})
