// The kernel's sockets as calls of this process: each is over when it returns, so that what it sends is on the TAP by then.
import koffi from "koffi"

const libc = koffi.load(null)
const call = {
    socket: libc.func("int socket(int domain, int type, int protocol)"),
    bind: libc.func("int bind(int fd, const void *address, unsigned int length)"),
    listen: libc.func("int listen(int fd, int backlog)"),
    accept4: libc.func("int accept4(int fd, void *address, void *length, int flags)"),
    connect: libc.func("int connect(int fd, const void *address, unsigned int length)"),
    setsockopt: libc.func(
        "int setsockopt(int fd, int level, int name, const void *value, unsigned int length)"
    ),
    send: libc.func("intptr_t send(int fd, const void *from, size_t length, int flags)"),
    recv: libc.func("intptr_t recv(int fd, void *into, size_t length, int flags)"),
    shutdown: libc.func("int shutdown(int fd, int how)"),
    close: libc.func("int close(int fd)"),
}

/** Error numbers that a test meets, and their names. */
export const errnoNames: Readonly<Record<number, string>> = {
    11: "EAGAIN",
    32: "EPIPE",
    104: "ECONNRESET",
    107: "ENOTCONN",
    111: "ECONNREFUSED",
    115: "EINPROGRESS",
}

export const Domain = { Inet: 2, Netlink: 16 } as const
const STREAM = 1
const DATAGRAM = 2
/** Non-blocking, closed on exec. */
const FLAGS = 0o2004000
const MSG_NOSIGNAL = 0x4000

/** A socket option by its numbers: level, name. */
export type OptionName = readonly [level: number, name: number]

export const SocketOption = {
    ReuseAddress: [1, 2],
    OutOfBandInline: [1, 10],
    Linger: [1, 13],
    NoDelay: [6, 1],
} as const satisfies Record<string, OptionName>

/** The name of the error that the last call ended with. */
function failure(name: string): Error {
    const errno = koffi.errno()
    return new Error(`${name}: ${errnoNames[errno] ?? `error ${errno}`}`)
}

function must(name: string, result: number): number {
    if (result < 0) throw failure(name)
    return result
}

/** struct sockaddr_in. */
function address(ip: string, port: number): Buffer {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt16LE(Domain.Inet, 0)
    bytes.writeUInt16BE(port, 2)
    bytes.set(ip.split(".").map(Number), 4)
    return bytes
}

/** A file descriptor. It belongs to the network namespace that the thread was in when it was made. */
export class Socket {
    private constructor(private fd: number) {}

    static tcp(): Socket {
        return new Socket(must("socket", call.socket(Domain.Inet, STREAM | FLAGS, 0)))
    }

    static netlink(protocol: number): Socket {
        return new Socket(must("socket", call.socket(Domain.Netlink, DATAGRAM | FLAGS, protocol)))
    }

    bind(ip: string, port: number): void {
        must("bind", call.bind(this.fd, address(ip, port), 16))
    }

    listen(backlog: number): void {
        must("listen", call.listen(this.fd, backlog))
    }

    /** Undefined when nothing waits. */
    accept(): Socket | undefined {
        const fd = call.accept4(this.fd, null, null, FLAGS)
        if (fd >= 0) return new Socket(fd)
        if (errnoNames[koffi.errno()] !== "EAGAIN") throw failure("accept")
        return undefined
    }

    /** Begins to. */
    connect(ip: string, port: number): void {
        const result = call.connect(this.fd, address(ip, port), 16)
        if (result < 0 && errnoNames[koffi.errno()] !== "EINPROGRESS") throw failure("connect")
    }

    option([level, name]: OptionName, ...values: number[]): void {
        const bytes = Buffer.alloc(4 * values.length)
        for (const [i, value] of values.entries()) bytes.writeInt32LE(value, 4 * i)
        must("setsockopt", call.setsockopt(this.fd, level, name, bytes, bytes.length))
    }

    /** How many bytes were taken, or the name of the error. */
    send(bytes: Uint8Array): number | string {
        return this.result(Number(call.send(this.fd, bytes, bytes.length, MSG_NOSIGNAL)))
    }

    /** How many bytes came, or the name of the error. */
    receive(into: Uint8Array): number | string {
        return this.result(Number(call.recv(this.fd, into, into.length, 0)))
    }

    /** Sends no more. Nothing happens when the connection is over. */
    shutdown(): void {
        if (call.shutdown(this.fd, 1) < 0 && errnoNames[koffi.errno()] !== "ENOTCONN")
            throw failure("shutdown")
    }

    close(): void {
        if (this.fd < 0) return
        must("close", call.close(this.fd))
        this.fd = -1
    }

    private result(value: number): number | string {
        if (value >= 0) return value
        const errno = koffi.errno()
        return errnoNames[errno] ?? `error ${errno}`
    }
}
