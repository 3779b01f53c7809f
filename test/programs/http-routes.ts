// What the tests ask for, on the VM and on Node.

import "@devicescript/core"
import type { HttpServer } from "../../src/http/server"
import { escapeHtml, formValue } from "../../src/http/text"
import { decimal } from "../../src/net/address"

/** 26 letters a row, and rows are never in memory together. */
const row = "abcdefghijklmnopqrstuvwxyz\n"

export function addRoutes(server: HttpServer): void {
    server.route("GET", "/", () => ({ type: "text/html", body: "<h1>hello</h1>" }))
    server.route("GET", "/empty", () => ({ status: 204, headers: "X-Empty: yes\r\n" }))
    server.route("GET", "/hex", () => ({ type: "application/octet-stream", body: hex`000102fdfeff` }))
    server.route("GET", "/long", () => ({
        body: "A text that is longer than the ring: 0123456789012345678901234567890123456789 — äöü 0123456789\n",
    }))
    server.route("GET", "/rows", request => {
        const count = formValue(request.query, "n")
        const rows = count === undefined ? 3 : decimal(count)
        return { body: index => (index >= rows ? undefined : index % 3 === 1 ? "" : row) }
    })
    server.route("POST", "/echo", (_request, body) => ({ body }))
    server.route("PUT", "/echo", (_request, body) => ({
        status: 201,
        body: `${body ? body.length : 0} bytes`,
    }))
    server.route("GET", "/see/*", request => ({
        body: `${request.method} ${request.path} ${request.query} ${escapeHtml(request.path)}`,
    }))
    server.route("GET", "/throw", () => {
        throw new Error("on purpose")
    })
    server.route("GET", "/break", () => ({
        body: index => {
            if (index > 1) throw new Error("in the middle")
            return row
        },
    }))
}
