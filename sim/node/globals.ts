// Node runtime: the VM's globals, which a program uses without an import. Only the bundle of a simulated device contains them.

import { Buffer } from "./buffer"
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
import { environment, type Level } from "./environment"
import { show } from "./show"

/** Returns a function that prints its arguments as the VM does. */
function printer(level: Level): (...values: unknown[]) => void {
    return (...values) => {
        const words = values.map(value => (typeof value === "string" ? value : show(value)))
        const text = (level === "data" ? [String(millis()), ...words] : words).join(" ")
        // a newline at the end does not begin another line
        for (const line of text.replace(/\r?\n$/, "").split(/\r?\n/)) print(level, line)
    }
}

/** Rounds to the nearest whole number, halves away from zero, as C's round does. */
function round(value: number): number {
    const whole = Math.trunc(value)
    return Math.abs(value - whole) < 0.5 ? whole : whole + Math.sign(value)
}

Object.assign(globalThis, {
    Buffer,
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
// as on the VM, the next argument replaces a NaN
Math.min = (...all) => all.reduce((x, y) => (x < y ? x : y))
Math.max = (...all) => all.reduce((x, y) => (x > y ? x : y))

const { stringify: native } = JSON
const { indexOf, startsWith, endsWith, split, charCodeAt } = String.prototype

/** Returns JSON in which each UTF-8 byte of a non-ASCII character is an escape, as the VM writes it. */
function stringify(value: unknown, _replacer?: null, space?: number): string {
    const text = native(value, null, space)
    return text.replace(/\\.|[\u0080-\uffff]+/g, part => {
        if (part[0] === "\\") return part === "\\b" ? "\\u0008" : part === "\\f" ? "\\u000c" : part
        return [...environment.bytes(part)].map(byte => `\\u00${byte.toString(16)}`).join("")
    })
}

const { parseInt: integer } = globalThis
Object.assign(globalThis, {
    parseInt: (text: string | null) => {
        if (text === null) return 0
        // the VM reads a hexadecimal number as C does, and drops its fraction
        if (/^\s*[-+]?0x/i.test(text)) return integer(text)
        const number = Math.trunc(parseFloat(text))
        return Number.isNaN(number) && /^\s*[-+]?\.\d/.test(text) ? 0 : number
    },
})
JSON.stringify = stringify as typeof JSON.stringify
// on the VM a SyntaxError has no name
Object.assign(SyntaxError.prototype, { name: undefined })
Object.assign(String.prototype, {
    indexOf(this: string, text: string, start = 0) {
        if (text === "") return start < this.length ? start : -1
        return indexOf.call(this, text, start)
    },
    startsWith(this: string, text: string, start = 0) {
        return startsWith.call(this, text, start) && start < this.length
    },
    endsWith(this: string, text: string, end?: number) {
        return text !== "" && endsWith.call(this, text, end)
    },
    split(this: string, separator: string, limit?: number) {
        return this.length === 0 && limit === undefined
            ? [""]
            : (split as (separator: string, limit?: number) => string[]).call(this, separator, limit)
    },
    charCodeAt(this: string, index: number) {
        return charCodeAt.call(this, index) || 0
    },
})
Math.random = () => randomWord() / 0x1_0000_0000
Object.defineProperty(Array.prototype, Symbol.toPrimitive, {
    value(this: unknown[]) {
        return show(this)
    },
})

// the program itself is the first fiber
Fiber.current = new Fiber()
