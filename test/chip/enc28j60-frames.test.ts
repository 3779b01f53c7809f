// What the ENC28J60 model does with frames, against its data sheet (chapters 7, 8 and 13) and errata (DS80349C).

import { describe, expect, test } from "vitest"
import { checksum, matchesPattern } from "../../sim/chip/enc28j60-filter"
import { Econ1, Econ2, Eir, Estat, PhyReg, REGISTERS, Reg } from "../../sim/chip/enc28j60-map"
import { withFcs } from "../../sim/link/crc32"
import { BROADCAST, EncHost, FIFO_END, frameTo, SEND, STATION } from "./enc28j60-host"

const OTHER = [0x02, 0x99, 0x99, 0x99, 0x99, 0x99]
const GROUP = [0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb]

function opened(options: ConstructorParameters<typeof EncHost>[0] = {}, filters?: number): EncHost {
    const host = new EncHost(options)
    host.open(filters)
    return host
}

/** An IPv4 frame to a group, or of another type. */
function toGroup(destination = GROUP, type = 0x0800): Uint8Array {
    const frame = frameTo(destination, 80)
    frame.set([type >> 8, type & 0xff], 12)
    return frame
}

describe("a packet in the ENC28J60's receive memory (7.2.2)", () => {
    test("a received packet begins with the next one's address and its status, and ends with its FCS", async () => {
        const host = opened()
        const frame = frameTo(STATION, 101)
        await host.deliver(frame)
        const { next, count, status, bytes } = host.packet()
        expect([next, count, status]).toEqual([112, 105, 0x00c0])
        expect(bytes).toEqual([...withFcs(frame)])
        expect([host.read(Reg.EPKTCNT), host.read16(Reg.ERXWRPT)]).toEqual([1, 112])
        expect(host.misuses).toEqual([])
    })

    test("a frame of 42 bytes arrives with 64, as its sender pads it", async () => {
        const host = opened()
        await host.deliver(frameTo(STATION, 42))
        expect(host.packet().count).toBe(64)
    })

    test.each([
        ["a group", GROUP, 0x0800, 0x01c0],
        ["all", BROADCAST, 0x0806, 0x02c0],
        ["a length in the place of a type", BROADCAST, 46, 0x0280],
        ["a VLAN tag", BROADCAST, 0x8100, 0x42c0],
    ])("the status of a packet for %s (table 7-3)", async (_, destination, type, status) => {
        const host = opened({}, 0xa3)
        await host.deliver(toGroup(destination, type))
        expect(host.packet().status).toBe(status)
    })

    test("a received packet that reaches the FIFO's end continues at its start", async () => {
        const host = opened()
        let at = 0
        for (let n = 0; n < 40; n++) {
            const frame = frameTo(STATION, 60 + ((n * 331) % 1455), n)
            await host.deliver(frame)
            const { next, bytes } = host.packet(at)
            expect(bytes).toEqual([...withFcs(frame)])
            expect(next % 2).toBe(0)
            expect(next).toBeLessThan(FIFO_END)
            host.done(next)
            at = next
        }
        expect(host.read(Reg.EPKTCNT)).toBe(0)
        expect(host.misuses).toEqual([])
    })

    test("a packet for which memory has no room is lost, and the flags show it (12.1.2)", async () => {
        const host = opened()
        for (let n = 0; n < 5; n++) await host.deliver(frameTo(STATION, 1514, n))
        expect(host.read(Reg.EPKTCNT)).toBe(4)
        expect([host.read(Reg.EIR), host.read(Reg.ESTAT)]).toEqual([Eir.RXERIF, Estat.BUFER | Estat.CLKRDY])
        expect(host.chip.dropped).toBe(1)
        host.clear(Reg.EIR, Eir.RXERIF)
        host.done(host.packet().next)
        await host.deliver(frameTo(STATION, 1514, 9))
        expect([host.read(Reg.EPKTCNT), host.read(Reg.EIR)]).toEqual([4, 0])
    })

    test("a packet is written up to the byte before ERXRDPT (7.2.5)", async () => {
        const host = opened()
        host.write16(Reg.ERXRDPT, 105)
        await host.deliver(frameTo(STATION, 95))
        expect(host.read(Reg.EPKTCNT)).toBe(0)
        await host.deliver(frameTo(STATION, 94))
        expect(host.read(Reg.EPKTCNT)).toBe(1)
    })

    test("a packet is lost while 255 wait", async () => {
        const host = opened()
        host.chip.change(Reg.EPKTCNT, 255)
        await host.deliver(frameTo(STATION))
        expect([host.read(Reg.EPKTCNT), host.read(Reg.EIR)]).toEqual([255, Eir.RXERIF])
    })

    test("PKTDEC counts EPKTCNT down to 0, and clears itself", async () => {
        const host = opened()
        await host.deliver(frameTo(STATION), frameTo(STATION))
        for (const left of [1, 0, 0]) {
            host.set(Reg.ECON2, Econ2.PKTDEC)
            expect([host.read(Reg.EPKTCNT), host.read(Reg.ECON2)]).toEqual([left, Econ2.AUTOINC])
        }
    })

    test("a packet longer than MAMXFL is dropped, unless MACON3.HFRMEN is set", async () => {
        const host = opened()
        host.write16(Reg.MAMXFL, 100)
        await host.deliver(frameTo(STATION, 97))
        expect(host.read(Reg.EPKTCNT)).toBe(0)
        await host.deliver(frameTo(STATION, 96))
        host.write(Reg.MACON3, 0x34)
        await host.deliver(frameTo(STATION, 97))
        expect(host.read(Reg.EPKTCNT)).toBe(2)
    })

    test.each([
        ["RXEN", (host: EncHost) => host.clear(Reg.ECON1, Econ1.RXEN)],
        ["MARXEN", (host: EncHost) => host.write(Reg.MACON1, 0)],
        ["a link", (host: EncHost) => host.chip.setLink(false)],
        ["power save off", (host: EncHost) => host.set(Reg.ECON2, Econ2.PWRSV)],
    ])("reception needs %s: without it a packet is lost", async (_, take) => {
        const host = opened()
        take(host)
        await host.deliver(frameTo(STATION))
        expect([host.read(Reg.EPKTCNT), host.chip.dropped]).toEqual([0, 1])
    })

    test("two packets arrive one after the other at 10 Mbit/s, RXBUSY meanwhile", async () => {
        const host = opened()
        host.chip.deliver(frameTo(STATION, 1000))
        host.chip.deliver(frameTo(STATION, 1000))
        await host.wait(0.8)
        expect([host.read(Reg.EPKTCNT), host.read(Reg.ESTAT) & Estat.RXBUSY]).toEqual([0, Estat.RXBUSY])
        await host.wait(0.1)
        expect(host.read(Reg.EPKTCNT)).toBe(1)
        await host.wait(0.8)
        expect([host.read(Reg.EPKTCNT), host.read(Reg.ESTAT) & Estat.RXBUSY]).toEqual([2, 0])
    })

    test("RXRST aborts the packet that is arriving and ends RXEN; pointers and EPKTCNT stay (11.4)", async () => {
        const host = opened()
        await host.deliver(frameTo(STATION))
        host.chip.deliver(frameTo(STATION))
        host.set(Reg.ECON1, Econ1.RXRST)
        host.clear(Reg.ECON1, Econ1.RXRST)
        await host.wait(1)
        expect([host.read(Reg.ECON1) & Econ1.RXEN, host.read(Reg.EPKTCNT), host.read16(Reg.ERXWRPT)]).toEqual(
            [0, 1, 70]
        )
    })

    test("INT is low while a packet waits, though PKTIF is not set (erratum 6)", async () => {
        const host = opened()
        host.write(Reg.EIE, 0xc0)
        expect(host.chip.interrupt).toBe(1)
        await host.deliver(frameTo(STATION))
        expect([host.chip.interrupt, host.read(Reg.EIR)]).toEqual([0, 0])
        host.done(host.packet().next)
        expect(host.chip.interrupt).toBe(1)
        const other = opened({ errata: { pktifUnreliable: false } })
        await other.deliver(frameTo(STATION))
        expect(other.read(Reg.EIR)).toBe(Eir.PKTIF)
    })

    test("an even ERXRDPT spoils the next packet's header (erratum 14)", async () => {
        const host = opened()
        host.write16(Reg.ERXRDPT, 0x17fe)
        await host.deliver(frameTo(STATION))
        expect(host.packet().next).not.toBe(70)
        expect(host.misuses).toEqual(["ERXRDPT is 0x17fe, which is even"])
        const other = opened({ errata: { evenReadPointer: false } })
        other.write16(Reg.ERXRDPT, 0x17fe)
        await other.deliver(frameTo(STATION))
        expect([other.packet().next, other.misuses]).toEqual([70, []])
    })

    test("the first packet is at 0, whatever ERXST is (erratum 5)", async () => {
        const host = opened()
        host.clear(Reg.ECON1, Econ1.RXEN)
        host.write16(Reg.ERXST, 0x100)
        host.set(Reg.ECON1, Econ1.RXEN)
        await host.deliver(frameTo(STATION))
        expect(host.read16(Reg.ERXWRPT)).toBe(70)
        expect(host.misuses).toEqual(["RXEN set while ERXST is not 0"])
        const other = opened({ errata: { receiveStartsAtZero: false } })
        other.clear(Reg.ECON1, Econ1.RXEN)
        other.write16(Reg.ERXST, 0x100)
        other.set(Reg.ECON1, Econ1.RXEN)
        await other.deliver(frameTo(STATION))
        expect(other.read16(Reg.ERXWRPT)).toBe(0x100 + 70)
    })

    test("writes to pointers, filters and duplex while RXEN is set are misuse (7.2.1)", () => {
        const host = opened()
        host.write16(Reg.ERXND, 0x0fff)
        host.write(Reg.ERXFCON, 0)
        host.write(Reg.MAADR1, 4)
        host.write(Reg.MACON3, 0x31)
        host.writePhy(PhyReg.PHCON1, 0x0100)
        host.writeMemory(0x100, [1])
        expect(host.misuses).toEqual([
            "ERXND+1 changed while RXEN is set",
            "ERXFCON changed while RXEN is set",
            "MAADR1 changed while RXEN is set",
            "MACON3.FULDPX changed while RXEN or TXRTS is set",
            "PHCON1.PDPXMD changed while RXEN or TXRTS is set",
            "receive memory written",
        ])
    })
})

describe("receive filters of the ENC28J60 (chapter 8)", () => {
    const toStation = frameTo(STATION, 80)
    const toOther = frameTo(OTHER, 80)
    const toAll = frameTo(BROADCAST, 80)
    const frames = { station: toStation, other: toOther, all: toAll, group: toGroup() }

    async function passing(filters: number, prepare = (_: EncHost) => {}): Promise<string[]> {
        const passed: string[] = []
        for (const [name, frame] of Object.entries(frames)) {
            const host = new EncHost({ errata: { patternMatchLeaks: false } })
            prepare(host)
            host.open(filters)
            await host.deliver(frame)
            if (host.read(Reg.EPKTCNT) === 1) passed.push(name)
        }
        return passed
    }

    test.each([
        [0xa1, ["station", "all"]],
        [0xa0, ["station"]],
        [0x21, ["all"]],
        [0x22, ["all", "group"]],
        [0x00, ["station", "other", "all", "group"]],
        [0x20, ["station", "other", "all", "group"]],
        [0x63, ["all"]],
        [0xe1, []],
    ])("ERXFCON = 0x%s lets in %j", async (filters, expected) => {
        expect(await passing(filters)).toEqual(expected)
    })

    test("the pattern match of the destination lets IPv4 groups in", async () => {
        const prepare = (host: EncHost) => {
            host.write(Reg.EPMM0, 0x03, 0x30)
            host.write16(Reg.EPMCS, 0xf6ff)
        }
        expect(await passing(0xb1, prepare)).toEqual(["station", "all", "group"])
        const host = new EncHost({ errata: { patternMatchLeaks: false } })
        prepare(host)
        host.open(0xb1)
        await host.deliver(
            toGroup([0x33, 0x33, 0, 0, 0, 1], 0x86dd),
            toGroup([0x01, 0x80, 0xc2, 0, 0, 0], 38)
        )
        expect(host.read(Reg.EPKTCNT)).toBe(0)
    })

    test("the hash table uses bits 28 to 23 of the address's CRC", async () => {
        const all = (host: EncHost) => host.write(Reg.EHT0, ...Array<number>(8).fill(0xff))
        expect(await passing(0x24, all)).toEqual(["station", "other", "all", "group"])
        let bits = 0
        for (let bit = 0; bit < 64; bit++) {
            const one = Array<number>(8).fill(0)
            one[bit >> 3] = 1 << (bit & 7)
            if ((await passing(0x24, host => host.write(Reg.EHT0, ...one))).includes("group")) bits++
        }
        expect(bits).toBe(1)
    })

    test("a Magic Packet passes its filter (8.3)", async () => {
        const frame = frameTo(STATION, 200)
        frame.set([...Array<number>(6).fill(0xff), ...Array.from({ length: 16 }, () => STATION).flat()], 42)
        for (const [bytes, count] of [
            [frame, 1],
            [toStation, 0],
        ] as const) {
            const host = opened({}, 0x28)
            await host.deliver(bytes)
            expect(host.read(Reg.EPKTCNT)).toBe(count)
        }
    })

    test("the pattern match computes the checksums of the data sheet's examples", () => {
        const packet = new Uint8Array(80)
        packet.set([0x00, 0x04, 0xa3, 0xff, 0xff, 0xff], 6)
        const registers = new Uint8Array(REGISTERS)
        registers.set([0xc0, 0x0f], Reg.EPMM0)
        registers.set([0xfc, 0x5b], Reg.EPMCS)
        expect(matchesPattern(registers, packet)).toBe(true)
        registers.set([0x3f, 0x00], Reg.EPMM0)
        registers[Reg.EPMO] = 6
        expect(matchesPattern(registers, packet)).toBe(true)
        // the window must end before the packet does
        expect(matchesPattern(registers, packet.subarray(0, 69))).toBe(false)
        // figure 8-3
        expect(checksum(Uint8Array.of(0x88, 0xaa, 0x09, 0x0a, 0x0b, 0x0c, 0x0d))).toBe(0x563f)
    })

    test("the pattern match lets other packets pass (erratum 18)", async () => {
        const host = new EncHost()
        host.write(Reg.EPMM0, 0x03, 0x30)
        host.open(0x30)
        for (let n = 0; n < 8; n++) await host.deliver(toGroup())
        expect(host.read(Reg.EPKTCNT)).toBe(2)
    })
})

describe("sending by the ENC28J60 (7.1)", () => {
    test("a sent frame has what MACON3 adds, and its status vector follows it in memory", async () => {
        const host = opened()
        const frame = frameTo(OTHER, 100)
        host.request(frame)
        expect(host.read(Reg.ECON1) & Econ1.TXRTS).toBe(Econ1.TXRTS)
        await host.wait(2)
        expect(host.sent).toEqual([frame])
        expect([host.read(Reg.ECON1) & Econ1.TXRTS, host.read(Reg.EIR)]).toEqual([0, Eir.TXIF])
        expect(host.readMemory(SEND + 101, 7)).toEqual([100, 0, 0xc0, 0, 104, 0, 0])
        expect([host.read16(Reg.ETXST), host.read16(Reg.ETXND)]).toEqual([SEND, SEND + 100])
        expect(host.misuses).toEqual([])
    })

    test("a sent frame takes its time at 10 Mbit/s", async () => {
        const host = opened()
        host.request(frameTo(OTHER, 1000))
        await host.wait(0.8)
        expect(host.read(Reg.EIR)).toBe(0)
        await host.wait(0.1)
        expect(host.read(Reg.EIR)).toBe(Eir.TXIF)
    })

    test("a short frame is padded with zeros", async () => {
        const host = opened()
        await host.send(frameTo(OTHER, 42))
        expect([...host.sent[0]!]).toEqual([...frameTo(OTHER, 42), ...Array<number>(18).fill(0)])
    })

    test.each([
        ["the frame as it is, whose FCS is right", 0x01, [...withFcs(frameTo(OTHER, 100))], 1],
        ["the frame as it is, without FCS", 0x01, [...frameTo(OTHER, 100)], 0],
        ["an FCS, without padding", 0x03, [...frameTo(OTHER, 42)], 0],
        ["padding and FCS", 0x07, [...frameTo(OTHER, 42)], 1],
    ])("a control byte may ask for %s (figure 7-1)", async (_, control, bytes, sent) => {
        const host = opened()
        await host.send(bytes, control)
        expect([host.sent.length, host.misuses.length]).toEqual([sent, 1 - sent])
    })

    test("a frame longer than MAMXFL is aborted (12.1.3), unless MACON3.HFRMEN is set", async () => {
        const host = opened()
        host.write16(Reg.MAMXFL, 100)
        await host.send(frameTo(OTHER, 97))
        expect([host.sent.length, host.read(Reg.EIR)]).toEqual([0, Eir.TXERIF | Eir.TXIF])
        host.resetTransmit()
        await host.send(frameTo(OTHER, 97), 0x0f)
        expect(host.sent.length).toBe(1)
    })

    test("clearing TXRTS cancels the frame and sets TXIF (12.1.4)", async () => {
        const host = opened()
        host.request(frameTo(OTHER, 1000))
        host.clear(Reg.ECON1, Econ1.TXRTS)
        await host.wait(2)
        expect([host.sent.length, host.read(Reg.EIR)]).toEqual([0, Eir.TXIF])
    })

    test("access to the frame that is being sent is misuse", async () => {
        const host = opened()
        host.request(frameTo(OTHER, 1000))
        host.writeMemory(SEND + 1, [1])
        host.readMemory(SEND + 1000, 1)
        host.write16(Reg.ETXND, SEND + 5)
        expect(host.misuses).toEqual([
            "memory written that is being sent",
            "memory read that is being sent",
            "ETXND changed while TXRTS is set",
            "ETXND+1 changed while TXRTS is set",
        ])
    })

    test("pointers that hold no packet, or no room for the status vector, are misuse", () => {
        const host = opened()
        host.write16(Reg.ETXST, 0x1800)
        host.write16(Reg.ETXND, 0x17ff)
        host.set(Reg.ECON1, Econ1.TXRTS)
        host.clear(Reg.ECON1, Econ1.TXRTS)
        host.write16(Reg.ETXND, 0x1ff9)
        host.set(Reg.ECON1, Econ1.TXRTS)
        expect(host.misuses).toEqual(["transmission of 0x1800 to 0x17ff", "transmission of 0x1800 to 0x1ff9"])
    })

    test("a frame sent without a link, or with PHCON2.TXDIS, ends and is lost", async () => {
        const host = opened()
        host.chip.setLink(false)
        await host.send(frameTo(OTHER))
        host.chip.setLink(true)
        host.writePhy(PhyReg.PHCON2, 0x2100)
        await host.send(frameTo(OTHER))
        expect([host.sent.length, host.read(Reg.EIR)]).toEqual([0, Eir.TXIF])
    })

    test("MAC and PHY that differ in duplex send and receive nothing, which is misuse (9.1)", async () => {
        const host = new EncHost()
        host.open()
        host.clear(Reg.ECON1, Econ1.RXEN)
        host.writePhy(PhyReg.PHCON1, 0x0100)
        host.set(Reg.ECON1, Econ1.RXEN)
        await host.send(frameTo(OTHER))
        await host.deliver(frameTo(STATION))
        expect([host.sent.length, host.read(Reg.EPKTCNT)]).toEqual([0, 0])
        expect(host.misuses[0]).toBe("MACON3.FULDPX is not what PHCON1.PDPXMD is")
    })

    test("without HDLDIS some sent frames are received (erratum 9)", async () => {
        const host = opened()
        host.writePhy(PhyReg.PHCON2, 0)
        for (let n = 0; n < 3; n++) await host.send(frameTo(BROADCAST))
        expect(host.read(Reg.EPKTCNT)).toBe(1)
        const other = opened()
        for (let n = 0; n < 3; n++) await other.send(frameTo(BROADCAST))
        expect(other.read(Reg.EPKTCNT)).toBe(0)
    })
})

describe("a transmission that the ENC28J60 aborts (12.1.3)", () => {
    const aborts = [
        ["excessiveCollisions", 0x1f, 0x10],
        ["lateCollisions", 0x00, 0x20],
    ] as const

    test.each(aborts)("%s set TXABRT, TXERIF and the bits of the status vector", async (fault, low, high) => {
        const host = opened()
        host.chip.faults[fault] = 1
        await host.send(frameTo(OTHER))
        expect(host.sent).toEqual([])
        expect(host.read(Reg.EIR)).toBe(Eir.TXERIF | Eir.TXIF)
        // erratum 15: LATECOL is not set
        expect(host.read(Reg.ESTAT)).toBe(Estat.TXABRT | Estat.CLKRDY)
        const [, , third, fourth] = host.readMemory(SEND + 61, 4)
        expect([third! & 0x8f, fourth]).toEqual([low & 0x8f, high])
        host.clear(Reg.ESTAT, Estat.TXABRT)
        expect(host.read(Reg.ESTAT)).toBe(Estat.CLKRDY)
    })

    test("a late collision sets LATECOL where erratum 15 is off", async () => {
        const host = opened({ errata: { latecolUnreliable: false } })
        host.chip.faults.lateCollisions = 1
        await host.send(frameTo(OTHER))
        expect(host.read(Reg.ESTAT) & Estat.LATECOL).toBe(Estat.LATECOL)
    })

    test.each(aborts)(
        "after %s the next frame is not sent until the transmit logic is reset (erratum 12)",
        async fault => {
            const host = opened()
            host.chip.faults[fault] = 1
            await host.send(frameTo(OTHER))
            await host.send(frameTo(OTHER, 60, 1))
            expect([host.read(Reg.ECON1) & Econ1.TXRTS, host.read(Reg.EIR), host.sent.length]).toEqual([
                8, 0, 0,
            ])
            host.set(Reg.ECON1, Econ1.TXRST)
            expect(host.read(Reg.ECON1) & Econ1.TXRTS).toBe(0)
            host.clear(Reg.ECON1, Econ1.TXRST)
            expect(host.read(Reg.EIR) & Eir.TXERIF).toBe(Eir.TXERIF)
            await host.send(frameTo(OTHER, 60, 2))
            expect(host.sent).toEqual([frameTo(OTHER, 60, 2)])
            const other = opened({ errata: { abortStalls: false } })
            other.chip.faults[fault] = 1
            await other.send(frameTo(OTHER))
            await other.send(frameTo(OTHER, 60, 1))
            expect(other.sent.length).toBe(1)
        }
    )

    test("a link pulse leaves TXRTS set, and TXERIF comes without TXIF (erratum 13 of B5, B7)", async () => {
        const host = opened()
        host.chip.faults.linkPulses = 1
        await host.send(frameTo(OTHER))
        expect([host.read(Reg.EIR), host.read(Reg.ECON1) & Econ1.TXRTS]).toEqual([Eir.TXERIF, Econ1.TXRTS])
        const other = opened({ revision: "B4" })
        other.chip.faults.linkPulses = 1
        await other.send(frameTo(OTHER))
        expect(other.sent.length).toBe(1)
    })
})

describe("the DMA of the ENC28J60 (chapter 13)", () => {
    function dma(host: EncHost, from: number, to: number, bits: number): void {
        host.write16(Reg.EDMAST, from)
        host.write16(Reg.EDMAND, to)
        host.write16(Reg.EDMADST, 0x1900)
        host.clear(Reg.ECON1, Econ1.CSUMEN)
        host.set(Reg.ECON1, bits)
    }

    test("a DMA copy follows the FIFO's end", async () => {
        const host = new EncHost()
        host.write16(Reg.ERXST, 0x100)
        host.write16(Reg.ERXND, 0x1ff)
        host.writeMemory(0x1fe, [1, 2])
        host.writeMemory(0x100, [3, 4])
        dma(host, 0x1fe, 0x101, Econ1.DMAST)
        await host.wait(0.1)
        expect(host.readMemory(0x1900, 4)).toEqual([1, 2, 3, 4])
        expect([host.read(Reg.EIR), host.read(Reg.ECON1) & Econ1.DMAST]).toEqual([Eir.DMAIF, 0])
    })

    test("a DMA checksum is right and takes a clock of 25 MHz a byte", async () => {
        const host = new EncHost()
        host.writeMemory(0x1800, [0x88, 0xaa, 0x09, 0x0a, 0x0b, 0x0c, 0x0d])
        dma(host, 0x1800, 0x1806, Econ1.DMAST | Econ1.CSUMEN)
        expect(host.read(Reg.ECON1) & Econ1.DMAST).toBe(Econ1.DMAST)
        await host.wait(0.001)
        expect(host.read16(Reg.EDMACS)).toBe(0x563f)
    })

    test("a DMA checksum aborts the packet that is arriving, a copy does not (erratum 17)", async () => {
        for (const [bits, received] of [
            [Econ1.DMAST | Econ1.CSUMEN, 0],
            [Econ1.DMAST, 1],
        ] as const) {
            const host = opened()
            host.chip.deliver(frameTo(STATION))
            dma(host, 0x1800, 0x1810, bits)
            await host.wait(1)
            expect([host.read(Reg.EPKTCNT), host.read(Reg.EIR) & Eir.RXERIF]).toEqual([
                received,
                1 - received,
            ])
        }
    })

    test("a DMA of one byte, or to an address that it never reaches, is misuse", () => {
        const host = new EncHost()
        dma(host, 0x1800, 0x1800, Econ1.DMAST)
        host.clear(Reg.ECON1, Econ1.DMAST)
        host.write16(Reg.ERXND, 0x0fff)
        dma(host, 0x0800, 0x1800, Econ1.DMAST)
        expect(host.misuses).toEqual(["DMA of one byte", "DMA to an address that it never reaches"])
    })
})

describe("faults of the ENC28J60", () => {
    test.each([0x00, 0xff] as const)("dead: the chip answers %i, receives and sends nothing", async level => {
        const host = opened()
        host.chip.faults.dead = level
        expect(host.frame([0x1e, 0])).toEqual([level, level])
        await host.deliver(frameTo(STATION))
        host.chip.faults.dead = undefined
        expect(host.read(Reg.EPKTCNT)).toBe(0)
    })

    test("the faults of headers, overflow, lost decrement and stuck send each do what their names say", async () => {
        const host = opened()
        host.chip.faults.nextPackets = [0x1234]
        host.chip.faults.byteCounts = [9]
        await host.deliver(frameTo(STATION))
        expect(host.packet().next).toBe(0x1234)
        expect(host.packet().count).toBe(9)
        host.chip.faults.overflows = 1
        await host.deliver(frameTo(STATION))
        expect([host.read(Reg.EPKTCNT), host.read(Reg.EIR)]).toEqual([1, Eir.RXERIF])
        host.chip.faults.lostDecrements = 1
        host.set(Reg.ECON2, Econ2.PKTDEC)
        expect(host.read(Reg.EPKTCNT)).toBe(1)
        host.chip.faults.stuckSends = 1
        await host.send(frameTo(OTHER))
        expect(host.read(Reg.ECON1) & Econ1.TXRTS).toBe(Econ1.TXRTS)
    })

    test("deafAfterOverflow: the chip receives nothing until RXRST", async () => {
        const host = opened()
        host.chip.faults.deafAfterOverflow = true
        host.chip.faults.overflows = 1
        await host.deliver(frameTo(STATION), frameTo(STATION))
        expect(host.read(Reg.EPKTCNT)).toBe(0)
        host.set(Reg.ECON1, Econ1.RXRST)
        host.clear(Reg.ECON1, Econ1.RXRST)
        host.set(Reg.ECON1, Econ1.RXEN)
        await host.deliver(frameTo(STATION))
        expect(host.read(Reg.EPKTCNT)).toBe(1)
    })

    test("a changed register, a held PHY and a stuck MII bus show in the registers", () => {
        const host = opened()
        host.chip.change(Reg.MAADR2, 0x99)
        host.chip.change(0x100 + PhyReg.PHCON2, 0x2000)
        expect([host.read(Reg.MAADR2), host.readPhy(PhyReg.PHCON2)]).toEqual([0x99, 0x2000])
        host.chip.faults.phyHeld = true
        expect(host.readPhy(PhyReg.PHSTAT2) & 0x0400).toBe(0)
        host.chip.faults.miiStuck = true
        expect(host.read(Reg.MISTAT)).toBe(1)
    })

    test.each([0x00, 0xff] as const)("MISO or MOSI stuck at %i: the chip itself goes on", level => {
        const host = new EncHost()
        host.chip.faults.misoStuck = level
        host.write(Reg.EWRPT, 0x5a)
        expect(host.read(Reg.EWRPT)).toBe(level)
        host.chip.faults.misoStuck = undefined
        expect(host.read(Reg.EWRPT)).toBe(0x5a)
        host.chip.faults.mosiStuck = level
        host.write(Reg.EWRPT, 0x77)
        host.chip.faults.mosiStuck = undefined
        // 0xff is the reset command
        expect(host.read(Reg.EWRPT)).toBe(level === 0 ? 0x5a : 0x00)
    })

    test("revision and oscillator: EREVID has the set value, and the oscillator takes the set time", async () => {
        const host = new EncHost()
        host.chip.faults.revision = 0x11
        expect(host.read(Reg.EREVID)).toBe(0x11)
        host.chip.faults.oscillator = 20
        host.chip.brownOut(1)
        await host.wait(20)
        expect(host.read(Reg.ESTAT) & 1).toBe(0)
        await host.wait(2)
        expect(host.read(Reg.ESTAT) & 1).toBe(1)
    })
})
