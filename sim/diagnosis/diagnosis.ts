// Why something failed: one sentence, what was seen, and what to do.

/** The kinds of failures. */
export type Cause =
    | "aborted"
    | "answered-late"
    | "answered-slowly"
    | "address-taken"
    | "backlog-full"
    | "cable-out"
    | "chip-silent"
    | "closed-at-once"
    | "corrupted"
    | "cut-short"
    | "dhcp-refused"
    | "dhcp-silent"
    | "dhcp-unusable"
    | "filtered"
    | "fragmented"
    | "foreign-protocol"
    | "frames-lost"
    | "gateway-missing"
    | "gateway-silent"
    | "gateway-wrong"
    | "half-closed"
    | "handshake-unfinished"
    | "host-silent"
    | "ignored-reset"
    | "link-down"
    | "mtu"
    | "name-server-failed"
    | "name-server-silent"
    | "name-unknown"
    | "no-answer"
    | "not-acknowledged"
    | "opened-late"
    | "peer-vanished"
    | "port-closed"
    | "recovered"
    | "redirected"
    | "reset"
    | "reset-after-close"
    | "resolver-missing"
    | "service-refused"
    | "stale-connection"
    | "tables-full"
    | "tls"
    | "unanswered"
    | "unreachable"
    | "window-shut"
    | "withdrawn"
    | "wrong-neighbour"
    | "wrong-number"
    | "wrong-prefix"
    | "wrong-source"
    | "misused"

export interface Diagnosis {
    readonly cause: Cause
    /** What happened. */
    readonly sentence: string
    /** What was seen: the hosts that answered, those that did not, and since when. */
    readonly evidence: readonly string[]
    /** What to do; "" where there is nothing to do. */
    readonly advice: string
    /** When an earlier sentence was said that this one corrects, and that sentence; undefined for any other diagnosis. */
    readonly replaces?: string
}

/** Returns a diagnosis. Evidence that is undefined is left out. */
export function diagnosis(
    cause: Cause,
    sentence: string,
    advice = "",
    evidence: readonly (string | undefined)[] = []
): Diagnosis {
    return {
        cause,
        sentence: sentence.replace(/^the /, "The "),
        advice,
        evidence: evidence.filter(text => text !== undefined),
    }
}

/** Returns the lines of a diagnosis, each as one paragraph. */
export function diagnosisLines({ sentence, evidence, advice, replaces }: Omit<Diagnosis, "cause">): string[] {
    return [
        ...(replaces === undefined
            ? [`why: ${sentence}`]
            : [`correction: ${sentence}`, `replaces: ${replaces}`]),
        ...evidence.map(text => `seen: ${text}`),
        ...(advice === "" ? [] : [`do: ${advice}`]),
    ]
}

/** Returns a time in milliseconds as the ladder shows it: `1.250 s`. */
export function moment(ms: number): string {
    return `${(Math.max(0, ms) / 1000).toFixed(3)} s`
}

/** Returns words joined as in a sentence: `a, b and c`. */
export function listed(words: readonly string[], most = 4): string {
    const some =
        words.length > most ? [...words.slice(0, most - 1), `${words.length - most + 1} more`] : words
    if (some.length < 2) return some.join("")
    return `${some.slice(0, -1).join(", ")} and ${some.at(-1)}`
}
