// The ENC28J60's receive logic (data sheet, 3.2.1 and 7.2).

import { withFcs } from "../link/crc32"
import type { Clock } from "../time/clock"
import { accepts } from "./enc28j60-filter"
import { Econ1, Eir, Estat, MARXEN, Macon3, Reg } from "./enc28j60-map"
import type { Enc28j60State } from "./enc28j60-state"

/** The size of a packet's header: next packet pointer and receive status vector (figure 7-3). */
const HEADER = 6
/** The shortest frame without FCS (IEEE 802.3): a sender pads shorter ones. */
const SHORTEST = 60
const MOST_PACKETS = 255

export class Receiver {
    /** The address of the next byte; ERXWRPT follows it packet by packet. */
    private writeAt = 0
    /** The value written to ERXRDPTL, which takes effect with ERXRDPTH (7.2.4). */
    private readLow = 0
    private deaf = false
    /** The number of packets that are arriving now. */
    private arriving = 0
    /** The number of aborts so far: a packet that began before an abort is dropped. */
    private era = 0
    private leaks = 0

    constructor(private readonly state: Enc28j60State) {}

    /** Resets all fields to their state after a system reset. */
    reset(): void {
        this.load()
        this.readLow = this.state.registers[Reg.ERXRDPT]!
        this.resetLogic()
    }

    /** Resets the logic, because the host has set ECON1.RXRST (11.4): RXEN is cleared; the pointers and EPKTCNT do not change. */
    resetLogic(): void {
        this.state.clear(Reg.ECON1, Econ1.RXEN)
        this.deaf = false
        this.era++
        this.arriving = 0
    }

    /** Sets the hardware's own pointer to ERXST, or to 0 (erratum 5), because the host has written ERXST or ERXND. */
    load(): void {
        this.writeAt = this.state.errata.receiveStartsAtZero ? 0 : this.state.word(Reg.ERXST)
    }

    holdLow(value: number): void {
        this.readLow = value
    }

    /** Sets ERXRDPT, because the host has written ERXRDPTH, with which both bytes take effect. */
    takeReadPointer(high: number): void {
        this.state.setWord(Reg.ERXRDPT, this.readLow | (high << 8))
        if ((this.readLow & 1) === 0 && this.state.errata.evenReadPointer)
            this.state.misused(`ERXRDPT is 0x${this.state.word(Reg.ERXRDPT).toString(16)}, which is even`)
    }

    /** The value of ESTAT.RXBUSY. */
    get busy(): boolean {
        return this.arriving > 0
    }

    /** Aborts the packet that is being received, because of the DMA's checksum (erratum 17). */
    abort(): void {
        this.era++
        this.arriving = 0
        this.state.flag(Eir.RXERIF, Estat.BUFER)
    }

    /** Receives a frame without FCS from the wire; later calls `done`, with true if the frame is in memory. */
    arrive(frame: Uint8Array, clock: Clock, done: (stored: boolean) => void): void {
        if (!this.enabled) {
            done(false)
            return
        }
        const padded = new Uint8Array(Math.max(frame.length, SHORTEST))
        padded.set(frame)
        const packet = withFcs(padded)
        const { era } = this
        this.arriving++
        clock.at(this.state.occupyWire(clock.now(), packet.length), () => {
            if (era !== this.era) {
                done(false)
                return
            }
            this.arriving--
            done(this.enabled && this.take(packet))
        })
    }

    private get enabled(): boolean {
        const { state } = this
        return state.has(Reg.ECON1, Econ1.RXEN) && state.has(Reg.MACON1, MARXEN) && !this.deaf
    }

    /** Stores a whole packet with its FCS; returns false when the packet is dropped. */
    take(packet: Uint8Array): boolean {
        const { state } = this
        const { faults } = state
        const huge = state.has(Reg.MACON3, Macon3.HFRMEN)
        if (packet.length > state.word(Reg.MAMXFL) && !huge) return false
        if (!accepts(state.registers, packet, true) && !this.leaksThrough(packet)) return false
        const size = HEADER + packet.length + (packet.length & 1)
        const count = state.registers[Reg.EPKTCNT]!
        if (faults.overflows > 0 || size > this.free || count === MOST_PACKETS) {
            if (faults.overflows > 0) faults.overflows--
            this.deaf = faults.deafAfterOverflow
            state.flag(Eir.RXERIF, Estat.BUFER)
            return false
        }
        let next = this.writeAt
        for (let i = 0; i < size; i++) next = state.after(next)
        state.writeFifo(this.writeAt, this.header(next, packet))
        let at = this.writeAt
        for (let i = 0; i < HEADER; i++) at = state.after(at)
        state.writeFifo(at, packet)
        this.writeAt = next
        state.setWord(Reg.ERXWRPT, next)
        state.registers[Reg.EPKTCNT] = count + 1
        state.flag(Eir.PKTIF)
        return true
    }

    /** The free bytes of the receive FIFO (section 7.2.5). */
    private get free(): number {
        const read = this.state.word(Reg.ERXRDPT)
        const size = this.state.word(Reg.ERXND) - this.state.word(Reg.ERXST)
        if (this.writeAt > read) return size - (this.writeAt - read)
        return this.writeAt === read ? size : read - this.writeAt - 1
    }

    /** Returns the header of a packet (table 7-3). An even ERXRDPT corrupts the pointer and the status (erratum 14). */
    private header(next: number, packet: Uint8Array): Uint8Array {
        const { faults, errata } = this.state
        const spoilt = errata.evenReadPointer && (this.state.word(Reg.ERXRDPT) & 1) === 0
        const type = (packet[12]! << 8) | packet[13]!
        const group = (packet[0]! & 1) !== 0
        const broadcast = packet.subarray(0, 6).every(byte => byte === 0xff)
        const pointer = faults.nextPackets.shift() ?? (spoilt ? next ^ 0x0a5a : next)
        const bytes = faults.byteCounts.shift() ?? packet.length
        const low = 0x80 | (type > 1500 ? 0x40 : 0)
        const high = (broadcast ? 0x02 : group ? 0x01 : 0) | (type === 0x8100 ? 0x40 : 0)
        return Uint8Array.of(
            pointer & 0xff,
            pointer >> 8,
            bytes & 0xff,
            bytes >> 8,
            spoilt ? low ^ 0x80 : low,
            high
        )
    }

    /**
     * Returns true when the pattern match lets a packet through that does not match. Erratum 18 does not say which packets: here
     * every fourth group packet.
     */
    private leaksThrough(packet: Uint8Array): boolean {
        const pattern = this.state.errata.patternMatchLeaks && this.state.has(Reg.ERXFCON, 0x10)
        return pattern && (packet[0]! & 1) !== 0 && ++this.leaks % 4 === 0
    }
}
