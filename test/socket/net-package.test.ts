// @devicescript/net over this stack, in virtual time: its connects, ends, errors and time-outs.

import { Buffer as DeviceBuffer } from "@devicescript/core"
import { expect } from "vitest"
import type { HostConnection } from "../../sim/host/host"
import { abort, accept, listen, read } from "../../src/tcp/calls"
import type { Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"
import { ScriptedStation } from "../scenarios/station"
import { codesOnly } from "../support/codes"
import { tsharkAgrees } from "../support/tshark"

const setup = { program: "test/programs/net-package.ts" }

async function says(net: Net, line: string): Promise<string> {
    return codesOnly((await net.reply(line)).lines.join("\n"))
}

/** Returns the console's lines without the package's debug lines. */
function told(net: Net): string[] {
    return net.log.filter(line => !/^(connecting to|socket \w+:)/.test(line)).map(codesOnly)
}

/** Listens on the peer's port 9; returns its connections and the data of each. */
function accepting(net: Net) {
    const peer = net.host(1)
    const accepted: HostConnection[] = []
    const heard: string[] = []
    peer.listen(9, {
        accepted: connection => {
            accepted.push(connection)
            heard.push("")
        },
        data: (connection, data) => {
            heard[accepted.indexOf(connection)] += data
        },
    })
    return { accepted, heard }
}

scenario(
    "net's connect() fails with its code, and frees the record, when refused, unreachable, timed out or without link",
    setup,
    async net => {
        const deaf = new ScriptedStation(net, 5)
        accepting(net)
        expect(await says(net, "connect 10.0.0.1 81")).toBe("socket tcp://10.0.0.1:81: ECONNREFUSED")
        expect(await says(net, "connect 10.0.0.77 9")).toBe("socket tcp://10.0.0.77:9: EHOSTUNREACH")
        expect(await says(net, "connect 10.0.0.1 443 tls")).toBe("socket tls://10.0.0.1:443: EPROTONOSUPPORT")
        expect(await says(net, "connect nowhere 80")).toBe("socket tcp://nowhere:80: EAI_AGAIN")
        const before = net.clock.now()
        expect(await says(net, "connect 10.0.0.5 81 tcp 2500")).toBe("socket tcp://10.0.0.5:81: ETIMEDOUT")
        expect(Math.round((net.clock.now() - before) / 100)).toBe(25)
        // the stack gives the attempt up, too
        await net.pass(20_000)
        expect(deaf.segments.filter(({ flags }) => flags.syn)).toHaveLength(2)
        expect(await says(net, "connect 10.0.0.1 9")).toBe("tcp://10.0.0.1:9")
        // the default time-out is 30 s
        net.chip.setLink(false)
        await net.pass(500)
        const start = net.clock.now()
        const reply = net.device.command("connect 10.0.0.1 9")
        await net.pass(31_000)
        expect((await reply).lines.map(codesOnly)).toEqual(["socket tcp://10.0.0.1:9: ETIMEDOUT"])
        expect(net.clock.now() - start).toBe(31_000)
    }
)

scenario("net's recv, readLine and send return the data, then the peer's end or reset", setup, async net => {
    const { accepted, heard } = accepting(net)
    await says(net, "connect 10.0.0.1 9")
    expect(await says(net, "recv 200")).toBe("undefined after 200 ms")
    await net.act(() => accepted[0]!.send("one\r\ntwo\n\nrest"))
    await net.pass(300)
    expect(await says(net, "line")).toBe("3 one")
    expect(await says(net, "line")).toBe("3 two")
    expect(await says(net, "line")).toBe("")
    expect(await says(net, "recv")).toBe("rest after 0 ms")
    await says(net, "say hällo")
    await says(net, "send 3000")
    await net.pass(500)
    expect(Buffer.from(heard[0]!, "latin1").toString()).toBe(`hällo${"a".repeat(3000)}`)
    await net.act(() => {
        accepted[0]!.send("last")
        accepted[0]!.close()
    })
    expect(await says(net, "recv")).toBe("last after 0 ms")
    expect(await says(net, "recv")).toBe("null after 0 ms")
    expect(await says(net, "send 1")).toBe("socket tcp://10.0.0.1:9: ENOTCONN")
    await net.until("our own end", () => ["CLOSED", "TIME-WAIT"].includes(accepted[0]!.state))
    expect(accepted[0]!.error).toBeUndefined()

    await says(net, "connect 10.0.0.1 9")
    await net.act(() => accepted[1]!.send("before"))
    await net.act(() => accepted[1]!.abort())
    expect(await says(net, "recv")).toBe("before after 0 ms")
    expect(await says(net, "recv")).toBe("socket tcp://10.0.0.1:9: ECONNRESET")
    expect(await says(net, "send 1")).toBe("socket tcp://10.0.0.1:9: ECONNRESET")
})

scenario("net's second connect() ends the first socket and its fibers", setup, async net => {
    const { accepted } = accepting(net)
    await says(net, "connect 10.0.0.1 9")
    await says(net, "keep")
    await says(net, "later older")
    await net.act(() => accepted[0]!.send(""))
    await says(net, "connect 10.0.0.1 9")
    await net.pass(100)
    expect(told(net)).toEqual(["later: socket tcp://10.0.0.1:9: ECONNABORTED"])
    expect(await says(net, "older")).toBe("socket tcp://10.0.0.1:9: ECONNABORTED")
    expect(await says(net, "older-send")).toBe("socket tcp://10.0.0.1:9: ECONNABORTED")
    expect([accepted[0]!.ended, accepted[1]!.ended]).toEqual([true, false])
    await net.act(() => accepted[1]!.send("for the new one"))
    expect(await says(net, "recv 1000")).toMatch(/^for the new one/)
})

scenario(
    "net's events come in order, each message after the last handler, the end last",
    setup,
    async net => {
        const { accepted } = accepting(net)
        await says(net, "connect 10.0.0.1 9")
        await says(net, "events")
        for (const said of ["one", "two", "three", "four"]) {
            await net.act(() => accepted[0]!.send(said))
            // the ACK has arrived, so the peer's Nagle delays nothing
            await net.pass(60)
        }
        await net.act(() => accepted[0]!.close())
        await net.pass(3000)
        // the handler takes 300 ms each time: data that arrives meanwhile is the next message, whole; the end comes last
        expect(told(net).join(" ").replaceAll(" message ", "")).toBe("message onetwothreefour close")
        await says(net, "connect 10.0.0.1 9")
        await says(net, "events")
        await net.act(() => accepted[1]!.abort())
        await net.pass(100)
        // an error emits close, too: the package's MQTT client handles close only
        expect(told(net).slice(-2)).toEqual(["error ECONNRESET", "close"])
    }
)

scenario("net's send waits for a peer that does not read, and ends when it resets", setup, async net => {
    const { stack } = net.host(1)
    const listener = listen(stack, 9, 4)
    await says(net, "connect 10.0.0.1 9")
    await says(net, "later send 8000")
    await net.pass(60_000)
    expect(told(net)).toEqual([])
    const id = accept(stack, listener)
    let got = ""
    const scratch = DeviceBuffer.alloc(500)
    while (got.length < 8000) {
        await net.act(() => {
            const count = read(stack, id, scratch, 0, 500)
            if (count > 0) got += scratch.slice(0, count).toString()
        })
    }
    expect(got).toBe("a".repeat(8000))
    await net.pass(200)
    expect(told(net)).toEqual(["later: sent after a while"])
    // a reset ends the wait
    await says(net, "later send 8000")
    await net.pass(1000)
    await net.act(() => abort(stack, id, net.clock.now()))
    await net.pass(60_000)
    expect(told(net).slice(1)).toEqual(["later: socket tcp://10.0.0.1:9: ECONNRESET"])
})

scenario("net's close() ends a waiting send with ENOTCONN", setup, async net => {
    listen(net.host(1).stack, 9, 4)
    await says(net, "connect 10.0.0.1 9")
    await says(net, "later send 8000")
    await net.pass(1000)
    await says(net, "close")
    await net.pass(1000)
    expect(told(net)).toEqual(["later: socket tcp://10.0.0.1:9: ENOTCONN"])
})

scenario("an HTTP answer too long for fetch ends with EMSGSIZE and not the program", setup, async net => {
    const head = "HTTP/1.1 200 OK\r\n"
    const answers: Record<string, string> = {
        "/short": `${head}\r\nhello`,
        // without a length the package takes the first piece for the whole body on the VM, where parseInt(null) is 0
        "/long": `${head}Content-Length: 10000\r\n\r\n${"x".repeat(10_000)}`,
        "/lines": head + "a: b\r\n".repeat(2000),
        "/line": head + "a".repeat(10_000),
        "/names": head + Array.from({ length: 600 }, (_, i) => `h${i}: b\r\n`).join(""),
        "/empty-lines": `${"\n".repeat(10_000)}`,
    }
    net.host(1).listen(80, {
        data: (connection, text) => {
            const answer = answers[text.split(" ")[1]!]
            if (answer === undefined) return
            connection.send(answer)
            connection.close()
        },
    })
    const too = "socket tcp://10.0.0.1:80: EMSGSIZE"
    for (const path of ["/long", "/lines", "/line", "/names"]) {
        expect([path, await says(net, `text http://10.0.0.1${path}`)]).toEqual([path, too])
        expect(await says(net, "text http://10.0.0.1/short")).toBe("200 hello")
    }
    // short enough, but not a document
    for (const path of ["/empty-lines"]) {
        expect((await net.reply(`json http://10.0.0.1${path}`)).status).toBe(1)
        expect(await says(net, "text http://10.0.0.1/short")).toBe("200 hello")
    }
    // a reader of pieces may read all of it
    expect(await says(net, "stream http://10.0.0.1/long 0")).toMatch(/^200 null: 10000 bytes/)
})

scenario("a JSON document too deep or too large for the VM ends with EMSGSIZE", setup, async net => {
    const documents: Record<string, string> = {
        deep: "[".repeat(2900),
        many: `[${"[],".repeat(960)}[]]`,
        objects: `[${'{"a":1},'.repeat(300)}{}]`,
        numbers: `[${"1,".repeat(1400)}1]`,
        strings: `[${'"",'.repeat(900)}""]`,
        names: `{${Array.from({ length: 200 }, (_, i) => `"${i}":1`).join()}}`,
        cut: '{"a": "\\',
        // the largest accepted, of each kind
        nested: "[".repeat(16) + "]".repeat(16),
        wide: `[${"[],".repeat(62)}[]]`,
        records: `[${'{"n":1.5},'.repeat(62)}{}]`,
        floats: `[${"1.5,".repeat(256)}1]`,
        words: `[${'"ab",'.repeat(256)}1]`,
        fields: `{${Array.from({ length: 128 }, (_, i) => `"${i}":1`).join()}}`,
        quoted: JSON.stringify({ text: '[{,:"\\'.repeat(150) }),
    }
    net.host(1).listen(80, {
        data: (connection, said) => {
            const body = documents[said.split(" ")[1]!.slice(1)]!
            connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
            connection.close()
        },
    })
    for (const name of ["deep", "many", "objects", "numbers", "strings", "names"]) {
        expect([name, await says(net, `safe http://10.0.0.1/${name}`)]).toEqual([name, "json: EMSGSIZE"])
    }
    await says(net, "safe http://10.0.0.1/cut")
    for (const name of ["nested", "wide", "records", "floats", "words", "fields", "quoted"]) {
        const read = `200 ${JSON.stringify(JSON.parse(documents[name]!)).slice(0, 60)}`
        expect([name, await says(net, `safe http://10.0.0.1/${name}`)]).toEqual([name, read])
    }
})

scenario(
    "jsonOf takes the chunks of an answer apart, and survives those that are not valid",
    setup,
    async net => {
        const bodies: Record<string, [string, string]> = {
            whole: ['e\r\n{"answer": 42}\r\n0\r\n\r\n', '200 {"answer":42}'],
            pieces: [
                '2;x=y\r\n{"\r\n00008\r\nanswer":\r\n3\r\n42}\r\n0\r\nA: b\r\n\r\n',
                '200 {"answer":42}',
            ],
            single: [
                `${[...'{"a":[1,2,3]}'].map(one => `1\r\n${one}\r\n`).join("")}0\r\n\r\n`,
                '200 {"a":[1,2,3]}',
            ],
            cut: ['e\r\n{"answ', "json: EBADMSG"],
            endless: ["f".repeat(500), "json: EBADMSG"],
            huge: ["ffffffffffffffff\r\n{}\r\n", "json: EBADMSG"],
            negative: ["-1\r\n{}\r\n", "json: EBADMSG"],
            none: ["", "json: EBADMSG"],
            many: ["1\r\n[\r\n".repeat(450), "json: EMSGSIZE"],
        }
        net.host(1).listen(80, {
            data: (connection, said) => {
                const [body] = bodies[said.split(" ")[1]!.slice(1)]!
                connection.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`)
                connection.close()
            },
        })
        for (const [name, [, answer]] of Object.entries(bodies))
            expect([name, await says(net, `safe http://10.0.0.1/${name}`)]).toEqual([name, answer])
    }
)

tsharkAgrees()
