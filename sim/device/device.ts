// A simulated board: a program on one of the simulator's two runtimes, wired to a chip and to the part that sends it commands.

import { readFileSync } from "node:fs"
import { type Board, readBoard } from "../board/boards"
import { pinProblem, spiProblem } from "../board/wiring"
import { behindPipe, buildImage } from "../build/build"
import type { SpiChip } from "../chip/chip"
import { bundleProgram } from "../node/bundle"
import { NodeRuntime } from "../node/runtime"
import type { Clock } from "../time/clock"
import { type Counts, readCounts } from "../vm/counting"
import { type Heap, liveHeap, readHeap } from "../vm/heap"
import type { VmModule } from "../vm/module"
import { VmRuntime } from "../vm/runtime"
import type { JacdacBus } from "./jacdac"
import { type Header, Op, PinMode, Pipe } from "./pipe"
import {
    describePanic,
    type Level,
    type Panic,
    PanicCode,
    type Runtime,
    type RuntimeOptions,
} from "./runtime"

/** What a console command printed, and its status: 0, or 1 when the device could not carry it out. */
export interface Reply {
    lines: string[]
    status: number
}

export interface DeviceOptions {
    clock: Clock
    runtime: "vm" | "node"
    chip: SpiChip
    /** The board, whose wiring leads to the chip. The default is the board that src/board.ts names. */
    board?: Board
    /** Path of the program in this project. The default is src/main.ts, or src/controlled.ts with `boot.control`. */
    program?: string
    /** Features that the program leaves out (src/features.ts). The default is the list in package.json. */
    without?: readonly string[]
    /** True to build the program without showing progress. */
    quiet?: boolean
    /** Copied into `boot` of src/boot.ts before the program runs. */
    boot?: { control?: boolean; [key: string]: unknown }
    seed?: number
    /** Makes the VM count what it does, for `counts`. */
    counting?: boolean
    /** The device's identifier, 16 hexadecimal digits. */
    deviceId?: string
    /** True when another program drives the device, which then asks for commands every millisecond. */
    controlled?: boolean
    /** The Jacdac bus that the VM is on; the Node runtime is on none. */
    jacdac?: JacdacBus
    /** No command is ever given, so the device need not ask for one. */
    silent?: boolean
    /** Receives event records (src/base/events.ts), as many as the bytes hold. */
    onEvent?: (records: Uint8Array) => void
    onLog?: (level: Level, text: string) => void
    onPanic?: (panic: Panic) => void
}

/** The longest sleep of a device in real time when its chip is not busy, ms. */
const LAZY = 5
/** The time after its last frame during which a chip counts as busy, ms. */
const BUSY = 100
/** The device asks for a command this often, ms; and where none is ever given. */
const ASK = 20
const ASK_SELDOM = 3_600_000

interface Command {
    line: Uint8Array
    lines: string[]
    resolve: (reply: Reply) => void
    reject: (error: Error) => void
}

export class Device {
    private readonly options: DeviceOptions
    private readonly board: Board
    private readonly boot: Uint8Array
    private readonly pins: Uint8Array
    /** The chip's line on each GPIO number. */
    private readonly lines = new Map<number, string>()
    private readonly pipe: Pipe
    /** Levels of outputs, and of the pull-ups and pull-downs of inputs, by GPIO number. */
    private readonly levels = new Map<number, number>()
    private readonly pulls = new Map<number, number>()
    /** GPIO numbers of the pins that are outputs now. */
    private readonly outputs = new Set<number>()
    private readonly commands: Command[] = []
    private running: Command | undefined
    private runtime: Runtime | undefined
    private activity = 0
    private activeAt = Number.NEGATIVE_INFINITY
    /** Why the device ended; undefined while it takes commands. */
    private ended: string | undefined

    constructor(options: DeviceOptions) {
        this.options = options
        this.board = options.board ?? readBoard()
        const { pins, wiring } = this.board
        for (const [line, label] of Object.entries(wiring)) this.lines.set(pins[label], line)
        this.boot = encoded(JSON.stringify(options.boot ?? {}))
        this.pins = encoded(JSON.stringify(pins))
        this.pipe = new Pipe({
            header: header => this.answer(header),
            data: (header, bytes) => this.data(header, bytes),
        })
    }

    /** Builds the program if no build of it exists, and starts it. The program runs when the clock runs. */
    async start(): Promise<void> {
        const own = this.options.boot?.control ? "src/controlled.ts" : "src/main.ts"
        const { program = own, runtime, chip, without, quiet = false } = this.options
        const modules = behindPipe(program)
        const { clock, seed, deviceId, counting } = this.options
        const options: RuntimeOptions = {
            clock,
            ...(seed === undefined ? {} : { seed }),
            ...(deviceId === undefined ? {} : { deviceId }),
            onPipe: bytes => this.pipe.write(bytes),
            onLog: (level, text) => this.options.onLog?.(level, text),
            onPanic: panic => this.panic(panic),
        }
        if (runtime === "vm") {
            const { board } = this
            const { image, debug } = await buildImage(modules, nameOf(program), {
                board,
                quiet,
                ...(without && { without }),
            })
            const debugInfo = JSON.parse(readFileSync(debug, "utf8"))
            const { jacdac } = this.options
            const vm = new VmRuntime({
                ...options,
                image: readFileSync(image),
                debugInfo,
                ...(counting && { counting }),
                ...(jacdac && { onFrame: frame => jacdac.carry(frame, vm) }),
            })
            this.runtime = vm
            jacdac?.attach(vm)
        } else {
            this.runtime = new NodeRuntime({
                ...options,
                program: await bundleProgram(modules, this.board, without),
            })
        }
        chip.select(1)
        chip.reset(1)
        await this.runtime.start()
    }

    /** Switches the device off and rejects the pending commands. */
    stop(): void {
        this.runtime?.stop()
        this.end("the device was stopped")
    }

    /**
     * Passes a command line to the program, which executes commands in sequence. Rejects when the device ends before the command
     * does. On virtual time the caller has to run the clock meanwhile.
     */
    command(line: string): Promise<Reply> {
        return new Promise((resolve, reject) => {
            if (this.ended !== undefined) return reject(new Error(this.ended))
            this.commands.push({ line: new TextEncoder().encode(line), lines: [], resolve, reject })
        })
    }

    /** Returns the current blocks of the VM's heap, garbage included. Throws on the Node runtime. */
    heap(): Heap {
        return readHeap(this.vm())
    }

    /** Returns what the program still uses of the VM's heap; runs the clock for a moment. Throws on the Node runtime. */
    async liveHeap(): Promise<Heap> {
        return await liveHeap(this.vm(), this.options.clock)
    }

    /** Returns what the VM has done so far. Throws unless the device was created with `counting`. */
    counts(): Counts {
        if (!this.options.counting) throw new Error("this device does not count: create it with `counting`")
        return readCounts(this.vm())
    }

    private vm(): VmModule {
        if (this.runtime instanceof VmRuntime) return this.runtime.vm
        throw new Error('only the VM has a heap to measure: start the device with runtime "vm"')
    }

    private panic(panic: Panic): void {
        this.end(describePanic(panic))
        this.options.onPanic?.(panic)
    }

    private end(why: string): void {
        this.ended ??= why
        const left = [...(this.running === undefined ? [] : [this.running]), ...this.commands.splice(0)]
        this.running = undefined
        for (const command of left) command.reject(new Error(this.ended))
    }

    /** Handles the message of a header and writes the answer into the header. */
    private answer(header: Header): void {
        switch (header.op) {
            case Op.PinMode:
                this.setMode(header.argument, header.size)
                break
            case Op.PinRead:
                header.size = this.levelOf(header.argument)
                break
            case Op.Idle:
                header.value = this.idle(header.value)
                break
            case Op.Line:
                this.running ??= this.commands.shift()
                header.size = this.running?.line.length ?? 0
                header.value = this.options.controlled ? 1 : this.options.silent ? ASK_SELDOM : ASK
                break
            case Op.Reply:
                if (header.size === 0 && header.argument === 0) this.running?.lines.push("")
                if (header.argument === 1) this.finish(header.value)
                break
            case Op.Boot:
                header.size = this.boot.length
                break
            case Op.Pins:
                header.size = this.pins.length
                break
            case Op.Bus:
                this.checkBus(header.argument, header.size, header.value & 0xff)
                this.options.chip.configure?.(header.value >> 8)
                break
        }
    }

    /** Sets a pin's mode, a GPIOMode of the runtime. A pin without an output keeps its level. */
    private setMode(gpio: number, mode: number): void {
        const level = mode === PinMode.OutputHigh || mode === PinMode.InputPullUp ? 1 : 0
        const output = (mode & PinMode.Base) === PinMode.Output
        if (output) this.outputs.add(gpio)
        else this.outputs.delete(gpio)
        if (output) this.setOutput(gpio, level)
        else if (mode === PinMode.InputPullUp || mode === PinMode.InputPullDown) this.pulls.set(gpio, level)
        else this.pulls.delete(gpio)
    }

    private setOutput(gpio: number, level: 0 | 1): void {
        if (pinProblem(this.board.arch, gpio, true) !== undefined) return
        this.levels.set(gpio, level)
        const line = this.lines.get(gpio)
        if (line === "CS") this.options.chip.select(level)
        else if (line === "RESET") this.options.chip.reset(level)
    }

    /** Returns the level that a pin reads: the chip's or the pin's own, else that of its pull-up or pull-down. */
    private levelOf(gpio: number): number {
        const line = this.lines.get(gpio)
        const own = line === undefined || this.outputs.has(gpio)
        const level = own ? this.levels.get(gpio) : this.options.chip.line(line)
        return level ?? this.pulls.get(gpio) ?? 0
    }

    /** Ends the program when an SPI bus on these pins does not lead to the chip; a board would not say why. */
    private checkBus(miso: number, mosi: number, sck: number): void {
        const { arch, name, pins, wiring } = this.board
        const own = [wiring.MISO, wiring.MOSI, wiring.SCK].map(label => pins[label ?? ""])
        const asked = [miso, mosi, sck]
        const wired = asked.every((gpio, i) => gpio === own[i])
        const text = (gpios: number[]) => gpios.map(gpio => `GPIO${gpio}`).join(", ")
        const problem =
            spiProblem(arch, { miso, mosi, sck }) ??
            (wired
                ? undefined
                : `the program has MISO, MOSI, SCK on ${text(asked)}; ${name} has ${text(own)}`)
        if (problem === undefined) return
        this.runtime?.stop()
        this.panic({ code: PanicCode.Simulator, message: `SPI: ${problem}`, stack: [] })
    }

    /** Handles the data of a message, or fills it in. */
    private data(header: Header, bytes: Uint8Array): void {
        switch (header.op) {
            case Op.Spi:
                this.options.chip.transfer(bytes)
                break
            case Op.Line:
                bytes.set(this.running!.line)
                break
            case Op.Reply:
                this.running?.lines.push(new TextDecoder().decode(bytes))
                break
            case Op.Event:
                this.options.onEvent?.(bytes.slice())
                break
            case Op.Boot:
                bytes.set(this.boot)
                break
            case Op.Pins:
                bytes.set(this.pins)
                break
        }
    }

    private finish(status: number): void {
        const command = this.running
        this.running = undefined
        command?.resolve({ lines: command.lines, status })
    }

    /** Returns how many of the `wanted` ms the device sleeps: at most until the next event, which may bring a frame. */
    private idle(wanted: number): number {
        const { clock, chip } = this.options
        const now = clock.now()
        if (clock.virtual) return Math.max(1, Math.min(wanted, Math.ceil(clock.next() - now)))
        if (chip.activity !== this.activity) {
            this.activity = chip.activity
            this.activeAt = now
        }
        return Math.max(1, Math.min(wanted, now - this.activeAt < BUSY ? 1 : LAZY))
    }
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(text)
}

/** Returns the name under which builds of a program are kept. */
export function nameOf(program: string): string {
    return program === "src/main.ts" ? "host" : program.replace(/\.ts$/, "").replaceAll("/", "-")
}
