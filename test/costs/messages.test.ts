// What a stranger's message may cost at most: for every parser, the dearest that a search finds, in operations of the VM, which ends
// a program that takes 131,072 without an await. Bytes that are read count on Node, where thousands of messages are tried; what reads
// most is then counted on the VM.

import { afterAll, expect, test } from "vitest"
import { Random } from "../../sim/time/random"
import { LIMIT, runOnVm, type Script, TURN } from "../fuzz/vm-program"
import { Asked, Parser, WaitingClients } from "../programs/waiting-clients"
import { addresses, option, writeAnswer } from "../support/dhcp"
import { A, CNAME, dnsMessage, NS, pointer, question, type Record, SOA } from "../support/dns"
import { address, ethernet, icmp, ipv4, tcp, u16, u32, udp } from "../support/frames"

/** Half of what the VM allows: a driver's loop does little else between two awaits. */
const BOUND = LIMIT / 2
const TRIES = 3000 * Number(process.env.CASES ?? 1)
/** Of what the search found, so many are counted. */
const COUNTED = 5
const MOST = 1472

const US = { ip: "10.0.0.1", mac: "02:00:00:00:00:01" }
const SERVER = { ip: "10.0.0.53", mac: "02:00:00:00:01:53" }
const GROUP = { ip: "224.0.0.251", mac: "01:00:5e:00:00:fb" }
const EVERYBODY = { ip: "255.255.255.255", mac: "ff:ff:ff:ff:ff:ff" }

const rows: string[] = []
afterAll(() => console.log(["the dearest messages that were found:", ...rows].join("\n")))

function datagram(to: typeof US, ports: [number, number], data: number[]): Uint8Array {
    const header = { source: SERVER.ip, destination: to.ip }
    const body = udp(header, { sourcePort: ports[0], destinationPort: ports[1] }, data.slice(0, MOST))
    return ethernet(to.mac, SERVER.mac, 0x0800, ipv4({ ...header, protocol: 17 }, body))
}

const packet = (data: number[]) =>
    ethernet(US.mac, SERVER.mac, 0x0800, ipv4({ source: SERVER.ip, destination: US.ip, protocol: 1 }, data))

const times = (n: number, bytes: number[]): number[] => new Array<number[]>(n).fill(bytes).flat()
const label = (text: string | number[]) => [
    text.length,
    ...(typeof text === "string" ? Buffer.from(text) : text),
]
/** Pointers, each to the one before, the first to `first`; where the last of them stands. */
function chain(at: number, first: number, n: number): { bytes: number[]; last: number } {
    const bytes = Array.from({ length: n }, (_, i) => pointer(i === 0 ? first : at + 2 * (i - 1))).flat()
    return { bytes, last: at + 2 * (n - 1) }
}

const own = [...label("pico"), ...label("local"), 0]
const header = (id: number, flags: number, counts: number[]) => [
    ...u16(id),
    ...u16(flags),
    ...counts.flatMap(u16),
]

/** Many questions for a name at the end of a chain of pointers, in a label of another name. */
function questions(flags: number, hops: number): number[] {
    const { bytes, last } = chain(13 + own.length, 13, hops)
    const hidden = label([...own, ...bytes].slice(0, 63))
    const first = [...hidden, 0, 0, 1, 0, 3]
    const each = [...pointer(last), 0, 1, 0, 3]
    const n = Math.floor((MOST - 12 - first.length) / each.length)
    return [...header(0, flags, [n + 1, 0, 0, 0]), ...first, ...times(n, each)]
}

function records(
    id: number,
    flags: number,
    asked: number[],
    name: number[],
    counts = [1, 200, 0, 0]
): number[] {
    const record = (owner: number[]) => [
        ...owner,
        ...u16(A),
        ...u16(1),
        ...u32(60),
        ...u16(4),
        ...address("10.0.0.1"),
    ]
    return [...header(id, flags, counts), ...asked, ...times(90, record(name))].slice(0, MOST)
}

/** Where a search begins. */
const seeds: { [parser: number]: number[][] } = {
    [Parser.Responder]: [
        questions(0, 15),
        questions(0x8000, 15),
        questions(0, 24),
        [...header(0, 0, [290, 0, 0, 0]), ...times(290, [0, 0, 1, 0, 1])],
        [...header(0, 0, [400, 0, 0, 0]), ...own, 0, 1, 0, 1, ...times(230, [...pointer(12), 0, 1, 0, 1])],
        [...header(0, 0, [1, 0, 0, 0]), ...times(700, [1, 97]), 0, 0, 1, 0, 1],
        records(0, 0x8000, [...own, 0, 1, 0, 1], pointer(12)),
        records(0, 0, [...own, 0, 1, 0, 1], pointer(12)),
        records(0, 0, [...own, 0, 1, 0, 1], pointer(12), [1, 0, 200, 0]),
    ],
    [Parser.Resolver]: (() => {
        const id = ((Asked.Id & 0xff) << 8) | (Asked.Id >> 8)
        const asked = question("host.example")
        const at = 12 + asked.length
        const hops = chain(at + 12, 12, 60)
        const of = (...answers: Record[]) => dnsMessage({ id, question: asked, answers })
        const a = (name: number[]) => ({ name, type: A, data: address("192.0.2.1") })
        const other = (name: number[], type: number) => ({ name, type, data: [0] })
        const long = times(125, label("a"))
        return [
            of(...new Array(60).fill(a(pointer(12)))),
            of(other(pointer(12), 16), ...new Array(110).fill(other(pointer(12), 16))),
            of(
                { name: pointer(12), type: 16, data: hops.bytes },
                ...new Array(80).fill(a(pointer(hops.last)))
            ),
            of(
                { name: pointer(12), type: CNAME, data: [...long, 0] },
                ...Array.from({ length: 60 }, (_, i) => ({
                    name: pointer(i === 0 ? at + 12 : at + 24 + long.length + 1 + (i - 1) * 16),
                    type: CNAME,
                    data: [1, 98, ...pointer(at + 14)],
                }))
            ),
            of({ name: times(700, label("a")), type: A, data: [] }),
            dnsMessage({ id, question: asked, authorities: new Array(120).fill(other([0], NS)) }),
            dnsMessage({ id, question: asked, authorities: new Array(120).fill(other([0], SOA)) }),
        ]
    })(),
    [Parser.Dhcp]: [
        [...addresses(54, SERVER.ip), ...times(600, [200, 0])],
        [...addresses(54, SERVER.ip), ...times(1200, [0])],
        [...addresses(54, SERVER.ip), ...times(600, [6, 0])],
        [...addresses(54, SERVER.ip), ...times(400, [6, 1, 9])],
        [...addresses(54, SERVER.ip), ...option(52, 3), ...times(200, addresses(59, SERVER.ip))],
    ].map(options =>
        writeAnswer({
            ...{ type: 2, xid: 0x01020304, yiaddr: US.ip, chaddr: US.mac },
            options: [...option(52, 3), ...options],
            file: times(64, [6, 0]),
            sname: times(32, [6, 0]),
        })
    ),
    [Parser.Sntp]: [
        [0x24, 2, 6, 0xec, ...times(20, [0]), ...u32(0x05060708), ...u32(0x05060708), ...times(16, [1])],
    ],
    [Parser.Icmp]: [
        [...icmp(0, 0, 0, times(1464, [1]))],
        [...icmp(8, 0, 0, times(1464, [1]))],
        [
            ...icmp(3, 4, 576, [
                ...ipv4({ source: US.ip, destination: SERVER.ip, protocol: 6 }, [
                    ...tcp(
                        { source: US.ip, destination: SERVER.ip },
                        { sourcePort: 9, destinationPort: 9, seq: 1, flags: "." },
                        new Uint8Array(1000)
                    ),
                ]),
            ]),
        ],
    ],
}

const frames: { [parser: number]: (data: number[]) => Uint8Array } = {
    [Parser.Responder]: data => datagram(GROUP, [5353, 5353], data),
    [Parser.Resolver]: data => datagram(US, [53, Asked.Port], data),
    [Parser.Dhcp]: data => datagram(EVERYBODY, [67, 68], data),
    [Parser.Sntp]: data => datagram(US, [123, Asked.Port], data),
    [Parser.Icmp]: data => packet(data.slice(0, 1480)),
}

/** A message with something changed, cut, put in, or said many times over. */
function bend(random: Random, message: number[]): number[] {
    const int = (n: number) => random.integer(n)
    const bent = [...message]
    for (let i = 1 + int(3); i > 0 && bent.length > 0; i--) {
        const at = int(bent.length)
        const kind = int(7)
        if (kind === 0) bent.splice(at, 1 + int(8))
        else if (kind === 1) bent.splice(at, 0, int(256))
        else if (kind === 2) bent[at] = [0, 1, 4, 12, 63, 0xc0, 0xff][int(7)]!
        else if (kind === 3) bent[at] = int(256)
        else if (kind === 4) bent.splice(at, 2, ...pointer(12 + int(60)))
        else if (kind === 5) bent[4 + int(8)] = int(2) * int(256)
        else {
            const piece = bent.slice(at, at + 1 + int(40))
            bent.splice(at, 0, ...times(1 + int(20), piece))
        }
    }
    return bent.slice(0, MOST)
}

/** How many bytes of the frame are read, one by one or as numbers. */
function reads(parser: Parser, frame: Uint8Array): number {
    const clients = new WaitingClients()
    clients.prepare(parser, 1000)
    const { rx } = clients.stack
    rx.set(frame)
    let n = 0
    const getAt = rx.getAt.bind(rx)
    rx.getAt = ((...place: Parameters<typeof getAt>) => {
        n++
        return getAt(...place)
    }) as typeof getAt
    clients.take(frame.length, 1000)
    return n
}

/** The messages that read most, of those that were tried. */
function dearest(parser: Parser): Uint8Array[] {
    const random = new Random(parser + 1)
    const frame = frames[parser]!
    const found = seeds[parser]!.map(message => ({ message, n: reads(parser, frame(message)) }))
    // each seed has a search of its own: what looks cheap may lead further
    const best = [...found]
    for (let i = 0; i < TRIES; i++) {
        const at = i % best.length
        const message = bend(random, best[at]!.message)
        const n = reads(parser, frame(message))
        if (n < best[at]!.n) continue
        best[at] = { message, n }
    }
    const all = [...best, ...found].sort((a, b) => b.n - a.n)
    return all
        .slice(0, COUNTED)
        .concat(found)
        .map(({ message }) => frame(message))
}

/** Returns whether each of these messages takes at most `bound` operations. */
async function survive(parser: Parser, all: Uint8Array[], bound: number, kind = 0): Promise<boolean> {
    function* script(): Script {
        for (const bytes of all) {
            const none = { code: parser, more: false, now: 1000, a: 0, b: 0, c: 0 }
            yield { ...none, kind, bytes, bound }
        }
    }
    const program = "test/programs/dearest-message.ts"
    try {
        await runOnVm({ config: {}, secret: new Uint8Array(16), program }, script())
        return true
    } catch (error) {
        if (/endless loop/.test((error as Error).message)) return false
        throw error
    }
}

/** Operations of the dearest of these messages, to some ten. */
async function operations(parser: Parser, all: Uint8Array[], kind = 0): Promise<number> {
    let low = 0
    let high = LIMIT
    while (high - low > TURN) {
        const middle = (low + high) >> 1
        if (await survive(parser, all, middle, kind)) high = middle
        else low = middle
    }
    return high
}

test.each([
    ["multicast DNS", Parser.Responder],
    ["DNS", Parser.Resolver],
    ["DHCP", Parser.Dhcp],
    ["SNTP", Parser.Sntp],
    ["ICMP", Parser.Icmp],
] as const)("the dearest message of %s stays within the limit of operations", async (what, parser) => {
    const all = dearest(parser)
    const n = await operations(parser, all)
    rows.push(`${n.toLocaleString("en").padStart(7)} operations: ${what}`)
    expect(n).toBeLessThan(BOUND)
})
