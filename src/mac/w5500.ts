// The driver of the WIZnet W5500 on SPI. It does not use the chip's TCP/IP: socket 0 in MACRAW mode has all 16 + 16 KB of memory.
//
// SPI frames (chip select low, then high) for an Ethernet frame of up to 125 bytes, then for a longer one:
//   received   4, 4 (5 transfers): registers; header and data; Sn_RX_RD and RECV, after the frame was handled
//              in a burst, up to 4 KB of frames share all but the data
//   sent       3, 3 (4 transfers): data; Sn_TX_WR; SEND
//              one more for the registers if they were not read since the last sent frame

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { Eth } from "../wire/ethernet"
import { type Mac, MacCounter } from "./mac"
import { power } from "./poll-wait"
import { idle, Polls, pause, type Spi } from "./spi"
import { BusTime, reaches, readRegisters, W5500Bus, writeRegister } from "./w5500-bus"
import {
    CHIP_VERSION,
    Command,
    CommonRegisters,
    Head,
    Memory,
    Mode,
    Phy,
    Snapshot,
    SocketMode,
    SocketState,
    Status,
} from "./w5500-registers"

const enum Size {
    /** The small buffer holds most handshakes, ACKs, ARP and ping; longer frames move straight from and to the caller's buffer. */
    Small = 128,
    /** Bytes of the small buffer after address and control byte. */
    SmallData = 125,
    /** The chip puts a length before each frame, which includes these two bytes. */
    Header = 2,
    /** Header's value for the shortest and for the longest valid frame (with a VLAN tag). */
    ShortestHeader = 16,
    LongestHeader = 1520,
    /** Longest frame that is sent: Ethernet's, without FCS (data sheets before 1.0.3 have it for MACRAW under Sn_MSSR). */
    LongestSent = 1514,
    /** After reading this many bytes the driver frees them in the chip's memory at the latest; before, when it has nothing else to do. */
    Release = 4096,
    UnknownHeader = 0xffff,
    /** Further polls after one that was disturbed. */
    Polls = 3,
    /** Further polls after a length header that was not valid. */
    Doubts = 2,
}

/** Milliseconds. Where the clock may stand still, a wait also ends after a number of polls: SendLooks, StartLooks. */
const enum Time {
    /** Between checks of link and version. */
    Look = 100,
    /** Between attempts to bring a lost chip back. */
    Retry = 1000,
    /** A full frame takes 1.3 ms at 10 Mbit/s; collisions may delay it. */
    Send = 150,
    SendLooks = 800,
    /** The data sheet asks for 0.5 ms low, then 1 ms for the PLL; the current tick may be almost over. */
    ResetPulse = 2,
    Start = 50,
    StartLooks = 500,
}

/** How a W5500 is wired, and how the driver uses it. */
export interface W5500Options {
    /** Chip select. */
    cs: ds.OutputPin
    /** The chip's RSTn. Without it the chip is reset over SPI, which helps only while the chip still understands SPI. */
    reset?: ds.OutputPin
    /** MISO of the SPI bus. */
    miso: ds.InputPin
    /** MOSI of the SPI bus. */
    mosi: ds.OutputPin
    /** SCLK of the SPI bus. */
    sck: ds.OutputPin
    /** SPI clock in Hz, 33,300,000 at most. The default is 20,000,000, of which the RP2040 makes 15.6 MHz. */
    hz?: number
    /** This station's Ethernet address, 6 bytes. */
    address: Buffer
    /**
     * Bits SocketMode.Block… for frames that the chip should drop. It always drops frames to other stations, IPv6, and IPv4
     * multicasts until a program joins a group.
     */
    block?: number
    /**
     * Least bytes of a transfer that reads registers; the default is as few as it needs. Set 200 on an RP2040: its firmware checks for
     * work, then sleeps for up to 10 ms, and misses a short transfer that ends in between.
     */
    look?: number
}

/**
 * The W5500's driver. All calls must come from one fiber, one after the other. `send` overwrites the bytes of `from` when a frame has more
 * than 125 bytes.
 */
export class W5500 implements Mac {
    // the runtime finds properties by a linear scan: those of the hot path come first
    private readonly cs: ds.OutputPin
    /** Bytes known to be in receive memory from `readAt` on. */
    private waiting = 0
    private readAt = 0
    /** Bytes before `readAt` that were read, but not yet freed in the chip. */
    private owed = 0
    /** The length header at `readAt`, if the transfer of the previous frame included it. */
    private header = Size.UnknownHeader
    private writeAt = 0
    /** The chip has not yet confirmed the last send. */
    private sending = false
    private sentAt = 0
    /** When to check the common registers, or to try to bring a lost chip back. */
    private lookAt = 0
    /** When `rest` has more to do than poll: at its end, or at `lookAt` if that comes before. */
    private pauseAt = 0
    private answers = false
    /** Socket 0's registers as they read after it was opened, with no command under way (see SocketState); -1, which no register reads, before. */
    private own = -1
    private readonly small = Buffer.alloc(Size.Small)
    private readonly command: Buffer
    private readonly single: Buffer
    private readonly registers: Buffer
    linkUp = false
    multicast = false
    readonly counters = Buffer.alloc(MacCounter.Size)
    readonly address: Buffer
    private readonly head = Buffer.alloc(3)
    /** Polls that found a length header that was not valid: the transfer was disturbed, or the header was not in memory yet. */
    private doubt = 0
    /** Polls that found the last command not yet taken. */
    private untaken = 0
    private upSince = 0
    private readonly bus: W5500Bus

    /** Throws a RangeError when the address or the clock is not valid. */
    constructor(private readonly options: W5500Options) {
        const { address, cs, hz } = options
        if (address.length !== 6 || (address.getAt(0, "u8") & 1) !== 0)
            throw new RangeError("W5500: the address must be 6 bytes, the first of them even")
        if (hz !== undefined && (hz < 1 || hz > 33300000))
            throw new RangeError("W5500: hz must be 1 to 33300000")
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
            // @devicescript/spi would make this call, but its class costs 0.3 KB of bytecode
        ;(ds as Spi).spiConfigure(miso.gpio, mosi.gpio, sck.gpio, 0, hz || 20000000)
        const problem = await this.bringUp()
        if (problem !== "") throw new Error(problem)
    }

    // no helper functions here on purpose: a call costs as much as a transfer
    async receive(into: Buffer): Promise<number> {
        try {
            if (this.owed >= Size.Release) {
                await this.free()
                // has the registers read
                this.waiting = 0
            }
            if (this.waiting === 0) {
                if ((((ds.millis() | 0) - this.lookAt) | 0) >= 0) await this.look(false)
                await this.poll(Size.Polls, -1)
            }
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
                // the header read with the previous frame was read too early: this frame is longer than it said
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
                // reads to the end of the buffer: the bytes after the frame belong to the next one and do no harm
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

    // no helper functions here on purpose: a call costs as much as a transfer
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
            // writes to the end of the buffer: the bytes after the frame go to free memory
            if (length <= Size.SmallData) {
                const s = this.small
                s.setAt(0, "i32", address)
                s.blitAt(3, from, 0, length)
                // the data sheet does not say whether the chip pads, nor with what: padding with zeros keeps old memory from leaking
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
        let now = ds.millis() | 0
        const until = (now + ms) | 0
        let looks = Polls.PerMs * (ms + 1)
        this.pauseAt = now
        try {
            let quiet = this.waiting === 0 && this.doubt === 0
            if (this.owed > 0) {
                if (this.waiting === 0) {
                    await this.free()
                    // the other fibers have run meanwhile
                    if (ms === 0) quiet = false
                }
            }
            if (quiet) {
                // flat on purpose: a turn of this loop is all that an idle device does
                while (!power.woken) {
                    await this.poll(Size.Polls, -1)
                    if (this.waiting > 0) break
                    let left = (this.pauseAt - now) | 0
                    if (left <= 0) {
                        if (((until - now) | 0) <= 0) break
                        if (((now - this.lookAt) | 0) >= 0) await this.look(false)
                        this.pauseAt = ((until - this.lookAt) | 0) < 0 ? until : this.lookAt
                        left = this.untaken > 0 ? 1 : (this.pauseAt - now) | 0
                    }
                    if (--looks < 0) break
                    await power.idle(left)
                    now = ds.millis() | 0
                }
            }
        } catch (error) {
            await this.failed(error)
        }
        power.woken = false
    }

    /** Frees in the chip's memory what was read. */
    private async free(): Promise<void> {
        const { cs, command, single } = this
        command.setAt(0, "i32", Head.SetReceiveRead | ((this.readAt >> 8) << 24))
        command.setAt(4, "u8", this.readAt & 0xff)
        cs.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(command, command)
        cs.setMode(ds.GPIOMode.OutputHigh)
        single.setAt(0, "i32", Head.SetCommand | (Command.Receive << 24))
        cs.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(single, single)
        cs.setMode(ds.GPIOMode.OutputHigh)
        this.owed = 0
    }

    /**
     * Reads socket 0's registers in one burst: what waits, what was sent, and whether the chip still has its settings. A transfer that may
     * have been disturbed is repeated up to `tries` times; `before` is what waits by the last of them in which socket 0 was as it was
     * opened, -1 if there was none. Flat on purpose: a call costs as much as a transfer.
     */
    private async poll(tries: number, before: number): Promise<void> {
        const r = this.registers
        const cs = this.cs
        r.setAt(0, "i32", Head.ReadSocket)
        cs.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(r, r)
        cs.setMode(ds.GPIOMode.OutputHigh)
        // left by `break` when the transfer may have been disturbed
        for (;;) {
            if (r.getAt(Snapshot.Sizes, "u16") !== Memory.BothSizes) break
            const own = r.getAt(Snapshot.Mode, "i32") & SocketState.Bits
            if (own !== this.own) {
                if ((own & SocketState.NotCommand) !== this.own) break
                this.waiting = 0
                // `rest` comes back soon
                this.pauseAt = ds.millis() | 0
                if (++this.untaken > BusTime.CommandLooks) this.lost("takes no commands")
                return
            }
            let waiting = 0
            if (r.getAt(Snapshot.ReceivedSize, "u16") !== 0) {
                waiting =
                    (r.getAt(Snapshot.ReceivedSize, "u8") << 8) | r.getAt(Snapshot.ReceivedSize + 1, "u8")
                const read =
                    (r.getAt(Snapshot.ReceiveRead, "u8") << 8) | r.getAt(Snapshot.ReceiveRead + 1, "u8")
                const end =
                    (r.getAt(Snapshot.ReceiveWrite, "u8") << 8) | r.getAt(Snapshot.ReceiveWrite + 1, "u8")
                // data sheet, Sn_RX_RSR: a frame that arrives between the reads of its two bytes makes a wrong number. It is right
                // when the pointers of the same burst agree with it, or when a second read is the same
                if (waiting !== ((end - read) & 0xffff) && waiting !== before) {
                    before = waiting
                    break
                }
                // the pointer is not the driver's: the socket is reopened below. What was read and not freed yet is counted, too
                if (((read + this.owed) & 0xffff) !== this.readAt || waiting > Memory.Bytes) waiting = -1
                else waiting -= this.owed
                if (waiting < 0) return await this.reopen(MacCounter.Resync)
            } else if (this.owed > 0) return await this.reopen(MacCounter.Resync)
            this.waiting = waiting
            this.untaken = 0
            if (this.sending) {
                // data sheet, Sn_TX_RD: SEND moves it to Sn_TX_WR when all bytes are sent
                const sent =
                    (r.getAt(Snapshot.TransmitRead, "u8") << 8) | r.getAt(Snapshot.TransmitRead + 1, "u8")
                if (sent === this.writeAt) this.sending = false
                // a link that goes down while a frame is sent leaves the chip waiting (ESP-IDF issue 6233)
                else if ((((ds.millis() | 0) - this.sentAt) | 0) > Time.Send)
                    return await this.reopen(MacCounter.SendTimeout)
            }
            return
        }
        this.waiting = 0
        // a chip that does not answer is polled all the same: transfers keep the board awake
        if (!this.answers) return
        // one disturbed transfer is repeated: it is not a reason to drop all frames
        if (tries > 0) await this.poll(tries - 1, before)
        else if (before < 0) await this.look(true)
    }

    /** Waits for the end of the last send, and reopens the socket if it does not end. */
    private async confirm(): Promise<void> {
        let looks = 0
        while (this.sending) {
            await this.poll(Size.Polls, -1)
            if (!this.sending) return
            if (looks++ >= Time.SendLooks) return await this.reopen(MacCounter.SendTimeout)
            await idle()
        }
    }

    /** Handles a length header that is not valid: it is read again a few times, then the memory is emptied. */
    private async misread(): Promise<void> {
        this.waiting = 0
        this.header = Size.UnknownHeader
        if (++this.doubt === 1) return
        if (this.doubt <= Size.Doubts) return await idle()
        this.count(MacCounter.BadLength)
        await this.reopen(MacCounter.Resync)
    }

    /**
     * Checks every 100 ms, and when socket 0 is not as it was opened (`changed`), that the chip is there and has its settings,
     * and whether it has a link. Tries once a second to bring back a lost chip.
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
        // a difference in one read alone may be a disturbed bit
        for (let tries = 0; tries < 3; tries++) {
            await readRegisters(this.bus, Head.ReadCommon, r)
            const phy = r.getAt(CommonRegisters.Phy, "u8")
            const link = (phy & Phy.Link) !== 0
            const wrong =
                r.getAt(CommonRegisters.Mode, "u8") |
                (r.getAt(CommonRegisters.Address, "i32") ^ this.address.getAt(0, "i32")) |
                (r.getAt(CommonRegisters.Address + 4, "u16") ^ this.address.getAt(4, "u16")) |
                ((phy & Phy.Kind) ^ Phy.Own) |
                (r.getAt(CommonRegisters.Version, "u8") ^ CHIP_VERSION)
            if (wrong === 0 && !changed && (tries > 0 || link === this.linkUp)) {
                this.linkUp = link
                return
            }
        }
        const sizes = this.registers.getAt(Snapshot.Sizes, "u16")
        if (
            r.getAt(CommonRegisters.Version, "u8") !== CHIP_VERSION ||
            (changed && sizes !== Memory.BothSizes)
        )
            return this.lost("does not answer as it should")
        await this.reopen(MacCounter.Repair)
    }

    /** Resets and configures the chip. Returns "", or what is wrong and what to check. */
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
            version = bus.common.getAt(CommonRegisters.Version, "u8")
            // some chips read 0 for a while after a reset (ESP-IDF's driver waits for that, too)
            if (version === CHIP_VERSION || (((ds.millis() | 0) - start) | 0) > Time.Start) break
            await idle()
        }
        if (version !== CHIP_VERSION)
            return `W5500: ENODEV, version register reads ${version} instead of 4: check power, reset, CS, SCK, MOSI, MISO`
        if (!(await this.open())) {
            this.own = -1
            return "W5500: ENODEV, the chip answers but does not open its socket: check its power, then switch it off and on"
        }
        this.answers = true
        this.upSince = ds.millis() | 0
        await this.look(false)
        return ""
    }

    /** Reopens the socket, which drops the frames in both memories; `counter` is the reason. */
    private async reopen(counter: MacCounter): Promise<void> {
        this.count(counter)
        if (!(await this.open())) this.lost("does not reopen its socket")
    }

    /**
     * Closes socket 0, writes all settings, opens it for raw frames and reads its pointers; `common` must have just been read. Returns
     * false when the socket does not open.
     */
    private async open(): Promise<boolean> {
        const { bus, registers } = this
        this.forget()
        await writeRegister(bus, Head.SetCommand, Command.Close)
        if (!(await reaches(bus, Status.Closed))) return false
        // the other sockets come first, or the sum would exceed the memory for a moment
        for (let n = 15; n >= 0; n--) {
            const head = Head.SetSizes + (n >> 1) * Head.NextSocket + (n & 1) * Head.NextRegister
            await writeRegister(bus, head, n > 1 ? 0 : Memory.KiloBytes)
        }
        for (let i = 0; i < 6; i++)
            await writeRegister(bus, Head.SetAddress + i * Head.NextRegister, this.address.getAt(i, "u8"))
        await writeRegister(bus, Head.SetMode, 0)
        if ((bus.common.getAt(CommonRegisters.Phy, "u8") & Phy.Kind) !== Phy.Own) {
            await writeRegister(bus, Head.SetPhy, Phy.Reset)
            await writeRegister(bus, Head.SetPhy, Phy.Run)
        }
        let mode = SocketMode.Usual | (this.options.block || 0)
        if (this.multicast) mode &= ~SocketMode.BlockMulticast
        this.own = mode | SocketState.MacRaw
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

    /** Forgets all frames that were waiting or being sent. */
    private forget(): void {
        this.waiting = 0
        this.owed = 0
        this.header = Size.UnknownHeader
        this.sending = false
        this.doubt = 0
        this.untaken = 0
    }

    /** Marks the chip as lost. The next poll tries to bring it back; a chip that came up less than a second ago is left alone for one. */
    private lost(what: string): void {
        if (!this.answers) return
        const now = ds.millis() | 0
        this.answers = false
        this.own = -1
        this.linkUp = false
        this.forget()
        this.pauseAt = now
        this.lookAt = ((now - this.upSince) | 0) < Time.Retry ? (now + Time.Retry) | 0 : now
        this.count(MacCounter.ChipReset)
        console.warn(`W5500: ${what}; the driver resets the chip until it answers`)
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
