// The console of a board: the flashed program with its serial console runs on DeviceScript's VM, whose Jacdac frames go over TCP or a
// serial line to the console.

import { type ChildProcess, spawn } from "node:child_process"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { ROOT } from "../../sim/build/build"
import { boardOf } from "../../sim/console/find"
import { loadSerialPorts } from "../../sim/deploy/serial"
import { FrameReader } from "../../sim/device/jacdac"
import { DEVICE_ID } from "../../sim/device/runtime"
import { parseOptions } from "../../sim/options/options"
import { World } from "../../sim/run/world"
import { withoutPython } from "../peers/python"
import { commandWords } from "../support/command"
import { type Client, client } from "./client"

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's controls are made of them
const UP_AND_CLEAR = /\x1b\[\d+A\x1b\[0J/

const ends: (() => unknown)[] = []
afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
})

/** Switches a simulated board on, with the echo server of the built-in link at 10.0.0.1. */
async function board(...words: string[]): Promise<World> {
    const world = await World.make(parseOptions(["--jacdac", "0", ...words], { terminal: false }), [])
    await world.start()
    return world
}

let world: World
let port: number
/** The console of most tests: each takes a second to open. */
let first: Client
beforeAll(async () => {
    world = await board()
    port = world.jacdacPort!
    first = await client(port)
}, 120_000)
afterAll(async () => {
    await first.close()
    await world.close()
})
const run = (line: string) => first.run(line)

async function open(...words: Parameters<typeof client>): Promise<Client> {
    const opened = await client(...words)
    ends.push(() => opened.close())
    return opened
}

describe("commands over the cable", () => {
    test("open a connection, show it, and close it", async () => {
        const opened = await run("connect 10.0.0.1 7")
        expect(opened).toEqual({
            done: true,
            lines: [expect.stringMatching(/^connection \d+: 10\.0\.0\.2:\d+ -> 10\.0\.0\.1:7, SYN-SENT$/)],
        })
        const [, id] = /^connection (\d+):/.exec(opened.lines[0]!)!
        expect(await run(`wait ${id} ESTABLISHED`)).toEqual({
            done: true,
            lines: [`connection ${id}: ESTABLISHED`],
        })
        const { lines } = await run("connections")
        expect(lines[0]).toMatch(/^id {4}local +remote +state +unread unsent$/)
        expect(lines.filter(line => line.startsWith(`${id} `))).toEqual([
            expect.stringMatching(/ 10\.0\.0\.1:7 +ESTABLISHED +0 +0$/),
        ])
        expect((await run(`ladder ${id}`)).lines.join("\n")).toMatch(/--- SYN seq|-- SYN seq/)
        expect(await run(`abort ${id}`)).toEqual({ done: true, lines: [`connection ${id}: CLOSED`] })
        expect(await run(`abort ${id}`)).toEqual({
            done: false,
            lines: [`abort: connection ${id} no longer exists`],
        })
    })

    test("carry lines of the greatest length, and refuse a longer one", async () => {
        const name = "n".repeat(232)
        // the answer is longer than a frame
        expect(await run(name)).toEqual({
            done: false,
            lines: [`unknown command "${name}"; help lists the commands`],
        })
        expect(await run(`${name}n`)).toEqual({
            done: false,
            lines: ["a line has at most 232 bytes, not 233"],
        })
    })

    test("from two consoles at once are carried out one after the other", async () => {
        const second = await open(port)
        const sleeping = run("sleep 700")
        const helped = await second.run("help")
        expect(helped.done).toBe(true)
        expect(helped.lines.length).toBeGreaterThan(10)
        expect(await sleeping).toEqual({ done: true, lines: [] })
    })

    test("of which none is lost while the board is busy for long", async () => {
        // longer than the console waits before it asks
        expect(await run("sleep 3000")).toEqual({ done: true, lines: [] })
        expect((await run("memory")).lines[0]).toBe(" bytes  owner")
    })

    test("are sent to the wanted board by its own number", async () => {
        expect(boardOf("e1daef9b47a2c0dd")).toBe(DEVICE_ID)
        const { run } = await open(port, DEVICE_ID.slice(-6))
        expect((await run("stats")).done).toBe(true)
        await expect(client(port, "1234", 2000)).rejects.toThrow(
            /^board 1234 is not on this bus; the boards are 1989f4eee0ebe206 \(WS42\)$/
        )
    })

    test("that a line has lost are reported", async () => {
        const { run } = await open(await losing(0x80))
        await expect(run("help")).rejects.toThrow(
            "the board has lost the command or the end of its output: try again"
        )
        expect((await run("help")).done).toBe(true)
    })
})

/** Returns the port of a line to the board that loses the first packet of a command. */
async function losing(command: number): Promise<number> {
    let lost = false
    const sockets: Socket[] = []
    const server = createServer(near => {
        const far = connect(port, "127.0.0.1")
        sockets.push(near, far)
        far.pipe(near)
        const frames = new FrameReader()
        near.on("data", bytes => {
            for (const frame of frames.take(bytes)) {
                const isCommand = (frame[3]! & 1) === 1 && (frame[14]! | (frame[15]! << 8)) === command
                if (isCommand && !lost) lost = true
                else far.write(Uint8Array.from([frame.length, ...frame]))
            }
        })
        for (const socket of [near, far]) socket.on("error", () => {})
    })
    await new Promise<void>(done => server.listen(0, "127.0.0.1", done))
    ends.push(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
    })
    return (server.address() as AddressInfo).port
}

function start(words: string[], starter: string[] = []): ChildProcess & { said: string; errors: string } {
    const tool = [...commandWords("console"), "--port", `tcp://127.0.0.1:${port}`]
    const [program = process.execPath, ...before] = starter
    const own = starter.length > 0 ? [...before, process.execPath, ...tool] : tool
    const child = spawn(program, [...own, ...words], { cwd: ROOT, stdio: "pipe" })
    ends.push(() => child.kill("SIGKILL"))
    const said = Object.assign(child, { said: "", errors: "" })
    child.stdout.setEncoding("utf8").on("data", text => {
        said.said += text
    })
    child.stderr.setEncoding("utf8").on("data", text => {
        said.errors += text
    })
    return said
}
const ended = (child: ChildProcess) =>
    new Promise<number | null>(resolve => child.once("close", code => resolve(code)))

async function until(from: { said: string | (() => string) }, text: string | RegExp): Promise<void> {
    const end = Date.now() + 20_000
    const said = () => (typeof from.said === "string" ? from.said : from.said())
    const found = () => (typeof text === "string" ? said().includes(text) : text.test(said()))
    while (!found()) {
        if (Date.now() > end) throw new Error(`never ${text}, but\n${said()}`)
        await new Promise(done => setTimeout(done, 10))
    }
}

describe("npm run console", () => {
    test("--exec runs commands, and ends with exit code 1 at the first that fails", async () => {
        const good = start(["--exec", "memory; help wait"])
        expect(await ended(good)).toBe(0)
        const bad = start(["--exec", "frob; memory"])
        expect(await ended(bad)).toBe(1)
        expect(good.said).toMatch(
            /^> memory\n bytes {2}owner\n(.*\n)+> help wait\nusage: wait ID STATE \[MS\]\n/
        )
        expect(bad.said).toBe('> frob\nunknown command "frob"; help lists the commands\n')
        expect([good.errors, bad.errors]).toEqual(["", ""])
    })

    test("takes its commands from a pipe, where watch prints one table after the other", async () => {
        const child = start([])
        const done = ended(child)
        child.stdin!.write("watch connections\n")
        await until(child, /(id {4}local(.|\n)*?\n\n){2}/)
        child.stdin!.end("\nmemory\n")
        expect(await done).toBe(0)
        expect(child.said).toMatch(/\n bytes {2}owner\n/)
    })

    test.skipIf(withoutPython)(
        "on a terminal completes commands and IDs, keeps a history, and redraws a table in place",
        async () => {
            const child = start([], ["python3", "-u", join(ROOT, "test", "cli", "terminal.py")])
            const done = ended(child)
            const type = (text: string) => child.stdin!.write(text)
            await until(child, "Tab completes them")
            await until(child, "> ")
            type("mem\t")
            await until(child, "memory ")
            type("\r")
            await until(child, "in all")
            // the arrow up brings the last command back
            child.said = ""
            type("\x1b[A")
            await until(child, "memory")
            type("\x15close ")
            // the second Tab in a row shows what is possible
            const again = setInterval(() => type("\t"), 300)
            await until(child, /\n1\s+2\s*\n/).finally(() => clearInterval(again))
            type("\x15watch connections\r")
            // up over the table, and clear what is below
            await until(child, UP_AND_CLEAR)
            type("\r")
            child.said = ""
            type("help memory\r")
            await until(child, "usage: memory")
            type("\x04")
            expect(await done).toBe(0)
        }
    )
})

const serialPorts = await loadSerialPorts().catch(() => undefined)

describe("a board that goes", () => {
    test("with its simulator ends the console, and the command that it carries out", async () => {
        const other = await board()
        const { board: console, run } = await client(other.jacdacPort!)
        const sleeping = run("sleep 60000")
        const second = await open(other.jacdacPort!)
        expect(await second.run("help")).toEqual({
            done: false,
            lines: ["the board carries out a command of another console: try again later"],
        })
        const gone =
            "the connection to the board has ended: the simulator or devtools at its other end has closed it"
        setTimeout(() => void other.close(), 100)
        await expect(sleeping).rejects.toThrow(gone)
        await expect(run("help")).rejects.toThrow(gone)
        console.close()
    })

    test("silent is reported, also beside another one on its bus", async () => {
        const other = await board("--runtime", "vm,vm")
        ends.push(() => other.close())
        const refused = await client(other.jacdacPort!).catch((error: Error) => error.message)
        const [, id] =
            /^2 boards have a console: choose one by --device; they are ([\da-f]{16}), [\da-f]{16}$/.exec(
                refused as string
            ) ?? []
        const { run } = await open(other.jacdacPort!, id)
        expect((await run("memory")).done).toBe(true)
        for (const device of other.devices) device.stop()
        await expect(run("help")).rejects.toThrow(
            "the board has been silent for 4 s: its program has ended or hangs, or the cable is out"
        )
    })

    test.skipIf(withoutPython || (serialPorts === undefined && process.env.CI === undefined))(
        "from a serial line, which has carried commands and what the program prints, is reported at once",
        async () => {
            const line = spawn("python3", ["-u", join(ROOT, "test/deploy/serial_board.py"), String(port)])
            ends.push(() => line.kill())
            const path = await new Promise<string>(resolve =>
                line.stdout.once("data", text => resolve(String(text).trim()))
            )
            const child = start(["--port", path])
            const done = ended(child)
            child.stdin!.write("memory\n")
            await until(child, "in all")
            line.stdin.write("> printed by the program\nusb: not the program's\n")
            await until({ said: () => child.errors }, "printed by the program")
            line.stdin.end()
            expect(await done).toBe(1)
            expect(child.errors).toBe(
                "printed by the program\n" +
                    "the board is gone: the cable is out, or the board restarts; plug it in, and start the console again\n"
            )
        }
    )
})
