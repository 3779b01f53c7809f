// Some hundred connections to and from the image that is flashed, on the VM, through the chip: afterwards the program
// needs as much of the heap as before.

import { expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { describePanic } from "../../sim/device/runtime"
import { BuiltinHost, type HostConnection, serveEcho } from "../../sim/host/host"
import { EthernetSwitch } from "../../sim/link/switch"
import { noImpairments } from "../../sim/options/impair"
import { VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"

const DEVICE = "10.0.0.2"
const PEERS = ["10.0.0.1", "10.0.0.3"]
const CONNECTIONS = 300
/** Milliseconds from one connection to the next, at most. */
const PAUSE = 400
const MINUTE = 60_000
/** Bytes: functions that run when the heap is looked at are in it. A byte a connection would be more. */
const NOISE = 100

/** A device on the VM, and peers of ours beside it, on a cable that loses frames. */
class Bench {
    readonly clock = new VirtualClock()
    readonly random = new Random(11)
    readonly device: Device
    readonly ethernet: EthernetSwitch
    readonly peers: BuiltinHost[]
    readonly done = { opened: 0, echoed: 0, aborted: 0, reboots: 0 }
    panic = ""

    constructor() {
        const { clock, random } = this
        const impairments = {
            ...noImpairments,
            delay: 5,
            loss: 0.05,
            dup: 0.02,
            reorder: 0.02,
            corrupt: 0.01,
        }
        this.ethernet = new EthernetSwitch(clock, { impairments, random: random.fork("segment") })
        const chip = new W5500Chip({ clock, send: frame => plug.send(frame) })
        const plug = this.ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
        this.device = new Device({
            clock,
            chip,
            runtime: "vm",
            seed: 1,
            boot: {
                ip: `${DEVICE}/24`,
                gateway: "",
                macAddress: "",
                config: {},
                services: true,
                trace: false,
            },
            onPanic: panic => {
                this.panic = describePanic(panic)
            },
        })
        this.peers = PEERS.map((_, i) => this.plugIn(i))
    }

    /** Host number `i` as it is after it was switched on. */
    plugIn(i: number): BuiltinHost {
        const ip = PEERS[i]
        const peer = new BuiltinHost({
            clock: this.clock,
            link: this.ethernet,
            name: `peer ${i} ${this.done.reboots}`,
            ip,
            prefix: 24,
            mac: `02:00:0a:00:00:0${ip.at(-1)}`,
            random: this.random.fork(`peer ${i} ${this.done.reboots}`),
        })
        serveEcho(peer, this.clock)
        return peer
    }

    /** Has something happen now and then until `count` connections were opened. */
    traffic(count: number): void {
        const { clock, random } = this
        const next = () => {
            const what = random.integer(40)
            if (what === 0) this.reboot()
            else if (what < 8) this.outgoing()
            else this.incoming(random.integer(5) === 0)
            if (this.done.opened < count) clock.at(clock.now() + random.integer(PAUSE), next)
        }
        clock.at(clock.now(), next)
    }

    private reboot(): void {
        const i = this.random.integer(2)
        this.peers[i].stop()
        this.done.reboots++
        this.peers[i] = this.plugIn(i)
    }

    /** A peer says something to the device's echo and closes; or goes away in the middle of it. */
    private incoming(aborts: boolean): void {
        const { clock, random, peers, done } = this
        const peer = peers[random.integer(2)]
        const text = "x".repeat(1 + random.integer(1500))
        let heard = 0
        let connection: HostConnection | undefined
        try {
            connection = peer.connect(DEVICE, 7, {
                data: (one, said) => {
                    heard += said.length
                    if (heard < text.length) return
                    done.echoed++
                    one.close()
                },
            })
        } catch {
            // as many under way as the peer has records for
            return
        }
        const one = connection
        done.opened++
        one.send(text)
        if (!aborts) return
        clock.at(clock.now() + random.integer(300), () => {
            done.aborted++
            one.abort()
        })
    }

    /** The device's program connects, talks and lets go. */
    private outgoing(): void {
        const { device, random, clock } = this
        const ip = PEERS[random.integer(2)]
        this.done.opened++
        const fail = () => {}
        device.command(`connect ${ip} ${random.integer(4) === 0 ? 9 : 7}`).then(reply => {
            const id = /^connection (\d+)/.exec(reply.lines[0])?.[1]
            if (id === undefined) return
            device.command(`send ${id} hello`).catch(fail)
            const end = random.integer(3) === 0 ? "abort" : "close"
            clock.at(clock.now() + 500, () => void device.command(`${end} ${id}`).catch(fail))
        }, fail)
    }

    async pass(ms: number): Promise<void> {
        await this.clock.runUntil(() => this.panic !== "", this.clock.now() + ms)
        if (this.panic !== "") throw new Error(this.panic)
    }

    /** What the console says of connections, while the clock runs. */
    async command(line: string): Promise<string[]> {
        let lines: string[] | undefined
        void this.device.command(line).then(reply => {
            lines = reply.lines
        })
        await this.clock.runUntil(() => lines !== undefined || this.panic !== "", this.clock.now() + MINUTE)
        if (lines === undefined) throw new Error(this.panic || `"${line}" is not answered`)
        return lines
    }

    /** Ends what a peer that was switched off has left behind, and waits for TIME-WAIT to pass. */
    async settle(): Promise<void> {
        await this.pass(2 * MINUTE)
        for (const row of await this.command("connections")) {
            const id = /^ *(\d+) /.exec(row)?.[1]
            if (id !== undefined && !row.includes("LISTEN")) await this.command(`abort ${id}`)
        }
        await this.pass(2 * MINUTE)
    }
}

test(`${CONNECTIONS} connections on the VM leave the heap as it was`, async () => {
    const bench = new Bench()
    await bench.device.start()
    await bench.pass(1000)
    // what is taken with the first use is no leak
    bench.traffic(10)
    await bench.pass(20_000)
    await bench.settle()
    const tables = await bench.command("connections")
    const before = await bench.device.liveHeap()
    bench.traffic(CONNECTIONS)
    await bench.pass(CONNECTIONS * PAUSE)
    await bench.settle()
    const after = await bench.device.liveHeap()
    const { opened, echoed, aborted, reboots } = bench.done
    console.log(
        `${opened} connections on the VM, ${echoed} echoed, ${aborted} aborted, ${reboots} reboots of a peer: ` +
            `${before.used} bytes of heap before, ${after.used} after`
    )
    expect(await bench.command("connections")).toEqual(tables)
    expect(Math.abs(after.used - before.used)).toBeLessThan(NOISE)
    expect(opened).toBeGreaterThanOrEqual(CONNECTIONS)
    // of other seeds 133 to 180: what finds all records held by a peer that was switched off is not served
    expect(echoed).toBeGreaterThan(CONNECTIONS / 3)
    bench.device.stop()
    await bench.ethernet.close()
}, 120_000)
