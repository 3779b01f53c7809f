// Names that scripts use for numbers: constants with the values that Linux gives them, errors, types of ICMP.

const CONSTANTS: Readonly<Record<string, number>> = {
    AF_INET: 2,
    PF_INET: 2,
    SOCK_STREAM: 1,
    SOCK_DGRAM: 2,
    SOCK_NONBLOCK: 0x800,
    SOCK_CLOEXEC: 0x80000,
    IPPROTO_IP: 0,
    IPPROTO_TCP: 6,
    IPPROTO_UDP: 17,
    SOL_SOCKET: 1,
    SOL_IP: 0,
    SOL_TCP: 6,
    SO_REUSEADDR: 2,
    SO_TYPE: 3,
    SO_ERROR: 4,
    SO_SNDBUF: 7,
    SO_RCVBUF: 8,
    SO_KEEPALIVE: 9,
    SO_OOBINLINE: 10,
    SO_LINGER: 13,
    SO_REUSEPORT: 15,
    SO_RCVLOWAT: 18,
    SO_SNDTIMEO: 21,
    SO_RCVTIMEO: 20,
    SO_ACCEPTCONN: 30,
    TCP_NODELAY: 1,
    TCP_MAXSEG: 2,
    TCP_CORK: 3,
    TCP_KEEPIDLE: 4,
    TCP_KEEPINTVL: 5,
    TCP_KEEPCNT: 6,
    TCP_SYNCNT: 7,
    TCP_LINGER2: 8,
    TCP_DEFER_ACCEPT: 9,
    TCP_WINDOW_CLAMP: 10,
    TCP_INFO: 11,
    TCP_QUICKACK: 12,
    TCP_CONGESTION: 13,
    TCP_USER_TIMEOUT: 18,
    TCP_FASTOPEN: 23,
    F_GETFL: 3,
    F_SETFL: 4,
    O_RDONLY: 0,
    O_WRONLY: 1,
    O_RDWR: 2,
    O_NONBLOCK: 0x800,
    SHUT_RD: 0,
    SHUT_WR: 1,
    SHUT_RDWR: 2,
    MSG_OOB: 1,
    MSG_PEEK: 2,
    MSG_DONTWAIT: 0x40,
    MSG_WAITALL: 0x100,
    MSG_NOSIGNAL: 0x4000,
    MSG_MORE: 0x8000,
    POLLIN: 1,
    POLLPRI: 2,
    POLLOUT: 4,
    POLLERR: 8,
    POLLHUP: 0x10,
    POLLNVAL: 0x20,
    POLLRDNORM: 0x40,
    POLLWRNORM: 0x100,
    POLLRDHUP: 0x2000,
    FIONREAD: 0x541b,
    SIOCINQ: 0x541b,
    SIOCOUTQ: 0x5411,
}

/** The value of a constant or the number of an error, undefined for names that are neither. */
export function constant(name: string): number | undefined {
    return Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name] : errorNumber(name)
}

/** The name of a value among constants that begin with `prefix`, or the number. */
export function nameOf(prefix: string, value: number): string {
    const entry = Object.entries(CONSTANTS).find(([name, v]) => name.startsWith(prefix) && v === value)
    return entry?.[0] ?? String(value)
}

/** Bits as names: `POLLIN|POLLOUT`, or 0. */
export function bitNames(prefix: string, value: number): string {
    const names = Object.entries(CONSTANTS).filter(
        ([name, bit]) => name.startsWith(prefix) && (value & bit) !== 0
    )
    return names.length === 0 ? "0" : names.map(([name]) => name).join("|")
}

/** Errors: the number that Linux gives them, and what they say. */
const ERRORS: Readonly<Record<string, readonly [number, string]>> = {
    EBADF: [9, "Bad file descriptor"],
    EAGAIN: [11, "Resource temporarily unavailable"],
    EWOULDBLOCK: [11, "Resource temporarily unavailable"],
    EINVAL: [22, "Invalid argument"],
    EPIPE: [32, "Broken pipe"],
    EMSGSIZE: [90, "Message too long"],
    EACCES: [13, "Permission denied"],
    EPROTONOSUPPORT: [93, "Protocol not supported"],
    EOPNOTSUPP: [95, "Operation not supported"],
    EADDRINUSE: [98, "Address already in use"],
    ENETUNREACH: [101, "Network is unreachable"],
    ECONNABORTED: [103, "Software caused connection abort"],
    ECONNRESET: [104, "Connection reset by peer"],
    ENOBUFS: [105, "No buffer space available"],
    EISCONN: [106, "Transport endpoint is already connected"],
    ENOTCONN: [107, "Transport endpoint is not connected"],
    ETIMEDOUT: [110, "Connection timed out"],
    ECONNREFUSED: [111, "Connection refused"],
    EHOSTUNREACH: [113, "No route to host"],
    EALREADY: [114, "Operation already in progress"],
    EINPROGRESS: [115, "Operation now in progress"],
}

/** The number of an error by its name; undefined for names that are none. */
export function errorNumber(name: string): number | undefined {
    return Object.hasOwn(ERRORS, name) ? ERRORS[name]![0] : undefined
}

/** Names of one error are the same. */
export function sameError(a: string, b: string): boolean {
    return a === b || (errorNumber(a) !== undefined && errorNumber(a) === errorNumber(b))
}

/** An error as a script writes it. */
export function errorText(name: string): string {
    return Object.hasOwn(ERRORS, name) ? `${name} (${ERRORS[name]![1]})` : name
}

/** The name of the error with this number, or the number. */
export function errorOfNumber(number: number): string {
    return Object.keys(ERRORS).find(name => ERRORS[name]![0] === number) ?? String(number)
}

const ICMP_TYPES: Readonly<Record<string, number>> = {
    echo_reply: 0,
    unreachable: 3,
    source_quench: 4,
    redirect: 5,
    echo_request: 8,
    time_exceeded: 11,
    parameter_problem: 12,
}

/** In the order of their codes. */
const UNREACHABLE = (
    "net_unreachable host_unreachable protocol_unreachable port_unreachable frag_needed source_route_failed " +
    "net_unknown host_unknown source_host_isolated net_prohibited host_prohibited net_unreachable_for_tos " +
    "host_unreachable_for_tos packet_filtered precedence_violation precedence_cutoff"
).split(" ")

/** A type of ICMP by its name, or as `type_3`; undefined for names that are none. */
export function icmpType(name: string): number | undefined {
    return numbered(name, "type_") ?? (Object.hasOwn(ICMP_TYPES, name) ? ICMP_TYPES[name] : undefined)
}

/** A code of that type, or as `code_4`. */
export function icmpCode(type: number, name: string): number | undefined {
    const code = type === 3 ? UNREACHABLE.indexOf(name) : -1
    return numbered(name, "code_") ?? (code < 0 ? undefined : code)
}

/** Type and code in words. */
export function icmpText(type: number, code: number): string {
    const name = Object.keys(ICMP_TYPES).find(key => ICMP_TYPES[key] === type) ?? `type_${type}`
    if (type === 3 && code < UNREACHABLE.length) return `${name} ${UNREACHABLE[code]}`
    return code === 0 ? name : `${name} code_${code}`
}

function numbered(name: string, prefix: string): number | undefined {
    const digits = name.startsWith(prefix) ? name.slice(prefix.length) : ""
    return /^\d{1,3}$/.test(digits) && Number(digits) <= 255 ? Number(digits) : undefined
}
