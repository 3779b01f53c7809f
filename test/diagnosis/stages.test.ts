// Every staged failure is explained by one sentence that names its cause, on the command line and in a lab.

import "../../sim/testing/setup"
import { readFileSync } from "node:fs"
import fc from "fast-check"
import { expect, test } from "vitest"
import { Explainer } from "../../sim/diagnosis/explainer"
import { parseOptions } from "../../sim/options/options"
import { playStage } from "../../sim/run/staged"
import { World } from "../../sim/run/world"
import { stages } from "../../sim/stage/stages"
import type { Lab, LabDevice } from "../../sim/testing/api"
import { ethernet, icmp, ipv4, udp } from "../../sim/testing/frames"
import { check, lab } from "../../sim/testing/index"

/** What the first sentence about each stage says. */
const sentences: { readonly [name: string]: RegExp } = {
    "wrong-address":
        /^No host answers ARP for 10\.0\.0\.9: 3 requests from 0\.\d+ s to 2\.\d+ s, no reply\.$/,
    "wrong-prefix":
        /^No host answers ARP for 10\.9\.9\.9: .* With the prefix \/8 it counts as a host on this cable/,
    "narrow-prefix":
        /^10\.0\.0\.9 is on this cable, but Host X asks the router for it: with the prefix \/30 /,
    "no-gateway": /^192\.0\.2\.9 is outside of 10\.0\.0\.0\/24, and Host X knows no router/,
    "gateway-silent": /^The router 10\.0\.0\.77 does not answer ARP: 3 requests/,
    "gateway-wrong": /^192\.0\.2\.9:80 did not answer \d SYNs through 10\.0\.0\.1: that host answers ARP/,
    "no-cable": /^The cable of Host X has been out from the beginning/,
    "cable-out": /^The cable of Host X is out since 0\.\d+ s, for \d+ s/,
    "port-closed": /^10\.0\.0\.1:9 refused the connection: no program listens on that port/,
    filtered:
        /^10\.0\.0\.1:7 did not answer \d SYNs, though 10\.0\.0\.1 answers ARP: a firewall drops them\.$/,
    unreachable:
        /^10\.0\.0\.253 reports that 192\.0\.2\.9:80 cannot be reached: .* \(ICMP unreachable: host\)\.$/,
    prohibited: /^10\.0\.0\.253 reports .*: a firewall forbids it \(ICMP unreachable: prohibited\)\.$/,
    "address-taken": /^Two hosts have the address 10\.0\.0\.2: Host X \(.*\) and the host at 06:00:/,
    "dhcp-silent": /^No DHCP server answers: 4 messages since 0\.\d+ s, no reply/,
    "dhcp-refused": /^The DHCP server 10\.0\.0\.3 refuses the request \(NAK\)/,
    "dhcp-unusable":
        /^The DHCP server 10\.0\.0\.3 answers, .* cannot use the answer: its offer has a lease of 0 s/,
    "name-unknown": /^The name server\.example does not exist: the name server 10\.0\.0\.3 says so\.$/,
    "name-server-silent": /^The name server 10\.0\.0\.3 does not answer: \d questions for server\.example/,
    "wrong-number": /^10\.0\.0\.2:\d+ rejected the SYN-ACK, which acknowledges \d+: its SYN needs \d+\.$/,
    "window-shut":
        /^The window of 10\.0\.0\.8:7 was shut for the last \d+\.\d+ s: its program does not read, or its stack keeps the window at 0/,
    "peer-vanished": /^10\.0\.0\.1 does not answer ARP any more: .* It was last heard at 0\.\d+ s \(TCP\)\.$/,
    "peer-restarted": /^10\.0\.0\.8:7 knows no such connection any more: it has restarted/,
    "tables-full": /^All 2 connection records of Host X are in use, so it cannot open another connection\.$/,
    "server-full":
        /^All connection records of Host X are in use, so it drops the handshake of 10\.0\.0\.1:\d+\.$/,
    "backlog-full":
        /^The backlog of 10\.0\.0\.1:8003 is full: .*, so 10\.0\.0\.1 drops the handshake of 10\.0\.0\.2:\d+\.$/,
    "half-open": /^10\.0\.0\.8:40000 did not complete the handshake/,
    reset: /^10\.0\.0\.1:8002 aborted the connection/,
    corrupted: /^The line changes packets between 10\.0\.0\.2 and 10\.0\.0\.1: \d+ packets arrived damaged/,
    lossy: /^The line lost 3 of 4 segments between 10\.0\.0\.2 and 10\.0\.0\.1 since 0\.\d+ s\.$/,
    mtu: /^Packets of 502 bytes and more from 10\.0\.0\.2 to 10\.0\.0\.1 vanish on the way/,
    "closed-at-once":
        /^10\.0\.0\.1:8001 accepted the connection and closed it 10\.0 ms later, without sending anything\.$/,
    "tls-client":
        /^10\.0\.0\.1:\d+ speaks TLS \(its first data is a ClientHello\), and 10\.0\.0\.2:80 does not\.$/,
    "tls-server":
        /^10\.0\.0\.1:443 expects TLS, and answered the plain data of 10\.0\.0\.2:\d+ with a TLS alert\.$/,
}

test("every stage has a sentence", () => {
    expect(stages.map(({ name }) => name).sort()).toEqual(Object.keys(sentences).sort())
})

test("docs/diagnosis.md has every stage with its cause and its sentence", () => {
    const text = readFileSync(new URL("../../docs/diagnosis.md", import.meta.url), "utf8")
    const rows = [...text.matchAll(/^\| `([\w-]+)` \| `([\w-]+)` \| (.*) \|$/gm)]
    expect(rows.map(([, name, cause]) => [name, cause])).toEqual(
        stages.map(({ name, cause }) => [name, cause])
    )
    for (const [, name = "", , sentence] of rows) expect(sentence).toMatch(sentences[name] ?? "")
})

/** Plays a stage as `npm start -- --stage NAME` does; returns the first diagnosis. */
async function played(runtime: string, name: string) {
    const options = parseOptions(["--runtime", runtime, "--stage", name], { terminal: false })
    const { stage } = options
    if (stage === undefined) throw new Error("no stage")
    const world = await World.make(options, [])
    try {
        await world.start()
        await playStage(world, stage, () => {})
        return { stage, first: world.explainers[0]?.all[0] }
    } finally {
        await world.close()
    }
}

test.each(stages.map(({ name }) => name))("on Node: %s", async name => {
    const { stage, first } = await played("node", name)
    expect(first?.sentence).toMatch(sentences[name] ?? "")
    expect(first?.cause).toBe(stage.cause)
})

// one image, that of the flashed program, serves all of them
test("a program that does not run into the failure of a stage is told what does", async () => {
    const words = ["--runtime", "node", "--stage", "wrong-address", "--program", "src/examples/hello.ts"]
    const world = await World.make(parseOptions(words, { terminal: false }), [])
    try {
        await world.start()
        const stage = stages.find(({ name }) => name === "wrong-address")!
        await expect(playStage(world, stage, () => {})).rejects.toThrow(
            /^stage wrong-address: nothing failed within 900 s: src\/examples\/hello\.ts does not do what runs into it \(connect 10\.0\.0\.9 7\)$/
        )
    } finally {
        await world.close()
    }
})

test.each(["wrong-address", "cable-out", "port-closed", "filtered", "window-shut"])(
    "on the VM: %s",
    async name => {
        const { stage, first } = await played("vm", name)
        expect(first?.sentence).toMatch(sentences[name] ?? "")
        expect(first?.cause).toBe(stage.cause)
    }
)

/** The stages of a test's network that fail a program which connects to 10.0.0.1 port 7 and sends. */
const inLab = ["no-cable", "cable-out", "filtered", "address-taken", "peer-vanished", "lossy", "corrupted"]

test.each(inLab)("in a lab: %s", async name => {
    const net = await lab({ runtime: "node" })
    await net.stage(name)
    const board = await net.device("src/examples/hello.ts")
    await net.pass("5 min")
    const stage = stages.find(one => one.name === name)
    expect(board).toExplain(stage?.cause ?? "")
    expect(board).not.toExplain("port-closed")
})

test("in a lab: conditions change at any time, and a failing test prints why", async () => {
    const net = await lab({ runtime: "node" })
    net.host("10.0.0.1")
    const board = await net.device("src/examples/hello.ts")
    await net.until(() => board.log.length > 0)
    expect(board).toExplain(/^10\.0\.0\.1:7 refused the connection/)
    expect(board.diagnoses[0]).toMatchObject({
        cause: "port-closed",
        evidence: [expect.stringMatching(/RST/)],
    })
    const wrong = () => check(board).toHaveConnected("10.0.0.1", 7)
    expect(wrong).toThrow(/why: 10\.0\.0\.1:7 refused the connection.*\n.*seen: .*\n.*do: start the server/s)
    expect(() => net.dhcp("refuse")).not.toThrow()
    await expect(net.stage("nonsense")).rejects.toThrow(
        /^stage: unknown name "nonsense" \(known: wrong-address, /
    )
})

/** Failures that no stage shows, of a program that says hello to 10.0.0.1 port 7 and reads the echo. */
const unstaged: { readonly [name: string]: [(net: Lab) => undefined | Promise<LabDevice>, RegExp] } = {
    "every SYN-ACK is lost": [
        net => {
            net.host("10.0.0.1").echo(7)
            net.lose = view => view.kind === "tcp" && view.flags.syn && view.flags.ack
            return undefined
        },
        /^10\.0\.0\.1:7 answered \d SYNs by SYN-ACK, but the line lost every one of \d+\.$/,
    ],
    "only segments with data are lost": [
        net => {
            net.host("10.0.0.1").echo(7)
            net.lose = (view, from) => from === "device" && view.kind === "tcp" && view.payload.length > 0
            return undefined
        },
        /^The line loses every segment with data from 10\.0\.0\.2 to 10\.0\.0\.1: .* while others pass\.$/,
    ],
    "what the server sends is too long for the path": [
        net => {
            const served = net.host("10.0.0.1")
            served.listen(7, connection => connection.received !== "" && connection.send("x".repeat(900)))
            net.mtu(500)
            return undefined
        },
        /^Packets of 9\d\d bytes and more from 10\.0\.0\.1 to 10\.0\.0\.2 vanish on the way/,
    ],
    "the peer answers with numbers of another connection": [
        net => {
            const peer = net.peer("10.0.0.1")
            peer.onSegment = ({ flags, seq, sourcePort, destinationPort, payload }) => {
                const ports = { sourcePort: destinationPort, destinationPort: sourcePort }
                if (flags.syn) peer.segment({ ...ports, seq: 1000, ack: seq + 1, flags: "S." })
                else if (payload.length > 0)
                    peer.segment({ ...ports, seq: 99_999, ack: seq + 13, flags: "." })
            }
            return undefined
        },
        /^The device drops the segments of 10\.0\.0\.1:7, because their numbers do not fit: .* 99999, but 1001 /,
    ],
    "another board has the same Ethernet address": [
        async net => {
            net.host("10.0.0.1").echo(7)
            const board = await net.device("src/examples/hello.ts")
            await net.device("src/examples/hello.ts", { ip: "10.0.0.2/24" })
            return board
        },
        /^Two stations send with the Ethernet address 02:00:0a:00:00:02: the device and device 2\./,
    ],
    "a line that is too slow for ARP": [
        net => {
            net.host("10.0.0.1").echo(7)
            return undefined
        },
        /^10\.0\.0\.1 answered the ARP requests of the device, but no answer arrived before the device gave up/,
    ],
    "a chip that drops what it receives": [
        async net => {
            net.host("10.0.0.1").echo(7)
            const board = await net.device("src/examples/hello.ts")
            board.fault("overflows 1000")
            return board
        },
        /^3 ARP replies of 10\.0\.0\.1 reached the port of the device since 0\.\d+ s, but its program got none/,
    ],
    "a chip that does not answer": [
        async net => {
            net.host("10.0.0.1").echo(7)
            const board = await net.device("src/examples/hello.ts")
            board.fault("dead 255")
            return board
        },
        /^The device (wanted to send at|has no link|has sent no frame)/,
    ],
}

test.each(Object.entries(unstaged))("in a lab, unstaged: %s", async (name, [prepare, sentence]) => {
    const net = await lab({ runtime: "node", delay: name.includes("slow") ? 1600 : 5 })
    const board = (await prepare(net)) ?? (await net.device("src/examples/hello.ts", { ip: "10.0.0.2/24" }))
    // two hosts with one address answer each other's segments without end
    await net.pass(name.includes("same") ? "2 s" : "5 min")
    expect(board.diagnoses[0]?.sentence).toMatch(sentence)
})

const printed: readonly (readonly [string, string, RegExp])[] = [
    [
        "socket tcp://api.example:80: ENOTFOUND, host names need a resolver: see startNetwork",
        "resolver-missing",
        /^api\.example cannot be looked up: the program was started without a resolver\.$/,
    ],
    [
        "socket tcp://api.example:80: EAI_AGAIN, no answer for the name: try again later",
        "resolver-missing",
        /no name server is set, so Host X asked none\.$/,
    ],
    [
        "socket tls://10.0.0.1:8883: EPROTONOSUPPORT, there is no TLS over this network: use proto",
        "tls",
        /TLS/,
    ],
    [
        "socket tcp://10.0.0.1:7: ENETDOWN, there is no link: is the cable in?",
        "link-down",
        /^Host X has no link/,
    ],
    [
        "listen 80: EADDRINUSE, the port is in use: close it",
        "misused",
        /\(EADDRINUSE\): the port is in use\.$/,
    ],
    ["nothing at all", "", /^$/],
]

test.each(printed)("a program that prints: %s", (text, cause, sentence) => {
    const explainer = new Explainer(() => ({ name: "Host X", station: "device", ip: "10.0.0.2" }))
    const why = explainer.error(text, 0)
    expect(why?.cause ?? "").toBe(cause)
    expect(why?.sentence ?? "").toMatch(sentence)
})

test("any frames, whole or damaged, lost or not, get an answer", () => {
    fc.assert(
        fc.property(
            fc.array(fc.tuple(fc.uint8Array({ maxLength: 120 }), fc.nat(8), fc.boolean())),
            frames => {
                const explainer = new Explainer(() => ({
                    name: "X",
                    station: "a",
                    ip: "10.0.0.2",
                    prefix: 24,
                }))
                frames.forEach(([bytes, kind, isLost], i) => {
                    const frame = kind === 8 ? bytes : framed(bytes, kind)
                    explainer.sent(frame, i % 2 ? "a" : "b", i, isLost ? "loss" : undefined)
                    explainer.arrived(frame, "a", i)
                })
                explainer.finish(100_000)
                expect(explainer.answer("", 200_000).status).toBe(0)
            }
        ),
        { numRuns: 300 }
    )
})

/** A frame of ARP, TCP, DHCP, DNS or ICMP with these bytes in it. */
function framed(bytes: Uint8Array, kind: number): Uint8Array {
    const ends = {
        source: kind % 2 ? "10.0.0.2" : "10.0.0.1",
        destination: kind % 2 ? "10.0.0.1" : "10.0.0.2",
    }
    const ports = { sourcePort: kind < 4 ? 53 : 67, destinationPort: kind < 4 ? 40_000 : 68 }
    const mac = "02:00:0a:00:00:02"
    if (kind < 2) return ethernet(mac, mac, 0x0806, bytes)
    if (kind < 6) return ethernet(mac, mac, 0x0800, ipv4({ ...ends, protocol: 17 }, udp(ends, ports, bytes)))
    if (kind < 7) return ethernet(mac, mac, 0x0800, ipv4({ ...ends, protocol: 6 }, bytes))
    return ethernet(mac, mac, 0x0800, ipv4({ ...ends, protocol: 1 }, icmp(3, 1, 0, bytes)))
}
