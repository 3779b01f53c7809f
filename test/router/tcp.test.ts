import { Socket } from "node:net"
import { Buffer as Bytes } from "@devicescript/core"
import { afterEach, describe, expect, it } from "vitest"
import type { HostConnection } from "../../sim/host/host"
import { Random } from "../../sim/time/random"
import { dissect, type View } from "../../sim/view/dissect"
import { write } from "../../src/tcp/calls"
import { DEVICE, Lan, ROUTER } from "./lan"
import { closedPort, exchange, type LocalServer, serve } from "./servers"

let lan: Lan
afterEach(() => lan.close())

async function serving(accept: Parameters<typeof serve>[0]): Promise<LocalServer> {
    const server = await serve(accept)
    lan.later(() => server.close())
    return server
}

/** Latin-1 text of random bytes. */
function text(seed: number, length: number): string {
    return Buffer.from(new Random(seed).fill(new Uint8Array(length))).toString("latin1")
}

/** Collects what a connection gets. */
function collector() {
    const got = { text: "", ended: false }
    const data = (_: HostConnection, more: string) => {
        got.text += more
    }
    const end = () => {
        got.ended = true
    }
    return { got, handlers: { data, end } }
}

describe("a device's connection to the host", () => {
    it("carries 100 KB both ways, and closes both directions", async () => {
        lan = await Lan.open()
        const server = await serving(socket => socket.pipe(socket))
        const sent = text(1, 100_000)
        const { got, handlers } = collector()
        const connection = lan.host(2).connect(ROUTER, server.port, handlers)
        connection.send(sent)
        connection.shutdown()
        await lan.until("the echo is complete", () => got.ended)
        expect(got.text === sent).toBe(true)
        expect(connection.error).toBeUndefined()
        await lan.until("nothing is left open", () => lan.network.usage.tcp === 0)
        expect(lan.network.counters).toMatchObject({
            outgoing: 1,
            refused: 0,
            deviceResets: 0,
            hostResets: 0,
        })
    })

    it("carries 64 connections at once, from four devices", async () => {
        lan = await Lan.open()
        const server = await serving(socket => socket.pipe(socket))
        const runs = [2, 3, 4, 5].flatMap(last => {
            const host = lan.host(last)
            return Array.from({ length: 16 }, (_, i) => {
                const sent = text(last * 100 + i, 5000)
                const { got, handlers } = collector()
                const connection = host.connect(ROUTER, server.port, handlers)
                connection.send(sent)
                return { connection, sent, got }
            })
        })
        await lan.until("all have echoed", () =>
            runs.every(({ got, sent }) => got.text.length >= sent.length)
        )
        expect(lan.network.usage.tcp).toBe(64)
        for (const { got, sent, connection } of runs) {
            expect(got.text === sent).toBe(true)
            connection.close()
        }
        await lan.until(
            "all are gone",
            () => lan.network.usage.tcp === 0 && lan.network.usage.remembered === 0
        )
    })

    it("is reset where nothing listens", async () => {
        lan = await Lan.open()
        const { got, handlers } = collector()
        const connection = lan.host(2).connect(ROUTER, await closedPort(), handlers)
        await lan.until("it ended", () => got.ended)
        expect(connection.error).toBe("ECONNREFUSED")
        expect(lan.network.counters.refused).toBe(1)
        expect(lan.network.usage).toEqual({ tcp: 0, udp: 0, remembered: 0 })
    })

    it("passes a reset on, in both directions", async () => {
        lan = await Lan.open()
        const errors: string[] = []
        const server = await serving(socket => {
            socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? ""))
            socket.on("data", data => {
                if (String(data) === "reset me") socket.resetAndDestroy()
                else socket.write("ready")
            })
        })
        const host = lan.host(2)
        const first = collector()
        const reset = host.connect(ROUTER, server.port, first.handlers)
        reset.send("reset me")
        await lan.until("the device is reset", () => first.got.ended)
        expect(reset.error).toBe("ECONNRESET")
        const second = collector()
        const resets = host.connect(ROUTER, server.port, second.handlers)
        resets.send("hello")
        await lan.until("the server answers", () => second.got.text === "ready")
        resets.abort()
        await lan.until("the host is reset", () => errors.length > 0)
        expect(errors).toEqual(["ECONNRESET"])
        expect(lan.network.counters).toMatchObject({ hostResets: 1, deviceResets: 1 })
        await lan.until("nothing is left", () => lan.network.usage.remembered === 0)
    })

    it("closes one direction at a time, whichever end begins", async () => {
        lan = await Lan.open()
        // the host ends first, and takes what still comes
        let late = ""
        const ends = await serving(socket => {
            socket.end("bye")
            socket.on("data", data => {
                late += String(data)
            })
        })
        const host = lan.host(2)
        const { got, handlers } = collector()
        const connection = host.connect(ROUTER, ends.port, handlers)
        await lan.until("the host's end came", () => got.ended)
        expect(got.text).toBe("bye")
        expect(connection.state).toBe("CLOSE-WAIT")
        connection.send("still here")
        await lan.until("the host got more", () => late === "still here")
        connection.close()
        // the device ends first, and takes what still comes
        const answers = await serving(socket => {
            let asked = ""
            socket.on("data", data => {
                asked += String(data)
            })
            socket.on("end", () => setTimeout(() => socket.end(`you said ${asked}`), 50))
        })
        const second = collector()
        const asking = host.connect(ROUTER, answers.port, second.handlers)
        asking.send("hello")
        await lan.until("it is open", () => asking.state === "ESTABLISHED")
        asking.shutdown()
        await lan.until("the answer came", () => second.got.ended)
        expect(second.got.text).toBe("you said hello")
        await lan.until("no socket is left", () => lan.network.usage.tcp === 0)
    })

    it("stops the device while the host does not read", async () => {
        lan = await Lan.open()
        const server = await serving(socket => socket.pause())
        // more than the kernel's buffers, the relay's and both rings can hold
        const most = 32_000_000
        let made = 0
        let writes = true
        const host = lan.host(2)
        const connection = host.connect(ROUTER, server.port)
        const piece = Bytes.alloc(1024)
        // as a program that writes whenever there is room
        connection.work = () => {
            for (let n = 1; n > 0 && writes && made < most; made += Math.max(0, n)) {
                n = write(host.stack, connection.id, piece, 0, piece.length)
            }
            return true
        }
        let last = -1
        while (last !== made || made === 0) {
            last = made
            await lan.pass(500)
        }
        expect(made).toBeGreaterThan(16_384)
        expect(made).toBeLessThan(most)
        writes = false
        let got = 0
        const [socket] = server.sockets
        socket!.on("data", data => {
            got += data.length
        })
        socket!.resume()
        await lan.until("all arrives once it is read", () => got === made)
    })

    it("stops the host while the device does not read", async () => {
        lan = await Lan.open()
        let written = 0
        const server = await serving(socket => {
            const chunk = Buffer.alloc(65_536)
            const more = () => {
                written += chunk.length
                if (written < 64_000_000) socket.write(chunk, more)
            }
            more()
        })
        const host = lan.host(2)
        const connection = host.connect(ROUTER, server.port)
        connection.work = () => true
        let last = -1
        while (last !== written || written < 100_000) {
            last = written
            await lan.pass(400)
        }
        expect(written).toBeGreaterThan(16_384)
        expect(written).toBeLessThan(64_000_000)
    })

    it("is not answered while there are too many, and opens at a retransmitted SYN", async () => {
        lan = await Lan.open({ limits: { connections: 1 } })
        const server = await serving(socket => socket.write("hello"))
        const host = lan.host(2)
        const first = collector()
        const second = collector()
        const one = host.connect(ROUTER, server.port, first.handlers)
        await lan.until("the first is there", () => first.got.text === "hello")
        host.connect(ROUTER, server.port, second.handlers)
        await lan.until("the second is not taken", () => lan.network.counters.connectionsFull > 0)
        expect(server.sockets).toHaveLength(1)
        one.abort()
        await lan.until("its next SYN is", () => second.got.text === "hello")
    })

    it.each([
        ["no host answers", "ETIMEDOUT", undefined],
        ["the host has no way there", "ENETUNREACH", 0],
        ["no host on the last network answers", "EHOSTUNREACH", 1],
    ])(
        "gets no segment where %s (%s), ICMP reports the reason if there is one, and the next SYN tries again",
        async (_, code, told) => {
            const dialed: string[] = []
            const dial = (host: string, port: number) => {
                dialed.push(`${host}:${port}`)
                const socket = new Socket()
                setImmediate(() => socket.destroy(Object.assign(new Error(code), { code })))
                return socket
            }
            lan = await Lan.open({ dial })
            const views: View[] = []
            lan.ethernet.onFrame((frame, from) => from === lan.network && views.push(dissect(frame.slice())))
            const connection = lan.host(2).connect("192.0.2.1", 80)
            await lan.until("it has failed twice", () => lan.network.counters.unanswered === 2)
            // RFC 1122 section 4.2.3.9: these are no reason to give up
            expect(connection.state).toBe("SYN-SENT")
            expect(dialed).toEqual(["192.0.2.1:80", "192.0.2.1:80"])
            expect(lan.log[0]).toMatch(
                /^10\.0\.2\.2:\d+ > 192\.0\.2\.1:80: this computer cannot connect \(E[A-Z]+\)$/
            )
            const errors = views.filter(view => view.kind === "icmp")
            expect(errors.map(view => [view.type, view.code, view.destination])).toEqual(
                told === undefined ? [] : [1, 2].map(() => [3, told, "10.0.2.2"])
            )
            expect(views.some(view => view.kind === "tcp")).toBe(false)
            expect(lan.network.usage).toEqual({ tcp: 0, udp: 0, remembered: 0 })
        }
    )

    it("is ended when the host answers nothing for too long", async () => {
        lan = await Lan.open({ dial: () => new Socket(), limits: { connectTimeout: 200 } })
        lan.host(2).connect("192.0.2.1", 80)
        await lan.until("the router waits for it", () => lan.network.dials("192.0.2.1", 80))
        expect(lan.network.dials("192.0.2.1", 81)).toBe(false)
        await lan.until("the host is given up", () => lan.network.counters.unanswered === 1)
        expect(lan.network.dials("192.0.2.1", 80)).toBe(false)
        expect(lan.network.usage).toEqual({ tcp: 0, udp: 0, remembered: 0 })
    })

    it("opens again from the same port", async () => {
        lan = await Lan.open()
        // the host closes first: the router's end waits in TIME-WAIT
        const server = await serving(socket => {
            socket.end("done")
            socket.resume()
        })
        const host = lan.host(2)
        for (let i = 0; i < 3; i++) {
            host.stack.config.localPort = 5000
            const { got, handlers } = collector()
            const connection = host.connect(ROUTER, server.port, handlers)
            await lan.until("the host's end came", () => got.ended)
            expect(got.text).toBe("done")
            connection.close()
            await lan.until("the device has forgotten it", () => connection.state === "CLOSED")
        }
        expect(server.sockets).toHaveLength(3)
    })

    it("that the router does not know is reset", async () => {
        lan = await Lan.open()
        const server = await serving(socket => socket.pipe(socket))
        const host = lan.host(2)
        const { got, handlers } = collector()
        const connection = host.connect(ROUTER, server.port, handlers)
        connection.send("a")
        await lan.until("it works", () => got.text === "a")
        await lan.network.close()
        const again = await Lan.open({ link: lan.ethernet, clock: lan.clock })
        lan.later(() => again.close())
        connection.send("b")
        await lan.until("it is reset", () => got.ended)
        expect(connection.error).toBe("ECONNRESET")
    })
})

describe("a forwarded port", () => {
    const forward = { host: "127.0.0.1", hostPort: 0, deviceIp: DEVICE, devicePort: 7 }

    it("carries 100 KB both ways, on several connections at once", async () => {
        lan = await Lan.open({ forwards: [forward] })
        lan.host(2).listen(7, {
            data: (connection, data) => connection.send(data),
            end: connection => connection.close(),
        })
        const { hostPort } = lan.network.forwards[0]!
        const sent = Array.from({ length: 8 }, (_, i) => new Random(i).fill(new Uint8Array(100_000)))
        const got = await Promise.all(sent.map(bytes => exchange(hostPort, bytes)))
        for (const [i, bytes] of sent.entries()) expect(got[i]!.equals(bytes)).toBe(true)
        expect(lan.network.counters.incoming).toBe(8)
        await lan.until("no socket is left", () => lan.network.usage.tcp === 0)
    })

    it("resets the client when the device refuses", async () => {
        lan = await Lan.open({ forwards: [forward] })
        lan.host(2)
        const { hostPort } = lan.network.forwards[0]!
        await expect(exchange(hostPort, new Uint8Array(1))).rejects.toMatchObject({ code: "ECONNRESET" })
    })

    it("resets the client when there is no device", async () => {
        lan = await Lan.open({ forwards: [forward] })
        const { hostPort } = lan.network.forwards[0]!
        await expect(exchange(hostPort, new Uint8Array(1))).rejects.toMatchObject({ code: "ECONNRESET" })
    })

    it("in use is refused by its number, and no other is left open", async () => {
        lan = await Lan.open()
        const server = await serving(() => {})
        const free = await closedPort()
        const forwards = [free, server.port].map(hostPort => ({ ...forward, hostPort }))
        await expect(Lan.open({ forwards })).rejects.toThrow(
            `cannot listen on 127.0.0.1:${server.port}: another program listens there; forward another port`
        )
        await expect(exchange(free, new Uint8Array(1))).rejects.toMatchObject({ code: "ECONNREFUSED" })
    })
})
