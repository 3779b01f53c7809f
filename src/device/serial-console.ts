// The serial console: a Jacdac service that takes command lines over the board's USB cable and sends back what they print.
// services/networkconsole.md describes it.
//
// The service is DeviceScript's own kind of server, so a program can have others beside it. Its specification is part of the program
// only if services/networkconsole.md is in the project: the compiler reads that folder of the project, and no other one.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { Server, startServer } from "@devicescript/server"
import type { Print } from "../inspect/text"

const enum Part {
    Piece = 0,
    Line = 1,
    Success = 2,
    Failure = 3,
    Busy = 4,
}

const enum Size {
    /** Bytes of text in a report: a Jacdac packet has 236 bytes, and the two other fields take 5 of them. */
    Piece = 231,
}

/** Runs a command line and prints its output. Returns 0, or 1 when the command failed. */
export type Run = (line: string, print: Print) => Promise<number>

class NetworkConsoleServer extends Server {
    /** The number of the command that runs; undefined while none does. */
    private request: number | undefined
    /** A refusal is being sent. Commands that arrive meanwhile get no answer: their fibers would fill the heap. */
    private refuses = false

    constructor(private readonly run: Run) {
        super(ds.NetworkConsole.spec)
    }

    /** Carries out `execute`. The package calls this method by the command's name, with the command's fields. */
    async execute(fields: [request: number, line: Buffer | undefined]): Promise<void> {
        const [request, line] = fields
        // the packet ends before the number does, so no client waits for an answer
        if (!line) return
        if (this.request !== undefined) {
            if (this.refuses) return
            this.refuses = true
            await this.report(request, Part.Busy, Buffer.alloc(0))
            this.refuses = false
            return
        }
        this.request = request
        let status = 1
        try {
            status = await this.run(line.toString("utf-8"), this.print)
        } catch (error) {
            await this.print((error as Error).message)
        }
        await this.report(request, status === 0 ? Part.Success : Part.Failure, Buffer.alloc(0))
        this.request = undefined
    }

    /** Sends a line, in pieces if it is longer than a packet. */
    private async print(text: string): Promise<void> {
        const bytes = Buffer.from(text)
        let at = 0
        for (; bytes.length - at > Size.Piece; at += Size.Piece)
            await this.report(this.request as number, Part.Piece, bytes.slice(at, at + Size.Piece))
        await this.report(this.request as number, Part.Line, bytes.slice(at))
    }

    private async report(request: number, part: Part, text: Buffer): Promise<void> {
        await this._send(this.spec.lookup("output").encode([request, part, text]))
    }
}

/** Starts the service, which runs the lines that it receives, one at a time. */
export function startSerialConsole(run: Run): void {
    startServer(new NetworkConsoleServer(run))
}
