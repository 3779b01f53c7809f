// The model of the Wi-Fi module, asked transaction by transaction what the firmware's sources say it does. Messages are made and read
// by a protobuf library.

import { PbfReader, PbfWriter } from "pbf"
import { beforeEach, describe, expect, it } from "vitest"
import { AuthMode } from "../../sim/chip/access-point"
import { EspHostedChip } from "../../sim/chip/esp-hosted"
import { VirtualClock } from "../../sim/time/clock"

const SIZE = 1600
const STATION = 1
const SERIAL = 3
const PRIV = 5
const DUMMY = 0xf8
const BOOT = 1300

interface Packet {
    iface: number
    flags: number
    sequence: number
    throttle: number
    type: number
    payload: Uint8Array
    sound: boolean
}

/** A host that does what the vendor's does: it clocks 1,600 bytes when HANDSHAKE is high. */
class Host {
    readonly clock = new VirtualClock()
    readonly sent: Uint8Array[] = []
    readonly chip = new EspHostedChip({ clock: this.clock, send: frame => this.sent.push(frame) })
    private uid = 0

    async pass(ms: number): Promise<void> {
        await this.clock.runUntil(this.clock.now() + ms)
    }

    /** Carries out one transaction and returns what came. */
    async exchange(out = dummy(), length = SIZE): Promise<Uint8Array> {
        const bytes = out.slice(0, length)
        this.chip.select(0)
        expect(this.chip.line("HANDSHAKE")).toBe(this.chip.faults.handshakeStuck ?? 0)
        this.chip.transfer(bytes)
        this.chip.select(1)
        await this.pass(5)
        return bytes
    }

    /** Returns the packets that are there, until DATA_READY falls. */
    async drain(): Promise<Packet[]> {
        const packets: Packet[] = []
        for (let i = 0; i < 50 && this.chip.line("DATA_READY") === 1; i++) {
            const packet = read(await this.exchange())
            if (packet !== undefined) packets.push(packet)
        }
        return packets
    }

    /** Sends a request and returns the response's payload, once the events before it are over. */
    async request(id: number, write?: (out: PbfWriter) => void): Promise<Map<number, unknown>> {
        const inner = new PbfWriter()
        write?.(inner)
        const out = new PbfWriter()
        out.writeVarintField(1, 1)
        out.writeVarintField(2, id)
        out.writeVarintField(3, ++this.uid)
        out.writeBytesField(id, inner.finish())
        await this.exchange(packet(SERIAL, serial("RPCRsp", out.finish())))
        const responses = (await this.drain()).map(message).filter(({ kind }) => kind === 2)
        expect(responses).toHaveLength(1)
        const [{ id: answered, uid, payload }] = responses as [Message]
        expect([answered, uid]).toEqual([id + 256, this.uid])
        return payload
    }

    /** The module as it is after boot, initialized and started as a station. */
    async up(): Promise<void> {
        await this.pass(BOOT)
        await this.drain()
        const init = await this.request(278, out => {
            out.writeMessage(1, (_, config) => config.writeVarintField(20, 0x1f2f3f4f), undefined)
        })
        expect(init.size).toBe(0)
        await this.request(260, out => out.writeVarintField(1, 1))
        await this.request(270)
        await this.request(280)
        await this.drain()
    }

    async connect(ssid: string, password: string): Promise<Message[]> {
        await this.request(284, out =>
            out.writeMessage(
                2,
                (_, config) => {
                    config.writeMessage(
                        2,
                        (_, sta) => {
                            sta.writeBytesField(1, new TextEncoder().encode(ssid))
                            sta.writeBytesField(2, new TextEncoder().encode(password))
                        },
                        undefined
                    )
                },
                undefined
            )
        )
        await this.request(282)
        await this.pass(5000)
        return (await this.drain()).map(message)
    }
}

interface Message {
    kind: number
    id: number
    uid: number
    payload: Map<number, unknown>
}

function dummy(): Uint8Array {
    const bytes = new Uint8Array(SIZE)
    bytes[0] = 8
    return bytes
}

function sum(bytes: Uint8Array): number {
    return bytes.reduce((total, byte) => (total + byte) & 0xffff, 0)
}

function packet(iface: number, payload: ArrayLike<number>, flags = 0): Uint8Array {
    const bytes = new Uint8Array(SIZE)
    const view = new DataView(bytes.buffer)
    bytes[0] = iface
    bytes[1] = flags
    view.setUint16(2, payload.length, true)
    view.setUint16(4, 12, true)
    bytes.set(payload, 12)
    view.setUint16(6, sum(bytes.subarray(0, 12 + payload.length)), true)
    return bytes
}

function read(bytes: Uint8Array): Packet | undefined {
    const view = new DataView(bytes.buffer)
    const length = view.getUint16(2, true)
    if (length === 0) {
        expect(bytes[0]).toBe(DUMMY)
        return undefined
    }
    const checked = bytes.slice(0, 12 + length)
    checked.fill(0, 6, 8)
    return {
        iface: bytes[0]! & 15,
        flags: bytes[1]!,
        sequence: view.getUint16(8, true),
        throttle: bytes[10]!,
        type: bytes[11]!,
        payload: bytes.slice(12, 12 + length),
        sound: view.getUint16(6, true) === sum(checked),
    }
}

function serial(endpoint: string, message: Uint8Array): Uint8Array {
    const name = new TextEncoder().encode(endpoint)
    return Uint8Array.of(1, name.length, 0, ...name, 2, message.length & 255, message.length >> 8, ...message)
}

function fields(bytes: Uint8Array): Map<number, unknown> {
    return new PbfReader(bytes).readFields((field, map: Map<number, unknown>, reader) => {
        map.set(field, reader.type === 2 ? reader.readBytes().slice() : reader.readVarint(true))
    }, new Map())
}

function message({ iface, payload }: Packet): Message {
    expect(iface).toBe(SERIAL)
    expect(new TextDecoder().decode(payload.subarray(3, 9))).toMatch(/^RPC(Rsp|Evt)$/)
    const map = fields(payload.subarray(12))
    const id = map.get(2) as number
    const inner = map.get(id) as Uint8Array | undefined
    return {
        kind: map.get(1) as number,
        id,
        uid: (map.get(3) as number | undefined) ?? 0,
        payload: fields(inner ?? new Uint8Array()),
    }
}

/** The reason of a "disconnected" event. */
function reasonOf({ id, payload }: Message): unknown {
    expect(id).toBe(776)
    return fields(payload.get(2) as Uint8Array).get(4)
}

let host: Host
beforeEach(() => {
    host = new Host()
})

describe("the Wi-Fi module's SPI", () => {
    it("HANDSHAKE and DATA_READY stay low until the firmware has booted", async () => {
        await host.pass(1000)
        expect([host.chip.line("HANDSHAKE"), host.chip.line("DATA_READY")]).toEqual([0, 0])
        await host.pass(300)
        expect([host.chip.line("HANDSHAKE"), host.chip.line("DATA_READY")]).toEqual([1, 1])
    })

    it("the module sends the init event first, then ESPInit with the reason of the start, then dummies", async () => {
        await host.pass(BOOT)
        const [init, espInit, ...more] = await host.drain()
        expect(more).toEqual([])
        expect(init).toMatchObject({ iface: PRIV, type: 0x33, sound: true, sequence: 0 })
        expect([...init!.payload]).toEqual([
            ...[0x22, 27, 0x12, 1, 5, 0x11, 1, 0xa0, 0x16, 4, 0, 0, 0, 0],
            ...[0x13, 1, 0, 0x14, 1, 20, 0x15, 1, 20, 0x17, 4, 12, 12, 2, 0],
        ])
        expect(message(espInit!)).toEqual({ kind: 3, id: 769, uid: 0, payload: new Map([[2, 1]]) })
        expect(read(await host.exchange())).toBeUndefined()
        expect(host.chip.line("DATA_READY")).toBe(0)
    })

    it("a dummy that was armed before DATA_READY rose is sent first", async () => {
        await host.up()
        await host.connect("three-way", "handshake")
        const frame = new Uint8Array(60).fill(0xff)
        host.chip.deliver(frame)
        expect(host.chip.line("DATA_READY")).toBe(1)
        expect(read(await host.exchange())).toBeUndefined()
        expect(host.chip.line("DATA_READY")).toBe(1)
        expect(read(await host.exchange())).toMatchObject({ iface: STATION, payload: frame, sound: true })
        expect(host.chip.line("DATA_READY")).toBe(0)
    })

    it.each([
        ["whose checksum is wrong", (bytes: Uint8Array) => bytes.set([1], 20)],
        ["that is longer than a transaction", (bytes: Uint8Array) => bytes.set([0xff, 0xff], 2)],
        ["of an interface that there is not", (bytes: Uint8Array) => bytes.set(packet(9, [1, 2, 3]))],
    ])("the module drops a packet %s", async (_name, spoil) => {
        await host.up()
        const before = host.chip.requests.length
        const out = new PbfWriter()
        out.writeVarintField(1, 1)
        out.writeVarintField(2, 350)
        out.writeBytesField(350, new Uint8Array())
        const bytes = packet(SERIAL, serial("RPCRsp", out.finish()))
        spoil(bytes)
        await host.exchange(bytes)
        await host.pass(10)
        expect(host.chip.requests).toHaveLength(before)
        expect(host.chip.line("DATA_READY")).toBe(0)
    })

    it("a transaction that is cut short loses the armed packet, and the next one is whole", async () => {
        await host.pass(BOOT)
        await host.exchange(dummy(), 100)
        expect(host.chip.misuses).toEqual(["a transaction of 100 bytes"])
        const packets = await host.drain()
        expect(packets.map(({ iface }) => iface)).toEqual([SERIAL])
    })

    it("a transaction while HANDSHAKE is low reads nothing", async () => {
        expect((await host.exchange()).every(byte => byte === 0xff)).toBe(true)
        expect(host.chip.misuses).toEqual(["a transaction while HANDSHAKE was low"])
    })

    it("fragments of a request are joined, and a long response is sent in numbered fragments", async () => {
        await host.up()
        const out = new PbfWriter()
        out.writeVarintField(1, 1)
        out.writeVarintField(2, 350)
        // an unknown field makes it longer than a transaction
        out.writeBytesField(900, new Uint8Array(2000))
        out.writeBytesField(350, new Uint8Array())
        const whole = serial("RPCRsp", out.finish())
        await host.exchange(packet(SERIAL, whole.subarray(0, 1588), 1))
        await host.exchange(packet(SERIAL, whole.subarray(1588)))
        const [response] = await host.drain()
        expect(message(response!)).toMatchObject({ kind: 2, id: 606 })
    })

    it("the module asks the host to hold its frames when the queue to the air is as full as the host has set", async () => {
        await host.up()
        await host.connect("three-way", "handshake")
        await host.exchange(packet(PRIV, [0x22, 6, 0x47, 1, 50, 0x48, 1, 25]))
        host.chip.faults.airTime = 1000
        const frame = new Uint8Array(60)
        for (let i = 0; i < 10; i++) await host.exchange(packet(STATION, frame))
        await host.exchange()
        expect((await host.exchange())[10]).toBe(1)
        await host.pass(6000)
        await host.exchange()
        expect((await host.exchange())[10]).toBe(0)
        expect(host.chip.dropped).toBe(0)
    })

    it("a configuration longer than the firmware's table is a panic of the firmware", async () => {
        await host.pass(BOOT)
        await host.drain()
        await host.exchange(packet(PRIV, [0x22, 65, ...new Array(65).fill(0)]))
        expect(host.chip.misuses).toEqual(["a configuration of 65 bytes"])
        await host.pass(BOOT)
        const [, espInit] = await host.drain()
        expect(message(espInit!).payload.get(2)).toBe(4)
    })
})

describe("the Wi-Fi module's requests", () => {
    it("the version request returns the release that the model follows", async () => {
        await host.pass(BOOT)
        await host.drain()
        const version = await host.request(350)
        expect([2, 3, 4].map(field => version.get(field))).toEqual([2, 12, 12])
        expect(version.get(5)).toBe(-1)
    })

    it("an unknown request gets the response 512", async () => {
        await host.pass(BOOT)
        await host.drain()
        const out = new PbfWriter()
        out.writeVarintField(1, 1)
        out.writeVarintField(2, 399)
        out.writeVarintField(3, 7)
        await host.exchange(packet(SERIAL, serial("RPCRsp", out.finish())))
        const [response] = await host.drain()
        expect(message(response!)).toMatchObject({ kind: 2, id: 512, uid: 7 })
    })

    it.each([
        ["WifiStart before WifiInit", 280, 0x3001],
        ["WifiConnect before WifiStart", 282, 0x3002],
        ["WifiStaGetRssi without a connection", 341, 0x300f],
        ["WifiInit without a configuration", 278, 0x102],
    ])("the module refuses %s", async (_name, id, error) => {
        await host.pass(BOOT)
        await host.drain()
        expect((await host.request(id)).get(1)).toBe(error)
    })

    it("the module connects to its access point, and carries frames both ways only then", async () => {
        await host.up()
        await host.exchange(packet(STATION, new Uint8Array(60)))
        host.chip.deliver(new Uint8Array(60).fill(0xff))
        expect([host.sent.length, host.chip.dropped]).toEqual([0, 2])
        const [connected] = await host.connect("three-way", "handshake")
        const ap = fields(connected!.payload.get(2) as Uint8Array)
        expect(connected!.id).toBe(775)
        expect(new TextDecoder().decode(ap.get(1) as Uint8Array)).toBe("three-way".padEnd(32, "\0"))
        expect([ap.get(2), ap.get(4), ap.get(5)]).toEqual([9, 6, AuthMode.Wpa2])
        await host.exchange(packet(STATION, [1, 2, 3]))
        // the access point pads what it passes on
        expect(host.sent.map(frame => frame.length)).toEqual([60])
        expect((await host.request(341)).get(2)).toBe(-52)
    })

    it.each([
        ["another network's name", "elsewhere", "handshake", AuthMode.Wpa2, 201],
        ["a wrong password by WPA2", "three-way", "password", AuthMode.Wpa2, 15],
        ["a wrong password by WPA3", "three-way", "password", AuthMode.Wpa3, 202],
        ["no password for a network that has one", "three-way", "", AuthMode.Wpa2, 210],
        ["a password for a network that has none", "three-way", "handshake", AuthMode.Open, 211],
    ])(
        "the module does not connect with %s, and the event has the reason",
        async (_name, ssid, password, authMode, reason) => {
            await host.up()
            host.chip.accessPoint.authMode = authMode
            const [event] = await host.connect(ssid, password)
            expect(reasonOf(event!)).toBe(reason)
        }
    )

    it("an access point without beacons for 6 s is given up", async () => {
        await host.up()
        await host.connect("three-way", "handshake")
        host.chip.setLink(false)
        await host.pass(5900)
        expect(await host.drain()).toEqual([])
        await host.pass(200)
        expect((await host.drain()).map(packet => reasonOf(message(packet)))).toEqual([200])
        expect(host.chip.connected).toBe(false)
    })

    it("a roam to the network's other radio is reported by two events", async () => {
        await host.up()
        await host.connect("three-way", "handshake")
        host.chip.roam()
        const [left, joined] = (await host.drain()).map(message)
        expect(reasonOf(left!)).toBe(207)
        const bssid = fields(joined!.payload.get(2) as Uint8Array).get(3) as Uint8Array
        expect([...bssid]).toEqual([0x02, 0xa9, 0, 0, 0, 2])
        expect(host.chip.connected).toBe(true)
    })

    it("power save keeps frames until a beacon", async () => {
        await host.up()
        await host.request(270, out => out.writeVarintField(1, 1))
        await host.connect("three-way", "handshake")
        host.chip.deliver(new Uint8Array(60).fill(0xff))
        expect(host.chip.line("DATA_READY")).toBe(0)
        await host.pass(103)
        expect(host.chip.line("DATA_READY")).toBe(1)
    })

    it("a scan returns each record once", async () => {
        await host.up()
        await host.request(286, out => out.writeVarintField(2, 0))
        await host.pass(1000)
        expect((await host.drain()).map(packet => message(packet).id)).toEqual([774])
        const record = fields((await host.request(351)).get(2) as Uint8Array)
        expect(new TextDecoder().decode(record.get(2) as Uint8Array)).toBe("three-way\0")
        expect(record.get(5)).toBe(-52)
        expect((await host.request(351)).get(1)).toBe(0x102)
    })

    it("heartbeats count from 0 after they are turned on", async () => {
        await host.up()
        await host.request(277, out => {
            out.writeVarintField(1, 1)
            out.writeVarintField(2, 10)
        })
        await host.pass(30_500)
        const beats = (await host.drain()).map(message)
        expect(beats.map(({ id, payload }) => [id, payload.get(1)])).toEqual([
            [770, 0],
            [770, 1],
            [770, 2],
        ])
    })
})

describe("the Wi-Fi module's faults", () => {
    it("reboot loses the connection and sends a new init event", async () => {
        await host.up()
        await host.connect("three-way", "handshake")
        host.chip.reboot()
        expect([host.chip.line("HANDSHAKE"), host.chip.line("DATA_READY"), host.chip.connected]).toEqual([
            0,
            0,
            false,
        ])
        await host.pass(BOOT)
        const [init, espInit] = await host.drain()
        expect(init!.iface).toBe(PRIV)
        expect(message(espInit!).payload.get(2)).toBe(4)
    })

    it("reboot while the reset line is low: the firmware starts when the line rises, and only then", async () => {
        await host.up()
        host.chip.reset(0)
        host.chip.reboot()
        await host.pass(2 * BOOT)
        expect(host.chip.line("HANDSHAKE")).toBeUndefined()
        host.chip.reset(1)
        await host.pass(BOOT)
        expect(read(await host.exchange())).toMatchObject({ iface: PRIV })
    })

    it("lost-interrupts leaves DATA_READY low though a packet waits", async () => {
        await host.up()
        await host.connect("three-way", "handshake")
        host.chip.faults.lostInterrupts = 1
        host.chip.deliver(new Uint8Array(60).fill(0xff))
        expect(host.chip.line("DATA_READY")).toBe(0)
        await host.exchange()
        expect(read(await host.exchange())).toMatchObject({ iface: STATION })
    })

    it("checksum-errors changes a byte of one packet", async () => {
        await host.pass(BOOT - 150)
        host.chip.faults.checksumErrors = 1
        await host.pass(150)
        expect((await host.drain()).map(({ sound }) => sound)).toEqual([false, true])
    })

    it("no-checksum: the firmware sends no checksums, reports that and checks none", async () => {
        host.chip.faults.noChecksum = true
        await host.pass(BOOT)
        const [init] = await host.drain()
        expect([init!.sound, init!.payload[7]]).toEqual([false, 0x20])
        const bytes = packet(SERIAL, serial("RPCRsp", Uint8Array.of(8, 1, 16, 0xde, 2, 0xf2, 0x15, 0)))
        bytes.fill(0, 6, 8)
        await host.exchange(bytes)
        expect((await host.drain()).map(packet => message(packet).id)).toEqual([606])
    })

    it("stall keeps HANDSHAKE low for its time", async () => {
        await host.up()
        host.chip.stall(500)
        await host.exchange()
        expect(host.chip.line("HANDSHAKE")).toBe(0)
        await host.pass(500)
        expect(host.chip.line("HANDSHAKE")).toBe(1)
    })

    it("cuts: a transaction carries its first bytes only, both ways", async () => {
        await host.up()
        host.chip.faults.cuts = 1
        const bytes = await host.exchange()
        expect(bytes.subarray(700).every(byte => byte === 0xff)).toBe(true)
        expect(read(await host.exchange())).toBeUndefined()
    })
})
