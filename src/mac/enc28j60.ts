// Microchip ENC28J60 on SPI: 10 Mbit/s, half duplex, as a switch that negotiates takes it (data sheet DS39662E, chapter 9).
// References: section, table, register and figure are the data sheet's, an erratum is DS80349C's.
//
// SPI frames (chip select goes down and up around each):
//   received   8 (9 transfers): BSEL; EPKTCNT twice; BSEL; ERDPTL; ERDPTH; header and data; PKTDEC
//              of a burst the first four are shared; ERXRDPT's two follow every 512 bytes
//   sent       8 (9 transfers for more than 126 bytes): BSEL; EWRPTL; EWRPTH; data; ETXNDL; ETXNDH; EIR; TXRTS and BSEL
//              and EIR in the next look; without the first behind a frame that was received

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { Eth } from "../wire/ethernet"
import {
    beginReadPhy,
    Enc28j60Bus,
    instruct,
    miiIdle,
    readSelected,
    selectBank,
    settle,
    writePhy,
} from "./enc28j60-bus"
import {
    Econ1,
    Filter,
    Flag,
    Instruction,
    Memory,
    Phy,
    Ready,
    Received,
    Register,
    Revision,
    Sent,
    Setting,
} from "./enc28j60-registers"
import { type Mac, MacCounter } from "./mac"
import { power } from "./power"
import { idle, Looks, pause, type Spi } from "./spi"

const enum Size {
    /** Takes most handshakes, acknowledgments, ARP and ping; longer frames go straight from and to their buffer. */
    Small = 128,
    /** Of the small buffer without instruction and control byte. */
    SmallData = 126,
    LongestSent = 1514,
    /** Bytes read are given back to the chip at the latest when there are so many. */
    Release = 512,
    /** More looks at a header that made no sense. */
    Doubts = 2,
    /** Times that a frame is sent again which met a late collision: as often as erratum 13's example does. */
    Resends = 16,
    /** EPKTCNT's greatest value. */
    Packets = 255,
    /** Bytes of the settings that a look compares, and of all of them. */
    Compared = 16,
    Settings = 80,
}

/** Milliseconds; where the clock may stand still, a wait also ends after so many looks at the chip. */
const enum Time {
    /** Between looks at link and registers. */
    Look = 100,
    /** Between attempts to revive a chip. */
    Retry = 1000,
    /** A full frame takes 1.3 ms; collisions may hold it up. */
    Send = 150,
    SendLooks = 800,
    /** Erratum 2: 1 ms after a reset, 19: 0.3 ms after power save; table 16-3: 0.4 us for RESET. The tick that runs may be almost over. */
    Reset = 2,
    Start = 50,
    StartLooks = 500,
}

/**
 * Registers and values, in the order in which they are written (Register says what a number means):
 *
 * - in any bank: ECON2 AUTOINC
 * - bank 0: ETXST 0x1800 · ERXST 0 (erratum 5) · ERXND 0x17ff, odd (erratum 14) · ERXRDPT the same, low byte first (7.2.4)
 * - bank 1: pattern match (8.2) of the bytes 0, 1, 12 and 13, which are 01 00 08 00 in IPv4's groups (EPMM, EPMCS), at offset 0 (EPMO) ·
 *   ERXFCON (8.0)
 * - bank 2 (6.5): MACON1 MARXEN · MACON3 pads to 60 bytes and appends the CRC, half duplex · MACON4 DEFER, as IEEE 802.3 wants it ·
 *   MABBIPG 0x12, MAIPG 0x0c12, for half duplex · MACLCON1, MACLCON2 as after a reset · MAMXFL 1522
 * - bank 3: MAADR1 to MAADR6 (table 3-2) · EFLOCON: no back pressure (chapter 10) · EREVID, which is only compared
 */
const SETTINGS =
    "1e8004000518080009000aff0b170cff0d17280329302a002b002c002d002e002f0030ff31f63400350038a1c001c230c340c412c612c70cc80fc937caf2cb05e400e500e200e300e000e10077007200"

/** PHY registers and values (3.3): PHCON1, half duplex (erratum 16) · PHCON2 HDLDIS (erratum 9) · PHLCON, LEDs for link and traffic. */
const enum PhySetting {
    Control1 = 0x00,
    Half = 0x0000,
    Control2 = 0x10,
    NoLoopback = 0x0100,
    Leds = 0x14,
    LinkAndTraffic = 0x3476,
}

/** Wiring and address of an ENC28J60. */
export interface Enc28j60Options {
    /** Chip select. */
    cs: ds.OutputPin
    /** RESET of the chip; without it the chip is reset over SPI, which helps only a chip that still listens. */
    reset?: ds.OutputPin
    /** SO of the chip. */
    miso: ds.InputPin
    /** SI of the chip. */
    mosi: ds.OutputPin
    /** SPI's clock. */
    sck: ds.OutputPin
    /** SPI clock in Hz, up to 20 MHz, which it is when left out; of that the RP2040 makes 15.6 MHz. Revisions B1 and B4 need 8 MHz (erratum 1). */
    hz?: number
    /** The station's own address, 6 bytes. */
    address: Buffer
}

/**
 * Driver for the ENC28J60. All calls come from one fiber, one after the other.
 * `send` uses a frame of more than 126 bytes up: its bytes in `from` are garbage afterwards.
 */
export class Enc28j60 implements Mac {
    // the runtime looks properties up in order: those of the hot path come first
    private readonly cs: ds.OutputPin
    private readonly command: Buffer
    /** Packets known to wait in receive memory from `readAt` on. */
    private waiting = 0
    private readAt = 0
    /** Bank 0 is selected, for the pointers; else bank 1, for EPKTCNT. */
    private inBank0 = false
    private readonly head = Buffer.alloc(Received.Size)
    private readonly small = Buffer.alloc(Size.Small)
    /** Bytes before `readAt` that are not yet given back to the chip. */
    private owed = 0
    /** A send has not yet been seen to end. */
    private sending = false
    private sentAt = 0
    /** When to look at the link and the registers, or to revive the chip. */
    private lookAt = 0
    private answers = false
    linkUp = false
    multicast = false
    readonly counters = Buffer.alloc(MacCounter.Size)
    readonly address: Buffer
    /** Looks at a header that made no sense: disturbed, or memory is out of step. */
    private doubt = 0
    /** Where the last frame sent ends in the chip's memory, and how often it was sent again. */
    private sendEnd = 0
    private resends = 0
    private upSince = 0
    /** Registers as the chip is told them, and where the next look continues to compare. */
    private readonly settings = Buffer.from(SETTINGS, "hex")
    private compareAt = 0
    /** The next look compares registers. */
    private compares = false
    private readonly bus: Enc28j60Bus

    /** Throws a RangeError for an address or clock that is not valid. */
    constructor(private readonly options: Enc28j60Options) {
        const { address, cs, hz } = options
        if (address.length !== 6 || (address.getAt(0, "u8") & 1) !== 0)
            throw new RangeError("ENC28J60: the address must be 6 bytes, the first of them even")
        if (hz !== undefined && (hz < 1 || hz > 20000000))
            throw new RangeError("ENC28J60: hz must be at most 20000000")
        this.cs = cs
        this.address = address
        this.bus = new Enc28j60Bus(cs)
        this.command = this.bus.command
        for (let i = 0; i < 6; i++) this.settings.setAt(Setting.Address + 2 * i, "u8", address.getAt(i, "u8"))
    }

    async start(): Promise<void> {
        const { miso, mosi, sck, hz, reset } = this.options
        this.cs.setMode(ds.GPIOMode.OutputHigh)
        if (reset)
            reset.setMode(ds.GPIOMode.OutputHigh)
            // what @devicescript/spi would call; its class costs 0.3 KB of bytecode. Mode 0 (4.1)
        ;(ds as Spi).spiConfigure(miso.gpio, mosi.gpio, sck.gpio, 0, hz || 20000000)
        const problem = await this.bringUp()
        if (problem !== "") throw new Error(problem)
    }

    // flat on purpose: a call costs as much as a transfer
    async receive(into: Buffer): Promise<number> {
        try {
            if (this.waiting === 0) {
                await this.poll()
                if (this.waiting === 0) {
                    this.doubt = 0
                    return 0
                }
            }
            const cs = this.cs
            const c = this.command
            if (!this.inBank0) {
                this.inBank0 = true
                c.setAt(0, "u16", Instruction.Bank0)
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(c, c)
                cs.setMode(ds.GPIOMode.OutputHigh)
            }
            // reading goes on to the end of a buffer, so that ERDPT is never where the next packet begins
            let at = this.readAt
            c.setAt(0, "u16", Instruction.SetReadLow | ((at & 0xff) << 8))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            c.setAt(0, "u16", Instruction.SetReadHigh | (at & 0xff00))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            const h = this.head
            h.setAt(0, "u8", Instruction.ReadMemory)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(h, h)
            const count = h.getAt(Received.Count, "u16")
            // 7.2.2: packets begin at even addresses, and the FIFO continues at its start
            const size = Received.Header + count + (count & 1)
            at += size
            if (at >= Memory.Receive) at -= Memory.Receive
            if (
                h.getAt(Received.Next, "u16") !== at ||
                count < Received.Shortest ||
                count > Received.Longest
            ) {
                cs.setMode(ds.GPIOMode.OutputHigh)
                await this.misread()
                return 0
            }
            const length = count - Received.Fcs
            const s = this.small
            let problem: number = MacCounter.FramesIn
            if ((h.getAt(Received.Status, "u8") & Received.Ok) === 0) problem = MacCounter.BadLength
            else if (length > into.length) problem = MacCounter.TooLong
            else if (length > Size.Small) await (ds as Spi).spiXfer(into, into)
            else {
                await (ds as Spi).spiXfer(s, s)
                into.blitAt(0, s, 0, length)
            }
            cs.setMode(ds.GPIOMode.OutputHigh)
            this.readAt = at
            this.waiting--
            this.doubt = 0
            const owed = this.owed + size
            this.owed = owed
            if (owed >= Size.Release) await this.release()
            c.setAt(0, "u16", Instruction.PacketDone)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            const n = this.counters
            n.setAt(problem, "i32", (n.getAt(problem, "i32") + 1) | 0)
            return problem === MacCounter.FramesIn ? length : 0
        } catch (error) {
            await this.failed(error)
            return 0
        }
    }

    // flat on purpose: a call costs as much as a transfer
    async send(from: Buffer, length: number): Promise<boolean> {
        if (!this.linkUp || length < Eth.Size || length > Size.LongestSent || length > from.length)
            return false
        if (from.length > Memory.LongestBuffer) return false
        try {
            // 7.1: what is being sent, and where it is, must not change
            if (this.sending) await this.confirm()
            if (!this.answers) return false
            const cs = this.cs
            const c = this.command
            if (!this.inBank0) {
                this.inBank0 = true
                c.setAt(0, "u16", Instruction.Bank0)
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(c, c)
                cs.setMode(ds.GPIOMode.OutputHigh)
            }
            c.setAt(0, "u16", Instruction.SetWriteLow | ((Memory.SendStart & 0xff) << 8))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            c.setAt(0, "u16", Instruction.SetWriteHigh | (Memory.SendStart & 0xff00))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            // written to the end of the buffer: what follows the frame is not sent. The chip pads with zeros (register 6-2)
            if (length <= Size.SmallData) {
                const s = this.small
                s.setAt(0, "u16", Instruction.WriteMemory)
                s.blitAt(2, from, 0, length)
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(s, s)
                cs.setMode(ds.GPIOMode.OutputHigh)
            } else {
                c.setAt(0, "u16", Instruction.WriteMemory)
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(c, c)
                await (ds as Spi).spiXfer(from, from)
                cs.setMode(ds.GPIOMode.OutputHigh)
            }
            // the control byte is at SendStart
            const end = Memory.SendStart + length
            c.setAt(0, "u16", Instruction.SetSendEndLow | ((end & 0xff) << 8))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            c.setAt(0, "u16", Instruction.SetSendEndHigh | (end & 0xff00))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            // 12.1.4: TXIF is the host's to clear
            c.setAt(0, "u16", Instruction.ClearSendFlags)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            c.setAt(0, "u16", Instruction.SendRequest)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            this.inBank0 = false
            this.sendEnd = end
            this.resends = 0
            this.sending = true
            this.sentAt = ds.millis() | 0
            const n = this.counters
            n.setAt(MacCounter.FramesOut, "i32", (n.getAt(MacCounter.FramesOut, "i32") + 1) | 0)
            return true
        } catch (error) {
            await this.failed(error)
            return false
        }
    }

    async rest(ms: number): Promise<void> {
        const until = (ds.millis() + ms) | 0
        let looks = Looks.PerMs * (ms + 1)
        try {
            while (this.waiting === 0 && this.doubt === 0 && !power.woken) {
                await this.poll()
                const now = ds.millis() | 0
                const left = (until - now) | 0
                if (this.waiting > 0 || left <= 0 || looks-- <= 0) break
                await power.idle(Math.min(left, (this.lookAt - now) | 0))
            }
        } catch (error) {
            await this.failed(error)
        }
        power.woken = false
    }

    /** Looks what waits, and what was sent. Flat on purpose: a call costs as much as a transfer. */
    private async poll(): Promise<void> {
        if ((((ds.millis() | 0) - this.lookAt) | 0) >= 0) await this.look()
        const cs = this.cs
        const c = this.command
        // a chip that does not answer is asked all the same: transfers keep the board awake
        if (this.sending || !this.answers) {
            c.setAt(0, "u16", Instruction.ReadFlags)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            if (!this.answers) return
            const flags = c.getAt(1, "u8") & Flag.SendEnd
            if (flags === Flag.SendDone) this.sending = false
            else if (flags !== 0) await this.aborted(true)
            else if ((((ds.millis() | 0) - this.sentAt) | 0) > Time.Send) await this.aborted(false)
        }
        if (this.inBank0) {
            this.inBank0 = false
            c.setAt(0, "u16", Instruction.Bank1)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
        }
        // erratum 6: EPKTCNT, not PKTIF
        c.setAt(0, "u16", Instruction.ReadPackets)
        cs.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(c, c)
        cs.setMode(ds.GPIOMode.OutputHigh)
        const first = c.getAt(1, "u8")
        if (first === 0) return
        // what one transfer alone says may be a disturbed bit: a packet that is made up is an old one, with the right pointers
        c.setAt(0, "u16", Instruction.ReadPackets)
        cs.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(c, c)
        cs.setMode(ds.GPIOMode.OutputHigh)
        this.waiting = Math.min(first, c.getAt(1, "u8"))
    }

    /** Gives what was read back to the chip: ERXRDPT follows, low byte first (7.2.4), at an odd address (erratum 14); bank 0 is selected. */
    private async release(): Promise<void> {
        const free = (this.readAt === 0 ? Memory.Receive : this.readAt) - 1
        this.settings.setAt(Setting.FreeLow, "u8", free & 0xff)
        this.settings.setAt(Setting.FreeHigh, "u8", free >> 8)
        await instruct(this.bus, Instruction.SetFreeLow | ((free & 0xff) << 8))
        await instruct(this.bus, Instruction.SetFreeHigh | (free & 0xff00))
        this.owed = 0
    }

    /** Waits for the end of the last send. */
    private async confirm(): Promise<void> {
        let looks = 0
        while (this.sending) {
            await this.poll()
            if (!this.sending) return
            if (looks++ >= Time.SendLooks) return await this.aborted(false)
            await idle()
        }
    }

    /**
     * Ends a transmission that was aborted, or that does not end (`reported` is false): resets the transmit logic (erratum 12) and sends the
     * frame again if it met a late collision (erratum 13). 12.1.3: an abort for another reason is not repeated.
     */
    private async aborted(reported: boolean): Promise<void> {
        const bus = this.bus
        await instruct(bus, Instruction.SendCancel)
        let late = 0
        if (reported) {
            // erratum 15: the status vector behind the frame says it, not ESTAT.LATECOL
            const h = this.head
            const at = this.sendEnd + 1
            await instruct(bus, Instruction.Bank0)
            this.inBank0 = true
            await instruct(bus, Instruction.SetReadLow | ((at & 0xff) << 8))
            await instruct(bus, Instruction.SetReadHigh | (at & 0xff00))
            h.setAt(0, "u8", Instruction.ReadMemory)
            this.cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(h, h)
            this.cs.setMode(ds.GPIOMode.OutputHigh)
            late = h.getAt(Sent.Late, "u8") & Sent.LateBit
        }
        await instruct(bus, Instruction.ResetTransmit)
        await instruct(bus, Instruction.ReleaseTransmit)
        // erratum 12: the end of that reset may set TXERIF. 12.1.3: TXABRT and LATECOL
        await instruct(bus, Instruction.ClearSendFlags)
        await instruct(bus, Instruction.ClearStatus)
        if (late !== 0 && this.resends++ < Size.Resends) {
            await instruct(bus, Instruction.SendRequest)
            this.inBank0 = false
            this.sentAt = ds.millis() | 0
            return
        }
        this.sending = false
        this.count(MacCounter.SendTimeout)
    }

    /** A header that is not valid: it gets some more looks, then the memory is emptied. */
    private async misread(): Promise<void> {
        this.waiting = 0
        if (++this.doubt === 1) return
        if (this.doubt <= Size.Doubts) return await idle()
        this.count(MacCounter.BadLength)
        await this.reopen(MacCounter.Resync)
    }

    /**
     * Every 100 ms looks at link and receive memory, or compares some registers. While the chip is not there, tries to bring it back every
     * second.
     */
    private async look(): Promise<void> {
        const now = ds.millis() | 0
        if (!this.answers) {
            this.lookAt = (now + Time.Retry) | 0
            if ((await this.bringUp()) === "") console.warn("ENC28J60: answers again")
            return
        }
        this.lookAt = (now + Time.Look) | 0
        const { bus, settings } = this
        if (this.multicast) {
            if ((settings.getAt(Setting.Filter, "u8") & Filter.Groups) === 0)
                return await this.reopen(MacCounter.Resync)
        }
        const compares = this.compares
        this.compares = !compares
        const at = this.compareAt
        await selectBank(bus, Register.MiiDataHigh)
        if (compares) {
            this.compareAt = at + Size.Compared >= Size.Settings ? 0 : at + Size.Compared
            // nothing shows that the PHY has forgotten these: it is told again
            if (at === 0) await writePhy(bus, PhySetting.Control1, PhySetting.Half)
            else await writePhy(bus, PhySetting.Control2, PhySetting.NoLoopback)
        } else await instruct(bus, Instruction.MiiStop)
        let problem: MacCounter = MacCounter.Repair
        // what one look alone says may be a disturbed bit
        for (let tries = 0; tries < 3 && problem !== 0; tries++) {
            if (!compares) problem = await this.inspect(tries > 0)
            else if (await settle(bus, settings, at, Size.Compared / 2, false)) problem = 0
        }
        if (problem !== 0) return await this.reopen(problem)
        if (compares) {
            // 3.3.1: the result is there after 10.24 us; the next look takes it
            await selectBank(bus, Register.MiiDataHigh)
            await beginReadPhy(bus, Phy.Status2)
            await instruct(bus, Instruction.Bank0)
            this.inBank0 = true
        }
    }

    /** Looks at the link, at ECON1 and at receive memory. Returns 0, or what to count when the chip is opened anew; bank 1 is selected then. */
    private async inspect(again: boolean): Promise<MacCounter> {
        const bus = this.bus
        await selectBank(bus, Register.MiiDataHigh)
        this.inBank0 = false
        const phy = await readSelected(bus, Register.MiiDataHigh)
        const econ1 = await instruct(bus, Instruction.ReadEcon1)
        const flags = await instruct(bus, Instruction.ReadFlags)
        await instruct(bus, Instruction.Bank0)
        const low = await instruct(bus, Instruction.ReadReceivedLow)
        let received = ((await instruct(bus, Instruction.ReadReceivedHigh)) << 8) | low
        await instruct(bus, Instruction.Bank1)
        const packets = await instruct(bus, Instruction.ReadPackets)
        const link = (phy & Phy.Link) !== 0
        if ((econ1 & Econ1.Bits) !== Econ1.Own || (phy & Phy.FullDuplex) !== 0) return MacCounter.Repair
        if (link !== this.linkUp && !again) return MacCounter.Repair
        if (packets === 0) {
            // 12.1.2: memory was full. Users report chips that stay deaf then
            if ((flags & Flag.ReceiveError) !== 0) return MacCounter.Resync
            // ERXWRPT, which follows the first packet (6.1), is where the next one comes: else EPKTCNT and the driver are out of step
            received += received & 1
            if (received >= Memory.Receive) received = 0
            if (received !== this.readAt && this.readAt !== 0) return MacCounter.Resync
        }
        this.linkUp = link
        return 0
    }

    /** Resets and configures the chip. Returns "", or what is wrong and what to check. */
    private async bringUp(): Promise<string> {
        const { bus, options } = this
        const c = bus.command
        if (options.reset) {
            options.reset.setMode(ds.GPIOMode.OutputLow)
            await pause(c, Time.Reset)
            options.reset.setMode(ds.GPIOMode.OutputHigh)
        } else {
            // erratum 19
            await instruct(bus, Instruction.WakeUp)
            await pause(c, Time.Reset)
            await instruct(bus, Instruction.Reset)
        }
        await pause(c, Time.Reset)
        const start = ds.millis() | 0
        let status = 0
        let revision = 0
        let ready = false
        for (let looks = 0; looks < Time.StartLooks && !ready; looks++) {
            // 2.2: CLKRDY, which alone says nothing after a reset over SPI (erratum 2)
            status = await instruct(bus, Instruction.ReadStatus)
            await selectBank(bus, Register.Revision)
            revision = await readSelected(bus, Register.Revision)
            ready = (status & Ready.Bits) === Ready.Yes && revision > 0 && revision < Revision.Highest
            if (ready || (((ds.millis() | 0) - start) | 0) > Time.Start) break
            await idle()
        }
        if (!ready)
            return `ENC28J60: status and revision registers read ${status} and ${revision} instead of 1 and 2 to 6: check power, crystal, reset, CS, SCK, MOSI, MISO`
        if (revision <= Revision.Slow && (options.hz || Revision.SlowHz) < Revision.SlowHz)
            return `ENC28J60: revision ${revision} of the chip needs an SPI clock of 8 MHz or more: set hz`
        this.settings.setAt(Setting.Revision, "u8", revision)
        if (!(await this.open()))
            return "ENC28J60: answers but does not keep what it is told: check its power, the SPI clock and the wires"
        this.answers = true
        this.upSince = ds.millis() | 0
        await this.look()
        return ""
    }

    /** Drops what is in memory and starts afresh; `counter` says why. */
    private async reopen(counter: MacCounter): Promise<void> {
        this.count(counter)
        if (!(await this.open())) this.lost("does not answer as it should")
    }

    /** Stops the chip, empties its memory, tells it all registers and starts it. False when the chip does not follow. */
    private async open(): Promise<boolean> {
        const { bus, settings } = this
        this.forget()
        settings.setAt(Setting.FreeLow, "u8", (Memory.Receive - 1) & 0xff)
        settings.setAt(Setting.FreeHigh, "u8", (Memory.Receive - 1) >> 8)
        settings.setAt(Setting.Filter, "u8", this.multicast ? Filter.Usual | Filter.Groups : Filter.Usual)
        // 11.3, 11.4: what is being sent or received is aborted, RXEN and TXRTS end; this also selects bank 0
        await instruct(bus, Instruction.Halt)
        if ((await instruct(bus, Instruction.ReadEcon1)) !== Econ1.Halted) return false
        // 11.4 does not say that EPKTCNT becomes 0
        await instruct(bus, Instruction.Bank1)
        for (let n = 0; n < Size.Packets; n++) {
            if ((await instruct(bus, Instruction.ReadPackets)) === 0) break
            await instruct(bus, Instruction.PacketDone)
        }
        await instruct(bus, Instruction.Release)
        await settle(bus, settings, 0, Size.Settings / 2 - 1, true)
        if (!(await miiIdle(bus))) return false
        await writePhy(bus, PhySetting.Control1, PhySetting.Half)
        await miiIdle(bus)
        await writePhy(bus, PhySetting.Control2, PhySetting.NoLoopback)
        await miiIdle(bus)
        await writePhy(bus, PhySetting.Leds, PhySetting.LinkAndTraffic)
        await miiIdle(bus)
        await beginReadPhy(bus, Phy.Status2)
        // 12.1.3, and erratum 12: the end of the transmit logic's reset may set TXERIF
        await instruct(bus, Instruction.ClearFlags)
        await instruct(bus, Instruction.ClearStatus)
        await instruct(bus, Instruction.ReceiveOn)
        const keeps = await settle(bus, settings, 0, Size.Settings / 2, false)
        await instruct(bus, Instruction.Bank0)
        this.inBank0 = true
        return keeps
    }

    /** Nothing waits, nothing is under way. */
    private forget(): void {
        this.waiting = 0
        this.readAt = 0
        this.owed = 0
        this.sending = false
        this.doubt = 0
        this.compares = false
    }

    /** The chip is not what it was: the next look brings it back, unless one has only just done so. */
    private lost(what: string): void {
        if (!this.answers) return
        const now = ds.millis() | 0
        this.answers = false
        this.linkUp = false
        this.forget()
        this.lookAt = ((now - this.upSince) | 0) < Time.Retry ? (now + Time.Retry) | 0 : now
        this.count(MacCounter.ChipReset)
        console.warn(`ENC28J60: ${what}; it is reset until it answers`)
    }

    /** The runtime refused a transfer ("SPI busy", a bus in use by something else, whose turn it is then). */
    private async failed(error: unknown): Promise<void> {
        this.cs.setMode(ds.GPIOMode.OutputHigh)
        this.lost(`no SPI transfer (${error})`)
        await ds.sleep(1)
    }

    private count(counter: MacCounter): void {
        this.counters.setAt(counter, "i32", (this.counters.getAt(counter, "i32") + 1) | 0)
    }
}
