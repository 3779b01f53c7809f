// The only difference between a program on a board and on the simulator: its SPI bus, its pins, its wait for frames,
// its options and its commands go through one byte pipe to the host, the runtime's own socket.
// Each message is a header of 8 bytes, [operation u8, argument u8, size u16, value i32], in one write; operations
// with data write them next. The host reads, and answers in place, before a write returns.

import * as ds from "@devicescript/core"
import { sink } from "../../src/base/events"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/lines"
import { power } from "../../src/mac/power"

const enum Op {
    /** Argument: GPIO number, size: level. */
    PinWrite = 1,
    /** Argument: GPIO number. The host puts the level into size. */
    PinRead = 2,
    /** Size bytes to send follow, which become the ones received. */
    Spi = 3,
    /** Value: ms wanted. The host puts into value how many to sleep now. */
    Idle = 4,
    /** The host puts the length of a waiting command line into size, and ms until the next question into value. */
    Line = 5,
    /** Size bytes of text follow, unless 0. Argument 1: the command is done, with status value. */
    Reply = 6,
    /** Size bytes of event records follow. */
    Event = 7,
    /** The host puts the length of the boot options (JSON) into size, 0 for none. */
    Boot = 8,
    /** Argument: MISO. Size: MOSI. Value: SCK. The host ends a program whose bus does not lead to the chip. */
    Bus = 9,
    /** The host puts the length of the pins, GPIO numbers by name (JSON), into size, 0 for none. */
    Pins = 10,
}

const enum Header {
    Op = 0,
    Argument = 1,
    Size = 2,
    Value = 4,
    Length = 8,
}

/** The runtime's own functions that are used or replaced here. */
interface Native {
    _socketOpen(host: string, port: number): number
    _socketWrite(data: ds.Buffer | string): number
    spiConfigure(miso: number, mosi: number, sck: number, mode: number, hz: number): void
    spiXfer(tx: ds.Buffer, rx: ds.Buffer): Promise<void>
}
const native = ds as unknown as Native

// a backend of @devicescript/net may replace these two later: the pipe keeps the runtime's own
const write = native._socketWrite
const header = ds.Buffer.alloc(Header.Length)

/** Sends a header, in which the host answers. Returns the size from that answer. */
function tell(op: Op, argument: number, size: number, value: number): number {
    header.setAt(Header.Op, "u8", op)
    header.setAt(Header.Argument, "u8", argument)
    header.setAt(Header.Size, "u16", size)
    header.setAt(Header.Value, "i32", value)
    write(header)
    return header.getAt(Header.Size, "u16")
}

const MAX_TRANSFER = 4096
let busy = false

native.spiConfigure = (miso, mosi, sck) => {
    tell(Op.Bus, miso, mosi, sck)
}
/** As on the board: both buffers, one transfer at a time, and other fibers run meanwhile. */
native.spiXfer = async (tx, rx) => {
    if (busy) throw new RangeError("SPI busy")
    if (!tx || !rx || tx.length !== rx.length) {
        throw new TypeError("SPI: only a transfer with two buffers of the same size works on the board")
    }
    if (tx.length === 0 || tx.length > MAX_TRANSFER) throw new RangeError("SPI: 1 to 4096 bytes at a time")
    busy = true
    rx.blitAt(0, tx, 0, tx.length)
    tell(Op.Spi, 0, rx.length, 0)
    write(rx)
    await ds.sleep(0)
    busy = false
    readInputs()
}

/** A pin of the simulated board, with the checks of a real one. */
class HostPin {
    mode = ds.GPIOMode.Off
    /**
     * The level of an input, undefined on any other pin. The runtime has no getters for programs, so it is brought
     * up to date after every SPI transfer, after every wait for frames and now and then.
     */
    value: number | undefined = undefined

    constructor(readonly gpio: number) {}

    setMode(mode: ds.GPIOMode): void {
        this.mode = mode
        const base = mode & ds.GPIOMode.BaseModeMask
        if (base === ds.GPIOMode.Output) {
            tell(Op.PinWrite, this.gpio, mode === ds.GPIOMode.OutputHigh ? 1 : 0, 0)
            if (header.getAt(Header.Value, "i32") !== 0)
                throw new RangeError(`GPIO${this.gpio} has no output`)
        }
        if (base !== ds.GPIOMode.Input) this.value = undefined
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

/** Pins that are or were inputs. */
const inputs: HostPin[] = []

function readInputs(): void {
    for (const pin of inputs) {
        if ((pin.mode & ds.GPIOMode.BaseModeMask) !== ds.GPIOMode.Input) continue
        pin.value = tell(Op.PinRead, pin.gpio, 0, 0)
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
    const size = tell(op, 0, 0, 0)
    return size > 0 ? JSON.parse(readText(size)) : {}
}

/** The fiber that waits for frames. */
let waiting: ds.Fiber | undefined

power.idle = async (ms: number): Promise<void> => {
    if (power.woken) await ds.sleep(0)
    else {
        tell(Op.Idle, 0, 0, Math.min(ms, 0x7fffffff))
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
    tell(Op.Event, 0, record.length, 0)
    write(record)
}

function print(text: string): void {
    tell(Op.Reply, 0, text.byteLength, 0)
    if (text.byteLength > 0) write(text)
}

/** Runs one command line that waits at the host. */
async function runLine(size: number): Promise<void> {
    const line = readText(size)
    let status = 1
    try {
        status = await lines.run(line, print)
    } catch (e: unknown) {
        print(`${(e as Error).name}: ${(e as Error).message}`)
    }
    tell(Op.Reply, 1, 0, status)
}

async function runLines(): Promise<void> {
    while (true) {
        const size = tell(Op.Line, 0, 0, 0)
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
