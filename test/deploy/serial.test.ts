// A board on a serial port: the port is a pseudo-terminal, the bytes on it are those of DeviceScript's firmware over USB.

import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { buildImage, ROOT } from "../../sim/build/build"
import { deploy } from "../../sim/deploy/deploy"
import { loadSerialPorts, serialTransport } from "../../sim/deploy/serial"
import { withoutPython } from "../peers/python"
import { Bus } from "./board"

const ID = "1989f4eee0ebe206"

const serialPorts = await loadSerialPorts().catch(() => undefined)
if (serialPorts === undefined)
    console.warn("serialport cannot be had here: the test of serial ports is skipped")

describe.skipIf(withoutPython || (serialPorts === undefined && process.env.CI === undefined))(
    "a serial port",
    () => {
        let folder: string
        let image: Uint8Array
        beforeAll(async () => {
            folder = mkdtempSync(join(ROOT, "test", "programs", "scratch-"))
            writeFileSync(join(folder, "main.ts"), 'console.log("here I am")\n')
            const path = join(folder, "main.ts").slice(ROOT.length)
            image = readFileSync((await buildImage([path], "scratch-serial")).image)
        })
        afterAll(() => rmSync(folder, { recursive: true }))

        const ends: (() => unknown)[] = []
        afterEach(async () => {
            for (const end of ends.splice(0).reverse()) await end()
        })

        it("carries a deploy to the board at its other end", async () => {
            const bus = await Bus.open()
            ends.push(() => bus.close())
            const board = bus.plug(ID)
            const line = spawn(
                "python3",
                ["-u", join(ROOT, "test/deploy/serial_board.py"), String(bus.port)],
                {
                    stdio: "pipe",
                }
            )
            ends.push(() => ended(line))
            const path = await new Promise<string>(resolve =>
                line.stdout.once("data", text => resolve(String(text).trim()))
            )
            console.debug = () => {}
            const found = await deploy(serialTransport(serialPorts!, { path }), {
                image,
                settings: new Map(),
                device: undefined,
                patience: 10_000,
                onProgress: () => {},
            })
            expect(found).toBe(ID)
            expect(board.log).toContain("> here I am")
        })
    }
)

function ended(child: ChildProcess): Promise<unknown> {
    child.stdin?.end()
    return new Promise(resolve => child.once("close", resolve))
}
