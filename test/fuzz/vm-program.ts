// Drives the program test/programs/fuzz-frames.ts on the VM: commands go in, and all that the stack shows comes out.

import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { buildImage } from "../../sim/build/build"
import { type Header, Op, Pipe } from "../../sim/device/pipe"
import { describePanic, type Panic } from "../../sim/device/runtime"
import { VirtualClock } from "../../sim/time/clock"
import type { DebugInfo } from "../../sim/vm/positions"
import { VmRuntime } from "../../sim/vm/runtime"
import { Place, type Step } from "./stack-under-test"

const PROGRAM = "test/programs/fuzz-frames.ts"
/** The VM's limit between two awaits. */
export const LIMIT = 131_072
/**
 * What may stand between two awaits of a driver's loop at most: a frame of any size is taken with full default tables
 * and events kept, and its first answer made. Some 30 ms on an RP2040. test/costs/dearest.test.ts has what costs most.
 */
export const BOUND = 13_000
/** Operations in a turn of the burning loop. */
export const TURN = 9
const MESSAGE = 1600
const DATA = 24

/** What goes to the program: a frame, a turn of transmit, or a call. */
export interface Command {
    kind: number
    code: number
    more: boolean
    now: number
    a: number
    b: number
    c: number
    bytes: Uint8Array
    /** Operations that this piece of work may take; more end the program. The VM's own limit unless told. */
    bound?: number
}

/** What the program did with it. */
export interface Outcome {
    result: number
    /** The frame that it made, if it did. */
    frame: Uint8Array | undefined
    /** ms until the next is due. */
    deadline: number
    /** The buffer that was read into, if that was the call. */
    data: Uint8Array | undefined
}

export interface VmOptions {
    config: Record<string, number>
    secret: Uint8Array
    /** Another program than fuzz-frames.ts, which takes the same commands. */
    program?: string
}

/** Yields commands, gets their outcomes, and ends. */
export type Script = Generator<Command, void, Outcome>

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** Runs the script to its end on the VM. Throws what it throws, and when the program ends before it does. */
export async function runOnVm(options: VmOptions, script: Script): Promise<void> {
    const clock = new VirtualClock()
    const { ip, netmask, gateway, mac } = Place
    const boot = {
        ip,
        netmask,
        gateway,
        mac: hex(mac),
        config: options.config,
        secret: hex(options.secret),
    }
    const bootBytes = new TextEncoder().encode(JSON.stringify(boot))
    let done = false
    let panic: Panic | undefined
    let started = false
    const outcome: Outcome = { result: 0, frame: undefined, deadline: 0, data: undefined }
    const told: Uint8Array[] = []

    const exchange = (bytes: Uint8Array) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, MESSAGE)
        let next: IteratorResult<Command, void>
        if (started) {
            outcome.result = view.getInt32(0, true)
            const length = view.getInt32(4, true)
            outcome.deadline = view.getInt32(8, true)
            outcome.frame = length > 0 ? told.shift()?.subarray(0, length) : undefined
            outcome.data = told.shift()
            told.length = 0
            next = script.next(outcome)
        } else {
            started = true
            next = script.next()
        }
        if (next.done === true) {
            done = true
            return
        }
        const { kind, code, more, now, a, b, c, bytes: data, bound = LIMIT } = next.value
        const size = Math.min(data.length, MESSAGE - DATA)
        view.setUint8(0, kind)
        view.setUint8(1, code)
        view.setUint8(2, more ? 1 : 0)
        view.setInt32(4, now, true)
        view.setInt32(8, a, true)
        view.setInt32(12, b, true)
        view.setInt32(16, c, true)
        view.setUint16(20, size, true)
        view.setUint16(22, Math.floor((LIMIT - bound) / TURN), true)
        bytes.set(data.subarray(0, size), DATA)
    }
    const pipe = new Pipe({
        header: (header: Header) => {
            if (header.op === Op.Boot) header.size = bootBytes.length
            if (header.op === Op.Line) header.value = 0x7fff_ffff
        },
        data: (header: Header, bytes: Uint8Array) => {
            if (header.op === Op.Boot) bytes.set(bootBytes)
            else if (header.op === Op.Event) told.push(bytes.slice())
            else if (header.op === Op.Spi && !done) exchange(bytes)
        },
    })
    const runtime = new VmRuntime({
        ...(await built(options.program ?? PROGRAM)),
        clock,
        seed: 1,
        onPipe: bytes => pipe.write(bytes),
        onLog: () => {},
        onPanic: what => {
            panic = what
        },
    })
    await runtime.start()
    await clock.runUntil(() => done || panic !== undefined)
    runtime.stop()
    if (panic !== undefined) throw new Error(describePanic(panic))
}

/** The programs as the compiler makes them, looked at once. */
const images = new Map<string, ReturnType<typeof build>>()

function built(program: string): ReturnType<typeof build> {
    const image = images.get(program) ?? build(program)
    images.set(program, image)
    return image
}

async function build(program: string): Promise<{ image: Uint8Array; debugInfo: DebugInfo }> {
    const { image, debug } = await buildImage([program], basename(program, ".ts"))
    return { image: readFileSync(image), debugInfo: JSON.parse(readFileSync(debug, "utf8")) }
}

/** A command of a step at its time. */
export function commandOf(step: Step, now: number): Command {
    const { kind, code, a, b, c, bytes } = step
    const frame = kind === 0
    return { kind, code, more: frame && a !== 0, now, a: frame ? code : a, b, c, bytes }
}

/** Has the stack make its next frame. */
export function turn(now: number): Command {
    return { kind: 1, code: 0, more: false, now, a: 0, b: 0, c: 0, bytes: new Uint8Array(0) }
}
