// Node runtime: formats values as the VM prints them.

import { Buffer } from "./buffer"

const DEPTH = 4

/** Returns a value as text; strings within arrays and objects are in quotes. */
export function show(value: unknown, depth = 0): string {
    if (typeof value === "string") return JSON.stringify(value)
    if (typeof value === "function") return `[Function: ${value.name}]`
    if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "0" : String(value)
    if (value instanceof Buffer) return `${value}`
    if (depth === DEPTH) return "..."
    if (Array.isArray(value)) return `[${value.map(element => show(element, depth + 1)).join(",")}]`
    const members = Object.entries(value).map(([name, member]) => `${name}:${show(member, depth + 1)},`)
    return `{${members.join("")}}`
}
