// The device's status page: what listens and is connected, the last handshakes as ladders, counters.
//
// The page is plain text and a table for who reads it without a script; its script fetches the tables and the events again
// every two seconds, and draws the ladders. It is one string, as that stays in flash.

import { Buffer } from "@devicescript/core"
import type { Mac } from "../mac/mac"
import { ipv4Text } from "../net/address"
import type { Stack } from "../net/stack"
import { HttpServer } from "../socket/http"
import type { HttpRequest, HttpResponse } from "../socket/http-record"
import { Event } from "./events"
import { connectionRow, counterLine } from "./tables"

const page =
    "<!doctype html><html lang=en><title>devicescript-tcp</title><h1>devicescript-tcp</h1><p>This page comes from a TCP/IP stack in DeviceScript. Its connections:"

/** Adds the page and what its script fetches to a server. */
export function addStatus(server: HttpServer, mac: Mac): void {
    const stack = server.stack
    server.route("GET", "/", request => tables(stack, mac, request))
    server.route("GET", "/events", request => events(stack, request.id))
}

/** A server with nothing but that. */
export function statusServer(stack: Stack, mac: Mac): HttpServer {
    const server = new HttpServer(stack, { line: 128 })
    addStatus(server, mac)
    return server
}

/** Connections and counters as HTML, on the whole page or without. */
function tables(stack: Stack, mac: Mac, request: HttpRequest): HttpResponse {
    let counters = -1
    const whole = request.query !== "tables"
    return {
        type: "text/html; charset=utf-8",
        body: index => {
            if (index === 0) return whole ? page : "<"
            if (counters < 0) {
                const row = connectionRow(stack, index - 1)
                if (row !== undefined) return row
                counters = index
                return "</table><h2>Counters</h2><pre>\n"
            }
            const line = counterLine(stack, mac.counters, index - counters - 1)
            return line === undefined || line === "" ? line : `${line}\n`
        },
    }
}

/** What the event ring has, as JSON: our address, the connection that this goes over, and each record in hexadecimal. */
function events(stack: Stack, own: number): HttpResponse {
    const ring = stack.events
    const first = ring.first()
    const end = ring.count
    const record = Buffer.alloc(Event.Size)
    return {
        type: "application/json",
        body: index => {
            if (index === 0) return `{"ip":"${ipv4Text(stack.ip)}","own":${own},"first":${first},"events":[`
            const number = first + index - 1
            if (number >= end) return number === end ? "0]}" : undefined
            // others went on meanwhile, and may have written over it
            if (number < ring.first()) return "0,"
            ring.read(number, record)
            return `"${record.toString("hex")}",`
        },
    }
}
