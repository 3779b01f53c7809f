import { expect, test } from "vitest"
import { abort, close } from "../../src/tcp/calls"
import { ConsoleBench } from "../device/console-bench"

test("the ladder of the example has handshake, data both ways, close and TIME-WAIT", async () => {
    const bench = new ConsoleBench({ iss: 4321 }, { iss: 99 })
    const listener = bench.farListen(7)
    await bench.ok("sleep 5")
    await bench.ok("connect 10.0.0.1 7")
    const far = bench.farAccept(listener)
    await bench.ok("sleep 10")
    await bench.ok("send 1 hello")
    await bench.ok("sleep 10")
    bench.farSend(far, "hello back")
    await bench.ok("close 1")
    await bench.ok("sleep 1000")
    expect((await bench.run("ladder 1")).lines.join("\n")).toBe(
        `
connection 1: 10.0.0.2:50000 on the left, 10.0.0.1:7 on the right, time in ms
        5 | CLOSED -> SYN-SENT
        5 |-- SYN seq 4321 len 0 win 1024 mss 1460 --------------------------->|
        5 |<- SYN-ACK seq 99 ack 4322 len 0 win 1024 mss 1460 -----------------|
        5 | SYN-SENT -> ESTABLISHED
        5 |-- ACK seq 4322 ack 100 len 0 win 1024 ---------------------------->|
       15 |-- PSH-ACK seq 4322 ack 100 len 5 win 1024 ------------------------>|
       15 |<- ACK seq 100 ack 4327 len 0 win 1019 -----------------------------|
       25 |<- PSH-ACK seq 100 ack 4327 len 10 win 1019 ------------------------|
       25 |-- ACK seq 4327 ack 110 len 0 win 1014 ---------------------------->|
       25 | ESTABLISHED -> CLOSED
       25 |-- RST-ACK seq 4327 ack 110 len 0 win 0 --------------------------->|
`.trim()
    )
})

test("the ladder of a close from both sides has CLOSING on both", async () => {
    const bench = new ConsoleBench({ iss: 1000 }, { iss: 2000 })
    const listener = bench.farListen(7)
    await bench.ok("connect 10.0.0.1 7")
    const far = bench.farAccept(listener)
    await bench.ok("sleep 100")
    await bench.ok("close 1")
    close(bench.far.stack, far, bench.now())
    bench.poke()
    await bench.ok("sleep 60016")
    const rows = await bench.ok("ladder 1")
    expect(rows.slice(6).map(row => row.replace(/ seq .*/, ""))).toEqual([
        "      100 | ESTABLISHED -> FIN-WAIT-1",
        "      100 |-- FIN-ACK",
        "      100 |<- ACK",
        "      100 | FIN-WAIT-1 -> FIN-WAIT-2",
        "      100 |<- FIN-ACK",
        "      100 | FIN-WAIT-2 -> TIME-WAIT",
        "      100 |-- ACK",
        "    60112 | TIME-WAIT -> CLOSED",
    ])
})

test("the ladder of a passive open has its handshake, and why it failed", async () => {
    const bench = new ConsoleBench()
    await bench.ok("listen 7")
    const far = bench.farConnect(7)
    abort(bench.far.stack, far, bench.now())
    bench.poke()
    expect((await bench.ok("ladder 2")).join("\n")).toBe(
        `
connection 2: 10.0.0.2:7 on the left, 10.0.0.1:60000 on the right, time in ms
        0 |<- SYN seq 5000 len 0 win 1024 mss 1460 ----------------------------|
        0 | LISTEN -> SYN-RECEIVED
        0 |-- SYN-ACK seq 1000 ack 5001 len 0 win 1024 mss 1460 -------------->|
        0 |<- ACK seq 5001 ack 1001 len 0 win 1024 ----------------------------|
        0 | SYN-RECEIVED -> ESTABLISHED
        0 |<- RST-ACK seq 5001 ack 1001 len 0 win 0 ---------------------------|
        0 | ESTABLISHED -> CLOSED
        0 | failed: ECONNRESET
`.trim()
    )
})

test("a ladder with the largest numbers fits 80 columns", async () => {
    const bench = new ConsoleBench(
        { iss: 0xffffffff, connections: 1, receiveBuffer: 20000 },
        { iss: 0xfffffffe }
    )
    const listener = bench.farListen(7)
    await bench.ok("sleep 123456789")
    await bench.ok("connect 10.0.0.1 7")
    bench.farSend(bench.farAccept(listener), "x".repeat(1024))
    const rows = await bench.ok("ladder 1")
    expect(rows[2]).toBe("123456789 |-- SYN seq 4294967295 len 0 win 20000 mss 1460 -------------------->|")
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(80)
})

test("the ladder of a connection leaves out earlier and later ones with the same ports", async () => {
    const bench = new ConsoleBench({ events: 200 })
    const listener = bench.farListen(7)
    for (const id of [1, 2, 3]) {
        bench.stack.config.iss = id * 1000
        bench.stack.config.localPort = 50000
        await bench.ok("connect 10.0.0.1 7")
        bench.farAccept(listener)
        await bench.ok(`abort ${id}`)
        await bench.ok("sleep 10")
    }
    const rows = await bench.ok("ladder 2")
    expect(rows[0]).toContain("connection 2: 10.0.0.2:50000")
    expect(rows.filter(row => row.includes("-- SYN seq "))).toEqual([
        "       10 |-- SYN seq 2000 len 0 win 1024 mss 1460 --------------------------->|",
    ])
    expect(rows.filter(row => row.includes("RST-ACK seq"))).toHaveLength(1)
    expect(rows.join("\n")).not.toMatch(/seq 1000|seq 1001|seq 3000|seq 3001/)
})

test("a ladder whose beginning, or all, is no longer in the ring says so", async () => {
    const bench = new ConsoleBench({ events: 4 })
    const listener = bench.farListen(7)
    await bench.ok("connect 10.0.0.1 7")
    const far = bench.farAccept(listener)
    expect((await bench.ok("ladder 1")).slice(1)).toEqual([
        "(earlier events are no longer kept)",
        "        0 |-- SYN seq 1000 len 0 win 1024 mss 1460 --------------------------->|",
        "        0 |<- SYN-ACK seq 5000 ack 1001 len 0 win 1024 mss 1460 ---------------|",
        "        0 | SYN-SENT -> ESTABLISHED",
        "        0 |-- ACK seq 1001 ack 5001 len 0 win 1024 --------------------------->|",
    ])
    bench.stack.config.localPort = 0
    await bench.ok("connect 10.0.0.1 8")
    expect(await bench.refused("ladder 1")).toBe("ladder: the last 4 events include none of connection 1")
    bench.farSend(far, "x")
    expect(await bench.ok("ladder 1")).toHaveLength(4)
})

test("a ladder without a ring of events is refused with what to configure", async () => {
    const bench = new ConsoleBench({ events: 0 })
    await bench.ok("connect 10.0.0.1 7")
    expect(await bench.refused("ladder 1")).toBe("ladder: no events are recorded; configure events=32")
})

test("events that are overwritten while the ladder is drawn are left out", async () => {
    const bench = new ConsoleBench({ events: 8 })
    const listener = bench.farListen(7)
    await bench.ok("connect 10.0.0.1 7")
    const far = bench.farAccept(listener)
    const sleep = bench.sleep.bind(bench)
    let drawn = 0
    bench.sleep = async ms => {
        await sleep(ms)
        if (++drawn === 5) for (let i = 0; i < 4; i++) bench.farSend(far, "more")
    }
    const rows = await bench.ok("ladder 1")
    expect(rows.length).toBeLessThan(7)
    expect(rows.join("\n")).not.toContain("len 4")
})
