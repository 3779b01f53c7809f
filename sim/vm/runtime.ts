// Runs a program on DeviceScript's own VM, from the image that would be flashed.

import { randomBytes } from "node:crypto"
import {
    DEVICE_ID,
    type Level,
    NEVER_SLEEPS,
    PanicCode,
    type Runtime,
    type RuntimeOptions,
    TURNS_AT_ONCE,
} from "../device/runtime"
import type { Timer } from "../time/clock"
import { Random } from "../time/random"
import { createModule, type VmModule } from "./module"
import { type DebugInfo, Positions } from "./positions"

interface VmOptions extends RuntimeOptions {
    /** Content of bytecode.devs. */
    image: Uint8Array
    /** Content of bytecode-dbg.json; without it a stack shows places in the bytecode. */
    debugInfo?: DebugInfo
    /** Counts operations and allocations: see counting.ts. */
    counting?: boolean
    /** Receives the frames that the device sends on its Jacdac bus. */
    onFrame?: (frame: Uint8Array) => void
}

const LEVELS: Record<string, Level> = { ">": "log", "?": "debug", "*": "warn", "!": "error", "#": "data" }
const EXCEPTION = /^[!*] Exception: (.*)$/
/** The name that the VM has for a loop without end. */
const ENDLESS_LOOP = "InfiniteLoop"
const MESSAGE = /^\* {2}message: (.*)$/
const CALL = /^[!*] {2}at (\w*)_F(\d+) \(pc:(\d+)\)$/

const MEANING: Record<number, string> = {
    [PanicCode.Restart]: "the program asked for a restart",
    [PanicCode.EndlessLoop]: "endless loop: 131072 operations without an await",
    [PanicCode.OutOfMemory]: "out of memory",
    [PanicCode.StackOverflow]: "stack overflow",
}

/** One VM. Several can run in one process, each with its own memory, clock and random numbers. */
export class VmRuntime implements Runtime {
    private readonly options: VmOptions
    private readonly positions: Positions | undefined
    private readonly random: Random | undefined
    private module: VmModule | undefined
    private timer: Timer | undefined
    /** The VM's readings of the clock in the current turn of its loop. */
    private looks = 0
    private stopped = false
    /** The error that the simulator threw while the VM ran. */
    private failure: { error: unknown } | undefined
    /** The exception that the VM is printing on its console. */
    private exception = { title: "", stack: [] as string[] }
    private memory = ""

    constructor(options: VmOptions) {
        this.options = options
        this.positions = options.debugInfo && new Positions(options.debugInfo)
        this.random = options.seed === undefined ? undefined : new Random(options.seed)
    }

    /** Loads the image, which runs when the clock runs. Throws when the VM rejects the image. */
    async start(): Promise<void> {
        const { image, deviceId = DEVICE_ID, counting } = this.options
        const scope = {
            now: () => this.now(),
            setTimeout: (run: () => void, ms: number) => this.schedule(run, ms),
            clearTimeout: () => this.timer?.cancel(),
            randomBytes: (size: number) => this.random?.fill(new Uint8Array(size)) ?? randomBytes(size),
        }
        const module = createModule(scope, counting)
        this.module = module
        module.dmesg = line => this.host(() => this.line(line))
        module.error = error => this.fail(error)
        module.panicHandler = code => this.host(() => this.panic(code))
        module.sendPacket = frame => this.options.onFrame?.(frame.slice())
        module.sockIsAvailable = () => true
        module.sockOpen = () => 0
        module.sockClose = () => 0
        module.sockWrite = (at, length) => this.pipe(at, length)
        module.devsSetDeviceId(deviceId)
        module.devsStart()
        const refused = deploy(module, image)
        if (refused !== undefined) {
            this.stop()
            throw new Error(`the VM rejects the image (${refused}): was it built by another version?`)
        }
    }

    stop(): void {
        this.stopped = true
        this.timer?.cancel()
    }

    /** Receives a frame of another device on the Jacdac bus. The VM handles it in the next turn of its loop. */
    hear(frame: Uint8Array): void {
        if (!this.stopped) this.vm.handlePacket(frame)
    }

    /** The VM itself, for measurements. Throws before `start`. */
    get vm(): VmModule {
        if (this.module === undefined) throw new Error("the VM has not been started")
        return this.module
    }

    /** Schedules the VM's loop, which has one timer at a time. */
    private schedule(run: () => void, ms: number): object {
        const { clock } = this.options
        if (this.stopped) return {}
        this.timer = clock.at(clock.now() + ms, () => {
            if (this.stopped) return
            this.looks = 0
            run()
            const failure = this.failure
            this.failure = undefined
            if (failure !== undefined) throw failure.error
        })
        return this.timer
    }

    /** Returns the clock's time. The VM reads it at every turn of a fiber, so a program that never sleeps is detected here. */
    private now(): number {
        if (++this.looks > TURNS_AT_ONCE) this.host(() => this.end(PanicCode.Simulator, NEVER_SLEEPS))
        return this.options.clock.now()
    }

    private pipe(at: number, length: number): number {
        this.host(() => this.options.onPipe(this.vm.HEAPU8.subarray(at, at + length)))
        return 0
    }

    /**
     * Calls the simulator from within the VM. An error of the call ends the program: it unwinds the VM's stack, and the
     * clock throws it again. A stopped program ends at its next call.
     */
    private host(call: () => void): void {
        if (this.stopped) throw new Error("stopped")
        try {
            call()
        } catch (error) {
            this.failure ??= { error }
            this.stop()
            throw error
        }
    }

    /** Ends the program because the VM's own code has failed, for example on an assertion. */
    private fail(error: unknown): void {
        if (!this.stopped) this.end(PanicCode.Simulator, `the VM failed: ${error}`)
    }

    private panic(code: number): void {
        const { title } = this.exception
        const message = MEANING[code] ?? (title === "" ? `panic ${code}` : title)
        const memory = code === PanicCode.OutOfMemory && this.memory !== "" ? ` (${this.memory})` : ""
        this.end(code, message + memory)
    }

    private end(code: number, message: string): void {
        this.stop()
        this.options.onPanic({ code, message, stack: this.exception.stack })
    }

    private line(line: string): void {
        this.follow(line)
        const level = line[1] === " " ? LEVELS[line[0]] : undefined
        if (level === undefined) this.options.onLog("system", line)
        else this.options.onLog(level, line.slice(2))
    }

    /** Reads the exception and its stack out of the lines that the VM prints about it. */
    private follow(line: string): void {
        const title = EXCEPTION.exec(line)?.[1]
        const message = MESSAGE.exec(line)?.[1]
        const call = CALL.exec(line)
        if (title !== undefined) this.exception = { title, stack: [] }
        else if (message !== undefined) this.exception.title += `: ${message}`
        else if (call !== null) {
            const [, name, index, pc] = call
            // the VM prints the end of the call; a loop without end is stopped before the operation at `pc` instead, which may
            // be the target of a jump
            const stopped = this.exception.title === ENDLESS_LOOP && this.exception.stack.length === 0
            const at = stopped ? Number(pc) : Number(pc) - 1
            const frames = this.positions?.find(name, Number(index), at) ?? [
                { name, place: `function ${index}, pc ${pc}` },
            ]
            for (const frame of frames) {
                const shown = frame.name === "inline" ? "(function)" : frame.name
                this.exception.stack.push(`${shown} (${frame.place})`)
            }
        } else if (line.startsWith("stats: ")) this.memory = line.slice("stats: ".length)
    }
}

/** Loads the image; returns why the VM rejects it, or undefined. */
function deploy(module: VmModule, image: Uint8Array): string | undefined {
    try {
        const error = module.devsDeploy(image)
        return error === 0 ? undefined : `error ${error}`
    } catch {
        return "the VM crashed while reading the image"
    }
}
