// A simulated board: a program on one of the two runtimes, wired to a chip and to whoever drives it.

import { readFileSync } from "node:fs"
import { behindPipe, buildImage } from "../build/build"
import type { SpiChip } from "../chip/chip"
import { bundleProgram } from "../node/bundle"
import { NodeRuntime } from "../node/runtime"
import type { Clock } from "../time/clock"
import { type Heap, liveHeap, readHeap } from "../vm/heap"
import type { VmModule } from "../vm/module"
import { VmRuntime } from "../vm/runtime"
import { type Header, Op, Pipe } from "./pipe"
import { describePanic, type Level, type Panic, type Runtime, type RuntimeOptions } from "./runtime"

/** What a command line printed, and its status: 0, or 1 when it could not be carried out. */
export interface Reply {
    lines: string[]
    status: number
}

export interface DeviceOptions {
    clock: Clock
    runtime: "vm" | "node"
    chip: SpiChip
    /** The program, a path in this project; src/main.ts or, with `boot.control`, src/controlled.ts unless given. */
    program?: string
    /** Features that it leaves out (src/features.ts); those of package.json unless given. */
    without?: readonly string[]
    /** Put into `boot` of src/boot.ts before the program runs. */
    boot?: { control?: boolean; [key: string]: unknown }
    seed?: number
    /** 16 hexadecimal digits. */
    deviceId?: string
    /** Another program drives the device: it asks for commands every millisecond instead of now and then. */
    controlled?: boolean
    /** Event records of src/base/events.ts, as many as the bytes hold. */
    onEvent?: (records: Uint8Array) => void
    onLog?: (level: Level, text: string) => void
    onPanic?: (panic: Panic) => void
}

/** Wiring of WIZnet's W5500-EVB-Pico, by GPIO number. */
const Wiring = { Select: 17, Reset: 20, Interrupt: 21 } as const

/** In real time, how long the device sleeps at most between two looks at a chip that has moved no frame lately. */
const LAZY = 5
/** After the last frame it counts as busy for so long, ms. */
const BUSY = 100
/** Time between two questions for a command, ms. */
const ASK = 20

interface Command {
    line: Uint8Array
    lines: string[]
    resolve: (reply: Reply) => void
    reject: (error: Error) => void
}

export class Device {
    private readonly options: DeviceOptions
    private readonly boot: Uint8Array
    private readonly pipe: Pipe
    private readonly levels = new Map<number, number>()
    private readonly commands: Command[] = []
    private running: Command | undefined
    private runtime: Runtime | undefined
    private activity = 0
    private activeAt = Number.NEGATIVE_INFINITY
    /** Why the device takes no commands any more. */
    private ended: string | undefined

    constructor(options: DeviceOptions) {
        this.options = options
        this.boot = new TextEncoder().encode(JSON.stringify(options.boot ?? {}))
        this.pipe = new Pipe({
            header: header => this.answer(header),
            data: (header, bytes) => this.data(header, bytes),
        })
    }

    /** Builds the program unless that has been done, and starts it: it runs when the clock does. */
    async start(): Promise<void> {
        const own = this.options.boot?.control ? "src/controlled.ts" : "src/main.ts"
        const { program = own, runtime, chip, without } = this.options
        const modules = behindPipe(program)
        const { clock, seed, deviceId } = this.options
        const options: RuntimeOptions = {
            clock,
            ...(seed === undefined ? {} : { seed }),
            ...(deviceId === undefined ? {} : { deviceId }),
            onPipe: bytes => this.pipe.write(bytes),
            onLog: (level, text) => this.options.onLog?.(level, text),
            onPanic: panic => this.panic(panic),
        }
        if (runtime === "vm") {
            const { image, debug } = await buildImage(modules, nameOf(program), without && { without })
            const debugInfo = JSON.parse(readFileSync(debug, "utf8"))
            this.runtime = new VmRuntime({ ...options, image: readFileSync(image), debugInfo })
        } else {
            this.runtime = new NodeRuntime({ ...options, program: await bundleProgram(modules, without) })
        }
        chip.select(1)
        chip.reset(1)
        await this.runtime.start()
    }

    /** Switches it off; commands under way are rejected. */
    stop(): void {
        this.runtime?.stop()
        this.end("the device was stopped")
    }

    /**
     * Has the program carry out a command line. Commands run one after the other. Rejects when the device ends
     * before the command does. On virtual time someone has to let the clock run meanwhile.
     */
    command(line: string): Promise<Reply> {
        return new Promise((resolve, reject) => {
            if (this.ended !== undefined) return reject(new Error(this.ended))
            this.commands.push({ line: new TextEncoder().encode(line), lines: [], resolve, reject })
        })
    }

    /** The blocks of the VM's heap as they are now, garbage included. Throws on the Node runtime. */
    heap(): Heap {
        return readHeap(this.vm())
    }

    /** What the program still needs of the VM's heap; lets the clock run a little. Throws on the Node runtime. */
    async liveHeap(): Promise<Heap> {
        return await liveHeap(this.vm(), this.options.clock)
    }

    private vm(): VmModule {
        if (this.runtime instanceof VmRuntime) return this.runtime.vm
        throw new Error("only the VM has a heap to measure: start the device on it")
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

    /** Answers in the header itself. */
    private answer(header: Header): void {
        const { chip } = this.options
        switch (header.op) {
            case Op.PinWrite:
                this.levels.set(header.argument, header.size)
                if (header.argument === Wiring.Select) chip.select(header.size === 0 ? 0 : 1)
                if (header.argument === Wiring.Reset) chip.reset(header.size === 0 ? 0 : 1)
                break
            case Op.PinRead:
                header.size =
                    header.argument === Wiring.Interrupt
                        ? chip.interrupt
                        : (this.levels.get(header.argument) ?? 0)
                break
            case Op.Idle:
                header.value = this.idle(header.value)
                break
            case Op.Line:
                this.running ??= this.commands.shift()
                header.size = this.running?.line.length ?? 0
                header.value = this.options.controlled ? 1 : ASK
                break
            case Op.Reply:
                if (header.size === 0 && header.argument === 0) this.running?.lines.push("")
                if (header.argument === 1) this.finish(header.value)
                break
            case Op.Boot:
                header.size = this.boot.length
                break
        }
    }

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
        }
    }

    private finish(status: number): void {
        const command = this.running
        this.running = undefined
        command?.resolve({ lines: command.lines, status })
    }

    /** How long the device is to sleep of the `wanted` ms: until the next event there may be something new. */
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

/** A name for the builds of a program. */
export function nameOf(program: string): string {
    return program === "src/main.ts" ? "host" : program.replace(/\.ts$/, "").replaceAll("/", "-")
}
