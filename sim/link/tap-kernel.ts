// The system calls for TAP devices that Node does not offer, through koffi. This file is loaded only for a TAP link.
import { closeSync, constants, openSync } from "node:fs"
import koffi from "koffi"

/** Thrown when a system call fails. */
export class KernelError extends Error {
    constructor(
        readonly call: string,
        /** The kernel's number of the error. */
        readonly errno: number
    ) {
        super(`${call}: error ${errno}`)
    }
}

/** The error numbers for which the link has a message of its own. */
export const Errno = {
    Perm: 1,
    Again: 11,
    Access: 13,
    Busy: 16,
    Inval: 22,
    BadFd: 77,
}

// null is the program itself, so this finds the C library that node is linked to
const libc = koffi.load(null)
const ioctl = libc.func("int ioctl(int fd, unsigned long request, ...)")
const socket = libc.func("int socket(int domain, int type, int protocol)")
const setns = libc.func("int setns(int fd, int nstype)")
const eventfd = libc.func("int eventfd(unsigned int initval, int flags)")
const poll = libc.func("int poll(void *fds, unsigned long nfds, int timeout)")
const readFd = libc.func("intptr_t read(int fd, void *buf, size_t count)")
const writeFd = libc.func("intptr_t write(int fd, const void *buf, size_t count)")

const TUNSETIFF = 0x4004_54ca
const SIOCGIFFLAGS = 0x8913
const SIOCSIFFLAGS = 0x8914
const SIOCSIFADDR = 0x8916
const SIOCSIFNETMASK = 0x891c
const SIOCGIFINDEX = 0x8933
const IFF_UP = 1
const IFF_TAP = 2
const IFF_NO_PI = 0x1000
const AF_INET = 2
const SOCK_DGRAM = 2
const CLONE_NEWNET = 0x4000_0000
const POLLIN = 1
const EFD_FLAGS = 0o2004000 // non-blocking, closed on exec

/** Size and offsets of struct ifreq: the name, then a union of 24 bytes that holds flags or an address. */
const IFREQ = { size: 40, union: 16, address: 20 } as const

/** Returns the result of a system call. Throws a KernelError when the result is -1. */
function checked(call: string, result: number): number {
    if (result === -1) throw new KernelError(call, koffi.errno())
    return result
}

/**
 * Runs `body` with this thread in the network namespace of that name. Sockets and devices that `body` opens stay in the
 * namespace. `body` must not wait: other code would run in the namespace meanwhile.
 */
export function inNamespace<T>(name: string | undefined, body: () => T): T {
    if (name === undefined) return body()
    const home = openSync("/proc/thread-self/ns/net", constants.O_RDONLY)
    try {
        const there = openSync(`/run/netns/${name}`, constants.O_RDONLY)
        try {
            checked("setns", setns(there, CLONE_NEWNET))
        } finally {
            closeSync(there)
        }
        try {
            return body()
        } finally {
            checked("setns back", setns(home, CLONE_NEWNET))
        }
    } finally {
        closeSync(home)
    }
}

/** The network devices in the namespace that this thread is in. */
export class Interfaces {
    private readonly fd = checked("socket", socket(AF_INET, SOCK_DGRAM, 0))

    close(): void {
        closeSync(this.fd)
    }

    exists(name: string): boolean {
        return ioctl(this.fd, SIOCGIFINDEX, "void *", request(name)) === 0
    }

    isUp(name: string): boolean {
        return (this.flags(name) & IFF_UP) !== 0
    }

    setUp(name: string): void {
        const ifreq = request(name)
        ifreq.writeUInt16LE(this.flags(name) | IFF_UP, IFREQ.union)
        checked("SIOCSIFFLAGS", ioctl(this.fd, SIOCSIFFLAGS, "void *", ifreq))
    }

    /** Sets a device's address and netmask, both in network byte order. */
    setAddress(name: string, ip: Uint8Array, netmask: Uint8Array): void {
        const ifreq = request(name)
        ifreq.writeUInt16LE(AF_INET, IFREQ.union)
        ifreq.set(ip, IFREQ.address)
        checked("SIOCSIFADDR", ioctl(this.fd, SIOCSIFADDR, "void *", ifreq))
        ifreq.set(netmask, IFREQ.address)
        checked("SIOCSIFNETMASK", ioctl(this.fd, SIOCSIFNETMASK, "void *", ifreq))
    }

    private flags(name: string): number {
        const ifreq = request(name)
        checked("SIOCGIFFLAGS", ioctl(this.fd, SIOCGIFFLAGS, "void *", ifreq))
        return ifreq.readUInt16LE(IFREQ.union)
    }
}

function request(name: string): Buffer {
    const ifreq = Buffer.alloc(IFREQ.size)
    ifreq.write(name, "latin1")
    return ifreq
}

/** An open TAP device. Reads and writes never block. A TAP device that this object created is removed when it is closed. */
export class KernelTap implements TapFile {
    private readonly fd: number
    /** An eventfd: a write to it ends every `wait`. */
    private readonly stop: number
    /** The pollfd structures; the kernel writes into them during a `wait`. */
    private readonly waits = Buffer.alloc(16)

    /** Opens or creates the TAP device in this thread's namespace. Throws a KernelError, or Node's error for /dev/net/tun. */
    constructor(name: string) {
        this.fd = openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK)
        try {
            const ifreq = request(name)
            ifreq.writeUInt16LE(IFF_TAP | IFF_NO_PI, IFREQ.union)
            checked("TUNSETIFF", ioctl(this.fd, TUNSETIFF, "void *", ifreq))
            this.stop = checked("eventfd", eventfd(0, EFD_FLAGS))
        } catch (error) {
            closeSync(this.fd)
            throw error
        }
        this.waits.writeInt32LE(this.fd, 0)
        this.waits.writeInt16LE(POLLIN, 4)
        this.waits.writeInt32LE(this.stop, 8)
        this.waits.writeInt16LE(POLLIN, 12)
    }

    read(into: Uint8Array): number {
        const length = Number(readFd(this.fd, into, into.length))
        return length >= 0 ? length : -koffi.errno()
    }

    write(frame: Uint8Array): number {
        const length = Number(writeFd(this.fd, frame, frame.length))
        return length >= 0 ? length : -koffi.errno()
    }

    wait(ms: number, done: () => void): void {
        poll.async(this.waits, 2, ms, done)
    }

    wake(): void {
        writeFd(this.stop, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), 8)
    }

    close(): void {
        closeSync(this.fd)
        closeSync(this.stop)
    }
}

/** An open TAP device. KernelTap is the real one; tests use another. */
export interface TapFile {
    /** Reads one frame; returns its length, or a negative error number. Never waits. */
    read(into: Uint8Array): number
    /** Writes one frame; returns its length, or a negative error number. Never waits. */
    write(frame: Uint8Array): number
    /** Calls `done` when a frame can be read, an error occurs, `wake` was called, or `ms` milliseconds have passed. */
    wait(ms: number, done: () => void): void
    /** Ends the current `wait`, and each later one at once. */
    wake(): void
    /** Closes the files. It must not be called during a `wait`: another file could get their numbers. */
    close(): void
}
