// The device as a server, and the example of the README.

import { expect } from "vitest"
import { serveEcho } from "../../sim/host/host"
import { tsharkAgrees } from "../support/tshark"
import { scenario } from "./scenario"
import { ScriptedStation } from "./station"
import { type Client, client, echoed } from "./traffic"

scenario(
    "the example: handshake, echo, close and TIME-WAIT in ten segments",
    { config: { iss: 4321, timeWait: 2000 } },
    async net => {
        const peer = net.host(1)
        serveEcho(peer, net.clock)
        const { id, port } = await net.connect("10.0.0.1", 7)
        await net.reached(port, "ESTABLISHED")
        expect(await net.command(`send ${id} hello`)).toEqual(["5 of 5 bytes queued"])
        await net.pass(500)
        expect(await net.command(`read ${id}`)).toEqual(["hello"])
        await net.command(`close ${id}`)
        await net.reached(port, "TIME-WAIT")
        await net.reached(port, "CLOSED")
        expect(net.states(port)).toEqual([
            "SYN-SENT",
            "ESTABLISHED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "TIME-WAIT",
            "CLOSED",
        ])
        expect(net.segments(port, 7)).toEqual([
            "> S 0",
            "< S. 0 ack 1",
            "> . 1 ack 1",
            "> P. 1(5) ack 1",
            "< P. 1(5) ack 6",
            "> . 6 ack 6",
            "> F. 6 ack 6",
            "< . 6 ack 7",
            "< F. 6 ack 7",
            "> . 7 ack 7",
        ])
        // and in absolute numbers
        const [syn, synAck, ack, hello] = net.conversation(port, 7).map(({ view }) => view)
        expect([syn!.seq, synAck!.ack, ack!.seq, hello!.seq]).toEqual([4321, 4322, 4322, 4322])
        expect(ack!.ack).toBe((synAck!.seq + 1) >>> 0)
        expect(net.conversation(port, 7).at(-1)!.view.seq).toBe(4328)
    }
)

scenario("echo, discard and the page serve three clients, and a missing page is 404", {}, async net => {
    const peer = net.host(1)
    await net.command("listen 9 discard")
    const long = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(32 + (i % 95))).join("")
    const echo = await client(net, peer, 7, long)
    await echoed(net, echo, long)
    const discard = await client(net, peer, 9, long)
    await net.pass(2000)
    expect(discard.heard).toBe("")
    const page = await client(net, peer, 80, "GET / HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n")
    await net.until("the page", () => page.connection.ended)
    expect(page.heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(page.heard).toContain("<td>10.0.0.2:9<td>*<td>LISTEN")
    expect(page.heard).toMatch(/<td>10\.0\.0\.2:7<td>10\.0\.0\.1:\d+<td>ESTABLISHED/)
    const missing = await client(net, peer, 80, "GET /nothing HTTP/1.0\r\n\r\n")
    await net.until("the answer", () => missing.connection.ended)
    expect(missing.heard).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
    await net.act(() => {
        for (const { connection } of [echo, discard, page, missing]) connection.close()
    })
    const over = ({ connection }: Client) => ["TIME-WAIT", "CLOSED"].includes(connection.state)
    await net.until("the ends", () => [echo, discard, page, missing].every(over))
    await net.pass(500)
    expect(net.failures).toEqual([])
    const rows = (await net.command("connections")).slice(1)
    expect(rows.filter(row => !/LISTEN|TIME-WAIT/.test(row))).toEqual([])
})

scenario(
    "a listener opened on the console: read, send, close the listener, close the connection",
    {},
    async net => {
        const peer = net.host(1)
        const [line] = await net.command("listen 5000")
        const listener = Number(/^listener (\d+): port 5000$/.exec(line!)?.[1])
        const one = await client(net, peer, 5000, "who is there?")
        await net.reached(5000, "ESTABLISHED")
        await net.pass(100)
        const rows = (await net.command("connections")).filter(row => row.includes("ESTABLISHED"))
        expect(rows).toHaveLength(1)
        const id = Number.parseInt(rows[0]!, 10)
        expect(await net.command(`read ${id}`)).toEqual(["who is there?"])
        await net.command(`send ${id} Host X`)
        await echoed(net, one, "Host X")
        await net.command(`close ${listener}`)
        expect(net.states(5000).at(-1)).toBe("ESTABLISHED")
        const late = await client(net, peer, 5000)
        await net.until("the refusal", () => late.connection.ended)
        expect(late.connection.error).toBe("ECONNREFUSED")
        await net.command(`close ${id}`)
        await net.until("the end", () => one.connection.ended)
        expect(one.connection.error).toBeUndefined()
    }
)

scenario("three echo requests get replies, a datagram to an unbound port port-unreachable", {}, async net => {
    const host = new ScriptedStation(net, 5)
    const text = [...Buffer.from("an odd number of bytes..!")]
    await net.act(() => {
        for (let sequence = 1; sequence <= 3; sequence++) host.ping(0x1234, sequence, text)
    })
    await net.until("the replies", () => host.messages.length === 3)
    for (const [i, reply] of host.messages.entries()) {
        expect([reply.type, reply.code, reply.checksumValid]).toEqual([0, 0, true])
        expect(reply.echo).toEqual({ identifier: 0x1234, sequence: i + 1 })
        expect([...reply.payload]).toEqual(text)
    }
    await net.act(() => host.datagram(5353, 9999, text))
    await net.until("the report", () => host.messages.length === 4)
    const report = host.messages[3]!
    expect([report.type, report.code]).toEqual([3, 3])
    // RFC 792: the IP header and the first 8 bytes of the packet, here UDP's ports and length
    const quoted = report.payload.subarray(20, 26)
    expect([...quoted]).toEqual([5353 >> 8, 5353 & 255, 9999 >> 8, 9999 & 255, 0, 8 + text.length])
    expect((await net.command("stats")).join("\n")).toContain("udp-no-port")
})

tsharkAgrees()
