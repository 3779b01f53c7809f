// What the two runtimes of a simulated device have in common.

import type { Clock } from "../time/clock"

/** What a device is called that has been given no identifier of its own. */
export const DEVICE_ID = "1989f4eee0ebe206"

/** Of a line on a device's console: the program's own, or what the runtime itself has to say. */
export type Level = "log" | "debug" | "warn" | "error" | "data" | "system"

/** Why a program ended for good. */
export interface Panic {
    /** The VM's code (60001 endless loop, 60004 out of memory, 60005 exception, 60006 stack overflow), 0 for a restart. */
    code: number
    message: string
    /** Innermost call first, as `function (file:line:column)`. */
    stack: string[]
}

export interface RuntimeOptions {
    clock: Clock
    /** The program's end of the byte pipe wrote these bytes; they may be changed in place until this returns. */
    onPipe: (bytes: Uint8Array) => void
    onLog: (level: Level, text: string) => void
    /** The program has ended and does not come back. */
    onPanic: (panic: Panic) => void
    /** Makes every random number of the device repeat. */
    seed?: number
    /** 16 hexadecimal digits. */
    deviceId?: string
}

/** A program that runs on a clock. */
export interface Runtime {
    start(): Promise<void>
    /** Ends it; nothing of it runs after this. */
    stop(): void
}

/** Under Node a program that wants a restart throws an error of this name. */
export const RESTART = "Restart"

/** So many turns of fibers at one moment mean that the program never sleeps, and nothing else gets to run. */
export const TURNS_AT_ONCE = 200_000
export const NEVER_SLEEPS = "the program never sleeps: all its waits are for 0 ms, so time stands still"

export const PanicCode = {
    /** The simulator found the fault. */
    Simulator: -1,
    Restart: 0,
    EndlessLoop: 60001,
    OutOfMemory: 60004,
    Exception: 60005,
    StackOverflow: 60006,
} as const

/** A panic in words: the message, then a line a call. */
export function describePanic({ message, stack }: Panic): string {
    return [`the program ended: ${message}`, ...stack.map(call => `    at ${call}`)].join("\n")
}
