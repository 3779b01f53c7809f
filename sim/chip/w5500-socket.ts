// The sockets of the W5500: registers, commands, and raw Ethernet frames through socket 0.

import type { W5500Faults } from "./w5500-faults"
import {
    Command,
    IR_RECV,
    IR_SENDOK,
    MODE_BCASTB,
    MODE_MFEN,
    MODE_MIP6B,
    MODE_MMB,
    PROTOCOL,
    PROTOCOL_MACRAW,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    Register,
    SOCKET,
    State,
    store,
} from "./w5500-map"
import type { SocketMemory } from "./w5500-memory"

/** The registers that a read computes, as constants of this module: the chip's model reads registers more than anything else. */
const { CR, SR, TX_FSR, TX_RD, RX_RSR, RX_WR } = Register

/** The longest frame that MACRAW sends, without FCS (data sheets before 1.0.3, Sn_MSSR). */
const LONGEST_SENT = 1514

/** The parts of the chip that a socket uses. */
export interface SocketHost {
    readonly faults: W5500Faults
    readonly transmitMemory: SocketMemory
    readonly receiveMemory: SocketMemory
    readonly linkUp: boolean
    /** The station's own address. */
    readonly address: Uint8Array
    /** Puts a frame on the wire. */
    transmit(frame: Uint8Array): void
    /** Calls `done` when the frame is on the wire, at the earliest at the end of the SPI frame with the command. */
    afterTransmit(done: () => void): void
    /** Calls `run` in `ms` milliseconds. */
    later(ms: number, run: () => void): void
    /** Records an action of the host that the data sheet forbids or leaves open. */
    misused(what: string): void
}

/** One of the eight sockets: registers, commands, and for socket 0 raw Ethernet frames. */
export class Socket {
    private readonly registers = new Uint8Array(SOCKET.reset)
    private state = State.CLOSED
    private command = 0
    private transmitRead = 0
    private receiveWrite = 0
    /** The value of Sn_RX_RD at the last RECV: the memory before that address is free. */
    private released = 0
    private sending = false
    /** Number of resets, openings and closings: a send that ends after one of them changes nothing. */
    private era = 0

    constructor(
        private readonly chip: SocketHost,
        private readonly index: number
    ) {}

    reset(): void {
        this.registers.set(SOCKET.reset)
        this.state = State.CLOSED
        this.command = 0
        this.clearPointers()
    }

    get interrupts(): number {
        return this.registers[Register.IR]!
    }

    read(offset: number): number {
        switch (offset) {
            case CR:
                return this.command
            case SR:
                return this.state
            case TX_FSR:
            case TX_FSR + 1:
                return byteOf(this.free, offset - TX_FSR)
            case TX_RD:
            case TX_RD + 1:
                return byteOf(this.transmitRead, offset - TX_RD)
            case RX_RSR:
            case RX_RSR + 1:
                return this.readSize(offset - RX_RSR)
            case RX_WR:
            case RX_WR + 1:
                return byteOf(this.receiveWrite, offset - RX_WR)
            default:
                return this.registers[offset] ?? 0
        }
    }

    write(offset: number, value: number): void {
        if (offset === Register.CR) this.take(value)
        else if (offset < this.registers.length) store(SOCKET, this.registers, offset, value)
    }

    /** Receives a frame from the wire; returns false when the socket drops it. */
    deliver(frame: Uint8Array): boolean {
        if (this.state !== State.MACRAW) return false
        if (!accepts(this.registers[Register.MR]!, this.chip.address, frame)) return false
        const { faults, receiveMemory } = this.chip
        const size = frame.length + 2
        if (size > receiveMemory.size(this.index) - this.received) return false
        if (faults.overflows > 0) {
            faults.overflows--
            return false
        }
        const header = faults.lengthHeaders.shift() ?? size
        const at = this.receiveWrite
        const store = () => {
            receiveMemory.write(this.index, at, Uint8Array.of(header >> 8, header & 0xff))
            receiveMemory.write(this.index, at + 2, frame)
        }
        if (faults.sizeAhead > 0) this.chip.later(faults.sizeAhead, store)
        else store()
        this.receiveWrite = (this.receiveWrite + size) & 0xffff
        this.interrupt(IR_RECV)
        return true
    }

    /** Returns one byte of Sn_RX_RSR. The host reads its two bytes one after the other, so they may be of two values (data sheet). */
    private readSize(byte: number): number {
        const value = byteOf(this.received, byte)
        const { faults } = this.chip
        const between = faults.betweenSizeBytes
        if (byte === 0 && between !== undefined) {
            faults.betweenSizeBytes = undefined
            between()
        }
        return value
    }

    private get received(): number {
        return (this.receiveWrite - this.released) & 0xffff
    }

    private get free(): number {
        return (this.chip.transmitMemory.size(this.index) - this.unsent) & 0xffff
    }

    private get unsent(): number {
        return (this.word(Register.TX_WR) - this.transmitRead) & 0xffff
    }

    /** Accepts a command, which clears Sn_CR (data sheet). */
    private take(value: number): void {
        const { faults } = this.chip
        if (this.command !== 0) {
            this.chip.misused(
                `command 0x${value.toString(16)} while 0x${this.command.toString(16)} is not yet taken`
            )
            return
        }
        if (value !== 0 && faults.untakenCommands > 0) {
            faults.untakenCommands--
            this.command = value
            return
        }
        this.obey(value)
    }

    /** Carries out a command. The commands of the chip's own TCP/IP, which is not modelled, have no effect. */
    private obey(command: number): void {
        if (command === Command.OPEN) this.open()
        else if (command === Command.CLOSE) {
            this.state = State.CLOSED
            this.era++
            this.sending = false
        } else if (this.state === State.MACRAW) {
            if (command === Command.SEND) this.send()
            else if (command === Command.RECV) this.released = this.word(Register.RX_RD)
            else if (command !== 0) this.chip.misused(`command 0x${command.toString(16)} in MACRAW mode`)
        } else if (command === Command.SEND || command === Command.RECV)
            this.chip.misused(`command 0x${command.toString(16)} on socket ${this.index}, which is not open`)
    }

    private open(): void {
        const protocol = this.registers[Register.MR]! & PROTOCOL
        if (protocol === PROTOCOL_TCP) this.state = State.INIT
        else if (protocol === PROTOCOL_UDP) this.state = State.UDP
        else if (protocol === PROTOCOL_MACRAW && this.index === 0) this.state = State.MACRAW
        else {
            this.chip.misused(
                `OPEN of socket ${this.index} with mode 0x${this.registers[Register.MR]!.toString(16)}`
            )
            return
        }
        this.clearPointers()
    }

    private clearPointers(): void {
        this.era++
        this.sending = false
        this.transmitRead = 0
        this.receiveWrite = 0
        this.released = 0
        this.registers.fill(0, Register.TX_WR, Register.TX_WR + 2)
        this.registers.fill(0, Register.RX_RD, Register.RX_RD + 2)
    }

    private send(): void {
        const { chip } = this
        const length = this.unsent
        const most = Math.min(LONGEST_SENT, chip.transmitMemory.size(this.index))
        if (this.sending || length > most) {
            chip.misused(this.sending ? "SEND before the end of the last SEND" : `SEND of ${length} bytes`)
            return
        }
        this.sending = true
        if (chip.faults.stuckSends > 0) {
            chip.faults.stuckSends--
            return
        }
        // the data sheet does not say what a send without a link does; in ESP-IDF issue 6233 it did not end
        if (!chip.linkUp) return
        const frame = new Uint8Array(length)
        chip.transmitMemory.read(this.index, this.transmitRead, frame)
        if (length > 0) chip.transmit(frame)
        const end = this.word(Register.TX_WR)
        const era = this.era
        const lost = chip.faults.lostSendOks > 0
        if (lost) chip.faults.lostSendOks--
        chip.afterTransmit(() => {
            if (era !== this.era || !chip.linkUp) return
            this.sending = false
            this.transmitRead = end
            if (!lost) this.interrupt(IR_SENDOK)
        })
    }

    /** Sets a bit of Sn_IR, unless Sn_IMR masks it: a masked interrupt does not show in Sn_IR (data sheet, Sn_IMR). */
    private interrupt(bit: number): void {
        this.registers[Register.IR]! |= bit & this.registers[Register.IMR]!
    }

    private word(register: Register): number {
        return (this.registers[register]! << 8) | this.registers[register + 1]!
    }
}

function byteOf(word: number, byte: number): number {
    return byte === 0 ? word >> 8 : word & 0xff
}

/**
 * Returns whether the filters of MACRAW let a frame pass (data sheet, Sn_MR). With MFEN the data sheet promises only broadcast
 * and the own address. ESP-IDF's driver found that IP multicast passes, too: IPv4's without MMB, IPv6's always.
 */
function accepts(mode: number, own: Uint8Array, frame: Uint8Array): boolean {
    if ((mode & MODE_MIP6B) !== 0 && frame[12] === 0x86 && frame[13] === 0xdd) return false
    if (starts(frame, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])) return (mode & MODE_BCASTB) === 0
    if ((frame[0]! & 1) === 0) return (mode & MODE_MFEN) === 0 || starts(frame, own)
    if (starts(frame, [0x33, 0x33])) return true
    if ((mode & MODE_MMB) !== 0) return false
    return (mode & MODE_MFEN) === 0 || starts(frame, [0x01, 0x00, 0x5e])
}

function starts(frame: Uint8Array, bytes: ArrayLike<number>): boolean {
    return Array.prototype.every.call(bytes, (byte, i) => frame[i] === byte)
}
