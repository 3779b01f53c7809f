import { expect, test } from "vitest"
import { abort, close, shutdown } from "../../src/tcp/calls"
import { ConsoleBench } from "./console-bench"

/** A bench with handle 1 connected to the far host, and the far host's id of it. */
function connected(config = {}, farConfig = {}): { bench: ConsoleBench; far: number } {
    const bench = new ConsoleBench(config, farConfig)
    const listener = bench.farListen(7)
    expect(bench.tell("connect 10.0.0.1 7")).toBe("ok 1")
    return { bench, far: bench.farAccept(listener) }
}

test.each([
    ["", "err unknown command"],
    ["frob", "err unknown command"],
    ["LISTEN 7", "err unknown command"],
    ["listen", "err usage: listen PORT [BACKLOG]"],
    ["listen 1 2 3", "err usage: listen PORT [BACKLOG]"],
    ["accept", "err usage: accept H"],
    ["connect 10.0.0.1", "err usage: connect IP PORT [LOCALPORT]"],
    ["connect 10.0.0.1 1 2 3", "err usage: connect IP PORT [LOCALPORT]"],
    ["send 1", "err usage: send H N [BYTE]"],
    ["send 1 2 3 4", "err usage: send H N [BYTE]"],
    ["recv", "err usage: recv H [MAX]"],
    ["recv 1 2 3", "err usage: recv H [MAX]"],
    ["shut", "err usage: shut H"],
    ["close", "err usage: close H"],
    ["abort", "err usage: abort H"],
    ["state", "err usage: state H"],
    ["rcvbuf 1", "err usage: rcvbuf H N"],
    ["nodelay 1", "err usage: nodelay H 0|1"],
    ["keepalive 1 1 1", "err usage: keepalive H 0|1"],
    ["timeout 1", "err usage: timeout H SECONDS"],
    ["poll", "err usage: poll H"],
    ["quit now", "err usage: quit"],
    [`listen ${"7".repeat(100)}`, "err a line has at most 100 characters"],
    ["listen 0", "err EINVAL"],
    ["listen 65536", "err EINVAL"],
    ["listen echo", "err EINVAL"],
    ["listen 7 0", "err EINVAL"],
    ["listen 7 x", "err EINVAL"],
    ["connect localhost 7", "err EINVAL"],
    ["connect 10.0.0.1 0", "err EINVAL"],
    ["connect 10.0.0.1 7 0", "err EINVAL"],
    ["connect 10.0.0.1 7 65536", "err EINVAL"],
    ["connect 10.0.0.2 7", "err EINVAL"],
    ["connect 224.0.0.1 7", "err EINVAL"],
    ["accept 1", "err EBADF"],
    ["accept x", "err EBADF"],
    ["send 1 5", "err EBADF"],
    ["recv 1", "err EBADF"],
    ["read 1", "err usage: read H MAX"],
    ["read 1 1", "err EBADF"],
    ["shut 1", "err EBADF"],
    ["close 1", "err EBADF"],
    ["abort 1", "err EBADF"],
    ["state 1", "err EBADF"],
    ["state 0", "err EBADF"],
    ["state -1", "err EBADF"],
    ["state 65536", "err EBADF"],
    ["rcvbuf 1 100", "err EBADF"],
    ["nodelay 1 1", "err EBADF"],
    ["keepalive 1 1", "err EBADF"],
    ["timeout 1 5", "err EBADF"],
    ["poll 1", "err EBADF"],
    ["quit", "ok"],
])('control line "%s" is answered by "%s"', (line, reply) => {
    expect(new ConsoleBench().tell(line)).toBe(reply)
})

test("control listen and accept return handles, and accept none while no connection waits", () => {
    const bench = new ConsoleBench()
    expect(bench.tell("listen 7")).toBe("ok 1")
    expect(bench.tell("listen 7")).toBe("err EADDRINUSE")
    expect(bench.tell("state 1")).toBe("ok LISTEN")
    expect(bench.tell("accept 1")).toBe("none")
    const far = bench.farConnect(7)
    // only accept takes it; until then its handle is not valid
    expect(bench.tell("state 2")).toBe("err EBADF")
    expect(bench.tell("accept 1")).toBe("ok 2")
    expect(bench.tell("accept 1")).toBe("none")
    expect(bench.tell("accept 2")).toBe("err EINVAL")
    expect(bench.tell("state 2")).toBe("ok ESTABLISHED")
    bench.farSend(far, "hello")
    expect(bench.tell("recv 2")).toBe("ok 5 open")
    expect(bench.tell("recv 1")).toBe("err ENOTCONN")
    expect(bench.tell("send 1 5")).toBe("err ENOTCONN")
    expect(bench.tell("shut 1")).toBe("err ENOTCONN")
    expect(bench.tell("close 1")).toBe("ok")
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("accept 1")).toBe("err EINVAL")
    expect(bench.tell("state 2")).toBe("ok ESTABLISHED")
})

test("control accept returns connections in the order of their handshakes", () => {
    const bench = new ConsoleBench({}, { localPort: 0 })
    bench.tell("listen 7")
    const far = [bench.farConnect(7), bench.farConnect(7), bench.farConnect(7)]
    for (const [i, id] of far.entries()) bench.farSend(id, "x".repeat(i + 1))
    const handles = [1, 2, 3].map(() => bench.tell("accept 1"))
    expect(handles).toEqual(["ok 2", "ok 3", "ok 4"])
    expect([2, 3, 4].map(h => bench.tell(`recv ${h}`))).toEqual(["ok 1 open", "ok 2 open", "ok 3 open"])
})

test("control connect returns as soon as the SYN is queued", () => {
    const bench = new ConsoleBench({ localPort: 0 })
    bench.wire.filter = () => false
    expect(bench.tell("connect 10.0.0.1 7 50123")).toBe("ok 1")
    expect(bench.tell("state 1")).toBe("ok SYN-SENT")
    expect(bench.tell("connect 10.0.0.1 7 50123")).toBe("err EADDRINUSE")
    expect(bench.tell("connect 10.0.0.1 7")).toBe("ok 2")
})

test("a refused connection: each control line about it returns ECONNREFUSED", () => {
    const bench = new ConsoleBench()
    expect(bench.tell("connect 10.0.0.1 7")).toBe("ok 1")
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("recv 1")).toBe("ok 0 ECONNREFUSED")
    expect(bench.tell("send 1 1")).toBe("err ECONNREFUSED")
    expect(bench.tell("shut 1")).toBe("err ECONNREFUSED")
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("close 1")).toBe("ok")
    expect(bench.tell("recv 1")).toBe("ok 0 ECONNREFUSED")
})

test("a connection whose SYN gets no answer: recv returns ETIMEDOUT", () => {
    const bench = new ConsoleBench({ r2Syn: 3000 })
    bench.wire.filter = (_from, frame) => frame[12] === 8 && frame[13] === 6
    bench.tell("connect 10.0.0.1 7")
    bench.wire.run(10000)
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("recv 1")).toBe("ok 0 ETIMEDOUT")
})

test("a connection to a host without an ARP reply: recv returns EHOSTUNREACH", () => {
    const bench = new ConsoleBench()
    expect(bench.tell("connect 10.0.0.77 7")).toBe("ok 1")
    bench.wire.run(5000)
    expect(bench.tell("recv 1")).toBe("ok 0 EHOSTUNREACH")
})

test("control send N sends a to z over and over, from a in each command", () => {
    const { bench, far } = connected()
    const alphabet = "abcdefghijklmnopqrstuvwxyz"
    expect(bench.tell("send 1 3")).toBe("ok 3")
    expect(bench.farRead(far)).toBe("abc")
    expect(bench.tell("send 1 500")).toBe("ok 500")
    expect(bench.farRead(far)).toBe(alphabet.repeat(20).slice(0, 500))
    expect(bench.tell("send 1 0")).toBe("ok 0")
    expect(bench.farRead(far)).toBe("")
})

test("control send N BYTE sends N times that byte", () => {
    const { bench, far } = connected()
    expect(bench.tell("send 1 4 65")).toBe("ok 4")
    expect(bench.tell("send 1 3 0x42")).toBe("ok 3")
    expect(bench.tell("send 1 2 0xfF")).toBe("ok 2")
    expect(bench.tell("send 1 1 0")).toBe("ok 1")
    expect(bench.farRead(far)).toBe("AAAABBB\xff\xff\0")
    // the pattern is sent, not the byte of the command before
    expect(bench.tell("send 1 2")).toBe("ok 2")
    expect(bench.farRead(far)).toBe("ab")
})

test.each([
    "send 1 x",
    "send 1 -1",
    "send 1 1 256",
    "send 1 1 x",
    "send 1 1 0x",
    "send 1 1 0x100",
    "send 1 1 0xg",
])('control line "%s" returns EINVAL and sends nothing', line => {
    const { bench, far } = connected()
    expect(bench.tell(line)).toBe("err EINVAL")
    expect(bench.farRead(far)).toBe("")
})

test("control send takes the bytes that fit the ring", () => {
    const { bench, far } = connected({ sendBuffer: 1000 })
    bench.wire.filter = () => false
    expect(bench.tell("send 1 900")).toBe("ok 900")
    expect(bench.tell("send 1 900")).toBe("ok 100")
    expect(bench.tell("send 1 900")).toBe("ok 0")
    bench.wire.filter = () => true
    bench.wire.run(2000)
    expect(bench.tell("send 1 900")).toBe("ok 900")
    // what is left of the window is too little for a segment, until that has waited long enough (section 3.8.6.2.1)
    expect(bench.farRead(far)).toHaveLength(1000)
    bench.wire.run(2000)
    expect(bench.farRead(far)).toHaveLength(900)
})

test("control recv takes up to MAX bytes and returns the state of the stream", () => {
    const { bench, far } = connected({ receiveBuffer: 3000 }, { sendBuffer: 2000 })
    expect(bench.tell("recv 1")).toBe("ok 0 open")
    bench.farSend(far, "x".repeat(2000))
    shutdown(bench.far.stack, far, bench.now())
    bench.poke()
    expect(bench.tell("state 1")).toBe("ok CLOSE-WAIT")
    expect(bench.tell("recv 1 0")).toBe("ok 0 open")
    expect(bench.tell("recv 1 500")).toBe("ok 500 open")
    expect(bench.tell("recv 1 x")).toBe("err EINVAL")
    expect(bench.tell("recv 1 1500")).toBe("ok 1500 eof")
    expect(bench.tell("recv 1")).toBe("ok 0 eof")
    // half closed: this side goes on
    expect(bench.tell("send 1 5")).toBe("ok 5")
    expect(bench.farRead(far)).toBe("abcde")
})

test("control read returns up to 520 octets in hexadecimal and the state of the stream", () => {
    const bench = new ConsoleBench({ receiveBuffer: 2000 })
    bench.tell("listen 7")
    const far = bench.farConnect(7)
    expect(bench.tell("accept 1")).toBe("ok 2")
    expect(bench.tell("read 2 10")).toBe("ok - open")
    bench.farSend(far, "AZ~\0".repeat(200))
    expect(bench.tell("read 2 3")).toBe("ok 415a7e open")
    expect(bench.tell("read 2 x")).toBe("err EINVAL")
    expect(bench.tell("read 2 0")).toBe("ok - open")
    expect(bench.tell("read 1 1")).toBe("err ENOTCONN")
    expect(bench.tell("read 2 9999")).toBe(`ok 00${"415a7e00".repeat(129)}415a7e open`)
    expect(bench.tell("read 2 9999")).toBe(`ok 00${"415a7e00".repeat(69)} open`)
    expect(bench.tell("read 2 9999")).toBe("ok - open")
})

test("control recv after a reset returns the bytes before it, then ECONNRESET each time", () => {
    const { bench, far } = connected()
    bench.farSend(far, "12345")
    abort(bench.far.stack, far, bench.now())
    bench.poke()
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("recv 1 3")).toBe("ok 3 open")
    expect(bench.tell("recv 1 3")).toBe("ok 2 ECONNRESET")
    expect(bench.tell("recv 1")).toBe("ok 0 ECONNRESET")
    expect(bench.tell("send 1 1")).toBe("err ECONNRESET")
    expect(bench.tell("state 1")).toBe("ok CLOSED")
})

test("control shut sends a FIN, and recv goes on", () => {
    const { bench, far } = connected()
    expect(bench.tell("shut 1")).toBe("ok")
    expect(bench.tell("state 1")).toBe("ok FIN-WAIT-2")
    expect(bench.tell("send 1 1")).toBe("err EPIPE")
    expect(bench.tell("shut 1")).toBe("ok")
    bench.farSend(far, "more")
    expect(bench.tell("recv 1")).toBe("ok 4 open")
    close(bench.far.stack, far, bench.now())
    bench.poke()
    expect(bench.tell("recv 1")).toBe("ok 0 eof")
    expect(bench.tell("state 1")).toBe("ok TIME-WAIT")
    bench.wire.run(60000)
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("recv 1")).toBe("ok 0 eof")
    expect(bench.tell("send 1 1")).toBe("err ENOTCONN")
})

test("control close keeps the handle valid during the close and after it", () => {
    const { bench, far } = connected()
    expect(bench.tell("close 1")).toBe("ok")
    expect(bench.tell("state 1")).toBe("ok FIN-WAIT-2")
    expect(bench.tell("recv 1")).toBe("ok 0 open")
    expect(bench.tell("close 1")).toBe("ok")
    close(bench.far.stack, far, bench.now())
    bench.poke()
    expect(bench.tell("state 1")).toBe("ok TIME-WAIT")
    bench.wire.run(60000)
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("recv 1")).toBe("ok 0 eof")
    expect(bench.tell("close 1")).toBe("ok")
    expect(bench.tell("abort 1")).toBe("ok")
})

test("control abort sends a RST, and the handle returns ECONNABORTED", () => {
    const { bench, far } = connected()
    expect(bench.tell("abort 1")).toBe("ok")
    expect(bench.farRead(far)).toBe("error -2")
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("recv 1")).toBe("ok 0 ECONNABORTED")
    expect(bench.tell("send 1 1")).toBe("err ECONNABORTED")
})

test("control rcvbuf limits the advertised window", () => {
    const bench = new ConsoleBench({ receiveBuffer: 1000 }, { localPort: 0 })
    bench.tell("listen 7")
    expect(bench.tell("rcvbuf 1 100")).toBe("ok")
    expect(bench.tell("rcvbuf 1 0")).toBe("err EINVAL")
    expect(bench.tell("rcvbuf 1 1001")).toBe("err EINVAL")
    expect(bench.tell("rcvbuf 1 x")).toBe("err EINVAL")
    const far = bench.farConnect(7)
    expect(bench.tell("accept 1")).toBe("ok 2")
    bench.farSend(far, "x".repeat(300))
    expect(bench.tell("recv 2")).toBe("ok 100 open")
    expect(bench.tell("rcvbuf 2 1000")).toBe("ok")
})

test("control listen with a backlog of 1 keeps one connection waiting", () => {
    const bench = new ConsoleBench({}, { localPort: 0 })
    expect(bench.tell("listen 7 1")).toBe("ok 1")
    bench.farConnect(7)
    bench.farConnect(7)
    expect(bench.tell("accept 1")).toBe("ok 2")
    expect(bench.tell("accept 1")).toBe("none")
})

test("control nodelay sends a small segment without waiting for an ACK", () => {
    const { bench, far } = connected({ nagle: 1 })
    bench.wire.filter = () => false
    expect(bench.tell("send 1 1")).toBe("ok 1")
    const before = bench.wire.frames.length
    expect(bench.tell("send 1 1")).toBe("ok 1")
    expect(bench.wire.frames.length).toBe(before)
    expect(bench.tell("nodelay 1 1")).toBe("ok")
    expect(bench.wire.frames.length).toBe(before + 1)
    expect(bench.tell("nodelay 1 0")).toBe("ok")
    expect(bench.tell("send 1 1")).toBe("ok 1")
    expect(bench.wire.frames.length).toBe(before + 1)
    bench.wire.filter = () => true
    bench.wire.run(5000)
    expect(bench.farRead(far)).toBe("aaa")
})

test("control keepalive ends a connection whose peer is gone with ETIMEDOUT", () => {
    const config = { keepAliveIdle: 1000, keepAliveInterval: 100, keepAliveProbes: 2 }
    for (const [on, end] of [
        ["1", "ok 0 ETIMEDOUT"],
        ["0", "ok 0 open"],
    ]) {
        const { bench } = connected(config)
        expect(bench.tell("keepalive 1 1")).toBe("ok")
        expect(bench.tell(`keepalive 1 ${on}`)).toBe("ok")
        bench.wire.filter = () => false
        bench.wire.run(5000)
        expect(bench.tell("recv 1")).toBe(end)
    }
})

test("control timeout ends a connection whose data is not acknowledged that long", () => {
    const { bench } = connected()
    expect(bench.tell("timeout 1 3")).toBe("ok")
    bench.wire.filter = () => false
    bench.tell("send 1 1")
    bench.wire.run(2500)
    expect(bench.tell("recv 1")).toBe("ok 0 open")
    bench.wire.run(5000)
    expect(bench.tell("recv 1")).toBe("ok 0 ETIMEDOUT")
})

test.each([
    "nodelay 1 2",
    "nodelay 1 x",
    "keepalive 1 2",
    "keepalive 1 -1",
    "timeout 1 x",
    "timeout 1 65536",
])('control line "%s" returns EINVAL', line => {
    expect(connected().bench.tell(line)).toBe("err EINVAL")
})

test("control nodelay, keepalive and timeout of a listener return ENOTCONN", () => {
    const bench = new ConsoleBench()
    bench.tell("listen 7")
    for (const line of ["nodelay 1 1", "keepalive 1 1", "timeout 1 1"]) {
        expect(bench.tell(line)).toBe("err ENOTCONN")
    }
})

const [IN, OUT, ERR, HUP, RDHUP] = [1, 4, 8, 16, 0x2000] as const

test("control poll returns what can be done without waiting", () => {
    const bench = new ConsoleBench({ localPort: 0, sendBuffer: 100 })
    expect(bench.tell("listen 7")).toBe("ok 1")
    expect(bench.tell("poll 1")).toBe("ok 0")
    const far = bench.farConnect(7)
    expect(bench.tell("poll 1")).toBe(`ok ${IN}`)
    expect(bench.tell("accept 1")).toBe("ok 2")
    expect(bench.tell("poll 1")).toBe("ok 0")
    expect(bench.tell("poll 2")).toBe(`ok ${OUT}`)
    bench.farSend(far, "x")
    expect(bench.tell("poll 2")).toBe(`ok ${IN | OUT}`)
    bench.tell("recv 2")
    bench.wire.filter = () => false
    bench.tell("send 2 100")
    expect(bench.tell("poll 2")).toBe("ok 0")
    expect(bench.tell("connect 10.0.0.1 9")).toBe("ok 3")
    expect(bench.tell("poll 3")).toBe("ok 0")
})

test("control poll of a connection that has ended returns the same while its record is used and after it", () => {
    const { bench, far } = connected()
    shutdown(bench.far.stack, far, bench.now())
    bench.poke()
    expect(bench.tell("poll 1")).toBe(`ok ${IN | OUT | RDHUP}`)
    abort(bench.far.stack, far, bench.now())
    bench.poke()
    const over = IN | OUT | ERR | HUP | RDHUP
    expect(bench.tell("poll 1")).toBe(`ok ${over}`)
    expect(bench.tell("state 1")).toBe("ok CLOSED")
    expect(bench.tell("poll 1")).toBe(`ok ${over}`)
    const other = connected()
    close(other.bench.far.stack, other.far, other.bench.now())
    other.bench.poke()
    other.bench.tell("close 1")
    other.bench.wire.run(120000)
    expect(other.bench.tell("poll 1")).toBe(`ok ${IN | OUT | HUP | RDHUP}`)
})

test("the records of ended connections are free for others, and their handles keep the error", () => {
    const bench = new ConsoleBench({ connections: 2, localPort: 0 })
    // four refused connections one after the other, each asked about once
    for (let handle = 1; handle <= 4; handle++) {
        expect(bench.tell("connect 10.0.0.1 7")).toBe(`ok ${handle}`)
        expect(bench.tell(`recv ${handle}`)).toBe("ok 0 ECONNREFUSED")
    }
    // without asking about them: the oldest gives up its record
    for (let handle = 5; handle <= 8; handle++) expect(bench.tell("connect 10.0.0.1 7")).toBe(`ok ${handle}`)
    for (let handle = 1; handle <= 8; handle++) expect(bench.tell(`recv ${handle}`)).toBe("ok 0 ECONNREFUSED")
})

test("an ended connection with unread data keeps its record", () => {
    const { bench, far } = connected({ connections: 1 })
    bench.farSend(far, "left")
    abort(bench.far.stack, far, bench.now())
    bench.poke()
    expect(bench.tell("connect 10.0.0.1 7")).toBe("err ENOBUFS")
    expect(bench.tell("recv 1")).toBe("ok 4 ECONNRESET")
    expect(bench.tell("connect 10.0.0.1 7")).toBe("ok 2")
})

test("every reply of the control protocol is one line", () => {
    const { bench } = connected()
    for (const line of ["state 1", "recv 1", "send 1 9", "frob", "listen", "accept 1", "\t", "state\n1"]) {
        expect(bench.tell(line)).toMatch(/^(ok|err|none)( [^\n]*)?$/)
    }
})
