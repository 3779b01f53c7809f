// The Wi-Fi module's part of the self test: its lines, its first packet over SPI, its chip and firmware.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { Header, Init, Interface, Transfer } from "../mac/esp-hosted-frame"
import type { Mac } from "../mac/mac"
import type { Spi } from "../mac/spi"
import type { Wifi } from "../mac/wifi"
import { macText } from "../net/address"
import type { ChipLines } from "./pins"
import { failed, noted, passed, spin } from "./report"

const enum Bus {
    /** The driver's defaults. */
    Mode = 3,
    Hz = 10000000,
}

/** Milliseconds. */
const enum Time {
    Pulse = 20,
    /** The firmware boots in 1.2 s (docs/spi_full_duplex.md, section 9). */
    Held = 2000,
    Boot = 3000,
}

export interface ModuleLines extends ChipLines {
    HANDSHAKE: ds.InputPin
    DATA_READY: ds.InputPin
}

/** Tests the module. Returns false when the module does not answer, so that no driver can work. */
export async function probe(lines: ModuleLines): Promise<boolean> {
    const { MISO, MOSI, SCK, CS, RESET, HANDSHAKE, DATA_READY } = lines
    CS.setMode(ds.GPIOMode.OutputHigh)
    HANDSHAKE.setMode(ds.GPIOMode.InputPullDown)
    DATA_READY.setMode(ds.GPIOMode.InputPullDown)
    RESET.setMode(ds.GPIOMode.OutputLow)
    await spin(Time.Pulse)
    // a module that the line does not hold in reset boots meanwhile
    if ((await rises(HANDSHAKE, Time.Held)) >= 0)
        failed("reset", `RESET (GPIO${RESET.gpio}) is low and the module runs: check that wire (EN)`)
    RESET.setMode(ds.GPIOMode.OutputHigh)
    const handshake = await rises(HANDSHAKE, Time.Boot)
    const ready = await rises(DATA_READY, Time.Boot)
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
    ;(ds as Spi).spiConfigure(MISO.gpio, MOSI.gpio, SCK.gpio, Bus.Mode, Bus.Hz)
    const packet = Buffer.alloc(Transfer.Size)
    packet.setAt(Header.Interface, "u8", Interface.Dummy)
    CS.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(packet, packet)
    CS.setMode(ds.GPIOMode.OutputHigh)
    return describe(packet)
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

/** Prints what the module's first packet reports. Returns false when the bytes are not a packet. */
function describe(packet: Buffer): boolean {
    const kind = packet.getAt(Header.Interface, "u8")
    const length = packet.getAt(Header.Length, "u16")
    if (
        (kind & 0x0f) !== Interface.Private ||
        length > Transfer.Payload ||
        packet.getAt(Header.Offset, "u16") !== Header.Size ||
        packet.getAt(Header.Size, "u8") !== Init.Event
    ) {
        const start = packet.slice(0, Header.Size).toString("hex")
        failed(
            "spi",
            `the first packet begins ${start}: check CS, SCK, MISO, the firmware's SPI mode (${Bus.Mode})`
        )
        return false
    }
    passed("spi", `the first packet has ${length} bytes`)
    const end = Header.Size + Math.min(length, Init.Entries + packet.getAt(Header.Size + 1, "u8"))
    for (let at = Header.Size + Init.Entries; at + 2 <= end; ) {
        const tag = packet.getAt(at, "u8")
        const size = packet.getAt(at + 1, "u8")
        const value = at + 2
        if (value + size > end) break
        if (tag === Init.Chip && size > 0) noted("chip", `ESP-IDF's chip number ${packet.getAt(value, "u8")}`)
        if (tag === Init.Firmware && size > 3) {
            const version = packet.getAt(value, "i32")
            noted("module", `ESP-Hosted ${(version >> 16) & 0xff}.${(version >> 8) & 0xff}.${version & 0xff}`)
        }
        at = value + size
    }
    return true
}

/** Returns what the driver knows about its link, for the report. */
export function linkDetails(mac: Mac): string {
    const { rssi, channel, bssid, problem, reason } = mac as Wifi
    if (!mac.linkUp) return `${problem} (reason ${reason})`
    return `, ${rssi} dBm, channel ${channel}, access point ${macText(bssid, 0)}`
}
