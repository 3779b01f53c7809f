// System calls of a script: what they do, what they return, and which are refused.

import { describe, expect, test } from "vitest"
import { CONNECTED, LISTENING, PLAIN, play, verdict } from "./play"

/** Plays this behind a connection on socket 4. */
async function connected(lines: string, options = ""): Promise<void> {
    await play(`${options}${PLAIN}${CONNECTED}${lines}`)
}

const NONBLOCKING = "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"

describe("opening sockets in a script", () => {
    test("socket() of another family or kind fails, and a number in use is refused", async () => {
        await play(`0 socket(AF_INET, SOCK_STREAM, 0) = 3
+0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = -1 EPROTONOSUPPORT (Protocol not supported)
+0 socket(..., SOCK_STREAM, IPPROTO_UDP) = -1`)
        expect(await verdict("0 socket(1, SOCK_STREAM, 0) = 3")).toContain("x.pkt:1: there is AF_INET only")
        expect(await verdict("0 socket(..., SOCK_STREAM, 0) = -1")).toContain("got:      3\n")
        const twice = "0 socket(..., SOCK_STREAM, 0) = 3\n+0 socket(..., SOCK_STREAM, 0) = 3"
        expect(await verdict(twice)).toContain("x.pkt:2: there is a socket 3 already")
    })

    test("bind() and listen() succeed once, and in this order only", async () => {
        await play(`0 socket(..., SOCK_STREAM, 0) = 3
+0 bind(3, ..., ...) = 0
+0 bind(3, ..., ...) = -1 EINVAL (Invalid argument)
+0 listen(3, 0) = 0
+0 listen(3, 1) = -1 EINVAL (Invalid argument)
+0 socket(..., SOCK_STREAM, 0) = 4
+0 bind(4, ..., ...) = 0
+0 listen(4, 1) = -1 EADDRINUSE (Address already in use)`)
        expect(await verdict("0 socket(..., SOCK_STREAM, 0) = 3\n+0 listen(3, 1) = 0")).toContain(
            "x.pkt:2: bind the socket first"
        )
    })

    test("accept() returns the waiting connection, else EAGAIN", async () => {
        await connected(`+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 accept(3, ..., ...) = -1 EAGAIN (Resource temporarily unavailable)
+0 accept(4, ..., ...) = -1 EINVAL (Invalid argument)`)
        await play(`${PLAIN}${LISTENING}+0 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 < . 1:1(0) ack 1 win 1000
+0 accept4(3, ..., ..., SOCK_NONBLOCK) = 4
+0 fcntl(4, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)
+0 read(4, ..., 1) = -1 EAGAIN (Resource temporarily unavailable)`)
    })

    test("connect() returns EINPROGRESS, EALREADY, 0 and EISCONN in turn", async () => {
        await play(`${PLAIN}0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3
+0 read(3, ..., 1) = -1 ENOTCONN (Transport endpoint is not connected)
+0 write(3, ..., 1) = -1 EPIPE (Broken pipe)
+0 shutdown(3, SHUT_WR) = -1 ENOTCONN (Transport endpoint is not connected)
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460>
+0 connect(3, ..., ...) = -1 EALREADY (Operation already in progress)
+0 < S. 0:0(0) ack 1 win 1000
+0 > . 1:1(0) ack 1
+0 connect(3, ..., ...) = 0
+0 connect(3, ..., ...) = -1 EISCONN (Transport endpoint is already connected)`)
        await play(
            `${LISTENING}+0 connect(3, ..., ...) = -1 EISCONN (Transport endpoint is already connected)`
        )
        const elsewhere = '{sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("10.0.0.9")}'
        expect(
            await verdict(`0 socket(..., SOCK_STREAM, 0) = 3\n+0 connect(3, ${elsewhere}, 16) = 0`)
        ).toContain("x.pkt:2: there is nobody but 10.0.0.1 to connect to")
    })
})

describe("reading and writing in a script", () => {
    test("read() returns the bytes that have come, then EAGAIN, then 0 after the FIN", async () => {
        await connected(`${NONBLOCKING}+0 < P. 1:11(10) ack 1 win 1000
+0 read(4, ..., 4) = 4
+0 recv(4, ..., 100, MSG_DONTWAIT) = 6
+0 recv(4, ..., 100, 0) = -1 EAGAIN (Resource temporarily unavailable)
+0 read(4, ..., 0) = 0
+0 < F. 11:11(0) ack 1 win 1000
+0 > . 1:1(0) ack 12
+0 read(4, ..., 100) = 0
+0 readv(4, [{..., 3}, {..., 5}], 2) = 0`)
    })

    test("readv() and writev() use all parts of their vectors", async () => {
        await connected(`+0 < P. 1:11(10) ack 1 win 1000
+0 readv(4, [{..., 3}, {..., 5}], 2) = 8
+0 writev(4, [{..., 10}, {..., 20}], 2) = 30
+0 > P. 1:31(30) ack 11`)
        expect(await verdict(`${PLAIN}${CONNECTED}+0 writev(4, [{..., 10}], 2) = 10`)).toContain(
            "x.pkt:9: 1 parts, not 2"
        )
    })

    test("write() blocks until all is queued; a non-blocking one takes what fits", async () => {
        await connected(
            `+0...0.1 write(4, ..., 3000) = 3000
+0 > P. 1:2001(2000) ack 1
+.1 < . 1:1(0) ack 2001 win 10000
+0 > P. 2001:3001(1000) ack 1`,
            "--config=sendBuffer=2000\n"
        )
        await connected(`${NONBLOCKING}+0 write(4, ..., 3000) = 1024
+0 write(4, ..., 3000) = -1 EAGAIN (Resource temporarily unavailable)
+0 send(4, ..., 10, MSG_NOSIGNAL) = -1 EAGAIN (Resource temporarily unavailable)
+0 > P. 1:1025(1024) ack 1`)
    })

    test("shutdown() of reading makes read() return 0, of both directions write() fail with EPIPE", async () => {
        await connected(`+0 shutdown(4, SHUT_RD) = 0
+0 < P. 1:4(3) ack 1 win 1000
+0 read(4, ..., 10) = 3
+0 read(4, ..., 10) = 0
+0 write(4, ..., 3) = 3
+0 > P. 1:4(3) ack 4
+0 < . 4:4(0) ack 4 win 1000
+0 shutdown(4, SHUT_RDWR) = 0
+0 > F. 4:4(0) ack 4
+0 write(4, ..., 3) = -1 EPIPE (Broken pipe)
+0 shutdown(4, 7) = -1 EINVAL (Invalid argument)`)
    })

    test("ioctl() returns the unread and the unsent bytes", async () => {
        await connected(`+0 < P. 1:11(10) ack 1 win 1000
+0 ioctl(4, SIOCINQ, [10]) = 0
+0 write(4, ..., 7) = 7
+0 > P. 1:8(7) ack 11
+0 ioctl(4, SIOCOUTQ, [7]) = 0`)
        expect(await verdict(`${PLAIN}${CONNECTED}+0 ioctl(4, FIONREAD, [1]) = 0`)).toContain(
            "got:      the value is 0 instead of 1\n"
        )
    })
})

describe("socket options in a script", () => {
    test("getsockopt() returns what setsockopt() set", async () => {
        await connected(`+0 setsockopt(4, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 getsockopt(4, SOL_SOCKET, SO_REUSEADDR, [1], [4]) = 0
+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0
+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+0 getsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], [4]) = 0
+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [3000], 4) = 0
+0 getsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [3000], [4]) = 0
+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [-1], 4) = -1 EINVAL (Invalid argument)
+0 getsockopt(4, SOL_SOCKET, SO_TYPE, [SOCK_STREAM], [4]) = 0
+0 getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, [1], [4]) = 0
+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0`)
    })

    test("TCP_NODELAY of a listener holds for the connections it accepts", async () => {
        const writes = `+0 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1) = 1
+0 > P. 1:2(1) ack 1
+0 write(4, ..., 1) = 1\n`
        await play(`${PLAIN}${LISTENING}${writes}`)
        const nodelay = "+0 setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n"
        await play(`${PLAIN}${LISTENING}${nodelay}${writes}+0 > P. 2:3(1) ack 1`)
    })

    test("TCP_USER_TIMEOUT=3000 ends a connection without ACKs with ETIMEDOUT", async () => {
        await connected(`+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [3000], 4) = 0
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+1 > P. 1:11(10) ack 1
+0...2 read(4, ..., 10) = -1 ETIMEDOUT (Connection timed out)
+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ETIMEDOUT], [4]) = 0`)
    })

    test("SO_KEEPALIVE sends probes of an idle connection", async () => {
        await connected(
            `+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+10 > . 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 1000
+10 > . 0:0(0) ack 1`,
            "--config=keepAliveIdle=10000\n"
        )
    })

    test("SO_RCVBUF is the advertised window", async () => {
        await play(`${PLAIN}0 socket(..., SOCK_STREAM, 0) = 3
+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [300], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1 win 300 <mss 1460>`)
        await play(`${PLAIN}0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3
+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [300], 4) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460>
+0 < S. 0:0(0) ack 1 win 1000
+0 > . 1:1(0) ack 1 win 300
+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [9999], 4) = -1 EINVAL (Invalid argument)`)
    })

    test("SO_LINGER with time 0 makes close() send a RST", async () => {
        await connected(`+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 close(4) = 0
+0 > R. 1:1(0) ack 1`)
        await connected(`+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=0, linger=9}, 8) = 0
+0 close(4) = 0
+0 > F. 1:1(0) ack 1`)
    })

    test.each([
        ["setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0", "TCP_CORK is not supported here"],
        [
            "setsockopt(4, SOL_SOCKET, SO_SNDBUF, [1], 4) = 0",
            "SO_SNDBUF is not supported here: the send ring is --config",
        ],
        [
            "setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [1], 4) = 0",
            "TCP_KEEPIDLE is not supported here: --config=keepAliveIdle=MS",
        ],
        ["setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [1500], 4) = 0", "TCP_USER_TIMEOUT is whole seconds here"],
        ["setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0", "close() never waits here"],
        ["setsockopt(4, SOL_SOCKET, SO_LINGER, [1], 8) = 0", "SO_LINGER is written {onoff=1, linger=0}"],
        ["setsockopt(4, SOL_IP, 1, [1], 4) = 0", "there are options of SOL_SOCKET and SOL_TCP here"],
        ["setsockopt(4, SOL_TCP, TCP_FROB, [1], 4) = 0", "option: TCP_FROB means nothing here"],
        ["getsockopt(4, SOL_TCP, TCP_MAXSEG, [1000], [4]) = 0", "TCP_MAXSEG is not supported here"],
        ["send(4, ..., 10, MSG_MORE) = 10", "of flags there are MSG_DONTWAIT and MSG_NOSIGNAL here"],
        ["recv(4, ..., 10, MSG_PEEK) = 10", "of flags there are MSG_DONTWAIT and MSG_NOSIGNAL here"],
        ["fcntl(4, 77) = 0", "fcntl knows F_GETFL and F_SETFL here"],
        ["ioctl(4, 77, [1]) = 0", "ioctl knows SIOCINQ and SIOCOUTQ here"],
        ["epoll_create(1) = 5", "the system call epoll_create is not supported here"],
        ['read("x", ..., 10) = 0', "the socket has to be a number"],
        ["readv(4, 5, 1) = 0", "the vector has to be a list such as [{..., 1000}]"],
        ["bind(4, 5, 16) = 0", "an address is ... or a structure with sin_port"],
    ])("%s is refused: %s", async (call, message) => {
        const other = call.startsWith("bind")
            ? `+0 socket(..., SOCK_STREAM, 0) = 5\n+0 ${call.replace("4", "5")}`
            : `+0 ${call}`
        expect(await verdict(`${PLAIN}${CONNECTED}${other}`)).toContain(`: ${message}`)
    })
})

describe("poll() in a script", () => {
    const poll = (events: string, revents: string, rest: string) =>
        `poll([{fd=4, events=${events}, revents=${revents}}], 1, ${rest}`

    test("poll() returns what a socket is ready for", async () => {
        await connected(`+0 ${poll("POLLIN", "0", "0) = 0")}
+0 ${poll("POLLIN|POLLOUT", "POLLOUT", "0) = 1")}
+0 < P. 1:11(10) ack 1 win 1000
+0 ${poll("POLLIN|POLLRDNORM", "POLLIN|POLLRDNORM", "0) = 1")}
+0 poll([{fd=3, events=POLLIN, revents=0}, {fd=4, events=POLLIN, revents=POLLIN}], 2, 0) = 1
+0 < F. 11:11(0) ack 1 win 1000
+0 > . 1:1(0) ack 12
+0 ${poll("POLLIN|POLLRDHUP", "POLLIN|POLLRDHUP", "0) = 1")}`)
    })

    test("poll() waits for an event or the time", async () => {
        await connected(`+0...0.1 ${poll("POLLIN", "POLLIN", "-1) = 1")}
+.1 < P. 1:11(10) ack 1 win 1000`)
        await connected(`+0...0.25 ${poll("POLLIN", "0", "250) = 0")}`.replace("POLLIN", "POLLRDHUP"))
    })

    test("poll() of a socket that was never connected returns POLLHUP, of one that is shut POLLIN", async () => {
        await play(
            `0 socket(..., SOCK_STREAM, 0) = 4\n+0 ${poll("POLLIN|POLLOUT", "POLLOUT|POLLHUP", "0) = 1")}`
        )
        await connected(`+0 shutdown(4, SHUT_RD) = 0\n+0 ${poll("POLLIN", "POLLIN", "0) = 1")}`)
    })

    test.each([
        ["poll([{fd=4, events=POLLIN}], 2, 0) = 0", "1 sockets, not 2"],
        ["poll([{fd=4}], 1, 0) = 0", "events is missing"],
        ["poll(4, 1, 0) = 0", "sockets are written [{fd=4, events=POLLIN, revents=POLLIN}]"],
        ["poll([], 0) = 0", "3 arguments are needed, not 2"],
    ])("%s is refused: %s", async (call, message) => {
        expect(await verdict(`${PLAIN}${CONNECTED}+0 ${call}`)).toContain(`x.pkt:9: ${message}`)
    })
})

test("close() frees the socket's number", async () => {
    await connected(`+0 close(4) = 0
+0 > F. 1:1(0) ack 1
+0 socket(..., SOCK_STREAM, 0) = 4
+0 close(4) = 0
+0 close(3) = 0`)
    expect(await verdict(`${PLAIN}${CONNECTED}+0 close(3) = 0\n+0 close(3) = 0`)).toContain(
        "x.pkt:10: there is no socket 3"
    )
})
