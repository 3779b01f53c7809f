import { describe, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device, type Reply } from "../../sim/device/device"
import type { Panic } from "../../sim/device/runtime"
import { BuiltinHost, serveEcho } from "../../sim/host/host"
import type { Port } from "../../sim/link/port"
import { EthernetSwitch } from "../../sim/link/switch"
import { VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"
import type { BootOptions } from "../../src/boot"
import { heapFor } from "../../src/device/memory"
import { Config } from "../../src/tcp/config"

/** Long enough for any line here, ms of virtual time. */
const PATIENCE = 300_000

/**
 * Runs lines on a device at 10.0.0.2 with the echo server 10.0.0.1 beside it; gives each line with its status, what it
 * printed, and what the program said meanwhile. Throws what the program ended with.
 */
async function session(
    runtime: "vm" | "node",
    lines: string[],
    boot: Partial<BootOptions> = {}
): Promise<string[]> {
    const clock = new VirtualClock()
    // the promise of a reply runs before the clock goes on
    clock.settle.add(async () => {})
    const random = new Random(7)
    const ethernet = new EthernetSwitch(clock, { random: random.fork("segment") })
    let plug: Port | undefined
    const chip = new W5500Chip({ clock, send: frame => plug!.send(frame) })
    plug = ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
    const mac = "02:00:00:00:00:01"
    const host = new BuiltinHost({
        clock,
        link: ethernet,
        name: "peer",
        ip: "10.0.0.1",
        prefix: 24,
        mac,
        random,
    })
    serveEcho(host, clock)
    const said: string[] = []
    let panic: Panic | undefined
    const device = new Device({
        clock,
        runtime,
        chip,
        boot: { ip: "10.0.0.2/24", gateway: "", macAddress: "02:00:00:00:00:02", trace: false, ...boot },
        seed: 7,
        onLog: (level, text) => {
            if (/^(\d+\.\d+ |fatal|10\.0\.0\.2)/.test(text)) said.push(`${level}: ${text}`)
        },
        onPanic: ended => {
            panic = ended
        },
    })
    await device.start()
    for (const line of lines) {
        let reply: Reply | undefined
        device.command(line).then(
            value => {
                reply = value
            },
            () => {}
        )
        await clock.runUntil(() => reply !== undefined || panic !== undefined, clock.now() + PATIENCE)
        if (panic !== undefined) throw new Error(panic.message)
        if (reply === undefined) throw new Error(`no reply to "${line}"`)
        said.push(`${reply.status} ${line}`, ...reply.lines)
    }
    device.stop()
    host.stop()
    return said
}

test("the console prints the same on the VM and on Node", async () => {
    const lines = [
        "help",
        "connections",
        "memory",
        "trace on",
        "connect 10.0.0.1 7",
        "wait 3 established",
        "send 3 hello\\n\\x00",
        "sleep 100",
        "trace off",
        "read 3",
        "read 3",
        "listen 8 echo",
        "listen 8",
        "connect 10.0.0.1 9",
        "wait 5 established",
        "connections",
        "neighbours",
        "ladder 3",
        "shutdown 3",
        "wait 3 time-wait",
        "read 3",
        "close 3",
        "abort 5",
        "close 4",
        "wait 3 closed 100",
        "wait 3 closed 60000",
        "ladder 5",
        "stats",
        "connect example.com 80",
        "frob",
    ]
    const vm = await session("vm", lines)
    expect(vm).toEqual(await session("node", lines))
    expect(vm).toContain("hello\\n")
    expect(vm).toContain("\\x00")
    expect(vm).toContain(
        "wait: connection 5 is CLOSED: ECONNREFUSED, nobody listens on that port: start the server, or look at the port's number"
    )
    expect(vm).toContain("wait: connection 3 is TIME-WAIT after 100 ms")
    expect(vm).toContain("1 frob")
    expect(vm.filter(line => /^log: \d+\.\d{3} #3 /.test(line)).length).toBeGreaterThan(6)
})

test("the control protocol returns the same on the VM and on Node", async () => {
    const lines = [
        "connect 10.0.0.1 7",
        "state 1",
        "listen 7",
        "accept 2",
        "frob",
        "recv 1",
        "send 1 9999",
        "quit",
    ]
    const vm = await session("vm", lines, { control: true })
    expect(vm).toEqual(await session("node", lines, { control: true }))
    expect(vm.slice(1)).toEqual([
        "0 connect 10.0.0.1 7",
        "ok 1",
        "0 state 1",
        expect.stringMatching(/^ok (SYN-SENT|ESTABLISHED)$/),
        "0 listen 7",
        "ok 2",
        "0 accept 2",
        "none",
        "1 frob",
        "err unknown command",
        "0 recv 1",
        "ok 0 open",
        "0 send 1 9999",
        "ok 1024",
        "0 quit",
        "ok",
    ])
})

/**
 * The bytes of heap that a device is told. The VM has 65,520, of which boards/host/pipe.ts takes 4,300: with so many told, as few
 * are left as on the RP2040 with its 57,000.
 */
const heap = 61000

// a program that takes 131,072 operations without an await ends
describe("commands with much output on the VM", () => {
    test("send and recv of 30,000 bytes stay within the VM's limit of operations", async () => {
        const config = { connections: 1, receiveBuffer: 30000, sendBuffer: 1500, timeWait: 1 }
        const lines = ["connect 10.0.0.1 7"]
        for (let i = 0; i < 20; i++) lines.push("send 1 1500", "state 1", "state 1", "state 1", "state 1")
        const small = await session("vm", [...lines, "recv 1"], {
            control: true,
            heap,
            config,
        })
        expect(small.at(-1)).toMatch(/^ok \d+ open$/)
        const turned = { connections: 1, receiveBuffer: 1500, sendBuffer: 30000 }
        const large = await session("vm", [...lines.slice(0, 1), "send 1 60000"], {
            control: true,
            heap,
            config: turned,
        })
        expect(large.at(-1)).toBe("ok 30000")
    })

    test("the longest lines, tables and ladders stay within the VM's limit of operations", async () => {
        const config = { connections: 60, halfOpen: 60, events: 526, sendBuffer: 64, receiveBuffer: 64 }
        const lines = ["connect 10.0.0.1 7", "wait 3 established", "trace on"]
        for (let i = 0; i < 57; i++) lines.push("connect 10.0.0.77 7")
        const all = [
            "connections",
            "neighbours",
            "stats",
            "memory",
            "ladder 3",
            "wait 9 syn-sent",
            "sleep 5000",
            "trace off",
        ]
        const said = await session("vm", [...lines, ...all, `send 3 ${"\\x41".repeat(120)}`], {
            heap,
            config,
        })
        expect(said.at(-1)).toBe("64 of 120 bytes queued")
        expect(said.filter(line => line.includes(" 10.0.0.77:7 ")).length).toBeGreaterThan(50)
    })

    test("3,000 unprintable bytes are printed within the VM's limit of operations", async () => {
        const config = { connections: 2, receiveBuffer: 6000, sendBuffer: 6000 }
        const lines = ["connect 10.0.0.1 7", "wait 3 established"]
        for (let i = 0; i < 25; i++) lines.push(`send 3 ${"\\x01".repeat(120)}`, "sleep 50")
        const said = await session("vm", [...lines, "read 3"], { config })
        const read = said.slice(said.indexOf("0 read 3") + 1)
        expect(read.join("")).toBe("\\x01".repeat(3000))
    })
})

describe("the largest configuration that the check of memory accepts", () => {
    const room = 40200

    /** The configuration that is made by the largest number which still fits. */
    function largest(shape: (n: number) => { [key: string]: number }): { [key: string]: number } {
        let n = 64
        const bytes = (value: number) => heapFor({ ...new Config(), ...shape(value) })
        while (bytes(n + 1) <= room) n++
        return shape(n)
    }

    test.each([
        ["large rings of eight connections", (n: number) => ({ receiveBuffer: n })],
        ["one large ring", (n: number) => ({ connections: 1, receiveBuffer: n })],
        ["many connections", (n: number) => ({ connections: n, receiveBuffer: 64, sendBuffer: 64 })],
        ["many events", (n: number) => ({ events: n })],
        [
            "some of all",
            (n: number) => ({
                connections: 30,
                halfOpen: 100,
                neighbours: 100,
                receiveBuffer: n,
                sendBuffer: 64,
            }),
        ],
    ])("%s: the device runs, and its commands print", async (_name, shape) => {
        const lines = ["help", "memory", "trace on", "connect 10.0.0.1 7", "wait 3 established"]
        lines.push(`send 3 ${"\\x41".repeat(120)}`, "sleep 50", "read 3", "trace off")
        lines.push(
            "connect 10.0.0.1 9",
            "connections",
            "neighbours",
            "stats",
            "ladder 3",
            `send 3 ${"x".repeat(490)}`
        )
        const said = await session("vm", lines, { heap, config: largest(shape) })
        expect(said.at(-1)).toMatch(/^\d+ of 490 bytes queued$/)
    })
})

test("a configuration that does not fit is refused with the settings to lower, on both runtimes", async () => {
    const config = { connections: 16, receiveBuffer: 4096 }
    for (const runtime of ["vm", "node"] as const) {
        await expect(session(runtime, ["help"], { config })).rejects.toThrow(
            /config needs \d+ bytes of heap, but about \d+ are free: lower connections, receiveBuffer or sendBuffer/
        )
    }
})
