// The console's commands that move data: send and read. They write bytes that are not printable ASCII as \n \r \t \xNN, a backslash as \\.

import { Buffer } from "@devicescript/core"
import type { Print } from "../inspect/text"
import { hexDigit } from "../net/address"
import { read, stateOf, write } from "../tcp/calls"
import { stateName, Tcb, TcpError } from "../tcp/records"
import { findConnection } from "../tcp/tables"
import { type Device, explain } from "./commands"

const enum Char {
    Tab = 9,
    LineFeed = 10,
    CarriageReturn = 13,
    Backslash = 92,
    n = 110,
    r = 114,
    t = 116,
    x = 120,
}

const enum Size {
    /** Bytes read at a time. */
    Chunk = 64,
    /** Columns after which a line of output is broken, and the bytes of the longest line: its last character may take four. */
    Columns = 76,
    Line = 80,
}

/** Runs `send ID TEXT`: sends as much as the send buffer has room for. */
export async function sendCommand(device: Device, id: number, text: string, print: Print): Promise<string> {
    if (text === "") return "TEXT is missing"
    const bytes = Buffer.from(text)
    const length = takeEscapes(bytes)
    if (length < 0) return "a backslash must be followed by n, r, t, \\ or x and two hexadecimal digits"
    const taken = write(device.stack, id, bytes, 0, length)
    if (taken < 0) return `${explain(device.stack, taken, id)} (${stateName(stateOf(device.stack, id))})`
    if (taken === 0) return `no room: the send buffer of ${device.stack.sendSize} bytes is full`
    device.poke()
    await print(`${taken} of ${length} bytes queued`)
    return ""
}

/**
 * Replaces escapes with the bytes that they stand for. Returns the number of bytes in the result; -1 if an escape is not valid.
 */
function takeEscapes(b: Buffer): number {
    let to = b.indexOf(Char.Backslash)
    if (to < 0) return b.length
    for (let from = to; from < b.length; from++) {
        let byte = b.getAt(from, "u8")
        if (byte === Char.Backslash) {
            from++
            if (from >= b.length) return -1
            byte = b.getAt(from, "u8")
            if (byte === Char.n) byte = Char.LineFeed
            else if (byte === Char.r) byte = Char.CarriageReturn
            else if (byte === Char.t) byte = Char.Tab
            else if (byte === Char.x) {
                if (from + 2 >= b.length) return -1
                const high = hexDigit(b.getAt(from + 1, "u8"))
                const low = hexDigit(b.getAt(from + 2, "u8"))
                if (high < 0 || low < 0) return -1
                byte = high * 16 + low
                from += 2
            } else if (byte !== Char.Backslash) return -1
        }
        b.setAt(to++, "u8", byte)
    }
    return to
}

/** Runs `read ID`: prints all data received so far, then the state of the stream. */
export async function readCommand(device: Device, id: number, print: Print): Promise<string> {
    const stack = device.stack
    const chunk = Buffer.alloc(Size.Chunk)
    const line = Buffer.alloc(Size.Line)
    const c = findConnection(stack, id)
    // reads only the data received so far: a peer that keeps sending would keep this loop running
    let left = c ? c.getAt(Tcb.ReceiveLength, "u16") : 0
    const nothing = left === 0
    let at = 0
    while (left > 0) {
        const n = read(stack, id, chunk, 0, Math.min(left, Size.Chunk))
        if (n <= 0) break
        left -= n
        for (let i = 0; i < n; i++) {
            const byte = chunk.getAt(i, "u8")
            at = putEscaped(line, at, byte)
            if (byte !== Char.LineFeed && at < Size.Columns) continue
            await print(line.slice(0, at).toString())
            at = 0
        }
        device.poke()
        await device.sleep(0)
    }
    if (at > 0) await print(line.slice(0, at).toString())
    const state = read(stack, id, chunk, 0, 0)
    if (state === TcpError.Eof) await print("end of stream")
    else if (state < 0) return explain(device.stack, state, id)
    else if (nothing) await print("nothing to read yet")
    return ""
}

/** Writes a byte as text into `line` at `at`, and returns the offset for the next one. */
function putEscaped(line: Buffer, at: number, byte: number): number {
    let letter = 0
    if (byte === Char.Backslash) letter = Char.Backslash
    else if (byte === Char.LineFeed) letter = Char.n
    else if (byte === Char.CarriageReturn) letter = Char.r
    else if (byte === Char.Tab) letter = Char.t
    else if (byte < 32 || byte > 126) letter = Char.x
    else {
        line.setAt(at, "u8", byte)
        return at + 1
    }
    line.setAt(at, "u8", Char.Backslash)
    line.setAt(at + 1, "u8", letter)
    if (letter !== Char.x) return at + 2
    line.setAt(at + 2, "u8", hexLetter(byte >> 4))
    line.setAt(at + 3, "u8", hexLetter(byte & 15))
    return at + 4
}

function hexLetter(value: number): number {
    return value < 10 ? 48 + value : 87 + value
}
