// Commands in backticks. No shell runs: settings of Linux that mean something here become the stack's configuration.

import { Config } from "../../../src/tcp/config"
import { ScriptMistake, type Source } from "./failure"
import type { Command } from "./script"

type Values = Record<string, number>

/** What a setting of Linux is here: puts its value into the configuration, or says why not. */
type Setting = (value: string, config: Values) => string | undefined

/** Settings below net.ipv4 that are fields of the configuration. */
const SETTINGS: Readonly<Record<string, Setting>> = {
    tcp_timestamps: (value, config) => number(value, 0, 2, n => put(config, "timestamps", n > 0 ? 1 : 0)),
    tcp_sack: (value, config) => number(value, 0, 1, n => put(config, "sack", n)),
    tcp_syn_retries: (value, config) =>
        number(value, 1, 15, n => put(config, "r2Syn", timeOfRetries(n, config))),
    tcp_synack_retries: (value, config) => number(value, 0, 15, n => put(config, "synAckRetries", n)),
    tcp_fin_timeout: (value, config) => number(value, 1, 86400, n => put(config, "finWait2", n * 1000)),
    tcp_keepalive_time: (value, config) =>
        number(value, 1, 86400, n => put(config, "keepAliveIdle", n * 1000)),
    tcp_keepalive_intvl: (value, config) =>
        number(value, 1, 86400, n => put(config, "keepAliveInterval", n * 1000)),
    tcp_keepalive_probes: (value, config) => number(value, 1, 255, n => put(config, "keepAliveProbes", n)),
    tcp_max_syn_backlog: (value, config) => number(value, 0, 200, n => put(config, "halfOpen", n)),
    tcp_max_tw_buckets: (value, config) => number(value, 0, 200, n => put(config, "timeWaits", n)),
    tcp_invalid_ratelimit: (value, config) =>
        number(value, 0, 60000, n => put(config, "challengeInterval", n)),
    // least, default and most; buffers do not grow here
    tcp_rmem: (value, config) => triple(value, n => put(config, "receiveBuffer", n)),
    tcp_wmem: (value, config) => triple(value, n => put(config, "sendBuffer", n)),
}

/** Settings that say what is so here anyway: with these values they are taken without doing anything. */
const AS_IT_IS: Readonly<Record<string, readonly string[]>> = {
    tcp_window_scaling: ["1"],
    tcp_syncookies: ["1"],
    tcp_ecn: ["0"],
    tcp_fastopen: ["0"],
    tcp_dsack: ["0"],
    tcp_fack: ["0"],
    tcp_frto: ["0"],
    tcp_early_retrans: ["0"],
    tcp_recovery: ["0"],
    tcp_reordering: ["3"],
    tcp_rfc1337: ["1"],
    tcp_slow_start_after_idle: ["1"],
    tcp_congestion_control: ["reno"],
    tcp_abort_on_overflow: ["0"],
    tcp_mtu_probing: ["0"],
    tcp_no_metrics_save: ["1"],
    tcp_moderate_rcvbuf: ["0"],
    tcp_autocorking: ["0"],
}

/** Programs of the original's tests, and of Linux, that there is nothing for to do here. */
const IGNORED = [
    // what is shipped is tested, and no script needs to set what is left
    /(^|\/)defaults\.sh$/,
    /^\/tmp\/sysctl_restore_/,
    /^ip tcp_metrics flush/,
    /^tc qdisc (add|replace) dev \S+ root pfifo$/,
]

/**
 * Carries out commands before the first event: settings go into `config`. Later (`config` is undefined) there is nothing
 * to set. Throws a ScriptMistake that names the command for all that is not known.
 */
export function runCommands(source: Source, command: Command, config: Values | undefined): void {
    let row = ""
    let start = command.line
    for (const [i, text] of command.text.split("\n").entries()) {
        row += text
        // a backslash joins lines
        if (row.endsWith("\\")) {
            row = `${row.slice(0, -1)} `
            continue
        }
        for (const part of row.replace(/(^|\s)#.*$/, "").split(/;|&&/)) {
            const problem = run(part.trim(), config)
            if (problem !== undefined) throw new ScriptMistake(source, start, problem)
        }
        row = ""
        start = command.line + i + 1
    }
}

/** Carries out one command; gives what is wrong with it. */
function run(text: string, config: Values | undefined): string | undefined {
    const withoutOutput = text.replace(/[12]?>\s*\/dev\/null|2>&1/g, "").trim()
    if (withoutOutput === "") return undefined
    if (IGNORED.some(pattern => pattern.test(withoutOutput))) return undefined
    const assignments = assignmentsOf(withoutOutput)
    if (assignments === undefined) return `a command that means nothing here: ${text}`
    for (const [name, value] of assignments) {
        if (config === undefined) return `settings can be made before the first event only: ${name}`
        const problem = set(name, value, config)
        if (problem !== undefined) return problem
    }
    return undefined
}

/** Names and values that `sysctl` or the original's set_sysctls.py is given; undefined for other commands. */
function assignmentsOf(text: string): [string, string][] | undefined {
    const match = /^(?:sysctl|\S*\bset_sysctls\.py)\s+(.*)$/.exec(text)
    if (match === null) return undefined
    const words = match[1]!.match(/(?:[^\s"]|"[^"]*")+/g) ?? []
    const pairs: [string, string][] = []
    for (const word of words) {
        if (/^-[qw]+$/.test(word)) continue
        const equals = word.indexOf("=")
        if (equals < 0) return undefined
        const name = word
            .slice(0, equals)
            .replace(/^\/proc\/sys\//, "")
            .replaceAll("/", ".")
        pairs.push([name, word.slice(equals + 1).replaceAll('"', "")])
    }
    return pairs
}

function set(name: string, value: string, config: Values): string | undefined {
    const short = name.replace(/^net\.ipv4\./, "")
    if (short !== name && Object.hasOwn(SETTINGS, short)) {
        const problem = SETTINGS[short]!(value, config)
        return problem === undefined ? undefined : `${name}=${value}: ${problem}`
    }
    const possible = short !== name && Object.hasOwn(AS_IT_IS, short) ? AS_IT_IS[short]! : []
    if (possible.includes(value)) return undefined
    if (possible.length > 0) return `${name}=${value}: here it is always ${possible.join(" or ")}`
    return `${name} means nothing here`
}

function put(config: Values, field: keyof Config & string, value: number): undefined {
    config[field] = value
}

function number(text: string, low: number, high: number, use: (n: number) => undefined): string | undefined {
    const value = /^\d+$/.test(text) ? Number(text) : -1
    return value >= low && value <= high ? use(value) : `a number from ${low} to ${high}`
}

function triple(text: string, use: (n: number) => undefined): string | undefined {
    const numbers = text.trim().split(/\s+/)
    if (numbers.length !== 3) return "three numbers: least, default, most"
    return number(numbers[1]!, 64, 65535, use)
}

/** Milliseconds from a SYN to the end of the timeout that follows its `n`th retransmission (RFC 6298 section 5.5). */
function timeOfRetries(n: number, config: Values): number {
    const shipped = new Config()
    const most = config.rtoMax ?? shipped.rtoMax
    let rto = config.rtoInitial ?? shipped.rtoInitial
    let time = 0
    for (let i = 0; i <= n; i++) {
        time += rto
        rto = Math.min(rto * 2, most)
    }
    return time
}
