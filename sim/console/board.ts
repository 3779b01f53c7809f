// The client of a board's serial console (services/networkconsole.md): sends a command line, and receives what it prints.

import { DISCONNECT, type JDService, Packet, REPORT_RECEIVE, type Transport } from "jacdac-ts"
import { DeployError } from "../deploy/error"

/** The class of the service, and its packets. */
export const SRV_NETWORK_CONSOLE = 0x1c6a3e9f
const EXECUTE = 0x80
const OUTPUT = 0x81

/** How a report goes on: the enum of the same name in services/networkconsole.md. */
const Part = { Piece: 0, Line: 1, Success: 2, Failure: 3, Busy: 4 } as const

/** The bytes of a report before its text: the number of the command, and the part. */
const HEAD = 5
/** The number of the command before its line, and the bytes of a line that fit a Jacdac packet of 236 bytes. */
const NUMBER = 4
export const LONGEST_LINE = 236 - NUMBER

/** Times, ms. */
const Time = {
    /** Between two checks. */
    Check: 200,
    /** A board that announces nothing for this long has fallen silent. */
    Silent: 4000,
    /** A command that has printed nothing for this long may be lost. */
    Ask: 2000,
    /** While the board carries out a command of another console: between two attempts, and in all. */
    Again: 250,
    Patient: 3000,
} as const

interface Running {
    readonly request: number
    /** The number of the empty command that asks whether the board still carries out this one. */
    probe: number | undefined
    /** The line in UTF-8. */
    readonly bytes: Uint8Array
    readonly began: number
    /** Time of the last report about it, ms. */
    heard: number
    pieces: Uint8Array[]
    readonly onLine: (line: string) => void
    readonly resolve: (done: boolean) => void
    readonly reject: (error: Error) => void
}

export class BoardConsole {
    private running: Running | undefined
    /** The end of the last command: the board carries out one at a time. */
    private queue: Promise<unknown> = Promise.resolve()
    private ended: DeployError | undefined
    /** The bus's time of the board's last packet, and the checks since then: a computer that stands still misses packets, not checks. */
    private seen = 0
    private quiet = 0
    private last = Math.floor(Math.random() * 0x1_0000_0000)
    private readonly check: NodeJS.Timeout
    private resolveGone: (error: DeployError) => void = () => {}
    /** Resolves with an error that says so when the connection to the board ends. */
    readonly gone: Promise<DeployError>

    constructor(
        private readonly service: JDService,
        transport: Transport,
        private readonly now: () => number = Date.now
    ) {
        this.gone = new Promise(resolve => {
            this.resolveGone = resolve
        })
        void this.gone.then(error => {
            this.ended = error
            this.running?.reject(error)
        })
        service.on(REPORT_RECEIVE, packet => this.report(packet))
        const ended =
            transport.type === "tcp"
                ? "the connection to the board has ended: the simulator or devtools at its other end has closed it"
                : "the board is gone: the cable is out, or the board restarts; plug it in, and start the console again"
        transport.on(DISCONNECT, () => this.resolveGone(new DeployError(ended)))
        this.check = setInterval(() => this.look(), Time.Check)
    }

    /**
     * Has the board carry out a line, and calls `onLine` with each line that it prints. Returns true when the command succeeded.
     * Rejects with a DeployError when the board is gone, has fallen silent, or is busy.
     */
    execute(line: string, onLine: (line: string) => void): Promise<boolean> {
        const done = this.queue.then(() => this.carryOut(line, onLine))
        this.queue = done.catch(() => {})
        return done
    }

    private carryOut(line: string, onLine: (line: string) => void): Promise<boolean> {
        if (this.ended !== undefined) return Promise.reject(this.ended)
        const bytes = new TextEncoder().encode(line)
        if (bytes.length > LONGEST_LINE) {
            onLine(`a line has at most ${LONGEST_LINE} bytes, not ${bytes.length}`)
            return Promise.resolve(false)
        }
        const request = this.next()
        const done = new Promise<boolean>((resolve, reject) => {
            const began = this.now()
            const times = { began, heard: began, probe: undefined }
            this.running = { request, bytes, ...times, pieces: [], onLine, resolve, reject }
        })
        this.send(request, bytes)
        return done.finally(() => {
            this.running = undefined
        })
    }

    close(): void {
        clearInterval(this.check)
    }

    private next(): number {
        this.last = (this.last + 1) >>> 0
        return this.last
    }

    private send(request: number, line: Uint8Array): void {
        const data = new Uint8Array(NUMBER + line.length)
        new DataView(data.buffer).setUint32(0, request, true)
        data.set(line, NUMBER)
        this.service
            .sendPacketAsync(Packet.from(EXECUTE, data))
            .catch((error: Error) => this.resolveGone(new DeployError(error.message)))
    }

    private report({ serviceCommand, data }: Packet): void {
        const { running } = this
        if (running === undefined || serviceCommand !== OUTPUT || data.length < HEAD) return
        const request = new DataView(data.buffer, data.byteOffset, data.length).getUint32(0, true)
        const part = data[NUMBER]
        if (request === running.probe) {
            running.heard = this.now()
            running.probe = undefined
            // the board waits for a command, so it does not carry out this one
            if (part === Part.Success)
                running.reject(
                    new DeployError("the board has lost the command or the end of its output: try again")
                )
            return
        }
        if (request !== running.request) return
        running.heard = this.now()
        switch (part) {
            case Part.Piece:
            case Part.Line:
                running.pieces.push(data.slice(HEAD))
                if (part === Part.Line) running.onLine(textOf(running.pieces.splice(0)))
                break
            case Part.Success:
            case Part.Failure:
                running.resolve(part === Part.Success)
                break
            case Part.Busy:
                if (this.now() - running.began < Time.Patient) {
                    setTimeout(() => {
                        if (running === this.running) this.send(request, running.bytes)
                    }, Time.Again)
                    break
                }
                running.onLine("the board carries out a command of another console: try again later")
                running.resolve(false)
                break
            default:
                break
        }
    }

    private look(): void {
        const { running, service } = this
        const { lastSeen } = service.device
        this.quiet = lastSeen === this.seen ? this.quiet + 1 : 0
        this.seen = lastSeen
        if (this.quiet * Time.Check > Time.Silent) {
            this.resolveGone(
                new DeployError(
                    `the board has been silent for ${Time.Silent / 1000} s: its program has ended or hangs, or the cable is out`
                )
            )
        }
        if (running === undefined || this.now() - running.heard < Time.Ask || running.probe !== undefined)
            return
        running.probe = this.next()
        this.send(running.probe, new Uint8Array(0))
    }
}

/** Returns a line of the board; control characters, which a terminal would obey, become question marks. */
function textOf(pieces: readonly Uint8Array[]): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to go
    return new TextDecoder().decode(Buffer.concat(pieces)).replaceAll(/[\x00-\x1f\x7f-\x9f]/g, "?")
}
