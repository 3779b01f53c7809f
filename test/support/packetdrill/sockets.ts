// The system calls of a script: sockets with POSIX's manners, on the calls of the stack.

import type { Backend, Outcome } from "./backend"
import { type Connection, localText, remoteText } from "./connection"
import { BadExpression, fieldOf, numberFor, vectorOf } from "./expressions"
import { poll } from "./poll"
import type { Expression, SystemCall } from "./script"
import { applyChoices, type Choices, getOption, newChoices, setOption } from "./socket-options"
import { constant } from "./symbols"
import type { ConnectionTable } from "./table"

/** What a call returned; `problem` says what it brought that is not what the script says. */
export interface Result {
    readonly outcome: Outcome
    readonly problem?: string | undefined
}

/** Does a call, or goes on with it; undefined while it blocks. */
export type Operation = () => Promise<Result | undefined>

/** A socket of the program. */
export interface Socket {
    kind: "new" | "listener" | "connection"
    /** The stack's name for it, once it has one. */
    handle: number | undefined
    connection: Connection | undefined
    /** Local port that it was bound to. */
    port: number | undefined
    nonblocking: boolean
    /** The end of connect() was told. */
    connected: boolean
    /** shutdown(SHUT_RD): nothing is waited for any more. */
    readShut: boolean
    readonly choices: Choices
}

/** Ports that calls without an address mean. */
export interface Defaults {
    readonly bindPort: number
    readonly connectPort: number
    readonly remoteIp: string
}

const flag = (name: string) => constant(name)!
const NONBLOCK = flag("O_NONBLOCK")

export class Sockets {
    private readonly sockets = new Map<number, Socket>()

    constructor(
        readonly backend: Backend,
        private readonly table: ConnectionTable,
        private readonly defaults: Defaults
    ) {}

    /** What a call does. Throws a BadExpression for arguments that make no sense here. */
    operation(call: SystemCall): Operation {
        const args = call.arguments
        switch (call.name) {
            case "socket":
                return this.socket(call)
            case "bind":
                return this.once(args, 3, socket => this.bind(socket, args[1]!))
            case "listen":
                return this.once(args, 2, socket => this.listen(socket, number(args, 1, "backlog")))
            case "accept":
                return this.accept(call, 3)
            case "accept4":
                return this.accept(call, 4)
            case "connect":
                return this.connect(args)
            case "read":
                return this.read(args, 3, () => number(args, 2, "length"))
            case "recv":
                return this.read(args, 4, () => number(args, 2, "length"), number(args, 3, "flags"))
            case "readv":
                return this.read(args, 3, () => total(args))
            case "write":
                return this.write(args, 3, () => number(args, 2, "length"))
            case "send":
                return this.write(args, 4, () => number(args, 2, "length"), number(args, 3, "flags"))
            case "writev":
                return this.write(args, 3, () => total(args))
            case "shutdown":
                return this.once(args, 2, socket => this.shutdown(socket, number(args, 1, "how")))
            case "close":
                return this.once(args, 1, socket => this.close(args, socket))
            case "fcntl":
                return this.once(args, args.length === 2 ? 2 : 3, async socket => this.fcntl(socket, args))
            case "ioctl":
                return this.once(args, 3, socket => this.ioctl(socket, args))
            case "setsockopt":
                return this.once(args, 5, socket => setOption(this.backend, socket, args))
            case "getsockopt":
                return this.once(args, 5, socket => getOption(this.backend, socket, args))
            case "poll":
                return poll(this, args)
            default:
                throw new BadExpression(`the system call ${call.name} is not supported here`)
        }
    }

    /** The socket of a number in the script. */
    socketOf(fd: number): Socket {
        const socket = this.sockets.get(fd)
        if (socket === undefined) throw new BadExpression(`there is no socket ${fd}`)
        return socket
    }

    private first(args: readonly Expression[], count: number): Socket {
        if (args.length !== count)
            throw new BadExpression(`${count} arguments are needed, not ${args.length}`)
        return this.socketOf(number(args, 0, "the socket"))
    }

    /** A call that never blocks. */
    private once(
        args: readonly Expression[],
        count: number,
        run: (socket: Socket) => Promise<Result>
    ): Operation {
        return async () => await run(this.first(args, count))
    }

    private socket(call: SystemCall): Operation {
        return async () => {
            const args = call.arguments
            if (args.length !== 3) throw new BadExpression(`3 arguments are needed, not ${args.length}`)
            if (args[0]!.kind !== "ellipsis" && number(args, 0, "domain") !== flag("AF_INET")) {
                throw new BadExpression("there is AF_INET only")
            }
            const type = number(args, 1, "type")
            const protocol = number(args, 2, "protocol")
            const kind = type & ~(flag("SOCK_NONBLOCK") | flag("SOCK_CLOEXEC"))
            if (kind !== flag("SOCK_STREAM") || (protocol !== 0 && protocol !== flag("IPPROTO_TCP"))) {
                return { outcome: "EPROTONOSUPPORT" }
            }
            return { outcome: this.add(call, blank((type & flag("SOCK_NONBLOCK")) !== 0)) }
        }
    }

    /** Gives a socket the number that the script has for it. */
    private add(call: SystemCall, socket: Socket): number {
        const fd = numberFor(call.result, "the result")
        // the stack did it, and the script expects that it does not
        if (fd < 0) return Math.max(2, ...this.sockets.keys()) + 1
        if (this.sockets.has(fd)) throw new BadExpression(`there is a socket ${fd} already`)
        this.sockets.set(fd, socket)
        return fd
    }

    private async bind(socket: Socket, address: Expression): Promise<Result> {
        if (socket.kind !== "new" || socket.port !== undefined) return { outcome: "EINVAL" }
        socket.port = this.portOf(address, this.defaults.bindPort)
        return { outcome: 0 }
    }

    /** The port of `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("...")}`, or of `...`. */
    private portOf(address: Expression, other: number): number {
        if (address.kind === "ellipsis") return other
        const port = fieldOf(address, "sin_port")
        if (port === undefined) throw new BadExpression("an address is ... or a structure with sin_port")
        return numberFor(port, "sin_port")
    }

    private async listen(socket: Socket, backlog: number): Promise<Result> {
        if (socket.kind !== "new") return { outcome: "EINVAL" }
        if (socket.port === undefined) throw new BadExpression("bind the socket first")
        const outcome = await this.backend.listen(socket.port, Math.max(1, backlog))
        if (typeof outcome === "string") return { outcome }
        socket.kind = "listener"
        socket.handle = outcome
        this.table.listens(socket.port)
        if (socket.choices.receiveLimit !== undefined) {
            await this.backend.setReceiveLimit(outcome, socket.choices.receiveLimit)
        }
        return { outcome: 0 }
    }

    private accept(call: SystemCall, count: number): Operation {
        return async () => {
            const listener = this.first(call.arguments, count)
            if (listener.kind !== "listener") return { outcome: "EINVAL" }
            const { outcome, remotePort } = await this.backend.accept(listener.handle!)
            if (outcome === "EAGAIN" && !listener.nonblocking) return undefined
            if (typeof outcome === "string") return { outcome }
            const flags = count === 4 ? number(call.arguments, 3, "flags") : 0
            const socket = blank((flags & NONBLOCK) !== 0)
            // what was chosen for the listener holds for what it accepts
            Object.assign(socket.choices, listener.choices, { receiveLimit: undefined })
            const connection = this.table.accepted(listener.port!, remotePort)
            if (connection !== undefined) connection.handle = outcome
            Object.assign(socket, { kind: "connection", handle: outcome, connection, connected: true })
            await applyChoices(this.backend, outcome, socket.choices)
            return { outcome: this.add(call, socket) }
        }
    }

    private connect(args: readonly Expression[]): Operation {
        let begun = false
        return async () => {
            const socket = this.first(args, 3)
            if (socket.kind === "listener") return { outcome: "EISCONN" }
            if (socket.kind === "connection") {
                const result = await this.connecting(socket)
                if (result !== undefined) return result
                return begun ? undefined : { outcome: "EALREADY" }
            }
            begun = true
            const problem = await this.open(socket, args[1]!)
            if (problem !== undefined) return { outcome: problem }
            if (socket.nonblocking) return { outcome: "EINPROGRESS" }
            return await this.connecting(socket)
        }
    }

    private async open(socket: Socket, address: Expression): Promise<string | undefined> {
        const port = this.portOf(address, this.defaults.connectPort)
        const to = fieldOf(address, "sin_addr")
        if (to !== undefined && addressOf(to) !== this.defaults.remoteIp) {
            throw new BadExpression(`there is nobody but ${this.defaults.remoteIp} to connect to`)
        }
        // the SYN may go out before the call returns
        const connection = this.table.connects(port, socket.port)
        const outcome = await this.backend.connect(port, socket.port ?? 0)
        if (typeof outcome === "string") return outcome
        connection.handle = outcome
        socket.kind = "connection"
        socket.handle = outcome
        socket.connection = connection
        if (socket.choices.receiveLimit !== undefined) {
            await this.backend.setReceiveLimit(outcome, socket.choices.receiveLimit)
        }
        await applyChoices(this.backend, outcome, socket.choices)
        return undefined
    }

    /** What connect() says of a connection by now, undefined while it is being opened. */
    private async connecting(socket: Socket): Promise<Result | undefined> {
        if (socket.connected) return { outcome: "EISCONN" }
        const state = await this.backend.state(socket.handle!)
        if (state === "SYN-SENT" || state === "SYN-RECEIVED") return undefined
        const failure = await this.backend.failure(socket.handle!)
        if (failure !== undefined) return { outcome: failure }
        socket.connected = true
        return { outcome: 0 }
    }

    private read(args: readonly Expression[], count: number, most: () => number, flags = 0): Operation {
        only(flags, ["MSG_DONTWAIT", "MSG_NOSIGNAL"])
        return async () => {
            const socket = this.first(args, count)
            this.under(socket)
            if (socket.kind !== "connection") return { outcome: "ENOTCONN" }
            const length = most()
            const { outcome, data } = await this.backend.read(socket.handle!, length)
            if (outcome === "EAGAIN") {
                if (socket.readShut || length === 0) return { outcome: 0 }
                return socket.nonblocking || (flags & flag("MSG_DONTWAIT")) !== 0 ? { outcome } : undefined
            }
            return { outcome, problem: this.readProblem(socket, outcome, data) }
        }
    }

    /** What was read has to be what the script's packets had there. */
    private readProblem(socket: Socket, outcome: Outcome, data: Uint8Array | undefined): string | undefined {
        const { connection } = socket
        if (typeof outcome === "string" || connection === undefined) return undefined
        const wanted = remoteText(1 + connection.read, outcome)
        const at = data === undefined ? -1 : wanted.findIndex((byte, i) => data[i] !== byte)
        const position = connection.read + at
        connection.read += outcome
        return at < 0 ? undefined : `byte ${position} of the stream is ${data?.[at]}, ${wanted[at]} was sent`
    }

    private write(args: readonly Expression[], count: number, length: () => number, flags = 0): Operation {
        only(flags, ["MSG_DONTWAIT", "MSG_NOSIGNAL"])
        let done = 0
        return async () => {
            const socket = this.first(args, count)
            this.under(socket)
            if (socket.kind !== "connection") return { outcome: "EPIPE" }
            const outcome = await this.backend.write(socket.handle!, length() - done)
            if (typeof outcome === "number") {
                socket.connection?.written.push(...localText(outcome))
                done += outcome
            } else if (outcome !== "EAGAIN") return { outcome: done > 0 ? done : outcome }
            if (done === length()) return { outcome: done }
            if (!socket.nonblocking && (flags & flag("MSG_DONTWAIT")) === 0) return undefined
            return { outcome: done > 0 ? done : "EAGAIN" }
        }
    }

    /** From here on, lines without ports are about this socket's connection. */
    private under(socket: Socket): void {
        if (socket.connection !== undefined) this.table.current = socket.connection
    }

    private async shutdown(socket: Socket, how: number): Promise<Result> {
        if (how < flag("SHUT_RD") || how > flag("SHUT_RDWR")) return { outcome: "EINVAL" }
        if (socket.kind !== "connection") return { outcome: "ENOTCONN" }
        const outcome = how === flag("SHUT_RD") ? 0 : await this.backend.shutdown(socket.handle!)
        // the stack has no such half of a shutdown, nor has it anything to tell the peer
        if (outcome === 0 && how !== flag("SHUT_WR")) socket.readShut = true
        return { outcome }
    }

    private async close(args: readonly Expression[], socket: Socket): Promise<Result> {
        this.sockets.delete(number(args, 0, "the socket"))
        if (socket.handle === undefined) return { outcome: 0 }
        this.under(socket)
        if (socket.choices.lingerReset && socket.kind === "connection")
            await this.backend.abort(socket.handle)
        else await this.backend.close(socket.handle)
        return { outcome: 0 }
    }

    private fcntl(socket: Socket, args: readonly Expression[]): Result {
        const command = number(args, 1, "command")
        if (command === flag("F_GETFL"))
            return { outcome: flag("O_RDWR") | (socket.nonblocking ? NONBLOCK : 0) }
        if (command !== flag("F_SETFL") || args.length !== 3) {
            throw new BadExpression("fcntl knows F_GETFL and F_SETFL here")
        }
        socket.nonblocking = (number(args, 2, "flags") & NONBLOCK) !== 0
        return { outcome: 0 }
    }

    private async ioctl(socket: Socket, args: readonly Expression[]): Promise<Result> {
        const request = number(args, 1, "request")
        const names = new Map([
            [flag("SIOCINQ"), "unread"],
            [flag("SIOCOUTQ"), "unsent"],
        ])
        const name = names.get(request)
        if (name === undefined) throw new BadExpression("ioctl knows SIOCINQ and SIOCOUTQ here")
        const { connection, handle } = socket
        if (connection === undefined) return { outcome: "EINVAL" }
        const { remotePort, localPort = 0 } = connection
        const value = await this.backend.look(name, { handle, remotePort, localPort })
        if (value === undefined) throw new BadExpression("ioctl is not supported on the VM")
        const wanted = number(args, 2, "the value")
        return {
            outcome: 0,
            problem: value === wanted ? undefined : `the value is ${value} instead of ${wanted}`,
        }
    }
}

/** A socket that nothing was done with. */
function blank(nonblocking: boolean): Socket {
    return {
        kind: "new",
        handle: undefined,
        connection: undefined,
        port: undefined,
        nonblocking,
        connected: false,
        readShut: false,
        choices: newChoices(),
    }
}

function number(args: readonly Expression[], index: number, what: string): number {
    const expression = args[index]
    if (expression === undefined) throw new BadExpression(`${what} is missing`)
    return numberFor(expression, what)
}

/** The sum of an iovec's lengths, which the next argument counts. */
function total(args: readonly Expression[]): number {
    const lengths = vectorOf(args[1]!, "the vector")
    const count = number(args, 2, "the number of parts")
    if (lengths.length !== count) throw new BadExpression(`${lengths.length} parts, not ${count}`)
    return lengths.reduce((sum, length) => sum + length, 0)
}

function only(flags: number, names: readonly string[]): void {
    const known = names.reduce((bits, name) => bits | flag(name), 0)
    if ((flags & ~known) !== 0) throw new BadExpression(`of flags there are ${names.join(" and ")} here`)
}

function addressOf(expression: Expression): string {
    const text =
        expression.kind === "apply" && expression.name === "inet_addr" ? expression.arguments[0] : undefined
    if (text?.kind !== "string") throw new BadExpression('an address is written inet_addr("10.0.0.1")')
    return text.text
}
