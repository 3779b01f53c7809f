// SYN cookies: handshakes without memory, when no half-open record is free (RFC 4987 section 3.6).

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { Event, EventKind } from "../../src/base/events"
import { accept } from "../../src/tcp/calls"
import { stateName } from "../../src/tcp/records"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { afterSynAck, onlySegment, withIss } from "../support/secret-values"
import { bases, listening, newPeer, type Setup } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

const SYN = "S 0 <mss 1460>"
const EPOCH = 64_000

/** A listener that has no half-open record, and a peer that has sent nothing. */
function bare(config: { [key: string]: number } = {}, setup: Setup = {}): Peer {
    return listening({ ...setup, config: { halfOpen: 0, ...config } })
}

/** The peer once its SYN was answered. */
function cookied(config: { [key: string]: number } = {}, syn = SYN, setup: Setup = {}): Peer {
    return afterSynAck(bare(config, setup), syn)
}

/** Asserts that the peer got a reset, and no connection was made. */
function refused(peer: Peer, ack: number): void {
    peer.gets(`R ${ack}`).is("LISTEN")
    expect(peer.bench.stack.connsEnd).toBe(0)
    expect(peer.bench.counter(Counter.CookiesTaken)).toBe(0)
}

// ---------------------------------------------------------------- The SYN,ACK
describe("a SYN that finds no free half-open record", () => {
    test("a SYN without a free record gets a SYN,ACK, and no record or timer is used", () => {
        const peer = bare()
        const { stack } = peer.bench
        const before = [stack.connsEnd, stack.halvesEnd, stack.waitsEnd]
        const view = onlySegment(peer.sends(SYN).is("LISTEN"))
        expect(view).toMatchObject({
            ack: peer.theirs + 1,
            window: 1024,
            options: [{ kind: "mss", value: 1460 }],
        })
        expect([stack.connsEnd, stack.halvesEnd, stack.waitsEnd]).toEqual(before)
        expect(peer.bench.counter(Counter.CookiesSent)).toBe(1)
        expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
        expect([stack.cookies, stack.cookieTime]).toEqual([true, peer.bench.now])
    })

    test("a cookie is sent only when all half-open records are taken, and leaves their handshakes alone", () => {
        const peers = [5001, 5002, 5003].map(port => newPeer({ config: { halfOpen: 2 }, peer: { port } }))
        const { bench } = peers[0]!.listens()
        const others = [5002, 5003].map(port => new Peer(bench, { port }))
        for (const peer of [peers[0]!, others[0]!]) peer.sends(SYN).gets("S. 0 ack 1 <mss 1460>")
        others[1]!.listener = peers[0]!.listener
        const third = afterSynAck(others[1]!, SYN)
            .is("LISTEN")
            .sends(". 1 ack 1")
            .gets()
            .is("ESTABLISHED")
            .accepts()
        third.sends("P. 1(5) ack 1").gets(". 1 ack 6")
        // the others' handshakes go on
        for (const peer of [peers[0]!, others[0]!])
            peer.is("SYN-RECEIVED").sends(". 1 ack 1").gets().is("ESTABLISHED")
        expect(bench.counter(Counter.CookiesSent)).toBe(1)
    })

    test("a handshake by cookie is reported as segments in LISTEN, then as LISTEN, SYN-RECEIVED, ESTABLISHED", () => {
        const peer = cookied().sends(". 1 ack 1").gets()
        const { events } = peer.bench.stack
        const record = Buffer.alloc(Event.Size)
        const told = Array.from({ length: events.count }, (_, i) => {
            events.copy(i, record)
            const [kind, before, after] = [Event.Kind, Event.Before, Event.After].map(at =>
                record.getAt(at, "u8")
            )
            // only a change of state has one before
            const states = kind === EventKind.State ? `${stateName(before!)} ` : ""
            return `${kind} ${states}${stateName(after!)} ${record.getAt(Event.Id, "u16")}`
        })
        const id = accept(peer.bench.stack, peer.listener)
        expect(told).toEqual([
            `${EventKind.SegmentIn} LISTEN 0`,
            `${EventKind.SegmentOut} LISTEN 0`,
            `${EventKind.SegmentIn} LISTEN 0`,
            `${EventKind.State} LISTEN SYN-RECEIVED 0`,
            `${EventKind.State} SYN-RECEIVED ESTABLISHED ${id}`,
        ])
    })

    test("a cookie neither has nor uses up the pinned ISS", () => {
        const peer = bare()
        const { stack } = peer.bench
        stack.config.iss = 7
        peer.bench.receive(peer.frame(SYN))
        const view = onlySegment(peer)
        expect(view.seq).not.toBe(7)
        expect(stack.config.iss).toBe(7)
        withIss(peer, view.seq).sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("a cookie's SYN,ACK goes back to the Ethernet address the SYN came from, without ARP", () => {
        const peer = bare({}, { options: { arp: false, gateway: "10.0.0.254" } })
        const far = new Peer(peer.bench, { ip: "192.0.2.1", hop: "10.0.0.254", mac: "02:00:00:00:02:fe" })
        const view = onlySegment(far.sends(SYN))
        expect(view.destinationMac).toBe("02:00:00:00:02:fe")
        expect(peer.bench.others).toEqual([])
    })

    test("a SYN without a free record while another reply waits is dropped and counted", () => {
        const peer = bare()
        peer.bench.stack.frameLength = 60
        peer.sends(SYN)
        peer.bench.others.length = 0
        expect(peer.bench.counter(Counter.ReplyBusy)).toBe(1)
        expect(peer.bench.counter(Counter.CookiesSent)).toBe(0)
    })
})

// ---------------------------------------------------------------- The number
describe("the sequence number of a SYN cookie", () => {
    const number = (peer: Peer, syn = SYN) => onlySegment(peer.sends(syn)).seq

    test("a cookie for the same SYN is the same until its epoch ends", () => {
        const peer = bare({}, { options: { start: 10 * EPOCH } })
        const first = number(peer)
        expect(number(peer.after(EPOCH - 1).gets())).toBe(first)
        expect(number(peer.after(1).gets())).not.toBe(first)
    })

    test("a cookie depends on peer, port, sequence number, MSS and host", () => {
        const peer = bare()
        const { bench } = peer
        const numbers = [number(peer), number(peer, "S 1 <mss 1460>"), number(peer, "S 0 <mss 1440>")]
        numbers.push(number(new Peer(bench, { port: 5001 })), number(new Peer(bench, { ip: "10.0.0.3" })))
        numbers.push(number(new Peer(bench, { localPort: 81 }).listens()), number(bare()))
        expect(new Set(numbers.map(n => n & 0x0fffffff)).size).toBe(7)
    })

    test("a cookie has the epoch's parity and the MSS in its upper 4 bits, and 28 bits as good as random", () => {
        const peer = bare({}, { options: { start: 10 * EPOCH } })
        const ones = new Array<number>(28).fill(0)
        for (let i = 0; i < 1000; i++) {
            const n = number(peer, `S ${i} <mss ${i % 2 === 0 ? 1460 : 1240}>`)
            expect(n >>> 28).toBe(i % 2 === 0 ? 7 : 4)
            for (let bit = 0; bit < 28; bit++) ones[bit]! += (n >>> bit) & 1
        }
        // 500 each if they are random: 400 to 600 is more than six standard deviations
        for (const count of ones) expect(count).toBeGreaterThan(400)
        for (const count of ones) expect(count).toBeLessThan(600)
        expect(number(peer.after(EPOCH).gets()) >>> 28).toBe(15)
    })
})

// ---------------------------------------------------------------- The ACK
describe.each(bases)("the ACK of a SYN cookie, $name", base => {
    test.each([
        ["an ACK", ". 1 ack 1", [], "ESTABLISHED", 0],
        ["an ACK with data", "P. 1(5) ack 1", [". 1 ack 6"], "ESTABLISHED", 5],
        ["an ACK with a FIN", "F. 1 ack 1", [". 1 ack 2"], "CLOSE-WAIT", 0],
        ["an ACK with data and a FIN", "FP. 1(5) ack 1", [". 1 ack 7"], "CLOSE-WAIT", 5],
        ["data beyond the window", "P. 1(1100) ack 1", [". 1 ack 1025 win 0"], "ESTABLISHED", 1024],
    ] as const)(
        "%s (%s) is answered by %j and makes a connection in %s",
        (_, segment, answers, state, text) => {
            const peer = cookied({}, SYN, { base }).sends(segment)
            peer.gets(...answers)
                .is(state)
                .accepts()
            if (text > 0) peer.reads(text)
            peer.seen.length = 0
            expect(peer.bench.counter(Counter.CookiesTaken)).toBe(1)
            peer.writes(3)
            expect(onlySegment(peer)).toMatchObject({ seq: (peer.ours + 1) >>> 0, flags: { psh: true } })
        }
    )

    test("a connection by cookie carries data both ways and closes", () => {
        const peer = cookied({}, SYN, { base }).sends(". 1 ack 1 win 3").gets().accepts()
        peer.writes(5)
            .gets(". 1(3) ack 1")
            .sends(". 1 ack 4 win 9")
            .gets("P. 4(2) ack 1")
            .sends(". 1 ack 6")
            .gets()
        peer.sends("P. 1(9) ack 6").gets(". 6 ack 10").reads(9).gets().shuts().gets("F. 6 ack 10")
        peer.sends("F. 10 ack 7").gets(". 7 ack 11").is("TIME-WAIT")
    })

    test("a SYN that comes again on a connection by cookie gets a challenge ACK", () => {
        const peer = cookied({}, SYN, { base }).sends(". 1 ack 1").gets().sends(SYN)
        peer.gets(". 1 ack 1").is("ESTABLISHED")
    })
})

test("data makes the connection by cookie when the first ACK was lost", () => {
    cookied().sends("P. 1(5) ack 1").gets(". 1 ack 6").is("ESTABLISHED").sends(". 1 ack 1").gets(". 1 ack 6")
})

test("neither a RST nor a SYN,ACK with the cookie's numbers makes a connection", () => {
    cookied().sends("R. 1 ack 1").gets().is("LISTEN")
    cookied().sends("S. 1 ack 1").gets("R 1").is("LISTEN")
})

test("the listener's receive limit is the window of a connection by cookie", () => {
    const peer = bare()
    peer.limits(100, peer.listener)
    const view = onlySegment(peer.sends(SYN))
    expect(view.window).toBe(100)
    const next = withIss(peer, view.seq)
    next.edge = 101
    next.sends("P. 1(150) ack 1").gets(". 1 ack 101 win 0").accepts().reads(100)
})

// ---------------------------------------------------------------- Clients that did not get the SYN,ACK
describe("an ACK with a number that is not the cookie's", () => {
    test("an ACK with any one bit wrong in its numbers is reset", () => {
        const peer = cookied()
        for (let bit = 0; bit < 32; bit++) {
            const ack = (((peer.ours + 1) ^ (1 << bit)) - peer.ours) | 0
            refused(peer.sends(`. 1 ack ${ack}`), ack)
            const seq = (((peer.theirs + 1) ^ (1 << bit)) - peer.theirs) | 0
            refused(peer.sends(`. ${seq} ack 1`), 1)
        }
        peer.sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("an ACK with numbers next to the cookie's is reset", () => {
        const peer = cookied()
        for (const ack of [0, 2, -1, 3, 1 + (1 << 28)]) refused(peer.sends(`. 1 ack ${ack}`), ack)
        for (const seq of [0, 2, 6]) refused(peer.sends(`. ${seq} ack 1`), 1)
    })

    test.each([
        ["another port", { port: 5001 }],
        ["another address", { ip: "10.0.0.3" }],
        ["another of our ports", { localPort: 81 }],
    ])("an ACK with the right numbers from or to %s is reset", (_, options) => {
        const peer = cookied()
        const thief = new Peer(peer.bench, { ours: peer.ours, theirs: peer.theirs, ...options })
        if (thief.localPort !== 80) thief.listens()
        refused(thief.sends(". 1 ack 1"), 1)
    })

    test("an ACK with the cookie of another host's secret is reset", () => {
        const peer = cookied()
        const other = cookied()
        refused(withIss(other, peer.ours).sends(". 1 ack 1"), 1)
    })

    test("a hundred thousand guessed ACKs are reset, and none makes a connection", () => {
        const { bench, theirs } = cookied()
        const { host } = bench
        const guess = new Peer(bench, { ours: 0 })
        let answers = 0
        for (let i = 0; i < 100_000; i++) {
            const frame = guess.frame(`. 1 ack ${(i * 0x9e3779b1) | 0}`)
            answers += host.receive(frame, bench.now).length
            host.sent.length = 0
        }
        expect(theirs).toBe(guess.theirs)
        expect(answers).toBe(100_000)
        expect(bench.counter(Counter.CookiesTaken)).toBe(0)
        expect(bench.stack.connsEnd).toBe(0)
    })
})

// ---------------------------------------------------------------- A client has 64 to 128 seconds
describe.each([
    ["", 10 * EPOCH],
    [", about when the time passes 2^31", 33_554 * EPOCH],
])("epochs of SYN cookies%s", (_, start) => {
    test.each([
        [0, 0],
        [0, 63_000],
        [0, 64_000],
        [0, 127_000],
        [30_000, 97_999],
        [50_000, 70_000],
    ])("a cookie sent %d ms into an epoch and acknowledged %d ms later makes a connection", (into, later) => {
        const peer = cookied({}, SYN, { options: { start: start + into } })
        peer.after(later).gets().sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test.each([
        [0, 128_001],
        [0, 129_000],
        [50_000, 78_001],
        [63_999, 64_002],
        [63_999, 129_000],
        [0, 192_000],
        [0, 256_000],
        [0, 20_000_000],
    ])("a cookie sent %d ms into an epoch and acknowledged %d ms later is reset", (into, later) => {
        const peer = cookied({}, SYN, { options: { start: start + into } })
        // another client keeps cookies valid
        const other = new Peer(peer.bench, { port: 5001 })
        peer.after(later).gets()
        other.sends(SYN).seen.length = 0
        refused(peer.sends(". 1 ack 1"), 1)
    })
})

describe("epochs of SYN cookies when the time wraps: epoch 67,108, the last, has 55,296 ms, and both next to it have the same parity", () => {
    test.each([
        [67_108, 1000, 54_295, true],
        [67_108, 1000, 54_296, true],
        [67_108, 1000, 54_296 + 63_999, true],
        [67_108, 1000, 54_296 + 64_001, false],
        [67_107, 0, 64_000 + 55_295, true],
        [67_107, 0, 64_000 + 55_297, false],
        [67_107, 0, 129_000, false],
    ])(
        "a cookie sent in epoch %d after %d ms and acknowledged %d ms later makes a connection: %s",
        (epoch, into, later, good) => {
            const peer = cookied({}, SYN, { options: { start: epoch * EPOCH + into } })
            peer.after(later).gets().sends(". 1 ack 1")
            if (good) peer.gets().is("ESTABLISHED")
            else refused(peer, 1)
        }
    )
})

test("an ACK that comes 128 s after the last cookie is reset without a look for one", () => {
    const peer = bare().sends(". 1 ack 1").gets("R 1")
    const next = afterSynAck(peer, SYN).after(128_001).gets()
    expect(next.bench.stack.cookies).toBe(true)
    refused(next.sends(". 1 ack 1"), 1)
    expect(next.bench.stack.cookies).toBe(false)
})

// ---------------------------------------------------------------- No room for what the ACK completes
describe("an ACK of a cookie for which there is no room", () => {
    test("an ACK with a full backlog is dropped, and makes the connection after accept()", () => {
        const first = newPeer({ config: { halfOpen: 0 } }).listens(1)
        const second = new Peer(first.bench, { port: 5001 })
        second.listener = first.listener
        const [one, two] = [afterSynAck(first, SYN), afterSynAck(second, SYN)]
        one.sends(". 1 ack 1").gets().is("ESTABLISHED")
        two.sends("P. 1(5) ack 1").gets().is("LISTEN")
        expect(one.bench.counter(Counter.BacklogFull)).toBe(1)
        one.accepts()
        two.sends("P. 1(5) ack 1").gets(". 1 ack 6").is("ESTABLISHED").accepts().reads(5)
    })

    test("an ACK with all connections in use is dropped, and makes the connection when one ends", () => {
        const first = newPeer({ config: { halfOpen: 0, connections: 1 } }).listens()
        const second = new Peer(first.bench, { port: 5001 })
        second.listener = first.listener
        const [one, two] = [afterSynAck(first, SYN), afterSynAck(second, SYN)]
        one.sends(". 1 ack 1").gets().accepts()
        two.sends("P. 1(5) ack 1").gets().is("LISTEN")
        expect(one.bench.counter(Counter.ConnectionsFull)).toBe(1)
        one.aborts().gets("R. 1 ack 1")
        two.sends("P. 1(5) ack 1").gets(". 1 ack 6").is("ESTABLISHED").accepts().reads(5)
    })

    test("a SYN while the backlog is full gets no cookie and is counted", () => {
        const first = afterSynAck(newPeer({ config: { halfOpen: 0 } }).listens(1), SYN)
            .sends(". 1 ack 1")
            .gets()
        new Peer(first.bench, { port: 5001 }).sends(SYN).gets()
        expect(first.bench.counter(Counter.BacklogFull)).toBe(1)
    })
})

// ---------------------------------------------------------------- A record becomes free in the middle of a handshake
describe("a client that got a cookie, and whose second SYN found a half-open record", () => {
    /** The only record was taken when the SYN came, and free when it came again. */
    function both(config: { [key: string]: number } = {}): { cookie: Peer; half: Peer } {
        const silent = listening({ config: { halfOpen: 1, ...config }, peer: { port: 5001 } })
        silent.sends(SYN).gets("S. 0 ack 1 <mss 1460>")
        const client = new Peer(silent.bench, { port: 5000, ours: 0x777 })
        client.listener = silent.listener
        const cookie = afterSynAck(client, SYN)
        silent.sends("R 1").gets()
        const half = new Peer(silent.bench, { port: 5000, ours: 0x777 })
        half.listener = silent.listener
        cookie.bench.peers.splice(cookie.bench.peers.indexOf(cookie), 1)
        half.sends(SYN).gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
        return { cookie, half }
    }

    test("the ACK of the cookie makes the connection, and the half-open record is freed", () => {
        const { cookie, half } = both()
        half.bench.peers.splice(half.bench.peers.indexOf(half), 1, cookie)
        cookie.sends("P. 1(5) ack 1").gets(". 1 ack 6").is("ESTABLISHED").accepts().reads(5)
        expect(cookie.bench.stack.halvesEnd).toBe(0)
        cookie.after(100_000).gets()
    })

    test("the ACK of the record's SYN,ACK makes the connection", () => {
        const { half } = both()
        half.sends(". 1 ack 1").gets().is("ESTABLISHED").accepts()
        expect(half.bench.counter(Counter.CookiesTaken)).toBe(0)
    })

    test("an ACK of neither is reset, and the half-open record stays", () => {
        const { half } = both()
        half.sends(". 1 ack 5").gets("R 5").is("SYN-RECEIVED").sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("an ACK of the cookie without a free connection is dropped, and the half-open record stays", () => {
        const { cookie, half } = both({ connections: 1 })
        const other = new Peer(half.bench, { port: 5003, localPort: 4000 }).connects().gets(SYN)
        half.bench.peers.splice(half.bench.peers.indexOf(half), 1, cookie)
        cookie.sends(". 1 ack 1").gets().is("SYN-RECEIVED")
        other.sends("R. =0 ack 1").gets().closes()
        cookie.sends(". 1 ack 1").gets().is("ESTABLISHED")
    })
})

// ---------------------------------------------------------------- TIME-WAIT and cookies
test("a new SYN in TIME-WAIT gets a cookie if that is above all numbers used, else it is dropped", () => {
    let taken = 0
    let dropped = 0
    for (let i = 0; i < 40; i++) {
        const peer = cookied({}, SYN, { peer: { port: 6000 + i } })
            .sends(". 1 ack 1")
            .gets()
            .accepts()
        peer.shuts().gets("F. 1 ack 1").sends("F. 1 ack 2").gets(". 2 ack 2").closes().is("TIME-WAIT")
        peer.sends("S 100 <mss 1460>")
        const [answer] = peer.seen.splice(0)
        if (answer === undefined) {
            dropped++
            peer.is("TIME-WAIT")
            expect(peer.bench.counter(Counter.TcpUnexpectedSyn)).toBe(1)
            continue
        }
        taken++
        expect((answer.view.seq - (peer.ours + 2)) | 0).toBeGreaterThan(0)
        const next = new Peer(peer.bench, {
            port: peer.port,
            ours: answer.view.seq,
            theirs: peer.theirs + 100,
        })
        next.bench.peers.shift()
        next.sends(". 1 ack 1").gets().is("ESTABLISHED")
    }
    // each is as likely as the other: that one never happens in 40 is one in 10^12
    expect(taken).toBeGreaterThan(0)
    expect(dropped).toBeGreaterThan(0)
})

test("a cookie works for port 65535 and for an address with the upper bit set", () => {
    const peer = bare({}, { options: { gateway: "10.0.0.254" } })
    const far = new Peer(peer.bench, {
        ip: "223.255.255.254",
        hop: "10.0.0.254",
        port: 65_535,
        theirs: 0xffff_ffff,
    })
    far.listener = peer.listener
    expect(ip("223.255.255.254")).toBeLessThan(0)
    afterSynAck(far, SYN).sends("P. 1(5) ack 1").gets(". 1 ack 6").is("ESTABLISHED").accepts().reads(5)
})

tsharkAgrees()
