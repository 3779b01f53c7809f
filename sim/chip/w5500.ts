// The model of WIZnet's W5500, from its data sheet 1.1.0: everything that a host sees through SPI, the reset line and the
// interrupt line. The host is the controller on the SPI bus, as in the data sheet. Raw frames through socket 0 are modelled
// completely; the chip's own TCP/IP is left out. Frames are without FCS.

import type { Clock } from "../time/clock"
import { Random } from "../time/random"
import type { ChipOptions, SpiChip } from "./chip"
import { SpiLine } from "./spi-line"
import { W5500Faults } from "./w5500-faults"
import {
    COMMON,
    COMMON_SIZE,
    Common,
    MR_RST,
    PHY_DPX,
    PHY_LNK,
    PHY_OPMD,
    PHY_OPMDC,
    PHY_RST,
    PHY_SPD,
    Register,
    SOCKETS,
    store,
    VERSION,
} from "./w5500-map"
import { SocketMemory } from "./w5500-memory"
import { Socket, type SocketHost } from "./w5500-socket"

/** The shortest reset pulse on RSTn, ms (data sheet, 5.5.1). */
const RESET_PULSE = 0.5
/** The time after a reset until the PLL locks, ms (data sheet, 5.5.1). */
const PLL_LOCK = 1
/** A quarter of the clock that INTLEVEL counts, kHz. */
const LEVEL_CLOCK = 150_000 / 4
/** The byte on MISO while a host writes. The data sheet does not define it; this value is unlike any valid answer. */
const WRITE_PHASE = 0xa5
const SHORTEST_RECEIVED = 14
const LONGEST_RECEIVED = 1518
/** The shortest frame (IEEE 802.3). The drivers of Linux and Embassy pass shorter ones, so the chip must pad them itself. */
const SHORTEST_SENT = 60

export interface W5500Options extends ChipOptions {
    /** Time from a plugged cable or a reset of the PHY to a link, ms; the default is 0. A real PHY needs a second or two. */
    negotiation?: number
}

/** A W5500. The model starts in the state after a power-on reset, with a link. */
export class W5500Chip implements SpiChip {
    readonly faults = new W5500Faults()
    /** Actions of the host that the data sheet forbids or leaves open, as text. */
    readonly misuses: string[] = []
    /**
     * Number of frames that were dropped because receive memory was full, no socket was open, or the address was another
     * station's.
     */
    dropped = 0
    activity = 0

    private readonly clock: Clock
    private readonly common = new Uint8Array(COMMON.reset)
    private readonly sockets: Socket[]
    private readonly transmitMemory: SocketMemory
    private readonly receiveMemory: SocketMemory
    /** RST, OPMD and OPMDC of PHYCFGR. */
    private phy = PHY_RST | PHY_OPMDC
    private cable = true
    /** The time from which the PHY has a link if a cable is plugged in. */
    private linkAt = Number.NEGATIVE_INFINITY
    private resetSince: number | undefined
    /** The time before which the chip does not answer. */
    private readyAt = Number.NEGATIVE_INFINITY
    private selected = false
    /** Bytes of the SPI frame so far. */
    private count = 0
    /** The address in the SPI frame's first two bytes; it advances with the data. */
    private address = 0
    /** The SPI frame's third byte. */
    private control = 0
    /** Functions to call at the end of the SPI frame. */
    private afterFrame: (() => void)[] = []
    private pending = false
    /** The time until which the interrupt line stays high. */
    private interruptAt = Number.NEGATIVE_INFINITY
    /** Time of the end of the last reset. */
    private startedAt = Number.NEGATIVE_INFINITY
    private readonly miso: SpiLine
    private readonly mosi: SpiLine

    constructor(private readonly options: W5500Options) {
        this.clock = options.clock
        const random = options.random ?? new Random(1)
        this.miso = new SpiLine(random.fork("miso"))
        this.mosi = new SpiLine(random.fork("mosi"))
        this.transmitMemory = new SocketMemory(n => this.sockets[n]!.read(Register.TXBUF_SIZE))
        this.receiveMemory = new SocketMemory(n => this.sockets[n]!.read(Register.RXBUF_SIZE))
        const host = this.socketHost()
        this.sockets = Array.from({ length: SOCKETS }, (_, n) => new Socket(host, n))
    }

    /** Receives a frame from the wire, without FCS. */
    deliver(frame: Uint8Array): void {
        const fits = frame.length >= SHORTEST_RECEIVED && frame.length <= LONGEST_RECEIVED
        if (this.works && this.linkUp && fits && this.sockets[0]!.deliver(frame)) this.activity++
        else this.dropped++
        this.noteInterrupt()
    }

    /** Plugs the cable in or out. */
    setLink(up: boolean): void {
        if (up && !this.cable) this.negotiate()
        this.cable = up
    }

    /** True while the PHY has a link. */
    get linkUp(): boolean {
        const down = (this.phy & PHY_RST) === 0 || this.phyMode === 0b110 || this.faults.phyHeld
        return this.cable && !down && this.resetSince === undefined && this.clock.now() >= this.linkAt
    }

    /** Returns the level of INT, or of MISO while the chip is selected. A chip without power drives neither. */
    line(name: string): 0 | 1 | undefined {
        if (this.faults.dead !== undefined) return undefined
        return name === "MISO" ? 0 : this.interrupt
    }

    /** Level of the interrupt line: 0 while the chip has an interrupt pending. */
    get interrupt(): 0 | 1 {
        const asserted = this.works && this.interruptPending && this.clock.now() >= this.interruptAt
        return asserted ? 0 : 1
    }

    reset(level: 0 | 1): void {
        const now = this.clock.now()
        if (level === 0) this.resetSince ??= now
        else if (this.resetSince !== undefined) {
            const pulse = now - this.resetSince
            this.resetSince = undefined
            if (pulse < RESET_PULSE) this.misused(`reset pulse of ${pulse} ms, shorter than ${RESET_PULSE}`)
            else {
                if (this.faults.resetRevives) this.faults.dead = undefined
                this.initialize(PLL_LOCK)
                this.phy = PHY_RST | PHY_OPMDC
                this.negotiate()
            }
        }
    }

    /** Holds the chip in reset from now on. */
    close(): void {
        this.reset(0)
    }

    /**
     * Drops the supply below what the chip needs for `ms`: the chip does not answer, and is then in the state after a power-on.
     */
    brownOut(ms: number): void {
        this.initialize(ms + PLL_LOCK)
        this.phy = PHY_RST | PHY_OPMDC
        this.negotiate()
        this.transmitMemory.clear()
        this.receiveMemory.clear()
    }

    /** Changes a register without the host. `block` is the data sheet's BSB: 0 the common registers, 1 those of socket 0. */
    change(block: number, address: number, value: number): void {
        this.write(block, address, value)
    }

    select(level: 0 | 1): void {
        this.endFrame()
        this.selected = level === 0
    }

    transfer(buffer: Uint8Array): void {
        // a program on Node passes a DeviceScript Buffer, whose methods differ: this is a plain view of its bytes
        const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
        const { faults } = this
        this.carry("mosi", bytes, faults.mosiStuck, faults.mosiErrors)
        this.exchange(bytes)
        this.carry("miso", bytes, faults.misoStuck, faults.misoErrors)
    }

    private carry(name: "miso" | "mosi", bytes: Uint8Array, stuck: number | undefined, rate: number): void {
        const sent = this[name].carry(bytes, stuck, rate)
        if (sent !== undefined) this.faults.onError?.(name, bytes, sent)
    }

    private exchange(bytes: Uint8Array): void {
        for (let i = 0; i < bytes.length; i++) {
            if (this.inMemory) {
                this.move(bytes.subarray(i))
                break
            }
            bytes[i] = this.shift(bytes[i]!)
        }
    }

    /** Shifts one byte in and returns the byte that is shifted out. */
    private shift(byte: number): number {
        if (this.faults.dead !== undefined) return this.faults.dead
        if (!this.selected) return 0xff
        if (!this.works) return 0x00
        const phase = this.count++
        if (phase < 3) {
            if (phase === 0) this.address = byte << 8
            else if (phase === 1) this.address |= byte
            else this.control = byte
            // undocumented in the data sheet: MISO carries 1, 2, 3 during address and control (forum.wiznet.io, topic 8405)
            return phase + 1
        }
        const write = (this.control & 0x04) !== 0
        const value = write ? WRITE_PHASE : this.read(this.control >> 3, this.address)
        if (write) this.write(this.control >> 3, this.address, byte)
        this.address = (this.address + 1) & 0xffff
        // fixed length mode: after 1, 2 or 4 bytes of data the next frame begins, without a change of chip select
        const mode = this.control & 0x03
        if (mode !== 0 && phase === 2 + (1 << (mode - 1))) this.endFrame()
        return value
    }

    /** True while the rest of a transfer is data from or to a memory. */
    private get inMemory(): boolean {
        const block = this.control >> 3
        return (
            this.selected && this.works && this.count >= 3 && (this.control & 0x03) === 0 && (block & 2) !== 0
        )
    }

    private move(bytes: Uint8Array): void {
        const socket = this.control >> 5
        const memory = (this.control & 0x08) === 0 ? this.transmitMemory : this.receiveMemory
        if ((this.control & 0x04) === 0) memory.read(socket, this.address, bytes)
        else {
            memory.write(socket, this.address, bytes)
            bytes.fill(WRITE_PHASE)
        }
        this.address = (this.address + bytes.length) & 0xffff
    }

    private endFrame(): void {
        this.count = 0
        const done = this.afterFrame
        if (done.length === 0) return
        this.afterFrame = []
        for (const run of done) run()
        this.noteInterrupt()
    }

    private read(block: number, address: number): number {
        const socket = block >> 2
        if (block === 0) return this.readCommon(address)
        if ((block & 3) === 1) return this.sockets[socket]!.read(address)
        const byte = new Uint8Array(1)
        if ((block & 3) === 2) this.transmitMemory.read(socket, address, byte)
        else if ((block & 3) === 3) this.receiveMemory.read(socket, address, byte)
        else this.misused(`read of reserved block ${block}`)
        return byte[0]!
    }

    private write(block: number, address: number, value: number): void {
        const socket = block >> 2
        if (block === 0) this.writeCommon(address, value)
        else if ((block & 3) === 1) this.sockets[socket]!.write(address, value)
        else if ((block & 3) === 2) this.transmitMemory.write(socket, address, Uint8Array.of(value))
        else if ((block & 3) === 3) this.receiveMemory.write(socket, address, Uint8Array.of(value))
        else this.misused(`write to reserved block ${block}`)
        this.noteInterrupt()
    }

    private readCommon(address: number): number {
        if (address === Common.SIR) return this.socketInterrupts
        if (address === Common.PHYCFGR) return this.phy | this.phyStatus
        if (address === Common.VERSIONR) return this.version
        return this.common[address] ?? 0
    }

    private get version(): number {
        const { version = VERSION, versionDelay } = this.faults
        return this.clock.now() < this.startedAt + versionDelay ? 0 : version
    }

    private writeCommon(address: number, value: number): void {
        if (address === Common.MR && (value & MR_RST) !== 0) this.initialize(this.faults.deafAfterReset)
        else if (address === Common.PHYCFGR) {
            if ((value & ~this.phy & PHY_RST) !== 0) this.negotiate()
            this.phy = value & (PHY_RST | PHY_OPMD | PHY_OPMDC)
        } else if (address < COMMON_SIZE) store(COMMON, this.common, address, value)
    }

    /** Sets all registers to their values after a reset; the chip does not answer for `ms`. */
    private initialize(ms: number): void {
        this.common.set(COMMON.reset)
        for (const socket of this.sockets) socket.reset()
        this.afterFrame = []
        this.pending = false
        this.interruptAt = Number.NEGATIVE_INFINITY
        this.readyAt = this.clock.now() + ms
        this.startedAt = this.readyAt
    }

    private get works(): boolean {
        return (
            this.faults.dead === undefined &&
            this.resetSince === undefined &&
            this.clock.now() >= this.readyAt
        )
    }

    private negotiate(): void {
        const wait = this.options.negotiation ?? 0
        this.linkAt = wait > 0 ? this.clock.now() + wait : Number.NEGATIVE_INFINITY
    }

    /** The PHY's mode: OPMDC if OPMD selects it, else the mode of the pins, which are open: auto-negotiation. */
    private get phyMode(): number {
        return (this.phy & PHY_OPMD) === 0 ? 0b111 : (this.phy & PHY_OPMDC) >> 3
    }

    /** The status bits of PHYCFGR: with a link 100 Mbit/s and full duplex, or less if the mode selects less. */
    private get phyStatus(): number {
        if (!this.linkUp) return 0
        const mode = this.phyMode
        const full = mode === 0b001 || mode === 0b011 || mode === 0b111
        return PHY_LNK | (mode >= 0b010 ? PHY_SPD : 0) | (full ? PHY_DPX : 0)
    }

    private get socketInterrupts(): number {
        return this.sockets.reduce((bits, socket, n) => bits | (socket.interrupts === 0 ? 0 : 1 << n), 0)
    }

    private get interruptPending(): boolean {
        const sockets = this.socketInterrupts & this.common[Common.SIMR]!
        return sockets !== 0 || (this.common[Common.IR]! & this.common[Common.IMR]!) !== 0
    }

    /** Follows the interrupt line: after it has gone high, INTLEVEL keeps it high for a while. */
    private noteInterrupt(): void {
        const pending = this.interruptPending
        if (this.pending && !pending) {
            const level = (this.common[Common.INTLEVEL]! << 8) | this.common[Common.INTLEVEL + 1]!
            this.interruptAt =
                level === 0 ? Number.NEGATIVE_INFINITY : this.clock.now() + (level + 1) / LEVEL_CLOCK
        }
        this.pending = pending
    }

    private misused(what: string): void {
        this.misuses.push(what)
    }

    private socketHost(): SocketHost {
        const chip = this
        return {
            faults: this.faults,
            transmitMemory: this.transmitMemory,
            receiveMemory: this.receiveMemory,
            get linkUp() {
                return chip.linkUp
            },
            address: this.common.subarray(Common.SHAR, Common.SHAR + 6),
            transmit: frame => {
                const padded = new Uint8Array(Math.max(frame.length, SHORTEST_SENT))
                padded.set(frame)
                this.activity++
                this.options.send(padded)
            },
            later: (ms, run) => void this.clock.at(this.clock.now() + ms, run),
            afterTransmit: done => {
                const { sendDelay } = this.faults
                if (sendDelay <= 0) this.afterFrame.push(done)
                else {
                    this.clock.at(this.clock.now() + sendDelay, () => {
                        done()
                        this.noteInterrupt()
                    })
                }
            },
            misused: what => this.misused(what),
        }
    }
}
