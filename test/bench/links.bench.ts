// How fast the simulator's links are, so that nobody takes their limits for the stack's: the round trip of one frame,
// and how many a second go there and back with 50 on their way. Behind each link is another host: our stack on Node
// (built-in, stream, user), the kernel (tap), passt; last the whole simulated board on the built-in link.

import { mkdtempSync, rmSync } from "node:fs"
import net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, bench, describe } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { BuiltinHost } from "../../sim/host/host"
import { openPasst } from "../../sim/link/passt"
import type { Link } from "../../sim/link/port"
import { connectStream, StreamLink } from "../../sim/link/stream"
import { EthernetSwitch } from "../../sim/link/switch"
import { openTap } from "../../sim/link/tap"
import { Router } from "../../sim/router/router"
import { RealClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"
import { installed, missing, Namespace } from "../linux/support/namespace"
import { Asker } from "./asker"

const AT_ONCE = 50
const OTHER = { ip: "10.0.0.2", mac: "02:00:0a:00:00:02", prefix: 24 }
const clock = new RealClock()
const endings: (() => unknown)[] = []
afterAll(async () => {
    for (const end of endings.reverse()) await end()
})

function peer(link: Link): void {
    new BuiltinHost({ clock, link, name: "host", random: new Random(1), ...OTHER })
}

/** For each link someone who asks the host behind it. */
const askers: { [name: string]: (() => Promise<Asker>) | undefined } = {
    "built-in": async () => {
        const ethernet = new EthernetSwitch(clock)
        peer(ethernet)
        return new Asker(ethernet, OTHER.ip)
    },
    stream: async () => {
        const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-bench-"))
        const path = join(folder, "socket")
        const server = net.createServer(socket => peer(new StreamLink(socket)))
        await new Promise<void>(resolve => server.listen(path, resolve))
        const link = await connectStream(`stream:unix:${path}`)
        endings.push(
            () => rmSync(folder, { recursive: true }),
            () => server.close(),
            () => link.close()
        )
        return new Asker(link, OTHER.ip)
    },
    user: async () => {
        const ethernet = new EthernetSwitch(clock)
        const { ip: router, mac, prefix } = OTHER
        const network = new Router({
            ...{ clock, link: ethernet, random: new Random(1), router, mac, prefix, device: "10.0.0.9" },
        })
        await network.start()
        endings.push(() => network.close())
        return new Asker(ethernet, router)
    },
    tap:
        missing() !== undefined
            ? undefined
            : async () => {
                  const namespace = new Namespace()
                  const link = await openTap(`tap:tap0@${namespace.name}`, OTHER)
                  endings.push(
                      () => namespace.remove(),
                      () => link.close()
                  )
                  return new Asker(link, OTHER.ip)
              },
    passt: !installed("passt")
        ? undefined
        : async () => {
              const guest = { ip: "10.0.0.77", prefix: 24, mac: "02:00:0a:00:00:4d" }
              const link = await openPasst({ ...guest, gateway: OTHER.ip, forwards: [] })
              endings.push(() => link.close())
              return new Asker(link, OTHER.ip)
          },
    "built-in, a board on the VM": () => board("vm"),
    "built-in, a board on Node": () => board("node"),
}

async function board(runtime: "vm" | "node"): Promise<Asker> {
    const ethernet = new EthernetSwitch(clock)
    const chip = new W5500Chip({ clock, send: frame => plug.send(frame) })
    const plug = ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
    const boot = { ip: `${OTHER.ip}/${OTHER.prefix}`, gateway: "", macAddress: OTHER.mac, trace: false }
    const device = new Device({ clock, runtime, chip, boot })
    await device.start()
    endings.push(() => device.stop())
    await device.command("help")
    return new Asker(ethernet, OTHER.ip)
}

for (const [what, count] of [
    ["the round trip of one frame", 1],
    [`${AT_ONCE} frames there and back`, AT_ONCE],
] as const) {
    describe(what, () => {
        for (const [name, make] of Object.entries(askers)) {
            let asker: Asker | undefined
            bench.skipIf(make === undefined)(name, async () => await asker?.ask(count), {
                time: 1000,
                warmupTime: 200,
                // once for the warm-up and once for the measurement
                setup: async () => {
                    asker ??= await make?.()
                },
            })
        }
    })
}
