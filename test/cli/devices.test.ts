// Several devices on one network, each driven by itself.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, expect, test } from "vitest"
import { fields, withoutTshark } from "../capture/tshark"
import { Cli, cli } from "./cli"

const folder = mkdtempSync(join(tmpdir(), "cli-devices-"))
let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const THREE = ["--runtime", "node,vm,node"]
const TALK =
    "on 2 connect 10.0.0.2 7; on 2 wait 3 ESTABLISHED; on 2 send 3 from vm; sleep 100; on 2 read 3; " +
    "on 3 connect 10.0.0.3 7; on 3 wait 3 ESTABLISHED; on 3 send 3 to vm; sleep 100; on 3 read 3; on 2 connections"

test("one device on the VM and two on Node connect to each other", async () => {
    const { code, stdout, stderr } = await cli(...THREE, "--exec", TALK)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toContain("> on 2 read 3\nfrom vm\n")
    expect(stdout).toContain("> on 3 read 3\nto vm\n")
    expect(stdout).toMatch(/10\.0\.0\.3:7 +10\.0\.0\.4:\d+ +ESTABLISHED/)
})

test("--json names the device of each event, and both ends of a connection have its numbers", async () => {
    const { stdout } = await cli(...THREE, "--json", "--exec", TALK)
    const events = stdout
        .trimEnd()
        .split("\n")
        .map(line => JSON.parse(line))
        .filter(({ event }) => event === "segment")
    expect(new Set(events.map(event => event.device))).toEqual(new Set([1, 2, 3]))
    const syn = (device: number, direction: string) =>
        events.find(
            event => event.device === device && event.direction === direction && event.flags === "SYN"
        )
    expect(syn(2, "out")).toMatchObject({ local: syn(1, "in").remote, seq: syn(1, "in").seq })
    expect(syn(3, "out")).toMatchObject({ local: syn(2, "in").remote, seq: syn(2, "in").seq })
})

test.skipIf(withoutTshark)(
    "a capture has an interface for each device, with the frames of that device only",
    async () => {
        const file = join(folder, "three.pcapng")
        expect(await cli(...THREE, "--pcap", file, "--exec", TALK)).toMatchObject({ code: 0 })
        const seen = fields(file, "frame.interface_name", "ip.src", "ip.dst", "tcp.port")
        const of = (name: string) => seen.filter(([from, , , port]) => from === name && port !== "")
        for (const [name, ip] of [
            ["w5500", "10.0.0.2"],
            ["w5500-2", "10.0.0.3"],
            ["w5500-3", "10.0.0.4"],
        ] as const) {
            expect(of(name).length).toBeGreaterThan(4)
            for (const [, source, destination] of of(name)) expect([source, destination]).toContain(ip)
        }
    }
)

test("a command for a device that does not exist is refused", async () => {
    for (const name of ["0", "4", "x"]) {
        const { code, stdout } = await cli(...THREE, "--exec", `on ${name} help`)
        expect({ code, stdout }).toEqual({
            code: 1,
            stdout: `> on ${name} help\nno device ${name}: use 1 to 3\n`,
        })
    }
})

test("--control with two devices drives each by its number", async () => {
    device = new Cli("--control", "--runtime", "node,vm")
    expect(await device.ask("on 2 listen 80")).toBe("ok 1")
    expect(await device.ask("connect 10.0.0.3 80")).toBe("ok 1")
    let accepted = await device.ask("on 2 accept 1")
    while (accepted === "none") accepted = await device.ask("on 2 accept 1")
    expect(accepted).toBe("ok 2")
    expect(await device.ask("state 1")).toBe("ok ESTABLISHED")
    expect(await device.ask("on 3 state 1")).toBe("err no device 3: use 1 to 2")
    expect(await device.ask("quit")).toBe("ok")
    expect(await device.ended).toBe(0)
})
