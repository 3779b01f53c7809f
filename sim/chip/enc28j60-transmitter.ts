// The ENC28J60's transmit logic (data sheet, 7.1 and 12.1.3, errata 12, 13 and 15).

import { withFcs } from "../link/crc32"
import type { Clock } from "../time/clock"
import { Econ1, Eir, Estat, Macon3, PacketControl, Reg } from "./enc28j60-map"
import { type Enc28j60State, MEMORY } from "./enc28j60-state"

const STATUS_SIZE = 7
const SHORTEST = 60

/** Bits of the transmit status vector (table 7-1), from its third byte on. */
const DONE = 0x80
const CRC_ERROR = 0x10
const OUT_OF_RANGE = 0x40
const MULTICAST = 0x01
const BROADCAST = 0x02
const EXCESSIVE_COLLISIONS = 0x10
const LATE_COLLISION = 0x20
const GIANT = 0x40

/** The result of a transmission. */
type Outcome = "sent" | "excessive collisions" | "late collision" | "link pulse" | "giant" | "never"

export class Transmitter {
    /** True when an aborted transmission has stalled the logic (erratum 12). */
    private stalled = false
    /** Number of resets and cancellations: a transmission that ends after one of them changes nothing. */
    private era = 0
    /** The first and the last address of the packet that is being sent. */
    private range: [number, number] | undefined

    constructor(
        private readonly state: Enc28j60State,
        private readonly clock: Clock,
        /** Receives a frame without FCS when it has been sent. */
        private readonly wire: (frame: Uint8Array) => void
    ) {}

    reset(): void {
        this.stalled = false
        this.cancel()
    }

    /** Resets the logic, because the host has set ECON1.TXRST (11.3). */
    resetLogic(): void {
        this.reset()
        this.state.clear(Reg.ECON1, Econ1.TXRTS)
    }

    /** Ends the reset of the logic, because the host has cleared ECON1.TXRST; that may set TXERIF (erratum 12). */
    release(): void {
        if (this.state.errata.abortStalls) this.state.flag(Eir.TXERIF)
    }

    /** Cancels the transmission, because the host has cleared TXRTS (12.1.4). */
    cancel(): void {
        this.era++
        this.range = undefined
    }

    /** Returns true when an address belongs to the packet that is being sent (7.1). */
    isSending(address: number): boolean {
        return this.range !== undefined && address >= this.range[0] && address <= this.range[1]
    }

    /** Starts a transmission, because the host has set TXRTS. */
    start(): void {
        const { state } = this
        const [first, last] = [state.word(Reg.ETXST), state.word(Reg.ETXND)]
        if (last <= first || last + STATUS_SIZE >= MEMORY) {
            state.misused(`transmission of 0x${first.toString(16)} to 0x${last.toString(16)}`)
            return
        }
        const control = state.memory[first]!
        const frame = state.memory.slice(first + 1, last + 1)
        const packet = this.packet(control, frame)
        const outcome = this.outcome(control, packet)
        if (outcome === "never") return
        this.range = [first, last]
        const { era } = this
        // a collision is seen after 64 bytes
        const length = outcome === "sent" ? packet.length : 64
        this.clock.at(state.occupyWire(this.clock.now(), length), () => {
            if (era === this.era) this.end(outcome, frame.length, packet, last)
        })
    }

    private outcome(control: number, packet: Uint8Array): Outcome {
        const { faults, errata } = this.state
        if (this.stalled || this.state.has(Reg.ECON1, Econ1.TXRST)) return "never"
        if (faults.stuckSends > 0) {
            faults.stuckSends--
            return "never"
        }
        const huge = (control & PacketControl.POVERRIDE) !== 0 ? control & PacketControl.PHUGEEN : 0
        const allowed = huge !== 0 || this.state.has(Reg.MACON3, Macon3.HFRMEN)
        if (packet.length > this.state.word(Reg.MAMXFL) && !allowed) return "giant"
        if (faults.excessiveCollisions > 0) {
            faults.excessiveCollisions--
            return "excessive collisions"
        }
        if (faults.lateCollisions > 0) {
            faults.lateCollisions--
            return "late collision"
        }
        if (faults.linkPulses > 0 && errata.linkPulseCollisions) {
            faults.linkPulses--
            return "link pulse"
        }
        return "sent"
    }

    /**
     * Returns the packet on the wire, with the padding and FCS that MACON3 or the control byte select (figure 7-1, register 6-2).
     */
    private packet(control: number, frame: Uint8Array): Uint8Array {
        const own = (control & PacketControl.POVERRIDE) !== 0
        const mode = this.state.registers[Reg.MACON3]! & Macon3.PADCFG
        const pads = own ? (control & PacketControl.PPADEN) !== 0 : (mode & 0x20) !== 0
        const appends = own
            ? (control & PacketControl.PCRCEN) !== 0
            : pads || this.state.has(Reg.MACON3, Macon3.TXCRCEN)
        const padded = new Uint8Array(pads ? Math.max(frame.length, SHORTEST) : frame.length)
        padded.set(frame)
        return appends ? withFcs(padded) : padded
    }

    private end(outcome: Outcome, length: number, packet: Uint8Array, last: number): void {
        const { state } = this
        this.range = undefined
        const body = packet.subarray(0, packet.length - 4)
        const isValid = packet.length > 4 && Buffer.compare(withFcs(body), packet) === 0
        const sent = outcome === "sent"
        this.writeStatus(outcome, length, packet, isValid, last)
        if (sent) {
            state.clear(Reg.ECON1, Econ1.TXRTS)
            state.flag(Eir.TXIF)
            // a receiver drops a packet that is too short or has no valid FCS
            if (isValid && body.length >= SHORTEST) this.wire(body.slice())
            else state.misused(`${packet.length} bytes sent without padding or FCS`)
            return
        }
        const late = outcome === "late collision" || outcome === "link pulse"
        state.flag(Eir.TXERIF, Estat.TXABRT)
        if (late && !state.errata.latecolUnreliable) state.set(Reg.ESTAT, Estat.LATECOL)
        // erratum 13: the abort may not reset the state machine
        if (outcome === "link pulse") this.stalled = true
        else {
            state.clear(Reg.ECON1, Econ1.TXRTS)
            state.flag(Eir.TXIF)
            this.stalled = state.errata.abortStalls && outcome !== "giant"
        }
    }

    /** Writes the status vector (table 7-1) after the packet. */
    private writeStatus(
        outcome: Outcome,
        length: number,
        packet: Uint8Array,
        isValid: boolean,
        last: number
    ): void {
        const sent = outcome === "sent"
        const group = (packet[0]! & 1) !== 0
        const broadcast = packet.subarray(0, 6).every(byte => byte === 0xff)
        const type = (packet[12]! << 8) | packet[13]!
        const collisions = outcome === "excessive collisions" ? 15 : 0
        const low =
            (sent ? DONE : 0) | collisions | (isValid ? 0 : CRC_ERROR) | (type > 1500 ? OUT_OF_RANGE : 0)
        const high =
            (broadcast ? BROADCAST : group ? MULTICAST : 0) |
            (outcome === "excessive collisions" ? EXCESSIVE_COLLISIONS : 0) |
            (outcome === "late collision" || outcome === "link pulse" ? LATE_COLLISION : 0) |
            (outcome === "giant" ? GIANT : 0)
        const total = packet.length
        this.state.memory.set(
            [length & 0xff, length >> 8, low, high, total & 0xff, total >> 8, 0].slice(0, STATUS_SIZE),
            last + 1
        )
    }
}
