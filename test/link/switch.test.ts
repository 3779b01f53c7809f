import { describe, expect, it } from "vitest"
import { type Impairments, noImpairments } from "../../sim/link/impair"
import type { Port, Station } from "../../sim/link/port"
import { bridge, type Delivery, EthernetSwitch } from "../../sim/link/switch"
import { type Clock, RealClock, VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"

class Probe implements Station {
    readonly frames: Uint8Array[] = []
    readonly port: Port

    constructor(
        readonly name: string,
        ethernet: EthernetSwitch
    ) {
        this.port = ethernet.attach(this)
    }

    receive(frame: Uint8Array): void {
        this.frames.push(frame)
    }

    get heard(): number[] {
        return this.frames.map(frame => frame[12]!)
    }
}

function switchOf(clock: Clock, settings: Partial<Impairments> = {}, seed = 1): EthernetSwitch {
    return new EthernetSwitch(clock, {
        impairments: { ...noImpairments, ...settings },
        random: new Random(seed),
    })
}

const EVERYONE = 0xffffffffffff

/** A frame whose payload is `n` all over. */
function frame(n: number, to = EVERYONE, from = 0x020000000000): Uint8Array {
    const bytes = Buffer.alloc(60, n)
    bytes.writeUIntBE(to, 0, 6)
    bytes.writeUIntBE(from, 6, 6)
    return new Uint8Array(bytes)
}

describe("the Ethernet switch", () => {
    const [A, B, C] = [0x02000000000a, 0x02000000000b, 0x02000000000c] as const

    it("learns where an address is, and sends its frames there only", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock)
        const [a, b, c] = ["a", "b", "c"].map(name => new Probe(name, ethernet)) as [Probe, Probe, Probe]
        const heard = async () => {
            await clock.runUntil(clock.now() + 1)
            return [a.heard, b.heard, c.heard]
        }
        b.port.send(frame(1, A, B)) // who knows A?
        expect(await heard()).toEqual([[1], [], [1]])
        a.port.send(frame(2, B, A))
        b.port.send(frame(3, A, B))
        expect(await heard()).toEqual([[1, 3], [2], [1]])
        // a station that moves is found where it was heard last
        c.port.send(frame(4, EVERYONE, A))
        b.port.send(frame(5, A, B))
        expect(await heard()).toEqual([
            [1, 3, 4],
            [2, 4],
            [1, 5],
        ])
        // what is for an address behind the plug that it came from stays there
        b.port.send(frame(6, B, C))
        expect(await heard()).toEqual([
            [1, 3, 4],
            [2, 4],
            [1, 5],
        ])
        // no station is at a plug that was pulled, nor at one that was silent for long
        c.port.detach()
        b.port.send(frame(7, A, B))
        expect(await heard()).toEqual([
            [1, 3, 4, 7],
            [2, 4],
            [1, 5],
        ])
        a.port.send(frame(8, EVERYONE, A))
        const d = new Probe("d", ethernet)
        await clock.runUntil(clock.now() + 299_000)
        b.port.send(frame(9, A, B))
        await heard()
        expect(d.heard).toEqual([])
        await clock.runUntil(clock.now() + 2_000)
        b.port.send(frame(10, A, B))
        expect((await heard())[0]!.at(-1)).toBe(10)
        expect(d.heard).toEqual([10])
    })

    it("learns no group address, and sends a frame that is too short for an address to all", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock)
        const [a, b, c] = ["a", "b", "c"].map(name => new Probe(name, ethernet)) as [Probe, Probe, Probe]
        b.port.send(frame(1, EVERYONE, 0x0300_0000_0001))
        a.port.send(frame(2, 0x0300_0000_0001, A))
        a.port.send(new Uint8Array(11))
        await clock.runUntil(1)
        expect([b.frames.length, c.frames.length]).toEqual([2, 3])
    })

    it("remembers a thousand addresses, and forgets the oldest of more", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock)
        const [a, b, c] = ["a", "b", "c"].map(name => new Probe(name, ethernet)) as [Probe, Probe, Probe]
        for (let n = 0; n <= 1024; n++) a.port.send(frame(1, EVERYONE, 0x0200_0000_1000 + n))
        await clock.runUntil(1)
        b.frames.length = c.frames.length = 0
        b.port.send(frame(2, 0x0200_0000_1002, B)) // where that is, is known
        b.port.send(frame(3, 0x0200_0000_1001, B)) // and B took the place of this
        await clock.runUntil(2)
        expect(c.heard).toEqual([3])
    })

    it("carries a frame to every other station, not to its sender, and not within send", async () => {
        const clock = new VirtualClock()
        const ethernet = new EthernetSwitch(clock)
        const [a, b, c] = ["a", "b", "c"].map(name => new Probe(name, ethernet)) as [Probe, Probe, Probe]
        const sent = frame(1)
        a.port.send(sent)
        sent.fill(9) // the caller may reuse the bytes
        expect([b.frames.length, c.frames.length]).toEqual([0, 0])
        await clock.runUntil(1)
        expect([a.frames, b.frames, c.frames]).toEqual([[], [frame(1)], [frame(1)]])
        b.frames[0]!.fill(7) // the bytes belong to the receiver
        expect(c.frames[0]).toEqual(frame(1))
        expect(ethernet.counters).toMatchObject({ sent: 1, delivered: 2 })
    })

    it("works on a real clock", async () => {
        const clock = new RealClock()
        const ethernet = switchOf(clock, { delay: 1 })
        const [a, b] = [new Probe("a", ethernet), new Probe("b", ethernet)]
        a.port.send(frame(1))
        a.port.send(frame(2))
        b.port.send(frame(3))
        expect(b.frames).toEqual([])
        await clock.runUntil(() => b.frames.length === 2 && a.frames.length === 1, 10_000)
        expect([a.heard, b.heard]).toEqual([[3], [1, 2]])
        await ethernet.close()
    })

    it("lets a station send while it receives", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { delay: 10 })
        const a = new Probe("a", ethernet)
        const port = ethernet.attach({ name: "b", receive: bytes => port.send(bytes) })
        a.port.send(frame(1))
        await clock.runUntil(() => a.frames.length > 0, 1000)
        expect(clock.now()).toBe(20)
    })

    it("refuses a second station of the same name until the first has gone", () => {
        const ethernet = new EthernetSwitch(new VirtualClock())
        const first = new Probe("a", ethernet)
        expect(() => new Probe("a", ethernet)).toThrow("a station named a is attached already")
        first.port.detach()
        expect(() => new Probe("a", ethernet)).not.toThrow()
    })

    it("delivers no frame to or from an unplugged station, but those it had sent", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { delay: 10 })
        const [a, b] = [new Probe("a", ethernet), new Probe("b", ethernet)]
        b.port.send(frame(1))
        a.port.send(frame(2))
        a.port.detach()
        a.port.send(frame(3))
        b.port.send(frame(4))
        await clock.runUntil(100)
        expect([a.heard, b.heard]).toEqual([[], [2]])
        expect(ethernet.counters).toMatchObject({ sent: 3, delivered: 1 })
    })

    it("delivers nothing once it is closed", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { delay: 10 })
        const [a, b] = [new Probe("a", ethernet), new Probe("b", ethernet)]
        a.port.send(frame(1))
        await ethernet.close()
        b.port.send(frame(2))
        await clock.runUntil(100)
        expect([a.heard, b.heard]).toEqual([[], []])
        expect(ethernet.counters.delivered).toBe(0)
    })
})

describe("impairments of the switch", () => {
    it("strike each receiver by itself", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { loss: 0.5 })
        const [a, b, c] = ["a", "b", "c"].map(name => new Probe(name, ethernet)) as [Probe, Probe, Probe]
        for (let n = 0; n < 200; n++) a.port.send(frame(n))
        await clock.runUntil(10)
        expect(b.heard).not.toEqual(c.heard)
        expect(ethernet.counters.lost).toBe(400 - b.frames.length - c.frames.length)
    })

    it("do not depend on other traffic, nor on the order of plugging in", async () => {
        const heard = async (bystanders: boolean) => {
            const clock = new VirtualClock()
            const ethernet = switchOf(clock, { loss: 0.3, dup: 0.2, reorder: 0.2, jitter: 3, delay: 5 })
            const others = bystanders ? [new Probe("x", ethernet), new Probe("y", ethernet)] : []
            const [a, b] = [new Probe("a", ethernet), new Probe("b", ethernet)]
            for (let n = 0; n < 200; n++) {
                clock.at(n, () => {
                    for (const other of others) other.port.send(new Uint8Array(14).fill(250))
                    a.port.send(frame(n))
                })
            }
            await clock.runUntil(1000)
            return b.heard.filter(n => n !== 250)
        }
        expect(await heard(true)).toEqual(await heard(false))
    })

    it("use one queue for all that a station sends, and none with others", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { rate: 1_000_000 })
        const times: Record<string, number[]> = { a: [], b: [], c: [] }
        const ports = ["a", "b", "c"].map(name =>
            ethernet.attach({ name, receive: () => times[name]!.push(Math.round(clock.now() * 1000)) })
        )
        // 60 + 24 bytes are 672 us
        ports[0]!.send(frame(1))
        ports[0]!.send(frame(2))
        ports[1]!.send(frame(3))
        await clock.runUntil(10)
        expect(times).toEqual({ a: [672], b: [672, 1344], c: [672, 672, 1344] })
    })

    it("count a frame for which the queue has no room once, and report its fate at each receiver", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { rate: 1000 })
        const a = new Probe("a", ethernet)
        new Probe("b", ethernet)
        new Probe("c", ethernet)
        const lost: (string | undefined)[][] = []
        ethernet.onFrame((_frame, _from, _time, deliveries) => lost.push(deliveries.map(d => d.lost)))
        for (let n = 0; n < 70; n++) a.port.send(frame(n))
        expect(ethernet.counters).toMatchObject({ sent: 70, queueDrops: 5 })
        expect(lost.slice(0, 65)).toEqual(Array(65).fill([undefined, undefined]))
        expect(lost.slice(65)).toEqual(Array(5).fill(["queue", "queue"]))
    })
})

describe("taps of the switch", () => {
    it("see each frame as it was sent, and what will become of it", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { corrupt: 1, delay: 7 })
        const [a, b] = [new Probe("a", ethernet), new Probe("b", ethernet)]
        const seen: unknown[] = []
        const stop = ethernet.onFrame((bytes, from, time, deliveries: readonly Delivery[]) => {
            seen.push([
                bytes.slice(),
                from.name,
                time,
                deliveries.map(({ to, ...fate }) => ({ to: to.name, ...fate })),
            ])
        })
        await clock.runUntil(5)
        a.port.send(frame(1))
        stop()
        a.port.send(frame(2))
        await clock.runUntil(100)
        const fate = { lost: undefined, arrives: 12, copies: 1, corrupted: true, bit: 106, held: false }
        expect(seen).toEqual([[frame(1), "a", 5, [{ to: "b", ...fate }]]])
        expect(b.frames[0]).not.toEqual(frame(1))
    })

    it("see each delivery as it happens", async () => {
        const clock = new VirtualClock()
        const ethernet = switchOf(clock, { loss: 0.3, dup: 0.5, delay: 3 })
        const [a, b] = [new Probe("a", ethernet), new Probe("b", ethernet)]
        const seen: [number, string, string, number][] = []
        const stop = ethernet.onDelivery((bytes, from, to, time) =>
            seen.push([bytes[12]!, from.name, to.name, time])
        )
        for (let n = 0; n < 50; n++) a.port.send(frame(n))
        await clock.runUntil(10)
        const heard = b.heard
        expect(heard.length).toBeGreaterThan(30)
        expect(seen).toEqual(heard.map(n => [n, "a", "b", 3]))
        stop()
        for (let n = 0; n < 50; n++) a.port.send(frame(n))
        await clock.runUntil(20)
        expect(b.heard.length).toBeGreaterThan(heard.length)
        expect(seen.length).toBe(heard.length)
    })
})

describe("a bridge between two switches", () => {
    it("carries frames both ways, with the delays of both", async () => {
        const clock = new VirtualClock()
        const [near, far] = [switchOf(clock, { delay: 1 }), switchOf(clock, { delay: 10 })]
        const [a, b] = [new Probe("a", near), new Probe("b", far)]
        bridge(near, far, "bridge")
        a.port.send(frame(1))
        b.port.send(frame(2))
        await clock.runUntil(() => a.frames.length + b.frames.length === 2, 1000)
        expect([a.heard, b.heard, clock.now()]).toEqual([[2], [1], 11])
    })
})
