// Measures the VM's heap that a program uses once it is up.

import { type Board, readBoard } from "../board/boards"
import { chipOf } from "../chip/chips"
import { Device } from "../device/device"
import { describePanic, type Panic } from "../device/runtime"
import { macFor } from "../run/boot"
import { VirtualClock } from "../time/clock"

const IP = "10.0.0.2"
/** After this time every program has its network up and waits, ms. */
const UP = 500

/**
 * Returns the bytes of the VM's heap that a program uses when its network is up, without garbage and before the first connection:
 * the network has no other host. Throws when the program ends earlier.
 */
export async function heapInUse(
    program: string,
    without: readonly string[],
    board: Board = readBoard()
): Promise<number> {
    const clock = new VirtualClock()
    const ends: Panic[] = []
    const kind = chipOf(board)
    const chip = kind.make({ clock, send: () => {} })
    const device = new Device({
        clock,
        runtime: "vm",
        program,
        without,
        seed: 1,
        board,
        chip,
        boot: {
            ...kind.boot?.(chip),
            ip: `${IP}/24`,
            gateway: "10.0.0.1",
            macAddress: macFor(IP),
            trace: false,
        },
        onPanic: panic => ends.push(panic),
    })
    try {
        await device.start()
        await clock.runUntil(() => ends.length > 0, UP)
        const [panic] = ends
        if (panic !== undefined) throw new Error(`${program} does not start: ${describePanic(panic)}`)
        return (await device.liveHeap()).used
    } finally {
        device.stop()
    }
}
