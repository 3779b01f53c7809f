// A program at the other end of a stream link: a host with an echo server, in real time, in the test's process.

import { mkdtempSync, rmSync } from "node:fs"
import net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { StackEvent } from "../../sim/device/events"
import { BuiltinHost, serveEcho } from "../../sim/host/host"
import { StreamLink } from "../../sim/link/stream"
import { RealClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"

export class StreamPeer {
    readonly events: StackEvent[] = []
    /** What --link takes. */
    readonly address: string
    /** The host, as soon as a device's cable is plugged in. */
    readonly connected: Promise<BuiltinHost>
    private readonly folder = mkdtempSync(join(tmpdir(), "stream-peer-"))
    private readonly server = net.createServer()
    private link: StreamLink | undefined
    private host: BuiltinHost | undefined

    private constructor() {
        const path = join(this.folder, "socket")
        this.address = `stream:unix:${path}`
        this.server.listen(path)
        this.connected = new Promise(resolve => {
            this.server.once("connection", socket => resolve(this.plugIn(socket)))
        })
    }

    /** Listens. */
    static async listen(): Promise<StreamPeer> {
        const peer = new StreamPeer()
        await new Promise(resolve => peer.server.once("listening", resolve))
        return peer
    }

    private plugIn(socket: net.Socket): BuiltinHost {
        const clock = new RealClock()
        this.link = new StreamLink(socket)
        this.host = new BuiltinHost({
            clock,
            link: this.link,
            name: "peer",
            ip: "10.0.0.1",
            prefix: 24,
            mac: "02:00:00:00:00:01",
            random: new Random(3),
            onEvent: event => this.events.push(event),
        })
        serveEcho(this.host, clock)
        return this.host
    }

    /** Ends the link. */
    async unplug(): Promise<void> {
        await this.link?.close()
    }

    async close(): Promise<void> {
        this.host?.stop()
        await this.unplug()
        this.server.close()
        rmSync(this.folder, { recursive: true, force: true })
    }
}
