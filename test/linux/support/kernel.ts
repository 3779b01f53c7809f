// The kernel's sockets as the tests use them, by way of kernel_peer.py inside the namespace.

import type { ChildProcess } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Namespace } from "./namespace"

const SCRIPT = fileURLToPath(new URL("kernel_peer.py", import.meta.url))

/** A socket option: level, name and value, as Python's socket module calls them. */
export type SocketOption = [level: string, name: string, value: number]

/** What came in. */
export interface Received {
    length: number
    /** SHA-256 of it. */
    hash: string
    /** The other side's FIN was met. */
    end: boolean
}

export interface TcpInfo {
    state: string
    timestamps: boolean
    sack: boolean
    scaling: boolean
    ecn: boolean
    /** Bytes of a full segment to the device. */
    mss: number
}

/** What a socket call of the kernel's ended with: an error's name. */
export class SocketError extends Error {}

interface Waiting {
    resolve(value: unknown): void
    reject(error: Error): void
}

export class Kernel {
    private readonly child: ChildProcess
    private readonly waiting = new Map<number, Waiting>()
    private count = 0

    constructor(namespace: Namespace) {
        this.child = namespace.start("python3", "-u", SCRIPT)
        let complaints = ""
        this.child.stderr?.setEncoding("utf8").on("data", text => {
            complaints += text
        })
        createInterface({ input: this.child.stdout! }).on("line", line => this.answer(line))
        this.child.on("close", () => {
            for (const { reject } of this.waiting.values()) reject(new Error(`the peer ended ${complaints}`))
        })
    }

    /** Each on a port of its own: it stays taken until the namespace is removed. */
    async listen(port: number, ...options: SocketOption[]): Promise<KernelSocket> {
        return new KernelSocket(this, await this.call<number>("listen", { port, options }))
    }

    /** `local` is the port to connect from, 0 for any. */
    async connect(port: number, local = 0, ...options: SocketOption[]): Promise<KernelSocket> {
        const handle = await this.call<number>("connect", { host: "10.0.0.2", port, local, options })
        return new KernelSocket(this, handle)
    }

    /** Sends a pattern to an echo service and gives what came back up to the end. */
    async echo(port: number, seed: string, length: number, ...options: SocketOption[]): Promise<Received> {
        return await this.call("echo", { host: "10.0.0.2", port, seed, length, options })
    }

    async call<T>(name: string, words: object): Promise<T> {
        const n = ++this.count
        const answer = new Promise<unknown>((resolve, reject) => this.waiting.set(n, { resolve, reject }))
        this.child.stdin?.write(`${JSON.stringify({ n, do: name, ...words })}\n`)
        return (await answer) as T
    }

    private answer(line: string): void {
        const { n, ok, error } = JSON.parse(line) as { n: number; ok?: unknown; error?: string }
        const waiting = this.waiting.get(n)
        this.waiting.delete(n)
        if (error === undefined) waiting?.resolve(ok)
        else waiting?.reject(new SocketError(error))
    }
}

export class KernelSocket {
    constructor(
        private readonly kernel: Kernel,
        private readonly h: number
    ) {}

    async accept(): Promise<KernelSocket> {
        return new KernelSocket(this.kernel, await this.kernel.call<number>("accept", { h: this.h }))
    }

    /** Sends the pattern of data.ts. */
    async send(seed: string, length: number): Promise<void> {
        await this.kernel.call("send", { h: this.h, seed, length })
    }

    /** Receives `length` bytes, without it all up to the end; waits `pause` seconds after each piece. */
    async receive(length?: number, pause = 0): Promise<Received> {
        return await this.kernel.call("receive", { h: this.h, length: length ?? null, pause })
    }

    async shut(): Promise<void> {
        await this.kernel.call("shut", { h: this.h })
    }

    async close(): Promise<void> {
        await this.kernel.call("close", { h: this.h })
    }

    /** Closes it by a RST. */
    async reset(): Promise<void> {
        await this.kernel.call("reset", { h: this.h })
    }

    async info(): Promise<TcpInfo> {
        return await this.kernel.call("info", { h: this.h })
    }
}
