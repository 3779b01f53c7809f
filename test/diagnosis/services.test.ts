// Why a device has no address, no answer for a name, or no time: the servers' answers say it.

import "../../sim/testing/setup"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Diagnosis } from "../../sim/diagnosis/diagnosis"
import { Explainer } from "../../sim/diagnosis/explainer"
import { inUse } from "../../sim/diagnosis/lease"
import {
    address,
    arp,
    broadcastMac,
    ethernet,
    ipv4,
    mac as macBytes,
    u32,
    udp,
} from "../../sim/testing/frames"
import { lab } from "../../sim/testing/index"

const OWN = "10.0.0.2"
const SERVER = "10.0.0.200"
const [MAC, THEIRS] = ["02:00:00:00:00:02", "02:00:00:00:00:c8"]
const NO_ADDRESS = "socket tcp://server.example:7: EADDRNOTAVAIL, this host has no address yet"
const NO_NAME = "socket tcp://server.example:7: EAI_AGAIN, no answer for the name: try again later"

/** A device and a server, whose frames an explainer sees. */
class Wire {
    readonly explainer: Explainer
    private now = 0

    /** With `nameServers` the settings of the device are known. */
    constructor(nameServers?: readonly string[]) {
        const set = { name: "Host X", station: "x", ip: OWN, prefix: 24, nameServers }
        const self = inUse(set, () => explainer.evidence)
        const explainer = new Explainer(() => self)
        this.explainer = explainer
    }

    /** Why the next frame is lost. */
    lost: "loss" | undefined

    /** Sends a frame 10 ms after the last, or at `time`. */
    frame(isOwn: boolean, type: number, bytes: readonly number[], time = this.now + 10): this {
        this.now = time
        const [from, to] = isOwn ? [MAC, THEIRS] : [THEIRS, MAC]
        this.explainer.sent(ethernet(to, from, type, bytes), isOwn ? "x" : "s", time, this.lost)
        return this
    }

    datagram(
        [source, sourcePort]: readonly [string, number],
        [destination, destinationPort]: readonly [string, number],
        data: readonly number[],
        {
            isOwn = false,
            time = undefined as number | undefined,
            checksum = undefined as number | undefined,
        } = {}
    ): this {
        const ends = { source, destination }
        const fields = { sourcePort, destinationPort, ...(checksum === undefined ? {} : { checksum }) }
        return this.frame(isOwn, 0x0800, ipv4({ ...ends, protocol: 17 }, udp(ends, fields, data)), time)
    }

    /** Sends an ARP request of the device. */
    arp(sender: string, target: string): this {
        const fields = {
            operation: 1,
            senderMac: MAC,
            senderIp: sender,
            targetMac: broadcastMac,
            targetIp: target,
        }
        return this.frame(true, 0x0806, arp(fields))
    }

    /** Sends a DHCP message: 1 DISCOVER, 2 OFFER, 3 REQUEST, 5 ACK, 6 NAK. */
    dhcp(
        kind: number,
        { ip = "10.0.0.77", options = [] as number[], from = "", ...how }: DhcpFields = {}
    ): this {
        const isOwn = kind === 1 || kind === 3
        const bytes = [
            ...[isOwn ? 1 : 2, 1, 6, 0, ...u32(77)],
            ...Array<number>(8).fill(0),
            ...address(isOwn ? "0.0.0.0" : ip),
            ...Array<number>(8).fill(0),
            ...macBytes(MAC),
            ...Array<number>(202).fill(0),
            ...[99, 130, 83, 99, 53, 1, kind],
            ...options,
            255,
        ]
        const source = from || (isOwn ? "0.0.0.0" : SERVER)
        return isOwn
            ? this.datagram([source, 68], ["255.255.255.255", 67], bytes, { ...how, isOwn })
            : this.datagram([source, 67], ["255.255.255.255", 68], bytes, how)
    }

    /** Sends DISCOVER, OFFER, REQUEST and ACK. */
    lease(seconds = 3600, more: readonly number[] = MASK, ip = "10.0.0.77", acknowledged = ip): this {
        const options = [54, 4, ...address(SERVER), 51, 4, ...u32(seconds), ...more]
        return this.dhcp(1)
            .dhcp(2, { ip, options })
            .dhcp(3, { options: [50, 4, ...address(ip), 54, 4, ...address(SERVER)] })
            .dhcp(5, { ip: acknowledged, options })
    }

    /** Sends an announcement, as with the first packet from a new address. */
    announce(ip = "10.0.0.77"): this {
        return this.arp(ip, ip)
    }

    error(text: string, time = this.now + 1): Diagnosis | undefined {
        return this.explainer.error(text, time)
    }
}

interface DhcpFields {
    ip?: string
    options?: number[]
    from?: string
    time?: number
    checksum?: number
}

const MASK = [1, 4, 255, 255, 255, 0]

describe("a device without an address", () => {
    test("has a lease that ended, because the server did not answer the renewals", () => {
        const wire = new Wire().lease(120).announce()
        for (const time of [60_030, 90_030]) wire.dhcp(3, { from: "10.0.0.77", time })
        wire.dhcp(1, { time: 120_030 }).dhcp(1, { time: 124_000 })
        expect(wire.error(NO_ADDRESS)).toMatchObject({
            cause: "dhcp-silent",
            sentence:
                "The lease of 10.0.0.77 ended at 120.030 s: 10.0.0.200 did not answer the renewals, 2 requests since 60.030 s.",
        })
    })

    test("was restarted, and no server answers any more", () => {
        const wire = new Wire().lease().announce().dhcp(1, { time: 5000 }).dhcp(1, { time: 9000 })
        expect(wire.error(NO_ADDRESS)?.sentence).toBe(
            "No DHCP server answers: 2 messages since 5.000 s, no reply, so the device has no address."
        )
    })

    test.each([1, 4])(
        "gets an ACK for another address than the one that was offered, to %i requests",
        count => {
            const wire = new Wire().lease(3600, MASK, "10.0.0.77", "10.0.0.99")
            for (let n = 1; n < count; n++)
                wire.dhcp(3, { options: [50, 4, 10, 0, 0, 77, 54, 4, ...address(SERVER)] })
            expect(wire.error(NO_ADDRESS)).toMatchObject({
                cause: "dhcp-unusable",
                sentence: expect.stringMatching(
                    /^The DHCP server 10\.0\.0\.200 answers, .*: it offers 10\.0\.0\.77, but acknowledges 10\.0\.0\.99, so the device drops the ACK\.$/
                ),
            })
        }
    )

    test("gets answers with wrong checksums", () => {
        const options = [54, 4, ...address(SERVER), 51, 4, ...u32(3600)]
        const wire = new Wire().dhcp(1).dhcp(2, { options, checksum: 0x1234 }).dhcp(1)
        expect(wire.error(NO_ADDRESS)).toMatchObject({
            cause: "dhcp-unusable",
            sentence:
                "The answers of the DHCP server 10.0.0.200 have wrong checksums, so the device drops them: it sent 2 messages since 0.010 s, and has no address.",
        })
    })

    test.each([
        [
            9,
            /its ACK has a lease of 9 s, too short to use\.$|its offer has a lease of 9 s, too short to use\.$/,
        ],
        [10, /^Host X has no address so far: .*, and 10\.0\.0\.200 acknowledged 10\.0\.0\.77 at 0\.040 s\.$/],
    ])("may have a lease of %i s", (seconds, sentence) => {
        expect(new Wire().lease(seconds).error(NO_ADDRESS)?.sentence).toMatch(sentence)
    })

    test("has an ACK of a server that it has not chosen, which does no harm", () => {
        const wire = new Wire().lease().announce()
        wire.dhcp(5, {
            from: "10.0.0.3",
            ip: "10.0.0.99",
            options: [54, 4, 10, 0, 0, 3, 51, 4, ...u32(3600)],
        })
        wire.explainer.finish(60_000)
        expect(wire.explainer.all).toEqual([])
    })

    test("has sent nothing", () => {
        expect(new Wire().error(NO_ADDRESS)?.sentence).toBe(
            "Host X has no address, and asked no DHCP server for one."
        )
    })
})

const QUESTION = [
    ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    ...[6, ...Buffer.from("server")],
    ...[7, ...Buffer.from("example")],
    ...[0, 0, 1, 0, 1],
]
const A = (ip: string) => [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address(ip)]

/** An answer with records, and with other bytes at some places. */
function answer(places: { readonly [place: number]: number } = {}, records = A("10.0.0.1")): number[] {
    const bytes = [...QUESTION, ...records]
    bytes.splice(2, 2, 0x81, 0x80)
    bytes[7] = records.length > 0 ? 1 : 0
    for (const [place, byte] of Object.entries(places)) bytes[Number(place)] = byte
    return bytes
}

describe("a name server", () => {
    type Row = [
        name: string,
        data: number[],
        sentence: string,
        from?: readonly [string, number],
        checksum?: number,
    ]
    const rows: Row[] = [
        [
            "that answers from another address",
            answer(),
            "10.0.0.201 answers the questions for server.example instead of 10.0.0.200, which was asked, so the device drops the answers.",
            ["10.0.0.201", 53],
        ],
        [
            "that answers from another port",
            answer(),
            "The answers of 10.0.0.200 for server.example come from another port than the questions went to, so the device drops them: 5353 instead of 53.",
            [SERVER, 5353],
        ],
        [
            "whose answers have wrong checksums",
            answer(),
            "The answers of 10.0.0.200 for server.example have wrong checksums, so the device drops them.",
            [SERVER, 53],
            0x1234,
        ],
        [
            "whose answers are about another name",
            answer({ 13: 0x78 }),
            "The answers of 10.0.0.200 for server.example are about another name than the questions, so the device drops them: xerver.example instead of server.example.",
        ],
        [
            "whose answers are about another type of record",
            answer({ 29: 28 }),
            "The answers of 10.0.0.200 for server.example are about another type of record than the questions, so the device drops them: 28 instead of 1.",
        ],
        [
            "whose answers are shorter than a header",
            answer().slice(0, 10),
            "The answers of 10.0.0.200 for server.example are shorter than the header of DNS, so the device drops them: 10 bytes.",
        ],
        [
            "whose answers are cut short in the question",
            answer().slice(0, 20),
            "The answers of 10.0.0.200 for server.example are cut short in the question, so the device drops them.",
        ],
        [
            "whose answers are cut short in a record",
            answer().slice(0, 44),
            "The answers of 10.0.0.200 for server.example are cut short, so the device drops them: 44 bytes for 1 record.",
        ],
        [
            "that sends the question back",
            QUESTION,
            "The answers of 10.0.0.200 for server.example are marked as questions, so the device drops them: the flag QR is 0.",
        ],
        [
            "whose answers have another opcode",
            answer({ 2: 0xa8 }),
            "The answers of 10.0.0.200 for server.example have another opcode than the questions, so the device drops them: 5 instead of 0.",
        ],
        [
            "whose answers do not repeat the question",
            answer({ 5: 0 }),
            "The answers of 10.0.0.200 for server.example do not repeat the question, so the device drops them: 0 questions.",
        ],
    ]

    test.each<Row>(rows)("%s", (_name, data, sentence, from = [SERVER, 53], checksum) => {
        const wire = new Wire().datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
        wire.datagram(from, [OWN, 4000], data, checksum === undefined ? {} : { checksum })
        expect(wire.error(NO_NAME)).toMatchObject({ cause: "name-server-failed", sentence })
    })

    test("that answers by any bytes gets a sentence", () => {
        const places = fc.dictionary(fc.nat(60).map(String), fc.nat(255))
        const bytes = fc.oneof(fc.array(fc.nat(255), { maxLength: 80 }), places.map(answer))
        fc.assert(
            fc.property(bytes, fc.nat(80), (data, length) => {
                const wire = new Wire().datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
                wire.datagram([SERVER, 53], [OWN, 4000], data.slice(0, length))
                expect(wire.error(NO_NAME)?.sentence).toMatch(/^.* .*\.$/)
            })
        )
    })

    test("that says that a name has the address 0.0.0.0", () => {
        const wire = new Wire().datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
        wire.datagram([SERVER, 53], [OWN, 4000], answer({}, A("0.0.0.0")))
        const text = "socket tcp://server.example:7: ENOTFOUND, the name does not exist: check its spelling"
        expect(wire.error(text)).toMatchObject({
            cause: "name-unknown",
            sentence:
                "The name server 10.0.0.200 says that server.example has the address 0.0.0.0, which is no host's: a server that blocks a name answers so.",
        })
    })

    test("whose answer comes after the resolver has given up", () => {
        const wire = new Wire().datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
        wire.datagram([SERVER, 53], [OWN, 4000], answer(), { time: 9010 })
        expect(wire.error(NO_NAME)?.sentence).toBe(
            "The name server 10.0.0.200 answered the question for server.example 9.00 s after it was asked, and the resolver waits 7 s."
        )
    })

    test("whose good answer was no help", () => {
        const wire = new Wire().datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
        wire.datagram([SERVER, 53], [OWN, 4000], answer())
        expect(wire.error(NO_NAME)?.sentence).toBe(
            "server.example cannot be looked up, though the name server 10.0.0.200 says that it has the address 10.0.0.1."
        )
    })

    test("that is not asked for this name", () => {
        const wire = new Wire().datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
        expect(wire.error(NO_NAME.replace("server.example", "other.example"))?.sentence).toBe(
            "other.example cannot be looked up: Host X sent no question for it."
        )
    })

    test("that is set, and was not asked", () => {
        expect(new Wire([SERVER]).error(NO_NAME)?.sentence).toBe(
            "server.example cannot be looked up: Host X sent no question for it to the name server 10.0.0.200."
        )
    })

    test("that is outside of the lease's network, which has no router", () => {
        const wire = new Wire(["10.0.0.3"]).lease(3600, [1, 4, 255, 255, 255, 252, 6, 4, ...address(SERVER)])
        expect(wire.announce().error(NO_NAME)).toMatchObject({
            cause: "gateway-missing",
            sentence:
                "server.example cannot be looked up: the name server 10.0.0.200 is outside of 10.0.0.76/30, and Host X knows no router: it sent nothing.",
        })
    })

    test("that is reached through a router outside of the lease's network", () => {
        const options = [...MASK, 3, 4, 10, 0, 0, 1, 6, 4, ...address(SERVER)]
        const wire = new Wire().lease(3600, options, "192.168.5.7").announce("192.168.5.7")
        for (let n = 0; n < 3; n++) wire.arp("192.168.5.7", "10.0.0.1")
        expect(wire.error(NO_NAME)).toMatchObject({
            cause: "gateway-silent",
            sentence:
                "server.example cannot be looked up: the router 10.0.0.1 of the lease is outside of the lease's network, 192.168.5.0/24, and does not answer ARP: 3 requests since 0.060 s, no reply.",
        })
    })
})

describe("an error of a program", () => {
    /** Returns the answer of a time server with this first byte, stratum and code. */
    const time = (first: number, stratum: number, code: string) => [
        ...[first, stratum, 0, 0, ...u32(0), ...u32(0)],
        ...Buffer.from(code.padEnd(4, "\0"), "latin1"),
        ...Array<number>(32).fill(1),
    ]

    test.each([
        [time(0x24, 0, "DENY"), "The time server 10.0.0.1 refuses to answer (DENY)."],
        [time(0x24, 0, ""), "The time server 10.0.0.1 refuses to answer."],
        [
            time(0x24, 0, "RATE"),
            "The time server 10.0.0.1 answers, but the device cannot use the answer: it asks for fewer questions (RATE).",
        ],
        [
            time(0xe4, 3, ""),
            "The time server 10.0.0.1 answers, but the device cannot use the answer: the server's clock is not set.",
        ],
        [
            [...time(0x24, 3, "").slice(0, 24), ...Array<number>(24).fill(2)],
            "The time server 10.0.0.1 answers, but the device cannot use the answer: it does not repeat the time stamp of a request.",
        ],
        [
            [0x24, 1],
            "The time server 10.0.0.1 answers, but the device cannot use the answer: it has 2 bytes instead of 48.",
        ],
    ])("about a time server %#", (data, sentence) => {
        const wire = new Wire().datagram([OWN, 4000], ["10.0.0.1", 123], time(0x23, 0, ""), { isOwn: true })
        wire.datagram(["10.0.0.1", 123], [OWN, 4000], data)
        const text = "time 10.0.0.1: EACCES, the server refuses to answer: ask another one"
        expect(wire.error(text)).toMatchObject({ cause: "service-refused", sentence })
    })

    test.each([
        [4000, 0x1234, "The answers of 10.0.0.1:123 have wrong checksums, so the device drops them."],
        [
            4001,
            undefined,
            "10.0.0.1:123 answers to port 4001, but the datagrams of the device came from port 4000.",
        ],
        [4000, undefined, undefined],
    ])("about datagrams whose answers go to port %i with the checksum %j", (port, checksum, sentence) => {
        const data = time(0x24, 3, "")
        const wire = new Wire().datagram([OWN, 4000], ["10.0.0.1", 123], data, { isOwn: true })
        wire.datagram(["10.0.0.1", 123], [OWN, port], data, checksum === undefined ? {} : { checksum })
        const text = "udp://10.0.0.1:123: ETIMEDOUT, the other host does not answer"
        const why = wire.error(text)
        if (sentence === undefined) expect(why?.cause).toBe("unanswered")
        else expect(why?.sentence).toBe(sentence)
    })

    test("about datagrams and about a name whose answers the line loses", () => {
        const wire = new Wire().datagram([OWN, 4000], ["10.0.0.1", 123], [1], { isOwn: true })
        wire.datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
        wire.lost = "loss"
        wire.datagram(["10.0.0.1", 123], [OWN, 4000], [2])
        wire.datagram([SERVER, 53], [OWN, 4000], answer())
        expect(wire.error("time 10.0.0.1: ETIMEDOUT, the other host does not answer")?.sentence).toBe(
            "10.0.0.1:123 answered 1 datagram of Host X, and the answers were lost on the way: 1 frame."
        )
        expect(wire.error(NO_NAME)?.sentence).toBe(
            "The line lost 1 answer between the device and the name server 10.0.0.200: 1 question for server.example since 0.020 s, no answer."
        )
    })

    test.each([
        "send: EHOSTUNREACH, 10.0.0.1 does not answer ARP: is it on, and on this network?",
        "ping 10.0.0.1: EACCES, a firewall prohibits the connection",
    ])("has no port of its own making: %s", text => {
        expect(new Wire().error(text)).toBeUndefined()
    })

    test("without a port is about the host that does not answer ARP", () => {
        const wire = new Wire()
        for (let n = 0; n < 3; n++) wire.arp(OWN, "10.0.0.9")
        expect(wire.error("time 10.0.0.9: ETIMEDOUT, the other host does not answer")?.sentence).toBe(
            "No host answers ARP for 10.0.0.9: 3 requests from 0.010 s to 0.030 s, no reply."
        )
    })

    test.each([
        [
            "listen 7: EADDRINUSE, the port is in use: close the socket that has it",
            "The program cannot listen on port 7 (EADDRINUSE): the port is in use.",
        ],
        [
            "udp 53: EADDRINUSE, the port is in use: close the socket that has it",
            "The program cannot use UDP port 53 (EADDRINUSE): the port is in use.",
        ],
        [
            "ping 10.0.0.255: EINVAL, the address or port is not valid",
            "No ping can be sent to 10.0.0.255: it is the broadcast address of its network, /24.",
        ],
        [
            "socket tcp://0.0.0.0:7: EINVAL, the address or port is not valid",
            "No connection can be opened to 0.0.0.0: it is no host's address.",
        ],
        [
            "socket tcp://224.0.0.1:7: EINVAL, the address or port is not valid",
            "No connection can be opened to 224.0.0.1: it is a multicast address.",
        ],
        [
            "socket tcp://10.0.0.2:7: EINVAL, the address or port is not valid",
            "No connection can be opened to 10.0.0.2: it is the address of Host X itself.",
        ],
    ])("%s", (text, sentence) => {
        expect(new Wire().error(text)).toMatchObject({ cause: "misused", sentence })
    })

    test("is about an address that a name server has given", () => {
        const wire = new Wire().datagram([OWN, 4000], [SERVER, 53], QUESTION, { isOwn: true })
        wire.datagram([SERVER, 53], [OWN, 4000], answer({}, A("127.0.0.1")))
        const why = wire.error("socket tcp://server.example:7: EINVAL, the address or port is not valid")
        expect(why?.sentence).toBe(
            "No connection can be opened to server.example, 127.0.0.1: it is a loopback address, which leads nowhere on a network."
        )
        expect(why?.evidence).toEqual([
            "the name server 10.0.0.200 said that server.example has the address 127.0.0.1",
        ])
    })
})

describe("in a lab, a device whose address is that of its lease", () => {
    const prepared = async () => {
        const net = await lab({ runtime: "node" })
        net.host("10.0.0.1").echo(7)
        await net.router({ dhcp: "10.0.0.77", names: { "server.example": "10.0.0.1" } })
        return { net, board: await net.device("src/lookup.ts") }
    }

    test("has asked a name server that a firewall hides", async () => {
        const { net, board } = await prepared()
        net.filter(53)
        await net.pass("60 s")
        expect(board.diagnoses.map(({ sentence }) => sentence)).toEqual([
            expect.stringMatching(
                /^The name server 10\.0\.0\.254 does not answer: 3 questions for server\.example /
            ),
        ])
    })

    test("loses its cable while a question waits", async () => {
        const { net, board } = await prepared()
        await net.until(() =>
            net.frames.some(({ view }) => view.kind === "udp" && view.destinationPort === 53)
        )
        board.cable(false)
        await net.pass("60 s")
        expect(board.diagnoses.map(({ cause }) => cause)).toEqual(["cable-out"])
    })
})
