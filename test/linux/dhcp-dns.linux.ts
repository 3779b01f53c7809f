// DHCP and DNS against dnsmasq, datagrams and pings against the Linux kernel.

import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { openTap } from "../../sim/link/tap"
import { RealClock } from "../../sim/time/clock"
import { ProtocolDevice } from "../support/protocol-device"
import { record, tsharkAgrees } from "../support/tshark"
import { Dnsmasq, SERVER } from "./support/dnsmasq"
import { installed, missing, Namespace } from "./support/namespace"

const FIRST = "10.9.0.50"
const SECOND = "10.9.0.51"
const MAC = "02:00:0a:00:00:02"

/** Sends a datagram from the kernel and prints what comes back. */
const ECHO = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(sys.argv[2].encode(), (sys.argv[1], 7))
data, (ip, port) = s.recvfrom(2000)
print(ip, port, data.decode())
`

const why = missing() ?? (installed("dnsmasq") ? undefined : "dnsmasq is not installed")
if (why !== undefined && process.env.CI !== undefined) throw new Error(why)

describe.skipIf(why !== undefined)("dnsmasq and the Linux kernel", () => {
    let namespace: Namespace
    let folder: string
    const ends: (() => void | Promise<void>)[] = []
    beforeAll(() => {
        namespace = new Namespace()
        folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-dhcp-"))
    })
    afterEach(async () => {
        const failures: unknown[] = []
        // one that fails keeps no other from being done
        for (const end of ends.splice(0).reverse()) {
            try {
                await end()
            } catch (error) {
                failures.push(error)
            }
        }
        if (failures.length > 0) throw failures[0]
    })
    afterAll(async () => {
        await namespace?.remove()
        rmSync(folder, { recursive: true })
    })

    let count = 0
    const serve = (...more: string[]) => {
        const server = new Dnsmasq(namespace, join(folder, `${++count}.leases`), ...more)
        ends.push(() => server.stop())
        return server
    }
    const range = (first: string, last: string) => `--dhcp-range=${first},${last},255.255.255.0,2m`

    /** A TAP with the server's address, and a device on it that is not switched on yet. */
    async function lay(runtime: "vm" | "node"): Promise<ProtocolDevice> {
        const clock = new RealClock()
        const link = await openTap(`tap:tap0@${namespace.name}=${SERVER}/24`, { ip: SERVER, prefix: 24 })
        const watch = (frame: Uint8Array, sent: boolean) => {
            if (sent) record(frame, clock.now())
        }
        const device = new ProtocolDevice({ clock, link, runtime, mac: MAC, watch })
        ends.push(
            () => link.close(),
            () => device.stop()
        )
        return device
    }

    describe.each(["vm", "node"] as const)("with the device on %s", runtime => {
        test("a device gets its address by DHCP, resolves names, and echoes pings and datagrams", async () => {
            const device = await lay(runtime)
            const server = serve(range(FIRST, FIRST))
            await server.says(/DHCP, IP range/)
            await device.start()
            await device.has(FIRST)
            expect((await device.ask("state")).split(" ").slice(0, 7)).toEqual([
                ...[FIRST, "255.255.255.0", SERVER, SERVER, "10.9.0.2", SERVER, "5"],
            ])
            for (const type of ["DISCOVER", "OFFER", "REQUEST", "ACK"])
                expect(server.log).toContain(`DHCP${type}(tap0)`)
            expect(readFileSync(server.leases, "utf8")).toMatch(new RegExp(` ${MAC} ${FIRST} box `))
            expect(await device.ask("ask host.test")).toBe("192.0.2.7")
            expect(await device.ask("ask Alias.Test")).toBe("192.0.2.7")
            expect(await device.ask("ask nobody.test")).toBe("no name")
            // without a server behind it dnsmasq refuses all else; the second server is not there
            expect(await device.ask("ask host.example")).toMatch(/failed|timed out/)
            expect(await device.ask(`ping ${SERVER}`)).toBe("answered")
            expect(await device.ask(`say ${SERVER} 9 x`)).toBe("0 -1 nothing")
            const ping = namespace.finish("ping", "-c", "2", "-i", "0.2", "-W", "5", FIRST)
            const echo = namespace.finish("python3", "-c", ECHO, FIRST, "datagram")
            let done: { code: number | null; stdout: string }[] | undefined
            Promise.all([ping, echo]).then(all => {
                done = all
            })
            await device.until("ping and echo", () => done !== undefined)
            expect(done![0]!.code).toBe(0)
            expect(done![1]!.stdout).toBe(`${FIRST} 7 datagram\n`)
        })

        test("a device renews its lease at the time the server sets", async () => {
            const device = await lay(runtime)
            const server = serve(range(FIRST, FIRST), "--dhcp-option-force=option:T1,6")
            await server.says(/DHCP, IP range/)
            await device.start()
            await device.has(FIRST)
            await device.until("a second ACK", () => (server.log.match(/DHCPACK\(tap0\)/g) ?? []).length >= 2)
            // asked by itself, from its own address
            expect((server.log.match(/DHCPDISCOVER\(tap0\)/g) ?? []).length).toBe(1)
            await device.pass(100)
            expect((await device.ask("state")).split(" ")[6]).toBe("5")
        })

        test("an address that another host has is declined, and another one taken", async () => {
            const device = await lay(runtime)
            namespace.must("ip", "address", "add", `${FIRST}/32`, "dev", "tap0")
            const server = serve(range(FIRST, SECOND))
            await server.says(/DHCP, IP range/)
            await device.start()
            await device.has(SECOND)
            expect(server.log).toMatch(/DHCPDECLINE\(tap0\) 10\.9\.0\.50/)
        })

        test("a cable moved to another network: NAK, and an address of that network", async () => {
            const device = await lay(runtime)
            const server = serve(range(FIRST, FIRST))
            await server.says(/DHCP, IP range/)
            await device.start()
            await device.has(FIRST)
            await server.stop()
            ends.pop()
            const other = serve(range("10.9.0.70", "10.9.0.70"))
            await other.says(/DHCP, IP range/)
            device.chip.setLink(false)
            await device.pass(300)
            device.chip.setLink(true)
            await device.has("10.9.0.70")
            expect(other.log).toMatch(/DHCPNAK\(tap0\) 10\.9\.0\.50/)
            expect(device.log).toEqual([`address ${FIRST}`, "address 0.0.0.0", "address 10.9.0.70"])
        })
    })
    tsharkAgrees("dhcp")
})
