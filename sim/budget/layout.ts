// An image's parts by its own header: what of it the VM's limit counts.

/** Bytes of an image. */
export interface Layout {
    /** Header, function descriptors and code: what the limit counts. */
    code: number
    image: number
    header: number
    functions: FunctionBytes[]
    /** What lies behind the code, by kind. */
    data: { name: string; bytes: number }[]
}

export interface FunctionBytes {
    /** Of its code, from the image's beginning. */
    start: number
    length: number
}

const HEADER = 112
const DESCRIPTOR = 16
/** Pairs of start and length in the header, in the order of the sections. */
const SECTIONS = 32
const Section = { Functions: 0, Code: 1 } as const
const DATA = [
    "floats",
    "roles",
    "ASCII strings",
    "UTF-8 strings",
    "buffers",
    "strings' bytes",
    "services",
    "settings",
]
const MAGIC = "DevS"

/** What `code` counts besides the functions' own. */
export { DESCRIPTOR, HEADER }

/** Takes an image apart. Throws when it is none. */
export function layoutOf(image: Uint8Array): Layout {
    const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
    if (image.length < HEADER || String.fromCharCode(...image.subarray(0, 4)) !== MAGIC) {
        throw new Error("this is no DeviceScript image")
    }
    const section = (index: number) => ({
        start: view.getUint32(SECTIONS + index * 8, true),
        length: view.getUint32(SECTIONS + index * 8 + 4, true),
    })
    const descriptors = section(Section.Functions)
    const code = section(Section.Code)
    if (code.start + code.length > image.length || descriptors.start + descriptors.length > code.start) {
        throw new Error("this image is cut off, or of another version")
    }
    const functions: FunctionBytes[] = []
    for (let at = descriptors.start; at < descriptors.start + descriptors.length; at += DESCRIPTOR) {
        functions.push({ start: view.getUint32(at, true), length: view.getUint32(at + 4, true) })
    }
    return {
        code: code.start + code.length,
        image: image.length,
        header: descriptors.start,
        functions,
        data: DATA.map((name, index) => ({ name, bytes: section(index + 2).length })).filter(
            ({ bytes }) => bytes > 0
        ),
    }
}
