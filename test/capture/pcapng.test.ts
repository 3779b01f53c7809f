import fs from "node:fs"
import os from "node:os"
import path from "node:path"
import fc from "fast-check"
import { afterAll, describe, expect, it, vi } from "vitest"
import { Capture, CaptureError, HELD_PACKETS } from "../../sim/capture/pcapng"
import { arp, tcp } from "../view/packets"
import { fields, tshark, withoutTshark } from "./tshark"

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pcapng-"))
let files = 0
const newFile = () => path.join(folder, `${files++}.pcapng`)
afterAll(() => fs.rmSync(folder, { recursive: true }))

const EPOCH = Date.UTC(2026, 0, 2, 3, 4, 5)
const syn = tcp({ seq: 4321, flags: "S" })
const synAck = tcp({ source: "10.0.0.1", destination: "10.0.0.2", seq: 8800, ack: 4322, flags: "SA" })

interface Block {
    type: number
    body: DataView
    bytes: Uint8Array
}

/** Walks the blocks by the rules every reader goes by, and fails where a file breaks them. */
function blocksOf(file: string): Block[] {
    const bytes = new Uint8Array(fs.readFileSync(file))
    const view = new DataView(bytes.buffer)
    const blocks: Block[] = []
    for (let at = 0; at < bytes.length; ) {
        const length = view.getUint32(at + 4, true)
        expect(length % 4).toBe(0)
        expect(view.getUint32(at + length - 4, true)).toBe(length)
        const inner = bytes.slice(at + 8, at + length - 4)
        blocks.push({ type: view.getUint32(at, true), body: new DataView(inner.buffer), bytes: inner })
        at += length
    }
    return blocks
}

function options(block: Block, at: number): [number, Uint8Array][] {
    const found: [number, Uint8Array][] = []
    for (let from = at; from < block.bytes.length; ) {
        const code = block.body.getUint16(from, true)
        const length = block.body.getUint16(from + 2, true)
        if (code === 0) {
            expect([length, from + 4]).toEqual([0, block.bytes.length])
            break
        }
        found.push([code, block.bytes.slice(from + 4, from + 4 + length)])
        from += 4 + ((length + 3) & ~3)
    }
    return found
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("the bytes of a capture", () => {
    it("are a section header, the interfaces and the packets", () => {
        const file = newFile()
        const capture = Capture.open(file, { epochMs: EPOCH, application: "test 1.0" })
        const eth = capture.interface("eth0", "the board")
        capture.packet(eth, 1500.25, Uint8Array.of(1, 2, 3, 4, 5), {
            direction: "in",
            comments: ["one", "zwei ö"],
        })
        capture.close()
        const [section, iface, packet, ...more] = blocksOf(file)
        expect(more).toEqual([])
        expect(section!.type).toBe(0x0a0d0d0a)
        expect(section!.body.getUint32(0, true)).toBe(0x1a2b3c4d)
        expect([section!.body.getUint16(4, true), section!.body.getUint16(6, true)]).toEqual([1, 0])
        expect(section!.body.getBigInt64(8, true)).toBe(-1n)
        expect(options(section!, 16).map(([code, value]) => [code, text(value)])).toEqual([[4, "test 1.0"]])
        expect([iface!.type, iface!.body.getUint32(0, true), iface!.body.getUint32(4, true)]).toEqual([
            1, 1, 0,
        ])
        const [name, description, resolution] = options(iface!, 8)
        expect([name![0], text(name![1])]).toEqual([2, "eth0"])
        expect([description![0], text(description![1])]).toEqual([3, "the board"])
        expect(resolution).toEqual([9, Uint8Array.of(9)])
        const { body } = packet!
        const time = (BigInt(body.getUint32(4, true)) << 32n) | BigInt(body.getUint32(8, true))
        expect([packet!.type, body.getUint32(0, true)]).toEqual([6, 0])
        expect(time).toBe(BigInt(EPOCH) * 1_000_000n + 1_500_250_000n)
        expect([body.getUint32(12, true), body.getUint32(16, true)]).toEqual([5, 5])
        expect([...packet!.bytes.slice(20, 28)]).toEqual([1, 2, 3, 4, 5, 0, 0, 0])
        const [one, two, flags] = options(packet!, 28)
        expect([text(one![1]), text(two![1]), flags]).toEqual([
            "one",
            "zwei ö",
            [2, Uint8Array.of(1, 0, 0, 0)],
        ])
    })

    it("have any frames and comments, and are the same for the same times", () => {
        const packets = fc.array(
            fc.record({
                frame: fc.uint8Array({ maxLength: 100 }),
                time: fc.double({ min: 0, max: 1e9, noNaN: true }),
                direction: fc.constantFrom("in" as const, "out" as const, undefined),
                comments: fc.array(fc.string({ unit: "grapheme" }), { maxLength: 3 }),
            }),
            { maxLength: 40 }
        )
        fc.assert(
            fc.property(packets, list => {
                const write = () => {
                    const file = newFile()
                    const capture = Capture.open(file, { epochMs: EPOCH })
                    const eth = capture.interface("eth0")
                    for (const { frame, time, ...rest } of list) capture.packet(eth, time, frame, rest)
                    capture.close()
                    return file
                }
                const file = write()
                const written = blocksOf(file).slice(2)
                expect(written.length).toBe(list.length)
                written.forEach((block, n) => {
                    const { frame, comments } = list[n]!
                    expect(block.bytes.slice(20, 20 + frame.length)).toEqual(frame)
                    const found = options(block, 20 + ((frame.length + 3) & ~3)).filter(
                        ([code]) => code === 1
                    )
                    expect(found.map(([, value]) => text(value))).toEqual(comments)
                })
                expect(fs.readFileSync(write())).toEqual(fs.readFileSync(file))
            }),
            { numRuns: 50 }
        )
    })

    it("have a comment that is too long for an option cut at a whole character", () => {
        const file = newFile()
        const capture = Capture.open(file)
        capture.packet(capture.interface("eth0"), 0, syn, { comments: [`x${"é".repeat(40_000)}`] })
        capture.close()
        const [comment] = options(blocksOf(file)[2]!, 20 + ((syn.length + 3) & ~3))
        expect(text(comment![1])).toBe(`x${"é".repeat(32_767)}`)
    })
})

describe("a capture file", () => {
    const commentsIn = (file: string) =>
        blocksOf(file)
            .slice(2)
            .map(block => {
                const length = block.body.getUint32(12, true)
                return options(block, 20 + ((length + 3) & ~3)).map(([, value]) => text(value))
            })

    it("takes a comment on a packet until HELD_PACKETS later ones have come", () => {
        const file = newFile()
        const capture = Capture.open(file)
        const eth = capture.interface("eth0")
        const first = capture.packet(eth, 0, syn)
        for (let n = 1; n < HELD_PACKETS; n++) capture.packet(eth, n, syn)
        expect(capture.comment(first, "in time")).toBe(true)
        const last = capture.packet(eth, HELD_PACKETS, syn)
        expect(capture.comment(first, "too late")).toBe(false)
        expect(capture.comment(last, "the last")).toBe(true)
        capture.close()
        const comments = commentsIn(file)
        expect(comments.length).toBe(HELD_PACKETS + 1)
        expect([comments[0], comments.at(-1)]).toEqual([["in time"], ["the last"]])
        expect(comments.slice(1, -1).flat()).toEqual([])
    })

    it("returns the last packet of each interface", () => {
        const capture = Capture.open(newFile())
        const [a, b] = [capture.interface("a"), capture.interface("b")]
        expect([a, b, capture.last(a)]).toEqual([0, 1, undefined])
        expect(capture.comment(capture.last(a), "on nothing")).toBe(false)
        const first = capture.packet(a, 0, syn)
        const second = capture.packet(b, 1, syn)
        expect([capture.last(a), capture.last(b)]).toEqual([first, second])
        capture.close()
    })

    it("keeps frames as they were when it was given them", () => {
        const file = newFile()
        const capture = Capture.open(file)
        const frame = Uint8Array.of(1, 2, 3, 4)
        capture.packet(capture.interface("eth0"), 0, frame)
        frame.fill(0)
        capture.close()
        expect([...blocksOf(file)[2]!.bytes.slice(20, 24)]).toEqual([1, 2, 3, 4])
    })

    it("can be read while it is written, without the packets that are held, and whole after a flush", () => {
        const file = newFile()
        const capture = Capture.open(file)
        const eth = capture.interface("eth0")
        for (let n = 0; n < 20; n++) capture.packet(eth, n, syn)
        expect(blocksOf(file).length).toBe(2 + 20 - HELD_PACKETS)
        capture.flush()
        expect(blocksOf(file).length).toBe(2 + 20)
        expect(capture.comment(capture.last(eth), "too late")).toBe(false)
        capture.close()
    })

    it("has an interface before its packets, even if added late", () => {
        const file = newFile()
        const capture = Capture.open(file)
        capture.packet(capture.interface("a"), 0, syn)
        capture.packet(capture.interface("b"), 1, syn)
        capture.close()
        expect(blocksOf(file).map(block => block.type)).toEqual([0x0a0d0d0a, 1, 1, 6, 6])
    })

    it("refuses a packet of an interface that does not exist", () => {
        const capture = Capture.open(newFile())
        expect(() => capture.packet(0, 0, syn)).toThrow(
            "the capture has no interface 0; add it with interface() first"
        )
        expect(() => capture.packet(-1, 0, syn)).toThrow(RangeError)
        capture.close()
    })

    it("ignores packets and comments after close()", () => {
        const file = newFile()
        const capture = Capture.open(file)
        const eth = capture.interface("eth0")
        capture.close()
        capture.close()
        expect(capture.comment(capture.packet(eth, 0, syn), "x")).toBe(false)
        capture.flush()
        expect(blocksOf(file).length).toBe(2)
    })

    it.each([
        ["a folder that does not exist", path.join(folder, "none", "x.pcapng"), "its folder does not exist"],
        ["a folder", folder, "that is a folder"],
    ])("cannot be %s", (_name, file, why) => {
        expect(() => Capture.open(file)).toThrow(new CaptureError(`cannot write the capture ${file}: ${why}`))
    })

    it.skipIf(!fs.existsSync("/dev/full"))("reports a full disk once, and writes no more", () => {
        const messages: string[] = []
        const capture = Capture.open("/dev/full", { onError: message => messages.push(message) })
        const eth = capture.interface("eth0")
        const packets = Array.from({ length: 40 }, (_, n) => capture.packet(eth, n, syn))
        expect(capture.comment(packets.at(-1), "nowhere")).toBe(false)
        const closing = vi.spyOn(fs, "closeSync").mockImplementationOnce(file => {
            closing.mockRestore()
            fs.closeSync(file)
            throw new Error("and it cannot be closed either")
        })
        capture.close()
        expect(messages).toEqual(["the capture /dev/full ends here: the disk is full"])
    })
})

describe.skipIf(withoutTshark)("a capture read by tshark", () => {
    it("has times, interfaces, directions, comments and frames", () => {
        const file = newFile()
        const capture = Capture.open(file, { epochMs: EPOCH })
        const eth = capture.interface("host-x", "Host X on the VM")
        const other = capture.interface("server")
        capture.packet(other, 0, arp(1, "10.0.0.2", "10.0.0.1"), { direction: "in" })
        const first = capture.packet(eth, 0.123456, syn, { direction: "out" })
        capture.packet(eth, 61_000, synAck, { comments: ["ESTABLISHED: „ja“ ☃"] })
        capture.comment(first, "CLOSED to SYN-SENT")
        capture.comment(first, "by connect 10.0.0.1 7")
        capture.close()
        const direction = "frame.packet_flags_direction"
        const names = ["frame.time_epoch", "frame.interface_name", "frame.interface_description", direction]
        expect(fields(file, ...names, "frame.comment", "tcp.seq", "arp.opcode")).toEqual([
            ["1767323045.000000000", "server", "", "0x00000001", "", "", "1"],
            [
                "1767323045.000123456",
                "host-x",
                "Host X on the VM",
                "0x00000002",
                "CLOSED to SYN-SENT|by connect 10.0.0.1 7",
                "4321",
                "",
            ],
            ["1767323106.000000000", "host-x", "Host X on the VM", "", "ESTABLISHED: „ja“ ☃", "8800", ""],
        ])
        const [packet] = JSON.parse(tshark(file, "-T", "json", "-x", "-Y", "tcp.flags == 2"))
        expect(packet._source.layers.frame_raw[0]).toBe(Buffer.from(syn).toString("hex"))
        expect(packet._source.layers.frame["frame.encap_type"]).toBe("1")
    })

    it("that was not closed has what was written", () => {
        const file = newFile()
        const capture = Capture.open(file, { epochMs: EPOCH })
        const eth = capture.interface("eth0")
        for (let n = 0; n < 100; n++) capture.packet(eth, n, syn)
        expect(fields(file, "frame.number").length).toBe(100 - HELD_PACKETS)
        capture.close()
        expect(fields(file, "frame.number").length).toBe(100)
    })

    it("without packets has nothing wrong", () => {
        const file = newFile()
        Capture.open(file).close()
        expect(tshark(file)).toBe("")
    })
})
