// What the options at the top of a script set, and what its commands do: the stack's configuration and the runner's.

import { Config, configure } from "../../../src/tcp/config"
import type { Network } from "./backend"
import { runCommands } from "./commands"
import { ScriptMistake, type Source } from "./failure"
import type { Option, Script } from "./script"

/** Everything that is settled before a script's first event. */
export interface Settings {
    readonly network: Network
    /** Fields of src/tcp/config.ts that differ from what is shipped. */
    readonly config: Readonly<Record<string, number>>
    readonly bindPort: number
    readonly connectPort: number
    /** Microseconds that an event may be off, and per cent of the time since the event before. */
    readonly tolerance: number
    readonly tolerancePercent: number
    /** Microseconds of a tick of the stack's timestamps; 0: their values are not compared. */
    readonly timestampTick: number
    readonly scaledEcr: boolean
    /** A line expects one segment, never several that follow each other. */
    readonly strictSegments: boolean
    /** Packets that no line expects may be left at the end. */
    readonly loose: boolean
    /** The script runs on the VM too. */
    readonly vm: boolean
    /** The stack's clock at the script's start, ms. */
    readonly clock: number
}

type MutableSettings = { -readonly [K in keyof Omit<Settings, "network">]: Settings[K] }

/** Addresses as options give them. */
interface Addresses {
    local: string
    remote: string
    gateway: string | undefined
    netmask: string
}

/** Options of the original that make no sense here, and why. */
const REFUSED: Readonly<Record<string, string>> = {
    mss: "the stack's own is made of --mtu",
    speed: "there is no device whose speed could matter",
    init_scripts: "write its commands at the top, as sysctl",
    non_fatal: "a wrong packet always fails",
    dry_run: "a script that is found is run",
    is_anyip: "a host has one address",
    code_command: "code is carried out by the runner itself",
    code_format: "code is carried out by the runner itself",
    code_sockopt: "code is carried out by the runner itself",
}

/** Reads the options and the commands before the first event. Throws a ScriptMistake that names the line. */
export function settingsOf(script: Script): Settings {
    const { source } = script
    const config: Record<string, number> = {}
    const settings: MutableSettings = {
        config,
        bindPort: 8080,
        connectPort: 8080,
        tolerance: 4000,
        tolerancePercent: 0,
        timestampTick: 0,
        scaledEcr: false,
        strictSegments: false,
        loose: false,
        vm: false,
        clock: 1000,
    }
    const addresses: Addresses = {
        local: "10.0.0.2",
        remote: "10.0.0.1",
        gateway: undefined,
        netmask: "255.255.255.0",
    }
    for (const option of script.options) {
        try {
            apply(option, settings, config, addresses)
        } catch (error) {
            throw new ScriptMistake(source, option.line, (error as Error).message)
        }
    }
    if (script.init !== undefined) runCommands(source, script.init, config)
    // nothing is left to set there: what restores settings is ignored
    if (script.cleanup !== undefined) runCommands(source, script.cleanup, undefined)
    checkConfig(source, script, config)
    return { ...settings, network: networkOf(source, addresses) }
}

function apply(
    { name, value }: Option,
    settings: MutableSettings,
    config: Record<string, number>,
    addresses: Addresses
): void {
    switch (name) {
        case "define":
            return
        case "ip_version":
            if (value !== "ipv4") throw new Error(`--ip_version=${value}: there is IPv4 only`)
            return
        case "local_ip":
            addresses.local = addressOf(name, value)
            return
        case "remote_ip":
            addresses.remote = addressOf(name, value)
            return
        case "gateway_ip":
            addresses.gateway = addressOf(name, value)
            return
        case "netmask_ip":
            addresses.netmask = addressOf(name, value)
            return
        case "bind_port":
            settings.bindPort = numberOf(name, value, 1, 65535)
            return
        case "connect_port":
            settings.connectPort = numberOf(name, value, 1, 65535)
            return
        case "mtu":
            config.mtu = numberOf(name, value, 576, 1500)
            return
        case "tolerance_usecs":
            settings.tolerance = numberOf(name, value, 1, 60_000_000)
            return
        case "tolerance_percent":
            settings.tolerancePercent = numberOf(name, value, 0, 100)
            return
        case "tcp_ts_tick_usecs":
            settings.timestampTick = numberOf(name, value, 0, 1_000_000)
            return
        case "tcp_ts_ecr_scaled":
            settings.scaledEcr = flagOf(name, value)
            return
        case "strict_segments":
            settings.strictSegments = flagOf(name, value)
            return
        case "verbose":
        case "debug":
            return
        case "config":
            Object.assign(config, configOf(value))
            return
        case "vm":
            settings.vm = flagOf(name, value)
            return
        case "loose":
            settings.loose = flagOf(name, value)
            return
        case "clock":
            settings.clock = numberOf(name, value, 0, 0xffff_ffff)
            return
    }
    const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
    throw new Error(
        reason === undefined ? `unknown option --${name}` : `--${name} is not supported here: ${reason}`
    )
}

function flagOf(name: string, value: string | undefined): boolean {
    if (value !== undefined) throw new Error(`--${name} takes no value`)
    return true
}

function numberOf(name: string, value: string | undefined, low: number, high: number): number {
    const number = value === undefined || value === "" ? Number.NaN : Number(value)
    if (!(number >= low && number <= high))
        throw new Error(`--${name}=${value ?? ""}: a number from ${low} to ${high}`)
    return number
}

function addressOf(name: string, value: string | undefined): string {
    const bytes = (value ?? "").split(".").map(Number)
    if (bytes.length !== 4 || bytes.some(byte => !(byte >= 0 && byte <= 255))) {
        throw new Error(`--${name}=${value ?? ""}: an address such as 10.0.0.2`)
    }
    return bytes.join(".")
}

/** `--config=KEY=VALUE,KEY=VALUE`. */
function configOf(value: string | undefined): Record<string, number> {
    const values: Record<string, number> = {}
    for (const part of (value ?? "").split(",")) {
        const match = /^(\w+)=(-?\d+)$/.exec(part)
        if (match === null)
            throw new Error(`--config is written --config=KEY=NUMBER,KEY=NUMBER, not "${part}"`)
        values[match[1]!] = Number(match[2])
    }
    return values
}

/** Wrong values are the fault of the line that names them, else of the commands. */
function checkConfig(source: Source, script: Script, config: Record<string, number>): void {
    for (const [key, value] of Object.entries(config)) {
        try {
            configure(new Config(), { [key]: value })
        } catch (error) {
            const named = script.options.filter(({ name, value: text }) =>
                `${name}=${text}`.includes(`${key}=`)
            )
            const line = named.at(-1)?.line ?? script.init?.line ?? 1
            throw new ScriptMistake(source, line, (error as Error).message)
        }
    }
}

function networkOf(source: Source, { local, remote, gateway, netmask }: Addresses): Network {
    const mask = number32(netmask)
    const prefix = Math.clz32(~mask)
    if (local === remote)
        throw new ScriptMistake(source, 1, `local and remote address are the same: ${local}`)
    const near = (other: string) => ((number32(local) ^ number32(other)) & mask) === 0
    // a remote side in another network is behind a router, of which nothing is seen but its Ethernet address
    const first = dotted((number32(local) & mask) + 1)
    const router = gateway ?? (first === local ? dotted(number32(first) + 1) : first)
    const hop = near(remote) ? remote : router
    if (!near(hop)) throw new ScriptMistake(source, 1, `the router ${hop} is not in the network of ${local}`)
    return {
        localIp: local,
        remoteIp: remote,
        hop,
        prefix,
        localMac: "02:00:00:00:00:02",
        remoteMac: "02:00:00:00:00:01",
    }
}

function number32(address: string): number {
    const [a, b, c, d] = address.split(".").map(Number) as [number, number, number, number]
    return (a << 24) | (b << 16) | (c << 8) | d
}

function dotted(address: number): string {
    return [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join(".")
}
