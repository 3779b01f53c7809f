// 300 KB to and from the Linux kernel over each kind of chip, on a board that has it.

import { describe, expect, test } from "vitest"
import { boardNames, readBoard } from "../../sim/board/boards"
import { chips } from "../../sim/chip/chips"
import { withKernel } from "./support/bed"
import { pattern, whole } from "./support/data"

const SIZE = 300_000
/** Several segments have room, so that a loss is mended without waiting for a timer. */
const CONFIG = "connections=3,receiveBuffer=4096,sendBuffer=4096,rtoMin=300"

/** Chip, a board that has it, and runtime. */
const boards = Object.keys(chips).flatMap(chip => {
    const board = boardNames().find(name => readBoard(name).chip === chip) ?? ""
    return (["vm", "node"] as const).map(runtime => [chip, board, runtime] as const)
})

withKernel("300 KB over each kind of chip", bed => {
    describe.each(boards)("%s, %s on %s", (_, board, runtime) => {
        test.each([0, 0.05])(
            "with a loss of %f: 300 KB are echoed as they were sent",
            { timeout: 300_000 },
            async loss => {
                const words = [
                    "--board",
                    board,
                    "--impair",
                    `loss=${loss}`,
                    "--config",
                    CONFIG,
                    "--seed",
                    "5",
                ]
                await bed().server(runtime, ...words)
                const seed = `${board} ${runtime} ${loss}`
                expect(await bed().kernel.echo(7, seed, SIZE)).toEqual(whole(pattern(seed, SIZE)))
            }
        )
    })
})
