import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { DhcpServer } from "../../sim/router/dhcp-server"
import { defaultLimits, noCounts } from "../../sim/router/limits"
import { address, mac, u16 } from "../support/frames"

const CLIENT = "02:00:0a:00:02:02"
const [DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM] = [1, 2, 3, 4, 5, 6, 7, 8]
const XID = [1, 2, 3, 4]

interface Fields {
    type: number
    client?: string
    flags?: number
    ciaddr?: string
    giaddr?: string
    requested?: string
    server?: string
}

/** A client's message (RFC 2131 figure 1). */
function message({ type, client = CLIENT, flags = 0, ciaddr, giaddr, requested, server }: Fields): number[] {
    const options = [53, 1, type]
    if (requested !== undefined) options.push(50, 4, ...address(requested))
    if (server !== undefined) options.push(54, 4, ...address(server))
    return [
        ...[1, 1, 6, 0, ...XID, 0, 0, ...u16(flags)],
        ...address(ciaddr ?? "0.0.0.0"),
        ...[0, 0, 0, 0, 0, 0, 0, 0],
        ...address(giaddr ?? "0.0.0.0"),
        ...mac(client),
        ...new Array<number>(10 + 192).fill(0),
        ...[99, 130, 83, 99, ...options, 255],
    ]
}

function open(options: { prefix?: number; first?: string; leases?: number } = {}) {
    const { prefix = 24, first = "10.0.2.2", leases = 32 } = options
    const counters = noCounts()
    const limits = { ...defaultLimits, leases }
    const server = new DhcpServer({ router: "10.0.2.1", prefix, first, limits, counters })
    const ask = (fields: Fields) => server.receive(Uint8Array.from(message(fields)))
    /** The address that a client ends up with. */
    const take = (client: string) => {
        const offer = ask({ type: DISCOVER, client })
        return offer === undefined ? undefined : read(offer.bytes).yiaddr
    }
    return { server, ask, take, counters }
}

/** An answer's fields, and its options by code. */
function read(bytes: Uint8Array) {
    expect([...bytes.slice(0, 8)]).toEqual([2, 1, 6, 0, ...XID])
    expect([...bytes.slice(236, 240)]).toEqual([99, 130, 83, 99])
    expect(bytes.length).toBeGreaterThanOrEqual(300)
    const options: Record<number, number[]> = {}
    let at = 240
    while (bytes[at] !== 255) {
        const end = at + 2 + bytes[at + 1]!
        options[bytes[at]!] = [...bytes.slice(at + 2, end)]
        at = end
    }
    const dotted = (from: number) => bytes.slice(from, from + 4).join(".")
    return {
        type: options[53]![0],
        flags: bytes[10]! * 256 + bytes[11]!,
        ciaddr: dotted(12),
        yiaddr: dotted(16),
        chaddr: [...bytes.slice(28, 34)],
        options,
    }
}

describe("the DHCP server", () => {
    it("offers the configured address, and acknowledges the request for it", () => {
        const { ask } = open()
        const offer = ask({ type: DISCOVER })!
        const ack = ask({ type: REQUEST, requested: "10.0.2.2", server: "10.0.2.1" })!
        for (const [reply, type] of [
            [offer, OFFER],
            [ack, ACK],
        ] as const) {
            expect({ ip: reply.ip, broadcast: reply.broadcast }).toEqual({ ip: "10.0.2.2", broadcast: false })
            expect(read(reply.bytes)).toEqual({
                type,
                flags: 0,
                ciaddr: "0.0.0.0",
                yiaddr: "10.0.2.2",
                chaddr: mac(CLIENT),
                options: {
                    1: [255, 255, 255, 0],
                    3: [10, 0, 2, 1],
                    6: [10, 0, 2, 1],
                    51: [0, 1, 0x51, 0x80],
                    53: [type],
                    54: [10, 0, 2, 1],
                    58: [0, 0, 0xa8, 0xc0],
                    59: [0, 1, 0x27, 0x50],
                },
            })
        }
    })

    it.each([
        ["SELECTING", { requested: "10.0.2.2", server: "10.0.2.1" }, ACK, "10.0.2.2"],
        ["INIT-REBOOT", { requested: "10.0.2.2" }, ACK, "10.0.2.2"],
        ["RENEWING", { ciaddr: "10.0.2.2" }, ACK, "10.0.2.2"],
        ["INIT-REBOOT on another network", { requested: "192.168.1.7" }, NAK, "255.255.255.255"],
        ["RENEWING what it does not have", { ciaddr: "10.0.2.9" }, NAK, "255.255.255.255"],
        ["a state without an address", {}, NAK, "255.255.255.255"],
    ])("answers a request in %s (%j) by a message of type %i to %s", (_, fields, type, ip) => {
        const reply = open().ask({ type: REQUEST, ...fields })!
        expect(reply.ip).toBe(ip)
        const { type: said, yiaddr, flags, options } = read(reply.bytes)
        expect(said).toBe(type)
        expect(yiaddr).toBe(type === ACK ? "10.0.2.2" : "0.0.0.0")
        // table 3: a NAK has no lease and no network
        if (type === NAK) {
            expect(Object.keys(options)).toEqual(["53", "54"])
            expect(flags).toBe(0x8000)
        }
    })

    it("broadcasts its reply when the flag asks for it, and acknowledges INFORM without a lease", () => {
        const { ask } = open()
        expect(ask({ type: DISCOVER, flags: 0x8000 })).toMatchObject({
            ip: "255.255.255.255",
            broadcast: true,
        })
        const informed = ask({ type: INFORM, ciaddr: "10.0.2.50" })!
        expect(informed).toMatchObject({ ip: "10.0.2.50", broadcast: false })
        const { type, yiaddr, options } = read(informed.bytes)
        expect([type, yiaddr]).toEqual([ACK, "0.0.0.0"])
        expect(Object.keys(options)).toEqual(["1", "3", "6", "53", "54"])
    })

    it("leases each client an address of its own, the same again, and released ones to others", () => {
        const { ask, take } = open()
        const clients = Array.from({ length: 3 }, (_, i) => `02:00:00:00:00:0${i}`)
        const addresses = ["10.0.2.2", "10.0.2.3", "10.0.2.4"]
        expect(clients.map(take)).toEqual(addresses)
        expect(clients.map(take)).toEqual(addresses)
        // another client's address is not released
        expect(ask({ type: RELEASE, client: clients[0], ciaddr: "10.0.2.3" })).toBeUndefined()
        expect(take("02:00:00:00:00:08")).toBe("10.0.2.5")
        expect(ask({ type: RELEASE, client: clients[0], ciaddr: "10.0.2.2" })).toBeUndefined()
        expect(take("02:00:00:00:00:09")).toBe("10.0.2.2")
    })

    it("takes an offer back when the client requests another server's", () => {
        const { ask, take } = open()
        expect(take("02:00:00:00:00:01")).toBe("10.0.2.2")
        expect(ask({ type: REQUEST, client: "02:00:00:00:00:01", server: "10.0.2.254" })).toBeUndefined()
        expect(take("02:00:00:00:00:02")).toBe("10.0.2.2")
    })

    it("offers another address than the one that a client declines, to everybody (4.3.3)", () => {
        const { ask, take } = open()
        const [one, two] = ["02:00:00:00:00:01", "02:00:00:00:00:02"]
        expect(take(one)).toBe("10.0.2.2")
        const decline = { type: DECLINE, client: one, requested: "10.0.2.2", server: "10.0.2.1" }
        expect(ask(decline)).toBeUndefined()
        expect([take(one), take(two)]).toEqual(["10.0.2.3", "10.0.2.4"])
        expect(ask({ type: REQUEST, client: one, requested: "10.0.2.2" })).toMatchObject({ broadcast: true })
    })

    it.each([
        ["another client's address", { requested: "10.0.2.3" }],
        ["no address", {}],
        ["another server's offer", { requested: "10.0.2.2", server: "10.0.2.254" }],
    ])("ignores a DECLINE of %s", (_, fields) => {
        const { ask, take } = open()
        const clients = ["02:00:00:00:00:01", "02:00:00:00:00:02"]
        expect(clients.map(take)).toEqual(["10.0.2.2", "10.0.2.3"])
        ask({ type: DECLINE, client: clients[0], server: "10.0.2.1", ...fields })
        expect(clients.map(take)).toEqual(["10.0.2.2", "10.0.2.3"])
    })

    it("leases the address that was declined first when too many were declined", () => {
        const { ask, take } = open({ leases: 2 })
        const client = "02:00:00:00:00:01"
        const addresses = ["10.0.2.2", "10.0.2.3", "10.0.2.4", "10.0.2.2"]
        for (const requested of addresses) {
            expect(take(client)).toBe(requested)
            ask({ type: DECLINE, client, requested, server: "10.0.2.1" })
        }
    })

    it("goes on at the network's beginning after its end, and leaves out addresses of no host", () => {
        const { take, counters } = open({ prefix: 29, first: "10.0.2.5" })
        const clients = Array.from({ length: 6 }, (_, i) => `02:00:00:00:00:0${i}`)
        expect(clients.map(take)).toEqual([
            "10.0.2.5",
            "10.0.2.6",
            "10.0.2.2",
            "10.0.2.3",
            "10.0.2.4",
            undefined,
        ])
        expect(counters.dhcpFull).toBe(1)
    })

    it("leases no more addresses than its limit, and counts the rest", () => {
        const { take, counters } = open({ leases: 2 })
        expect(["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"].map(take)).toEqual([
            "10.0.2.2",
            "10.0.2.3",
            undefined,
        ])
        expect(counters.dhcpFull).toBe(1)
    })

    const sound = message({ type: DISCOVER })
    const changed = (at: number, value: number) => sound.map((byte, i) => (i === at ? value : byte))
    it.each([
        ["an empty message", []],
        ["a message shorter than the fixed part", sound.slice(0, 239)],
        ["a message without options", sound.slice(0, 240)],
        ["a reply", changed(0, 2)],
        ["a message for another kind of hardware", changed(1, 6)],
        ["a message with another cookie", changed(239, 1)],
        ["a relay's message", message({ type: DISCOVER, giaddr: "10.0.3.1" })],
        ["a message with an option beyond its end", changed(241, 200)],
        ["DECLINE", message({ type: DECLINE, requested: "10.0.2.2" })],
        ["a server's message", message({ type: OFFER })],
    ])("does not answer %s", (_, bytes) => {
        expect(open().server.receive(Uint8Array.from(bytes))).toBeUndefined()
    })

    it("throws nothing on any bytes", () => {
        const { server } = open()
        const options = fc.uint8Array({ maxLength: 60 })
        fc.assert(
            fc.property(fc.uint8Array({ maxLength: 400 }), options, (bytes, tail) => {
                server.receive(bytes)
                server.receive(Uint8Array.from([...sound.slice(0, 240), ...tail]))
            })
        )
    })
})
