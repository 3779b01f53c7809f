// Failures that are not among the stages: each is explained by one sentence, and what only looks like a failure by none.

import "../../sim/testing/setup"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { diagnosisLines } from "../../sim/diagnosis/diagnosis"
import { Explainer } from "../../sim/diagnosis/explainer"
import { namesUser } from "../../sim/diagnosis/refusals"
import { parseOptions } from "../../sim/options/options"
import { World } from "../../sim/run/world"
import { playServer } from "../../sim/stage/actor"
import type { Scene } from "../../sim/stage/scene"
import { stages } from "../../sim/stage/stages"
import { arp, ethernet, icmp, ipv4, udp } from "../../sim/testing/frames"
import { parseDhcp } from "../../sim/view/dhcp"
import { dissect, type View } from "../../sim/view/dissect"
import { acknowledge, explained, lastResult, type Part, serve, TALK } from "./explained"

/** Whether `text` is what a server of the network answers to the first data on a port. */
function answers(port: number, text: string): Part {
    return {
        set: ({ server }) =>
            server.listen(port, {
                data: connection => {
                    connection.send(text)
                    connection.close()
                },
            }),
    }
}

const JSON_CLIENT = ["--program", "src/gallery/json-client.ts"]
const MQTT = ["--program", "src/gallery/mqtt-sensor.ts"]
const notFound = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

const failures: { readonly [name: string]: [Part, number, string, RegExp, ...string[]] } = {
    "a peer that acknowledges what was never sent": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                serve(actor, view =>
                    actor.segment(view, { seq: 5001, ack: view.seq + 50_000, flags: ".", window: 8000 })
                )
            },
            commands: TALK,
        },
        60,
        "wrong-number",
        /^10\.0\.0\.8:7 acknowledges \d+, but Host X has sent nothing beyond \d+, so it drops the segments of 10\.0\.0\.8:7\.$/,
    ],
    "a peer that keeps an older connection with the same ports": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                actor.onSegment = view => {
                    if (view.flags.syn)
                        actor.segment(view, { seq: 777_000, ack: 4242, flags: ".", window: 8000 })
                }
            },
            commands: ["connect 10.0.0.8 7"],
        },
        60,
        "stale-connection",
        /^10\.0\.0\.8:7 still has an older connection with the same ports: it answers the SYN of 10\.0\.0\.2:\d+ by an ACK/,
    ],
    "a peer that never closes": [
        {
            set: scene => playServer(scene.actor("10.0.0.8"), {}),
            commands: [...TALK, "sleep 500", "close 3"],
        },
        70,
        "half-closed",
        /^10\.0\.0\.2:\d+ closed, 10\.0\.0\.8:7 has not yet, and nothing came in the last 60\.00 s/,
    ],
    "a link on the way that carries hardly more than a SYN": [
        {
            set: ({ conditions }) => conditions.maximum(68),
            commands: ["connect 10.0.0.1 7", "wait 3 ESTABLISHED", `send 3 ${"x".repeat(60)}`],
        },
        60,
        "mtu",
        /^Packets of 112 bytes and more from 10\.0\.0\.2 to 10\.0\.0\.1 vanish on the way, while those of up to 56 bytes/,
    ],
    "another host with the server's address": [
        {
            set: ({ conditions }) => conditions.steal("10.0.0.1"),
            commands: ["sleep 2500", "connect 10.0.0.1 7"],
        },
        6,
        "address-taken",
        /^Two hosts have the address 10\.0\.0\.1: 0\d:\S+ and 0\d:\S+ both answer ARP for it, and Host X talks/,
    ],
    "a broker that rejects user name and password": [
        answers(1883, "\x20\x02\x00\x04"),
        12,
        "service-refused",
        /^The MQTT broker 10\.0\.0\.1:1883 refuses the client: the client sent no user name\.$/,
        ...MQTT,
    ],
    "a broker that does not authorize the client": [
        answers(1883, "\x20\x02\x00\x05"),
        12,
        "service-refused",
        /^The MQTT broker 10\.0\.0\.1:1883 refuses the client: the client is not authorized, and sent no user name\.$/,
        ...MQTT,
    ],
    "a broker that says nothing": [
        { set: ({ server }) => server.listen(1883, { data: () => {} }) },
        6,
        "no-answer",
        /^10\.0\.0\.1:1883 took 65 bytes of Host X, but its program sent nothing back in 4\.98 s, so Host X closed\.$/,
        ...MQTT,
    ],
    "a web server that has no such page": [
        answers(8000, notFound),
        5,
        "service-refused",
        /^10\.0\.0\.1:8000 answered POST \/readings by 404 Not Found \(HTTP\)\.$/,
        ...JSON_CLIENT,
    ],
    "a mail server where a web server is expected": [
        answers(8000, "220 mail.example ESMTP\r\n"),
        5,
        "foreign-protocol",
        /^10\.0\.0\.1:8000 does not speak HTTP: it answered POST \/readings by "220 mail\.example ESMTP"\.$/,
        ...JSON_CLIENT,
    ],
    "a time server that is not there": [
        {},
        30,
        "unreachable",
        /^10\.0\.0\.1 reports that its UDP port 123 is closed \(ICMP unreachable: port\): no program receives/,
        "--program",
        "src/gallery/ntp-clock.ts",
    ],
    "a time server that does not answer": [
        { set: ({ conditions }) => conditions.filter(123) },
        60,
        "filtered",
        /^10\.0\.0\.1:123 did not answer 2 datagrams, though 10\.0\.0\.1 answers ARP: a firewall drops them\.$/,
        "--program",
        "src/gallery/ntp-clock.ts",
    ],
    "a connection to a broadcast address": [
        { commands: ["connect 10.0.0.255 7"] },
        1,
        "misused",
        /^No connection can be opened to 10\.0\.0\.255: it is the broadcast address of its network, \/24\.$/,
    ],
    "a connection to the device itself": [
        { commands: ["connect 10.0.0.2 7"] },
        1,
        "misused",
        /^No connection can be opened to 10\.0\.0\.2: it is the address of Host X itself\.$/,
    ],
}

test.each(Object.entries(failures))("%s", async (_name, [part, seconds, cause, sentence, ...words]) => {
    const all = await explained(part, seconds, ...words)
    expect(all.map(one => one.cause)).toEqual([cause])
    expect(all[0]?.sentence).toMatch(sentence)
})

const LATE = "10.0.0.9"

/** Adds a host that answers everything 20 s late. */
function late(scene: Scene): void {
    const actor = scene.actor(LATE)
    const receive = actor.receive.bind(actor)
    actor.receive = frame => {
        const kept = frame.slice()
        scene.clock.at(scene.clock.now() + 20_000, () => receive(kept))
    }
}

test("a host that answers ARP after the device has given up", async () => {
    const all = await explained({ set: late, commands: [`connect ${LATE} 7`] }, 30)
    expect(all.map(({ cause }) => cause)).toEqual(["host-silent", "answered-late"])
    expect(all[1]?.sentence).toMatch(
        /^10\.0\.0\.9 answers ARP, but too late: its answer came at 20\.\d+ s, 18\.00 s after the last request of Host X/
    )
    // the later sentence says that it takes the place of the earlier one
    expect(diagnosisLines(all[1]!).slice(0, 2)).toEqual([
        expect.stringMatching(/^correction: 10\.0\.0\.9 answers ARP, but too late/),
        `replaces: at 3.040 s it read: ${all[0]?.sentence}`,
    ])
    expect(all[1]?.evidence).toEqual(["the first request was sent at 0.040 s, 20.00 s before that answer"])
})

/** The options of a client's stage and what the first diagnosis of it says besides the sentence. */
const details: { readonly [name: string]: [Part, number, readonly RegExp[]] } = {
    "a peer that resets do not impress": [
        failures["a peer that keeps an older connection with the same ports"]![0],
        60,
        [
            /^seen: Host X sent the RST at 0\.060 s$/m,
            /^seen: \d RSTs have not ended it: 10\.0\.0\.8:7 answers as before$/m,
            // sent at 7.065 s, and 5 ms on its way: the ladder draws the time of sending
            /^seen: last from 10\.0\.0\.8:7: ACK, window 8000 at 7\.065 s$/m,
            /^do: connect again: that takes another local port, .*; if the answer is wrong again, look at the stack of 10\.0\.0\.8:7/m,
        ],
    ],
    "a peer that acknowledges 50,000 bytes more": [
        failures["a peer that acknowledges what was never sent"]![0],
        60,
        [/^seen: that is 50,000 bytes beyond$/m, /^do: look at the stack of 10\.0\.0\.8:7/m],
    ],
    "a window that is shut before it is full": [
        stages.find(({ name }) => name === "window-shut")!,
        40,
        [
            /^seen: 10\.0\.0\.8:7 advertised window 0 at 0\.095 s$/m,
            /^seen: its window was 8,192 bytes before, and it has taken only 5: unread data alone does not fill it$/m,
        ],
    ],
    "a window that unread data has filled": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                actor.onSegment = view => {
                    const { seq, flags, length } = view
                    if (flags.syn) actor.segment(view, { seq: 5000, ack: seq + 1, flags: "S.", window: 5 })
                    // a window probe finds no room
                    else if (length === 5)
                        actor.segment(view, { seq: 5001, ack: seq + 5, flags: ".", window: 0 })
                    else if (length > 0) actor.segment(view, { seq: 5001, ack: seq, flags: ".", window: 0 })
                }
            },
            commands: [...TALK, "sleep 500", "send 3 more"],
        },
        40,
        [/^why: The window of 10\.0\.0\.8:7 was shut for the last \d+\.\d+ s: its program does not read\.$/m],
    ],
    "a link without a router that carries no long packets": [
        failures["a link on the way that carries hardly more than a SYN"]![0],
        60,
        [
            /: a link or switch on the way carries no longer ones\.$/m,
            /^seen: a packet of 112 bytes is a segment of len 60 with its headers$/m,
            /^do: use a smaller MSS on either end, or raise the longest frame \(MTU\)/m,
        ],
    ],
    "a line that damages frames": [
        {
            set: scene => scene.established(() => scene.impair({ corrupt: 1 })),
            commands: ["connect 10.0.0.1 7", "wait 3 ESTABLISHED", "sleep 500", "send 3 hello"],
        },
        60,
        [/^why: The line changes packets/m],
    ],
}

test.each(Object.entries(details))("evidence and advice: %s", async (_name, [part, seconds, lines]) => {
    const [first] = await explained(part, seconds)
    const text = first === undefined ? "" : diagnosisLines(first).join("\n")
    for (const line of lines) expect(text).toMatch(line)
    // what the checks have found adds up to all that was damaged
    const all = /(\d+) packets arrived damaged/.exec(text)?.[1]
    if (all === undefined) return
    const parts = [...text.matchAll(/^seen: .* found (\d+)$/gm)].map(([, n]) => Number(n))
    expect(parts.reduce((sum, n) => sum + n, 0)).toBe(Number(all))
})

test.each([
    ["gateway-wrong", /did not answer (\d+) SYNs/, (view: View) => view.kind === "tcp" && view.flags.syn],
    [
        "dhcp-refused",
        /^(\d+) NAKs? so far/,
        (view: View) => view.kind === "udp" && parseDhcp(view)?.kind === 6,
    ],
] as const)("%s: what a sentence counts has been drawn before", async (name, count, isCounted) => {
    const stage = stages.find(one => one.name === name)!
    const options = parseOptions(["--runtime", "node", "--stage", name], { terminal: false })
    let drawn = 0
    const found: [drawn: number, text: string][] = []
    const world = await World.make({ ...options, stage }, [
        {
            sent: frame => {
                if (isCounted(dissect(frame))) drawn++
            },
            explained: ({ sentence, evidence }) =>
                void found.push([drawn, [sentence, ...evidence].find(text => count.test(text)) ?? ""]),
        },
    ])
    try {
        await world.start()
        for (const command of options.program === undefined ? (stage.commands ?? []) : [])
            await world.command(command)
        await world.until(() => found.length > 0, 60_000)
        expect(found).toHaveLength(1)
        expect(Number(count.exec(found[0]![1])?.[1])).toBe(found[0]![0])
    } finally {
        await world.close()
    }
})

test("an MQTT CONNECT with a user name is told from one without", () => {
    const connect = (flags: number, length: readonly number[] = [16]) =>
        Uint8Array.from([0x10, ...length, 0, 4, ...Buffer.from("MQTT"), 4, flags, 0, 60])
    expect(namesUser(connect(0xc2))).toBe(true)
    expect(namesUser(connect(0x82, [0xff, 0x01]))).toBe(true)
    expect(namesUser(connect(0x26))).toBe(false)
    expect(namesUser(connect(0x26, [0x80, 0x80, 0x80, 0x01]))).toBe(false)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), bytes => typeof namesUser(bytes) === "boolean"))
})

/** The commands of a connection that sends and closes, with the ms before it reads what comes back. */
function exchange(wait: number): string[] {
    return ["connect 10.0.0.1 7", "wait 3 ESTABLISHED", "send 3 hello", `sleep ${wait}`, "read 3", "close 3"]
}

const harmless: { readonly [name: string]: [Part, number, ...string[]] } = {
    "a line that loses a quarter of the frames, and repairs it all": [
        {
            commands: exchange(9000),
        },
        70,
        "--impair",
        "loss=0.25,delay=40",
        "--seed",
        "3",
    ],
    "a line that delivers everything twice": [
        {
            commands: exchange(900),
        },
        70,
        "--impair",
        "dup=1",
    ],
    "an orderly close": [
        {
            commands: exchange(900),
        },
        70,
    ],
    "a cable that is out for five seconds": [
        {
            set: scene =>
                scene.established(() => {
                    scene.conditions.cable(false)
                    scene.clock.at(scene.clock.now() + 5000, () => scene.conditions.cable(true))
                }),
            commands: exchange(9000),
        },
        70,
    ],
    "a window that is shut for three seconds": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                const start = scene.clock.now()
                serve(actor, view => acknowledge(actor, view, scene.clock.now() - start < 3000 ? 0 : 8000))
            },
            commands: [...TALK, "sleep 200", "send 3 more", "sleep 6000", "close 3"],
        },
        70,
    ],
    "a peer that has an older connection, and gives it up at the reset (RFC 9293 figure 10)": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                let isOld = true
                serve(actor, view => acknowledge(actor, view))
                const later = actor.onSegment
                actor.onSegment = view => {
                    if (view.flags.rst) isOld = false
                    else if (view.flags.syn && isOld)
                        actor.segment(view, { seq: 777_000, ack: 4242, flags: ".", window: 8000 })
                    else later(view)
                }
            },
            commands: [...TALK, "sleep 500", "close 3"],
        },
        70,
    ],
}

test.each<[string, string, Part, number, ...string[]]>([
    [
        "an open that nobody answers, and that is corrected later",
        "result: failed: 10.0.0.9:7 was not reached: the answer came too late (answered-late).",
        { set: late, commands: [`connect ${LATE} 7`] },
        30,
    ],
    [
        "a window that is shut",
        "result: failed: the connection with 10.0.0.8:7: the peer takes no more data (window-shut).",
        stages.find(({ name }) => name === "window-shut")!,
        60,
    ],
    [
        "a device without an address",
        "result: failed: the device got no address (dhcp-silent).",
        { set: ({ conditions }) => conditions.filter(67), commands: [] },
        30,
        "--program",
        "src/lookup.ts",
    ],
    [
        "a line that loses a quarter of the frames",
        "result: nothing failed: 2 frames lost, all repaired by retransmission.",
        ...harmless["a line that loses a quarter of the frames, and repairs it all"]!,
    ],
    ["an orderly close", "result: nothing failed.", ...harmless["an orderly close"]!],
    [
        "a connection that stays open",
        "result: nothing failed: 1 connection still open.",
        { commands: ["connect 10.0.0.1 7", "wait 3 ESTABLISHED"] },
        5,
    ],
])("the result of %s", async (_name, result, part, seconds, ...words) => {
    await explained(part, seconds, ...words)
    expect(lastResult()).toBe(result)
})

test.each(Object.entries(harmless))("no failure: %s", async (_name, [part, seconds, ...words]) => {
    const all = await explained(part, seconds, ...words)
    expect(all).toEqual([])
})

describe("what a name server answers", () => {
    const OWN = "10.0.0.2"
    const SERVER = "10.0.0.53"
    const [mac, theirs] = ["02:00:00:00:00:02", "02:00:00:00:00:35"]
    const QUESTION = [
        ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        ...[6, ...Buffer.from("server")],
        ...[7, ...Buffer.from("example")],
        0,
        0,
        1,
        0,
        1,
    ]

    /** Returns why a name was not found when the server answered with these bytes at the places of a header. */
    function why(header: { readonly [place: number]: number }, records: readonly number[] = []): string {
        const explainer = new Explainer(() => ({ name: "Host X", station: "x", ip: OWN, prefix: 24 }))
        const send = (from: string, time: number, frame: Uint8Array) => {
            explainer.sent(frame, from, time, undefined)
            explainer.arrived(frame, from === "x" ? "s" : "x", time + 5)
        }
        const datagram = (
            source: string,
            destination: string,
            ports: [number, number],
            data: readonly number[]
        ) => {
            const ends = { source, destination }
            const [sourcePort, destinationPort] = ports
            return ipv4({ ...ends, protocol: 17 }, udp(ends, { sourcePort, destinationPort }, data))
        }
        const ask = arp({ operation: 1, senderMac: mac, senderIp: OWN, targetMac: theirs, targetIp: SERVER })
        const tell = arp({ operation: 2, senderMac: theirs, senderIp: SERVER, targetMac: mac, targetIp: OWN })
        send("x", 0, ethernet(theirs, mac, 0x0806, ask))
        send("s", 5, ethernet(mac, theirs, 0x0806, tell))
        send("x", 10, ethernet(theirs, mac, 0x0800, datagram(OWN, SERVER, [4000, 53], QUESTION)))
        const answer = [...QUESTION, ...records]
        for (const [place, byte] of Object.entries(header)) answer[Number(place)] = byte
        send("s", 20, ethernet(mac, theirs, 0x0800, datagram(SERVER, OWN, [53, 4000], answer)))
        const text = "socket tcp://server.example:7: EAI_AGAIN, no answer for the name: try again later"
        return explainer.error(text, 1000)?.sentence ?? ""
    }
    const A = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 99]

    test.each<[string, { readonly [place: number]: number }, RegExp, number[]?]>([
        ["SERVFAIL", { 2: 0x81, 3: 0x82 }, /does not find server\.example: it failed itself \(SERVFAIL\)\.$/],
        [
            "NXDOMAIN",
            { 2: 0x81, 3: 0x83 },
            /^The name server\.example does not exist: the name server 10\.0\.0\.53 says so/,
        ],
        [
            "a truncated answer",
            { 2: 0x83, 3: 0x80 },
            /^The answer of the name server 10\.0\.0\.53 .* is truncated: /,
        ],
        [
            "an answer with another id",
            { 0: 0x55, 2: 0x81, 3: 0x80, 7: 1 },
            /^The answers of 10\.0\.0\.53 for server\.example have other ids than the questions, .*: 21812 instead of 4660\.$/,
            A,
        ],
        ["no address", { 2: 0x81, 3: 0x80 }, /^The name server\.example has no IPv4 address/],
    ])("%s", (_name, header, sentence, records) => {
        expect(why(header, records)).toMatch(sentence)
    })
})

test("an ICMP error about a datagram says which port is closed, once, whatever it quotes", () => {
    const reported: string[] = []
    const explainer = new Explainer(
        () => ({ name: "Host X", station: "x", ip: "10.0.0.2", prefix: 24 }),
        ({ sentence }) => reported.push(sentence)
    )
    const ends = { source: "10.0.0.1", destination: "10.0.0.2" }
    const back = { source: "10.0.0.2", destination: "10.0.0.1" }
    const quoted = ipv4({ ...back, protocol: 17 }, udp(back, { sourcePort: 7000, destinationPort: 514 }, [1]))
    const lengths = [0, 1, 19, 20, 23, 24, 28, 28, 28]
    lengths.forEach((length, i) => {
        const packet = ipv4({ ...ends, protocol: 1 }, icmp(3, 3, 0, quoted.slice(0, length)))
        explainer.sent(
            ethernet("02:00:00:00:00:02", "02:00:00:00:00:01", 0x0800, packet),
            "server",
            i,
            undefined
        )
    })
    expect(reported).toEqual([
        "10.0.0.1 reports that its UDP port 514 is closed (ICMP unreachable: port): no program receives the datagrams of Host X.",
    ])
})
