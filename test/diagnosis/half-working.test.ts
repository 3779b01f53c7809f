// A network that works for some: segments of one direction are lost, a firewall drops what comes in, pings and datagrams have no answer, a
// cable goes out and in. And what works again after a failure.

import { describe, expect, test } from "vitest"
import { parseOptions } from "../../sim/options/options"
import { World } from "../../sim/run/world"
import type { Actor } from "../../sim/stage/actor"
import type { Scene } from "../../sim/stage/scene"
import { ethernet, icmp, ipv4 } from "../../sim/testing/frames"
import type { View } from "../../sim/view/dissect"
import { explained, lastResult, type Part, serve, TALK } from "./explained"

const HELLO = ["connect 10.0.0.1 7", "wait 3 ESTABLISHED", "sleep 500", "send 3 hello"]

/** Loses the frames for which `loses` returns true, from now on. */
const losing = (loses: (view: View) => boolean) => (scene: Scene) => {
    scene.conditions.loses = loses
}

const isSegmentOf = (source: string) => (view: View) => view.kind === "tcp" && view.source === source

/** Lets the server open a connection to a port of the device after 1 s. */
function visit({ clock, server, ip }: Scene, port: number): void {
    clock.at(clock.now() + 1000, () => void server.connect(ip, port))
}

const ROUTER = "10.0.0.253"
const ROUTED = ["--gateway", ROUTER]

/** A router that answers each packet for another network by an ICMP message. */
function reporting(type: number, code: number, rest = 0): Part {
    return {
        set: scene => {
            const router = scene.actor(ROUTER)
            router.onPacket = (view, frame) => {
                if ("destination" in view && view.destination !== ROUTER)
                    report(router, view, frame, { type, code, rest })
            }
        },
        commands: ["ping 192.0.2.9 2"],
    }
}

function report(
    router: Actor,
    view: View & { source: string; sourceMac: string },
    frame: Uint8Array,
    { type, code, rest }: { type: number; code: number; rest: number }
): void {
    const ends = { source: router.ip, destination: view.source, protocol: 1 }
    const message = icmp(type, code, rest, frame.subarray(14, 14 + 28))
    router.send(ethernet(view.sourceMac, router.mac, 0x0800, ipv4(ends, message)))
}

const failures: { readonly [name: string]: [Part, number, string, RegExp, ...string[]] } = {
    "a firewall drops the SYNs to the device": [
        {
            set: scene => {
                scene.conditions.filter(7)
                visit(scene, 7)
            },
        },
        30,
        "filtered",
        /^A firewall on the way dropped all 4 SYNs of 10\.0\.0\.1 to port 7 of Host X since 1\.\d+ s: nothing of that connection arrives\.$/,
    ],
    "the line loses the SYNs to the device": [
        {
            set: scene => {
                losing(isSegmentOf("10.0.0.1"))(scene)
                visit(scene, 7)
            },
        },
        30,
        "frames-lost",
        /^The line lost all 4 SYNs of 10\.0\.0\.1 to port 7 of Host X since 1\.\d+ s/,
    ],
    "the line loses the device's SYN-ACKs": [
        {
            set: scene => {
                losing(isSegmentOf("10.0.0.2"))(scene)
                visit(scene, 7)
            },
        },
        30,
        "frames-lost",
        /^The line lost all \d segments that 10\.0\.0\.2:7 sent since 1\.\d+ s, while \d segments of 10\.0\.0\.1:\d+ arrived: segments are lost in one direction only\.$/,
    ],
    "the line loses the peer's segments": [
        {
            set: scene => scene.established(() => losing(isSegmentOf("10.0.0.1"))(scene)),
            commands: HELLO,
        },
        60,
        "frames-lost",
        /^10\.0\.0\.1:7 answers, but the line lost all \d segments that it sent since 0\.\d+ s, while \d segments of 10\.0\.0\.2:\d+ arrived: segments are lost in one direction only\.$/,
    ],
    "the line loses the device's ACKs": [
        {
            set: scene => {
                const { server, clock } = scene
                server.listen(8000, {
                    accepted: connection => {
                        clock.at(clock.now() + 1000, () => connection.send("hello world"))
                    },
                })
                scene.established(() => losing(isSegmentOf("10.0.0.2"))(scene))
            },
            commands: ["connect 10.0.0.1 8000", "wait 3 ESTABLISHED"],
        },
        60,
        "frames-lost",
        /^The line lost all \d segments that 10\.0\.0\.2:\d+ sent since 1\.\d+ s, while \d segments of 10\.0\.0\.1:8000 arrived/,
    ],
    "long segments of the server vanish, and short ones arrive": [
        {
            set: ({ server, conditions }) => {
                conditions.maximum(400)
                server.listen(8000, { accepted: connection => connection.send("x".repeat(3000)) })
            },
            commands: ["connect 10.0.0.1 8000", "wait 3 ESTABLISHED"],
        },
        60,
        "mtu",
        /^Packets of \d+ bytes and more from 10\.0\.0\.1 to 10\.0\.0\.2 vanish on the way/,
    ],
    "one segment of the server is lost every time": [
        {
            set: scene => {
                scene.server.listen(8000, { accepted: connection => connection.send("x".repeat(3000)) })
                losing(view => view.kind === "tcp" && view.source === "10.0.0.1" && view.length > 700)(scene)
            },
            commands: ["connect 10.0.0.1 8000", "wait 3 ESTABLISHED"],
        },
        60,
        "frames-lost",
        /^The line lost the same \d+ bytes of 10\.0\.0\.1:8000 every time, \d of \d since 0\.\d+ s, while what follows arrives\.$/,
    ],
    "a server closes, and acknowledges the device's FIN no more": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                serve(actor, view => {
                    if (view.length === 0) return
                    const ack = view.seq + view.length
                    actor.segment(view, { seq: 5001, ack, flags: "P.", window: 8000 }, [1])
                    actor.segment(view, { seq: 5002, ack, flags: "F.", window: 8000 })
                })
            },
            commands: [...TALK, "sleep 200", "read 3", "close 3"],
        },
        40,
        "peer-vanished",
        /^10\.0\.0\.8:7 has vanished: nothing came from it since 0\.\d+ s, and \d retransmissions have no answer/,
    ],
    "a firewall drops the device's datagrams": [
        { set: ({ conditions }) => conditions.filter(514) },
        30,
        "filtered",
        /^A firewall on the way dropped all 4 datagrams of Host X to 10\.0\.0\.1:514 since 0\.\d+ s\.$/,
        "--program",
        "src/gallery/syslog.ts",
    ],
    "a time server's host is on, but its program does not answer": [
        {
            set: scene => {
                scene.server.stop()
                scene.actor("10.0.0.1")
            },
        },
        60,
        "no-answer",
        /^10\.0\.0\.1:123 did not answer 2 datagrams, though 10\.0\.0\.1 answers ARP, and reports no closed port: its program does not answer, or a firewall drops them\.$/,
        "--program",
        "src/gallery/ntp-clock.ts",
    ],
    "a host that ignores pings": [
        { set: scene => void scene.actor("10.0.0.8"), commands: ["ping 10.0.0.8 2"] },
        1,
        "unanswered",
        /^10\.0\.0\.8 did not answer 2 echo requests, though it answers ARP: it does not answer pings, or a firewall drops them\.$/,
    ],
    "a line that loses the replies to pings": [
        { set: losing(view => view.kind === "icmp" && view.type === 0), commands: ["ping 10.0.0.1 2"] },
        1,
        "frames-lost",
        /^10\.0\.0\.1 answered 2 echo requests, but the line lost all 2 answers\.$/,
    ],
    "a router without a way, for a ping": [
        reporting(3, 0),
        1,
        "unreachable",
        /^10\.0\.0\.253 reports that 192\.0\.2\.9 cannot be reached: there is no route to its network \(ICMP unreachable: network\)\.$/,
        ...ROUTED,
    ],
    "a loop of routers, for a ping": [
        reporting(11, 0),
        1,
        "unreachable",
        /^10\.0\.0\.253 reports that 192\.0\.2\.9 cannot be reached: routers send the packets in a circle, or the way is too long \(ICMP time exceeded: too many hops\)\.$/,
        ...ROUTED,
    ],
    "a firewall that forbids the host, for a ping": [
        reporting(3, 10),
        1,
        "unreachable",
        /: a firewall forbids it \(ICMP unreachable: code 10\)\.$/,
        ...ROUTED,
    ],
    "a router that names another one": [
        // 10.0.0.254 in network order
        reporting(5, 1, 0x0a0000fe),
        1,
        "gateway-wrong",
        /^10\.0\.0\.253 says by ICMP redirect that 192\.0\.2\.9 is reached through 10\.0\.0\.254, and this stack follows no redirects: 192\.0\.2\.9 did not answer 2 echo requests through 10\.0\.0\.253\.$/,
        ...ROUTED,
    ],
    "a router that asks to send less, and answers nothing else": [
        reporting(4, 0),
        1,
        "gateway-wrong",
        /^192\.0\.2\.9 did not answer 2 echo requests through 10\.0\.0\.253: that host answers ARP/,
        ...ROUTED,
    ],
}

test.each(Object.entries(failures))("%s", async (_name, [part, seconds, cause, sentence, ...words]) => {
    const all = await explained(part, seconds, ...words)
    expect(all.map(one => one.cause)).toEqual([cause])
    expect(all[0]?.sentence).toMatch(sentence)
    // a reader may have this line alone
    expect(lastResult()).toMatch(/^result: failed: .*[a-z]{3,} .* \([a-z-]+\)\.$/)
    expect(lastResult()).not.toContain("see why")
})

/** Faults of a chip, and what the sentence about a connection says of them. */
const chips: readonly (readonly [string, RegExp])[] = [
    ["dead on", /: the chip is dead: it neither receives nor sends \(fault dead, since 0\.\d+ s\)\.$/],
    ["stuck-sends 3", /: the chip never ends sending a frame \(fault stuck-sends, since /],
    ["untaken-commands 500", /: the chip takes no commands \(fault untaken-commands, since /],
    ["wire-miso on", /: the wire MISO is broken \(fault wire-miso, since /],
    ["phy-held on", /: the chip's PHY stays in reset, so it has no link \(fault phy-held, since /],
    [
        "overflows 500",
        /^3 ARP replies .*: the chip's memory is full, so it drops what it receives \(fault overflows/,
    ],
    ["miso-errors 0.01", /is in trouble: bits on the SPI bus to the board flip \(fault miso-errors/],
]

test.each(chips)("the kind of a chip's fault is named: %s", async (fault, sentence) => {
    const all = await explained({ commands: [`fault ${fault}`, "connect 10.0.0.1 7", "sleep 15000"] }, 1)
    expect(all.map(one => one.cause)).toEqual(["chip-silent"])
    expect(all[0]?.sentence).toMatch(sentence)
})

test("a chip that dies later is not blamed for what the cable prevented", async () => {
    const close = ["sleep 500", "read 3", "close 3", "sleep 2000"]
    const out = ["cable out", "connect 10.0.0.1 7", "sleep 4000", "cable in", "fault dead on"]
    const all = await explained({ commands: [...HELLO, ...close, ...out, "sleep 10000"] }, 100)
    const opened = all.filter(({ id }) => id === 4)
    expect(opened.length).toBeGreaterThan(0)
    for (const { cause } of opened) expect(cause).toBe("cable-out")
})

test("a fault that has ended explains nothing", async () => {
    const heal = ["fault dead on", "sleep 500", "fault dead off", "sleep 3000"]
    const all = await explained({ commands: [...heal, "connect 10.0.0.9 7", "sleep 15000"] }, 1)
    expect(all.map(one => one.cause)).toEqual(["host-silent"])
})

test.each([
    [
        "ping 255.255.255.255",
        /^No ping can be sent to 255\.255\.255\.255: it is the broadcast address\.$/,
        /single hosts/,
    ],
    [
        "connect 255.255.255.255 7",
        /^No connection can be opened to 255\.255\.255\.255: it is the broadcast address\.$/,
        /RFC 9293 section 3\.9\.2\.3/,
    ],
    ["connect 224.0.0.251 7", /: it is a multicast address\.$/, /RFC 9293 section 3\.9\.2\.3/],
    [
        "connect 10.0.0.255 7",
        /: it is the broadcast address of its network, \/24\.$/,
        /RFC 9293 section 3\.9\.2\.3/,
    ],
    ["connect 0.0.0.0 7", /: it is no host's address\.$/, /RFC 1122 section 3\.2\.1\.3/],
    ["connect 127.0.0.1 7", /: it is a loopback address/, /RFC 1122 section 3\.2\.1\.3/],
    ["connect 240.0.0.1 7", /: it is an address that no host has\.$/, /RFC 1112 section 4/],
    ["connect 10.0.0.2 7", /: it is the address of Host X itself\.$/, /sends nothing to itself/],
])("an address that no host has: %s", async (command, sentence, advice) => {
    const all = await explained({ commands: [command] }, 1)
    expect(all.map(one => one.cause)).toEqual(["misused"])
    expect(all[0]?.sentence).toMatch(sentence)
    expect(all[0]?.advice).toMatch(advice)
})

test("a command that is not valid is no failure of the network", async () => {
    expect(await explained({ commands: ["ping nobody", "ping 10.0.0.1 0", "connect nobody 7"] }, 1)).toEqual(
        []
    )
})

describe("what heals", () => {
    test.each<[string, Part, number, string[], string]>([
        [
            "a line that loses everything for half a minute",
            {
                commands: [
                    ...HELLO,
                    "sleep 500",
                    "read 3",
                    "impair loss=1",
                    "send 3 hello",
                    "sleep 30000",
                    "impair loss=off",
                    "sleep 60000",
                    "read 3",
                    "close 3",
                ],
            },
            70,
            ["frames-lost", "recovered"],
            "result: nothing failed: ",
        ],
        [
            "a firewall that forgets the connection for half a minute",
            {
                commands: [
                    ...HELLO,
                    "sleep 500",
                    "read 3",
                    "filter 7",
                    "send 3 hello",
                    "sleep 30000",
                    "filter off",
                    "sleep 60000",
                    "read 3",
                    "close 3",
                ],
            },
            70,
            ["filtered", "recovered"],
            "result: nothing failed: ",
        ],
    ])("%s", async (_name, part, seconds, causes, result) => {
        const all = await explained(part, seconds)
        expect(all.map(one => one.cause)).toEqual(causes)
        expect(all.at(-1)?.replaces).toContain(all[0]?.sentence)
        expect(lastResult()).toContain(result)
    })

    test("a cable that is out while a connection is opened, and goes out again and again", async () => {
        const flaps = ["cable out", "cable in", "cable out", "cable in", "cable out", "cable in"]
        const all = await explained(
            {
                commands: [
                    ...flaps,
                    "cable out",
                    "connect 10.0.0.1 7",
                    "sleep 4000",
                    "cable in",
                    "sleep 1000",
                ],
            },
            1
        )
        expect(all.map(one => one.cause)).toEqual(["cable-out", "cable-out"])
        expect(all[1]?.sentence).toMatch(
            /^The cable of Host X was out from \d\.\d+ s to \d\.\d+ s: meanwhile nothing reached the network/
        )
        expect(all[1]?.evidence).toEqual(["it was out 4 times so far"])
        expect(all[1]?.advice).toMatch(/^look at the plugs/)
        expect(lastResult()).toBe(
            "result: failed: 10.0.0.1:7 was not reached: the cable was out (cable-out)."
        )
    })
})

test("a slow line is no failure, and a reset after both FINs neither", async () => {
    const commands = [...HELLO, "sleep 9000", "read 3", "close 3"]
    expect(await explained({ commands }, 60, "--impair", "rate=600bit")).toEqual([])
    expect(lastResult()).toBe("result: nothing failed.")
    expect(await explained({ commands }, 60, "--impair", "reorder=0.5,dup=0.5,jitter=20")).toEqual([])
    expect(lastResult()).toBe("result: nothing failed.")
})

test("why leaves out what is corrected", async () => {
    const world = await World.make(
        parseOptions(["--runtime", "node", "--exec", "help"], { terminal: false }),
        []
    )
    try {
        await world.start()
        for (const line of ["cable out", "connect 10.0.0.1 7", "sleep 4000", "cable in"])
            await world.command(line)
        const { lines } = await world.command("why")
        expect(lines.filter(line => line.startsWith("why: "))).toEqual([])
        expect(lines[0]).toMatch(/^correction: The cable of Host X was out from /)
    } finally {
        await world.close()
    }
})
