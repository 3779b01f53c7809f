// Small servers that need no fiber: echo (RFC 862), discard (RFC 863) and a page that shows the connections.

import { Buffer } from "@devicescript/core"
import type { Stack } from "../net/stack"
import { accept, close, read, stateOf, write } from "../tcp/calls"
import { findConnection, findListener } from "../tcp/context"
import { State, Tcb, TcpError } from "../tcp/tcb"
import type { Worker } from "./network"

/** What is done with connections that a listener accepts. */
export const enum Kind {
    /** Nothing: the console's user reads and writes. */
    Manual = 0,
    Echo = 1,
    Discard = 2,
    Http = 3,
}

/** Offsets in the record of a listener or connection that is served. Free when Id is 0. */
const enum Served {
    Id = 0,
    Kind = 2,
    /** Http: bytes of the end of a request's head seen in a row, and Stage. */
    Matched = 3,
    Stage = 4,
    /** Http: kept bytes of the request line. */
    Kept = 5,
    /** Http: line of the answer under way, and how many of its bytes are written. */
    Line = 6,
    Offset = 8,
    Head = 10,
    Size = 18,
}

const enum Stage {
    Request = 0,
    Answer = 1,
}

/** Lines of the page: its head, its rows from First on, its end. */
const enum Line {
    Status = 0,
    Top = 1,
    First = 2,
    Bottom = 65534,
}

/** Serves what its listeners accept, a little whenever it is given a turn. */
export class Services implements Worker {
    private readonly listeners: Buffer
    private readonly served: Buffer
    private readonly scratch = Buffer.alloc(128)

    /** `row` gives the page's table row by row: "" for a row to be left out, undefined behind the last. */
    constructor(
        private readonly stack: Stack,
        private readonly row: (index: number) => string | undefined
    ) {
        this.listeners = Buffer.alloc(stack.config.listeners * Served.Size)
        this.served = Buffer.alloc(stack.config.connections * Served.Size)
    }

    /** From now on, what the listener `id` accepts is of this kind. */
    serve(id: number, kind: Kind): void {
        put(this.listeners, id, kind)
    }

    /** Gives every connection that is served its turn, and accepts. */
    work(now: number): void {
        this.turns(now)
        if (this.accepted()) this.turns(now)
    }

    /** Accepts what waits; true if there was anything. Turns come first: they free the records of what is over. */
    private accepted(): boolean {
        const stack = this.stack
        const listeners = this.listeners
        let any = false
        for (let l = 0; l < listeners.length; l += Served.Size) {
            const id = listeners.getAt(l + Served.Id, "u16")
            if (id === 0) continue
            if (findListener(stack, id) < 0) {
                listeners.setAt(l + Served.Id, "u16", 0)
                continue
            }
            for (let c = accept(stack, id); c > 0; c = accept(stack, id)) {
                put(this.served, c, listeners.getAt(l + Served.Kind, "u8"))
                any = true
            }
        }
        return any
    }

    private turns(now: number): void {
        const served = this.served
        for (let r = 0; r < served.length; r += Served.Size) {
            const id = served.getAt(r + Served.Id, "u16")
            if (id === 0) continue
            const kind = served.getAt(r + Served.Kind, "u8")
            if (kind === Kind.Manual) {
                // the program's user has the id, and closes it
                served.setAt(r + Served.Id, "u16", 0)
            } else if (!this.step(r, id, kind)) {
                close(this.stack, id, now)
                served.setAt(r + Served.Id, "u16", 0)
            }
        }
    }

    /** A turn for the connection `id`; false when it is done. */
    private step(r: number, id: number, kind: Kind): boolean {
        if (stateOf(this.stack, id) === State.Closed) return false
        switch (kind) {
            case Kind.Echo:
                return this.echo(id)
            case Kind.Discard:
                return this.discard(id)
            default:
                return this.http(r, id)
        }
    }

    private echo(id: number): boolean {
        const stack = this.stack
        for (;;) {
            let room = stack.sendSize - this.unsent(id)
            if (room > this.scratch.length) room = this.scratch.length
            if (room === 0) return true
            const n = read(stack, id, this.scratch, 0, room)
            if (n <= 0) return n === 0
            write(stack, id, this.scratch, 0, n)
        }
    }

    /** Bytes in the send ring of the connection `id`, which is there. */
    private unsent(id: number): number {
        return this.stack.conns.getAt(findConnection(this.stack, id) + Tcb.SendLength, "u16")
    }

    private discard(id: number): boolean {
        for (;;) {
            const n = read(this.stack, id, this.scratch, 0, this.scratch.length)
            if (n <= 0) return n === 0
        }
    }

    /** One request, whose body is not looked at; one answer, then the end (HTTP/1.0 manners). */
    private http(r: number, id: number): boolean {
        const served = this.served
        // whatever comes is read, so that close() is not taken for losing data
        for (;;) {
            const n = read(this.stack, id, this.scratch, 0, this.scratch.length)
            if (n === 0) break
            if (n < 0) {
                if (n === TcpError.Eof && served.getAt(r + Served.Stage, "u8") === Stage.Answer) break
                return false
            }
            if (served.getAt(r + Served.Stage, "u8") === Stage.Request) this.request(r, n)
        }
        if (served.getAt(r + Served.Stage, "u8") !== Stage.Answer) return true
        for (;;) {
            const line = this.answerLine(r)
            if (line === "") return false
            const bytes = Buffer.from(line)
            const offset = served.getAt(r + Served.Offset, "u16")
            // a row is made anew on every turn: it goes whole, or what went before may not fit what follows
            const room = this.stack.sendSize - this.unsent(id)
            if (offset === 0 && room < bytes.length && bytes.length <= this.stack.sendSize) return true
            const n = write(this.stack, id, bytes, offset, bytes.length - offset)
            if (n < 0) return false
            if (offset + n < bytes.length) {
                served.setAt(r + Served.Offset, "u16", offset + n)
                return true
            }
            served.setAt(r + Served.Offset, "u16", 0)
            served.setAt(r + Served.Line, "u16", served.getAt(r + Served.Line, "u16") + 1)
        }
    }

    /** Takes `n` bytes of a request in: its first bytes are kept, its head ends with an empty line. */
    private request(r: number, n: number): void {
        const served = this.served
        let kept = served.getAt(r + Served.Kept, "u8")
        let matched = served.getAt(r + Served.Matched, "u8")
        for (let i = 0; i < n; i++) {
            const byte = this.scratch.getAt(i, "u8")
            if (kept < Served.Size - Served.Head) served.setAt(r + Served.Head + kept++, "u8", byte)
            // RFC 9112 section 2.2: a line may end with a bare LF
            if (byte === 10) matched++
            else if (byte !== 13) matched = 0
            if (matched === 2) {
                served.setAt(r + Served.Stage, "u8", Stage.Answer)
                break
            }
        }
        served.setAt(r + Served.Kept, "u8", kept)
        served.setAt(r + Served.Matched, "u8", matched)
    }

    /** Line number Served.Line of the answer, "" behind the last. */
    private answerLine(r: number): string {
        const served = this.served
        const line = served.getAt(r + Served.Line, "u16")
        const start = served.slice(r + Served.Head, r + Served.Size).toString()
        const head = start.startsWith("HEAD / ")
        if (!head && !start.startsWith("GET / ")) {
            const status =
                start.startsWith("GET ") || start.startsWith("HEAD ")
                    ? "404 Not Found"
                    : "501 Not Implemented"
            return line === 0 ? `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n` : ""
        }
        if (line === Line.Status) {
            return "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n"
        }
        if (head || line > Line.Bottom) return ""
        if (line === Line.Top) {
            return (
                "<!doctype html><title>devicescript-tcp</title><style>body{font:16px system-ui;margin:2em}" +
                "td,th{text-align:left;padding:.2em 1em .2em 0}</style><h1>devicescript-tcp</h1>" +
                "<p>This page comes from a TCP/IP stack in DeviceScript. Its connections:" +
                "<table><tr><th>id<th>local<th>remote<th>state\n"
            )
        }
        for (let index = line - Line.First; line < Line.Bottom; index++) {
            const text = this.row(index)
            if (text === undefined) break
            if (text !== "") {
                served.setAt(r + Served.Line, "u16", index + Line.First)
                return text
            }
        }
        served.setAt(r + Served.Line, "u16", Line.Bottom)
        return "</table>\n"
    }
}

/** Adds a record to a table that has one for every possible id. */
function put(table: Buffer, id: number, kind: Kind): void {
    for (let r = 0; r < table.length; r += Served.Size) {
        if (table.getAt(r + Served.Id, "u16") !== 0) continue
        table.fillAt(r, Served.Size, 0)
        table.setAt(r + Served.Id, "u16", id)
        table.setAt(r + Served.Kind, "u8", kind)
        return
    }
}
