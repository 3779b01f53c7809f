// The records TCP keeps (RFC 9293 section 3.3.1): a connection, a half-open connection, one in TIME-WAIT, a listener, and the
// segment being handled.
//
// A record is bytes in a table: `conns.getAt(c + Tcb.SndUna, "i32")` is one operation on the VM, where an object's
// property costs 16 bytes and a search. `c` is the record's offset in its table. A field is read and written with one width
// everywhere (test/tcp/widths.test.ts). "Shares bytes with" marks fields that are never valid at the same time.

import { word } from "../base/words"

/** The states of RFC 9293 section 3.3.2. */
export const enum State {
    Closed = 0,
    Listen = 1,
    SynSent = 2,
    SynReceived = 3,
    Established = 4,
    FinWait1 = 5,
    FinWait2 = 6,
    CloseWait = 7,
    Closing = 8,
    LastAck = 9,
    TimeWait = 10,
}

/** Names as the RFC spells them, in the order of State. One string, as that stays in flash. */
export const stateNames =
    "CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"

export function stateName(state: State): string {
    return word(stateNames, state)
}

/** True in the two states in which our FIN is out and the peer's is awaited. */
export function isFinWait(state: State): boolean {
    return state === State.FinWait1 || state === State.FinWait2
}

/** Why a connection failed, and what the calls of calls.ts return instead of a number of bytes. */
export const enum TcpError {
    None = 0,
    /** RST in answer to our SYN. */
    Refused = -1,
    /** RST on a connection. */
    Reset = -2,
    /** R2 passed without an answer (RFC 9293 section 3.8.3). */
    TimedOut = -3,
    /** No answer to ARP, or ICMP says so. */
    Unreachable = -4,
    /** abort() was called here. */
    Aborted = -5,
    /** All connection records, or listener records, are taken. */
    NoBuffers = -6,
    /** The port, or the four-tuple, is in use. */
    InUse = -7,
    /** No such connection, or not in a state for this. */
    NotConnected = -8,
    /** Sending was shut down. */
    Pipe = -9,
    /** An argument makes no sense: port 0, our own address, the network's, a broadcast address. */
    Invalid = -10,
    /** The peer has sent its FIN and all before it was read. Not a failure. */
    Eof = -11,
    /** ICMP says that somebody on the way forbids it. */
    Prohibited = -12,
}

const errorNames =
    "OK ECONNREFUSED ECONNRESET ETIMEDOUT EHOSTUNREACH ECONNABORTED ENOBUFS EADDRINUSE ENOTCONN EPIPE EINVAL EOF EACCES"

/** The name POSIX has for it. */
export function errorName(error: TcpError): string {
    return word(errorNames, -error)
}

/** Offsets in a connection's record. A record is free when its Id is 0. */
export const enum Tcb {
    State = 0,
    /** Bits of ConnFlag. */
    Flags = 1,
    /** Id, unique among connections, TIME-WAIT records and listeners. */
    Id = 2,
    /** Remote and local port as a segment of the peer has them: source, destination. */
    Ports = 4,
    /** Remote address as the wire has it. */
    RemoteIp = 8,
    SndUna = 12,
    /** Next to send; falls back to SndUna when the timer expires. */
    SndNxt = 16,
    /** The RFC's SND.NXT: one more than the highest sequence number ever sent. */
    SndMax = 20,
    /** Sequence number of the last window update. (SND.WL2 is never above SND.UNA, so that nothing need remember it.) */
    SndWl1 = 24,
    RcvNxt = 28,
    /** When the timer expires; which it is follows from the state. Armed: ConnFlag.Timer. */
    Deadline = 32,
    /** Since when R2 counts: the last progress; when nothing is in flight, about when something last was. */
    Progress = 36,
    /** The acknowledgment that ends the timed segment. Shares bytes with TsRecent; valid when SendFlag.Timing is set. */
    RttSeq = 40,
    /** TS.Recent. Shares bytes with RttSeq; valid when ConnOption.Timestamps is set, which is when nothing is timed. */
    TsRecent = 40,
    /** When the timed segment was sent: the low 16 bits of the time. Shares bytes with TsOffset; valid with RttSeq. */
    RttStart = 44,
    /**
     * What our timestamps' upper 16 bits are ahead of the time (RFC 7323 section 7.1: another for every connection). Shares bytes with
     * RttStart; valid with TsRecent.
     */
    TsOffset = 44,
    /** When TS.Recent was taken: the upper 16 bits of the time. */
    TsAge = 46,
    /** Peer's window, scaled; and the largest it ever was (RFC 5961 section 5.2). The send ring is no larger. */
    SndWnd = 48,
    MaxSndWnd = 50,
    /** RCV.WND: from RCV.NXT to the right edge of the window last advertised. */
    RcvWnd = 52,
    /** Smoothed round-trip time times 8 and its variation times 4, ms. 0: none measured. */
    Srtt = 54,
    RttVar = 56,
    /** Retransmission timeout, ms. */
    Rto = 58,
    /** Congestion window and slow start threshold, bytes. */
    Cwnd = 60,
    Ssthresh = 62,
    /** Most data to send in a segment, bytes: what the peer, our own MTU and the path let through, less options. */
    Mss = 64,
    /** Send ring: offset of SndUna in it, and bytes from there on that wait for an acknowledgment or to be sent. */
    SendHead = 66,
    SendLength = 68,
    /** Receive ring: offset of the first unread byte, how many there are, and how many may be (its size at most). */
    ReceiveHead = 70,
    ReceiveLength = 72,
    ReceiveLimit = 74,
    /** RFC 6582's recover, as 1 + bytes from SndUna to what was the highest sent; 0 once that is acknowledged. */
    Recover = 76,
    /**
     * What is to be sent again next in fast recovery: bytes from SndUna to its start, and to the end of the hole. Share bytes with
     * SmallEnd and SackMiddle; valid when SendFlag.Recovery is set.
     */
    RtxAt = 78,
    RtxEnd = 80,
    /**
     * Where the last small segment ended, the low 16 bits (Minshall's change of Nagle). Shares bytes with RtxAt; valid when
     * SendFlag.Recovery is not set.
     */
    SmallEnd = 78,
    /**
     * Twice the middle of the first SACK block of the last duplicate, from SndUna. Shares bytes with RtxEnd; valid when
     * SendFlag.Recovery is not set.
     */
    SackMiddle = 80,
    /** Data that came ahead of RcvNxt: Ahead.Blocks blocks, the newest first. */
    Ahead = 82,
    /** When the delayed acknowledgment is due, the low 16 bits of the time. Shares bytes with Ahead; valid when no block is kept. */
    AckAt = 82,
    /**
     * 1 when the last acknowledgment did not wait for its time, as a second segment came. Shares bytes with Ahead; valid when no
     * block is kept.
     */
    Bulk = 86,
    /** Low 4 bits: shift of the peer's window. High 4 bits: duplicate acknowledgments in a row, 15 at most. */
    ScaleDups = 90,
    /** Retransmissions, or probes, since the last progress. Shares bytes with Error; valid in any state but CLOSED. */
    Retries = 91,
    /** The error that ended the connection, a positive number (-TcpError). Shares bytes with Retries; valid in CLOSED. */
    Error = 91,
    /** Bits of SendFlag, and of ConnOption. */
    SendFlags = 92,
    Options = 93,
    /** The listener's id. Shares bytes with UserTimeout; valid while ConnFlag.Pending is set. */
    Listener = 94,
    /** User timeout in seconds, 0 for the configuration's R2. Shares bytes with Listener; valid when ConnFlag.Pending is not set. */
    UserTimeout = 94,
    Size = 96,
}

/** A block of data ahead, in Tcb.Ahead: u16 offsets from RcvNxt. A free block has an end of 0. The FIN counts as a byte. */
export const enum Ahead {
    Start = 0,
    End = 2,
    Size = 4,
    /** Blocks of a record, and bytes of all. */
    Blocks = 2,
    All = 8,
}

/** Bits of Tcb.Flags: what is due, and who holds the connection. */
export const enum ConnFlag {
    /** An acknowledgment is due at once. */
    AckNow = 1,
    /** Something may have to be sent. */
    Due = 2,
    /** The program closed in SYN-RECEIVED: FIN-WAIT-1 follows instead of ESTABLISHED. */
    FinQueued = 4,
    /** An acknowledgment is due when Tcb.AckAt comes, or with the next segment (RFC 9293 section 3.8.6.3). */
    AckDelayed = 8,
    /** The timer is armed. */
    Timer = 16,
    /** A program holds the connection's id. */
    Held = 32,
    /** close() was called: nobody will read what comes. */
    ReadClosed = 64,
    /** Established, and not yet accepted. */
    Pending = 128,
}

/** Bits of Tcb.SendFlags: how the sender stands. */
export const enum SendFlag {
    /** A segment is being timed. */
    Timing = 1,
    /** The SYN was retransmitted (RFC 6298 section 5.7). */
    SynLost = 2,
    /** ICMP or ARP said unreachable since the last progress: a soft error, told when R2 passes. */
    SoftError = 4,
    /** CLOSED, and an RST is still to be sent. */
    ResetDue = 8,
    /** The timer wants a segment that asks for an answer: into a shut window, or to keep the connection alive. */
    Probe = 16,
    /** Several retransmissions had no answer: the next hop's address may have changed, and is to be asked for anew. */
    HopSuspect = 32,
    /** Fast recovery (RFC 6582). */
    Recovery = 64,
    /** In fast recovery: what RtxAt and RtxEnd say is to be sent again. */
    Resend = 128,
}

/** Bits of Tcb.Options: what was agreed on or asked for; the last four are guests that found a free bit here. */
export const enum ConnOption {
    /** Timestamps were agreed on (RFC 7323). */
    Timestamps = 1,
    /** SACK was agreed on (RFC 2018). */
    Sack = 2,
    /** No Nagle algorithm (RFC 9293 section 3.7.4). */
    NoDelay = 4,
    /** Probes when idle (RFC 9293 section 3.8.4). */
    KeepAlive = 8,
    /** The last byte of the farthest block of Tcb.Ahead is the peer's FIN. */
    FinAhead = 16,
    /** It sent a challenge ACK in this period (challenge-ack.ts). */
    Challenged = 32,
    /** The path takes less than we ever make a segment: routers may fragment it (DF not set). */
    Fragment = 64,
    /** It is served to whoever comes, and has to go when its place is wanted (pace.ts). */
    Served = 128,
}

/** Offsets in a half-open record: SYN-RECEIVED, from a passive open. Free when Listener is 0. */
export const enum Half {
    Ports = 0,
    RemoteIp = 4,
    Irs = 8,
    Iss = 12,
    Deadline = 16,
    /** The peer's timestamp, to be echoed. */
    TsRecent = 20,
    SndWnd = 24,
    /** The peer's MSS, at most what fits our own MTU. */
    Mss = 26,
    /** Id of the listener. */
    Listener = 28,
    /** The window that the SYN-ACK advertises: the listener's may change meanwhile, and a window is not taken back. */
    ReceiveLimit = 30,
    SndScale = 32,
    Retries = 33,
    /** Bits of HalfFlag. */
    Flags = 34,
    Size = 36,
}

/** Bits of Half.Flags, besides those of Agreed. */
export const enum HalfFlag {
    /** A SYN-ACK is due. */
    Due = 1,
    /** An acknowledgment without SYN is due: a challenge. */
    Challenge = 2,
    /** The record sent a challenge ACK in this period. */
    Challenged = 32,
}

/** Options that both ends of a connection take: what a SYN offers and an answer agrees to, in either kind of open. */
export const enum Agreed {
    /** The peer offered window scaling: our SYN-ACK does too, with a shift of 0. */
    Scaling = 4,
    /** The peer permitted SACK, and so do we. */
    Sack = 8,
    /** The peer offered timestamps, and so do we. */
    Timestamps = 16,
}

/** Offsets in a record of TIME-WAIT: all that is left of a connection that no program holds. Free when Id is 0. */
export const enum Wait {
    Ports = 0,
    RemoteIp = 4,
    SndNxt = 8,
    RcvNxt = 12,
    /** TS.Recent (RFC 6191); 0 when the connection had no timestamps. */
    TsRecent = 16,
    Id = 20,
    /** When TIME-WAIT ends: the time in units of 2^Shift ms, u16. The lowest bit is WaitFlag. */
    Deadline = 22,
    Size = 24,
    Shift = 3,
}

/** The lowest bit of Wait.Deadline, which makes its unit twice as long. */
export const enum WaitFlag {
    /** It sent a challenge ACK in this period (challenge-ack.ts). */
    Challenged = 1,
}

/** Offsets in the record of a connection's pace (pace.ts). */
export const enum Pace {
    /** The connection's id: what another left says nothing. */
    Id = 0,
    /** SND.UNA plus RCV.NXT at the last look, their lower 16 bits. */
    Moved = 2,
    /** Seconds. */
    Debt = 4,
    Size = 6,
}

/** Offsets in a listener's record. Free when Id is 0. */
export const enum Listener {
    Id = 0,
    /** Local port, in network order as `getAt` "u16" reads it from a segment. */
    Port = 2,
    /** Most connections that may wait to be accepted. */
    Backlog = 4,
    /** Receive limit of the connections that come from it. */
    ReceiveLimit = 6,
    Size = 8,
}

/** Offsets in `t.segment`, the segment being handled: a record of its fields, since the VM passes at most eight arguments. */
export const enum Seg {
    /** The sender's address as the wire has it, and the ports in the order of the header: the peer's, ours. */
    RemoteIp = 0,
    Ports = 4,
    Sequence = 8,
    Acknowledgment = 12,
    /** The window as in the header, not scaled. */
    Window = 16,
    /** Where the header and the data start in the receive frame, and bytes of data. */
    At = 18,
    DataAt = 20,
    Length = 22,
    /** SEG.LEN, the sequence numbers that the segment takes: one for each byte of data, for its SYN and for its FIN. */
    Space = 24,
    /** Control bits (wire/tcp.ts, Flag). */
    Control = 26,
    Size = 28,
}
