// The ENC28J60's PHY and the MII registers that lead to it (data sheet, 3.3 and 11.5, registers 2-2, 3-5, 3-6, 6-5, 11-1, 12-4, 12-5).

import { Eir, Mii, PhyReg, Reg } from "./enc28j60-map"
import type { Enc28j60State } from "./enc28j60-state"

/** Duration of a transaction on the MII bus, ms (3.3.1). */
const TRANSACTION = 0.01024

const PRST = 0x8000
const PLOOPBK = 0x4000
const PPWRSV = 0x0800
const PDPXMD = 0x0100
const FRCLNK = 0x4000
const TXDIS = 0x2000
const HDLDIS = 0x0100
const LSTAT = 0x0400
const DPXSTAT = 0x0200
const LLSTAT = 0x0004
const PLNKIE = 0x0010
const PGEIE = 0x0002
const PLNKIF = 0x0010
const PGIF = 0x0004

/** The bits that a host can write, by register; the others are constant or status. */
const BITS = new Map<number, number>([
    [PhyReg.PHCON1, PLOOPBK | PPWRSV | PDPXMD],
    [PhyReg.PHCON2, FRCLNK | TXDIS | HDLDIS | 0x0400],
    [PhyReg.PHIE, PLNKIE | PGEIE],
    [PhyReg.PHLCON, 0x3ffe],
])

/** The parts of the chip that the PHY uses. */
interface PhyHost {
    readonly state: Enc28j60State
    /** Returns the time in ms: that of the simulator's clock, or of the SPI bus if that is later. */
    time(): number
    /** Returns whether a cable leads to a link partner that sends link pulses. */
    partner(): boolean
    /** Starts the negotiation of a link again. */
    negotiate(): void
}

export class Phy {
    private readonly registers = new Map<number, number>()
    private busyUntil = Number.NEGATIVE_INFINITY
    private reading: number | undefined
    /** True when the link was down since the host last read PHSTAT1 (LLSTAT). */
    private wasDown = true
    private lastLink = false
    private flags = 0

    constructor(private readonly host: PhyHost) {
        this.reset()
    }

    /** Sets the registers to their values after a reset (table 3-3). PDPXMD follows LEDB's polarity, which erratum 16 misreads. */
    reset(): void {
        this.registers.clear()
        this.registers.set(PhyReg.PHCON1, this.host.state.errata.ledPolarity ? PDPXMD : 0)
        this.registers.set(PhyReg.PHLCON, 0x3422)
        this.flags = 0
        this.wasDown = true
        this.busyUntil = Number.NEGATIVE_INFINITY
        this.reading = undefined
    }

    get fullDuplex(): boolean {
        return (this.get(PhyReg.PHCON1) & PDPXMD) !== 0
    }

    get linkUp(): boolean {
        if (this.host.state.faults.phyHeld) return false
        if ((this.get(PhyReg.PHCON1) & (PLOOPBK | PPWRSV)) !== 0) return false
        return (this.get(PhyReg.PHCON2) & FRCLNK) !== 0 || this.host.partner()
    }

    /** True while frames reach the wire. */
    get transmits(): boolean {
        return this.linkUp && this.host.partner() && (this.get(PhyReg.PHCON2) & TXDIS) === 0
    }

    /** True while frames that are sent in half duplex come back (erratum 9 and section 9.1). */
    get loopsBack(): boolean {
        return !this.fullDuplex && (this.get(PhyReg.PHCON2) & HDLDIS) === 0
    }

    get busy(): boolean {
        return this.host.state.faults.miiStuck || this.host.time() < this.busyUntil
    }

    /** The value of MISTAT. */
    get status(): number {
        const scan = this.host.state.has(Reg.MICMD, Mii.MIISCAN)
        return (this.busy ? Mii.BUSY : 0) | (scan ? Mii.SCAN : 0) | (scan && this.busy ? Mii.NVALID : 0)
    }

    /** Begins a read if the host has set a bit of MICMD; `before` is the old value. */
    command(before: number): void {
        const { state } = this.host
        const begun = state.registers[Reg.MICMD]! & ~before
        if (begun === 0) return
        if (this.busy) {
            state.misused("MII read begun while MISTAT.BUSY is set")
            return
        }
        this.reading = state.registers[Reg.MIREGADR]!
        this.busyUntil = this.host.time() + TRANSACTION
    }

    /** Begins a write, because the host has written MIWRH (3.3.2). */
    write(): void {
        const { state } = this.host
        if (this.busy) {
            state.misused("MIWRH written while MISTAT.BUSY is set")
            return
        }
        this.busyUntil = this.host.time() + TRANSACTION
        this.store(state.registers[Reg.MIREGADR]!, state.word(Reg.MIWR))
    }

    /** Puts the result of the last read into MIRD, because the host reads it. */
    readData(): void {
        const { state } = this.host
        if (this.reading === undefined) return
        if (this.busy) {
            state.misused("MIRD read while MISTAT.BUSY is set")
            return
        }
        const scanning = state.has(Reg.MICMD, Mii.MIISCAN)
        state.setWord(Reg.MIRD, this.load(this.reading))
        if (!scanning) this.reading = undefined
    }

    /** Returns a register's value as a host's read would, without the MII. */
    get(register: number): number {
        switch (register) {
            case PhyReg.PHID1:
                return 0x0083
            case PhyReg.PHID2:
                return 0x1400
            case PhyReg.PHSTAT1:
                return 0x1800 | (this.linkUp && !this.wasDown ? LLSTAT : 0)
            case PhyReg.PHSTAT2:
                return (this.linkUp ? LSTAT : 0) | (this.fullDuplex ? DPXSTAT : 0)
            case PhyReg.PHIR:
                return this.flags
            default:
                return this.registers.get(register) ?? 0
        }
    }

    /** Writes a register, as the MII bus or a disturbance does. */
    store(register: number, value: number): void {
        if (register === PhyReg.PHCON1) {
            if ((value & PRST) !== 0) {
                this.reset()
                this.host.negotiate()
                return
            }
            if ((value & PDPXMD) !== (this.get(register) & PDPXMD) && this.host.state.has(Reg.ECON1, 0x0c))
                this.host.state.misused("PHCON1.PDPXMD changed while RXEN or TXRTS is set")
            if ((this.get(register) & ~value & (PLOOPBK | PPWRSV)) !== 0) this.host.negotiate()
        }
        this.registers.set(register, value & (BITS.get(register) ?? 0))
    }

    /** Notes a change of the link: LLSTAT latches it, and LINKIF reports it if the host has enabled that (12.1.5). */
    noteLink(): void {
        const up = this.linkUp
        if (!up) this.wasDown = true
        if (up === this.lastLink) return
        this.lastLink = up
        const enabled = (this.get(PhyReg.PHIE) & (PLNKIE | PGEIE)) === (PLNKIE | PGEIE)
        this.flags |= PLNKIF | (enabled ? PGIF : 0)
        if (enabled) this.host.state.flag(Eir.LINKIF)
    }

    private load(register: number): number {
        const value = this.get(register)
        if (register === PhyReg.PHSTAT1) this.wasDown = !this.linkUp
        if (register === PhyReg.PHIR) {
            this.flags = 0
            this.host.state.clear(Reg.EIR, Eir.LINKIF)
        }
        return value
    }
}
