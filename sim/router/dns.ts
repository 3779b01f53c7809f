// Reads a DNS query with one question, and writes the answer with addresses (RFC 1035).

const HEADER = 12
const MAX_NAME = 255
/** The number of addresses that fit a message of 512 bytes with the longest name. */
const MAX_ADDRESSES = 12
/**
 * The time to live of an answer, seconds. The time is short because this computer's resolver caches answers for their true time.
 */
const TIME_TO_LIVE = 30

const Bit = {
    Response: 0x8000,
    Opcode: 0x7800,
    RecursionDesired: 0x0100,
    RecursionAvailable: 0x0080,
} as const

export const Rcode = { NoError: 0, FormErr: 1, ServFail: 2, NxDomain: 3, NotImp: 4 } as const
const QType = { A: 1, Any: 255 } as const
const CLASS_IN = 1

/** The question in a query. */
export interface Question {
    readonly id: number
    readonly flags: number
    /** The name in lower case, without the dot at its end. */
    readonly name: string
    readonly type: number
    readonly class: number
    /** Name, type and class in the bytes of the query, for the answer. */
    readonly bytes: Uint8Array
}

/** Reads a query; returns its question, or the response code of an error, or undefined when no answer is sent. */
export function parseQuery(
    message: Uint8Array
): { question: Question } | { error: number; id: number; flags: number } | undefined {
    if (message.length < HEADER) return undefined
    const id = u16(message, 0)
    const flags = u16(message, 2)
    // two servers that answered answers would never stop
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

/** Returns true when the question is for IPv4 addresses, the only records that the server has. */
export function asksAddress({ type, class: classCode }: Question): boolean {
    return classCode === CLASS_IN && (type === QType.A || type === QType.Any)
}

/** Writes the answer to a question, with a response code and each address as four bytes. */
export function writeAnswer(
    question: Question,
    code: number,
    addresses: readonly (readonly number[])[]
): Uint8Array {
    const some = addresses.slice(0, MAX_ADDRESSES)
    const records = some.flatMap(address => [
        // a pointer to the question's name, at offset 12
        ...[0xc0, HEADER],
        ...[0, QType.A, 0, CLASS_IN],
        ...[0, 0, TIME_TO_LIVE >> 8, TIME_TO_LIVE & 0xff],
        ...[0, 4],
        ...address,
    ])
    return Uint8Array.from([...header(question, code, 1, some.length), ...question.bytes, ...records])
}

/** Writes the answer to a query that could not be read. */
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

/** Reads the name after the header. The name has no compression pointer, because no other name precedes it. */
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
