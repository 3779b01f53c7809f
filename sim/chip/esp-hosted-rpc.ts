// The remote procedure calls of the modelled Wi-Fi co-processor: ESP-Hosted-MCU 2.12.12, as its firmware (slave/main) handles
// them.
//
// Messages are protobuf, read and written with a library that is independent of src/wire/protobuf.ts, so that each checks the
// other.

import { PbfReader, PbfWriter } from "pbf"
import type { Clock, Timer } from "../time/clock"
import { type AccessPoint, AuthMode, Reason, type StationConfig } from "./access-point"
import type { EspHostedFaults } from "./esp-hosted-faults"

/** Message kinds of field 1 of Rpc. */
const Kind = { Request: 1, Response: 2, Event: 3 } as const

/** Numbers of requests and events (esp_hosted_rpc.proto, enum RpcId). A response has its request's number plus 256. */
const Id = {
    GetMacAddress: 257,
    SetMacAddress: 258,
    GetMode: 259,
    SetMode: 260,
    SetPs: 270,
    ConfigHeartbeat: 277,
    WifiInit: 278,
    WifiDeinit: 279,
    WifiStart: 280,
    WifiStop: 281,
    WifiConnect: 282,
    WifiDisconnect: 283,
    WifiSetConfig: 284,
    WifiScanStart: 286,
    WifiScanGetApNum: 288,
    WifiScanGetApRecords: 289,
    WifiClearApList: 290,
    WifiStaGetApInfo: 294,
    WifiSetStorage: 313,
    WifiStaGetRssi: 341,
    GetFwVersion: 350,
    WifiScanGetApRecord: 351,
    EspInit: 769,
    Heartbeat: 770,
    WifiEventNoArgs: 773,
    StaScanDone: 774,
    StaConnected: 775,
    StaDisconnected: 776,
} as const
const RESPONSE = 256
/** The response to a request that the firmware does not know. */
const UNKNOWN = 512

/** ESP-IDF's errors. */
const Err = {
    Ok: 0,
    InvalidArgument: 0x102,
    NotInit: 0x3001,
    NotStarted: 0x3002,
    State: 0x3006,
    Ssid: 0x300a,
    Password: 0x300b,
    NotConnected: 0x300f,
} as const

/** ESP-IDF's wifi_event_t, of those without arguments. */
const Event = { StaStart: 2, StaStop: 3 } as const
const CONFIG_MAGIC = 0x1f2f3f4f
const STATION = 0
/** ESP-IDF's esp_reset_reason_t. */
export const ResetReason = { PowerOn: 1, Panic: 4, BrownOut: 9 } as const

/** The duration of a scan, and the time without beacons after which the station disconnects from its access point, ms. */
const SCAN = 800
const BEACONS = 6000

/** The fields of a message as the wire has them: the last field of each number counts. */
interface Fields {
    numbers: Map<number, number>
    bytes: Map<number, Uint8Array>
}

type Write = (out: PbfWriter) => void

export interface RpcHost {
    readonly clock: Clock
    readonly faults: EspHostedFaults
    readonly accessPoint: AccessPoint
    /** The chip's id and its name in a version response. */
    readonly chip: { readonly id: number; readonly target: string }
    /** The station's address from the factory. */
    readonly mac: Uint8Array
    version(): number
    /** Sends a response or an event to the host. */
    send(kind: "response" | "event", message: Uint8Array): void
    /** Makes the firmware panic and restart. */
    panic(why: string): void
    /** Takes what the station asks of the access point, and the answer, in words. */
    note(text: string): void
}

/** The Wi-Fi side of the firmware from one boot to the next. */
export class EspHostedRpc {
    /** The host's requests in order, for tests: their numbers. */
    readonly requests: number[] = []
    connected = false
    /** ESP-IDF's wifi_ps_type_t: 0 none, 1 least, 2 most; with power save the access point keeps frames until a beacon. */
    powerSave = 1
    mac: Uint8Array
    private initialized = false
    private mode: number = 0
    private started = false
    private config: StationConfig = { ssid: "", password: "", authMode: 0, rssi: -127 }
    private attempt: Timer | undefined
    private beacons: Timer | undefined
    private scanned = 0
    private heartbeat: Timer | undefined
    private beats = 0
    private over = false

    constructor(private readonly host: RpcHost) {
        this.mac = host.mac.slice()
    }

    /** Sends the event that the firmware's RPC is up, with the reason why the chip has started. */
    start(reason: number): void {
        this.event(Id.EspInit, out => out.writeVarintField(2, reason))
    }

    /** Ends everything in progress, because the chip is reset. */
    stop(): void {
        this.over = true
        this.connected = false
        this.attempt?.cancel()
        this.beacons?.cancel()
        this.heartbeat?.cancel()
    }

    /** Handles a request. A message that is malformed, or not a request, is dropped without an answer, as in the firmware. */
    request(bytes: Uint8Array): void {
        let message: Fields
        try {
            message = fieldsOf(bytes)
        } catch (error) {
            if (!(error instanceof Malformed)) throw error
            return
        }
        const id = message.numbers.get(2) ?? 0
        if (message.numbers.get(1) !== Kind.Request) return
        this.requests.push(id)
        const uid = message.numbers.get(3) ?? 0
        const { faults } = this.host
        if (faults.unanswered > 0) {
            faults.unanswered--
            return
        }
        const payload = message.bytes.get(id)
        let answer: Write | undefined
        try {
            answer = this.handle(id, payload && fieldsOf(payload))
        } catch (error) {
            if (!(error instanceof Malformed)) throw error
            return
        }
        if (answer === undefined) this.send(Kind.Response, UNKNOWN, uid, undefined)
        else this.send(Kind.Response, id + RESPONSE, uid, answer)
    }

    /**
     * Hands the station over to the network's other radio; the firmware reports the end of the old connection and the start of
     * the new one.
     */
    roam(): void {
        if (!this.connected) return
        this.disconnected(Reason.Roaming)
        this.host.accessPoint.roam()
        this.connects()
    }

    /** Ends the association, as the access point does with a deauthentication. */
    deauthenticate(reason: number): void {
        if (this.connected) this.disconnected(reason)
    }

    /** Handles an access point that was switched on or off: without its beacons the station disconnects after a while. */
    beaconsChanged(): void {
        this.beacons?.cancel()
        if (this.host.accessPoint.on || !this.connected) return
        this.beacons = this.after(BEACONS, () => this.disconnected(Reason.BeaconTimeout))
    }

    /** Handles a request and returns the function that writes its response's payload; undefined for an unknown request. */
    private handle(id: number, request: Fields | undefined): Write | undefined {
        const { accessPoint, chip } = this.host
        const number = (field: number) => request?.numbers.get(field) ?? 0
        const result =
            (error: number): Write =>
            out => {
                if (error !== 0) out.writeVarintField(1, error)
            }
        const ready = this.initialized ? Err.Ok : Err.NotInit
        switch (id) {
            case Id.GetFwVersion: {
                const version = this.host.version()
                return out => {
                    out.writeVarintField(2, (version >> 16) & 0xff)
                    out.writeVarintField(3, (version >> 8) & 0xff)
                    out.writeVarintField(4, version & 0xff)
                    for (const field of [5, 6, 7]) out.writeVarintField(field, -1)
                    out.writeVarintField(8, chip.id)
                    out.writeBytesField(9, new TextEncoder().encode(chip.target))
                }
            }
            case Id.WifiInit: {
                const config = request?.bytes.get(1)
                if (config === undefined) return result(Err.InvalidArgument)
                if (fieldsOf(config).numbers.get(20) !== CONFIG_MAGIC) return result(Err.InvalidArgument)
                this.initialized = true
                return result(Err.Ok)
            }
            case Id.WifiDeinit:
                this.initialized = false
                return result(Err.Ok)
            case Id.SetMode:
                if (!this.initialized) return result(ready)
                this.mode = number(1)
                return result(this.mode <= 3 ? Err.Ok : Err.InvalidArgument)
            case Id.GetMode:
                return out => {
                    out.writeVarintField(1, this.mode)
                    if (ready !== Err.Ok) out.writeVarintField(2, ready)
                }
            case Id.GetMacAddress:
                return out => {
                    out.writeBytesField(1, this.mac)
                    if (ready !== Err.Ok) out.writeVarintField(2, ready)
                }
            case Id.SetMacAddress: {
                const mac = request?.bytes.get(1)
                if (mac?.length !== 6 || (mac[0]! & 1) !== 0 || number(2) !== STATION)
                    return result(Err.InvalidArgument)
                if (this.started) return result(Err.State)
                this.mac = mac.slice()
                return result(Err.Ok)
            }
            case Id.WifiSetStorage:
                return result(number(1) <= 1 ? ready : Err.InvalidArgument)
            case Id.SetPs:
                if (number(1) > 2) return result(Err.InvalidArgument)
                this.powerSave = number(1)
                return result(ready)
            case Id.WifiSetConfig:
                return result(ready !== Err.Ok ? ready : this.configure(number(1), request?.bytes.get(2)))
            case Id.WifiStart:
                if (!this.initialized) return result(ready)
                this.started = true
                this.later(5, () => this.noArgs(Event.StaStart))
                return result(Err.Ok)
            case Id.WifiStop:
                this.leave()
                this.started = false
                this.later(5, () => this.noArgs(Event.StaStop))
                return result(ready)
            case Id.WifiConnect:
                if (!this.started || this.mode !== 1) return result(Err.NotStarted)
                this.connect()
                return result(Err.Ok)
            case Id.WifiDisconnect:
                this.leave()
                return result(this.started ? Err.Ok : Err.NotStarted)
            case Id.WifiScanStart: {
                if (!this.started) return result(Err.NotStarted)
                const config = request?.bytes.get(1)
                if (number(3) !== 0 && (config === undefined || !fieldsOf(config).bytes.has(6))) {
                    this.host.panic("a scan's configuration without scan_time.active")
                    return result(Err.Ok)
                }
                this.scan()
                return result(Err.Ok)
            }
            case Id.WifiScanGetApNum:
                return out => out.writeVarintField(2, this.scanned)
            case Id.WifiScanGetApRecords: {
                const n = Math.min(this.scanned, number(1))
                this.scanned = 0
                return out => {
                    out.writeVarintField(2, n)
                    for (let i = 0; i < n; i++) out.writeMessage(3, writeRecord, accessPoint)
                }
            }
            case Id.WifiScanGetApRecord:
                if (this.scanned === 0) return result(Err.InvalidArgument)
                this.scanned--
                return out => out.writeMessage(2, writeRecord, accessPoint)
            case Id.WifiClearApList:
                this.scanned = 0
                return result(Err.Ok)
            case Id.WifiStaGetApInfo:
                if (!this.connected) return result(Err.NotConnected)
                return out => out.writeMessage(2, writeRecord, accessPoint)
            case Id.WifiStaGetRssi:
                if (!this.connected) return result(Err.NotConnected)
                return out => out.writeVarintField(2, accessPoint.rssi)
            case Id.ConfigHeartbeat:
                return result(this.beat(number(1) !== 0, number(2)))
            default:
                return undefined
        }
    }

    /** Sets a wifi_config for the station. Returns an ESP-IDF error. */
    private configure(iface: number, config: Uint8Array | undefined): number {
        const station = config && fieldsOf(config).bytes.get(2)
        if (iface !== STATION || station === undefined) return Err.InvalidArgument
        const { numbers, bytes } = fieldsOf(station)
        const text = (field: number) => new TextDecoder().decode(bytes.get(field) ?? new Uint8Array())
        if ((bytes.get(1)?.length ?? 0) === 0 || bytes.get(1)!.length > 32) return Err.Ssid
        if ((bytes.get(2)?.length ?? 0) > 64) return Err.Password
        const threshold = fieldsOf(bytes.get(9) ?? new Uint8Array()).numbers
        if ((numbers.get(3) ?? 0) > 1) return Err.InvalidArgument
        this.config = {
            ssid: text(1),
            password: text(2),
            authMode: threshold.get(2) ?? 0,
            rssi: threshold.get(1) || -127,
        }
        return Err.Ok
    }

    private connect(): void {
        if (this.connected) {
            // the firmware reports the current state again
            this.later(5, () => this.reportConnected())
            return
        }
        if (this.attempt !== undefined) return
        this.host.note(`the Wi-Fi module joins "${this.config.ssid}"`)
        const { reason, ms } = this.host.accessPoint.attempt(this.config)
        this.attempt = this.after(ms, () => {
            this.attempt = undefined
            // the access point may be out of reach meanwhile
            const outcome = this.host.accessPoint.attempt(this.config).reason
            if (reason === undefined && outcome === undefined) this.connects()
            else this.reportDisconnected(reason ?? outcome!)
        })
    }

    private connects(): void {
        this.connected = true
        this.beaconsChanged()
        this.reportConnected()
    }

    private leave(): void {
        if (this.attempt === undefined && !this.connected) return
        this.attempt?.cancel()
        this.attempt = undefined
        this.disconnected(Reason.AssocLeave)
    }

    private disconnected(reason: number): void {
        this.connected = false
        this.beacons?.cancel()
        this.reportDisconnected(reason)
    }

    private scan(): void {
        this.later(SCAN, () => {
            this.scanned = this.host.accessPoint.on ? 1 : 0
            this.event(Id.StaScanDone, out =>
                out.writeMessage(
                    2,
                    (_, inner) => {
                        if (this.scanned > 0) inner.writeVarintField(2, this.scanned)
                        inner.writeVarintField(3, 128)
                    },
                    undefined
                )
            )
        })
    }

    private beat(enable: boolean, seconds: number): number {
        this.heartbeat?.cancel()
        if (!enable) return Err.Ok
        if (seconds < 1 || seconds > 86_400) return Err.InvalidArgument
        const next = () => {
            this.heartbeat = this.after(seconds * 1000, () => {
                const beats = this.beats++
                this.event(Id.Heartbeat, out => out.writeVarintField(1, beats))
                next()
            })
        }
        next()
        return Err.Ok
    }

    private reportConnected(): void {
        const { accessPoint, note } = this.host
        const { bssid, channel, rssi, authMode } = accessPoint
        const at = Buffer.from(bssid).toString("hex").replace(/..\B/g, "$&:")
        note(`it is associated with ${at}, channel ${channel}, ${rssi} dBm, ${SECURITY[authMode]}`)
        this.event(Id.StaConnected, out =>
            out.writeMessage(
                2,
                (ap, inner) => {
                    writeSsid(ap.ssid, inner)
                    inner.writeBytesField(3, ap.bssid)
                    inner.writeVarintField(4, ap.channel)
                    inner.writeVarintField(5, ap.authMode)
                    inner.writeVarintField(6, 1)
                },
                accessPoint
            )
        )
    }

    private reportDisconnected(reason: number): void {
        const { accessPoint, note } = this.host
        note(`it is not associated, reason ${reason}`)
        this.event(Id.StaDisconnected, out =>
            out.writeMessage(
                2,
                (ap, inner) => {
                    writeSsid(this.config.ssid, inner)
                    inner.writeBytesField(3, reason === Reason.NoApFound ? new Uint8Array(6) : ap.bssid)
                    inner.writeVarintField(4, reason)
                    inner.writeVarintField(5, reason === Reason.NoApFound ? -128 : ap.rssi)
                },
                accessPoint
            )
        )
    }

    private noArgs(event: number): void {
        this.event(Id.WifiEventNoArgs, out => out.writeVarintField(2, event))
    }

    private event(id: number, payload: Write): void {
        this.send(Kind.Event, id, 0, payload)
    }

    /** Sends a message as proto3 has it: a field that is 0 is absent, but the payload's own field is always there. */
    private send(kind: number, id: number, uid: number, payload: Write | undefined): void {
        if (this.over) return
        const out = new PbfWriter()
        out.writeVarintField(1, kind)
        out.writeVarintField(2, id)
        if (uid !== 0) out.writeVarintField(3, uid)
        if (payload !== undefined) {
            const inner = new PbfWriter()
            payload(inner)
            out.writeBytesField(id, inner.finish())
        }
        this.host.send(kind === Kind.Event ? "event" : "response", out.finish())
    }

    private after(ms: number, run: () => void): Timer {
        const { clock } = this.host
        return clock.at(clock.now() + ms, () => {
            if (!this.over) run()
        })
    }

    private later(ms: number, run: () => void): void {
        this.after(ms, run)
    }
}

/** What proves the password by kind of security: the 4-way handshake, after SAE with WPA3. */
const SECURITY: { readonly [mode: number]: string } = {
    [AuthMode.Open]: "no password",
    [AuthMode.Wpa2]: "WPA2, 4-way handshake done",
    [AuthMode.Wpa3]: "WPA3, SAE and 4-way handshake done",
    [AuthMode.Wpa2Wpa3]: "WPA3, SAE and 4-way handshake done",
}

function writeSsid(ssid: string, out: PbfWriter): void {
    const bytes = new TextEncoder().encode(ssid)
    const field = new Uint8Array(32)
    field.set(bytes)
    out.writeBytesField(1, field)
    out.writeVarintField(2, bytes.length)
}

/** Writes a wifi_ap_record. Its SSID may end with a 0, as the firmware's does. */
function writeRecord({ ssid, bssid, channel, rssi, authMode }: AccessPoint, out: PbfWriter): void {
    const bytes = new TextEncoder().encode(ssid)
    const ended = new Uint8Array(Math.min(bytes.length + 1, 32))
    ended.set(bytes)
    out.writeBytesField(1, bssid)
    out.writeBytesField(2, ended)
    out.writeVarintField(3, channel)
    out.writeVarintField(5, rssi)
    if (authMode !== 0) out.writeVarintField(6, authMode)
}

/** Thrown for bytes that are not a message. */
class Malformed extends Error {}

/** Reads the fields of a message. Throws a Malformed for bytes that are not a message. */
function fieldsOf(bytes: Uint8Array): Fields {
    const fields: Fields = { numbers: new Map(), bytes: new Map() }
    const reader = new PbfReader(bytes)
    while (reader.pos < bytes.length) {
        const field = reader.nextField()
        if (field === 0) throw new Malformed("field 0")
        if (reader.type === 0) fields.numbers.set(field, reader.readVarint(true))
        else if (reader.type === 2) fields.bytes.set(field, reader.readBytes().slice())
        else if (reader.type === 5 || reader.type === 1) reader.skip((field << 3) | reader.type)
        else throw new Malformed(`wire type ${reader.type}`)
    }
    if (reader.pos !== bytes.length) throw new Malformed("a field beyond the end")
    return fields
}
