// A link to passt (https://passt.top), a program that carries a guest's traffic to this computer's sockets without
// privileges. passt has to be installed. It speaks the protocol of the stream link.

import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Buffer } from "@devicescript/core"
import { ipv4Of, macOf } from "../../src/net/address"
import { ArpOperation, writeArp } from "../../src/wire/arp"
import { Eth, EtherType, writeEthernet } from "../../src/wire/ethernet"
import { Ip } from "../../src/wire/ipv4"
import type { Forward } from "../router/incoming"
import type { Link, Port, Station } from "./port"
import { type Closed, connectStream, LinkError, type StreamLink } from "./stream"

interface PasstOptions {
    /** The device's address, dotted, which passt also leases by DHCP. */
    ip: string
    prefix: number
    /** The device's Ethernet address, with colons. */
    mac: string
    /** The address at which passt answers for this computer. */
    gateway: string
    forwards: readonly Forward[]
}

/** The longest time that passt may take to open its socket, ms. */
const STARTS_IN = 10_000
/** The pause between two attempts to connect to passt, ms. */
const RETRY = 20

/** A link to a passt process that was started for the link and ends with it. */
class PasstLink implements Link {
    constructor(
        private readonly link: StreamLink,
        private readonly greeting: Uint8Array,
        private readonly end: () => Promise<void>
    ) {}

    /** Resolves with the reason when the link ends. */
    get closed(): Promise<Closed> {
        return this.link.closed
    }

    /**
     * Plugs the station in and announces its address: until passt knows that address, passt sends IP packets to the Ethernet
     * broadcast address, which a host must not accept.
     */
    attach(station: Station): Port {
        const port = this.link.attach(station)
        port.send(this.greeting)
        return { send: frame => port.send(withoutPadding(frame)), detach: () => port.detach() }
    }

    async close(): Promise<void> {
        await this.link.close()
        await this.end()
    }
}

/** Starts passt and connects to it. Rejects with a LinkError that says what to do when that fails. */
export async function openPasst(options: PasstOptions): Promise<PasstLink> {
    const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-passt-"))
    const socket = join(folder, "socket")
    const child = spawn("passt", wordsOf(options, socket), { stdio: ["ignore", "ignore", "pipe"] })
    let said = ""
    child.stderr?.setEncoding("utf8").on("data", text => {
        said = (said + text).slice(-4000)
    })
    let failure: Error | undefined
    child.once("error", error => {
        failure = error
    })
    const gone = new Promise<void>(resolve => {
        child.once("close", () => resolve())
        child.once("error", () => resolve())
    })
    const end = async () => {
        child.kill()
        await gone
        rmSync(folder, { recursive: true, force: true })
    }
    try {
        const link = await meet(socket, () => failure !== undefined || child.exitCode !== null)
        return new PasstLink(link, announcement(options), end)
    } catch (error) {
        await end()
        throw new LinkError(
            explain(failure, child, said) ?? `cannot talk to passt: ${(error as Error).message}`
        )
    }
}

/** Returns an ARP announcement of the device's address (RFC 5227 section 2.3). */
function announcement({ ip, mac }: PasstOptions): Uint8Array {
    const own = macOf(mac)
    if (own === undefined) throw new Error(`${mac} is not an Ethernet address`)
    const frame = Buffer.alloc(Eth.MinFrame)
    const none = Buffer.alloc(6)
    const everyone = Buffer.alloc(6)
    everyone.fill(0xff)
    writeEthernet(frame, everyone, 0, own, EtherType.Arp)
    writeArp(frame, Eth.Size, ArpOperation.Request, own, ipv4Of(ip), none, 0, ipv4Of(ip))
    return frame
}

/** Cuts off Ethernet's padding, which the passt of 2023 in Debian 12 mistakes for data. */
function withoutPadding(frame: Uint8Array): Uint8Array {
    const isIpv4 = frame.length >= Eth.Size + Ip.Size && frame[Eth.Type] === 8 && frame[Eth.Type + 1] === 0
    if (!isIpv4) return frame
    const at = Eth.Size + Ip.TotalLength
    return frame.subarray(0, Eth.Size + (frame[at]! << 8) + frame[at + 1]!)
}

/**
 * Returns the arguments of passt. If root started it without --runas, passt would run as `nobody`, which may not write to the
 * socket's folder.
 */
function wordsOf({ ip, prefix, gateway, forwards }: PasstOptions, socket: string): string[] {
    const root = process.getuid?.() === 0 ? ["--runas", "0"] : []
    const ports = forwards.map(forward => `${forward.host}/${forward.hostPort}:${forward.devicePort}`)
    return [
        ...["--foreground", "--stderr", "--one-off", "--ipv4-only", "--socket", socket, ...root],
        ...["--address", ip, "--netmask", String(prefix), "--gateway", gateway],
        ...ports.flatMap(port => ["--tcp-ports", port]),
    ]
}

/** Connects to passt as soon as its socket exists. */
async function meet(socket: string, isOver: () => boolean): Promise<StreamLink> {
    for (const limit = Date.now() + STARTS_IN; ; ) {
        try {
            return await connectStream(`stream:unix:${socket}`)
        } catch (error) {
            if (isOver() || Date.now() > limit) throw error
            await new Promise(resolve => setTimeout(resolve, RETRY))
        }
    }
}

/** Returns why passt did not start; undefined when it is still running. */
function explain(failure: Error | undefined, child: ChildProcess, said: string): string | undefined {
    if ((failure as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
        return "passt is not installed: install it (Debian: apt install passt), or use --link user, which needs no program"
    }
    if (failure !== undefined) return `cannot start passt: ${failure.message}`
    if (child.exitCode === null) return undefined
    const taken = /Failed to bind any port for '-t ([^']*)'/.exec(said)?.[1]
    if (taken !== undefined)
        return `passt cannot listen on ${taken}: another program may use that port; forward another one`
    const lines = said.split("\n").filter(line => line.trim() !== "" && !line.includes("syslog"))
    return `passt ended with exit code ${child.exitCode}: ${lines.at(-1)?.trim() ?? "without a message"}`
}
