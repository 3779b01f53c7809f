// The host's end of the byte pipe to a program: boards/host/pipe.ts is the other one and describes the protocol.

export const Op = {
    PinWrite: 1,
    PinRead: 2,
    Spi: 3,
    Idle: 4,
    Line: 5,
    Reply: 6,
    Event: 7,
    Boot: 8,
} as const

/** A message's header; what is written to `size` and `value` the program reads as the answer. */
export class Header {
    private readonly view: DataView

    constructor(bytes: Uint8Array) {
        this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }

    get op(): number {
        return this.view.getUint8(0)
    }

    get argument(): number {
        return this.view.getUint8(1)
    }

    get size(): number {
        return this.view.getUint16(2, true)
    }

    set size(size: number) {
        this.view.setUint16(2, size, true)
    }

    get value(): number {
        return this.view.getInt32(4, true)
    }

    set value(value: number) {
        this.view.setInt32(4, value, true)
    }
}

export interface PipeHandler {
    /** A header has come and may be answered in place. */
    header(header: Header): void
    /** The data of the message before, which may be changed in place. */
    data(header: Header, bytes: Uint8Array): void
}

const HEADER = 8
const MAX_OP: number = Op.Boot

/** Puts the program's writes together to messages. */
export class Pipe {
    /** The header whose data comes next, a copy. */
    private expected: Header | undefined

    constructor(private readonly handler: PipeHandler) {}

    /** Takes one write. Throws when it is not what the protocol has next: the program and the host do not match. */
    write(bytes: Uint8Array): void {
        const expected = this.expected
        if (expected !== undefined) {
            this.expected = undefined
            if (bytes.length !== expected.size) {
                throw new Error(`pipe: ${bytes.length} bytes of data instead of ${expected.size}`)
            }
            this.handler.data(expected, bytes)
            return
        }
        const header = new Header(bytes)
        if (bytes.length !== HEADER || header.op < 1 || header.op > MAX_OP) {
            throw new Error(
                `pipe: ${bytes.length} bytes that are no message: was the image built by another version?`
            )
        }
        this.handler.header(header)
        if (hasData(header)) this.expected = new Header(bytes.slice())
    }
}

function hasData(header: Header): boolean {
    switch (header.op) {
        case Op.PinWrite:
        case Op.PinRead:
        case Op.Idle:
            return false
        default:
            return header.size > 0
    }
}
