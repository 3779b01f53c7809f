// Types of @devicescript/net as far as programs here use it; the code is the runtime's own, see bundle.ts.

import type { Buffer } from "./core"

export interface SocketConnectOptions {
    host: string
    port: number
    proto?: "tcp" | "tls"
    /** Milliseconds; 30 s unless given. */
    timeout?: number
}

export interface Socket {
    readonly name: string
    /** The next bytes; undefined when `timeout` ms are over, null when the connection is closed. */
    recv(timeout?: number): Promise<Buffer | undefined | null>
    /** The next line without its end; null when the connection is closed. */
    readLine(): Promise<string | null>
    /** Throws when the connection is closed or there is an error. */
    send(data: Buffer | string): Promise<void>
    close(): Promise<void>
}

/** Throws an Error when there is no connection within the timeout. */
export function connect(options: SocketConnectOptions): Promise<Socket>
