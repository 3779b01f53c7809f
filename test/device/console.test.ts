import { describe, expect, test, vi } from "vitest"
import { lines } from "../../src/device/command-hook"
import { abort, close, shutdown } from "../../src/tcp/calls"
import { ConsoleBench } from "./console-bench"

/** A bench with connection 1 from the device to the far host's port 7, and the far host's id of it. */
async function connected(config = {}, farConfig = {}): Promise<{ bench: ConsoleBench; far: number }> {
    const bench = new ConsoleBench(config, farConfig)
    const listener = bench.farListen(7)
    await bench.ok("connect 10.0.0.1 7")
    return { bench, far: bench.farAccept(listener) }
}

describe("console lines", () => {
    test("an unknown command is refused with a hint at help", async () => {
        expect(await new ConsoleBench().refused("frob 1 2")).toBe(
            'unknown command "frob"; help lists the commands'
        )
        expect(await new ConsoleBench().refused("CONNECT 10.0.0.1 7")).toContain('unknown command "CONNECT"')
    })

    test.each([
        ["connections now", "connections: usage: connections"],
        ["listen", "listen: usage: listen PORT [echo|discard|http]"],
        ["listen 7 echo now", "listen: usage: listen PORT [echo|discard|http]"],
        ["connect 10.0.0.1", "connect: usage: connect HOST PORT"],
        ["connect 10.0.0.1 7 8", "connect: usage: connect HOST PORT"],
        ["send 1", "send: usage: send ID TEXT"],
        ["read", "read: usage: read ID"],
        ["shutdown", "shutdown: usage: shutdown ID"],
        ["close 1 2", "close: usage: close ID"],
        ["abort", "abort: usage: abort ID"],
        ["ladder", "ladder: usage: ladder ID"],
        ["neighbours 1", "neighbours: usage: neighbours"],
        ["stats 1", "stats: usage: stats"],
        ["memory 1", "memory: usage: memory"],
        ["trace", "trace: usage: trace on|off"],
        ["wait 1", "wait: usage: wait ID STATE [MS]"],
        ["wait 1 CLOSED 5 6", "wait: usage: wait ID STATE [MS]"],
        ["sleep", "sleep: usage: sleep MS"],
        ["help me", "help: usage: help"],
    ])("%s has the wrong number of words and is refused with its usage", async (line, reply) => {
        expect(await new ConsoleBench().refused(line)).toBe(reply)
    })

    test.each([
        ["listen 0", 'listen: "0" is not a port from 1 to 65535'],
        ["listen 65536", 'listen: "65536" is not a port from 1 to 65535'],
        ["listen http", 'listen: "http" is not a port from 1 to 65535'],
        ["listen 7 telnet", 'listen: no service "telnet"; use echo, discard or http'],
        ["listen 7 manual", 'listen: no service "manual"; use echo, discard or http'],
        [
            "connect example.com 80",
            'connect: "example.com" is not an IPv4 address, and this program has no DNS',
        ],
        [
            "connect 10.0.0.256 80",
            'connect: "10.0.0.256" is not an IPv4 address, and this program has no DNS',
        ],
        ["connect 10.0.0.1 -1", 'connect: "-1" is not a port from 1 to 65535'],
        [
            "connect 10.0.0.2 80",
            "connect: EINVAL, the address or port is not valid, or the data does not fit a frame",
        ],
        ["send 9 hello", 'send: no connection or listener "9": see connections'],
        ["send x hello", 'send: no connection or listener "x": see connections'],
        ["read 0", 'read: no connection or listener "0": see connections'],
        ["shutdown 9", 'shutdown: no connection or listener "9": see connections'],
        ["close 9", 'close: no connection or listener "9": see connections'],
        ["abort 9", 'abort: no connection or listener "9": see connections'],
        ["ladder 9", 'ladder: no connection or listener "9": see connections'],
        ["wait 9 CLOSED", 'wait: no connection or listener "9": see connections'],
        ["trace maybe", 'trace: "maybe" is neither on nor off'],
        ["sleep soon", 'sleep: "soon" is not a number of milliseconds'],
    ])("%s has a wrong argument and is refused: %s", async (line, reply) => {
        expect(await new ConsoleBench().refused(line)).toBe(reply)
    })

    test("an empty line does nothing, and extra spaces do not matter", async () => {
        const bench = new ConsoleBench()
        expect(await bench.run("")).toEqual({ status: 0, lines: [] })
        expect(await bench.run("   ")).toEqual({ status: 0, lines: [] })
        expect(await bench.ok("  listen   9  discard ")).toEqual(["listener 1: port 9, discard"])
    })

    test("a line that is too long is refused unread", async () => {
        const reply = await new ConsoleBench().refused(`send 1 ${"x".repeat(500)}`)
        expect(reply).toBe("a line has at most 500 characters, not 507")
    })

    test("help lists each command in 80 columns", async () => {
        const text = await new ConsoleBench().ok("help")
        expect(text.map(line => line.split(" ")[0])).toEqual(
            (
                "connections listen connect send read shutdown close abort ladder neighbours stats memory trace ping " +
                "wait sleep help"
            ).split(" ")
        )
        for (const line of text) expect(line.length).toBeLessThanOrEqual(80)
        expect(text[1]).toBe(
            "listen PORT [echo|discard|http]   listens; without a service, for read and send"
        )
    })

    test("a program without commands refuses each line", async () => {
        const print = vi.fn()
        expect(await lines.run("help", print)).toBe(1)
        expect(print).toHaveBeenCalledWith("this program takes no commands")
    })
})

describe("console connect, listen and close", () => {
    test("connect prints the connection's id at once", async () => {
        const bench = new ConsoleBench()
        bench.wire.filter = () => false
        expect(await bench.ok("connect 10.0.0.1 7")).toEqual([
            "connection 1: 10.0.0.2:50000 -> 10.0.0.1:7, SYN-SENT",
        ])
    })

    test("connect without a free record is refused", async () => {
        const bench = new ConsoleBench({ connections: 1 })
        await bench.ok("connect 10.0.0.1 7")
        bench.wire.filter = () => false
        expect(await bench.refused("connect 10.0.0.1 7")).toBe(
            "connect: ENOBUFS, all records or buffers are in use: close a connection, or configure more"
        )
    })

    test("listen without a service accepts for read and send", async () => {
        const bench = new ConsoleBench()
        expect(await bench.ok("listen 2000")).toEqual(["listener 1: port 2000"])
        const far = bench.farConnect(2000)
        bench.farSend(far, "ping")
        expect(await bench.ok("read 2")).toEqual(["ping"])
        await bench.ok("send 2 pong")
        expect(bench.farRead(far)).toBe("pong")
    })

    test("listen with echo, discard and http serves each", async () => {
        const bench = new ConsoleBench()
        expect(await bench.ok("listen 7 echo")).toEqual(["listener 1: port 7, echo"])
        expect(await bench.ok("listen 9 discard")).toEqual(["listener 2: port 9, discard"])
        expect(await bench.ok("listen 80 http")).toEqual(["listener 3: port 80, http"])
        const echo = bench.farConnect(7)
        bench.farSend(echo, "twice")
        expect(bench.farRead(echo)).toBe("twice")
        const discard = bench.farConnect(9)
        bench.farSend(discard, "gone")
        expect(bench.farRead(discard)).toBe("")
        const http = bench.farConnect(80)
        bench.farSend(http, "GET / HTTP/1.0\r\n\r\n")
        let page = ""
        for (let i = 0; i < 20; i++) page += bench.farRead(http).replace(/^error.*/, "")
        expect(page).toContain("<tr><td>1<td>10.0.0.2:7<td>*<td>LISTEN\n")
        expect(page).toContain("<td>10.0.0.2:80<td>10.0.0.1:")
    })

    test("listen on a port in use, or without a free record, is refused", async () => {
        const bench = new ConsoleBench({ listeners: 1 })
        await bench.ok("listen 7")
        expect(await bench.refused("listen 7")).toBe(
            "listen: EADDRINUSE, the port is in use: close the socket that has it, or choose another"
        )
        expect(await bench.refused("listen 8")).toContain("listen: ENOBUFS")
    })

    test("shutdown ends one direction, close the connection", async () => {
        const { bench, far } = await connected()
        expect(await bench.ok("shutdown 1")).toEqual(["connection 1: FIN-WAIT-2"])
        bench.farSend(far, "still here")
        expect(await bench.ok("read 1")).toEqual(["still here"])
        expect(await bench.refused("send 1 more")).toBe(
            "send: EPIPE, no data can be sent after a shutdown (FIN-WAIT-2)"
        )
        shutdown(bench.far.stack, far, bench.now())
        bench.poke()
        expect(await bench.ok("read 1")).toEqual(["end of stream"])
        expect(await bench.refused("send 1 more")).toBe(
            "send: EPIPE, no data can be sent after a shutdown (TIME-WAIT)"
        )
        expect(await bench.ok("close 1")).toEqual(["connection 1: TIME-WAIT"])
        expect(await bench.refused("send 1 more")).toBe(
            "send: connection 1 is in TIME-WAIT: both ends have closed it"
        )
        await bench.ok("sleep 60000")
        expect(await bench.refused("close 1")).toBe("close: connection 1 no longer exists")
        expect(await bench.refused("send 1 x")).toBe("send: connection 1 no longer exists")
    })

    test("close and abort of a listener close its port", async () => {
        const bench = new ConsoleBench()
        await bench.ok("listen 7")
        expect(await bench.ok("close 1")).toEqual(["listener 1: closed"])
        await bench.ok("listen 7")
        expect(await bench.ok("abort 2")).toEqual(["listener 2: closed"])
        await bench.ok("listen 7")
        expect(await bench.refused("read 3")).toBe("read: 3 is a listener")
        expect(await bench.refused("shutdown 3")).toBe("shutdown: 3 is a listener")
    })

    test("abort sends a RST", async () => {
        const { bench, far } = await connected()
        expect(await bench.ok("abort 1")).toEqual(["connection 1: CLOSED"])
        expect(bench.farRead(far)).toBe("error -2")
    })
})

describe("console send and read", () => {
    test("send queues what fits and prints how much", async () => {
        const { bench, far } = await connected({ sendBuffer: 64 })
        bench.wire.filter = () => false
        expect(await bench.ok(`send 1 ${"a".repeat(60)}`)).toEqual(["60 of 60 bytes queued"])
        expect(await bench.ok("send 1 0123456789")).toEqual(["4 of 10 bytes queued"])
        expect(await bench.refused("send 1 x")).toBe("send: no room: the send buffer of 64 bytes is full")
        bench.wire.filter = () => true
        bench.wire.run(2000)
        expect(bench.farRead(far)).toBe(`${"a".repeat(60)}0123`)
    })

    test("send takes the rest of the line as its data, with escapes", async () => {
        const { bench, far } = await connected()
        expect(await bench.ok("send 1  two  spaces ")).toEqual(["13 of 13 bytes queued"])
        expect(bench.farRead(far)).toBe(" two  spaces ")
        expect(await bench.ok("send 1 \\r\\n\\t\\\\\\x00\\xfF\\x6Eend")).toEqual(["10 of 10 bytes queued"])
        expect(bench.farRead(far)).toBe("\r\n\t\\\0\xffnend")
        await bench.ok("send 1 \u00fc")
        expect(bench.farRead(far)).toBe("\xc3\xbc")
    })

    test.each(["\\", "a\\q", "\\x1", "\\x1g", "ab\\x"])("send refuses the escape in %s", async text => {
        const { bench } = await connected()
        expect(await bench.refused(`send 1 ${text}`)).toBe(
            "send: a backslash must be followed by n, r, t, \\ or x and two hexadecimal digits"
        )
    })

    test("send before the handshake is done queues the data", async () => {
        const bench = new ConsoleBench()
        const listener = bench.farListen(7)
        bench.wire.filter = () => false
        await bench.ok("connect 10.0.0.1 7")
        expect(await bench.ok("send 1 early")).toEqual(["5 of 5 bytes queued"])
        bench.wire.filter = () => true
        await bench.ok("wait 1 established")
        await bench.ok("sleep 10")
        expect(bench.farRead(bench.farAccept(listener))).toBe("early")
    })

    test("read prints unprintable bytes as escapes, and breaks lines", async () => {
        const { bench, far } = await connected()
        expect(await bench.ok("read 1")).toEqual(["nothing to read yet"])
        bench.farSend(far, `one\r\ntwo\t\\\0\x7f\xe9${"z".repeat(100)}`)
        expect(await bench.ok("read 1")).toEqual([
            "one\\r\\n",
            `two\\t\\\\\\x00\\x7f\\xc3\\xa9${"z".repeat(53)}`,
            "z".repeat(47),
        ])
    })

    test("read prints all that the ring holds, then the state of the stream", async () => {
        const { bench, far } = await connected({ receiveBuffer: 1100 })
        bench.farSend(far, "x".repeat(1000))
        shutdown(bench.far.stack, far, bench.now())
        bench.poke()
        const text = await bench.ok("read 1")
        expect(text.at(-1)).toBe("end of stream")
        expect(text.slice(0, -1).join("")).toBe("x".repeat(1000))
    })

    test("read prints the data before a reset, then its error", async () => {
        const { bench, far } = await connected()
        bench.farSend(far, "last words")
        abort(bench.far.stack, far, bench.now())
        bench.poke()
        expect(await bench.run("read 1")).toEqual({
            status: 1,
            lines: ["last words", "read: ECONNRESET, the peer reset the connection: connect again"],
        })
        expect(await bench.refused("send 1 x")).toBe(
            "send: ECONNRESET, the peer reset the connection: connect again (CLOSED)"
        )
        expect(await bench.refused("shutdown 1")).toBe(
            "shutdown: ECONNRESET, the peer reset the connection: connect again"
        )
    })
})

describe("console wait", () => {
    test("wait returns as soon as the connection is in the state", async () => {
        const { bench, far } = await connected()
        expect(await bench.ok("wait 1 established")).toEqual(["connection 1: ESTABLISHED"])
        expect(bench.now()).toBe(0)
        close(bench.far.stack, far, 0)
        expect(await bench.ok("wait 1 Close-Wait 50")).toEqual(["connection 1: CLOSE-WAIT"])
    })

    test("wait ends after its time and prints the state", async () => {
        const { bench } = await connected()
        expect(await bench.refused("wait 1 CLOSED 250")).toBe(
            "wait: connection 1 is ESTABLISHED after 250 ms"
        )
        expect(bench.now()).toBe(250)
        expect(await bench.refused("wait 1 time-wait")).toBe(
            "wait: connection 1 is ESTABLISHED after 10000 ms"
        )
        expect(bench.now()).toBe(10250)
    })

    test("wait prints at once why a connection ended", async () => {
        const bench = new ConsoleBench()
        await bench.ok("connect 10.0.0.1 7")
        expect(await bench.refused("wait 1 ESTABLISHED")).toBe(
            "wait: connection 1 is CLOSED: ECONNREFUSED, nobody listens on that port: start the server, or look at the port's number"
        )
        expect(await bench.ok("wait 1 closed")).toEqual(["connection 1: CLOSED"])
    })

    test("wait prints at which step the way to a host ended", async () => {
        const bench = new ConsoleBench()
        await bench.ok("connect 10.0.0.77 7")
        expect((await bench.run("wait 1 ESTABLISHED")).lines[0]).toBe(
            "wait: connection 1 is CLOSED: EHOSTUNREACH, 10.0.0.77 does not answer ARP: is it on, and on this network?"
        )
        await bench.ok("connect 192.168.0.1 7")
        expect((await bench.run("wait 2 ESTABLISHED")).lines[0]).toBe(
            "wait: connection 2 is CLOSED: EHOSTUNREACH, the host is not on this network, and no router is set"
        )
    })

    test("wait prints why a connection ended whose record is free", async () => {
        const { bench, far } = await connected()
        await bench.ok("close 1")
        abort(bench.far.stack, far, bench.now())
        bench.poke()
        expect(await bench.ok("wait 1 CLOSED")).toEqual(["connection 1: CLOSED"])
        expect(await bench.refused("wait 1 TIME-WAIT")).toBe(
            "wait: connection 1 is CLOSED: ECONNRESET, the peer reset the connection: connect again"
        )
    })

    test("wait for a listener finds it in LISTEN", async () => {
        const bench = new ConsoleBench()
        await bench.ok("listen 7")
        expect(await bench.ok("wait 1 listen")).toEqual(["listener 1: LISTEN"])
        expect(await bench.refused("wait 1 ESTABLISHED 0")).toBe("wait: listener 1 is LISTEN after 0 ms")
    })

    test("wait refuses an unknown state and a time that is no number", async () => {
        const { bench } = await connected()
        expect(await bench.refused("wait 1 OPEN")).toBe(
            'wait: no state "OPEN"; use CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 ' +
                "FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"
        )
        expect(await bench.refused("wait 1 CLOSED long")).toBe('wait: "long" is not a number of milliseconds')
    })
})

describe("console tables", () => {
    test("connections lists listeners, half-open and other connections in columns", async () => {
        const { bench, far } = await connected()
        await bench.ok("listen 9")
        bench.farSend(far, "four")
        bench.wire.filter = () => false
        await bench.ok("send 1 seven")
        bench.wire.filter = from => from === bench.far
        bench.farConnect(9)
        bench.wire.filter = () => true
        bench.far.stack.config.localPort = 0
        await bench.ok("connect 10.0.0.1 8")
        const rows = (await bench.ok("connections")).map(row =>
            row.replace(/:49\d{3}|:5[0-9]{4}|:6\d{4}/g, ":PORT")
        )
        expect(rows).toEqual([
            "id    local          remote                state        unread unsent",
            "2     10.0.0.2:9     *                     LISTEN",
            "-     10.0.0.2:9     10.0.0.1:PORT        SYN-RECEIVED",
            "1     10.0.0.2:PORT 10.0.0.1:7            ESTABLISHED       4      5",
            "3     10.0.0.2:PORT 10.0.0.1:8            CLOSED            0 ECONNREFUSED",
        ])
    })

    test("neighbours lists addresses that are resolved and being resolved", async () => {
        const { bench } = await connected()
        expect(await bench.ok("neighbours")).toEqual(["10.0.0.1         02:00:00:00:00:01  used 0 ms ago"])
        await bench.ok("connect 10.0.0.77 1")
        await bench.ok("sleep 1500")
        expect(await bench.ok("neighbours")).toEqual([
            "10.0.0.1         02:00:00:00:00:01  used 1500 ms ago",
            "10.0.0.77        no reply yet, 2 requests sent",
        ])
    })

    test("stats lists the counters that are not 0, the driver's too", async () => {
        const { bench } = await connected()
        bench.mac.counters.setAt(16, "i32", -1)
        expect(await bench.ok("stats")).toEqual([
            "         2  frames-in",
            "         3  frames-out",
            "         1  segments-in",
            "         2  segments-out",
            "4294967295  driver resync",
        ])
    })

    test("sleep 1234 takes 1,234 ms", async () => {
        const bench = new ConsoleBench()
        expect(await bench.ok("sleep 1234")).toEqual([])
        expect(bench.now()).toBe(1234)
    })
})
