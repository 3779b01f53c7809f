// What one frame costs a driver, without the transfers themselves: a bus that answers what a chip would, at once.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { boot } from "../../src/boot"
import { EspHosted } from "../../src/mac/esp-hosted"
import type { Mac } from "../../src/mac/mac"
import { W5500 } from "../../src/mac/w5500"
import { measure } from "./measure"

/** What the chip answers, one transfer after the other, from offset 0 on; after these nothing changes. */
const answers: Buffer[] = []
let next = 0

const native = ds as unknown as { spiXfer(tx: Buffer, rx: Buffer): Promise<void> }
native.spiXfer = async (_tx, rx) => {
    const bytes = answers[next++]
    if (bytes) rx.blitAt(0, bytes, 0, bytes.length)
}

class TestPin {
    mode = ds.GPIOMode.Off
    constructor(
        readonly gpio: number,
        readonly value: number
    ) {}
    setMode(_mode: ds.GPIOMode): void {}
    write(_value: number | boolean): void {}
}

function pin(value = 0): ds.IOPin {
    return new TestPin(0, value) as unknown as ds.IOPin
}

const address = Buffer.alloc(6)
const into = Buffer.alloc(1518)
const bus = () => ({ cs: pin(), miso: pin(), mosi: pin(), sck: pin() })

/** The W5500's registers of socket 0 (Snapshot) with `waiting` bytes from 62 on, after a frame of 60 bytes was taken, and `sent` bytes sent. */
function registers(waiting: number, sent: number): Buffer {
    const r = Buffer.alloc(47)
    r.setAt(3, "i32", 0x4200_00b4)
    r.setAt(33, "u16", 0x1010)
    r.setAt(38, "u8", sent & 255)
    r.setAt(37, "u8", sent >> 8)
    r.setAt(41, "u8", waiting >> 8)
    r.setAt(42, "u8", waiting & 255)
    r.setAt(44, "u8", 62)
    r.setAt(45, "u8", (62 + waiting) >> 8)
    r.setAt(46, "u8", (62 + waiting) & 255)
    return r
}

/** A W5500 in the middle of its work. */
function w5500(): Mac {
    const mac = new W5500({ ...bus(), reset: pin(), address })
    const own = { own: 0x4200_00b4, readAt: 62, lookAt: ds.millis() + 1000 }
    Object.assign(mac, { answers: true, linkUp: true, ...own })
    return mac
}

function espHosted(checks: boolean, ready: number): Mac {
    const mac = new EspHosted({ ...bus(), reset: pin(), handshake: pin(1), ready: pin(ready) }, address)
    Object.assign(mac, { linkUp: true, checks, dueAt: ds.millis() + 1000 })
    return mac
}

/** Measures what a frame of `length` bytes takes that arrives, with the look that finds it and what gives its memory back. */
async function receivedBy(chip: "w5500" | "esp-hosted", length: number): Promise<void> {
    const header = Buffer.alloc(16)
    if (chip === "w5500") {
        header.setAt(3, "u8", (length + 2) >> 8)
        header.setAt(4, "u8", (length + 2) & 255)
        answers.push(registers(length + 2, 0), header)
    } else {
        header.setAt(0, "i32", 1 | (length << 16))
        header.setAt(4, "u16", 12)
        answers.push(header)
    }
    const mac = chip === "w5500" ? w5500() : espHosted(false, 1)
    await measure(async () => {
        if ((await mac.receive(into)) !== length) throw new Error("no frame")
        // frees the memory of the frame in two transfers
        if (chip === "w5500") await mac.rest(0)
    })
}

/** Measures what a frame of `length` bytes takes that is sent, with the look that finds it gone, or the transaction that takes it away. */
async function sentBy(chip: "w5500" | "esp-hosted", length: number, checks: boolean): Promise<void> {
    const dummy = Buffer.alloc(12)
    dummy.setAt(0, "u8", 0xf8)
    const mac = chip === "w5500" ? w5500() : espHosted(checks, 0)
    if (chip === "w5500") {
        for (let i = 0; i < (length <= 125 ? 3 : 4); i++) answers.push(Buffer.alloc(0))
        answers.push(registers(0, length))
    } else answers.push(dummy)
    await measure(async () => {
        if (!(await mac.send(into, length))) throw new Error("not sent")
        if ((await mac.receive(into)) !== 0) throw new Error("a frame")
        if (next !== answers.length) throw new Error(`${next} transfers`)
    })
}

/** What the host wants to be measured. */
interface Measured {
    chip: "w5500" | "esp-hosted"
    received: boolean
    /** Bytes of the frame. */
    length: number
    /** ESP-Hosted's driver computes its checksum. */
    checks: boolean
}

const { chip, received, length, checks } = boot as unknown as Measured
if (received) await receivedBy(chip, length)
else await sentBy(chip, length, checks)
