// The access point in reach of a modelled Wi-Fi co-processor: its name, its password, and whether it is in reach.

/** Kinds of security, by ESP-IDF's wifi_auth_mode_t (esp_wifi_types_generic.h). */
export const AuthMode = { Open: 0, Wpa2: 3, Wpa3: 6, Wpa2Wpa3: 7 } as const
export type AuthMode = (typeof AuthMode)[keyof typeof AuthMode]

/** Why a station is disconnected, by ESP-IDF's wifi_err_reason_t. */
export const Reason = {
    AuthLeave: 3,
    AssocLeave: 8,
    HandshakeTimeout: 15,
    BeaconTimeout: 200,
    NoApFound: 201,
    AuthFail: 202,
    Roaming: 207,
    NoCompatibleSecurity: 210,
    AuthModeThreshold: 211,
    RssiThreshold: 212,
} as const

/** A station's request: the fields of wifi_sta_config that decide. */
export interface StationConfig {
    ssid: string
    password: string
    /** The weakest AuthMode that the station accepts. */
    authMode: number
    /** The weakest signal that the station accepts, dBm. */
    rssi: number
}

export interface AccessPointOptions {
    /** At most 32 bytes. */
    ssid?: string
    /** 8 to 63 characters; not used with AuthMode.Open. */
    password?: string
    authMode?: AuthMode
}

/** The outcome of an attempt to connect, and its duration in milliseconds. */
export interface Attempt {
    /** Undefined when the station is connected, else a Reason. */
    readonly reason: number | undefined
    readonly ms: number
}

/** The duration of the steps of an attempt, ms: a scan of the channels, an association, and the failures of a handshake. */
const Time = { Scan: 600, Associate: 150, Handshake: 3000, Sae: 900 } as const

/** The name and password of the access point that the simulator has in reach. */
export const accessPoint = { ssid: "three-way", password: "handshake" } as const

export class AccessPoint {
    ssid: string
    password: string
    authMode: AuthMode
    /** Signal strength at the station, dBm. */
    rssi = -52
    channel = 6
    /** False while the access point is switched off, or out of reach. */
    on = true
    /** The access points of a network that roams: the station is connected to one of them. */
    readonly bssids = [Uint8Array.of(0x02, 0xa9, 0, 0, 0, 1), Uint8Array.of(0x02, 0xa9, 0, 0, 0, 2)] as const
    private current = 0

    constructor({
        ssid = accessPoint.ssid,
        password = accessPoint.password,
        authMode = AuthMode.Wpa2,
    }: AccessPointOptions = {}) {
        this.ssid = ssid
        this.password = password
        this.authMode = authMode
    }

    /** The address of the radio that the station is connected to. */
    get bssid(): Uint8Array {
        return this.bssids[this.current]!
    }

    /** Hands the station over to the network's other radio. */
    roam(): void {
        this.current = 1 - this.current
    }

    /** Decides how an attempt to connect with this configuration ends. */
    attempt({ ssid, password, authMode, rssi }: StationConfig): Attempt {
        const no = (reason: number, ms: number = Time.Scan): Attempt => ({ reason, ms })
        if (!this.on || ssid !== this.ssid) return no(Reason.NoApFound)
        if (this.rssi < rssi) return no(Reason.RssiThreshold)
        const secure = this.authMode !== AuthMode.Open
        if (secure && password === "") return no(Reason.NoCompatibleSecurity)
        // with a password ESP-IDF joins nothing weaker than WPA2 (esp_wifi_types_generic.h, wifi_scan_threshold_t)
        const weakest = password === "" ? authMode : Math.max(authMode, AuthMode.Wpa2)
        if (this.authMode < weakest) return no(Reason.AuthModeThreshold)
        if (secure && password !== this.password) {
            // SAE detects a wrong password at once; in WPA2 the four-way handshake is not answered
            if (this.authMode === AuthMode.Wpa3) return no(Reason.AuthFail, Time.Scan + Time.Sae)
            return no(Reason.HandshakeTimeout, Time.Scan + Time.Handshake)
        }
        return { reason: undefined, ms: Time.Scan + Time.Associate }
    }
}
