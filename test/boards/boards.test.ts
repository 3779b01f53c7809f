// The boards' files: what the compiler, the simulator and the programs read in them.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { boardFiles, boardNames, defaultBoard, pinsModule, readBoard } from "../../sim/board/boards"
import { ROOT } from "../../sim/build/build"
import { chipOf, chips } from "../../sim/chip/chips"

const file = (name: string) => readFileSync(join(ROOT, "boards", name), "utf8")

describe.each(boardNames())("board %s", name => {
    test("has a chip of the table, its bus, chip select and a title", () => {
        const board = readBoard(name)
        expect(Object.keys(chips)).toContain(board.chip)
        expect(Object.keys(board.wiring)).toEqual(expect.arrayContaining(["MISO", "MOSI", "SCK", "CS"]))
        expect(board.title).toMatch(/\S/)
        expect(chipOf(board).title).toMatch(/\S/)
    })

    test("has a driver that takes all its pins from its own file", () => {
        const module = file(`${name}.ts`)
        expect(module).toContain(`import { pins } from "@dsboard/${name}"`)
        expect(module).toContain("export function board(address: Buffer): Mac")
        const { $pins } = JSON.parse(file(`${name}.board.json`)) as { $pins: { [label: string]: string } }
        for (const [, label] of module.matchAll(/\bpins\.(\w+)/g)) expect(Object.keys($pins)).toContain(label)
    })
})

test("no two boards have the same product number, which names the firmware of a board", () => {
    const ids = boardNames().map(
        name => (JSON.parse(file(`${name}.board.json`)) as { productId: string }).productId
    )
    expect(new Set(ids).size).toBe(ids.length)
})

test("src/board.ts imports the default board", () => {
    expect(boardNames()).toContain(defaultBoard())
    expect(boardFiles(readBoard("pico_w5500")).get("src/board.ts")).toMatch(
        /^export \{ board \} from "\.\.\/boards\/pico_w5500"$/m
    )
})

test("the files in src that the build writes are those of the default board", () => {
    for (const [path, text] of boardFiles(readBoard()))
        expect(readFileSync(join(ROOT, path), "utf8"), path).toBe(text)
})

test("a board that does not exist is refused with the list of boards", () => {
    expect(() => readBoard("nano")).toThrow(`unknown board "nano"; the boards are ${boardNames().join(", ")}`)
})

test("the chip's pins have the chip's names only, all others their own", () => {
    const text = pinsModule(readBoard("w5500_evb_pico"), "board.ts")
    expect(text).toContain('"W5500_CS":"GP17"')
    expect(text).not.toContain('"GP17":')
    expect(text).toContain('"GP5":"GP5"')
})

test("a pin that the firmware keeps is not a program's", () => {
    // the log of the W5500-EVB-Pico's firmware is on GP0
    const { pins } = readBoard("w5500_evb_pico")
    expect(pins).not.toHaveProperty("GP0")
    expect(pins).toMatchObject({ GP1: 1, GP28: 28 })
})

test("moved wires are in the compiler's file and in the simulator's wiring", () => {
    const board = readBoard("pico_w5500", { CS: "GP5", INT: "GP6" })
    expect(board.wiring).toMatchObject({ CS: "GP5", INT: "GP6", MISO: "GP16" })
    expect(JSON.parse(board.file)).toMatchObject({ $pins: { W5500_CS: "GP5", W5500_INT: "GP6" } })
})
