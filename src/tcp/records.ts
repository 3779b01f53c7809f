// The records that TCP keeps (RFC 9293 section 3.3.1): of a connection, a half-open connection, a connection in TIME-WAIT, a
// listener, and the segment that is being handled.
//
// A record is bytes: `c.getAt(Tcb.SndUna, "i32")` is one operation on the VM, where an object's property costs 16 bytes and a
// search. A connection's record is a buffer of its own: a segment's path reads and writes some sixty of its fields, and each takes two
// operations and three bytes of code less than in a table. The other records are in tables: `h` is the record's offset in its
// table. A field is read and written with one width everywhere (test/tcp/widths.test.ts). "Shares bytes with" marks fields that are never valid at the same time.

import { word } from "../base/words"
import { ParsedOptions } from "../wire/tcp"

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

/** The names of the states as the RFC spells them, in the order of State: one string, because a string stays in flash. */
export const stateNames =
    "CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"

/** Returns the RFC's name of a state. */
export function stateName(state: State): string {
    return word(stateNames, state)
}

/** Returns true in the two states in which our FIN is sent and the peer's has not arrived. */
export function isFinWait(state: State): boolean {
    return state === State.FinWait1 || state === State.FinWait2
}

/** The reasons why a connection failed, and what the calls in calls.ts return in place of a number of bytes. */
export const enum TcpError {
    None = 0,
    /** The peer answered our SYN with an RST. */
    Refused = -1,
    /** The peer reset the connection with an RST. */
    Reset = -2,
    /** The peer did not answer until R2 had passed (RFC 9293 section 3.8.3). */
    TimedOut = -3,
    /** The next hop does not answer to ARP, or ICMP reported the peer as unreachable. */
    Unreachable = -4,
    /** The program here aborted the connection. */
    Aborted = -5,
    /** All connection or listener records are taken. */
    NoBuffers = -6,
    /** The port is listened on already, or the four-tuple is in use. */
    InUse = -7,
    /** No connection has this id, or its state does not allow the call. */
    NotConnected = -8,
    /** The program has shut down sending. */
    Pipe = -9,
    /** An argument is not valid: port 0, our own address, the network's, a broadcast address. */
    Invalid = -10,
    /** The peer has sent its FIN, and all data before it was read. This is not a failure. */
    Eof = -11,
    /** ICMP reported that a router or the host prohibits the connection. */
    Prohibited = -12,
}

const errorNames =
    "OK ECONNREFUSED ECONNRESET ETIMEDOUT EHOSTUNREACH ECONNABORTED ENOBUFS EADDRINUSE ENOTCONN EPIPE EINVAL EOF EACCES"

/** Returns the POSIX name of an error. */
export function errorName(error: TcpError): string {
    return word(errorNames, -error)
}

/** Offsets in a connection's record. A record is free when its Id is 0. The send ring and the receive ring follow the fields. */
export const enum Tcb {
    State = 0,
    /** Bits of ConnFlag. */
    Flags = 1,
    /** Id, unique among connections, TIME-WAIT records and listeners. */
    Id = 2,
    /** Remote and local port, as the header of a segment from the peer has them: source, destination. */
    Ports = 4,
    /** Remote address as the wire has it. */
    RemoteIp = 8,
    SndUna = 12,
    /** The sequence number to send next; it falls back to SndUna when the timer expires. */
    SndNxt = 16,
    /** The RFC's SND.NXT: one more than the highest sequence number ever sent. */
    SndMax = 20,
    /** Sequence number of the last window update. (SND.WL2 is never above SND.UNA, and needs no field.) */
    SndWl1 = 24,
    RcvNxt = 28,
    /** When the timer expires, if ConnFlag.Timer is set. The state determines what the timer is for (timers.ts). */
    Deadline = 32,
    /** The time from which R2 counts: that of the last progress or, with nothing in flight, about when data last was. */
    Progress = 36,
    /**
     * The acknowledgment number that ends the timing of a segment. Shares bytes with TsRecent; valid when SendFlag.Timing is set.
     */
    RttSeq = 40,
    /** TS.Recent. Shares bytes with RttSeq; valid when ConnOption.Timestamps is set, because nothing is timed then. */
    TsRecent = 40,
    /** When the timed segment was sent: the low 16 bits of the time. Shares bytes with TsOffset; valid with RttSeq. */
    RttStart = 44,
    /**
     * By how much the upper 16 bits of our timestamps are ahead of the time (RFC 7323 section 7.1: every connection has its own
     * offset). Shares bytes with RttStart; valid with TsRecent.
     */
    TsOffset = 44,
    /** When TS.Recent was taken: the upper 16 bits of the time. Valid with TsRecent. */
    TsAge = 46,
    /**
     * The peer's window, scaled, and the largest that it ever was (RFC 5961 section 5.2): 65,535 at most, because the send ring
     * is no larger.
     */
    SndWnd = 48,
    MaxSndWnd = 50,
    /** RCV.WND: from RCV.NXT to the right edge of the window last advertised. */
    RcvWnd = 52,
    /** Smoothed round-trip time times 8, and its variation times 4, in ms; 0 when none was measured. */
    Srtt = 54,
    RttVar = 56,
    /** Retransmission timeout, ms. */
    Rto = 58,
    /** Congestion window and slow start threshold, bytes. */
    Cwnd = 60,
    Ssthresh = 62,
    /** The most bytes of data to send in a segment: what the peer, our own MTU and the path allow, less the bytes of options. */
    Mss = 64,
    /** Send ring: the offset of the byte at SndUna, and the bytes from there on that wait to be sent or acknowledged. */
    SendHead = 66,
    SendLength = 68,
    /** Receive ring: the offset of the first unread byte, the number of unread bytes, and its limit (at most the ring's size). */
    ReceiveHead = 70,
    ReceiveLength = 72,
    ReceiveLimit = 74,
    /**
     * RFC 6582's recover, stored as 1 + the bytes from SndUna to what was SndMax at the loss; 0 once that data is acknowledged.
     */
    Recover = 76,
    /**
     * The data to send again next in fast recovery: bytes from SndUna to its start, and to its end. Share bytes with SmallEnd and
     * SackMiddle; valid when SendFlag.Recovery is set.
     */
    RtxAt = 78,
    RtxEnd = 80,
    /**
     * The low 16 bits of the sequence number after the last small segment (Minshall's change of Nagle). Shares bytes with
     * RtxAt; valid when SendFlag.Recovery is not set.
     */
    SmallEnd = 78,
    /**
     * Twice the middle of the first SACK block in the last duplicate ACK, counted from SndUna. Shares bytes with RtxEnd; valid when
     * SendFlag.Recovery is not set.
     */
    SackMiddle = 80,
    /** Blocks of data that arrived ahead of a gap at RcvNxt: Ahead.Blocks of them, the newest first. */
    Ahead = 82,
    /** When the delayed ACK is due: the low 16 bits of the time. Shares bytes with Ahead; valid when no block is kept. */
    AckAt = 82,
    /**
     * 1 when a second segment caused the last ACK before its delay was over. Shares bytes with Ahead; valid when no block is
     * kept.
     */
    Bulk = 86,
    /** Low 4 bits: the shift of the peer's window scale. High 4 bits: duplicate ACKs in a row, 15 at most. */
    ScaleDups = 90,
    /** Retransmissions or probes since the last progress. Shares bytes with Error; valid in any state but CLOSED. */
    Retries = 91,
    /** The error that ended the connection, a positive number (-TcpError). Shares bytes with Retries; valid in CLOSED. */
    Error = 91,
    /** Bits of SendFlag. */
    SendFlags = 92,
    /** Bits of ConnOption. */
    Options = 93,
    /** The listener's id. Shares bytes with UserTimeout; valid while ConnFlag.Pending is set. */
    Listener = 94,
    /**
     * User timeout in seconds, 0 for the configuration's R2. Shares bytes with Listener; valid when ConnFlag.Pending is not
     * set.
     */
    UserTimeout = 94,
    /** The size of the fields, which is where the send ring begins. */
    Size = 96,
}

/**
 * Offsets in a block of Tcb.Ahead: its start and end, counted from RcvNxt. The FIN counts as a byte. A free block has an end of
 * 0.
 */
export const enum Ahead {
    Start = 0,
    End = 2,
    Size = 4,
    /** The number of blocks in a connection's record, and their size in bytes. */
    Blocks = 2,
    All = 8,
}

/** Bits of Tcb.Flags: what the connection has to do, and whether a program holds it. */
export const enum ConnFlag {
    /** An ACK is due at once. */
    AckNow = 1,
    /** The connection may have something to send. */
    Due = 2,
    /** The program has closed in SYN-RECEIVED: FIN-WAIT-1 follows in place of ESTABLISHED. */
    FinQueued = 4,
    /** An ACK is due at Tcb.AckAt, or with the next segment (RFC 9293 section 3.8.6.3). */
    AckDelayed = 8,
    /** The timer is armed. */
    Timer = 16,
    /** A program holds the connection's id. */
    Held = 32,
    /** The program has called close, and reads no more data. */
    ReadClosed = 64,
    /** The connection is established, and no program has accepted it yet. */
    Pending = 128,
}

/** Bits of Tcb.SendFlags: the sender's state. */
export const enum SendFlag {
    /** A segment in flight is timed. */
    Timing = 1,
    /** The SYN was retransmitted (RFC 6298 section 5.7). */
    SynLost = 2,
    /**
     * ICMP or ARP reported the peer as unreachable since the last progress: a soft error, which the program gets when R2
     * passes.
     */
    SoftError = 4,
    /** The connection is CLOSED, and still has to send an RST. */
    ResetDue = 8,
    /** The timer has expired and a probe is due: a segment into a shut window, or a keep-alive. */
    Probe = 16,
    /**
     * Several retransmissions had no answer: the next hop's Ethernet address may have changed, and ARP has to ask for it again.
     */
    HopSuspect = 32,
    /** Fast recovery (RFC 6582). */
    Recovery = 64,
    /** In fast recovery, the data from RtxAt to RtxEnd has to be sent again. */
    Resend = 128,
}

/** Bits of Tcb.Options: what both ends agreed on, or the program asked for. The last four are here because the byte had room. */
export const enum ConnOption {
    /** Both ends use timestamps (RFC 7323). */
    Timestamps = 1,
    /** Both ends use SACK (RFC 2018). */
    Sack = 2,
    /** The Nagle algorithm is off (RFC 9293 section 3.7.4). */
    NoDelay = 4,
    /** An idle connection sends keep-alive probes (RFC 9293 section 3.8.4). */
    KeepAlive = 8,
    /** The last byte of the farthest block of Tcb.Ahead is the peer's FIN. */
    FinAhead = 16,
    /** The connection sent a challenge ACK in this period (challenge-ack.ts). */
    Challenged = 32,
    /** The path takes packets smaller than our smallest segment: routers may fragment them (DF is not set). */
    Fragment = 64,
    /** The program serves any client, and gives up this connection when another client needs its record (slow-clients.ts). */
    Served = 128,
}

/** Offsets in a half-open record: a connection in SYN-RECEIVED that a listener opened. A record is free when its Listener is 0. */
export const enum Half {
    Ports = 0,
    RemoteIp = 4,
    Irs = 8,
    Iss = 12,
    Deadline = 16,
    /** The peer's timestamp, to be echoed: TS.Recent. */
    TsRecent = 20,
    SndWnd = 24,
    /** The peer's MSS, or what fits our own MTU if that is less. */
    Mss = 26,
    /** Id of the listener. */
    Listener = 28,
    /** The window that the SYN-ACK advertises. It is not taken back when the listener's limit changes before the ACK arrives. */
    ReceiveLimit = 30,
    SndScale = 32,
    Retries = 33,
    /** Bits of HalfFlag. */
    Flags = 34,
    Size = 36,
}

/** Bits of Half.Flags, in addition to those of Agreed. */
export const enum HalfFlag {
    /** A SYN-ACK is due. */
    Due = 1,
    /** A challenge ACK is due. */
    Challenge = 2,
    /** The record sent a challenge ACK in this period. */
    Challenged = 32,
}

/** Options that both ends agreed on: the SYN offered them and the SYN-ACK accepted them, in an active or a passive open. */
export const enum Agreed {
    /** The peer offered window scaling: our SYN-ACK does too, with a shift of 0. */
    Scaling = 4,
    /** The peer permits SACK, and so do we. */
    Sack = 8,
    /** The peer offered timestamps, and so do we. */
    Timestamps = 16,
}

/**
 * Offsets in a record of TIME-WAIT, which is all that is left of a connection that no program holds. A record is free when its Id
 * is 0.
 */
export const enum TimeWaitRecord {
    Ports = 0,
    RemoteIp = 4,
    SndNxt = 8,
    RcvNxt = 12,
    /** TS.Recent (RFC 6191); 0 if the connection had no timestamps. */
    TsRecent = 16,
    Id = 20,
    /** When TIME-WAIT ends: the time in units of 2^Shift ms, u16. The lowest bit is WaitFlag. */
    Deadline = 22,
    Size = 24,
    Shift = 3,
}

/** The lowest bit of TimeWaitRecord.Deadline: the deadline is in the bits above it. */
export const enum WaitFlag {
    /** The record sent a challenge ACK in this period (challenge-ack.ts). */
    Challenged = 1,
}

/** Offsets in the record of a connection's pace (slow-clients.ts), the last bytes of the connection's record. */
export const enum Pace {
    /** Id of the connection that the fields describe; another connection may have the record now. */
    Id = 0,
    /** The low 16 bits of SND.UNA plus RCV.NXT at the last look. */
    Moved = 2,
    /** Seconds by which the connection is behind the least rate. */
    Debt = 4,
    Size = 6,
}

/** Offsets in a listener's record. A record is free when its Id is 0. */
export const enum Listener {
    Id = 0,
    /** Local port, in network order as `getAt` "u16" reads it from a segment. */
    Port = 2,
    /** The most connections that may wait to be accepted. */
    Backlog = 4,
    /** Tcb.ReceiveLimit of the connections that the listener opens. */
    ReceiveLimit = 6,
    Size = 8,
}

/**
 * Offsets in `t.segment`, the fields of the segment that is being handled: the VM passes at most eight arguments. Before them it has the
 * options that were parsed last, at the offsets of ParsedOptions (wire/tcp.ts).
 */
export const enum Seg {
    /** The peer's address as the wire has it, and the ports in the order of the header: the peer's, ours. */
    RemoteIp = ParsedOptions.Size,
    Ports = RemoteIp + 4,
    Sequence = RemoteIp + 8,
    Acknowledgment = RemoteIp + 12,
    /** The window as in the header, not scaled. */
    Window = RemoteIp + 16,
    /** Offset of the data in the receive frame; the header is at Frame.Transport. */
    DataAt = RemoteIp + 18,
    /** Bytes of data. */
    Length = RemoteIp + 20,
    /** Control bits (wire/tcp.ts, Flag). */
    Control = RemoteIp + 22,
    Size = RemoteIp + 24,
}
