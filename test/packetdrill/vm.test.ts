// The same scripts on DeviceScript's VM: the image that a board gets, its driver, and the control protocol as its calls.

import { afterAll, describe, expect, test } from "vitest"
import { ScriptError, sourceOf } from "../support/packetdrill/failure"
import { prepare, runOnVm } from "../support/packetdrill/run"
import { VmPool } from "../support/packetdrill/vm-backend"
import { CONNECTED, LISTENING, PLAIN } from "./play"

const pool = new VmPool()
afterAll(() => pool.stop())

async function verdict(text: string): Promise<string> {
    try {
        await runOnVm(prepare(sourceOf("x.pkt", text)), pool)
        return ""
    } catch (error) {
        if (error instanceof ScriptError) return error.message
        throw error
    }
}

test("all calls of a script work on the VM", async () => {
    const said = await verdict(`${PLAIN}${CONNECTED}
+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [5000], 4) = 0
+0 setsockopt(4, SOL_SOCKET, SO_RCVBUF, [900], 4) = 0
+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 write(4, ..., 5) = 5
+0 > P. 1:6(5) ack 1
+0 write(4, ..., 6) = 6
+0 > P. 6:12(6) ack 1
+0 < P. 1:11(10) ack 12 win 1000
+0 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1
+0 read(4, ..., 4) = 4
+0 read(4, ..., 100) = 6
+0 read(4, ..., 100) = -1 EAGAIN (Resource temporarily unavailable)
+.2 > . 12:12(0) ack 11
+0 shutdown(4, SHUT_WR) = 0
+0 > F. 12:12(0) ack 11
+0 write(4, ..., 1) = -1 EPIPE (Broken pipe)
+0 %{ assert tcpi_state == TCP_FIN_WAIT1 }%
+0 < R. 11:11(0) ack 13 win 0
+0 read(4, ..., 100) = -1 ECONNRESET (Connection reset by peer)
+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0
+0 %{ assert tcpi_state == TCP_CLOSE }%
+0 close(4) = 0`)
    expect(said).toBe("")
})

test("calls that block return at their times on the VM", async () => {
    const said = await verdict(`${PLAIN}${LISTENING}+0...0.2 accept(3, ..., ...) = 4
+.1 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 1000
+0...0.3 poll([{fd=4, events=POLLIN, revents=0}], 1, 300) = 0
+.5...0.7 read(4, ..., 10) = 10
+.2 < P. 1:11(10) ack 1 win 1000
+.2 > . 1:1(0) ack 11`)
    expect(said).toBe("")
})

describe("a failure on the VM", () => {
    test("has the message of Node", async () => {
        const said = await verdict(`${PLAIN}${CONNECTED}+.1 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1`)
        expect(said).toMatch(
            /^x\.pkt:10: expected: > P\. 1:12\(11\) ack 1\ngot: {6}> P\. 1:11\(10\) ack 1 win 1024\ndiffers: {2}length 10/
        )
    })

    test("tolerates 10 ms more than the script says", async () => {
        const at = (time: string) =>
            `${PLAIN}${CONNECTED}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n${time} > P. 1:11(10) ack 1`
        expect(await verdict(at("+1"))).toBe("")
        expect(await verdict(at("+1.03"))).toContain("differs:  time: too early")
        expect(await verdict(at("+.97"))).toContain("differs:  time: too late")
    })

    test("of a value that the VM does not have names it", async () => {
        expect(await verdict(`${PLAIN}${CONNECTED}+0 %{ assert tcpi_snd_cwnd == 1 }%`)).toContain(
            "x.pkt:9: tcpi_snd_cwnd is not known here"
        )
        expect(await verdict(`${PLAIN}${CONNECTED}+0 ioctl(4, SIOCINQ, [0]) = 0`)).toContain(
            "x.pkt:9: ioctl is not supported on the VM"
        )
    })
})

describe("devices of the VM's pool", () => {
    const network = prepare(sourceOf("x", LISTENING)).settings.network

    test("serve one script after another, and close what was left open", async () => {
        const config = { timestamps: 0, sack: 0, events: 0 }
        const options = `--config=${Object.entries(config)
            .map(pair => pair.join("="))
            .join()}\n`
        const device = await pool.device(network, config)
        const script = `${options}${CONNECTED}+0 write(4, ..., 1) = 1\n+0 > P. 1:2(1) ack 1`
        for (let i = 0; i < 3; i++) expect(await verdict(script)).toBe("")
        // whatever was left open is closed
        expect(await verdict(`${options}${CONNECTED}+0 > . 1:1(0) ack 1`)).toContain("nothing until")
        expect(await verdict(script)).toBe("")
        expect((await pool.device(network, config)) === device).toBe(true)
        // nor are ports in TIME-WAIT
        const ended = `+0 close(4) = 0
+0 > F. 1:1(0) ack 1
+0 < F. 1:1(0) ack 2 win 1000
+0 > . 2:2(0) ack 2
+0 %{ assert tcpi_state == TCP_TIME_WAIT }%`
        for (let i = 0; i < 2; i++) expect(await verdict(options + CONNECTED + ended)).toBe("")
        expect((await pool.device(network, config)) === device).toBe(true)
    })

    test("with a pinned ISS serve one script", async () => {
        const config = { iss: 4321 }
        const device = await pool.device(network, config)
        expect((await pool.device(network, config)) === device).toBe(false)
    })
})

test("a script with settings that no board could hold is refused", async () => {
    await expect(verdict(`--config=receiveBuffer=65535\n${LISTENING}`)).rejects.toThrow(
        /config needs \d+ bytes of heap, but about \d+ are free/
    )
})
