// What pins can do: the wirings that are refused, and why.

import { describe, expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { type Arch, pinProblem, spiProblem } from "../../sim/board/wiring"

const onPico = (moved: { [line: string]: string }) => () => readBoard("pico_w5500", moved)

describe("a wiring of the Pico that is refused", () => {
    test.each<[{ [line: string]: string }, string]>([
        [{ CS: "GP99" }, "CS is on GP99, which is not a pin of the board: "],
        [{ CS: "GP16" }, "are both on GP16"],
        [{ TX: "GP1" }, "pico_w5500 has no line TX; its chip's lines are MISO, CS, SCK, MOSI, RESET, INT"],
        [
            { MISO: "GP12", MOSI: "GP11", SCK: "GP10" },
            "MISO cannot be on GP12: that is SPI1, with which DeviceScript's firmware cannot receive; GP0, GP4, GP16, GP20 are of SPI0",
        ],
        [{ MISO: "GP5" }, "MISO cannot be on GP5: that pin has no MISO of SPI0; GP0, GP4, GP16, GP20 have"],
        [{ SCK: "GP3" }, "SCK cannot be on GP3: that pin has no SCK of SPI0; GP2, GP6, GP18, GP22 have"],
        [{ MOSI: "GP15" }, "MOSI cannot be on GP15: that is SPI1"],
    ])("%j: %s", (moved, reason) => {
        expect(onPico(moved)).toThrow(reason)
    })
})

test("each function of SPI0 is accepted on each of its pins, also mixed", () => {
    for (const MISO of ["GP0", "GP4", "GP16", "GP20"])
        for (const SCK of ["GP2", "GP6", "GP18", "GP22"])
            for (const MOSI of ["GP3", "GP7", "GP19"])
                expect(onPico({ MISO, SCK, MOSI, CS: "GP1", RESET: "GP26", INT: "GP27" })).not.toThrow()
})

describe("pins of the ESP32s", () => {
    test.each<[Arch, number, boolean, string | undefined]>([
        ["esp32", 34, true, "GPIO34 of the ESP32 is an input only, like all from 34 to 39"],
        ["esp32", 39, true, "input only"],
        ["esp32", 39, false, undefined],
        ["esp32", 33, true, undefined],
        ["esp32", 6, false, "GPIO6 of the ESP32 is not free, the chip's flash memory is on it"],
        ["esp32", 11, true, "flash memory"],
        ["esp32", 1, true, "serial port"],
        ["esp32s3", 26, true, "flash memory"],
        ["esp32s3", 32, true, "flash memory"],
        ["esp32s3", 20, false, "USB"],
        ["esp32s3", 34, true, undefined],
        ["esp32c3", 11, true, "flash memory"],
        ["esp32c3", 17, true, "flash memory"],
        ["esp32c3", 18, true, "USB"],
        ["esp32c3", 10, true, undefined],
    ])("pinProblem() of %s GPIO%i, output %s: %s", (arch, gpio, output, reason) => {
        const problem = pinProblem(arch, gpio, output)
        if (reason === undefined) expect(problem).toBeUndefined()
        else expect(problem).toContain(reason)
    })

    test.each<[string, { [line: string]: string }, string]>([
        ["esp32_devkit_c_w5500", { CS: "P34" }, "input only"],
        ["esp32_devkit_c_enc28j60", { RESET: "P35" }, "input only"],
        ["esp32_devkit_c_enc28j60", { SCK: "VP" }, "input only"],
        ["esp32_devkit_c_esp_hosted", { MOSI: "VN" }, "input only"],
    ])("%s with %j is refused", (name, moved, reason) => {
        expect(() => readBoard(name, moved)).toThrow(reason)
    })

    test("lines that the chip drives may be on inputs only", () => {
        expect(() =>
            readBoard("esp32_devkit_c_esp_hosted", { MISO: "P34", HANDSHAKE: "P35", DATA_READY: "VP" })
        ).not.toThrow()
    })

    test("any three free pins make a bus; MISO may be an input only", () => {
        expect(spiProblem("esp32", { miso: 34, mosi: 4, sck: 33 })).toBeUndefined()
        expect(spiProblem("esp32c3", { miso: 0, mosi: 1, sck: 2 })).toBeUndefined()
        expect(spiProblem("esp32", { miso: 4, mosi: 35, sck: 33 })).toContain(
            "MOSI cannot be on GPIO35: GPIO35 of the ESP32 is an input only"
        )
    })
})
