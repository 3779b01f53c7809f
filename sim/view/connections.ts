// Follows the TCP connections of one host by the segments on the wire alone, as a reader of a capture does.

import type { TcpView } from "./dissect"

/** A connection of the host, by what was seen of it. */
export interface SeenConnection {
    readonly localPort: number
    readonly remoteIp: string
    readonly remotePort: number
    /** Which end sent the first SYN. */
    readonly opened: "host" | "peer"
    /** The SYN-ACK was answered by an ACK: the three-way handshake is complete. */
    established: boolean
    /** Both ends have sent FIN, or one has sent RST. */
    over: boolean
    /** A reset answered the SYN. */
    refused: boolean
    /** The time of the last segment, ms. */
    last: number
}

interface Followed extends SeenConnection {
    answered: boolean
    readonly ended: { host: boolean; peer: boolean }
}

export class SeenConnections {
    private readonly followed: Followed[] = []

    /** All connections, in the order of their first segments. */
    get all(): readonly SeenConnection[] {
        return this.followed
    }

    /** Takes a segment of the host (`side`) or one for it, which was sent at `time` (ms) and arrived. */
    note(view: TcpView, side: "host" | "peer", time: number): void {
        const ends =
            side === "host"
                ? { localPort: view.sourcePort, remoteIp: view.destination, remotePort: view.destinationPort }
                : { localPort: view.destinationPort, remoteIp: view.source, remotePort: view.sourcePort }
        const { syn, ack, fin, rst } = view.flags
        let one = this.followed
            .filter(({ localPort, remoteIp, remotePort }) => {
                return (
                    localPort === ends.localPort &&
                    remoteIp === ends.remoteIp &&
                    remotePort === ends.remotePort
                )
            })
            .at(-1)
        if (syn && !ack && (one === undefined || one.over)) {
            const rest = { established: false, over: false, refused: false, answered: false, last: time }
            one = { ...ends, opened: side, ...rest, ended: { host: false, peer: false } }
            this.followed.push(one)
        }
        if (one === undefined) return
        one.last = time
        if (syn && ack) one.answered = true
        else if (ack && one.answered && !rst) one.established = true
        if (fin) one.ended[side] = true
        if (rst && !one.established) one.refused = true
        if (rst || (one.ended.host && one.ended.peer)) one.over = true
    }
}
