// DHCP, DNS, multicast DNS, ping and datagrams of one program: the same on the VM and on Node, byte for byte. The router, with
// its DHCP and DNS servers, is that of sim/router.

import { afterAll, describe, expect, test } from "vitest"
import { BuiltinHost } from "../../sim/host/host"
import { EthernetSwitch } from "../../sim/link/switch"
import { Router } from "../../sim/router/router"
import { macFor } from "../../sim/run/boot"
import { VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"
import { dissect } from "../../sim/view/dissect"
import { ipv4Of, netmaskOf } from "../../src/net/address"
import { Endpoints } from "../../src/net/endpoint-table"
import { Responder } from "../../src/net/mdns"
import { setAddress } from "../../src/net/stack"
import { dnsMessage, question } from "../support/dns"
import { ethernet, ipv4, udp } from "../support/frames"
import { ProtocolDevice } from "../support/protocol-device"
import { record, tsharkAgrees } from "../support/tshark"

const ROUTER = "10.0.2.1"
const DEVICE = "10.0.2.2"
const MAC = "02:00:0a:00:00:02"
const STATION = { ip: "10.0.2.77", mac: macFor("10.0.2.77") }
const GROUP = "01:00:5e:00:00:fb"

const heaps: string[] = []
afterAll(() => console.log(heaps.join("\n")))

/** Runs the program, and returns all frames, replies and lines of the device. */
async function play(runtime: "vm" | "node"): Promise<string[]> {
    const clock = new VirtualClock()
    clock.settle.add(async () => {})
    const lan = new EthernetSwitch(clock)
    const network = new Router({
        ...{ clock, link: lan, random: new Random(1), router: ROUTER, prefix: 24, mac: macFor(ROUTER) },
        device: DEVICE,
        lookup: async () => [],
    })
    await network.start()
    // a station that the test plays, and a host with our own stack and a name
    const heard: Uint8Array[] = []
    const port = lan.attach({ name: "station", receive: frame => heard.push(Uint8Array.from(frame)) })
    const other = new BuiltinHost({
        ...{ clock, link: lan, name: "other", ip: "10.0.2.78", prefix: 24, mac: macFor("10.0.2.78") },
        random: new Random(2),
    })
    setAddress(other.stack, ipv4Of("10.0.2.78"), netmaskOf(24), ipv4Of(ROUTER))
    const endpoints = new Endpoints(other.stack)
    // the same names at the same times in every run
    ;(endpoints as unknown as { draw: Uint8Array }).draw.fill(7)
    const responder = new Responder(endpoints)
    const send = (to: { ip: string; mac: string }, ports: [number, number], data: ArrayLike<number>) => {
        const header = { source: STATION.ip, destination: to.ip }
        const [sourcePort, destinationPort] = ports
        const body = udp(header, { sourcePort, destinationPort }, data)
        port.send(ethernet(to.mac, STATION.mac, 0x0800, ipv4({ ...header, protocol: 17 }, body)))
    }

    const seen: string[] = []
    const device = new ProtocolDevice({
        ...{ clock, link: lan, runtime },
        watch: (frame, sent) => {
            if (sent) record(frame, clock.now())
            seen.push(`${clock.now()} ${sent ? ">" : "<"} ${Buffer.from(frame).toString("hex")}`)
        },
    })
    const ask = async (line: string) => {
        const reply = await device.ask(line)
        seen.push(`${line}: ${reply}`)
        return reply
    }
    /** Takes the datagrams from the device since the last call. */
    const datagrams = () =>
        heard
            .splice(0)
            .map(frame => dissect(frame))
            .filter(view => view.kind === "udp" && view.source === DEVICE)
    try {
        await device.start()
        await device.has(DEVICE)
        await device.pass(5000)
        expect(await ask("state")).toBe(`${DEVICE} 255.255.255.0 ${ROUTER} ${ROUTER} 0.0.0.0 0.0.0.0 5 box 2`)
        // names that the router knows, and one that is not valid
        expect(await ask("ask host.internal")).toBe(ROUTER)
        expect(await ask("ask router")).toBe(ROUTER)
        expect(await ask("ask a..b")).toMatch(/^error/)
        expect(await ask(`ping ${ROUTER}`)).toBe("answered")
        expect(await ask("ping 10.0.2.99")).toMatch(/timed out|unreachable/)
        // the chip lets the group through, and the responder answers
        heard.splice(0)
        send(
            { ip: "224.0.0.251", mac: GROUP },
            [5353, 5353],
            dnsMessage({ id: 0, flags: 0, question: question("box.local") })
        )
        await device.pass(1000)
        expect(datagrams()).toMatchObject([{ destination: "224.0.0.251", destinationPort: 5353 }])
        responder.start("other", Math.floor(clock.now()) | 0)
        other.poke()
        await device.pass(3000)
        expect(await ask("ask other.local")).toBe("10.0.2.78")
        // datagrams: one that is echoed, one to an unbound port, a broadcast
        heard.splice(0)
        send({ ip: DEVICE, mac: MAC }, [5000, 7], Buffer.from("hello"))
        arpFor(port, STATION)
        await device.pass(1000)
        expect(datagrams()).toMatchObject([
            { sourcePort: 7, destinationPort: 5000, payload: Uint8Array.from(Buffer.from("hello")) },
        ])
        expect(await ask("say 10.0.2.78 9 x")).toBe("0 -1 nothing")
        heard.splice(0)
        expect(await ask("say 255.255.255.255 9 x")).toBe("0 0 nothing")
        expect(datagrams()).toMatchObject([
            { destination: "255.255.255.255", destinationMac: "ff:ff:ff:ff:ff:ff" },
        ])
        // the cable is pulled and put back: DHCP confirms the address, which stays
        device.chip.setLink(false)
        await device.pass(5000)
        device.chip.setLink(true)
        const before = seen.length
        await device.pass(10_000)
        expect(seen.slice(before).filter(line => line.includes("63825363350103")).length).toBe(1)
        expect((await ask("state")).split(" ").slice(0, 7)).toEqual([
            DEVICE,
            "255.255.255.0",
            ROUTER,
            ROUTER,
            "0.0.0.0",
            "0.0.0.0",
            "5",
        ])
        if (runtime === "vm") {
            const { used, free } = await device.device.liveHeap()
            heaps.push(`${used} bytes of heap in use, ${free} free: all protocols, 2 connections`)
            expect(free).toBeGreaterThan(15_000)
        }
    } finally {
        device.stop()
        other.stop()
        await network.close()
        await lan.close()
    }
    return [...seen, ...device.log]
}

/** Sends an ARP request as the station, so that the device knows it. */
function arpFor(port: { send(frame: Uint8Array): void }, { ip, mac }: { ip: string; mac: string }): void {
    const bytes = (text: string) => text.split(".").map(Number)
    const from = mac.split(":").map(byte => Number.parseInt(byte, 16))
    const packet = [0, 1, 8, 0, 6, 4, 0, 1, ...from, ...bytes(ip), 0, 0, 0, 0, 0, 0, ...bytes(DEVICE)]
    port.send(ethernet(MAC, mac, 0x0806, packet))
}

describe("all protocols", () => {
    const runs = new Map<string, Promise<string[]>>()
    const run = (runtime: "vm" | "node") => {
        const under = runs.get(runtime) ?? play(runtime)
        runs.set(runtime, under)
        return under
    }
    test.each(["vm", "node"] as const)(
        "DHCP, DNS, mDNS, ping and UDP of one program work together (%s)",
        async runtime => {
            expect((await run(runtime)).length).toBeGreaterThan(50)
        }
    )

    test("DHCP, DNS, mDNS, ping and UDP of one program send the same bytes on both runtimes", async () => {
        const [vm, node] = await Promise.all([run("vm"), run("node")])
        const first = vm.findIndex((line, i) => line !== node[i])
        const at = first < 0 ? vm.length - 1 : first
        expect(node.slice(at, at + 5)).toEqual(vm.slice(at, at + 5))
        expect(node.length).toBe(vm.length)
    })
})
tsharkAgrees("dhcp")
