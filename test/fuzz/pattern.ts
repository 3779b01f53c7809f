// What both ends of every fuzzed connection say: a byte is decided by its connection and sequence number alone. So
// every byte that comes out of the stack, to the program or to the wire, can be told right from wrong, whatever went
// in.

import { Random } from "../../sim/time/random"

/** As many as sequence numbers wrap around evenly; more than any window. */
const PERIOD = 65_536
/** The longest run of bytes that is looked at in one. */
const MOST = 65_536

const table = new Uint8Array(PERIOD + MOST)
new Random(0x7e57).fill(table.subarray(0, PERIOD))
table.copyWithin(PERIOD, 0, MOST)

export type Side = "peer" | "stack"

/** Tells connections and directions apart: `ip` and `ports` as the connection's record has them. */
export function saltOf(side: Side, ip: number, ports: number): number {
    const salt = Math.imul(ip ^ Math.imul(ports, 0x01000193), 0x2c1b3c6d) >>> 16
    return side === "peer" ? salt : salt ^ 0x5a5a
}

/** The bytes of sequence number `seq` and after. Not to be written to. */
export function pattern(salt: number, seq: number, length: number): Uint8Array {
    const at = (seq + salt) & (PERIOD - 1)
    return table.subarray(at, at + length)
}

/**
 * The first of `length` bytes at `at` that is not the one of its sequence number, counted from 0; -1 when all are.
 */
export function firstWrong(bytes: Uint8Array, at: number, length: number, salt: number, seq: number): number {
    const from = (seq + salt) & (PERIOD - 1)
    for (let i = 0; i < length; i++) if (bytes[at + i] !== table[from + i]) return i
    return -1
}
