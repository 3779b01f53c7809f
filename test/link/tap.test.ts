import { describe, expect, test } from "vitest"
import type { Station } from "../../sim/link/port"
import { LinkError } from "../../sim/link/stream"
import { openTap, TapLink } from "../../sim/link/tap"
import type { TapFile } from "../../sim/link/tap-kernel"
import { OptionError } from "../../sim/options/error"

const ERRNO = { Again: 11, BadFd: 77 }

/** A TAP device by hand. */
class File implements TapFile {
    /** What `read` gives next: a frame, or a negative error number. */
    readonly incoming: (Uint8Array | number)[] = []
    readonly written: number[] = []
    /** What `write` answers, undefined for the frame's length. */
    refuses: number | undefined
    closed = false
    private woken = false
    private waiting: (() => void) | undefined

    read(into: Uint8Array): number {
        expect(this.closed).toBe(false)
        const next = this.incoming.shift() ?? -ERRNO.Again
        if (typeof next === "number") return next
        into.set(next)
        return next.length
    }

    write(frame: Uint8Array): number {
        expect(this.closed).toBe(false)
        if (this.refuses !== undefined) return this.refuses
        this.written.push(frame.length)
        return frame.length
    }

    wait(_ms: number, done: () => void): void {
        expect(this.waiting).toBe(undefined)
        if (this.woken) setImmediate(done)
        else this.waiting = done
    }

    wake(): void {
        this.woken = true
        this.ready()
    }

    /** The waiting is over. */
    ready(): void {
        const done = this.waiting
        this.waiting = undefined
        if (done !== undefined) setImmediate(done)
    }

    get waits(): boolean {
        return this.waiting !== undefined
    }

    close(): void {
        expect(this.waiting).toBe(undefined)
        expect(this.closed).toBe(false)
        this.closed = true
    }
}

function frame(length: number, first = 0): Uint8Array {
    return new Uint8Array(length).fill(first, 0, 1)
}

/** A link, its file and what its station received. */
function made(): { file: File; link: TapLink; station: Station; received: Uint8Array[] } {
    const file = new File()
    const received: Uint8Array[] = []
    const station = { name: "station", receive: (frame: Uint8Array) => void received.push(frame) }
    return { file, link: new TapLink(file, ERRNO, "tap9"), station, received }
}

async function turns(): Promise<void> {
    for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

describe("a TAP link", () => {
    test("reads nothing before a station is attached", async () => {
        const { file, link, station, received } = made()
        file.incoming.push(frame(60))
        await turns()
        expect(file.waits).toBe(false)
        link.attach(station)
        file.ready()
        await turns()
        expect(received).toEqual([frame(60)])
        await link.close()
    })

    test("reads all frames that wait, a few at a time, and then waits", async () => {
        const { file, link, station, received } = made()
        link.attach(station)
        for (let i = 0; i < 150; i++) file.incoming.push(frame(60, i))
        file.ready()
        await new Promise(resolve => setImmediate(resolve))
        expect(received.length).toBeLessThan(150)
        await turns()
        expect(received.map(bytes => bytes[0])).toEqual(Array.from({ length: 150 }, (_, i) => i))
        expect(file.waits).toBe(true)
        expect(link.counters).toMatchObject({ received: 150, runts: 0 })
        await link.close()
    })

    test("sends a frame at once, and counts those that the kernel refuses", async () => {
        const { file, link, station } = made()
        const port = link.attach(station)
        port.send(frame(60))
        port.send(frame(13))
        port.send(frame(65_536))
        file.refuses = -ERRNO.Again
        port.send(frame(60))
        expect(file.written).toEqual([60])
        expect(link.counters).toMatchObject({ sent: 1, runts: 1, giants: 1, queueDrops: 1 })
        port.detach()
        file.refuses = undefined
        port.send(frame(60))
        expect(file.written).toEqual([60])
        await link.close()
    })

    test("has one station, and a second is refused", async () => {
        const { link, station } = made()
        link.attach(station)
        expect(() => link.attach({ ...station, name: "other" })).toThrow("station is already attached")
        await link.close()
    })

    test("skips a frame shorter than an Ethernet header", async () => {
        const { file, link, station, received } = made()
        link.attach(station)
        file.incoming.push(frame(13), frame(14))
        file.ready()
        await turns()
        expect(received).toEqual([frame(14)])
        expect(link.counters.runts).toBe(1)
        await link.close()
    })

    test.each(["before anything", "while it waits", "while it reads"])(
        "closed %s reads no more and closes the device once",
        async when => {
            const { file, link, station, received } = made()
            const before = process.listenerCount("exit")
            if (when !== "before anything") link.attach(station)
            if (when === "while it reads") {
                for (let i = 0; i < 100; i++) file.incoming.push(frame(60))
                file.ready()
                await new Promise(resolve => setImmediate(resolve))
                expect(received.length).toBeGreaterThan(0)
            }
            const seen = received.length
            await link.close()
            expect(file.closed).toBe(true)
            expect(received.length).toBe(seen)
            expect(await link.closed).toEqual({ how: "local", reason: "the link was closed" })
            expect(process.listenerCount("exit")).toBe(before - 1)
            // once more is no harm
            await link.close()
        }
    )

    test.each([
        [-ERRNO.BadFd, "the TAP device tap9 was removed"],
        [-5, "the kernel reports error 5 for reading from the TAP device tap9"],
    ])("ends when read() returns %i: %s", async (result, reason) => {
        const { file, link, station } = made()
        const port = link.attach(station)
        file.incoming.push(result)
        file.ready()
        expect(await link.closed).toEqual({ how: "error", reason })
        expect(file.closed).toBe(true)
        port.send(frame(60))
        await link.close()
    })
})

describe("opening a TAP link", () => {
    test("refuses a bad address before it looks for the device", async () => {
        await expect(openTap("tap:", undefined)).rejects.toThrow(OptionError)
    })

    test("reports in one line a device that it cannot open", async () => {
        const opening = openTap("tap:tap0@devicescript-tcp-no-such-namespace", undefined)
        await expect(opening).rejects.toThrow(LinkError)
        await expect(opening).rejects.toThrow(
            /^cannot open tap:tap0@devicescript-tcp-no-such-namespace: [^\n]+$/
        )
    })
})
