// Requests that are refused, each with its status: played on Node in any segments, and over the wire on both runtimes.

import { BODY } from "./http-bench"

export const HOST = "Host: device\r\n"

/** A request of HTTP/1.1 with these further lines. */
export function request(line: string, ...fields: string[]): string {
    return `${line} HTTP/1.1\r\n${HOST}${fields.map(field => `${field}\r\n`).join("")}\r\n`
}

export const bad: [name: string, text: string, status: number][] = [
    ["a line that is no request", "hello\r\n\r\n", 400],
    ["no version", "GET /\r\n\r\n", 400],
    ["two spaces", `GET  / HTTP/1.1\r\n${HOST}\r\n`, 400],
    ["a space behind", `GET / HTTP/1.1 \r\n${HOST}\r\n`, 400],
    ["a space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n`, 400],
    ["a space before", ` GET / HTTP/1.1\r\n${HOST}\r\n`, 400],
    ["a version in lower case", `GET / http/1.1\r\n${HOST}\r\n`, 400],
    ["a version without a digit", `GET / HTTP/1.x\r\n${HOST}\r\n`, 400],
    ["HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
    ["HTTP/0.9", `GET / HTTP/0.9\r\n${HOST}\r\n`, 505],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400],
    ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["a relative target", request("GET index.html"), 400],
    ["an authority", request("CONNECT device:80"), 400],
    ["a fragment", request("GET /#x"), 400],
    ["a bad escape", request("GET /%zz"), 400],
    ["half an escape", request("GET /%4"), 400],
    ["an escaped NUL", request("GET /%00"), 400],
    ["a path that is no UTF-8", request("GET /%ff"), 400],
    ["a raw byte in the target", request("GET /\xff"), 400],
    ["a control in the target", request("GET /\x01"), 400],
    ["a NUL in a field", request("GET /", "X: a\0b"), 400],
    ["a bare CR in a field", request("GET /", "X: a\rb"), 400],
    ["a field without colon", request("GET /", "nothing"), 400],
    ["a field without name", request("GET /", ": x"), 400],
    ["a blank before the colon", request("GET /", "X : y"), 400],
    ["a folded line", request("GET /", "X: y", " z"), 400],
    ["a folded first line", `GET / HTTP/1.1\r\n Host: x\r\n${HOST}\r\n`, 400],
    ["two lengths", request("POST /echo", "Content-Length: 1", "Content-Length: 1"), 400],
    ["a list of lengths", request("POST /echo", "Content-Length: 1, 1"), 400],
    ["a sign", request("POST /echo", "Content-Length: +1"), 400],
    ["a negative length", request("POST /echo", "Content-Length: -1"), 400],
    ["an empty length", request("POST /echo", "Content-Length:"), 400],
    ["a hexadecimal length", request("POST /echo", "Content-Length: 0x1"), 400],
    ["a length that overflows", request("POST /echo", "Content-Length: 18446744073709551617"), 413],
    ["a body too large", request("POST /echo", `Content-Length: ${BODY + 1}`), 413],
    ["both framings", request("POST /echo", "Content-Length: 1", "Transfer-Encoding: chunked"), 400],
    [
        "both framings, the other way",
        request("POST /echo", "Transfer-Encoding: chunked", "Content-Length: 1"),
        400,
    ],
    ["another coding", request("POST /echo", "Transfer-Encoding: gzip"), 501],
    ["two codings", request("POST /echo", "Transfer-Encoding: gzip, chunked"), 501],
    ["chunked twice", request("POST /echo", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400],
    ["chunks in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    ["a chunk without size", `${request("POST /echo", "Transfer-Encoding: chunked")}\r\n`, 400],
    ["a chunk with a bad size", `${request("POST /echo", "Transfer-Encoding: chunked")}5x\r\n`, 400],
    ["a chunk with a sign", `${request("POST /echo", "Transfer-Encoding: chunked")}-1\r\n`, 400],
    ["a chunk too large", `${request("POST /echo", "Transfer-Encoding: chunked")}fffffffff\r\n`, 413],
    [
        "a chunk longer than its size",
        `${request("POST /echo", "Transfer-Encoding: chunked")}1\r\nab\r\n`,
        400,
    ],
    [
        "chunks that are too much",
        `${request("POST /echo", "Transfer-Encoding: chunked")}${"40\r\n".padEnd(68, "x")}\r\n`.concat(
            `${"40\r\n".padEnd(68, "x")}\r\n`.repeat(4)
        ),
        413,
    ],
    ["a target too long", request(`GET /${"x".repeat(250)}`), 414],
    ["a target without end", `GET /${"x".repeat(5000)}`, 414],
    ["a field that counts and is too long", request("GET /", `Connection: ${"x".repeat(250)}`), 431],
    ["a head without end", `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(900)}`, 431],
    ["a field without end", `GET / HTTP/1.1\r\nX: ${"x".repeat(5000)}`, 431],
]
