// The Wi-Fi module's part of the self test: its lines, its first packet over SPI, its chip and firmware, its answer to a request.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { byteSum, Capability, Header, Init, Interface, Transfer } from "../mac/esp-hosted-frame"
import { beginRequest, endRequest, Rpc } from "../mac/esp-hosted-rpc"
import type { Mac } from "../mac/mac"
import type { Spi } from "../mac/spi"
import type { Wifi } from "../mac/wifi"
import { macText } from "../net/address"
import { type ChipLines, checkShorts, isStill, Level, levelOf, short } from "./pins"
import { failed, noted, passed, spin } from "./report"

const enum Bus {
    /** The driver's defaults. */
    Mode = 3,
    Hz = 10000000,
    /** A clock at which long wires work, too. */
    Slow = 1000000,
}

/** Milliseconds. */
const enum Time {
    Pulse = 20,
    /** The firmware boots in 1.2 s (docs/spi_full_duplex.md, section 9). */
    Held = 2000,
    Boot = 3000,
    /** From the rise of a line to that of the other. */
    Soon = 500,
    /** Time for which a response is waited for. */
    Response = 1000,
}

export interface ModuleLines extends ChipLines {
    HANDSHAKE: ds.IOPin
    DATA_READY: ds.IOPin
}

/** Tests the module. Returns false when the module does not answer, so that no driver can work. */
export async function probe(lines: ModuleLines): Promise<boolean> {
    const { MISO, CS, RESET, HANDSHAKE, DATA_READY } = lines
    if (!checkShorts(lines)) return false
    CS.setMode(ds.GPIOMode.OutputHigh)
    RESET.setMode(ds.GPIOMode.OutputLow)
    await spin(Time.Pulse)
    const miso = levelOf(MISO)
    const waiting = levelOf(HANDSHAKE)
    const data = levelOf(DATA_READY)
    HANDSHAKE.setMode(ds.GPIOMode.InputPullDown)
    DATA_READY.setMode(ds.GPIOMode.InputPullDown)
    if (await runs(lines, waiting))
        failed("reset", `RESET (GPIO${RESET.gpio}) is low and the module runs: check that wire (EN)`)
    else {
        // a module in reset drives nothing; MISO may have a resistor to the supply
        const held = short("MISO", MISO, miso, false)
        const handshake = short("HANDSHAKE", HANDSHAKE, waiting, true)
        const ready = short("DATA_READY", DATA_READY, data, true)
        if (held || handshake || ready) return false
    }
    RESET.setMode(ds.GPIOMode.OutputHigh)
    const handshake = await rises(HANDSHAKE, Time.Boot)
    const ready = await rises(DATA_READY, handshake < 0 ? Time.Boot : Time.Soon)
    if (handshake < 0 && ready < 0) {
        failed(
            "module",
            "neither line rises after the reset: check power, RESET (EN), and the module's firmware"
        )
        return false
    }
    line("handshake", "HANDSHAKE", HANDSHAKE.gpio, handshake)
    line("data ready", "DATA_READY", DATA_READY.gpio, ready)
    if (handshake < 0 || ready < 0) return false
    const packet = await exchange(lines, Bus.Mode, Bus.Hz)
    if (!isInit(packet)) {
        failed("spi", await blame(lines, packet, miso))
        return false
    }
    describe(packet)
    return await testRequest(lines, packet)
}

/** Carries out one transaction, with a dummy from this side. Returns the module's packet. */
async function exchange(lines: ModuleLines, mode: number, hz: number, out?: Buffer): Promise<Buffer> {
    const { MISO, MOSI, SCK, CS } = lines
    ;(ds as Spi).spiConfigure(MISO.gpio, MOSI.gpio, SCK.gpio, mode, hz)
    const packet = out || Buffer.alloc(Transfer.Size)
    if (!out) packet.setAt(Header.Interface, "u8", Interface.Dummy)
    CS.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(packet, packet)
    CS.setMode(ds.GPIOMode.OutputHigh)
    return packet
}

/** Resets the module and waits until it has something to send. */
async function again({ RESET, HANDSHAKE }: ModuleLines): Promise<void> {
    RESET.setMode(ds.GPIOMode.OutputLow)
    await spin(Time.Pulse)
    RESET.setMode(ds.GPIOMode.OutputHigh)
    await rises(HANDSHAKE, Time.Boot)
    await spin(Time.Pulse)
}

/**
 * Returns true when the module runs although its reset line is low: it boots, or its handshake line, at `level` so far, falls with chip select
 * (slave/main/spi_slave_api.c, gpio_disable_hs_isr_handler).
 */
async function runs({ CS, HANDSHAKE }: ModuleLines, level: Level): Promise<boolean> {
    if (level !== Level.High) return (await rises(HANDSHAKE, Time.Held)) >= 0
    CS.setMode(ds.GPIOMode.OutputLow)
    await spin(1)
    const fell = !HANDSHAKE.value
    CS.setMode(ds.GPIOMode.OutputHigh)
    return fell
}

/**
 * Returns what to check when the module's first packet is `packet`, which makes no sense; `miso` is that line's level while the module is
 * in reset.
 */
async function blame(lines: ModuleLines, packet: Buffer, miso: Level): Promise<string> {
    const { MISO, CS, HANDSHAKE } = lines
    const start = packet.slice(0, Header.Size).toString("hex")
    const found = `the first packet begins ${start}: check`
    const first = packet.getAt(0, "u8")
    const still = isStill(packet, Header.Size)
    await again(lines)
    CS.setMode(ds.GPIOMode.OutputLow)
    await spin(1)
    const selected = !HANDSHAKE.value
    const driven = levelOf(MISO)
    CS.setMode(ds.GPIOMode.OutputHigh)
    if (!selected) return `${found} CS, as HANDSHAKE does not fall with it`
    if (first === 0xff && miso === Level.High)
        return `${found} MISO for a short to the supply, then SCK, as MISO is high in reset, too`
    if (still && driven === Level.Free) return `${found} MISO, which nothing drives while CS is low`
    for (let mode = Bus.Mode; mode > 0; mode--) {
        await again(lines)
        if (isInit(await exchange(lines, mode, Bus.Slow))) {
            if (mode === Bus.Mode)
                return `${found} the length of the wires: 1 MHz works, so set hz in the board's file`
            return `${found} the SPI mode: the module's firmware has mode ${mode}, so set mode: ${mode} in the board's file`
        }
    }
    return still
        ? `${found} SCK, as CS and MISO work and no bit of MISO changes`
        : `${found} SCK and MISO, and that the firmware is ESP-Hosted's for SPI, full duplex`
}

/** Waits until a line is high. Returns how many milliseconds that took, -1 when the line stays low for `limit`. */
async function rises(pin: ds.InputPin, limit: number): Promise<number> {
    const start = ds.millis()
    while (!pin.value) {
        if (ds.millis() - start > limit) return -1
        await spin(1)
    }
    return ds.millis() - start
}

function line(subject: string, name: string, gpio: number, ms: number): void {
    if (ms < 0) failed(subject, `${name} (GPIO${gpio}) stays low after the reset: check that wire`)
    else passed(subject, `${name} (GPIO${gpio}) rises ${ms} ms after the reset`)
}

/** Returns true for a module's first packet. */
function isInit(packet: Buffer): boolean {
    return (
        (packet.getAt(Header.Interface, "u8") & 0x0f) === Interface.Private &&
        packet.getAt(Header.Length, "u16") <= Transfer.Payload &&
        packet.getAt(Header.Offset, "u16") === Header.Size &&
        packet.getAt(Header.Size, "u8") === Init.Event
    )
}

/** Prints what the module's first packet reports. */
function describe(packet: Buffer): void {
    const length = packet.getAt(Header.Length, "u16")
    passed("spi", `the first packet has ${length} bytes`)
    for (let at = Header.Size + Init.Entries; at + 2 <= endOf(packet); ) {
        const tag = packet.getAt(at, "u8")
        const size = packet.getAt(at + 1, "u8")
        const value = at + 2
        if (value + size > endOf(packet)) break
        if (tag === Init.Chip && size > 0) noted("chip", `ESP-IDF's chip number ${packet.getAt(value, "u8")}`)
        if (tag === Init.Firmware && size > 3) {
            const version = packet.getAt(value, "i32")
            noted("module", `ESP-Hosted ${(version >> 16) & 0xff}.${(version >> 8) & 0xff}.${version & 0xff}`)
        }
        at = value + size
    }
}

/** Returns the offset after the last entry of the first packet. */
function endOf(packet: Buffer): number {
    return (
        Header.Size +
        Math.min(packet.getAt(Header.Length, "u16"), Init.Entries + packet.getAt(Header.Size + 1, "u8"))
    )
}

/** Returns true when the module's firmware was built with checksums. */
function hasChecksums(packet: Buffer): boolean {
    for (let at = Header.Size + Init.Entries; at + 2 < endOf(packet); at += 2 + packet.getAt(at + 1, "u8"))
        if (packet.getAt(at, "u8") === Init.Capabilities)
            return (packet.getAt(at + 2, "u8") & Capability.Checksum) !== 0
    return true
}

/** Sends the module a request, which it refuses before its set-up; any response shows that it hears. */
async function testRequest(lines: ModuleLines, init: Buffer): Promise<boolean> {
    const { HANDSHAKE, DATA_READY, MOSI } = lines
    const request = Buffer.alloc(Transfer.Size)
    const payload = beginRequest(request, Rpc.StaGetRssi, 1)
    const length = endRequest(request, payload, payload)
    request.setAt(Header.Interface, "i32", Interface.Serial | (length << 16))
    request.setAt(Header.Offset, "i32", Header.Size)
    if (hasChecksums(init)) request.setAt(Header.Checksum, "u16", byteSum(request, Header.Size + length))
    const start = ds.millis()
    let out: Buffer | undefined = request
    while (ds.millis() - start < Time.Response) {
        if (HANDSHAKE.value && (out || DATA_READY.value)) {
            const packet = await exchange(lines, Bus.Mode, Bus.Hz, out)
            out = undefined
            // "RPCRsp" is the endpoint of responses; events have another
            if (packet.slice(Header.Size + 3, Header.Size + 9).toString("utf-8") === "RPCRsp") {
                passed("request", `the module answers ${ds.millis() - start} ms after a request`)
                return true
            }
        }
        await spin(1)
    }
    failed("request", `the module sends but does not answer: check MOSI (GPIO${MOSI.gpio})`)
    return false
}

/** Returns what the driver knows about its link, for the report. */
export function linkDetails(mac: Mac): string {
    const { rssi, channel, bssid, problem, reason } = mac as Wifi
    if (!mac.linkUp) return `${problem} (reason ${reason})`
    return `, ${rssi} dBm, channel ${channel}, access point ${macText(bssid, 0)}`
}
