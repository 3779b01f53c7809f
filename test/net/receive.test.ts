// A frame comes in: RFC 1122 sections 2.3 and 3.2.1, RFC 791, RFC 894. Whatever it holds, it is answered or dropped and counted.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { receive } from "../../src/net/receive"
import { setAddress } from "../../src/net/stack"
import { Bench } from "../support/bench"
import { arp, broadcastMac, ethernet, type IpFields, icmp, ipv4, tcp, udp } from "../support/frames"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { established } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const THEM = "02:00:00:00:01:02"
const between = { source: "10.0.0.2", destination: "10.0.0.1" }

const quiet = () => new Bench({}, { arp: false })

/** A frame with a TCP segment that a closed port would answer. */
function packet(fields: Partial<IpFields> = {}, to = US, from = THEM): Uint8Array {
    const addresses = { source: fields.source ?? "10.0.0.2", destination: fields.destination ?? "10.0.0.1" }
    const segment = tcp(addresses, { sourcePort: 5000, destinationPort: 80, seq: 1, ack: 2, flags: "." })
    return ethernet(to, from, 0x0800, ipv4({ ...addresses, protocol: 6, ...fields }, segment))
}

/** Asserts that the frame is dropped, and counted here. */
function dropped(frame: Uint8Array, counter: number): void {
    const bench = quiet()
    bench.receive(frame)
    expect(bench.others).toEqual([])
    expect(bench.counter(counter)).toBe(1)
    expect(bench.counter(Counter.FramesIn)).toBe(1)
    expect(bench.counter(Counter.FramesOut)).toBe(0)
}

function answered(frame: Uint8Array): void {
    const bench = quiet()
    bench.receive(frame)
    expect(bench.others.length).toBe(1)
}

test("the frame from which all others here differ is answered", () => answered(packet()))

// ---------------------------------------------------------------- Ethernet
describe("Ethernet frames", () => {
    test("a frame shorter than an Ethernet header, at any length, is dropped as short", () => {
        for (let length = 0; length < 14; length++) dropped(packet().slice(0, length), Counter.FrameShort)
    })

    test("a frame longer than the receive frame is dropped as short", () => {
        const frame = new Uint8Array(1515)
        frame.set(packet())
        dropped(frame, Counter.FrameShort)
        const bench = quiet()
        for (const length of [-1, 65_534, 0x7fff_ffff]) receive(bench.stack, length, bench.now)
        expect(bench.counter(Counter.FrameShort)).toBe(3)
    })

    test("a frame as long as the receive frame is taken", () => {
        const frame = new Uint8Array(1514)
        frame.set(packet())
        answered(frame)
    })

    // IEEE 802.1Q: a frame of network 0 has a priority, and belongs to the network it comes by
    describe("frames with a VLAN tag", () => {
        const tagged = (tag: number[], frame = packet()) =>
            Uint8Array.from([...frame.slice(0, 12), 0x81, 0, ...tag, ...frame.slice(12)])
        const long = (length: number) => {
            const frame = new Uint8Array(length)
            frame.set(packet())
            return frame
        }

        test.each([[[0, 0]], [[0x60, 0]], [[0xf0, 0]]])(
            "a frame with a tag of network 0, %j, is taken",
            tag => answered(tagged(tag))
        )

        test("an ARP request with a tag of network 0 gets a reply", () => {
            const bench = quiet()
            const fields = { operation: 1, senderMac: THEM, senderIp: "10.0.0.2", targetIp: "10.0.0.1" }
            bench.receive(tagged([0, 0], Uint8Array.from(ethernet(broadcastMac, THEM, 0x0806, arp(fields)))))
            expect(bench.others.map(({ view }) => view.kind)).toEqual(["arp"])
        })

        test("the longest frame with a tag of network 0 is taken without its padding", () =>
            answered(tagged([0, 0], long(1514))))

        test.each([[[0, 1]], [[1, 0]], [[0x0f, 0xff]], [[0xef, 0xff]]])(
            "a frame with a tag of another network, %j, is dropped",
            tag => dropped(tagged(tag), Counter.UnknownType)
        )

        test("a frame with two tags is dropped", () => {
            dropped(tagged([0, 0], tagged([0, 0])), Counter.UnknownType)
        })

        test("a frame with a tag, one byte longer than the longest, is dropped as short", () =>
            dropped(tagged([0, 0], long(1515)), Counter.FrameShort))

        test("a frame cut within its tag is dropped", () => {
            for (let n = 14; n < 18; n++) dropped(tagged([0, 0]).slice(0, n), Counter.UnknownType)
            dropped(tagged([0, 0]).slice(0, 18), Counter.IpMalformed)
        })
    })

    test.each([
        ["another station", "02:00:00:00:00:02"],
        ["an address that differs in the first byte", "06:00:00:00:00:01"],
        ["an address that differs in the fourth byte", "02:00:00:01:00:01"],
        ["an address that differs in the fifth byte", "02:00:00:00:01:01"],
    ])("a frame to %s is dropped as not for us", (_, to) => {
        dropped(packet({}, to), Counter.NotForUs)
    })

    test.each([
        ["IPv6", 0x86dd],
        ["a VLAN tag", 0x8100],
        ["a length (802.3)", 46],
        ["PPPoE", 0x8864],
        ["IPv4 with its bytes swapped", 0x0008],
    ])("a frame of type %s is dropped as unknown", (_, type) => {
        dropped(ethernet(US, THEM, type, packet().slice(14)), Counter.UnknownType)
    })

    test("a broadcast frame of an unknown type is dropped as unknown", () => {
        dropped(ethernet(broadcastMac, THEM, 0x88cc, new Uint8Array(46)), Counter.UnknownType)
    })
})

// ---------------------------------------------------------------- IPv4: the header
describe("IPv4 headers", () => {
    test("an IPv4 header cut short at any length is dropped as malformed", () => {
        for (let length = 14; length < 54; length++) dropped(packet().slice(0, length), Counter.IpMalformed)
    })

    test.each([0, 1, 3, 5, 6, 15])("an IPv4 header of version %d is dropped as malformed", version =>
        dropped(packet({ version }), Counter.IpMalformed)
    )
    test.each([0, 1, 2, 3, 4])("an IPv4 header length of %d words is dropped as malformed", ihl =>
        dropped(packet({ ihl }), Counter.IpMalformed)
    )

    test.each([
        ["0", 0],
        ["less than a header", 19],
        ["one more than the frame has", 41],
        ["65,535", 65_535],
    ])("an IPv4 total length of %s is dropped as malformed", (_, totalLength) =>
        dropped(packet({ totalLength }), Counter.IpMalformed)
    )

    test("an IPv4 header length beyond the total length is dropped as malformed", () =>
        dropped(packet({ ihl: 11 }), Counter.IpMalformed))

    test.each([0, 0xffff, 0x1234])("an IPv4 header with the checksum %d is dropped", checksum =>
        dropped(packet({ checksum }), Counter.IpChecksum)
    )

    test("an IPv4 header with any one bit flipped is dropped", () => {
        for (let bit = 0; bit < 160; bit++) {
            const frame = packet()
            frame[14 + (bit >> 3)]! ^= 1 << (bit & 7)
            const bench = quiet()
            bench.receive(frame)
            expect(bench.others, `bit ${bit}`).toEqual([])
            expect(bench.counter(Counter.IpMalformed) + bench.counter(Counter.IpChecksum), `bit ${bit}`).toBe(
                1
            )
        }
    })

    test.each([
        ["the first fragment", 0x2000],
        ["a fragment in the middle", 0x2010],
        ["the last fragment", 0x0010],
        ["an offset of one", 0x0001],
        ["the largest offset", 0x1fff],
        ["the first fragment with don't-fragment", 0x6000],
    ])("%s is dropped and counted as a fragment", (_, fragment) =>
        dropped(packet({ fragment }), Counter.IpFragment)
    )

    test.each([
        ["don't-fragment", 0x4000],
        ["the reserved bit", 0x8000],
    ])("a packet with %s is not a fragment and is taken", (_, fragment) => answered(packet({ fragment })))

    test("IPv4 options of any length are skipped", () => {
        for (let words = 1; words <= 10; words++)
            answered(packet({ options: new Uint8Array(words * 4).fill(1) }))
    })

    test.each([0, 1, 255])("a packet with a TTL of %d is taken (RFC 1122 section 3.2.1.7)", ttl =>
        answered(packet({ ttl }))
    )
})

// ---------------------------------------------------------------- IPv4: addresses (3.2.1.3)
describe("IPv4 addresses", () => {
    test.each([
        ["our own address (LAND)", "10.0.0.1"],
        ["0.0.0.0", "0.0.0.0"],
        ['an address of "this network"', "0.1.2.3"],
        ["a loopback address", "127.0.0.1"],
        ["a multicast address", "224.0.0.5"],
        ["a reserved address", "240.0.0.1"],
        ["the limited broadcast address", "255.255.255.255"],
        ["our network's broadcast address", "10.0.0.255"],
        ["our network's own address", "10.0.0.0"],
    ])("a packet from %s is dropped by its source", (_, source) =>
        dropped(packet({ source }), Counter.IpSource)
    )

    test("a packet from the lower address of a /31 network is taken (RFC 3021)", () => {
        const bench = quiet()
        setAddress(bench.stack, ip("10.0.0.1"), ip("255.255.255.254"), 0)
        bench.receive(packet({ source: "10.0.0.0" }))
        expect(bench.others.length).toBe(1)
    })

    test("a packet in a frame from a group address is dropped", () => {
        dropped(packet({}, US, "01:00:5e:00:00:01"), Counter.IpSource)
        dropped(packet({}, US, broadcastMac), Counter.IpSource)
    })

    test.each([
        ["another host of this network", "10.0.0.2"],
        ["another network", "192.0.2.1"],
        ["a loopback address", "127.0.0.1"],
        ["0.0.0.0", "0.0.0.0"],
        ["another network's broadcast address", "10.0.1.255"],
    ])("a packet to %s is dropped as not for us", (_, destination) => {
        const source = "10.0.0.7"
        dropped(packet({ source, destination }), Counter.NotForUs)
    })

    test.each([
        ["this network's broadcast address", "10.0.0.255", broadcastMac],
        ["the limited broadcast address", "255.255.255.255", broadcastMac],
        ["all hosts", "224.0.0.1", "01:00:5e:00:00:01"],
        ["our address, in a broadcast frame", "10.0.0.1", broadcastMac],
        ["our address, in a multicast frame", "10.0.0.1", "01:00:5e:00:00:01"],
        ["this network's broadcast address, in a frame to us", "10.0.0.255", US],
    ])("a segment to %s gets no answer (RFC 9293 MUST-57)", (_, destination, to) => {
        dropped(packet({ destination }, to), Counter.NotForUs)
    })

    test("a SYN to the broadcast address gets no answer from a listener", () => {
        const bench = quiet()
        new Peer(bench).listens()
        const to = { source: "10.0.0.2", destination: "10.0.0.255" }
        const syn = tcp(to, { sourcePort: 5000, destinationPort: 80, seq: 1, flags: "S" })
        bench.receive(ethernet(broadcastMac, THEM, 0x0800, ipv4({ ...to, protocol: 6 }, syn)))
        expect(bench.others).toEqual([])
    })

    test("a SYN from our address to our address (LAND) gets no answer", () => {
        const bench = quiet()
        new Peer(bench).listens()
        const self = { source: "10.0.0.1", destination: "10.0.0.1" }
        const syn = tcp(self, { sourcePort: 80, destinationPort: 80, seq: 1, flags: "S" })
        bench.receive(ethernet(US, US, 0x0800, ipv4({ ...self, protocol: 6 }, syn)))
        bench.pass(100_000)
        expect(bench.others).toEqual([])
        expect(bench.counter(Counter.IpSource)).toBe(1)
    })

    test.each([
        ["255.255.255.0", "10.0.0.255", true],
        ["255.255.0.0", "10.0.255.255", true],
        ["255.255.0.0", "10.0.0.255", false],
        ["255.255.255.252", "10.0.0.3", true],
        ["255.255.255.254", "10.0.0.0", false],
        ["255.255.255.255", "10.0.0.255", false],
    ])("mask %s, source %s: taken for a broadcast address is %s", (mask, source, is) => {
        const bench = quiet()
        setAddress(bench.stack, ip("10.0.0.1"), ip(mask), 0)
        bench.receive(packet({ source }))
        expect(bench.counter(Counter.IpSource)).toBe(is ? 1 : 0)
        expect(bench.others.length).toBe(is ? 0 : 1)
    })

    test("a packet from the upper address of a /31 network is taken (RFC 3021)", () => {
        const bench = new Bench({}, { arp: false, address: "10.0.0.2" })
        setAddress(bench.stack, ip("10.0.0.2"), ip("255.255.255.254"), 0)
        bench.receive(packet({ source: "10.0.0.3", destination: "10.0.0.2" }, "02:00:00:00:00:02"))
        expect(bench.others.length).toBe(1)
    })
})

// ---------------------------------------------------------------- Ethernet padding never becomes data
describe("Ethernet padding", () => {
    const pad = (frame: Uint8Array, byte = 0xee) => {
        const padded = new Uint8Array(Math.max(60, frame.length + 3)).fill(byte)
        padded.set(frame)
        return padded
    }

    test("padding after a segment without data is not read as data", () => {
        const peer = established()
        peer.bench.receive(pad(peer.frame(". 1 ack 1")))
        peer.gets().reads(0)
    })

    test("padding after a segment with one octet is not read as data", () => {
        const peer = established()
        peer.bench.receive(pad(peer.frame("P. 1(1) ack 1")))
        peer.gets(". 1 ack 2").reads(1)
    })

    test("padding after a FIN, a SYN or a RST is not read as data", () => {
        const peer = established()
        peer.bench.receive(pad(peer.frame("F. 1 ack 1")))
        peer.gets(". 1 ack 2").is("CLOSE-WAIT")
        const other = new Peer(peer.bench, { port: 5001 }).listens()
        other.bench.receive(pad(other.frame("S 0 <mss 1460>")))
        const [answer] = other.seen.splice(0)
        expect(answer!.view.ack).toBe((other.theirs + 1) >>> 0)
        peer.bench.receive(pad(peer.frame("R 2")))
        peer.gets().failed("ECONNRESET")
    })

    test("1,450 bytes of padding after ten octets are not read as data", () => {
        const peer = established()
        const frame = new Uint8Array(1514).fill(0xaa)
        frame.set(peer.frame("P. 1(10) ack 1"))
        peer.bench.receive(frame)
        peer.gets(". 1 ack 11").reads(10)
    })

    test("bytes beyond the IPv4 total length are not read as data", () => {
        const peer = established()
        const segment = tcp(
            between,
            { sourcePort: 5000, destinationPort: 80, seq: peer.theirs + 1, ack: peer.ours + 1, flags: "P." },
            [7, 14, 21]
        )
        const whole = ipv4({ ...between, protocol: 6 }, segment)
        peer.bench.receive(ethernet(US, THEM, 0x0800, [...whole, 28, 35, 42]))
        peer.gets(". 1 ack 4").reads(3)
    })
})

// ---------------------------------------------------------------- Before there is an address
test("a stack without an address answers nothing, not even packets to 0.0.0.0", () => {
    const bench = quiet()
    setAddress(bench.stack, 0, 0, 0)
    for (const destination of ["0.0.0.0", "10.0.0.1", "255.255.255.255"]) {
        const to = { source: "10.0.0.2", destination }
        const header = (protocol: number) => ({ ...to, protocol })
        const packets = [
            ipv4(header(6), tcp(to, { sourcePort: 1, destinationPort: 2, seq: 3, flags: "S" })),
            ipv4(header(17), udp(to, { sourcePort: 1, destinationPort: 2 }, [1, 2, 3])),
            ipv4(header(1), icmp(8, 0, 0, [1, 2, 3])),
            ipv4(header(99), [1, 2, 3]),
        ]
        for (const p of packets) bench.receive(ethernet(US, THEM, 0x0800, p))
    }
    bench.receive(
        ethernet(
            US,
            THEM,
            0x0806,
            arp({ operation: 1, senderMac: THEM, senderIp: "10.0.0.2", targetIp: "0.0.0.0" })
        )
    )
    expect(bench.others).toEqual([])
    expect(bench.counter(Counter.FramesOut)).toBe(0)
})

// ---------------------------------------------------------------- One transmit frame
test("a waiting echo reply and a waiting reset do not overwrite each other", () => {
    const ping = ethernet(US, THEM, 0x0800, ipv4({ ...between, protocol: 1 }, icmp(8, 0, 7, [1, 2, 3, 4])))
    const segment = packet()
    for (const [first, second] of [
        [ping, segment],
        [segment, ping],
    ] as const) {
        const bench = quiet()
        for (const frame of [first, second]) {
            bench.stack.rx.set(frame)
            receive(bench.stack, frame.length, bench.now)
        }
        bench.poll()
        expect(bench.others.map(s => s.view.kind)).toEqual([first === ping ? "icmp" : "tcp"])
        expect(bench.counter(Counter.ReplyBusy)).toBe(1)
    }
})

tsharkAgrees()
