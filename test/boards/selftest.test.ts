// src/selftest.ts in the simulator: its report on each MAC, and what it says of each wire that is broken.

import { describe, expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { parseOptions } from "../../sim/options/options"
import { World } from "../../sim/run/world"

const END = /^---- \d+ ok, \d+ failed: end of the self test ----$/

/** Runs the self test, in virtual time unless something real answers. Returns its report, a line each. */
async function report(words: string[], time: "real" | "virtual" = "virtual"): Promise<string[]> {
    const options = parseOptions(["--program", "src/selftest.ts", ...words], { terminal: false })
    const lines: string[] = []
    const log = (_level: string, text: string) => lines.push(text)
    const world = await World.make({ ...options, time }, [{ log }])
    try {
        await world.start()
        await world.until(() => lines.some(line => END.test(line)), 120_000)
    } finally {
        await world.close()
    }
    return lines
}

const results = (lines: string[]) => lines.filter(line => /^(ok|FAIL) /.test(line))

// the router's other side is this computer, where the handshake is refused or taken
describe.each(["vm", "node"])("the self test on %s", runtime => {
    test.concurrent.each([
        ["w5500_evb_pico", ["select", "chip", "spi", "reset", "link", "dhcp", "arp, ping", "handshake"]],
        ["pico_enc28j60", ["select", "chip", "spi", "reset", "link", "dhcp", "arp, ping", "handshake"]],
        ["pico_esp_hosted", ["handshake", "data ready", "spi", "link", "dhcp", "arp, ping", "handshake"]],
    ])("of %s reports all lines as ok", { timeout: 120_000 }, async (board, subjects) => {
        const lines = await report(["--board", board, "--runtime", runtime], "real")
        expect(lines[0]).toBe(`---- self test of ${board} ----`)
        expect(results(lines).map(line => line.slice(5, 15).trim())).toEqual(subjects)
        expect(lines.join("\n")).not.toContain("FAIL")
        expect(lines.at(-1)).toBe(`---- ${subjects.length} ok, 0 failed: end of the self test ----`)
        const { wiring, pins } = readBoard(board)
        for (const [line, label] of Object.entries(wiring))
            expect(lines.join("\n")).toMatch(new RegExp(`wiring .*\\b${line} ${pins[label]}\\b`))
        expect(lines.join("\n")).toMatch(/^ +heap +8192 more bytes could be allocated$/m)
    })
})

const SELECT = /^FAIL select +nothing drives MISO \(GPIO16\) though CS is low: check power, ground, CS, MISO$/
const CHIP = /^FAIL chip .* check SCK, MOSI, reset/
const RESET = /^FAIL reset +RESET \(GPIO20\) does not reset the chip: check that wire$/

describe("the self test with a broken wire", () => {
    test.each([
        ["w5500_evb_pico", "miso", SELECT],
        ["w5500_evb_pico", "cs", SELECT],
        ["w5500_evb_pico", "mosi", CHIP],
        ["w5500_evb_pico", "sck", CHIP],
        ["w5500_evb_pico", "reset", RESET],
        [
            "w5500_evb_pico",
            "int",
            /^ +interrupt +INT \(GPIO21\) is not connected; the driver does not use it$/,
        ],
        ["pico_enc28j60", "miso", SELECT],
        ["pico_enc28j60", "cs", SELECT],
        ["pico_enc28j60", "mosi", CHIP],
        ["pico_enc28j60", "sck", CHIP],
        ["pico_enc28j60", "reset", RESET],
        ["pico_esp_hosted", "miso", /^FAIL spi +the first packet begins 0{24}: check CS, SCK, MISO/],
        ["pico_esp_hosted", "cs", /^FAIL spi +the first packet begins/],
        ["pico_esp_hosted", "sck", /^FAIL spi +the first packet begins/],
        ["pico_esp_hosted", "mosi", /^FAIL link +none within 30 s/],
        [
            "pico_esp_hosted",
            "reset",
            /^FAIL reset +RESET \(GPIO20\) is low and the module runs: check that wire/,
        ],
        ["pico_esp_hosted", "handshake", /^FAIL handshake +HANDSHAKE \(GPIO21\) stays low after the reset/],
        [
            "pico_esp_hosted",
            "data-ready",
            /^FAIL data ready +DATA_READY \(GPIO22\) stays low after the reset/,
        ],
    ])(
        "on %s, with line %s broken, reports that line",
        { timeout: 120_000 },
        async (board, wire, expected) => {
            const lines = await report(["--board", board, "--runtime", "node", "--fault", `wire-${wire}=1`])
            expect(lines.filter(line => expected.test(line))).toHaveLength(1)
        }
    )
})

test("the self test without a link fails there, and reports what to check", async () => {
    const lines = await report(["--runtime", "node", "--fault", "no-link=1"])
    expect(results(lines).at(-1)).toMatch(/^FAIL link +none within 30 s: check cable or network/)
    expect(lines.at(-1)).toMatch(/^---- 4 ok, 1 failed/)
})

test("the self test on an SPI bus with wrong bits reports shorter cables", async () => {
    const lines = await report(["--runtime", "node", "--fault", "miso-errors=1e-3"])
    expect(lines.join("\n")).toMatch(/^FAIL spi +\d+ of 2048 bytes came back wrong: shorten the cables/m)
})
