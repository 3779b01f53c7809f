// Counts the operations that a driver takes for a frame on the VM, the chip's model at its SPI. While they are counted, SPI and chip
// select are functions of the runtime as on a board: a transfer is one write of its bytes to the host, which knows from the driver
// under Node where chip select goes down.

import { readFileSync } from "node:fs"
import { readBoard } from "../../sim/board/boards"
import { buildImage } from "../../sim/build/build"
import type { SpiChip } from "../../sim/chip/chip"
import { Op, PinMode, Pipe } from "../../sim/device/pipe"
import { describePanic, type Panic, PanicCode } from "../../sim/device/runtime"
import { VirtualClock } from "../../sim/time/clock"
import { spare, type Turns } from "../../sim/vm/operations"
import { VmRuntime } from "../../sim/vm/runtime"
import type { Mac } from "../../src/mac/mac"
import { frame, type MacBench } from "../mac/bench"

const PATIENCE = 60_000

/** A driver and its chip. */
export interface MacUnderTest {
    /** The program in test/programs. */
    program: string
    bench(): MacBench<SpiChip, Mac>
    chip(clock: VirtualClock, send: (frame: Uint8Array) => void): SpiChip
}

/** As test/programs/cost-mac.ts numbers them. */
const steps = { nothing: 0, idle: 1, in: 2, out: 3, confirm: 4, look: 5, secondLook: 6 } as const
type Step = keyof typeof steps
const LOOK = 110

export interface FrameCosts {
    /** Operations: of a look that finds nothing, of a frame that comes in, and of one that goes out, without such a look. */
    idle: number
    in: number
    out: number
    /** Operations of the look, every 100 ms, whether the chip is still as it was told: of two such looks, the mean. */
    look: number
    /** SPI bytes and transfers (of a frame with chip select, each) of the same. */
    inBytes: number
    outBytes: number
    inFrames: number
    outFrames: number
}

interface Traffic {
    /** For each transfer, whether it begins with chip select, and its length. */
    begins: boolean[]
    bytes: number
    frames: number
}

/** Returns what a frame of `length` bytes costs. */
export async function costsOf(mac: MacUnderTest, length: number): Promise<FrameCosts> {
    const { image } = await buildImage([mac.program], mac.program.replace(/\.ts$/, "").replaceAll("/", "-"))
    const bytes = readFileSync(image)
    const traffic = async (step: Step) => await observe(mac, step, length)
    const count = async (step: Step) => {
        const { begins } = await traffic(step)
        return await spare(turns => survives(mac, bytes, { ...turns, step: steps[step], length }, begins))
    }
    const nothing = await count("nothing")
    const idle = nothing - (await count("idle"))
    const confirm = nothing - (await count("confirm"))
    const looks = 2 * nothing - (await count("look")) - (await count("secondLook"))
    const of = {
        idle: await traffic("idle"),
        in: await traffic("in"),
        out: await traffic("out"),
        confirm: await traffic("confirm"),
    }
    return {
        idle,
        in: nothing - (await count("in")) - idle,
        out: nothing - (await count("out")) + confirm - idle,
        look: Math.round(looks / 2) - idle,
        inBytes: of.in.bytes - of.idle.bytes,
        outBytes: of.out.bytes + of.confirm.bytes - of.idle.bytes,
        inFrames: of.in.frames - of.idle.frames,
        outFrames: of.out.frames + of.confirm.frames - of.idle.frames,
    }
}

/** Takes the same step under Node. */
async function observe(mac: MacUnderTest, step: Step, length: number): Promise<Traffic> {
    const bench = mac.bench()
    await bench.mac.start()
    if (step === "confirm") await bench.send(frame(length))
    if (step === "in") bench.chip.deliver(frame(length))
    if (step === "secondLook") {
        await bench.clock.runUntil(bench.clock.now() + LOOK)
        await bench.receive()
    }
    await bench.clock.runUntil(bench.clock.now() + (steps[step] >= steps.look ? LOOK : 20))
    bench.countFrom()
    if (step === "out") await bench.send(frame(length))
    else if (step !== "nothing") await bench.receive()
    if (step === "in") await bench.receive()
    return { begins: bench.begins, bytes: bench.bytes, frames: bench.selections }
}

/** Runs the program once on a fresh VM. */
async function survives(
    mac: MacUnderTest,
    image: Uint8Array,
    options: Turns & { step: number; length: number },
    begins: readonly boolean[]
): Promise<boolean> {
    const clock = new VirtualClock()
    const chip = mac.chip(clock, () => {})
    const { pins, wiring } = readBoard()
    const texts = new Map<number, Uint8Array>([
        [Op.Boot, new TextEncoder().encode(JSON.stringify(options))],
        [Op.Pins, new TextEncoder().encode(JSON.stringify(pins))],
    ])
    const pipe = new Pipe({
        header: header => {
            const level = header.size === PinMode.OutputHigh ? 1 : 0
            if (header.op === Op.PinMode && header.argument === pins[wiring.CS!]) chip.select(level)
            if (header.op === Op.PinMode && header.argument === pins[wiring.RESET!]) chip.reset(level)
            header.size = texts.get(header.op)?.length ?? header.size
            if (header.op === Op.Line) header.value = PATIENCE
            if (header.op === Op.Idle) header.value = 1
        },
        data: (header, bytes) => {
            bytes.set(texts.get(header.op) ?? [])
            if (header.op === Op.Spi) chip.transfer(bytes)
        },
    })
    let next: number | undefined
    let survived = ""
    let panic: Panic | undefined
    const transfer = (bytes: Uint8Array) => {
        if (begins[next!++]) {
            chip.select(1)
            chip.select(0)
        }
        chip.transfer(bytes)
    }
    const runtime = new VmRuntime({
        clock,
        image,
        seed: 1,
        onPipe: bytes => (next === undefined ? pipe.write(bytes) : transfer(bytes)),
        onLog: (level, text) => {
            if (level !== "log") return
            if (text === "ready" && options.step === steps.in) chip.deliver(frame(options.length))
            if (text === "measured") next = 0
            if (text === "over") {
                if (next !== begins.length) throw new Error(`${next} transfers instead of ${begins.length}`)
                next = undefined
                chip.select(1)
            }
            if (text.startsWith("survived")) survived = text
        },
        onPanic: what => {
            panic = what
        },
    })
    chip.select(1)
    chip.reset(1)
    await runtime.start()
    await clock.runUntil(() => survived !== "" || panic !== undefined, PATIENCE)
    runtime.stop()
    if (panic !== undefined && panic.code !== PanicCode.EndlessLoop) throw new Error(describePanic(panic))
    const expected = options.step === steps.in ? options.length : options.step === steps.out ? 1 : 0
    if (panic === undefined && survived !== `survived ${expected}`)
        throw new Error(`the program says ${JSON.stringify(survived)}`)
    return panic === undefined
}
