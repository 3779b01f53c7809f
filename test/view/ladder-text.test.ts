// What stands beside and below the ladder's segments: states, and what a segment means.

import { describe, expect, it } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { Drawing } from "./drawing"
import { arp } from "./packets"

describe("states in the ladder", () => {
    it("entered by sending are at that segment, reported before or after it", () => {
        const draw = (order: "before" | "after") => {
            const drawing = new Drawing()
            if (order === "before") drawing.ladder.state("right", "CLOSE-WAIT", "LAST-ACK", 1)
            drawing.s(1, { seq: 1, ack: 1, flags: "FA" })
            if (order === "after") drawing.ladder.state("right", "CLOSE-WAIT", "LAST-ACK", 2)
            return drawing.lines
        }
        expect(draw("before")).toEqual(draw("after"))
        expect(draw("before")[1]).toMatch(/FIN-ACK .*│ LAST-ACK$/)
    })

    it("wait for their segment for a moment, while others pass", () => {
        const drawing = new Drawing()
        drawing.ladder.state("left", "CLOSE-WAIT", "LAST-ACK", 0)
        drawing.x(1, { seq: 9, ack: 1 })
        drawing.x(2, { seq: 9, ack: 1, flags: "FA" })
        expect(drawing.lines.map(line => line.slice(9, 21).trim())).toEqual(["", "", "", "LAST-ACK", ""])
    })

    it("have a line of their own when their segment does not come in time", () => {
        const drawing = new Drawing()
        drawing.ladder.state("left", "CLOSED", "SYN-SENT", 0)
        drawing.x(1000, { seq: 9, flags: "S" })
        expect(drawing.lines.map(line => line.slice(0, 21))).toEqual([
            "  0.0000     SYN-SENT",
            "                     ",
            "  1.0000             ",
            "                     ",
        ])
    })

    it("that wait for their segment hold back what comes after them, so that time never runs backwards", () => {
        const drawing = new Drawing()
        const other = { left: 50_000, right: 80 }
        drawing.x(0, { seq: 9, ack: 1 })
        drawing.ladder.state("left", "CLOSED", "SYN-SENT", 1, other)
        drawing.ladder.segment(dissect(arp(1, "10.0.0.2", "10.0.0.1")), { time: 2 })
        drawing.ladder.note("a remark", 3)
        drawing.x(4, { seq: 9, ack: 1 })
        drawing.x(100, { seq: 10, ack: 1 })
        expect(drawing.lines.map(line => line.slice(0, 35))).toEqual([
            "                      │ port 49152 ",
            "  0.0000              │   ACK     s",
            "                      │── len 0    ",
            "                      │ port 50000 ",
            "  0.0010     SYN-SENT │            ",
            "                      │ port 49152 ",
            "  0.0020              │── ARP who h",
            "  0.0030              │  a remark  ",
            "  0.0040              │   ACK     s",
            "                      │── len 0    ",
            "  0.1000              │   ACK     s",
            "                      │── len 0    ",
        ])
    })

    it("that wait for their segment are below the boxes", () => {
        const drawing = new Drawing()
        drawing.ladder.state("left", "CLOSED", "SYN-SENT", 0)
        drawing.ladder.segment(dissect(arp(1, "10.0.0.2", "10.0.0.1")), { time: 1 })
        drawing.x(100, { seq: 9, flags: "S" })
        expect(drawing.lines.map(line => line.slice(0, 21))).toEqual([
            "  0.0000     SYN-SENT",
            "  0.0010             ",
            "                     ",
            "  0.1000             ",
            "                     ",
        ])
    })

    it("entered by an abort are at the reset that follows, and have a line of their own without one", () => {
        const drawing = new Drawing()
        drawing.ladder.state("left", "ESTABLISHED", "CLOSED", 0)
        drawing.x(1, { seq: 9, ack: 1, flags: "RA" })
        expect(drawing.lines[1]).toMatch(/^ {2}0\.0010 {7}CLOSED │ {3}RST-ACK /)
        const late = new Drawing()
        late.ladder.state("left", "ESTABLISHED", "CLOSED", 0)
        late.x(100, { seq: 9, ack: 1, flags: "RA" })
        expect(late.lines[0]).toMatch(/^ {2}0\.0000 {7}CLOSED │ /)
    })

    it("of a silent end are those that its segments show", () => {
        const drawing = new Drawing({ isSilent: side => side === "left" })
        drawing.x(0, { seq: 9, flags: "S" })
        drawing.ladder.infer("left", "CLOSED", "SYN-SENT")
        drawing.s(1, { seq: 5, ack: 10, flags: "SA" })
        drawing.ladder.infer("right", "LISTEN", "SYN-RECEIVED")
        drawing.ladder.infer("left", "SYN-SENT", "ESTABLISHED")
        expect(drawing.lines.slice(1).map(line => line.slice(9, 21).trim())).toEqual([
            "SYN-SENT",
            "",
            "",
            "ESTABLISHED",
        ])
        expect(drawing.text).not.toContain("SYN-RECEIVED")
    })

    it("have a line of their own when no segment has arrived that could be the cause", () => {
        const late = new Drawing()
        late.x(0, { seq: 9, ack: 1, flags: "A" })
        late.ladder.state("right", "LAST-ACK", "CLOSED", 500)
        expect(late.lines.at(-1)).toMatch(/^ {2}0\.5000 .*│ CLOSED$/)
        const lost = new Drawing()
        lost.x(0, { seq: 9, ack: 1 }, { lost: "loss" })
        lost.ladder.state("right", "LAST-ACK", "CLOSED", 1)
        expect(lost.lines.at(-1)).toMatch(/^ {2}0\.0010 .*│ CLOSED$/)
        const sender = new Drawing()
        sender.x(0, { seq: 9, ack: 1 })
        sender.ladder.state("left", "TIME-WAIT", "CLOSED", 1)
        expect(sender.lines.at(-1)).toMatch(/^ {2}0\.0010 {7}CLOSED │/)
    })

    it("follow one another on a line, and a reset ends both sides at once", () => {
        const drawing = new Drawing()
        drawing.s(0, { seq: 9, ack: 5, flags: "RA" })
        drawing.ladder.state("right", "ESTABLISHED", "CLOSED", 0)
        drawing.ladder.state("left", "ESTABLISHED", "CLOSED", 1)
        drawing.ladder.state("left", "CLOSED", "LISTEN", 1)
        expect(drawing.lines.slice(1)).toEqual([
            "  0.0000  ESTABLISHED │   RST-ACK seq 9          ack 5            │",
            "               CLOSED │◄─ len 0    win 8192 ──────────────────────│ CLOSED",
            "  0.0010       LISTEN │                                           │",
        ])
    })

    it("of one connection are not at a segment of another", () => {
        const drawing = new Drawing()
        drawing.x(0, { seq: 9, ack: 1 })
        drawing.ladder.state("right", "SYN-RECEIVED", "ESTABLISHED", 1, { left: 50_000, right: 80 })
        expect(drawing.lines.slice(-2)).toEqual([
            "                      │ port 50000                        port 80 │",
            "  0.0010              │                                           │ ESTABLISHED",
        ])
    })
})

describe("what is written below the ladder's segments", () => {
    it("waits for the states that the last segment causes", () => {
        const drawing = new Drawing()
        drawing.s(0, { seq: 9, ack: 1, flags: "FA" })
        drawing.ladder.afterwards(() => {
            drawing.text += "why\n"
        })
        drawing.ladder.state("left", "ESTABLISHED", "CLOSE-WAIT", 1)
        drawing.ladder.state("left", "CLOSE-WAIT", "LAST-ACK", 1)
        drawing.x(1, { seq: 1, ack: 10, flags: "FA" })
        drawing.ladder.flush()
        expect(
            drawing.text
                .split("\n")
                .slice(5)
                .map(line => line.slice(0, 33).trim())
        ).toEqual([
            "0.0000  ESTABLISHED │   FIN-ACK",
            "CLOSE-WAIT │◄─ len 0",
            "why",
            "0.0010     LAST-ACK │   FIN-ACK",
            "│── len 0",
            "",
        ])
    })

    it("waits for the segment by which a state is entered, not for those of other connections", () => {
        const drawing = new Drawing()
        drawing.ladder.state("left", "ESTABLISHED", "FIN-WAIT-1", 0, { left: 49152, right: 7 })
        drawing.ladder.afterwards(() => drawing.ladder.note("a program closed it"))
        drawing.ladder.segment(dissect(arp(1, "10.0.0.2", "10.0.0.1")), { time: 1 })
        drawing.x(2, { seq: 1, ack: 10, flags: "FA" })
        drawing.ladder.state("left", "CLOSED", "SYN-SENT", 3, { left: 50_000, right: 80 })
        drawing.x(4, { seq: 1, flags: "S", sourcePort: 50_000, destinationPort: 80 })
        const shown = drawing.lines.map(line => /ARP|FIN-ACK|closed|SYN /.exec(line)?.[0]).filter(Boolean)
        expect(shown).toEqual(["ARP", "FIN-ACK", "closed", "SYN "])
    })

    it("is written at once when nothing is held back", () => {
        const drawing = new Drawing()
        drawing.ladder.afterwards(() => {
            drawing.text += "why"
        })
        expect(drawing.text).toBe("why")
    })

    it("as a program prints it stands below the segment that it answers, before a state that is coming", () => {
        const drawing = new Drawing()
        drawing.s(0, { seq: 9, ack: 1, payload: "x" })
        drawing.ladder.state("left", "ESTABLISHED", "FIN-WAIT-1", 1)
        drawing.ladder.flushArrived()
        expect(drawing.text).toContain("len 1")
        expect(drawing.text).not.toContain("FIN-WAIT-1")
        drawing.x(2, { seq: 1, ack: 10, flags: "FA" })
        expect(drawing.lines[3]).toMatch(/^ {2}0\.0020 {3}FIN-WAIT-1 │ {3}FIN-ACK/)
    })
})
