// src/selftest.ts in the simulator: its report on each MAC, and what it says of each wire that is broken.

import { describe, expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { parseOptions } from "../../sim/options/options"
import { World } from "../../sim/run/world"
import { Cli } from "../cli/cli"

const END = /^---- \d+ ok, \d+ failed: end of the self test ----$/

/** Runs the self test in virtual time. Returns its report, a line each. */
async function report(words: string[]): Promise<string[]> {
    const options = parseOptions(["--program", "src/selftest.ts", ...words], { terminal: false })
    const lines: string[] = []
    const log = (_level: string, text: string) => lines.push(text)
    const world = await World.make({ ...options, time: "virtual" }, [{ log }])
    try {
        await world.start()
        await world.until(() => lines.some(line => END.test(line)), 120_000)
    } finally {
        await world.close()
    }
    return lines
}

const results = (lines: string[]) => lines.filter(line => /^(ok|FAIL) /.test(line))

// the router's other side is this computer, where the handshake is refused or taken at once, in real time
describe.each(["vm", "node"])("the self test on %s", runtime => {
    test.concurrent.each([
        ["w5500_evb_pico", ["select", "chip", "spi", "reset", "link", "dhcp", "arp, ping", "handshake"]],
        ["pico_enc28j60", ["select", "chip", "spi", "reset", "link", "dhcp", "arp, ping", "handshake"]],
        [
            "pico_esp_hosted",
            ["handshake", "data ready", "spi", "request", "link", "dhcp", "arp, ping", "handshake"],
        ],
    ])("of %s reports all lines as ok", { timeout: 120_000 }, async (board, subjects) => {
        const lines = await report(["--board", board, "--runtime", runtime])
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

test.concurrent.each(["w5500_evb_pico", "pico_enc28j60", "pico_esp_hosted"])(
    "npm start -- --once --program src/selftest.ts --board %s ends well, in virtual time",
    { timeout: 120_000 },
    async board => {
        const cli = new Cli("--board", board, "--runtime", "node", "--once", "--program", "src/selftest.ts")
        expect(await cli.ended, cli.stderr).toBe(0)
        expect(cli.stdout).toMatch(/^ok +handshake +10\.0\.0\.3:7 after \d+ ms$/m)
        expect(cli.stdout).toContain(" 0 failed: end of the self test ----")
    }
)

/** What the report says of each wire that is cut, or that a short holds at 0 or 1; undefined where the board works all the same. */
type Blame = { [wire: string]: { cut: RegExp; low: RegExp; high: RegExp } }

const shorted = (line: string, level: "low" | "high") =>
    new RegExp(
        `^FAIL wires +${line} \\(GPIO\\d+\\) is held ${level} while this board drives nothing: check that wire for a short`
    )
const SELECT = /^FAIL select +nothing drives MISO \(GPIO16\) though CS is low: check power, ground, CS, MISO$/
const RESET = /^FAIL reset +RESET \(GPIO20\) does not reset the chip: check that wire$/
const NO_INT = /^ +interrupt +INT \(GPIO21\) is not connected; the driver does not use it$/
const ETHERNET: Blame = {
    miso: {
        cut: SELECT,
        low: /^FAIL select +MISO \(GPIO16\) is held low though CS is high: check MISO for a short$/,
        high: /^FAIL select +MISO \(GPIO16\) is held high though CS is high: check MISO for a short$/,
    },
    cs: { cut: SELECT, low: shorted("CS", "low"), high: SELECT },
    mosi: {
        cut: /^FAIL chip .* check MOSI, as the chip sends but does not hear/,
        low: shorted("MOSI", "low"),
        high: shorted("MOSI", "high"),
    },
    sck: {
        cut: /^FAIL chip .* check SCK, as no bit of MISO changes/,
        low: shorted("SCK", "low"),
        high: shorted("SCK", "high"),
    },
    reset: { cut: RESET, low: shorted("RESET", "low"), high: RESET },
    int: {
        cut: NO_INT,
        low: /^ +interrupt +INT \(GPIO21\) is low: the driver does not use it$/,
        high: /^ +interrupt +INT \(GPIO21\) is connected$/,
    },
}
const FIRST = "^FAIL spi +the first packet begins [0-9a-f]{24}: check"
const NO_RESET = /^FAIL reset +RESET \(GPIO20\) is low and the module runs: check that wire \(EN\)$/
const BLAMES: { [board: string]: Blame } = {
    w5500_evb_pico: ETHERNET,
    pico_enc28j60: {
        ...ETHERNET,
        // its interrupt line shows whether it hears
        miso: { ...ETHERNET.miso!, cut: /^FAIL chip .* check MISO, as the chip hears$/ },
        cs: { cut: /^FAIL chip .* check CS$/, low: shorted("CS", "low"), high: /^FAIL chip .* check CS$/ },
    },
    pico_esp_hosted: {
        miso: {
            cut: new RegExp(`${FIRST} MISO, which nothing drives while CS is low$`),
            low: shorted("MISO", "low"),
            high: new RegExp(`${FIRST} MISO`),
        },
        cs: {
            cut: new RegExp(`${FIRST} CS, as HANDSHAKE does not fall with it$`),
            low: shorted("CS", "low"),
            high: new RegExp(`${FIRST} CS, as HANDSHAKE does not fall with it$`),
        },
        sck: {
            cut: new RegExp(`${FIRST} SCK, as CS and MISO work and no bit of MISO changes$`),
            low: shorted("SCK", "low"),
            high: shorted("SCK", "high"),
        },
        mosi: {
            cut: /^FAIL request +the module sends but does not answer: check MOSI \(GPIO19\)$/,
            low: shorted("MOSI", "low"),
            high: shorted("MOSI", "high"),
        },
        reset: { cut: NO_RESET, low: shorted("RESET", "low"), high: NO_RESET },
        handshake: {
            cut: /^FAIL handshake +HANDSHAKE \(GPIO21\) stays low after the reset: check that wire$/,
            low: shorted("HANDSHAKE", "low"),
            high: shorted("HANDSHAKE", "high"),
        },
        "data-ready": {
            cut: /^FAIL data ready +DATA_READY \(GPIO22\) stays low after the reset: check that wire$/,
            low: shorted("DATA_READY", "low"),
            high: shorted("DATA_READY", "high"),
        },
    },
}

const wires = Object.entries(BLAMES).flatMap(([board, blame]) =>
    Object.entries(blame).flatMap(([wire, { cut, low, high }]) => {
        // SPI lines that chips have a fault of their own for take the value of a byte
        const one = wire === "miso" || wire === "mosi" ? 255 : 1
        return [
            [board, wire, "cut", `wire-${wire}=1`, cut] as const,
            [board, wire, "held low", `${wire}-stuck=0`, low] as const,
            [board, wire, "held high", `${wire}-stuck=${one}`, high] as const,
        ]
    })
)

test("each wire of each chip is broken in the table", () => {
    for (const [board, blame] of Object.entries(BLAMES)) {
        const lines = Object.keys(readBoard(board).wiring).map(line =>
            line.toLowerCase().replaceAll("_", "-")
        )
        expect(Object.keys(blame).sort()).toEqual(lines.sort())
    }
})

test.each(wires)(
    "the self test on %s with %s %s names it",
    { timeout: 120_000 },
    async (board, wire, _how, fault, expected) => {
        const lines = await report(["--board", board, "--runtime", "node", "--fault", fault])
        expect(
            lines.filter(line => expected.test(line)),
            lines.join("\n")
        ).toHaveLength(1)
        // a wire that no driver needs spoils nothing
        if (wire === "int")
            expect(lines.filter(line => /^FAIL/.test(line) && !/handshake/.test(line))).toEqual([])
    }
)

test.each([1, 2])("the self test of a Wi-Fi module with SPI mode %i names that mode", async mode => {
    const words = ["--board", "pico_esp_hosted", "--runtime", "node", "--fault", `spi-mode=${mode}`]
    expect((await report(words)).join("\n")).toMatch(
        new RegExp(
            `${FIRST} the SPI mode: the module's firmware has mode ${mode}, so set mode: ${mode} in`,
            "m"
        )
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
