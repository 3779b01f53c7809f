// A driver on the Node stand-in, its SPI bus and pins wired to its chip's model, in virtual time; the W5500's at the end.

import * as ds from "@devicescript/core"
import { Buffer, type Buffer as Bytes } from "@devicescript/core"
import { vi } from "vitest"
import type { SpiChip } from "../../sim/chip/chip"
import { type W5500Options as ChipOptions, W5500Chip } from "../../sim/chip/w5500"
import { VirtualClock } from "../../sim/time/clock"
import { type Mac, MacCounter } from "../../src/mac/mac"
import { power } from "../../src/mac/poll-wait"
import { W5500, type W5500Options } from "../../src/mac/w5500"

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

export const STATION = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]

/** SPI lines that are stuck at a level for some time, ms. */
export const STUCK_LINES = (["miso", "mosi"] as const).flatMap(line =>
    ([0x00, 0xff] as const).flatMap(level => [5, 50, 500, 5000].map(ms => ({ line, level, ms })))
)
const PEER = [0x02, 0, 0, 0, 0, 1]
const CHIP_SELECT = 17
const RESET = 20

/** What a bench has whatever chip is on it. */
export interface WiringOptions {
    /** Without a reset line the driver resets over SPI. */
    resetLine?: boolean
    /** Milliseconds that a transfer takes, as on a board; 0 when left out. */
    transferTime?: number
    /** Before the first transfer the clock is this many milliseconds late. */
    lateClock?: number
    /** The size of the buffers for frames. */
    frameSize?: number
}

/** The pins of every driver. */
export interface BenchPins {
    cs: ds.IOPin
    miso: ds.IOPin
    mosi: ds.IOPin
    sck: ds.IOPin
    reset?: ds.IOPin
}

/** What is on a bench. */
interface Parts<Chip, Driver> {
    chip(clock: VirtualClock, send: (frame: Uint8Array) => void): Chip
    mac(pins: BenchPins, address: Bytes): Driver
}

export class MacBench<Chip extends SpiChip, Driver extends Mac> {
    readonly clock = new VirtualClock()
    readonly chip: Chip
    readonly mac: Driver
    /** What the driver sent and received. */
    readonly sent: Uint8Array[] = []
    readonly received: Uint8Array[] = []
    readonly into: Bytes
    readonly warnings: string[] = []
    /** SPI frames (falling edges of chip select) and transfers since `countFrom`. */
    selections = 0
    transfers = 0
    /** Bytes in these, and which of them were the first of an SPI frame. */
    bytes = 0
    begins: boolean[] = []
    private begun = false
    /** The arguments of spi.configure: miso, mosi, sck, mode, hz. */
    configuration: number[] = []
    private selected = false
    private busy = false
    /** Another user has the bus until then. */
    busyUntil = 0
    /** When each transfer began. */
    readonly began: number[] = []

    constructor(options: WiringOptions, parts: Parts<Chip, Driver>) {
        const { resetLine = true, transferTime = 0, lateClock = 0, frameSize = 1514 } = options
        this.chip = parts.chip(this.clock, frame => this.sent.push(frame))
        this.into = Buffer.alloc(frameSize)
        const pins = {
            cs: this.pin(CHIP_SELECT),
            miso: this.pin(16),
            mosi: this.pin(19),
            sck: this.pin(18),
            ...(resetLine ? { reset: this.pin(RESET) } : {}),
        }
        this.mac = parts.mac(pins, Buffer.from(STATION))
        let late = lateClock
        runtime.millis = () => Math.floor(this.clock.now()) - late
        runtime.sleep = ms => this.clock.runUntil(this.clock.now() + ms)
        runtime.spiConfigure = (...pins) => {
            this.configuration = pins
        }
        runtime.spiXfer = async (tx, rx) => {
            this.transfer(tx, rx)
            late = 0
            if (transferTime > 0) await this.clock.runUntil(this.clock.now() + transferTime)
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

    countFrom(): void {
        this.selections = 0
        this.transfers = 0
        this.bytes = 0
        this.begins = []
    }

    /** One call of receive; the frame, if there was one. */
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

    /** Sends a copy of the frame. */
    async send(frame: Uint8Array): Promise<boolean> {
        const from = Buffer.alloc(Math.max(1514, frame.length))
        from.blitAt(0, Buffer.from(frame), 0, frame.length)
        return this.mac.send(from, frame.length)
    }

    /** The runtime refuses the next transfer. */
    refuseTransfer(): void {
        this.busy = true
    }

    private untilNext(): number {
        return Math.ceil(this.clock.next() - this.clock.now())
    }

    private transfer(tx: Bytes, rx: Bytes): void {
        this.began.push(this.clock.now())
        if (this.clock.now() < this.busyUntil) throw new RangeError("SPI busy")
        if (this.busy) {
            this.busy = false
            throw new RangeError("SPI busy")
        }
        if (tx.length !== rx.length || tx.length < 1 || tx.length > 4096)
            throw new RangeError("no such transfer on the board")
        this.busy = true
        if (this.selected) {
            this.transfers++
            this.bytes += tx.length
            this.begins.push(this.begun)
            this.begun = false
        }
        rx.blitAt(0, tx, 0, tx.length)
        this.chip.transfer(new Uint8Array(rx.buffer, rx.byteOffset, rx.length))
    }

    private pin(gpio: number): ds.IOPin {
        const setMode = (mode: ds.GPIOMode) => {
            const output = (mode & ds.GPIOMode.BaseModeMask) === ds.GPIOMode.Output
            if (!output) throw new Error(`pin ${gpio} must be an output`)
            this.level(gpio, mode === ds.GPIOMode.OutputHigh ? 1 : 0)
        }
        return { gpio, mode: ds.GPIOMode.Off, setMode } as ds.IOPin
    }

    private level(gpio: number, level: 0 | 1): void {
        if (gpio === RESET) this.chip.reset(level)
        else if (gpio === CHIP_SELECT) {
            if (level === 0) this.selections++
            this.begun = level === 0
            this.selected = level === 0
            this.chip.select(level)
        } else throw new Error(`pin ${gpio} belongs to the SPI bus`)
    }
}

export interface BenchOptions extends Partial<ChipOptions>, WiringOptions {
    driver?: Partial<W5500Options>
}

/** The bench of the W5500. */
export class Bench extends MacBench<W5500Chip, W5500> {
    constructor(options: BenchOptions = {}) {
        const { driver = {}, ...chip } = options
        super(options, {
            chip: (clock, send) => new W5500Chip({ clock, send, ...chip }),
            mac: (pins, address) => new W5500({ ...pins, address, ...driver }),
        })
    }
}

/** A bench whose driver has started. */
export async function started(options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(options)
    await bench.mac.start()
    bench.countFrom()
    return bench
}

/** A frame for the driver's station, or from it: `length` bytes, different for each `seed`. */
export function frame(length: number, seed = 0, destination = STATION): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 14; i < length; i++) bytes[i] = (i * 13 + seed * 7 + (i >> 8)) & 0xff
    bytes.set([...destination, ...PEER, 0x88, 0xb5])
    return bytes
}
