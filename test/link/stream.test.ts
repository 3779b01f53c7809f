import { once } from "node:events"
import fs from "node:fs"
import net from "node:net"
import os from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { afterAll, afterEach, describe, expect, it } from "vitest"
import { MAX_RECEIVED, MAX_SENT, MIN_FRAME } from "../../sim/link/frames"
import { Impairment, noImpairments } from "../../sim/link/impair"
import type { Port, Station } from "../../sim/link/port"
import { connectStream, LinkError, QUEUE_BYTES, StreamLink } from "../../sim/link/stream"
import { bridge, EthernetSwitch } from "../../sim/link/switch"
import { OptionError } from "../../sim/options/error"
import { RealClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stream-"))
const cleanups: (() => unknown)[] = []

afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

afterAll(() => fs.rmSync(folder, { recursive: true }))

/** Listens at an address (a UNIX socket if none is given) and hands over the first socket that comes. */
async function listener(where?: { host: string }) {
    const socketPath = path.join(folder, `${fs.readdirSync(folder).length}-${cleanups.length}.sock`)
    const server = net.createServer()
    const accepted = new Promise<net.Socket>(resolve => server.once("connection", resolve))
    if (where) server.listen(0, where.host)
    else server.listen(socketPath)
    await once(server, "listening")
    cleanups.push(() => new Promise(resolve => server.close(resolve)))
    const { port } = server.address() as net.AddressInfo
    const host = where?.host.includes(":") ? `[${where.host}]` : where?.host
    return { text: where ? `stream:${host}:${port}` : `stream:unix:${socketPath}`, accepted, server }
}

/** A link and the bare socket at the other end of it. */
async function connected(where?: { host: string }) {
    const { text, accepted } = await listener(where)
    const link = await connectStream(text)
    const peer = await accepted
    peer.on("error", () => peer.destroy())
    cleanups.push(() => peer.destroy())
    cleanups.push(() => link.close())
    return { link, peer }
}

class Probe implements Station {
    readonly name = "probe"
    readonly frames: Uint8Array[] = []
    private wanted = 0
    private wake = () => {}

    receive(frame: Uint8Array): void {
        this.frames.push(frame)
        if (this.frames.length >= this.wanted) this.wake()
    }

    /** Resolves when `count` frames have come in all. */
    async until(count: number): Promise<void> {
        this.wanted = count
        if (this.frames.length < count) await new Promise<void>(resolve => (this.wake = resolve))
    }
}

const frame = (n: number, length = 60) => new Uint8Array(length).fill(n)

function onTheWire(...frames: Uint8Array[]): Buffer {
    return Buffer.concat(
        frames.flatMap(bytes => {
            const header = Buffer.alloc(4)
            header.writeUInt32BE(bytes.length)
            return [header, bytes]
        })
    )
}

const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(a => a.address === "::1"))

describe("a stream link", () => {
    it.each([
        ["a UNIX socket", undefined],
        ["TCP", { host: "127.0.0.1" }],
    ])("carries frames both ways over %s", async (_name, where) => {
        const { link, peer } = await connected(where)
        const probe = new Probe()
        const port = link.attach(probe)
        peer.write(onTheWire(frame(1), frame(2, 1514), frame(3, 14)))
        await probe.until(3)
        expect(probe.frames).toEqual([frame(1), frame(2, 1514), frame(3, 14)])
        port.send(frame(4))
        port.send(frame(5, 300))
        const wire = onTheWire(frame(4), frame(5, 300))
        let got = Buffer.alloc(0)
        for await (const bytes of peer.iterator({ destroyOnReturn: false })) {
            got = Buffer.concat([got, bytes])
            if (got.length >= wire.length) break
        }
        expect(got).toEqual(wire)
        expect(link.counters).toMatchObject({ sent: 2, received: 3 })
    })

    it.skipIf(!hasIpv6)("connects to an IPv6 address in brackets", async () => {
        const { link, peer } = await connected({ host: "::1" })
        const probe = new Probe()
        link.attach(probe)
        peer.write(onTheWire(frame(1)))
        await probe.until(1)
        expect(probe.frames).toEqual([frame(1)])
    })

    it("keeps frames that come before a station is attached", async () => {
        const { link, peer } = await connected()
        await new Promise(resolve => peer.write(onTheWire(frame(1), frame(2)), resolve))
        await sleep(20) // time enough to lose them, if they were read
        const first = new Probe()
        const port = link.attach(first)
        await first.until(2)
        port.detach()
        await new Promise(resolve => peer.write(onTheWire(frame(3)), resolve))
        await sleep(20)
        const second = new Probe()
        link.attach(second)
        await second.until(1)
        expect([first.frames.length, second.frames]).toEqual([2, [frame(3)]])
    })

    it("has one station at a time, and a detached one cannot send", async () => {
        const { link } = await connected()
        const port = link.attach(new Probe())
        expect(() => link.attach(new Probe())).toThrow(
            "a stream link accepts one station, and probe is already attached"
        )
        port.detach()
        port.send(frame(1))
        expect(link.counters.sent).toBe(0)
    })

    it("neither sends nor delivers a frame that is too short or too long", async () => {
        const { link, peer } = await connected()
        const probe = new Probe()
        const port = link.attach(probe)
        port.send(frame(1, MIN_FRAME - 1))
        port.send(frame(1, MAX_SENT + 1))
        expect(link.counters).toMatchObject({ sent: 0, runts: 1, giants: 1 })
        peer.write(onTheWire(frame(1, 1), frame(2, MIN_FRAME - 1), frame(3, MAX_RECEIVED), frame(4)))
        await probe.until(2)
        expect(probe.frames).toEqual([frame(3, MAX_RECEIVED), frame(4)])
        expect(link.counters).toMatchObject({ received: 4, runts: 3 })
    })

    it("drops and counts frames that the other side does not read, within bounds, and sends again when it does", async () => {
        const { text, accepted } = await listener()
        const link = await connectStream(text)
        const other = new StreamLink(await accepted)
        cleanups.push(
            () => link.close(),
            () => other.close()
        )
        const port = link.attach(new Probe())
        const bytes = 1500
        const many = (100 * QUEUE_BYTES) / bytes
        for (let n = 0; n < many; n++) port.send(frame(n, bytes))
        const { sent, queueDrops } = link.counters
        expect(sent).toBeGreaterThan(QUEUE_BYTES / bytes - 2)
        expect(queueDrops).toBe(Math.ceil(many) - sent)
        expect(queueDrops).toBeGreaterThan(0)
        const reader = new Probe()
        other.attach(reader)
        await reader.until(sent)
        expect(reader.frames.map(f => f[0])).toEqual(Array.from({ length: sent }, (_, n) => n % 256))
        port.send(frame(1))
        await reader.until(sent + 1)
        expect(link.counters).toMatchObject({ sent: sent + 1, queueDrops })
    })
})

describe("the end of a stream link", () => {
    it("is reported as such when the other side closes between frames", async () => {
        const { link, peer } = await connected()
        const probe = new Probe()
        link.attach(probe)
        peer.end(onTheWire(frame(1)))
        expect(await link.closed).toEqual({ how: "end", reason: "the other side closed the connection" })
        expect(probe.frames).toEqual([frame(1)])
    })

    it("is an error when the other side closes in the middle of a frame", async () => {
        const { link, peer } = await connected()
        link.attach(new Probe())
        peer.end(onTheWire(frame(1)).subarray(0, 14))
        expect(await link.closed).toEqual({
            how: "error",
            reason: "the other side closed the connection after 10 of 60 bytes of a frame",
        })
    })

    it.each([
        ["a length of 0", [0, 0, 0, 0], 0],
        ["a length that is absurd", [0x48, 0x54, 0x54, 0x50], 0x48545450],
    ])("is an error after %s", async (_name, header, length) => {
        const { link, peer } = await connected()
        const probe = new Probe()
        link.attach(probe)
        const gone = once(peer, "close")
        peer.resume()
        peer.write(Buffer.concat([onTheWire(frame(1)), Buffer.from(header), onTheWire(frame(2))]))
        expect(await link.closed).toEqual({
            how: "protocol",
            reason:
                "the other side does not speak this protocol: " +
                `a frame length of ${length} bytes (1 to ${MAX_RECEIVED} are possible)`,
        })
        await gone
        expect(probe.frames).toEqual([frame(1)])
    })

    it("is an error when the connection is reset", async () => {
        const { link, peer } = await connected({ host: "127.0.0.1" })
        link.attach(new Probe())
        peer.resetAndDestroy()
        expect(await link.closed).toEqual({ how: "error", reason: "the other side reset the connection" })
    })

    it("follows close(), after all frames that were sent", async () => {
        const { link, peer } = await connected()
        const port = link.attach(new Probe())
        const chunks: Buffer[] = []
        peer.on("data", bytes => chunks.push(bytes))
        const ended = once(peer, "end")
        for (let n = 0; n < 100; n++) port.send(frame(n, 1000))
        await link.close()
        await ended
        expect(await link.closed).toEqual({ how: "local", reason: "the link was closed" })
        expect(Buffer.concat(chunks)).toEqual(
            onTheWire(...Array.from({ length: 100 }, (_, n) => frame(n, 1000)))
        )
        port.send(frame(1))
        await link.close()
        expect(link.counters.sent).toBe(100)
    })

    it("follows close() also when the other side does not read", async () => {
        const { link, peer } = await connected()
        peer.pause()
        const port = link.attach(new Probe())
        for (let n = 0; n < 2000; n++) port.send(frame(n, 1000))
        await link.close()
        expect((await link.closed).how).toBe("local")
    })
})

describe("connecting a stream link", () => {
    const START = "start the program at the other end first, such as passt or QEMU with -netdev stream"

    it("refuses text that is not an address", async () => {
        await expect(connectStream("stream:nowhere")).rejects.toThrow(OptionError)
    })

    it("a socket that does not exist is reported", async () => {
        const text = `stream:unix:${path.join(folder, "none.sock")}`
        await expect(connectStream(text)).rejects.toThrow(
            new LinkError(`cannot connect to ${text}: the file does not exist; ${START}`)
        )
    })

    it("a socket without a listener, and a file that is no socket, are reported", async () => {
        const file = path.join(folder, "file")
        fs.writeFileSync(file, "")
        await expect(connectStream(`stream:unix:${file}`)).rejects.toThrow(
            `no program listens there (an ended one left the file, or it is not a socket); ${START}`
        )
    })

    it("a port without a listener is reported", async () => {
        const { text, server } = await listener({ host: "127.0.0.1" })
        await new Promise(resolve => server.close(resolve))
        await expect(connectStream(text)).rejects.toThrow(
            new LinkError(`cannot connect to ${text}: no program listens there; ${START}`)
        )
    })

    it("a host that does not answer is given up", async () => {
        // a server that never accepts: its queue fills up, and then nothing is answered
        const code = `
            const server = require("node:net").createServer()
            server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
                require("node:worker_threads").parentPort.postMessage(server.address().port)
                setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
            })`
        const worker = new Worker(code, { eval: true })
        cleanups.push(() => worker.terminate())
        const [port] = await once(worker, "message")
        const connect = async () => {
            for (let n = 0; n < 20; n++) {
                const link = await connectStream(`stream:127.0.0.1:${port}`, { timeoutMs: 300 })
                cleanups.push(() => link.close())
            }
        }
        await expect(connect()).rejects.toThrow(
            `cannot connect to stream:127.0.0.1:${port}: no answer within 0.3 s; check the address and any firewall`
        )
    })
})

describe("impairments of a stream link", () => {
    it("strike frames in either direction", async () => {
        const clock = new RealClock()
        const { link, peer } = await connected()
        const probe = new Probe()
        const settings = { ...noImpairments, dup: 1 }
        const incoming = new Impairment(clock, settings, new Random(1), bytes => probe.receive(bytes))
        const port: Port = link.attach({ name: "line", receive: bytes => incoming.send(bytes) })
        const outgoing = new Impairment(clock, settings, new Random(2), bytes => port.send(bytes))
        const other = new StreamLink(peer)
        const far = new Probe()
        const farPort = other.attach(far)
        outgoing.send(frame(1))
        farPort.send(frame(2))
        await Promise.all([probe.until(2), far.until(2)])
        expect([probe.frames, far.frames]).toEqual([
            [frame(2), frame(2)],
            [frame(1), frame(1)],
        ])
    })

    it("strike frames of a switch that is bridged to the link", async () => {
        const clock = new RealClock()
        const impairments = { ...noImpairments, corrupt: 1 }
        const ethernet = new EthernetSwitch(clock, { impairments, random: new Random(3) })
        const { link, peer } = await connected()
        bridge(ethernet, link, "wire")
        const [near, far] = [new Probe(), new Probe()]
        const port = ethernet.attach(near)
        const farPort = new StreamLink(peer).attach(far)
        port.send(frame(1)) // odd: a group address
        farPort.send(frame(3))
        await Promise.all([near.until(1), far.until(1)])
        expect([near.frames[0]!.length, far.frames[0]!.length]).toEqual([60, 60])
        expect(near.frames[0]).not.toEqual(frame(3))
        expect(far.frames[0]).not.toEqual(frame(1))
        expect(ethernet.counters).toMatchObject({ sent: 2, delivered: 2, corrupted: 2 })
    })
})
