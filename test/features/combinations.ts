// What the documents' smallest programs leave out.

/** What neither a small client nor a small server needs. */
const spared = [
    "SYN_COOKIES",
    "TIME_WAIT_RECORDS",
    "TIMESTAMPS",
    "SACK",
    "REASSEMBLY",
    "FAST_RETRANSMIT",
    "DELAYED_ACKS",
    "KEEP_ALIVE",
    "USER_TIMEOUT",
    "ICMP_ERRORS",
    "PATH_MTU",
    "UNREACHABLES",
    "PING_REPLIES",
    "UDP",
    "CONFIG_CHECKS",
    "EVENTS",
    "COUNTERS",
]

export interface Combination {
    name: string
    program: string
    without: string[]
    /** Bytes of code at most, optimized. */
    code: number
}

export const client: Combination = {
    name: "the smallest client",
    program: "src/examples/hello.ts",
    without: ["PASSIVE_OPENS", ...spared],
    code: 32_000,
}

export const server: Combination = {
    name: "the smallest server",
    program: "src/examples/echo.ts",
    without: ["ACTIVE_OPENS", ...spared],
    code: 35_000,
}
