// The example that `npm start` shows: a connection from the three-way handshake to CLOSED, then the device as a server. It checks
// the segments on the wire, and fails when an event that it shows did not happen.

import type { BuiltinHost, HostConnection } from "../host/host"
import type { TcpView } from "../view/dissect"
import { EXAMPLE_ISS } from "./boot"
import type { Side, Watch } from "./example-checks"
import type { Stage } from "./example-output"
import { pageText } from "./html-to-text"
import type { World } from "./world"

const GREETING = "hello"
const ECHO = 7
const HTTP = 80
/** The time limit of each step, ms: on a bad link the stack gives up a SYN only after minutes. */
const PATIENCE = 240_000
/** The longest TIME-WAIT for whose end the example waits in real time, ms. In virtual time it always waits. */
const SHORT = 3000
/** The pause between two steps in real time, for a reader to follow, ms. */
const PAUSE = 300
/** The longest interval at which the device polls for frames, ms: after this time it sees the next frame as it arrives. */
const QUIET = 1000
/** The time after which, on a good link, a sent frame has arrived and is processed, ms. */
const SETTLE = 50
/** What the console's `read` prints when no data has arrived. */
const NOTHING = "nothing to read yet"

/** Thrown when an event that the example shows did not happen; the message says which. */
export class ExampleFailed extends Error {}

export class Example {
    private readonly server: BuiltinHost

    constructor(
        private readonly world: World,
        private readonly watch: Watch,
        private readonly stage: Stage,
        /** True when the last connection of the example stays open, for the user of a console. */
        private readonly leavesOpen = false
    ) {
        if (world.server === undefined) throw new Error("the example needs the server of the built-in link")
        this.server = world.server
    }

    /** Runs the example, and returns the id of the connection that it leaves open. Throws an ExampleFailed at the first step that fails. */
    async run(): Promise<number | undefined> {
        const { id, port } = await this.connects()
        await this.pause()
        await this.sends(id, port)
        await this.pause()
        await this.closes(id, port)
        await this.echoes()
        await this.servesPage()
        this.stage.line("")
        if (!this.leavesOpen) return undefined
        const left = await this.opens("Host X connects once more, for you")
        this.stage.line("")
        return left.id
    }

    /** Connects Host X to the server's echo port. */
    private async opens(what: string): Promise<{ id: number; port: number }> {
        const { watch, stage } = this
        stage.note(what)
        const before = watch.changes.length
        await this.command(`connect ${this.server.ip} ${ECHO}`)
        const opened = watch.changes
            .slice(before)
            .find(({ side, to }) => side === "device" && to === "SYN-SENT")
        if (opened === undefined) throw new ExampleFailed("Host X did not send a SYN")
        const { id, localPort: port } = opened
        await this.reach("the handshake", () => {
            return ["device", "server"].every(side => watch.state(side as Side, port) === "ESTABLISHED")
        })
        return { id, port }
    }

    private async connects(): Promise<{ id: number; port: number }> {
        const { world, stage } = this
        const { id, port } = await this.opens(`Host X connects to port ${ECHO} of the server`)
        const iss = world.options.config.iss ?? EXAMPLE_ISS
        const next = (iss + 1) >>> 0
        const syn = this.sent("device", port, ({ flags, seq }) => flags.syn && !flags.ack && seq === iss)
        const reply = this.sent("server", port, ({ flags, ack }) => flags.syn && flags.ack && ack === next)
        const theirs = ((reply?.seq ?? 0) + 1) >>> 0
        const ack = this.sent("device", port, ({ flags, seq, ack }) => {
            return flags.ack && !flags.syn && seq === next && ack === theirs
        })
        stage.line("")
        this.promise(`Host X sent SYN with its number, ${iss}`, syn !== undefined)
        this.promise(
            `The server sent SYN-ACK with its own, ${reply?.seq}, and acknowledged ${next}`,
            reply !== undefined
        )
        this.promise(`Host X acknowledged ${theirs}; both ends are ESTABLISHED`, ack !== undefined)
        stage.line("")
        return { id, port }
    }

    private async sends(id: number, port: number): Promise<void> {
        const { stage, watch, world } = this
        stage.note(`Host X sends "${GREETING}"; the server echoes it`)
        await this.command(`send ${id} ${GREETING}`)
        await this.reach("the echo", () => watch.dataOf("server", port) === GREETING)
        // on a bad link the echo may have to be retransmitted before the device can read it
        let heard = ""
        for (const limit = world.now() + PATIENCE; heard === "" && world.now() < limit; ) {
            await world.pass(SETTLE)
            heard = (await this.command(`read ${id}`)).filter(line => line !== NOTHING).join("")
        }
        const equal = watch.dataOf("device", port) === GREETING && heard === GREETING
        stage.line("")
        this.promise(`"${GREETING}" went to the server and came back`, equal)
        stage.line("")
    }

    private async closes(id: number, port: number): Promise<void> {
        const { world, watch, stage } = this
        stage.note("Host X closes, then the server")
        await this.command(`close ${id}`)
        await this.reach("the close", () => {
            return watch.reached("device", port, "TIME-WAIT") && watch.state("server", port) === "CLOSED"
        })
        const wait = world.options.config.timeWait ?? 60_000
        const waited = world.clock.virtual || wait <= SHORT
        if (waited) await this.reach("the end of TIME-WAIT", () => watch.state("device", port) === "CLOSED")
        const fins =
            this.sent("device", port, view => view.flags.fin) &&
            this.sent("server", port, view => view.flags.fin)
        stage.line("")
        this.promise("Both ends sent FIN, and both FINs were acknowledged", fins !== undefined)
        const seconds = `${wait / 1000} s`
        if (waited) this.promise(`Host X stayed in TIME-WAIT for ${seconds}; now both are CLOSED`, true)
        else
            stage.line(
                `      Host X stays in TIME-WAIT for ${seconds}; the example continues meanwhile`,
                "dim"
            )
        stage.line("")
    }

    private async echoes(): Promise<void> {
        const { stage } = this
        const text = "hello, Host X"
        stage.note(`The server connects to port ${ECHO} of Host X`)
        const client = await this.client(ECHO)
        client.connection.send(text)
        await this.reach("the echo of Host X", () => client.received === text || client.connection.ended)
        const equal = client.received === text
        await this.leave(client.connection, ECHO)
        stage.line("")
        this.promise("The server connected to Host X, which accepted the connection and echoed", equal)
        stage.line("")
    }

    private async servesPage(): Promise<void> {
        const { stage } = this
        const { ip } = this.world.options
        stage.note("The server fetches the page of Host X")
        const client = await this.client(HTTP)
        client.connection.send(`GET / HTTP/1.1\r\nHost: ${ip}\r\nConnection: close\r\n\r\n`)
        await this.reach("the page", () => client.connection.ended)
        await this.leave(client.connection, HTTP)
        const page = client.received
        stage.line("")
        for (const line of pageText(page)) stage.line(`      ${line}`, "cyan")
        stage.line("")
        const complete = page.startsWith("HTTP/1.1 200 ") && page.includes(`${ip}:${HTTP}`)
        this.promise("The page arrived complete and lists the connection that fetched it", complete)
    }

    /** Opens a connection from the server to the device, and waits for the handshake. */
    private async client(port: number): Promise<{ connection: HostConnection; readonly received: string }> {
        let received = ""
        const data = (_connection: HostConnection, text: string) => {
            received += text
        }
        const connection = await this.world.act(QUIET, () => {
            return this.server.connect(this.world.options.ip, port, { data })
        })
        // waits for both ends; otherwise the data could go with the last ACK, and the picture would show ESTABLISHED beside it
        const both = () =>
            connection.state === "ESTABLISHED" && this.watch.state("device", port) === "ESTABLISHED"
        await this.reach("the handshake", () => connection.ended || both())
        return {
            connection,
            get received() {
                return received
            },
        }
    }

    /** Closes a connection from the server to the device, and waits until both ends have closed. */
    private async leave(connection: HostConnection, port: number): Promise<void> {
        const { error } = connection
        if (error !== undefined) throw new ExampleFailed(`the server's connection failed: ${error}`)
        const over = ["TIME-WAIT", "CLOSED"]
        connection.close()
        await this.reach("the close", () => {
            return over.includes(connection.state) && over.includes(this.watch.state("device", port) ?? "")
        })
    }

    /** Runs a console command on the device and returns its output. Throws an ExampleFailed when the command fails. */
    private async command(line: string): Promise<string[]> {
        const { lines, status } = await this.world.command(line)
        if (status !== 0) throw new ExampleFailed(`Host X did not carry out "${line}": ${lines.join(" ")}`)
        return lines
    }

    /** Waits for a condition. Throws an ExampleFailed when it takes too long, or when a connection of the device fails. */
    private async reach(what: string, condition: () => boolean): Promise<void> {
        const { world, watch } = this
        const met = await world.until(() => watch.failures.length > 0 || condition(), PATIENCE)
        const failure = watch.failures[0]
        if (failure !== undefined) throw new ExampleFailed(`${what} failed: ${failure.error} on Host X`)
        if (!met) throw new ExampleFailed(`${what} did not happen within ${PATIENCE / 1000} s`)
    }

    /** Shows a statement and whether it is true. Throws an ExampleFailed when it is not. */
    private promise(text: string, kept: boolean): void {
        this.stage.promise(text, kept)
        if (!kept) throw new ExampleFailed(`this did not happen: ${text}`)
    }

    /** Returns the first segment that one side sent on the connection with this port of the device and that `like` accepts. */
    private sent(side: Side, port: number, like: (view: TcpView) => boolean): TcpView | undefined {
        const own = side === "device" ? "sourcePort" : "destinationPort"
        return this.watch.segments.find(({ side: from, view }) => {
            return from === side && view[own] === port && like(view)
        })?.view
    }

    private async pause(): Promise<void> {
        if (!this.world.clock.virtual) await this.world.pass(PAUSE)
    }
}
