// Columns and numbers as people read them.

import type { Buffer } from "@devicescript/core"
import { swap16 } from "../base/bytes"
import { word } from "../base/words"
import { ipv4Text } from "../net/address"

/** The words of a line; any number of spaces stands between them. */
export function wordsOf(line: string): string[] {
    const words: string[] = []
    let start = 0
    while (start < line.length) {
        let end = line.indexOf(" ", start)
        if (end < 0) end = line.length
        if (end > start) words.push(line.slice(start, end))
        start = end + 1
    }
    return words
}

function blanks(count: number): string {
    let text = ""
    for (; count > 16; count -= 16) text += "                "
    return count > 0 ? text + "                ".slice(0, count) : text
}

/** Text at the left of a column; never cut. */
export function left(text: string, width: number): string {
    return text + blanks(width - text.length)
}

/** Text at the right of a column; never cut. */
export function right(text: string, width: number): string {
    return blanks(width - text.length) + text
}

/** Seconds with three digits behind the point, from the milliseconds at `at`. */
export function secondsAt(record: Buffer, at: number): string {
    const ms = record.getAt(at, "u32")
    const seconds = Math.floor(ms / 1000)
    const rest = ms - seconds * 1000
    return `${seconds}.${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}`
}

/** Address and port, from the address as the wire has it and a port in network order. */
export function endpoint(ip: number, port: number): string {
    return `${ipv4Text(ip)}:${swap16(port)}`
}

/** The peer of a record with ports as Tcb.Ports has them. */
export function remoteText(ip: number, ports: number): string {
    return endpoint(ip, ports & 0xffff)
}

/** This host's end of it. */
export function localText(ip: number, ports: number): string {
    return endpoint(ip, (ports >> 16) & 0xffff)
}

/** Control bits in the order in which they are named: their names, and which bits they are. */
const flagNames = "RST SYN FIN PSH URG ECE CWR ACK"
const flagBits = "21035674"

/** Control bits by name, such as SYN-ACK. */
export function flagText(flags: number): string {
    let text = ""
    for (let i = 0; i < 8; i++) {
        if (flags & (1 << (flagBits.charCodeAt(i) - 48))) text += `-${word(flagNames, i)}`
    }
    return text === "" ? "none" : text.slice(1)
}
