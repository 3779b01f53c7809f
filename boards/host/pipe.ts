// Connects a program to the simulator. This is the only difference from a program on a board: the SPI bus, the pins, the wait for
// frames, the options and the commands go through one byte pipe to the host (the simulator), over the runtime's own socket. A
// message is a header of 8 bytes, [operation u8, argument u8, size u16, value i32], in one write, and for some operations data in
// a second write. The host reads a write, and writes its answer into the same bytes, before the write returns.

import * as ds from "@devicescript/core"
import { sink } from "../../src/base/events"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { power } from "../../src/mac/poll-wait"

const enum Op {
    /** Sets a pin's mode. Argument: GPIO number, size: ds.GPIOMode. */
    PinMode = 1,
    /** Reads a pin. Argument: GPIO number. The host puts the level into size. */
    PinRead = 2,
    /** Transfers data on the SPI bus: size bytes to send follow, and the host replaces them with the received ones. */
    Spi = 3,
    /** Waits for frames. Value: ms wanted. The host writes the ms to sleep now into value. */
    Idle = 4,
    /** Asks for a command: the host puts the length of its line into size, and the ms until the next such message into value. */
    Line = 5,
    /** Prints a line of a command's output: size bytes of text follow, unless 0. Argument 1: the command ends with status value. */
    Reply = 6,
    /** Reports events: size bytes of event records follow. */
    Event = 7,
    /** Asks for the boot options: the host writes the length of their JSON into size. */
    Boot = 8,
    /** Configures the SPI bus. Argument: MISO, size: MOSI, value: SCK, and the SPI mode above its 8 bits. The host ends a program whose bus does not lead to the chip. */
    Bus = 9,
    /** Asks for the pins: the host writes the length of their JSON, GPIO numbers by name, into size. */
    Pins = 10,
}

const enum Header {
    Op = 0,
    Argument = 1,
    Size = 2,
    Value = 4,
    Length = 8,
}

/** The native functions of the runtime that are used or replaced here. */
interface Native {
    _socketOpen(host: string, port: number): number
    _socketWrite(data: ds.Buffer | string): number
    spiConfigure(miso: number, mosi: number, sck: number, mode: number, hz: number): void
    spiXfer(tx: ds.Buffer, rx: ds.Buffer): Promise<void>
}
const native = ds as unknown as Native

// the native function: a backend of @devicescript/net may replace it later
const write = native._socketWrite
const header = ds.Buffer.alloc(Header.Length)

/** Sends a header, into which the host writes its answer; returns the size in the answer. */
function send(op: Op, argument: number, size: number, value: number): number {
    header.setAt(Header.Op, "u8", op)
    header.setAt(Header.Argument, "u8", argument)
    header.setAt(Header.Size, "u16", size)
    header.setAt(Header.Value, "i32", value)
    write(header)
    return header.getAt(Header.Size, "u16")
}

const MAX_TRANSFER = 4096
let busy = false

native.spiConfigure = (miso, mosi, sck, mode) => {
    send(Op.Bus, miso, mosi, sck | (mode << 8))
}
/** Transfers data as on the board: from and to a buffer, one transfer at a time, while other fibers run. */
native.spiXfer = async (tx, rx) => {
    if (busy) throw new RangeError("SPI busy")
    if (!tx || !rx || tx.length !== rx.length) {
        throw new TypeError("SPI: the board can only transfer from and to two buffers of the same size")
    }
    if (tx.length === 0 || tx.length > MAX_TRANSFER) throw new RangeError("SPI: 1 to 4096 bytes at a time")
    busy = true
    rx.blitAt(0, tx, 0, tx.length)
    send(Op.Spi, 0, rx.length, 0)
    write(rx)
    await ds.sleep(0)
    busy = false
    readInputs()
}

/** A pin of the simulated board, with the checks of a real one. */
class HostPin {
    mode = ds.GPIOMode.Off
    /**
     * The level of an input; undefined on any other pin. Programs cannot define getters on this runtime, so the level is
     * updated after every SPI transfer, every wait for frames and every question for a command.
     */
    value: number | undefined = undefined

    constructor(readonly gpio: number) {}

    setMode(mode: ds.GPIOMode): void {
        this.mode = mode
        send(Op.PinMode, this.gpio, mode, 0)
        if ((mode & ds.GPIOMode.BaseModeMask) !== ds.GPIOMode.Input) this.value = undefined
        else if (inputs.indexOf(this) < 0) inputs.push(this)
        readInputs()
    }

    write(value: number | boolean): void {
        if ((this.mode & ds.GPIOMode.BaseModeMask) !== ds.GPIOMode.Output) {
            throw new RangeError("pin not in output mode")
        }
        this.setMode(value ? ds.GPIOMode.OutputHigh : ds.GPIOMode.OutputLow)
    }
}

/** The pins that are or were inputs. */
const inputs: HostPin[] = []

function readInputs(): void {
    for (const pin of inputs) {
        if ((pin.mode & ds.GPIOMode.BaseModeMask) !== ds.GPIOMode.Input) continue
        pin.value = send(Op.PinRead, pin.gpio, 0, 0)
    }
}

/** @devsNative GPIO */
declare var GPIO: Record<string, HostPin>

/** Reads the text that the host has announced in a header. */
function readText(size: number): string {
    const text = ds.Buffer.alloc(size)
    write(text)
    return text.toString("utf-8")
}

/** Asks the host for an object. */
function readObject(op: Op): Record<string, unknown> {
    return JSON.parse(readText(send(op, 0, 0, 0)))
}

/** The fiber that waits for frames. */
let waiting: ds.Fiber | undefined

power.idle = async (ms: number): Promise<void> => {
    if (power.woken) await ds.sleep(0)
    else {
        send(Op.Idle, 0, 0, Math.min(ms, 0x7fffffff))
        waiting = ds.Fiber.self()
        await ds.suspend(header.getAt(Header.Value, "i32"))
        waiting = undefined
    }
    readInputs()
}

power.hosted = true
power.wake = (): void => {
    power.woken = true
    if (waiting?.suspended) waiting.resume(undefined)
}

sink.tell = (record: ds.Buffer): void => {
    send(Op.Event, 0, record.length, 0)
    write(record)
}

function print(text: string): void {
    send(Op.Reply, 0, text.byteLength, 0)
    if (text.byteLength > 0) write(text)
}

/** Reads the command that waits at the host, runs it, and reports its status. */
async function runLine(size: number): Promise<void> {
    const line = readText(size)
    let status = 1
    try {
        status = await lines.run(line, print)
    } catch (e: unknown) {
        print(`${(e as Error).name}: ${(e as Error).message}`)
    }
    send(Op.Reply, 1, 0, status)
}

async function runLines(): Promise<void> {
    while (true) {
        const size = send(Op.Line, 0, 0, 0)
        if (size > 0) await runLine(size)
        else await ds.sleep(header.getAt(Header.Value, "i32"))
        readInputs()
    }
}

native._socketOpen("simulator", 1)
const pins = readObject(Op.Pins)
for (const name of Object.keys(pins)) GPIO[name] = new HostPin(pins[name] as number)
Object.assign(boot, readObject(Op.Boot))
runLines.start()
