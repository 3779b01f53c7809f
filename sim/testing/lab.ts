// The network of a test: devices that run the user's programs, hosts, and time in the test's hands.

import { existsSync } from "node:fs"
import { connect, Socket } from "node:net"
import { join, relative, resolve } from "node:path"
import { boardOf } from "../build/board-of"
import { isInside, ROOT } from "../build/places"
import { diagnosisLines } from "../diagnosis/diagnosis"
import type { EthernetSwitch } from "../link/switch"
import type { DhcpMode } from "../router/dhcp-server"
import { fixedLookup } from "../router/dns-server"
import { Router } from "../router/router"
import { deviceName, macFor } from "../run/boot"
import type { Actor } from "../stage/actor"
import { Conditions } from "../stage/conditions"
import { sceneOn } from "../stage/scene"
import { namesOf, type Stage, stageOf } from "../stage/stages"
import type { View } from "../view/dissect"
import type {
    DeviceOptions,
    Lab,
    LabDevice,
    LabHost,
    LabOptions,
    LabPeer,
    LabRouter,
    RouterOptions,
} from "./api"
import { BoardDevice } from "./device"
import { StackHost } from "./host"
import { ScriptedPeer } from "./peer"
import { milliseconds } from "./text"
import { Wire } from "./wire"

const MAIN = "src/main.ts"
const FIRST_IP = "10.0.0.2"
const ROUTER_IP = "10.0.0.254"
const PREFIX = 24
const PATIENCE = 30_000
/** The other host of a stage, and the port of its echo service. */
const SERVER_IP = "10.0.0.1"
const ECHO = 7

/** The networks that are open, for the end of a test. */
const open = new Set<Laboratory>()

/** Makes a network of its own for a test. Under vitest it is closed by itself at the end of the test. */
export async function lab(options: LabOptions = {}): Promise<Lab> {
    const made = new Laboratory(options)
    open.add(made)
    return made
}

/** Closes all networks that are open. */
export async function closeAll(): Promise<void> {
    for (const one of open) await one.close()
}

/** The wire of a laboratory, with what the laboratory adds to its own. */
class LabWire extends Wire {
    constructor(
        options: LabOptions,
        private readonly picture: () => string
    ) {
        const { seed, time, runtime: _, ...impairments } = options
        super({ seed, time, impairments })
    }

    fork(label: string) {
        return this.random.fork(label)
    }

    /** The switch of the network. */
    get medium(): EthernetSwitch {
        return this.ethernet
    }

    /** Takes that a program ended by an error. */
    break(why: string): void {
        this.broken = why
    }

    /** Returns the error of a program that has not been reported, once. */
    takeError(): string | undefined {
        const why = this.broken
        this.broken = undefined
        return why
    }

    override seen(): string {
        return `on the wire:\n${this.picture()}`
    }

    async end(): Promise<void> {
        await this.closeWire()
    }
}

class Laboratory implements Lab {
    private readonly wire: LabWire
    private readonly devices: BoardDevice[] = []
    private readonly hosts: StackHost[] = []
    private readonly peers: ScriptedPeer[] = []
    private readonly routers: Router[] = []
    private readonly actors: Actor[] = []
    private readonly conditions: Conditions
    private staged: Stage | undefined
    private cable = true
    private gateway: string | undefined

    constructor(private readonly options: LabOptions) {
        this.wire = new LabWire(options, () => this.ladder())
        const { clock, link, medium } = this.wire
        this.conditions = new Conditions({
            clock,
            ethernet: medium,
            link,
            cable: plugged => this.plug(plugged),
            dhcp: mode => {
                for (const router of this.routers) router.dhcpMode = mode
            },
        })
    }

    /** Plugs the cable of the first device in or out, at its start if it is not there yet. */
    private plug(plugged: boolean): void {
        const [device] = this.devices
        this.cable = plugged
        device?.cable(plugged)
    }

    get now(): number {
        return this.wire.clock.now()
    }

    get frames() {
        return this.wire.frames
    }

    get lose(): (view: View, from: string) => boolean {
        return this.wire.lose
    }
    set lose(lose: (view: View, from: string) => boolean) {
        this.wire.lose = lose
    }

    async device(program = MAIN, options: DeviceOptions = {}): Promise<LabDevice> {
        const path = programPath(program)
        const number = this.devices.length
        const name = deviceName(number)
        const board = options.board ?? boardOf(path)
        const { settings = {} } = this.staged ?? {}
        const { gateway = settings.gateway ?? this.gateway, dns = this.gateway } = options
        const config = { ...settings.config, ...options.config }
        const device = new BoardDevice(this.wire, {
            ...options,
            ...(board === undefined ? {} : { board }),
            ...(gateway === undefined ? {} : { gateway }),
            ...(dns === undefined ? {} : { dns }),
            config,
            name,
            number,
            program: path,
            ip: options.ip ?? `${this.freeIp()}/${settings.prefix ?? PREFIX}`,
            runtime: options.runtime ?? this.options.runtime ?? "vm",
            seed: this.options.seed ?? 1,
            random: this.wire.fork(number === 0 ? "chip" : `chip ${number}`),
            onPanic: text => this.wire.break(text),
        })
        this.devices.push(device)
        const started = device.start()
        if (number === 0 && !this.cable) device.cable(false)
        await started
        return device
    }

    host(ip: string): LabHost {
        return this.addHost(ip)
    }

    private addHost(ip: string): StackHost {
        const { clock } = this.wire
        const host = new StackHost(this.wire, ip, this.wire.fork(`host ${ip}`), event => {
            for (const { explainer } of this.devices) explainer.otherEvent(ip, event, clock.now())
        })
        this.hosts.push(host)
        return host
    }

    filter(port: number | undefined): void {
        this.conditions.filter(port)
    }

    mtu(bytes: number | undefined): void {
        this.conditions.maximum(bytes)
    }

    steal(ip: string | undefined): void {
        this.conditions.steal(ip)
    }

    dhcp(mode: DhcpMode): void {
        this.conditions.dhcp(mode)
    }

    async stage(name: string): Promise<void> {
        const stage = stageOf(name)
        const { wire, conditions } = this
        const server = this.hosts.find(({ ip }) => ip === SERVER_IP) ?? this.addHost(SERVER_IP)
        if (server.host.isFree(ECHO)) server.echo(ECHO)
        if (stage.names && this.routers.length === 0) await this.router({ names: namesOf(stage, SERVER_IP) })
        this.staged = stage
        const [device] = this.devices
        const ground = {
            clock: wire.clock,
            conditions,
            server: server.host,
            ethernet: wire.medium,
            link: wire.link,
        }
        stage.set?.(
            sceneOn({ ...ground, ip: device?.ip ?? FIRST_IP, station: "device", macFor }, this.actors)
        )
    }

    peer(ip: string): LabPeer {
        const peer = new ScriptedPeer(this.wire, ip, ip, () => this.firstDevice())
        this.peers.push(peer)
        return peer
    }

    async router(options: RouterOptions = {}): Promise<LabRouter> {
        const { ip = ROUTER_IP, dhcp = FIRST_IP, names = {}, forward = [] } = options
        const { clock, link } = this.wire
        if (forward.length > 0 && clock.virtual) {
            throw new Error(
                'router({ forward }) leads to sockets of this computer: use lab({ time: "real" })'
            )
        }
        const router = new Router({
            clock,
            link,
            random: this.wire.fork("router"),
            router: ip,
            prefix: PREFIX,
            mac: macFor(ip),
            device: dhcp,
            forwards: forward.map(devicePort => ({
                host: "127.0.0.1",
                hostPort: 0,
                deviceIp: dhcp,
                devicePort,
            })),
            lookup: fixedLookup(names),
            dial: clock.virtual ? dialNobody : (host, port) => connect({ host, port, allowHalfOpen: true }),
        })
        await router.start()
        this.routers.push(router)
        this.gateway = ip
        return {
            ip,
            port: devicePort => {
                const found = router.forwards.find(one => one.devicePort === devicePort)
                if (found !== undefined) return found.hostPort
                throw new Error(`port ${devicePort} is not forwarded: router({ forward: [${devicePort}] })`)
            },
        }
    }

    async pass(time: number | string): Promise<void> {
        try {
            await this.wire.pass(milliseconds(time))
        } finally {
            this.wire.takeError()
        }
    }

    async until(condition: () => boolean, limit: number | string = PATIENCE): Promise<void> {
        const ms = milliseconds(limit)
        const { clock } = this.wire
        let met = false
        let error: string | undefined
        const over = () => {
            met ||= condition()
            error ??= this.wire.takeError()
            return met || error !== undefined
        }
        await clock.runUntil(over, clock.now() + ms)
        if (met) return
        const why = error ?? `the condition did not hold within ${ms / 1000} s: ${condition}`
        throw new Error(`${why}\n\n${this.report()}`)
    }

    ladder(): string {
        return this.devices.map(device => device.ladder()).join("\n")
    }

    async close(): Promise<void> {
        open.delete(this)
        for (const device of this.devices) device.off()
        for (const host of this.hosts) host.off()
        for (const peer of this.peers) peer.stop()
        for (const actor of this.actors) actor.stop()
        this.conditions.close()
        for (const router of this.routers) await router.close()
        await this.wire.end()
    }

    /** Returns the ladders and what the programs printed. */
    private report(): string {
        const logs = this.devices.map(({ name, log }) => logOf(name, log))
        return [this.ladder(), ...this.devices.flatMap(whyOf), ...logs].join("\n")
    }

    private firstDevice(): BoardDevice {
        const [first] = this.devices
        if (first === undefined) throw new Error("there is no device yet: call net.device() first")
        return first
    }

    private freeIp(): string {
        const taken = [...this.devices, ...this.hosts, ...this.peers].map(({ ip }) => ip)
        for (let last = 2; last < 254; last++) {
            if (!taken.includes(`10.0.0.${last}`)) return `10.0.0.${last}`
        }
        throw new Error("all addresses of 10.0.0.0/24 are taken")
    }
}

/** Returns what failed on a device and why, for a message: the last three. */
export function whyOf({ diagnoses }: LabDevice): string[] {
    return diagnoses.slice(-3).flatMap(diagnosisLines)
}

/** Returns what a program printed, for a message. */
export function logOf(name: string, log: readonly string[]): string {
    return log.length === 0 ? `${name} printed nothing` : `${name} printed:\n${log.slice(-20).join("\n")}`
}

/** Returns the path of a program in the project. Throws an Error when it is not a file there. */
function programPath(program: string): string {
    const path = relative(ROOT, resolve(ROOT, program)).replaceAll("\\", "/")
    if (!isInside(path) || !path.endsWith(".ts")) {
        throw new Error(`${program} is not a TypeScript file of the project ${ROOT}`)
    }
    if (!existsSync(join(ROOT, path))) throw new Error(`${program} does not exist in ${ROOT}`)
    return path
}

/** Returns a socket that fails: on virtual time no other network can be reached. */
function dialNobody(): Socket {
    const socket = new Socket()
    const error = Object.assign(new Error("no other network on virtual time"), { code: "ENETUNREACH" })
    setImmediate(() => socket.destroy(error))
    return socket
}
