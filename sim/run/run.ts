// One run, from the options to the exit code.

import { BuildError } from "../build/error"
import { Capture, CaptureError } from "../capture/pcapng"
import { diagnosisLines } from "../diagnosis/diagnosis"
import { type Closed, LinkError } from "../link/stream"
import type { Options } from "../options/options"
import { cabled, leaving, opening, serving } from "./banner"
import { deviceName, hostName } from "./boot"
import { PortCapture } from "./capture"
import { control } from "./control"
import { Ended } from "./ended"
import { Example, ExampleFailed } from "./example"
import { Watch } from "./example-checks"
import { darkStage, ladderStage, quietStage, type Stage } from "./example-output"
import { Connections, showHandshakes } from "./handshakes"
import type { Interruption } from "./interruption"
import { jsonEvents } from "./json"
import { type Observer, ofHostX } from "./observer"
import { looksOf, Output } from "./output"
import { Picture } from "./picture"
import { Prompt, runCommands, serve, showJson, showText } from "./session"
import { playStage } from "./staged"
import { World } from "./world"

/** The result of a run in which something failed. */
const FAILED = "result: failed"

/** Does what the options ask for and returns the exit code. Reports errors on standard error. */
export async function run(options: Options, interruption: Interruption): Promise<number> {
    let capture: Capture | undefined
    let code = 0
    try {
        // virtual time begins at the same moment in every run, so that a run repeats its capture byte for byte
        const epoch = options.time === "virtual" ? { epochMs: Date.UTC(2000, 0, 1) } : {}
        if (options.pcap !== undefined) capture = Capture.open(options.pcap, epoch)
        await carryOut(options, capture, interruption)
    } catch (error) {
        code = exitCode(error, options, interruption)
    }
    capture?.close()
    // the capture has already reported its error
    return code === 0 && capture?.failed ? 1 : code
}

/** Reports on standard error what ended a run, and returns the exit code. */
function exitCode(error: unknown, options: Options, interruption: Interruption): number {
    return !(error instanceof Ended) && interruption.happened ? interrupted(options).code : reportEnd(error)
}

/** Reports on standard error what ended a run that nobody has interrupted, and returns the exit code. */
export function reportEnd(error: unknown): number {
    const report = (text: string) => void process.stderr.write(`${text}\n`)
    if (error instanceof Ended) {
        if (error.message !== "") report(error.message)
        return error.code
    }
    if (error instanceof ExampleFailed) report(`the example failed: ${error.message}`)
    else if (isExpected(error)) report(error.message)
    else report((error as Error).stack ?? String(error))
    return 1
}

function isExpected(error: unknown): error is Error {
    return error instanceof BuildError || error instanceof LinkError || error instanceof CaptureError
}

/** Returns how a signal ends a run: a batch has to run to its end, so it has failed; all other runs may end at any time. */
function interrupted({ mode }: Options): Ended {
    return mode === "batch" || mode === "handshakes" ? new Ended(1, "interrupted") : new Ended(0)
}

/** Runs the world. Returns at the end of a batch; all other runs end with an Ended that it throws, or with an error. */
async function carryOut(
    options: Options,
    capture: Capture | undefined,
    interruption: Interruption
): Promise<void> {
    const { mode, json, example, stage, quiet, color } = options
    // with --json and --control standard output is for a program
    const stream = json || mode === "control" ? process.stderr : process.stdout
    const output = new Output(stream, looksOf(stream, process.env, color))
    const write = (line: string) => void process.stdout.write(line)
    const watch = new Watch(options.ip)
    const isDrawn =
        (example || options.program !== undefined || stage !== undefined) && options.server !== undefined
    const picture =
        json || mode === "control" ? undefined : makePicture(options, output, isDrawn && !options.quiet)
    const ofProgram = mode === "program" || mode === "handshakes"
    const talks =
        !json && (mode === "console" || mode === "serve" || ofProgram || example || stage !== undefined)
    const says = talks && !quiet
    // what this package's own program prints is its banner
    const log = { heard: (talks && (!quiet || options.program !== undefined)) || mode === "control" }
    const connections = new Connections()
    const world = await World.make(options, [
        ...(json ? [jsonEvents(addresses(options), write)] : []),
        ...(example ? [ofHostX(watch.observer)] : []),
        ...(mode === "handshakes" ? [ofHostX(connections.observer)] : []),
        ...(picture === undefined ? [] : [ofHostX(picture.observer)]),
        ...(capture === undefined ? [] : portsOf(options, capture)),
        {
            log: (level, text, device) => {
                const named = device === 0 ? text : `${deviceName(device)}: ${text}`
                if (!log.heard && level !== "error") return
                // the arrow that brought it stands before what the program prints
                picture?.restArrived()
                output.paragraph(named, "dim")
            },
        },
        explanations(
            options,
            picture,
            talks ? output : new Output(process.stderr, looksOf(process.stderr, process.env, color))
        ),
    ])
    let prompt: Prompt | undefined
    let id: number | undefined
    let isPlayed = false
    try {
        interruption.whenever(() => world.finish(interrupted(options)))
        if (says) for (const line of opening(options)) output.line(line)
        await world.start()
        if (mode === "console" && !json) {
            prompt = new Prompt(world, output, { input: process.stdin, output: process.stdout })
        }
        void world.linkClosed.then(end => {
            // with --control an unplugged link does not end the run: the controlling program sees its connections fail
            if (mode !== "control" || end.how === "protocol") world.finish(linkEnd(options, end))
        })
        if (mode === "control") return await control(world, process.stdin, write)
        // from now on the device's log is shown; what the device prints at its start does not answer a command
        log.heard ||= !quiet
        if (says) output.line()
        if (picture !== undefined) world.ofRun = line => picture.command(line)
        if (example) {
            const stage = stageOf(output, picture, quiet)
            const isPrompted = prompt !== undefined
            id = await playExample(new Example(world, watch, stage, isPrompted), mode === "batch", output)
            watch.end()
            // a run with a prompt continues to draw
            if (mode === "batch") picture?.show(false)
        }
        if (stage !== undefined) {
            isPlayed = true
            await playStage(world, stage, line => picture?.note(`> ${line}`))
            picture?.rest()
            if (mode === "batch" || mode === "handshakes") {
                if (options.commands.length === 0) return
            }
        }
        if (mode === "handshakes" && world.server !== undefined) {
            const summary = await showHandshakes(world, world.server, connections)
            picture?.rest()
            output.line(quiet ? summary : `\n${summary}`)
            return
        }
        const show = json ? showJson(world, write) : showText(output, quiet, () => picture?.rest())
        await runCommands(world, options, show)
        if (options.cutShort && says) for (const line of leaving()) output.line(line)
        if (mode === "batch") return
        if (says) {
            if (world.jacdacPort !== undefined) output.line(cabled(world.jacdacPort))
            for (const line of serving(options, world.router?.forwards, id)) output.line(line)
        }
        if (mode === "program") await world.untilEnded()
        if (prompt === undefined) await serve(world, show, process.stdin, mode === "console")
        else await prompt.run()
    } finally {
        picture?.rest()
        const isBatch = mode === "batch" || mode === "handshakes"
        const result = world.explainers[0]?.result() ?? ""
        if (isPlayed && isBatch && !json) output.paragraph(result, "bold")
        // standard output has what the commands print
        else if (options.commands.length > 0 && isBatch && !json && result.startsWith(FAILED))
            process.stderr.write(`${result}\n`)
        prompt?.close()
        await world.close()
    }
}

/** Returns an observer that writes why something failed, where neither JSON nor another program reads it. */
function explanations({ json, mode }: Options, picture: Picture | undefined, output: Output): Observer {
    if (json || mode === "control") return {}
    return {
        explained: (explained, device) => {
            const [sentence = "", ...rest] = diagnosisLines(explained)
            const named = device === 0 ? sentence : `${hostName(device)}: ${sentence}`
            const write = () => {
                output.paragraph(named, "bold")
                for (const line of rest) output.paragraph(line, "dim")
            }
            if (picture === undefined) write()
            else picture.afterwards(write)
        },
    }
}

/** Returns the devices' addresses, that of Host X first. */
function addresses({ ip, others }: Options): string[] {
    return [ip, ...others.map(other => other.ip)]
}

/** Returns an observer for each device's port. */
function portsOf(options: Options, capture: Capture): Observer[] {
    return addresses(options).map((_, n) => {
        const { chip } = options.board
        const name = n === 0 ? chip : `${chip}-${n + 1}`
        return new PortCapture(capture, name, n).observer
    })
}

/** Returns where the example is shown. */
function stageOf(output: Output, picture: Picture | undefined, quiet: boolean): Stage {
    if (picture === undefined) return darkStage
    return quiet ? quietStage(output) : ladderStage(output, picture)
}

/** Returns the picture of Host X and the network's server, or of what the link leads to. */
function makePicture({ ip, server, router, time }: Options, output: Output, on: boolean): Picture {
    const right =
        server === undefined
            ? { name: router === undefined ? "network" : "router", ip: router ?? "" }
            : { name: "server", ip: server }
    const hosts = { left: { name: hostName(0), ip }, right }
    const later = (ms: number, run: () => void) => void setTimeout(run, ms).unref()
    return new Picture(output, hosts, on, time === "real" ? later : undefined)
}

/** Runs the example, and returns the id of the connection that it leaves open; unless `strict` is set, a failure is shown and the run continues. */
async function playExample(example: Example, strict: boolean, output: Output): Promise<number | undefined> {
    try {
        return await example.run()
    } catch (error) {
        if (strict || !(error instanceof ExampleFailed)) throw error
        output.line(`The example failed: ${error.message}`, "red")
        return undefined
    }
}

function linkEnd({ mode }: Options, { how, reason }: Closed): Ended {
    if (how === "error" || how === "protocol" || mode === "batch")
        return new Ended(1, `the link ended: ${reason}`)
    return new Ended(0, mode === "console" ? `The link ended: ${reason}.` : "")
}
