// Goodput between the device and the Linux kernel by loss: an echo through a TAP in a namespace, with frames lost at random in both
// directions.

import { Cli } from "../cli/cli"
import { Kernel } from "../linux/support/kernel"
import { missing, Namespace } from "../linux/support/namespace"
import type { Progress } from "./progress"

export interface Goodput {
    rtoMin: number
    /** Part of the frames that is lost in each direction. */
    loss: number
    /** Kilobytes that came back in a second. */
    rate: number
}

export interface WireResult {
    goodputs: Goodput[]
    /** Why nothing was measured. */
    skipped: string | undefined
}

const RING = 4096
/** One way, ms. */
const DELAY = 20
const LOSSES = [0, 0.01, 0.05, 0.1] as const
const TIMEOUTS = [1000, 200] as const
const SEEDS = [1, 2, 3] as const
/** Fewer where each loss costs a timeout. */
const LENGTH: Record<number, number> = { 0: 150_000, 0.01: 150_000, 0.05: 60_000, 0.1: 40_000 }

/** Returns the bytes that came back in a millisecond. */
async function rate(
    kernel: Kernel,
    tap: string,
    loss: number,
    rtoMin: number,
    seed: number
): Promise<number> {
    const config = `connections=2,receiveBuffer=${RING},sendBuffer=${RING},rtoMin=${rtoMin}`
    const impairments = [`delay=${DELAY}`, ...(loss > 0 ? [`loss=${loss}`] : [])].join(",")
    const words = ["--config", config, "--impair", impairments, "--seed", String(seed)]
    const device = new Cli("--runtime", "node", "--link", tap, ...words)
    try {
        await device.until(stdout => stdout.includes("serves echo"))
        const length = LENGTH[loss]!
        // the first exchange resolves addresses
        await kernel.echo(7, "first", 1)
        const began = performance.now()
        const { length: got } = await kernel.echo(7, `${loss} ${seed}`, length)
        if (got !== length) throw new Error(`${got} of ${length} bytes came back`)
        return length / (performance.now() - began)
    } finally {
        device.signal("SIGTERM")
        await device.ended
    }
}

export async function measureWire(progress: Progress): Promise<WireResult> {
    const skipped = missing()
    const goodputs: Goodput[] = []
    if (skipped !== undefined) return { goodputs, skipped }
    const namespace = new Namespace()
    const kernel = new Kernel(namespace)
    try {
        for (const rtoMin of TIMEOUTS) {
            for (const loss of LOSSES) {
                progress(`sends to the kernel and back, ${loss * 100} % lost, rtoMin ${rtoMin}`)
                const rates: number[] = []
                for (const seed of loss === 0 ? [1] : SEEDS)
                    rates.push(await rate(kernel, `tap:tap0@${namespace.name}`, loss, rtoMin, seed))
                const mean = rates.reduce((sum, one) => sum + one) / rates.length
                goodputs.push({ rtoMin, loss, rate: mean })
            }
        }
        return { goodputs, skipped: undefined }
    } finally {
        await namespace.remove()
    }
}
