// WIZnet W5500 on SPI, its TCP/IP left alone: socket 0 in MACRAW mode has all of its 16 + 16 KB of memory.
//
// SPI frames (chip select goes down and up around each) for a frame of up to 125 bytes, and for a longer one:
//   received   4, 4 (5 transfers): registers; header and data; Sn_RX_RD; RECV
//              of a burst all but the data is shared by up to 4 KB of frames
//   sent       3, 3 (4 transfers): data; Sn_TX_WR; SEND
//              and one for the registers if nothing has looked at them since the frame before

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { Eth } from "../wire/ethernet"
import { type Mac, MacCounter } from "./mac"
import { power } from "./power"
import { idle, Looks, pause, type Spi } from "./spi"
import { BusTime, reaches, readRegisters, W5500Bus, writeRegister } from "./w5500-bus"
import {
    CHIP_VERSION,
    Command,
    Head,
    Look,
    Memory,
    Mode,
    Own,
    Phy,
    Snapshot,
    SocketMode,
    Status,
} from "./w5500-registers"

const enum Size {
    /** Takes most handshakes, acknowledgments, ARP and ping; longer frames go straight from and to their buffer. */
    Small = 128,
    /** Of the small buffer without address and control. */
    SmallData = 125,
    /** The chip puts a length before each frame, which counts itself. */
    Header = 2,
    /** Length of the shortest and of the longest frame (with a VLAN tag) that can be, with the header. */
    ShortestHeader = 16,
    LongestHeader = 1520,
    /** Data sheet, Sn_MSSR: the most that MACRAW sends. */
    LongestSent = 1514,
    /** Bytes read are given back to the chip at the latest when there are so many. */
    Release = 4096,
    UnknownHeader = 0xffff,
    /** More looks at a length header that made no sense. */
    Doubts = 2,
}

/** Milliseconds; where the clock may stand still, a wait also ends after so many looks at the chip. */
const enum Time {
    /** Between looks at link and version. */
    Look = 100,
    /** Between attempts to revive a chip. */
    Retry = 1000,
    /** A full frame takes 1.3 ms at 10 Mbit/s; collisions may hold it up. */
    Send = 150,
    SendLooks = 800,
    /** The data sheet asks for 0.5 ms low, then 1 ms for the PLL; the tick that runs may be almost over. */
    ResetPulse = 2,
    Start = 50,
    StartLooks = 500,
}

/** How a W5500 is wired, and how the driver uses it. */
export interface W5500Options {
    /** Chip select. */
    cs: ds.OutputPin
    /** RSTn of the chip; without it the driver resets the chip over SPI, which helps only a chip that still listens. */
    reset?: ds.OutputPin
    /** MISO of the SPI bus. */
    miso: ds.InputPin
    /** MOSI of the SPI bus. */
    mosi: ds.OutputPin
    /** SCLK of the SPI bus. */
    sck: ds.OutputPin
    /** SPI clock in Hz, 33,300,000 at most; 20,000,000 by default, of which the RP2040 makes 15.6 MHz. */
    hz?: number
    /** The station's own address, 6 bytes. */
    address: Buffer
    /**
     * SocketMode.Block… bits: more frames that the chip drops. It always drops those for other stations and IPv6, and those to groups until
     * the program listens to one.
     */
    block?: number
    /**
     * Bytes of the SPI transfer that polls the chip; by default as few as it takes. Set 200 on an RP2040: a short transfer can end
     * where its firmware does not notice, and the program then sleeps for up to 10 ms.
     */
    look?: number
}

/**
 * Driver for the W5500. All calls come from one fiber, one after the other.
 * `send` uses a frame of more than 125 bytes up: its bytes in `from` are garbage afterwards.
 */
export class W5500 implements Mac {
    // the runtime looks properties up in order: those of the hot path come first
    private readonly cs: ds.OutputPin
    /** Bytes known to wait in receive memory from `readAt` on. */
    private waiting = 0
    private readAt = 0
    /** Bytes before `readAt` that are not yet given back to the chip. */
    private owed = 0
    /** The length header at `readAt`, when the transfer of the frame before it brought it along. */
    private header = Size.UnknownHeader
    private writeAt = 0
    /** A send has not yet been seen to end. */
    private sending = false
    private sentAt = 0
    /** When to look at the common registers, or to revive the chip. */
    private lookAt = 0
    private answers = false
    /** What socket 0 says of itself as it was opened, with no command under way: see Own. */
    private own = 0
    private readonly small = Buffer.alloc(Size.Small)
    private readonly command: Buffer
    private readonly single: Buffer
    private readonly registers: Buffer
    linkUp = false
    multicast = false
    readonly counters = Buffer.alloc(MacCounter.Size)
    readonly address: Buffer
    private readonly head = Buffer.alloc(3)
    /** Looks at a length header that made no sense: disturbed, or not yet in memory. */
    private doubt = 0
    /** Looks that found the last command not yet taken. */
    private untaken = 0
    private upSince = 0
    private readonly bus: W5500Bus

    /** Throws a RangeError for an address or clock that cannot be. */
    constructor(private readonly options: W5500Options) {
        const { address, cs, hz } = options
        if (address.length !== 6 || (address.getAt(0, "u8") & 1) !== 0)
            throw new RangeError("W5500: the address must be 6 bytes, the first of them even")
        if (hz !== undefined && (hz < 1 || hz > 33300000))
            throw new RangeError("W5500: hz must be at most 33300000")
        this.cs = cs
        this.address = address
        this.bus = new W5500Bus(cs, this.options.look || 0)
        this.command = this.bus.command
        this.single = this.bus.single
        this.registers = this.bus.registers
    }

    async start(): Promise<void> {
        const { miso, mosi, sck, hz, reset } = this.options
        this.cs.setMode(ds.GPIOMode.OutputHigh)
        if (reset)
            reset.setMode(ds.GPIOMode.OutputHigh)
            // what @devicescript/spi would call; its class costs 0.3 KB of bytecode
        ;(ds as Spi).spiConfigure(miso.gpio, mosi.gpio, sck.gpio, 0, hz || 20000000)
        const problem = await this.bringUp()
        if (problem !== "") throw new Error(problem)
    }

    // flat on purpose: a call costs as much as a transfer
    async receive(into: Buffer): Promise<number> {
        try {
            if (this.waiting === 0 || this.owed >= Size.Release) await this.poll()
            const waiting = this.waiting
            if (waiting === 0) {
                this.doubt = 0
                return 0
            }
            const cs = this.cs
            const at = this.readAt
            const address = (at >> 8) | ((at & 0xff) << 8) | Head.ReadReceive
            const s = this.small
            let source = s
            let offset = 0
            let header = 0
            if (waiting <= Size.SmallData || this.header <= Size.SmallData) {
                s.setAt(0, "i32", address)
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(s, s)
                cs.setMode(ds.GPIOMode.OutputHigh)
                header = (s.getAt(3, "u8") << 8) | s.getAt(4, "u8")
                offset = 5
            } else {
                const c = this.command
                c.setAt(0, "i32", address)
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(c, c)
                header = (c.getAt(3, "u8") << 8) | c.getAt(4, "u8")
            }
            const length = header - Size.Header
            if (header < Size.ShortestHeader || header > waiting || header > Size.LongestHeader) {
                cs.setMode(ds.GPIOMode.OutputHigh)
                await this.misread()
                return 0
            }
            if (offset > 0 && header > Size.SmallData) {
                // the header that came with the frame before was not in memory yet: the frame is longer than it said
                this.header = header
                return await this.receive(into)
            }
            this.readAt = (at + header) & 0xffff
            this.waiting = waiting - header
            this.owed += header
            this.header = Size.UnknownHeader
            this.doubt = 0
            if (length > into.length) {
                cs.setMode(ds.GPIOMode.OutputHigh)
                this.count(MacCounter.TooLong)
                return 0
            }
            if (offset === 0) {
                // read to the end of the buffer: what follows the frame belongs to the next one and does no harm
                if (length > Size.Small) source = into
                await (ds as Spi).spiXfer(source, source)
                cs.setMode(ds.GPIOMode.OutputHigh)
            }
            if (source === s) into.blitAt(0, s, offset, length)
            offset += length
            if (waiting >= header + Size.Header && offset + Size.Header <= source.length)
                this.header = (source.getAt(offset, "u8") << 8) | source.getAt(offset + 1, "u8")
            const n = this.counters
            n.setAt(MacCounter.FramesIn, "i32", (n.getAt(MacCounter.FramesIn, "i32") + 1) | 0)
            return length
        } catch (error) {
            await this.failed(error)
            return 0
        }
    }

    // flat on purpose: a call costs as much as a transfer
    async send(from: Buffer, length: number): Promise<boolean> {
        if (!this.linkUp || length < Eth.Size || length > Size.LongestSent || length > from.length)
            return false
        try {
            if (this.sending) {
                await this.confirm()
                if (!this.answers) return false
            }
            const cs = this.cs
            const c = this.command
            let at = this.writeAt
            const address = (at >> 8) | ((at & 0xff) << 8) | Head.WriteTransmit
            // written to the end of the buffer: what follows the frame lands in free memory
            if (length <= Size.SmallData) {
                const s = this.small
                s.setAt(0, "i32", address)
                s.blitAt(3, from, 0, length)
                // the data sheet does not say that the chip pads, nor with what: see to it that no old memory leaks
                if (length < Eth.MinFrame) {
                    s.fillAt(3 + length, Eth.MinFrame - length, 0)
                    length = Eth.MinFrame
                }
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(s, s)
                cs.setMode(ds.GPIOMode.OutputHigh)
            } else {
                const h = this.head
                h.setAt(0, "u16", address & 0xffff)
                h.setAt(2, "u8", Head.WriteTransmit >> 16)
                cs.setMode(ds.GPIOMode.OutputLow)
                await (ds as Spi).spiXfer(h, h)
                await (ds as Spi).spiXfer(from, from)
                cs.setMode(ds.GPIOMode.OutputHigh)
            }
            at = (at + length) & 0xffff
            c.setAt(0, "i32", Head.SetTransmitWrite | ((at >> 8) << 24))
            c.setAt(4, "u8", at & 0xff)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            const k = this.single
            k.setAt(0, "i32", Head.SetCommand | (Command.Send << 24))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(k, k)
            cs.setMode(ds.GPIOMode.OutputHigh)
            this.writeAt = at
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
                const most = this.untaken > 0 ? 1 : (this.lookAt - now) | 0
                await power.idle(Math.min(left, most))
            }
        } catch (error) {
            await this.failed(error)
        }
        power.woken = false
    }

    /**
     * Gives back what was read, then looks at socket 0's registers in one burst: what waits, what was sent, whether
     * the chip is still itself. Flat on purpose: a call costs as much as a transfer.
     */
    private async poll(): Promise<void> {
        if ((((ds.millis() | 0) - this.lookAt) | 0) >= 0) await this.look(false)
        const r = this.registers
        // a chip that does not answer is asked all the same: transfers keep the board awake
        if (!this.answers) return await readRegisters(this.bus, Head.ReadSocket, r)
        const cs = this.cs
        if (this.owed > 0) {
            const c = this.command
            c.setAt(0, "i32", Head.SetReceiveRead | ((this.readAt >> 8) << 24))
            c.setAt(4, "u8", this.readAt & 0xff)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            const k = this.single
            k.setAt(0, "i32", Head.SetCommand | (Command.Receive << 24))
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(k, k)
            cs.setMode(ds.GPIOMode.OutputHigh)
            this.owed = 0
        }
        let before = -1
        let sane = false
        for (let tries = 0; tries < 4; tries++) {
            r.setAt(0, "i32", Head.ReadSocket)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(r, r)
            cs.setMode(ds.GPIOMode.OutputHigh)
            // one disturbed transfer is no reason to drop everything
            if (r.getAt(Snapshot.Sizes, "u16") !== Memory.BothSizes) continue
            const own = r.getAt(Snapshot.Mode, "i32") & Own.Bits
            if (own !== this.own) {
                if ((own & Own.NotCommand) !== this.own) continue
                this.waiting = 0
                if (++this.untaken > BusTime.CommandLooks) this.lost("takes no commands")
                return
            }
            sane = true
            let waiting = 0
            if (r.getAt(Snapshot.ReceivedSize, "u16") !== 0) {
                waiting =
                    (r.getAt(Snapshot.ReceivedSize, "u8") << 8) | r.getAt(Snapshot.ReceivedSize + 1, "u8")
                const read =
                    (r.getAt(Snapshot.ReceiveRead, "u8") << 8) | r.getAt(Snapshot.ReceiveRead + 1, "u8")
                const end =
                    (r.getAt(Snapshot.ReceiveWrite, "u8") << 8) | r.getAt(Snapshot.ReceiveWrite + 1, "u8")
                // data sheet, Sn_RX_RSR: a frame that arrives between its two bytes makes a number that never was.
                // Either the pointers of the same burst say the same, or the number stands still.
                if (waiting !== ((end - read) & 0xffff) && waiting !== before) {
                    before = waiting
                    continue
                }
                // out of step with the chip: below, the socket is reopened
                if (read !== this.readAt || waiting > Memory.Bytes) waiting = -1
            }
            this.waiting = 0
            this.untaken = 0
            if (this.sending) {
                // data sheet, Sn_TX_RD: SEND moves it to Sn_TX_WR when all is sent
                const sent =
                    (r.getAt(Snapshot.TransmitRead, "u8") << 8) | r.getAt(Snapshot.TransmitRead + 1, "u8")
                if (sent === this.writeAt) this.sending = false
                // a link that goes down in mid-send leaves the chip waiting (ESP-IDF issue 6233)
                else if ((((ds.millis() | 0) - this.sentAt) | 0) > Time.Send)
                    return await this.reopen(MacCounter.SendTimeout)
            }
            if (waiting >= 0) this.waiting = waiting
            else await this.reopen(MacCounter.Resync)
            return
        }
        this.waiting = 0
        if (!sane) await this.look(true)
    }

    /** Waits for the end of the last send. */
    private async confirm(): Promise<void> {
        let looks = 0
        while (this.sending) {
            await this.poll()
            if (!this.sending) return
            if (looks++ >= Time.SendLooks) return await this.reopen(MacCounter.SendTimeout)
            await idle()
        }
    }

    /** A length header that cannot be: it gets some more looks, then the memory is emptied. */
    private async misread(): Promise<void> {
        this.waiting = 0
        this.header = Size.UnknownHeader
        if (++this.doubt === 1) return
        if (this.doubt <= Size.Doubts) return await idle()
        this.count(MacCounter.BadLength)
        await this.reopen(MacCounter.Resync)
    }

    /**
     * Every 100 ms, and when socket 0 is not as it was opened (`changed`): is the chip there, is it still told what it was told, and
     * has it a link? While it is not there, tries to bring it back every second.
     */
    private async look(changed: boolean): Promise<void> {
        const now = ds.millis() | 0
        if (!this.answers) {
            this.lookAt = (now + Time.Retry) | 0
            if ((await this.bringUp()) === "") console.warn("W5500: answers again")
            return
        }
        this.lookAt = (now + Time.Look) | 0
        if (this.multicast) {
            if ((this.own & SocketMode.BlockMulticast) !== 0) return await this.reopen(MacCounter.Resync)
        }
        const r = this.bus.common
        // what one look alone says may be a disturbed bit
        for (let tries = 0; tries < 3; tries++) {
            await readRegisters(this.bus, Head.ReadCommon, r)
            const phy = r.getAt(Look.Phy, "u8")
            const link = (phy & Phy.Link) !== 0
            const wrong =
                r.getAt(Look.Mode, "u8") |
                (r.getAt(Look.Address, "i32") ^ this.address.getAt(0, "i32")) |
                (r.getAt(Look.Address + 4, "u16") ^ this.address.getAt(4, "u16")) |
                ((phy & Phy.Kind) ^ Phy.Own) |
                (r.getAt(Look.Version, "u8") ^ CHIP_VERSION)
            if (wrong === 0 && !changed && (tries > 0 || link === this.linkUp)) {
                this.linkUp = link
                return
            }
        }
        const sizes = this.registers.getAt(Snapshot.Sizes, "u16")
        if (r.getAt(Look.Version, "u8") !== CHIP_VERSION || (changed && sizes !== Memory.BothSizes))
            return this.lost("does not answer as it should")
        await this.reopen(MacCounter.Repair)
    }

    /** Resets and configures the chip. Gives "", or what is wrong and what to check. */
    private async bringUp(): Promise<string> {
        const { bus, options } = this
        if (options.reset) {
            options.reset.setMode(ds.GPIOMode.OutputLow)
            await pause(bus.registers, Time.ResetPulse)
            options.reset.setMode(ds.GPIOMode.OutputHigh)
        } else await writeRegister(bus, Head.SetMode, Mode.Reset)
        await pause(bus.registers, Time.ResetPulse)
        const start = ds.millis() | 0
        let version = 0
        for (let looks = 0; looks < Time.StartLooks; looks++) {
            await readRegisters(bus, Head.ReadCommon, bus.common)
            version = bus.common.getAt(Look.Version, "u8")
            // some chips say 0 for a while after a reset (ESP-IDF's driver waits for it)
            if (version === CHIP_VERSION || (((ds.millis() | 0) - start) | 0) > Time.Start) break
            await idle()
        }
        if (version !== CHIP_VERSION)
            return `W5500: version register reads ${version} instead of 4: check power, reset, CS, SCK, MOSI, MISO`
        if (!(await this.open()))
            return "W5500: answers but does not open its socket: check its power, switch it off and on"
        this.answers = true
        this.upSince = ds.millis() | 0
        await this.look(false)
        return ""
    }

    /** Drops what is in both memories and starts afresh; `counter` says why. */
    private async reopen(counter: MacCounter): Promise<void> {
        this.count(counter)
        if (!(await this.open())) this.lost("does not reopen its socket")
    }

    /**
     * Closes socket 0, sets all registers that matter, opens it for raw frames and takes over its pointers; `common` holds a fresh look.
     * False when the chip does not follow.
     */
    private async open(): Promise<boolean> {
        const { bus, registers } = this
        this.forget()
        await writeRegister(bus, Head.SetCommand, Command.Close)
        if (!(await reaches(bus, Status.Closed))) return false
        // the other sockets first, or the sum would exceed the memory for a moment
        for (let n = 15; n >= 0; n--) {
            const head = Head.SetSizes + (n >> 1) * Head.NextSocket + (n & 1) * Head.NextRegister
            await writeRegister(bus, head, n > 1 ? 0 : Memory.KiloBytes)
        }
        for (let i = 0; i < 6; i++)
            await writeRegister(bus, Head.SetAddress + i * Head.NextRegister, this.address.getAt(i, "u8"))
        await writeRegister(bus, Head.SetMode, 0)
        if ((bus.common.getAt(Look.Phy, "u8") & Phy.Kind) !== Phy.Own) {
            await writeRegister(bus, Head.SetPhy, Phy.Reset)
            await writeRegister(bus, Head.SetPhy, Phy.Run)
        }
        let mode = SocketMode.Usual | (this.options.block || 0)
        if (this.multicast) mode &= ~SocketMode.BlockMulticast
        this.own = mode | Own.MacRaw
        await writeRegister(bus, Head.SetSocketMode, mode)
        await writeRegister(bus, Head.SetCommand, Command.Open)
        const opened = await reaches(bus, Status.MacRaw)
        this.readAt =
            (registers.getAt(Snapshot.ReceiveRead, "u8") << 8) |
            registers.getAt(Snapshot.ReceiveRead + 1, "u8")
        this.writeAt =
            (registers.getAt(Snapshot.TransmitWrite, "u8") << 8) |
            registers.getAt(Snapshot.TransmitWrite + 1, "u8")
        return opened
    }

    /** Nothing waits, nothing is under way. */
    private forget(): void {
        this.waiting = 0
        this.owed = 0
        this.header = Size.UnknownHeader
        this.sending = false
        this.doubt = 0
        this.untaken = 0
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
        console.warn(`W5500: ${what}; it is reset until it answers`)
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
