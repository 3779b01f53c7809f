// What the stand-in for the runtime takes from outside. Here it comes from Node itself, for tests that import src/
// directly; a simulated device is bundled with device-environment.ts in the place of this file.

import { randomFillSync } from "node:crypto"
import { DEVICE_ID } from "../device/runtime"
import { cipher, digest } from "./cryptography"
import { textOf } from "./text"

/** The level of a line on the console. */
export type Level = "log" | "debug" | "warn" | "error" | "data"

export interface Environment {
    /** 16 hexadecimal digits. */
    readonly deviceId: string
    /** Milliseconds since the device was started, with fractions. */
    now(): number
    /** Fibers are waiting for another moment than before; called only outside of them. */
    changed(): void
    /** A line of console output. */
    log(level: Level, text: string): void
    /** An exception that no fiber caught: it ends the program. */
    panic(error: unknown): void
    /** The program's end of the byte pipe to its host: the host may change the bytes in place. */
    write(bytes: Uint8Array): number
    random(bytes: Uint8Array): void
    /** SHA-256, keyed when there is a key. */
    digest(key: Uint8Array | undefined, parts: Uint8Array[]): Uint8Array
    /** AES-256-CCM with a tag of so many bytes at the end. Throws when a tag does not fit the data. */
    cipher(data: Uint8Array, key: Uint8Array, iv: Uint8Array, tag: number, decipher: boolean): Uint8Array
    /** UTF-8. */
    bytes(text: string): Uint8Array
    text(bytes: Uint8Array): string
}

/** Runs whatever is due and says when to come again, in ms as `now` counts; the fibers put theirs here. */
export const scheduler = { step: (): boolean => false, next: (): number => Number.POSITIVE_INFINITY }

const start = performance.now()
const encoder = new TextEncoder()
let running = false
let timer: NodeJS.Timeout | undefined

/** Runs the fibers that are due, each until its promises have run dry, then sleeps until the next one is. */
async function run(): Promise<void> {
    running = true
    do {
        await new Promise(resolve => setImmediate(resolve))
    } while (scheduler.step())
    running = false
    const wait = scheduler.next() - environment.now()
    if (wait !== Number.POSITIVE_INFINITY) timer = setTimeout(run, Math.max(0, Math.ceil(wait)))
}

export const environment: Environment = {
    deviceId: DEVICE_ID,
    now: () => performance.now() - start,
    changed: () => {
        clearTimeout(timer)
        if (!running) void run()
    },
    log: (level, text) => console[level === "data" ? "log" : level](text),
    panic: error => {
        throw error
    },
    write: () => -10,
    random: bytes => void randomFillSync(bytes),
    digest,
    cipher,
    bytes: text => encoder.encode(text),
    text: textOf,
}
