// `npm run ladder` as its users run it: what it writes, for every width and every kind of file, and its exit codes.

import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { main } from "../../sim/analysis/cli"
import { Connections } from "../../sim/analysis/connections"
import { graphs } from "../../sim/analysis/graphs"
import { page } from "../../sim/analysis/page"
import { Recording } from "../../sim/analysis/recording"
import { MAX_POINTS } from "../../sim/analysis/series"
import { svgFile } from "../../sim/analysis/svg"
import { ladderDrawing } from "../../sim/analysis/svg-ladder"
import { heading, type Terminal, writeLadder, writeSummary } from "../../sim/analysis/text"
import { Wording } from "../../sim/analysis/wording"
import { ethernet, icmp, ipv4 as ipv4Of } from "../../sim/testing/frames"
import { cases } from "../support/property"
import { ipv4, mss, windowScale } from "../view/packets"
import { pcap, pcapng } from "./files"
import { analyzed, CLIENT, type Found, frameOf, handshake, type Line } from "./scene"

const folder = mkdtempSync(join(tmpdir(), "ladder-"))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string) => join(folder, name)

const lines: readonly Line[] = [
    [0, "client", "S", { options: [...mss(1460), ...windowScale(7)] }],
    [10, "server", "SA", { ack: 1, options: [...mss(1460), ...windowScale(2)] }],
    [10.1, "client", "A", { seq: 1, ack: 1 }],
    [20, "client", "PA", { seq: 1, ack: 1, payload: "GET / HTTP/1.1\r\n<script>alert(1)</script>" }],
    [320, "client", "PA", { seq: 1, ack: 1, payload: "GET / HTTP/1.1\r\n<script>alert(1)</script>" }],
    [330, "server", "A", { seq: 1, ack: 42, window: 0 }],
    [400, "server", "RA", { seq: 1, ack: 42 }],
]
/** Returns the frame of an ICMP error that quotes 8 bytes of a frame's segment (RFC 792). */
function reportOf(frame: Uint8Array): Uint8Array {
    const ends = { source: "10.0.0.253", destination: "10.0.0.2", protocol: 1 }
    const packet = ipv4Of(ends, icmp(3, 1, 0, frame.subarray(14, 14 + 28)))
    return ethernet("02:00:00:00:00:02", "02:00:00:00:00:fd", 0x0800, packet)
}
/** A segment of the server that opens a connection to the client. */
const other = (flags: string): Line => [0, "server", flags]
const packets = lines.map(line => ({
    time: 1_000_000_000_000n + BigInt(line[0] * 1e6),
    bytes: frameOf(line),
}))
const SENTENCE =
    "10.0.0.1:80 aborted the connection: its program ended, closed it with data unread, or asked for a reset."

describe("the command", () => {
    let out = ""
    let errors: string[] = []
    beforeEach(() => {
        out = ""
        errors = []
        vi.spyOn(process.stdout, "write").mockImplementation(text => {
            out += text
            return true
        })
        vi.spyOn(console, "error").mockImplementation(text => errors.push(text))
    })
    afterEach(() => {
        vi.restoreAllMocks()
    })

    test("draws the connections and the first one's ladder", async () => {
        writeFileSync(path("good.pcap"), pcap(packets))
        expect(await main([path("good.pcap")])).toBe(0)
        expect(errors).toEqual([])
        expect(out).toContain("0  10.0.0.2:40000  10.0.0.1:80         7       82        0    0.400         1")
        expect(out).toContain("Handshake in 10.1 ms: SYN-ACK after 10.0 ms, ACK 100 µs later.")
        expect(out).toContain("ESTABLISHED |<- len 0    win 8192  mss 1460 ws 2")
        expect(out.replaceAll(/\s+/g, " ")).toContain(SENTENCE)
    })

    test("writes a picture and a page, without text unless it is asked for", async () => {
        writeFileSync(path("good.pcapng"), pcapng(packets))
        const words = [path("good.pcapng"), "--svg", path("a.svg"), "--html", path("a.html")]
        expect(await main(words)).toBe(0)
        expect(out).toBe("")
        expect(readFileSync(path("a.svg"), "utf8")).toContain("</svg>")
        expect(readFileSync(path("a.html"), "utf8")).toContain(SENTENCE)
        expect(await main([...words, "--text"])).toBe(0)
        expect(out).toContain("SYN-RECEIVED")
    })

    test("draws what there is of a damaged file, warns, and fails", async () => {
        writeFileSync(path("cut.pcap"), pcap(packets).subarray(0, -7))
        expect(await main([path("cut.pcap")])).toBe(1)
        expect(out).toContain("SYN-RECEIVED")
        expect(errors).toEqual([
            "the file ends in the middle of a record, after packet 6; what came before is drawn",
        ])
    })

    test.each([
        ["no file", [], 2, /name a capture/],
        ["an option that is unknown", ["x.pcap", "--sgv", "a"], 2, /unknown option '--sgv'.*--svg/],
        ["a stream that is none", ["x.pcap", "--stream", "one"], 2, /--stream one is not the number/],
        ["two files", ["x.pcap", "y.pcap"], 2, /unexpected argument "y.pcap"/],
        ["one file for picture and page", ["x.pcap", "--svg", "a", "--html", "a"], 2, /need two files/],
        ["no name of a picture", ["x.pcap", "--svg", ""], 2, /^--svg needs the name of a file$/],
        ["standard output for a picture", ["x.pcap", "--svg", "-"], 2, /^--svg - is no file: .*name a file$/],
        ["standard output for a page", ["x.pcap", "--html", "-"], 2, /^--html - is no file/],
        ["a file that does not exist", [path("none.pcap")], 1, /none.pcap: there is no such file/],
    ])("%s", async (_name, words, code, message) => {
        expect(await main(words)).toBe(code)
        expect(errors.join("\n")).toMatch(message)
        expect(out).toBe("")
    })

    test.each([
        [
            "text",
            new TextEncoder().encode("not a capture, but some words of text"),
            [],
            /text: not a capture/,
        ],
        ["udp", pcap([]), [], /udp has no TCP connection$/],
        [
            "wlan",
            pcap(packets, { linkType: 105 }),
            [],
            /wlan has no TCP connection.*its link type 105 is not known/,
        ],
        [
            "quoted",
            pcap([{ time: 0n, bytes: reportOf(packets[0]!.bytes) }]),
            [],
            /quoted has no TCP connection\. 10\.0\.0\.253 reports about a segment from 10\.0\.0\.2 port 40000 to 10\.0\.0\.1 port 80, which was not captured: ICMP unreachable: host$/,
        ],
        ["few", pcap(packets), ["--stream", "3"], /few has no connection 3: it has only one, number 0$/],
        ["here", pcap(packets), ["--svg", folder], /^cannot write .*: that is a folder$/],
        [
            "nowhere",
            pcap(packets),
            ["--svg", path("no/a.svg")],
            /^cannot write .*no\/a.svg: there is no such folder$/,
        ],
        ["odd\x1b[31mname", new Uint8Array(9), [], /odd\?\[31mname: not a capture/],
        [
            "snapped",
            pcap(
                packets.map(({ time, bytes }) => ({ time, bytes: bytes.slice(0, 40), length: bytes.length }))
            ),
            [],
            /no TCP connection, as far as can be read: 7 packets were captured too short for a TCP header/,
        ],
        [
            "damaged",
            pcap(packets).subarray(0, 30),
            [],
            /no TCP connection: the file ends in the middle of a record, before its first packet$/,
        ],
    ])("a file of %s", async (name, bytes, words, message) => {
        writeFileSync(path(name), bytes)
        expect(await main([path(name), ...words])).toBe(1)
        expect(errors.join("\n")).toMatch(message)
    })

    test("a clock that is set back is noted once, and no time in a sentence is negative", async () => {
        const back = packets.map(({ bytes }, i) => ({
            bytes,
            time: 1_000_000_000_000n - BigInt(i) * 20_000_000n,
        }))
        writeFileSync(path("back.pcap"), pcap(back))
        const words = [path("back.pcap"), "--svg", path("back.svg"), "--html", path("back.html"), "--text"]
        expect(await main(words)).toBe(0)
        expect(out).toContain("7 packets in 120.0 ms")
        expect(out).toMatch(/ 7 +82 +0 +0\.120 +1\n/)
        for (const text of [
            out,
            readFileSync(path("back.svg"), "utf8"),
            // the picture in the page has the note for screen readers, too
            readFileSync(path("back.html"), "utf8").replaceAll(/<desc.*?<\/desc>/gs, ""),
        ]) {
            expect(text.split("Time goes backwards after packet 1.")).toHaveLength(2)
            expect(text).toContain("The handshake was completed.")
            expect(text).not.toMatch(/-[\d.]+ (µs|ms|s)\b/)
        }
    })

    test.each([
        ["shorter than a header", 4],
        ["beyond the packet", 60],
    ])(
        "a data offset %s makes a segment malformed: it is counted, and nothing follows from it",
        async (_name, offset) => {
            const bad = frameOf([15, "client", "RA", { seq: 1, ack: 1 }])
            bad[46] = (offset / 4) << 4
            const some = packets.slice(0, 3)
            writeFileSync(path("bad.pcap"), pcap([...some, { time: packets[2]!.time, bytes: bad }]))
            expect(await main([path("bad.pcap")])).toBe(0)
            const text = out.replaceAll(/[\s|│]+/g, " ")
            expect(text).toContain("1 malformed segment, of which nothing is concluded.")
            expect(text).toContain(`packet 4: a malformed segment, whose data offset is ${offset} bytes`)
            expect(text).toContain("Still open at the end of the capture.")
            expect(text).not.toContain("RST")
            writeFileSync(path("bad.pcap"), pcap([{ time: 1n, bytes: bad }]))
            expect(await main([path("bad.pcap")])).toBe(0)
            expect(out).toContain("Only malformed segments of it were captured.")
        }
    )

    const sumOf = (frame: Uint8Array, length: number) => {
        let sum = 6 + length
        for (let at = 26; at < 34; at += 2) sum += (frame[at]! << 8) | frame[at + 1]!
        return sum % 0xffff
    }
    test.each([
        [
            "the partial sum",
            (frame: Uint8Array) => sumOf(frame, frame.length - 34),
            /client's checksums are not computed yet/,
        ],
        [
            "the partial sum without the length",
            (frame: Uint8Array) => sumOf(frame, 0),
            /client's checksums are not computed yet/,
        ],
        ["something else", () => 0x1234, /The client sent 4 wrong checksums\./],
    ])("checksums of %s", async (_name, checksum, words) => {
        const left = packets.map(({ time, bytes }, i) => {
            const frame = bytes.slice()
            if (lines[i]![1] === "client") new DataView(frame.buffer).setUint16(50, checksum(frame))
            return { time, bytes: frame }
        })
        writeFileSync(path("sums.pcap"), pcap(left))
        expect(await main([path("sums.pcap")])).toBe(0)
        const text = out.replaceAll(/\s+/g, " ")
        expect(text).toMatch(words)
        expect(/not computed yet/.test(text)).toBe(!/wrong checksum/.test(text))
    })

    test("what was not read is counted in the right number, and a name has no control characters", async () => {
        const name = "odd\x1b[2Jcapture"
        const short = { time: packets[6]!.time, bytes: packets[6]!.bytes.slice(0, 40), length: 54 }
        const some = packets.slice(0, 6).map(packet => ({ ...packet, iface: 0 }))
        const unread = { ...packets[0]!, iface: 1 }
        writeFileSync(path(name), pcapng([...some, short, unread], [{}, { linkType: 105 }]))
        expect(await main([path(name)])).toBe(0)
        expect(errors).toEqual([
            "1 packet of link type 105 was not read: that link is not known here",
            "1 packet was captured too short for a TCP header (a larger snapshot length captures it)",
        ])
        expect(out).toContain("odd?[2Jcapture: pcapng")
        expect(out).not.toContain("\x1b[2J")
    })

    test.each([
        ["client", "SYN-SENT", "10.0.0.1:80"],
        ["server", "SYN-RECEIVED", "10.0.0.2:40000"],
    ])("says once that only the %s's direction was captured", async (side, state, unseen) => {
        const name = `only-${side}.pcap`
        writeFileSync(path(name), pcap(packets.filter((_, i) => lines[i]![1] === side)))
        expect(await main([path(name)])).toBe(0)
        const text = out.replaceAll(/\s+/g, " ")
        expect(text).toContain(state)
        expect(text.split(`Only one direction was captured: nothing that ${unseen} sent.`)).toHaveLength(2)
        expect(text).not.toMatch(/not answered|has not yet|half-open|taken as ESTABLISHED|acknowledges none/)
    })

    test.each([
        ["a SYN", lines[0]!, "10.0.0.2:40000", "10.0.0.1:80"],
        ["a SYN-ACK", lines[1]!, "10.0.0.2:40000", "10.0.0.1:80"],
        ["a SYN to a higher address", other("S"), "10.0.0.1:80", "10.0.0.2:40000"],
    ])(
        "an ICMP error alone that quotes %s shows which end is the client",
        async (_name, line, client, server) => {
            const quoted = [3, 1, 0, 0, 0, 0, 0, 0, ...frameOf(line).subarray(14)]
            writeFileSync(
                path("icmp.pcap"),
                pcap([{ time: 1n, bytes: ipv4("10.0.0.254", CLIENT, 1, quoted) }])
            )
            expect(await main([path("icmp.pcap")])).toBe(0)
            expect(out).toContain(`Connection 0: ${client} (client), ${server} (server).`)
        }
    )

    test("overwrites neither the capture nor one output by the other, whatever names they have", async () => {
        const capture = pcap(packets)
        writeFileSync(path("victim.pcap"), capture)
        symlinkSync(path("victim.pcap"), path("symbolic.pcap"))
        linkSync(path("victim.pcap"), path("hard.pcap"))
        const file = path("victim.pcap")
        const outputs = [
            file,
            join(folder, ".", "x", "..", "victim.pcap"),
            path("symbolic.pcap"),
            path("hard.pcap"),
        ]
        for (const option of ["--svg", "--html"])
            for (const output of outputs) {
                expect(await main([file, option, output])).toBe(2)
                expect(errors.splice(0).join("\n")).toMatch(
                    /^--(svg|html) .* is the capture itself: name another file$/
                )
            }
        expect(await main([file, "--svg", path("new"), "--html", `${folder}/./new`])).toBe(2)
        expect(errors.splice(0)).toEqual(["--svg and --html need two files"])
        expect(readFileSync(file).equals(capture)).toBe(true)
    })

    test("answers --help", async () => {
        expect(await main(["--help"])).toBe(0)
        expect(out).toContain("--stream")
    })
})

const withoutScript = (html: string) => html.slice(0, html.indexOf("<script>"))

function wordingOf({ recording }: Found): Wording {
    return new Wording(recording.connection!, recording)
}

/** What is written at a width. */
function written(found: Found, width: number): string[] {
    let text = ""
    const terminal: Terminal = {
        width,
        color: false,
        unicode: true,
        write: more => {
            text += more
        },
    }
    writeSummary(terminal, found.connections.list, found.connections.end)
    writeLadder(terminal, wordingOf(found))
    return text.split("\n")
}

test.each([60, 64, 80, 100, 200])("at %i columns no line is longer", width => {
    const text = written(analyzed(lines), width)
    expect(Math.max(...text.map(line => line.length))).toBeLessThanOrEqual(width)
    expect(text.join("\n")).toContain("SYN-RECEIVED")
})

/** The IPv6 packet that has the segment of a line, between addresses of full length. */
function ipv6(line: Line): Uint8Array {
    const segment = frameOf(line).subarray(34)
    const address = (last: number) => [
        0x20,
        1,
        0xd,
        0xb8,
        0x11,
        0x22,
        0x33,
        0x44,
        0x55,
        0x66,
        0x77,
        0x88,
        0x99,
        0xaa,
        0xbb,
        last,
    ]
    const ends = line[1] === "client" ? [address(0xc1), address(0x51)] : [address(0x51), address(0xc1)]
    const length = [segment.length >> 8, segment.length & 255]
    return Uint8Array.from([0x60, 0, 0, 0, ...length, 6, 64, ...ends.flat(), ...segment])
}

test.each([60, 80, 120])(
    "addresses of IPv6 are shortened where %i columns are too few, and the ports stay",
    width => {
        const recording = new Recording(0)
        const connections = new Connections(recording)
        for (const line of lines) {
            const bytes = ipv6(line)
            const nanoseconds = line[0] * 1e6
            connections.take({ linkType: 101, bytes, length: bytes.length, seconds: 1000, nanoseconds }, true)
        }
        const text = written({ ...analyzed([]), recording, connections }, width)
        expect(Math.max(...text.map(line => line.length))).toBeLessThanOrEqual(width)
        expect(text.join("\n")).toMatch(/│ port 40000 +port 80 │/)
        expect(text.join("\n")).toContain("[2001:db8:1122:3344:5566:7788:99aa:bbc1]:40000")
    }
)

test("more connections than fit into the table: those that went wrong are in it", () => {
    const many = Array.from({ length: 60 }, (_, i): Line[] => {
        const ports = (from: "client" | "server") =>
            from === "client"
                ? { sourcePort: 41_000 + i, destinationPort: 80 }
                : { sourcePort: 80, destinationPort: 41_000 + i }
        const open = handshake.map(
            ([time, from, flags, fields]): Line => [time + i, from, flags, { ...fields, ...ports(from) }]
        )
        return i === 55 ? [...open, [90 + i, "server", "RA", { seq: 1, ack: 1, ...ports("server") }]] : open
    }).flat()
    const text = written(analyzed(many), 100).join("\n")
    expect(text).toContain("10.0.0.2:41055")
    expect(text).toContain("and 20 more connections; --stream N draws one by its number")
})

/** A connection that sends this many segments. */
function long(count: number): Line[] {
    const data = Array.from({ length: count }, (_, i): Line[] => [
        [20 + i, "client", "PA", { seq: 1 + i * 10, ack: 1, payload: "0123456789" }],
        [20.5 + i, "server", "A", { seq: 1, ack: 11 + i * 10 }],
    ])
    return [...handshake, ...data.flat()]
}

test("a long connection is kept as its first and last segments, and graphs of a limited size", () => {
    const found = analyzed(long(9000))
    const { recording } = found
    expect([recording.first.length, recording.last.length]).toEqual([2000, 500])
    expect(recording.omitted).toBe(18_003 - 2500)
    expect(recording.last.at(-1)).toMatchObject({ time: recording.connection!.lastTime })
    const bars = recording.series.map(series => series.bars.length)
    expect(Math.max(...bars)).toBeLessThanOrEqual(MAX_POINTS)
    expect(recording.series[recording.connection!.client].bars.at(-1)?.end).toBeGreaterThan(90_000)
    expect(heading(wordingOf(found)).join(" ")).toContain("15,503 segments in the middle are not drawn")
})

describe("the picture and the page", () => {
    const found = analyzed(lines)
    const wording = wordingOf(found)
    const svg = svgFile("title", "description", [ladderDrawing(wording), ...graphs(wording)])
    const html = page({
        title: "a <b>",
        connections: found.connections.list,
        wording,
        end: found.connections.end,
    })

    test.each([
        ["picture", svg],
        ["page", html],
    ])("%s: nothing is loaded from anywhere, and no text is markup", (_name, text) => {
        const addresses = text.matchAll(/\b(?:src|href|url|action|import)\b\s*[=(]\s*["']?([^"'\s>)]*)/g)
        expect([...addresses].map(match => match[1]).filter(one => !one!.startsWith("#"))).toEqual([])
        expect(text).not.toContain("<script>alert")
        expect(text.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:/)
    })

    test("the picture is well-formed XML", () => {
        // every element is closed, in order
        const open: string[] = []
        for (const [, close, name, own] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
            if (close === "/") expect(open.pop()).toBe(name)
            else if (own !== "/") open.push(name!)
        }
        expect(open).toEqual([])
        expect(svg).not.toMatch(/NaN|undefined|Infinity/)
        expect(withoutScript(html)).not.toMatch(/NaN|undefined|Infinity/)
    })

    test("the page has light and dark, names for screen readers, and the ladder as a table", () => {
        expect(html).toContain("prefers-color-scheme: dark")
        expect(html).toContain("Content-Security-Policy")
        expect(html.match(/role="img" aria-labelledby/g)?.length).toBe(3)
        expect(html.match(/<tr tabindex="-1"/g)?.length).toBe(lines.length)
        expect(html).toContain("<td>client</td><td>SYN</td>")
        expect(html).toContain("client SYN-SENT → ESTABLISHED")
        expect(html).toContain("retransmission")
        expect(html).toContain("a &lt;b&gt;")
    })
})

test("any segments are drawn: no text, picture or page fails", () => {
    const line = fc.record({
        time: fc.nat(10_000),
        from: fc.constantFrom("client" as const, "server" as const),
        flags: fc.stringMatching(/^S?F?R?P?A?$/),
        seq: fc.oneof(fc.nat(3000), fc.integer()),
        ack: fc.oneof(fc.nat(3000), fc.integer()),
        window: fc.nat(65_535),
        options: fc
            .uint8Array({ minLength: 0, maxLength: 40 })
            .map(bytes => [...bytes.subarray(0, bytes.length & ~3)]),
        payload: fc.uint8Array({ maxLength: 30 }),
    })
    fc.assert(
        fc.property(fc.array(line, { minLength: 1, maxLength: 25 }), all => {
            const found = analyzed(
                all.map(
                    ({ time, from, flags, ...fields }): Line => [
                        time,
                        from,
                        flags === "" ? "A" : flags,
                        fields,
                    ]
                )
            )
            for (const width of [60, 100])
                expect(Math.max(...written(found, width).map(text => text.length))).toBeLessThanOrEqual(width)
            const wording = wordingOf(found)
            const text = page({
                title: "",
                connections: found.connections.list,
                wording,
                end: found.connections.end,
            })
            expect(withoutScript(text) + svgFile("", "", graphs(wording))).not.toMatch(
                /NaN|undefined|Infinity/
            )
        }),
        cases(300)
    )
})
