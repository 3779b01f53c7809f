// What a program on the VM finds without importing it. Part of a simulated device's bundle only.

import { Buffer, hex } from "./buffer"
import {
    clearInterval,
    clearTimeout,
    Fiber,
    millis,
    print,
    randomWord,
    setInterval,
    setTimeout,
} from "./core"
import type { Level } from "./environment"
import { show } from "./show"

/** Prints its arguments as the VM does. */
function printer(level: Level): (...values: unknown[]) => void {
    return (...values) => {
        const words = values.map(value => (typeof value === "string" ? value : show(value)))
        const text = (level === "data" ? [String(millis()), ...words] : words).join(" ")
        for (const line of text.split("\n")) print(level, line)
    }
}

/** To the nearest whole number, halves away from zero, as C has it. */
function round(value: number): number {
    return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5)
}

Object.assign(globalThis, {
    Buffer,
    hex,
    setTimeout,
    setInterval,
    clearTimeout,
    clearInterval,
    console: {
        log: printer("log"),
        info: printer("log"),
        debug: printer("debug"),
        warn: printer("warn"),
        error: printer("error"),
        data: printer("data"),
    },
    GPIO: {},
    GPIOproto: {},
})
Math.round = round
Math.random = () => randomWord() / 0x1_0000_0000
Object.defineProperty(Array.prototype, Symbol.toPrimitive, {
    value(this: unknown[]) {
        return show(this)
    },
})

// the program itself is the first fiber
Fiber.current = new Fiber()
