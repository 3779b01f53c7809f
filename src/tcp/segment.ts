// The segment being handled. A record of its fields, since the VM passes at most eight arguments.

/** Offsets in `t.segment`. */
export const enum Seg {
    /** Who sent it, as the wire has it, and the ports in the order of the header: its own, ours. */
    RemoteIp = 0,
    Ports = 4,
    Sequence = 8,
    Acknowledgment = 12,
    /** The window as in the header, not scaled. */
    Window = 16,
    /** Where the header, its options and the text start in the receive frame, and bytes of text. */
    At = 18,
    TextAt = 20,
    Length = 22,
    /** Control bits (wire/tcp.ts, Flag). */
    Control = 24,
    Size = 26,
}
