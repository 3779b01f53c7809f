// Asks tshark what it makes of a capture: the judge of our files and frames that is not ours.

import { execFileSync } from "node:child_process"
import { isInstalled } from "../support/installed"

/**
 * Tests that need tshark are skipped (and shown as such) where it is absent, except in CI, which installs it: there
 * they fail.
 */
export const withoutTshark = !isInstalled("tshark") && !process.env.CI

/** What tshark prints for a file with these further arguments. */
export function tshark(file: string, ...args: string[]): string {
    return execFileSync("tshark", ["-r", file, ...args], {
        encoding: "utf8",
        env: { ...process.env, TZ: "UTC", LC_ALL: "C.UTF-8" },
        stdio: ["ignore", "pipe", "ignore"],
        maxBuffer: 64 * 1024 * 1024,
    })
}

/** The values of these fields, packet by packet; several values of one field in one packet are joined by `|`. */
export function fields(file: string, ...names: string[]): string[][] {
    const args = names.flatMap(name => ["-e", name])
    const format = ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
    const checks = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"]
    const settings = [...checks.map(check => `${check}:TRUE`), "tcp.relative_sequence_numbers:FALSE"]
    const text = tshark(file, ...settings.flatMap(setting => ["-o", setting]), ...format, ...args)
    return text
        .split("\n")
        .slice(0, -1)
        .map(line => line.split("\t"))
}
