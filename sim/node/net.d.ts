// Types of @devicescript/net as far as programs here use it; the code is the runtime's own, see bundle.ts.

import type { Buffer, Emitter, Handler, Subscriber } from "./core"

export interface SocketConnectOptions {
    host: string
    port: number
    proto?: "tcp" | "tls"
    /** Milliseconds; 30 s unless given. */
    timeout?: number
}

export class Socket {
    private constructor()
    readonly name: string
    readonly onopen: Emitter<undefined>
    readonly onclose: Emitter<undefined>
    readonly onerror: Emitter<Error>
    readonly onmessage: Emitter<undefined>
    /** The next bytes; undefined when `timeout` ms are over, null when the connection is closed. */
    recv(timeout?: number): Promise<Buffer | undefined | null>
    /** The next line without its end; null when the connection is closed. */
    readLine(): Promise<string | null>
    /** Throws when the connection is closed or there is an error. */
    send(data: Buffer | string): Promise<void>
    close(): Promise<void>
    static _connect(options: SocketConnectOptions): Promise<Socket>
}

/** Throws an Error when there is no connection within the timeout. */
export function connect(options: SocketConnectOptions): Promise<Socket>

export interface FetchOptions {
    method?: string
    headers?: Record<string, string>
    body?: string | Buffer
}

export class Headers {
    get(name: string): string | null
}

export class Response {
    private socket: Socket
    readonly status: number
    readonly statusText: string
    readonly headers: Headers
    readonly ok: boolean
    /** All of the body: it has to fit the heap, twice. */
    buffer(): Promise<Buffer>
    text(): Promise<string>
    json(): Promise<unknown>
    close(): Promise<void>
}

export function fetch(url: string, options?: FetchOptions): Promise<Response>

export interface EncFetchOptions {
    data: unknown
    url: string
    password: string
    headers?: Record<string, string>
    method?: string
}

export function encryptedFetch(options: EncFetchOptions): Promise<unknown>

export interface MQTTMessage {
    topic: string
    content: Buffer
    qos: number
    retain: number
}

export interface MQTTConnectOptions extends SocketConnectOptions {
    username?: string
    password?: string
    clientId?: string
    watchdogInterval?: number
    pingInterval?: number
    keepAlive?: number
}

export class MQTTClient {
    readonly onerror: Emitter<Error>
    readonly onconnect: Emitter<unknown>
    readonly onclose: Emitter<unknown>
    readonly readyState: number
    constructor(options: MQTTConnectOptions)
    start(): Promise<void>
    publish(
        topic: string,
        message?: string | object | Buffer,
        qos?: number,
        retained?: boolean
    ): Promise<boolean>
    subscribe(topic: string, handler?: Handler<MQTTMessage>, qos?: number): Promise<Subscriber<MQTTMessage>>
    stop(): Promise<void>
}

export function startMQTTClient(options: MQTTConnectOptions): Promise<MQTTClient>
