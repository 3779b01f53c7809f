// The simulated world: one or more devices, the network that they are plugged into, and the other hosts on it.

import type { SpiChip } from "../chip/chip"
import { chipOf } from "../chip/chips"
import { changeFault, scheduleFaults } from "../chip/fault-options"
import {
    type ConsoleCommand,
    explainCommand,
    helpLine,
    idsIn,
    readHelp,
    unknownCommand,
} from "../console/table"
import { Device, type Reply } from "../device/device"
import { decodeEvents } from "../device/events"
import { JacdacBus } from "../device/jacdac"
import { DEVICE_ID, describePanic, type Level, type Panic } from "../device/runtime"
import type { Diagnosis } from "../diagnosis/diagnosis"
import { type Explained, Explainer } from "../diagnosis/explainer"
import { inUse } from "../diagnosis/lease"
import { BuiltinHost, serveEcho } from "../host/host"
import type { Fate } from "../link/impair"
import { openPasst } from "../link/passt"
import type { Link, Station } from "../link/port"
import { type Closed, connectStream, LinkError } from "../link/stream"
import { bridge, EthernetSwitch } from "../link/switch"
import { openTap } from "../link/tap"
import { firstOther } from "../options/address"
import { OptionError } from "../options/error"
import type { Options } from "../options/options"
import { fixedLookup } from "../router/dns-server"
import { RouterEcho } from "../router/echo"
import { Router } from "../router/router"
import type { Actor } from "../stage/actor"
import { Conditions, conditionHelp } from "../stage/conditions"
import { type Scene, sceneOn } from "../stage/scene"
import { namesOf } from "../stage/stages"
import { type Clock, RealClock, type Timer, VirtualClock } from "../time/clock"
import { Random } from "../time/random"
import { bootOptions, deviceName, hostName, macFor, macOfHostX } from "./boot"
import { Ended } from "./ended"
import { isProgramsOwn } from "./log"
import type { Observer } from "./observer"

/** A link that leaves this process. */
interface Outside extends Link {
    /** Resolves with the reason when the link ends. */
    readonly closed: Promise<Closed>
}

/** Opens the link that the options ask for; returns undefined for a link inside this process. */
async function openOutside(options: Options): Promise<Outside | undefined> {
    const { link, ip, prefix, gateway = "", forwards } = options
    if (link === "builtin" || link === "user") return undefined
    if (link === "passt") return await openPasst({ ip, prefix, mac: macOfHostX(options), gateway, forwards })
    if (link.startsWith("tap:")) return await openTap(link, { ip: firstOther(ip, prefix), prefix })
    return await connectStream(link)
}

/** The flashed program with the service for consoles on the Jacdac bus. */
const SERIAL = "src/main-serial.ts"
/** The longest command line that is sent to a device, which refuses longer ones anyway. */
const LONGEST_LINE = 2000
/** A command for one of several devices: `on N COMMAND`. */
const ON_ANOTHER = /^\s*on\s+(\S+)\s*(.*)$/
/** The command that the simulator executes itself, because the device cannot see its chip's faults. */
const OWN_HELP = [
    ["fault NAME on|off|N", "breaks the chip; fault alone lists the names"],
    ...conditionHelp,
    ["picture on|off|PORT", "draws all connections, none, or those of a port"],
    ["why [ID]", "says why a connection, or what failed last, has failed"],
].map(([usage = "", does]) => helpLine({ usage, does: `${does} (simulator only)` }))
const HELP_LINE = helpLine({ usage: "help [COMMAND]", does: "lists the commands, or explains one" })
/** What a program without a console prints (src/device/command-hook.ts). */
const NO_COMMANDS = "this program takes no commands"
const HELP = /^\s*help\s+(\S+)\s*$/
const WHY = /^\s*why(?=\s|$)(.*)$/
const LIMITED_BROADCAST = /^\s*(?:connect|ping)\s+255\.255\.255\.255\b/
const FAULT = /^\s*fault(?:\s+(.*))?$/

export class World {
    readonly clock: Clock
    /** The devices, Host X first. */
    readonly devices: readonly Device[]
    /** The devices' chips. */
    private readonly chips: SpiChip[] = []
    /** The example's server, on the built-in link. */
    readonly server: BuiltinHost | undefined
    /** The router that leads to this computer's sockets. */
    readonly router: Router | undefined
    private readonly echo = new RouterEcho()
    /** Explains the failures of each device. */
    readonly explainers: Explainer[] = []
    private readonly ethernet: EthernetSwitch
    /** The devices' Jacdac bus, to which programs of this computer can connect. */
    private readonly jacdac = new JacdacBus()
    /** The port at which programs connect to the Jacdac bus; undefined without --jacdac. */
    jacdacPort: number | undefined
    readonly conditions: Conditions
    private readonly actors: Actor[] = []
    /** What explainers wait for. */
    private readonly timers = new Set<Timer>()
    /** Another host tries ports that the program may not have: a refusal is no failure, and not explained. */
    tries = false
    /** Carries out the commands of the run that shows this world; returns undefined for any other command. */
    ofRun: (line: string) => Reply | undefined = () => undefined
    /** Explanations that wait for the event that they explain. */
    private held: Explained[] | undefined
    private readonly outside: Outside | undefined
    private origin = 0
    /** The final error message of each program that reported one, by device number. */
    private readonly fatal = new Map<number, string>()
    private end: Ended | undefined
    private readonly whenEnded: Promise<Ended>
    private resolveEnded: (ended: Ended) => void = () => {}

    /** Creates a world that is switched off. Throws when the link to the outside cannot be opened. */
    static async make(options: Options, observers: readonly Observer[]): Promise<World> {
        return new World(options, observers, await openOutside(options))
    }

    /** Builds the program if needed and switches the devices on; returns when they answer commands. */
    async start(): Promise<void> {
        if (this.router !== undefined) await this.echo.start()
        await this.router?.start()
        if (this.options.stage !== undefined) this.prepare(this.options.stage.set)
        for (const device of this.devices) await device.start()
        this.origin = this.clock.now()
        for (let n = 0; n < this.devices.length; n++) await this.carryOut(n, "")
        await this.openJacdac()
        // the link is connected only now: frames that its other end has sent meanwhile wait in it
        if (this.outside !== undefined) bridge(this.ethernet, this.outside, "outside")
    }

    private constructor(
        readonly options: Options,
        private readonly observers: readonly Observer[],
        outside: Outside | undefined
    ) {
        this.whenEnded = new Promise(resolve => {
            this.resolveEnded = resolve
        })
        this.clock = options.time === "virtual" ? new VirtualClock() : new RealClock()
        // code that awaits a promise runs before the next event of the clock
        this.clock.settle.add(async () => {})
        // a fork's name is mixed into its seed: another name produces other random numbers
        const random = new Random(options.seed ?? Math.floor(Math.random() * 0x1_0000_0000))
        this.ethernet = new EthernetSwitch(this.clock, {
            impairments: options.impairments,
            random: random.fork("segment"),
        })
        this.outside = outside
        const all = [{ runtime: options.runtime, ip: options.ip }, ...options.others]
        this.devices = all.map(({ runtime, ip }, n) => this.makeDevice(n, runtime, ip))
        if (options.router !== undefined) {
            this.router = this.makeRouter(options.router, random.fork("router"))
        }
        if (options.server !== undefined) {
            this.server = this.makeServer(options.server, random.fork("peer"))
        }
        const { router } = this
        // sockets of this computer answer in real time
        if (router !== undefined && this.clock.virtual) this.clock.settle.add(() => router.dialled())
        this.conditions = new Conditions({
            clock: this.clock,
            ethernet: this.ethernet,
            link: this.ethernet,
            cable: plugged => this.chips[0]?.setLink(plugged),
            dhcp:
                router === undefined
                    ? undefined
                    : mode => {
                          router.dhcpMode = mode
                      },
        })
    }

    /** Opens the port of the Jacdac bus. Throws a LinkError when another program has that port. */
    private async openJacdac(): Promise<void> {
        const { jacdac } = this.options
        if (jacdac === undefined) return
        try {
            this.jacdacPort = await this.jacdac.listen(jacdac)
        } catch (error) {
            const { code } = error as NodeJS.ErrnoException
            throw new LinkError(`--jacdac ${jacdac}: the port cannot be opened (${code}): choose another one`)
        }
    }

    /** Prepares the network for a failure. */
    private prepare(set: (scene: Scene) => void = () => {}): void {
        const { server, clock, ethernet, conditions, options } = this
        if (server === undefined) return
        const ground = { ip: options.ip, clock, conditions, server, ethernet, link: ethernet, macFor }
        set(sceneOn({ ...ground, station: deviceName(0) }, this.actors))
    }

    /** The address that Host X uses, which is not the one of --ip if its program has its own. */
    get address(): string {
        return this.explainers[0]?.evidence.address ?? this.options.ip
    }

    /** Returns the milliseconds since the devices were switched on. */
    now(): number {
        return this.clock.now() - this.origin
    }

    /** Resolves with the reason when the outside link ends; stays pending if there is none. */
    get linkClosed(): Promise<Closed> {
        return this.outside?.closed ?? new Promise(() => {})
    }

    /**
     * Lets time pass until the condition holds; returns false when it does not within `limit` milliseconds. Throws an Ended when
     * the run ends first.
     */
    async until(condition: () => boolean, limit: number): Promise<boolean> {
        let met = false
        const over = () => {
            met ||= condition()
            return met || this.end !== undefined
        }
        await this.clock.runUntil(over, this.clock.now() + limit)
        if (this.end !== undefined) throw this.end
        return met
    }

    /** Lets `ms` milliseconds pass. */
    async pass(ms: number): Promise<void> {
        await this.until(() => false, ms)
    }

    /** Runs `action` in `ms` milliseconds, as an event of the clock, so that no device sleeps past that time. */
    async act<T>(ms: number, action: () => T): Promise<T> {
        const done: T[] = []
        this.clock.at(this.clock.now() + ms, () => done.push(action()))
        await this.until(() => done.length > 0, Number.POSITIVE_INFINITY)
        return done[0]!
    }

    /** Runs a console command on a device and waits for its end: on Host X, or on device N after `on N`. */
    async command(line: string): Promise<Reply> {
        const [, name, command] = ON_ANOTHER.exec(line) ?? []
        if (name === undefined) return await this.commandOf(0, line)
        const number = /^\d{1,3}$/.test(name) ? Number(name) : 0
        if (number >= 1 && number <= this.devices.length)
            return await this.commandOf(number - 1, command ?? "")
        const known = this.devices.length === 1 ? "1" : `1 to ${this.devices.length}`
        const prefix = this.options.mode === "control" ? "err " : ""
        return { lines: [`${prefix}no device ${name}: use ${known}`], status: 1 }
    }

    private async commandOf(device: number, line: string): Promise<Reply> {
        const fault = FAULT.exec(line)
        if (fault !== null) return this.fault(device, fault[1] ?? "")
        const [, named] = HELP.exec(line) ?? []
        if (named !== undefined && this.options.mode !== "control") return await this.help(device, named)
        const own = this.ownCommand(device, line)
        if (own !== undefined) return own
        const reply = await this.carryOut(device, line)
        if (reply.status !== 0 && reply.lines[0] === NO_COMMANDS) return this.withoutConsole(line)
        if (line.trim() !== "help" || reply.status !== 0) return reply
        const lines = reply.lines.filter(text => !text.startsWith("help "))
        return { ...reply, lines: [...lines, HELP_LINE, ...OWN_HELP] }
    }

    /** Returns the answer to a command for a program without a console: `help` lists the simulator's own commands. */
    private withoutConsole(line: string): Reply {
        if (this.options.mode === "control") return { lines: [NO_COMMANDS], status: 1 }
        return line.trim() === "help"
            ? { lines: [`${NO_COMMANDS}, the simulator does:`, HELP_LINE, ...OWN_HELP], status: 0 }
            : { lines: [NO_COMMANDS, "help lists the commands of the simulator"], status: 1 }
    }

    /** Returns the commands of Host X and of the simulator; of a program without a console only the latter. */
    async commands(): Promise<ConsoleCommand[]> {
        const { lines, status } = await this.command("help")
        return status === 0 ? readHelp(lines) : []
    }

    /** Carries out `help NAME`. */
    private async help(device: number, name: string): Promise<Reply> {
        const reply = await this.commandOf(device, "help")
        if (reply.status !== 0) return reply
        const commands = readHelp(reply.lines)
        const lines = explainCommand(name, commands)
        return lines === undefined
            ? { lines: [unknownCommand(name, commands)], status: 1 }
            : { lines, status: 0 }
    }

    /** Returns the values that an argument of a command can have, as far as they are known. */
    async values(argument: string): Promise<readonly string[]> {
        if (argument === "NAME") return Object.keys(chipOf(this.options.board).faults)
        return argument === "ID" ? idsIn((await this.command("connections")).lines) : []
    }

    /** Carries out a command about the network's conditions, or `why`; returns undefined for any other command. */
    private ownCommand(device: number, line: string): Reply | undefined {
        const ofRun = this.ofRun(line)
        if (ofRun !== undefined) return ofRun
        const controlled = this.options.mode === "control"
        try {
            const done = this.conditions.command(line)
            if (done !== undefined) return { lines: [controlled ? `ok ${done}` : done], status: 0 }
        } catch (error) {
            if (!(error instanceof OptionError)) throw error
            return { lines: [controlled ? `err ${error.message}` : error.message], status: 1 }
        }
        const [, id] = WHY.exec(line) ?? []
        if (id === undefined) return undefined
        const reply = this.explainers[device]!.answer(id.trim(), this.now())
        return controlled
            ? { ...reply, lines: [`${reply.status === 0 ? "ok" : "err"} ${reply.lines.join(" ")}`] }
            : reply
    }

    /** Explains a command that failed, once it is shown: if what it printed has an error's code, or if nothing answered a ping. */
    explainReply(line: string, { lines, status }: Reply): void {
        const [, number, command] = ON_ANOTHER.exec(line) ?? []
        const explainer = this.explainers[number === undefined ? 0 : Number(number) - 1]
        if (status === 0 || explainer === undefined) return
        const text = lines.join(" ")
        const [, pinged] = /^\s*ping\s+(\S+)/.exec(command ?? line) ?? []
        // the address that is not valid, or the port that is in use, is in the command
        if (/\bE(INVAL|ADDRINUSE)\b/.test(text)) explainer.error(`${command ?? line}: ${text}`, this.now())
        // the parser of addresses knows no value for this one
        else if (LIMITED_BROADCAST.test(command ?? line))
            explainer.error(`${command ?? line}: EINVAL`, this.now())
        else if (pinged !== undefined && /\bno reply\b/.test(text)) explainer.noReply(pinged, this.now())
        else explainer.error(text, this.now())
    }

    /** Explains what does not move on when a run ends. */
    explainRest(): void {
        for (const explainer of this.explainers) explainer.finish(this.now())
    }

    /** Carries out `fault NAME on|off|N` on the chip of a device. */
    private fault(device: number, text: string): Reply {
        const controlled = this.options.mode === "control"
        try {
            const done = changeFault(this.chips[device], chipOf(this.options.board), text)
            const [name = "", value = ""] = text.trim().split(/\s+/)
            if (name !== "")
                this.explainers[device]?.fault(name, value !== "off" && value !== "0", this.now())
            return { lines: [controlled ? `ok ${done}` : done], status: 0 }
        } catch (error) {
            if (!(error instanceof OptionError)) throw error
            return { lines: [controlled ? `err ${error.message}` : error.message], status: 1 }
        }
    }

    private async carryOut(device: number, line: string): Promise<Reply> {
        let reply: Reply | undefined
        let failure: Error | undefined
        // an empty line means "no command", so a blank is sent instead; the device refuses an overlong line, if its heap can hold
        // the line at all
        const command = this.devices[device]!.command(line.slice(0, LONGEST_LINE) || " ").then(
            value => {
                reply = value
            },
            (error: Error) => {
                failure = error
            }
        )
        if (this.clock.virtual) {
            await this.until(() => reply !== undefined || failure !== undefined, Number.POSITIVE_INFINITY)
        } else {
            await Promise.race([command, this.whenEnded])
        }
        if (this.end !== undefined) throw this.end
        if (reply === undefined) throw failure ?? new Error(`the device did not run "${line}"`)
        return reply
    }

    /** Ends the run: all methods of this world that wait throw `ended`. Only the first call counts. */
    finish(ended: Ended): void {
        if (this.end !== undefined) return
        this.end = ended
        this.resolveEnded(ended)
    }

    /** Waits, in real time, for the run to end. */
    async untilEnded(): Promise<never> {
        throw await this.whenEnded
    }

    /** Switches off the devices, the other hosts and the links. */
    async close(): Promise<void> {
        this.finish(new Ended(0))
        for (const timer of this.timers) timer.cancel()
        this.conditions.close()
        for (const actor of this.actors) actor.stop()
        for (const device of this.devices) device.stop()
        this.server?.stop()
        await this.router?.close()
        if (this.router !== undefined) this.echo.close()
        await this.ethernet.close()
        await this.jacdac.close()
        await this.outside?.close()
    }

    /** Creates device number `n`, plugged in and switched off. */
    private makeDevice(n: number, runtime: "vm" | "node", ip: string): Device {
        const { clock, ethernet, options } = this
        const random = new Random(options.seed ?? 1).fork(`chip ${n}`)
        const kind = chipOf(options.board)
        const note = (text: string) => {
            this.explainers[n]?.note(text, this.now())
            this.observe(observer => observer.note?.(text, this.now(), n))
        }
        const explainer = this.makeExplainer(n, ip)
        const cable = (plugged: boolean) => explainer.cable(plugged, this.now())
        const chip = kind.make({ clock, send: frame => plug.send(frame), random, note, cable })
        this.chips[n] = chip
        if (n === 0) {
            scheduleFaults(chip, clock, options.faults)
            for (const { name, at } of options.faults) explainer.fault(name, true, at)
        }
        const station: Station = { name: deviceName(n), receive: frame => chip.deliver(frame) }
        this.watchFrames(station, n)
        const plug = ethernet.attach(station)
        return new Device({
            clock,
            runtime,
            chip,
            board: options.board,
            ...programOf(options),
            ...(options.jacdac === undefined ? {} : { jacdac: this.jacdac }),
            without: options.without,
            quiet: options.quiet,
            boot: { ...bootOptions(options, n, ip), ...kind.boot?.(chip) },
            ...(options.seed === undefined ? {} : { seed: (options.seed + n) >>> 0 }),
            deviceId: deviceId(n),
            controlled: options.mode === "control",
            onEvent: records => this.event(records, n),
            onLog: (level, text) => this.log(level, text, n),
            onPanic: panic => this.finish(new Ended(1, this.describe(panic, n))),
        })
    }

    /** Returns why a program ended; in one line when another program drives the device. */
    private describe(panic: Panic, n: number): string {
        const text = this.fatal.get(n) ?? describePanic(panic)
        const named = n === 0 ? text : `${deviceName(n)}: ${text}`
        return this.options.mode === "control" ? named.split("\n", 2).join("").replace(/ +/g, " ") : named
    }

    private log(level: Level, text: string, n: number): void {
        // the end of a program that reports its error needs no stack trace
        if (level === "error" && text.startsWith("fatal: ")) this.fatal.set(n, text)
        else if (isProgramsOwn(level, text)) {
            this.observe(observer => observer.log?.(level, text, n))
            this.explainers[n]?.error(text, this.now())
        }
    }

    private makeRouter(router: string, random: Random): Router {
        const { clock, options, ethernet } = this
        const { prefix, ip, macAddress, forwards, stage, server = "" } = options
        const mac = macAddress === macFor(router) ? "02:00:00:00:00:01" : macFor(router)
        const lookup = stage?.names ? { lookup: fixedLookup(namesOf(stage, server)) } : {}
        return new Router({
            clock,
            link: ethernet,
            random,
            router,
            prefix,
            mac,
            device: ip,
            forwards,
            dial: this.echo.dial,
            ...lookup,
        })
    }

    private makeServer(ip: string, random: Random): BuiltinHost {
        const { clock, options, ethernet } = this
        const server = new BuiltinHost({
            clock,
            link: ethernet,
            name: "server",
            ip,
            prefix: options.prefix,
            mac: options.macAddress === macFor(ip) ? "02:00:00:00:00:01" : macFor(ip),
            random,
            onEvent: event => {
                for (const explainer of this.explainers) explainer.otherEvent(ip, event, this.now())
                this.observe(observer => observer.serverEvent?.(event, this.now()))
            },
        })
        serveEcho(server, clock)
        return server
    }

    private watchFrames(device: Station, n: number): void {
        this.ethernet.onFrame((frame, from, time, deliveries) => {
            const since = time - this.origin
            const fates = deliveries.map(fate => ({ ...fate, arrives: fate.arrives - this.origin }))
            const explainer = this.explainers[n]!
            const arrives = fates.find(({ to }) => to === device)?.arrives
            explainer.tick(since)
            this.observe(observer => {
                if (n === 0) observer.sent?.(frame, from, since, fates)
                if (from === device) observer.port?.(frame, "out", since, n)
            })
            // an explanation follows the frame that shows it
            explainer.sent(frame, from.name, since, lossOf(fates), arrives)
        })
        this.ethernet.onDelivery((frame, _from, to, time) => {
            const since = time - this.origin
            this.explainers[n]!.arrived(frame, to.name, since)
            if (to === device) this.observe(observer => observer.port?.(frame, "in", since, n))
        })
    }

    private event(records: Uint8Array, n: number): void {
        const now = this.now()
        const explainer = this.explainers[n]!
        for (const event of decodeEvents(records)) {
            // an explanation follows the event that it explains
            const held: Explained[] = []
            this.held = held
            const why: Diagnosis | undefined = explainer.event(event, now)
            this.held = undefined
            this.observe(observer => observer.event?.(event, now, n, why))
            for (const one of held) this.explained(one, n, true)
        }
    }

    private makeExplainer(n: number, ip: string): Explainer {
        const { prefix, gateway, config, router, program } = this.options
        // a program may have an address of its own
        const self = inUse(
            {
                name: hostName(n),
                station: deviceName(n),
                ip,
                prefix,
                gateway,
                nameServers: router === undefined || program === undefined ? undefined : [router],
                connections: config.connections,
                dials: (ip, port) => this.router?.dials(ip, port) ?? false,
            },
            () => explainer.evidence
        )
        const explainer: Explainer = new Explainer(
            () => self,
            explained => {
                if (this.held !== undefined) this.held.push(explained)
                else this.explained(explained, n, false)
            },
            (ms, run) => this.later(ms, run)
        )
        this.explainers[n] = explainer
        return explainer
    }

    /** Calls a function in `ms` milliseconds, unless the world is closed before. */
    private later(ms: number, run: (now: number) => void): void {
        const timer = this.clock.at(this.clock.now() + ms, () => {
            this.timers.delete(timer)
            run(this.now())
        })
        this.timers.add(timer)
    }

    private explained(explained: Explained, device: number, isOfEvent: boolean): void {
        // the other host tries ports that may be closed, with words that the program may not know
        if (this.tries && ["port-closed", "closed-at-once"].includes(explained.cause)) return
        this.observe(observer => observer.explained?.(explained, device, isOfEvent))
    }

    private observe(report: (observer: Observer) => void): void {
        for (const observer of this.observers) report(observer)
    }
}

/** Returns the program that --program or --jacdac asks for. */
function programOf({ program, jacdac }: Options): { program?: string } {
    if (program !== undefined) return { program }
    return jacdac === undefined ? {} : { program: SERIAL }
}

/** Returns why no receiver gets a frame; undefined if one does. */
function lossOf(fates: readonly Fate[]): Fate["lost"] {
    return fates.every(({ lost }) => lost !== undefined) ? fates[0]?.lost : undefined
}

/** Returns the identifier of device number `n`: DEVICE_ID, with `n` in its last byte. */
function deviceId(n: number): string {
    return (
        DEVICE_ID.slice(0, -2) + (Number.parseInt(DEVICE_ID.slice(-2), 16) ^ n).toString(16).padStart(2, "0")
    )
}
