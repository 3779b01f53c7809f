import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FrameReader, MAX_RECEIVED, withLength } from "../../sim/link/frames"

function concat(parts: readonly Uint8Array[]): Uint8Array {
    return Uint8Array.from(parts.flatMap(part => [...part]))
}

/** Feeds a stream in the pieces that cutting it at these places gives. */
function read(stream: Uint8Array, cuts: readonly number[]) {
    const frames: Uint8Array[] = []
    const reader = new FrameReader(frame => frames.push(frame))
    const places = [...cuts.map(cut => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
    let from = 0
    for (const to of places) {
        const piece = stream.slice(from, to)
        reader.push(piece)
        piece.fill(0xee) // the reader must not keep what it was given
        from = to
    }
    return { frames, reader }
}

describe("withLength", () => {
    it("puts four bytes before the frame, the highest first", () => {
        expect([...withLength(new Uint8Array(300)).subarray(0, 5)]).toEqual([0, 0, 1, 44, 0])
        expect(withLength(Uint8Array.of(5, 6))).toEqual(Uint8Array.of(0, 0, 0, 2, 5, 6))
    })
})

describe("FrameReader", () => {
    const frame = fc.oneof(
        { weight: 5, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 80 }) },
        { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 2000, size: "max" }) }
    )

    it("returns the frames, however the stream is cut", () => {
        fc.assert(
            fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat()), (sent, cuts) => {
                const { frames, reader } = read(concat(sent.map(withLength)), cuts)
                expect(frames).toEqual(sent)
                expect(reader.error).toBeUndefined()
                expect(reader.unfinished).toBeUndefined()
            })
        )
    })

    it("returns the frames of single bytes", () => {
        const sent = [Uint8Array.of(1), Uint8Array.of(2, 3), new Uint8Array(70).fill(4)]
        const stream = concat(sent.map(withLength))
        expect(read(stream, [...stream.keys()]).frames).toEqual(sent)
    })

    it("takes the longest frame and nothing longer", () => {
        const longest = new Uint8Array(MAX_RECEIVED).fill(1)
        expect(read(withLength(longest), [5, 40_000]).frames).toEqual([longest])
        const { reader } = read(Uint8Array.of(0, 1, 0x10, 1, 1, 1), [])
        expect(reader.error).toBe("a frame length of 69633 bytes (1 to 69632 are possible)")
    })

    it("stops permanently at a length that is not valid, and delivers what came before it", () => {
        fc.assert(
            fc.property(
                fc.array(frame, { maxLength: 3 }),
                fc.oneof(fc.constant(0), fc.integer({ min: MAX_RECEIVED + 1, max: 0xffff_ffff })),
                fc.uint8Array(),
                fc.array(fc.nat()),
                (sent, length, rest, cuts) => {
                    const header = new Uint8Array(4)
                    new DataView(header.buffer).setUint32(0, length)
                    const { frames, reader } = read(concat([...sent.map(withLength), header, rest]), cuts)
                    expect(frames).toEqual(sent)
                    expect(reader.error).toContain(`a frame length of ${length} bytes`)
                    expect(reader.push(withLength(Uint8Array.of(1)))).toBe(false)
                    expect(frames).toEqual(sent)
                }
            )
        )
    })

    it("reports the bytes that a cut frame lacks", () => {
        const stream = withLength(Uint8Array.of(1, 2, 3))
        expect(read(stream.subarray(0, 0), []).reader.unfinished).toBeUndefined()
        expect(read(stream.subarray(0, 3), []).reader.unfinished).toBe("3 of 4 bytes of a length")
        expect(read(stream.subarray(0, 4), []).reader.unfinished).toBe("0 of 3 bytes of a frame")
        expect(read(stream.subarray(0, 6), []).reader.unfinished).toBe("2 of 3 bytes of a frame")
        expect(read(stream, []).reader.unfinished).toBeUndefined()
    })

    it("never throws, whatever bytes come", () => {
        fc.assert(
            fc.property(fc.array(fc.uint8Array()), pieces => {
                const reader = new FrameReader(() => {})
                for (const piece of pieces) expect(reader.push(piece)).toBe(reader.error === undefined)
            })
        )
    })
})
