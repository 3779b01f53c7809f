// A second opinion on every frame the tests of a file make the stack send: Wireshark's dissectors.

import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { Capture } from "../../sim/capture/pcapng"
import { isInstalled } from "./installed"

const frames: { frame: Uint8Array; time: number }[] = []
const seen = new Set<string>()

/** Remembers a frame for `tsharkAgrees`; one that differs from another in nothing but addresses is kept once. */
export function record(frame: Uint8Array, time: number): void {
    if (frames.length >= 20_000) return
    const key = String.fromCharCode(...frame.subarray(14, 120))
    if (seen.has(key)) return
    seen.add(key)
    frames.push({ frame: Uint8Array.from(frame), time })
}

const found = isInstalled("tshark")

/** What is wrong with a frame in Wireshark's eyes: not to be dissected, or a checksum that does not fit. */
const WRONG = [
    "_ws.malformed",
    "_ws.short",
    "ip.checksum.status != 1",
    "tcp.checksum.status != 1",
    "udp.checksum.status == 0",
    "icmp.checksum.status != 1",
    "_ws.expert.severity == error",
].join(" || ")

const PREFERENCES = [
    "tcp.check_checksum:TRUE",
    "ip.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
    // each frame by itself: they come from many tests
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
]

/** Our data is a pattern, and none of the protocols that it may look like. */
const DATA = ["-d", "tcp.port==1-65535,data", "-d", "udp.port==1-65535,data"]

/** Returns fields of the frames that fit a display filter, as Wireshark's dissectors see them, by frame; undefined where it is missing. */
export function dissectedBy(
    all: readonly { frame: Uint8Array; time: number }[],
    filter: string,
    fields: readonly string[]
): string[][] | undefined {
    if (!found && process.env.CI === undefined) return undefined
    const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-"))
    try {
        const path = join(folder, "frames.pcapng")
        const capture = Capture.open(path, { epochMs: 0 })
        const iface = capture.interface("stack")
        for (const { frame, time } of all) capture.packet(iface, Math.abs(time), frame)
        capture.close()
        const words = fields.flatMap(field => ["-e", field])
        const { stdout } = spawnSync("tshark", ["-n", "-r", path, "-Y", filter, "-T", "fields", ...words], {
            encoding: "utf8",
            maxBuffer: 1 << 26,
        })
        return stdout
            .split("\n")
            .filter(line => line !== "")
            .map(line => line.split("\t"))
    } finally {
        rmSync(folder, { recursive: true })
    }
}

/**
 * To be called at the end of a test file: one more test, of all frames that those before it recorded. With `protocol`, a
 * display filter, what UDP carries is taken apart as well, and some of it has to be of that protocol.
 */
export function tsharkAgrees(protocol?: string): void {
    // test files that share a process share this module, too
    beforeAll(() => {
        frames.length = 0
        seen.clear()
    })
    // where the project is checked, the tool has to be there
    test.skipIf(!found && process.env.CI === undefined)(
        "tshark finds nothing wrong with what was sent",
        () => {
            expect(frames.length).toBeGreaterThan(0)
            const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-"))
            try {
                const path = join(folder, "frames.pcapng")
                const capture = Capture.open(path, { epochMs: 0 })
                const iface = capture.interface("stack")
                for (const { frame, time } of frames) capture.packet(iface, Math.abs(time), frame)
                capture.close()
                const data = protocol === undefined ? DATA : []
                const options = [...data, ...PREFERENCES.flatMap(preference => ["-o", preference])]
                const fields = ["frame.number", "_ws.col.Info"].flatMap(field => ["-e", field])
                const run = (filter: string) =>
                    spawnSync(
                        "tshark",
                        ["-n", "-r", path, ...options, "-Y", filter, "-T", "fields", ...fields],
                        {
                            encoding: "utf8",
                            maxBuffer: 1 << 26,
                        }
                    )
                const result = run(WRONG)
                expect(result.status, result.stderr).toBe(0)
                expect(result.stdout.split("\n").filter(line => line !== "")).toEqual([])
                if (protocol !== undefined) expect(run(protocol).stdout).not.toBe("")
            } finally {
                rmSync(folder, { recursive: true })
            }
        }
    )
}
