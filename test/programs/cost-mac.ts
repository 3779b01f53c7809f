// Lets the host count the operations that a driver takes for a frame: see test/costs/mac.ts.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/w5500_evb_pico"
import { boot } from "../../src/boot"
import type { Mac } from "../../src/mac/mac"

export const enum Step {
    Nothing = 0,
    /** receive, when nothing waits. */
    Idle = 1,
    /** receive, which brings a frame, and receive, which brings none. */
    In = 2,
    Out = 3,
    /** receive, when a send has ended since the last. */
    Confirm = 4,
    /** receive, when the driver looks whether the chip is still as it was told: the first such look, and the second. */
    Look = 5,
    SecondLook = 6,
}

/** Milliseconds between two looks, and some. */
const LOOK = 110

interface Options {
    step: Step
    /** Bytes of the frame that is sent. */
    length: number
    nines: number
    sevens: number
}

/** A driver's chip select: the pin, and while operations are counted a function of the runtime, as the board's pin has. */
export const select = {
    gpio: 17,
    setMode: (mode: ds.GPIOMode): unknown => pins.W5500_CS.setMode(mode),
}

/** The runtime's own functions that stand for the board's. */
interface Native {
    _socketWrite(bytes: Buffer): number
    spiXfer: unknown
}

/** Starts the driver and takes one step, whose SPI transfers the host carries out, and after it a number of operations. */
export async function measureMac(mac: Mac): Promise<void> {
    const { step, length, nines, sevens } = boot as unknown as Options
    const native = ds as unknown as Native
    const frame = Buffer.alloc(1514)
    await mac.start()
    if (step === Step.Confirm) await mac.send(frame, length)
    if (step === Step.SecondLook) {
        await ds.sleep(LOOK)
        await mac.receive(frame)
    }
    console.log("ready")
    await ds.sleep(step >= Step.Look ? LOOK : 20)
    const { spiXfer } = native
    const { setMode } = select
    native.spiXfer = native._socketWrite
    select.setMode = Math.abs
    let left = nines
    let rest = sevens
    let result = 0
    await ds.sleep(1)
    console.log("measured")
    if (step === Step.Out) result = (await mac.send(frame, length)) ? 1 : 0
    else if (step !== Step.Nothing) result = await mac.receive(frame)
    if (step === Step.In) await mac.receive(frame)
    while (left > 0) left--
    while (rest) rest--
    console.log("over")
    native.spiXfer = spiXfer
    select.setMode = setMode
    await ds.sleep(1)
    console.log(`survived ${result}`)
}
