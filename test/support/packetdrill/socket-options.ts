// setsockopt() and getsockopt(): what can be chosen about a socket, before it has a connection and after.

import type { Backend } from "./backend"
import { BadExpression, fieldOf, numberFor } from "./expressions"
import type { Expression } from "./script"
import type { Result, Socket } from "./sockets"
import { constant, errorNumber, errorOfNumber, nameOf } from "./symbols"

/** What a program chose; of the listener's choices most hold for the connections that it accepts. */
export interface Choices {
    noDelay: boolean
    keepAlive: boolean
    /** Milliseconds, 0 for the configuration's limit. */
    userTimeout: number
    receiveLimit: number | undefined
    /** SO_LINGER with a time of 0: close() is an abort. */
    lingerReset: boolean
    reuseAddress: boolean
}

export function newChoices(): Choices {
    return {
        noDelay: false,
        keepAlive: false,
        userTimeout: 0,
        receiveLimit: undefined,
        lingerReset: false,
        reuseAddress: false,
    }
}

/** Tells the stack what was chosen before there was a connection. */
export async function applyChoices(backend: Backend, handle: number, choices: Choices): Promise<void> {
    if (choices.noDelay) await backend.setNoDelay(handle, true)
    if (choices.keepAlive) await backend.setKeepAlive(handle, true)
    if (choices.userTimeout > 0) await backend.setUserTimeout(handle, choices.userTimeout / 1000)
}

/** Options by level and name: how the argument is understood, and what there is instead of those that are missing. */
const MISSING: Readonly<Record<string, string>> = {
    SO_SNDBUF: "the send ring is --config=sendBuffer=N",
    TCP_MAXSEG:
        "the stack's MSS is made of --mtu, and %{ assert tcpi_snd_mss == 1460 }% looks at the one in use",
    TCP_KEEPIDLE: "--config=keepAliveIdle=MS is for all connections",
    TCP_KEEPINTVL: "--config=keepAliveInterval=MS is for all connections",
    TCP_KEEPCNT: "--config=keepAliveProbes=N is for all connections",
    TCP_SYNCNT: "--config=r2Syn=MS limits how long a SYN is sent again",
    TCP_LINGER2: "--config=finWait2=MS is for all connections",
    TCP_INFO: "write %{ assert tcpi_state == TCP_ESTABLISHED }%",
}

/** The option's name, whichever way the script writes it. */
function optionOf(args: readonly Expression[]): string {
    const level = numberFor(args[1]!, "level")
    const option = numberFor(args[2]!, "option")
    if (level === constant("SOL_SOCKET")) return nameOf("SO_", option)
    if (level === constant("SOL_TCP")) return nameOf("TCP_", option)
    throw new BadExpression("there are options of SOL_SOCKET and SOL_TCP here")
}

function unsupported(name: string): BadExpression {
    const instead = Object.hasOwn(MISSING, name) ? MISSING[name] : undefined
    return new BadExpression(`${name} is not supported here${instead === undefined ? "" : `: ${instead}`}`)
}

/** setsockopt(fd, level, option, [value], 4). */
export async function setOption(
    backend: Backend,
    socket: Socket,
    args: readonly Expression[]
): Promise<Result> {
    const name = optionOf(args)
    const { choices, kind } = socket
    const handle = kind === "connection" ? socket.handle : undefined
    if (name === "SO_LINGER") return linger(choices, args[3]!)
    const value = numberFor(args[3]!, "the value")
    switch (name) {
        case "SO_REUSEADDR":
            // a port in TIME-WAIT can be listened on all the same
            choices.reuseAddress = value !== 0
            return { outcome: 0 }
        case "TCP_NODELAY":
            choices.noDelay = value !== 0
            return { outcome: handle === undefined ? 0 : await backend.setNoDelay(handle, value !== 0) }
        case "SO_KEEPALIVE":
            choices.keepAlive = value !== 0
            return { outcome: handle === undefined ? 0 : await backend.setKeepAlive(handle, value !== 0) }
        case "TCP_USER_TIMEOUT":
            if (value < 0) return { outcome: "EINVAL" }
            if (value % 1000 !== 0)
                throw new BadExpression("TCP_USER_TIMEOUT is whole seconds here, in milliseconds")
            choices.userTimeout = value
            return { outcome: handle === undefined ? 0 : await backend.setUserTimeout(handle, value / 1000) }
        case "SO_RCVBUF":
            choices.receiveLimit = value
            // of a listener it holds for what it accepts
            return {
                outcome:
                    socket.handle === undefined ? 0 : await backend.setReceiveLimit(socket.handle, value),
            }
        default:
            throw unsupported(name)
    }
}

/** `{onoff=1, linger=0}`: an abort; waiting in close() there is none. */
function linger(choices: Choices, value: Expression): Result {
    const on = fieldOf(value, "onoff")
    const time = fieldOf(value, "linger")
    if (on === undefined || time === undefined)
        throw new BadExpression("SO_LINGER is written {onoff=1, linger=0}")
    const isOn = numberFor(on, "onoff") !== 0
    if (isOn && numberFor(time, "linger") !== 0)
        throw new BadExpression("close() never waits here: linger=0 or onoff=0")
    choices.lingerReset = isOn
    return { outcome: 0 }
}

/** getsockopt(fd, level, option, [value], [4]): the value has to be the script's. */
export async function getOption(
    backend: Backend,
    socket: Socket,
    args: readonly Expression[]
): Promise<Result> {
    const name = optionOf(args)
    const value = await valueFor(backend, socket, name)
    const wanted = numberFor(args[3]!, "the value")
    if (value === wanted) return { outcome: 0 }
    const text = (number: number) => (name === "SO_ERROR" ? errorOfNumber(number) : String(number))
    return { outcome: 0, problem: `${name} is ${text(value)} instead of ${text(wanted)}` }
}

async function valueFor(backend: Backend, socket: Socket, name: string): Promise<number> {
    const { choices } = socket
    switch (name) {
        case "SO_ERROR": {
            if (socket.kind !== "connection") return 0
            const failure = await backend.failure(socket.handle!)
            return failure === undefined ? 0 : (errorNumber(failure) ?? -1)
        }
        case "SO_TYPE":
            return constant("SOCK_STREAM")!
        case "SO_ACCEPTCONN":
            return Number(socket.kind === "listener")
        case "SO_REUSEADDR":
            return Number(choices.reuseAddress)
        case "TCP_NODELAY":
            return Number(choices.noDelay)
        case "SO_KEEPALIVE":
            return Number(choices.keepAlive)
        case "TCP_USER_TIMEOUT":
            return choices.userTimeout
        default:
            throw unsupported(name)
    }
}
