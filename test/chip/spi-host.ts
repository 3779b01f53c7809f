// A host that drives the W5500 model by hand, byte for byte as the data sheet's figures show it.

import { W5500Chip, type W5500Options } from "../../sim/chip/w5500"
import { VirtualClock } from "../../sim/time/clock"

export const STATION = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]

/** Block selects (BSB). */
export const COMMON = 0
export const socketBlock = (n: number) => n * 4 + 1
export const transmitBlock = (n: number) => n * 4 + 2
export const receiveBlock = (n: number) => n * 4 + 3

export class SpiHost {
    readonly clock = new VirtualClock()
    readonly sent: Uint8Array[] = []
    readonly chip: W5500Chip

    constructor(options: Partial<W5500Options> = {}) {
        this.chip = new W5500Chip({ clock: this.clock, send: frame => this.sent.push(frame), ...options })
    }

    /** One SPI frame with chip select, in as many transfers as there are arguments; what came back in all of them. */
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

    read(block: number, address: number, count = 1): number[] {
        return this.frame([address >> 8, address & 0xff, block << 3], new Array<number>(count).fill(0)).slice(
            3
        )
    }

    read16(block: number, address: number): number {
        const [high, low] = this.read(block, address, 2)
        return (high! << 8) | low!
    }

    write(block: number, address: number, ...bytes: number[]): void {
        this.frame([address >> 8, address & 0xff, (block << 3) | 4, ...bytes])
    }

    write16(block: number, address: number, value: number): void {
        this.write(block, address, (value >> 8) & 0xff, value & 0xff)
    }

    /** Opens socket 0 for raw frames with all the memory. */
    open(mode = 0x84): void {
        for (let n = 7; n > 0; n--) this.write(socketBlock(n), 0x1e, 0, 0)
        this.write(socketBlock(0), 0x1e, 16, 16)
        this.write(COMMON, 0x09, ...STATION)
        this.write(socketBlock(0), 0x00, mode)
        this.write(socketBlock(0), 0x01, 0x01)
    }

    /** Sends a frame as a driver would; does not look whether it went out. */
    send(bytes: ArrayLike<number>): void {
        const at = this.read16(socketBlock(0), 0x24)
        this.write(transmitBlock(0), at, ...Array.from(bytes))
        this.write16(socketBlock(0), 0x24, at + bytes.length)
        this.write(socketBlock(0), 0x01, 0x20)
    }

    /** Takes the oldest frame out of receive memory, with its length header. */
    receive(): number[] {
        const at = this.read16(socketBlock(0), 0x28)
        const length = this.read16(receiveBlock(0), at)
        const bytes = this.read(receiveBlock(0), at, length)
        this.write16(socketBlock(0), 0x28, at + length)
        this.write(socketBlock(0), 0x01, 0x40)
        return bytes
    }
}

/** A frame to `destination`, of type 0x88b5 (for local experiments), with `length` bytes in all. */
export function frameTo(destination: number[], length = 60, fill = 0): Uint8Array {
    const frame = new Uint8Array(length)
    for (let i = 14; i < length; i++) frame[i] = (i * 7 + fill) & 0xff
    frame.set([...destination, 0x02, 0, 0, 0, 0, 0x01, 0x88, 0xb5].slice(0, length))
    return frame
}
