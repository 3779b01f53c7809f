// What pins can do: the wirings that are refused, and why.

import { describe, expect, test } from "vitest"
import { boardNames, readBoard } from "../../sim/board/boards"
import {
    type Arch,
    pinProblem,
    spiProblem,
    type Wired,
    wiringProblem,
    wiringWarnings,
} from "../../sim/board/wiring"
import { Cli } from "../cli/cli"

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

    /** The wiring of an Ethernet chip or a Wi-Fi module whose lines but one are on pins that decide nothing. */
    const wired = (arch: Arch, line: string, gpio: number): Wired => ({
        arch,
        wiring: { MISO: "P4", MOSI: "P13", SCK: "P14", [line]: "PX" },
        pins: {
            P4: arch === "esp32c3" ? 0 : 4,
            P13: arch === "esp32c3" ? 1 : 13,
            P14: arch === "esp32c3" ? 4 : 14,
            PX: gpio,
        },
    })

    test.each<[Arch, string, number, string]>([
        [
            "esp32",
            "CS",
            12,
            "high at a start, and GPIO12 of the ESP32 decides there; high at a start, the flash memory gets 1.8 V",
        ],
        ["esp32", "RESET", 12, "1.8 V"],
        ["esp32", "INT", 12, "1.8 V"],
        [
            "esp32",
            "HANDSHAKE",
            0,
            "low at a start, and GPIO0 of the ESP32 decides there; low at a start, the chip waits for a download",
        ],
        ["esp32s3", "CS", 45, "1.8 V"],
        ["esp32s3", "DATA_READY", 0, "waits for a download"],
        ["esp32c3", "HANDSHAKE", 9, "waits for a download"],
    ])("%s with %s on GPIO%i does not start, and is refused: %s", (arch, line, gpio, reason) => {
        expect(wiringProblem(wired(arch, line, gpio))).toContain(reason)
    })

    test.each<[Arch, string, number, string]>([
        ["esp32", "CS", 0, "ESP32 GPIO0 decides how the chip starts; low at a start"],
        ["esp32", "CS", 2, "keeps the board from being flashed"],
        ["esp32", "CS", 5, "which nothing here uses"],
        ["esp32", "MISO", 12, "1.8 V"],
        ["esp32", "HANDSHAKE", 12, "1.8 V"],
        ["esp32", "CS", 15, "messages at start"],
        ["esp32s3", "INT", 3, "debugger"],
        ["esp32s3", "MOSI", 45, "1.8 V"],
        ["esp32s3", "SCK", 46, "flashed"],
        ["esp32c3", "CS", 2, "resistor"],
        ["esp32c3", "CS", 8, "flashed"],
        ["esp32c3", "CS", 9, "download"],
    ])("%s with %s on GPIO%i is warned of: %s", (arch, line, gpio, reason) => {
        expect(wiringProblem(wired(arch, line, gpio))).toBeUndefined()
        expect(wiringWarnings(wired(arch, line, gpio))).toEqual([expect.stringContaining(reason)])
    })

    test.each(boardNames())("%s has no line on a pin that decides how its chip starts", name => {
        expect(wiringWarnings(readBoard(name))).toEqual([])
    })

    test("the warning is on standard error, and the run goes on", async () => {
        const cli = new Cli(
            "--board",
            "esp32s3_devkit_m_w5500",
            "--pins",
            "CS=P46",
            "--runtime",
            "node",
            "--once"
        )
        expect(await cli.ended).toBe(0)
        expect(cli.stderr).toContain(
            "esp32s3_devkit_m_w5500: CS is on P46: ESP32-S3 GPIO46 decides how the chip starts"
        )
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
