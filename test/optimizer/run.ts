import { VirtualClock } from "../../sim/time/clock"
import { VmRuntime } from "../../sim/vm/runtime"

/** Virtual ms after which a program that has not ended is given up. */
const PATIENCE = 600_000

/** What a program prints until its last line, "the end", and how it ended if not so. `stress`: garbage is collected at each allocation. */
export async function printed(image: Uint8Array, stress = false): Promise<string[]> {
    const clock = new VirtualClock()
    const lines: string[] = []
    let ended = false
    const runtime = new VmRuntime({
        clock,
        image,
        seed: 1,
        onPipe: () => {},
        onLog: (level, text) => {
            if (level !== "system") lines.push(`${level} ${text}`)
            if (text === "the end") ended = true
        },
        onPanic: ({ code, message }) => {
            lines.push(`panic ${code} ${message}`)
            ended = true
        },
    })
    await runtime.start()
    runtime.vm.devsGcStress(stress)
    await clock.runUntil(() => ended, PATIENCE)
    runtime.stop()
    return lines
}
