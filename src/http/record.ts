// The records that the parts of the HTTP server share, and the types that a program passes in or receives.

import { Buffer } from "@devicescript/core"
import type { Stack } from "../net/stack"
import type { abort, close } from "../tcp/calls"

/** Settings of an HttpServer. */
export interface HttpOptions {
    /** Port that the server listens on, 1 to 65535; if it is left out, `serve` passes listeners to the server. */
    port?: number
    /** Clients that are served at once; 4 by default. More clients wait in the listener's backlog. */
    clients?: number
    /** Bytes of a request line, and of a header field that the server reads; 256 by default. */
    line?: number
    /** Reads the bodies of requests; without it the server refuses a request that has a body (413). */
    bodies?: BodyReader
    /** Keeps header fields for handlers: those that `new HttpFields("authorization cookie")` names. */
    fields?: FieldReader
    /**
     * Names with a dot by which clients may call this device, in lower case, separated by spaces, or "*" for any; the server refuses
     * other such names (421). It always answers addresses, names without a dot and the name that `publishName` uses.
     */
    names?: string
}

/**
 * A request, as a handler sees it. The object belongs to the client and is reused for its next request, so the handler copies
 * what it wants to keep.
 */
export interface HttpRequest {
    /** GET, HEAD, POST, … A GET route serves HEAD, too; the body of its answer is then not sent. */
    readonly method: string
    /** The path, percent-decoded, without the query. */
    readonly path: string
    /** The text after the first "?", as the client sent it (`formValue` reads it); "" = none. */
    readonly query: string
    /** Id of the connection over which the request arrived. */
    readonly id: number
}

/**
 * The body of an answer. A string or a `hex` literal stays in flash, whatever its size. A function returns the body row by row,
 * from index 0 on: "" for an empty row, undefined after the last. A row is requested only when the send ring has room for it.
 */
export type HttpBody = string | Buffer | ((index: number) => string | undefined)

/** The answer that a handler returns. */
export interface HttpResponse {
    /** Status code; 200 by default. */
    status?: number
    /** The Content-Type; "text/plain; charset=utf-8" by default. */
    type?: string
    /** Further header lines, each with its "\r\n". Text from outside must never be put here: it could add lines of its own. */
    headers?: string
    /** The body; empty by default. */
    body?: HttpBody
}

/**
 * Returns the answer to a request, at once. `body` is what the client sent, if the server has `HttpBodies`. An error that a
 * handler throws is printed (level error) and answered with 500.
 */
export type HttpHandler = (request: HttpRequest, body: Buffer | undefined) => HttpResponse

/** A route: its handler answers the requests of a method and path. */
export interface HttpRoute {
    readonly method: string
    /** The decoded path; one that ends with "*" matches all paths that begin like it. The first route that matches is used. */
    readonly path: string
    readonly handler: HttpHandler
}

/** What the server is doing for a client. */
export const enum Stage {
    /** It waits for the first byte of a request. */
    Idle = 0,
    RequestLine = 1,
    Fields = 2,
    /** From here to Trailers it reads a body (body.ts). */
    Body = 3,
    /** RFC 9112 section 7.1: a chunk's size, its data, the line end after them, and the fields after the last chunk. */
    ChunkSize = 4,
    ChunkData = 5,
    ChunkEnd = 6,
    Trailers = 7,
    Answer = 8,
    /** RFC 9112 section 9.6: our side is closed, and what still arrives is read, because a reset could destroy the answer. */
    Linger = 9,
}

/** What the server knows of a client's request. */
export const enum ClientFlag {
    /** Its version is 1.1 or a later 1.x. */
    Http11 = 1,
    /** The connection is closed after this answer. */
    Close = 2,
    KeepAlive = 4,
    /** The header field has arrived. */
    Host = 16,
    Length = 32,
    Chunked = 64,
    Expect = 128,
    /** The start of an overlong line was read; the rest of the line is skipped. */
    Cut = 256,
}

/** Milliseconds. The driver's loop calls the server at least once a second. */
export const enum Time {
    /**
     * Longest time for a request, from its first to its last byte; before a request; during which the client accepts no byte of
     * an answer; until the client's FIN.
     */
    Limit = 10000,
    /** While other clients wait, an idle or lingering client keeps its slot this long. */
    Grace = 1000,
}

/** A client's slot. It is an object, not a record in a table, which takes 0.3 KB more heap, but 1.5 KB less bytecode. */
export class HttpClient implements HttpRequest {
    /** The connection's id, 0 when the slot is free. */
    id = 0
    /** Time at which the stage must have ended. */
    deadline = 0
    stage = Stage.Idle
    flags = 0
    /** Bytes that have arrived and were not read yet, from `lineAt` on in the server's `lines`. */
    length = 0
    /** Bytes of the head so far, or of the lines between chunks. */
    head = 0
    /** The result of the request line: a route, or an error status. */
    goal: HttpRoute | number = 0
    method = ""
    path = ""
    query = ""
    /** Bytes of the body or chunk that have yet to arrive. */
    remaining = 0
    /** The answer: the piece being sent, and how much of it was; the row after it; the rest of the body, and the index of its next row. */
    piece: string | Buffer | undefined = undefined
    sent = 0
    row = ""
    body: HttpBody | undefined = undefined
    index = 0

    constructor(readonly lineAt: number) {}
}

/** Reads the bodies of requests: `HttpBodies`. */
export interface BodyReader {
    /** The most bytes of a body. */
    readonly limit: number
    /**
     * Reads a part of the body. Returns false when no part of it has arrived.
     *
     * @internal
     */
    take(h: HttpContext, c: HttpClient): boolean
}

/** Keeps the header fields that handlers read: `HttpFields`. */
export interface FieldReader {
    /**
     * Reads a field: its name in lower case, and the text after the colon. Returns an error status, or 0.
     *
     * @internal
     */
    take(h: HttpContext, c: HttpClient, name: string, rest: string): number
    /**
     * Forgets the client's fields, because its next request begins.
     *
     * @internal
     */
    clear(c: HttpClient): void
}

/** The server's memory, on which its functions work. Programs use none of it. */
export class HttpContext {
    /** @internal */
    readonly clients: HttpClient[] = []
    /** @internal */
    readonly routes: HttpRoute[] = []
    /** A line for each client. @internal */
    readonly lines: Buffer
    /** @internal */
    readonly bodies: BodyReader | undefined
    /** @internal */
    readonly fields: FieldReader | undefined
    /** @internal */
    readonly names: string
    /** Bytes of a client's line. @internal */
    readonly line: number
    /** True when a client waits for a slot, or found all of the stack's connections taken. @internal */
    crowded = false
    /** The time of this turn. @internal */
    now = 0
    /** Steps (see server.ts) that are left in this turn. @internal */
    steps = 0
    /** True when a handler has run in this turn. @internal */
    handled = false

    constructor(
        /** @internal */
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

/** Moves the client to a stage, and starts the stage's time. */
export function enter(h: HttpContext, c: HttpClient, stage: Stage): void {
    c.stage = stage
    c.deadline = (h.now + Time.Limit) | 0
}

/**
 * Frees the client's slot and ends its connection: closes it, or resets it if the client must see that the answer is incomplete.
 */
export function release(h: HttpContext, c: HttpClient, end: typeof close | typeof abort): void {
    end(h.stack, c.id, h.now)
    c.id = 0
    c.piece = undefined
    c.body = undefined
}
