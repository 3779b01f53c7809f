// What can be wrong with a network, and can be changed at any time: by a stage, on the console, in a test.

import { swap16 } from "../../src/base/bytes"
import { Eth, EtherType } from "../../src/wire/ethernet"
import { Ip, Protocol } from "../../src/wire/ipv4"
import type { Fate } from "../link/impair"
import type { Link } from "../link/port"
import type { EthernetSwitch } from "../link/switch"
import { decimalNumber, parseUnicast } from "../options/address"
import { OptionError } from "../options/error"
import { type Impairments, impairText, noImpairments, parseChanges } from "../options/impair"
import type { DhcpMode } from "../router/dhcp-server"
import type { Clock, Timer } from "../time/clock"
import { dissect, type View } from "../view/dissect"
import { Actor } from "./actor"

/** The network whose conditions change. */
export interface Network {
    readonly clock: Clock
    readonly ethernet: Pick<EthernetSwitch, "obstacle" | "impair" | "line">
    /** The link to which a host that steals an address attaches itself. */
    readonly link: Pick<Link, "attach">
    /** Plugs the device's cable in or out. */
    cable(plugged: boolean): void
    /** Changes how the DHCP server behaves; undefined on a network without one. */
    readonly dhcp: ((mode: DhcpMode) => void) | undefined
}

/** What is wrong with a network at the moment. */
export interface State {
    readonly cable: "in" | "out"
    readonly dhcp: DhcpMode
    /** The port, the number of bytes, and the address of the conditions; undefined while nothing is filtered, lost or stolen. */
    readonly filter: number | undefined
    readonly mtu: number | undefined
    readonly steal: string | undefined
    readonly line: Readonly<Impairments>
}

/** The Ethernet address of a host that has another host's IP address, and how often it announces it, ms. */
const THIEF = "06:00:00:00:00:66"
const ANNOUNCED = 2000
/** The smallest MTU of an IPv4 link (RFC 791 section 3.2). */
const LEAST_MTU = 68

/** The commands that change conditions, and what they do. */
export const conditionHelp: readonly (readonly [string, string])[] = [
    ["cable out|in", "plugs the device's cable"],
    ["dhcp on|off|refuse|unusable", "changes what the DHCP server answers"],
    ["impair KEY=VALUE,...|off", "changes what the line does to frames, as loss=0.1"],
    ["filter PORT|off", "drops TCP and UDP of a port on the way, like a firewall"],
    ["mtu N|off", "drops IP packets of more than N bytes on the way"],
    ["steal ADDRESS|off", "lets another host have this address"],
]

export class Conditions {
    private port: number | undefined
    private mtu: number | undefined
    private thief: { readonly actor: Actor; timer: Timer } | undefined
    private plugged = true
    private dhcpMode: DhcpMode = "on"
    /** Returns true for a frame that the line loses; undefined while it loses none by choice. */
    loses: ((view: View) => boolean) | undefined

    constructor(private readonly network: Network) {
        network.ethernet.obstacle = frame => this.obstacle(frame)
    }

    /** Returns what is wrong at the moment. */
    get state(): State {
        const { port, mtu, thief, plugged, dhcpMode, network } = this
        return {
            cable: plugged ? "in" : "out",
            dhcp: dhcpMode,
            filter: port,
            mtu,
            steal: thief?.actor.ip,
            line: { ...network.ethernet.line },
        }
    }

    /** Plugs the device's cable in or out. */
    cable(plugged: boolean): void {
        this.plugged = plugged
        this.network.cable(plugged)
    }

    /** Drops segments and datagrams of a port on the way; undefined ends it. */
    filter(port: number | undefined): void {
        this.port = port
    }

    /** Drops packets of more than `bytes` on the way, without a word; undefined ends it. */
    maximum(bytes: number | undefined): void {
        this.mtu = bytes
    }

    /** Adds a host that has the address of another one; undefined removes it. */
    steal(ip: string | undefined): void {
        this.thief?.timer.cancel()
        this.thief?.actor.stop()
        this.thief = undefined
        if (ip === undefined) return
        const { clock, link } = this.network
        const actor = new Actor(link, ip, THIEF, "another host")
        const announce = () => {
            actor.ask(ip)
            thief.timer = clock.at(clock.now() + ANNOUNCED, announce)
        }
        const thief = { actor, timer: clock.at(clock.now(), announce) }
        this.thief = thief
    }

    /** Changes how the DHCP server behaves. Throws an OptionError on a network without one. */
    dhcp(mode: DhcpMode): void {
        const { dhcp } = this.network
        if (dhcp !== undefined) dhcp(mode)
        else if (mode !== "off") throw new OptionError(`dhcp ${mode}: this network has no DHCP server`)
        this.dhcpMode = mode
    }

    /** Changes what the line does to frames, as `impair KEY=VALUE,...` does; "off" ends everything but the delay. */
    private impair(text: string): void {
        const { ethernet } = this.network
        const { delay } = ethernet.line
        ethernet.impair(text === "off" ? { ...noImpairments, delay } : parseChanges(text))
    }

    /** Carries out a command of `conditionHelp`; returns a line that says so, or undefined for any other line. Throws an OptionError. */
    command(line: string): string | undefined {
        const [name = "", value = "", ...more] = line.trim().split(/\s+/)
        const usage = conditionHelp.find(([text]) => text.split(" ")[0] === name)?.[0]
        if (usage === undefined) return undefined
        const bad = () => new OptionError(`${name}: usage: ${usage}`)
        if (value === "" || more.length > 0) throw bad()
        switch (name) {
            case "cable":
                if (value !== "in" && value !== "out") throw bad()
                this.cable(value === "in")
                return `the cable is ${value}`
            case "dhcp":
                if (!["on", "off", "refuse", "unusable"].includes(value)) throw bad()
                this.dhcp(value as DhcpMode)
                return `the DHCP server is set to ${value}`
            case "impair":
                this.impair(value)
                return `the line: ${impairText(this.network.ethernet.line) || "nothing is wrong with it"}`
            case "filter":
                this.filter(
                    value === "off" ? undefined : readValue(name, () => decimalNumber(value, 1, 65_535))
                )
                return value === "off" ? "no port is filtered" : `port ${value} is filtered`
            case "mtu":
                this.maximum(
                    value === "off"
                        ? undefined
                        : readValue(name, () => decimalNumber(value, LEAST_MTU, 65_535))
                )
                return value === "off"
                    ? "packets of any length pass"
                    : `packets of more than ${value} bytes vanish`
            default:
                this.steal(value === "off" ? undefined : readValue(name, () => parseUnicast(value)))
                return value === "off" ? "no address is stolen" : `another host has ${value}, too`
        }
    }

    /** Stops what goes on by itself. */
    close(): void {
        this.steal(undefined)
    }

    private obstacle(frame: Uint8Array): Fate["lost"] {
        if (this.loses?.(dissect(frame))) return "loss"
        if (this.port === undefined && this.mtu === undefined) return undefined
        const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
        if (frame.length < Eth.Size + Ip.Size || view.getUint16(Eth.Type) !== swap16(EtherType.IPv4))
            return undefined
        if (this.mtu !== undefined && view.getUint16(Eth.Size + 2) > this.mtu) return "mtu"
        const protocol = view.getUint8(Eth.Size + Ip.Protocol)
        const at = Eth.Size + (view.getUint8(Eth.Size) & 15) * 4
        if ((protocol !== Protocol.Tcp && protocol !== Protocol.Udp) || frame.length < at + 4)
            return undefined
        const ports = [view.getUint16(at), view.getUint16(at + 2)]
        return this.port !== undefined && ports.includes(this.port) ? "filter" : undefined
    }
}

/** Reads the value of a command. Throws an OptionError that names the command. */
function readValue<T>(name: string, read: () => T): T {
    try {
        return read()
    } catch (error) {
        throw new OptionError(`${name}: ${(error as Error).message}`)
    }
}
