// A host that drives the ENC28J60 model by hand, byte for byte as the data sheet's figures show it.

import { Enc28j60Chip, type Enc28j60Options } from "../../sim/chip/enc28j60"
import { Econ1, Econ2, kindOf, Mii, Reg } from "../../sim/chip/enc28j60-map"
import { VirtualClock } from "../../sim/time/clock"

export const STATION = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]
export const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]

/** First address of the receive FIFO's end and of what is sent in `open`. */
export const FIFO_END = 0x17ff
export const SEND = 0x1800

export class EncHost {
    readonly clock = new VirtualClock()
    readonly sent: Uint8Array[] = []
    readonly chip: Enc28j60Chip

    constructor(options: Partial<Enc28j60Options> = {}) {
        this.chip = new Enc28j60Chip({ clock: this.clock, send: frame => this.sent.push(frame), ...options })
    }

    get misuses(): string[] {
        return this.chip.misuses
    }

    /** One instruction with chip select, in as many transfers as there are arguments; what came back in all of them. */
    frame(...transfers: number[][]): number[] {
        this.chip.select(0)
        const back = transfers.map(bytes => this.shift(bytes))
        this.chip.select(1)
        return back.flat()
    }

    /** One transfer, whatever chip select says. */
    shift(bytes: number[]): number[] {
        const buffer = Uint8Array.from(bytes)
        this.chip.transfer(buffer)
        return [...buffer]
    }

    bank(register: number): void {
        if ((register & 0x1f) >= 0x1b) return
        this.frame([0xbf, 0x03])
        this.frame([0x9f, register >> 5])
    }

    read(register: number): number {
        this.bank(register)
        return this.readSelected(register)
    }

    readSelected(register: number): number {
        const address = register & 0x1f
        return kindOf(register) === "mac" ? this.frame([address, 0, 0])[2]! : this.frame([address, 0])[1]!
    }

    read16(register: number): number {
        return this.read(register) | (this.read(register + 1) << 8)
    }

    write(register: number, ...bytes: number[]): void {
        this.bank(register)
        for (const [i, byte] of bytes.entries()) this.frame([0x40 | ((register + i) & 0x1f), byte])
    }

    write16(register: number, value: number): void {
        this.write(register, value & 0xff, value >> 8)
    }

    set(register: number, bits: number): void {
        this.bank(register)
        this.frame([0x80 | (register & 0x1f), bits])
    }

    clear(register: number, bits: number): void {
        this.bank(register)
        this.frame([0xa0 | (register & 0x1f), bits])
    }

    readMemory(at: number, count: number): number[] {
        this.write16(Reg.ERDPT, at)
        return this.frame([0x3a], Array<number>(count).fill(0)).slice(1)
    }

    writeMemory(at: number, bytes: ArrayLike<number>): void {
        this.write16(Reg.EWRPT, at)
        this.frame([0x7a, ...Array.from(bytes)])
    }

    readPhy(register: number): number {
        this.write(Reg.MIREGADR, register)
        this.write(Reg.MICMD, Mii.MIIRD)
        while ((this.read(Reg.MISTAT) & Mii.BUSY) !== 0);
        this.write(Reg.MICMD, 0)
        return this.read16(Reg.MIRD)
    }

    writePhy(register: number, value: number): void {
        this.write(Reg.MIREGADR, register)
        this.write16(Reg.MIWR, value)
        while ((this.read(Reg.MISTAT) & Mii.BUSY) !== 0);
    }

    /** Sets all that is needed to move frames in half duplex, and RXEN. */
    open(filters = 0xa1): void {
        this.write16(Reg.ERXST, 0)
        this.write16(Reg.ERXND, FIFO_END)
        this.write16(Reg.ERXRDPT, FIFO_END)
        this.write(Reg.ERXFCON, filters)
        this.write(Reg.MACON1, 0x01)
        this.write(Reg.MACON3, 0x30)
        this.write16(Reg.MAMXFL, 1522)
        for (const [i, byte] of STATION.entries()) this.write((Reg.MAADR1 - (i & 6)) | (i & 1), byte)
        this.writePhy(0x00, 0)
        this.writePhy(0x10, 0x0100)
        this.set(Reg.ECON1, Econ1.RXEN)
    }

    async wait(ms: number): Promise<void> {
        await this.clock.runUntil(this.clock.now() + ms)
    }

    /** A frame arrives, and is in memory or lost. */
    async deliver(...frames: Uint8Array[]): Promise<void> {
        for (const frame of frames) {
            this.chip.deliver(frame)
            await this.wait(1.3)
        }
    }

    /** Writes a frame behind its control byte and asks for its transmission. */
    request(bytes: ArrayLike<number>, control = 0): void {
        this.writeMemory(SEND, [control, ...Array.from(bytes)])
        this.write16(Reg.ETXST, SEND)
        this.write16(Reg.ETXND, SEND + bytes.length)
        this.clear(Reg.EIR, 0x0a)
        this.set(Reg.ECON1, Econ1.TXRTS)
    }

    /** The same, until it is over. */
    async send(bytes: ArrayLike<number>, control = 0): Promise<void> {
        this.request(bytes, control)
        await this.wait(2)
    }

    resetTransmit(): void {
        this.set(Reg.ECON1, Econ1.TXRST)
        this.clear(Reg.ECON1, Econ1.TXRST)
        this.clear(Reg.EIR, 0x0a)
    }

    /** Takes the oldest packet from `at` on: its header and bytes, the FCS too. */
    packet(at = 0): { next: number; count: number; status: number; bytes: number[] } {
        const [n0, n1, c0, c1, s0, s1] = this.readMemory(at, 6) as [
            number,
            number,
            number,
            number,
            number,
            number,
        ]
        const count = c0 | (c1 << 8)
        return {
            next: n0 | (n1 << 8),
            count,
            status: s0 | (s1 << 8),
            bytes: this.readMemory(at, 6 + count).slice(6),
        }
    }

    done(next: number): void {
        this.write16(Reg.ERXRDPT, next === 0 ? FIFO_END : next - 1)
        this.set(Reg.ECON2, Econ2.PKTDEC)
    }
}

/** A frame to `destination`, of type 0x88b5 (for local experiments), with `length` bytes in all. */
export function frameTo(destination: number[], length = 60, fill = 0): Uint8Array {
    const frame = new Uint8Array(length)
    for (let i = 14; i < length; i++) frame[i] = (i * 7 + fill) & 0xff
    frame.set([...destination, 0x02, 0, 0, 0, 0, 0x01, 0x88, 0xb5].slice(0, length))
    return frame
}
