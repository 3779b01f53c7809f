// The model of Microchip's ENC28J60, from its data sheet (DS39662E) and errata (DS80349C): everything that a host sees through
// SPI, the reset line and the interrupt line. Numbers in comments are sections of the data sheet. Frames are without FCS here,
// but have it in the chip's memory.

import type { Clock } from "../time/clock"
import { Random } from "../time/random"
import type { SpiChip } from "./chip"
import { Dma } from "./enc28j60-dma"
import { type Errata, errataOf, REVISION_IDS, type Revision } from "./enc28j60-errata"
import { Enc28j60Faults } from "./enc28j60-faults"
import {
    Econ1,
    Econ2,
    Eir,
    Estat,
    FORBIDDEN,
    kindOf,
    Macon3,
    RESET,
    Reg,
    registerAt,
    WRITABLE,
} from "./enc28j60-map"
import { Phy } from "./enc28j60-phy"
import { Receiver } from "./enc28j60-receiver"
import { nameOf, noteForbidden } from "./enc28j60-rules"
import { Enc28j60State, MEMORY } from "./enc28j60-state"
import { Transmitter } from "./enc28j60-transmitter"
import { SpiLine } from "./spi-line"

/** The shortest reset pulse, ms (table 16-3). */
const RESET_PULSE = 0.0004
/** The time after the SPI reset command until PHY and MAC are ready, ms (erratum 2). */
const PHY_START = 1
/** The duration of a byte at the fastest SPI clock of 20 MHz, ms (table 16-6): the chip's time advances at least this much per byte. */
const SPI_BYTE = 0.0004
/** The byte on MISO when nothing is read. The data sheet does not define it; this value is unlike any valid answer. */
const NO_DATA = 0xa5
const SHORTEST_RECEIVED = 14

/** The SPI instructions by the upper three bits of their first byte (table 4-1). */
enum Instruction {
    ReadRegister = 0,
    ReadMemory = 1,
    WriteRegister = 2,
    WriteMemory = 3,
    SetBits = 4,
    ClearBits = 5,
    None = 6,
    Reset = 7,
}
const MEMORY_ARGUMENT = 0x1a
const RESET_ARGUMENT = 0x1f

export interface Enc28j60Options {
    clock: Clock
    /** Receives the frames that the chip sends; they belong to the receiver. */
    send: (frame: Uint8Array) => void
    /** Time from a plugged cable or a reset of the PHY to a link, ms; the default is 0. A real PHY needs some hundred. */
    negotiation?: number
    /** The generator that draws random faults. */
    random?: Random
    /** The revision of the silicon; the default is B7. */
    revision?: Revision
    /** Errata to switch on or off; the others are those of the revision. */
    errata?: Partial<Errata>
}

/** An ENC28J60. The model starts in the state after a power-on, with a running oscillator and a link partner in half duplex. */
export class Enc28j60Chip implements SpiChip {
    readonly faults = new Enc28j60Faults()
    readonly errata: Errata
    /** Number of frames that were stored in receive memory. */
    received = 0
    /**
     * Number of frames that were dropped because memory was full, reception was not enabled, or the address was another
     * station's.
     */
    dropped = 0
    activity = 0

    private readonly clock: Clock
    private readonly random: Random
    private readonly state: Enc28j60State
    private readonly phy: Phy
    private readonly receiver: Receiver
    private readonly transmitter: Transmitter
    private readonly dma: Dma
    private readonly revision: number
    private cable = true
    private linkAt = Number.NEGATIVE_INFINITY
    /** The time from which the oscillator runs (CLKRDY). */
    private clockReadyAt = Number.NEGATIVE_INFINITY
    /** The time from which PHY and MAC run. */
    private macReadyAt = Number.NEGATIVE_INFINITY
    /** The time from which the chip has power. */
    private poweredAt = Number.NEGATIVE_INFINITY
    private resetSince: number | undefined
    private selected = false
    /** Bytes of the instruction so far. */
    private count = 0
    /** The first byte of the instruction. */
    private instruction = 0
    /** The time by the clock of the SPI bus, ms. */
    private spiTime = 0
    private loops = 0
    private readonly miso: SpiLine
    private readonly mosi: SpiLine

    constructor(private readonly options: Enc28j60Options) {
        const { clock, revision = "B7" } = options
        this.clock = clock
        this.random = options.random ?? new Random(1)
        this.miso = new SpiLine(this.random.fork("miso"))
        this.mosi = new SpiLine(this.random.fork("mosi"))
        this.revision = REVISION_IDS[revision]
        this.errata = { ...errataOf(revision), ...options.errata }
        this.state = new Enc28j60State(this.faults, this.errata)
        this.phy = new Phy({
            state: this.state,
            time: () => this.time(),
            partner: () => this.cable && this.clock.now() >= this.linkAt,
            negotiate: () => this.negotiate(),
        })
        this.receiver = new Receiver(this.state)
        this.transmitter = new Transmitter(this.state, clock, frame => this.emit(frame))
        this.dma = new Dma(this.state, clock, this.receiver)
        this.initialize()
        this.random.fork("memory").fill(this.state.memory)
    }

    /** Actions of the host that the data sheet forbids or leaves open, as text. */
    get misuses(): string[] {
        return this.state.misuses
    }

    /** Receives a frame from the wire, without FCS. */
    deliver(frame: Uint8Array): void {
        const hears =
            this.works && this.macReady && this.linkUp && frame.length >= SHORTEST_RECEIVED && this.duplexFits
        if (!hears) this.dropped++
        else
            this.receiver.arrive(frame, this.clock, stored => {
                if (stored) {
                    this.activity++
                    this.received++
                } else this.dropped++
            })
    }

    /** Plugs the cable in or out. */
    setLink(up: boolean): void {
        if (up && !this.cable) this.negotiate()
        this.cable = up
        this.phy.noteLink()
    }

    /** True while the PHY has a link. */
    get linkUp(): boolean {
        return this.works && this.phy.linkUp
    }

    line(_name: string): 0 | 1 {
        return this.interrupt
    }

    /** Level of the INT pin: 0 while an enabled interrupt is pending. */
    get interrupt(): 0 | 1 {
        return this.works && this.state.has(Reg.EIE, Eir.INTIE) && this.pending ? 0 : 1
    }

    reset(level: 0 | 1): void {
        const now = this.clock.now()
        if (level === 0) this.resetSince ??= now
        else if (this.resetSince !== undefined) {
            const pulse = now - this.resetSince
            this.resetSince = undefined
            if (pulse < RESET_PULSE) {
                this.state.misused(`reset pulse of ${pulse} ms, shorter than ${RESET_PULSE}`)
                return
            }
            if (this.faults.resetRevives) this.faults.dead = undefined
            this.systemReset()
        }
    }

    close(): void {
        this.reset(0)
        this.initialize()
    }

    /**
     * Drops the supply below what the chip needs for `ms`: the chip does not answer, and is then in the state after a power-on.
     */
    brownOut(ms: number): void {
        this.poweredAt = this.clock.now() + ms
        this.systemReset()
        this.state.registers[Reg.ECOCON] = RESET[Reg.ECOCON]!
        this.clockReadyAt = Math.max(this.time(), this.poweredAt) + this.faults.oscillator
        this.macReadyAt = this.clockReadyAt
        this.random.fork("memory").fill(this.state.memory)
    }

    /** Changes a register without the host; `register` is bank * 32 + address, or 0x100 + the number of a PHY register. */
    change(register: number, value: number): void {
        if (register >= 0x100) this.phy.store(register - 0x100, value)
        else if (register === Reg.EPKTCNT) this.state.registers[register] = value
        else this.write(register, value)
    }

    select(level: 0 | 1): void {
        this.endInstruction()
        this.selected = level === 0
    }

    transfer(buffer: Uint8Array): void {
        // a program on Node passes a DeviceScript Buffer, whose methods differ: this is a plain view of its bytes
        const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
        const { faults } = this
        this.carry("mosi", bytes, faults.mosiStuck, faults.mosiErrors)
        this.spiTime = Math.max(this.spiTime, this.clock.now())
        for (let i = 0; i < bytes.length; i++) {
            this.spiTime += SPI_BYTE
            bytes[i] = this.shift(bytes[i]!)
        }
        this.carry("miso", bytes, faults.misoStuck, faults.misoErrors)
    }

    private carry(name: "miso" | "mosi", bytes: Uint8Array, stuck: number | undefined, rate: number): void {
        const sent = this[name].carry(bytes, stuck, rate)
        if (sent !== undefined) this.faults.onError?.(name, bytes, sent)
    }

    /** Shifts one byte in and returns the byte that is shifted out. */
    private shift(byte: number): number {
        if (this.faults.dead !== undefined) return this.faults.dead
        if (!this.selected) return 0xff
        if (!this.works) return 0x00
        const phase = this.count++
        if (phase === 0) {
            this.begin(byte)
            return NO_DATA
        }
        const argument = this.instruction & 0x1f
        switch (this.instruction >> 5) {
            case Instruction.ReadRegister:
                return this.readPhase(this.register(argument), phase)
            case Instruction.ReadMemory:
                return argument === MEMORY_ARGUMENT ? this.readMemory() : NO_DATA
            case Instruction.WriteMemory:
                if (argument === MEMORY_ARGUMENT) this.writeMemory(byte)
                return NO_DATA
            default:
                if (phase === 1) this.writePhase(this.register(argument), byte)
                return NO_DATA
        }
    }

    /** Handles the first byte of an instruction. */
    private begin(byte: number): void {
        this.instruction = byte
        const argument = byte & 0x1f
        const kind: Instruction = byte >> 5
        const memory = kind === Instruction.ReadMemory || kind === Instruction.WriteMemory
        if (kind === Instruction.Reset && argument === RESET_ARGUMENT) this.resetCommand()
        else if (
            kind === Instruction.None ||
            kind === Instruction.Reset ||
            (memory && argument !== MEMORY_ARGUMENT)
        )
            this.state.misused(`instruction 0x${byte.toString(16)}`)
    }

    private endInstruction(): void {
        const reads = this.count > 0 && this.instruction >> 5 === Instruction.ReadRegister
        // the first byte read from such a register is a dummy (4.2.1)
        if (reads && this.count === 2 && kindOf(this.register(this.instruction & 0x1f)) === "mac")
            this.state.misused(`no dummy byte for ${nameOf(this.register(this.instruction & 0x1f))}`)
        this.count = 0
    }

    private register(address: number): number {
        return registerAt(this.state.registers[Reg.ECON1]! & Econ1.BSEL, address)
    }

    /**
     * Returns a byte of a register read: an ETH register's value follows at once, any other after a dummy byte (figures 4-3,
     * 4-4).
     */
    private readPhase(register: number, phase: number): number {
        const wanted = kindOf(register) === "mac" ? 2 : 1
        return phase === wanted ? this.read(register) : NO_DATA
    }

    private writePhase(register: number, byte: number): void {
        const kind: Instruction = this.instruction >> 5
        if (kind === Instruction.WriteRegister) {
            this.write(register, byte)
            return
        }
        if (kind !== Instruction.SetBits && kind !== Instruction.ClearBits) return
        // bit field instructions work only on ETH registers (4.2.5, 4.2.6)
        if (kindOf(register) !== "eth") {
            this.state.misused(`bit field instruction on ${nameOf(register)}`)
            return
        }
        const value = this.state.registers[register]!
        this.write(register, kind === Instruction.SetBits ? value | byte : value & ~byte)
    }

    private readMemory(): number {
        const at = this.state.word(Reg.ERDPT)
        if (this.transmitter.isSending(at)) this.state.misused("memory read that is being sent")
        // the address wraps at the end of the receive FIFO (3.2.3)
        if (this.state.has(Reg.ECON2, Econ2.AUTOINC)) this.state.setWord(Reg.ERDPT, this.state.after(at))
        return this.state.memory[at]!
    }

    private writeMemory(byte: number): void {
        const { state } = this
        const at = state.word(Reg.EWRPT)
        if (this.transmitter.isSending(at)) state.misused("memory written that is being sent")
        const inFifo = at >= state.word(Reg.ERXST) && at <= state.word(Reg.ERXND)
        if (inFifo && state.has(Reg.ECON1, Econ1.RXEN)) state.misused("receive memory written")
        state.memory[at] = byte
        if (state.has(Reg.ECON2, Econ2.AUTOINC)) state.setWord(Reg.EWRPT, (at + 1) & (MEMORY - 1))
    }

    private read(register: number): number {
        const { state } = this
        if ((register & 0x1f) === FORBIDDEN) state.misused(`read of ${nameOf(register)}`)
        if (kindOf(register) === "mac" && !this.reachable(register)) return 0
        switch (register) {
            case Reg.ESTAT:
                return this.status
            case Reg.EIR:
                return this.state.registers[Reg.EIR]! & (this.errata.pktifUnreliable ? ~Eir.PKTIF : 0xff)
            case Reg.EREVID:
                return this.faults.revision ?? this.revision
            case Reg.MISTAT:
                return this.phy.status
            case Reg.MIRD:
            case Reg.MIRD + 1:
                this.phy.readData()
                return state.registers[register]!
            case Reg.EFLOCON:
                return state.registers[register]! | (state.has(Reg.MACON3, Macon3.FULDPX) ? 0x04 : 0)
            default:
                return state.registers[register]!
        }
    }

    private get status(): number {
        const bits = this.state.registers[Reg.ESTAT]! & ~(Estat.INT | Estat.RXBUSY | Estat.CLKRDY)
        return (
            bits |
            (this.pending ? Estat.INT : 0) |
            (this.receiver.busy ? Estat.RXBUSY : 0) |
            (this.clockReady ? Estat.CLKRDY : 0)
        )
    }

    private get pending(): boolean {
        const { registers } = this.state
        return (registers[Reg.EIR]! & registers[Reg.EIE]! & 0x7b) !== 0
    }

    /** Returns true when MAC, MII and PHY, which need their clock, can be reached (2.2, 14.0 and erratum 2). */
    private reachable(register: number): boolean {
        if (!this.macReady) this.state.misused(`${nameOf(register)} while its clock does not run`)
        return this.macReady
    }

    private write(register: number, value: number): void {
        const { state } = this
        const kind = kindOf(register)
        if ((register & 0x1f) === FORBIDDEN || kind === "reserved") {
            state.misused(`write to ${nameOf(register)}`)
            return
        }
        if (kind === "mac" && !this.reachable(register)) return
        const before = state.registers[register]!
        noteForbidden(state, register, value)
        switch (register) {
            case Reg.ECON1:
                this.writeEcon1(before, value)
                return
            case Reg.ECON2:
                this.writeEcon2(before, value)
                return
            case Reg.EIR:
            case Reg.ESTAT:
                this.clearFlags(register, before, value)
                return
            case Reg.ERXRDPT:
                this.receiver.holdLow(value)
                return
            case Reg.ERXRDPT + 1:
                this.receiver.takeReadPointer(value & WRITABLE[register]!)
                return
            default:
                state.registers[register] = (value & WRITABLE[register]!) | (before & ~WRITABLE[register]!)
        }
        if (register >= Reg.ERXST && register <= Reg.ERXND + 1) this.receiver.load()
        if (register === Reg.MICMD) this.phy.command(before)
        if (register === Reg.MIWR + 1) this.phy.write()
    }

    private writeEcon1(before: number, value: number): void {
        const { state } = this
        const set = value & ~before
        const cleared = before & ~value
        state.registers[Reg.ECON1] = value
        // the host must not set TXRTS or RXEN before the oscillator runs (2.2)
        if ((set & (Econ1.TXRTS | Econ1.RXEN)) !== 0 && !this.macReady)
            state.misused("RXEN or TXRTS set while the clock does not run")
        if ((set & (Econ1.TXRTS | Econ1.RXEN)) !== 0 && !this.duplexFits)
            state.misused("MACON3.FULDPX is not what PHCON1.PDPXMD is")
        if ((set & Econ1.RXEN) !== 0 && state.word(Reg.ERXST) !== 0 && this.errata.receiveStartsAtZero)
            state.misused("RXEN set while ERXST is not 0")
        if ((set & Econ1.TXRST) !== 0) this.transmitter.resetLogic()
        if ((cleared & Econ1.TXRST) !== 0) this.transmitter.release()
        if ((value & Econ1.RXRST) !== 0) this.receiver.resetLogic()
        if ((cleared & Econ1.TXRTS) !== 0 && (value & Econ1.TXRST) === 0) {
            this.transmitter.cancel()
            state.flag(Eir.TXIF)
        }
        if ((set & Econ1.TXRTS) !== 0 && this.macReady) this.transmitter.start()
        if ((cleared & Econ1.DMAST) !== 0) {
            this.dma.cancel()
            state.flag(Eir.DMAIF)
        }
        if ((set & Econ1.DMAST) !== 0) this.dma.start()
    }

    private writeEcon2(before: number, value: number): void {
        const { state } = this
        state.registers[Reg.ECON2] = value & WRITABLE[Reg.ECON2]!
        // the bit clears itself, and PKTIF is cleared with the last packet (7.2.4)
        if ((value & Econ2.PKTDEC) !== 0) {
            if (this.faults.lostDecrements > 0) this.faults.lostDecrements--
            else if (state.registers[Reg.EPKTCNT]! > 0) state.registers[Reg.EPKTCNT]!--
            if (state.registers[Reg.EPKTCNT] === 0) state.clear(Reg.EIR, Eir.PKTIF)
        }
        // at the end of power save mode the oscillator starts again (14.0)
        if ((before & ~value & Econ2.PWRSV) !== 0) {
            this.clockReadyAt = this.time() + this.faults.oscillator
            this.macReadyAt = this.clockReadyAt
            this.negotiate()
        }
    }

    /** Clears flags: a host can clear some of them, but set none (registers 12-1 and 12-3). */
    private clearFlags(register: Reg.EIR | Reg.ESTAT, before: number, value: number): void {
        const own =
            register === Reg.EIR
                ? Eir.DMAIF | Eir.TXIF | Eir.TXERIF | Eir.RXERIF
                : Estat.BUFER | Estat.LATECOL | Estat.TXABRT
        this.state.registers[register] = before & (value | ~own)
    }

    /** Carries out the SPI reset command (11.2). */
    private resetCommand(): void {
        if (this.state.has(Reg.ECON2, Econ2.PWRSV) && this.errata.noResetInPowerSave) {
            this.state.misused("reset command in power save mode")
            return
        }
        this.systemReset()
    }

    /** Resets all registers except CLKRDY and ECOCON, and the PHY; memory keeps its content (11.2). */
    private systemReset(): void {
        this.initialize()
        if (this.errata.clkrdySetEarly) this.macReadyAt = Math.max(this.macReadyAt, this.time() + PHY_START)
        this.negotiate()
    }

    private initialize(): void {
        const clock = this.state.registers[Reg.ECOCON]!
        this.state.registers.set(RESET)
        if (clock !== 0) this.state.registers[Reg.ECOCON] = clock
        this.transmitter.reset()
        this.receiver.reset()
        this.dma.cancel()
        this.phy.reset()
        this.count = 0
    }

    private time(): number {
        return Math.max(this.clock.now(), this.spiTime)
    }

    /** True while the chip has power and is not held in reset. */
    private get works(): boolean {
        return (
            this.faults.dead === undefined &&
            this.resetSince === undefined &&
            this.clock.now() >= this.poweredAt
        )
    }

    private get clockReady(): boolean {
        return !this.state.has(Reg.ECON2, Econ2.PWRSV) && this.time() >= this.clockReadyAt
    }

    private get macReady(): boolean {
        return this.clockReady && this.time() >= this.macReadyAt
    }

    /** True while MAC and PHY are both set to half duplex, which a link partner that negotiates assumes (chapter 9). */
    private get duplexFits(): boolean {
        return !this.state.has(Reg.MACON3, Macon3.FULDPX) && !this.phy.fullDuplex
    }

    private negotiate(): void {
        const wait = this.options.negotiation ?? 0
        this.linkAt = wait > 0 ? this.clock.now() + wait : Number.NEGATIVE_INFINITY
        this.phy.noteLink()
        if (wait > 0) this.clock.at(this.linkAt, () => this.phy.noteLink())
    }

    /** Handles a frame of the transmitter that is on the wire. */
    private emit(frame: Uint8Array): void {
        if (!this.works) return
        this.activity++
        // erratum 9: a frame may come back, here every third one
        if (this.errata.halfDuplexLoopback && this.phy.loopsBack && ++this.loops % 3 === 0)
            this.receiver.arrive(frame, this.clock, () => {})
        if (this.phy.transmits && this.duplexFits) this.options.send(frame)
    }
}
