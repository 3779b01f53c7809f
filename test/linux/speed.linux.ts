import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import { openTap } from "../../sim/link/tap"
import { missing, Namespace } from "./support/namespace"

/** Frames for each measurement. */
const FRAMES = 20_000
const PINGS = 1000

/** Turns an echo request, or an ARP request for 10.0.0.2, into its answer. */
function answer(frame: Uint8Array): Uint8Array | undefined {
    const out = Uint8Array.from(frame)
    out.set(frame.subarray(6, 12), 0)
    out.set([2, 0, 10, 0, 0, 2], 6)
    if (frame[12] === 8 && frame[13] === 6 && frame[21] === 1 && frame[41] === 2) {
        out[21] = 2
        out.set([2, 0, 10, 0, 0, 2, 10, 0, 0, 2], 22)
        out.set(frame.subarray(22, 32), 32)
        return out
    }
    if (frame[12] !== 8 || frame[13] !== 0 || frame[23] !== 1 || frame[34] !== 8) return undefined
    out.set(frame.subarray(30, 34), 26)
    out.set(frame.subarray(26, 30), 30)
    out[34] = 0
    // the type went from 8 to 0, so the checksum grows by 0x0800
    const sum = (out[36]! << 8) + out[37]! + 0x800
    const folded = (sum & 0xffff) + (sum >> 16)
    out.set([folded >> 8, folded & 255], 36)
    return out
}

/** What is measured is printed and not judged: it is the machine's. */
describe.skipIf(missing() !== undefined)("the speed of a TAP link alone", () => {
    test("frames a second and round-trip time", async () => {
        const namespace = new Namespace()
        const link = await openTap(`tap:tap0@${namespace.name}`, { ip: "10.0.0.1", prefix: 24 })
        const port = link.attach({
            name: "mirror",
            receive: frame => {
                const out = answer(frame)
                if (out !== undefined) port.send(out)
            },
        })
        // one at a time, and everybody asleep in between
        const ping = await namespace.finish("ping", "-q", "-i", "0.002", "-c", `${PINGS}`, "10.0.0.2")
        expect(ping.stdout).toContain(" 0% packet loss")
        const [, least, average] = /= ([\d.]+)\/([\d.]+)/.exec(ping.stdout) ?? []
        // a hundred on their way at any time
        const flood = await namespace.finish("ping", "-q", "-f", "-l", "100", "-c", `${FRAMES}`, "10.0.0.2")
        const seconds = Number(/time (\d+)ms/.exec(flood.stdout)?.[1]) / 1000
        const arrived = () => Number(namespace.must("cat", "/sys/class/net/tap0/statistics/rx_packets"))
        const before = arrived()
        const bytes = createHash("shake256", { outputLength: 1514 }).update("frame").digest()
        const start = performance.now()
        for (let i = 0; i < FRAMES; i++) port.send(bytes)
        const perFrame = (performance.now() - start) / FRAMES
        expect(arrived() - before).toBe(FRAMES)
        console.log(
            `TAP: round trip ${least} ms at least, ${average} ms on average; ` +
                `${Math.round(FRAMES / seconds)} frames/s each way at once, 98 bytes; ` +
                `${Math.round(1000 / perFrame)} frames/s out alone, 1514 bytes`
        )
        await link.close()
        await namespace.remove()
    })
})
