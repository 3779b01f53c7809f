// The ENC28J60's DMA (data sheet, chapter 13, and erratum 17).

import type { Clock } from "../time/clock"
import { checksum } from "./enc28j60-filter"
import { Econ1, Eir, Reg } from "./enc28j60-map"
import type { Receiver } from "./enc28j60-receiver"
import { type Enc28j60State, MEMORY } from "./enc28j60-state"

/** A clock cycle at 25 MHz, ms: a checksum takes one cycle per byte, a copy two. */
const CLOCK = 0.00004

export class Dma {
    private era = 0

    constructor(
        private readonly state: Enc28j60State,
        private readonly clock: Clock,
        private readonly receiver: Receiver
    ) {}

    /** Ends the operation, because a reset or the host has cleared DMAST (12.1.6). */
    cancel(): void {
        this.era++
    }

    /** Starts an operation, because the host has set DMAST. */
    start(): void {
        const { state } = this
        const sums = state.has(Reg.ECON1, Econ1.CSUMEN)
        const bytes: number[] = []
        const end = state.word(Reg.EDMAND)
        let at = state.word(Reg.EDMAST)
        if (at === end) state.misused("DMA of one byte")
        for (; at !== end && bytes.length < MEMORY; at = state.after(at)) bytes.push(state.memory[at]!)
        if (at !== end) {
            state.misused("DMA to an address that it never reaches")
            return
        }
        bytes.push(state.memory[end]!)
        const duration = bytes.length * CLOCK * (sums ? 1 : 2)
        if (sums && state.errata.dmaChecksumAborts && this.receiver.busy) this.receiver.abort()
        const { era } = this
        this.clock.at(this.clock.now() + duration, () => {
            if (era !== this.era) return
            if (sums) state.setWord(Reg.EDMACS, checksum(Uint8Array.from(bytes)))
            else this.copy(bytes)
            state.clear(Reg.ECON1, Econ1.DMAST)
            state.flag(Eir.DMAIF)
        })
    }

    private copy(bytes: number[]): void {
        let to = this.state.word(Reg.EDMADST)
        for (const byte of bytes) {
            this.state.memory[to] = byte
            to = (to + 1) & (MEMORY - 1)
        }
    }
}
