// ESP-Hosted on SPI, full duplex: an ESP32 with Espressif's firmware is this host's Wi-Fi. This file has the transport, which is
// the same for every program; wifi.ts joins a network.
//
// A transaction (chip select goes down and up) carries one frame, message or dummy in each direction. A transaction may begin
// only while the co-processor's handshake line is high, and is useful when the host has something to send or the data-ready line
// is high (host/drivers/transport/spi/spi_drv.c, check_and_execute_spi_transaction; docs/spi_full_duplex.md section 3.2).

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { Eth } from "../wire/ethernet"
import { byteSum, Capability, Flag, Header, Init, Interface, Transfer } from "./esp-hosted-frame"
import { type Mac, MacCounter } from "./mac"
import { power } from "./poll-wait"
import { idle, Polls, pause, type Spi } from "./spi"

const enum Size {
    /** The longest Ethernet frame without FCS, with a VLAN tag. */
    LongestFrame = 1518,
    /** The shortest transfer without chip select. */
    Spare = 8,
}

/** Milliseconds; where the clock may stand still, a wait also ends after this many looks at the chip. */
const enum Time {
    /**
     * Time for which the co-processor is held in reset, twice that of Espressif's own host (spi_drv.c, transport_gpio_reset: 10).
     */
    ResetPulse = 20,
    /** Time after a reset during which its lines mean nothing, 500 ms (the same). */
    Deaf = 500,
    /** The queue to the air may be full for as long as a frame is repeated on it. */
    Send = 150,
    SendLooks = 800,
    /** The longest time that a program which starts the driver waits. */
    Start = 15000,
}

const enum Nonsense {
    Damaged = 256,
}

/** How an ESP-Hosted co-processor is wired, and how its firmware was built. */
export interface EspHostedOptions {
    /** Chip select. */
    cs: ds.OutputPin
    /** MISO of the SPI bus. */
    miso: ds.InputPin
    /** MOSI of the SPI bus. */
    mosi: ds.OutputPin
    /** CLK of the SPI bus. */
    sck: ds.OutputPin
    /** High while the co-processor is ready for a transaction. */
    handshake: ds.InputPin
    /** High while the co-processor has something to send. */
    ready: ds.InputPin
    /** The co-processor's EN or RST, active low: its first message, which the driver needs, comes only after a reset. */
    reset: ds.OutputPin
    /** SPI clock in Hz, 10 MHz when left out: the most that the first ESP32 takes (spi_drv.c, check_if_max_freq_used); the others take 26 or 40 MHz. */
    hz?: number
    /** SPI mode, 3 when left out; the first ESP32's firmware is built for 2 (slave/main/Kconfig.projbuild, ESP_SPI_PRIV_MODE). */
    mode?: number
    /** Bytes of a transfer that only keeps the board awake: 200 on an RP2040 (see W5500Options.look). */
    look?: number
}

/**
 * The transport. All calls come from one fiber, one after the other. A class that extends it sends the messages of the start
 * (`turn`) and handles those that arrive (`booted`, `message`).
 *
 * @devsWhenUsed
 */
export class EspHosted implements Mac {
    // the runtime looks properties up in order: those of the hot path come first
    /** Bytes of the frame that waits in `in`; 0 = none. */
    private held = 0
    /** The time at which `turn` is called next. */
    protected dueAt = 0
    protected readonly handshake: ds.InputPin
    /** True when `out` holds something to send, not a dummy. */
    protected pending = false
    private readonly ready: ds.InputPin
    private readonly cs: ds.OutputPin
    protected readonly out = Buffer.alloc(Transfer.Size)
    private readonly in = Buffer.alloc(Transfer.Size)
    /** 1 while the co-processor asks the host to send no frames. */
    private throttled = 0
    linkUp = false
    readonly counters = Buffer.alloc(MacCounter.Size)
    /** True when the co-processor's firmware was built with checksums. */
    private checks = true
    /** Always true: the co-processor passes the frames of every group. */
    multicast = true
    readonly address: Buffer
    private readonly spare: Buffer
    /** True while pieces arrive of a message that is longer than any that the driver requests. */
    private skipping = false
    /** True when the co-processor has reported what it is since the last reset. */
    protected up = false
    /** The first byte of the last header that was not valid; -1 = none, Nonsense.Damaged for a wrong checksum. */
    private nonsense = -1
    /** True when `start` has ended: until then the problem is in the Error that it throws. */
    protected started = false
    /** The problem that keeps frames from moving: a code, a comma and a sentence; "" = none. */
    problem = ""

    /** Throws a RangeError for an address, clock or mode that is not valid. */
    constructor(
        private readonly pins: EspHostedOptions,
        address: Buffer
    ) {
        const { hz, mode } = pins
        if (address.length !== 6 || (address.getAt(0, "u8") & 1) !== 0)
            throw new RangeError("ESP-Hosted: the address must be 6 bytes, the first of them even")
        if (hz !== undefined && (hz < 1 || hz > 40000000))
            throw new RangeError("ESP-Hosted: hz must be 1 to 40000000")
        // slave/main/spi_slave_api.c: the firmware refuses to be built for mode 0
        if (mode !== undefined && (mode < 1 || mode > 3))
            throw new RangeError("ESP-Hosted: the mode must be 1, 2 or 3, as the firmware was built")
        this.address = address
        this.cs = pins.cs
        this.handshake = pins.handshake
        this.ready = pins.ready
        this.spare = Buffer.alloc(Math.max(Size.Spare, pins.look || 0))
    }

    /**
     * Resets the co-processor and waits until it is set up. Throws an Error that says what to check when it is not; then it is reset
     * again in `rest` and `receive` until it is set up, and the next call returns at once.
     */
    async start(): Promise<void> {
        if (this.started) return
        const { miso, mosi, sck, hz, mode, reset } = this.pins
        this.cs.setMode(ds.GPIOMode.OutputHigh)
        reset.setMode(ds.GPIOMode.OutputHigh)
        // slave/main/spi_slave_api.c: both lines are active high, and the co-processor pulls them down once it runs
        this.handshake.setMode(ds.GPIOMode.InputPullDown)
        this.ready.setMode(ds.GPIOMode.InputPullDown)
        ;(ds as Spi).spiConfigure(miso.gpio, mosi.gpio, sck.gpio, mode || 3, hz || 10000000)
        this.begin()
        const start = ds.millis() | 0
        for (let looks = Polls.PerMs * Time.Start; looks > 0; looks--) {
            await this.rest(1)
            this.held = 0
            if (this.isSetUp() || this.problem !== "") break
            if ((((ds.millis() | 0) - start) | 0) > Time.Start) break
        }
        this.started = true
        if (!this.isSetUp())
            throw new Error(
                `ESP-Hosted: ${this.problem || "ETIMEDOUT, the co-processor was not set up in time: look at its console"}`
            )
    }

    async receive(into: Buffer): Promise<number> {
        let length = this.held
        if (length === 0) {
            await this.poll()
            length = this.held
            if (length === 0) return 0
        }
        this.held = 0
        if (length > into.length) {
            this.count(MacCounter.TooLong)
            return 0
        }
        into.blitAt(0, this.in, Header.Size, length)
        const n = this.counters
        n.setAt(MacCounter.FramesIn, "i32", (n.getAt(MacCounter.FramesIn, "i32") + 1) | 0)
        return length
    }

    /** Puts a frame into the next transaction. `from` stays as it is. */
    async send(from: Buffer, length: number): Promise<boolean> {
        if (!this.linkUp || length < Eth.Size || length > Size.LongestFrame || length > from.length)
            return false
        if (this.pending || this.throttled !== 0) {
            if (!(await this.flush())) return false
        }
        const out = this.out
        out.setAt(Header.Interface, "i32", Interface.Station | (length << 16))
        // no checksum yet; the sequence number and what follows stay 0, as with Espressif's own host (spi_drv.c, get_next_tx_buffer)
        out.setAt(Header.Offset, "i32", Header.Size)
        out.blitAt(Header.Size, from, 0, length)
        if (this.checks) out.setAt(Header.Checksum, "u16", byteSum(out, Header.Size + length))
        this.pending = true
        const n = this.counters
        n.setAt(MacCounter.FramesOut, "i32", (n.getAt(MacCounter.FramesOut, "i32") + 1) | 0)
        return true
    }

    async rest(ms: number): Promise<void> {
        const until = (ds.millis() + ms) | 0
        let looks = Polls.PerMs * (ms + 1)
        while (this.held === 0 && !power.woken) {
            await this.poll()
            const now = ds.millis() | 0
            const left = (until - now) | 0
            if (this.held > 0 || left <= 0 || looks-- <= 0) break
            await this.transferNothing()
            // the next transaction is being armed
            const soon = this.pending || this.ready.value
            const most = soon ? 1 : (this.dueAt - now) | 0
            await power.idle(Math.max(Math.min(left, most), 1))
        }
        power.woken = false
    }

    /**
     * Carries out a transaction if both sides are ready for one and at least one side has something to send. No helper functions
     * here on purpose: a call costs as much as a transfer.
     */
    private async poll(): Promise<void> {
        try {
            if ((((ds.millis() | 0) - this.dueAt) | 0) >= 0) await this.turn()
            if (!this.handshake.value) return
            if (!this.pending) {
                if (!this.ready.value) {
                    if (this.throttled === 0) return
                }
            }
            const cs = this.cs
            const out = this.out
            // a waiting frame stays in `in`: received bytes then replace those that are sent
            const rx = this.held > 0 ? out : this.in
            // The firmware takes its handshake line down on this edge and arms the next transaction after the other one
            // (slave/main/spi_slave_api.c, gpio_disable_hs_isr_handler; its option CONFIG_ESP_SPI_DEASSERT_HS_ON_CS)
            cs.setMode(ds.GPIOMode.OutputLow)
            await (ds as Spi).spiXfer(out, rx)
            cs.setMode(ds.GPIOMode.OutputHigh)
            const head = rx.getAt(0, "i32")
            const length = head >>> 16
            if ((head & 0xffff) === Interface.Station) {
                // only the header of a frame is checked here: IP, TCP and UDP have their own checksums
                if (
                    length >= Eth.Size &&
                    length <= Transfer.Payload &&
                    rx.getAt(Header.Offset, "u16") === Header.Size
                ) {
                    this.throttled = rx.getAt(Header.Throttle, "u8") & 1
                    if (rx === out) this.count(MacCounter.Resync)
                    else this.held = length
                } else this.count(MacCounter.BadLength)
            } else if (head === Interface.CoprocessorDummy)
                this.throttled = rx.getAt(Header.Throttle, "u8") & 1
            else this.other(rx, head, length)
            out.setAt(Header.Interface, "i32", Interface.Dummy)
            this.pending = false
        } catch {
            // The runtime refused a transfer: "SPI busy", a bus in use by something else, whose turn it is then. The co-processor saw chip select
            // without a clock and may not get ready any more: then it does not answer, and is reset.
            this.cs.setMode(ds.GPIOMode.OutputHigh)
            await ds.sleep(1)
        }
    }

    /** Handles a packet that is neither a frame nor a dummy. */
    private other(rx: Buffer, head: number, length: number): void {
        const kind = head & 0xff
        const flags = (head >> 8) & 0xff
        if (
            (kind === Interface.Serial || kind === Interface.Private) &&
            length > 0 &&
            length <= Transfer.Payload &&
            rx.getAt(Header.Offset, "u16") === Header.Size
        ) {
            const sum = rx.getAt(Header.Checksum, "u16")
            rx.setAt(Header.Checksum, "u16", 0)
            const sound = byteSum(rx, Header.Size + length) === sum
            if (kind === Interface.Private) {
                this.initialize(rx, length, sound)
                return
            }
            if (sound || !this.checks) {
                this.throttled = rx.getAt(Header.Throttle, "u8") & 1
                // a message of several pieces is longer than any that is asked for (1,500 bytes, serial_write_data): all of them are skipped
                const more = (flags & Flag.MoreFragments) !== 0
                const skip = this.skipping || more
                this.skipping = more
                if (skip) this.count(MacCounter.TooLong)
                else if (this.up) this.message(rx, Header.Size, length)
                return
            }
            this.spoiled(Nonsense.Damaged)
        } else this.spoiled(kind)
    }

    /** Notes what was wrong with a transaction. */
    private spoiled(what: number): void {
        this.nonsense = what
        this.count(MacCounter.BadLength)
        if (what === Nonsense.Damaged) this.garbled()
    }

    /**
     * Handles the co-processor's first message, which reports what it is (slave/main/spi_slave_api.c, generate_startup_event).
     * Unknown entries are skipped.
     */
    private initialize(rx: Buffer, length: number, sound: boolean): void {
        const end = Header.Size + Math.min(length, Init.Entries + rx.getAt(Header.Size + 1, "u8"))
        let capabilities = -1
        let chip = -1
        let firmware = 0
        let at = Header.Size + Init.Entries
        while (at + 2 <= end) {
            const size = rx.getAt(at + 1, "u8")
            const value = at + 2
            if (value + size > end) break
            switch (rx.getAt(at, "u8")) {
                case Init.Capabilities:
                    if (size > 0) capabilities = rx.getAt(value, "u8")
                    break
                case Init.Chip:
                    if (size > 0) chip = rx.getAt(value, "u8")
                    break
                case Init.Firmware:
                    if (size > 3) firmware = rx.getAt(value, "i32") & 0xffffff
                    break
            }
            at = value + size
        }
        const checks = (capabilities & Capability.Checksum) !== 0
        if (rx.getAt(Header.Size, "u8") !== Init.Event || capabilities < 0 || (checks && !sound)) {
            this.spoiled(Nonsense.Damaged)
            return
        }
        const again = this.up
        this.forget()
        this.checks = checks
        this.up = true
        if (again) this.count(MacCounter.ChipReset)
        this.booted(chip, firmware, again)
    }

    /**
     * Sends what is pending, and waits while the co-processor asks for a pause. Returns false after the time limit, when it drops
     * what was pending.
     */
    private async flush(): Promise<boolean> {
        const start = ds.millis() | 0
        for (let looks = 0; looks < Time.SendLooks; looks++) {
            await this.poll()
            // If a frame arrived in the meantime, the buffer has no room for another: the handshake line holds back the next one,
            // too
            if (!this.pending) {
                if (this.throttled === 0 || this.held > 0) return this.linkUp
            }
            if ((((ds.millis() | 0) - start) | 0) > Time.Send) break
            await this.transferNothing()
            await idle()
        }
        this.drop()
        this.count(MacCounter.SendTimeout)
        return false
    }

    /** Keeps an RP2040 awake: see pause() of spi.ts. */
    private async transferNothing(): Promise<void> {
        try {
            await (ds as Spi).spiXfer(this.spare, this.spare)
        } catch {
            await ds.sleep(1)
        }
    }

    /** Replaces what was to be sent with a dummy. */
    private drop(): void {
        this.out.setAt(Header.Interface, "i32", Interface.Dummy)
        this.pending = false
    }

    /** Forgets everything in progress. */
    private forget(): void {
        this.drop()
        this.held = 0
        this.throttled = 0
        this.skipping = false
        this.linkUp = false
        this.up = false
    }

    /** Schedules what `out` holds from Header.Size on. */
    protected post(kind: Interface, length: number): void {
        const { out } = this
        out.setAt(Header.Interface, "i32", kind | (length << 16))
        out.setAt(Header.Offset, "i32", Header.Size)
        if (this.checks) out.setAt(Header.Checksum, "u16", byteSum(out, Header.Size + length))
        this.pending = true
    }

    /** Resets the co-processor and ignores its lines while they mean nothing. */
    protected async restart(): Promise<void> {
        const { reset } = this.pins
        this.forget()
        this.nonsense = -1
        reset.setMode(ds.GPIOMode.OutputLow)
        await pause(this.spare, Time.ResetPulse)
        reset.setMode(ds.GPIOMode.OutputHigh)
        await pause(this.spare, Time.Deaf)
    }

    /** Returns what may be wrong with a co-processor that has not reported what it is. */
    protected silence(): string {
        if (this.nonsense === Nonsense.Damaged)
            return "ENODEV, what the co-processor sends arrives damaged: shorten the wires, or lower hz"
        if (this.nonsense !== -1)
            return `ENODEV, the first byte that the co-processor sends is ${this.nonsense}: check SCK, MOSI, MISO, CS, the SPI mode and the clock`
        return this.handshake.value
            ? "ENODEV, the co-processor sends nothing: check its data-ready line, and that its firmware is ESP-Hosted's for SPI, full duplex"
            : "ENODEV, the co-processor's handshake line stays low: check power, reset, handshake, and that its firmware is ESP-Hosted's"
    }

    /** Marks the co-processor as lost: the next check resets it. */
    protected lost(): void {
        if (this.up) this.count(MacCounter.ChipReset)
        this.forget()
        this.begin()
    }

    protected count(counter: MacCounter): void {
        this.counters.setAt(counter, "i32", (this.counters.getAt(counter, "i32") + 1) | 0)
    }

    /** Returns true when the co-processor has all that it needs. */
    protected isSetUp(): boolean {
        return this.up
    }

    /** Begins with a reset. */
    protected begin(): void {}

    /** Called when `dueAt` is over: puts the next message into `out`, or waits for something else, and sets `dueAt` again. */
    protected async turn(): Promise<void> {}

    /** Called when a packet with a wrong checksum arrived. */
    protected garbled(): void {}

    /** Called when the co-processor has started, by itself if `again`. */
    protected booted(_chip: number, _firmware: number, _again: boolean): void {}

    /** Called when a message of the serial interface is at `at` of `b`. */
    protected message(_b: Buffer, _at: number, _length: number): void {}
}
