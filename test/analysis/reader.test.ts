// Reads capture files of every format, in pieces of any size; any bytes get a defined answer.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import fc from "fast-check"
import { afterAll, describe, expect, test } from "vitest"
import { gunzipped } from "../../sim/capture/gzip"
import { MAX_RECORD } from "../../sim/capture/packet"
import { CaptureReader, ReadError, type ReadResult, readCapture } from "../../sim/capture/reader"
import { cases } from "../support/property"
import { block, description, joined, pcap, pcapng, type Recorded, section } from "./files"

const folder = mkdtempSync(join(tmpdir(), "reader-"))
afterAll(() => rmSync(folder, { recursive: true }))

interface Read {
    packets: { time: bigint; bytes: number[]; length: number; linkType: number }[]
    result: ReadResult
}

/** Reads a file in pieces of `size` bytes. */
function read(file: Uint8Array, size = file.length): Read {
    const packets: Read["packets"] = []
    const reader = new CaptureReader(({ seconds, nanoseconds, bytes, length, linkType }) => {
        const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
        packets.push({ time, bytes: [...bytes], length, linkType })
    })
    for (let at = 0; at < file.length; at += size) if (!reader.push(file.subarray(at, at + size))) break
    return { packets, result: reader.end() }
}

const T = 1_790_000_000_000_000_000n
const packets: Recorded[] = [
    { time: T + 123_456_000n, bytes: Uint8Array.of(1, 2, 3, 4, 5) },
    { time: T + 999_999_000n, bytes: Uint8Array.of(6), length: 1500 },
    { time: T + 1_000_001_000n, bytes: Uint8Array.of() },
]
const expected = packets.map(({ time, bytes, length = bytes.length }) => ({
    time,
    bytes: [...bytes],
    length,
    linkType: 1,
}))

describe.each([true, false])("with the lower byte first: %s", little => {
    test.each([
        ["pcap", pcap(packets, { little })],
        ["pcap with nanoseconds", pcap(packets, { little, unit: 1n })],
        ["pcap, modified", pcap(packets, { little, modified: true })],
        ["pcapng", pcapng(packets, [{}], little)],
        ["pcapng", pcapng(packets, [{ resolution: 9 }], little)],
    ])("%s: packets, times and lengths, in pieces of any size", (format, file) => {
        for (const size of [1, 7, 24, file.length])
            expect(read(file, size)).toEqual({
                packets: expected,
                result: { format, packets: 3, damage: undefined },
            })
    })

    test.each([
        ["10^-3", 3, 1_000_000n],
        ["10^-6", 6, 1000n],
        ["10^-9", 9, 1n],
        ["2^-10", 0x8a, 976_562n],
        ["2^-32", 0xa0, 1n],
        ["whole seconds", 0, 1_000_000_000n],
    ])("a resolution of %s", (_name, resolution, unit) => {
        const time = T + 123_456_789n
        const [packet] = read(pcapng([{ time, bytes: Uint8Array.of(1) }], [{ resolution }], little)).packets
        const late = time - packet!.time
        expect(late >= 0n && late <= unit).toBe(true)
    })

    test("an offset of the times, also before 1970", () => {
        const offset = -1_000_000n
        const file = pcapng(packets, [{ offset }], little)
        expect(read(file).packets).toEqual(expected)
    })

    test("several interfaces and sections", () => {
        const interfaces = [
            { linkType: 1 },
            { linkType: 101, resolution: 9 },
            { linkType: 113, resolution: 3 },
        ]
        const list = [0, 1, 2, 1].map(iface => ({ time: T, bytes: Uint8Array.of(iface), iface }))
        const file = joined([pcapng(list, interfaces, little), pcapng(packets, [{}], !little)])
        expect(read(file).packets.map(packet => packet.linkType)).toEqual([1, 101, 113, 101, 1, 1, 1])
        expect(read(file).packets.every(packet => packet.time >= T)).toBe(true)
    })
})

test("simple packets have no time and obey the limit of their interface; obsolete ones are read; the rest is skipped", () => {
    const simple = block(true, 3, Uint8Array.of(9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8))
    const obsolete = block(
        true,
        2,
        Uint8Array.of(
            ...[0, 0, 0, 0],
            ...[0, 0, 0, 0],
            ...[64, 66, 15, 0],
            ...[2, 0, 0, 0],
            ...[2, 0, 0, 0],
            7,
            8
        )
    )
    const names = block(true, 4, new Uint8Array(40))
    const file = joined([section(true), description(true, { snapLength: 4 }), names, simple, obsolete, names])
    expect(read(file, 5).packets).toEqual([
        { time: 0n, bytes: [1, 2, 3, 4], length: 9, linkType: 1 },
        { time: 1_000_000_000n, bytes: [7, 8], length: 2, linkType: 1 },
    ])
})

describe("a file that is damaged", () => {
    const cut = (file: Uint8Array, end: number) => read(file.subarray(0, file.length + end)).result

    test.each([
        ["pcap, cut in a packet", cut(pcap(packets.slice(0, 2)), -1), 1, "ends in the middle of a record"],
        ["pcap, cut in a header", cut(pcap(packets), -1), 2, "ends in the middle of a record"],
        ["pcapng, cut", cut(pcapng(packets), -1), 2, "ends in the middle of a record"],
        [
            "pcapng, cut in a block that is skipped",
            cut(joined([pcapng(packets), block(true, 5, new Uint8Array(100))]), -50),
            3,
            "ends in the middle",
        ],
    ])("%s, is read as far as it goes", (_name, result, count, damage) => {
        expect(result.packets).toBe(count)
        expect(result.damage).toContain(damage)
    })

    test.each([
        [
            "a block of 13 bytes",
            joined([pcapng(packets), Uint8Array.of(6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0)]),
            3,
            /a block of 13 bytes/,
        ],
        [
            "a packet of no interface",
            joined([section(true), block(true, 6, new Uint8Array(20))]),
            0,
            /interface 0/,
        ],
        [
            "lengths that differ",
            joined([
                section(true),
                Uint8Array.of(1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0),
            ]),
            0,
            /differ/,
        ],
        [
            "an unknown byte order",
            joined([section(true), block(true, 0x0a0d0d0a, new Uint8Array(16))]),
            0,
            /byte order/,
        ],
    ])("%s: what came before is read", (_name, file, count, damage) => {
        const { result } = read(file)
        expect(result.packets).toBe(count)
        expect(result.damage).toMatch(damage)
    })

    test("damage before the first packet is called so", () => {
        const file = pcap([{ time: T, bytes: new Uint8Array(8) }])
        new DataView(file.buffer).setUint32(32, 0x7fffffff, true)
        expect(read(file).result.damage).toBe(
            "the file is damaged before its first packet: a packet of 2147483647 bytes"
        )
        expect(read(pcap(packets).subarray(0, 30)).result.damage).toBe(
            "the file ends in the middle of a record, before its first packet"
        )
    })

    test("a record longer than any packet is refused before it is read", () => {
        const file = pcap([{ time: T, bytes: new Uint8Array(8) }])
        new DataView(file.buffer).setUint32(32, MAX_RECORD + 1, true)
        expect(read(file).result.damage).toContain(`a packet of ${MAX_RECORD + 1} bytes`)
    })
})

test.each([
    ["no bytes", new Uint8Array(0), "it is empty"],
    ["text", new TextEncoder().encode("this is no capture at all, is it?"), "neither as pcap nor as pcapng"],
    ["a few bytes", Uint8Array.of(1, 2, 3, 4), "neither"],
    ["a file header that is cut", pcap(packets).subarray(0, 17), "the file ends within its file header"],
])("a file of %s is refused with a ReadError, as no capture", (_name, file, message) => {
    expect(() => read(file)).toThrow(ReadError)
    expect(() => read(file)).toThrow(message)
})

describe("from a file", () => {
    const path = join(folder, "capture")
    const readFile = async (file: Uint8Array) => {
        writeFileSync(path, file)
        let count = 0
        const result = await readCapture(path, () => count++)
        return { count, ...result }
    }

    test("plain and compressed", async () => {
        expect(await readFile(pcap(packets))).toMatchObject({ count: 3, damage: undefined })
        expect(await readFile(gzipSync(pcapng(packets)))).toMatchObject({ count: 3, damage: undefined })
    })

    test("compressed and cut: what came before is read", async () => {
        // bytes that cannot be compressed, as each piece of the file has to bring some
        const noise = Uint8Array.from({ length: 60_000 }, (_, i) => (i * i * 7919) >> 7)
        const many = Array.from({ length: 10 }, (_, i) => ({ time: T, bytes: noise.map(byte => byte ^ i) }))
        const file = gzipSync(pcap(many))
        const result = await readFile(file.subarray(0, file.length - 100))
        expect(result.damage).toContain("compressed file is damaged")
        expect(result.count).toBeGreaterThan(0)
    })

    const noise = Uint8Array.from({ length: 300 }, (_, i) => (i * i * 7919) >> 7)
    const whole = pcap([...packets, { time: T, bytes: noise }])
    const members = joined([gzipSync(whole.subarray(0, 50)), gzipSync(whole.subarray(50))])
    const { length } = gzipSync(whole)
    const wrong = gzipSync(whole)
    wrong[length - 8]! ^= 1
    const header = [0x1f, 0x8b, 8, 4 + 8 + 16 + 2, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9, 97, 0, 98, 0, 7, 7]
    test.each([
        ["several members", members, 4, undefined],
        [
            "all fields of the header",
            joined([Uint8Array.from(header), gzipSync(whole).subarray(10)]),
            4,
            undefined,
        ],
        ["zeros after the end", joined([gzipSync(whole), new Uint8Array(9)]), 4, undefined],
        [
            "other bytes after the end",
            joined([gzipSync(whole), noise.map(byte => byte | 1)]),
            4,
            /other bytes follow the end/,
        ],
        ["a wrong checksum", wrong, 4, /damaged: its checksum is wrong/],
        ["an end that is cut", gzipSync(whole).subarray(0, length - 3), 4, /cut short/],
    ])(
        "compressed, with %s: all packets are read, in pieces of any size",
        async (_name, file, count, damage) => {
            const result = await readFile(file)
            expect([result.count, result.damage ?? "none"]).toEqual([
                count,
                damage === undefined ? "none" : expect.stringMatching(damage),
            ])
            for (const size of [1, 2, 7, 100, length, length + 1]) {
                const bytes: number[] = []
                const pieces = async function* () {
                    for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size)
                }
                const all = async () => {
                    for await (const piece of gunzipped(pieces())) bytes.push(...piece)
                }
                if (damage === undefined) await all()
                else await expect(all()).rejects.toThrow(damage)
                expect(bytes).toEqual([...whole])
            }
        }
    )

    test.each([
        [
            "is none",
            Uint8Array.from([0x1f, 0x8b, 103, 97, 114, 98, 97, 103, 101]),
            /capture: the compressed file is damaged$/,
        ],
        ["ends in its header", Uint8Array.of(0x1f, 0x8b, 8), /capture: the compressed file is cut short$/],
    ])("compressed data that %s is called damaged, not empty", async (_name, file, message) => {
        await expect(readFile(file)).rejects.toThrow(message)
    })

    test.each([
        ["no such file", join(folder, "none"), "none: there is no such file"],
        ["a folder", folder, "that is a folder"],
    ])("%s", async (_name, name, message) => {
        await expect(readCapture(name, () => {})).rejects.toThrow(message)
    })
})

/** A valid file with some of its bytes changed. */
const damaged = fc
    .tuple(
        fc.constantFrom(pcap(packets), pcapng(packets), pcapng(packets, [{ resolution: 9 }], false)),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
        fc.nat(200)
    )
    .map(([file, changes, end]) => {
        const bytes = file.slice(0, Math.max(30, end))
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        return bytes
    })

test("any bytes get an answer, the same in pieces as whole", () => {
    fc.assert(
        fc.property(
            fc.oneof(damaged, fc.uint8Array({ maxLength: 100 })),
            fc.integer({ min: 1, max: 40 }),
            (file, size) => {
                const attempt = (pieces: number) => {
                    try {
                        return read(file, pieces)
                    } catch (error) {
                        expect(error).toBeInstanceOf(ReadError)
                        return (error as Error).message
                    }
                }
                expect(attempt(size)).toEqual(attempt(Math.max(1, file.length)))
            }
        ),
        cases(2000)
    )
})
