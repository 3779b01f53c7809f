import { createSocket, type Socket } from "node:dgram"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Limits } from "../../sim/router/limits"
import { macFor } from "../../sim/run/boot"
import { Random } from "../../sim/time/random"
import type { TcpView, UdpView, View } from "../../sim/view/dissect"
import { arp, broadcastMac, ethernet, icmp, ipv4, tcp, udp } from "../support/frames"
import { IPV4, Lan, Probe, ROUTER } from "./lan"
import { closedPort, serve } from "./servers"

const ARP = 0x0806
const ROUTER_MAC = macFor(ROUTER)

let lan: Lan
let probe: Probe

async function open(limits: Partial<Limits> = {}, lookup = async () => ["192.0.2.1"]): Promise<void> {
    lan = await Lan.open({ limits, lookup })
    probe = new Probe(lan.ethernet)
}
beforeEach(() => open())
afterEach(() => lan.close())

/** An echo server of UDP on the host's loopback, that keeps who wrote to it. */
async function echo(): Promise<{ port: number; socket: Socket; from: number[] }> {
    const socket = createSocket("udp4")
    const from: number[] = []
    socket.on("message", (data, sender) => {
        from.push(sender.port)
        socket.send(data, sender.port, sender.address)
    })
    await new Promise<void>(done => socket.bind(0, "127.0.0.1", done))
    lan.later(() => void socket.close())
    return { port: socket.address().port, socket, from }
}

const ends = (destination: string, source = probe.ip) => ({ source, destination })

function packet(protocol: number, payload: number[], destination = ROUTER, source = probe.ip): Uint8Array {
    const to = destination === "255.255.255.255" ? broadcastMac : ROUTER_MAC
    return ethernet(to, probe.mac, IPV4, ipv4({ source, destination, protocol }, payload))
}

function datagram(sourcePort: number, destinationPort: number, data: ArrayLike<number>): Uint8Array {
    return packet(17, udp(ends(ROUTER), { sourcePort, destinationPort }, data))
}

function syn(destinationPort: number, destination = ROUTER, seq = 1000): Uint8Array {
    return packet(
        6,
        tcp(ends(destination), { sourcePort: 4000, destinationPort, seq, flags: "S" }),
        destination
    )
}

const kinds = (): View["kind"][] => probe.views.map(({ kind }) => kind)
const datagrams = (): UdpView[] => probe.views.filter((view): view is UdpView => view.kind === "udp")

describe("the router", () => {
    it("answers ARP for its own address only", async () => {
        const ask = (targetIp: string) =>
            ethernet(
                broadcastMac,
                probe.mac,
                ARP,
                arp({ operation: 1, senderMac: probe.mac, senderIp: probe.ip, targetIp })
            )
        probe.send(ask("10.0.2.9"))
        probe.send(ask(ROUTER))
        await lan.until("there is an answer", () => probe.heard.length > 0)
        expect(probe.views).toMatchObject([
            { kind: "arp", operation: 2, senderIp: ROUTER, senderMac: ROUTER_MAC },
        ])
    })

    it("answers echo requests to its own address only", async () => {
        probe.send(packet(1, icmp(8, 0, 1, [1, 2, 3]), "192.0.2.1"))
        probe.send(packet(1, icmp(8, 0, 0x00070008, [4, 5, 6])))
        await lan.until("there is an answer", () => probe.heard.length > 0)
        expect(probe.views).toMatchObject([
            {
                kind: "icmp",
                type: 0,
                source: ROUTER,
                echo: { identifier: 7, sequence: 8 },
                checksumValid: true,
            },
        ])
        expect(lan.network.counters.unsupported).toBe(1)
    })

    it("drops and counts packets from or to addresses that are not valid here", async () => {
        const to = (destination: string) =>
            packet(17, udp(ends(destination), { sourcePort: 1, destinationPort: 2 }), destination)
        for (const destination of ["127.0.0.1", "0.0.0.1", "224.0.0.1", "240.0.0.1", "10.0.2.9"])
            probe.send(to(destination))
        for (const source of [ROUTER, "10.0.2.0", "10.0.2.255", "192.168.1.1", "127.0.0.1"]) {
            const sent = udp(ends(ROUTER, source), { sourcePort: 1, destinationPort: 2 })
            probe.send(packet(17, sent, ROUTER, source))
        }
        await lan.until("all are counted", () => lan.network.counters.martian === 10)
        expect(probe.heard).toEqual([])
        expect(lan.network.usage.udp).toBe(0)
    })
})

describe("UDP through the router", () => {
    it("reaches the host and comes back, from one port of the host for each of the device's", async () => {
        const { port, from } = await echo()
        for (const [source, byte] of [
            [5000, 1],
            [5000, 2],
            [5001, 3],
        ] as const)
            probe.send(datagram(source, port, [byte]))
        await lan.until("all are echoed", () => datagrams().length === 3)
        const back = datagrams()
            .map(view => [view.destinationPort, view.payload[0]])
            .sort()
        expect(back).toEqual([
            [5000, 1],
            [5000, 2],
            [5001, 3],
        ])
        for (const view of datagrams()) {
            expect(view).toMatchObject({
                source: ROUTER,
                sourcePort: port,
                destination: probe.ip,
                destinationMac: probe.mac,
                checksumValid: true,
            })
        }
        expect(new Set(from).size).toBe(2)
        expect(lan.network.usage.udp).toBe(2)
    })

    it("carries 0 bytes, an odd number of bytes, and as many as a packet holds", async () => {
        const { port, socket, from } = await echo()
        for (const length of [0, 1, 1471, 1472])
            probe.send(datagram(5000, port, new Uint8Array(length).fill(7)))
        await lan.until("all are echoed", () => datagrams().length === 4)
        expect(datagrams().map(({ payload }) => payload.length)).toEqual([0, 1, 1471, 1472])
        expect(datagrams().every(({ checksumValid }) => checksumValid)).toBe(true)
        socket.send(Buffer.alloc(1473), from[0]!, "127.0.0.1")
        await lan.until("what is longer is dropped", () => lan.network.counters.udpTooLong === 1)
    })

    it("from a port that the device has not written to is dropped and counted", async () => {
        const { port, from } = await echo()
        probe.send(datagram(5000, port, [1]))
        await lan.until("it is echoed", () => datagrams().length === 1)
        const stranger = createSocket("udp4")
        lan.later(() => void stranger.close())
        stranger.send("let me in", from[0]!, "127.0.0.1")
        await lan.until("the stranger is counted", () => lan.network.counters.udpStranger === 1)
        expect(datagrams()).toHaveLength(1)
    })

    it("loses its port when idle, or to a newer one when there are too many", async () => {
        await lan.close()
        await open({ udpPorts: 2, udpIdle: 500 })
        const { port } = await echo()
        for (const source of [5000, 5001, 5002]) probe.send(datagram(source, port, [1]))
        await lan.until("the third has come", () => datagrams().some(view => view.destinationPort === 5002))
        expect(lan.network.usage.udp).toBe(2)
        expect(lan.network.counters.udpEvicted).toBe(1)
        await lan.until("both are given up", () => lan.network.usage.udp === 0)
    })

    it("with a wrong checksum or from port 0 is dropped", async () => {
        const wrong = udp(ends(ROUTER), { sourcePort: 1, destinationPort: 2, checksum: 0x1234 }, [1])
        probe.send(packet(17, wrong))
        probe.send(datagram(0, 2, [1]))
        probe.send(datagram(1, 0, [1]))
        await lan.until("all are counted", () => lan.network.counters.malformed === 3)
        expect(lan.network.usage.udp).toBe(0)
    })

    it("to port 53 of the router is answered as a DNS query", async () => {
        const name = [3, ...Buffer.from("www"), 7, ...Buffer.from("example"), 0]
        const asked = [9, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1]
        probe.send(datagram(5353, 53, asked))
        await lan.until("there is an answer", () => datagrams().length === 1)
        const [view] = datagrams()
        expect(view).toMatchObject({
            source: ROUTER,
            sourcePort: 53,
            destinationPort: 5353,
            checksumValid: true,
        })
        expect([...view!.payload].slice(-4)).toEqual([192, 0, 2, 1])
    })

    it("to port 67 of the broadcast address is answered as a DHCP request", async () => {
        const discover = new Uint8Array(244)
        discover.set([1, 1, 6, 0, 1, 2, 3, 4])
        discover.set(
            Array.from(probe.mac.split(":"), byte => Number.parseInt(byte, 16)),
            28
        )
        discover.set([99, 130, 83, 99, 53, 1, 1, 255], 236)
        const everybody = "255.255.255.255"
        const sent = udp(ends(everybody, "0.0.0.0"), { sourcePort: 68, destinationPort: 67 }, discover)
        probe.send(packet(17, sent, everybody, "0.0.0.0"))
        await lan.until("there is an offer", () => datagrams().length === 1)
        expect(datagrams()[0]).toMatchObject({
            source: ROUTER,
            sourcePort: 67,
            destination: "10.0.2.2",
            destinationPort: 68,
            destinationMac: probe.mac,
            checksumValid: true,
        })
        expect([...datagrams()[0]!.payload.slice(16, 20)]).toEqual([10, 0, 2, 2])
    })
})

describe("a SYN to the router", () => {
    /** Answers the router's question for our address. */
    async function introduce(): Promise<void> {
        const fields = { operation: 1, senderMac: probe.mac, senderIp: probe.ip, targetIp: ROUTER }
        probe.send(ethernet(broadcastMac, probe.mac, ARP, arp(fields)))
        await lan.until("the router knows us", () => probe.heard.length === 1)
        probe.heard.length = 0
    }

    it("is answered from the address it was sent to, once the host is connected", async () => {
        await introduce()
        const server = await serve(() => {})
        lan.later(() => server.close())
        probe.send(syn(server.port))
        await lan.until("there is an answer", () => probe.heard.length === 1)
        expect(probe.views).toMatchObject([
            {
                kind: "tcp",
                source: ROUTER,
                sourcePort: server.port,
                destinationPort: 4000,
                ack: 1001,
                flags: { syn: true, ack: true },
                checksumValid: true,
                headerChecksumValid: true,
            },
        ])
        // the device goes away: so does the host's connection
        const rst = tcp(ends(ROUTER), {
            sourcePort: 4000,
            destinationPort: server.port,
            seq: 1001,
            flags: "R",
        })
        probe.send(packet(6, rst))
        await lan.until("no socket is left", () => lan.network.usage.tcp === 0)
        expect(lan.network.usage.remembered).toBe(0)
    })

    it("to a port without a listener is answered by a RST that acknowledges it", async () => {
        await introduce()
        const port = await closedPort()
        probe.send(syn(port))
        await lan.until("there is an answer", () => probe.heard.length === 1)
        expect(probe.views).toMatchObject([
            {
                kind: "tcp",
                sourcePort: port,
                ack: 1001,
                flags: { rst: true, ack: true, syn: false },
                checksumValid: true,
            },
        ])
    })

    it("to a host that has ended before the device's ACK is answered, and the FIN follows", async () => {
        await introduce()
        const server = await serve(socket => socket.end())
        lan.later(() => server.close())
        probe.send(syn(server.port))
        const segments = () => probe.views.filter((view): view is TcpView => view.kind === "tcp")
        await lan.until("there is a SYN-ACK", () => segments().length === 1)
        await lan.until("the host has ended", () => server.sockets[0]?.writableFinished === true)
        await lan.pass(50)
        const [{ seq }] = segments() as [TcpView]
        const ports = { sourcePort: 4000, destinationPort: server.port }
        probe.send(packet(6, tcp(ends(ROUTER), { ...ports, seq: 1001, ack: seq + 1, flags: "." })))
        await lan.until("there is a FIN", () => segments().some(({ flags }) => flags.fin))
        expect(segments().some(({ flags }) => flags.rst)).toBe(false)
    })

    it("with a wrong checksum opens nothing", async () => {
        const server = await serve(() => {})
        lan.later(() => server.close())
        const fields = { sourcePort: 4000, destinationPort: server.port, seq: 1, flags: "S", checksum: 1 }
        probe.send(packet(6, tcp(ends(ROUTER), fields)))
        await lan.until("it is counted", () => lan.network.counters.malformed === 1)
        expect(lan.network.counters.outgoing).toBe(0)
        expect(server.sockets).toEqual([])
    })
})

describe("any bytes on the wire", () => {
    it("leave the router answering", async () => {
        const random = new Random(11)
        const port = await closedPort()
        const sound = [
            datagram(1, port, [1, 2, 3]),
            datagram(68, 67, new Uint8Array(300).fill(1)),
            datagram(1, 53, [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]),
            syn(port),
            packet(6, tcp(ends(ROUTER), { sourcePort: 9, destinationPort: 9, seq: 1, ack: 2, flags: "F." })),
            packet(1, icmp(8, 0, 1, [1, 2, 3])),
        ]
        for (let i = 0; i < 3000; i++) {
            const noise = random.fill(new Uint8Array(random.integer(100)))
            probe.send(noise)
            const frame = Uint8Array.from(sound[i % sound.length]!)
            // no addresses and no ports: this stays between the two stations and a closed port
            const places = [
                12,
                13,
                14,
                15,
                16,
                17,
                20,
                21,
                22,
                23,
                ...Array.from({ length: 36 }, (_, at) => 38 + at),
            ]
            for (let n = random.integer(4); n >= 0; n--) {
                const at = places[random.integer(places.length)]!
                if (at < frame.length) frame[at] = random.integer(256)
            }
            probe.send(
                frame.subarray(0, random.integer(5) === 0 ? random.integer(frame.length + 1) : frame.length)
            )
        }
        probe.send(new Uint8Array(0))
        probe.send(new Uint8Array(3000))
        probe.heard.length = 0
        const ping = packet(1, icmp(8, 0, 0x00090009, [7]))
        probe.send(ping)
        const isAnswer = (view: View) => view.kind === "icmp" && view.echo?.identifier === 9
        await lan.until("it still answers", () => probe.views.some(isAnswer))
        expect(kinds()).not.toContain("malformed")
        expect(lan.network.counters.malformed).toBeGreaterThan(100)
    })
})
