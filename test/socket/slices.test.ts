// The operations that an HTTP request takes between two awaits: a search over requests, on the VM, for the most expensive. The VM
// ends a program after 131,072 operations without an await; no request may take half of them.

import { expect, test } from "vitest"
import { Random } from "../../sim/time/random"
import { request } from "../http/tables"
import { Net } from "../scenarios/net"
import { type Client, client } from "../scenarios/traffic"

/** The VM's limit, and operations in a turn of the program's burning loop. */
const LIMIT = 131_072
const TURN = 9

/** Bytes of a body, and of a line, of the program. */
const BODY = 1024
const LINE = 256

function post(path: string, body: string, ...fields: string[]): string {
    return request(`POST ${path}`, `Content-Length: ${body.length}`, ...fields) + body
}

/** Returns `unit` repeated as often as it fits. */
function filled(unit: string, size: number, before = "", after = ""): string {
    const times = Math.floor((size - before.length - after.length) / unit.length)
    return before + unit.repeat(Math.max(times, 0)) + after
}

/** Units that bodies and lines are filled with. */
const units = [
    "&",
    "+",
    "%41",
    "%",
    "=",
    "a",
    "a=",
    "&a=1",
    "&text",
    "&text=",
    "%c3%a4",
    "%ff",
    "&none",
    "\xe4",
    ";",
    "text",
]

/** Kinds of requests, each filled with a unit. */
const kinds: ((unit: string) => string)[] = [
    unit => post("/form", filled(unit, BODY, "text=")),
    unit => post("/form", filled(unit, BODY, "text=x&", "&last=")),
    unit => post("/form", filled(unit, BODY, "", "&text=y")),
    unit => post("/form", filled(unit, BODY, `text=${unit.repeat(Math.floor(400 / unit.length))}&last=`)),
    unit => request(`GET ${filled(unit.replace("\xe4", "%"), LINE - 20, "/form?text=")}`),
    unit => request(`GET ${filled(unit.replace("\xe4", "%"), LINE - 20, "/see/")}`),
    unit => request("GET /", ...Array.from({ length: 15 }, () => filled(unit, LINE - 10, "Connection:"))),
    unit => request("GET /", ...Array.from({ length: 15 }, () => filled(unit, LINE - 4, "", ": x"))),
    unit => request("GET /", ...Array.from({ length: 500 }, () => `${unit}: x`)),
    unit =>
        request(
            "GET /form?text=",
            filled(unit, LINE - 4, "Cookie: "),
            filled(unit, LINE - 4, "Authorization: ")
        ),
    unit => `GET / HTTP/1.1\r\n${filled(unit, LINE - 4, "Host: ")}\r\n\r\n`,
    unit => `POST /echo HTTP/1.1\r\n${filled(unit, LINE - 4, "Content-Length: ")}\r\n\r\n`,
    unit =>
        `${request("POST /echo", "Transfer-Encoding: chunked")}${filled(`;${unit}`, LINE - 4, "1")}\r\nx\r\n`.repeat(
            1
        ),
    unit =>
        `${request("POST /form", "Transfer-Encoding: chunked")}${`1;a="${unit}"\r\nx\r\n`.repeat(300)}0\r\n${`${unit}: y\r\n`.repeat(90)}\r\n`,
    unit =>
        request(
            "GET /",
            filled(` ${unit}`, LINE - 10, "Connection:"),
            filled(",", LINE - 30, "Transfer-Encoding:")
        ),
    () => "\r\n".repeat(2000),
    () => request("GET /rows?n=900"),
    () => request("GET /").repeat(20),
]

/** Returns whether the server, which burns `nines` loops in each turn, survives batches of four requests at a time. */
async function survives(nines: number, batches: string[][]): Promise<boolean> {
    const net = await Net.open("vm", {
        program: "test/programs/http-slices.ts",
        silent: true,
        boot: { burn: nines },
    })
    try {
        const peers = [1, 3, 4, 5].map(last => net.host(last))
        for (const batch of batches) {
            const clients: Client[] = []
            for (const peer of peers) clients.push(await client(net, peer, 80))
            // all at once, so that all rings are as full as can be
            await net.act(() => {
                for (const [i, { connection }] of clients.entries()) connection.send(batch[i]!)
            })
            await net.pass(1000)
            await net.act(() => {
                for (const { connection } of clients) connection.abort()
            })
            await net.pass(50)
        }
        return true
    } catch (error) {
        if (/endless loop/.test((error as Error).message)) return false
        throw error
    } finally {
        await net.close()
    }
}

/** Returns every kind with every unit, four at a time, and then random batches. */
function search(random: Random, mixed: number): string[][] {
    const batches: string[][] = []
    for (const kind of kinds) {
        for (let at = 0; at < units.length; at += 4) batches.push(units.slice(at, at + 4).map(kind))
    }
    for (let i = 0; i < mixed; i++) {
        const any = () => kinds[random.integer(kinds.length)]!(units[random.integer(units.length)]!)
        batches.push([any(), any(), any(), any()])
    }
    return batches
}

test("no HTTP request takes half of the VM's 131,072 operations between two awaits", async () => {
    expect(await survives(Math.floor(LIMIT / 2 / TURN), search(new Random(7), 20))).toBe(true)
}, 600_000)
