// Wireshark says the same of our own captures, segment by segment and flag by flag: tcp.analysis.* and tcp.stream.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { withoutTshark } from "../capture/tshark"
import { cli } from "../cli/cli"
import { compare, type Flag } from "./agreement"

const folder = mkdtempSync(join(tmpdir(), "agreement-"))
afterAll(() => rmSync(folder, { recursive: true }))

const text = "x".repeat(400)
const echo = (times: number) => `send 3 ${text}; sleep 40; read 3; sleep 15; `.repeat(times)
const burst = `${`send 3 ${text}; `.repeat(6)}sleep 500; read 3; `
const open = "connect 10.0.0.1 7; wait 3 ESTABLISHED; "

/** What a run does, and flags that its capture has to have, or the comparison would be of nothing. */
const runs: Record<string, { words: string[]; flags: Flag[] }> = {
    "the example on a good line": { words: ["--once"], flags: [] },
    "the example on a line with loss": {
        words: ["--once", "--impair", "loss=0.2,delay=20", "--seed", "7"],
        flags: ["retransmission"],
    },
    "a window that is shut and opened": {
        words: [
            "--exec",
            `${open}${`send 3 ${text}; sleep 300; `.repeat(5)}sleep 9000; read 3; sleep 3000; read 3; sleep 1000; close 3; sleep 1000`,
        ],
        flags: ["zero_window", "window_update", "zero_window_probe", "window_full"],
    },
    "every impairment at once": {
        words: [
            ...["--config", "receiveBuffer=4096,sendBuffer=4096", "--seed", "7"],
            ...["--impair", "loss=0.08,dup=0.05,reorder=0.1,corrupt=0.02,delay=15,jitter=8"],
            ...["--exec", `${open}${echo(24)}sleep 5000; close 3; sleep 5000`],
        ],
        flags: ["retransmission", "duplicate_ack", "lost_segment", "ack_lost_segment"],
    },
    "a line that reorders": {
        words: [
            ...[
                "--config",
                "receiveBuffer=8192,sendBuffer=8192",
                "--impair",
                "reorder=0.3,jitter=8",
                "--seed",
                "3",
            ],
            ...["--exec", `${open}${burst.repeat(3)}sleep 3000; close 3; sleep 3000`],
        ],
        flags: ["duplicate_ack"],
    },
    "two devices, each with an interface: every frame is there twice": {
        words: ["--runtime", "node,node", "--exec", "listen 5000; on 2 connect 10.0.0.2 5000; sleep 500"],
        flags: ["retransmission"],
    },
    "a port that is closed, and an abort": {
        words: [
            "--exec",
            `connect 10.0.0.1 81; sleep 500; ${open.replace("wait 3", "wait 4")}abort 4; sleep 500`,
        ],
        flags: [],
    },
}

describe.skipIf(withoutTshark)("tshark (needs to be installed) and we agree on", () => {
    test.each(Object.entries(runs))("%s", { timeout: 120_000 }, async (name, { words, flags }) => {
        const file = join(folder, `${name.replaceAll(/\W+/g, "-")}.pcapng`)
        const runtime = words.includes("--runtime") ? [] : ["--runtime", "node"]
        const { code, stderr } = await cli(...runtime, "--time", "virtual", "--pcap", file, ...words)
        expect(code, stderr).toBe(0)
        const { segments, counts, differences, result } = await compare(file)
        expect(differences).toEqual([])
        expect(result.damage).toBeUndefined()
        expect(segments).toBeGreaterThan(3)
        for (const flag of flags) expect(counts[flag], flag).toBeGreaterThan(0)
    })
})
