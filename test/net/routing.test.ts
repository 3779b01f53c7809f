// The next hop of a packet: RFC 1122 section 3.3.1.

import { describe, expect, test } from "vitest"
import { setAddress } from "../../src/net/stack"
import { connect } from "../../src/tcp/calls"
import { TcpError } from "../../src/tcp/records"
import { Bench } from "../support/bench"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { tsharkAgrees } from "../support/tshark"

const ROUTER = { hop: "10.0.0.254", mac: "02:00:00:00:01:fe" }

const routed = (options = {}) => new Bench({}, { gateway: "10.0.0.254", ...options })

describe("through a router", () => {
    test("a connection to another network uses the router's Ethernet and the peer's IP address", () => {
        const peer = new Peer(routed(), { ip: "192.0.2.9", ...ROUTER }).connects().gets("S 0 <mss 1460>")
        peer.sends("S. 0 ack 1")
            .gets(". 1 ack 1")
            .writes(5)
            .gets("P. 1(5) ack 1")
            .sends("P. 1(5) ack 6")
            .gets(". 6 ack 6")
        peer.closes().gets("R. 6 ack 6")
    })

    test("a SYN to another network sends an ARP request for the router", () => {
        const bench = routed({ arp: false })
        new Peer(bench, { ip: "192.0.2.9", ...ROUTER }).connects().gets()
        expect(bench.others.splice(0).map(s => s.view)).toMatchObject([
            { kind: "arp", targetIp: "10.0.0.254" },
        ])
    })

    test("a SYN from another network is answered through the router", () => {
        const peer = new Peer(routed(), { ip: "192.0.2.9", ...ROUTER }).listens()
        peer.sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts()
        peer.writes(5).gets("P. 1(5) ack 1")
    })

    test("five peers after one router take one ARP entry", () => {
        const bench = new Bench({ neighbours: 1 }, { gateway: "10.0.0.254" })
        for (let i = 1; i <= 5; i++) {
            new Peer(bench, { ip: `192.0.2.${i}`, ...ROUTER }).connects().gets("S 0 <mss 1460>")
        }
    })

    test("a peer in our network gets an ARP request itself", () => {
        const bench = routed()
        new Peer(bench, { ip: "10.0.0.7" }).connects().gets("S 0 <mss 1460>")
    })

    test("a router outside a /32 network is used", () => {
        const bench = new Bench()
        const router = { hop: "172.31.1.1", mac: ROUTER.mac }
        setAddress(bench.stack, ip("10.0.0.1"), ip("255.255.255.255"), ip(router.hop))
        const peer = new Peer(bench, { ip: "10.0.0.2", ...router }).connects()
        peer.gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
    })

    test("a router that does not answer ARP: connect() fails with EHOSTUNREACH", () => {
        const bench = routed({ arp: false })
        const peer = new Peer(bench, { ip: "192.0.2.9", ...ROUTER }).connects()
        bench.pass(3000)
        expect(bench.others.splice(0).length).toBe(3)
        peer.gets().failed("EHOSTUNREACH")
    })
})

describe("without a router", () => {
    test("connect() to another network without a router fails with EHOSTUNREACH, without a frame", () => {
        const bench = new Bench({}, { arp: false })
        const peer = new Peer(bench, { ip: "192.0.2.9" }).connects().gets().failed("EHOSTUNREACH")
        bench.pass(600_000)
        peer.gets()
        expect(bench.others).toEqual([])
    })

    test("a reset to another network goes to the Ethernet address that the segment came from", () => {
        const bench = new Bench({}, { arp: false })
        new Peer(bench, { ip: "192.0.2.9", mac: ROUTER.mac }).sends("S 0").gets("R. =0 ack 1")
    })

    test("a SYN from another network without a router gets no SYN,ACK, and its record is freed", () => {
        const bench = new Bench({ halfOpen: 1 }, { arp: false })
        const peer = new Peer(bench, { ip: "192.0.2.9", mac: ROUTER.mac })
            .listens()
            .sends("S 0")
            .gets()
            .is("SYN-RECEIVED")
        peer.after(100_000).gets().is("LISTEN")
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
    })
})

describe("local addresses by mask", () => {
    test.each([
        ["255.255.255.0", "10.0.0.200", true],
        ["255.255.255.0", "10.0.1.1", false],
        ["255.255.0.0", "10.0.200.1", true],
        ["255.255.255.252", "10.0.0.2", true],
        ["255.255.255.252", "10.0.0.4", false],
        ["255.0.0.0", "10.200.200.1", true],
        ["255.240.0.0", "10.16.0.1", false],
        ["255.240.0.0", "10.15.0.1", true],
    ])("mask %s, peer %s: is local is %s", (mask, address, local) => {
        const bench = new Bench({}, { arp: false })
        setAddress(bench.stack, ip("10.0.0.1"), ip(mask), ip("10.0.0.3"))
        expect(connect(bench.stack, ip(address), 80, 0, bench.now)).toBeGreaterThan(0)
        bench.poll()
        const asked = local ? address : "10.0.0.3"
        expect(bench.others.splice(0).map(s => s.view)).toMatchObject([{ kind: "arp", targetIp: asked }])
    })

    test.each([
        ["255.255.255.0", "10.0.0.255", TcpError.Invalid],
        ["255.255.0.0", "10.0.255.255", TcpError.Invalid],
        ["255.255.255.252", "10.0.0.3", TcpError.Invalid],
    ])("mask %s: connect() to the broadcast address %s is refused", (mask, address, error) => {
        const bench = new Bench({}, { arp: false })
        setAddress(bench.stack, ip("10.0.0.1"), ip(mask), 0)
        expect(connect(bench.stack, ip(address), 80, 0, bench.now)).toBe(error)
    })

    test.each(["255.255.255.254", "255.255.255.255"])(
        "mask %s has no broadcast address of its own, so connect() is taken",
        mask => {
            const bench = new Bench({}, { arp: false })
            setAddress(bench.stack, ip("10.0.0.254"), ip(mask), ip("10.0.0.255"))
            expect(connect(bench.stack, ip("10.0.0.255"), 80, 0, bench.now)).toBeGreaterThan(0)
        }
    )
})

tsharkAgrees()
