// The device's status page: listeners and connections, the last handshakes as ladders, counters.

import { Buffer } from "@devicescript/core"
import { Event } from "../base/events"
import { EVENTS } from "../features"
import type { HttpRequest, HttpResponse } from "../http/record"
import { HttpServer } from "../http/server"
import type { Mac } from "../mac/mac"
import { ipv4Text } from "../net/address"
import type { Stack } from "../net/stack"
import { pageEnd, pageTop } from "./status-page"
import { connectionRow, counterLine } from "./tables"

/**
 * Adds the status page to a server, at "/": connections, the last handshakes as ladders, counters. Its script fetches "/?tables" and
 * "/events". The ladders need events: `config: { events: 32 }`.
 */
export function addStatus(server: HttpServer, mac: Mac): void {
    const stack = server.stack
    server.route("GET", "/", request => tables(stack, mac, request))
    if (EVENTS) server.route("GET", "/events", request => events(stack, request.id))
}

/** Returns a server with the status page alone, which listens on no port yet (`HttpServer.serve`). */
export function statusServer(stack: Stack, mac: Mac): HttpServer {
    const server = new HttpServer(stack, { line: 128 })
    addStatus(server, mac)
    return server
}

/** Returns connections and counters as HTML, with or without the rest of the page. */
function tables(stack: Stack, mac: Mac, request: HttpRequest): HttpResponse {
    const whole = request.query !== "tables"
    /** Index of the first counter's row, and of the row after the last, once they are known. */
    let counters = 0
    let end = 0
    return {
        type: "text/html; charset=utf-8",
        body: index => {
            if (index < 2) {
                if (index > 0) return "<table><tr><th>id<th>local<th>remote<th>state\n"
                return whole ? pageTop : ""
            }
            if (end > 0) return whole && index === end ? pageEnd : undefined
            if (counters === 0) {
                const row = connectionRow(stack, index - 2, true)
                if (row !== undefined) return row
                counters = index + 1
                return "</table><h2>Counters</h2><pre>\n"
            }
            const line = counterLine(stack, mac.counters, index - counters)
            if (line !== undefined) return line === "" ? "" : `${line}\n`
            end = index + 1
            return "</pre>"
        },
    }
}

/** Returns the event ring as JSON: our address, the id of this request's connection, and each record in hexadecimal. */
function events(stack: Stack, own: number): HttpResponse {
    const ring = stack.events
    const first = ring.oldest()
    const end = ring.count
    const record = Buffer.alloc(Event.Size)
    return {
        type: "application/json",
        body: index => {
            if (index === 0) return `{"ip":"${ipv4Text(stack.ip)}","own":${own},"first":${first},"events":[`
            const number = first + index - 1
            if (number >= end) return number === end ? "0]}" : undefined
            // between two rows the stack may have overwritten this record
            if (number < ring.oldest()) return "0,"
            ring.copy(number, record)
            return `"${record.toString("hex")}",`
        },
    }
}
