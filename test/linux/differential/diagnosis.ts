// What the kernel keeps of one connection, whatever has become of its socket: by the sock_diag interface that `ss` uses.
import { Socket } from "./libc"

/** A connection as it stands. Of the numbers there are none outside the synchronized states. */
export interface Look {
    state: string
    numbers?: {
        /** RCV.NXT, counted from the peer's SYN. */
        rcv: number
        /** Sequence numbers of what was written, the FIN counted, that are not acknowledged. */
        unacknowledged: number
        /** SND.WND. */
        window: number
    }
    /** TS.Recent, where it can be read: the kernel does not tell. */
    tsRecent?: number
}

/** As the kernel numbers them; the last is a half-open request. */
const STATES = [
    ...["", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"],
    ...["CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED"],
]

/** States in which the numbers mean something, in the kernel and in ours. */
export const counted = ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK"]

const NETLINK_SOCK_DIAG = 4
const SOCK_DIAG_BY_FAMILY = 20
const NLMSG_ERROR = 2
const ENOENT = 2
const INET_DIAG_INFO = 2
/** Of struct nlmsghdr and struct inet_diag_msg, of struct tcp_info in it. */
const Size = { header: 16, message: 72 } as const
const TcpInfo = { bytesReceived: 128, sendWindow: 228 } as const

export class Diagnosis {
    private readonly socket = Socket.netlink(NETLINK_SOCK_DIAG)
    private readonly answer = Buffer.alloc(4096)

    /** A listener stands for a connection that is none; CLOSED when there is none either. */
    look(local: { ip: string; port: number }, remote: { ip: string; port: number }): Look {
        const length = this.ask(local, remote)
        const answer = this.answer
        if (answer.readUInt16LE(4) === NLMSG_ERROR) {
            const errno = -answer.readInt32LE(Size.header)
            if (errno !== ENOENT) throw new Error(`sock_diag: error ${errno}`)
            return { state: "CLOSED" }
        }
        const state = STATES[answer[Size.header + 1]!] ?? "unknown"
        if (!counted.includes(state)) return { state }
        const info = this.attribute(INET_DIAG_INFO, length)
        // FIN-WAIT-2 without a socket is a small record there, and these are not kept
        if (info === undefined) return { state }
        return {
            state,
            numbers: {
                rcv: 1 + answer.readUInt32LE(info + TcpInfo.bytesReceived),
                unacknowledged: answer.readUInt32LE(Size.header + 60),
                window: answer.readUInt32LE(info + TcpInfo.sendWindow),
            },
        }
    }

    close(): void {
        this.socket.close()
    }

    private ask(local: { ip: string; port: number }, remote: { ip: string; port: number }): number {
        const request = Buffer.alloc(72)
        request.writeUInt32LE(request.length, 0)
        request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4)
        request.writeUInt16LE(1, 6) // NLM_F_REQUEST
        request.set([2, 6, 1 << (INET_DIAG_INFO - 1)], 16) // AF_INET, IPPROTO_TCP
        request.writeUInt32LE(0xffff_ffff, 20)
        request.writeUInt16BE(local.port, 24)
        request.writeUInt16BE(remote.port, 26)
        request.set(local.ip.split(".").map(Number), 28)
        request.set(remote.ip.split(".").map(Number), 44)
        request.fill(0xff, 64) // no cookie
        const sent = this.socket.send(request)
        const length = this.socket.receive(this.answer)
        if (typeof length === "string") throw new Error(`sock_diag: ${sent}, ${length}`)
        return length
    }

    /** Where the contents of an attribute are. */
    private attribute(type: number, length: number): number | undefined {
        for (let at = Size.header + Size.message; at + 4 <= length; ) {
            const size = this.answer.readUInt16LE(at)
            if (size < 4) break
            if (this.answer.readUInt16LE(at + 2) === type) return at + 4
            at += (size + 3) & ~3
        }
        return undefined
    }
}
