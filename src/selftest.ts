// The first run on a new board: tests wires, chip and network step by step, and prints one report. docs/boards.md says where to send it.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import type { NetError } from "./base/errors"
import { board } from "./board"
import { boot } from "./boot"
import { MacCounter } from "./mac/mac"
import { ipv4Text, macText } from "./net/address"
import { failed, noted, passed, results } from "./selftest/report"
import { dhcp } from "./socket/dhcp"
import { type NetworkInterface, startNetwork } from "./socket/interface"
import { ping } from "./socket/ping"
import { connect } from "./socket/socket"
import { boardName, linkDetails, probe, wiring } from "./wiring"

/** Milliseconds. */
const enum Time {
    /** A link over a cable takes 2 s, over Wi-Fi up to 15. */
    Link = 30000,
    /** The DHCP client gives up after 28 s and uses the address in src/boot.ts. */
    Address = 40000,
    Handshake = 3000,
}

/** Small blocks: free heap lies in pieces, and a block that fits none of them would end the program. */
const enum Heap {
    Block = 256,
    Blocks = 32,
}

/** Ports that a router may listen on: web pages, DNS over TCP; 7 is the simulator's. */
const PORTS = [80, 443, 53, 7]

async function run(): Promise<void> {
    console.log(`---- self test of ${boardName} ----`)
    const arch = ds._dcfgString("archId") || "unknown"
    noted(
        "firmware",
        `${ds._dcfgString("devName") || "no name"}, ${arch}, built for runtime ${ds.RUNTIME_VERSION}`
    )
    const lines = wiring()
    const pins = lines as unknown as { [line: string]: ds.PinBase }
    noted(
        "wiring",
        Object.keys(pins)
            .map(line => `${line} ${pins[line].gpio}`)
            .join(", ")
    )
    if (await probe(lines)) await testNetwork()
    console.log(`---- ${results.passed} ok, ${results.failed} failed: end of the self test ----`)
}

async function testNetwork(): Promise<void> {
    const addressing = dhcp({ fallback: boot.ip, gateway: boot.gateway })
    const start = ds.millis()
    const { macAddress, config } = boot
    const net = await startNetwork({ mac: board, ip: "dhcp", addressing, macAddress, config })
    noted("address", macText(net.mac.address, 0))
    if (!(await testLink(net, start))) return
    if (!(await testAddress(net, ds.millis()))) return
    if (net.stack.gateway !== 0) {
        const router = ipv4Text(net.stack.gateway)
        await testPing(router)
        await testHandshake(router)
    } else noted("router", "no router: ping and handshake skipped")
    const counters = net.mac.counters
    const wrong: number[] = []
    for (let at = MacCounter.FramesIn; at < MacCounter.Size; at += 4) wrong.push(counters.getAt(at, "u32"))
    noted("frames", `${wrong.join(" ")} (in, out, errors: MacCounter in src/mac/mac.ts)`)
    testHeap()
}

/** Waits for a condition. Returns the milliseconds since `start`, or -1 when `limit` have passed. */
async function within(start: number, limit: number, condition: () => boolean): Promise<number> {
    while (!condition()) {
        if (ds.millis() - start > limit) return -1
        await ds.sleep(10)
    }
    return ds.millis() - start
}

async function testLink(net: NetworkInterface, start: number): Promise<boolean> {
    const ms = await within(start, Time.Link, () => net.mac.linkUp)
    const details = linkDetails(net.mac)
    if (ms >= 0) passed("link", `up ${ms} ms after the driver's start${details}`)
    else failed("link", `none within ${Time.Link / 1000} s: check cable or network; ${details}`)
    return ms >= 0
}

async function testAddress(net: NetworkInterface, start: number): Promise<boolean> {
    const ms = await within(start, Time.Address, () => net.isUp())
    const { ip, netmask, gateway } = net.stack
    if (ms < 0) failed("dhcp", `no server answers, and ${boot.ip} of src/boot.ts is in use by another host`)
    else {
        const found = `${ipv4Text(ip)}, mask ${ipv4Text(netmask)}, router ${ipv4Text(gateway)}, name server ${ipv4Text(net.nameserver)}`
        if (net.nameserver === 0 && boot.ip.startsWith(`${ipv4Text(ip)}/`))
            failed("dhcp", `no server answers: continuing with ${found} from src/boot.ts`)
        else passed("dhcp", `${found}, after ${ms} ms`)
    }
    return ms >= 0
}

async function testPing(router: string): Promise<void> {
    // the first ping waits for ARP, too
    const start = ds.millis()
    const first = await ping(router)
    const all = ds.millis() - start
    if (first === undefined) failed("arp, ping", `${router} does not answer within a second`)
    else
        passed("arp, ping", `${router} answers after ${all} ms with ARP, then after ${await ping(router)} ms`)
}

/** Attempts a handshake with the router: an open port and a refusal both show that TCP works. */
async function testHandshake(host: string): Promise<void> {
    let refused = 0
    let last = ""
    for (const port of PORTS) {
        const start = ds.millis()
        try {
            const socket = await connect({ host, port, timeout: Time.Handshake })
            passed("handshake", `${host}:${port} after ${ds.millis() - start} ms`)
            await socket.close()
            return
        } catch (error) {
            last = (error as Error).message
            if ((error as NetError).code === "ECONNREFUSED") refused = port
        }
    }
    if (refused !== 0) passed("handshake", `${host} answers ports ${PORTS.join(", ")} with a reset`)
    else failed("handshake", last)
}

/** Allocates as much heap as a program of some size would; running out would end the program. */
function testHeap(): void {
    const blocks: Buffer[] = []
    for (let i = 0; i < Heap.Blocks; i++) blocks.push(Buffer.alloc(Heap.Block))
    noted("heap", `${blocks.length * Heap.Block} more bytes could be allocated`)
}

await run()
