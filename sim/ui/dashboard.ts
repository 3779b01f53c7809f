// The run that the dashboard (`--ui`) shows: one world at a time, which the page drives. A staged failure needs a network of its own, so
// each one begins a new world, as the end of a failure does.

import { BuildError } from "../build/error"
import { type ConsoleCommand, complete } from "../console/table"
import { diagnosisLines } from "../diagnosis/diagnosis"
import { type Closed, LinkError } from "../link/stream"
import { OptionError } from "../options/error"
import type { Options } from "../options/options"
import { serving } from "../run/banner"
import { deviceName, hostName } from "../run/boot"
import { Ended } from "../run/ended"
import { Example, ExampleFailed } from "../run/example"
import { Watch } from "../run/example-checks"
import { darkStage } from "../run/example-output"
import { type Observer, ofHostX } from "../run/observer"
import { NothingFailed, playStage } from "../run/staged"
import { World } from "../run/world"
import type { Stage } from "../stage/stages"
import { seconds } from "../view/ladder-style"
import { Feed } from "./feed"
import type { CompletionView, LineView, StatusView } from "./messages"
import { runView } from "./run-view"
import type { Order } from "./server"
import { Traffic } from "./traffic"

/** The interval at which changes go to the pages, ms. */
const REFRESH = 100
/** Virtual time that passes after each command, ms, as at the terminal's prompt. */
const AFTER_COMMAND = 1000
/** The commands that may wait. */
const MOST_WAITING = 20

/** The command about the terminal's picture, which the dashboard has not. */
const PICTURE = /^\s*picture(\s|$)/
const NO_PICTURE = "picture: the ladder is always drawn here; choose a connection to see its segments alone"

/** The virtual time that a user's program has to run into a failure, ms: opens and retransmissions end after some minutes. */
const OWN_PATIENCE = 300_000

/** Returns the options of a run that shows this failure, or none; with `own` by this package's program. Throws an OptionError. */
export type Settings = (stage: string | undefined, own?: boolean) => Options

export class Dashboard {
    readonly feed = new Feed()
    private world: World | undefined
    private traffic: Traffic[] = []
    private lines = 0
    private failures = 0
    private waiting = 0
    private conditions = ""
    /** The commands of the console. */
    private known: readonly ConsoleCommand[] = []
    private status = ""
    private queue: Promise<void> = Promise.resolve()
    /** The number of the run that is to be, and that of the world: an older one ends. */
    private run = 0
    private shown = 0
    private turn: Promise<void> = Promise.resolve()
    private readonly refresh: NodeJS.Timeout
    private isClosed = false

    constructor(private readonly settings: Settings) {
        this.refresh = setInterval(() => this.flush(), REFRESH)
    }

    /** Begins the first run. Throws what prevents it, such as a BuildError or a LinkError. */
    async start(): Promise<void> {
        const run = ++this.run
        const begun = this.begin(this.settings(undefined), run)
        this.turn = begun.catch(() => {})
        try {
            await begun
        } catch (error) {
            // what an order of a page ended is no failure
            if (run === this.run) throw error
        }
    }

    /** Returns the time of the run, in seconds. */
    now(): string {
        return seconds(this.world?.now() ?? 0).trim()
    }

    /** Begins to carry out an order of a page; returns why it is not valid, or undefined. */
    order(order: Order): string | undefined {
        if ("stage" in order) return this.stage(order.stage)
        const command = order.command.trim()
        if (command === "" || command.length > 1000 || /[\n\r]/.test(command))
            return "A command is one line of 1 to 1,000 characters."
        if (this.world === undefined || this.shown !== this.run) return "The network is not ready yet."
        if (this.status.startsWith("over")) return "The run is over: start again."
        if (this.waiting >= MOST_WAITING) return `${MOST_WAITING} commands are waiting already.`
        this.carryOut(command)
        return undefined
    }

    /** Returns how the last word of a command for a device can go on. */
    async complete(line: string, device: number): Promise<CompletionView> {
        const { world, traffic } = this
        const values = async (argument: string) =>
            argument === "ID" ? (traffic[device]?.ids() ?? []) : ((await world?.values(argument)) ?? [])
        const [words, last] = await complete(line, this.known, values)
        return { words, last }
    }

    graphs(device: number, connection: number): string | undefined {
        return this.traffic[device]?.graphs(connection)
    }

    report(device: number, connection: number): string | undefined {
        return this.traffic[device]?.report(connection)
    }

    /** Waits until what was ordered has been carried out, on virtual time, and sends what has changed. */
    async idle(): Promise<void> {
        await this.turn
        await this.queue
        this.flush()
    }

    /** Ends the run. */
    async close(): Promise<void> {
        this.isClosed = true
        this.run++
        clearInterval(this.refresh)
        this.world?.finish(new Ended(0))
        await this.turn
        await this.world?.close()
    }

    /** Begins a run that shows a failure; "" begins one without. */
    private stage(name: string): string | undefined {
        let options: Options
        try {
            options = this.settings(name)
        } catch (error) {
            if (error instanceof OptionError) return error.message
            throw error
        }
        this.again(options)
        return undefined
    }

    /** Begins another run. */
    private again(options: Options): void {
        const run = ++this.run
        this.world?.finish(new Ended(0))
        this.say(
            "starting",
            "The network before ends, and with it a build that goes on; then the new one begins."
        )
        this.turn = this.turn.then(async () => {
            // of several orders in a row the last one counts
            if (run !== this.run) return
            try {
                await this.begin(options, run)
            } catch (error) {
                this.over(error, run)
            }
        })
    }

    /** Ends the world that is there, and begins another. */
    private async begin(options: Options, run: number): Promise<void> {
        await this.world?.close()
        this.world = undefined
        if (run !== this.run || this.isClosed) return
        this.feed.restart()
        this.failures = 0
        this.conditions = ""
        this.status = ""
        this.known = []
        this.feed.put(runView(options))
        const { stage } = options
        this.say("starting", "The devices are being switched on; a program that has changed is built first.")
        const watch = new Watch(options.ip)
        const world = await World.make(options, [this.observer(options), ofHostX(watch.observer)])
        this.traffic = [options, ...options.others].map(
            ({ ip }, n) =>
                new Traffic(
                    n,
                    hostName(n),
                    ip,
                    message => this.feed.put(message),
                    () => world.explainers[n]?.evidence
                )
        )
        this.world = world
        this.shown = run
        this.waiting = 0
        this.queue = Promise.resolve()
        world.ofRun = line => (PICTURE.test(line) ? { lines: [NO_PICTURE], status: 1 } : undefined)
        void world.linkClosed.then(end => world.finish(linkEnd(end)))
        if (run !== this.run) return
        const started = world.start()
        // a command on virtual time waits until the devices have started and the example has been played
        this.queue = started.then(() => this.play(world, watch, stage)).catch(error => this.over(error, run))
        await started
        // what ends the world later is shown, and another can be begun
        void world.untilEnded().catch(error => this.over(error, run))
    }

    /** Plays the example or the stage of a run. */
    private async play(world: World, watch: Watch, stage: Stage | undefined): Promise<void> {
        const note = (text: string) => {
            this.line(text, "note")
            this.traffic[0]?.note(text, world.now())
        }
        let id: number | undefined
        if (stage !== undefined) {
            this.say("working", `The failure ${stage.name} is being played.`)
            try {
                await playStage(world, stage, line => note(`> ${line}`), OWN_PATIENCE)
            } catch (error) {
                if (!(error instanceof NothingFailed) || this.shown !== this.run) throw error
                const own = this.settings(stage.name, true)
                const { program } = world.options
                if (program === undefined || program === own.program) throw error
                this.line(`${program} does not run into ${stage.name}: ${own.program} does.`, "note")
                this.again(own)
                return
            }
        } else if (world.options.example) {
            this.say("working", "The example is being played.")
            try {
                id = await new Example(world, watch, { ...darkStage, note }, true).run()
            } catch (error) {
                if (!(error instanceof ExampleFailed)) throw error
                this.line(`The example failed: ${error.message}`, "error")
            }
        }
        watch.end()
        this.known = (await world.commands()).filter(({ name }) => !PICTURE.test(name))
        this.feed.put({ kind: "commands", commands: this.known })
        for (const line of serving(world.options, world.router?.forwards, id))
            if (line !== "") this.line(line, "note")
        this.say("ready", "")
    }

    private carryOut(command: string): void {
        const { world, shown } = this
        if (world === undefined) return
        this.waiting++
        const run = async () => {
            try {
                const reply = await world.command(command)
                if (world !== this.world) return
                this.line(`> ${command}`, "command")
                for (const text of reply.lines) this.line(text, reply.status === 0 ? "output" : "error")
                world.explainReply(command, reply)
                if (world.clock.virtual) await world.pass(AFTER_COMMAND)
            } finally {
                if (world === this.world) this.waiting--
                this.flush()
            }
        }
        // only one command at a time may drive a virtual clock; a real one drives itself, and a device has its own queue
        const done = world.clock.virtual ? this.queue.then(run) : run()
        this.queue = world.clock.virtual ? done.catch(() => {}) : this.queue
        done.catch(error => this.over(error, shown))
    }

    /** Shows what ended the world of a run, or prevented it; nothing of a run that an order has ended. */
    private over(error: unknown, run: number): void {
        if (this.isClosed || run !== this.run || this.status.startsWith("over")) return
        const isKnown = [Ended, BuildError, LinkError, OptionError].some(kind => error instanceof kind)
        const { message, stack } = error as Error
        const text = isKnown ? message : (stack ?? message)
        for (const line of text.split("\n").slice(0, 40)) this.line(line, "error")
        this.say("over", text.split("\n", 1)[0]!)
        // nothing waits for it any more
        this.world?.finish(new Ended(0))
    }

    private say(state: StatusView["state"], text: string): void {
        const status = `${state} ${text}`
        if (status === this.status) return
        this.status = status
        this.feed.put({ kind: "status", state, text })
    }

    private line(text: string, tone: LineView["tone"]): void {
        this.feed.put({ kind: "line", number: ++this.lines, text: text.slice(0, 4000), tone })
    }

    /** Sends what has changed. */
    private flush(): void {
        const { world } = this
        if (world === undefined) return
        for (const one of this.traffic) one.flush(world.now())
        const { state } = world.conditions
        const text = JSON.stringify(state)
        if (text === this.conditions) return
        this.conditions = text
        this.feed.put({ kind: "conditions", state })
    }

    private observer({ ip, others, server }: Options): Observer {
        const all = [ip, ...others.map(other => other.ip)]
        return {
            event: (event, time, device) => {
                this.traffic[device]?.event(event, time)
                const own = all[device] ?? ""
                for (const one of this.traffic) one.peerEvent(event, own, time)
            },
            serverEvent: (event, time) => {
                for (const one of this.traffic) one.peerEvent(event, server ?? "", time)
            },
            sent: (frame, from, time, deliveries) => {
                for (const one of this.traffic) one.sent(frame, from, time, deliveries)
            },
            port: (frame, _direction, time, device) => this.traffic[device]?.port(frame, time),
            note: (text, time, device) => this.traffic[device]?.note(text, time),
            explained: (explained, device) => {
                this.traffic[device]?.explained(explained, ++this.failures)
                const named = device === 0 ? "" : `${hostName(device)}: `
                const [sentence = "", ...rest] = diagnosisLines(explained)
                this.line(`${named}${sentence}`, "error")
                for (const text of rest) this.line(text, "note")
            },
            log: (level, text, device) => {
                const named = device === 0 ? text : `${deviceName(device)}: ${text}`
                this.line(named, level === "error" ? "error" : "log")
            },
        }
    }
}

function linkEnd({ how, reason }: Closed): Ended {
    return new Ended(how === "error" || how === "protocol" ? 1 : 0, `The link ended: ${reason}.`)
}
