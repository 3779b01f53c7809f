// --board, --pins, --mac, and faults by the console.

import { describe, expect, test } from "vitest"
import { boardNames } from "../../sim/board/boards"
import { Cli } from "./cli"

describe("--board and its pins", () => {
    test("--board list prints the names, one a line", async () => {
        const cli = new Cli("--board", "list")
        expect(await cli.ended).toBe(0)
        expect(cli.stdout).toBe(`${boardNames().join("\n")}\n`)
        expect(cli.stderr).toBe("")
    })

    test.each([
        [["--board", "nano"], /^--board unknown board "nano"; the boards are .*\n$/],
        [["--pins", "CS=GP18"], /^--pins: w5500_evb_pico: SCK and CS are both on GP18\n$/],
        [["--pins", "CS"], /^--pins CS is not LINE=PIN; write one as CS=GP5\n$/],
        [["--pins", "CS=GP5,CS=GP6"], /^--pins CS is given twice\n$/],
        [["--mac", "rtl8139"], /^--mac rtl8139 is not valid; use .*w5500.*\n$/],
        [["--board", "pico_w5500", "--mac", "enc28j60"], /its chip is w5500\n$/],
    ])("%j is refused with one line", async (words, line) => {
        const cli = new Cli(...words)
        expect(await cli.ended).toBe(2)
        expect(cli.stderr).toMatch(line)
    })

    test.each(["vm", "node"])("--pins with other pins leads to the chip, too, on %s", async runtime => {
        const moved = "MISO=GP4,MOSI=GP3,SCK=GP6,CS=GP26,RESET=GP27"
        const cli = new Cli("--board", "pico_w5500", "--pins", moved, "--runtime", runtime, "--once")
        expect(await cli.ended).toBe(0)
        expect(cli.stdout).toContain("Host X  Raspberry Pi Pico with W5500 at 10.0.0.2/24")
        expect(cli.stdout).toContain("ESTABLISHED")
    })
})

describe("fault on the console", () => {
    test("fault breaks and mends the chip, of another device too, and help lists it", async () => {
        const cli = new Cli(
            "--runtime",
            "node,node",
            "--exec",
            "help; fault; fault dead on; sleep 300; ping 10.0.0.1 1; fault dead off; sleep 3000; on 2 fault no-link on; on 2 fault no-link off; ping 10.0.0.1 1"
        )
        expect(await cli.ended).toBe(1)
        expect(cli.stdout).toMatch(/^fault NAME on\|off\|N +breaks the chip/m)
        expect(cli.stdout).toMatch(/^faults of the W5500: miso-errors, /m)
        expect(cli.stdout).toContain("> fault dead on\ndead is 255\n")
    })

    test.each([
        ["fault smoke on", /^fault: unknown fault "smoke" \(known: miso-errors, /m],
        [
            "fault dead",
            /^fault dead: usage is fault dead on\|off\|N; N is 0 or 255, or -1 to end the fault$/m,
        ],
        ["fault brown-out off", /^fault brown-out: usage is fault brown-out on\|N; N is milliseconds/m],
        ["fault register on", /^fault register: usage is fault register N; N is block/m],
        ["fault dead 3@5", /^fault dead: usage/m],
        ["fault dead on off", /^fault dead: usage/m],
    ])('"%s" is refused with one line', async (command, line) => {
        const cli = new Cli("--runtime", "node", "--exec", command)
        expect(await cli.ended).toBe(1)
        expect(cli.stdout).toMatch(line)
    })
})
