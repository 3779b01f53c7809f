// `ip: "dhcp"`: the address comes from the DHCP server of the router, and is asked for again when the cable was out.

import { afterEach, describe, expect, it } from "vitest"
import type { W5500Chip } from "../../sim/chip/w5500"
import { DEVICE, Lan, ROUTER } from "../router/lan"
import { serve } from "../router/servers"

let lan: Lan
afterEach(() => lan.close())

describe.each(["vm", "node"] as const)("a program on %s without an address of its own", runtime => {
    it("gets one, connects, and keeps it when the cable was out", async () => {
        lan = await Lan.open()
        const echo = await serve(socket => socket.pipe(socket))
        lan.later(() => echo.close())
        const log: string[] = []
        let chip: W5500Chip | undefined
        const device = await lan.device(runtime, false, {
            program: "test/programs/net-dhcp.ts",
            boot: { ip: "dhcp", gateway: "" },
            onLog: (_level, text) => log.push(text),
            onChip: (made: W5500Chip) => {
                chip = made
            },
        })
        // connect waits for the address too
        const hello = await device.command(`hello ${ROUTER} ${echo.port}`)
        expect(hello.lines).toEqual([`hello from ${DEVICE}`])
        expect((await device.command("up 10")).lines).toEqual([`true ${DEVICE}`])
        chip?.setLink(false)
        await lan.until("the cable to be missed", () => log.includes(`down ${DEVICE}`))
        chip?.setLink(true)
        await lan.until("it to be back", () => log.at(-1) === `up ${DEVICE}`)
        // by name, from the name server that the DHCP server told of
        const again = await device.command(`hello host.internal ${echo.port}`)
        expect(again.lines).toEqual([`hello from ${DEVICE}`])
    })
})
