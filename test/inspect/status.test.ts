// The status page as a browser has it: its tables, its events, and what its script makes of them.

import { createContext, runInContext } from "node:vm"
import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { Event, EventKind } from "../../src/base/events"
import { HttpServer } from "../../src/http/server"
import { addStatus } from "../../src/inspect/status"
import { pageEnd } from "../../src/inspect/status-page"
import { State, stateName, TcpError } from "../../src/tcp/records"
import { Flag } from "../../src/wire/tcp"
import { IdleMac } from "../device/console-bench"
import { HttpBench, responses } from "../http/bench"

/** A device that serves the page on port 8080, and its answer to a request for it. */
function device() {
    const bench = new HttpBench()
    const server = new HttpServer(bench.device.stack, { port: 8080 })
    addStatus(bench.server, new IdleMac())
    return { bench, server }
}

function get(bench: HttpBench, path: string): string {
    const browser = bench.connect().send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const [response] = responses(browser.text, [], false)
    expect(response!.status).toBe(200)
    browser.close()
    bench.pass(100)
    return response!.body
}

/** The elements of a page that its script asks for. */
async function scripted(
    bench: HttpBench
): Promise<Record<string, { innerHTML: string; textContent: string }>> {
    const html = get(bench, "/")
    const script = /<script>(.*)<\/script>/s.exec(html)?.[1]
    expect(script).toBeDefined()
    const elements: Record<string, { innerHTML: string; textContent: string }> = {}
    for (const [, id] of html.matchAll(/ id=(\w+)/g)) elements[id!] = { innerHTML: "", textContent: "" }
    const answers = async (path: string) => {
        const body = get(bench, path)
        return { json: async () => JSON.parse(body), text: async () => body }
    }
    const globals = {
        document: { getElementById: (id: string) => elements[id] },
        fetch: answers,
        setTimeout: () => {},
    }
    runInContext(script!, createContext(globals))
    for (let i = 0; i < 20; i++) await Promise.resolve()
    return elements
}

describe("the status page", () => {
    test("has all connections and counters without its script, and loads nothing from elsewhere", () => {
        const { bench } = device()
        const html = get(bench, "/")
        expect(html).toMatch(/^<!doctype html>.*<\/html>\n$/s)
        expect(html).toContain("<td>10.0.0.2:80<td>*<td>LISTEN")
        expect(html).toContain("<td>10.0.0.2:8080<td>*<td>LISTEN")
        expect(html).toMatch(/<td>10\.0\.0\.2:80<td>10\.0\.0\.1:\d+<td>ESTABLISHED/)
        expect(html).toMatch(/ \d+ {2}segments-in\n/)
        expect(html).not.toMatch(/https?:|src=|@import|url\(/)
    })

    test("/?tables has the tables alone, for the script", () => {
        const { bench } = device()
        expect(get(bench, "/?tables")).toMatch(/^<table>.*<\/table><h2>Counters<\/h2><pre>.*<\/pre>$/s)
    })

    test("/events has the events of the ring, also while more come", () => {
        const { bench } = device()
        for (let i = 0; i < 12; i++) get(bench, "/?tables")
        const { first, events, ip } = JSON.parse(get(bench, "/events"))
        expect(ip).toBe("10.0.0.2")
        expect(first).toBeGreaterThan(32)
        expect(events).toHaveLength(33)
        expect(events.at(-1)).toBe(0)
        const records = events.filter((event: unknown) => typeof event === "string")
        expect(records.length).toBeGreaterThan(10)
        for (const record of records) expect(record).toMatch(/^[0-9a-f]{64}$/)
    })

    test("its script draws the handshake of a connection", async () => {
        const { bench } = device()
        const browser = bench.connect()
        const elements = await scripted(bench)
        expect(elements.n!.textContent).toBe("live")
        expect(elements.t!.innerHTML).toContain("LISTEN")
        const ladders = elements.l!.innerHTML
        const drawn = ladders.split("<figure").length - 1
        expect(drawn).toBeGreaterThan(1)
        expect(ladders).toMatch(
            />SYN \d+ mss 1460<.*>SYN-RECEIVED<.*>SYN-ACK \d+ ack \d+ mss 1460<.*>ESTABLISHED</s
        )
        expect(ladders).not.toMatch(/NaN|undefined|null/)
        browser.close()
    })

    /** A record whose fields all differ, as hexadecimal digits; `fields` overwrite those that share bytes. */
    function recordOf(kind: EventKind, fields: (record: Buffer) => void): string {
        const record = Buffer.alloc(Event.Size)
        record.setAt(Event.Time, "u32", 0x87654321)
        record.setAt(Event.Kind, "u8", kind)
        record.setAt(Event.After, "u8", State.FinWait1)
        record.setAt(Event.Id, "u16", 0xfedc)
        record.setAt(Event.Length, "u16", 0xabcd)
        record.setAt(Event.Ports, "u16", 0x5000)
        record.setAt(Event.Ports + 2, "u16", 0x0700)
        record.setAt(Event.Sequence, "u32", 0xf1_00_00_80)
        record.setAt(Event.Acknowledgment, "u32", 0xf2_00_00_90)
        record.setAt(Event.Flags, "u8", Flag.Ack | Flag.Fin)
        record.setAt(Event.RemoteIp, "i32", 0x0100000a)
        fields(record)
        return record.toString("hex")
    }
    const segment = { to: State.FinWait1, id: 0xfedc, n: 0xabcd, f: Flag.Ack | Flag.Fin, mss: 0x9876 }
    const mss = (record: Buffer) => record.setAt(Event.Mss, "u16", 0x9876)
    // a kind of event that is missing here does not compile
    const drawn: Record<EventKind, { set(record: Buffer): void; as: object | undefined }> = {
        [EventKind.State]: {
            set: record => record.setAt(Event.Before, "u8", State.Established),
            as: { from: State.Established, to: State.FinWait1, id: 0xfedc },
        },
        [EventKind.SegmentIn]: { set: mss, as: segment },
        [EventKind.SegmentOut]: { set: mss, as: segment },
        [EventKind.Failed]: { set: record => record.setAt(Event.Error, "u8", 4), as: { id: 0xfedc } },
        [EventKind.Drop]: { set: record => record.setAt(Event.Reason, "u16", 0x0134), as: undefined },
    }
    test.each(Object.entries(drawn))(
        "its script reads the fields of an event of kind %s",
        (kind, { set, as }) => {
            const page = createContext({ fetch: () => new Promise(() => {}), setTimeout: () => {} })
            runInContext(/<script>(.*)<\/script>/s.exec(pageEnd)![1]!, page)
            const record = recordOf(Number(kind), set)
            runInContext(`take("${record}")`, page)
            const taken = JSON.parse(runInContext("JSON.stringify(all)", page))
            const e = { t: 0x87654321, k: Number(kind), seq: 0x800000f1, ack: 0x900000f2, ...as }
            const connection = { peer: "10.0.0.1:80", port: 7, id: 0xfedc }
            expect(taken).toMatchObject(as ? [{ ...connection, ev: [e] }] : [])
            expect(taken).toHaveLength(as ? 1 : 0)
            // the names of the states are in the order of State
            expect(runInContext(`S[${State.FinWait2}]+S[${State.TimeWait}]`, page)).toBe(
                stateName(State.FinWait2) + stateName(State.TimeWait)
            )
        }
    )

    test("its script draws no event of an unknown kind", () => {
        const page = createContext({ fetch: () => new Promise(() => {}), setTimeout: () => {} })
        runInContext(/<script>(.*)<\/script>/s.exec(pageEnd)![1]!, page)
        for (const kind of [0, 6, 255]) runInContext(`take("${recordOf(kind, mss)}")`, page)
        expect(runInContext("all.length", page)).toBe(0)
    })
})

test("the script has a word for each error, in the order of TcpError", () => {
    const [, words = ""] = /R='([^']*)'/.exec(pageEnd) ?? []
    const named = words.split(",")
    expect(named[-TcpError.Refused]).toBe("refused")
    expect(named[-TcpError.TimedOut]).toBe("no answer")
    expect(named[-TcpError.Prohibited]).toBe("prohibited")
    expect(named).toHaveLength(-TcpError.Prohibited + 1)
})
