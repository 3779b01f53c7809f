// No client holds the device permanently: four ways to take all of its records, and each time a new client is served within
// 15 s, while an honest slow client (1 KB/s) is not cut off.

import { expect } from "vitest"
import type { TcpView } from "../../sim/view/dissect"
import type { Net } from "./net"
import { scenario } from "./scenario"
import { ScriptedStation } from "./station"
import { type Client, client, text } from "./traffic"

const SERVED = 15_000

/** A connection that a station holds. */
interface Held {
    port: number
    /** The next number to send, and to acknowledge. */
    seq: number
    ack: number
    state: "syn" | "open" | "over"
}

/** Opens connections to the device; `onOpen` and `onData` continue them. */
class Crowd {
    readonly held: Held[] = []
    readonly station: ScriptedStation
    window = 4096

    constructor(
        net: Net,
        private readonly port: number,
        private readonly onOpen: (held: Held) => void,
        private readonly onData: (held: Held, view: TcpView) => void = () => {}
    ) {
        this.station = new ScriptedStation(net, 66)
        this.station.onSegment = view => this.hears(view)
    }

    open(count: number): void {
        for (let i = 0; i < count; i++) {
            const held: Held = { port: 4000 + this.held.length, seq: 1001, ack: 0, state: "syn" }
            this.held.push(held)
            this.sends(held, "S", { seq: 1000 })
        }
    }

    sends(held: Held, flags: string, fields: object = {}, data: ArrayLike<number> = []): void {
        const { seq, ack, port: sourcePort } = held
        const all = {
            sourcePort,
            destinationPort: this.port,
            seq,
            ack,
            flags,
            window: this.window,
            ...fields,
        }
        if (all.flags === "S") all.ack = 0
        this.station.segment(all, data)
        held.seq += data.length + (flags.includes("F") ? 1 : 0)
    }

    private hears(view: TcpView): void {
        const held = this.held.find(h => h.port === view.destinationPort)
        if (held === undefined) return
        if (view.flags.rst) held.state = "over"
        else if (held.state === "syn" && view.flags.syn) {
            held.state = "open"
            held.ack = (view.seq + 1) >>> 0
            this.sends(held, ".")
            this.onOpen(held)
        } else if (held.state === "open" && !view.flags.syn) this.onData(held, view)
    }

    get count(): number {
        return this.held.filter(h => h.state === "open").length
    }
}

/** Sends and reads 1 KB/s by echo, until `stop` is called. */
async function honest(net: Net): Promise<{ sent: () => string; client: Client; stop: () => void }> {
    const one = await client(net, net.host(3), 7)
    let sent = ""
    let going = true
    const turn = () => {
        if (!going) return
        const part = text(500)
        one.connection.send(part)
        sent += part
        net.clock.at(net.clock.now() + 500, turn)
    }
    await net.act(turn)
    return {
        client: one,
        sent: () => sent,
        stop: () => {
            going = false
        },
    }
}

/** Asserts that a new client gets the whole page in time. */
async function pageIsServed(net: Net, last: number): Promise<void> {
    const one = await client(
        net,
        net.host(last),
        80,
        "GET / HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n"
    )
    await net.until("the page", () => one.heard.endsWith("0\r\n\r\n"), SERVED)
    await net.act(() => one.connection.close())
}

/** Asserts that a new client is echoed in time. */
async function echoIsServed(net: Net, last: number): Promise<void> {
    const one = await client(net, net.host(last), 7, "let me in")
    await net.until("the echo", () => one.heard === "let me in", SERVED)
    await net.act(() => one.connection.close())
}

const setup = { config: { connections: 8, events: 0 } }

scenario(
    "seven idle connections to echo give way to new clients, and a slow one goes on",
    setup,
    async net => {
        const crowd = new Crowd(net, 7, () => {})
        await net.act(() => crowd.open(7))
        const slow = await honest(net)
        await net.pass(5000)
        expect(crowd.count).toBe(7)
        await net.pass(60_000)
        // no client needed their records
        expect(crowd.count).toBe(7)
        await pageIsServed(net, 4)
        await echoIsServed(net, 5)
        slow.stop()
        await net.until("the slow one's echo", () => slow.client.heard === slow.sent())
        expect(slow.sent().length).toBeGreaterThan(60_000)
        expect(crowd.count).toBeLessThan(7)
        expect(crowd.count).toBeGreaterThan(3)
    }
)

scenario(
    "eight peers with shut windows that acknowledge probes give way to new clients",
    setup,
    async net => {
        const crowd = new Crowd(
            net,
            7,
            held => {
                crowd.window = 0
                crowd.sends(held, "P.", {}, new Uint8Array(900))
            },
            (held, view) => {
                if (view.payload.length === 0) return
                held.ack = (view.seq + view.payload.length) >>> 0
                crowd.sends(held, ".")
            }
        )
        await net.act(() => crowd.open(8))
        await net.pass(3000)
        expect(crowd.count).toBe(8)
        await pageIsServed(net, 4)
        await net.pass(60_000)
        await echoIsServed(net, 5)
    }
)

scenario("eight peers silent after their FIN give way to new clients", setup, async net => {
    const crowd = new Crowd(net, 7, held => {
        crowd.sends(held, "F.")
    })
    await net.act(() => crowd.open(8))
    await net.pass(1000)
    expect(crowd.count).toBe(8)
    await echoIsServed(net, 5)
    await pageIsServed(net, 4)
})

scenario(
    "readers of the page with window 1 and an ACK each 9 s give way to new clients",
    setup,
    async net => {
        const crowd = new Crowd(
            net,
            80,
            held => {
                crowd.window = 1
                crowd.sends(held, "P.", {}, Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
            },
            (held, view) => {
                if (view.payload.length === 0) return
                const ack = (view.seq + view.payload.length) >>> 0
                if (ack === held.ack) return
                held.ack = ack
                net.clock.at(net.clock.now() + 9000, () => {
                    if (held.state === "open") crowd.sends(held, ".")
                })
            }
        )
        await net.act(() => crowd.open(4))
        await net.pass(2000)
        await pageIsServed(net, 4)
        // and more readers than records
        await net.act(() => crowd.open(8))
        await net.pass(1000)
        await pageIsServed(net, 5)
    }
)
