// Requests and what becomes of them, however they are cut into segments.

import { afterEach, describe, expect, test, vi } from "vitest"
import { HttpBodies } from "../../src/http/body"
import { HttpFields } from "../../src/http/fields"
import { formValue } from "../../src/http/text"
import { Endpoints } from "../../src/net/endpoint-table"
import { write } from "../../src/tcp/calls"
import { addRoutes } from "../programs/http-routes"
import { bytes } from "../support/host"
import { BODY, CLIENTS, HttpBench, type Response, responses } from "./bench"
import { bad, good, HOST, request } from "./tables"

const row = "abcdefghijklmnopqrstuvwxyz\n"

/** How a text is cut: whole, in bytes, in pieces of 7 and of 100. */
const cuts = [Number.POSITIVE_INFINITY, 1, 7, 100]

function cut(text: string, size: number): string[] {
    const parts: string[] = []
    for (let at = 0; at < text.length; at += size) parts.push(text.slice(at, at + size))
    return parts
}

/** The answers to some bytes, the same for every cut; and whether the device closed the connection. */
function answers(text: string, methods: string[] = []): { all: Response[]; ended: string; raw: string } {
    const results = cuts.map(size => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const browser = bench.connect().send(...cut(text, size))
        const all = responses(browser.text, methods, browser.ended !== "")
        return { all, ended: browser.ended, raw: browser.text }
    })
    for (const result of results) expect(result).toEqual(results[0])
    return results[0]!
}

const errors = vi.spyOn(console, "error").mockImplementation(() => {})
afterEach(() => errors.mockClear())

describe("requests that the HTTP server answers", () => {
    test("GET of a page returns it with its length, and the connection stays open", () => {
        const { all, ended } = answers(request("GET /"))
        expect(all).toHaveLength(1)
        expect(all[0]!.head).toBe("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14")
        expect(all[0]!.body).toBe("<h1>hello</h1>")
        expect(ended).toBe("")
    })

    test("five requests sent ahead are answered in order", () => {
        const lines = ["GET /see/1", "GET /", "HEAD /see/2", "POST /echo", "GET /see/3?x"]
        const text = lines.map(l =>
            l.startsWith("POST") ? `${request(l, "Content-Length: 3")}abc` : request(l)
        )
        const { all } = answers(text.join(""), ["GET", "GET", "HEAD", "POST", "GET"])
        expect(all.map(({ body }) => body)).toEqual([
            "GET /see/1  /see/1",
            "<h1>hello</h1>",
            "",
            "abc",
            "GET /see/3 x /see/3",
        ])
    })

    test("HEAD returns the header of GET and no body", () => {
        for (const path of ["/", "/rows", "/hex", "/empty"]) {
            const [head] = answers(request(`HEAD ${path}`), ["HEAD"]).all
            const [get] = answers(request(`GET ${path}`)).all
            expect(head!.head).toBe(get!.head)
            expect(head!.body).toBe("")
        }
    })

    test("a body of rows is sent in chunks, and the connection stays open", () => {
        const { all, ended } = answers(request("GET /rows?n=50"))
        expect(all[0]!.head).toContain("Transfer-Encoding: chunked")
        expect(all[0]!.body).toBe(row.repeat(33))
        expect(ended).toBe("")
    })

    test("a body of rows for HTTP/1.0 ends with the connection, without chunks", () => {
        const { all, ended } = answers("GET /rows?n=50 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        expect(all[0]!.head).toContain("Connection: close")
        expect(all[0]!.head).not.toContain("chunked")
        expect(all[0]!.body).toBe(row.repeat(33))
        expect(ended).toBe("closed")
    })

    test("bodies of bytes, of UTF-8 text and none are sent as they are", () => {
        expect(answers(request("GET /hex")).all[0]!.body).toBe("\x00\x01\x02\xfd\xfe\xff")
        const long = answers(request("GET /long")).all[0]!
        expect(Buffer.from(long.body, "latin1").toString()).toContain("äöü")
        const empty = answers(request("GET /empty")).all[0]!
        expect(empty.head).toBe("HTTP/1.1 204 No Content\r\nX-Empty: yes")
    })

    test("the connection stays or closes by version and Connection field", () => {
        expect(answers("GET / HTTP/1.0\r\n\r\n").ended).toBe("closed")
        const kept = answers("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        expect(kept.ended).toBe("")
        expect(kept.all[0]!.head).toContain("Connection: keep-alive")
        expect(answers(request("GET /", "Connection: foo , CLOSE")).ended).toBe("closed")
        expect(answers(`GET / HTTP/1.7\r\n${HOST}\r\n`).ended).toBe("")
    })

    test("request bodies by length and in chunks, with extensions and trailers, are read", () => {
        expect(answers(`${request("POST /echo", "Content-Length: 11")}hello\r\n\r\nyou`).all[0]!.body).toBe(
            "hello\r\n\r\nyo"
        )
        const chunks = "5;x=y\r\nhello\r\n1\r\n \r\n0005\r\nworld\r\n0\r\nTrailer: t\r\n\r\n"
        const { all } = answers(
            request("POST /echo", "Transfer-Encoding: Chunked") + chunks + request("GET /")
        )
        expect(all.map(({ body }) => body)).toEqual(["hello world", "<h1>hello</h1>"])
        expect(answers(request("PUT /echo", "Content-Length: 0")).all[0]!.body).toBe("0 bytes")
        expect(
            answers(`${request("PUT /echo", `Content-Length: ${BODY}`)}${"x".repeat(BODY)}`).all[0]!.body
        ).toBe(`${BODY} bytes`)
    })

    test("paths are decoded and queries not, also in the absolute form", () => {
        const see = (target: string) => answers(request(`GET ${target}`)).all[0]!.body
        expect(see("/see/a%20b%3Cc%3e?q=%20")).toBe("GET /see/a b<c> q=%20 /see/a b&#60;c&#62;")
        expect(see("/%73ee/x?a?b")).toBe("GET /see/x a?b /see/x")
        expect(see("http://device/see/x")).toBe("GET /see/x  /see/x")
        expect(see("HTTP://device:80")).toBe("<h1>hello</h1>")
        expect(Buffer.from(see("/see/%C3%A4"), "latin1").toString()).toContain("/see/ä")
    })

    test("lines that end with a bare LF and empty lines before a request are accepted", () => {
        const { all } = answers(`\r\n\nGET / HTTP/1.1\nHost: device\n\n\r\n${request("GET /hex")}`)
        expect(all.map(({ status }) => status)).toEqual([200, 200])
    })

    test("Expect: 100-continue gets 100 in HTTP/1.1, 413 for a large body, nothing in HTTP/1.0", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const fields = ["Content-Length: 3", "Expect: 100-Continue"]
        const browser = bench.connect().send(request("POST /echo", ...fields))
        expect(browser.text).toBe("HTTP/1.1 100 Continue\r\n\r\n")
        browser.send("abc")
        expect(responses(browser.text, ["POST"], false)[0]!.body).toBe("abc")
        // a body too large is refused before it is sent
        const refused = bench
            .connect()
            .send(request("POST /echo", "Content-Length: 999", "Expect: 100-continue"))
        expect(refused.text).toMatch(/^HTTP\/1.1 413 /)
        const old = bench
            .connect()
            .send("POST /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        expect(old.text).toBe("")
    })

    test("a client that has shut its side down gets its answer, 400 for half a request", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const browser = bench.connect()
        browser.send(request("GET /rows?n=300"), "").shut()
        expect(responses(browser.text, [], false)[0]!.body).toBe(row.repeat(200))
        bench.pass(3000)
        expect(bench.taken).toBe(0)
        const half = bench.connect().send("GET / HT").shut()
        expect(half.text).toMatch(/^HTTP\/1.1 400 /)
        expect(bench.connect().shut().text).toBe("")
        bench.pass(3000)
        expect(bench.taken).toBe(0)
    })
})

describe("requests that the HTTP server accepts", () => {
    test.each(good)(
        "a request with %s is accepted, and the next one answered",
        (_name, text, status, body) => {
            const { all, ended } = answers(text + request("GET /hex"))
            expect(all.map(r => r.status)).toEqual([status, 200])
            if (body !== undefined) expect(all[0]!.body).toBe(body)
            expect(ended).toBe("")
        }
    )

    test("a head of 4,096 bytes is accepted, one of 4,097 refused with 431", () => {
        const filled = (size: number) => {
            const line = "GET / HTTP/1.1\r\n"
            const rest = size - line.length - HOST.length - "X: \r\n".length - "\r\n".length
            return `${line}${HOST}X: ${"x".repeat(rest)}\r\n\r\n`
        }
        expect(filled(4096)).toHaveLength(4096)
        expect(answers(filled(4096)).all.map(r => r.status)).toEqual([200])
        expect(answers(filled(4097)).all.map(r => r.status)).toEqual([431])
    })

    test("chunks up to the body's limit are accepted, one byte more is refused with 413", () => {
        const chunks = (...sizes: number[]) =>
            request("PUT /echo", "Transfer-Encoding: chunked") +
            sizes.map(n => `${n.toString(16)}\r\n${"x".repeat(n)}\r\n`).join("") +
            "0\r\n\r\n"
        for (const sizes of [[BODY], [BODY - 1, 1], [1, BODY - 1]])
            expect(answers(chunks(...sizes)).all.map(r => r.body)).toEqual([`${BODY} bytes`])
        for (const sizes of [[BODY + 1], [BODY, 1], [1, BODY]])
            expect(answers(chunks(...sizes)).all.map(r => r.status)).toEqual([413])
    })

    test("HttpFields keeps the named fields for handlers, up to a line of them", () => {
        const ask = (...fields: string[]) => {
            const kept = new HttpFields("authorization cookie")
            const bench = new HttpBench({}, { fields: kept })
            bench.server.route("GET", "/", r => ({
                body: `${kept.valueOf(r, "authorization")}|${kept.valueOf(r, "cookie")}|${kept.valueOf(r, "x")}`,
            }))
            const browser = bench.connect().send(request("GET /", ...fields) + request("GET /"))
            return responses(browser.text, [], browser.ended !== "").map(r => r.body || r.status)
        }
        const none = "undefined|undefined|undefined"
        expect(ask()).toEqual([none, none])
        expect(ask("AUTHORIZATION:\tBasic  aGk6aG8= ", "X: y")).toEqual([
            "Basic  aGk6aG8=|undefined|undefined",
            none,
        ])
        expect(ask("Cookie: a=b", "Cookie: c", "authorization:")).toEqual(["|a=b, c|undefined", none])
        // at most a line of them
        expect(ask(`Cookie: ${"x".repeat(245)}`)).toEqual([`undefined|${"x".repeat(245)}|undefined`, none])
        expect(ask(`Cookie: ${"x".repeat(300)}`)[0]).toContain("431")
        expect(ask(...Array.from({ length: 9 }, () => `Cookie: ${"x".repeat(30)}`))[0]).toContain("431")
        expect(ask(`X: ${"x".repeat(300)}`)).toEqual([none, none])
    })

    test("a Host that is configured, published or any address is accepted, others get 421", () => {
        const ask = (host: string, names?: string, published?: string) => {
            const bench = new HttpBench({}, names === undefined ? {} : { names })
            addRoutes(bench.server)
            if (published) new Endpoints(bench.device.stack).named = { text: published }
            const browser = bench.connect().send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
            return responses(browser.text, [], browser.ended !== "")[0]!.status
        }
        expect(ask("pico.lan")).toBe(421)
        expect(ask("PICO.lan:80", "a.b pico.lan")).toBe(200)
        expect(ask("a.b", "a.b pico.lan")).toBe(200)
        expect(ask("a.b.c", "a.b pico.lan")).toBe(421)
        expect(ask("anything.example", "*")).toBe(200)
        expect(ask('a"', "*")).toBe(400)
        expect(ask("pico-2.local", "", "pico-2")).toBe(200)
        expect(ask("pico.local", "", "pico-2")).toBe(421)
    })
})

describe("one turn of the HTTP server", () => {
    test("one turn makes at most 16 rows for four clients", () => {
        let rows = 0
        const bench = new HttpBench({ sendBuffer: 8192 })
        bench.server.route("GET", "/", () => ({
            body: i => {
                rows++
                return i < 300 ? "" : undefined
            },
        }))
        const work = bench.server.work.bind(bench.server)
        let most = 0
        bench.server.work = now => {
            const before = rows
            work(now)
            most = Math.max(most, rows - before)
        }
        const all = [1, 2, 3, 4].map(() => bench.connect())
        for (const browser of all) browser.send(request("GET /"))
        // the last step makes one row; the rest is made in the next turn, at once
        expect(most).toBe(16)
    })

    test("one turn runs one handler, and 20 queued requests are answered without more input", () => {
        let runs = 0
        const bench = new HttpBench()
        bench.server.route("GET", "/", () => ({ body: `${runs++}` }))
        const work = bench.server.work.bind(bench.server)
        let most = 0
        bench.server.work = now => {
            const before = runs
            work(now)
            most = Math.max(most, runs - before)
        }
        const all = [1, 2, 3, 4].map(() => bench.connect())
        for (const browser of all) {
            const text = bytes(request("GET /").repeat(5))
            write(bench.far.stack, browser.id, text, 0, text.length)
        }
        bench.pass(1000)
        for (const browser of all) {
            browser.read()
            expect(responses(browser.text, [], false)).toHaveLength(5)
        }
        expect(runs).toBe(20)
        expect(most).toBe(1)
    })
})

describe("HttpBodies and formValue()", () => {
    test.each([0, -1, 1025])("HttpBodies refuses a limit of %i", limit => {
        expect(() => new HttpBodies(limit, 1)).toThrow(
            `HttpBodies: EINVAL, the limit must be 1 to 1024, not ${limit}`
        )
    })

    test.each([
        ["a=1&b=2", "b", "2"],
        ["a=1", "b", undefined],
        ["", "a", undefined],
        ["a", "a", ""],
        ["a&a=1", "a", "1"],
        ["a=1&a", "a", "1"],
        ["a=1&a=2", "a", "1"],
        ["b&a&c", "a", ""],
        ["b&a", "a", ""],
        ["ab&ba", "a", undefined],
        ["a=\u00e4", "a", undefined],
        ["a=", "a", ""],
        ["ba=1&a=2", "a", "2"],
        ["a=b=c", "a", "b=c"],
        ["x=&a=1+2%2B%20", "a", "1 2+ "],
        ["a=%c3%a4", "a", "\u00e4"],
        ["a=%ff", "a", undefined],
        ["a=%", "a", undefined],
        ["a=%4", "a", undefined],
        ["a=%4x", "a", undefined],
        ["a=%00", "a", undefined],
        ["&&a=1&&", "a", "1"],
        ["=&a=1", "a", "1"],
    ])("formValue(%j, %j) returns %j", (text, name, value) => {
        expect(formValue(text, name)).toBe(value)
    })
})

describe("requests that the HTTP server refuses", () => {
    test.each(bad)("a request with %s is refused, and the connection closes", (_name, text, status) => {
        // what follows must not be taken for a request
        const { all, ended } = answers(text + request("GET /hex"))
        expect(all.map(r => r.status)).toEqual([status])
        expect(all[0]!.head).toContain("Connection: close")
        expect(all[0]!.body).toContain(`${status}`)
        expect(ended).toBe("closed")
    })

    test("an unknown path, method or both: 404, 405 or 501, and the connection stays", () => {
        const ask = (line: string) => answers(request(line) + request("GET /hex"))
        for (const [line, status] of [
            ["GET /nothing", 404],
            ["GET /seen", 404],
            ["POST /", 405],
            ["DELETE /echo", 405],
            ["BREW /", 501],
            ["get /", 501],
        ] as const) {
            expect(ask(line).all.map(r => r.status)).toEqual([status, 200])
        }
        expect(ask("DELETE /echo").all[0]!.head).toMatch(/^Allow: POST, PUT$/m)
        expect(ask("POST /").all[0]!.head).toMatch(/^Allow: GET, HEAD$/m)
        expect(ask("GET /nothing").all[0]!.head).not.toContain("Allow")
    })

    test("a field of 3,000 bytes that the server does not use is accepted", () => {
        const { all } = answers(
            request("GET /", `Cookie: ${"x".repeat(3000)}`, "X:y", "Y: \xe4") + request("GET /hex")
        )
        expect(all.map(r => r.status)).toEqual([200, 200])
    })

    test("a handler that throws: 500, and the error is printed", () => {
        const { all, ended } = answers(request("GET /throw") + request("GET /"))
        expect(all.map(r => r.status)).toEqual([500, 200])
        expect(ended).toBe("")
        expect(errors).toHaveBeenCalledWith("/throw: on purpose")
    })

    test("a row that throws resets the connection, so that no client takes the body for whole", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const browser = bench.connect().send(request("GET /break"))
        expect(browser.ended).toBe("reset")
        expect(errors).toHaveBeenCalledWith("/break: in the middle")
        expect(bench.taken).toBe(0)
    })
})

describe("clients and time-outs of the HTTP server", () => {
    test("a fifth client waits, and is served when one of four ends", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const held = Array.from({ length: CLIENTS }, () => bench.connect().send("GET / HT"))
        const late = bench.connect().send(request("GET /"))
        bench.pass(500)
        late.read()
        expect(late.text).toBe("")
        held[2]!.abort()
        late.read()
        expect(late.text).toContain("hello")
        expect(bench.taken).toBe(CLIENTS)
    })

    test("a waiting client is served when another is idle for a second, or after its answer", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const idle = Array.from({ length: CLIENTS }, () => bench.connect().send(request("GET /")))
        for (const browser of idle) expect(browser.ended).toBe("")
        const late = bench.connect()
        // the first one answered meanwhile is closed
        idle[0]!.send(request("GET /"))
        expect(idle[0]!.text).toContain("Connection: close")
        late.send(request("GET /"))
        const later = bench.connect().send(request("GET /"))
        bench.pass(3000)
        for (const browser of [late, later]) {
            browser.read()
            expect(browser.text).toContain("hello")
        }
    })

    test("a request that does not end gets 408 after 10 s, however slowly it comes", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const slow = bench.connect()
        for (const char of "GET / HTTP") {
            slow.send(char)
            bench.pass(900)
        }
        expect(slow.text).toBe("")
        bench.pass(1200)
        slow.read()
        expect(slow.text).toMatch(/^HTTP\/1\.1 408 /)
        expect(slow.ended).toBe("closed")
        slow.close()
        bench.pass(200)
        expect(bench.taken).toBe(0)
        // a body that does not end, too
        const body = bench.connect().send(`${request("POST /echo", "Content-Length: 9")}a`)
        bench.pass(10_100)
        body.read()
        expect(body.text).toMatch(/^HTTP\/1\.1 408 /)
    })

    test("a client that sends nothing for 10 s is closed without an answer", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const fresh = bench.connect()
        const kept = bench.connect().send(request("GET /"))
        bench.pass(9800)
        for (const browser of [fresh, kept]) expect(browser.readEnd()).toBe("")
        bench.pass(400)
        for (const browser of [fresh, kept]) {
            expect(browser.readEnd()).toBe("closed")
            browser.close()
        }
        bench.pass(100)
        expect(fresh.text).toBe("")
        expect(bench.taken).toBe(0)
    })

    test("a client that reads nothing for 10 s is cut off, one that reads slowly is not", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const stuck = bench.connect()
        const slow = bench.connect()
        for (const browser of [stuck, slow]) browser.send("")
        const far = bench.far.stack
        expect(far.receiveSize).toBe(8192)
        // neither client reads
        for (const browser of [stuck, slow]) {
            browser.read = () => ""
            browser.send(request("GET /rows?n=3000"))
        }
        delete (slow as Partial<typeof slow>).read
        for (let i = 0; i < 6; i++) {
            bench.pass(4000)
            slow.read(3000)
        }
        expect(bench.taken).toBe(1)
        slow.read()
        expect(responses(slow.text, [], false)[0]!.body).toBe(row.repeat(2000))
    })

    test("ten downloads aborted or closed by the client free their records", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        for (let i = 0; i < 10; i++) {
            const browser = bench.connect()
            browser.read = () => ""
            browser.send(request("GET /rows?n=9000"))
            expect(bench.taken).toBe(1)
            if (i % 2) browser.abort()
            else browser.close()
            bench.pass(100)
            expect(bench.taken).toBe(0)
        }
    })

    test("a refused body of 5,000 bytes is discarded only after the answer was sent", () => {
        const bench = new HttpBench()
        addRoutes(bench.server)
        const browser = bench
            .connect()
            .send(`${request("POST /echo", "Content-Length: 5000")}${"x".repeat(5000)}`)
        expect(browser.ended).toBe("closed")
        expect(browser.text).toMatch(/^HTTP\/1\.1 413 /)
        browser.close()
        bench.pass(100)
        expect(bench.taken).toBe(0)
        // a client that never closes is reset
        const stays = bench.connect().send("nonsense\r\n")
        expect(stays.ended).toBe("closed")
        bench.pass(9900)
        expect(bench.taken).toBe(1)
        bench.pass(300)
        expect(bench.taken).toBe(0)
        expect(stays.readEnd()).toBe("reset")
    })

    test("twelve idle keep-alive clients on six connections all get their answers", () => {
        const bench = new HttpBench({ connections: 6 })
        addRoutes(bench.server)
        const all = Array.from({ length: 12 }, () => bench.connect().send(request("GET /")))
        bench.pass(9000)
        for (const browser of all) {
            browser.read()
            expect(browser.text).toContain("hello")
        }
    })

    test("rings of 64 bytes carry long answers", () => {
        const bench = new HttpBench({ receiveBuffer: 64, sendBuffer: 64 })
        addRoutes(bench.server)
        const browser = bench.connect().send(request("GET /rows?n=30"), request("GET /long"))
        bench.pass(1000)
        browser.read()
        const all = responses(browser.text, [], false)
        expect(all[0]!.body).toBe(row.repeat(20))
        expect(Buffer.from(all[1]!.body, "latin1").toString()).toMatch(/^A text .* äöü 0123456789\n$/)
    })

    test("a closed listener leaves its port to another", () => {
        const bench = new HttpBench({ listeners: 1 })
        addRoutes(bench.server)
        expect(() => bench.server.serve(99)).not.toThrow()
        const browser = bench.connect().send(request("GET /"))
        expect(browser.text).toContain("hello")
    })
})
