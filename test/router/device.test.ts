import { afterEach, describe, expect, it } from "vitest"
import type { Device } from "../../sim/device/device"
import { Random } from "../../sim/time/random"
import { DEVICE, Lan, ROUTER, words } from "./lan"
import { closedPort, exchange, serve } from "./servers"

let lan: Lan
afterEach(() => lan.close())

const leadsTo = (devicePort: number) => ({ host: "127.0.0.1", hostPort: 0, deviceIp: DEVICE, devicePort })

async function ask(device: Device, line: string): Promise<string[]> {
    return words(await device.command(line))
}

describe.each(["vm", "node"] as const)("a device on %s behind the router", runtime => {
    it("shows its page to the host, four requests at a time", async () => {
        lan = await Lan.open({ forwards: [leadsTo(80)] })
        await lan.device(runtime, false)
        const url = `http://127.0.0.1:${lan.network.forwards[0]!.hostPort}/`
        const pages = await Promise.all(
            Array.from({ length: 4 }, async () => {
                const response = await fetch(url)
                return { status: response.status, text: await response.text() }
            })
        )
        for (const { status, text } of pages) {
            expect(status).toBe(200)
            expect(text).toMatch(/^<!DOCTYPE html>|<html/i)
            expect(text.trimEnd()).toMatch(/<\/html>$|<\/table>$/i)
            expect(text).toContain(ROUTER)
        }
    })

    it("echoes 100 KB to the host", async () => {
        lan = await Lan.open({ forwards: [leadsTo(7)] })
        await lan.device(runtime, false)
        const sent = new Random(5).fill(new Uint8Array(100_000))
        const got = await exchange(lan.network.forwards[0]!.hostPort, sent)
        expect(got.equals(sent)).toBe(true)
    })

    it("connects to a server of the host: 100 KB to it and back", async () => {
        lan = await Lan.open()
        const got: Buffer[] = []
        const server = await serve(socket => {
            socket.on("data", data => got.push(data))
            socket.pipe(socket)
        })
        lan.later(() => server.close())
        const device = await lan.device(runtime, true)
        const [handle] = await ask(device, `connect ${ROUTER} ${server.port}`)
        let [sent, received, end] = [0, 0, ""]
        while (end !== "eof" && !end.startsWith("E")) {
            // all "z", so that what arrives can be compared however the sending was cut
            if (sent < 100_000) sent += Number((await ask(device, `send ${handle} ${100_000 - sent} 122`))[0])
            else if (received === sent) await ask(device, `shut ${handle}`)
            const [count, state] = await ask(device, `recv ${handle}`)
            received += Number(count)
            end = state!
        }
        expect({ sent, received, end }).toEqual({ sent: 100_000, received: 100_000, end: "eof" })
        expect(Buffer.concat(got).equals(Buffer.alloc(100_000, "z"))).toBe(true)
    })

    it("gets ECONNREFUSED from a port of the host without a listener", async () => {
        lan = await Lan.open()
        const device = await lan.device(runtime, true)
        const [handle] = await ask(device, `connect ${ROUTER} ${await closedPort()}`)
        let end = "open"
        while (end === "open") end = (await ask(device, `recv ${handle}`))[1]!
        expect(end).toBe("ECONNREFUSED")
    })
})
