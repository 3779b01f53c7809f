// The prompt, with a terminal made of two streams; the rest of a run is tried as a process of its own.

import { PassThrough } from "node:stream"
import { afterEach, expect, test } from "vitest"
import { parseOptions } from "../../sim/options/options"
import { Ended } from "../../sim/run/ended"
import { looksOf, Output } from "../../sim/run/output"
import { Prompt } from "../../sim/run/session"
import { World } from "../../sim/run/world"

let world: World | undefined
afterEach(async () => {
    await world?.close()
    world = undefined
})

class Screen {
    readonly input = new PassThrough()
    readonly output = new PassThrough()
    shown = ""
    readonly ended: Promise<unknown>

    constructor(world: World) {
        this.output.setEncoding("utf8").on("data", text => {
            this.shown += text
        })
        const output = new Output(this.output, { color: false, unicode: false, width: 80 })
        this.ended = new Prompt(world, output, this).run().catch(error => error)
    }

    type(text: string): void {
        this.input.write(text)
    }

    async until(text: string): Promise<void> {
        while (!this.shown.includes(text)) await new Promise(resolve => setTimeout(resolve, 2))
    }
}

async function sit(...words: string[]): Promise<Screen> {
    const options = parseOptions(["--runtime", "node", "--time", "virtual", ...words], { terminal: true })
    world = await World.make(options, [])
    await world.start()
    return new Screen(world)
}

test("commands are carried out in order, and virtual time passes with them", async () => {
    const screen = await sit()
    screen.type("connect 10.0.0.1 7\r")
    await screen.until("connection 3: ")
    screen.type("connections\r")
    await screen.until("ESTABLISHED")
    screen.type("  \rfoo\r")
    await screen.until('unknown command "foo"')
    screen.input.end()
    expect(await screen.ended).toMatchObject({ code: 0, message: "" })
})

test("the Tab key completes commands, IDs and names, and help explains a command", async () => {
    const screen = await sit()
    await screen.until("> ")
    screen.type("neigh\t")
    await screen.until("neighbours ")
    screen.type("\x15close 2\t")
    await screen.until("close 2 ")
    screen.type("\x15fault brown-o\t")
    await screen.until("fault brown-out ")
    screen.type("\x15exi\t")
    await screen.until("exit ")
    screen.type("\x15help neighbours\r")
    for (const text of ["usage: neighbours\n", "lists Ethernet addresses\n", "The entries of the ARP table"])
        await screen.until(text)
    screen.type("help nonsense\r")
    await screen.until('help: unknown command "nonsense"; help lists the commands')
    screen.input.end()
    expect(await screen.ended).toMatchObject({ code: 0, message: "" })
})

test.each([
    ["Ctrl-C", "\x03"],
    ["Ctrl-D", "\x04"],
    ["quit", "quit\r"],
    ["exit", "exit\r"],
])("%s ends the console with exit code 0", async (_name, keys) => {
    const screen = await sit()
    await screen.until("> ")
    screen.type(keys)
    const ended = await screen.ended
    expect(ended).toBeInstanceOf(Ended)
    expect(ended).toMatchObject({ code: 0, message: "" })
})

test("events are printed above the line that is being typed", async () => {
    const written: string[] = []
    const output = new Output({ write: (text: string) => written.push(text) } as never, {
        color: false,
        unicode: false,
        width: 40,
    })
    output.below({ prompt: () => written.push("> typed") } as never)
    output.line("news")
    expect(written.slice(-2)).toEqual(["news\n", "> typed"])
    expect(written.length).toBeGreaterThan(2)
    output.below(undefined)
    output.line("later")
    expect(written.at(-1)).toBe("later\n")
})

test("long lines are broken at words and indented", () => {
    let text = ""
    const stream = {
        write: (more: string) => {
            text += more
        },
    }
    const output = new Output(stream as never, { color: true, unicode: false, width: 20 })
    output.paragraph("one two three four five six seven")
    expect(text).toBe("one two three four\n    five six seven\n")
    output.line("x", "bold")
    expect(text).toContain("\x1b[1mx\x1b[22m\n")
})

test.each<[string, boolean, NodeJS.ProcessEnv, { color: boolean; unicode: boolean }]>([
    ["a pipe", false, { LANG: "C.UTF-8" }, { color: false, unicode: false }],
    ["a terminal", true, { LANG: "C.UTF-8" }, { color: true, unicode: true }],
    [
        "a terminal with NO_COLOR",
        true,
        { LANG: "de_DE.utf8", NO_COLOR: "1" },
        { color: false, unicode: true },
    ],
    ["a terminal without UTF-8", true, { LANG: "C" }, { color: true, unicode: false }],
    ["LC_ALL before LANG", true, { LANG: "C.UTF-8", LC_ALL: "C" }, { color: true, unicode: false }],
    ["a pipe with FORCE_COLOR", false, { FORCE_COLOR: "1" }, { color: true, unicode: false }],
    ["a terminal with FORCE_COLOR=0", true, { FORCE_COLOR: "0" }, { color: false, unicode: false }],
    [
        "FORCE_COLOR before NO_COLOR",
        true,
        { LANG: "C", NO_COLOR: "1", FORCE_COLOR: "1" },
        { color: true, unicode: false },
    ],
    ["a dumb terminal", true, { LANG: "C.UTF-8", TERM: "dumb" }, { color: false, unicode: false }],
])(
    "looksOf() of %s: colour and Unicode as terminal and environment have them",
    (_name, isTTY, environment, expected) => {
        expect(looksOf({ isTTY } as NodeJS.WriteStream, environment)).toEqual({ ...expected, width: 80 })
    }
)

test("looksOf() follows the window of a terminal, takes COLUMNS without one, and --no-color decides", () => {
    const stream = { isTTY: true, columns: 100 }
    const looks = looksOf(stream, { COLUMNS: "70" }, false)
    expect(looks).toMatchObject({ color: false, width: 100 })
    stream.columns = 60
    expect(looks.width).toBe(60)
    expect(looksOf({ isTTY: false, columns: 0 }, { COLUMNS: "70" }).width).toBe(70)
    expect(looksOf({ isTTY: false, columns: 0 }, { COLUMNS: "x", FORCE_COLOR: "1" }, false)).toEqual({
        color: false,
        unicode: false,
        width: 80,
    })
})
