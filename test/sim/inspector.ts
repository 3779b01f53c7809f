// A debugger that a test scripts: a client of Node's inspector protocol. It resolves source maps, as an editor's debugger does.

import { SourceMap } from "node:module"
import { connect, type Socket } from "node:net"
import { fileURLToPath } from "node:url"

/** A parsed script, with the fields of `Debugger.scriptParsed` that are used here. */
interface Script {
    scriptId: string
    url: string
    sourceMapURL: string
}

/** A place in a source file; lines count from 1. */
export interface Position {
    path: string
    line: number
}

interface Message {
    id?: number
    method?: string
    params?: Record<string, unknown>
    result?: Record<string, unknown>
    error?: { message: string }
}

export interface Paused {
    reason: string
    data?: Script
    callFrames: { location: { scriptId: string; lineNumber: number; columnNumber: number } }[]
}

export class Inspector {
    private readonly replies = new Map<number, (message: Message) => void>()
    /** Scripts with a source map, by their ids. */
    private readonly mapped = new Map<string, { url: string; map: SourceMap }>()
    private readonly pauses: Paused[] = []
    private onPause: ((paused: Paused) => void) | undefined
    private input = Buffer.alloc(0)
    private last = 0

    private constructor(private readonly socket: Socket) {
        socket.on("data", bytes => {
            this.input = Buffer.concat([this.input, bytes])
            this.takeFrames()
        })
        // the process that is debugged may end first
        socket.on("error", () => {})
    }

    /** Connects to the address that Node prints: ws://127.0.0.1:port/id. */
    static async open(address: string): Promise<Inspector> {
        const { hostname, port, pathname, host } = new URL(address)
        const socket = connect(Number(port), hostname)
        const key = Buffer.alloc(16).toString("base64")
        socket.write(
            `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
                `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`
        )
        // nothing follows the head until a request was sent
        const head = await new Promise<string>((resolve, reject) => {
            socket.once("data", bytes => resolve(bytes.toString("latin1")))
            socket.once("error", reject)
        })
        if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`the inspector answers ${head}`)
        return new Inspector(socket)
    }

    close(): void {
        this.socket.destroy()
    }

    /** Sends a request, and returns its result. */
    async request(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
        const id = ++this.last
        const reply = new Promise<Message>(resolve => this.replies.set(id, resolve))
        this.sendFrame(Buffer.from(JSON.stringify({ id, method, params })))
        const { result, error } = await reply
        if (error !== undefined) throw new Error(`${method}: ${error.message}`)
        return result ?? {}
    }

    /** Waits for the next pause. */
    async paused(): Promise<Paused> {
        return (
            this.pauses.shift() ??
            (await new Promise(resolve => {
                this.onPause = resolve
            }))
        )
    }

    /** Sets a breakpoint at a line of a source in each parsed script whose source map has it; returns the scripts' URLs. */
    async breakAt({ path, line }: Position): Promise<string[]> {
        const urls: string[] = []
        for (const { url, map } of this.mapped.values()) {
            const lineNumber = generatedLine(map, url, { path, line })
            if (lineNumber === undefined) continue
            await this.request("Debugger.setBreakpointByUrl", { url, lineNumber })
            urls.push(url)
        }
        return urls
    }

    /** Returns where in the sources a pause is, and in which script. */
    position({ callFrames: [top] }: Paused): (Position & { script: string }) | undefined {
        const found = top === undefined ? undefined : this.mapped.get(top.location.scriptId)
        if (top === undefined || found === undefined) return undefined
        const { url, map } = found
        const entry = map.findEntry(top.location.lineNumber, top.location.columnNumber)
        if (!("originalSource" in entry)) return undefined
        return { path: sourcePath(entry.originalSource, url), line: entry.originalLine + 1, script: url }
    }

    private takeFrames(): void {
        for (;;) {
            if (this.input.length < 2) return
            const short = this.input[1]! & 127
            const header = short < 126 ? 2 : short === 126 ? 4 : 10
            if (this.input.length < header) return
            const length =
                short < 126
                    ? short
                    : short === 126
                      ? this.input.readUInt16BE(2)
                      : Number(this.input.readBigUInt64BE(2))
            if (this.input.length < header + length) return
            const text = this.input.toString("utf8", header, header + length)
            this.input = this.input.subarray(header + length)
            this.take(JSON.parse(text) as Message)
        }
    }

    private take({ id, method, params, ...rest }: Message): void {
        if (id !== undefined) {
            this.replies.get(id)?.({ id, ...rest })
            this.replies.delete(id)
        } else if (method === "Debugger.scriptParsed") this.learn(params as unknown as Script)
        else if (method === "Debugger.paused") {
            const paused = params as unknown as Paused
            if (this.onPause === undefined) this.pauses.push(paused)
            else this.onPause(paused)
            this.onPause = undefined
        }
    }

    private learn({ scriptId, url, sourceMapURL }: Script): void {
        const inline = /^data:application\/json;(?:charset=utf-8;)?base64,/.exec(sourceMapURL)
        if (inline === null) return
        const json = Buffer.from(sourceMapURL.slice(inline[0].length), "base64").toString("utf8")
        this.mapped.set(scriptId, { url, map: new SourceMap(JSON.parse(json)) })
    }

    /** A text frame (RFC 6455 section 5.2), masked with zeros. */
    private sendFrame(data: Buffer): void {
        const header = Buffer.from([0x81, 0x80 | 126, data.length >> 8, data.length & 255, 0, 0, 0, 0])
        this.socket.write(Buffer.concat([header, data]))
    }
}

/** Returns a source's path, which a map has relative to its script; a source that is not a file keeps its URL. */
function sourcePath(source: string, script: string): string {
    const url = new URL(source, script.startsWith("/") ? `file://${script}` : script)
    return url.protocol === "file:" ? fileURLToPath(url) : url.href
}

/** Returns the first line of a script that was made from a line of a source. */
function generatedLine(map: SourceMap, script: string, { path, line }: Position): number | undefined {
    if (!map.payload.sources.some(source => sourcePath(source, script) === path)) return undefined
    const lines = map.payload.mappings.split(";").length
    for (let generated = 0; generated < lines; generated++) {
        for (let column = 0; column < 40; column++) {
            const entry = map.findEntry(generated, column)
            if (!("originalSource" in entry) || entry.generatedLine !== generated) continue
            if (entry.originalLine + 1 === line && sourcePath(entry.originalSource, script) === path)
                return generated
        }
    }
    return undefined
}
