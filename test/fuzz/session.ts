// One session of the fuzzer: a stack with a configuration of its own, peers around it, a program on it, and some
// hundred frames and calls, all from one seed. At the end everything is closed, time passes, and nothing may be left.

import { Random } from "../../sim/time/random"
import { State, Tcb } from "../../src/tcp/records"
import { Generator, type Mood } from "./generator"
import { oneIn, pick } from "./options"
import { Found, Remote } from "./remote"
import { CallKind, StackUnderTest, type Step } from "./stack-under-test"

const DAY = 86_400_000
/** 10.0.0.2 and so on; and one behind the router. */
const LOCAL = 0x0000000a
const FAR = 0x0907a8c0
const ROUTER = 0xfe00000a | 0
/** The most ids that a program holds before it closes one. */
const MOST_IDS = 12

export interface Setup {
    seed: number
    /** Instead of what the seed says. */
    config?: Record<string, number>
    start?: number
    remotes?: number
}

/** How often the fuzzer got where: by the state of what a frame was for, and by counter. */
export class Coverage {
    readonly states = new Map<string, number>()
    readonly counters: number[] = []
    received = 0
    sent = 0
    /** Most frames in answer to one. */
    most = 0

    saw(state: string): void {
        this.states.set(state, (this.states.get(state) ?? 0) + 1)
    }
}

export class Session {
    readonly target: StackUnderTest
    readonly config: Record<string, number>
    readonly secret: Uint8Array
    readonly start: number
    /** All is closed, and time has passed. */
    finished = false
    private readonly random: Random
    private readonly generator: Generator
    private readonly remotes: Remote[] = []
    /** No more than a second passes at once: much happens before a timer expires. */
    private readonly hurried: boolean
    /** Who sent last. */
    private last: Remote
    private readonly ids: number[] = []
    private readonly listeners: number[] = []

    constructor(
        readonly setup: Setup,
        private readonly coverage: Coverage
    ) {
        const random = new Random(setup.seed)
        this.random = random
        this.config = setup.config ?? someConfig(random)
        this.secret = random.fill(new Uint8Array(16))
        this.start =
            setup.start ?? pick(random, [0, 1000, 0x7fff_f000, 0xffff_f000, random.integer(0x1_0000_0000)])
        this.target = new StackUnderTest(this.config, this.secret, this.start)
        this.hurried = oneIn(random, 2)
        const count = setup.remotes ?? 1 + random.integer(6)
        for (let i = 0; i < count; i++) this.remotes.push(this.someRemote(i))
        this.last = this.remotes[0]
        const mood: Mood = {
            mutated: pick(random, [0, 20, 40, 60, 80]),
            ending: pick(random, [2, 10, 40]),
            shutting: pick(random, [0, 2, 10]),
            losing: pick(random, [0, 10, 50]),
        }
        this.generator = new Generator(this.target, this.remotes, random, mood)
        this.target.observer = { sent: (frame, length) => this.hears(frame, length) }
    }

    private someRemote(i: number): Remote {
        const { random } = this
        const far = oneIn(random, 5)
        const ip = far ? FAR : LOCAL | ((2 + random.integer(3)) << 24)
        const isServer = oneIn(random, 3)
        const r = new Remote(
            ip,
            far ? ROUTER : ip,
            5000 + i,
            isServer ? 40_000 + i : 80 + random.integer(2),
            isServer
        )
        r.clock = random.integer(0x1_0000_0000) | 0
        r.window = pick(random, [500, 1460, 4096, 65_535])
        return r
    }

    /** Goes on until the stack has been given `frames` frames, then brings all to its end. */
    run(frames: number): void {
        this.begin()
        while (this.target.received < frames) this.step()
        this.finish()
        const { coverage, target } = this
        coverage.received += target.received
        coverage.sent += target.sent
        coverage.most = Math.max(coverage.most, target.rules.most)
        const { counters } = target.stack
        for (let at = 0; at < counters.length; at += 4) {
            coverage.counters[at / 4] = (coverage.counters[at / 4] ?? 0) + counters.getAt(at, "i32")
        }
    }

    private begin(): void {
        this.listeners.push(this.target.call(CallKind.Listen, 80, 1 + this.random.integer(4), 0))
        if (oneIn(this.random, 2)) this.listeners.push(this.target.call(CallKind.Listen, 81, 1, 0))
        // most neighbours are known from the start: they have asked for us
        for (const r of this.remotes) {
            if (oneIn(this.random, 4)) continue
            this.generator.builder.reset(new Uint8Array(6).fill(255), r.mac, r.hop, 0x0100000a)
            this.target.frame(
                this.generator.builder.arp(this.target.stack.rx, 1, r.mac, new Uint8Array(6)),
                false
            )
        }
    }

    private step(): void {
        const { random, target, generator, remotes } = this
        if (generator.repeats === 0) this.wait()
        if (generator.asked.length > 0 && !oneIn(random, 3)) {
            const r = generator.asked.pop()!
            target.frame(generator.arpReply(r), false)
            return
        }
        let r = generator.repeats > 0 ? this.last : pick(random, remotes)
        if (generator.repeats === 0 && random.integer(100) < 14) {
            this.program(r)
            return
        }
        const { view } = generator
        view.look(target.stack, r)
        // there is more to a connection than to none
        if (view.found !== Found.Connection) generator.repeats = 0
        for (let i = 0; i < 3 && view.found < Found.Half; i++) {
            r = pick(random, remotes)
            view.look(target.stack, r)
        }
        if (r.isServer && view.found === Found.Nothing && !oneIn(random, 5)) {
            this.connect(r)
            return
        }
        if (view.found === Found.Connection && oneIn(random, view.state === State.CloseWait ? 8 : 60)) {
            // the program is done with it
            this.letGo(target.stack.conns[view.at].getAt(Tcb.Id, "u16"))
            return
        }
        this.last = r
        this.coverage.saw(nameOf(view.found, view.state))
        target.frame(generator.frame(r), oneIn(random, 25))
    }

    private wait(): void {
        const { random, target } = this
        const what = random.integer(this.hurried ? 90 : 100)
        if (what < 60) return
        let ms = 0
        if (what < 85) ms = random.integer(50)
        else if (what < 95) ms = random.integer(1500)
        else if (what < 98) ms = Math.min(DAY, target.next() - target.at) + random.integer(2)
        else if (what < 99) ms = random.integer(70_000)
        else ms = oneIn(random, 10) ? random.integer(30 * DAY) : random.integer(400_000)
        target.pass(target.at + ms)
    }

    private connect(r: Remote): void {
        if (oneIn(this.random, 4)) this.target.call(CallKind.Iss, -1 - this.random.integer(400), 0, 0)
        this.hold(this.target.call(CallKind.Connect, r.ip, r.port, r.localPort))
    }

    private hold(id: number): void {
        if (id <= 0) return
        this.ids.push(id)
        if (this.ids.length <= MOST_IDS) return
        this.target.call(oneIn(this.random, 2) ? CallKind.Close : CallKind.Abort, this.ids.shift()!, 0, 0)
    }

    /** The program does something; now and then with unknown ids and values that are not valid. */
    private program(r: Remote): void {
        const { random, target, ids } = this
        const id = ids.length > 0 && !oneIn(random, 20) ? pick(random, ids) : random.integer(30) - 2
        const what = random.integer(24)
        if (what < 5) this.hold(target.call(CallKind.Accept, pick(random, this.listeners), 0, 0))
        else if (what < 10) target.call(CallKind.Write, id, random.integer(oneIn(random, 4) ? 6000 : 300), 0)
        else if (what < 15) this.read(id)
        else if (what === 15) this.connect(r)
        else if (what === 16) target.call(oneIn(random, 2) ? CallKind.Shutdown : CallKind.Close, id, 0, 0)
        else if (what === 17) this.letGo(id)
        else if (what === 18) target.call(CallKind.Limit, id, random.integer(1100), 0)
        else if (what === 19) target.call(CallKind.NoDelay, id, random.integer(2), 0)
        else if (what === 20) target.call(CallKind.KeepAlive, id, random.integer(2), 0)
        else if (what === 21) target.call(CallKind.UserTimeout, id, random.integer(200), 0)
        else if (what === 22) this.nonsense(id)
        else this.relisten()
    }

    private read(id: number): void {
        const { random, target } = this
        const length = random.integer(oneIn(random, 4) ? 9000 : 700)
        const count = target.call(CallKind.Read, id, length, 0)
        // the peer says no more, or the connection is over
        if (count < 0 && oneIn(random, 2)) this.letGo(id)
    }

    private letGo(id: number): void {
        if (this.listeners.includes(id)) return
        this.target.call(oneIn(this.random, 5) ? CallKind.Abort : CallKind.Close, id, 0, 0)
        const at = this.ids.indexOf(id)
        if (at >= 0) this.ids.splice(at, 1)
    }

    private nonsense(id: number): void {
        const { random, target } = this
        switch (random.integer(6)) {
            case 0:
                target.call(CallKind.Read, id, random.integer(20) - 10, random.integer(20) - 10)
                break
            case 1:
                target.call(CallKind.Write, id, -random.integer(10), random.integer(20) - 10)
                break
            case 2:
                target.call(
                    CallKind.Connect,
                    pick(random, [-1, 0, 0x0100000a, 0x010000e0, 0x0900000a]),
                    80,
                    0
                )
                break
            case 3:
                target.call(CallKind.Limit, id, pick(random, [0, -1, 70_000]), 0)
                break
            case 4:
                target.call(CallKind.UserTimeout, id, pick(random, [-1, 70_000]), 0)
                break
            default:
                target.call(CallKind.Listen, pick(random, [0, 80, 65_536]), random.integer(2), 0)
                break
        }
    }

    /** Closes a port, or opens one, so that connections wait for listeners that go. */
    private relisten(): void {
        const { random, target, listeners } = this
        if (oneIn(random, 4)) {
            const at = random.integer(listeners.length)
            target.call(CallKind.Close, listeners[at], 0, 0)
            const id = target.call(CallKind.Listen, 80 + random.integer(2), 1 + random.integer(3), 0)
            if (id > 0) listeners[at] = id
        }
    }

    /** Everything is let go of, and a week passes without a word from anybody. */
    private finish(): void {
        const { target, ids, listeners } = this
        target.pass(target.at)
        for (const id of [...ids, ...listeners]) target.call(CallKind.Close, id, 0, 0)
        // those of connections that the program never got to know, or has forgotten
        for (const c of target.stack.conns) {
            const id = c.getAt(Tcb.Id, "u16")
            if (id > 0) target.call(CallKind.Close, id, 0, 0)
        }
        target.pass(target.at + 7 * DAY)
        this.finished = true
        target.checkEmpty()
    }

    /** The remote that a frame is for learns of it. */
    private hears(frame: Uint8Array, length: number): void {
        const { remotes, generator } = this
        if (frame[12] === 8 && frame[13] === 6) {
            const asked = frame[38] | (frame[39] << 8) | (frame[40] << 16) | (frame[41] << 24)
            for (const r of remotes) {
                if (r.hop !== asked || frame[21] !== 1) continue
                generator.asked.push(r)
                return
            }
            return
        }
        if (frame[23] !== 6) return
        for (const r of remotes) {
            const ip = frame[30] | (frame[31] << 8) | (frame[32] << 16) | (frame[33] << 24)
            if (r.ip !== ip) continue
            if (((frame[36] << 8) | frame[37]) !== r.port || ((frame[34] << 8) | frame[35]) !== r.localPort)
                continue
            r.hears(frame, length)
            return
        }
    }
}

const foundNames = ["no connection", "LISTEN", "half open", "", "TIME-WAIT record"]
const stateNames =
    "CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT".split(
        " "
    )

/** Where a frame can find the connection that it is for, as Coverage has it. */
export const places = [...foundNames.filter(name => name !== ""), ...stateNames.slice(2)]

function nameOf(found: number, state: State): string {
    return found === Found.Connection ? stateNames[state] : foundNames[found]
}

/** A configuration in which tables are small, rings odd, and everything is on or off. */
function someConfig(random: Random): Record<string, number> {
    return {
        connections: 1 + random.integer(4),
        halfOpen: random.integer(4),
        timeWaits: pick(random, [0, 1, 1, 3]),
        listeners: 2,
        neighbours: 1 + random.integer(4),
        receiveBuffer: pick(random, [64, 100, 536, 1024, 1024, 2000, 4096]),
        sendBuffer: pick(random, [64, 100, 536, 1024, 1024, 2000, 4096]),
        mtu: pick(random, [576, 1000, 1500, 1500]),
        events: oneIn(random, 8) ? 4 : 0,
        timestamps: random.integer(2),
        sack: random.integer(2),
        nagle: random.integer(2),
        delayedAck: pick(random, [0, 1, 200, 499]),
        keepAliveIdle: pick(random, [1000, 60_000]),
        keepAliveInterval: pick(random, [100, 10_000]),
        keepAliveProbes: 1 + random.integer(4),
        timeWait: pick(random, [1, 500, 60_000, 240_000]),
        finWait2: pick(random, [1, 1000, 60_000]),
        rtoInitial: pick(random, [100, 1000, 3000]),
        rtoMin: pick(random, [1, 200, 1000]),
        rtoMax: pick(random, [1000, 60_000]),
        r2: pick(random, [1000, 20_000, 100_000]),
        r2Syn: pick(random, [1000, 180_000]),
        synAckRetries: random.integer(6),
        challengeInterval: pick(random, [0, 500, 500, 5000]),
    }
}

/** All that was done in a session, so that it can be done again. */
export interface Recording {
    config: Record<string, number>
    secret: Uint8Array
    start: number
    steps: Step[]
    /** It came to its end: nothing may be left behind the last step. */
    ended: boolean
    /** What it failed with. */
    error: unknown
    coverage: Coverage
}

/** Runs a session and keeps its steps, up to where it fails if it does. */
export function record(setup: Setup, frames: number): Recording {
    const coverage = new Coverage()
    const session = new Session(setup, coverage)
    const { config, secret, start } = session
    const steps: Step[] = []
    session.target.record = steps
    let failure: unknown
    try {
        session.run(frames)
    } catch (error) {
        failure = error
    }
    return { config, secret, start, steps, ended: session.finished, error: failure, coverage }
}
