import { afterEach, expect, test, vi } from "vitest"
import { sink } from "../../src/base/events"
import { abort } from "../../src/tcp/calls"
import { ConsoleBench } from "../device/console-bench"

afterEach(() => vi.restoreAllMocks())

/** A device that traces, what its console says, and a far host whose events are nobody's. */
function traced(config = {}) {
    const log = vi.spyOn(console, "log").mockImplementation(() => {})
    const lines = () => log.mock.calls.map(call => call.join(" "))
    return { bench: new ConsoleBench(config, { events: 0 }), lines }
}

test("trace on prints each event as one line, trace off none", async () => {
    const { bench, lines } = traced()
    bench.farListen(7)
    await bench.ok("sleep 12345")
    expect(await bench.ok("trace on")).toEqual([])
    await bench.ok("connect 10.0.0.1 7")
    await bench.ok("send 1 hi")
    await bench.ok("trace off")
    await bench.ok("send 1 unseen")
    await expect
        .poll(lines)
        .toEqual([
            "12.345 #1 CLOSED -> SYN-SENT",
            "12.345 #1 10.0.0.2:50000 > 10.0.0.1:7 SYN seq=1000 win=1024 mss=1460",
            "12.345 #1 10.0.0.1:7 > 10.0.0.2:50000 SYN-ACK seq=5000 ack=1001 win=1024 mss=1460",
            "12.345 #1 SYN-SENT -> ESTABLISHED",
            "12.345 #1 10.0.0.2:50000 > 10.0.0.1:7 ACK seq=1001 ack=5001 win=1024",
            "12.345 #1 10.0.0.2:50000 > 10.0.0.1:7 PSH-ACK seq=1001 ack=5001 len=2 win=1024",
            "12.345 #1 10.0.0.1:7 > 10.0.0.2:50000 ACK seq=5001 ack=1003 win=1022",
        ])
})

test("trace prints half-open connections, drops and failures", async () => {
    const { bench, lines } = traced()
    await bench.ok("listen 7")
    await bench.ok("trace on")
    const far = bench.farConnect(7)
    abort(bench.far.stack, far, 0)
    bench.poke()
    bench.far.stack.config.localPort = 60001
    bench.farConnect(8)
    await bench.ok("trace off")
    await expect
        .poll(lines)
        .toEqual([
            "0.000 10.0.0.1:60000 > 10.0.0.2:7 SYN seq=5000 win=1024 mss=1460",
            "0.000 10.0.0.1:60000 LISTEN -> SYN-RECEIVED",
            "0.000 10.0.0.2:7 > 10.0.0.1:60000 SYN-ACK seq=1000 ack=5001 win=1024 mss=1460",
            "0.000 10.0.0.1:60000 > 10.0.0.2:7 ACK seq=5001 ack=1001 win=1024",
            "0.000 #2 SYN-RECEIVED -> ESTABLISHED",
            "0.000 #2 10.0.0.1:60000 > 10.0.0.2:7 RST-ACK seq=5001 ack=1001 win=0",
            "0.000 #2 ESTABLISHED -> CLOSED",
            "0.000 #2 failed: ECONNRESET",
            expect.stringMatching(/^0\.000 10\.0\.0\.1:60001 > 10\.0\.0\.2:8 SYN seq=\d+ win=1024 mss=1460$/),
            "0.000 dropped: tcp-no-connection",
            expect.stringMatching(/^0\.000 10\.0\.0\.2:8 > 10\.0\.0\.1:60001 RST-ACK seq=0 ack=\d+ win=0$/),
        ])
})

test("trace can be turned on again, and on and off twice", async () => {
    const { bench, lines } = traced()
    await bench.ok("trace off")
    await bench.ok("trace on")
    await bench.ok("trace on")
    await bench.ok("trace off")
    await bench.ok("connect 10.0.0.1 7 ")
    await new Promise(resolve => setImmediate(resolve))
    await bench.ok("trace on")
    await bench.ok("abort 1")
    bench.stack.config.localPort = 0
    await bench.ok("connect 10.0.0.1 8")
    await bench.ok("trace off")
    await expect.poll(() => lines().length).toBeGreaterThan(3)
    expect(lines()[0]).toBe("0.000 #2 CLOSED -> SYN-SENT")
})

test("trace prints how many events it missed", async () => {
    const { bench, lines } = traced({ events: 4 })
    bench.farListen(7)
    await bench.ok("trace on")
    await bench.ok("connect 10.0.0.1 7")
    await bench.ok("send 1 hi")
    await bench.ok("trace off")
    await expect
        .poll(lines)
        .toEqual([
            "(3 events were overwritten before they were printed)",
            "0.000 #1 SYN-SENT -> ESTABLISHED",
            "0.000 #1 10.0.0.2:50000 > 10.0.0.1:7 ACK seq=1001 ack=5001 win=1024",
            "0.000 #1 10.0.0.2:50000 > 10.0.0.1:7 PSH-ACK seq=1001 ack=5001 len=2 win=1024",
            "0.000 #1 10.0.0.1:7 > 10.0.0.2:50000 ACK seq=5001 ack=1003 win=1022",
        ])
})

test("trace without a ring of events is refused", async () => {
    const { bench } = traced({ events: 0 })
    expect(await bench.refused("trace on")).toBe("trace: no events are recorded; configure events=32")
    expect(sink.trace).toBeUndefined()
})
