// The flags (control bits) of a TCP segment by name, and the states that a connection enters by sending one of them.

/** The flags in the order of their bits in the header, the lowest first. */
const FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"] as const
export type FlagName = (typeof FLAGS)[number]
export type TcpFlags = Readonly<Record<FlagName, boolean>>

/** The flags in the order for programs (`--json`). */
const LISTED: readonly FlagName[] = ["syn", "fin", "rst", "psh", "ack", "urg", "ece", "cwr"]
/** The flags in the order in which people name them, such as SYN-ACK. */
const SPOKEN: readonly FlagName[] = ["rst", "syn", "fin", "psh", "urg", "ece", "cwr", "ack"]

/** Returns which flags are set in a header's byte of flags. */
export function flagsOf(bits: number): TcpFlags {
    return Object.fromEntries(FLAGS.map((flag, bit) => [flag, (bits & (1 << bit)) !== 0])) as TcpFlags
}

/** Returns the names of the flags that are set, in the order for programs. */
export function flagList(flags: TcpFlags): string[] {
    return namesOf(flags, LISTED)
}

/** Returns the flags that are set as one word for people: SYN, SYN-ACK, FIN-ACK, RST …; `none` if no flag is set. */
export function flagNames(flags: TcpFlags): string {
    const names = namesOf(flags, SPOKEN)
    return names.length > 0 ? names.join("-") : "none"
}

/** The most characters of the flags' column in a ladder: SYN-ACK, PSH-ACK, RST-ACK. */
export const FLAGS_WIDTH = 7
/** The flags that move to the numbers when the column has no room, the least telling first. */
const YIELDING: readonly FlagName[] = ["cwr", "ece", "urg", "psh", "fin"]

/** Returns the flags for a column of FLAGS_WIDTH characters, and those that have no room in it: FIN-ACK and PSH for FIN-PSH-ACK. */
export function flagColumn(flags: TcpFlags): { column: string; rest: string[] } {
    const rest: FlagName[] = []
    for (const flag of YIELDING) {
        if (flagNames(without(flags, rest)).length <= FLAGS_WIDTH) break
        if (flags[flag]) rest.push(flag)
    }
    return {
        column: flagNames(without(flags, rest)),
        rest: namesOf(
            without(
                flags,
                SPOKEN.filter(flag => !rest.includes(flag))
            ),
            SPOKEN
        ),
    }
}

function without(flags: TcpFlags, names: readonly FlagName[]): TcpFlags {
    return { ...flags, ...Object.fromEntries(names.map(name => [name, false])) }
}

function namesOf(flags: TcpFlags, order: readonly FlagName[]): string[] {
    return order.filter(flag => flags[flag]).map(flag => flag.toUpperCase())
}

/**
 * The states that a connection enters by sending a flag. A connection enters the other states when a segment arrives or a timer
 * expires.
 */
export const ENTERED_BY_SENDING: Readonly<Record<string, "syn" | "fin">> = {
    "SYN-SENT": "syn",
    "FIN-WAIT-1": "fin",
    "LAST-ACK": "fin",
}
