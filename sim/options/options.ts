// The command line: what can be asked for, checked before anything starts.

import { Config, configure } from "../../src/tcp/config"
import { type FaultStep, parseFaults } from "../chip/fault-options"
import { parseStreamAddress } from "../link/stream-address"
import { parseTapAddress } from "../link/tap-address"
import type { Forward } from "../router/incoming"
import { decimalNumber, parseInterface, parseMac, parseUnicast } from "./address"
import { CommandLine, printable, program, without } from "./command-line"
import { splitCommands } from "./commands"
import { OptionError } from "./error"
import { type ForwardWish, parseForward } from "./forward"
import { type Impairments, noImpairments, parseImpair } from "./impair"
import { planNetwork } from "./network-plan"

type RuntimeName = "vm" | "node"

export interface Options {
    /** What runs Host X. */
    runtime: RuntimeName
    /** The devices beside it on its network. */
    others: { runtime: RuntimeName; ip: string }[]
    mac: "w5500"
    /** A program in the place of the console's, a path in this project; undefined for that. */
    program: string | undefined
    /** Features that the devices' programs leave out (src/features.ts). */
    without: readonly string[]
    /** Undefined: randomness is real. */
    seed: number | undefined
    time: "real" | "virtual"
    /** `builtin`, `user`, `passt`, a stream as parseStreamAddress takes it, or a TAP device as parseTapAddress does. */
    link: string
    /** Ports of the host that lead to a device; where there is a router to do that. */
    forwards: Forward[]
    /** Host X's. */
    ip: string
    prefix: number
    /** The host that the example talks to; on the built-in link. */
    server: string | undefined
    /** The user-mode network's, which carries to the sockets of this computer. */
    router: string | undefined
    /** Where devices send what is for elsewhere. */
    gateway: string | undefined
    macAddress: string | undefined
    /** Fields of the stack's Config that were set. */
    config: { [key: string]: number }
    /** What the process is to do; with `example` and `commands` one after the other. */
    mode: "console" | "serve" | "batch" | "control" | "program"
    /** The example is run first. */
    example: boolean
    /** It ends after the example for want of a terminal, not because it was told to. */
    cutShort: boolean
    /** The commands of --exec. */
    commands: string[]
    json: boolean
    pcap: string | undefined
    /** What goes wrong with Host X's chip. */
    faults: readonly FaultStep[]
    impairments: Impairments
}

/** What is known of the place where the program runs. */
export interface Surroundings {
    /** Someone sits there and can read and type. */
    terminal: boolean
}

/** Milliseconds a frame is on its way on the built-in network, so that a reader can tell sending from arriving. */
const DELAY = 5

/** What is forwarded unless the user says so: the device's page, by another port if that one is taken. */
const PAGE: ForwardWish = { ...parseForward("8080:80"), orAny: true }
/** Devices on one network; each takes its share of a processor. */
const MOST_DEVICES = 8

/** Reads what follows `npm start --`. Throws an OptionError of one line, or an Answer that goes to standard output. */
export function parseOptions(words: readonly string[], { terminal }: Surroundings): Options {
    const given = read(words)
    const outside = given.link !== "builtin"
    const batch = given.once === true || given.exec !== undefined
    const waited = !batch && !given.control && (terminal || outside || given.program !== undefined)
    const { ip, prefix } = given.ip ?? { ip: "10.0.0.2", prefix: 24 }
    const time = given.time ?? (outside || waited || given.control ? "real" : "virtual")
    refuseCombinations(given, outside, time)
    const [runtime = "vm", ...others] = given.runtime ?? []
    const stays = (waited || given.control === true) && time === "real"
    const { gateway, link } = given
    const plan = planNetwork({ ip, prefix, gateway, link, others, stays })
    const mode = modeOf(given, waited, terminal)
    const own = mode === "control" || mode === "program"
    const example = !outside && !own && (given.once === true || given.exec === undefined)
    if (given.config.events === 0 && (example || given.json)) {
        throw new OptionError("--config events=0 leaves nothing to show; take at least 1")
    }
    return {
        runtime,
        mac: given.mac,
        program: given.program,
        without: given.without ?? without(),
        seed: given.seed ?? (outside ? undefined : 1),
        time,
        link,
        forwards: forwardsOf(given, plan.router !== undefined, mode, [
            ip,
            ...plan.others.map(({ ip }) => ip),
        ]),
        ip,
        prefix,
        ...plan,
        macAddress: given.macAddress,
        config: given.config,
        mode,
        example,
        cutShort: mode === "batch" && !batch,
        commands: given.exec ?? [],
        json: given.json === true,
        pcap: given.pcap,
        faults: given.fault ?? [],
        impairments: { ...noImpairments, delay: outside ? 0 : DELAY, ...given.impair },
    }
}

function modeOf(given: Given, waited: boolean, terminal: boolean): Options["mode"] {
    if (given.control) return "control"
    if (given.program !== undefined) return "program"
    if (!waited) return "batch"
    return terminal ? "console" : "serve"
}

/** The ports of this computer that lead to devices. Programs that are not ours get those that are asked for. */
function forwardsOf(
    { link, forward }: Given,
    routed: boolean,
    mode: Options["mode"],
    devices: string[]
): Forward[] {
    const possible = routed || link === "passt"
    if (!possible && forward !== undefined) {
        throw new OptionError(
            "--forward needs --link user or passt, or a built-in link that stays up in real time"
        )
    }
    const [ip = ""] = devices
    const wished =
        forward ??
        (possible && mode !== "program" && (mode !== "control" || link !== "builtin") ? [PAGE] : [])
    return wished.map(wish => {
        const deviceIp = wish.deviceIp ?? ip
        if (!devices.includes(deviceIp)) {
            throw new OptionError(
                `--forward: ${deviceIp} is no device's address; there is ${devices.join(", ")}`
            )
        }
        if (link === "passt" && deviceIp !== ip) {
            throw new OptionError(`--forward: passt forwards to ${ip} only; --link user does to others too`)
        }
        return { ...wish, deviceIp }
    })
}

interface Given {
    runtime?: RuntimeName[]
    mac: "w5500"
    program?: string
    without?: readonly string[]
    seed?: number
    time?: "real" | "virtual"
    link: string
    forward?: ForwardWish[]
    ip?: { ip: string; prefix: number }
    gateway?: string
    macAddress?: string
    config: { [key: string]: number }
    once?: true
    exec?: string[]
    json?: true
    pcap?: string
    fault?: FaultStep[]
    impair?: Partial<Impairments>
    control?: true
}

function refuseCombinations(given: Given, outside: boolean, time: Options["time"]): void {
    const refuse = (what: string, why: string) => {
        throw new OptionError(`${what} cannot be combined: ${why}`)
    }
    if (given.control) {
        const why = "standard input and output are the controlling program's"
        if (given.once) refuse("--control and --once", why)
        if (given.exec !== undefined) refuse("--control and --exec", why)
        if (given.json) refuse("--control and --json", why)
    }
    if (given.program !== undefined) {
        const why = "the program has no example, console or control protocol"
        if (given.once) refuse("--program and --once", why)
        if (given.exec !== undefined) refuse("--program and --exec", why)
        if (given.json) refuse("--program and --json", why)
        if (given.control) refuse("--program and --control", why)
        if (time === "virtual") refuse("--program and --time virtual", "nobody says when the time is over")
    }
    if (outside && given.once) {
        refuse(`--link ${given.link} and --once`, "the example needs the peer of the built-in link")
    }
    if (time === "virtual" && outside) {
        refuse(`--link ${given.link} and --time virtual`, "the other end lives in real time")
    }
    if (time === "virtual" && given.control) {
        refuse("--control and --time virtual", "the controlling program lives in real time")
    }
}

/** The options as they were given, each checked by itself. */
function read(words: readonly string[]): Given {
    return commandLine().parse<Given>(words).given
}

function commandLine(): CommandLine {
    const command = new CommandLine(
        "npm start -- [options]: a TCP/IP stack in DeviceScript on a simulated board"
    )
    const add: CommandLine["add"] = (...option) => command.add(...option)
    add("--runtime <vm|node,...>", "what runs the device (vm), or each of several", runtimes)
    add("--program <FILE>", "it runs this, such as src/examples/hello.ts", program)
    add("--without <NAME,...>", "it leaves these features out (src/features.ts)", without)
    // without a word in the help, as there is no other yet
    add("--mac <w5500>", "", one("w5500"), "w5500")
    add("--seed <N>", "where all randomness comes from, to repeat a run", seed)
    add("--time <real|virtual>", "virtual: as fast as it goes (--once, --exec)", one("real", "virtual"))
    add("--link <L>", "builtin, user, passt, tap:..., stream:... (README)", link, "builtin")
    const forwards: ForwardWish[] = []
    add("--forward <[A:]P:[D:]Q>", "port P here (8080) is the device's port Q (80)", text => {
        forwards.push(parseForward(text))
        return forwards
    })
    add("--ip <A.B.C.D/N>", "the device's address (10.0.0.2/24)", parseInterface)
    add("--gateway <A.B.C.D>", "its router (builtin: the server)", parseUnicast)
    add("--mac-address <XX:...>", "its Ethernet address", parseMac)
    add("--config <KEY=VALUE,...>", "the stack's, as connections=4,timeWait=9000", config, {})
    add("--once", "run the example only; so without a terminal")
    add("--exec <'C; C'>", "run these console commands only; try help", splitCommands)
    add("--json", "each event as a JSON line on standard output")
    add("--pcap <FILE>", "capture what it sends and receives (pcapng)")
    add("--impair <KEY=VALUE,...>", "loss dup reorder corrupt, delay jitter (ms), rate", impairments)
    add("--fault <KEY=VALUE,...>", "of its chip, as miso-errors=1e-5,brown-out=9@3000", parseFaults)
    add("--control", "another program drives the device by lines")
    return command
}

function one(...known: string[]): (text: string) => string {
    return text => {
        if (known.includes(text)) return text
        throw new OptionError(`${printable(text)}: there is ${known.join(" and ")}`)
    }
}

function runtimes(text: string): RuntimeName[] {
    const named = text.split(",").map(one("vm", "node")) as RuntimeName[]
    if (named.length <= MOST_DEVICES) return named
    throw new OptionError(`${named.length} devices are too many: ${MOST_DEVICES} go on one network here`)
}

function seed(text: string): number {
    return decimalNumber(text, 0, 0xffff_ffff)
}

function link(text: string): string {
    if (text.startsWith("stream:")) parseStreamAddress(text)
    else if (text.startsWith("tap:")) parseTapAddress(text)
    else if (!["builtin", "user", "passt"].includes(text)) {
        const known = "builtin, user, passt, stream:HOST:PORT and stream:unix:PATH, and on Linux tap:NAME"
        throw new OptionError(`${printable(text)}: there is ${known}`)
    }
    return text
}

/** A delay that is not given is left to the link. */
function impairments(text: string): Partial<Impairments> {
    const { delay, ...others } = parseImpair(text)
    return /(^|,)delay=/.test(text) ? { delay, ...others } : others
}

function config(text: string): { [key: string]: number } {
    // no key is there before it was given, not even __proto__
    const values: { [key: string]: number } = Object.create(null)
    for (const part of text.split(",")) {
        const [key, value] = split(part)
        if (key in values) throw new OptionError(`${key} is given twice`)
        values[key] = value
    }
    try {
        configure(new Config(), values)
    } catch (error) {
        throw new OptionError((error as Error).message)
    }
    return values
}

function split(part: string): [string, number] {
    const at = part.indexOf("=")
    const key = printable(at < 0 ? part : part.slice(0, at))
    const text = part.slice(at + 1)
    // a key that does not exist says so before its value does
    if (!Object.hasOwn(new Config(), key)) return [key, 0]
    if (at < 0) throw new OptionError(`${key} has no value; it is ${key}=NUMBER`)
    if (!/^-?\d{1,10}$/.test(text)) throw new OptionError(`${key}=${printable(text)} is not a whole number`)
    return [key, Number(text)]
}
