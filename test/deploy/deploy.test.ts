// `npm run deploy`: a program and settings go over a Jacdac bus onto DeviceScript's own VM, which keeps them in its flash.

import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { buildImage, ROOT } from "../../sim/build/build"
import { deploy } from "../../sim/deploy/deploy"
import { DeployError } from "../../sim/deploy/error"
import { SocketTransport } from "../../sim/deploy/socket"
import { client } from "../console/client"
import { commandWords } from "../support/command"
import { type Board, Bus } from "./board"

const ID = "1989f4eee0ebe206"
const OTHER = "70f5db0c23a4b611"
const setting = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const patience = 10_000

let folder: string
let path: string
let image: Uint8Array
beforeAll(async () => {
    folder = mkdtempSync(join(ROOT, "test", "programs", "scratch-"))
    path = `${folder.slice(ROOT.length)}/main.ts`
    // what its board has of a setting is the first that it says
    writeFileSync(
        join(ROOT, path),
        `import { readSetting } from "@devicescript/settings"
console.log("I am " + (await readSetting("NAME", "nobody")) + " on port " + (await readSetting("PORT", 7)))
`
    )
    image = readFileSync((await buildImage([path], "scratch-deploy")).image)
})
afterAll(() => rmSync(folder, { recursive: true }))

let bus: Bus
beforeEach(async () => {
    console.debug = () => {}
    bus = await Bus.open()
})
afterEach(() => bus.close())

async function says(board: Board, line: string): Promise<void> {
    const end = Date.now() + 20_000
    while (!board.log.some(said => said.includes(line))) {
        if (Date.now() > end) throw new Error(`never "${line}", but\n${board.log.join("\n")}`)
        await new Promise(done => setTimeout(done, 10))
    }
}

interface Own {
    settings?: Map<string, Uint8Array | undefined>
    device?: string
    patience?: number
    onProgress?: (what: string, part?: number) => void
    image?: Uint8Array
    port?: number
}

function send({ port = bus.port, ...own }: Own = {}): Promise<string> {
    return deploy(new SocketTransport("127.0.0.1", port), {
        image,
        settings: new Map(),
        device: undefined,
        patience,
        onProgress: () => {},
        ...own,
    })
}

describe("npm run deploy of a program", () => {
    test("sends it with its settings, and the board runs it again after a loss of power", async () => {
        const board = bus.plug(ID)
        const steps = new Map<string, number[]>()
        const onProgress = (what: string, part?: number) => {
            steps.set(what, [...(steps.get(what) ?? []), ...(part === undefined ? [] : [part])])
        }
        const settings = new Map([
            ["NAME", setting("pico")],
            ["PORT", setting(80)],
        ])
        expect(await send({ settings, onProgress })).toBe(ID)
        await says(board, "I am pico on port 80")
        const what = `sending the program, ${image.length.toLocaleString("en")} bytes`
        expect([...steps.keys()]).toEqual([
            "connecting",
            "looking for the board",
            "stopping the old program",
            "comparing the program on the board",
            what,
            "sending settings",
            "starting the program",
        ])
        const parts = steps.get(what)!
        expect([parts[0], parts.at(-1)]).toEqual([0, 1])
        expect(parts).toEqual([...parts].sort((a, b) => a - b))
        // the power goes and comes
        const { flash } = board
        board.off()
        const again = bus.plug(ID, flash)
        await says(again, "I am pico on port 80")
    })

    test("that the board has already sends its settings only, and removes one without a value", async () => {
        const board = bus.plug(ID)
        await send({ settings: new Map([["NAME", setting("one")]]) })
        await says(board, "I am one on port 7")
        const steps: string[] = []
        const onProgress = (what: string) => steps.push(what)
        await send({ settings: new Map([["NAME", setting("two")]]), onProgress })
        await says(board, "I am two on port 7")
        expect(steps).toContain("the board has this program already")
        expect(steps.some(what => what.startsWith("sending the program"))).toBe(false)
        await send({ settings: new Map([["NAME", undefined]]) })
        await says(board, "I am nobody on port 7")
    })

    test("sends it to the one of two boards that is asked for by either name", async () => {
        const boards = [bus.plug(ID), bus.plug(OTHER)]
        const refused = await send().catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(DeployError)
        const named =
            /^2 boards are on this bus: choose one by --device; they are (\w{16}) \((\w{4})\), (\w{16}) \((\w{4})\)$/
        const [, first, , second, short = ""] = named.exec((refused as Error).message)!
        expect([first, second].sort()).toEqual([ID, OTHER].sort())
        expect(await send({ device: short })).toBe(second)
        await says(boards.find(({ id }) => id === second)!, "I am nobody")
        expect(await send({ device: ID.slice(-6) })).toBe(ID)
        await says(boards[0]!, "I am nobody")
        await expect(send({ device: "1234", patience: 2000 })).rejects.toThrow(
            /^board 1234 is not on this bus; the boards are /
        )
    })
})

describe("a deploy that fails reports", () => {
    test("that no program listens at the port", async () => {
        const { port } = bus
        await bus.close()
        await expect(send({ port })).rejects.toThrow(
            new RegExp(
                `^no program answers at 127.0.0.1:${port} \\(ECONNREFUSED\\): start npx devicescript devtools`
            )
        )
        bus = await Bus.open()
    })

    test("that no board answers", async () => {
        await expect(send({ patience: 2000 })).rejects.toThrow(
            /^no board with DeviceScript answers within 2 s: is the firmware on the board/
        )
    })

    test("while doing what a board fell silent", async () => {
        const board = bus.plug(ID)
        const onProgress = (_: string, part?: number) => {
            if (part !== undefined && part > 0.1) board.deaf = true
        }
        await expect(send({ patience: 2000, onProgress })).rejects.toThrow(/while sending the program/)
    })

    test("that the program ends at once", async () => {
        const board = bus.plug(ID)
        const own = join(folder, "failing.ts")
        writeFileSync(own, 'throw new Error("not today")\n')
        const failing = readFileSync((await buildImage([own.slice(ROOT.length)], "scratch-failing")).image)
        await expect(send({ image: failing })).rejects.toThrow(
            /^the board has the program, but the program does not run: npx devicescript devtools --serial --logging shows/
        )
        expect(board.log.join("\n")).toContain("not today")
        await send()
        await says(board, "I am nobody")
    })
})

describe("npm run console reports", () => {
    test("that the board's program has no serial console, or that the board has no program", async () => {
        bus.plug(ID)
        await expect(client(bus.port, undefined, 2000)).rejects.toThrow(
            /^board 1989f4eee0ebe206 \(WS42\) has no program: npm run deploy -- src\/main-serial.ts puts one on it$/
        )
        await send()
        await expect(client(bus.port, ID, 2000)).rejects.toThrow(
            /^board 1989f4eee0ebe206 \(WS42\) runs a program without the serial console: npm run deploy /
        )
    })

    test("that no board answers, and that no simulator runs", async () => {
        await expect(client(bus.port, undefined, 1500)).rejects.toThrow(
            /^no board with DeviceScript answers within 1.5 s/
        )
        const { port } = bus
        await bus.close()
        await expect(client(port)).rejects.toThrow(/^no program answers at 127.0.0.1:\d+ \(ECONNREFUSED\)/)
        bus = await Bus.open()
    })
})

describe("npm run deploy on the command line", () => {
    function run(
        words: string[],
        cwd = ROOT
    ): Promise<{ code: number | null; stdout: string; stderr: string }> {
        return new Promise(resolve => {
            const child = spawn(process.execPath, [...commandWords("deploy"), ...words], { cwd })
            const said = { stdout: "", stderr: "" }
            for (const name of ["stdout", "stderr"] as const) {
                child[name].setEncoding("utf8").on("data", text => {
                    said[name] += text
                })
            }
            child.on("close", code => resolve({ code, ...said }))
        })
    }

    test("builds the program, sends it with the project's settings, and prints the board", async () => {
        const board = bus.plug(ID)
        const project = mkdtempSync(join(tmpdir(), "devicescript-tcp-deploy-"))
        writeFileSync(join(project, ".env.defaults"), "# the project's\nNAME=project\nPORT=8080\n")
        writeFileSync(join(project, ".env.local"), "NAME=mine\n")
        mkdirSync(join(project, "x"))
        const port = `tcp://127.0.0.1:${bus.port}`
        const done = await run([join(ROOT, path), "--port", port], project)
        expect(done).toMatchObject({ code: 0, stderr: "" })
        expect(done.stdout).toMatch(/^connecting \.\.\.\nlooking for the board \.\.\.\n/)
        expect(done.stdout).toMatch(new RegExp(`\\n${path} runs on board ${ID}\\n$`))
        await says(board, "I am mine on port 8080")
        writeFileSync(join(project, ".env.local"), "NAME\n")
        expect(await run([join(ROOT, path), "--port", port], project)).toEqual({
            code: 1,
            stdout: "",
            stderr: ".env.local, line 1: the line is not NAME=VALUE\n",
        })
        rmSync(project, { recursive: true })
    })

    test("refuses a file that no board accepts", async () => {
        const file = join(folder, "bad.devs")
        writeFileSync(file, "no image")
        const { code, stdout, stderr } = await run([file])
        expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
        expect(stderr).toMatch(/bad\.devs is not an image that a board accepts: /)
        expect(await run(["nothing.devs"])).toEqual({
            code: 2,
            stdout: "",
            stderr: "nothing.devs does not exist\n",
        })
    })
})
