// The command line, as a user starts it, against a host written in Python that knows nothing of us.

import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { withoutPython } from "./python"

const PEER = join(import.meta.dirname, "wire_peer.py")
const ROOT = join(import.meta.dirname, "../..")

let started: ChildProcess[] = []
afterEach(() => {
    for (const child of started) child.kill()
    started = []
})

/** A process with what it says so far. */
class Talker {
    output = ""
    readonly exit: Promise<number | null>

    constructor(command: string, args: string[]) {
        const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] })
        started.push(child)
        child.stdout.on("data", data => (this.output += data))
        child.stderr.on("data", data => (this.output += data))
        this.exit = new Promise((resolve, reject) => {
            child.on("exit", code => resolve(code))
            child.on("error", reject)
        })
    }

    /** Waits until it has said this. */
    async says(text: string): Promise<void> {
        while (!this.output.includes(text)) {
            const code = await Promise.race([
                this.exit,
                new Promise<undefined>(r => setTimeout(() => r(undefined), 20)),
            ])
            if (code !== undefined && !this.output.includes(text)) {
                throw new Error(`it ended with ${code} and said: ${this.output}`)
            }
        }
    }
}

describe.skipIf(withoutPython)("a Python host at the other end of a stream link (python3 needed)", () => {
    test.each(["vm", "node"])(
        "meets the device on %s: ARP, ping, connect, echo, close, reset",
        async runtime => {
            const folder = mkdtempSync(join(tmpdir(), "wire-"))
            try {
                const socket = join(folder, "x.sock")
                const peer = new Talker("python3", [PEER, `unix:${socket}`])
                await peer.says("listening")
                const device = new Talker(process.execPath, [
                    "--import",
                    "tsx",
                    "sim/cli.ts",
                    ...["--runtime", runtime, "--link", `stream:unix:${socket}`, "--ip", "10.0.0.2/24"],
                ])
                expect({ code: await peer.exit, output: peer.output }).toEqual({
                    code: 0,
                    output: expect.stringMatching(
                        /arp: .*\nping: 0 .*\nping: 1 .*\nping: 56 .*\nping: 1472 .*\nconnect: .*\necho: 600 .*\nclose: .*\nclosed port: RST\nall well\n$/
                    ),
                })
                // the other end is gone: so does the device
                expect(await device.exit, device.output).toBe(0)
            } finally {
                rmSync(folder, { recursive: true })
            }
        }
    )
})
