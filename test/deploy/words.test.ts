// What is read before anything is sent: options, settings, serial ports.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { DeployError } from "../../sim/deploy/error"
import { parseDeployOptions } from "../../sim/deploy/options"
import { Progress } from "../../sim/deploy/progress"
import { choosePort, loadSerialPorts, openProblem, type Port, portsOf } from "../../sim/deploy/serial"
import { readSettings } from "../../sim/deploy/settings"
import { OptionError } from "../../sim/options/error"

describe("options of npm run deploy", () => {
    test("none has the defaults, all have their values", () => {
        expect(parseDeployOptions([])).toEqual({
            board: readBoard(),
            file: { kind: "program", path: "src/main.ts" },
            route: { kind: "serial", path: undefined },
            device: undefined,
            settings: true,
            patience: 10_000,
        })
        const words =
            "src/examples/hello.ts --board pico_w5500 --port tcp://[::1]:9 --device AB12 --no-settings --timeout 3"
        expect(parseDeployOptions(words.split(" "))).toEqual({
            board: readBoard("pico_w5500"),
            file: { kind: "program", path: "src/examples/hello.ts" },
            route: { kind: "tcp", host: "::1", port: 9 },
            device: "AB12",
            settings: false,
            patience: 3000,
        })
        expect(parseDeployOptions(["--port", "devtools"]).route).toEqual({
            kind: "tcp",
            host: "127.0.0.1",
            port: 8082,
        })
        expect(parseDeployOptions(["--port", "/dev/ttyACM0"]).route).toEqual({
            kind: "serial",
            path: "/dev/ttyACM0",
        })
        expect(parseDeployOptions(["--port", "COM3"]).route).toEqual({ kind: "serial", path: "COM3" })
    })

    test.each([
        ["x.hex", "x.hex is neither a program (.ts) nor an image (.devs)"],
        ["x.devs", "x.devs does not exist"],
        ["src/x.ts", "src/x.ts does not exist"],
        ["src/main.ts y.ts", 'unexpected argument "y.ts" (--help lists the options)'],
        [
            "--port http://x:1",
            "--port http://x:1 is not valid; use a serial port, devtools or tcp://HOST:PORT",
        ],
        ["--port tcp://x:0", "--port tcp://x:0 is not valid; use a serial port, devtools or tcp://HOST:PORT"],
        [
            "--port tcp://x:65536",
            "--port tcp://x:65536 is not valid; use a serial port, devtools or tcp://HOST:PORT",
        ],
        [
            "--device xyz",
            "--device xyz is neither a board's hexadecimal number nor its short name; write one as AB12",
        ],
        ["--timeout 0", "--timeout 0 is not a whole number of seconds from 1 to 600"],
        ["--timeout 601", "--timeout 601 is not a whole number of seconds from 1 to 600"],
        ["--timeout x", "--timeout x is not a whole number of seconds from 1 to 600"],
        ["--prot x", "unknown option '--prot' (Did you mean --port?) (--help lists the options)"],
    ])("%s is refused: %s", (line, message) => {
        expect(() => parseDeployOptions(line.split(" "))).toThrow(new OptionError(message))
    })
})

describe("settings of a project's .env files", () => {
    const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-settings-"))
    afterAll(() => rmSync(folder, { recursive: true }))

    function read(defaults: string, local = ""): Record<string, unknown> {
        writeFileSync(join(folder, ".env.defaults"), defaults)
        writeFileSync(join(folder, ".env.local"), local)
        const texts = [...readSettings(folder)].map(([key, value]) => {
            return [key, value && JSON.parse(new TextDecoder().decode(value))]
        })
        return Object.fromEntries(texts)
    }

    test.each([
        ["", {}],
        ["# NAME=x\n\n  # more\n", {}],
        ["NAME=pico", { NAME: "pico" }],
        ["NAME = pico in the kitchen \r\nPORT=80\r\n", { NAME: "pico in the kitchen", PORT: 80 }],
        ["ON=true\nLIST=[1, 2]\nZIP=007", { ON: true, LIST: [1, 2], ZIP: "007" }],
        ["NAME=pico # in the kitchen", { NAME: "pico" }],
        ['NAME="no #1 = \\"x\\"" # first', { NAME: 'no #1 = "x"' }],
        ["URL=http://h/?a=b", { URL: "http://h/?a=b" }],
        ["NAME=", { NAME: undefined }],
        ["NAME=ü", { NAME: "ü" }],
    ])("%j is read as %j", (text, settings) => {
        expect(read(text)).toEqual(settings)
    })

    test(".env.local counts before .env.defaults", () => {
        expect(read("A=1\nB=1", "B=2\nC=2")).toEqual({ A: 1, B: 2, C: 2 })
        expect(readSettings(join(folder, "nowhere"))).toEqual(new Map())
    })

    test.each([
        ["A=1\nNAME", ".env.defaults, line 2: the line is not NAME=VALUE"],
        ["=x", ".env.defaults, line 1: the line is not NAME=VALUE"],
        ["A B=x", ".env.defaults, line 1: the line is not NAME=VALUE"],
        [
            "A_LONG_NAME_AB=1",
            ".env.defaults, line 1: the name A_LONG_NAME_AB has 14 letters; a setting takes at most 13",
        ],
        [
            `A=${"x".repeat(233)}`,
            ".env.defaults, line 1: the value of A has 235 bytes; a setting takes at most 234",
        ],
    ])("%j is refused: %s", (text, message) => {
        expect(() => read(text)).toThrow(new DeployError(message))
    })

    test("any text is read, or refused in words", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary", maxLength: 200 }), text => {
                try {
                    read(text)
                } catch (error) {
                    expect(error).toBeInstanceOf(DeployError)
                }
            }),
            // each writes files
            { numRuns: 50 }
        )
    })
})

describe("serial ports of npm run deploy", () => {
    const pico: Port = {
        path: "/dev/ttyACM0",
        vendorId: "2e8a",
        productId: "000a",
        manufacturer: "Raspberry Pi",
    }
    const esp: Port = { path: "/dev/ttyACM1", vendorId: "303A", productId: "4001" }
    const modem: Port = { path: "/dev/ttyS0" }

    test("the only board, or the one that was asked for, is chosen", () => {
        expect(choosePort([modem, pico], undefined)).toBe(pico)
        expect(choosePort([modem, esp], undefined)).toBe(esp)
        expect(choosePort([modem, pico, esp], "/dev/ttyACM1")).toBe(esp)
        expect(choosePort([modem, pico], "/dev/ttyS0")).toBe(modem)
        // another name of a port, as /dev/serial/by-id has them, is not in the list
        const other = import.meta.filename
        expect(choosePort([modem, pico], other)).toEqual({ path: other })
    })

    test.each([
        [[], undefined, /^no board is plugged in: connect one .* over USB, or set --port$/],
        [[modem], undefined, /^no board is plugged in: .* --port; the ports are \/dev\/ttyS0$/],
        [
            [pico, modem, esp],
            undefined,
            /^2 boards are plugged in: choose one by --port; the ports are \/dev\/ttyACM0 \(Raspberry Pi\), \/dev\/ttyACM1$/,
        ],
        [[pico], "COM9", /^no serial port is named COM9; the ports are \/dev\/ttyACM0 \(Raspberry Pi\)$/],
    ])("%j with --port %s is refused", (ports, wanted, message) => {
        expect(() => choosePort(ports, wanted)).toThrow(message)
        expect(() => choosePort(ports, wanted)).toThrow(DeployError)
    })
})

describe("a port that cannot be opened says what to do", () => {
    test.each([
        [
            "Error: Permission denied, cannot open /dev/ttyACM0",
            "you have no permission to open /dev/ttyACM0: on Linux join the group dialout (sudo usermod -aG dialout $USER), and log in again",
        ],
        [
            "Error Resource temporarily unavailable Cannot lock port",
            "another program uses /dev/ttyACM0: close it, or use --port devtools if it is npx devicescript devtools --serial",
        ],
        [
            "Opening /dev/ttyACM0: Access denied",
            "another program uses /dev/ttyACM0: close it, or use --port devtools if it is npx devicescript devtools --serial",
        ],
        [
            "Error: No such file or directory, cannot open /dev/ttyACM0",
            "there is no /dev/ttyACM0: is the board plugged in?",
        ],
        [
            "Error: Inappropriate ioctl for device",
            "/dev/ttyACM0 cannot be opened: Inappropriate ioctl for device",
        ],
    ])("%s", (message, advice) => expect(openProblem("/dev/ttyACM0", message)).toBe(advice))
})

test("progress is printed a line a step, and counts on a terminal", () => {
    const written = (isTTY: boolean) => {
        let text = ""
        const progress = new Progress({
            isTTY,
            write: (more: unknown) => {
                text += more
                return true
            },
        })
        progress.show("one")
        for (const part of [0, 0.001, 0.5, 0.505, 1]) progress.show("two", part)
        progress.end()
        progress.end()
        return text
    }
    expect(written(false)).toBe("one ...\ntwo ...\n")
    expect(written(true)).toBe("one ...\ntwo ...\rtwo ... 0 %\rtwo ... 50 %\rtwo ... 100 %\n")
})

const serialPorts = process.platform === "linux" ? await loadSerialPorts().catch(() => undefined) : undefined

describe.skipIf(serialPorts === undefined)(
    "serial ports that cannot be listed, as udevadm is not installed",
    () => {
        const path = process.env.PATH
        beforeEach(() => {
            process.env.PATH = ""
        })
        afterEach(() => {
            process.env.PATH = path
        })

        test("are an error that names --port", async () => {
            const why =
                "the serial ports cannot be listed (spawn udevadm ENOENT): set --port to the board's port, as --port /dev/ttyACM0"
            await expect(portsOf(serialPorts!, undefined)).rejects.toThrow(new DeployError(why))
        })

        test("are not needed when --port names the board's", async () => {
            expect(await portsOf(serialPorts!, "/dev/ttyACM0")).toEqual([{ path: "/dev/ttyACM0" }])
        })
    }
)
