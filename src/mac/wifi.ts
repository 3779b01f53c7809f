// A station of a Wi-Fi network over ESP-Hosted: sets up the co-processor, joins, and joins again whenever the connection ends.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { netError } from "../base/errors"
import {
    closeMessage,
    field,
    findField,
    intField,
    openMessage,
    putBytes,
    putInt,
    Wire,
} from "../wire/protobuf"
import { EspHosted, type EspHostedOptions } from "./esp-hosted"
import { Header, Interface } from "./esp-hosted-frame"
import { beginRequest, endRequest, message, Rpc, readMessage, within } from "./esp-hosted-rpc"
import { type Mac, MacCounter } from "./mac"
import { power } from "./poll-wait"

/** A Wi-Fi network's name and password. */
export interface Credentials {
    /** The network's name, 1 to 32 bytes. */
    ssid: string
    /** 8 to 63 bytes; "" for a network without a password. */
    password: string
}

/** Wiring, and the network's name and password, or the function that returns them when the driver starts: `wifiSettings`. */
export type WifiOptions = EspHostedOptions &
    (
        | Credentials
        | {
              /** Returns name and password; called once, when the driver starts. */
              credentials: () => Promise<Credentials>
          }
    )

/** Milliseconds. */
const enum Time {
    /** Between two looks at a co-processor that boots. */
    Boot = 200,
    /** From the firmware of another version, or credentials that are not valid, to the next attempt. */
    Retry = 3000,
    /**
     * Espressif's own host waits 5 s for a response (host/drivers/rpc/slaveif/rpc_slave_if.h); a request may be lost, and is
     * repeated.
     */
    Response = 1000,
    /** The same while the station is connected, where nothing takes long. */
    Alive = 350,
    /** Between two requests for the state and signal of the connection. */
    Check = 1000,
    /** From one request to join to its repetition. */
    Join = 1500,
    /** From one access point to the next. */
    Roam = 2000,
    /**
     * After the first failure, then doubled up to the longest: a network that comes back is joined within 5 s. A refused password is tried
     * again after up to LongestRefused if it has never been right, and after FirstDelay if it was, as a refusal takes 3 s by itself.
     */
    FirstDelay = 250,
    LongestDelay = 1500,
    LongestRefused = 30000,
    /** Delay while `out` is in use. */
    Soon = 1,
}

const enum Tries {
    /** The number of times that a request is sent. */
    Most = 3,
    /** Checks, one per millisecond, whether `out` is free. */
    Waits = 100,
    /** Requests to join until the outcome counts as lost: 15 s for a scan of all channels, the handshake and its repetitions. */
    Joins = 10,
    /**
     * Looks at a co-processor that boots: 3 s from the end of a reset, of which 0.5 are over, to its first message (1.2 s in
     * docs/spi_full_duplex.md section 9). A look that finds the handshake line high counts as `Awake`: the message is due then, and of
     * a module that takes those 1.2 s it is waited for another 0.6.
     */
    Looks = 15,
    Awake = 3,
}

/** The next step. From Init to Connect: a request of `requests`. */
const enum Step {
    Reset,
    Boot,
    /** The firmware has another version than the driver requires. */
    Refused,
    Hello,
    Init,
    Mode,
    Address,
    Storage,
    Config,
    Start,
    PowerSave,
    Connect,
    /** The outcome arrives as an event. */
    Joining,
    Delay,
    Connected,
    Roaming,
}

const enum Version {
    /**
     * 2.12.0, and the first version that is not supported: 4.0.0. As the first message has it: major, minor, patch, a byte each.
     */
    First = 0x020c00,
    Unknown = 0x040000,
}

/** wifi_err_reason_t of ESP-IDF (components/esp_wifi/include/esp_wifi_types_generic.h). */
const enum Reason {
    FourWayHandshakeTimeout = 15,
    BeaconTimeout = 200,
    NoApFound = 201,
    AuthFail = 202,
    HandshakeTimeout = 204,
    /** The station moves to another access point of its network, which the next event reports. */
    Roaming = 207,
    NoCompatibleSecurity = 210,
    WeakSecurity = 211,
    WeakSignal = 212,
}

/** wifi_sta_config's fields. */
const enum Config {
    Ssid = 1,
    Password = 2,
    ScanMethod = 3,
    Pmf = 10,
    SaePwe = 12,
}

/**
 * Host to co-processor (host/drivers/transport/transport_drv.c, send_slave_config): no capabilities, no throughput test, and when
 * it has to ask for a pause: at 90 % of its queue until that is at 60 %, as its own host has it (Kconfig).
 */
const HELLO = hex`22 0c 44 01 00 46 01 00 47 01 5a 48 01 3c`

/**
 * wifi_init_config as ESP-IDF's defaults have it (WIFI_INIT_CONFIG_DEFAULT of components/esp_wifi/include/esp_wifi.h): buffers 10 static and 32 dynamic in,
 * 32 dynamic out, AMPDU, NVS, a window of 6, beacons of 752, 32 management buffers, WPA3 (the co-processor has its own features in the place of
 * this one), 7 ESP-NOW peers, the magic number 0x1f2f3f4f, 5 buffers for management in, 3 queues. The co-processor takes what the host says
 * (slave/main/slave_wifi_std.c, get_merged_init_config).
 */
const INIT = hex`0a 29 08 0a 10 20 18 01 28 20 40 01 48 01 58 01 68 06 78 f0 05 80 01 20 88 01 01 98 01 07 a0 01 cf fe bc f9 01 b0 01 05 b8 01 03`
/** `noLink` until a join has failed. */
const JOINING = "no link yet: the Wi-Fi station is joining its network"
/** Mode, and storage: station, and RAM. */
const ONE = hex`08 01`
const NONE = hex``

/** Ids and payloads of the requests from Step.Init on; `request` writes the payloads that are missing here. */
const IDS = [
    Rpc.WifiInit,
    Rpc.SetMode,
    Rpc.SetMacAddress,
    Rpc.SetStorage,
    Rpc.WifiSetConfig,
    Rpc.WifiStart,
    Rpc.SetPs,
    Rpc.WifiConnect,
]

/** A program's own request: `ask` of wifi-scan.ts. @internal */
export interface Question {
    readonly id: Rpc
    /** The response's payload, as far as it fits. */
    readonly into: Buffer
    /** Bytes of the payload; -1 while the response is pending, -2 if it will not arrive. */
    length: number
}

let running: Wifi | undefined

/** Returns the Wi-Fi station that was created last. Throws a NetError ENETDOWN if the program has none. */
export function station(): Wifi {
    if (!running)
        throw netError("wifi: ", "ENETDOWN, there is no Wi-Fi station: call startNetwork with wifi() first")
    return running
}

/**
 * Returns a value for startNetwork's `mac`: a station of the network `ssid`. Throws a NetError EINVAL for a name or password that is
 * not valid.
 */
export function wifi(options: WifiOptions): (address: Buffer) => Mac {
    const given = options as Partial<Credentials>
    const { ssid, password } = given
    const network = ssid === undefined ? undefined : networkOf(ssid, password || "")
    return (address: Buffer): Mac => {
        running = new Wifi(options, address, network)
        return running
    }
}

/** A network's name and password as they are sent to the co-processor. */
interface Network {
    readonly ssid: Buffer
    readonly password: Buffer
}

/** Throws a NetError EINVAL for a name or password that is not valid. */
function networkOf(name: string, secret: string): Network {
    const ssid = Buffer.from(name)
    const password = Buffer.from(secret)
    // IEEE 802.11-2020, 9.4.2.2 and J.4.1
    if (ssid.length < 1 || ssid.length > 32)
        throw netError("wifi: ", "EINVAL, the ssid must be 1 to 32 bytes")
    if (password.length !== 0 && (password.length < 8 || password.length > 63))
        throw netError("wifi: ", 'EINVAL, the password must be 8 to 63 bytes, or ""')
    return { ssid, password }
}

/**
 * A Wi-Fi station as a program sees it: whether it is connected, and why not. `station` returns the one that is running.
 *
 * @devsWhenUsed
 */
export class Wifi extends EspHosted {
    /** Emitted when `linkUp` or `problem` has changed. */
    readonly onchange = ds.emitter<Wifi>()
    /** Signal of the access point in dBm while connected, updated every second. */
    rssi = 0
    /** Channel of the access point while connected. */
    channel = 0
    /** The access point's own address, 6 bytes. */
    readonly bssid = Buffer.alloc(6)
    /** Why the connection last ended or failed: ESP-IDF's wifi_err_reason_t. */
    reason = 0
    /** The firmware's version as the co-processor reports it: major * 65536 + minor * 256 + patch. */
    firmware = 0
    /** Number of events that report the end of a scan. @internal */
    scans = 0
    /** Text to report while the station is not connected: `problem`, or that it is joining. */
    noLink = JOINING
    private step = Step.Reset
    /** The request whose response is pending; 0 = none. */
    private asked = 0
    private uid = 0
    private tries = 0
    private waits = 0
    private joins = 0
    private delay = 0
    /** The longest delay after a refused password. */
    private refusedDelay = Time.LongestRefused
    /** The program's request. */
    private question: Question | undefined = undefined
    /** True when `asked` is the program's request. */
    private foreign = false

    /** @internal */
    constructor(
        private readonly options: WifiOptions,
        address: Buffer,
        private network: Network | undefined
    ) {
        super(options, address)
    }

    /** Returns false while there are no valid credentials. */
    private async prepare(): Promise<boolean> {
        const { credentials } = this.options as { credentials?: () => Promise<Credentials> }
        try {
            if (credentials && !this.network) {
                const { ssid, password } = await credentials()
                this.network = networkOf(ssid, password)
            }
            return true
        } catch (error) {
            const { message } = error as Error
            this.complain(message.slice(Math.max(0, message.indexOf("EINVAL"))))
            return false
        }
    }

    protected override isSetUp(): boolean {
        return this.step >= Step.Joining
    }

    protected override begin(): void {
        this.asked = 0
        this.answerQuestion(-2)
        this.next(Step.Reset, 0)
    }

    /** Sends a request of the program. Returns false while another one is pending. @internal */
    put(question: Question): boolean {
        if (this.question) return false
        this.question = question
        if (this.step === Step.Connected || this.step === Step.Delay) {
            if (this.asked === 0) this.dueAt = ds.millis() | 0
        }
        return true
    }

    /** Withdraws the request, because no fiber waits for its answer any more. @internal */
    withdraw(): void {
        this.question = undefined
        if (this.foreign) this.asked = 0
        this.foreign = false
    }

    protected override garbled(): void {
        // it was the first message, which is sent only once
        if (this.step !== Step.Boot) return
        this.waits = Tries.Looks
        this.dueAt = ds.millis() | 0
    }

    protected override booted(_chip: number, firmware: number, again: boolean): void {
        this.firmware = firmware
        this.asked = 0
        this.answerQuestion(-2)
        if (again) this.complain("ERESTART, the co-processor has started anew: look at its power")
        if (firmware < Version.First || firmware >= Version.Unknown) {
            this.next(Step.Refused, Time.Retry)
            const text = `${(firmware >> 16) & 255}.${(firmware >> 8) & 255}.${firmware & 255}`
            this.complain(
                `EPROTONOSUPPORT, the co-processor's firmware is ${text}: 2.12.12 is wanted, see docs/esp-hosted.md`
            )
        } else this.next(Step.Hello, 0)
    }

    protected override async turn(): Promise<void> {
        if (this.asked !== 0) {
            if (++this.tries >= Tries.Most) {
                const problem = `ENODEV, the co-processor does not answer request ${this.asked}: it is reset`
                this.lost()
                this.complain(problem)
                return
            }
            // the request is sent again below; a late response to the first try does no harm
            this.asked = 0
        }
        switch (this.step) {
            case Step.Boot:
                this.waits += this.handshake.value ? Tries.Awake : 1
                if (this.waits < Tries.Looks) this.next(Step.Boot, Time.Boot)
                else {
                    this.complain(this.silence())
                    this.next(Step.Reset, 0)
                }
                return
            case Step.Reset:
            case Step.Refused:
                if (!(await this.prepare())) {
                    this.next(Step.Reset, Time.Retry)
                    return
                }
                await this.restart()
                this.waits = 0
                this.next(Step.Boot, Time.Boot)
                return
            case Step.Joining:
                // The event that reports the outcome may be lost. A station that is joining ignores the repetition, one that is connected reports
                // that again, and a co-processor that has started anew refuses it (slave/main/slave_wifi_std.c, req_wifi_connect).
                if (++this.joins < Tries.Joins) {
                    this.step = Step.Connect
                    break
                }
                this.left(0)
                return
            case Step.Roaming:
                this.left(0)
                return
            case Step.Delay:
                if (!this.question) this.step = Step.Connect
                break
        }
        if (this.pending && this.waits++ < Tries.Waits) {
            this.dueAt = ((ds.millis() | 0) + Time.Soon) | 0
            return
        }
        // what the co-processor has not taken by now it will hardly take: the request in its place shows whether it is alive
        this.waits = 0
        if (this.step === Step.Hello) {
            this.out.blitAt(Header.Size, HELLO, 0, HELLO.length)
            this.post(Interface.Private, HELLO.length)
            this.next(Step.Init, 0)
        } else this.request()
    }

    /** Sends the request of this step. */
    private request(): void {
        const { step, out } = this
        let id = Rpc.StaGetRssi
        this.foreign = false
        if (step <= Step.Connect) id = IDS[step - Step.Init] as Rpc
        else if (this.question) {
            id = this.question.id
            this.foreign = true
        }
        this.uid = (this.uid & 0xffff) + 1
        const payload = beginRequest(out, id, this.uid)
        let at = payload
        let fixed = NONE
        switch (step) {
            case Step.Init:
                fixed = INIT
                break
            case Step.Mode:
            case Step.Storage:
                fixed = ONE
                break
            case Step.Address:
                at = putBytes(out, at, 1, this.address)
                break
            case Step.Config:
                at = this.config(at)
                break
        }
        out.blitAt(at, fixed, 0, fixed.length)
        this.post(Interface.Serial, endRequest(out, payload, at + fixed.length))
        this.asked = id
        this.next(step, step >= Step.Delay ? Time.Alive : Time.Response)
    }

    /** Writes WifiSetConfig's payload. */
    private config(at: number): number {
        const { out } = this
        const { ssid, password } = this.network as Network
        const choice = openMessage(out, at, 2)
        const sta = openMessage(out, choice, 2)
        at = putBytes(out, sta, Config.Ssid, ssid)
        at = putBytes(out, at, Config.Password, password)
        // all channels are looked at, and the strongest access point is taken (sort_method 0)
        at = putInt(out, at, Config.ScanMethod, 1)
        // WPA3 by either of its two ways, with management frames protected. With a password ESP-IDF joins nothing weaker than WPA2
        // (esp_wifi_types_generic.h, wifi_scan_threshold_t).
        const pmf = openMessage(out, at, Config.Pmf)
        at = closeMessage(out, pmf, putInt(out, pmf, 1, 1))
        at = putInt(out, at, Config.SaePwe, 3)
        return closeMessage(out, choice, closeMessage(out, sta, at))
    }

    protected override message(b: Buffer, at: number, length: number): void {
        if (!readMessage(b, at, length)) {
            this.count(MacCounter.BadLength)
            return
        }
        if (message.event) this.event(b)
        else if (this.asked !== 0 && message.uid === this.uid) this.answer(b)
    }

    /** Handles the response to `asked`. */
    private answer(b: Buffer): void {
        const { asked, step } = this
        this.asked = 0
        this.tries = 0
        // an id that is not the request's means that the firmware does not know the request
        const known = message.id === asked + Rpc.Response
        const status = known ? intField(b, message.at, message.end, 1) : -1
        if (this.foreign) {
            const { into } = this.question as Question
            const size = Math.min(message.end - message.at, into.length)
            into.blitAt(0, b, message.at, size)
            this.answerQuestion(known ? size : -2)
            this.next(step, step === Step.Delay ? Time.Soon : Time.Check)
        } else if (step === Step.Connected) {
            // the event that reported it was lost
            if (status !== 0) this.left(0)
            else {
                this.rssi = intField(b, message.at, message.end, 2)
                this.next(step, this.question ? 0 : Time.Check)
            }
        } else if (status !== 0) {
            this.lost()
            this.complain(`EPROTO, the co-processor refuses request ${asked} (${status}): it is reset`)
        } else if (step < Step.Connect) this.next(step + 1, 0)
        else if (step === Step.Connect) this.next(Step.Joining, Time.Join)
    }

    private event(b: Buffer): void {
        const { step } = this
        const { id } = message
        if (id === Rpc.StaScanDone) this.scans++
        // an event left over from an earlier connection
        if (step < Step.Connect) return
        if (id === Rpc.StaConnected) {
            if (!within(b, message.at, message.end, 2)) return
            const { at, end } = message
            this.channel = intField(b, at, end, 4)
            if (findField(b, at, end, 3, Wire.Bytes) > 0) {
                if (field.length === 6) this.bssid.blitAt(0, b, field.at, 6)
            }
            this.delay = 0
            this.refusedDelay = Time.FirstDelay
            this.asked = 0
            this.tries = 0
            if (!this.linkUp) {
                this.linkUp = true
                power.wake()
                this.reason = 0
                this.problem = ""
                this.noLink = JOINING
                this.onchange.emit(this)
            }
            this.next(Step.Connected, 0)
        } else if (id === Rpc.StaDisconnected) {
            if (!within(b, message.at, message.end, 2)) return
            const reason = intField(b, message.at, message.end, 4)
            // ESP-IDF's own network interface takes no notice of it (components/esp_wifi/src/wifi_netif.c)
            if (reason === Reason.Roaming && step === Step.Connected) {
                this.asked = 0
                this.next(Step.Roaming, Time.Roam)
            } else if (step !== Step.Delay) this.left(reason)
        }
    }

    /** Handles a station that is not connected: reports why, and joins again after a while. */
    private left(reason: number): void {
        const first = this.linkUp
        this.linkUp = false
        this.asked = 0
        this.tries = 0
        this.answerQuestion(-2)
        this.reason = reason
        this.joins = 0
        let longest = Time.LongestDelay
        const name = (this.network as Network).ssid.toString("utf-8")
        let what = `ENOLINK, the access point of "${name}" has ended the connection (reason ${reason})`
        switch (reason) {
            case Reason.NoApFound:
                what = `ENONET, there is no network "${name}" here: look at its name, and that it is in this band`
                break
            case Reason.NoCompatibleSecurity:
            case Reason.WeakSecurity:
                what = `ENONET, the network "${name}" has no WPA2 or WPA3 with a password`
                break
            case Reason.WeakSignal:
                what = `ENONET, the signal of "${name}" is too weak`
                break
            case Reason.BeaconTimeout:
                what = `ENOLINK, the access point of "${name}" is gone: is it on, and near enough?`
                break
            case Reason.FourWayHandshakeTimeout:
            case Reason.AuthFail:
            case Reason.HandshakeTimeout:
                // for a station that was connected, this means that its keys were not renewed in time
                if (first) break
                longest = this.refusedDelay
                what = `EACCES, the access point of "${name}" refuses the password: look at it`
                break
            case 0:
                what = first
                    ? `ENOLINK, the connection to "${name}" has ended without a report`
                    : `ETIMEDOUT, the co-processor says nothing of "${name}"`
                break
        }
        if (first) this.count(MacCounter.Repair)
        else this.delay = Math.min(longest, Math.max(Time.FirstDelay, 2 * this.delay))
        this.complain(what)
        this.next(Step.Delay, this.delay)
    }

    /** Ends the program's request. */
    private answerQuestion(length: number): void {
        if (this.question) this.question.length = length
        this.question = undefined
        this.foreign = false
    }

    /** Reports to the program and the console what is wrong, once. */
    private complain(problem: string): void {
        if (problem === this.problem) return
        this.problem = problem
        this.noLink = `no link: ${problem}`
        // start() throws it
        if (this.started) console.warn(`Wi-Fi: ${problem}`)
        this.onchange.emit(this)
    }

    private next(step: Step, ms: number): void {
        this.step = step
        this.dueAt = ((ds.millis() | 0) + ms) | 0
    }
}
