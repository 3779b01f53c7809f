import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { Capture } from "../../sim/capture/pcapng"
import type { StackEvent } from "../../sim/device/events"
import { PortCapture } from "../../sim/run/capture"
import { fields, tshark, withoutTshark } from "../capture/tshark"
import { Cli, cli, runtimes } from "./cli"
import { StreamPeer } from "./stream-peer"

const folder = mkdtempSync(join(tmpdir(), "cli-pcap-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("the example's capture is the same, byte for byte, on both runtimes", async () => {
    const [vm, node] = await Promise.all(
        runtimes.map(async runtime => {
            const file = join(folder, `${runtime}.pcapng`)
            expect(await cli("--once", "--runtime", runtime, "--pcap", file)).toMatchObject({ code: 0 })
            return readFileSync(file)
        })
    )
    expect(vm!.length).toBeGreaterThan(1000)
    expect(node!.equals(vm!)).toBe(true)
})

test("a change of state is in the comment of its own connection's next segment only", () => {
    const file = join(folder, "states.pcapng")
    const capture = Capture.open(file, { epochMs: 0 })
    const { observer } = new PortCapture(capture, "w5500", 0)
    const ends = { remoteIp: "10.0.0.1", remotePort: 7, localPort: 4000, now: 1 }
    const other = { ...ends, localPort: 4001 }
    const tell = (event: StackEvent) => observer.event?.(event, 1, 0)
    const text = () => readFileSync(file).toString("latin1")
    tell({ kind: "state", id: 1, ...other, from: "CLOSED", to: "SYN-SENT" })
    tell({ kind: "state", id: 2, ...ends, from: "ESTABLISHED", to: "CLOSED" })
    tell({ kind: "state", id: 2, ...ends, from: "TIME-WAIT", to: "CLOSED" })
    observer.port?.(reset(4000), "out", 2, 0)
    observer.port?.(reset(4000), "out", 3, 0)
    capture.close()
    expect(text()).toContain("TIME-WAIT -> CLOSED")
    expect(text()).not.toContain("SYN-SENT")
    expect(text()).not.toContain("ESTABLISHED -> CLOSED")
    expect(text().split("TIME-WAIT -> CLOSED")).toHaveLength(2)
})

/** A frame with an RST from this port of 10.0.0.2 to port 7 of 10.0.0.1. */
function reset(port: number): Uint8Array {
    const frame = new Uint8Array(54)
    const view = new DataView(frame.buffer)
    view.setUint16(12, 0x0800)
    frame.set([0x45, 0, 0, 40], 14)
    frame[23] = 6
    frame.set([10, 0, 0, 2, 10, 0, 0, 1], 26)
    view.setUint16(34, port)
    view.setUint16(36, 7)
    frame.set([0x50, 0x04], 46)
    return frame
}

describe.skipIf(withoutTshark)("a capture read by tshark (needs to be installed)", () => {
    test.each(runtimes)("has the example's numbers and states, and nothing wrong, on %s", async runtime => {
        const file = join(folder, `tshark-${runtime}.pcapng`)
        expect(await cli("--once", "--runtime", runtime, "--pcap", file)).toMatchObject({ code: 0 })
        const rows = fields(
            file,
            "tcp.flags.str",
            "tcp.seq",
            "tcp.ack",
            "frame.comment",
            "frame.interface_name"
        )
        const segments = rows.filter(([flags]) => flags !== "")
        expect(new Set(rows.map(row => row[4]))).toEqual(new Set(["w5500"]))
        const [syn, synAck, ack] = segments
        expect(syn?.slice(1, 4)).toEqual(["4321", "0", "CLOSED -> SYN-SENT"])
        expect(synAck?.slice(2, 4)).toEqual(["4322", "SYN-SENT -> ESTABLISHED"])
        expect(ack?.slice(1, 4)).toEqual(["4322", String(Number(synAck?.[1]) + 1), ""])
        const comments = segments.map(row => row[3]).filter(comment => comment !== "")
        expect(comments.slice(2, 5)).toEqual([
            "ESTABLISHED -> FIN-WAIT-1",
            "FIN-WAIT-1 -> FIN-WAIT-2",
            "FIN-WAIT-2 -> TIME-WAIT",
        ])
        expect(comments).toContain("LISTEN -> SYN-RECEIVED")
        expect(comments).toContain("SYN-RECEIVED -> ESTABLISHED")
        expect(comments).toContain("LAST-ACK -> CLOSED")
        const wrong =
            "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || tcp.analysis.flags"
        const checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
        expect(tshark(file, ...checks, "-Y", wrong)).toBe("")
    })

    test("has an abort's comment on its RST", async () => {
        const file = join(folder, "abort.pcapng")
        const commands = "connect 10.0.0.1 7; wait 3 ESTABLISHED; abort 3; sleep 100"
        expect(await cli("--runtime", "node", "--pcap", file, "--exec", commands)).toMatchObject({ code: 0 })
        const rows = fields(file, "tcp.flags.reset", "frame.comment")
        expect(rows.at(-1)).toEqual([
            expect.stringMatching(/1|True/),
            expect.stringContaining("ESTABLISHED -> CLOSED"),
        ])
    })

    test("is whole when a signal ends the run", async () => {
        const file = join(folder, "signal.pcapng")
        const peer = await StreamPeer.listen()
        const device = new Cli("--link", peer.address, "--runtime", "node", "--pcap", file)
        device.type("connect 10.0.0.1 7")
        while (!peer.events.some(event => event.kind === "state" && event.to === "ESTABLISHED")) {
            await new Promise(resolve => setTimeout(resolve, 5))
        }
        device.signal("SIGINT")
        expect(await device.ended).toBe(0)
        await peer.close()
        const rows = fields(file, "tcp.flags.str", "frame.comment")
        expect(rows.map(row => row[1])).toContain("SYN-SENT -> ESTABLISHED")
    })
})
