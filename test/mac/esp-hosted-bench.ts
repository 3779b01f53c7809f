// The ESP-Hosted driver on the Node stand-in against a scripted co-processor, in virtual time. The co-processor does what a test says, and no
// more: lines, transactions and messages as slave/main/spi_slave_api.c of esp-hosted-mcu 2.12.12 has them.

import * as ds from "@devicescript/core"
import { Buffer as Bytes } from "@devicescript/core"
import { expect, vi } from "vitest"
import { VirtualClock } from "../../sim/time/clock"
import type { EspHostedOptions } from "../../src/mac/esp-hosted"
import { MacCounter } from "../../src/mac/mac"
import { power } from "../../src/mac/poll-wait"
import { type Credentials, station, type Wifi, wifi } from "../../src/mac/wifi"
import { scan } from "../../src/mac/wifi-scan"

/** The functions of the runtime that a bench puts its own in the place of. */
const runtime = vi.hoisted(() => ({
    millis: (): number => 0,
    sleep: async (_ms: number): Promise<void> => {},
    spiConfigure: (..._pins: number[]): void => {},
    spiXfer: async (_tx: Bytes, _rx: Bytes): Promise<void> => {},
}))

vi.mock("@devicescript/core", async original => ({
    ...(await original<typeof import("@devicescript/core")>()),
    millis: () => runtime.millis(),
    sleep: (ms: number) => runtime.sleep(ms),
    spiConfigure: (...pins: number[]) => runtime.spiConfigure(...pins),
    spiXfer: (tx: Bytes, rx: Bytes) => runtime.spiXfer(tx, rx),
}))

/** A test has these from here, as they are to be loaded after the runtime was replaced. */
export const program = { scan: (mac: Wifi) => scan(mac), station: () => station() }

export const STATION = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]
export const BSSID = [0x0a, 1, 2, 3, 4, 5]
const TRANSACTION = 1600
const HEADER = 12
export const Kind = { Station: 1, Serial: 3, Hci: 4, Private: 5, Dummy: 8 } as const
export const Id = {
    SetMac: 258,
    SetMode: 260,
    SetPs: 270,
    Init: 278,
    Start: 280,
    Connect: 282,
    SetConfig: 284,
    ScanStart: 286,
    SetStorage: 313,
    Rssi: 341,
    ApRecord: 351,
    ScanDone: 774,
    Connected: 775,
    Disconnected: 776,
} as const

/** A varint of any integer. */
export function varint(value: number | bigint): number[] {
    let rest = BigInt.asUintN(64, BigInt(value))
    const bytes: number[] = []
    while (rest > 127n) {
        bytes.push(Number(rest & 127n) | 128)
        rest >>= 7n
    }
    return [...bytes, Number(rest)]
}

/** A protobuf field: an integer, or bytes, or a message, by what it is given. Zeros are left out, as in proto3. */
export function pb(number: number, value: number | readonly number[]): number[] {
    if (typeof value !== "number") return [...varint(number * 8 + 2), ...varint(value.length), ...value]
    return value === 0 ? [] : [...varint(number * 8), ...varint(value)]
}

/** The fields of a protobuf message: numbers, or bytes. */
export function fields(bytes: Uint8Array): Map<number, number | Uint8Array> {
    const found = new Map<number, number | Uint8Array>()
    let at = 0
    const next = () => {
        let value = 0n
        for (let shift = 0n; ; shift += 7n) {
            const byte = bytes[at++]!
            value |= BigInt(byte & 127) << shift
            if (byte < 128) return Number(BigInt.asIntN(64, value))
        }
    }
    while (at < bytes.length) {
        const tag = next()
        if (tag % 8 === 0) found.set(Math.floor(tag / 8), next())
        else {
            const length = next()
            found.set(Math.floor(tag / 8), bytes.subarray(at, at + length))
            at += length
        }
    }
    return found
}

export function sum(bytes: Uint8Array): number {
    return bytes.reduce((total, byte) => (total + byte) & 0xffff, 0)
}

export interface Sent {
    kind: number
    flags?: number
    payload: readonly number[] | Uint8Array
    /** What the header says instead. */
    length?: number
    offset?: number
    checksum?: number
    throttle?: number
    /** All 1,600 bytes. */
    raw?: Uint8Array
}

export interface Request {
    id: number
    uid: number
    payload: Uint8Array
}

/** What a co-processor does of itself, and what a test may change. */
export class Coprocessor {
    handshake: 0 | 1 = 0
    ready: 0 | 1 = 0
    /** Milliseconds from a reset to the first message, from a transaction to the next, from a request to its response. */
    bootTime = 700
    armTime = 0
    answerTime = 0
    joinTime = 10
    /** Keeps the handshake line down. */
    stuck = false
    /** Sends no responses. */
    mute = false
    checksum = true
    firmware = [2, 12, 12]
    /** More entries of the first message. */
    entries: number[] = []
    throttle = 0
    /** The payload of a response, by request; undefined for none. An id that is missing has status 0. */
    answers = new Map<number, (request: Request) => number[] | undefined>()
    /** Why the access point refuses; 0 when it does not. */
    refuses = 0
    connected = false
    readonly requests: Request[] = []
    readonly frames: Uint8Array[] = []
    /** Private messages. */
    readonly hellos: Uint8Array[] = []
    /** What was wrong with what the host sent. */
    readonly misuses: string[] = []
    resets = 0
    transactions = 0
    /** Bytes to change in the next transactions, by index, as the host sees them. */
    disturb: ((toHost: Uint8Array) => void) | undefined
    private queue: { serial: boolean; bytes: Uint8Array }[] = []
    private armed: Uint8Array | undefined
    private held = false
    private sequence = 0
    private generation = 0

    constructor(private readonly clock: VirtualClock) {}

    reset(level: 0 | 1): void {
        if (level === 0) {
            this.held = true
            this.powerOff()
        } else if (this.held) {
            this.held = false
            this.resets++
            this.boot()
        }
    }

    /** Starts anew without having been asked. */
    reboot(): void {
        this.powerOff()
        this.boot()
    }

    private powerOff(): void {
        this.generation++
        this.queue = []
        this.armed = undefined
        this.connected = false
        this.handshake = this.ready = 0
    }

    private after(ms: number, what: () => void): void {
        const { generation } = this
        this.clock.at(this.clock.now() + ms, () => {
            if (generation === this.generation) what()
        })
    }

    private boot(): void {
        this.after(this.bootTime, () => {
            const [major = 0, minor = 0, patch = 0] = this.firmware
            const entries = [
                0x12,
                1,
                5,
                0x11,
                1,
                this.checksum ? 0xa0 : 0x20,
                0x16,
                4,
                0,
                0,
                0,
                0,
                0x13,
                1,
                0,
            ]
            entries.push(0x14, 1, 20, 0x15, 1, 20, 0x17, 4, patch, minor, major, 0, ...this.entries)
            this.push({ kind: Kind.Private, payload: [0x22, entries.length, ...entries] }, 0x33)
            this.arm()
            this.event(769, pb(2, 1))
        })
    }

    /** Queues something for the host. */
    push(sent: Sent, packet = 0): void {
        const { kind, flags = 0, payload, length = payload.length, offset = HEADER, raw } = sent
        const bytes = new Uint8Array(TRANSACTION)
        bytes.set(payload.slice(0, TRANSACTION - HEADER), HEADER)
        const seq = kind === Kind.Serial ? ++this.sequence & 0xffff : 0
        bytes.set([
            kind,
            flags,
            length & 255,
            length >> 8,
            offset & 255,
            offset >> 8,
            0,
            0,
            seq & 255,
            seq >> 8,
        ])
        bytes[10] = sent.throttle ?? 0
        bytes[11] = packet
        const total = sent.checksum ?? (this.checksum ? sum(bytes.subarray(0, HEADER + payload.length)) : 0)
        bytes.set([total & 255, total >> 8], 6)
        this.queue.push({ serial: kind === Kind.Serial, bytes: raw ?? bytes })
        this.ready = 1
    }

    /** Queues a frame from the air. */
    deliver(frame: Uint8Array): void {
        this.push({ kind: Kind.Station, payload: frame })
    }

    /** Queues a message of the serial interface. */
    say(endpoint: "RPCRsp" | "RPCEvt", message: readonly number[]): void {
        const name = [...new TextEncoder().encode(endpoint)]
        this.push({
            kind: Kind.Serial,
            payload: [1, 6, 0, ...name, 2, message.length & 255, message.length >> 8, ...message],
        })
    }

    event(id: number, payload: readonly number[]): void {
        this.say("RPCEvt", [...pb(1, 3), ...pb(2, id), ...pb(id, payload)])
    }

    /** The station joins an access point, or has it told again. */
    join(bssid: readonly number[] = BSSID): void {
        this.connected = true
        const ssid = [...new TextEncoder().encode("home"), ...Array<number>(28).fill(0)]
        const told = [...pb(1, ssid), ...pb(2, 4), ...pb(3, bssid), ...pb(4, 6), ...pb(5, 3), ...pb(6, 1)]
        this.event(Id.Connected, pb(2, told))
    }

    /** The station is not connected any more. */
    leave(reason: number): void {
        this.connected = false
        this.event(Id.Disconnected, pb(2, [...pb(3, BSSID), ...pb(4, reason), ...pb(5, -70)]))
    }

    /** Gets the next transaction ready: a message, a frame, or a dummy, which lowers the data-ready line. */
    private arm(): void {
        const serial = this.queue.findIndex(it => it.serial)
        const [next] = this.queue.splice(Math.max(0, serial), 1)
        if (next === undefined) {
            this.ready = 0
            this.armed = new Uint8Array(TRANSACTION)
            this.armed[0] = 0xf8
            this.armed[10] = this.throttle
        } else this.armed = next.bytes
        this.handshake = this.stuck ? 0 : 1
    }

    /** Lets the handshake line go up again. */
    unstick(): void {
        this.stuck = false
        if (this.armed !== undefined) this.handshake = 1
    }

    /** Chip select falls. */
    select(): void {
        if (this.handshake === 0) this.misuses.push("a transaction without handshake")
        this.handshake = 0
    }

    /** Chip select rises. */
    deselect(): void {
        if (this.armed !== undefined) return
        this.after(this.armTime, () => this.arm())
    }

    /** One transaction; `bytes` holds what the host sends, and then what it receives. */
    transfer(bytes: Uint8Array): void {
        this.transactions++
        if (bytes.length !== TRANSACTION) this.misuses.push(`${bytes.length} bytes`)
        const received = bytes.slice()
        const { armed } = this
        bytes.fill(0)
        if (armed !== undefined) bytes.set(armed)
        this.armed = undefined
        this.disturb?.(bytes)
        if (armed !== undefined) this.take(received)
    }

    private take(bytes: Uint8Array): void {
        const length = bytes[2]! | (bytes[3]! << 8)
        if (length === 0) return
        const offset = bytes[4]! | (bytes[5]! << 8)
        const total = bytes[6]! | (bytes[7]! << 8)
        if (offset !== HEADER || length + offset > TRANSACTION || bytes[1] !== 0) {
            this.misuses.push(`a header of ${bytes.slice(0, HEADER)}`)
            return
        }
        bytes[6] = bytes[7] = 0
        const expected = this.checksum ? sum(bytes.subarray(0, offset + length)) : 0
        if (total !== expected) this.misuses.push(`checksum ${total} instead of ${expected}`)
        const payload = bytes.slice(offset, offset + length)
        if (bytes[0] === Kind.Station) this.frames.push(payload)
        else if (bytes[0] === Kind.Private) this.hellos.push(payload)
        else if (bytes[0] === Kind.Serial) this.request(payload)
        else this.misuses.push(`interface ${bytes[0]}`)
    }

    private request(payload: Uint8Array): void {
        const head = String.fromCharCode(...payload.subarray(3, 9))
        const length = payload[10]! | (payload[11]! << 8)
        if (head !== "RPCRsp" || payload.length !== length + 12)
            this.misuses.push("an endpoint that is not one")
        const rpc = fields(payload.subarray(12))
        const request = {
            id: rpc.get(2) as number,
            uid: rpc.get(3) as number,
            payload: rpc.get(rpc.get(2) as number) as Uint8Array,
        }
        if (rpc.get(1) !== 1 || request.payload === undefined) this.misuses.push("a request that is not one")
        this.requests.push(request)
        if (this.mute) return
        this.after(this.answerTime, () => this.respond(request))
    }

    private respond(request: Request): void {
        const { id, uid } = request
        const answer = this.answers.get(id)
        const payload = answer === undefined ? this.usual(id) : answer(request)
        if (payload !== undefined)
            this.say("RPCRsp", [...pb(1, 2), ...pb(2, id + 256), ...pb(3, uid), ...pb(id + 256, payload)])
        if (id === Id.Connect && !this.connected)
            this.after(this.joinTime, () => (this.refuses === 0 ? this.join() : this.leave(this.refuses)))
    }

    private usual(id: number): number[] {
        if (id !== Id.Rssi) return []
        return this.connected ? pb(2, -55) : pb(1, 0x300f)
    }

    /** Ids of the requests since the last call. */
    get asked(): number[] {
        return this.requests.splice(0).map(({ id }) => id)
    }
}

/** What the driver asks until it joins. */
export const SET_UP = [
    Id.Init,
    Id.SetMode,
    Id.SetMac,
    Id.SetStorage,
    Id.SetConfig,
    Id.Start,
    Id.SetPs,
    Id.Connect,
]

export interface BenchOptions {
    ssid?: string
    password?: string
    /** Takes the place of `ssid` and `password`. */
    credentials?: () => Promise<Credentials>
    driver?: Partial<EspHostedOptions>
    /** Milliseconds that a transfer takes; 1.3 for 1,600 bytes at 10 MHz when left out. */
    transferTime?: number
    frameSize?: number
}

export class Bench {
    readonly clock = new VirtualClock()
    readonly chip = new Coprocessor(this.clock)
    readonly mac: Wifi
    readonly received: Uint8Array[] = []
    readonly into: Bytes
    readonly warnings: string[] = []
    /** What a program was told: problem, or link up. */
    readonly told: string[] = []
    configuration: number[] = []
    private selected = false
    private busy = false
    busyUntil = 0
    selections = 0

    constructor(options: BenchOptions = {}) {
        const { ssid = "home", password = "password", transferTime = 1.3, frameSize = 1518 } = options
        this.into = Bytes.alloc(frameSize)
        const pins = {
            miso: this.pin(16),
            mosi: this.pin(19),
            sck: this.pin(18),
            cs: this.pin(17),
            handshake: this.pin(21),
            ready: this.pin(22),
            reset: this.pin(20),
        }
        const { credentials } = options
        const network = credentials ? { credentials } : { ssid, password }
        this.mac = wifi({ ...network, ...pins, ...options.driver })(Bytes.from(STATION)) as Wifi
        vi.spyOn(this.mac.onchange, "emit").mockImplementation(it => {
            this.told.push(it.linkUp ? "up" : it.problem)
        })
        runtime.millis = () => Math.floor(this.clock.now())
        runtime.sleep = ms => this.clock.runUntil(this.clock.now() + ms)
        runtime.spiConfigure = (...spi) => {
            this.configuration = spi
        }
        runtime.spiXfer = async (tx, rx) => {
            if (this.busy || this.clock.now() < this.busyUntil) throw new RangeError("SPI busy")
            if (tx.length !== rx.length || tx.length > 4096)
                throw new RangeError("no such transfer on the board")
            this.busy = true
            rx.blitAt(0, tx, 0, tx.length)
            if (this.selected) this.chip.transfer(new Uint8Array(rx.buffer, rx.byteOffset, rx.length))
            if (transferTime > 0)
                await this.clock.runUntil(this.clock.now() + (transferTime * tx.length) / 1600)
            this.busy = false
        }
        power.woken = false
        power.idle = ms => this.clock.runUntil(this.clock.now() + Math.max(1, Math.min(ms, this.untilNext())))
        vi.spyOn(console, "warn").mockImplementation((line: string) => void this.warnings.push(line))
    }

    counter(counter: MacCounter): number {
        return this.mac.counters.getAt(counter, "i32")
    }

    /** All counters that tell of trouble, by name. */
    get trouble(): Record<string, number> {
        const all = {
            badLength: this.counter(MacCounter.BadLength),
            tooLong: this.counter(MacCounter.TooLong),
            resync: this.counter(MacCounter.Resync),
            sendTimeout: this.counter(MacCounter.SendTimeout),
            chipReset: this.counter(MacCounter.ChipReset),
            repair: this.counter(MacCounter.Repair),
        }
        return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0))
    }

    async receive(): Promise<Uint8Array | undefined> {
        const length = await this.mac.receive(this.into)
        if (length === 0) return undefined
        const frame = Uint8Array.from(this.into.subarray(0, length))
        this.received.push(frame)
        return frame
    }

    /** What a program's loop does for `ms`: receives what there is, and waits. */
    async run(ms: number): Promise<void> {
        const end = this.clock.now() + ms
        while (this.clock.now() < end) {
            if ((await this.receive()) === undefined) await this.mac.rest(Math.ceil(end - this.clock.now()))
        }
    }

    /** Runs until something holds, `ms` at most. Returns how long that took. */
    async until(what: () => boolean, ms = 10_000): Promise<number> {
        const start = this.clock.now()
        while (!what()) {
            if (this.clock.now() - start > ms) throw new Error(`not within ${ms} ms`)
            await this.run(1)
        }
        return Math.round(this.clock.now() - start)
    }

    async send(frame: Uint8Array): Promise<boolean> {
        const from = Bytes.alloc(Math.max(1514, frame.length))
        from.blitAt(0, Bytes.from(frame), 0, frame.length)
        return this.mac.send(from, frame.length)
    }

    private untilNext(): number {
        return Math.ceil(this.clock.next() - this.clock.now())
    }

    private pin(gpio: number): ds.IOPin {
        const { chip } = this
        const pin = {
            gpio,
            mode: ds.GPIOMode.Off,
            setMode: (mode: ds.GPIOMode) => {
                pin.mode = mode
                const output = (mode & ds.GPIOMode.BaseModeMask) === ds.GPIOMode.Output
                if (output !== gpio < 21) throw new Error(`pin ${gpio} in mode ${mode}`)
                if (output) this.level(gpio, mode === ds.GPIOMode.OutputHigh ? 1 : 0)
            },
            get value() {
                if (pin.mode !== ds.GPIOMode.InputPullDown) return undefined
                return gpio === 21 ? chip.handshake : chip.ready
            },
        }
        return pin as unknown as ds.IOPin
    }

    private level(gpio: number, level: 0 | 1): void {
        if (gpio === 20) this.chip.reset(level)
        else if (gpio === 17) {
            if (level === 0) {
                this.selections++
                this.chip.select()
            } else if (this.selected) this.chip.deselect()
            this.selected = level === 0
        } else throw new Error(`pin ${gpio} belongs to the SPI bus`)
    }
}

/** A bench whose station is connected. */
export async function connected(options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(options)
    await bench.mac.start()
    await bench.until(() => bench.mac.linkUp)
    await bench.run(5)
    bench.chip.requests.length = 0
    return bench
}

/** A frame for the driver's station, or from it: `length` bytes, different for each `seed`. */
export function frame(length: number, seed = 0): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 14; i < length; i++) bytes[i] = (i * 13 + seed * 7 + (i >> 8)) & 0xff
    bytes.set([...STATION, 0x02, 0, 0, 0, 0, 1, 0x88, 0xb5])
    return bytes
}

/** Asserts that frames go both ways at once. */
export async function works(bench: Bench): Promise<void> {
    bench.chip.frames.length = bench.received.length = 0
    bench.chip.deliver(frame(60, 7))
    expect(await bench.send(frame(70, 8))).toBe(true)
    await bench.run(10)
    expect(bench.received).toEqual([frame(60, 7)])
    expect(bench.chip.frames).toEqual([frame(70, 8)])
    expect(bench.chip.misuses).toEqual([])
}
