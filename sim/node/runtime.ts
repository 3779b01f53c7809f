// Node runtime: runs the program of a simulated device. The program has the same sources as the image, in its own context:
// neither its modules nor its changes to built-in objects affect another device or the simulator.

import "./inlining"
import { randomFillSync } from "node:crypto"
import { url as inspectorUrl } from "node:inspector"
import { type Context, createContext, Script } from "node:vm"
import {
    DEVICE_ID,
    NEVER_SLEEPS,
    PanicCode,
    RESTART,
    type Runtime,
    type RuntimeOptions,
    TURNS_AT_ONCE,
} from "../device/runtime"
import type { Timer } from "../time/clock"
import { Random } from "../time/random"
import type { Bundle } from "./bundle"
import { cipher } from "./cryptography"
import type { Environment, scheduler as Scheduler } from "./environment"
import { textOf } from "./text"
import { Traces } from "./traces"

interface NodeOptions extends RuntimeOptions {
    program: Bundle
}

/**
 * Time from the start to the program's first operation, ms: the same as on the VM, so that programs on both have the same times.
 */
const BOOT = 10

/** A script that runs the program's promises, which run whenever a script in the program's context ends. */
const runDry = new Script("0")

export class NodeRuntime implements Runtime {
    private readonly options: NodeOptions
    private readonly random: Random | undefined
    private readonly traces: Traces
    private readonly origin: number
    private readonly context: Context
    private readonly encoder = new TextEncoder()
    private timer: Timer | undefined
    private readonly wake = () => this.run()
    private stopped = false
    /** The error that the simulator threw while the program ran. */
    private failure: { error: unknown } | undefined

    constructor(options: NodeOptions) {
        this.options = options
        this.random = options.seed === undefined ? undefined : new Random(options.seed)
        this.traces = new Traces(options.program.map)
        this.origin = options.clock.now()
        this.context = createContext(
            { environment: this.environment() },
            { microtaskMode: "afterEvaluate", name: "device" }
        )
    }

    async start(): Promise<void> {
        const script = new Script(scriptOf(this.options.program), { filename: this.traces.file })
        const { clock } = this.options
        this.timer = clock.at(clock.now() + BOOT, () => {
            const main = script.runInContext(this.context) as () => Promise<void>
            this.context.main = main
            new Script("main().catch(error => environment.panic(error))").runInContext(this.context)
            runDry.runInContext(this.context)
            this.run()
        })
    }

    stop(): void {
        this.stopped = true
        this.timer?.cancel()
    }

    /** Runs every fiber that is due, one after the other, each with its promises, and schedules itself for the next one. */
    private run(): void {
        const scheduler = this.context.scheduler as typeof Scheduler
        let turns = 0
        while (!this.stopped && ++turns <= TURNS_AT_ONCE && scheduler.step())
            runDry.runInContext(this.context)
        if (turns > TURNS_AT_ONCE) this.host(() => this.end(PanicCode.Simulator, NEVER_SLEEPS, []))
        const failure = this.failure
        this.failure = undefined
        if (failure !== undefined) throw failure.error
        const next = scheduler.next()
        if (this.stopped || next === Number.POSITIVE_INFINITY) return
        this.timer = this.options.clock.at(this.origin + next, this.wake)
    }

    private environment(): Environment {
        const { clock, onLog, onPipe } = this.options
        return {
            deviceId: this.options.deviceId ?? DEVICE_ID,
            now: () => clock.now() - this.origin,
            changed: () => {},
            log: (level, text) => this.host(() => onLog(level, text)),
            panic: error => this.host(() => this.panic(error)),
            write: bytes => {
                if (this.stopped) return 0
                try {
                    onPipe(own(bytes))
                } catch (error) {
                    this.fail(error)
                }
                return 0
            },
            random: bytes => {
                if (this.random === undefined) randomFillSync(own(bytes))
                else this.random.fill(bytes)
            },
            cipher: (data, key, iv, tag, decipher) => cipher(own(data), own(key), own(iv), tag, decipher),
            bytes: text => this.encoder.encode(text),
            text: bytes => textOf(own(bytes)),
        }
    }

    /** Calls the simulator from within the program. `run` throws an error of the call later, where the program cannot catch it. */
    private host(call: () => void): void {
        if (this.stopped) return
        try {
            call()
        } catch (error) {
            this.fail(error)
        }
    }

    private fail(error: unknown): void {
        this.failure ??= { error }
        this.stop()
    }

    private panic(error: unknown): void {
        const { name = "Error", message = String(error), stack = "" } = (error ?? {}) as Partial<Error>
        const calls = this.traces.calls(stack)
        if (name === RESTART) this.end(PanicCode.Restart, message, calls)
        else this.end(PanicCode.Exception, `${name}: ${message}`, calls)
    }

    private end(code: number, message: string, stack: string[]): void {
        this.stop()
        this.options.onPanic({ code, message, stack })
    }
}

/** A word apart: tools that read this package's own file would take the whole comment for its source map. */
const SOURCE_MAP = "sourceMappingURL"

/** Returns the program's code; for a debugger (`node --inspect`) with its source map, so that breakpoints in src/ work. */
function scriptOf(program: Bundle): string {
    if (inspectorUrl() === undefined) return program.code
    const map = Buffer.from(program.map).toString("base64")
    return `${program.code}\n//# ${SOURCE_MAP}=data:application/json;base64,${map}`
}

/** Returns a view of the same memory whose class is that of this context. */
function own(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
