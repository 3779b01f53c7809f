// The options of `npm start`, read and checked before anything starts.

import { Config, configure } from "../../src/tcp/config"
import { boardNamed, chosenBoard, type GivenBoard, parsePins } from "../board/board-options"
import type { Board } from "../board/boards"
import { boardGiven } from "../build/board-of"
import { ofPackage } from "../build/places"
import { chipOf } from "../chip/chips"
import { type FaultStep, parseFaults } from "../chip/fault-options"
import { parseStreamAddress } from "../link/stream-address"
import { parseTapAddress } from "../link/tap-address"
import type { Forward } from "../router/incoming"
import { type Stage, stageOf, stages } from "../stage/stages"
import { decimalNumber, parseInterface, parseMac, parseUnicast } from "./address"
import { Answer, type CommandLine, ownProgram, program, WORDS, without } from "./command-line"
import { splitCommands } from "./commands"
import { OptionError } from "./error"
import { type ForwardWish, parseForward } from "./forward"
import { type Impairments, noImpairments, parseImpair } from "./impair"
import { planNetwork } from "./network-plan"
import { simulatorOptions } from "./simulator-options"

type RuntimeName = "vm" | "node"

export interface Options {
    /** The runtime of Host X. */
    runtime: RuntimeName
    /** The other devices on the network of Host X. */
    others: { runtime: RuntimeName; ip: string }[]
    /** The board that all devices simulate. */
    board: Board
    /** Path of the program in this project; undefined for the program with the console. */
    program: string | undefined
    /** Features that the devices' programs leave out (src/features.ts). */
    without: readonly string[]
    /** Seed of all random numbers; undefined: every run has different numbers. */
    seed: number | undefined
    time: "real" | "virtual"
    /** `builtin`, `user`, `passt`, a stream (see parseStreamAddress) or a TAP device (see parseTapAddress). */
    link: string
    /** Ports of this computer that the router or passt forwards to a device. */
    forwards: Forward[]
    /** The address of Host X. */
    ip: string
    prefix: number
    /** The address of the host to which the example connects; undefined on all but the built-in link. */
    server: string | undefined
    /** The address of the router that leads to this computer's sockets; undefined if the network has none. */
    router: string | undefined
    /** The address to which devices send packets for other networks. */
    gateway: string | undefined
    macAddress: string | undefined
    /** The fields of the stack's Config that --config sets. */
    config: { [key: string]: number }
    /** What the process does after the example and the commands; "handshakes" runs a program until its connections are over. */
    mode: "console" | "serve" | "batch" | "control" | "program" | "handshakes" | "ui"
    /** True when the run begins with the example. */
    example: boolean
    /** True when the run ends after the example because it has no terminal, not because an option says so. */
    cutShort: boolean
    /** The commands of --exec. */
    commands: string[]
    /** True when commands go on after one that fails; the exit code is 1 all the same. */
    keepGoing: boolean
    json: boolean
    /** True when only results and errors are shown: no banner, no picture, no progress. */
    quiet: boolean
    /** False when nothing is shown in colours; undefined when the output and its environment decide. */
    color: boolean | undefined
    pcap: string | undefined
    /** Faults of the chip of Host X. */
    faults: readonly FaultStep[]
    impairments: Impairments
    /** The port of this computer that leads to the devices' Jacdac bus; undefined without one. */
    jacdac: number | undefined
    /** The failure that the run shows; undefined for a run without one. */
    stage: Stage | undefined
    /** The port of the dashboard, 0 for any that is free; undefined for a run without one. */
    ui: number | undefined
}

/** The environment in which the process runs. */
interface Surroundings {
    /** True when standard input and output are a terminal. */
    terminal: boolean
    /** The name of a failure to show instead of that of --stage; "" for none. */
    stage?: string | undefined
    /** True to show it by this package's own program instead of the user's. */
    own?: boolean | undefined
}

/** Delay of a frame on the built-in link, ms: enough for a reader to see sending and arrival apart. */
const DELAY = 5

/** The default of --forward: the device's page on port 8080, or on a free port if 8080 is taken. */
const PAGE: ForwardWish = { ...parseForward("8080:80"), orAny: true }
/** This package's own program, which takes the commands of the stages. */
export const CONSOLE = ofPackage("src/main.ts")
/** The program of the stages that are about DHCP and names. */
const STAGED = "src/lookup.ts"
/** The limit of --runtime: all devices share one processor. */
const MOST_DEVICES = 8

/** Reads the options after `npm start --`. Throws an OptionError of one line, or an Answer for standard output. */
export function parseOptions(words: readonly string[], surroundings: Surroundings): Options {
    const { terminal } = surroundings
    const given = read(words)
    if (surroundings.stage === "") delete given.stage
    else if (surroundings.stage !== undefined) given.stage = stageOf(surroundings.stage)
    const outside = given.link !== "builtin"
    const { stage } = given
    if (surroundings.own && stage !== undefined) given.program = stage.names ? ofPackage(STAGED) : CONSOLE
    const batch = given.once === true || given.exec !== undefined
    const served = outside || given.program !== undefined || given.jacdac !== undefined
    const waited = !batch && !given.control && (terminal || served || given.ui !== undefined)
    const { ip, prefix } = given.ip ?? { ip: "10.0.0.2", prefix: 24 }
    const isReal = outside || given.control || given.jacdac !== undefined || (waited && stage === undefined)
    const time = given.time ?? (isReal ? "real" : "virtual")
    refuseCombinations(given, outside, time)
    const [runtime = "vm", ...others] = given.runtime ?? []
    // a program may ask for an address by DHCP
    const mode = modeOf(given, waited, terminal)
    const isStaged = stage !== undefined && (given.program !== undefined || stage.names === true)
    const stays = ((waited || given.control === true) && time === "real") || mode === "handshakes" || isStaged
    const { gateway, link } = given
    const board = chosenBoard(boardGiven(given, given.program))
    const plan = planNetwork({ ip, prefix, gateway, link, others, stays })
    const own = mode === "control" || (mode === "ui" && given.program !== undefined) || runsProgram(mode)
    const example =
        !outside && !own && stage === undefined && (given.once === true || given.exec === undefined)
    if (given.config.events === 0 && (example || given.json)) {
        throw new OptionError(
            "--config events=0 records no events, so there is nothing to show; set at least 1"
        )
    }
    return {
        runtime,
        board,
        program: given.program ?? (stage?.names ? STAGED : undefined),
        without: given.without ?? without(),
        seed: given.seed ?? (outside ? undefined : 1),
        time,
        link,
        forwards: forwardsOf(given, plan.router !== undefined, mode, [
            ip,
            ...plan.others.map(({ ip }) => ip),
        ]),
        ip,
        prefix: given.ip === undefined ? (stage?.settings?.prefix ?? prefix) : prefix,
        ...plan,
        gateway: given.gateway ?? stage?.settings?.gateway ?? plan.gateway,
        macAddress: given.macAddress,
        config: { ...stage?.settings?.config, ...given.config },
        mode,
        example,
        cutShort: mode === "batch" && !batch,
        commands: given.exec ?? [],
        keepGoing: given.keepGoing === true,
        json: given.json === true,
        quiet: given.quiet === true,
        color: given.color ? undefined : false,
        pcap: given.pcap,
        faults: given.fault === undefined ? [] : faults(given.fault, board),
        impairments: { ...noImpairments, delay: outside ? 0 : DELAY, ...given.impair },
        jacdac: given.jacdac,
        stage,
        ui: given.ui === true ? 0 : given.ui,
    }
}

function runsProgram(mode: Options["mode"]): boolean {
    return mode === "program" || mode === "handshakes"
}

function modeOf(given: Given, waited: boolean, terminal: boolean): Options["mode"] {
    if (given.ui !== undefined) return "ui"
    if (given.control) return "control"
    if (given.stage !== undefined && (given.program !== undefined || given.stage.names)) return "handshakes"
    if (given.program !== undefined) return given.once ? "handshakes" : "program"
    if (!waited) return "batch"
    return terminal ? "console" : "serve"
}

/** Returns the ports that are forwarded. The page is forwarded by default, but not to a program given by --program, whose ports are not known. */
function forwardsOf(
    { link, forward, program }: Given,
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
        (possible &&
        !runsProgram(mode) &&
        (mode !== "ui" || program === undefined) &&
        (mode !== "control" || link !== "builtin")
            ? [PAGE]
            : [])
    return wished.map(wish => {
        const deviceIp = wish.deviceIp ?? ip
        if (!devices.includes(deviceIp)) {
            throw new OptionError(
                `--forward: no device has the address ${deviceIp}; the addresses are ${devices.join(", ")}`
            )
        }
        if (link === "passt" && deviceIp !== ip) {
            throw new OptionError(
                `--forward: passt forwards to ${ip} only; --link user forwards to every device`
            )
        }
        return { ...wish, deviceIp }
    })
}

/** Why options do not go together with the dashboard. */
const REASONS = {
    once: "the dashboard runs until you end it",
    exec: "the dashboard has a console for commands",
    json: "the dashboard shows the events",
    pcap: "the dashboard begins new networks, and a capture has one; it saves connections as pages",
}

interface Given extends GivenBoard {
    runtime?: RuntimeName[]
    program?: string
    /** True when --program names the program. */
    named: boolean
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
    keepGoing?: true
    json?: true
    quiet?: true
    /** False with --no-color. */
    color: boolean
    pcap?: string
    fault?: string
    impair?: Partial<Impairments>
    control?: true
    jacdac?: number
    stage?: Stage
    /** True without a port. */
    ui?: number | true
}

function refuseCombinations(given: Given, outside: boolean, time: Options["time"]): void {
    const refuse = (what: string, why: string) => {
        throw new OptionError(`${what} cannot be combined: ${why}`)
    }
    if (given.control) {
        const why = "the controlling program uses standard input and output"
        if (given.once) refuse("--control and --once", why)
        if (given.exec !== undefined) refuse("--control and --exec", why)
        if (given.json) refuse("--control and --json", why)
    }
    if (given.jacdac !== undefined) {
        if (given.control) refuse("--control and --jacdac", "another program gives the commands")
        if (time === "virtual")
            refuse("--jacdac and virtual time", "the console at the other end runs in real time")
        if (given.runtime?.includes("node"))
            refuse("--jacdac and --runtime node", "only the VM has a Jacdac bus")
    }
    if (given.ui !== undefined) {
        if (given.control) refuse("--ui and --control", "the dashboard drives the device, too")
        for (const name of ["once", "exec", "json", "pcap"] as const)
            if (given[name] !== undefined) refuse(`--ui and --${name}`, REASONS[name])
    }
    if (given.keepGoing && given.exec === undefined)
        throw new OptionError("--keep-going needs --exec: it is about its commands")
    if (given.program !== undefined) {
        const why = "the program has no example, console or control protocol"
        for (const name of ["exec", "json", "control"] as const) {
            if (given[name] === undefined) continue
            if (given.named) refuse(`--program and --${name}`, why)
            throw new OptionError(`--${name} cannot be used with ${given.program}: ${why}`)
        }
        if (time === "virtual" && !given.once && given.stage === undefined)
            refuse(
                `${given.named ? "--program" : given.program} and --time virtual`,
                "virtual time would run without end"
            )
    }
    if (given.stage !== undefined) {
        if (outside)
            refuse(`--link ${given.link} and --stage`, "a stage needs the hosts of the built-in link")
        if (given.once) refuse("--once and --stage", "a stage takes the place of the example")
    }
    if (outside && given.once) {
        refuse(`--link ${given.link} and --once`, "the example needs the server of the built-in link")
    }
    if (time === "virtual" && outside) {
        refuse(`--link ${given.link} and --time virtual`, "the other end of the link runs in real time")
    }
    if (time === "virtual" && given.control) {
        refuse("--control and --time virtual", "the controlling program runs in real time")
    }
}

/** Reads the options as given and checks each separately. */
function read(words: readonly string[]): Given {
    const { given, args } = commandLine().parse<Given>(words, WORDS)
    const [named] = args
    if (named !== undefined && given.program !== undefined) {
        throw new OptionError(`${named} and --program ${given.program}: name one program`)
    }
    const own = given.program ?? (named === undefined ? ownProgram() : program(named))
    return { ...given, named: given.program !== undefined, ...(own === undefined ? {} : { program: own }) }
}

/** Returns the command line with the parsers of its options' values. */
function commandLine(): CommandLine {
    const forwards: ForwardWish[] = []
    return simulatorOptions({
        runtime: runtimes,
        program,
        without,
        board: boardNamed,
        pins: parsePins,
        seed,
        time: one("real", "virtual"),
        link,
        forward: text => {
            forwards.push(parseForward(text))
            return forwards
        },
        ip: parseInterface,
        gateway: parseUnicast,
        "mac-address": parseMac,
        config,
        exec: splitCommands,
        impair: impairments,
        stage: stageNamed,
        jacdac: text => decimalNumber(text, 0, 65_535),
        ui: uiPort,
    })
}

/** Reads the port of --ui; 0 stands for any that is free. */
function uiPort(text: string): number {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
    throw new OptionError(`${text} is not a port of this computer, from 1 to 65535 (0: any that is free)`)
}

/** Returns the stage of a name. Throws an Answer with all names, one a line, for `list`, and an OptionError for an unknown name. */
function stageNamed(text: string): Stage {
    if (text === "list") throw new Answer(stages.map(({ name }) => `${name}\n`).join(""))
    return stageOf(text)
}

function faults(text: string, board: Board): FaultStep[] {
    try {
        return parseFaults(text, chipOf(board))
    } catch (error) {
        if (!(error instanceof OptionError)) throw error
        throw new OptionError(`--${error.message}`)
    }
}

/** Returns a parser that accepts one of the known words. */
function one(...known: string[]): (text: string) => string {
    return text => {
        if (known.includes(text)) return text
        throw new OptionError(`${text} is not valid; use ${known.join(" or ")}`)
    }
}

function runtimes(text: string): RuntimeName[] {
    const named = text.split(",").map(one("vm", "node")) as RuntimeName[]
    if (named.length <= MOST_DEVICES) return named
    throw new OptionError(
        `${named.length} devices are too many: the simulator supports up to ${MOST_DEVICES}`
    )
}

function seed(text: string): number {
    return decimalNumber(text, 0, 0xffff_ffff)
}

function link(text: string): string {
    if (text.startsWith("stream:")) parseStreamAddress(text)
    else if (text.startsWith("tap:")) parseTapAddress(text)
    else if (!["builtin", "user", "passt"].includes(text)) {
        const known = "builtin, user, passt, stream:HOST:PORT, stream:unix:PATH or, on Linux, tap:NAME"
        throw new OptionError(`${text} is not valid; use ${known}`)
    }
    return text
}

/** Reads --impair; if it has no `delay`, the link's default delay applies. */
function impairments(text: string): Partial<Impairments> {
    const { delay, ...others } = parseImpair(text)
    return /(^|,)delay=/.test(text) ? { delay, ...others } : others
}

function config(text: string): { [key: string]: number } {
    // without a prototype, `in` finds only keys that were given, not __proto__
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

/** Splits KEY=VALUE; the value of an unknown key is 0. */
function split(part: string): [string, number] {
    const at = part.indexOf("=")
    const key = at < 0 ? part : part.slice(0, at)
    const text = part.slice(at + 1)
    // `configure` reports an unknown key, whatever its value is
    if (!Object.hasOwn(new Config(), key)) return [key, 0]
    if (at < 0) throw new OptionError(`${key} has no value; write ${key}=NUMBER`)
    if (!/^-?\d{1,10}$/.test(text)) throw new OptionError(`${key}=${text} is not a whole number`)
    return [key, Number(text)]
}
