import { expect, test } from "vitest"
import { jsonEvents } from "../../sim/run/json"
import { cli, linesOf, runtimes } from "./cli"

type Line = Record<string, unknown>

async function events(...words: string[]): Promise<Line[]> {
    const { code, stdout, stderr } = await cli("--json", ...words)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    return linesOf(stdout).map(line => JSON.parse(line) as Line)
}

test("the example with --json has the handshake, the same on both runtimes", async () => {
    const [vm, node] = await Promise.all(runtimes.map(runtime => events("--once", "--runtime", runtime)))
    expect(node).toEqual(vm)
    const first = vm!.filter(({ local, event }) => event !== "frame" && String(local) !== "10.0.0.2:7")
    const [opened, syn, synAck, established, ack] = first
    const ends = { connection: 3, local: expect.stringMatching(/^10\.0\.0\.2:\d+$/), remote: "10.0.0.1:7" }
    expect(opened).toMatchObject({ event: "state", ...ends, from: "CLOSED", to: "SYN-SENT" })
    expect(syn).toEqual({
        time: expect.any(Number),
        event: "segment",
        direction: "out",
        ...ends,
        flags: "SYN",
        seq: 4321,
        length: 0,
        window: 1024,
        mss: 1460,
    })
    expect(synAck).toMatchObject({
        event: "segment",
        direction: "in",
        ...ends,
        flags: "SYN,ACK",
        ack: 4322,
        mss: 1460,
    })
    const theirs = Number(synAck?.seq)
    expect(theirs).toBeGreaterThan(0)
    expect(established).toMatchObject({ event: "state", ...ends, from: "SYN-SENT", to: "ESTABLISHED" })
    expect(ack).toMatchObject({
        event: "segment",
        direction: "out",
        flags: "ACK",
        seq: 4322,
        ack: theirs + 1,
    })
    expect(ack).not.toHaveProperty("mss")
    const times = vm!.map(({ time }) => Number(time))
    expect(times).toEqual([...times].sort((a, b) => a - b))
    const states = first.filter(({ event, connection }) => event === "state" && connection === 3)
    expect(states.map(({ to }) => to)).toEqual([
        "SYN-SENT",
        "ESTABLISHED",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSED",
    ])
})

test("--json has ARP, half-open connections and drops", async () => {
    const lines = await events(
        "--once",
        "--runtime",
        "node",
        "--impair",
        "corrupt=0.2,dup=0.2",
        "--seed",
        "4"
    )
    expect(lines).toContainEqual(
        expect.objectContaining({
            event: "frame",
            direction: "out",
            protocol: "arp",
            text: "ARP who has 10.0.0.1?",
        })
    )
    expect(lines).toContainEqual(
        expect.objectContaining({ event: "state", connection: null, from: "LISTEN", to: "SYN-RECEIVED" })
    )
    const reasons = lines.filter(({ event }) => event === "drop").map(({ reason }) => reason)
    expect(reasons).toContain("tcp-checksum")
})

test("--json has an event for each command", async () => {
    expect(await events("--runtime", "node", "--exec", "sleep 5; memory")).toEqual([
        { time: expect.any(Number), event: "command", line: "sleep 5", status: 0, output: [] },
        {
            time: expect.any(Number),
            event: "command",
            line: "memory",
            status: 0,
            output: expect.arrayContaining([]),
        },
    ])
})

test("--json of a run that fails has the reason on standard error only", async () => {
    const { code, stdout, stderr } = await cli("--json", "--once", "--runtime", "node", "--impair", "loss=1")
    expect(code).toBe(1)
    expect(stderr).toBe("the example failed: the handshake failed: EHOSTUNREACH on Host X\n")
    const last = JSON.parse(linesOf(stdout).at(-1)!) as Line
    expect(last).toMatchObject({
        event: "failed",
        error: "EHOSTUNREACH",
        cause: "frames-lost",
        diagnosis: expect.stringMatching(
            /^The line lost every ARP request of 10\.0\.0\.2 for 10\.0\.0\.1, 3 of 3/
        ),
        advice: "look at the cable and at the switch",
    })
})

test("--json has absolute unsigned numbers, and times in seconds", () => {
    const lines: string[] = []
    const { event } = jsonEvents(["10.0.0.2"], line => lines.push(line))
    const ends = { remoteIp: "10.0.0.1", remotePort: 7, localPort: 49152 }
    const segment = {
        now: 5,
        kind: "segment",
        direction: "in",
        id: 3,
        ...ends,
        window: 0,
        length: 0,
    } as const
    event?.(
        { ...segment, flags: ["RST", "ACK"], seq: 0xffff_ffff, ack: 0x8000_0000, mss: undefined },
        1234.5678,
        0
    )
    expect(lines).toEqual([
        '{"time":1.234568,"event":"segment","direction":"in","connection":3,"local":"10.0.0.2:49152",' +
            '"remote":"10.0.0.1:7","flags":"RST,ACK","seq":4294967295,"ack":2147483648,"length":0,"window":0}\n',
    ])
})
