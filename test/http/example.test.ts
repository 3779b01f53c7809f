// The example's web server on the VM, as its user has it.

import { afterEach, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { macFor } from "../../sim/run/boot"
import { DEVICE, Lan, PREFIX, ROUTER } from "../router/lan"

let lan: Lan
afterEach(() => lan.close())

test.each(["vm", "node"] as const)(
    "web.ts on %s serves its page, events, form and primes to fetch",
    async runtime => {
        lan = await Lan.open({
            forwards: [{ host: "127.0.0.1", hostPort: 0, deviceIp: DEVICE, devicePort: 80 }],
        })
        const chip = new W5500Chip({ clock: lan.clock, send: frame => plug.send(frame) })
        const plug = lan.ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
        const said: string[] = []
        const device = new Device({
            clock: lan.clock,
            runtime,
            chip,
            program: "src/examples/web.ts",
            boot: { ip: `${DEVICE}/${PREFIX}`, gateway: ROUTER, macAddress: macFor(DEVICE) },
            onLog: (_level, text) => said.push(text),
        })
        lan.later(() => device.stop())
        await device.start()
        await lan.until("the program's word", () => said.includes(`http://${DEVICE}/`))
        const url = (path: string) => `http://127.0.0.1:${lan.network.forwards[0]!.hostPort}${path}`

        const page = await (await fetch(url("/"))).text()
        expect(page).toMatch(/^<!doctype html>.*<td>10\.0\.2\.2:80<td>\*<td>LISTEN.*<\/html>\n$/s)
        const { events } = (await (await fetch(url("/events"))).json()) as { events: unknown[] }
        expect(events.length).toBeGreaterThan(4)

        const body = new URLSearchParams({ text: "<b>50 % & more</b>" })
        const posted = await fetch(url("/message"), { method: "POST", body })
        expect(posted.redirected).toBe(true)
        expect(await posted.text()).toContain("<p>&#60;b&#62;50 % &#38; more&#60;/b&#62;<form")
        expect((await fetch(url("/message"), { method: "POST", body: "x" })).status).toBe(400)

        // larger numbers would take more operations than a row may
        const primes = (await (await fetch(url("/primes?n=999999999"))).text()).split("\n")
        expect(primes.length).toBe(5001)
        expect(primes.filter(line => line.endsWith(": true")).length).toBe(669)
        if (runtime === "vm")
            console.log(`heap in use by the web server example: ${(await device.liveHeap()).used} bytes`)
    }
)
