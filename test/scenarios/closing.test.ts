// How data gets through, and how connections end: from either side, both at once, and by force.

import { expect } from "vitest"
import { type HostConnection, serveEcho } from "../../sim/host/host"
import type { TcpView, View } from "../../sim/view/dissect"
import { tsharkAgrees } from "../support/tshark"
import { DEVICE_IP, type Net } from "./net"
import { scenario } from "./scenario"
import { ScriptedStation } from "./station"

const isFin = (view: View) => view.kind === "tcp" && view.flags.fin
const hasText = (view: View) => view.kind === "tcp" && view.payload.length > 0

/** Connects the device to a port of a peer that reads everything; `served` is the peer's end. */
async function connected(net: Net, handlers: { data?: (text: string) => void; end?: () => void } = {}) {
    let served: HostConnection | undefined
    net.host(1).listen(99, {
        accepted: connection => {
            served = connection
        },
        data: (_connection, text) => handlers.data?.(text),
        end: () => handlers.end?.(),
    })
    const { id, port } = await net.connect("10.0.0.1", 99)
    await net.until("the connection", () => served?.state === "ESTABLISHED")
    return { id, port, served: served! }
}

/** Connects the device to a station that acknowledges nothing but the SYN by itself. */
async function scripted(net: Net) {
    const host = new ScriptedStation(net, 5)
    const end = { sourcePort: 6000, destinationPort: 0, seq: 5001, ack: 0 }
    host.onSegment = ({ sourcePort, seq, flags }) => {
        if (!flags.syn) return
        end.destinationPort = sourcePort
        end.ack = seq + 1
        host.segment({ ...end, seq: 5000, flags: "S." })
    }
    const { id, port } = await net.connect("10.0.0.5", 6000)
    await net.reached(port, "ESTABLISHED")
    await net.pass(50)
    return { host, end, id, port }
}

scenario("a segment lost three times is sent again after 1, 2 and 4 s and arrives", {}, async net => {
    serveEcho(net.host(1), net.clock)
    const { id, port } = await net.connect("10.0.0.1", 7)
    await net.reached(port, "ESTABLISHED")
    let lost = 0
    net.lose = (view, from) => from === "device" && hasText(view) && ++lost <= 3
    await net.command(`send ${id} hello`)
    await net.until("the echo", () => net.segments(port, 7).includes("< P. 1(5) ack 6"))
    expect(net.sendTimes(hasText)).toEqual([0, 1, 3, 7])
    expect(net.segments(port, 7).filter(line => line.startsWith("> P"))).toEqual([
        "> P. 1(5) ack 1 lost",
        "> P. 1(5) ack 1 lost",
        "> P. 1(5) ack 1 lost",
        "> P. 1(5) ack 1",
    ])
    await net.pass(100)
    expect(await net.command(`read ${id}`)).toEqual(["hello"])
})

scenario(
    "data never acknowledged ends the connection with ETIMEDOUT after R2",
    { config: { r2: 10_000 } },
    async net => {
        const { id, port } = await connected(net)
        net.lose = (view, from) => from === "device" && view.kind === "tcp"
        await net.command(`send ${id} hello`)
        await net.reached(port, "CLOSED", 60_000)
        expect(net.sendTimes(hasText)).toEqual([0, 1, 3, 7])
        expect(net.failures).toEqual(["ETIMEDOUT"])
        expect(await net.refusal(`read ${id}`)).toContain("ETIMEDOUT")
    }
)

scenario("a lost ACK makes the device send its data again, and the peer reads it once", {}, async net => {
    const heard: string[] = []
    const { id, port } = await connected(net, { data: text => heard.push(text) })
    let lost = 0
    net.lose = (view, from) => from !== "device" && view.kind === "tcp" && ++lost <= 1
    await net.command(`send ${id} hello`)
    await net.pass(5000)
    // sent twice, read once
    expect(net.sendTimes(hasText)).toEqual([0, 1])
    expect(heard).toEqual(["hello"])
    expect(net.segments(port, 99).at(-1)).toBe("< . 1 ack 6")
})

scenario(
    "the device's FIN lost twice is sent again, and the connection ends in TIME-WAIT",
    { config: { timeWait: 1000 } },
    async net => {
        const { id, port, served } = await connected(net, { end: () => served.close() })
        let lost = 0
        net.lose = (view, from) => from === "device" && isFin(view) && ++lost <= 2
        await net.command(`close ${id}`)
        await net.reached(port, "CLOSED")
        expect(net.sendTimes(isFin)).toEqual([0, 1, 3])
        expect(net.states(port)).toEqual([
            "SYN-SENT",
            "ESTABLISHED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "TIME-WAIT",
            "CLOSED",
        ])
        expect(net.failures).toEqual([])
    }
)

scenario(
    "a lost last ACK: TIME-WAIT acknowledges the peer's FIN again",
    { config: { timeWait: 5000 } },
    async net => {
        const { id, port, served } = await connected(net, { end: () => served.close() })
        let lost = 0
        net.lose = (view, from) => {
            const last = from === "device" && view.kind === "tcp" && net.states(port).includes("TIME-WAIT")
            return last && ++lost <= 1
        }
        await net.command(`close ${id}`)
        await net.reached(port, "TIME-WAIT")
        await net.until("the peer's end", () => served.state === "CLOSED")
        expect(net.segments(port, 99).slice(-4)).toEqual([
            "< F. 1 ack 2",
            "> . 2 ack 2 lost",
            "< F. 1 ack 2",
            "> . 2 ack 2",
        ])
        await net.reached(port, "CLOSED")
    }
)

scenario("the peer closes first: the device's lost FIN is sent again from LAST-ACK", {}, async net => {
    const { id, port, served } = await connected(net)
    await net.act(() => served.close())
    await net.reached(port, "CLOSE-WAIT")
    expect(await net.command(`read ${id}`)).toEqual(["end of stream"])
    let lost = 0
    net.lose = (view, from) => from === "device" && isFin(view) && ++lost <= 1
    await net.command(`close ${id}`)
    await net.reached(port, "CLOSED")
    expect(net.sendTimes(isFin)).toEqual([0, 1])
    expect(net.states(port)).toEqual(["SYN-SENT", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"])
    expect(net.failures).toEqual([])
})

scenario(
    "the device shuts down and reads on until the peer closes",
    { config: { timeWait: 1000 } },
    async net => {
        const { id, port, served } = await connected(net)
        await net.command(`send ${id} last words`)
        await net.command(`shutdown ${id}`)
        await net.reached(port, "FIN-WAIT-2")
        expect(await net.refusal(`send ${id} more`)).toContain("EPIPE")
        await net.act(() => served.send("still here"))
        await net.pass(500)
        expect(await net.command(`read ${id}`)).toEqual(["still here"])
        await net.act(() => served.close())
        await net.reached(port, "TIME-WAIT")
        expect(await net.command(`read ${id}`)).toEqual(["end of stream"])
        await net.reached(port, "CLOSED")
        await net.command(`close ${id}`)
        expect(net.failures).toEqual([])
    }
)

scenario("the peer shuts down and reads on until the device closes", {}, async net => {
    const heard: string[] = []
    const { id, port, served } = await connected(net, { data: text => heard.push(text) })
    await net.act(() => {
        served.send("last words")
        served.shutdown()
    })
    await net.reached(port, "CLOSE-WAIT")
    expect(await net.command(`read ${id}`)).toEqual(["last words", "end of stream"])
    await net.command(`send ${id} still here`)
    await net.pass(500)
    expect(heard).toEqual(["still here"])
    await net.command(`close ${id}`)
    await net.reached(port, "CLOSED")
    expect(net.failures).toEqual([])
})

scenario("two crossing FINs lead through CLOSING to TIME-WAIT", { config: { timeWait: 1000 } }, async net => {
    const { host, end, id, port } = await scripted(net)
    let fins = 0
    host.onSegment = ({ flags, seq }: TcpView) => {
        if (!flags.fin || ++fins > 1) return
        // the FINs cross: this one does not acknowledge the device's
        host.segment({ ...end, flags: "F." })
        net.clock.at(net.clock.now() + 200, () =>
            host.segment({ ...end, seq: end.seq + 1, ack: seq + 1, flags: "." })
        )
    }
    await net.command(`close ${id}`)
    await net.reached(port, "CLOSED")
    expect(net.states(port)).toEqual([
        "SYN-SENT",
        "ESTABLISHED",
        "FIN-WAIT-1",
        "CLOSING",
        "TIME-WAIT",
        "CLOSED",
    ])
    expect(net.segments(port, 6000).slice(3)).toEqual([
        "> F. 1 ack 1",
        "< F. 1 ack 1",
        "> . 2 ack 2",
        "< . 2 ack 2",
    ])
})

scenario("abort sends a reset and frees the connection", {}, async net => {
    let ended = false
    const { id, port, served } = await connected(net, {
        end: () => {
            ended = true
        },
    })
    await net.command(`abort ${id}`)
    await net.until("the reset", () => ended)
    expect(served.error).toBe("ECONNRESET")
    expect(net.segments(port, 99).at(-1)).toMatch(/^> R\.? 1( ack 1)?$/)
    expect(net.states(port).at(-1)).toBe("CLOSED")
    expect(await net.refusal(`send ${id} x`)).toContain("no longer exists")
})

scenario("the peer's reset ends the connection with ECONNRESET", {}, async net => {
    const { id, port, served } = await connected(net)
    await net.act(() => served.abort())
    await net.reached(port, "CLOSED")
    expect(net.failures).toEqual(["ECONNRESET"])
    expect(await net.refusal(`send ${id} x`)).toContain("ECONNRESET")
    expect(await net.refusal(`read ${id}`)).toContain("ECONNRESET")
    await net.command(`close ${id}`)
    expect((await net.command("connections")).join("\n")).not.toContain(":99")
})

scenario("a reset in the window is challenged, one outside it ignored, the exact one ends", {}, async net => {
    const { host, end, id, port } = await scripted(net)
    // RFC 5961 section 3.2: a reset in the window but not at RCV.NXT is challenged, one outside the window ignored
    await net.act(() => host.segment({ ...end, seq: end.seq + 10, flags: "R" }))
    await net.until("the challenge", () => net.segments(port, 6000).length === 5)
    expect(net.segments(port, 6000).at(-1)).toBe("> . 1 ack 1")
    await net.act(() => host.segment({ ...end, seq: end.seq + 30_000, flags: "R" }))
    await net.pass(500)
    expect(net.segments(port, 6000)).toHaveLength(6)
    expect(await net.command(`wait ${id} ESTABLISHED 100`)).toEqual([`connection ${id}: ESTABLISHED`])
    await net.act(() => host.segment({ ...end, flags: "R" }))
    await net.reached(port, "CLOSED")
    expect(net.failures).toEqual(["ECONNRESET"])
})

scenario("data for no connection draws a reset with the number it acknowledged", {}, async net => {
    const host = new ScriptedStation(net, 5)
    const stray = { sourcePort: 6000, destinationPort: 7, seq: 77, ack: 4711, flags: "P." }
    await net.act(() => host.segment(stray, Buffer.from(DEVICE_IP)))
    await net.until("the reset", () => host.segments.length === 1)
    // RFC 9293 section 3.5.2: its number is the one that was acknowledged
    const { flags, seq } = host.segments[0]!
    expect([flags.rst, flags.ack, seq]).toEqual([true, false, 4711])
})

tsharkAgrees()
