// Builds the blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian.

import { LINKTYPE_ETHERNET } from "./link-layer"

/** The direction of a packet at the interface on which it was captured. */
export type Direction = "in" | "out"

const BLOCK_SECTION = 0x0a0d0d0a
const BLOCK_INTERFACE = 1
const BLOCK_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
/** Codes of options. Each kind of block has its own codes above 1. */
const OPT_COMMENT = 1
const SECTION_APPLICATION = 4
const INTERFACE_NAME = 2
const INTERFACE_DESCRIPTION = 3
const INTERFACE_RESOLUTION = 9
const PACKET_FLAGS = 2
const MAX_OPTION = 65_535

interface Option {
    readonly code: number
    readonly value: Uint8Array
}

/** Builds the first block of a file, which names the program that wrote it. */
export function sectionBlock(application: string): Uint8Array {
    const body = new Uint8Array(16)
    const view = new DataView(body.buffer)
    view.setUint32(0, BYTE_ORDER_MAGIC, true)
    view.setUint16(4, 1, true) // version 1.0
    view.setBigInt64(8, -1n, true) // the length of the section is not known before its end
    return block(BLOCK_SECTION, [body], [text(SECTION_APPLICATION, application)])
}

/** Builds the block of an Ethernet interface whose timestamps count nanoseconds. */
export function interfaceBlock(name: string, description: string): Uint8Array {
    const body = new Uint8Array(8) // the snap length stays 0: packets are never cut
    new DataView(body.buffer).setUint16(0, LINKTYPE_ETHERNET, true)
    const options = [text(INTERFACE_NAME, name)]
    if (description !== "") options.push(text(INTERFACE_DESCRIPTION, description))
    options.push({ code: INTERFACE_RESOLUTION, value: Uint8Array.of(9) })
    return block(BLOCK_INTERFACE, [body], options)
}

/** Builds the block of one packet; `time` is in nanoseconds since 1970. */
export function packetBlock(
    iface: number,
    time: bigint,
    frame: Uint8Array,
    direction: Direction | undefined,
    comments: readonly string[]
): Uint8Array {
    const body = new Uint8Array(20)
    const view = new DataView(body.buffer)
    view.setUint32(0, iface, true)
    view.setUint32(4, Number((time >> 32n) & 0xffff_ffffn), true)
    view.setUint32(8, Number(time & 0xffff_ffffn), true)
    view.setUint32(12, frame.length, true)
    view.setUint32(16, frame.length, true)
    const options = comments.map(comment => text(OPT_COMMENT, comment))
    if (direction !== undefined) {
        options.push({ code: PACKET_FLAGS, value: Uint8Array.of(direction === "in" ? 1 : 2, 0, 0, 0) })
    }
    return block(BLOCK_PACKET, [body, frame], options)
}

function block(type: number, parts: readonly Uint8Array[], options: readonly Option[]): Uint8Array {
    let length = 12
    for (const part of parts) length += padded(part.length)
    for (const option of options) length += 4 + padded(option.value.length)
    if (options.length > 0) length += 4
    const bytes = new Uint8Array(length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, type, true)
    view.setUint32(4, length, true)
    let at = 8
    const put = (part: Uint8Array) => {
        bytes.set(part, at)
        at += padded(part.length)
    }
    parts.forEach(put)
    for (const option of options) {
        view.setUint16(at, option.code, true)
        view.setUint16(at + 2, option.value.length, true)
        at += 4
        put(option.value)
    }
    view.setUint32(length - 4, length, true) // the end-of-options option before the length is all zeros
    return bytes
}

function padded(length: number): number {
    return (length + 3) & ~3
}

/** Builds a text option; a text that is too long for an option is cut after a whole character. */
function text(code: number, value: string): Option {
    const bytes = new TextEncoder().encode(value)
    let end = Math.min(bytes.length, MAX_OPTION)
    while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--
    return { code, value: bytes.subarray(0, end) }
}
