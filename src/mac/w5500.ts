import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { Eth } from "../wire/ethernet"
import { power } from "./idle"
import { type Mac, MacCounter } from "./mac"
import { BusTime, idle, pause, reaches, readRegisters, type Spi, W5500Bus, writeRegisters } from "./w5500-bus"
import {
    CHIP_VERSION,
    Command,
    Head,
    Interrupt,
    Look,
    Memory,
    Mode,
    Phy,
    Snapshot,
    SocketMode,
    Status,
} from "./w5500-registers"

// WIZnet W5500 on SPI, its TCP/IP left alone: socket 0 in MACRAW mode has all of its 16 + 16 KB of memory.
//
// SPI frames (chip select goes down and up around each) for a frame of up to 125 bytes, and for a longer one:
//   received   4, 4 (5 transfers): registers; header and data; Sn_RX_RD; RECV
//              of a burst all but the data is shared by up to 4 KB of frames
//   sent       3, 3 (4 transfers): data; Sn_TX_WR; SEND
//              and one for the registers if nothing has looked at them since the frame before

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

export interface W5500Options {
    /** Chip select. */
    cs: ds.OutputPin
    /** RSTn of the chip; without it the chip is reset over SPI, which helps only a chip that still listens. */
    reset?: ds.OutputPin
    miso: ds.InputPin
    mosi: ds.OutputPin
    sck: ds.OutputPin
    /** SPI clock in Hz, 2 to 33.3 MHz; 20 MHz when left out, of which the RP2040 makes 15.6 MHz. */
    hz?: number
    /** The station's own address, 6 bytes. */
    address: Buffer
    /** SocketMode.Block… bits: frames that the chip is to drop besides those for other stations. */
    block?: number
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
    /** When to look at link and version, or to revive the chip. */
    private lookAt = 0
    private answers = false
    private readonly small = Buffer.alloc(Size.Small)
    private readonly command: Buffer
    private readonly registers: Buffer
    linkUp = false
    readonly counters = Buffer.alloc(MacCounter.Size)
    readonly address: Buffer
    private readonly head = Buffer.alloc(3)
    /** The last length header made no sense; a second look decides. */
    private doubt = false
    /** Looks that found the last command not yet taken. */
    private untaken = 0
    private upSince = 0
    private readonly bus: W5500Bus

    /** Throws a RangeError for an address or clock that cannot be. */
    constructor(private readonly options: W5500Options) {
        const { address, cs, hz } = options
        if (address.length !== 6 || (address.getAt(0, "u8") & 1) !== 0)
            throw new RangeError("W5500: the address must be 6 bytes, the first of them even")
        // one SPI frame commands a send and clears SENDOK of the one before: it must be over before the send is
        if (hz !== undefined && (hz < 2000000 || hz > 33300000))
            throw new RangeError("W5500: hz must be 2000000 to 33300000")
        this.cs = cs
        this.address = address
        this.bus = new W5500Bus(cs)
        this.command = this.bus.command
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
                this.doubt = false
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
            this.readAt = (at + header) & 0xffff
            this.waiting = waiting - header
            this.owed += header
            this.header = Size.UnknownHeader
            this.doubt = false
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
            this.failed(error)
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
            c.setAt(0, "i32", Head.SetCommand | (Command.Send << 24))
            c.setAt(4, "u8", Interrupt.SendOk)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            this.writeAt = at
            this.sending = true
            this.sentAt = ds.millis() | 0
            const n = this.counters
            n.setAt(MacCounter.FramesOut, "i32", (n.getAt(MacCounter.FramesOut, "i32") + 1) | 0)
            return true
        } catch (error) {
            this.failed(error)
            return false
        }
    }

    async rest(ms: number): Promise<void> {
        const until = (ds.millis() + ms) | 0
        let looks = BusTime.LooksPerMs * (ms + 1)
        try {
            while (this.waiting === 0 && !this.doubt && !power.woken) {
                await this.poll()
                const now = ds.millis() | 0
                const left = (until - now) | 0
                if (this.waiting > 0 || left <= 0 || looks-- <= 0) break
                const most = this.untaken > 0 ? 1 : (this.lookAt - now) | 0
                await power.idle(Math.min(left, most))
            }
        } catch (error) {
            this.failed(error)
        }
        power.woken = false
    }

    /**
     * Gives back what was read, then looks at socket 0's registers in one burst: what waits, what was sent, whether
     * the chip is still itself. Flat on purpose: a call costs as much as a transfer.
     */
    private async poll(): Promise<void> {
        if ((((ds.millis() | 0) - this.lookAt) | 0) >= 0) await this.look()
        // a chip that does not answer is asked all the same: transfers keep the board awake
        if (!this.answers) return await readRegisters(this.bus, Head.ReadCommon)
        const cs = this.cs
        if (this.owed > 0) {
            const c = this.command
            c.setAt(0, "i32", Head.SetReceiveRead | ((this.readAt >> 8) << 24))
            c.setAt(4, "u8", this.readAt & 0xff)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            c.setAt(0, "i32", Head.SetCommand | (Command.Receive << 24))
            c.setAt(4, "u8", Interrupt.Received)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(c, c)
            cs.setMode(ds.GPIOMode.OutputHigh)
            this.owed = 0
        }
        const r = this.registers
        let before = -1
        let sane = false
        for (let tries = 0; tries < 4; tries++) {
            r.setAt(0, "i32", Head.ReadSocket)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(r, r)
            cs.setMode(ds.GPIOMode.OutputHigh)
            // one disturbed transfer is no reason to drop everything
            if (r.getAt(Snapshot.Status, "u8") !== Status.MacRaw) continue
            if (r.getAt(Snapshot.Sizes, "u16") !== Memory.BothSizes) continue
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
                if (read !== this.readAt) waiting = -1
            }
            this.waiting = 0
            if (r.getAt(Snapshot.Command, "u8") !== 0) {
                if (++this.untaken > BusTime.CommandLooks) this.lost("takes no commands")
                return
            }
            this.untaken = 0
            if (this.sending) {
                if ((r.getAt(Snapshot.Interrupt, "u8") & Interrupt.SendOk) !== 0) this.sending = false
                else if ((((ds.millis() | 0) - this.sentAt) | 0) > Time.Send) return await this.unsent()
            }
            if (waiting >= 0) this.waiting = waiting
            else {
                this.count(MacCounter.Resync)
                await this.reopen()
            }
            return
        }
        this.waiting = 0
        if (!sane) this.lost("does not answer as it should")
    }

    /** Waits for the end of the last send. */
    private async confirm(): Promise<void> {
        let looks = 0
        while (this.sending) {
            await this.poll()
            if (!this.sending) return
            if (looks++ >= Time.SendLooks) return await this.unsent()
            await idle()
        }
    }

    /** The end of a send was not reported in time; `registers` say how far it came. */
    private async unsent(): Promise<void> {
        const r = this.registers
        this.count(MacCounter.SendTimeout)
        this.sending = false
        // it was sent, only SENDOK was lost (WIZnet ioLibrary issue 168): nothing to mend
        if (r.getAt(Snapshot.TransmitRead, "u16") === r.getAt(Snapshot.TransmitWrite, "u16")) return
        // a link that goes down in mid-send leaves the chip waiting (ESP-IDF issue 6233)
        await this.reopen()
    }

    /** A length header that cannot be: the registers get a second look, then the memory is emptied. */
    private async misread(): Promise<void> {
        this.waiting = 0
        this.header = Size.UnknownHeader
        this.doubt = !this.doubt
        if (this.doubt) return
        this.count(MacCounter.BadLength)
        this.count(MacCounter.Resync)
        await this.reopen()
    }

    /** Every 100 ms: is the chip there, and the link? While it is not, tries to bring it back every second. */
    private async look(): Promise<void> {
        const now = ds.millis() | 0
        if (!this.answers) {
            this.lookAt = (now + Time.Retry) | 0
            if ((await this.bringUp()) === "") console.warn("W5500: answers again")
            return
        }
        this.lookAt = (now + Time.Look) | 0
        await readRegisters(this.bus, Head.ReadCommon)
        if (this.registers.getAt(Look.Version, "u8") !== CHIP_VERSION) {
            await readRegisters(this.bus, Head.ReadCommon)
            if (this.registers.getAt(Look.Version, "u8") !== CHIP_VERSION)
                return this.lost("does not answer as it should")
        }
        this.linkUp = (this.registers.getAt(Look.Phy, "u8") & Phy.Link) !== 0
    }

    /** Resets and configures the chip. Gives "", or what is wrong and what to check. */
    private async bringUp(): Promise<string> {
        const { bus, options } = this
        if (options.reset) {
            options.reset.setMode(ds.GPIOMode.OutputLow)
            await pause(bus, Time.ResetPulse)
            options.reset.setMode(ds.GPIOMode.OutputHigh)
        } else await writeRegisters(bus, Head.SetMode, Mode.Reset, 0)
        await pause(bus, Time.ResetPulse)
        const start = ds.millis() | 0
        let version = 0
        for (let looks = 0; looks < Time.StartLooks; looks++) {
            await readRegisters(bus, Head.ReadCommon)
            version = this.registers.getAt(Look.Version, "u8")
            // some chips say 0 for a while after a reset (ESP-IDF's driver waits for it)
            if (version === CHIP_VERSION || (((ds.millis() | 0) - start) | 0) > Time.Start) break
            await idle()
        }
        if (version !== CHIP_VERSION)
            return `W5500: version register reads ${version} instead of 4: check power, reset, CS, SCK, MOSI, MISO`
        // the other sockets first, or the sum would exceed the memory for a moment
        for (let n = 7; n > 0; n--) await writeRegisters(bus, Head.SetSizes + n * Head.NextSocket, 0, 0)
        await writeRegisters(bus, Head.SetSizes, Memory.KiloBytes, Memory.KiloBytes)
        for (let i = 0; i < 6; i += 2)
            await writeRegisters(
                bus,
                Head.SetAddress + (i << 8),
                this.address.getAt(i, "u8"),
                this.address.getAt(i + 1, "u8")
            )
        if (!(await this.open()))
            return "W5500: answers but does not open its socket: check its power, switch it off and on"
        this.answers = true
        this.upSince = ds.millis() | 0
        await this.look()
        return ""
    }

    /** Drops what is in both memories and starts afresh. */
    private async reopen(): Promise<void> {
        await writeRegisters(this.bus, Head.SetCommand, Command.Close, Interrupt.All)
        if (!(await reaches(this.bus, Status.Closed)) || !(await this.open()))
            this.lost("does not reopen its socket")
    }

    /** Opens socket 0 for raw frames and takes over its pointers. False when the chip does not follow. */
    private async open(): Promise<boolean> {
        const mode = SocketMode.MacRaw | SocketMode.MacFilter | (this.options.block || 0)
        await writeRegisters(this.bus, Head.SetSocketMode, mode, Command.Open)
        const opened = await reaches(this.bus, Status.MacRaw)
        const r = this.registers
        this.readAt = (r.getAt(Snapshot.ReceiveRead, "u8") << 8) | r.getAt(Snapshot.ReceiveRead + 1, "u8")
        this.writeAt =
            (r.getAt(Snapshot.TransmitWrite, "u8") << 8) | r.getAt(Snapshot.TransmitWrite + 1, "u8")
        this.forget()
        return opened
    }

    /** Nothing waits, nothing is under way. */
    private forget(): void {
        this.waiting = 0
        this.owed = 0
        this.header = Size.UnknownHeader
        this.sending = false
        this.doubt = false
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

    /** The runtime refused a transfer ("SPI busy", a bus in use by something else). */
    private failed(error: unknown): void {
        this.cs.setMode(ds.GPIOMode.OutputHigh)
        this.lost(`no SPI transfer (${error})`)
    }

    private count(counter: MacCounter): void {
        this.counters.setAt(counter, "i32", (this.counters.getAt(counter, "i32") + 1) | 0)
    }
}
