// Each scenario runs twice, on the VM and under Node, and both have to send and report the same at the same times.

import { expect, test } from "vitest"
import type { SpiChip } from "../../sim/chip/chip"
import type { W5500Chip } from "../../sim/chip/w5500"
import { record } from "../support/tshark"
import { Net, type Setup } from "./net"

const RUNTIMES = ["vm", "node"] as const

export interface ScenarioSetup extends Setup {
    /** Violations of the data sheet that the chip model reports; none when left out. */
    misuses?: string[]
}

/** A chip whose model notes what a driver must not do. */
type StrictChip = SpiChip & { readonly misuses: string[] }

/** Boards on which the scenarios of a file run; undefined is the one that is built, unless a scenario names another. */
let boards: readonly (string | undefined)[] = [undefined]

/** Runs the scenarios declared from now on once on each of these boards. */
export function onBoards(names: readonly string[]): void {
    boards = names
}

/** Runs `play`, which waits and asserts, on both runtimes, and compares their transcripts. */
export function scenario<Chip extends StrictChip = W5500Chip>(
    name: string,
    setup: ScenarioSetup,
    play: (net: Net<Chip>) => Promise<void>
): void {
    for (const board of boards) {
        if (board === undefined) onBoth(name, setup, play)
        else onBoth(`${board}: ${name}`, { ...setup, board }, play)
    }
}

function onBoth<Chip extends StrictChip>(
    name: string,
    setup: ScenarioSetup,
    play: (net: Net<Chip>) => Promise<void>
): void {
    const runs = new Map<string, Promise<string[]>>()
    const run = (runtime: (typeof RUNTIMES)[number]) => {
        const known = runs.get(runtime)
        if (known !== undefined) return known
        const under = perform(runtime, setup, play)
        runs.set(runtime, under)
        return under
    }
    for (const runtime of RUNTIMES) {
        test(`${name} (${runtime})`, async () => {
            expect((await run(runtime)).length).toBeGreaterThan(0)
        })
    }
    test(`${name} (the same bytes at the same times on both)`, async () => {
        const [vm, node] = await Promise.all(RUNTIMES.map(run))
        const first = vm!.findIndex((line, i) => line !== node![i])
        const at = Math.max(0, first < 0 ? vm!.length - 1 : first - 3)
        expect(node!.slice(at, at + 8)).toEqual(vm!.slice(at, at + 8))
        expect(node!.length).toBe(vm!.length)
    })
}

async function perform<Chip extends StrictChip>(
    runtime: (typeof RUNTIMES)[number],
    setup: ScenarioSetup,
    play: (net: Net<Chip>) => Promise<void>
): Promise<string[]> {
    const net = await Net.open<Chip>(runtime, setup)
    try {
        await play(net)
        expect(net.chip.misuses).toEqual(setup.misuses ?? [])
    } finally {
        await net.close()
    }
    for (const { frame, time } of net.frames) record(frame, time)
    return net.transcript
}
