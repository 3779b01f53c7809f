// A test file's bed: a namespace, its kernel's sockets, and devices on TAPs in it, all captured.

import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { compare } from "../../analysis/agreement"
import { Cli } from "../../cli/cli"
import { Controlled } from "./controlled"
import { Kernel } from "./kernel"
import { missing, Namespace } from "./namespace"

/** What is wrong with a frame that the device sent: not to be dissected, or a checksum that does not fit. */
const WRONG = [
    "_ws.malformed",
    "_ws.short",
    "ip.checksum.status != 1",
    "tcp.checksum.status != 1",
    "icmp.checksum.status != 1",
].join(" || ")

export class Bed {
    readonly namespace = new Namespace()
    readonly kernel = new Kernel(this.namespace)
    private readonly folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-linux-"))
    private readonly devices = new Set<Cli>()
    private captures: string[] = []
    private ports = 5000
    /** All captures in one. */
    private readonly merged = join(this.folder, "all.pcapng")

    /** The TAP that a device gets; it is gone with the device. */
    get tap(): string {
        return `tap:tap0@${this.namespace.name}`
    }

    /** A port that no test has used: what an earlier one left in TIME-WAIT is not met. */
    port(): number {
        return ++this.ports
    }

    /** A new file for a capture, which `judge` will look at. */
    capture(): string {
        const path = join(this.folder, `${this.captures.length}.pcapng`)
        this.captures.push(path)
        return path
    }

    /** A device that serves echo on port 7, discard on port 9 and the page on port 80. */
    async server(runtime: string, ...words: string[]): Promise<Cli> {
        const device = this.start(runtime, words)
        await device.until(stdout => stdout.includes("serves echo"))
        device.type("listen 9 discard")
        await device.until(stdout => stdout.includes("> listen 9 discard"))
        return device
    }

    /** A device that the test drives. */
    async driven(runtime: string, ...words: string[]): Promise<Controlled> {
        const device = this.start(runtime, ["--control", ...words])
        // it answers once it runs
        await device.ask("state 1")
        return new Controlled(device)
    }

    /** Ends the devices: their captures are complete then, and their TAPs gone. */
    async endDevices(): Promise<void> {
        for (const device of this.devices) {
            device.signal("SIGTERM")
            await device.ended
        }
        this.devices.clear()
    }

    /** What tshark finds wrong in what devices sent since the last time, in lines. */
    judge(): string[] {
        const merged = this.merged
        expect(this.captures.length).toBeGreaterThan(0)
        output("mergecap", ["-w", merged, ...this.captures])
        this.captures = []
        const preferences = [
            "tcp.check_checksum:TRUE",
            "ip.check_checksum:TRUE",
            "tcp.desegment_tcp_streams:FALSE",
        ]
        // an answer in chunks is no error where a segment of it is looked at alone
        const alone = ["--disable-protocol", "http"]
        const words = ["-n", "-r", merged, ...alone, ...preferences.flatMap(preference => ["-o", preference])]
        const found = (filter: string) => {
            const lines = output("tshark", [...words, "-Y", filter, "-T", "fields", "-e", "_ws.col.Info"])
            return lines.split("\n").filter(line => line !== "")
        }
        // else nothing would be wrong
        expect(found("eth.src == 02:00:0a:00:00:02 && tcp").length).toBeGreaterThan(0)
        return found(`eth.src == 02:00:0a:00:00:02 && (${WRONG})`)
    }

    /** What our analysis and tshark's say differently of all that `judge` has looked at, in lines. */
    async differences(): Promise<string[]> {
        return (await compare(this.merged)).differences
    }

    async close(): Promise<void> {
        await this.endDevices()
        await this.namespace.remove()
        rmSync(this.folder, { recursive: true })
    }

    private start(runtime: string, words: string[]): Cli {
        const device = new Cli("--runtime", runtime, "--link", this.tap, "--pcap", this.capture(), ...words)
        this.devices.add(device)
        return device
    }
}

/** Tests against the kernel, with a bed of their own; the last looks at all that was captured. */
export function withKernel(name: string, tests: (bed: () => Bed) => void): void {
    describe.skipIf(missing() !== undefined)(name, () => {
        let bed: Bed | undefined
        beforeAll(() => {
            bed = new Bed()
        })
        afterEach(async () => await bed?.endDevices())
        afterAll(async () => await bed?.close())
        tests(() => bed!)
        test("tshark finds nothing wrong in what the device sent", () => {
            expect(bed!.judge()).toEqual([])
        })
        test("our analysis of what was captured is tshark's", { timeout: 120_000 }, async () => {
            expect(await bed!.differences()).toEqual([])
        })
    })
}

function output(program: string, words: string[]): string {
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8", maxBuffer: 1 << 28 })
    // a capture that ends in the middle of something is a failure too
    if (status !== 0) throw new Error(`${program} gives ${status}: ${stderr}`)
    return stdout
}
