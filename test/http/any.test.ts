// Any bytes, cut in any way: the server answers by the rules or closes, its records become free, and its memory does not grow.

import fc from "fast-check"
import { expect, test, vi } from "vitest"
import { Buffer } from "../../sim/node/buffer"
import { addRoutes } from "../programs/http-routes"
import { cases } from "../support/property"
import { HttpBench, responses } from "./bench"

vi.spyOn(console, "error").mockImplementation(() => {})

/** Pieces that requests are made of, right and wrong. */
const pieces = fc.oneof(
    {
        weight: 6,
        arbitrary: fc.constantFrom(
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /rows?n=9 HTTP/1.1\r\nHost: x\r\n\r\n"
        ),
    },
    {
        weight: 8,
        arbitrary: fc.constantFrom(
            "GET ",
            "HEAD ",
            "POST /echo",
            "/see/%41",
            " HTTP/1.1\r\n",
            " HTTP/1.0\r\n",
            "Host: x\r\n",
            "Connection: close\r\n",
            "Connection: keep-alive\r\n",
            "Content-Length: 5\r\n",
            "Content-Length: 0\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Expect: 100-continue\r\n",
            "\r\n",
            "\n",
            "\r",
            "5\r\nhello\r\n",
            "0\r\n",
            "ff\r\n",
            ":",
            " "
        ),
    },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }).map(bytes => String.fromCharCode(...bytes)) },
    { weight: 1, arbitrary: fc.integer({ min: 200, max: 5000 }).map(n => "x".repeat(n)) }
)

const texts = fc.array(pieces, { maxLength: 14 }).map(list => list.join(""))
const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 })

function parts(text: string, sizes: number[]): string[] {
    const all: string[] = []
    for (let at = 0, i = 0; at < text.length; i++) {
        const size = sizes[i % sizes.length]!
        all.push(text.slice(at, at + size))
        at += size
    }
    return all
}

/** Returns the bytes of all buffers that the server holds. */
function held(root: object, seen = new Set<object>()): number {
    if (seen.has(root)) return 0
    seen.add(root)
    if (root instanceof Buffer) return root.length
    let bytes = 0
    for (const value of Object.values(root)) {
        if (typeof value === "object" && value !== null) bytes += held(value, seen)
    }
    return bytes
}

/** Returns whether no HEAD was requested: its answer has a length and no body. */
function withoutHead(text: string): boolean {
    return !text.includes("HEAD")
}

test("any bytes in any segments leave all records free and the server's buffers as they are", () => {
    const bench = new HttpBench()
    addRoutes(bench.server)
    const before = held(bench.server)
    let answered = 0
    let closed = 0
    fc.assert(
        fc.property(texts, cuts, fc.constantFrom("close", "shut", "abort", "stay"), (text, sizes, end) => {
            const browser = bench.connect().send(...parts(text, sizes))
            if (end === "shut") browser.shut()
            if (end === "stay") bench.pass(10_300)
            browser.read()
            if (withoutHead(text)) answered += responses(browser.text, [], browser.ended !== "").length
            if (browser.ended === "closed") closed++
            if (end === "abort") browser.abort()
            else browser.close()
            bench.pass(300)
            expect(bench.taken).toBe(0)
            expect(held(bench.server)).toBe(before)
        }),
        cases(400)
    )
    // the search has met both cases
    expect(answered).toBeGreaterThan(200)
    expect(closed).toBeGreaterThan(100)
})

test("the same bytes cut in any two ways get the same answer", () => {
    fc.assert(
        fc.property(texts, cuts, cuts, (text, one, other) => {
            const [first, second] = [one, other].map(sizes => {
                const bench = new HttpBench()
                addRoutes(bench.server)
                const browser = bench.connect().send(...parts(text, sizes))
                return { text: browser.text, ended: browser.ended }
            })
            // 100 is not sent where the body has arrived already
            expect(second).toEqual(first)
        }),
        cases(150)
    )
})
