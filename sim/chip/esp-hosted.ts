// A Wi-Fi module with Espressif's ESP-Hosted-MCU firmware, release 2.12.12, as a host sees it over SPI: full duplex, mode 3, with the
// lines HANDSHAKE, DATA_READY and reset. File names are those of that release.
//
// A transaction is 1,600 bytes each way, a packet or a dummy with a header of 12. The firmware arms one, raises HANDSHAKE, and lowers
// it when chip select falls; what it will send next was decided when it armed (slave/main/spi_slave_api.c).

import type { Timer } from "../time/clock"
import { Random } from "../time/random"
import { AccessPoint, type AccessPointOptions } from "./access-point"
import type { ChipOptions, SpiChip } from "./chip"
import { EspHostedFaults } from "./esp-hosted-faults"
import { EspHostedRpc, ResetReason } from "./esp-hosted-rpc"
import { SpiLine } from "./spi-line"

/** Bytes of a transaction, of a header, and of the longest payload (esp_hosted_transport.h). */
const TRANSACTION = 1600
const HEADER = 12
const LONGEST = TRANSACTION - HEADER
/** Offsets in the header (common/esp_hosted_header.h). */
const Field = {
    Interface: 0,
    Flags: 1,
    Length: 2,
    Offset: 4,
    Checksum: 6,
    Sequence: 8,
    Throttle: 10,
    Type: 11,
} as const
const MORE_FRAGMENT = 1
/** Interfaces (common/esp_hosted_interface.h). */
const Interface = { Station: 1, Serial: 3, Priv: 5, Dummy: 8 } as const
/** Events of the PRIV interface, and the types of their values (esp_hosted_transport_init.h). */
const PRIV_EVENT = 0x33
const EVENT_INIT = 0x22
const Tlv = {
    Capabilities: 0x11,
    ChipId: 0x12,
    RawThroughput: 0x13,
    RxQueue: 0x14,
    TxQueue: 0x15,
    MoreCapabilities: 0x16,
    Version: 0x17,
    ThrottleHigh: 0x47,
    ThrottleLow: 0x48,
} as const
const CAPABLE_OF_WIFI = 0x20
const CAPABLE_OF_CHECKSUM = 0x80
/**
 * Bytes of a fragment that the firmware sends, and of the longest message that it accepts (protocomm_pserial.c,
 * process_serial_rx_pkt).
 */
const FRAGMENT = 1500
const LONGEST_MESSAGE = 8192
const ENDPOINT = { response: "RPCRsp", event: "RPCEvt" } as const
const SHORTEST_WIRED = 60
/** Time between two beacons, ms (IEEE 802.11: 100 units of 1.024 ms). */
const BEACON = 102.4
/** Packets of a queue. */
const QUEUE = 20
/** Bytes that arrive of a transaction that is cut short by a fault. */
const CUT = 700

/**
 * The time that the firmware takes, ms: to boot (docs/spi_full_duplex.md section 9), to arm a transaction, to handle what has
 * arrived.
 */
const Time = { Boot: 1200, Arm: 0.1, Handle: 0.3, Response: 1 } as const

export interface EspHostedOptions extends ChipOptions {
    accessPoint?: AccessPointOptions
}

/** A packet on its way to the host. */
interface Packet {
    readonly iface: number
    readonly payload: Uint8Array
    readonly flags?: number
    readonly sequence?: number
    readonly type?: number
}

/** The model of a module, which boots when it is created, and after each reset. */
export class EspHostedChip implements SpiChip {
    readonly faults = new EspHostedFaults()
    readonly accessPoint: AccessPoint
    /** Actions of the host that the firmware's documents forbid, as text. */
    readonly misuses: string[] = []
    /** Frames that were dropped because the station was not connected, or a queue was full. */
    dropped = 0
    activity = 0
    /** Transactions so far, and those of them in which neither side had a packet. */
    transactions = 0
    idle = 0

    private readonly options: EspHostedOptions
    private readonly own: { readonly ssid: string; readonly password: string }
    private rpc: EspHostedRpc | undefined
    /** The number of the firmware's current start: work scheduled before that start is dropped. */
    private boots = 0
    private held = false
    private checksums = true
    private serial: Packet[] = []
    private others: Packet[] = []
    private message: number[] = []
    private messageSequence = 0
    private serialSequence = 0
    private throttleHigh = 0
    private throttleLow = 0
    private throttled = false
    /** Frames that wait to be sent through the air. */
    private air: Uint8Array[] = []
    private airTimer: Timer | undefined
    /** The bytes to send in the armed transaction; undefined while no transaction is armed. */
    private armed: Uint8Array | undefined
    private armedIsDummy = false
    private handshake: 0 | 1 = 0
    private dataReady: 0 | 1 = 0
    private selected = false
    private position = 0
    private limit = TRANSACTION
    /** The host's SPI mode. */
    private mode = 3
    private readonly received = new Uint8Array(TRANSACTION)
    /** The time until which the firmware's tasks do nothing. */
    private stalledUntil = 0
    private readonly miso: SpiLine
    private readonly mosi: SpiLine

    constructor(options: EspHostedOptions) {
        this.options = options
        this.accessPoint = new AccessPoint(options.accessPoint)
        this.own = { ssid: this.accessPoint.ssid, password: this.accessPoint.password }
        const random = options.random ?? new Random(1)
        this.miso = new SpiLine(random.fork("miso"))
        this.mosi = new SpiLine(random.fork("mosi"))
        this.boot(ResetReason.PowerOn)
    }

    /** The access point's name and password when the model was created. */
    get ssid(): string {
        return this.own.ssid
    }
    get password(): string {
        return this.own.password
    }

    /** True while the station is connected to the access point. */
    get connected(): boolean {
        return this.rpc?.connected ?? false
    }

    /** Numbers of the requests since the firmware has started. */
    get requests(): readonly number[] {
        return this.rpc?.requests ?? []
    }

    deliver(frame: Uint8Array): void {
        // frames from the air arrive only between "connected" and "disconnected" (slave_wifi_std.c)
        const takes = this.connected && this.accessPoint.on && frame.length <= LONGEST && this.isForUs(frame)
        if (!takes) {
            this.dropped++
            return
        }
        const payload = frame.slice()
        if (this.rpc?.powerSave === 0) this.fromAir(payload)
        // the radio sleeps: the access point keeps the frame until the next beacon
        else this.after(BEACON - (this.now() % BEACON), () => this.fromAir(payload))
    }

    private fromAir(payload: Uint8Array): void {
        const { others } = this
        if (!this.connected || others.length >= QUEUE) {
            this.dropped++
            return
        }
        this.activity++
        this.push(others, { iface: Interface.Station, payload })
    }

    setLink(up: boolean): void {
        this.accessPoint.on = up
        this.rpc?.beaconsChanged()
    }

    /** Returns the level of a line; a module that is held in reset drives none. */
    line(name: string): 0 | 1 | undefined {
        const { faults, held } = this
        if (name === "HANDSHAKE") return faults.handshakeStuck ?? (held ? undefined : this.handshake)
        if (name === "DATA_READY") return faults.dataReadyStuck ?? (held ? undefined : this.dataReady)
        return held ? undefined : 1
    }

    reset(level: 0 | 1): void {
        if (level === 0) {
            this.held = true
            this.halt()
        } else if (this.held) {
            this.held = false
            this.boot(ResetReason.PowerOn)
        }
    }

    close(): void {
        this.halt()
    }

    /** Restarts the firmware by itself: after a panic, a watchdog, a dip of the supply. It starts when the reset line lets it. */
    reboot(reason: number = ResetReason.Panic): void {
        this.halt()
        this.boot(reason)
    }

    /** Stops the firmware's tasks for some time: HANDSHAKE stays low once the armed transaction has ended. */
    stall(ms: number): void {
        this.stalledUntil = this.now() + ms
    }

    /** Ends the association, as the access point does, with an IEEE 802.11 reason code. */
    deauthenticate(reason: number): void {
        this.rpc?.deauthenticate(reason)
    }

    /** Hands the station over to the network's other radio. */
    roam(): void {
        this.rpc?.roam()
    }

    select(level: 0 | 1): void {
        if (level === 0) {
            if (this.selected) return
            this.selected = true
            this.position = 0
            this.received.fill(0)
            this.limit = this.faults.cuts > 0 ? CUT : TRANSACTION
            if (this.faults.cuts > 0) this.faults.cuts--
            if (this.armed === undefined) this.misused("a transaction while HANDSHAKE was low")
            // gpio_disable_hs_isr_handler: chip select lowers HANDSHAKE
            this.handshake = 0
        } else if (this.selected) {
            this.selected = false
            this.ended()
        }
    }

    configure(mode: number): void {
        this.mode = mode
    }

    transfer(bytes: Uint8Array): void {
        const { faults, armed } = this
        this.mosi.carry(bytes, faults.mosiStuck, faults.mosiErrors)
        if (this.mode !== faults.spiMode) shifted(bytes)
        if (this.selected) {
            const room = Math.max(0, Math.min(bytes.length, this.limit - this.position))
            if (armed !== undefined && room > 0) this.received.set(bytes.subarray(0, room), this.position)
            if (this.position + bytes.length > TRANSACTION)
                this.misused("a transaction of more than 1600 bytes")
            const answer = armed?.subarray(this.position, this.position + room) ?? new Uint8Array()
            bytes.fill(0xff)
            bytes.set(answer)
            this.position += bytes.length
        } else bytes.fill(0xff)
        if (this.mode !== faults.spiMode) shifted(bytes)
        this.miso.carry(bytes, faults.misoStuck, faults.misoErrors)
    }

    /** Handles the rise of chip select, which ends the transaction, complete or not. */
    private ended(): void {
        const { armed } = this
        this.armed = undefined
        if (armed === undefined) return
        this.transactions++
        if (this.position < TRANSACTION) this.misused(`a transaction of ${this.position} bytes`)
        if (this.armedIsDummy && this.received[Field.Interface]! % 16 === Interface.Dummy) this.idle++
        const received = this.received.slice()
        this.after(Time.Arm, () => this.arm())
        this.after(Time.Arm + Time.Handle, () => this.handle(received))
    }

    /** Decides what the next transaction carries, and offers it (get_next_tx_buffer, post_setup_cb). */
    private arm(): void {
        if (this.armed !== undefined) return
        const wait = this.stalledUntil - this.now()
        if (wait > 0) {
            this.after(wait, () => this.arm())
            return
        }
        const packet = this.serial.shift() ?? this.others.shift()
        this.armedIsDummy = packet === undefined
        if (packet === undefined) this.dataReady = 0
        this.armed = packet === undefined ? this.dummy() : this.encode(packet)
        this.handshake = 1
    }

    private dummy(): Uint8Array {
        const bytes = new Uint8Array(TRANSACTION)
        bytes[Field.Interface] = 0xf0 | Interface.Dummy
        bytes[Field.Throttle] = this.throttled ? 1 : 0
        return bytes
    }

    private encode({ iface, payload, flags = 0, sequence = 0, type = 0 }: Packet): Uint8Array {
        const bytes = new Uint8Array(TRANSACTION)
        const view = new DataView(bytes.buffer)
        bytes[Field.Interface] = iface
        bytes[Field.Flags] = flags
        view.setUint16(Field.Length, payload.length, true)
        view.setUint16(Field.Offset, HEADER, true)
        view.setUint16(Field.Sequence, sequence, true)
        bytes[Field.Type] = type
        bytes.set(payload, HEADER)
        if (this.checksums) view.setUint16(Field.Checksum, sumOf(bytes, HEADER + payload.length), true)
        if (this.faults.checksumErrors > 0) {
            this.faults.checksumErrors--
            bytes[HEADER + (payload.length >> 1)]! ^= 0x10
        }
        return bytes
    }

    /** Handles what the host has sent (process_spi_rx). */
    private handle(bytes: Uint8Array): void {
        const view = new DataView(bytes.buffer)
        const length = view.getUint16(Field.Length, true)
        const offset = view.getUint16(Field.Offset, true)
        const iface = bytes[Field.Interface]! & 0x0f
        if (length === 0 || length + offset > TRANSACTION) return
        if (this.checksums) {
            const sum = view.getUint16(Field.Checksum, true)
            view.setUint16(Field.Checksum, 0, true)
            if (sumOf(bytes, offset + length) !== sum) return
        }
        const payload = bytes.slice(offset, offset + length)
        if (offset !== HEADER) this.misused(`a header with an offset of ${offset}`)
        if (iface === Interface.Station) this.toAir(payload)
        else if (iface === Interface.Serial) {
            this.reassemble(payload, bytes[Field.Flags]!, view.getUint16(Field.Sequence, true))
        } else if (iface === Interface.Priv) this.configured(payload)
    }

    /** Sends a frame to the access point, when the channel is free, or drops it. */
    private toAir(frame: Uint8Array): void {
        if (!this.connected || this.air.length >= QUEUE) {
            this.dropped++
            return
        }
        this.air.push(frame)
        this.throttle()
        if (this.airTimer === undefined) this.nextFrame()
    }

    private nextFrame(): void {
        const frame = this.air[0]
        this.airTimer = undefined
        if (frame === undefined) return
        this.airTimer = this.after(this.faults.airTime, () => {
            this.air.shift()
            this.throttle()
            if (this.faults.lostFrames > 0) this.faults.lostFrames--
            else if (this.connected && this.accessPoint.on) {
                this.activity++
                this.options.send(padded(frame))
            }
            this.nextFrame()
        })
    }

    /** Decides whether the host has to hold its frames, by how full the queue is and the host's own limits. */
    private throttle(): void {
        const part = (100 * this.air.length) / QUEUE
        if (this.throttleHigh > 0 && part >= this.throttleHigh) this.throttled = true
        else if (part <= this.throttleLow) this.throttled = false
    }

    /** Joins the fragments of a request: those of one have the same sequence number (process_serial_rx_pkt). */
    private reassemble(piece: Uint8Array, flags: number, sequence: number): void {
        if (this.message.length === 0) this.messageSequence = sequence
        if (this.message.length + piece.length > LONGEST_MESSAGE) {
            this.message = []
            return
        }
        this.message.push(...piece)
        if ((flags & MORE_FRAGMENT) !== 0 && sequence === this.messageSequence) return
        const message = Uint8Array.from(this.message)
        this.message = []
        const request = requestOf(message)
        if (request !== undefined) this.after(Time.Response, () => this.rpc?.request(request))
    }

    /**
     * Handles the host's answer to the init event (host_to_slave_reconfig); an answer that the firmware cannot read makes it
     * panic.
     */
    private configured(payload: Uint8Array): void {
        const length = payload[1] ?? 0
        if (payload[0] !== EVENT_INIT) return
        if (length > 64 || length + 2 > payload.length) {
            this.panic(`a configuration of ${length} bytes`)
            return
        }
        for (let at = 2; at < 2 + length; at += 2 + payload[at + 1]!) {
            if (at + 2 + (payload[at + 1] ?? 256) > 2 + length) {
                this.panic("a configuration whose values do not end with it")
                return
            }
            if (payload[at] === Tlv.ThrottleHigh) this.throttleHigh = payload[at + 2]!
            if (payload[at] === Tlv.ThrottleLow) this.throttleLow = payload[at + 2]!
        }
    }

    private boot(reason: number): void {
        const boot = ++this.boots
        if (this.faults.dead || this.held) return
        const { clock } = this.options
        clock.at(clock.now() + Time.Boot, () => {
            if (boot !== this.boots) return
            this.checksums = !this.faults.noChecksum
            this.rpc = new EspHostedRpc({
                clock,
                faults: this.faults,
                accessPoint: this.accessPoint,
                chip: { id: 5, target: "esp32c3" },
                mac: Uint8Array.of(0x02, 0xc3, 0, 0, 0, 0x10),
                version: () => this.version,
                send: (kind, message) => this.sendMessage(kind, message),
                panic: why => this.panic(why),
                note: text => this.options.note?.(text),
            })
            this.sendInit()
            this.rpc.start(reason)
            this.arm()
        })
    }

    /** Stops everything: the lines fall, and the Wi-Fi connection ends. */
    private halt(): void {
        this.boots++
        this.rpc?.stop()
        this.rpc = undefined
        this.serial = []
        this.others = []
        this.message = []
        this.air = []
        this.airTimer?.cancel()
        this.airTimer = undefined
        this.armed = undefined
        this.handshake = 0
        this.dataReady = 0
        this.serialSequence = 0
        this.throttleHigh = 0
        this.throttleLow = 0
        this.throttled = false
        this.stalledUntil = 0
    }

    private panic(why: string): void {
        this.misused(why)
        this.reboot()
    }

    private get version(): number {
        return this.faults.version ?? (2 << 16) | (12 << 8) | 12
    }

    /** Sends the event which reports that the firmware is up, and its properties (generate_startup_event). */
    private sendInit(): void {
        const capabilities = CAPABLE_OF_WIFI | (this.checksums ? CAPABLE_OF_CHECKSUM : 0)
        const { version } = this
        const values = [
            ...[Tlv.ChipId, 1, 5],
            ...[Tlv.Capabilities, 1, capabilities],
            ...[Tlv.MoreCapabilities, 4, 0, 0, 0, 0],
            ...[Tlv.RawThroughput, 1, 0],
            ...[Tlv.RxQueue, 1, QUEUE],
            ...[Tlv.TxQueue, 1, QUEUE],
            ...[Tlv.Version, 4, version & 0xff, (version >> 8) & 0xff, (version >> 16) & 0xff, 0],
        ]
        const payload = Uint8Array.of(EVENT_INIT, values.length, ...values)
        this.push(this.serial, { iface: Interface.Priv, payload, type: PRIV_EVENT })
    }

    /** Sends a message of the RPC in fragments, each with its own number (serial_write_data). */
    private sendMessage(kind: "response" | "event", message: Uint8Array): void {
        const endpoint = new TextEncoder().encode(ENDPOINT[kind])
        const { length } = message
        const whole = Uint8Array.of(1, 6, 0, ...endpoint, 2, length & 0xff, length >> 8, ...message)
        for (let at = 0; at < whole.length; at += FRAGMENT) {
            const payload = whole.slice(at, at + FRAGMENT)
            const flags = at + FRAGMENT < whole.length ? MORE_FRAGMENT : 0
            this.push(this.serial, {
                iface: Interface.Serial,
                payload,
                flags,
                sequence: ++this.serialSequence,
            })
        }
    }

    /** Queues a packet for the host and raises DATA_READY (esp_spi_write). */
    private push(queue: Packet[], packet: Packet): void {
        queue.push(packet)
        if (this.faults.lostInterrupts > 0) this.faults.lostInterrupts--
        else this.dataReady = 1
    }

    private isForUs(frame: Uint8Array): boolean {
        const group = (frame[0]! & 1) !== 0
        return group || (this.rpc?.mac.every((byte, i) => frame[i] === byte) ?? false)
    }

    /** Runs a function later, unless the firmware has restarted by then. */
    private after(ms: number, run: () => void): Timer {
        const boot = this.boots
        return this.options.clock.at(this.now() + ms, () => {
            if (boot === this.boots) run()
        })
    }

    private now(): number {
        return this.options.clock.now()
    }

    private misused(what: string): void {
        if (this.misuses.length < 100) this.misuses.push(what)
    }
}

/** Returns a frame as the access point passes it on to its cable: not shorter than Ethernet's least (IEEE 802.3). */
function padded(frame: Uint8Array): Uint8Array {
    if (frame.length >= SHORTEST_WIRED) return frame
    const whole = new Uint8Array(SHORTEST_WIRED)
    whole.set(frame)
    return whole
}

/** Changes bytes as an end reads them that samples a bit too late, because its SPI mode is another one. */
function shifted(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i]! << 1) | ((bytes[i + 1] ?? 0) >> 7)
}

/** Returns the sum of bytes that both sides use as a checksum; the field itself counts as 0 (compute_checksum). */
function sumOf(bytes: Uint8Array, length: number): number {
    let sum = 0
    for (let i = 0; i < length; i++) sum += bytes[i]!
    return sum & 0xffff
}

/** Returns the protobuf message of a request to the endpoint of responses; undefined for anything else (parse_tlv). */
function requestOf(message: Uint8Array): Uint8Array | undefined {
    const endpoint = new TextEncoder().encode(ENDPOINT.response)
    if (message[0] !== 1 || message[1] !== endpoint.length || message[2] !== 0) return undefined
    if (!endpoint.every((byte, i) => message[3 + i] === byte)) return undefined
    const at = 3 + endpoint.length
    const length = message[at + 1]! | (message[at + 2]! << 8)
    if (message[at] !== 2 || at + 3 + length > message.length) return undefined
    return message.slice(at + 3, at + 3 + length)
}
