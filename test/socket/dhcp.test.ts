// `ip: "dhcp"`: the address comes from the router's DHCP server, which confirms it when the cable was out.

import { afterEach, describe, expect, it } from "vitest"
import type { W5500Chip } from "../../sim/chip/w5500"
import { DEVICE, Lan, ROUTER } from "../router/lan"
import { serve } from "../router/servers"

let lan: Lan
afterEach(() => lan.close())

describe.each(["vm", "node"] as const)('ip: "dhcp" on %s', runtime => {
    it('a program with ip: "dhcp" gets an address, connects, and keeps it when the cable was out', async () => {
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
        await lan.until("the link to be down", () => log.includes(`down ${DEVICE}`))
        chip?.setLink(true)
        await lan.until("the link to be up", () => log.at(-1) === `up ${DEVICE}`)
        // by name, through the name server of the lease
        const again = await device.command(`hello host.internal ${echo.port}`)
        expect(again.lines).toEqual([`hello from ${DEVICE}`])
    })
})
