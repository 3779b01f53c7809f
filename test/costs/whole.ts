// Measures what a frame costs a whole device on the VM: driver, stack, and the fibers of an echo server, from the image that would
// be flashed. A path begins with the look at the chip that finds the frame. It ends with the answer's SEND command or, where no answer
// follows, with the next look that finds nothing. The VM counts (sim/vm/counting.ts); what the simulator's pipe does in the place of a
// board's own SPI, pins and sleep is left out.

import { readFileSync } from "node:fs"
import { behindPipe, buildImage } from "../../sim/build/build"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device, nameOf } from "../../sim/device/device"
import { type DebugFile, fileOf } from "../../sim/optimizer/debug"
import { readImage } from "../../sim/optimizer/image"
import { PlaceMap } from "../../sim/optimizer/places"
import { VirtualClock } from "../../sim/time/clock"
import type { Counts } from "../../sim/vm/counting"

const PROGRAM = "test/programs/whole-device.ts"
const PIPE = "boards/host/"
const CONFIG = { receiveBuffer: 4096, sendBuffer: 4096, connections: 4, events: 0 }
/** The start of the SPI frame that reads socket 0's registers, and the offset of Sn_RX_RSR in it (data sheet, chapter 4.2). */
const READ_SOCKET = [0x00, 0x00, 0x08]
const RECEIVED_SIZE = 41
/** The start of the SPI frame that reads the common registers, which the driver does every 100 ms. */
const READ_COMMON = [0x00, 0x00, 0x00]
/** Bytes of a function's frame on the VM: of itself, of a slot, and of a try block. */
const Frame = { Header: 24, Slot: 8, Try: 2 } as const
/** Longer than a device without work sleeps between two looks, ms. */
const PATIENCE = 300
const WARM_UP = 500
const TURNS = 12

/** What a path took. */
export interface Cost {
    operations: number
    /** Calls of functions of the program, each of which takes a block of the heap for its time. */
    calls: number
    /** Blocks of the heap that were allocated, those of the calls included, and their bytes. */
    allocations: number
    allocated: number
    /** SPI frames, and bytes in them. */
    spiFrames: number
    spiBytes: number
}

interface Mark {
    counts: Counts
    spiFrames: number
    spiBytes: number
}

/** Operations by line of the sources, such as "src/net/receive.ts:40". */
export type Profile = Map<string, number>

export class WholeDevice {
    readonly clock = new VirtualClock()
    /** Where the last path's operations went. */
    profile: Profile = new Map()
    private readonly chip: W5500Chip
    private device!: Device
    private functions!: { start: number; size: number; frame: number; own: boolean }[]
    private places!: (offset: number) => string
    private spiFrames = 0
    private spiBytes = 0
    /** Looks at the chip, each with what was waiting. */
    private onLook: (waiting: number) => void = () => {}
    private onCommon: () => void = () => {}
    private onSend: (frame: Uint8Array) => void = () => {}

    constructor(private readonly program = PROGRAM) {
        const { clock } = this
        this.chip = new W5500Chip({ clock, send: frame => this.onSend(frame) })
        this.watch()
    }

    /** Calls `onLook` at the end of each SPI frame that reads socket 0's registers, `onCommon` when one reads the common ones. */
    private watch(): void {
        const { chip } = this
        const transfer = chip.transfer.bind(chip)
        const select = chip.select.bind(chip)
        let waiting = -1
        let begun = false
        chip.transfer = bytes => {
            const reads = (head: number[]) => begun && head.every((byte, i) => bytes[i] === byte)
            const look = reads(READ_SOCKET)
            if (reads(READ_COMMON)) this.onCommon()
            transfer(bytes)
            this.spiBytes += bytes.length
            if (look) waiting = (bytes[RECEIVED_SIZE]! << 8) | bytes[RECEIVED_SIZE + 1]!
            begun = false
        }
        chip.select = level => {
            select(level)
            if (level === 0) {
                begun = true
                this.spiFrames++
            } else if (waiting >= 0) {
                const found = waiting
                waiting = -1
                this.onLook(found)
            }
        }
    }

    async start(): Promise<this> {
        const { image, debug } = await buildImage(behindPipe(this.program), nameOf(this.program))
        const info = JSON.parse(readFileSync(debug, "utf8")) as DebugFile
        const map = new PlaceMap(info)
        const position = (offset: number) => map.at(offset)?.position ?? 0
        this.functions = readImage(readFileSync(image)).functions.map(({ start, code, slots, tries }) => ({
            start,
            size: code.length,
            frame: Frame.Header + slots * Frame.Slot + tries * Frame.Try,
            own: !fileOf(info, position(start)).startsWith(PIPE),
        }))
        this.places = offset => lineOf(info, position(offset))
        const boot = { ip: "10.0.0.1/24", gateway: "", macAddress: "02:00:00:00:00:01", config: CONFIG }
        const { clock, chip, program } = this
        const onPanic = ({ message }: { message: string }) => {
            throw new Error(message)
        }
        this.device = new Device({
            clock,
            chip,
            program,
            boot,
            runtime: "vm",
            seed: 1,
            counting: true,
            onPanic,
        })
        await this.device.start()
        await clock.runUntil(WARM_UP)
        return this
    }

    stop(): void {
        this.device.stop()
    }

    private mark(): Mark {
        return { counts: this.device.counts(), spiFrames: this.spiFrames, spiBytes: this.spiBytes }
    }

    /** Delivers a frame that is answered; returns its cost and the answer. */
    async exchange(frame: Uint8Array): Promise<{ cost: Cost; answer: Uint8Array }> {
        let answer: Uint8Array | undefined
        const cost = await this.between(frame, end => {
            this.onSend = sent => {
                answer ??= sent
                end()
            }
        })
        if (answer === undefined) throw new Error("the device did not answer")
        await this.quiet()
        return { cost, answer }
    }

    /** Delivers a frame that is not answered. */
    async swallow(frame: Uint8Array): Promise<Cost> {
        this.onSend = () => {
            throw new Error("the device answers")
        }
        const cost = await this.between(frame, end => {
            this.onLook = end
        })
        await this.quiet()
        return cost
    }

    /** Delivers a frame whose cost is not wanted. */
    async deliver(frame: Uint8Array): Promise<void> {
        this.chip.deliver(frame)
        // a device that sleeps finds it at its next look
        await this.rest(PATIENCE)
    }

    /** Lets the device alone for a while. */
    async rest(ms: number): Promise<void> {
        await this.clock.runUntil(this.clock.now() + ms)
    }

    /** Returns what a turn of the loop costs that finds nothing: the least of a few, as some look at the link, too. */
    async idle(): Promise<Cost> {
        const { clock } = this
        const marks: Mark[] = []
        this.onLook = () => marks.push(this.mark())
        // a device sleeps until the next event
        const from = clock.now()
        for (let ms = 1; ms < PATIENCE; ms++) clock.at(from + ms, () => {})
        await clock.runUntil(() => marks.length > TURNS, from + PATIENCE)
        await this.quiet()
        const turns = marks.slice(1).map((mark, i) => this.difference(marks[i]!, mark))
        return turns.reduce((a, b) => (b.operations < a.operations ? b : a))
    }

    /** Lets the device come to rest. */
    private async quiet(): Promise<void> {
        this.onLook = () => {}
        this.onSend = () => {}
        await this.clock.runUntil(this.clock.now() + 20)
    }

    private async between(frame: Uint8Array, until: (end: () => void) => void): Promise<Cost> {
        let from: Mark | undefined
        let to: Mark | undefined
        const end = () => {
            to ??= this.mark()
        }
        const { clock } = this
        this.onLook = waiting => {
            if (waiting === 0 || from !== undefined) return
            from = this.mark()
            until(end)
        }
        // right after the driver has looked at the common registers: the path has no such look then
        this.onCommon = () => {
            this.onCommon = () => {}
            clock.at(clock.now() + 1, () => this.chip.deliver(frame))
        }
        await clock.runUntil(() => to !== undefined, clock.now() + PATIENCE)
        if (from === undefined || to === undefined) throw new Error("the path has no end")
        return this.difference(from, to)
    }

    private difference(from: Mark, to: Mark): Cost {
        const cost: Cost = {
            operations: 0,
            calls: 0,
            allocations: 0,
            allocated: 0,
            spiFrames: to.spiFrames - from.spiFrames,
            spiBytes: to.spiBytes - from.spiBytes,
        }
        this.profile = new Map()
        const { counts: a } = from
        const { counts: b } = to
        for (const { start, size, frame, own } of this.functions) {
            const calls = b.entries[start]! - a.entries[start]!
            if (own) cost.calls += calls
            else {
                // a board's own function takes no frame
                cost.allocations -= calls
                cost.allocated -= calls * frame
            }
            for (let at = start; at < start + size; at++) {
                const operations = b.operations[at]! - a.operations[at]!
                if (operations === 0) continue
                cost.allocations += b.blocks[at]! - a.blocks[at]!
                cost.allocated += b.bytes[at]! - a.bytes[at]!
                if (!own) continue
                cost.operations += operations
                const place = this.places(at)
                this.profile.set(place, (this.profile.get(place) ?? 0) + operations)
            }
        }
        return cost
    }
}

function lineOf(debug: DebugFile, position: number): string {
    let offset = position
    for (const { path, length, text } of debug.sources) {
        if (offset < length) return `${path}:${text.slice(0, offset).split("\n").length}`
        offset -= length
    }
    return "?"
}
