// The example on every board: it has a link or associates, shakes hands, and serves its page.

import { expect, test } from "vitest"
import { boardNames, readBoard } from "../../sim/board/boards"
import { parseOptions } from "../../sim/options/options"
import { Example } from "../../sim/run/example"
import { Watch } from "../../sim/run/example-checks"
import { darkStage } from "../../sim/run/example-output"
import { ofHostX } from "../../sim/run/observer"
import { World } from "../../sim/run/world"
import { Cli } from "../cli/cli"

/** Boards that differ in pins only have one program; each program runs on the VM on the first of its boards. */
const programs = new Map<string, string>()
for (const name of boardNames()) {
    const { chip, arch } = readBoard(name)
    const program = `${chip} ${arch === "rp2040" ? "polled" : "with sleep"}`
    if (!programs.has(program)) programs.set(program, name)
}

// concurrent, as one board's image is compiled while another's is optimized
test.concurrent.each([
    ...boardNames().map(name => [name, "node"]),
    ...[...programs.values()].map(name => [name, "vm"]),
])("the example of --once runs through on %s, on %s", { timeout: 120_000 }, async (name, runtime) => {
    const words = ["--board", name!, "--runtime", runtime!, "--once"]
    const options = parseOptions(words, { terminal: false })
    const watch = new Watch(options.ip)
    const world = await World.make(options, [ofHostX(watch.observer)])
    try {
        await world.start()
        await new Example(world, watch, darkStage).run()
    } finally {
        await world.close()
    }
})

// the whole command once for each chip
test.concurrent.each([
    ["pico_enc28j60", "Raspberry Pi Pico with ENC28J60", /^/],
    [
        "pico_esp_hosted",
        "Raspberry Pi Pico with ESP-Hosted",
        // words that may be on several lines of the ladder
        /joins\s+"three-way"[\s\S]*it\s+is\s+associated\s+with[\s\S]*4-way\s+handshake\s+done/,
    ],
])(
    'npm start -- --board %s --once prints "%s" and draws the handshake',
    { timeout: 120_000 },
    async (name, title, before) => {
        const cli = new Cli("--board", name, "--once")
        expect(await cli.ended, cli.stderr).toBe(0)
        expect(cli.stdout).toContain(`Host X  ${title} at 10.0.0.2/24`)
        expect(cli.stdout.slice(0, cli.stdout.search(/SYN-SENT \|/))).toMatch(before)
        expect(cli.stdout).toMatch(/SYN-SENT \|/)
        expect(cli.stdout).toMatch(/ESTABLISHED \|<-/)
    }
)
