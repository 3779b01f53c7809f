// UDP sockets: RFC 768, RFC 1122 section 4.1.

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { UdpView } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import { DatagramQueue } from "../../src/net/datagram-queue"
import { Endpoint } from "../../src/net/endpoint"
import { Endpoints } from "../../src/net/endpoint-table"
import { receive } from "../../src/net/receive"
import { setAddress } from "../../src/net/stack"
import { UdpSocket } from "../../src/net/udp-socket"
import { TcpError } from "../../src/tcp/records"
import { Bench } from "../support/bench"
import { arp, broadcastMac, ethernet, icmp, ipv4, udp } from "../support/frames"
import { bytes, ip } from "../support/host"
import { cases } from "../support/property"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const THEM = "02:00:00:00:01:02"

interface Bed {
    bench: Bench
    endpoints: Endpoints
    socket: UdpSocket
}

/** Returns a stack with a socket on port 5000 and an ARP entry for 10.0.0.2. */
function bed(options: { known?: boolean; queue?: number; gateway?: string } = {}): Bed {
    const bench = new Bench(
        {},
        { arp: false, ...(options.gateway === undefined ? {} : { gateway: options.gateway }) }
    )
    const endpoints = new Endpoints(bench.stack)
    const socket = new UdpSocket(endpoints, options.queue ?? 256, options.queue ?? 256)
    expect(socket.bind(5000)).toBe(TcpError.None)
    if (options.known !== false) bench.introduce("10.0.0.2", THEM)
    return { bench, endpoints, socket }
}

interface From {
    source?: string
    destination?: string
    to?: string
    port?: number
    from?: number
}

function datagram(data: ArrayLike<number>, { source, destination, to, port, from }: From = {}): Uint8Array {
    const header = { source: source ?? "10.0.0.2", destination: destination ?? "10.0.0.1" }
    const body = udp(header, { sourcePort: from ?? 6000, destinationPort: port ?? 5000 }, data)
    return ethernet(to ?? US, THEM, 0x0800, ipv4({ ...header, protocol: 17 }, body))
}

/** Returns the text and the sender of the next datagram, undefined without one. */
function take(socket: UdpSocket): { text: string; from: [number, number] } | undefined {
    const into = Buffer.alloc(64)
    const n = socket.receiveFrom(into, 0, into.length)
    if (n < 0) return undefined
    const text = String.fromCharCode(...into.subarray(0, n))
    return { text, from: [socket.sourceIp, socket.sourcePort] }
}

function say(socket: UdpSocket, to: string, text: string, port = 7): TcpError {
    const data = bytes(text)
    return socket.sendTo(ip(to), port, data, 0, data.length)
}

function sent(bench: Bench): UdpView[] {
    bench.poll()
    return bench.others.splice(0).map(s => s.view as UdpView)
}

const text = (s: string) => Uint8Array.from(s, c => c.charCodeAt(0))

function reply(bench: Bench, address = "10.0.0.2"): void {
    const fields = { operation: 2, senderMac: THEM, senderIp: address, targetMac: US, targetIp: "10.0.0.1" }
    bench.receive(ethernet(US, THEM, 0x0806, arp(fields)))
}

test("the identification of a datagram does not count datagrams to others, and differs by content", () => {
    const { bench, socket } = bed()
    const number = (data: string) => {
        say(socket, "10.0.0.2", data)
        return sent(bench)[0]!.identification
    }
    const before = number("a")
    for (let i = 0; i < 10; i++) {
        say(socket, "255.255.255.255", `${i}`)
        sent(bench)
    }
    expect(number("a")).toBe(before)
    expect(new Set(["a", "b", "c", "d"].map(number)).size).toBe(4)
})

describe("binding UDP sockets", () => {
    test("bind() to another socket's port is refused until that socket is closed", () => {
        const { endpoints, socket, bench } = bed()
        const second = new UdpSocket(endpoints, 64, 64)
        expect(second.bind(5000)).toBe(TcpError.InUse)
        expect(socket.bind(5001)).toBe(TcpError.Invalid)
        for (const port of [-1, 65536]) expect(second.bind(port)).toBe(TcpError.Invalid)
        socket.close()
        expect(second.bind(5000)).toBe(TcpError.None)
        expect(say(socket, "10.0.0.2", "x")).toBe(TcpError.NotConnected)
        bench.receive(datagram(text("late")))
        expect([take(socket), take(second)?.text]).toEqual([undefined, "late"])
    })

    test("bind(0) binds twenty sockets to twenty different ports", () => {
        const { endpoints } = bed()
        const ports = Array.from({ length: 20 }, () => {
            const socket = new UdpSocket(endpoints, 64, 64)
            expect(socket.bind(0)).toBe(TcpError.None)
            return socket.port
        })
        expect(new Set(ports).size).toBe(20)
        for (const port of ports) {
            expect(port).toBeGreaterThanOrEqual(1024)
            expect(port).toBeLessThan(65536)
        }
    })
})

describe("receiving datagrams", () => {
    test("datagrams are read in order with their senders, empty ones too", () => {
        const { bench, socket } = bed()
        bench.receive(datagram(text("one")))
        bench.receive(datagram([], { source: "192.0.2.9", from: 65535 }))
        bench.receive(datagram(text("three"), { from: 0 }))
        expect(socket.waiting()).toBe(3)
        expect(take(socket)).toEqual({ text: "one", from: [ip("10.0.0.2"), 6000] })
        expect(take(socket)).toEqual({ text: "", from: [ip("192.0.2.9"), 65535] })
        expect(take(socket)).toEqual({ text: "three", from: [ip("10.0.0.2"), 0] })
        expect([take(socket), socket.waiting()]).toEqual([undefined, -1])
        expect(sent(bench)).toEqual([])
    })

    test("a datagram longer than the program's buffer is cut", () => {
        const { bench, socket } = bed()
        const into = Buffer.alloc(8)
        for (let i = 0; i < 5; i++) bench.receive(datagram(text("abcdef")))
        expect(socket.receiveFrom(into, 2, 3)).toBe(3)
        expect(Array.from(into)).toEqual([0, 0, 97, 98, 99, 0, 0, 0])
        expect(socket.receiveFrom(into, 6, 100)).toBe(2)
        for (const [at, length] of [
            [-1, 4],
            [9, 4],
            [0, -4],
        ] as const)
            expect(socket.receiveFrom(into, at, length)).toBe(0)
        expect(socket.waiting()).toBe(-1)
    })

    test("datagrams beyond the receive queue are dropped and counted", () => {
        const { bench, socket } = bed({ queue: 64 })
        for (let i = 0; i < 6; i++) bench.receive(datagram(text(`${i}23456789`)))
        expect(socket.dropped).toBe(4)
        expect([take(socket)?.text, take(socket)?.text, take(socket)]).toEqual([
            "023456789",
            "123456789",
            undefined,
        ])
    })

    test.each([
        ["to the limited broadcast address", { destination: "255.255.255.255", to: broadcastMac }],
        ["to the network's broadcast address", { destination: "10.0.0.255", to: broadcastMac }],
    ])("a datagram %s is received", (_, from) => {
        const { bench, socket } = bed()
        bench.receive(datagram(text("hear"), from))
        expect(take(socket)?.text).toBe("hear")
    })

    test("a datagram to a joined group is received, one to another group is not", () => {
        const { bench, socket } = bed()
        const group = { destination: "224.0.0.251", to: "01:00:5e:00:00:fb" }
        bench.receive(datagram(text("before"), group))
        socket.group = ip("224.0.0.251")
        bench.receive(datagram(text("member"), group))
        bench.receive(datagram(text("other"), { destination: "224.0.0.252", to: "01:00:5e:00:00:fc" }))
        expect([take(socket)?.text, take(socket)]).toEqual(["member", undefined])
        expect(bench.counter(Counter.UdpNoPort)).toBe(2)
    })

    test("a datagram to our address in a broadcast frame is dropped (RFC 1122 section 3.3.6)", () => {
        const { bench, socket } = bed()
        bench.receive(datagram(text("odd"), { to: broadcastMac }))
        expect(take(socket)).toBeUndefined()
        expect(bench.counter(Counter.UdpNoPort)).toBe(1)
    })

    test("a datagram to an unbound port draws port unreachable", () => {
        const { bench } = bed()
        bench.receive(datagram(text("x"), { port: 5001 }))
        expect(bench.others.splice(0).map(s => s.view)).toMatchObject([{ kind: "icmp", type: 3, code: 3 }])
    })
})

describe("sending datagrams", () => {
    test("sendTo() sends one datagram with its addresses and checksum", () => {
        const { bench, socket } = bed()
        expect(say(socket, "10.0.0.2", "hello")).toBe(TcpError.None)
        expect(sent(bench)).toMatchObject([
            {
                kind: "udp",
                destinationMac: THEM,
                source: "10.0.0.1",
                destination: "10.0.0.2",
                sourcePort: 5000,
                destinationPort: 7,
                payload: text("hello"),
                ttl: 64,
                checksumValid: true,
            },
        ])
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
    })

    test.each([
        ["the limited broadcast address", "255.255.255.255", broadcastMac, 64],
        ["the network's broadcast address", "10.0.0.255", broadcastMac, 64],
        ["a link-local group", "224.0.0.251", "01:00:5e:00:00:fb", 255],
        ["another group, with a TTL of 1,", "239.129.2.3", "01:00:5e:01:02:03", 1],
    ])("a datagram to %s is sent without ARP", (_, to, mac, ttl) => {
        const { bench, socket } = bed({ known: false })
        expect(say(socket, to, "all")).toBe(TcpError.None)
        expect(sent(bench)).toMatchObject([{ destinationMac: mac, destination: to, ttl }])
    })

    test("sendTo() sends 0 to 1472 bytes and refuses 1473", () => {
        const { bench, socket } = bed({ queue: 2048 })
        const data = Buffer.alloc(1473)
        for (const length of [0, 1, 2, 7, 8, 9, 500, 1471, 1472]) {
            expect(socket.sendTo(ip("10.0.0.2"), 7, data, 0, length)).toBe(TcpError.None)
            expect(sent(bench)).toMatchObject([{ frameLength: 42 + length }])
        }
        expect(socket.sendTo(ip("10.0.0.2"), 7, data, 0, 1473)).toBe(TcpError.Invalid)
    })

    test("a UDP checksum that comes out as 0 is sent as 0xffff (RFC 768)", () => {
        const { bench, socket } = bed()
        const data = Buffer.alloc(2)
        let zero = 0
        for (let value = 0; value < 0x10000; value++) {
            data.setAt(0, "u16", value)
            socket.sendTo(ip("10.0.0.2"), 7, data, 0, 2)
            bench.stack.tx.fillAt(0, 60, 0)
            const [frame] = bench.host.poll(bench.now)
            const checksum = frame![40]! * 256 + frame![41]!
            expect(checksum).not.toBe(0)
            if (checksum === 0xffff) zero++
        }
        expect(zero).toBeGreaterThan(0)
    })

    test.each([
        ["port 0", "10.0.0.2", 0],
        ["port 65536", "10.0.0.2", 65536],
        ["our own address", "10.0.0.1", 7],
        ["0.0.0.0", "0.0.0.0", 7],
        ["a loopback address", "127.0.0.1", 7],
    ])("sendTo() to %s is refused", (_, to, port) => {
        const { bench, socket } = bed()
        expect(say(socket, to, "x", port)).toBe(TcpError.Invalid)
        expect(sent(bench)).toEqual([])
    })

    test("sendTo() of bytes outside the buffer is refused", () => {
        const { socket } = bed()
        const data = Buffer.alloc(4)
        for (const [at, length] of [
            [0, 5],
            [4, 1],
            [-1, 2],
            [0, -1],
        ] as const)
            expect(socket.sendTo(ip("10.0.0.2"), 7, data, at, length)).toBe(TcpError.Invalid)
    })

    test("sendTo() to a full queue returns ENOBUFS until datagrams are sent", () => {
        const { bench, socket } = bed({ queue: 64 })
        const results = Array.from({ length: 5 }, (_, i) => say(socket, "10.0.0.2", `number ${i}`))
        expect(results).toEqual([0, 0, 0, 0, TcpError.NoBuffers])
        expect(sent(bench).map(v => String.fromCharCode(...v.payload))).toEqual([
            "number 0",
            "number 1",
            "number 2",
            "number 3",
        ])
        expect(say(socket, "10.0.0.2", "again")).toBe(TcpError.None)
    })

    test("two sockets with queued datagrams take turns", () => {
        const { bench, endpoints, socket } = bed()
        const second = new UdpSocket(endpoints, 64, 128)
        second.bind(5001)
        for (let i = 0; i < 3; i++) {
            say(socket, "10.0.0.2", "a")
            say(second, "10.0.0.2", "b")
        }
        expect(sent(bench).map(v => v.sourcePort)).toEqual([5000, 5001, 5000, 5001, 5000, 5001])
    })
})

describe("the route of a datagram", () => {
    test("a datagram waits for ARP, and those after it wait for it", () => {
        const { bench, socket } = bed({ known: false })
        say(socket, "10.0.0.2", "first")
        say(socket, "255.255.255.255", "second")
        expect(sent(bench)).toMatchObject([{ kind: "arp", targetIp: "10.0.0.2" }])
        bench.pass(500)
        reply(bench)
        expect(sent(bench).map(v => String.fromCharCode(...v.payload))).toEqual(["first", "second"])
        expect(socket.error).toBe(TcpError.None)
    })

    test("a datagram to a host that does not answer ARP fails after three requests", () => {
        const { bench, socket } = bed({ known: false })
        say(socket, "10.0.0.2", "lost")
        say(socket, "255.255.255.255", "second")
        bench.pass(2999)
        expect(socket.error).toBe(TcpError.None)
        bench.pass(1)
        expect([socket.error, socket.errorIp, socket.errorPort]).toEqual([
            TcpError.Unreachable,
            ip("10.0.0.2"),
            7,
        ])
        expect(sent(bench).map(v => v.kind)).toEqual(["arp", "arp", "arp", "udp"])
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
    })

    test("a datagram to another network goes to the router", () => {
        const { bench, socket } = bed({ gateway: "10.0.0.2" })
        say(socket, "192.0.2.9", "far")
        expect(sent(bench)).toMatchObject([{ destination: "192.0.2.9", destinationMac: THEM }])
    })

    test("a datagram to another network without a router fails at once", () => {
        const { bench, socket } = bed()
        say(socket, "192.0.2.9", "far")
        expect(sent(bench)).toEqual([])
        expect([socket.error, socket.errorIp]).toEqual([TcpError.Unreachable, ip("192.0.2.9")])
    })

    test("sendTo() without an address of our own fails as unreachable", () => {
        const { bench, socket } = bed()
        setAddress(bench.stack, 0, 0, 0)
        expect(say(socket, "255.255.255.255", "who")).toBe(TcpError.Unreachable)
        setAddress(bench.stack, ip("10.0.0.1"), ip("255.255.255.0"), 0)
        say(socket, "10.0.0.2", "queued")
        setAddress(bench.stack, 0, 0, 0)
        expect(sent(bench)).toEqual([])
        expect(socket.error).toBe(TcpError.Unreachable)
    })

    test("a datagram without room in the ARP table waits for it", () => {
        const bench = new Bench({ neighbours: 1 }, { arp: false })
        const endpoints = new Endpoints(bench.stack)
        const [one, two] = [1, 2].map(n => {
            const socket = new UdpSocket(endpoints, 64, 64)
            socket.bind(5000 + n)
            return socket
        }) as [UdpSocket, UdpSocket]
        say(one, "10.0.0.8", "one")
        bench.poll()
        say(two, "10.0.0.2", "two")
        bench.pass(4500)
        expect([one.error, two.error]).toEqual([TcpError.Unreachable, TcpError.None])
        reply(bench)
        expect(sent(bench).filter(v => v.kind === "udp")).toMatchObject([{ destination: "10.0.0.2" }])
    })

    test("a datagram that waits for ARP is dropped when its socket is closed", () => {
        const { bench, socket } = bed({ known: false })
        say(socket, "10.0.0.2", "never")
        bench.poll()
        socket.close()
        reply(bench)
        expect(sent(bench).map(v => v.kind)).toEqual(["arp"])
    })
})

describe("ICMP errors about datagrams (RFC 1122 section 4.1.3.3)", () => {
    const quote = (source: string, from: number) => {
        const header = { source, destination: "10.0.0.2" }
        return ipv4(
            { ...header, protocol: 17 },
            udp(header, { sourcePort: from, destinationPort: 7 }, text("hello"))
        )
    }
    const tell = (bench: Bench, type: number, code: number, quoted: number[]) => {
        const header = { source: "10.0.0.2", destination: "10.0.0.1", protocol: 1 }
        bench.receive(ethernet(US, THEM, 0x0800, ipv4(header, icmp(type, code, 0, quoted))))
    }

    test.each([
        ["port unreachable", 3, 3, TcpError.Refused],
        ["protocol unreachable", 3, 2, TcpError.Refused],
        ["host unreachable", 3, 1, TcpError.Unreachable],
        ["time exceeded", 11, 0, TcpError.Unreachable],
    ])("ICMP %s about a socket's datagram sets the socket's error", (_, type, code, error) => {
        const { bench, socket } = bed()
        tell(bench, type, code, quote("10.0.0.1", 5000).slice(0, 28))
        expect([socket.error, socket.errorIp, socket.errorPort]).toEqual([error, ip("10.0.0.2"), 7])
        expect(bench.counter(Counter.IcmpIgnored)).toBe(0)
    })

    test.each([
        ["another host's datagram", quote("10.0.0.3", 5000)],
        ["an unbound port", quote("10.0.0.1", 5001)],
        ["fewer bytes than the ports", quote("10.0.0.1", 5000).slice(0, 27)],
    ])("an ICMP error about %s is ignored", (_, quoted) => {
        const { bench, socket } = bed()
        tell(bench, 3, 3, quoted)
        expect(socket.error).toBe(TcpError.None)
        expect(bench.counter(Counter.IcmpIgnored)).toBe(1)
    })
})

test("an endpoint with nothing to send is not asked for frames", () => {
    const { bench, endpoints } = bed()
    endpoints.add(new Endpoint())
    bench.pass(100_000)
    expect(sent(bench)).toEqual([])
})

test("an ICMP error that waits is sent before a queued datagram, and whole", () => {
    const { bench, socket } = bed()
    say(socket, "10.0.0.2", "after")
    const frame = datagram(text("x"), { port: 9 })
    bench.stack.rx.set(frame)
    receive(bench.stack, frame.length, bench.now)
    expect(sent(bench).map(v => v.kind)).toEqual(["icmp", "udp"])
})

test("the datagram queue returns what was put in, in order, for any lengths and turns", () => {
    const step = fc.oneof(
        fc.record({ put: fc.uint8Array({ maxLength: 70 }) }),
        fc.record({ take: fc.integer({ min: 0, max: 2 }) })
    )
    fc.assert(
        fc.property(fc.integer({ min: 1, max: 120 }), fc.array(step, { maxLength: 60 }), (size, steps) => {
            const queue = new DatagramQueue(size)
            const room = Math.ceil(size / 8) * 8
            const model: Uint8Array[] = []
            const used = () => model.reduce((sum, d) => sum + 8 + Math.ceil(d.length / 8) * 8, 0)
            let port = 0
            for (const action of steps) {
                if ("put" in action) {
                    const data = Buffer.alloc(action.put.length)
                    data.set(action.put)
                    const fits = used() + 8 + Math.ceil(data.length / 8) * 8 <= room
                    expect(queue.put(-2, port++ & 0xffff, data, 0, data.length)).toBe(fits)
                    if (fits) model.push(action.put)
                    continue
                }
                for (let i = 0; i < action.take && model.length > 0; i++) {
                    const expected = model.shift()!
                    expect([queue.ip(), queue.length()]).toEqual([-2, expected.length])
                    const into = Buffer.alloc(expected.length)
                    queue.take(into, 0, expected.length)
                    expect(Uint8Array.from(into)).toEqual(expected)
                }
                expect(queue.isEmpty()).toBe(model.length === 0)
            }
        }),
        cases(2000)
    )
})

tsharkAgrees()
