// The domain name system's messages (RFC 1035), as far as a server that forwards needs them: one question,
// addresses.

const HEADER = 12
const MAX_NAME = 255
/** Addresses that still fit a message of 512 bytes with the longest name. */
const MAX_ADDRESSES = 12
/** Seconds that an answer may be kept: the host's own resolver keeps it as long as is right. */
const TIME_TO_LIVE = 30

const Bit = {
    Response: 0x8000,
    Opcode: 0x7800,
    RecursionDesired: 0x0100,
    RecursionAvailable: 0x0080,
} as const

export const Rcode = { NoError: 0, FormErr: 1, ServFail: 2, NxDomain: 3, NotImp: 4 } as const
export const QType = { A: 1, Any: 255 } as const
const CLASS_IN = 1

/** A question as it was asked. */
export interface Question {
    readonly id: number
    readonly flags: number
    /** In lower case, without the dot at its end. */
    readonly name: string
    readonly type: number
    readonly class: number
    /** Name, type and class as they came, for the answer. */
    readonly bytes: Uint8Array
}

/**
 * What a message asks, or the code it is to be answered with; undefined for what is not to be answered at
 * all.
 */
export function parseQuery(
    message: Uint8Array
): { question: Question } | { error: number; id: number; flags: number } | undefined {
    if (message.length < HEADER) return undefined
    const id = u16(message, 0)
    const flags = u16(message, 2)
    // an answer to an answer would go round for ever
    if (flags & Bit.Response) return undefined
    if (flags & Bit.Opcode) return { error: Rcode.NotImp, id, flags }
    const name = u16(message, 4) === 1 ? readName(message) : undefined
    if (name === undefined || name.end + 4 > message.length) return { error: Rcode.FormErr, id, flags }
    return {
        question: {
            id,
            flags,
            name: name.text,
            type: u16(message, name.end),
            class: u16(message, name.end + 2),
            bytes: message.slice(HEADER, name.end + 4),
        },
    }
}

/** Whether the question is for addresses of version 4, which are all that is known here. */
export function asksAddress({ type, class: classCode }: Question): boolean {
    return classCode === CLASS_IN && (type === QType.A || type === QType.Any)
}

/** The answer to a question: a code, and each address as four bytes. */
export function writeAnswer(
    question: Question,
    code: number,
    addresses: readonly (readonly number[])[]
): Uint8Array {
    const some = addresses.slice(0, MAX_ADDRESSES)
    const records = some.flatMap(address => [
        // the name is the question's, at offset 12
        ...[0xc0, HEADER],
        ...[0, QType.A, 0, CLASS_IN],
        ...[0, 0, TIME_TO_LIVE >> 8, TIME_TO_LIVE & 0xff],
        ...[0, 4],
        ...address,
    ])
    return Uint8Array.from([...header(question, code, 1, some.length), ...question.bytes, ...records])
}

/** The answer to what could not be read. */
export function writeError({ error, id, flags }: { error: number; id: number; flags: number }): Uint8Array {
    return Uint8Array.from(header({ id, flags }, error, 0, 0))
}

function header(
    { id, flags }: { id: number; flags: number },
    code: number,
    questions: number,
    answers: number
): number[] {
    const kept = flags & (Bit.Opcode | Bit.RecursionDesired)
    const bits = Bit.Response | Bit.RecursionAvailable | kept | code
    return [id >> 8, id & 0xff, bits >> 8, bits & 0xff, 0, questions, 0, answers, 0, 0, 0, 0]
}

/** The name behind the header; there is nothing before it that it could point to. */
function readName(message: Uint8Array): { text: string; end: number } | undefined {
    const labels: string[] = []
    let at = HEADER
    while (at < message.length) {
        const length = message[at]!
        if (length === 0) return { text: labels.join(".").toLowerCase(), end: at + 1 }
        at++
        if (length > 63 || at + length > message.length || at + length - HEADER >= MAX_NAME) return undefined
        let label = ""
        for (const byte of message.subarray(at, at + length)) label += String.fromCharCode(byte)
        labels.push(label)
        at += length
    }
    return undefined
}

function u16(bytes: Uint8Array, at: number): number {
    return (bytes[at]! << 8) | bytes[at + 1]!
}
