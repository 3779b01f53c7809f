// Peers and lines that do not go by the letter: the sentence names what they do, and never blames another.

import { describe, expect, test } from "vitest"
import type { Actor } from "../../sim/stage/actor"
import type { Scene } from "../../sim/stage/scene"
import { ethernet, ipv4, tcp } from "../../sim/testing/frames"
import type { TcpView, View } from "../../sim/view/dissect"
import { acknowledge, explained, lastResult, type Part, serve, TALK } from "./explained"

type Setting = NonNullable<Part["set"]>

const CONNECT = ["connect 10.0.0.8 7"]
const SYN_ACK = { seq: 5000, flags: "S.", window: 8000 }

/** A peer at 10.0.0.8 that answers each segment by `answer`. */
const peer = (answer: (actor: Actor, view: TcpView, scene: Scene) => void): Setting => {
    return scene => {
        const actor = scene.actor("10.0.0.8")
        actor.onSegment = view => answer(actor, view, scene)
    }
}

/** A peer at 10.0.0.8 that opens, and answers other segments by `answer`. */
const server = (answer: (actor: Actor, view: TcpView, scene: Scene) => void): Setting => {
    return scene => {
        const actor = scene.actor("10.0.0.8")
        serve(actor, view => answer(actor, view, scene))
    }
}

/** A host at 10.0.0.8 whose answers to ARP have the Ethernet address that `mac` returns. */
const misleading = (mac: (asker: string) => string): Setting => {
    return scene => {
        scene.actor("10.0.0.8").announced = mac
    }
}

/** A line that loses the frames for which `loses` returns true. */
const losing = (loses: (view: View) => boolean): Setting => {
    return ({ conditions }) => {
        conditions.loses = loses
    }
}

const peers: { readonly [name: string]: [Part, number, string, RegExp] } = {
    "a line that loses the answers to ARP": [
        {
            set: losing(view => view.kind === "arp" && view.operation === 2),
            commands: ["connect 10.0.0.1 7"],
        },
        30,
        "frames-lost",
        /^10\.0\.0\.1 answered 3 of 3 ARP requests of 10\.0\.0\.2 since 0\.0\d\d s, but the line lost every answer\.$/,
    ],
    "an answer to ARP with an address that no station has": [
        { set: misleading(() => "02:de:ad:00:00:01"), commands: CONNECT },
        60,
        "wrong-neighbour",
        /^ARP says that 10\.0\.0\.8 is at 02:de:ad:00:00:01, but no station has that Ethernet address, so \d SYNs went nowhere: the answer itself came from 02:00:0a:00:00:08\.$/,
    ],
    "an answer to ARP with the device's own address": [
        { set: misleading(own => own), commands: CONNECT },
        60,
        "wrong-neighbour",
        /^10\.0\.0\.8 answers ARP with the Ethernet address of Host X itself/,
    ],
    "an answer to ARP with the broadcast address": [
        { set: misleading(() => "ff:ff:ff:ff:ff:ff"), commands: CONNECT },
        30,
        "wrong-neighbour",
        /^10\.0\.0\.8 answers ARP with ff:ff:ff:ff:ff:ff, which is no station's Ethernet address, so Host X drops the answer\.$/,
    ],
    "a peer whose checksums of TCP are wrong": [
        {
            set: peer((actor, view) => {
                if (view.flags.syn) actor.segment(view, { ...SYN_ACK, ack: view.seq + 1, checksum: 0x1111 })
            }),
            commands: CONNECT,
        },
        60,
        "corrupted",
        /^10\.0\.0\.8 sends packets whose checksum is wrong: \d packets since \S+ s, which 10\.0\.0\.2 drops; the checksum of TCP does not fit\.$/,
    ],
    "a peer that answers from another port": [
        {
            set: peer((actor, view) => {
                if (view.flags.syn)
                    actor.segment({ ...view, destinationPort: 8 }, { ...SYN_ACK, ack: view.seq + 1 })
            }),
            commands: CONNECT,
        },
        60,
        "wrong-source",
        /^10\.0\.0\.8:7 did not answer \d SYNs, but 10\.0\.0\.8:8 did: an answer from another port belongs to no connection\.$/,
    ],
    "a peer that answers in fragments": [
        {
            set: peer((actor, view) => {
                const ends = { source: view.destination, destination: view.source }
                const ports = { sourcePort: view.destinationPort, destinationPort: view.sourcePort }
                const segment = tcp(ends, { ...ports, ...SYN_ACK, ack: view.seq + 1 })
                const fragment = ipv4({ ...ends, protocol: 6, fragment: 0x2000 }, segment.slice(0, 16))
                actor.send(ethernet(view.sourceMac, actor.mac, 0x0800, fragment))
            }),
            commands: CONNECT,
        },
        60,
        "fragmented",
        /^10\.0\.0\.8 answers in \d IP fragments, which this stack drops: it puts no packets together\.$/,
    ],
    "a peer that answers a SYN by a SYN": [
        {
            set: peer((actor, view) => {
                if (view.flags.syn && !view.flags.ack) actor.segment(view, { ...SYN_ACK, flags: "S" })
            }),
            commands: CONNECT,
        },
        60,
        "handshake-unfinished",
        /^10\.0\.0\.8:7 opened the connection at the same time \(its SYN has no ACK\), but never acknowledged the SYN of 10\.0\.0\.2:\d+\.$/,
    ],
    "a peer whose resets have a wrong number": [
        {
            set: peer((actor, view) => {
                if (view.flags.syn) actor.segment(view, { seq: 0, ack: view.seq + 500, flags: "R." })
            }),
            commands: CONNECT,
        },
        60,
        "wrong-number",
        /^10\.0\.0\.8:7 answers 10\.0\.0\.2:\d+ by RSTs with a wrong number, \d so far, which have to be ignored \(RFC 9293 section 3\.10\.7\.3\), and by nothing else\.$/,
    ],
    "a peer that never sends the first bytes of its data": [
        {
            set: server((actor, view, { clock }) => {
                if (view.length === 0) return
                const later = { seq: 5101, ack: view.seq + view.length, flags: "P.", window: 8000 }
                for (let i = 0; i <= 5; i++)
                    clock.at(clock.now() + i * 1000, () => actor.segment(view, later, [1, 2]))
            }),
            commands: TALK,
        },
        60,
        "not-acknowledged",
        /^10\.0\.0\.8:7 does not send bytes 1 to 100 again, but only what follows: Host X asks for them in vain/,
    ],
    "a peer that acknowledges a part of the data for ever": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                let ack: number | undefined
                serve(actor, view => {
                    if (view.length === 0) return
                    ack ??= view.seq + 2
                    actor.segment(view, { seq: 5001, ack, flags: ".", window: 8000 })
                })
            },
            commands: TALK,
        },
        60,
        "not-acknowledged",
        /^10\.0\.0\.8:7 still answers, but acknowledges only \d+ bytes? of 10\.0\.0\.2:\d+, \d bytes? less than were sent\.$/,
    ],
    "a peer whose segments have no ACK": [
        {
            set: server((actor, view) => {
                if (view.length > 0) actor.segment(view, { seq: 5001, ack: 0, flags: "P", window: 8000 })
            }),
            commands: TALK,
        },
        60,
        "wrong-number",
        /^Host X drops the segments of 10\.0\.0\.8:7, because they lack the ACK flag/,
    ],
    "a host that reports by ICMP that an open connection's port is closed": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                let isOpen = false
                serve(actor, () => {
                    isOpen = true
                })
                actor.onPacket = (view, frame) => {
                    if (isOpen && view.kind === "tcp") actor.unreachable(frame, 3)
                }
            },
            commands: TALK,
        },
        60,
        "unreachable",
        /^10\.0\.0\.8 reports that 10\.0\.0\.8:7 cannot be reached: the port is closed \(ICMP unreachable: port\)\.$/,
    ],
    "a peer that answers, but whose answers are lost": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.8")
                serve(actor, view => acknowledge(actor, view))
                losing(view => view.kind === "tcp" && view.source === "10.0.0.8" && !view.flags.syn)(scene)
            },
            commands: TALK,
        },
        60,
        "frames-lost",
        /^10\.0\.0\.8:7 answers, but the line lost all \d segments that it sent since /,
    ],
    "a peer whose FINs are lost": [
        {
            set: losing(view => view.kind === "tcp" && view.source === "10.0.0.1" && view.flags.fin),
            commands: [
                "connect 10.0.0.1 7",
                "wait 3 ESTABLISHED",
                "send 3 hello",
                "sleep 500",
                "read 3",
                "close 3",
            ],
        },
        60,
        "frames-lost",
        /^10\.0\.0\.1:7 has closed, too, but the line lost its FIN every time, \d of \d\.$/,
    ],
    "a reset that another station sends": [
        {
            set: server((actor, view) => {
                if (view.length === 0) return
                const ends = { source: actor.ip, destination: view.source }
                const ports = { sourcePort: 7, destinationPort: view.sourcePort }
                const reset = ipv4({ ...ends, protocol: 6 }, tcp(ends, { ...ports, seq: 5001, flags: "R" }))
                actor.send(ethernet(view.sourceMac, "02:00:00:00:00:63", 0x0800, reset))
            }),
            commands: TALK,
        },
        10,
        "reset",
        /^The RST was not sent by 10\.0\.0\.8:7, whose segments come from 02:00:0a:00:00:08, but by the station at 02:00:00:00:00:63\.$/,
    ],
}

describe("what a strange peer does is named", () => {
    test.each(Object.entries(peers))("%s", async (_name, [part, seconds, cause, sentence]) => {
        const all = await explained(part, seconds)
        const found = all.find(one => one.cause === cause)
        expect(found?.sentence, JSON.stringify(all.map(one => one.sentence))).toMatch(sentence)
        expect(all.filter(one => one.cause === "peer-vanished" || one.cause === "filtered")).toEqual([])
    })
})

describe("a sentence is corrected when the connection opens after all", () => {
    test("a host that answers SYNs after 20 s", async () => {
        const all = await explained(
            {
                set: peer((actor, view, { clock }) => {
                    if (view.flags.syn)
                        clock.at(clock.now() + 20_000, () =>
                            actor.segment(view, { ...SYN_ACK, ack: view.seq + 1 })
                        )
                }),
                commands: CONNECT,
            },
            60
        )
        expect(all.map(one => one.cause)).toEqual(["filtered", "opened-late"])
        expect(all[1]!.sentence).toMatch(
            /^The connection of 10\.0\.0\.2:\d+ with 10\.0\.0\.8:7 has opened after all: 20\.01 s after its first SYN \(\d SYNs\)\.$/
        )
        expect(all[1]!.replaces).toContain(all[0]!.sentence)
        expect(lastResult()).toBe("result: nothing failed: 1 connection still open.")
    })

    test("a first SYN-ACK with a wrong number, and then a right one", async () => {
        let answered = 0
        const all = await explained(
            {
                set: peer((actor, view) => {
                    const error = view.flags.syn && answered++ === 0 ? 77 : 0
                    if (view.flags.syn) actor.segment(view, { ...SYN_ACK, ack: view.seq + 1 + error })
                }),
                commands: CONNECT,
            },
            60
        )
        expect(all.map(one => one.cause)).toEqual(["wrong-number", "opened-late"])
        expect(lastResult()).toBe("result: nothing failed: 1 connection still open.")
    })

    test("a connection that the device resets is not still open", async () => {
        const unread = { seq: 5001, flags: "P.", window: 8000 }
        await explained(
            {
                set: server((actor, view) => {
                    if (view.length > 0)
                        actor.segment(view, { ...unread, ack: view.seq + view.length }, [1, 2, 3])
                }),
                commands: [...TALK, "sleep 500", "abort 3"],
            },
            10
        )
        expect(lastResult()).toBe("result: nothing failed: 1 connection ended by a reset.")
    })
})
