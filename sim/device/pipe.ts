// The simulator's end of the byte pipe to a program. The program's end is boards/host/pipe.ts, which describes the protocol.

export const Op = {
    PinMode: 1,
    PinRead: 2,
    Spi: 3,
    Idle: 4,
    Line: 5,
    Reply: 6,
    Event: 7,
    Boot: 8,
    Bus: 9,
    Pins: 10,
} as const

/** Values of the runtime's GPIOMode, as Op.PinMode passes them. */
export const PinMode = {
    Base: 15,
    Output: 2,
    OutputHigh: 18,
    InputPullUp: 17,
    InputPullDown: 33,
} as const

/** The header of a message. Values written to `size` and `value` are the answer that the program reads. */
export class Header {
    // bytes one by one: a DataView for each message took a twentieth of a device's time
    constructor(private readonly bytes: Uint8Array) {}

    get op(): number {
        return this.bytes[0] ?? 0
    }

    get argument(): number {
        return this.bytes[1] ?? 0
    }

    get size(): number {
        return this.bytes[2]! | (this.bytes[3]! << 8)
    }

    set size(size: number) {
        this.bytes[2] = size
        this.bytes[3] = size >> 8
    }

    get value(): number {
        return this.bytes[4]! | (this.bytes[5]! << 8) | (this.bytes[6]! << 16) | (this.bytes[7]! << 24)
    }

    set value(value: number) {
        this.bytes[4] = value
        this.bytes[5] = value >> 8
        this.bytes[6] = value >> 16
        this.bytes[7] = value >> 24
    }
}

interface PipeHandler {
    /** Handles a message's header, and may answer in place. */
    header(header: Header): void
    /** Handles the data of that message, and may change it in place. */
    data(header: Header, bytes: Uint8Array): void
}

const HEADER = 8
const MAX_OP: number = Op.Pins
const EMPTY = new TextEncoder().encode("{}")

/** Assembles the program's writes into messages. */
export class Pipe {
    /** A copy of the header whose data is written next. */
    private expected: Header | undefined
    /** True when the handler has no object for the program, which then gets an empty one. */
    private empty = false

    constructor(private readonly handler: PipeHandler) {}

    /** Handles one write. Throws when the protocol does not allow it, because the program is of another version. */
    write(bytes: Uint8Array): void {
        const expected = this.expected
        if (expected !== undefined) {
            this.expected = undefined
            if (bytes.length !== expected.size) {
                throw new Error(
                    `pipe: the program wrote ${bytes.length} bytes of data instead of ${expected.size}`
                )
            }
            if (this.empty) bytes.set(EMPTY)
            else this.handler.data(expected, bytes)
            this.empty = false
            return
        }
        const header = new Header(bytes)
        if (bytes.length !== HEADER || header.op < 1 || header.op > MAX_OP) {
            throw new Error(
                `pipe: the program wrote ${bytes.length} bytes that are not a message: was the image built by another version?`
            )
        }
        this.handler.header(header)
        this.empty = (header.op === Op.Boot || header.op === Op.Pins) && header.size === 0
        if (this.empty) header.size = EMPTY.length
        if (hasData(header)) this.expected = new Header(bytes.slice())
    }
}

function hasData(header: Header): boolean {
    switch (header.op) {
        case Op.PinMode:
        case Op.PinRead:
        case Op.Idle:
        case Op.Bus:
            return false
        default:
            return header.size > 0
    }
}
