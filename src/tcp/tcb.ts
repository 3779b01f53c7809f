// The records TCP keeps (RFC 9293 section 3.3.1): a connection, a half-open connection, a listener.
//
// A record is bytes in a table: `conns.getAt(c + Tcb.SndUna, "i32")` is one operation on the VM, where an object's
// property costs 16 bytes and a search. `c` is the record's offset in its table.

import { word } from "../inspect/words"

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
const stateNames =
    "CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"

export function stateName(state: State): string {
    return word(stateNames, state)
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
    /** An argument makes no sense: port 0, a broadcast address, our own address. */
    Invalid = -10,
    /** The peer has sent its FIN and all before it was read. Not a failure. */
    Eof = -11,
}

const errorNames =
    "OK ECONNREFUSED ECONNRESET ETIMEDOUT EHOSTUNREACH ECONNABORTED ENOBUFS EADDRINUSE ENOTCONN EPIPE EINVAL EOF"

/** The name POSIX has for it. */
export function errorName(error: TcpError): string {
    return word(errorNames, -error)
}

/** Offsets in a connection's record. A record is free when its Id is 0. */
export const enum Tcb {
    State = 0,
    /** Bits of ConnFlag. */
    Flags = 1,
    /** Id, unique among connections and listeners. */
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
    /** Peer's window, scaled; and the largest it ever was (RFC 5961 section 5.2). */
    SndWnd = 24,
    MaxSndWnd = 28,
    SndWl1 = 32,
    SndWl2 = 36,
    RcvNxt = 40,
    /** Right edge of the window last advertised: RCV.NXT + RCV.WND. */
    RcvAdv = 44,
    /** When the timer expires; which it is follows from the state. Armed: ConnFlag.Timer. */
    Deadline = 48,
    /** When the last progress was made, for R2. */
    Progress = 52,
    /** Timed segment: the acknowledgment that ends it and when it was sent. Being timed: ConnFlag2.Timing. */
    RttSeq = 56,
    RttStart = 60,
    /** Smoothed round-trip time times 8 and its variation times 4, ms. 0: none measured. */
    Srtt = 64,
    RttVar = 68,
    /** Retransmission timeout, ms. */
    Rto = 72,
    /** Congestion window and slow start threshold, bytes. */
    Cwnd = 74,
    Ssthresh = 76,
    /** Largest segment the peer takes, and we send. */
    Mss = 78,
    /** Send ring: offset of SndUna in it, and bytes from there on that wait for an acknowledgment or to be sent. */
    SendHead = 80,
    SendLength = 82,
    /** Receive ring: offset of the first unread byte, how many there are, and how many may be (its size at most). */
    ReceiveHead = 84,
    ReceiveLength = 86,
    ReceiveLimit = 88,
    /** Shift of the peer's window, and retransmissions since the last progress. */
    SndScale = 90,
    Retries = 91,
    /** More flags (ConnFlag2); the error that ended the connection, a positive number (-TcpError). */
    Flags2 = 92,
    Error = 93,
    /** Id of the listener it came from, 0 for an active open. */
    Listener = 94,
    Size = 96,
}

export const enum ConnFlag {
    /** An acknowledgment is due at once. */
    AckNow = 1,
    /** Something may have to be sent. */
    Due = 2,
    /** The program closed in SYN-RECEIVED: FIN-WAIT-1 follows instead of ESTABLISHED. */
    FinQueued = 4,
    /** The timer is armed. */
    Timer = 16,
    /** A program holds the connection's id. */
    Held = 32,
    /** close() was called: nobody will read what comes. */
    ReadClosed = 64,
    /** Established, and not yet accepted. */
    Pending = 128,
}

export const enum ConnFlag2 {
    /** A segment is being timed. */
    Timing = 1,
    /** The SYN was retransmitted (RFC 6298 section 5.7). */
    SynLost = 2,
    /** ICMP or ARP said unreachable since the last progress: a soft error, told when R2 passes. */
    SoftError = 4,
    /** CLOSED, and an RST is still to be sent. */
    ResetDue = 8,
    /** The peer's window is shut, and the timer wants an octet sent all the same. */
    Probe = 16,
    /** Several retransmissions had no answer: the next hop's address may have changed, and is to be asked for anew. */
    HopSuspect = 32,
}

/** Offsets in a half-open record: SYN-RECEIVED, from a passive open. Free when Listener is 0. */
export const enum Half {
    Ports = 0,
    RemoteIp = 4,
    Irs = 8,
    Iss = 12,
    Deadline = 16,
    SndWnd = 20,
    Mss = 22,
    /** Id of the listener. */
    Listener = 24,
    SndScale = 26,
    Retries = 27,
    /** Bits of HalfFlag. */
    Flags = 28,
    /** The window that the SYN-ACK tells of: the listener's may change meanwhile, and is not taken back. */
    ReceiveLimit = 30,
    Size = 32,
}

export const enum HalfFlag {
    /** A SYN-ACK is due. */
    Due = 1,
    /** An acknowledgment without SYN is due: a challenge. */
    Challenge = 2,
    /** The peer offered window scaling: our SYN-ACK does too, with a shift of 0. */
    Scaling = 4,
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
