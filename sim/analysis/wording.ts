// Says what is drawn of a connection: numbers from 0, words for what is remarkable. The text, the picture and the page share it.

import type { TcpView } from "../view/dissect"
import { flagsOf } from "../view/flags"
import type { Side } from "../view/ladder"
import type { TcpOption } from "../view/tcp-options"
import { type Connection, endName, other } from "./connection"
import { Mark, markWords } from "./marks"
import type { Recording, SegmentRow } from "./recording"
import { after, Bit } from "./segment"

/** The marks of a segment that was lost, or follows from a loss. */
const TROUBLE =
    Mark.Retransmission |
    Mark.OutOfOrder |
    Mark.LostBefore |
    Mark.AcksUnseen |
    Mark.ZeroWindow |
    Mark.ZeroWindowProbe |
    Mark.ZeroWindowProbeAck

export class Wording {
    /** The names of the ends, by their number: address and port. */
    readonly names: readonly [string, string]

    constructor(
        readonly connection: Connection,
        readonly recording: Recording
    ) {
        this.names = [endName(connection, 0), endName(connection, 1)]
    }

    /** Returns the side at which an end is drawn: the client is at the left. */
    side(end: 0 | 1): Side {
        return end === this.connection.client ? "left" : "right"
    }

    /** Returns the role of an end. */
    role(end: 0 | 1): "client" | "server" {
        return end === this.connection.client ? "client" : "server"
    }

    /** Returns a sequence number of an end counted from its SYN, or from the first that was seen. */
    relative(end: 0 | 1, number: number): number {
        return (number - (this.connection.ends[end].base ?? 0)) >>> 0
    }

    /** Returns true when a segment's checksum is wrong, and not merely left to the network card. */
    isCorrupted(row: SegmentRow): boolean {
        return row.checksum === "wrong"
    }

    /** Returns the remarks on a segment, as text. */
    remarks(row: SegmentRow): string[] {
        return markWords(row.marks).map(text =>
            text === "duplicate ACK" && row.duplicate > 0 ? `${text} ${row.duplicate}` : text
        )
    }

    /** Returns true when a segment is a sign of trouble. */
    isTrouble({ marks }: SegmentRow): boolean {
        return (marks & TROUBLE) !== 0
    }

    /** Returns a segment as the ladder draws it. */
    view(row: SegmentRow): TcpView {
        const to = other(row.from)
        const { addresses, ports } = this.connection
        return {
            kind: "tcp",
            sourceMac: "",
            destinationMac: "",
            etherType: 0,
            frameLength: 0,
            source: addresses[row.from],
            destination: addresses[to],
            protocol: 6,
            ttl: 0,
            identification: 0,
            headerChecksumValid: true,
            sourcePort: ports[row.from],
            destinationPort: ports[to],
            seq: this.relative(row.from, row.seq),
            ack: row.bits & Bit.Ack ? this.relative(to, row.ack) : row.ack,
            flags: flagsOf(row.bits),
            window: row.window,
            urgent: 0,
            options: row.options.map(option => this.option(option, to)),
            payload: row.data,
            length: row.length,
            checksumValid: !this.isCorrupted(row),
        }
    }

    private option(option: TcpOption, to: 0 | 1): TcpOption {
        if (option.kind !== "sack") return option
        const base = this.connection.ends[to].base ?? 0
        // a block that wraps below 0 is of an older connection: RFC 2018 section 4 lets it through, as we do
        const from0 = (number: number) => (after(number, base) < 0 ? number : (number - base) >>> 0)
        return {
            kind: "sack",
            blocks: option.blocks.map(({ start, end }) => ({ start: from0(start), end: from0(end) })),
        }
    }
}
