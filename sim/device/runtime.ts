// The interface of a runtime, on which a simulated device runs its program: DeviceScript's VM (sim/vm) and Node (sim/node).

import type { Clock } from "../time/clock"

/** The default identifier of a device. */
export const DEVICE_ID = "1989f4eee0ebe206"

/** The level of a console line: "system" marks the runtime's own lines, all others come from the program. */
export type Level = "log" | "debug" | "warn" | "error" | "data" | "system"

/** Why a program ended. */
export interface Panic {
    /** The VM's code (60001 endless loop, 60004 out of memory, 60005 exception, 60006 stack overflow), 0 for a restart. */
    code: number
    message: string
    /** The calls as `function (file:line:column)`, the innermost first. */
    stack: string[]
}

export interface RuntimeOptions {
    clock: Clock
    /** Receives the bytes that the program wrote into the byte pipe, and may change them in place until it returns. */
    onPipe: (bytes: Uint8Array) => void
    onLog: (level: Level, text: string) => void
    /** Receives the reason when the program has ended, which is permanent. */
    onPanic: (panic: Panic) => void
    /** Seed of the device's random numbers: the same seed repeats them. */
    seed?: number
    /** The device's identifier, 16 hexadecimal digits. */
    deviceId?: string
}

/** Runs one program on a clock. */
export interface Runtime {
    start(): Promise<void>
    /** Ends the program, whose code no longer runs after this. */
    stop(): void
}

/** On Node a program that asks for a restart throws an error of this name. */
export const RESTART = "Restart"

/**
 * The number of fiber turns at one moment after which a program counts as one that never sleeps, so that nothing else can run.
 */
export const TURNS_AT_ONCE = 200_000
export const NEVER_SLEEPS = "the program never sleeps: all its waits are for 0 ms, so time does not advance"

export const PanicCode = {
    /** The simulator, not the runtime, ended the program. */
    Simulator: -1,
    Restart: 0,
    EndlessLoop: 60001,
    OutOfMemory: 60004,
    Exception: 60005,
    StackOverflow: 60006,
} as const

/** Returns a panic as text: the message, then one line per call. */
export function describePanic({ message, stack }: Panic): string {
    return [`the program ended: ${message}`, ...stack.map(call => `    at ${call}`)].join("\n")
}
