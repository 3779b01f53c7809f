// ARP: RFC 826, RFC 1122 section 2.3.2, RFC 5227.

import { describe, expect, test } from "vitest"
import type { ArpView } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import { findNeighbour, forgetHop } from "../../src/net/arp"
import { abort, connect, write } from "../../src/tcp/calls"
import { Bench } from "../support/bench"
import { type ArpFields, arp, broadcastMac, ethernet } from "../support/frames"
import { bytes, ip } from "../support/host"
import { Peer } from "../support/peer"
import { tsharkAgrees } from "../support/tshark"

const OTHER = "02:00:00:00:01:02"
const US = "02:00:00:00:00:01"
const NOBODY = "00:00:00:00:00:00"

/** A stack with an empty ARP table, whose ARP requests only the test answers. */
function quiet(config: { [key: string]: number } = {}): Bench {
    return new Bench(config, { arp: false })
}

function send(bench: Bench, fields: Partial<ArpFields>, to = broadcastMac): ArpView[] {
    const whole = { operation: 1, senderMac: OTHER, senderIp: "10.0.0.2", targetIp: "10.0.0.1", ...fields }
    bench.receive(ethernet(to, whole.senderMac, 0x0806, arp(whole)))
    return arps(bench)
}

function arps(bench: Bench): ArpView[] {
    return bench.others.splice(0).map(s => {
        expect(s.view.kind).toBe("arp")
        return s.view as ArpView
    })
}

/** Gives the entry of one neighbour to another, as when the stack asks for the other. */
function takePlace(bench: Bench, of: string, by: string, mac: string): void {
    forgetHop(bench.stack, ip(of))
    bench.introduce(by, mac)
}

const knows = (bench: Bench, address: string) => findNeighbour(bench.stack, ip(address)) >= 0

const request = (target: string) => ({
    operation: 1,
    destinationMac: broadcastMac,
    senderMac: US,
    senderIp: "10.0.0.1",
    targetMac: NOBODY,
    targetIp: target,
})

// ---------------------------------------------------------------- Requests
describe("ARP requests", () => {
    test.each([
        ["for us, to everybody", broadcastMac],
        ["for us, to us alone", US],
    ])("an ARP request %s: the stack replies and keeps the sender's address", (_, to) => {
        const bench = quiet()
        expect(send(bench, {}, to)).toMatchObject([
            {
                operation: 2,
                destinationMac: OTHER,
                sourceMac: US,
                senderMac: US,
                senderIp: "10.0.0.1",
                targetMac: OTHER,
                targetIp: "10.0.0.2",
            },
        ])
        new Peer(bench).connects().gets("S 0 <mss 1460>")
    })

    test("an ARP request for another address gets no reply and its sender is not kept", () => {
        const bench = quiet()
        expect(send(bench, { targetIp: "10.0.0.3" })).toEqual([])
        expect(knows(bench, "10.0.0.2")).toBe(false)
        expect(bench.counter(Counter.ArpIgnored)).toBe(1)
    })

    test("an ARP probe for our address gets a reply (RFC 5227 section 2.1.1)", () => {
        const bench = quiet()
        expect(send(bench, { senderIp: "0.0.0.0" })).toMatchObject([
            {
                operation: 2,
                destinationMac: OTHER,
                senderIp: "10.0.0.1",
                targetMac: OTHER,
                targetIp: "0.0.0.0",
            },
        ])
        expect(knows(bench, "0.0.0.0")).toBe(false)
    })

    test("an ARP probe for another address gets no reply", () => {
        expect(send(quiet(), { senderIp: "0.0.0.0", targetIp: "10.0.0.3" })).toEqual([])
    })

    test("an ARP request in a padded frame gets a reply of 42 bytes", () => {
        const bench = quiet()
        const packet = arp({ operation: 1, senderMac: OTHER, senderIp: "10.0.0.2", targetIp: "10.0.0.1" })
        bench.receive(ethernet(broadcastMac, OTHER, 0x0806, [...packet, ...new Array(18).fill(0xee)]))
        expect(arps(bench)).toMatchObject([{ operation: 2, frameLength: 42 }])
    })

    test("an ARP request gets no reply while the stack has no address", () => {
        const bench = quiet()
        bench.stack.ip = 0
        for (const targetIp of ["10.0.0.1", "0.0.0.0"]) expect(send(bench, { targetIp })).toEqual([])
        expect(send(bench, { senderIp: "0.0.0.0", targetIp: "0.0.0.0" })).toEqual([])
    })
})

// ---------------------------------------------------------------- What would poison the table
describe("ARP packets that are not believed", () => {
    const poison: [string, Partial<ArpFields>][] = [
        ["an answer nobody asked for", { operation: 2 }],
        ["an announcement by somebody unknown", { targetIp: "10.0.0.2" }],
        ["an announcement by an answer", { operation: 2, targetIp: "10.0.0.2" }],
        ["a sender with our address", { senderIp: "10.0.0.1" }],
        ["a sender with the network's broadcast address", { senderIp: "10.0.0.255" }],
        ["a sender with the network's own address", { senderIp: "10.0.0.0" }],
        ["a sender with the limited broadcast address", { senderIp: "255.255.255.255" }],
        ["a sender of another network", { senderIp: "10.0.1.2" }],
        ["a broadcast Ethernet address", { senderMac: broadcastMac }],
        ["a multicast Ethernet address", { senderMac: "01:00:5e:00:00:01" }],
        ["a probe that is an answer", { operation: 2, senderIp: "0.0.0.0" }],
    ]
    test.each(poison)("%s: no reply, no entry, and the counter of ignored ARP packets rises", (_, fields) => {
        const bench = quiet()
        expect(send(bench, fields)).toEqual([])
        expect(knows(bench, fields.senderIp ?? "10.0.0.2")).toBe(false)
        expect(bench.counter(Counter.ArpIgnored)).toBe(1)
    })

    test("an ARP request from a multicast address leaves a known neighbour's entry as it is", () => {
        const bench = quiet()
        send(bench, {})
        send(bench, { senderMac: "03:00:00:00:00:66" })
        new Peer(bench).connects().gets("S 0 <mss 1460>")
    })
})

// ---------------------------------------------------------------- Another claims a known neighbour's address
describe("a known neighbour's address is claimed with another Ethernet address", () => {
    const NEW = "02:00:00:00:09:09"
    const said: [string, Partial<ArpFields>][] = [
        ["an answer", { operation: 2 }],
        ["a request", { operation: 1 }],
        ["an announcement", { operation: 1, targetIp: "10.0.0.2" }],
        ["a request for somebody else", { operation: 1, targetIp: "10.0.0.9" }],
    ]
    /** The unicast request that the known neighbour gets. */
    const doubt = { ...request("10.0.0.2"), destinationMac: OTHER }
    const known = () => {
        const bench = quiet()
        send(bench, {})
        bench.pass(60_000)
        return bench
    }
    /** Sends a claim, and returns the requests that the stack sends because of it. */
    const claims = (bench: Bench, fields: Partial<ArpFields>) =>
        send(bench, { ...fields, senderMac: NEW }).filter(({ operation }) => operation === 1)

    test.each(said)(
        "a claim by %s: the known neighbour is asked, answers, and keeps its entry",
        (_, fields) => {
            const bench = known()
            expect(claims(bench, fields)).toMatchObject([doubt])
            const peer = new Peer(bench).connects().gets("S 0 <mss 1460>")
            expect(send(bench, { operation: 2 }, US)).toEqual([])
            peer.sends("S. 0 ack 1").gets(". 1 ack 1")
            bench.pass(60_000)
            expect(arps(bench)).toEqual([])
        }
    )

    test.each(said)(
        "a claim by %s and silence: two unicast requests, one broadcast, then the new address",
        (_, fields) => {
            const bench = known()
            claims(bench, fields)
            // until then segments go to the old address
            const old = new Peer(bench).connects().gets("S 0 <mss 1460>")
            bench.pass(999)
            expect(arps(bench)).toEqual([])
            bench.pass(1)
            expect(arps(bench)).toMatchObject([doubt])
            bench.pass(999)
            expect(arps(bench)).toEqual([])
            bench.pass(1)
            expect(arps(bench)).toMatchObject([request("10.0.0.2")])
            bench.peers.splice(bench.peers.indexOf(old), 1)
            const peer = new Peer(bench, { mac: NEW, port: 81 }).connects().gets()
            send(bench, { operation: 2, senderMac: NEW }, US)
            bench.pass(100)
            expect(peer.seen.length).toBeGreaterThan(0)
        }
    )

    test("claims repeated every 10 ms: the known neighbour is asked at most once a second", () => {
        const bench = known()
        const peer = new Peer(bench).connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        const asked: number[] = []
        let sent = 1
        for (let i = 0; i < 1000; i++) {
            const heard = claims(bench, said[i % 4]![1])
            for (const view of heard) {
                expect(view).toMatchObject(doubt)
                asked.push(bench.now)
                expect(send(bench, { operation: 2 }, US)).toEqual([])
            }
            bench.pass(10)
            for (const view of arps(bench)) {
                expect(view).toMatchObject(doubt)
                asked.push(bench.now)
                send(bench, { operation: 2 }, US)
            }
            if (i % 100 !== 50) continue
            peer.writes(1).gets(`P. ${sent}(1) ack 1`)
            sent++
            peer.sends(`. 1 ack ${sent}`).gets()
        }
        for (let i = 1; i < asked.length; i++) expect(asked[i]! - asked[i - 1]!).toBeGreaterThanOrEqual(1000)
        expect(asked.length).toBeGreaterThanOrEqual(9)
    })

    test("a claim just after the neighbour's own packet: the neighbour is asked a second later", () => {
        const bench = known()
        send(bench, {})
        expect(claims(bench, {})).toEqual([])
        bench.pass(999)
        expect(arps(bench)).toEqual([])
        bench.pass(1)
        expect(arps(bench)).toMatchObject([doubt])
    })

    test("a claim, and no answer from anybody: the stack asks and forgets the neighbour", () => {
        const bench = known()
        claims(bench, {})
        const peer = new Peer(bench).connects().gets("S 0 <mss 1460>")
        bench.pass(10_000)
        expect(arps(bench).length).toBeGreaterThan(3)
        peer.seen.length = 0
        expect(knows(bench, "10.0.0.2")).toBe(false)
    })
})

// ---------------------------------------------------------------- Malformed
describe("malformed ARP packets", () => {
    const packet = arp({ operation: 1, senderMac: OTHER, senderIp: "10.0.0.2", targetIp: "10.0.0.1" })
    test.each([
        ["hardware type", 1, 6],
        ["protocol type", 2, 0x86],
        ["hardware address length", 4, 8],
        ["protocol address length", 5, 16],
        ["operation 0", 7, 0],
        ["operation 3 (RARP)", 7, 3],
        ["operation 257", 6, 1],
    ])("an ARP packet with a wrong %s is dropped and counted as malformed", (_, at, value) => {
        const bench = quiet()
        const changed = [...packet]
        changed[at] = value
        bench.receive(ethernet(broadcastMac, OTHER, 0x0806, changed))
        expect(arps(bench)).toEqual([])
        expect(bench.counter(Counter.ArpMalformed)).toBe(1)
    })

    test("an ARP packet cut short at any length is dropped and counted as malformed", () => {
        const bench = quiet()
        for (let length = 0; length < 28; length++) {
            bench.receive(ethernet(broadcastMac, OTHER, 0x0806, packet.slice(0, length)))
        }
        expect(arps(bench)).toEqual([])
        expect(bench.counter(Counter.ArpMalformed)).toBe(28)
    })
})

// ---------------------------------------------------------------- Asking
describe("address resolution before a segment", () => {
    test("a SYN waits for the ARP reply; its RTO begins when it is sent", () => {
        const bench = quiet()
        const peer = new Peer(bench).connects().gets()
        expect(arps(bench)).toMatchObject([request("10.0.0.2")])
        bench.pass(400)
        send(bench, { operation: 2 }, US)
        peer.gets("S 0 <mss 1460>").after(999).gets().after(1).gets("+1 S 0 <mss 1460>")
        peer.after(2000).gets("+2000 S 0 <mss 1460>")
    })

    test("a SYN to a silent address: three requests a second apart (RFC 1122 section 2.3.2.1), then EHOSTUNREACH", () => {
        const bench = quiet()
        const peer = new Peer(bench).connects()
        const start = bench.now
        bench.pass(2999)
        const times = bench.others.map(s => s.time - start)
        expect(arps(bench)).toMatchObject([1, 2, 3].map(() => request("10.0.0.2")))
        expect(times).toEqual([0, 1000, 2000])
        peer.is("SYN-SENT")
        bench.pass(1)
        peer.gets().failed("EHOSTUNREACH")
        bench.pass(600_000)
        expect(arps(bench)).toEqual([])
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
        expect(bench.counter(Counter.Unresolved)).toBe(1)
    })

    test.each([1500, 2500])("an ARP reply after %d ms: the SYN is sent then, with an RTO of 1 s", late => {
        const bench = quiet()
        const peer = new Peer(bench).connects().gets()
        bench.pass(late)
        arps(bench)
        send(bench, { operation: 2 }, US)
        peer.gets("S 0 <mss 1460>").after(999).gets().after(1).gets("+1 S 0 <mss 1460>")
        // the SYN was retransmitted once, so data starts with one segment (RFC 6298 section 5.7)
        peer.sends("S. 0 ack 1 <mss 100>").gets(". 1 ack 1").writes(300).gets(". 1(100) ack 1")
    })

    test("an ARP reply after 2.5 s: the SYN counts as sent once, and data starts unhindered", () => {
        const bench = quiet()
        const peer = new Peer(bench).connects().gets()
        bench.pass(2500)
        arps(bench)
        send(bench, { operation: 2 }, US)
        peer.gets("S 0 <mss 1460>").sends("S. 0 ack 1 <mss 100>").gets(". 1 ack 1")
        peer.writes(300).gets(". 1(100) ack 1", ". 101(100) ack 1", "P. 201(100) ack 1")
        peer.after(999).gets().after(1).gets("+1 . 1(100) ack 1")
    })

    test("an ARP request from the awaited neighbour serves as its reply: the SYN is sent", () => {
        const bench = quiet()
        const peer = new Peer(bench).connects().gets()
        arps(bench)
        expect(send(bench, {})).toMatchObject([{ operation: 2 }])
        peer.gets("S 0 <mss 1460>")
    })

    test("three connections to one neighbour send one ARP request and their SYNs after its reply", () => {
        const bench = quiet()
        const peers = [5000, 5001, 5002].map(port => new Peer(bench, { port }))
        for (const peer of peers) {
            bench.stack.config.iss = peer.ours
            expect(
                connect(bench.stack, ip("10.0.0.2"), peer.port, peer.localPort, bench.now)
            ).toBeGreaterThan(0)
        }
        bench.poll()
        expect(arps(bench)).toMatchObject([request("10.0.0.2")])
        send(bench, { operation: 2 }, US)
        for (const peer of peers) peer.gets("S 0 <mss 1460>")
    })

    test("abort() while the ARP request is out: a later reply draws no segment", () => {
        const bench = quiet()
        const peer = new Peer(bench).connects().gets()
        arps(bench)
        peer.aborts().gets().gone()
        send(bench, { operation: 2 }, US)
        peer.gets()
    })

    test("a SYN from an unknown neighbour: the stack asks by ARP, then sends the SYN,ACK", () => {
        const bench = quiet()
        const peer = new Peer(bench).listens().sends("S 0 <mss 1460>").gets()
        expect(arps(bench)).toMatchObject([request("10.0.0.2")])
        send(bench, { operation: 2 }, US)
        peer.gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts().is("ESTABLISHED")
    })

    test("a SYN from a forged address: the stack asks by ARP, sends no SYN,ACK and forgets it", () => {
        const bench = quiet()
        const peer = new Peer(bench).listens().sends("S 0 <mss 1460>").gets()
        bench.pass(100_000)
        peer.gets().is("LISTEN")
        for (const a of arps(bench)) expect(a).toMatchObject(request("10.0.0.2"))
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
    })
})

// ---------------------------------------------------------------- A neighbour that was forgotten
describe("a connection whose neighbour lost its ARP entry", () => {
    /** A connection whose peer's Ethernet address the stack has forgotten. */
    function forgotten(idle = 0): { bench: Bench; peer: Peer } {
        const bench = new Bench({ neighbours: 1 })
        const peer = new Peer(bench).connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        bench.arp = false
        peer.after(idle).gets()
        takePlace(bench, "10.0.0.2", "10.0.0.9", "02:00:00:00:01:09")
        return { bench, peer }
    }

    const answer = (bench: Bench) => {
        expect(arps(bench)).toMatchObject([request("10.0.0.2")])
        expect(send(bench, { operation: 2 }, US)).toEqual([])
    }

    test.each([0, 10_000, 1_000_000])(
        "data after %d ms of silence waits for ARP, then has a whole RTO and R2",
        idle => {
            const { bench, peer } = forgotten(idle)
            peer.writes(5).gets()
            bench.pass(300)
            answer(bench)
            peer.gets("P. 1(5) ack 1")
            peer.after(999).gets().after(1).gets("+1 P. 1(5) ack 1").is("ESTABLISHED")
            peer.after(60_000).seen.splice(0)
            expect(peer.state).toBe("ESTABLISHED")
        }
    )

    test.each([0, 1_000_000])(
        "an ACK after %d ms of silence waits for ARP, is sent, and starts no timer",
        idle => {
            const { bench, peer } = forgotten(idle)
            peer.sends("P. 1(5) ack 1").gets()
            bench.pass(300)
            answer(bench)
            peer.gets(". 1 ack 6").after(1_000_000).gets().is("ESTABLISHED").writes(5)
            bench.others.length = 0
        }
    )

    test("an ACK in FIN-WAIT-2 waits for ARP, and the connection stays in FIN-WAIT-2", () => {
        const { bench, peer } = forgotten()
        takePlace(bench, "10.0.0.9", "10.0.0.2", OTHER)
        peer.shuts().gets("F. 1 ack 1").sends(". 1 ack 2").gets().is("FIN-WAIT-2")
        takePlace(bench, "10.0.0.2", "10.0.0.9", "02:00:00:00:01:09")
        peer.sends("P. 1(5) ack 2").gets()
        bench.pass(300)
        answer(bench)
        peer.gets(". 2 ack 6").after(600_000).gets().is("FIN-WAIT-2")
    })

    test("the ACK of a FIN in TIME-WAIT waits for ARP; TIME-WAIT lasts 60 s", () => {
        const { bench, peer } = forgotten()
        takePlace(bench, "10.0.0.9", "10.0.0.2", OTHER)
        peer.shuts().gets("F. 1 ack 1").sends(". 1 ack 2").gets()
        takePlace(bench, "10.0.0.2", "10.0.0.9", "02:00:00:00:01:09")
        peer.sends("F. 1 ack 2").gets().is("TIME-WAIT")
        answer(bench)
        peer.gets(". 2 ack 2").after(59_999).gets().is("TIME-WAIT").after(1).gets().is("CLOSED")
    })

    test("a FIN waits for ARP, is sent, and is retransmitted when lost", () => {
        const { bench, peer } = forgotten()
        peer.shuts().gets()
        bench.pass(300)
        answer(bench)
        peer.gets("F. 1 ack 1").after(1000).gets("+1000 F. 1 ack 1")
    })

    test("a reset waits for ARP, and its connection's record until it is sent", () => {
        const { bench, peer } = forgotten()
        peer.aborts().gets().gone()
        bench.pass(300)
        answer(bench)
        peer.gets("R. 1 ack 1").after(600_000).gets()
    })

    test("a reset to a neighbour that does not answer ARP is given up after three requests", () => {
        const { bench, peer } = forgotten()
        peer.aborts().gets().gone()
        bench.pass(3000)
        expect(arps(bench).length).toBe(3)
        expect(bench.counter(Counter.Unresolved)).toBe(1)
        bench.pass(600_000)
        expect(bench.host.next(bench.now)).toBe(Number.POSITIVE_INFINITY)
    })

    test("a reset without room in the ARP table is given up, and other connections send", () => {
        const bench = new Bench({ neighbours: 1 }, { arp: false })
        const near = new Peer(bench, { ip: "10.0.0.9" })
        const [gone, far] = [5001, 5002].map(port => new Peer(bench, { port })) as [Peer, Peer]
        bench.introduce("10.0.0.9", near.mac)
        near.connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        takePlace(bench, "10.0.0.9", "10.0.0.2", OTHER)
        for (const peer of [gone, far])
            peer.connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
        gone.aborts().gets("R. 1 ack 1")
        // a third connection, in the record between the two: its neighbour is being resolved and holds the only entry
        expect(connect(bench.stack, ip("10.0.0.77"), 80, 0, bench.now)).toBeGreaterThan(0)
        bench.poll()
        expect(arps(bench)).toMatchObject([request("10.0.0.77")])
        // the last record has the next turn to send, and is freed; the first one must get its turn all the same
        bench.stack.cursor = 2
        expect(abort(bench.stack, far.id, bench.now)).toBe(0)
        expect(write(bench.stack, near.id, bytes("hello"), 0, 5)).toBe(5)
        bench.poll()
        far.gone()
        bench.pass(3000)
        expect(arps(bench).at(-1)).toMatchObject(request("10.0.0.9"))
    })

    test("data to a neighbour that does not answer ARP: repeated requests, then EHOSTUNREACH after R2", () => {
        const { bench, peer } = forgotten()
        peer.writes(5).gets()
        bench.pass(99_000)
        expect(peer.state).toBe("ESTABLISHED")
        const times = bench.others.map(s => s.time)
        for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBeGreaterThanOrEqual(1000)
        expect(times.length).toBeGreaterThan(10)
        bench.pass(5000)
        bench.others.length = 0
        peer.gets().failed("EHOSTUNREACH")
    })
})

// ---------------------------------------------------------------- A neighbour that moved
test("a third retransmission asks for the neighbour anew, and its new Ethernet address is used", () => {
    const bench = new Bench()
    const peer = new Peer(bench).connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1")
    bench.arp = false
    peer.writes(5).gets("P. 1(5) ack 1").after(3000).gets("+1000 P. 1(5) ack 1", "+3000 P. 1(5) ack 1")
    peer.after(4000).gets()
    expect(arps(bench)).toMatchObject([request("10.0.0.2")])
    const moved = new Peer(bench, { mac: "02:00:00:00:09:09" })
    bench.peers.shift()
    expect(send(bench, { operation: 2, senderMac: "02:00:00:00:09:09" }, US)).toEqual([])
    moved.gets("P. 1(5) ack 1")
})

test("window probes that were answered do not count towards asking for the neighbour anew", () => {
    const bench = new Bench()
    const peer = new Peer(bench)
        .connects()
        .gets("S 0 <mss 1460>")
        .sends("S. 0 ack 1 win 0")
        .gets(". 1 ack 1")
        .writes(5)
    peer.gets()
        .after(3000)
        .gets("+1000 . 1(1) ack 1", "+3000 . 1(1) ack 1")
        .sends(". 1 ack 1 win 9")
        .gets("P. 1(5) ack 1")
    bench.arp = false
    peer.after(3000).gets("+1000 P. 1(5) ack 1", "+3000 P. 1(5) ack 1").after(4000).gets()
    expect(arps(bench)).toMatchObject([request("10.0.0.2")])
})

// ---------------------------------------------------------------- The table
describe("the ARP table", () => {
    /** Connects to a new neighbour, whose ARP reply comes at once. */
    const meet = (bench: Bench, address: string) => {
        const peer = new Peer(bench, { ip: address }).connects()
        send(bench, { operation: 2, senderIp: address, senderMac: peer.mac }, US)
        return peer.gets("S 0 <mss 1460>")
    }
    const places = (bench: Bench, ...all: string[]) => all.map(address => knows(bench, address))

    test("a full ARP table gives up the entry used longest ago for a new one", () => {
        const bench = quiet({ neighbours: 2 })
        const peer = meet(bench, "10.0.0.2")
        bench.pass(10)
        meet(bench, "10.0.0.3")
        bench.pass(10)
        peer.sends("S. 0 ack 1").gets(". 1 ack 1")
        bench.pass(10)
        meet(bench, "10.0.0.4")
        expect(places(bench, "10.0.0.2", "10.0.0.3", "10.0.0.4")).toEqual([true, false, true])
    })

    test("ARP requests from 90 hosts are answered and take no used entry of the table", () => {
        const bench = quiet({ neighbours: 2 })
        meet(bench, "10.0.0.2").sends("S. 0 ack 1").gets(". 1 ack 1")
        bench.pass(60_000)
        for (let i = 10; i < 100; i++) {
            const from = { senderIp: `10.0.0.${i}`, senderMac: `02:00:00:00:01:${i}` }
            expect(send(bench, from)).toMatchObject([{ operation: 2, destinationMac: from.senderMac }])
        }
        expect(places(bench, "10.0.0.2", "10.0.0.10", "10.0.0.11")).toEqual([true, true, false])
    })

    test("a full ARP table gives up an entry whose age has wrapped (unused for a month)", () => {
        const bench = quiet({ neighbours: 1 })
        send(bench, { senderIp: "10.0.0.2" })
        bench.now += 30 * 86_400_000
        meet(bench, "10.0.0.3")
        expect(places(bench, "10.0.0.2", "10.0.0.3")).toEqual([false, true])
    })

    test("a full ARP table keeps entries being resolved: a second connection waits for a place", () => {
        const bench = quiet({ neighbours: 1 })
        const first = new Peer(bench).connects().gets()
        expect(arps(bench)).toMatchObject([request("10.0.0.2")])
        const second = new Peer(bench, { ip: "10.0.0.3" }).connects().gets()
        expect(arps(bench)).toEqual([])
        expect(bench.counter(Counter.NeighboursFull)).toBeGreaterThan(0)
        expect(send(bench, { senderIp: "10.0.0.4" })).toMatchObject([{ operation: 2, targetIp: "10.0.0.4" }])
        bench.pass(3500)
        first.gets().failed("EHOSTUNREACH")
        second.gets().is("SYN-SENT")
        bench.others.length = 0
        bench.pass(1000)
        bench.others.length = 0
        send(bench, { operation: 2, senderIp: "10.0.0.3", senderMac: "02:00:00:00:01:03" }, US)
        second.gets("S 0 <mss 1460>")
    })
})

tsharkAgrees()
