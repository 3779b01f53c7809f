// Requests of a program to its Wi-Fi station besides the connection: the networks in reach.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { netError } from "../base/errors"
import { field, findField, intField, Wire } from "../wire/protobuf"
import { Rpc } from "./esp-hosted-rpc"
import type { Question, Wifi } from "./wifi"

/** Milliseconds. */
const enum Time {
    /** A scan of all channels takes 2 to 4 s; a busy co-processor begins later. */
    Scan = 15000,
    Answer = 10000,
    Slice = 20,
}

const enum Size {
    /** Room for a wifi_ap_record, whose parts are of fixed size, with the response around it. */
    Record = 192,
    /** The most networks that a scan returns. */
    Most = 20,
}

/** Fields of wifi_ap_record (esp-hosted-mcu 2.12.12, common/proto/esp_hosted_rpc.proto). */
const enum ApRecord {
    Bssid = 1,
    Ssid = 2,
    Channel = 3,
    Rssi = 5,
    Security = 6,
}

/** An access point that `scan` found. */
export interface AccessPoint {
    /** The network's name, "" for a hidden network. */
    ssid: string
    /** Strength of its signal in dBm. */
    rssi: number
    /** Its channel. */
    channel: number
    /** ESP-IDF's wifi_auth_mode_t: 0 open, 2 WPA, 3 WPA2, 4 WPA or WPA2, 6 WPA3, 7 WPA2 or WPA3. */
    security: number
    /** Its own address, 6 bytes. */
    bssid: Buffer
}

/**
 * Sends a request without payload. Returns the number of bytes of the response's payload in `into`, below 0 if the response has
 * no payload.
 */
async function ask(station: Wifi, id: Rpc, into: Buffer): Promise<number> {
    const question: Question = { id, into, length: -1 }
    while (!station.put(question)) await ds.sleep(Time.Slice)
    const until = ds.millis() + Time.Answer
    while (question.length === -1) {
        await ds.sleep(Time.Slice)
        if (ds.millis() <= until) continue
        station.withdraw()
        break
    }
    return question.length
}

/**
 * Returns the access points in reach, the strongest first. Frames wait meanwhile, for some seconds, if the station is connected. Throws a
 * NetError: EBUSY (the station is joining), ETIMEDOUT.
 */
export async function scan(station: Wifi): Promise<AccessPoint[]> {
    const into = Buffer.alloc(Size.Record)
    const { scans } = station
    let length = await ask(station, Rpc.ScanStart, into)
    if (length < 0) throw netError("scan: ", "ETIMEDOUT, the co-processor does not answer: try again")
    const status = intField(into, 0, length, 1)
    // ESP-IDF's ESP_ERR_WIFI_STATE and the like
    if (status !== 0)
        throw netError("scan: ", `EBUSY, the station does not scan now (${status}): it is joining, try again`)
    const until = ds.millis() + Time.Scan
    while (station.scans === scans) {
        if (ds.millis() > until) throw netError("scan: ", "ETIMEDOUT, the scan does not end: try again")
        await ds.sleep(Time.Slice)
    }
    const found: AccessPoint[] = []
    while (found.length < Size.Most) {
        // each request removes a record from the co-processor's list; a status other than 0 means that the list is empty
        length = await ask(station, Rpc.ScanGetApRecord, into)
        if (length < 0 || intField(into, 0, length, 1) !== 0) break
        if (findField(into, 0, length, 2, Wire.Bytes) <= 0) break
        const at = field.at
        const end = at + field.length
        const bssid = Buffer.alloc(6)
        if (findField(into, at, end, ApRecord.Bssid, Wire.Bytes) > 0) {
            if (field.length === 6) bssid.blitAt(0, into, field.at, 6)
        }
        let ssid = ""
        if (findField(into, at, end, ApRecord.Ssid, Wire.Bytes) > 0) {
            // the name ends with a zero unless it is 32 bytes long (slave/main/slave_control.h, RPC_COPY_STR)
            let { length: size } = field
            if (size > 0) {
                if (into.getAt(field.at + size - 1, "u8") === 0) size--
            }
            ssid = into.slice(field.at, field.at + size).toString("utf-8")
        }
        found.push({
            ssid,
            rssi: intField(into, at, end, ApRecord.Rssi),
            channel: intField(into, at, end, ApRecord.Channel),
            security: intField(into, at, end, ApRecord.Security),
            bssid,
        })
    }
    return found
}
