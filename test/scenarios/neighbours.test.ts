// ARP against a host that claims the peer's address, neighbours that move, and frames with a priority tag.

import { expect } from "vitest"
import { macFor } from "../../sim/run/boot"
import { dissect, type View } from "../../sim/view/dissect"
import { arp, broadcastMac, ethernet, icmp, ipv4 } from "../support/frames"
import { tsharkAgrees } from "../support/tshark"
import { DEVICE_IP } from "./net"
import { scenario } from "./scenario"
import { client, echoed, serves, text } from "./traffic"

const PEER = "10.0.0.1"
const LIAR = "02:00:00:00:66:66"
const DEVICE_MAC = macFor(DEVICE_IP)

scenario(
    "20,000 bytes are echoed while another host claims the peer's address every 20 ms",
    {},
    async net => {
        const stolen: View[] = []
        const liar = net.attach({
            name: "liar",
            receive: frame => {
                const view = dissect(frame)
                if (view.kind === "tcp" && view.destinationMac === LIAR) stolen.push(view)
            },
        })
        let lies = 0
        const lie = () => {
            const target = lies % 3 === 2 ? PEER : DEVICE_IP
            const fields = { operation: 1 + (lies % 2), senderMac: LIAR, senderIp: PEER, targetIp: target }
            liar.send(ethernet(lies % 2 ? DEVICE_MAC : broadcastMac, LIAR, 0x0806, arp(fields)))
            lies++
            net.clock.at(net.clock.now() + 20, lie)
        }
        const peer = net.host(1)
        await serves(net, peer)
        lie()
        // longer than the device waits for an ARP reply
        await net.pass(5000)
        const said = text(20_000)
        const one = await client(net, peer, 7, said)
        await echoed(net, one, said, 10_000)
        expect(lies).toBeGreaterThan(250)
        expect(stolen).toEqual([])
    }
)

scenario("a neighbour with a new Ethernet address is pinged there within three seconds", {}, async net => {
    const NEW = "02:00:00:00:77:77"
    const got: View[] = []
    const say = (fields: object, to: string) => {
        const whole = { operation: 2, senderMac: NEW, senderIp: "10.0.0.8", targetIp: DEVICE_IP, ...fields }
        port.send(ethernet(to, NEW, 0x0806, arp(whole)))
    }
    const port = net.attach({
        name: "moved",
        receive: frame => {
            const view = dissect(frame)
            if (view.kind === "icmp") got.push(view)
            if (view.kind === "arp" && view.destinationMac === broadcastMac && view.targetIp === "10.0.0.8")
                say({}, DEVICE_MAC)
        },
    })
    // the old address sends one request, and no more
    const old = { operation: 1, senderMac: LIAR, senderIp: "10.0.0.8", targetIp: DEVICE_IP }
    port.send(ethernet(broadcastMac, LIAR, 0x0806, arp(old)))
    await net.pass(5000)
    say({ operation: 1, targetIp: "10.0.0.8" }, broadcastMac)
    await net.pass(3000)
    expect((await net.reply("ping 10.0.0.8 1")).lines.length).toBeGreaterThan(0)
    expect(got).toMatchObject([{ destinationMac: NEW }])
})

scenario("an echo request with a priority tag gets a reply, one of VLAN 7 none", {}, async net => {
    const got: View[] = []
    const mac = macFor("10.0.0.8")
    const port = net.attach({
        name: "tagged",
        receive: frame => {
            const view = dissect(frame)
            if (view.kind === "icmp") got.push(view)
        },
    })
    const ping = (tag: number[], sequence: number) => {
        const header = { source: "10.0.0.8", destination: DEVICE_IP, protocol: 1 }
        const data = Array.from({ length: 1472 }, (_, i) => (i * 3) & 0xff)
        const frame = ethernet(DEVICE_MAC, mac, 0x0800, ipv4(header, icmp(8, 0, sequence, data)))
        port.send(Uint8Array.from([...frame.slice(0, 12), 0x81, 0, ...tag, ...frame.slice(12)]))
        return data
    }
    ping([0, 7], 1)
    await net.pass(500)
    expect(got).toEqual([])
    const data = ping([0xa0, 0], 2)
    await net.pass(500)
    expect(got).toMatchObject([{ type: 0, payload: Uint8Array.from(data), destinationMac: mac }])
})

tsharkAgrees()
