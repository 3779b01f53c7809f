// Reads the value of `--impair`: how a line impairs the frames on it.
import { OptionError } from "./error"

/** What a line does to frames, separately for each direction and each receiver. All fields of a perfect line are 0. */
export interface Impairments {
    /** Probability that a frame never arrives. */
    loss: number
    /** Delay of one direction, ms: a round trip takes twice as long. */
    delay: number
    /**
     * Random addition to the delay, uniform from -jitter to +jitter, ms. Jitter never reorders frames: a frame waits for the one
     * before it.
     */
    jitter: number
    /** Probability that a frame arrives twice. */
    dup: number
    /** Probability that a frame is held back until one to three later ones have passed it. */
    reorder: number
    /** Probability that one bit, anywhere in the frame, is flipped (as if the FCS had missed it). */
    corrupt: number
    /** Bits per second at which the sender's end sends, from a bounded queue; 0 is no limit. */
    rate: number
}

export const noImpairments: Readonly<Impairments> = {
    loss: 0,
    delay: 0,
    jitter: 0,
    dup: 0,
    reorder: 0,
    corrupt: 0,
    rate: 0,
}

const forms: Record<keyof Impairments, string> = {
    loss: "a probability from 0 to 1",
    delay: "milliseconds, at most 60000",
    jitter: "milliseconds, at most 60000",
    dup: "a probability from 0 to 1",
    reorder: "a probability from 0 to 1",
    corrupt: "a probability from 0 to 1",
    rate: "a number with bit, kbit, mbit or gbit, such as 10mbit",
}

const known = Object.keys(forms).join(", ")
const MAX_MS = 60_000
const decimal = /^(\d+\.?\d*|\.\d+)$/
const rateForm = /^(\d+\.?\d*|\.\d+)(bit|kbit|mbit|gbit)$/
const unit: Record<string, number> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }

/**
 * Reads the changes of a line that is in use: like `parseImpair`, but keys that are not named stay as they are, and `off` ends an
 * impairment, as in `loss=off`.
 */
export function parseChanges(text: string): Partial<Impairments> {
    const changes: Partial<Impairments> = {}
    const set: string[] = []
    for (const part of text.split(",")) {
        const [key = "", value] = part.split("=", 2)
        if (value === "off" && isKey(key)) changes[key] = 0
        else set.push(part)
    }
    if (set.length === 0) return changes
    const values = parseImpair(set.join(","))
    for (const part of set) {
        const [key = ""] = part.split("=")
        if (!isKey(key)) continue
        if (key in changes) throw bad(`${key} is given twice`)
        changes[key] = values[key]
    }
    return changes
}

/** Returns impairments in the form in which they are given, those that are 0 left out; an empty string for a perfect line. */
export function impairText(impairments: Readonly<Impairments>): string {
    const keys = (Object.keys(forms) as (keyof Impairments)[]).filter(key => impairments[key] > 0)
    return keys.map(key => `${key}=${impairments[key]}${key === "rate" ? "bit" : ""}`).join(",")
}

/**
 * Reads `loss=0.1,delay=20,jitter=5,dup=0.01,reorder=0.05,corrupt=0.01,rate=10mbit`, any of them in any order.
 * Throws an OptionError of one line that names what is wrong and lists the known keys.
 */
export function parseImpair(text: string): Impairments {
    const result: Impairments = { ...noImpairments }
    const seen = new Set<string>()
    for (const part of text.split(",")) {
        const [key = "", value, ...more] = part.split("=")
        if (!isKey(key)) throw bad(`unknown key ${JSON.stringify(key)}`)
        if (value === undefined) throw bad(`${key} has no value; ${key} takes ${forms[key]}`)
        if (seen.has(key)) throw bad(`${key} is given twice`)
        seen.add(key)
        const number = more.length > 0 ? undefined : parseValue(key, value)
        if (number === undefined) {
            throw bad(`${key}=${[value, ...more].join("=")} is not valid: ${key} takes ${forms[key]}`)
        }
        result[key] = number
    }
    return result
}

function isKey(key: string): key is keyof Impairments {
    return Object.hasOwn(forms, key)
}

function parseValue(key: keyof Impairments, text: string): number | undefined {
    if (key === "rate") {
        const [, amount, name] = rateForm.exec(text) ?? []
        const rate = Number(amount) * unit[name ?? ""]!
        return rate > 0 && Number.isFinite(rate) ? rate : undefined
    }
    if (!decimal.test(text)) return undefined
    const number = Number(text)
    return number <= (key === "delay" || key === "jitter" ? MAX_MS : 1) ? number : undefined
}

function bad(what: string): OptionError {
    return new OptionError(`impair: ${what} (known: ${known})`)
}
