// Reads and writes the sections of an image. Only the function descriptors and the code are decoded.

import { ImageError } from "./errors"

/** Sections in the order of the header. */
export const Section = {
    Functions: 0,
    Code: 1,
    Floats: 2,
    Roles: 3,
    Ascii: 4,
    Utf8: 5,
    Buffers: 6,
    Strings: 7,
    Specs: 8,
    Configuration: 9,
} as const
const SECTIONS = 10
export const HEADER = 32 + 8 * SECTIONS
export const DESCRIPTOR = 16
const MAGIC = [0x5376_6544, 0xf129_6e0a]
const VERSION_AT = 8
const MAJOR = 2
/** The oldest version that the VM accepts is 2.7, the newest 2.16. */
const MINORS = { least: 7, greatest: 16 }
const ALIGNMENT = 32
/** The end of the last function has to be below this: the VM's program counter has 16 bits. */
export const CODE_LIMIT = 0x1_0000
const MOST_FUNCTIONS = 50_000

export const Flag = { This: 1, Constructor: 2, Rest: 4 } as const

/** A function of an image. */
export interface FunctionRecord {
    slots: number
    /** The number of slots that the caller fills: this, arguments, the array of the remaining arguments. */
    parameters: number
    flags: number
    /** Number of the string with the function's name. */
    name: number
    /** The largest number of nested try blocks. */
    tries: number
    code: Uint8Array
    /** Offset of the code in the image. */
    start: number
}

export interface ImageRecord {
    globals: number
    functions: FunctionRecord[]
    /** The first 32 bytes of the header. */
    head: Uint8Array
    /** The bytes of the sections after the code, in their order. */
    rest: Uint8Array[]
}

/** Reads an image. Throws an ImageError when a section is not where the VM expects it. */
export function readImage(given: Uint8Array): ImageRecord {
    // a copy: slices of Node's Buffer would share its memory
    const image = new Uint8Array(given)
    if (image.length < HEADER) throw new ImageError(`an image of ${image.length} bytes has no header`)
    const view = new DataView(image.buffer, image.byteOffset, image.length)
    const word = (at: number) => view.getUint32(at, true)
    if (word(0) !== MAGIC[0] || word(4) !== MAGIC[1])
        throw new ImageError("this is not a DeviceScript image: it does not begin with the magic number")
    const major = image[VERSION_AT + 3]
    const minor = image[VERSION_AT + 2]
    if (major !== MAJOR || minor < MINORS.least || minor > MINORS.greatest)
        throw new ImageError(`the image has version ${major}.${minor}, which the optimizer does not know`)
    const sections: Uint8Array[] = []
    let end = HEADER
    for (let n = 0; n < SECTIONS; n++) {
        const start = word(32 + 8 * n)
        const length = word(36 + 8 * n)
        if (start !== end || start % 4 !== 0 || length % 4 !== 0 || start + length > image.length)
            throw new ImageError(
                `section ${n} of the image is in the wrong place: at ${start}, ${length} bytes`
            )
        end = start + length
        sections.push(image.subarray(start, end))
    }
    return {
        globals: view.getUint16(12, true),
        functions: readFunctions(image, view, word(32), sections[Section.Functions].length, word(40)),
        head: image.slice(0, 32),
        rest: sections.slice(Section.Floats).map(section => section.slice()),
    }
}

function readFunctions(
    image: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    codeStart: number
): FunctionRecord[] {
    if (length % DESCRIPTOR !== 0 || length === 0)
        throw new ImageError(
            `the function descriptors take ${length} bytes, which is not one or more records of ${DESCRIPTOR}`
        )
    const codeEnd = codeStart + view.getUint32(44, true)
    const functions: FunctionRecord[] = []
    let start = codeStart
    for (let place = at; place < at + length; place += DESCRIPTOR) {
        const bytes = view.getUint32(place + 4, true)
        if (view.getUint32(place, true) !== start || bytes % 4 !== 0 || start + bytes > codeEnd)
            throw new ImageError(`function ${functions.length} does not follow the function before it`)
        functions.push({
            slots: view.getUint16(place + 8, true),
            parameters: image[place + 10],
            flags: image[place + 11],
            name: view.getUint16(place + 12, true),
            tries: image[place + 14],
            code: image.slice(start, start + bytes),
            start,
        })
        start += bytes
    }
    return functions
}

/** Writes an image, and sets `start` of its functions. */
export function writeImage({ globals, functions, head, rest }: ImageRecord): Uint8Array {
    if (functions.length >= MOST_FUNCTIONS)
        throw new ImageError(
            `${functions.length} functions are too many: the VM takes fewer than ${MOST_FUNCTIONS}`
        )
    const table = new Uint8Array(functions.length * DESCRIPTOR)
    const descriptors = new DataView(table.buffer)
    let start = HEADER + table.length
    const code: Uint8Array[] = []
    functions.forEach((record, n) => {
        const length = padded(record.code.length, 4)
        const at = n * DESCRIPTOR
        record.start = start
        descriptors.setUint32(at, start, true)
        descriptors.setUint32(at + 4, length, true)
        descriptors.setUint16(at + 8, record.slots, true)
        table[at + 10] = record.parameters
        table[at + 11] = record.flags
        descriptors.setUint16(at + 12, record.name, true)
        table[at + 14] = record.tries
        const bytes = new Uint8Array(length)
        bytes.set(record.code)
        code.push(bytes)
        start += length
    })
    const sections = [table, join(code), ...rest]
    const header = new Uint8Array(HEADER)
    header.set(head)
    const view = new DataView(header.buffer)
    view.setUint16(12, globals, true)
    let at = HEADER
    sections.forEach((section, n) => {
        view.setUint32(32 + 8 * n, at, true)
        view.setUint32(36 + 8 * n, section.length, true)
        at += section.length
    })
    return join([header, ...sections, new Uint8Array(padded(at, ALIGNMENT) - at)])
}

/** Returns the bytes that the VM's limit counts: the header, and a descriptor and the padded code of each function. */
export function limitedBytes(functions: { code: Uint8Array }[]): number {
    return functions.reduce((sum, { code }) => sum + DESCRIPTOR + padded(code.length, 4), HEADER)
}

export function padded(length: number, alignment: number): number {
    return Math.ceil(length / alignment) * alignment
}

function join(parts: Uint8Array[]): Uint8Array {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
        whole.set(part, at)
        at += part.length
    }
    return whole
}
