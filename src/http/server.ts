// A small HTTP/1.1 server (RFC 9110, 9112) that needs no fiber: each call of `work` does a little for each client.

import { netError } from "../base/errors"
import { power } from "../mac/poll-wait"
import type { Stack } from "../net/stack"
import type { Worker } from "../socket/driver-loop"
import { pendingOf } from "../tcp/accepting"
import { abort, accept, close, listen, stateOf } from "../tcp/calls"
import { errorName, State } from "../tcp/records"
import { isSlow, markServed } from "../tcp/slow-clients"
import { findListener } from "../tcp/tables"
import { awaitRequest, fail, linger, nextPiece, sendPiece } from "./answer"
import {
    type HttpClient,
    HttpContext,
    type HttpHandler,
    type HttpOptions,
    release,
    Stage,
    Time,
} from "./record"
import { receive, takeHead } from "./request"

const enum Turn {
    /**
     * The most steps in one call (a step is 32 bytes of a line, a piece or a row): 131,072 operations without an await end a
     * program.
     */
    Steps = 16,
}

/**
 * An HTTP/1.1 server (RFC 9110, 9112) for the routes that a program adds. Each client takes 0.3 KB of objects and its line,
 * allocated at start. The server keeps the path of a request, and what the handler returned, until the answer is sent.
 *
 * Limits: the request line (414), 4,096 bytes of header (431), the body (413); 10 s for a request from first to last byte (408),
 * for an answer without progress, and between requests. While other clients wait, or find all of the stack's connections taken,
 * an idle client loses its slot after one second, and so does a client that is too slow for its answer. A handler runs without an
 * await: it may take 60,000 operations of the VM, and a row of an answer 3,000.
 */
export class HttpServer extends HttpContext implements Worker {
    /** Ids of listeners. */
    private readonly listeners: number[] = []
    /** Index of the client that is served first in the next call. */
    private first = 0

    /**
     * Allocates all memory of the server and listens, if the options have a port. `net.add(server)` starts serving. Throws a
     * NetError: EADDRINUSE (the port is taken), ENOBUFS (all listeners of the configuration are), EINVAL.
     */
    constructor(stack: Stack, options: HttpOptions) {
        super(stack, options)
        const { port } = options
        if (!port) return
        const id = listen(stack, port, stack.config.connections)
        if (id < 0) throw netError(`listen ${port}: `, errorName(id))
        this.listeners.push(id)
    }

    /** Serves the connections of a further listener, too; `id` is what `listen` of "devicescript-tcp/src/tcp/calls" returned. */
    serve(id: number): void {
        this.listeners.push(id)
    }

    /**
     * Adds a route: `handler` answers the requests with this method and path. The path is compared decoded; one that ends with
     * "*" matches all paths that begin like it, and the first route that matches is used. If only the method differs, the answer
     * is 405; if no path matches, 404; for a method that no RFC defines, 501.
     */
    route(method: string, path: string, handler: HttpHandler): void {
        this.routes.push({ method, path, handler })
    }

    /**
     * Does a little for every client, and accepts new clients.
     *
     * @internal
     */
    work(now: number): void {
        this.now = now
        this.steps = Turn.Steps
        this.handled = false
        this.acceptAll(now)
        const count = this.clients.length
        // the first client may use all steps, so another client is first each time
        this.first = (this.first + 1) % count
        for (let i = 0; i < count; i++) {
            const c = this.clients[(this.first + i) % count] as HttpClient
            if (c.id > 0) this.turn(c)
        }
        if (this.steps <= 0 || (this.crowded && this.acceptAll(now))) power.wake()
    }

    /** Accepts clients while slots are free. Returns true if it accepted any. */
    private acceptAll(now: number): boolean {
        const { stack } = this
        let any = false
        this.crowded = stack.passive?.scarce === true
        for (let l = 0; l < this.listeners.length; l++) {
            const id = this.listeners[l] as number
            if (findListener(stack, id) < 0) {
                // it was closed
                this.listeners.insert(l--, -1)
                continue
            }
            let pending = pendingOf(stack, id)
            for (const c of this.clients) {
                if (c.id > 0 || pending === 0) continue
                c.id = accept(stack, id)
                markServed(stack, c.id, now)
                c.length = 0
                awaitRequest(this, c)
                pending--
                any = true
            }
            if (pending > 0) this.crowded = true
        }
        return any
    }

    /** Does everything that can be done now for one client. */
    private turn(c: HttpClient): void {
        this.endLate(c)
        while (this.steps > 0 && c.id > 0 && sendPiece(this, c)) {
            if (c.stage === Stage.Answer) nextPiece(this, c)
            else if (this.handled) {
                // any data may lead to a call of a handler, and one call is enough between two awaits
                if (c.length > 0 || receive(this, c)) this.steps = 0
                return
            } else if (!this.take(c) && !receive(this, c)) return
            this.steps--
        }
    }

    /** Reads a part of the received data. Returns false when it needs more data. */
    private take(c: HttpClient): boolean {
        if (c.stage < Stage.Body) return takeHead(this, c)
        if (c.stage < Stage.Answer) {
            if (this.bodies) return this.bodies.take(this, c)
        }
        c.length = 0
        return false
    }

    /** Ends the stages that take too long. */
    private endLate(c: HttpClient): void {
        const { stage } = c
        const rests = stage === Stage.Idle || stage === Stage.Linger
        const early = rests && this.crowded ? Time.Limit - Time.Grace : 0
        if (((this.now + early - c.deadline) | 0) < 0) {
            if (!this.crowded || stage !== Stage.Answer || !isSlow(this.stack, c.id)) return
            // one slot is enough for now
            this.crowded = false
        }
        if (stage === Stage.Idle) linger(this, c)
        // the whole answer was acknowledged, but a client that does not close would hold the connection for a minute
        else if (rests) release(this, c, stateOf(this.stack, c.id) === State.FinWait2 ? abort : close)
        else if (stage === Stage.Answer || c.piece !== undefined) release(this, c, abort)
        else fail(this, c, 408)
    }
}
