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

/** Hands the frame over and looks at what becomes of it: dropped under this counter, or answered. */
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

test("the frame that the others differ from is answered", () => answered(packet()))

// ---------------------------------------------------------------- Ethernet
describe("Ethernet", () => {
    test("shorter than a header, at every length", () => {
        for (let length = 0; length < 14; length++) dropped(packet().slice(0, length), Counter.FrameShort)
    })

    test("longer than the receive frame", () => {
        const frame = new Uint8Array(1515)
        frame.set(packet())
        dropped(frame, Counter.FrameShort)
        const bench = quiet()
        for (const length of [-1, 65_534, 0x7fff_ffff]) receive(bench.stack, length, bench.now)
        expect(bench.counter(Counter.FrameShort)).toBe(3)
    })

    test("as long as the receive frame", () => {
        const frame = new Uint8Array(1514)
        frame.set(packet())
        answered(frame)
    })

    // IEEE 802.1Q: a frame of network 0 has a priority, and belongs to the network it comes by
    describe("with a tag", () => {
        const tagged = (tag: number[], frame = packet()) =>
            Uint8Array.from([...frame.slice(0, 12), 0x81, 0, ...tag, ...frame.slice(12)])
        const long = (length: number) => {
            const frame = new Uint8Array(length)
            frame.set(packet())
            return frame
        }

        test.each([[[0, 0]], [[0x60, 0]], [[0xf0, 0]]])("of network 0, %j: taken", tag =>
            answered(tagged(tag))
        )

        test("of network 0: ARP as well", () => {
            const bench = quiet()
            const fields = { operation: 1, senderMac: THEM, senderIp: "10.0.0.2", targetIp: "10.0.0.1" }
            bench.receive(tagged([0, 0], Uint8Array.from(ethernet(broadcastMac, THEM, 0x0806, arp(fields)))))
            expect(bench.others.map(({ view }) => view.kind)).toEqual(["arp"])
        })

        test("of network 0, as long as can be: the padding goes, as without", () =>
            answered(tagged([0, 0], long(1514))))

        test.each([[[0, 1]], [[1, 0]], [[0x0f, 0xff]], [[0xef, 0xff]]])(
            "of another network, %j: not for us",
            tag => dropped(tagged(tag), Counter.UnknownType)
        )

        test("two tags, one behind the other", () => {
            dropped(tagged([0, 0], tagged([0, 0])), Counter.UnknownType)
        })

        test("longer than the longest", () => dropped(tagged([0, 0], long(1515)), Counter.FrameShort))

        test("cut within it", () => {
            for (let n = 14; n < 18; n++) dropped(tagged([0, 0]).slice(0, n), Counter.UnknownType)
            dropped(tagged([0, 0]).slice(0, 18), Counter.IpMalformed)
        })
    })

    test.each([
        ["another station's", "02:00:00:00:00:02"],
        ["one that differs in the first byte", "06:00:00:00:00:01"],
        ["one that differs in the fourth byte", "02:00:00:01:00:01"],
        ["one that differs in the fifth byte", "02:00:00:00:01:01"],
    ])("destination address %s", (_, to) => {
        dropped(packet({}, to), Counter.NotForUs)
    })

    test.each([
        ["IPv6", 0x86dd],
        ["a VLAN tag", 0x8100],
        ["a length (802.3)", 46],
        ["PPPoE", 0x8864],
        ["the two bytes of IPv4 the other way round", 0x0008],
    ])("type %s", (_, type) => {
        dropped(ethernet(US, THEM, type, packet().slice(14)), Counter.UnknownType)
    })

    test("an unknown type to everybody", () => {
        dropped(ethernet(broadcastMac, THEM, 0x88cc, new Uint8Array(46)), Counter.UnknownType)
    })
})

// ---------------------------------------------------------------- IPv4: the header
describe("IPv4 header", () => {
    test("cut short, at every length", () => {
        for (let length = 14; length < 54; length++) dropped(packet().slice(0, length), Counter.IpMalformed)
    })

    test.each([0, 1, 3, 5, 6, 15])("version %d", version => dropped(packet({ version }), Counter.IpMalformed))
    test.each([0, 1, 2, 3, 4])("header length of %d words", ihl =>
        dropped(packet({ ihl }), Counter.IpMalformed)
    )

    test.each([
        ["0", 0],
        ["less than a header", 19],
        ["one more than there is", 41],
        ["the most there is", 65_535],
    ])("total length %s", (_, totalLength) => dropped(packet({ totalLength }), Counter.IpMalformed))

    test("header length beyond the total length", () => dropped(packet({ ihl: 11 }), Counter.IpMalformed))

    test.each([0, 0xffff, 0x1234])("checksum %d", checksum =>
        dropped(packet({ checksum }), Counter.IpChecksum)
    )

    test("every single bit that is turned around in the header", () => {
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
        ["the first fragment, with don't-fragment", 0x6000],
    ])("%s", (_, fragment) => dropped(packet({ fragment }), Counter.IpFragment))

    test.each([
        ["don't-fragment", 0x4000],
        ["the reserved bit", 0x8000],
    ])("%s is no fragment", (_, fragment) => answered(packet({ fragment })))

    test("options of every length are skipped by the header length", () => {
        for (let words = 1; words <= 10; words++)
            answered(packet({ options: new Uint8Array(words * 4).fill(1) }))
    })

    test.each([0, 1, 255])("a time to live of %d is none of our business (3.2.1.7)", ttl =>
        answered(packet({ ttl }))
    )
})

// ---------------------------------------------------------------- IPv4: addresses (3.2.1.3)
describe("IPv4 addresses", () => {
    test.each([
        ["ours: LAND", "10.0.0.1"],
        ["0.0.0.0", "0.0.0.0"],
        ['of "this network"', "0.1.2.3"],
        ["loopback", "127.0.0.1"],
        ["multicast", "224.0.0.5"],
        ["reserved", "240.0.0.1"],
        ["limited broadcast", "255.255.255.255"],
        ["this network's broadcast", "10.0.0.255"],
        ["this network's own", "10.0.0.0"],
    ])("source %s", (_, source) => dropped(packet({ source }), Counter.IpSource))

    test("the lower address of a network of two is a host's (RFC 3021)", () => {
        const bench = quiet()
        setAddress(bench.stack, ip("10.0.0.1"), ip("255.255.255.254"), 0)
        bench.receive(packet({ source: "10.0.0.0" }))
        expect(bench.others.length).toBe(1)
    })

    test("an Ethernet source that is a group address", () => {
        dropped(packet({}, US, "01:00:5e:00:00:01"), Counter.IpSource)
        dropped(packet({}, US, broadcastMac), Counter.IpSource)
    })

    test.each([
        ["another host of this network", "10.0.0.2"],
        ["another network", "192.0.2.1"],
        ["loopback", "127.0.0.1"],
        ["0.0.0.0", "0.0.0.0"],
        ["another network's broadcast address", "10.0.1.255"],
    ])("destination %s", (_, destination) => {
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
    ])("a segment to %s: not a word (MUST-57)", (_, destination, to) => {
        dropped(packet({ destination }, to), Counter.NotForUs)
    })

    test("a SYN to a broadcast address is not taken by a listener either", () => {
        const bench = quiet()
        new Peer(bench).listens()
        const to = { source: "10.0.0.2", destination: "10.0.0.255" }
        const syn = tcp(to, { sourcePort: 5000, destinationPort: 80, seq: 1, flags: "S" })
        bench.receive(ethernet(broadcastMac, THEM, 0x0800, ipv4({ ...to, protocol: 6 }, syn)))
        expect(bench.others).toEqual([])
    })

    test("LAND: a SYN from ourselves to ourselves, from port to port", () => {
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
    ])("with the mask %s a source of %s is a broadcast address: %s", (mask, source, is) => {
        const bench = quiet()
        setAddress(bench.stack, ip("10.0.0.1"), ip(mask), 0)
        bench.receive(packet({ source }))
        expect(bench.counter(Counter.IpSource)).toBe(is ? 1 : 0)
        expect(bench.others.length).toBe(is ? 0 : 1)
    })

    test("RFC 3021: on a link of two, the other one is no broadcast address", () => {
        const bench = new Bench({}, { arp: false, address: "10.0.0.2" })
        setAddress(bench.stack, ip("10.0.0.2"), ip("255.255.255.254"), 0)
        bench.receive(packet({ source: "10.0.0.3", destination: "10.0.0.2" }, "02:00:00:00:00:02"))
        expect(bench.others.length).toBe(1)
    })
})

// ---------------------------------------------------------------- Ethernet padding never becomes data
describe("padding", () => {
    const pad = (frame: Uint8Array, byte = 0xee) => {
        const padded = new Uint8Array(Math.max(60, frame.length + 3)).fill(byte)
        padded.set(frame)
        return padded
    }

    test("of a segment without text", () => {
        const peer = established()
        peer.bench.receive(pad(peer.frame(". 1 ack 1")))
        peer.gets().reads(0)
    })

    test("of a segment with one octet", () => {
        const peer = established()
        peer.bench.receive(pad(peer.frame("P. 1(1) ack 1")))
        peer.gets(". 1 ack 2").reads(1)
    })

    test("of a FIN, a SYN and a RST", () => {
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

    test("after a whole segment, as much as fits", () => {
        const peer = established()
        const frame = new Uint8Array(1514).fill(0xaa)
        frame.set(peer.frame("P. 1(10) ack 1"))
        peer.bench.receive(frame)
        peer.gets(". 1 ack 11").reads(10)
    })

    test("a total length that cuts off what looks like more text", () => {
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
test("without an address nothing is answered, not even what is sent to 0.0.0.0", () => {
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
test("a reset does not overwrite a ping's answer that still waits, nor the other way round", () => {
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
