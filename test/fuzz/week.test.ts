// A week in the life of three hosts: thousands of connections are opened, used, closed, aborted and left alone, on a
// wire that loses frames and is pulled out for hours, and hosts are switched off in the middle of it all. At the end
// nothing is left.

import { expect, test } from "vitest"
import { Random } from "../../sim/time/random"
import { counterNames } from "../../src/base/counters"
import { abort, accept, close, connect, listen } from "../../src/tcp/calls"
import { setKeepAlive } from "../../src/tcp/connection-settings"
import { Tcb, TcpError } from "../../src/tcp/records"
import { findConnection } from "../../src/tcp/tables"
import { Host, ip } from "../support/host"
import { type Ending, type Habits, LossyWire, Program } from "../support/lossy"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const WEEK = 7 * DAY

const PORT = 80
/** Milliseconds between two connections, on average. */
const PAUSE = 150 * SECOND
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
/** Nobody has this one. */
const NOBODY = "10.0.0.77"

/** What both ends of a connection will do. */
interface Plan {
    kind: "talk" | "abort" | "silence"
    client: Habits
    server: Habits
}

class Week {
    readonly wire: LossyWire
    readonly random: Random
    /** Plans of connections under way, by the client's address and port. */
    readonly plans = new Map<string, Plan>()
    private readonly listeners = new Map<Host, number>()
    /** Both programs of each conversation that was carried through. */
    readonly pairs = new Map<Plan, Program[]>()
    readonly done = { opened: 0, refused: 0, talked: 0, failed: 0, reboots: 0, cuts: 0 }
    /** Connections that no program holds. */
    private readonly idle: { host: Host; id: number }[] = []

    constructor(seed: number) {
        this.random = new Random(seed)
        const impairment = { loss: 0.03, duplicate: 0.02, corrupt: 0.01, sparesArp: false }
        const hosts = ADDRESSES.map(address => this.boot(address))
        this.wire = new LossyWire(hosts, { seed, ...impairment, delay: [1, 40] })
        this.wire.mostFrames = 10_000_000
        this.wire.checkEvery = 16
    }

    /** A host as it is after it was switched on: the default configuration. */
    boot(address: string): Host {
        const host = new Host(address)
        this.random.fill(host.stack.hashInput.subarray(0, 16))
        this.listeners.set(host, listen(host.stack, PORT, 4))
        return host
    }

    run(): void {
        this.wire.after(0, () => this.openNext())
        for (let at = 0; at < WEEK; at += 6 * HOUR) {
            this.wire.after(at + this.random.integer(6 * HOUR), () => this.pull())
            this.wire.after(at + this.random.integer(6 * HOUR), () => this.reboot())
        }
        this.wire.runUntil(() => this.acceptAll(), WEEK)
    }

    /** The cable is out for a minute, or for up to three hours. */
    private pull(): void {
        this.done.cuts++
        this.wire.pulled = true
        const ms = this.random.integer(2) === 0 ? MINUTE : this.random.integer(3 * HOUR)
        this.wire.after(ms, () => {
            this.wire.pulled = false
        })
    }

    private reboot(): void {
        this.done.reboots++
        const { hosts } = this.wire
        const at = this.random.integer(hosts.length)
        this.listeners.delete(hosts[at])
        hosts[at] = this.boot(ADDRESSES[at])
    }

    /** One connection, or now and then more at once than the tables have room for. */
    private openNext(): void {
        const { random, wire } = this
        for (let i = random.integer(30) === 0 ? 12 : 1; i > 0; i--) this.openOne()
        if (wire.now < WEEK - DAY / 2) wire.after(random.integer(2 * PAUSE), () => this.openNext())
    }

    private openOne(): void {
        const { random, wire } = this
        const host = wire.hosts[random.integer(3)]
        const others = wire.hosts.filter(h => h !== host)
        const what = random.integer(20)
        const to = what === 0 ? NOBODY : others[random.integer(2)].address
        const now = wire.now | 0
        const id = connect(host.stack, ip(to), what === 1 ? 81 : PORT, 0, now)
        if (id > 0) {
            this.done.opened++
            this.use(host, id)
        } else {
            // all records are taken, or what connects is itself not up
            this.done.refused++
        }
    }

    private use(host: Host, id: number): void {
        const { random, plans } = this
        const ports = findConnection(host.stack, id)!.getAt(Tcb.Ports, "i32")
        const port = ((ports >> 8) & 0xff00) | (ports >>> 24)
        const what = random.integer(10)
        const kind = what < 7 ? "talk" : what < 9 ? "abort" : "silence"
        const endings: [Ending, Ending][] = [
            ["shutdown", "shutdown"],
            ["close", "last"],
            ["last", "shutdown"],
            ["shutdown", "last"],
        ]
        const [mine, theirs] = endings[random.integer(endings.length)]
        const [total, expected] = [random.integer(4000), random.integer(4000)]
        const common = { writes: 1500, reads: 1500, pause: 500, fickle: false, keepAlive: true }
        const plan: Plan = {
            kind,
            client: { ...common, total, expected, ending: mine, tag: 3, seed: id },
            server: { ...common, total: expected, expected: total, ending: theirs, tag: 89, seed: ~id },
        }
        plans.set(`${host.address}:${port}`, plan)
        this.pairs.set(plan, [])
        this.begin(host, id, plan, plan.client)
    }

    private begin(host: Host, id: number, plan: Plan, habits: Habits): void {
        const { random, wire } = this
        if (plan.kind === "silence") {
            // some ask whether the other is there still, and some never will
            if (random.integer(2) === 0) setKeepAlive(host.stack, id, true, wire.now | 0)
            this.idle.push({ host, id })
            if (this.idle.length > 2) this.forget(this.idle.shift()!)
            return
        }
        this.pairs.get(plan)!.push(new Program(wire, host, id, habits))
        if (plan.kind === "abort")
            wire.after(random.integer(10 * SECOND), () => abort(host.stack, id, wire.now | 0))
    }

    private forget({ host, id }: { host: Host; id: number }): void {
        close(host.stack, id, this.wire.now | 0)
    }

    /** Takes what waits to be accepted. Never done. */
    private acceptAll(): boolean {
        for (const [host, listener] of this.listeners) {
            for (let id = accept(host.stack, listener); id > 0; id = accept(host.stack, listener)) {
                const c = findConnection(host.stack, id)!
                const ports = c.getAt(Tcb.Ports, "i32")
                const port = ((ports & 0xff) << 8) | ((ports >> 8) & 0xff)
                const peer = ADDRESSES.find(address => ip(address) === c.getAt(Tcb.RemoteIp, "i32"))
                const plan = this.plans.get(`${peer}:${port}`)
                if (plan === undefined) close(host.stack, id, this.wire.now | 0)
                else this.begin(host, id, plan, plan.server)
            }
        }
        return false
    }

    /** Lets go of everything, and waits. */
    end(): void {
        this.wire.pulled = false
        for (const connection of this.idle) this.forget(connection)
        this.wire.runUntil(() => this.acceptAll(), 12 * HOUR)
        for (const [host, listener] of this.listeners) close(host.stack, listener, this.wire.now | 0)
        this.wire.runUntil(() => this.acceptAll(), 12 * HOUR)
    }

    /** Whoever came to an end without an error has heard all that the other said, and nothing else. */
    check(): void {
        for (const [plan, programs] of this.pairs) {
            if (plan.kind !== "talk") continue
            this.done.failed += programs.filter(p => p.error !== TcpError.None).length
            const [first, second] = programs
            if (first === undefined || second === undefined) continue
            for (const [one, other] of [
                [first, second],
                [second, first],
            ]) {
                const wrong = one.heard.findIndex((byte, at) => byte !== other.byte(at))
                expect(wrong, "the first byte that was not said").toBe(-1)
                if (one.heard.length === other.habits.total) this.done.talked++
            }
        }
    }
}

/** What an object holds, with all that it refers to: how many of what, and how large. Values do not count. */
function shapeOf(object: object, seen = new Set<object>()): unknown {
    if (seen.has(object)) return "seen"
    seen.add(object)
    if (object instanceof Uint8Array) return object.length
    return Object.fromEntries(
        Object.entries(object).map(([key, value]) => [
            key,
            typeof value === "object" && value !== null ? shapeOf(value, seen) : typeof value,
        ])
    )
}

test("a week of three hosts leaves tables empty, and no object has grown", () => {
    const week = new Week(Number(process.env.SEED ?? 3))
    const other = new Host("10.0.0.9")
    // the first listener brings the passive opens along
    listen(other.stack, 7, 1)
    const fresh = shapeOf(other.stack)
    week.run()
    week.end()
    week.check()
    for (const host of week.wire.hosts) {
        const { stack } = host
        expect([stack.connsEnd, stack.halvesEnd, stack.waitsEnd], host.address).toEqual([0, 0, 0])
        expect(host.next(week.wire.now), host.address).toBe(Number.POSITIVE_INFINITY)
        expect(shapeOf(stack)).toEqual(fresh)
    }
    const { done, wire } = week
    const names = counterNames.split(" ")
    const seen = names.filter((_, i) => wire.hosts.some(h => h.stack.counters.getAt(4 * i, "i32") > 0))
    console.log(
        `a week: ${done.opened} connections, ${wire.frames.toLocaleString("en")} frames, ` +
            `${done.talked} ends heard all, ${done.failed} failed, ${done.refused} not opened; ` +
            `counted: ${seen.join(" ")}`
    )
    expect(done.opened).toBeGreaterThan(3000)
    expect(done.talked).toBeGreaterThan(3000)
    expect([done.cuts, done.reboots]).toEqual([28, 28])
    expect(done.failed).toBeGreaterThan(10)
}, 300_000)
