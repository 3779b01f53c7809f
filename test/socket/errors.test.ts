// Every error that a program can receive: docs/errors.md lists it, the sources have it, and both runtimes raise it with this code and sentence.

import "../../sim/testing/setup"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Buffer as DeviceBuffer } from "@devicescript/core"
import { expect, test } from "vitest"
import { ROOT } from "../../sim/build/build"
import type { HostConnection } from "../../sim/host/host"
import { lab } from "../../sim/testing/index"
import { Enc28j60, type Enc28j60Options } from "../../src/mac/enc28j60"
import { EspHosted, type EspHostedOptions } from "../../src/mac/esp-hosted"
import type { Mac } from "../../src/mac/mac"
import { station, type WifiOptions, wifi } from "../../src/mac/wifi"
import { dhcp } from "../../src/socket/dhcp"
import { startNetwork } from "../../src/socket/interface"
import { networkSettings } from "../../src/socket/network-settings"
import { wifiSettings } from "../../src/socket/wifi-settings"
import { DEVICE_IP, type Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"
import { ScriptedStation } from "../scenarios/station"
import { dnsMessage, question, readQuestion } from "../support/dns"
import { icmp } from "../support/frames"
import { sourceErrors, untypedThrows } from "../support/source-errors"
import { tsharkAgrees } from "../support/tshark"

const read = (path: string) => readFileSync(join(ROOT, path), "utf8")

/** A row of the tables in docs/errors.md. */
interface Row {
    readonly code: string
    readonly sentence: string
}
const rows: Row[] = [...read("docs/errors.md").matchAll(/^\| (E[A-Z_]+) \| (.+?) \| .+ \|.*\|$/gm)].map(
    match => ({ code: match[1]!, sentence: match[2]! })
)
const wordsOf = ({ code, sentence }: Row) => `${code}, ${sentence}`

test("the table and the sources have the same codes and sentences", () => {
    const sources = new Set(sourceErrors().map(wordsOf))
    expect(rows.length).toBeGreaterThan(70)
    expect(rows.map(wordsOf).sort()).toEqual([...sources].sort())
})

test("each error that a layer throws at programs has a code", () => {
    // startNetwork gives these the code EINVAL; a driver's other errors are printed, and it starts again
    const constructors =
        /^src\/(socket\/(address-settings|dhcp|interface)|mac\/(w5500|enc28j60|esp-hosted))\.ts: new (Range)?Error\(/
    expect(untypedThrows().filter(one => !constructors.test(one))).toEqual([])
})

/** What this file's scenarios raised. */
const raised = new Set<string>()

/** Plays a line; notes the row that its error belongs to, and returns the error's code and row, or the result. */
async function play(net: Net, line: string): Promise<string> {
    return noted((await net.reply(line)).lines.join("\n"))
}

function noted(told: string): string {
    const [, code, message] = /^(E[A-Z_]+) \| (.*)$/s.exec(told) ?? []
    if (code === undefined || message === undefined) return told
    const row = rows.find(one => {
        const pattern = one.sentence
            .split("…")
            .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
            .join(".+")
        // `configure` has no name of what failed
        return one.code === code && new RegExp(`^(?:(?:.+: )?${code}, )?${pattern}$`, "s").test(message)
    })
    if (row === undefined) return `is not in docs/errors.md: ${told}`
    raised.add(wordsOf(row))
    return wordsOf(row)
}

/** Plays each line, which has to end with an error that begins like this. */
async function fails(net: Net, table: readonly (readonly [string, string])[]): Promise<void> {
    for (const [line, words] of table) {
        const told = await play(net, line)
        expect([line, told.slice(0, words.length)]).toEqual([line, words])
    }
}

const program = "test/programs/outside.ts"
const config = { connections: 3, listeners: 3, r2: 20_000, r2Syn: 6000 }

/** A time server that refuses each client (RFC 5905 section 7.4). */
class UnwillingClock extends ScriptedStation {
    override receive(frame: Uint8Array): void {
        super.receive(frame)
        for (const view of this.got.splice(0)) {
            if (view.kind !== "udp" || view.destinationPort !== 123) continue
            const answer = new Array<number>(48).fill(0)
            // version 4, mode 4; the reference is the kiss code, the originate time is the request's transmit time
            answer[0] = 0xe4
            answer.splice(12, 4, ...Buffer.from("DENY"))
            answer.splice(24, 8, ...view.payload.subarray(40, 48))
            this.datagram(123, view.sourcePort, answer)
        }
    }
}

/** A router at 10.0.0.254, which answers each SYN by ICMP "unreachable" with the code that its destination's last byte is. */
class Refusing extends ScriptedStation {
    constructor(network: Net) {
        super(network, 254)
        this.onSegment = view => {
            const sent = network.frames.filter(
                one => one.view.kind === "tcp" && one.view.destination === view.destination
            )
            const quote = sent.at(-1)!.frame.subarray(14, 14 + 28)
            const code = Number(view.destination.split(".")[3])
            this.packet(1, icmp(3, code, 0, quote), { ip: DEVICE_IP })
        }
    }
}

scenario(
    "errors of sockets, of settings and of servers",
    { program, config, gateway: "10.0.0.254" },
    async net => {
        const deaf = new ScriptedStation(net, 5)
        new Refusing(net)
        new UnwillingClock(net, 6)
        const host = net.host(1)
        const accepted: HostConnection[] = []
        host.listen(9, { accepted: connection => accepted.push(connection) })
        await fails(net, [
            ["before", "ENETDOWN, there is no network"],
            ["setup ip", 'EINVAL, ip "…" is not'],
            ["setup host", 'EINVAL, ip "…" cannot'],
            ["setup gateway", 'EINVAL, gateway "…"'],
            ["setup elsewhere", "EINVAL, gateway … is not another"],
            ["setup mac", "EINVAL, macAddress"],
            ["setup dns", "EINVAL, dns"],
            ["setup dhcp", 'EINVAL, ip "dhcp"'],
            ["setup address", "EINVAL, W5500: the address"],
            ["setup hz", "EINVAL, W5500: hz"],
            ["configure conns 1", "EINVAL, unknown configuration key"],
            ["configure mtu 1", "EINVAL, … must be a whole number"],
            ["bodies", "EINVAL, the limit"],
            ["connect no.name 7", "ENOTFOUND, host names need a resolver"],
            ["connect 10.0.0.1 0", "EINVAL, the address or port"],
            ["connect 10.0.0.1 81", "ECONNREFUSED"],
            ["connect 10.0.0.77 81", "EHOSTUNREACH, … does not answer ARP"],
            ["connect 192.168.0.1 81", "EHOSTUNREACH, a router reports"],
            ["connect 192.168.0.13 81", "EACCES, a firewall"],
            ["connect 10.0.0.5 81", "ETIMEDOUT, the other host"],
            ["time 10.0.0.1", "ETIMEDOUT, the other host"],
            ["time 10.0.0.6", "EACCES, the server refuses"],
            ["listen 5000", "listens"],
            ["listen 5000", "EADDRINUSE"],
            ["serve 5000", "EADDRINUSE"],
            ["listen 5001", "listens"],
            ["listen 5002", "listens"],
            ["serve 5003", "ENOBUFS"],
            ["open 4210", "EADDRINUSE"],
            ["udp 10.0.0.1 0 x", "EINVAL, the address or port"],
            ["ping 10.0.0.255", "EINVAL, the address or port"],
        ])
        expect(deaf.segments.every(({ flags }) => flags.syn)).toBe(true)
        // an open connection that is used too late, that the peer resets, whose peer is gone; and no record is left for one more
        await play(net, "connect 10.0.0.1 9")
        await play(net, "shutdown")
        await fails(net, [["send x", "EPIPE"]])
        await play(net, "close")
        await fails(net, [["send x", "ENOTCONN"]])
        await play(net, "connect 10.0.0.1 9")
        await play(net, "watch")
        await net.act(() => accepted.at(-1)!.abort())
        await fails(net, [["recv", "ECONNRESET"]])
        await play(net, "close")
        expect(net.log.map(noted)).toEqual([expect.stringMatching(/^ECONNRESET/)])
        await play(net, "connect 10.0.0.1 9")
        await net.act(() => accepted.at(-1)!.send("x".repeat(4000)))
        await fails(net, [
            ["line", "EMSGSIZE, a line"],
            ["bytes 2049", "EMSGSIZE, readBytes"],
        ])
        await play(net, "close")
        await net.pass(5000)
        // the peer has not closed the first one
        for (let i = 0; i < 2; i++) expect(await play(net, "connect 10.0.0.1 9")).toBe("ESTABLISHED")
        await fails(net, [["connect 10.0.0.1 9", "ENOBUFS"]])
        await play(net, "send x")
        await net.pass(100)
        host.stop()
        // the neighbour's entry ages, and ARP asks in vain
        await net.pass(600_000)
        await play(net, "send x")
        await net.pass(60_000)
        await fails(net, [["recv", "EHOSTUNREACH, there is no route"]])
        net.chip.setLink(false)
        await net.pass(500)
        await fails(net, [["connect 10.0.0.1 9 500", "ENETDOWN, there is no link"]])
    }
)

scenario("EADDRNOTAVAIL: there is a link and no address", { program, boot: { ip: "dhcp" } }, async net => {
    await fails(net, [["connect 10.0.0.1 9 500", "EADDRNOTAVAIL"]])
})

/** A name server that knows one name. */
class NameServer extends ScriptedStation {
    override receive(frame: Uint8Array): void {
        super.receive(frame)
        for (const view of this.got.splice(0)) {
            if (view.kind !== "udp" || view.destinationPort !== 53) continue
            const { id, name } = readQuestion(view.payload)
            const flags = name === "silent.example" ? 0x8182 : 0x8183
            this.datagram(53, view.sourcePort, dnsMessage({ id, question: question(name), flags }))
        }
    }
}

scenario(
    "errors of names, of @devicescript/net and of its MQTT client",
    { program: "test/programs/names.ts", boot: { dns: "10.0.0.9" } },
    async net => {
        new NameServer(net, 9)
        const host = net.host(1)
        const accepted: HostConnection[] = []
        host.listen(9, { accepted: connection => accepted.push(connection) })
        const pages: { [path: string]: string } = {
            "/none": "",
            "/half": "HTTP/1.1 200 OK\r\nA: b\r\n",
            "/text": "HTTP/1.1 200 OK\r\n\r\nhello",
            "/deep": `HTTP/1.1 200 OK\r\n\r\n${"[".repeat(99)}`,
            "/long": `HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n${"x".repeat(9999)}`,
        }
        host.listen(80, {
            data: (connection, data) => {
                connection.send(pages[data.split(" ")[1] ?? ""] ?? "")
                connection.close()
            },
        })
        const deaf = new ScriptedStation(net, 5)
        await fails(net, [
            ["connect no.example 7", "ENOTFOUND, the name"],
            ["connect silent.example 7", "EAI_AGAIN"],
            ["connect a..b 7", "EINVAL, this is not a host's name"],
            ["open 10.0.0.1 443 0 tls", "EPROTONOSUPPORT, there is no TLS"],
            ["open 10.0.0.1 81", "ECONNREFUSED"],
            ["open 10.0.0.5 81 2500", "ETIMEDOUT, the other host"],
            ["json http://10.0.0.1/none", "EPROTO, the server's answer"],
            ["json http://10.0.0.1/half", "EPROTO, the server's answer"],
            ["json http://10.0.0.1/text", "EBADMSG"],
            ["json http://10.0.0.1/deep", "EMSGSIZE, the document"],
            ["text http://10.0.0.1/long", "EMSGSIZE, the answer"],
            ["mqtt Connection refused, not authorized.", "EACCES, the broker"],
            ["mqtt No connection. Retrying.", "ENOTCONN, there is no connection to the broker"],
            ["mqtt unexpected packet type: 7.", "EPROTO, the client cannot read"],
        ])
        expect(deaf.segments.length).toBeGreaterThan(0)
        await play(net, "open 10.0.0.1 9")
        await play(net, "keep")
        await play(net, "open 10.0.0.1 9")
        await fails(net, [
            ["kept-recv", "ECONNABORTED, a newer connect"],
            ["kept-send", "ECONNABORTED, a newer connect"],
            ["crowd", "ENOBUFS"],
        ])
        await net.act(() => accepted.at(-1)!.abort())
        await play(net, "throwing 10.0.0.1 9")
        await net.act(() => accepted.at(-1)!.send("a message"))
        await net.pass(500)
        expect(net.log.filter(line => line.startsWith("E")).map(noted)).toEqual([
            expect.stringMatching(/^ECONNRESET/),
            expect.stringMatching(/^EPROTO, a message of the broker/),
        ])
    }
)

test("errors of drivers, of settings and of Wi-Fi before the network starts", async () => {
    const address = DeviceBuffer.alloc(6)
    const short = DeviceBuffer.alloc(5)
    const enc = (options: Partial<Enc28j60Options>) =>
        new Enc28j60({ address, ...options } as Enc28j60Options)
    const esp = (options: Partial<EspHostedOptions>, own = address) =>
        new EspHosted(options as EspHostedOptions, own)
    const starts = (mac: () => Mac, options = {}) => startNetwork({ mac, ip: "10.0.0.2/24", ...options })
    const calls: (() => unknown)[] = [
        () => starts(() => enc({ address: short })),
        () => starts(() => enc({ hz: 0 })),
        () => starts(() => esp({}, short)),
        () => starts(() => esp({ hz: 0 })),
        () => starts(() => esp({ mode: 0 as 1 })),
        () => starts(() => enc({}), { ip: "dhcp", addressing: dhcp({ hostName: "a name" }) }),
        () => networkSettings({ ip: 1 as unknown as string }),
        () => wifiSettings(),
        () => wifi({ ssid: "" } as WifiOptions),
        () => wifi({ ssid: "home", password: "short" } as WifiOptions),
        () => station(),
    ]
    for (const call of calls) {
        const told = await Promise.resolve()
            .then(call)
            .then(String, error => `${error.code} | ${error.message}`)
        expect(noted(told)).toMatch(/^E/)
    }
})

test.each([
    ["hello", "ACTIVE_OPENS"],
    ["echo", "PASSIVE_OPENS"],
    ["beacon", "UDP"],
])("%s.ts without %s says so", async (name, feature) => {
    const net = await lab({ runtime: "node" })
    try {
        const device = await net.device(`src/examples/${name}.ts`, { without: [feature] })
        await net.pass(1000).catch(() => {})
        const told = [...device.log, device.ended ?? ""].join("\n")
        const words = rows.map(wordsOf).find(one => one.startsWith(`ENOSYS, ${feature}`))!
        expect(told).toContain(words)
        raised.add(words)
    } finally {
        await net.close()
    }
})

/** Sentences that the tests of other files raise: these words of them are there. */
const elsewhere: { [file: string]: readonly string[] } = {
    "test/socket/outside.test.ts": ["no router is set"],
    "test/mac/w5500.test.ts": ["version register reads", "answers but does not open its socket"],
    "test/mac/enc28j60.test.ts": [
        "(expected 1), EREVID is",
        "answers but does not keep its settings",
        "needs an SPI clock",
    ],
    "test/mac/esp-hosted.test.ts": [
        "sends nothing: check",
        "the first byte that",
        "co-processor's firmware is",
    ],
    "test/mac/wifi.test.ts": [
        ...[
            "refuses the password",
            "does not scan now",
            "the co-processor does not answer",
            "scan does not end",
            "is gone",
        ],
        ...[
            "has ended the connection",
            "there is no network",
            "has no WPA2",
            "is too weak",
            "refuses request",
        ],
        ...["has started anew", "says nothing of", "arrives damaged", "handshake line stays low"],
        "has ended without a report",
    ],
}
/** Sentences that no test raises. */
const unreached = [
    // printed by the console only: `explain` in src/device/commands.ts
    "EOF, ",
    "ECONNABORTED, this side",
    // the simulator has no settings service, and no co-processor that answers and is still not ready in time
    "EINVAL, the settings WIFI_SSID and WIFI_PASSWORD must be text",
    "ETIMEDOUT, the co-processor was not set up in time",
]

test("each sentence of the table was raised, here or in the test that is named", () => {
    const named = Object.entries(elsewhere).flatMap(([file, list]) => {
        return list.map(words => {
            expect([file, words, read(file).includes(words)]).toEqual([file, words, true])
            return words
        })
    })
    const missing = rows.map(wordsOf).filter(words => !raised.has(words))
    const open = missing.filter(one => !named.some(words => one.includes(words)))
    expect(open.filter(one => !unreached.some(words => one.startsWith(words)))).toEqual([])
})

tsharkAgrees()
