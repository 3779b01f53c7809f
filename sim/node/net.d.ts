// Node runtime: the types of @devicescript/net, as far as programs here use it. The code is DeviceScript's own (bundle.ts).

import type { Buffer, Emitter, Handler, Subscriber } from "./core"

export interface SocketConnectOptions {
    host: string
    port: number
    proto?: "tcp" | "tls"
    /** Time limit in milliseconds; the default is 30 s. */
    timeout?: number
}

export class Socket {
    private constructor()
    readonly name: string
    readonly onopen: Emitter<undefined>
    readonly onclose: Emitter<undefined>
    readonly onerror: Emitter<Error>
    readonly onmessage: Emitter<undefined>
    /** Returns the next bytes; undefined after `timeout` ms, null when the connection is closed. */
    recv(timeout?: number): Promise<Buffer | undefined | null>
    /** Returns the next line without its end; null when the connection is closed. */
    readLine(): Promise<string | null>
    /** Sends data. Throws when the connection is closed or fails. */
    send(data: Buffer | string): Promise<void>
    close(): Promise<void>
    static _connect(options: SocketConnectOptions): Promise<Socket>
}

/** Opens a connection. Throws an Error when that takes longer than the timeout. */
export function connect(options: SocketConnectOptions): Promise<Socket>

export interface FetchOptions {
    method?: string
    headers?: Record<string, string>
    body?: string | Buffer
}

export class Headers {
    set(name: string, value: string): void
    get(name: string): string | null
}

export class Response {
    private socket: Socket
    readonly status: number
    readonly statusText: string
    readonly headers: Headers
    readonly ok: boolean
    /** Returns the whole body, which has to fit the heap twice. */
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
    will?: { topic: string; message: string; qos?: number; retain?: boolean }
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
