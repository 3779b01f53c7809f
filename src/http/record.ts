// What the parts of the HTTP server share: a client, and what a program gives and gets.

import { Buffer } from "@devicescript/core"
import type { Stack } from "../net/stack"
import type { abort, close } from "../tcp/calls"

export interface HttpOptions {
    /** The port it listens on; without one `serve` hands it listeners. */
    port?: number
    /** Clients at once, 4 unless it says so; more wait in the listener's backlog. */
    clients?: number
    /** Bytes of a request line, and of a header field that is looked at: 256 unless it says so. */
    line?: number
    /** Reads the bodies of requests; without it a request with one is refused. */
    bodies?: BodyReader
    /** Keeps header fields for handlers: those that `new HttpFields("authorization cookie")` names. */
    fields?: FieldReader
    /**
     * Names with a dot by which clients may call this device, in lower case with a space between, or "*" for any; other such names
     * are refused (421). Addresses, names without a dot and the one that `publishName` has need not be told.
     */
    names?: string
}

/** What a handler is given. It belongs to the client, not to the request: take out of it what is to be kept. */
export interface HttpRequest {
    /** GET, HEAD, POST, … A route of GET is asked for HEAD too; the body of its answer is then not sent. */
    readonly method: string
    /** Percent-decoded, without the query. */
    readonly path: string
    /** What stands behind the first "?", as it came (`formValue` takes it apart); "" for none. */
    readonly query: string
    /** The connection that it came by. */
    readonly id: number
}

/**
 * The body of an answer. A string or a `hex` literal stays in flash, whatever its size. A function gives the body row by
 * row: index 0 first, "" for nothing, undefined behind the last; each row is made when there is room to send.
 */
export type HttpBody = string | Buffer | ((index: number) => string | undefined)

/** What a handler returns. */
export interface HttpResponse {
    /** 200 unless it says so. */
    status?: number
    /** The Content-Type; "text/plain; charset=utf-8" unless it says so. */
    type?: string
    /** Further header lines, each with its "\r\n". What comes from outside has no place here. */
    headers?: string
    body?: HttpBody
}

/**
 * Answers a request at once; `body` is what was sent with it, where the server was given `HttpBodies`. What it throws is
 * reported on the console, and is answered by 500.
 */
export type HttpHandler = (request: HttpRequest, body: Buffer | undefined) => HttpResponse

export interface HttpRoute {
    readonly method: string
    /** Decoded; one that ends with "*" stands for all that begin like it. The first that fits is taken. */
    readonly path: string
    readonly handler: HttpHandler
}

export const enum Stage {
    /** Nothing of a request has come. */
    Idle = 0,
    RequestLine = 1,
    Fields = 2,
    /** From here on bodies, which http-body.ts reads. */
    Body = 3,
    /** RFC 9112 section 7.1: a chunk's size, its data, the end of that, the fields behind the last. */
    ChunkSize = 4,
    ChunkData = 5,
    ChunkEnd = 6,
    Trailers = 7,
    Answer = 8,
    /** RFC 9112 section 9.6: our side is closed, and what still comes is read, as a reset would destroy the answer. */
    Linger = 9,
}

export const enum ClientFlag {
    /** The request's version is 1.1 or a later 1.x. */
    Http11 = 1,
    /** The connection ends with this answer. */
    Close = 2,
    KeepAlive = 4,
    /** These fields have come. */
    Host = 16,
    Length = 32,
    Chunked = 64,
    Expect = 128,
    /** The beginning of the line under way has been looked at; its rest is passed over. */
    Cut = 256,
}

/** Milliseconds. The driver's fiber looks once a second at least. */
export const enum Time {
    /**
     * For a request, from its first byte to its last; without one; without a byte of an answer being taken; for the
     * client's FIN.
     */
    Limit = 10000,
    /** Where others wait for a place, one that asks for nothing, or does not close, has its own for so long. */
    Grace = 1000,
}

/** A client's place. It is an object, not a record in a table: that takes 0.3 KB more, and 1.5 KB of bytecode less. */
export class HttpClient implements HttpRequest {
    /** The connection, 0 when the place is free. */
    id = 0
    /** When the stage is to be over. */
    deadline = 0
    stage = Stage.Idle
    flags = 0
    /** What has come and is not looked at yet: bytes from `at` on in the server's `lines`. */
    length = 0
    /** Bytes of head so far, or of the lines between chunks. */
    head = 0
    /** What the request line asks for: a route, else an error status. */
    goal: HttpRoute | number = 0
    method = ""
    path = ""
    query = ""
    /** Bytes of the body (or chunk) that are to come. */
    remaining = 0
    /** The answer: what is being sent and how much of it is, the row that follows, the rest, the index of its next row. */
    piece: string | Buffer | undefined = undefined
    sent = 0
    row = ""
    body: HttpBody | undefined = undefined
    index = 0

    constructor(readonly lineAt: number) {}
}

/** Reads the bodies of requests; http-body.ts has it. */
export interface BodyReader {
    /** Bytes of a body at most. */
    readonly limit: number
    /** Takes in something of the body. False when nothing of it is there. */
    take(h: HttpContext, c: HttpClient): boolean
}

/** Keeps header fields that handlers asked for; http-fields.ts has it. */
export interface FieldReader {
    /** Looks at a field: its name in lower case, and what stands behind the colon. Gives what is wrong, 0 for nothing. */
    take(h: HttpContext, c: HttpClient, name: string, rest: string): number
    /** The client's next request begins. */
    clear(c: HttpClient): void
}

/** The server's memory: what its functions work on. */
export class HttpContext {
    readonly clients: HttpClient[] = []
    readonly routes: HttpRoute[] = []
    /** Strings go to the send ring by way of this; nothing stays in it. */
    readonly scratch = Buffer.alloc(128)
    /** A line for each client. */
    readonly lines: Buffer
    readonly bodies: BodyReader | undefined
    readonly fields: FieldReader | undefined
    readonly names: string
    /** Bytes of a client's line. */
    readonly line: number
    /** Somebody waits for a place, or found all of the stack's connections taken. */
    crowded = false
    /** The time of this turn, and how much may still be done in it. */
    now = 0
    steps = 0
    /** A handler has run in it. */
    handled = false

    constructor(
        readonly stack: Stack,
        options: HttpOptions
    ) {
        const clients = options.clients || 4
        const line = options.line || 256
        this.bodies = options.bodies
        this.fields = options.fields
        this.names = options.names || ""
        this.line = line
        this.lines = Buffer.alloc(clients * line)
        for (let i = 0; i < clients; i++) this.clients.push(new HttpClient(i * line))
    }
}

/** The client is in this stage from now on. */
export function enter(h: HttpContext, c: HttpClient, stage: Stage): void {
    c.stage = stage
    c.deadline = (h.now + Time.Limit) | 0
}

/** Gives the client's place up; its connection is closed or, where the client has to see that something is missing, reset. */
export function release(h: HttpContext, c: HttpClient, end: typeof close | typeof abort): void {
    end(h.stack, c.id, h.now)
    c.id = 0
    c.piece = undefined
    c.body = undefined
}
