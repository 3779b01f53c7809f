// Node runtime: its interface to the outside (clock, console, byte pipe, cryptography). This file implements it with Node's own
// functions, for tests that import src/ directly. The bundle of a simulated device has device-environment.ts instead.

import "./inlining"
import { randomFillSync } from "node:crypto"
import { DEVICE_ID } from "../device/runtime"
import { cipher } from "./cryptography"
import { textOf } from "./text"

/** The level of a line on the console. */
export type Level = "log" | "debug" | "warn" | "error" | "data"

export interface Environment {
    /** The device's identifier, 16 hexadecimal digits. */
    readonly deviceId: string
    /** Returns the milliseconds since the device was started, with fractions. */
    now(): number
    /** Called when a fiber's wake time has changed, but only by code outside of all fibers. */
    changed(): void
    /** Prints a line of console output. */
    log(level: Level, text: string): void
    /** Reports an exception that no fiber caught, which ends the program. */
    panic(error: unknown): void
    /** Writes into the byte pipe to the simulator, which may change the bytes in place. */
    write(bytes: Uint8Array): number
    /** Fills `bytes` with random bytes. */
    random(bytes: Uint8Array): void
    /** Encrypts or decrypts with AES-256-CCM and a tag of `tag` bytes at the end. Throws when the tag does not match the data. */
    cipher(data: Uint8Array, key: Uint8Array, iv: Uint8Array, tag: number, decipher: boolean): Uint8Array
    /** Returns the bytes of a text in UTF-8. */
    bytes(text: string): Uint8Array
    /** Returns the text of bytes in UTF-8. */
    text(bytes: Uint8Array): string
}

/** `step` runs the fiber that is due first, `next` returns when the next fiber is due, in terms of `now`. fiber.ts sets both. */
export const scheduler = { step: (): boolean => false, next: (): number => Number.POSITIVE_INFINITY }

const start = performance.now()
const encoder = new TextEncoder()
let running = false
let timer: NodeJS.Timeout | undefined

/** Runs the fibers that are due, each with all of its promises, and sets a timer for the next one. */
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
    cipher,
    bytes: text => encoder.encode(text),
    text: textOf,
}
