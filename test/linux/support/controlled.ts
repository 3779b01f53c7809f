// A device driven by the control protocol of the command line.

import type { Cli } from "../../cli/cli"
import { alphabet } from "./data"

/** A reply that begins with err; the message is its reason. */
export class Refused extends Error {}

export class Controlled {
    constructor(private readonly device: Cli) {}

    /** One command; the reply behind `ok`. */
    async ask(command: string): Promise<string> {
        const reply = await this.device.ask(command)
        if (reply.startsWith("err ")) throw new Refused(`${command}: ${reply.slice(4)}`)
        return reply.replace(/^ok ?/, "")
    }

    /** Opens a connection to the kernel, which may not be there yet. */
    async connect(port: number, local?: number): Promise<number> {
        return Number(await this.ask(`connect 10.0.0.1 ${port} ${local ?? ""}`.trim()))
    }

    async listen(port: number): Promise<number> {
        return Number(await this.ask(`listen ${port}`))
    }

    /** Waits for a connection. */
    async accept(listener: number): Promise<number> {
        let reply = await this.ask(`accept ${listener}`)
        while (reply === "none") {
            await pause()
            reply = await this.ask(`accept ${listener}`)
        }
        return Number(reply)
    }

    /** Waits until the connection is in one of these states. */
    async reaches(id: number, ...states: string[]): Promise<void> {
        while (!states.includes(await this.ask(`state ${id}`))) await pause()
    }

    /** Sends `length` octets, however long that takes; returns them. */
    async send(id: number, length: number): Promise<string> {
        let sent = ""
        while (sent.length < length) {
            const taken = Number(await this.ask(`send ${id} ${length - sent.length}`))
            sent += alphabet(taken)
            if (taken === 0) await pause()
        }
        return sent
    }

    /** Takes what comes until the stream's end; how many octets, and what the end was. */
    async receive(id: number): Promise<{ length: number; end: string }> {
        let length = 0
        while (true) {
            const [count = "", end = ""] = (await this.ask(`recv ${id}`)).split(" ")
            length += Number(count)
            if (end !== "open") return { length, end }
            if (count === "0") await pause()
        }
    }

    /** Takes all octets up to the stream's end. */
    async read(id: number): Promise<Buffer> {
        const pieces: string[] = []
        while (true) {
            const [octets = "", end = ""] = (await this.ask(`read ${id} 520`)).split(" ")
            if (octets !== "-") pieces.push(octets)
            else if (end === "open") await pause()
            else if (end === "eof") return Buffer.from(pieces.join(""), "hex")
            else throw new Refused(`the connection ended: ${end}`)
        }
    }

    /** Receives `length` octets. */
    async take(id: number, length: number): Promise<void> {
        for (let left = length; left > 0; ) {
            const [count = ""] = (await this.ask(`recv ${id} ${left}`)).split(" ")
            left -= Number(count)
            if (count === "0") await pause()
        }
    }
}

/** Time for others between two looks. */
export function pause(ms = 5): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, ms))
}
