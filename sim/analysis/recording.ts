// Keeps the data of the connection that is drawn: its first and last segments, its graphs, and how often each mark occurred.

import { addressText, type IpPacket } from "../capture/ip-packet"
import { type TcpOption, tcpOptions } from "../view/tcp-options"
import { type Connection, endName, other } from "./connection"
import type { Listener, Seen } from "./connections"
import { Mark } from "./marks"
import { Bit, type Checksum, checksumOf, dataOf, optionBytes, type Segment } from "./segment"
import { Series } from "./series"
import type { StateChange } from "./states"

/** The number of segments that are drawn: the first, and the last if the connection has more. */
export const MOST_FIRST = 2000
export const MOST_LAST = 500
/** The bytes of data that are kept to be shown. */
const PREVIEW = 96

/** A segment as it is drawn. */
export interface SegmentRow {
    readonly kind: "segment"
    readonly packet: number
    readonly time: number
    readonly from: 0 | 1
    readonly seq: number
    readonly ack: number
    readonly bits: number
    readonly window: number
    readonly length: number
    readonly options: readonly TcpOption[]
    readonly data: Uint8Array
    /** Undefined if not all of the segment was captured. */
    readonly checksum: Checksum | undefined
    readonly marks: number
    /** The number of duplicate ACKs since the last new ACK, this one included; 0 if the segment is not a duplicate ACK. */
    readonly duplicate: number
    changes: StateChange[]
    /** The changes if no end has taken the reset before; undefined without such a reset. */
    readonly unreset: readonly StateChange[] | undefined
    explanation: string | undefined
}

/** A remark between segments. */
export interface NoteRow {
    readonly kind: "note"
    readonly packet: number
    readonly time: number
    readonly text: string
}

/** The number of segments with each kind of checksum. */
type Checksums = Record<Checksum, number>

export type Row = SegmentRow | NoteRow

/** Keeps what is drawn of one connection, and counts. */
export class Recording implements Listener {
    connection: Connection | undefined
    readonly first: Row[] = []
    /** The last rows, if there are more than `first` holds; older ones are dropped. */
    private readonly lastRows: Row[] = []
    /** The data that each end sent, and the answers of the other. */
    readonly series = [new Series(), new Series()] as const
    /** How many segments of each end have each mark. */
    readonly counts = [new Map<Mark, number>(), new Map<Mark, number>()] as const
    readonly checksums: readonly [Checksums, Checksums] = [
        { right: 0, wrong: 0, partial: 0 },
        { right: 0, wrong: 0, partial: 0 },
    ]
    private readonly lastSyn: [SegmentRow | undefined, SegmentRow | undefined] = [undefined, undefined]
    private rows = 0
    private nextLast = 0

    /** Creates the recording of a connection by its number. */
    constructor(private readonly number: number) {}

    segment({ connection, from, segment, marks, changes, unreset, refuted, explanation }: Seen): void {
        if (connection.number !== this.number) return
        this.connection = connection
        const sender = connection.ends[from]
        const options = tcpOptions(optionBytes(segment))
        const sacks = options.flatMap(option => (option.kind === "sack" ? option.blocks : []))
        const isDuplicate = (marks & Mark.DuplicateAck) !== 0
        this.series[from].sent(segment, marks)
        this.series[other(from)].answered(segment, sender, isDuplicate, sacks)
        for (let mark = 1; mark <= marks; mark <<= 1)
            if (marks & mark) this.counts[from].set(mark, (this.counts[from].get(mark) ?? 0) + 1)
        const checksum = checksumOf(segment)
        if (checksum !== undefined) this.checksums[from][checksum]++
        const row = rowOf(segment, from, options, {
            checksum,
            marks,
            duplicate: isDuplicate ? sender.duplicates : 0,
            changes: changes.filter(change => !change.bySyn),
            unreset,
            explanation,
        })
        this.add(row)
        if (refuted !== undefined) this.refute(refuted, from, endName(connection, from))
        for (const change of changes) if (change.bySyn) this.answeredSyn(row, change)
        if (segment.bits & Bit.Syn) this.lastSyn[from] = row
    }

    icmp(connection: Connection, time: number, { bytes, addresses, version }: IpPacket, words: string): void {
        if (connection.number !== this.number) return
        this.connection = connection
        this.add({
            kind: "note",
            packet: 0,
            time,
            text: `${addressText(bytes, addresses, version)}: ${words}`,
        })
    }

    malformed(connection: Connection, { packet, time, headerLength }: Segment): void {
        if (connection.number !== this.number) return
        this.connection = connection
        const text = `packet ${packet}: a malformed segment, whose data offset is ${headerLength} bytes`
        this.add({ kind: "note", packet, time, text })
    }

    /** Returns the last rows, oldest first. */
    get last(): Row[] {
        return [...this.lastRows.slice(this.nextLast), ...this.lastRows.slice(0, this.nextLast)]
    }

    /** Returns how many rows are neither in `first` nor in `last`. */
    get omitted(): number {
        return this.rows - this.first.length - this.lastRows.length
    }

    /** Draws the states as they are without a reset, which no end has taken. */
    private refute(packet: number, from: 0 | 1, name: string): void {
        for (const row of [...this.first, ...this.lastRows]) {
            if (row.kind !== "segment" || row.packet < packet) continue
            if (row.unreset !== undefined) row.changes = row.unreset.filter(change => !change.bySyn)
            if (row.bits & Bit.Rst && row.from === from)
                row.explanation = `Both ends went on after this RST in the name of ${name}: something on the way probably sent it.`
        }
    }

    /** Puts a change at the SYN that caused it, or at the answer if no SYN was captured. */
    private answeredSyn(row: SegmentRow, change: StateChange): void {
        const syn = this.lastSyn[other(row.from)]
        const place = syn?.changes.every(({ end }) => end !== change.end) ? syn : row
        place.changes.push(change)
    }

    private add(row: Row): void {
        this.rows++
        if (this.first.length < MOST_FIRST) {
            this.first.push(row)
            return
        }
        this.lastRows[this.nextLast] = row
        this.nextLast = (this.nextLast + 1) % MOST_LAST
    }
}

function rowOf(
    segment: Segment,
    from: 0 | 1,
    options: readonly TcpOption[],
    found: Pick<SegmentRow, "checksum" | "marks" | "duplicate" | "changes" | "unreset" | "explanation">
): SegmentRow {
    const { packet, time, seq, ack, bits, window, length } = segment
    // the packet's bytes are overwritten when the next packet is read
    const data = dataOf(segment, PREVIEW).slice()
    const kept = options.filter(option => option.kind !== "other")
    return {
        kind: "segment",
        packet,
        time,
        from,
        seq,
        ack,
        bits,
        window,
        length,
        options: kept,
        data,
        ...found,
    }
}
