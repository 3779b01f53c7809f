// Connections by name, on both runtimes: each address of a host is tried, and each failure has its code.

import { expect } from "vitest"
import { serveEcho } from "../../sim/host/host"
import type { Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"
import { ScriptedStation } from "../scenarios/station"
import { A, dnsMessage, NS, question, type Reply, readQuestion } from "../support/dns"
import { address } from "../support/frames"
import { tsharkAgrees } from "../support/tshark"

const ECHO = "10.0.0.1"
/** A host that answers ARP and nothing else, and an address without a host. */
const DEAF = "10.0.0.5"
const NOBODY = "10.0.0.77"
/** A host without an open port. */
const CLOSED = "10.0.0.6"

const answers = (...ips: string[]): Partial<Reply> => ({
    answers: ips.map(ip => ({ name: [0xc0, 12], type: A, ttl: 600, data: address(ip) })),
})
const long = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.example`
const names: { [name: string]: Partial<Reply> } = {
    "one.example": answers(ECHO),
    "closed.example": answers(CLOSED, ECHO),
    "nobody.example": answers(NOBODY, ECHO),
    "deaf.example": answers(DEAF, ECHO),
    "both.example": answers(DEAF, CLOSED),
    "own.example": answers("10.0.0.2", ECHO),
    // what name servers that block a name answer
    "blocked.example": answers("0.0.0.0"),
    "half-blocked.example": answers("0.0.0.0", ECHO),
    "cut.example": { flags: 0x8380 },
    "referral.example": { authorities: [{ name: [0], type: NS, data: [1, 97, 0] }] },
    [long]: answers(ECHO),
}

/** A name server. */
class NameServer extends ScriptedStation {
    asked: string[] = []

    override receive(frame: Uint8Array): void {
        super.receive(frame)
        for (const view of this.got.splice(0)) {
            if (view.kind !== "udp" || view.destinationPort !== 53) continue
            const { id, name } = readQuestion(view.payload)
            this.asked.push(name)
            const reply = names[name] ?? { flags: 0x8183 }
            this.datagram(53, view.sourcePort, dnsMessage({ id, question: question(name), ...reply }))
        }
    }
}

async function says(net: Net, line: string): Promise<string> {
    return (await net.reply(line)).lines.join("\n")
}

const setup = { program: "test/programs/names.ts", boot: { dns: "10.0.0.9" } }

function stations(net: Net): NameServer {
    new ScriptedStation(net, 5)
    serveEcho(net.host(1), net.clock)
    net.host(6)
    return new NameServer(net, 9)
}

scenario("connect() to a name tries each address in its share of the time", setup, async net => {
    stations(net)
    for (const name of ["one", "closed", "nobody", "deaf", "own"]) {
        const start = net.clock.now()
        expect([name, await says(net, `connect ${name}.example 7 8000`)]).toEqual([name, "hello"])
        const ms = net.clock.now() - start
        expect(ms).toBeLessThan(8000)
        if (name === "deaf") expect(ms).toBeGreaterThan(3900)
    }
    expect(await says(net, "connect both.example 7 4000")).toMatch(
        /^ECONNREFUSED \| socket tcp:\/\/both.example:7: /
    )
    expect(await says(net, `connect ${long} 7`)).toBe("hello")
})

scenario("connect() of @devicescript/net to a name tries each address", setup, async net => {
    stations(net)
    for (const name of ["one", "closed", "nobody", "deaf"])
        expect([name, await says(net, `package ${name}.example 7`)]).toEqual([name, "hello"])
    expect(await says(net, "package both.example 7")).toMatch(/^ECONNREFUSED \| /)
})

scenario(
    "connect() to a name reports not found, server failure and invalid name by its code",
    setup,
    async net => {
        const server = stations(net)
        const code = async (name: string) => (await says(net, `connect ${name} 7`)).replace(/ .*/, "")
        expect(await code("none.example")).toBe("ENOTFOUND")
        expect(await code("blocked.example")).toBe("ENOTFOUND")
        expect(await says(net, "package blocked.example 7")).toMatch(/^ENOTFOUND \| /)
        expect(await says(net, "connect half-blocked.example 7")).toBe("hello")
        expect(await code("cut.example")).toBe("EAI_AGAIN")
        expect(await code("referral.example")).toBe("EAI_AGAIN")
        server.asked = []
        for (const name of [`${"x".repeat(64)}.example`, `${"a.".repeat(126)}aa`, "a..b", "a/b", "é.example"])
            expect([name, await code(name)]).toEqual([name, "EINVAL"])
        expect(await says(net, "connect a..b 7")).toBe(
            "EINVAL | socket tcp://a..b:7: EINVAL, this is not a host's name: use letters, digits and hyphens between dots"
        )
        expect(server.asked).toEqual([])
    }
)

tsharkAgrees("dns")
