// Hosts that answer, but not as they should, and networks in which two have what one should have: what is concluded, and what is not.

import { expect, test } from "vitest"
import { Explainer } from "../../sim/diagnosis/explainer"
import type { Actor } from "../../sim/stage/actor"
import type { Scene } from "../../sim/stage/scene"
import { arp, broadcastMac, ethernet, ipv4, tcp } from "../../sim/testing/frames"
import type { TcpView } from "../../sim/view/dissect"
import { acknowledge, explained, lastResult, type Part, serve, TALK } from "./explained"

type Setting = NonNullable<Part["set"]>

const IP = "10.0.0.8"
const CONNECT = [`connect ${IP} 7`]

/** A host that answers each segment by `answer`. */
const peer = (answer: (actor: Actor, view: TcpView) => void): Setting => {
    return scene => {
        const actor = scene.actor(IP)
        actor.onSegment = view => answer(actor, view)
    }
}

/** A host that opens, and answers other segments by `answer`. */
const server = (answer: (actor: Actor, view: TcpView, scene: Scene) => void): Setting => {
    return scene => {
        const actor = scene.actor(IP)
        serve(actor, view => answer(actor, view, scene))
    }
}

/** A host that answers a SYN by a SYN-ACK for another address or port. */
const astray = (destination: string, ahead: number): Setting =>
    peer((actor, view) => {
        if (!view.flags.syn) return
        const ends = { source: IP, destination }
        const ports = { sourcePort: 7, destinationPort: view.sourcePort + ahead }
        const answer = { ...ports, seq: 5000, ack: view.seq + 1, flags: "S.", window: 8000 }
        actor.send(
            ethernet(view.sourceMac, actor.mac, 0x0800, ipv4({ ...ends, protocol: 6 }, tcp(ends, answer)))
        )
    })

/** Lets a host send with the Ethernet address of another one. */
function disguise(actor: Actor, mac: string): void {
    ;(actor as { mac: string }).mac = mac
}

/** A host that asks for many addresses by ARP, one a millisecond. */
const storm: Setting = scene => {
    const actor = scene.actor("10.0.0.9")
    for (let i = 0; i < 3000; i++)
        scene.clock.at(scene.clock.now() + i, () => actor.ask(`10.0.0.${20 + (i % 200)}`))
}

/** A peer that answers each SYN by a segment with these flags. */
const answersSyn = (flags: string): Setting =>
    peer((actor, view) => {
        if (view.flags.syn) actor.segment(view, { seq: 5, ack: view.seq + 1, flags, window: 100 })
    })

const hosts: { readonly [name: string]: [Part, number, readonly string[], RegExp] } = {
    "a SYN is answered by ACK only": [
        {
            set: answersSyn("."),
            commands: CONNECT,
        },
        40,
        ["handshake-unfinished"],
        /^10\.0\.0\.8:7 answers the SYN of 10\.0\.0\.2:\d+ by \d segments without SYN, which opens no connection \(RFC 9293 section 3\.10\.7\.3\)\.$/,
    ],
    "a SYN is answered by FIN-ACK": [
        {
            set: answersSyn("F."),
            commands: CONNECT,
        },
        40,
        ["handshake-unfinished"],
        /segments without SYN, which opens no connection/,
    ],
    "a SYN-ACK goes to another address": [
        { set: astray("10.0.0.22", 0), commands: CONNECT },
        40,
        ["wrong-source"],
        /^10\.0\.0\.8:7 answered \d SYNs, but to 10\.0\.0\.22:\d+ instead of 10\.0\.0\.2:\d+: such an answer belongs to no connection\.$/,
    ],
    "a SYN-ACK goes to another port": [
        { set: astray("10.0.0.2", 1), commands: CONNECT },
        40,
        ["wrong-source"],
        /^10\.0\.0\.8:7 answered \d SYNs, but to 10\.0\.0\.2:\d+ instead of 10\.0\.0\.2:\d+/,
    ],
    "a reset in the window, but not with the next number": [
        {
            set: server((actor, view) => {
                if (view.length > 0) actor.segment(view, { seq: 5050, flags: "R" })
            }),
            commands: TALK,
        },
        3,
        ["ignored-reset"],
        /^Host X ignores the RST of 10\.0\.0\.8:7: its number is 5050, and only 5001, the next one, ends the connection \(RFC 5961 section 3\.2\)\.$/,
    ],
    "a server closes, and resets before the device has closed": [
        {
            set: server((actor, view, { clock }) => {
                if (view.length === 0) return
                const ack = view.seq + view.length
                actor.segment(view, { seq: 5001, ack, flags: "P.", window: 100 }, [1])
                actor.segment(view, { seq: 5002, ack, flags: "F.", window: 100 })
                clock.at(clock.now() + 1000, () => actor.segment(view, { seq: 5003, ack, flags: "R." }))
            }),
            commands: TALK,
        },
        3,
        ["reset-after-close"],
        /^10\.0\.0\.8:7 had closed, and did not wait until 10\.0\.0\.2:\d+ closed, too\.$/,
    ],
    "a server takes the data, and nothing of the close": [
        {
            set: server((actor, view) => {
                if (view.length > 0) acknowledge(actor, view)
            }),
            commands: [...TALK, "sleep 1000", "close 3"],
        },
        40,
        ["peer-vanished"],
        /^10\.0\.0\.8:7 has vanished: nothing came from it since 0\.\d+ s, and 4 retransmissions have no answer, though 10\.0\.0\.8 still answers ARP\.$/,
    ],
    "a server looks for a router, because its netmask is wrong": [
        {
            set: peer((actor, view) => {
                if (!view.flags.syn) return
                const target = { targetMac: "00:00:00:00:00:00", targetIp: "10.0.0.254" }
                const asked = arp({ operation: 1, senderMac: actor.mac, senderIp: IP, ...target })
                actor.send(ethernet(broadcastMac, actor.mac, 0x0806, asked))
            }),
            commands: CONNECT,
        },
        40,
        ["wrong-prefix"],
        /^10\.0\.0\.8:7 did not answer \d SYNs, and 10\.0\.0\.8 looks for 10\.0\.0\.254 by ARP meanwhile, which no host answers: it probably takes 10\.0\.0\.2 for a host of another network/,
    ],
    "another host sends with the device's Ethernet address": [
        {
            set: scene => {
                const actor = scene.actor("10.0.0.9")
                disguise(actor, "02:00:0a:00:00:02")
                scene.clock.at(scene.clock.now() + 500, () => actor.ask("10.0.0.1"))
            },
            commands: ["sleep 1000", "connect 10.0.0.1 7"],
        },
        3,
        ["address-taken"],
        /^Two stations send with the Ethernet address 02:00:0a:00:00:02: Host X and host 10\.0\.0\.9\./,
    ],
    "the server shares its Ethernet address with another host": [
        {
            set: scene => disguise(scene.actor(IP), "02:00:0a:00:00:01"),
            commands: [...CONNECT, "connect 10.0.0.1 7"],
        },
        40,
        ["address-taken"],
        /^Two stations send with the Ethernet address 02:00:0a:00:00:01: host 10\.0\.0\.8 and server\./,
    ],
    "a storm of ARP does not spoil the count": [
        { set: storm, commands: ["connect 10.0.0.250 7"] },
        5,
        ["host-silent"],
        /^No host answers ARP for 10\.0\.0\.250: 3 requests from 0\.\d+ s to 2\.\d+ s, no reply\.$/,
    ],
}

test.each(Object.entries(hosts))("%s", async (_name, [part, seconds, causes, sentence]) => {
    const all = await explained(part, seconds)
    expect(all.map(one => one.cause)).toEqual(causes)
    expect(all[0]?.sentence).toMatch(sentence)
})

test("a host that this computer does not reach either is not said to have a firewall", () => {
    const dials = (ip: string, port: number) => ip === "10.0.0.1" && port === 80
    const explainer = new Explainer(() => ({
        name: "Host X",
        station: "x",
        ip: "10.0.0.2",
        prefix: 24,
        dials,
    }))
    const [own, theirs] = ["02:00:00:00:00:02", "02:00:00:00:00:01"]
    const ask = { senderMac: own, senderIp: "10.0.0.2", targetMac: theirs, targetIp: "10.0.0.1" }
    const tell = { senderMac: theirs, senderIp: "10.0.0.1", targetMac: own, targetIp: "10.0.0.2" }
    explainer.sent(ethernet(theirs, own, 0x0806, arp({ operation: 1, ...ask })), "x", 0, undefined)
    explainer.sent(ethernet(own, theirs, 0x0806, arp({ operation: 2, ...tell })), "router", 5, undefined)
    const ends = { source: "10.0.0.2", destination: "10.0.0.1" }
    const syn = tcp(ends, { sourcePort: 5000, destinationPort: 80, seq: 1, flags: "S", window: 100 })
    for (const time of [10, 1010, 3010])
        explainer.sent(
            ethernet(theirs, own, 0x0800, ipv4({ ...ends, protocol: 6 }, syn)),
            "x",
            time,
            undefined
        )
    const why = explainer.error("socket tcp://10.0.0.1:80: ETIMEDOUT, the other host does not answer", 9000)
    expect(why).toMatchObject({
        cause: "unanswered",
        sentence:
            "10.0.0.1:80 did not answer 3 SYNs: this computer, whose own connection carries that of Host X, has no answer from it either.",
    })
})

test("a port scan is explained once, not for each port", async () => {
    const scan: Setting = ({ clock, server: host, ip }) => {
        for (let port = 100; port < 140; port++)
            clock.at(clock.now() + port * 10, () => void host.connect(ip, port))
    }
    const all = await explained({ set: scan, commands: ["sleep 5000"] }, 1)
    expect(all.length).toBeLessThanOrEqual(5)
    expect(all.at(-1)?.sentence).toMatch(
        /^10\.0\.0\.1 tries one port of Host X after the other, and Host X refuses/
    )
})

test("a client that resets an open connection gets no advice about an older one", async () => {
    const visit: Setting = ({ clock, server: host, ip }) => {
        clock.at(clock.now() + 500, () => {
            const client = host.connect(ip, 80)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            clock.at(clock.now() + 30, () => client.abort())
        })
    }
    const [first] = await explained({ set: visit, commands: ["sleep 5000"] }, 1)
    expect(first?.advice).not.toContain("older")
    expect(first?.evidence.join()).not.toContain("have not ended it")
})

test("a connection works in a storm of ARP", async () => {
    const commands = [
        "connect 10.0.0.1 7",
        "wait 3 ESTABLISHED",
        "send 3 hello",
        "sleep 3000",
        "read 3",
        "close 3",
    ]
    expect(await explained({ set: storm, commands }, 10)).toEqual([])
    expect(lastResult()).toBe("result: nothing failed.")
})
