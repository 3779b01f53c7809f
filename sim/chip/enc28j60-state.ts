// The state that the parts of the ENC28J60's model share.

import type { Errata } from "./enc28j60-errata"
import type { Enc28j60Faults } from "./enc28j60-faults"
import { type Eir, type Estat, REGISTERS, RESET, Reg } from "./enc28j60-map"

export const MEMORY = 0x2000

/** The duration of a byte at 10 Mbit/s, ms. */
const BYTE_TIME = 0.0008
/** The bytes of preamble, start delimiter and gap around a packet. */
const AROUND = 20

/** The registers of an ENC28J60, its 8 KB of memory, its faults and errata. */
export class Enc28j60State {
    readonly registers = new Uint8Array(REGISTERS)
    readonly memory = new Uint8Array(MEMORY)
    /** Actions of the host that the data sheet forbids or leaves open, as text. */
    readonly misuses: string[] = []
    /** The time until which the wire is busy: in half duplex it carries one packet at a time, of either sender. */
    private wireFreeAt = Number.NEGATIVE_INFINITY

    constructor(
        readonly faults: Enc28j60Faults,
        readonly errata: Errata
    ) {
        this.registers.set(RESET)
    }

    /** Returns the 16 bits of a register pair, whose low byte is first (table 3-1). */
    word(register: Reg): number {
        return this.registers[register]! | (this.registers[register + 1]! << 8)
    }

    setWord(register: Reg, value: number): void {
        this.registers[register] = value & 0xff
        this.registers[register + 1] = value >> 8
    }

    has(register: Reg, bits: number): boolean {
        return (this.registers[register]! & bits) !== 0
    }

    set(register: Reg, bits: number): void {
        this.registers[register]! |= bits
    }

    clear(register: Reg, bits: number): void {
        this.registers[register]! &= ~bits
    }

    flag(eir: Eir, estat: Estat | 0 = 0): void {
        this.set(Reg.EIR, eir)
        this.set(Reg.ESTAT, estat)
    }

    /** Sends a packet of `length` bytes over the wire as soon as that is free; returns the time of the packet's end. */
    occupyWire(now: number, length: number): number {
        this.wireFreeAt = Math.max(now, this.wireFreeAt) + (length + AROUND) * BYTE_TIME
        return this.wireFreeAt
    }

    misused(what: string): void {
        this.misuses.push(what)
    }

    /** Writes bytes into the receive FIFO, which continues at ERXST after ERXND (3.2.1); returns the address of the next byte. */
    writeFifo(at: number, bytes: Uint8Array): number {
        for (const byte of bytes) {
            this.memory[at] = byte
            at = this.after(at)
        }
        return at
    }

    /** Returns the address after `at` in the receive FIFO, which wraps (3.2.3). */
    after(at: number): number {
        return at === this.word(Reg.ERXND) ? this.word(Reg.ERXST) : (at + 1) & (MEMORY - 1)
    }
}
