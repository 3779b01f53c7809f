// Reads and writes the strings of an image. ASCII and UTF-8 strings have separate tables; an ASCII string may be in either.

import { type ImageRecord, padded, Section } from "./image"

interface Strings {
    ascii: Uint8Array[]
    utf8: Uint8Array[]
    buffers: Uint8Array[]
}

/** A UTF-8 string stores the offset of every 16th character. */
const STRIDE = 16

const index = (section: number) => section - Section.Floats

export function readStrings({ rest }: ImageRecord): Strings {
    const data = rest[index(Section.Strings)]
    const table = (section: number) => {
        const bytes = rest[index(section)]
        return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    const strings: Strings = { ascii: [], utf8: [], buffers: [] }
    const ascii = table(Section.Ascii)
    for (let at = 0; at < ascii.byteLength; at += 2) {
        const start = ascii.getUint16(at, true)
        strings.ascii.push(data.slice(start, data.indexOf(0, start)))
    }
    const utf8 = table(Section.Utf8)
    for (let at = 0; at < utf8.byteLength; at += 4) {
        const start = utf8.getUint32(at, true)
        const size = data[start] | (data[start + 1] << 8)
        const length = data[start + 2] | (data[start + 3] << 8)
        const text = start + 4 + 2 * Math.floor(length / STRIDE)
        strings.utf8.push(data.slice(text, text + size))
    }
    const buffers = table(Section.Buffers)
    for (let at = 0; at < buffers.byteLength; at += 8) {
        const start = buffers.getUint32(at, true)
        strings.buffers.push(data.slice(start, start + buffers.getUint32(at + 4, true)))
    }
    return strings
}

export function writeStrings({ rest }: ImageRecord, { ascii, utf8, buffers }: Strings): void {
    const data: number[] = []
    const put = (bytes: Uint8Array) => {
        for (const byte of bytes) data.push(byte)
    }
    const putWord = (word: number) => data.push(word & 0xff, word >> 8)
    const align = () => {
        while (data.length % 4 !== 0) data.push(0)
    }
    const asciiTable = new Uint16Array(padded(ascii.length, 2))
    ascii.forEach((text, n) => {
        asciiTable[n] = data.length
        put(text)
        data.push(0)
    })
    const utf8Table = new Uint32Array(utf8.length)
    utf8.forEach((text, n) => {
        align()
        utf8Table[n] = data.length
        const starts: number[] = []
        text.forEach((byte, at) => {
            if ((byte & 0xc0) !== 0x80) starts.push(at)
        })
        putWord(text.length)
        putWord(starts.length)
        for (let k = STRIDE; k <= starts.length; k += STRIDE) putWord(starts[k] ?? text.length)
        put(text)
        data.push(0)
    })
    const bufferTable = new Uint32Array(2 * buffers.length)
    buffers.forEach((bytes, n) => {
        align()
        bufferTable[2 * n] = data.length
        bufferTable[2 * n + 1] = bytes.length
        put(bytes)
    })
    data.push(0)
    align()
    // the VM's machines are little-endian, like Node's
    rest[index(Section.Ascii)] = new Uint8Array(asciiTable.buffer)
    rest[index(Section.Utf8)] = new Uint8Array(utf8Table.buffer)
    rest[index(Section.Buffers)] = new Uint8Array(bufferTable.buffer)
    rest[index(Section.Strings)] = Uint8Array.from(data)
}
