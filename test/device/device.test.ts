import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import type { BootOptions } from "../../src/boot"
import type { Mac } from "../../src/mac/mac"

beforeEach(() => {
    // a program of its own for each test, on a clock of its own
    vi.useFakeTimers()
    vi.resetModules()
})

afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
})

/** What the program has said, and the device it started. */
async function boot(options: Partial<BootOptions>, driver: Partial<Mac> = {}) {
    const core = await import("@devicescript/core")
    const { boot: defaults } = await import("../../src/boot")
    const { lines } = await import("../../src/device/command-hook")
    const { startDevice } = await import("../../src/device/device")
    const { consoleOf } = await import("../../src/device/console")
    const { controlOf } = await import("../../src/device/control")
    const said: string[] = []
    for (const level of ["log", "warn", "error"] as const) {
        vi.spyOn(console, level).mockImplementation(
            (...words) => void said.push(`${level}: ${words.join(" ")}`)
        )
    }
    let address: Uint8Array | undefined
    const mac: Mac = {
        address: core.Buffer.alloc(6),
        counters: core.Buffer.alloc(32),
        linkUp: true,
        multicast: false,
        start: async () => {},
        receive: async () => 0,
        send: async () => true,
        rest: ms => core.sleep(ms),
        ...driver,
    }
    const make = (given: Uint8Array) => {
        address = given
        return mac
    }
    /** Runs a line as the host does, in a fiber. */
    const command = (line: string) =>
        new Promise<{ status: number; text: string[] }>(resolve => {
            const text: string[] = []
            core.Fiber.start(async () => {
                resolve({ status: await lines.run(line, words => void text.push(words)), text })
            })
        })
    const start = () =>
        startDevice(
            make,
            { ...defaults, ip: "10.0.0.2/24", gateway: "", trace: false, ...options },
            options.control ? controlOf : consoleOf
        )
    /** Starts it in a fiber, and lets time pass. */
    const run = async (ms: number) => {
        core.Fiber.start(start)
        await vi.advanceTimersByTimeAsync(ms)
    }
    return { said, start, run, command, mac, address: () => address && Array.from(address) }
}

describe("settings of the device", () => {
    test.each([
        [
            { ip: "10.0.0.2" },
            'ip "10.0.0.2" is not an address with a prefix length of 1 to 32, as 10.0.0.2/24 is',
        ],
        [{ ip: "10.0.0.2/33" }, 'ip "10.0.0.2/33" is not an address with a prefix length of 1 to 32'],
        [{ ip: "10.0.0/24" }, 'ip "10.0.0/24" is not an address'],
        [{ ip: "" }, 'ip "" is not an address'],
        [{ ip: "10.0.0.0/24" }, `ip "10.0.0.0/24" cannot be a host's address`],
        [{ ip: "10.0.0.255/24" }, `ip "10.0.0.255/24" cannot be a host's address`],
        [{ ip: "127.0.0.1/8" }, `ip "127.0.0.1/8" cannot be a host's address`],
        [{ ip: "224.0.0.1/24" }, `ip "224.0.0.1/24" cannot be a host's address`],
        [{ ip: "0.0.0.1/24" }, `ip "0.0.0.1/24" cannot be a host's address`],
        [{ gateway: "router" }, 'gateway "router" is not an IPv4 address'],
        [{ gateway: "10.0.1.1" }, "gateway 10.0.1.1 is not another host in the network of 10.0.0.2/24"],
        [{ gateway: "10.0.0.2" }, "gateway 10.0.0.2 is not another host in the network of 10.0.0.2/24"],
        [{ gateway: "10.0.0.255" }, "gateway 10.0.0.255 is not another host in the network of 10.0.0.2/24"],
        [{ macAddress: "02:00" }, `macAddress "02:00" is not a station's address, as 02:00:00:00:00:02 is`],
        [{ macAddress: "03:00:00:00:00:01" }, `macAddress "03:00:00:00:00:01" is not a station's address`],
        [{ macAddress: "00:00:00:00:00:00" }, `macAddress "00:00:00:00:00:00" is not a station's address`],
        [
            { config: { conections: 5 } },
            'unknown configuration key "conections"; known: connections, halfOpen',
        ],
        [{ config: { mtu: 2000 } }, "mtu must be a whole number from 576 to 1500, not 2000"],
        [{ config: { listeners: 1 } }, "cannot serve port 80 (ENOBUFS): raise listeners"],
        [
            { config: { connections: 16, receiveBuffer: 4096 } },
            "bytes of heap, but about 36200 are free: lower connections, receiveBuffer or sendBuffer",
        ],
        [{ heap: 30000 }, "but about 9200 are free: lower connections, receiveBuffer or sendBuffer"],
    ])(
        "boot options %j are fatal, reported once, and each command gets the reason",
        async (options, message) => {
            const { start, said, command } = await boot(options)
            await expect(start()).rejects.toThrow(message)
            expect(said).toHaveLength(1)
            expect(said[0]).toContain("error: fatal: ")
            expect(said[0]).toContain(message)
            const reply = command("help")
            await vi.advanceTimersByTimeAsync(0)
            const { status, text } = await reply
            expect(status).toBe(1)
            expect(text.join()).toContain("the device did not start: ")
            expect(text.join()).toContain(message)
        }
    )

    test("a configuration that does not fit is reported with the bytes it needs", async () => {
        const { start } = await boot({ config: { connections: 16, receiveBuffer: 4096 } })
        await expect(start()).rejects.toThrow(/^config needs \d{5} bytes of heap, but/)
    })
})

describe("a device", () => {
    test("prints its addresses and services, and serves", async () => {
        const { run, said, command, address } = await boot({
            macAddress: "02:00:00:00:00:2a",
            gateway: "10.0.0.1",
        })
        await run(100)
        expect(said).toEqual([
            expect.stringMatching(
                /^log: 10\.0\.0\.2\/24, 02:00:00:00:00:2a, echo on port 7, page on port 80, 8 connections, \d+ bytes of buffers, link up$/
            ),
        ])
        expect(address()).toEqual([2, 0, 0, 0, 0, 0x2a])
        const reply = command("connections")
        await vi.advanceTimersByTimeAsync(100)
        const { status, text } = await reply
        expect(status).toBe(0)
        expect(text.slice(1).map(row => row.split(/ +/).slice(1))).toEqual([
            ["10.0.0.2:7", "*", "LISTEN"],
            ["10.0.0.2:80", "*", "LISTEN"],
        ])
    })

    test("makes an Ethernet address of its device number, the same each time", async () => {
        const { run, address } = await boot({})
        await run(100)
        const first = address()!
        expect(first[0]).toBe(2)
        expect(first.slice(1).some(byte => byte !== 0)).toBe(true)
        vi.resetModules()
        const again = await boot({})
        await again.run(100)
        expect(again.address()).toEqual(first)
    })

    test("serves nothing with services=false", async () => {
        const { run, said, command } = await boot({ services: false })
        await run(100)
        expect(said[0]).toContain(", no services, ")
        const reply = command("connections")
        await vi.advanceTimersByTimeAsync(100)
        expect((await reply).text).toHaveLength(1)
    })

    test("under control serves nothing and answers the control protocol", async () => {
        const { run, said, command } = await boot({ control: true })
        await run(100)
        expect(said[0]).toContain(", controlled by another program, ")
        for (const [line, reply, status] of [
            ["listen 7", "ok 1", 0],
            ["accept 1", "none", 0],
            ["help", "err unknown command", 1],
            ["quit", "ok", 0],
        ] as const) {
            const answer = command(line)
            await vi.advanceTimersByTimeAsync(20)
            expect(await answer).toEqual({ status, text: [reply] })
        }
    })

    test("prints events from the start with trace=true", async () => {
        const { run, said, command } = await boot({ trace: true })
        await run(100)
        const reply = command("connect 10.0.0.1 7")
        await vi.advanceTimersByTimeAsync(20)
        await reply
        expect(said[1]).toMatch(/^log: 0\.\d{3} #3 CLOSED -> SYN-SENT$/)
    })

    test("holds command lines that come early until it is up", async () => {
        const { run, command, mac } = await boot({}, { linkUp: false })
        let answered = false
        void command("connect 10.0.0.1 7").then(({ text }) => {
            answered = text.join().startsWith("connection 3: ")
        })
        await run(500)
        expect(answered).toBe(false)
        mac.linkUp = true
        await vi.advanceTimersByTimeAsync(100)
        expect(answered).toBe(true)
    })

    test("starts without a link after 3 s, and reports it", async () => {
        const { run, said } = await boot({}, { linkUp: false })
        await run(2900)
        expect(said).toEqual([])
        await vi.advanceTimersByTimeAsync(200)
        expect(said[0]).toMatch(/, no link: is the cable in\?$/)
    })

    test("starts without a link after 3 s, and reports what the driver knows of it", async () => {
        const noLink = 'no link: ENONET, there is no network "home" here: look at its name'
        const { run, said } = await boot({}, { linkUp: false, noLink })
        await run(3100)
        expect(said[0]).toMatch(
            / bytes of buffers, no link: ENONET, there is no network "home" here: look at its name$/
        )
    })

    test.each([
        [undefined, "ENETDOWN, there is no link: is the cable in?"],
        ["no link: EACCES, the password", "ENETDOWN, no link: EACCES, the password"],
    ])("a call of a program without a link throws ENETDOWN; the driver knows %s", async (noLink, why) => {
        const { startNetwork } = await import("../../src/socket/interface")
        const { mac } = await boot({}, { linkUp: false, ...(noLink === undefined ? {} : { noLink }) })
        const net = await startNetwork({ mac: () => mac, ip: "10.0.0.2/24" })
        const { Fiber } = await import("@devicescript/core")
        let thrown: unknown
        Fiber.start(async () => {
            try {
                await net.find("10.0.0.1", 500, "call: ")
            } catch (error) {
                thrown = error
            }
        })
        await vi.advanceTimersByTimeAsync(1000)
        expect(thrown).toMatchObject({ code: "ENETDOWN", message: `call: ${why}` })
    })

    test("starts its driver again after 5 s when the chip does not answer", async () => {
        let attempts = 0
        const { run, said, command } = await boot(
            {},
            {
                start: async () => {
                    if (++attempts < 3) throw new Error("W5500: check power, reset, CS, SCK, MOSI, MISO")
                },
            }
        )
        await run(9000)
        expect(said).toEqual([
            "error: W5500: check power, reset, CS, SCK, MOSI, MISO; trying again",
            "error: W5500: check power, reset, CS, SCK, MOSI, MISO; trying again",
        ])
        // what needs no chip works meanwhile
        const reply = command("connections")
        await vi.advanceTimersByTimeAsync(100)
        expect((await reply).text).toHaveLength(3)
        await vi.advanceTimersByTimeAsync(2000)
        expect(attempts).toBe(3)
        expect(said[2]).toContain("link up")
    })

    test("does not spin when rest() of a driver that has not started returns at once", async () => {
        let waits = 0
        const { run } = await boot(
            {},
            {
                start: async () => {
                    throw new Error("no chip")
                },
                rest: async () => void waits++,
            }
        )
        await run(4000)
        expect(waits).toBeLessThan(500)
    })
})
