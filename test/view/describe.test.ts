import { describe, expect, it } from "vitest"
import { oneLine, optionWords, preview } from "../../sim/view/describe"
import { dissect } from "../../sim/view/dissect"
import { flagNames } from "../../sim/view/flags"
import { arp, ethernet, ipv4, tcp } from "./packets"

function flagsOf(letters: string): string {
    const view = dissect(tcp({ flags: letters }))
    return view.kind === "tcp" ? flagNames(view.flags) : view.kind
}

describe("flags in words", () => {
    it.each([
        ["S", "SYN"],
        ["SA", "SYN-ACK"],
        ["A", "ACK"],
        ["PA", "PSH-ACK"],
        ["FPA", "FIN-PSH-ACK"],
        ["RA", "RST-ACK"],
        ["FSRPAUEC", "RST-SYN-FIN-PSH-URG-ECE-CWR-ACK"],
        ["", "none"],
    ])('%s is "%s"', (letters, names) => {
        expect(flagsOf(letters)).toBe(names)
    })
})

describe("options in words", () => {
    it("are short", () => {
        expect(optionWords({ kind: "sack-permitted" })).toEqual(["sackOK"])
        expect(optionWords({ kind: "window-scale", shift: 7 })).toEqual(["ws 7"])
        expect(optionWords({ kind: "timestamps", value: 1, echo: 2 })).toEqual(["ts"])
        const blocks = [
            { start: 1, end: 2 },
            { start: 5, end: 9 },
        ]
        expect(optionWords({ kind: "sack", blocks })).toEqual(["sack 1-2", "sack 5-9"])
        expect(optionWords({ kind: "other", code: 253, data: new Uint8Array(0) })).toEqual(["option 253"])
        expect(optionWords({ kind: "malformed", code: 2 })).toEqual(["bad option 2"])
    })
})

describe("data in words", () => {
    const bytes = (text: string) => new TextEncoder().encode(text)

    it("is shown whole if it fits, else its beginning, and never half a character", () => {
        expect(preview(bytes("hello"), 7, "~")).toBe('"hello"')
        expect(preview(bytes("hello"), 6, "~")).toBe("")
        expect(preview(bytes("hello world"), 10, "~")).toBe('"hello w~"')
        expect(preview(bytes("\r\n\r\n\r\n"), 10, "~")).toBe('"\\r\\n\\r~"')
        expect(preview(bytes("123456\r\n"), 10, "~")).toBe('"123456~"')
        expect(preview(bytes(""), 50, "~")).toBe("")
        expect(preview(bytes("x"), -5, "~")).toBe("")
    })
})

describe("other packets in words", () => {
    const icmp = (type: number, code: number) =>
        ipv4("10.0.0.1", "10.0.0.2", 1, [type, code, 0, 0, 0, 0, 0, 0])

    it.each([
        ["ARP who has 10.0.0.1?", arp(1, "10.0.0.2", "10.0.0.1")],
        ["ARP announces 10.0.0.2", arp(1, "10.0.0.2", "10.0.0.2")],
        ["ARP 10.0.0.2 at 02:00:0a:00:00:02", arp(2, "10.0.0.2", "10.0.0.1")],
        ["ARP operation 9", arp(9, "10.0.0.2", "10.0.0.1")],
        ["ICMP unreachable: port", icmp(3, 3)],
        ["ICMP unreachable: code 9", icmp(3, 9)],
        ["ICMP time exceeded", icmp(11, 0)],
        ["ICMP type 5 code 1", icmp(5, 1)],
        ["IP protocol 89 len 2", ipv4("10.0.0.1", "10.0.0.2", 89, [1, 2])],
        [
            "IP fragment 7 at 8 len 2",
            ipv4("10.0.0.1", "10.0.0.2", 6, [1, 2], { fragment: 1, identification: 7 }),
        ],
        ["EtherType 0x86dd len 15", ethernet("10.0.0.1", "10.0.0.2", 0x86dd, [1])],
        ["malformed: shorter than an Ethernet header", new Uint8Array(3)],
    ])('a packet is described as "%s"', (line, frame) => {
        const view = dissect(frame)
        expect(view.kind === "tcp" ? "TCP" : oneLine(view)).toBe(line)
    })
})
