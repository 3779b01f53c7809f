import { expect, test } from "vitest"
import type { StackEvent } from "../../sim/device/events"
import { BuiltinHost, serveEcho } from "../../sim/host/host"
import { EthernetSwitch } from "../../sim/link/switch"
import { noImpairments } from "../../sim/options/impair"
import { VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"

function network(impairments = {}) {
    const clock = new VirtualClock()
    const random = new Random(7)
    const link = new EthernetSwitch(clock, {
        impairments: { ...noImpairments, delay: 5, ...impairments },
        random,
    })
    const events: StackEvent[] = []
    const make = (name: string, last: number, onEvent?: (event: StackEvent) => void) =>
        new BuiltinHost({
            clock,
            link,
            name,
            ip: `10.0.0.${last}`,
            prefix: 24,
            mac: `02:00:00:00:00:0${last}`,
            random: random.fork(name),
            ...(onEvent === undefined ? {} : { onEvent }),
        })
    const server = make("server", 1)
    const client = make("client", 2, event => events.push(event))
    serveEcho(server, clock)
    return { clock, server, client, events }
}

/** A connection that collects what comes. */
function talk(client: BuiltinHost, port: number, text: string) {
    const heard = { text: "" }
    const connection = client.connect("10.0.0.1", port, {
        data: (_connection, data) => {
            heard.text += data
        },
    })
    if (text !== "") connection.send(text)
    return { connection, heard }
}

test("BuiltinHost echoes a client, also more than any buffer holds and over a bad line", async () => {
    const { clock, client } = network({ loss: 0.05, reorder: 0.1 })
    const text = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(i % 256)).join("")
    const { connection, heard } = talk(client, 7, text)
    await clock.runUntil(() => heard.text.length >= text.length, 600_000)
    expect(heard.text === text).toBe(true)
    connection.close()
    await clock.runUntil(() => connection.state === "CLOSED", 1_000_000)
    expect(connection.state).toBe("CLOSED")
})

test("BuiltinHost reports each state of a connection as it is reached", async () => {
    const { clock, client, events } = network()
    const { connection, heard } = talk(client, 7, "x")
    await clock.runUntil(() => heard.text === "x", 1000)
    connection.close()
    await clock.runUntil(() => connection.state === "CLOSED", 100_000)
    const states = events.flatMap(event => (event.kind === "state" ? [event.to] : []))
    expect(states).toEqual(["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"])
})

test("BuiltinHost reports why a connection was refused", async () => {
    const { clock, client } = network()
    let ended = ""
    const connection = client.connect("10.0.0.1", 9, {
        end: ({ error }) => {
            ended = error ?? ""
        },
    })
    await clock.runUntil(() => connection.ended, 1000)
    expect(ended).toBe("ECONNREFUSED")
    expect(connection.ended).toBe(true)
})

test("BuiltinHost receives after its half close, and resets when it aborts", async () => {
    const { clock, client, server } = network()
    let served: { ended: boolean; error: string | undefined } | undefined
    server.listen(99, {
        accepted: connection => {
            served = connection
            connection.send("late")
        },
    })
    const { connection, heard } = talk(client, 99, "")
    await clock.runUntil(() => connection.state === "ESTABLISHED", 1000)
    connection.shutdown()
    await clock.runUntil(() => connection.state === "FIN-WAIT-2", 1000)
    expect(connection.state).toBe("FIN-WAIT-2")
    expect(heard.text).toBe("late")
    const second = talk(client, 99, "")
    await clock.runUntil(() => second.heard.text === "late", clock.now() + 1000)
    second.connection.abort()
    await clock.runUntil(() => served?.ended === true, clock.now() + 1000)
    expect(served?.error).toBe("ECONNRESET")
})

test("BuiltinHost: listen() on a port in use throws EADDRINUSE, connect() to port 0 EINVAL", () => {
    const { client, server } = network()
    expect(() => server.listen(7, {})).toThrow("port 7: EADDRINUSE")
    expect(() => client.connect("10.0.0.1", 0)).toThrow("10.0.0.1:0: EINVAL")
})

test("a stopped BuiltinHost answers nothing", async () => {
    const { clock, client, server } = network()
    server.stop()
    const { connection } = talk(client, 7, "x")
    await clock.runUntil(() => connection.ended, 100_000)
    expect(connection.error).toBe("EHOSTUNREACH")
})
