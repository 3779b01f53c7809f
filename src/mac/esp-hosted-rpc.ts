// ESP-Hosted's remote calls: protobuf messages after the name of an endpoint, on the serial interface (esp-hosted-mcu 2.12.12:
// common/proto/esp_hosted_rpc.proto for all numbers, slave/main/protocomm_pserial.c, compose_tlv, for the bytes before them).

import type { Buffer } from "@devicescript/core"
import { closeMessage, Found, field, findField, intField, openMessage, putInt, Wire } from "../wire/protobuf"
import { Header } from "./esp-hosted-frame"

/**
 * RpcId: requests, whose responses have numbers 256 higher, and events. A message's payload field has the number of the message's
 * id.
 */
export const enum Rpc {
    SetMacAddress = 258,
    SetMode = 260,
    SetPs = 270,
    WifiInit = 278,
    WifiStart = 280,
    WifiConnect = 282,
    WifiSetConfig = 284,
    ScanStart = 286,
    ScanGetApNum = 288,
    SetStorage = 313,
    StaGetRssi = 341,
    ScanGetApRecord = 351,
    /** Distance from a request's number to its response's. */
    Response = 256,
    StaScanDone = 774,
    StaConnected = 775,
    StaDisconnected = 776,
}

/** RpcType. */
const enum Type {
    Request = 1,
    Response = 2,
    Event = 3,
}

/** Fields of the message Rpc. */
const enum Field {
    Type = 1,
    Id = 2,
    Uid = 3,
}

/** The endpoint before a message: 1, length 6, "RPCRsp" or "RPCEvt", then 2 and the message's length; all in 12 bytes. */
const enum Endpoint {
    /** 1, 6, 0, "R". */
    Start = 0x52000601,
    /** "PCRs". */
    Middle = 0x73524350,
    /** "p", 2. */
    End = 0x0270,
    Length = 10,
    Size = 12,
}

/** The message that `readMessage` has read. */
export const message = {
    /** False for a response. */
    event: false,
    id: 0,
    uid: 0,
    /** The offsets at which the payload begins and ends. */
    at: 0,
    end: 0,
}

/** Begins a request at the place of a frame in `out`. Returns the offset of its payload. */
export function beginRequest(out: Buffer, id: Rpc, uid: number): number {
    const start = Header.Size + Endpoint.Size
    return openMessage(
        out,
        putInt(out, putInt(out, putInt(out, start, Field.Type, Type.Request), Field.Id, id), Field.Uid, uid),
        id
    )
}

/** Ends a request whose payload is from `payload` to `at`. Returns its length with the endpoint. */
export function endRequest(out: Buffer, payload: number, at: number): number {
    closeMessage(out, payload, at)
    out.setAt(Header.Size, "i32", Endpoint.Start)
    out.setAt(Header.Size + 4, "i32", Endpoint.Middle)
    out.setAt(Header.Size + 8, "u16", Endpoint.End)
    out.setAt(Header.Size + Endpoint.Length, "u16", at - Header.Size - Endpoint.Size)
    return at - Header.Size
}

/** Reads the response or event of `length` bytes at `at` into `message`. Returns false when the bytes are not a message. */
export function readMessage(b: Buffer, at: number, length: number): boolean {
    if (length < Endpoint.Size || b.getAt(at, "i32") !== Endpoint.Start) return false
    const size = b.getAt(at + Endpoint.Length, "u16")
    if (size + Endpoint.Size > length) return false
    at += Endpoint.Size
    const end = at + size
    const type = intField(b, at, end, Field.Type)
    if (type !== Type.Response && type !== Type.Event) return false
    message.event = type === Type.Event
    message.id = intField(b, at, end, Field.Id)
    message.uid = intField(b, at, end, Field.Uid)
    // the co-processor's answer to a request that it does not know has no payload (slave/main/slave_control.c, esp_rpc_command_dispatcher)
    if (!within(b, at, end, message.id)) return false
    return true
}

/**
 * Looks for a message within a message: `message.at` and `end` are then its bounds; a message that is absent is empty. Returns
 * false when it is malformed.
 */
export function within(b: Buffer, at: number, end: number, number: number): boolean {
    const found = findField(b, at, end, number, Wire.Bytes)
    message.at = field.at
    message.end = found === Found.Yes ? field.at + field.length : field.at
    return found !== Found.Malformed
}
