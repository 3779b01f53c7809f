// Formats columns and numbers for people.

import type { Buffer } from "@devicescript/core"
import { swap16 } from "../base/bytes"
import { word } from "../base/words"
import { ipv4Text } from "../net/address"

/** Prints one line of a command's output, passed without its line end. The command continues when the line has left. */
export type Print = (text: string) => void | Promise<void>

/** Returns the words of a line, which any number of spaces may separate. */
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

/** Returns `text` padded on the right to `width`; longer text is not cut. */
export function padRight(text: string, width: number): string {
    return text + blanks(width - text.length)
}

/** Returns `text` padded on the left to `width`; longer text is not cut. */
export function padLeft(text: string, width: number): string {
    return blanks(width - text.length) + text
}

/** Returns the milliseconds at `at` as seconds with three decimals. */
export function secondsAt(record: Buffer, at: number): string {
    const ms = record.getAt(at, "u32")
    const seconds = Math.floor(ms / 1000)
    const rest = ms - seconds * 1000
    return `${seconds}.${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}`
}

/** Returns an address and port, both given in network order, as text. */
export function endpoint(ip: number, port: number): string {
    return `${ipv4Text(ip)}:${swap16(port)}`
}

/** Returns the peer's address and port, for `ports` in the form of Tcb.Ports. */
export function remoteText(ip: number, ports: number): string {
    return endpoint(ip, ports & 0xffff)
}

/** Returns this host's address and port, for `ports` in the form of Tcb.Ports. */
export function localText(ip: number, ports: number): string {
    return endpoint(ip, ports >>> 16)
}

/** Names of the control bits in the order in which they are printed, and the number of each bit. */
const flagNames = "RST SYN FIN PSH URG ECE CWR ACK"
const flagBits = "21035674"

/** Returns the names of control bits, such as SYN-ACK. */
export function flagText(flags: number): string {
    let text = ""
    for (let i = 0; i < 8; i++) {
        if (flags & (1 << (flagBits.charCodeAt(i) - 48))) text += `-${word(flagNames, i)}`
    }
    return text === "" ? "none" : text.slice(1)
}
