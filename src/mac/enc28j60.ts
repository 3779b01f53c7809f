// The driver of Microchip's ENC28J60 on SPI: 10 Mbit/s, half duplex: a switch that negotiates assumes that of the chip (chapter 9).
// Chapters, sections, tables, registers and figures are those of the data sheet DS39662E, errata those of DS80349C.
//
// SPI frames (chip select goes down and up around each):
//   received   8 (9 transfers): BSEL; EPKTCNT twice; BSEL; ERDPTL; ERDPTH; header and data; PKTDEC
//              the packets of a burst share the first four; ERXRDPT's two follow every 512 bytes
//   sent       8 (9 transfers for more than 126 bytes): BSEL; EWRPTL; EWRPTH; data; ETXNDL; ETXNDH; EIR; TXRTS and BSEL
//              and EIR in the next poll; an answer to a received frame goes without the first

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
} from "./enc28j60-registers"
import { PhySetting, SETTINGS, Setting } from "./enc28j60-settings"
import { type Mac, MacCounter } from "./mac"
import { power } from "./poll-wait"
import { idle, Polls, pause, type Spi } from "./spi"

const enum Size {
    /** Holds most handshakes, acknowledgments, ARP and ping; longer frames go directly from and to their buffer. */
    Small = 128,
    /** The small buffer without instruction and control byte. */
    SmallData = 126,
    LongestSent = 1514,
    /** The most bytes that the driver reads before it frees them in the chip. */
    Release = 512,
    /** Further reads of a header that was not valid. */
    Doubts = 2,
    /** Retransmissions of a frame after late collisions: as many as in erratum 13's example. */
    Resends = 16,
    /** EPKTCNT's greatest value. */
    Packets = 255,
    /** Bytes of the settings that one check compares, and bytes of all settings. */
    Compared = 16,
    Settings = 80,
}

/** Milliseconds; a wait also ends after some polls of the chip, because the clock may stand still. */
const enum Time {
    /** Between two looks at the link or at registers. */
    Look = 100,
    /** Between two attempts to bring a lost chip back. */
    Retry = 1000,
    /** A full frame takes 1.3 ms; collisions may delay it. */
    Send = 150,
    SendLooks = 800,
    /** 1 ms after a reset (erratum 2), 0.3 ms after power save (erratum 19), 0.4 us for RESET (table 16-3). The running tick may be almost over. */
    Reset = 2,
    Start = 50,
    StartLooks = 500,
}

/** How an ENC28J60 is wired, and how the driver uses it. */
export interface Enc28j60Options {
    /** Chip select. */
    cs: ds.OutputPin
    /** The chip's RESET. Without it the chip is reset over SPI, which helps only while the chip still understands SPI. */
    reset?: ds.OutputPin
    /** The chip's SO. */
    miso: ds.InputPin
    /** The chip's SI. */
    mosi: ds.OutputPin
    /** The chip's SCK. */
    sck: ds.OutputPin
    /**
     * SPI clock in Hz, 20,000,000 at most. That is the default, of which the RP2040 makes 15.6 MHz. Revisions B1 and B4 of the chip need
     * 8,000,000 or more (erratum 1).
     */
    hz?: number
    /** This station's Ethernet address, 6 bytes. */
    address: Buffer
}

/**
 * The ENC28J60's driver. All calls must come from one fiber, one after the other. `send` overwrites the bytes of `from` when a frame has more
 * than 126 bytes; `from` must have 2,047 bytes at most.
 */
export class Enc28j60 implements Mac {
    // the runtime finds properties by a linear scan: those of the hot path come first
    private readonly cs: ds.OutputPin
    private readonly command: Buffer
    /** Packets known to be in receive memory from `readAt` on. */
    private waiting = 0
    private readAt = 0
    /** Bank 0 is selected, for the pointers; else bank 1, for EPKTCNT. */
    private inBank0 = false
    private readonly head = Buffer.alloc(Received.Size)
    private readonly small = Buffer.alloc(Size.Small)
    /** Bytes before `readAt` that were read, but not yet freed in the chip. */
    private owed = 0
    /** True until the driver has seen the last send end. */
    private sending = false
    private sentAt = 0
    /** The time of the next check of the link or of registers, or of the next attempt to bring back a lost chip. */
    private lookAt = 0
    private answers = false
    linkUp = false
    multicast = false
    readonly counters = Buffer.alloc(MacCounter.Size)
    readonly address: Buffer
    /** Reads of a header that was not valid: the transfer was disturbed, or driver and chip are out of step. */
    private doubt = 0
    /** Where the last frame ends in the chip's memory, and how often the driver has sent it again. */
    private sendEnd = 0
    private resends = 0
    private upSince = 0
    /** The settings as they were written last, and where the next look continues to compare them. */
    private readonly settings = Buffer.from(SETTINGS, "hex")
    private compareAt = 0
    /** The next look compares settings. */
    private compares = false
    private readonly bus: Enc28j60Bus

    /** Throws a RangeError when the address or the clock is not valid. */
    constructor(private readonly options: Enc28j60Options) {
        const { address, cs, hz } = options
        if (address.length !== 6 || (address.getAt(0, "u8") & 1) !== 0)
            throw new RangeError("ENC28J60: the address must be 6 bytes, the first of them even")
        if (hz !== undefined && (hz < 1 || hz > 20000000))
            throw new RangeError("ENC28J60: hz must be 1 to 20000000")
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
            // this is what @devicescript/spi calls; its class costs 0.3 KB of bytecode. SPI mode 0 (4.1)
        ;(ds as Spi).spiConfigure(miso.gpio, mosi.gpio, sck.gpio, 0, hz || 20000000)
        const problem = await this.bringUp()
        if (problem !== "") throw new Error(problem)
    }

    // no helper functions here on purpose: a call costs as much as a transfer
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
            // a read continues to the end of its buffer, so ERDPT is not at the next packet
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

    // no helper functions here on purpose: a call costs as much as a transfer
    async send(from: Buffer, length: number): Promise<boolean> {
        if (!this.linkUp || length < Eth.Size || length > Size.LongestSent || length > from.length)
            return false
        if (from.length > Memory.LongestBuffer) return false
        try {
            // 7.1: neither a frame that is being sent nor its pointers may change
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
            // a write continues to the end of its buffer; the chip sends only the frame, and pads it with zeros (register 6-2)
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
            // SendStart is the control byte's address
            const end = Memory.SendStart + length
            c.setAt(0, "u16", Instruction.SetSendEndLow | ((end & 0xff) << 8))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            c.setAt(0, "u16", Instruction.SetSendEndHigh | (end & 0xff00))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            // 12.1.4: only the driver clears TXIF
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
        let looks = Polls.PerMs * (ms + 1)
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

    /**
     * Reads how many packets wait, and whether the last send has ended. No helper functions here on purpose: a call costs as much
     * as a transfer.
     */
    private async poll(): Promise<void> {
        if ((((ds.millis() | 0) - this.lookAt) | 0) >= 0) await this.look()
        const cs = this.cs
        const c = this.command
        // a lost chip is asked all the same: transfers keep the board awake
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
        // a count in one read alone may be a disturbed bit, and the header of an old packet may look valid
        c.setAt(0, "u16", Instruction.ReadPackets)
        cs.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(c, c)
        cs.setMode(ds.GPIOMode.OutputHigh)
        this.waiting = Math.min(first, c.getAt(1, "u8"))
    }

    /** Frees the memory of all packets read: ERXRDPT, low byte first (7.2.4), gets an odd address (erratum 14). Bank 0 must be selected. */
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
     * Ends a transmission that the chip reports as aborted, or one that does not end. Resets the transmit logic (erratum 12) and sends the
     * frame again after a late collision (erratum 13); after another reason for an abort (12.1.3) the frame is lost.
     */
    private async aborted(reported: boolean): Promise<void> {
        const bus = this.bus
        await instruct(bus, Instruction.SendCancel)
        let late = 0
        if (reported) {
            // erratum 15: the status vector after the frame reports a late collision, ESTAT.LATECOL does not
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

    /** Handles a header that is not valid: reads it again a few times, then empties the memory. */
    private async misread(): Promise<void> {
        this.waiting = 0
        if (++this.doubt === 1) return
        if (this.doubt <= Size.Doubts) return await idle()
        this.count(MacCounter.BadLength)
        await this.reopen(MacCounter.Resync)
    }

    /**
     * Checks every 100 ms, in turn, the link with receive memory, and some of the settings. Tries once a second to bring a lost chip back.
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
            // no status shows that the PHY has lost these two, so they are written again
            if (at === 0) await writePhy(bus, PhySetting.Control1, PhySetting.Half)
            else await writePhy(bus, PhySetting.Control2, PhySetting.NoLoopback)
        } else await instruct(bus, Instruction.MiiStop)
        let problem: MacCounter = MacCounter.Repair
        // a difference in one read alone may be a disturbed bit
        for (let tries = 0; tries < 3 && problem !== 0; tries++) {
            if (!compares) problem = await this.inspect(tries > 0)
            else if (await settle(bus, settings, at, Size.Compared / 2, false)) problem = 0
        }
        if (problem !== 0) return await this.reopen(problem)
        if (compares) {
            // 3.3.1: the result is there after 10.24 us; the next look reads it
            await selectBank(bus, Register.MiiDataHigh)
            await beginReadPhy(bus, Phy.Status2)
            await instruct(bus, Instruction.Bank0)
            this.inBank0 = true
        }
    }

    /**
     * Reads link, ECON1 and the state of receive memory. Returns 0, or the reason for reopening the chip; bank 1 is selected
     * then. `again` is true when the same look has read them before.
     */
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
            // 12.1.2: memory was full; users report chips that receive nothing more after that
            if ((flags & Flag.ReceiveError) !== 0) return MacCounter.Resync
            // after the first packet (6.1), ERXWRPT is where the next one begins: if not, driver and EPKTCNT are out of step
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
            // 2.2: CLKRDY, which alone means nothing after a reset over SPI (erratum 2)
            status = await instruct(bus, Instruction.ReadStatus)
            await selectBank(bus, Register.Revision)
            revision = await readSelected(bus, Register.Revision)
            ready = (status & Ready.Bits) === Ready.Yes && revision > 0 && revision < Revision.Highest
            if (ready || (((ds.millis() | 0) - start) | 0) > Time.Start) break
            await idle()
        }
        if (!ready)
            return `ENC28J60: ENODEV, ESTAT is ${status} (expected 1), EREVID is ${revision} (expected 2 to 6): check power, crystal, reset, CS, SCK, MOSI, MISO`
        if (revision <= Revision.Slow && (options.hz || Revision.SlowHz) < Revision.SlowHz)
            return `ENC28J60: EINVAL, revision ${revision} of the chip needs an SPI clock of 8 MHz or more: set hz`
        this.settings.setAt(Setting.Revision, "u8", revision)
        if (!(await this.open()))
            return "ENC28J60: ENODEV, the chip answers but does not keep its settings: check the chip's power, the SPI clock and the wires"
        this.answers = true
        this.upSince = ds.millis() | 0
        await this.look()
        return ""
    }

    /** Reopens the chip, which drops the packets in its memory; `counter` is the reason. */
    private async reopen(counter: MacCounter): Promise<void> {
        this.count(counter)
        if (!(await this.open())) this.lost("does not answer as it should")
    }

    /** Stops the chip, empties its memory, writes all settings and starts it. Returns false when the chip does not keep them. */
    private async open(): Promise<boolean> {
        const { bus, settings } = this
        this.forget()
        settings.setAt(Setting.FreeLow, "u8", (Memory.Receive - 1) & 0xff)
        settings.setAt(Setting.FreeHigh, "u8", (Memory.Receive - 1) >> 8)
        settings.setAt(Setting.Filter, "u8", this.multicast ? Filter.Usual | Filter.Groups : Filter.Usual)
        // 11.3, 11.4: aborts frames that are being sent or received, and ends RXEN and TXRTS; bank 0 is selected, too
        await instruct(bus, Instruction.Halt)
        if ((await instruct(bus, Instruction.ReadEcon1)) !== Econ1.Halted) return false
        // 11.4 does not promise that EPKTCNT becomes 0
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

    /** Forgets all frames that were waiting or being sent. */
    private forget(): void {
        this.waiting = 0
        this.readAt = 0
        this.owed = 0
        this.sending = false
        this.doubt = 0
        this.compares = false
    }

    /** Marks the chip as lost. The next poll tries to bring it back; a chip that came up less than a second ago is left alone for one. */
    private lost(what: string): void {
        if (!this.answers) return
        const now = ds.millis() | 0
        this.answers = false
        this.linkUp = false
        this.forget()
        this.lookAt = ((now - this.upSince) | 0) < Time.Retry ? (now + Time.Retry) | 0 : now
        this.count(MacCounter.ChipReset)
        console.warn(`ENC28J60: ${what}; the driver resets the chip until it answers`)
    }

    /** Handles a transfer that the runtime refused ("SPI busy"): another program part uses the bus. Sleeps so that it gets its turn. */
    private async failed(error: unknown): Promise<void> {
        this.cs.setMode(ds.GPIOMode.OutputHigh)
        this.lost(`the SPI bus refused a transfer (${error})`)
        await ds.sleep(1)
    }

    private count(counter: MacCounter): void {
        this.counters.setAt(counter, "i32", (this.counters.getAt(counter, "i32") + 1) | 0)
    }
}
