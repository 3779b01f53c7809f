import { expect, test } from "vitest"
import { abort, close, shutdown } from "../../src/tcp/calls"
import { Desk } from "./console-bench"

/** A desk with handle 1 connected to the far host, and the far host's id of it. */
function connected(config = {}, farConfig = {}): { desk: Desk; far: number } {
    const desk = new Desk(config, farConfig)
    const listener = desk.farListen(7)
    expect(desk.tell("connect 10.0.0.1 7")).toBe("ok 1")
    return { desk, far: desk.farAccept(listener) }
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
])("%s: %s", (line, reply) => {
    expect(new Desk().tell(line)).toBe(reply)
})

test("listen and accept", () => {
    const desk = new Desk()
    expect(desk.tell("listen 7")).toBe("ok 1")
    expect(desk.tell("listen 7")).toBe("err EADDRINUSE")
    expect(desk.tell("state 1")).toBe("ok LISTEN")
    expect(desk.tell("accept 1")).toBe("none")
    const far = desk.farConnect(7)
    // nothing takes it but accept; until then nobody knows its handle
    expect(desk.tell("state 2")).toBe("err EBADF")
    expect(desk.tell("accept 1")).toBe("ok 2")
    expect(desk.tell("accept 1")).toBe("none")
    expect(desk.tell("accept 2")).toBe("err EINVAL")
    expect(desk.tell("state 2")).toBe("ok ESTABLISHED")
    desk.farSend(far, "hello")
    expect(desk.tell("recv 2")).toBe("ok 5 open")
    expect(desk.tell("recv 1")).toBe("err ENOTCONN")
    expect(desk.tell("send 1 5")).toBe("err ENOTCONN")
    expect(desk.tell("shut 1")).toBe("err ENOTCONN")
    expect(desk.tell("close 1")).toBe("ok")
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("accept 1")).toBe("err EINVAL")
    expect(desk.tell("state 2")).toBe("ok ESTABLISHED")
})

test("connections are accepted in the order of their handshakes", () => {
    const desk = new Desk({}, { localPort: 0 })
    desk.tell("listen 7")
    const far = [desk.farConnect(7), desk.farConnect(7), desk.farConnect(7)]
    for (const [i, id] of far.entries()) desk.farSend(id, "x".repeat(i + 1))
    const handles = [1, 2, 3].map(() => desk.tell("accept 1"))
    expect(handles).toEqual(["ok 2", "ok 3", "ok 4"])
    expect([2, 3, 4].map(h => desk.tell(`recv ${h}`))).toEqual(["ok 1 open", "ok 2 open", "ok 3 open"])
})

test("connect answers as soon as the SYN is queued", () => {
    const desk = new Desk({ localPort: 0 })
    desk.wire.filter = () => false
    expect(desk.tell("connect 10.0.0.1 7 50123")).toBe("ok 1")
    expect(desk.tell("state 1")).toBe("ok SYN-SENT")
    expect(desk.tell("connect 10.0.0.1 7 50123")).toBe("err EADDRINUSE")
    expect(desk.tell("connect 10.0.0.1 7")).toBe("ok 2")
})

test("a refused connection", () => {
    const desk = new Desk()
    expect(desk.tell("connect 10.0.0.1 7")).toBe("ok 1")
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("recv 1")).toBe("ok 0 ECONNREFUSED")
    expect(desk.tell("send 1 1")).toBe("err ECONNREFUSED")
    expect(desk.tell("shut 1")).toBe("err ECONNREFUSED")
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("close 1")).toBe("ok")
    expect(desk.tell("recv 1")).toBe("ok 0 ECONNREFUSED")
})

test("a connection nobody answers", () => {
    const desk = new Desk({ r2Syn: 3000 })
    desk.wire.filter = (_from, frame) => frame[12] === 8 && frame[13] === 6
    desk.tell("connect 10.0.0.1 7")
    desk.wire.run(10000)
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("recv 1")).toBe("ok 0 ETIMEDOUT")
})

test("a host that is not there", () => {
    const desk = new Desk()
    expect(desk.tell("connect 10.0.0.77 7")).toBe("ok 1")
    desk.wire.run(5000)
    expect(desk.tell("recv 1")).toBe("ok 0 EHOSTUNREACH")
})

test("send: a to z over and over, from a in each command", () => {
    const { desk, far } = connected()
    const alphabet = "abcdefghijklmnopqrstuvwxyz"
    expect(desk.tell("send 1 3")).toBe("ok 3")
    expect(desk.farRead(far)).toBe("abc")
    expect(desk.tell("send 1 500")).toBe("ok 500")
    expect(desk.farRead(far)).toBe(alphabet.repeat(20).slice(0, 500))
    expect(desk.tell("send 1 0")).toBe("ok 0")
    expect(desk.farRead(far)).toBe("")
})

test("send: N times a byte", () => {
    const { desk, far } = connected()
    expect(desk.tell("send 1 4 65")).toBe("ok 4")
    expect(desk.tell("send 1 3 0x42")).toBe("ok 3")
    expect(desk.tell("send 1 2 0xfF")).toBe("ok 2")
    expect(desk.tell("send 1 1 0")).toBe("ok 1")
    expect(desk.farRead(far)).toBe("AAAABBB\xff\xff\0")
    // the pattern is not what the byte left behind
    expect(desk.tell("send 1 2")).toBe("ok 2")
    expect(desk.farRead(far)).toBe("ab")
})

test.each([
    "send 1 x",
    "send 1 -1",
    "send 1 1 256",
    "send 1 1 x",
    "send 1 1 0x",
    "send 1 1 0x100",
    "send 1 1 0xg",
])("%s makes no sense", line => {
    const { desk, far } = connected()
    expect(desk.tell(line)).toBe("err EINVAL")
    expect(desk.farRead(far)).toBe("")
})

test("send takes what fits", () => {
    const { desk, far } = connected({ sendBuffer: 1000 })
    desk.wire.filter = () => false
    expect(desk.tell("send 1 900")).toBe("ok 900")
    expect(desk.tell("send 1 900")).toBe("ok 100")
    expect(desk.tell("send 1 900")).toBe("ok 0")
    desk.wire.filter = () => true
    desk.wire.run(2000)
    expect(desk.tell("send 1 900")).toBe("ok 900")
    // what is left of the window is too little for a segment, until that has waited long enough (section 3.8.6.2.1)
    expect(desk.farRead(far)).toHaveLength(1000)
    desk.wire.run(2000)
    expect(desk.farRead(far)).toHaveLength(900)
})

test("recv drains up to MAX and says how the stream stands", () => {
    const { desk, far } = connected({ receiveBuffer: 3000 }, { sendBuffer: 2000 })
    expect(desk.tell("recv 1")).toBe("ok 0 open")
    desk.farSend(far, "x".repeat(2000))
    shutdown(desk.far.stack, far, desk.now())
    desk.poke()
    expect(desk.tell("state 1")).toBe("ok CLOSE-WAIT")
    expect(desk.tell("recv 1 0")).toBe("ok 0 open")
    expect(desk.tell("recv 1 500")).toBe("ok 500 open")
    expect(desk.tell("recv 1 x")).toBe("err EINVAL")
    expect(desk.tell("recv 1 1500")).toBe("ok 1500 eof")
    expect(desk.tell("recv 1")).toBe("ok 0 eof")
    // half closed: this side goes on
    expect(desk.tell("send 1 5")).toBe("ok 5")
    expect(desk.farRead(far)).toBe("abcde")
})

test("read says which octets came, 520 at a time, and how the stream stands", () => {
    const desk = new Desk({ receiveBuffer: 2000 })
    desk.tell("listen 7")
    const far = desk.farConnect(7)
    expect(desk.tell("accept 1")).toBe("ok 2")
    expect(desk.tell("read 2 10")).toBe("ok - open")
    desk.farSend(far, "AZ~\0".repeat(200))
    expect(desk.tell("read 2 3")).toBe("ok 415a7e open")
    expect(desk.tell("read 2 x")).toBe("err EINVAL")
    expect(desk.tell("read 2 0")).toBe("ok - open")
    expect(desk.tell("read 1 1")).toBe("err ENOTCONN")
    expect(desk.tell("read 2 9999")).toBe(`ok 00${"415a7e00".repeat(129)}415a7e open`)
    expect(desk.tell("read 2 9999")).toBe(`ok 00${"415a7e00".repeat(69)} open`)
    expect(desk.tell("read 2 9999")).toBe("ok - open")
})

test("recv gives what came before a reset, then the error, again and again", () => {
    const { desk, far } = connected()
    desk.farSend(far, "12345")
    abort(desk.far.stack, far, desk.now())
    desk.poke()
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("recv 1 3")).toBe("ok 3 open")
    expect(desk.tell("recv 1 3")).toBe("ok 2 ECONNRESET")
    expect(desk.tell("recv 1")).toBe("ok 0 ECONNRESET")
    expect(desk.tell("send 1 1")).toBe("err ECONNRESET")
    expect(desk.tell("state 1")).toBe("ok CLOSED")
})

test("shut sends a FIN and goes on receiving", () => {
    const { desk, far } = connected()
    expect(desk.tell("shut 1")).toBe("ok")
    expect(desk.tell("state 1")).toBe("ok FIN-WAIT-2")
    expect(desk.tell("send 1 1")).toBe("err EPIPE")
    expect(desk.tell("shut 1")).toBe("ok")
    desk.farSend(far, "more")
    expect(desk.tell("recv 1")).toBe("ok 4 open")
    close(desk.far.stack, far, desk.now())
    desk.poke()
    expect(desk.tell("recv 1")).toBe("ok 0 eof")
    expect(desk.tell("state 1")).toBe("ok TIME-WAIT")
    desk.wire.run(60000)
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("recv 1")).toBe("ok 0 eof")
    expect(desk.tell("send 1 1")).toBe("err ENOTCONN")
})

test("close: the handle stays good until the end of the connection, and after", () => {
    const { desk, far } = connected()
    expect(desk.tell("close 1")).toBe("ok")
    expect(desk.tell("state 1")).toBe("ok FIN-WAIT-2")
    expect(desk.tell("recv 1")).toBe("ok 0 open")
    expect(desk.tell("close 1")).toBe("ok")
    close(desk.far.stack, far, desk.now())
    desk.poke()
    expect(desk.tell("state 1")).toBe("ok TIME-WAIT")
    desk.wire.run(60000)
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("recv 1")).toBe("ok 0 eof")
    expect(desk.tell("close 1")).toBe("ok")
    expect(desk.tell("abort 1")).toBe("ok")
})

test("abort resets", () => {
    const { desk, far } = connected()
    expect(desk.tell("abort 1")).toBe("ok")
    expect(desk.farRead(far)).toBe("error -2")
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("recv 1")).toBe("ok 0 ECONNABORTED")
    expect(desk.tell("send 1 1")).toBe("err ECONNABORTED")
})

test("rcvbuf limits the window", () => {
    const desk = new Desk({ receiveBuffer: 1000 }, { localPort: 0 })
    desk.tell("listen 7")
    expect(desk.tell("rcvbuf 1 100")).toBe("ok")
    expect(desk.tell("rcvbuf 1 0")).toBe("err EINVAL")
    expect(desk.tell("rcvbuf 1 1001")).toBe("err EINVAL")
    expect(desk.tell("rcvbuf 1 x")).toBe("err EINVAL")
    const far = desk.farConnect(7)
    expect(desk.tell("accept 1")).toBe("ok 2")
    desk.farSend(far, "x".repeat(300))
    expect(desk.tell("recv 2")).toBe("ok 100 open")
    expect(desk.tell("rcvbuf 2 1000")).toBe("ok")
})

test("listen: only so many connections wait to be accepted", () => {
    const desk = new Desk({}, { localPort: 0 })
    expect(desk.tell("listen 7 1")).toBe("ok 1")
    desk.farConnect(7)
    desk.farConnect(7)
    expect(desk.tell("accept 1")).toBe("ok 2")
    expect(desk.tell("accept 1")).toBe("none")
})

test("nodelay: what is small does not wait for an acknowledgment", () => {
    const { desk, far } = connected({ nagle: 1 })
    desk.wire.filter = () => false
    expect(desk.tell("send 1 1")).toBe("ok 1")
    const before = desk.wire.frames.length
    expect(desk.tell("send 1 1")).toBe("ok 1")
    expect(desk.wire.frames.length).toBe(before)
    expect(desk.tell("nodelay 1 1")).toBe("ok")
    expect(desk.wire.frames.length).toBe(before + 1)
    expect(desk.tell("nodelay 1 0")).toBe("ok")
    expect(desk.tell("send 1 1")).toBe("ok 1")
    expect(desk.wire.frames.length).toBe(before + 1)
    desk.wire.filter = () => true
    desk.wire.run(5000)
    expect(desk.farRead(far)).toBe("aaa")
})

test("keepalive: a peer that is gone is found out", () => {
    const config = { keepAliveIdle: 1000, keepAliveInterval: 100, keepAliveProbes: 2 }
    for (const [on, end] of [
        ["1", "ok 0 ETIMEDOUT"],
        ["0", "ok 0 open"],
    ]) {
        const { desk } = connected(config)
        expect(desk.tell("keepalive 1 1")).toBe("ok")
        expect(desk.tell(`keepalive 1 ${on}`)).toBe("ok")
        desk.wire.filter = () => false
        desk.wire.run(5000)
        expect(desk.tell("recv 1")).toBe(end)
    }
})

test("timeout: how long nothing may be acknowledged", () => {
    const { desk } = connected()
    expect(desk.tell("timeout 1 3")).toBe("ok")
    desk.wire.filter = () => false
    desk.tell("send 1 1")
    desk.wire.run(2500)
    expect(desk.tell("recv 1")).toBe("ok 0 open")
    desk.wire.run(5000)
    expect(desk.tell("recv 1")).toBe("ok 0 ETIMEDOUT")
})

test.each([
    "nodelay 1 2",
    "nodelay 1 x",
    "keepalive 1 2",
    "keepalive 1 -1",
    "timeout 1 x",
    "timeout 1 65536",
])("%s makes no sense", line => {
    expect(connected().desk.tell(line)).toBe("err EINVAL")
})

test("a listener has nothing of a connection to set", () => {
    const desk = new Desk()
    desk.tell("listen 7")
    for (const line of ["nodelay 1 1", "keepalive 1 1", "timeout 1 1"]) {
        expect(desk.tell(line)).toBe("err ENOTCONN")
    }
})

const [IN, OUT, ERR, HUP, RDHUP] = [1, 4, 8, 16, 0x2000] as const

test("poll: what can be done without waiting", () => {
    const desk = new Desk({ localPort: 0, sendBuffer: 100 })
    expect(desk.tell("listen 7")).toBe("ok 1")
    expect(desk.tell("poll 1")).toBe("ok 0")
    const far = desk.farConnect(7)
    expect(desk.tell("poll 1")).toBe(`ok ${IN}`)
    expect(desk.tell("accept 1")).toBe("ok 2")
    expect(desk.tell("poll 1")).toBe("ok 0")
    expect(desk.tell("poll 2")).toBe(`ok ${OUT}`)
    desk.farSend(far, "x")
    expect(desk.tell("poll 2")).toBe(`ok ${IN | OUT}`)
    desk.tell("recv 2")
    desk.wire.filter = () => false
    desk.tell("send 2 100")
    expect(desk.tell("poll 2")).toBe("ok 0")
    expect(desk.tell("connect 10.0.0.1 9")).toBe("ok 3")
    expect(desk.tell("poll 3")).toBe("ok 0")
})

test("poll: a connection that is over, its record free or not", () => {
    const { desk, far } = connected()
    shutdown(desk.far.stack, far, desk.now())
    desk.poke()
    expect(desk.tell("poll 1")).toBe(`ok ${IN | OUT | RDHUP}`)
    abort(desk.far.stack, far, desk.now())
    desk.poke()
    const over = IN | OUT | ERR | HUP | RDHUP
    expect(desk.tell("poll 1")).toBe(`ok ${over}`)
    expect(desk.tell("state 1")).toBe("ok CLOSED")
    expect(desk.tell("poll 1")).toBe(`ok ${over}`)
    const other = connected()
    close(other.desk.far.stack, other.far, other.desk.now())
    other.desk.poke()
    other.desk.tell("close 1")
    other.desk.wire.run(120000)
    expect(other.desk.tell("poll 1")).toBe(`ok ${IN | OUT | HUP | RDHUP}`)
})

test("records of connections whose end was told are free for others", () => {
    const desk = new Desk({ connections: 2, localPort: 0 })
    // four refused connections one after the other, each asked about once
    for (let handle = 1; handle <= 4; handle++) {
        expect(desk.tell("connect 10.0.0.1 7")).toBe(`ok ${handle}`)
        expect(desk.tell(`recv ${handle}`)).toBe("ok 0 ECONNREFUSED")
    }
    // and not asked about at all: the oldest makes room
    for (let handle = 5; handle <= 8; handle++) expect(desk.tell("connect 10.0.0.1 7")).toBe(`ok ${handle}`)
    for (let handle = 1; handle <= 8; handle++) expect(desk.tell(`recv ${handle}`)).toBe("ok 0 ECONNREFUSED")
})

test("a connection with something left to read is not given up for another", () => {
    const { desk, far } = connected({ connections: 1 })
    desk.farSend(far, "left")
    abort(desk.far.stack, far, desk.now())
    desk.poke()
    expect(desk.tell("connect 10.0.0.1 7")).toBe("err ENOBUFS")
    expect(desk.tell("recv 1")).toBe("ok 4 ECONNRESET")
    expect(desk.tell("connect 10.0.0.1 7")).toBe("ok 2")
})

test("every reply is one line", () => {
    const { desk } = connected()
    for (const line of ["state 1", "recv 1", "send 1 9", "frob", "listen", "accept 1", "\t", "state\n1"]) {
        expect(desk.tell(line)).toMatch(/^(ok|err|none)( [^\n]*)?$/)
    }
})
