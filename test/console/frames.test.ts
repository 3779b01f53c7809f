// The serial console of a program against any bytes on its Jacdac bus, on DeviceScript's VM and on virtual time.

import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { JacdacBus } from "../../sim/device/jacdac"
import { VirtualClock } from "../../sim/time/clock"

const SERVERS = Uint8Array.from([0xe1, 0xda, 0xef, 0x9b, 0x47, 0xa2, 0xc0, 0xdd])
/** The service's index on the device of the program's servers, its command, and the parts of its reports. */
const CONSOLE = 1
const EXECUTE = 0x80
const PARTS = ["piece", "line", "success", "failure", "busy"]
/** The longest wait for an answer, ms of virtual time. */
const PATIENCE = 5000

const clock = new VirtualClock()
// the promise of a reply runs before the clock goes on
clock.settle.add(async () => {})
const bus = new JacdacBus()
const heard: string[] = []
const panics: string[] = []
/** A client of the program's service. */
const listener = {
    hear(frame: Uint8Array): void {
        const isReport = (frame[3]! & 1) === 0
        if (!isReport || SERVERS.some((byte, i) => frame[4 + i] !== byte)) return
        if (frame[13] !== CONSOLE || frame[14] !== 0x81) return
        const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
        const text = new TextDecoder().decode(frame.subarray(21, 16 + frame[12]!))
        heard.push(`${view.getUint32(16, true)} ${PARTS[frame[20]!]} ${text}`.trim())
    },
}
const device = new Device({
    clock,
    runtime: "vm",
    chip: new W5500Chip({ clock, send: () => {} }),
    program: "src/gallery/serial-console.ts",
    boot: { ip: "10.0.0.2/24", gateway: "", macAddress: "02:00:00:00:00:02" },
    seed: 7,
    jacdac: bus,
    onPanic: ({ message }) => void panics.push(message),
})

/** Returns a frame with one packet for the program's servers. */
function frame(service: number, command: number, data: Uint8Array, flags = 1): Uint8Array {
    const size = (4 + data.length + 3) & ~3
    const bytes = new Uint8Array(12 + size)
    bytes.set([0, 0, size, flags, ...SERVERS, data.length, service, command & 0xff, command >> 8])
    bytes.set(data, 16)
    const crc = crc16(bytes.subarray(2))
    bytes.set([crc & 0xff, crc >> 8])
    return bytes
}

/** CRC-16 as Jacdac has it: polynomial 0x1021, all ones at the start. */
function crc16(bytes: Uint8Array): number {
    let crc = 0xffff
    for (const byte of bytes) {
        crc ^= byte << 8
        for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
    }
    return crc
}

function send(bytes: Uint8Array): void {
    bus.carry(bytes, listener)
}

function execute(request: number, line: string | Uint8Array): void {
    const text = typeof line === "string" ? new TextEncoder().encode(line) : line
    send(frame(CONSOLE, EXECUTE, Uint8Array.from([request, 0, 0, 0, ...text])))
}

async function pass(ms: number): Promise<void> {
    await clock.runUntil(() => panics.length > 0, clock.now() + ms)
}

/** Waits for the end of a command. Returns its reports. */
async function answer(request: number): Promise<string[]> {
    const isEnd = (text: string) => text.startsWith(`${request} `) && /^\d+ (success|failure|busy)/.test(text)
    await clock.runUntil(() => heard.some(isEnd) || panics.length > 0, clock.now() + PATIENCE)
    return heard.splice(0).filter(text => text.startsWith(`${request} `))
}

beforeAll(async () => {
    bus.attach(listener)
    await device.start()
    await pass(2000)
}, 120_000)
afterAll(() => device.stop())
beforeEach(() => void heard.splice(0))

describe("the service", () => {
    test("answers each command with its lines and its end, in order", async () => {
        execute(1, "led on")
        expect(await answer(1)).toEqual(["1 line the led is on", "1 success"])
        execute(2, "led sideways")
        expect(await answer(2)).toEqual(['2 line led: "sideways" is neither on nor off', "2 failure"])
        execute(3, "connections")
        expect(await answer(3)).toEqual([
            expect.stringMatching(/^3 line id {4}local /),
            expect.stringMatching(/^3 line 1 {5}10\.0\.0\.2:80 +\* +LISTEN$/),
            "3 success",
        ])
        execute(4, "close 9")
        expect(await answer(4)).toEqual([
            '4 line close: no connection or listener "9": see connections',
            "4 failure",
        ])
        execute(5, "trace maybe")
        expect(await answer(5)).toEqual(['5 line trace: "maybe" is neither on nor off', "5 failure"])
        execute(6, "")
        expect(await answer(6)).toEqual(["6 success"])
    })

    test("refuses a command while another one runs, and answers at most one of many at once", async () => {
        execute(1, "help")
        for (let request = 2; request < 30; request++) execute(request, "help")
        await pass(2000)
        const ends = heard.filter(text => / (success|failure|busy)$/.test(text))
        expect(ends).toContain("1 success")
        expect(ends.filter(text => text.endsWith("busy")).length).toBeGreaterThan(0)
        for (const text of heard) expect(text).toMatch(/^(1 (line|success)|\d+ busy$)/)
        expect(panics).toEqual([])
    })

    test("closes and aborts what connections lists", async () => {
        execute(1, "abort 1")
        expect(await answer(1)).toEqual(["1 line listener 1: closed", "1 success"])
        execute(2, "ladder 1")
        expect(await answer(2)).toEqual([expect.stringMatching(/^2 line ladder: /), "2 failure"])
    })
})

test("any frame leaves the program running, and nothing of it stays in the heap", async () => {
    const word = fc.constantFrom(
        ...[
            "help",
            "status",
            "connections",
            "close",
            "abort",
            "ladder",
            "trace",
            "led",
            "on",
            "off",
            "1",
            "-1",
        ],
        ...["99999999999", "\n", "\x00", "é", "𝄞", "  "]
    )
    const line = fc.oneof(
        fc.array(word, { maxLength: 6 }).map(words => new TextEncoder().encode(words.join(" "))),
        fc.uint8Array({ maxLength: 232 })
    )
    const packet = fc.oneof(
        line.map(text => frame(CONSOLE, EXECUTE, Uint8Array.from([1, 0, 0, 0, ...text.subarray(0, 232)]))),
        fc
            .record({
                service: fc.integer({ min: 0, max: 3 }),
                command: fc.oneof(
                    fc.constantFrom(EXECUTE, 0x81, 0x1101, 0x2101),
                    fc.integer({ min: 1, max: 0xffff })
                ),
                data: fc.uint8Array({ maxLength: 236 }),
                flags: fc.constantFrom(0, 1, 1, 1, 3, 5),
            })
            // 0x81 of the control service restarts the device, which is what it is for
            .filter(({ service, command }) => service !== 0 || command !== 0x81)
            .map(({ service, command, data, flags }) => frame(service, command, data, flags)),
        // what is no packet
        fc.uint8Array({ minLength: 13, maxLength: 252 })
    )
    const sleepy = async () => {
        execute(9, "stats")
        await answer(9)
        return (await device.liveHeap()).used
    }
    const before = await sleepy()
    await fc.assert(
        fc.asyncProperty(fc.array(packet, { maxLength: 4 }), async packets => {
            for (const bytes of packets) send(bytes)
            await pass(1500)
            heard.splice(0)
            execute(7, "led on")
            expect(await answer(7)).toEqual(["7 line the led is on", "7 success"])
            expect(panics).toEqual([])
        }),
        { numRuns: 150 }
    )
    execute(8, "trace off")
    await answer(8)
    expect(await sleepy()).toBeLessThanOrEqual(before + 200)
})
