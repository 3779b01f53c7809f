// ping, networkTime and publishName, on both runtimes.

import { expect } from "vitest"
import { scenario } from "../scenarios/scenario"
import { ScriptedStation } from "../scenarios/station"

/** 2026-01-01 00:00:00, as Unix and as NTP count seconds (RFC 5905 section 6: from 1900 on). */
const UNIX = Date.UTC(2026, 0, 1) / 1000
const NTP = UNIX + 2_208_988_800

/** Returns a server's answer (mode 4, stratum 2) to a request, whose own time it repeats. */
function ntpReply(request: Uint8Array): number[] {
    const reply = Buffer.alloc(48)
    reply.set([0x24, 2, 6, 0xec])
    reply.set(request.subarray(40, 48), 24)
    for (const at of [16, 32, 40]) reply.writeUInt32BE(NTP, at)
    return [...reply]
}

scenario(
    "ping, networkTime and publishName return, fail with a sentence, and announce the name",
    { program: "test/programs/helpers.ts", silent: true },
    async net => {
        net.host(1)
        const station = new ScriptedStation(net, 5)
        const asked = () => station.got.find(view => view.kind === "udp" && view.destinationPort === 123)
        await net.until("a question for the time", () => asked() !== undefined)
        const question = asked()
        if (question?.kind !== "udp") throw new Error("no question")
        await net.act(() => station.datagram(123, question.sourcePort, ntpReply(question.payload)))
        await net.until("the name", () => net.log.some(line => line.startsWith("name: ")))
        expect(net.log).toEqual([
            "ping: true",
            "large: true",
            "nobody: undefined",
            "too large: ping 10.0.0.1: EINVAL, the address or port is not valid, or the data does not fit a frame",
            "no host: ping 10.0.0.255: EINVAL, the address or port is not valid, or the data does not fit a frame",
            "no name: ping example.com: ENOTFOUND, host names need a resolver: see startNetwork",
            "no time: time 10.0.0.99: ETIMEDOUT, the other host does not answer: is it on, and connected?",
            `time: ${UNIX}, and 1000 ms later`,
            "name: pico.local",
        ])
        // three probes, then two announcements (RFC 6762 section 8)
        const said = net.frames.filter(({ view }) => view.kind === "udp" && view.destinationPort === 5353)
        expect(said.length).toBeGreaterThanOrEqual(4)
    }
)
