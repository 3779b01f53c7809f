// A device on a wire as its console sees it, and at the other end a host whose calls the test makes itself.

import { Buffer } from "@devicescript/core"
import type { Device } from "../../src/device/commands"
import { runCommand } from "../../src/device/console"
import { Control } from "../../src/device/control"
import { statusServer } from "../../src/inspect/status"
import { type Mac, MacCounter } from "../../src/mac/mac"
import type { Stack } from "../../src/net/stack"
import { Services } from "../../src/socket/echo-discard"
import { accept, connect, listen, read, write } from "../../src/tcp/calls"
import { plain } from "../support/bench"
import { bytes, Host, ip, Wire } from "../support/host"

/** A driver that moves nothing: frames go by hand. */
export class IdleMac implements Mac {
    readonly address = Buffer.alloc(6)
    linkUp = true
    multicast = false
    readonly counters = Buffer.alloc(MacCounter.Size)
    async start(): Promise<void> {}
    async receive(): Promise<number> {
        return 0
    }
    async send(): Promise<boolean> {
        return true
    }
    async rest(): Promise<void> {}
}

/** What a command printed, and its status. */
export interface Output {
    status: number
    lines: string[]
}

/** The device is 10.0.0.2, the far host 10.0.0.1; their initial sequence numbers are 1000 and 5000 at first. */
export class ConsoleBench implements Device {
    readonly host: Host
    readonly far: Host
    readonly wire: Wire
    readonly mac = new IdleMac()
    readonly services: Services
    private readonly control: Control

    constructor(config: { [key: string]: number } = {}, farConfig: { [key: string]: number } = {}) {
        this.host = new Host("10.0.0.2", { ...plain, iss: 1000, localPort: 50000, ...config })
        this.far = new Host("10.0.0.1", { ...plain, iss: 5000, localPort: 60000, ...farConfig })
        this.wire = new Wire([this.host, this.far])
        this.services = new Services(this.stack, statusServer(this.stack, this.mac))
        this.control = new Control(this)
    }

    get stack(): Stack {
        return this.host.stack
    }

    poke(): void {
        this.wire.settle()
        // a service's answer may bring the next request
        for (let i = 0; i < 5; i++) {
            this.services.work(this.wire.now)
            this.wire.settle()
        }
    }

    now(): number {
        return this.wire.now
    }

    async sleep(ms: number): Promise<void> {
        if (ms > 0) this.wire.run(ms)
        this.poke()
    }

    /** Runs a line on the console. */
    async run(line: string): Promise<Output> {
        const lines: string[] = []
        const status = await runCommand(this, line, text => void lines.push(text))
        return { status, lines }
    }

    /** Runs a line that has to work, and gives what it printed. */
    async ok(line: string): Promise<string[]> {
        const { status, lines } = await this.run(line)
        if (status !== 0) throw new Error(`"${line}" failed: ${lines.join("; ")}`)
        return lines
    }

    /** Runs a line that has to fail with one line of output, and gives it. */
    async refused(line: string): Promise<string> {
        const before = this.snapshot()
        const { status, lines } = await this.run(line)
        if (status !== 1 || lines.length !== 1) throw new Error(`"${line}": ${status}, ${lines.join("; ")}`)
        if (this.snapshot() !== before) throw new Error(`"${line}" changed something`)
        return lines[0]!
    }

    /** Runs a line of the control protocol. */
    tell(line: string): string {
        return this.control.run(line)
    }

    /** All tables of the device. */
    private snapshot(): string {
        const { conns, halves, listeners } = this.stack
        return [...conns, halves, listeners].map(table => table.toString("hex")).join()
    }

    /** The far host listens; gives the listener's id there. */
    farListen(port: number): number {
        return listen(this.far.stack, port, 4)
    }

    /** The far host's next accepted connection. */
    farAccept(listener: number): number {
        return accept(this.far.stack, listener)
    }

    /** The far host connects to a port of the device; gives the connection's id there. */
    farConnect(port: number): number {
        const id = connect(this.far.stack, ip("10.0.0.2"), port, 0, this.wire.now)
        this.poke()
        return id
    }

    /** The far host sends text. */
    farSend(id: number, text: string): number {
        const data = bytes(text)
        const taken = write(this.far.stack, id, data, 0, data.length)
        this.poke()
        return taken
    }

    /** What the far host reads now. */
    farRead(id: number): string {
        const into = Buffer.alloc(4096)
        const n = read(this.far.stack, id, into, 0, into.length)
        this.poke()
        return n < 0
            ? `error ${n}`
            : Array.from(into.subarray(0, n), code => String.fromCharCode(code)).join("")
    }
}
