// The Linux kernel as a compared host.

import type { ComparedHost, Ports, Reading } from "./compared-host"
import type { Look } from "./diagnosis"
import { comparedHost, driverHost, type Lab } from "./lab"
import { Socket, SocketOption } from "./libc"

export class KernelHost implements ComparedHost {
    private listener: Socket | undefined
    private connection: Socket | undefined
    /** The error that ended the connection: the kernel returns it once. */
    private failed: string | undefined
    private readonly into = Buffer.alloc(4096)

    constructor(
        private readonly lab: Lab,
        private readonly ports: Ports
    ) {}

    listen(): void {
        this.listener = this.socket()
        this.listener.bind(comparedHost.ip, this.ports.local)
        this.listener.listen(8)
    }

    connect(): Uint8Array[] {
        const socket = this.socket()
        socket.bind(comparedHost.ip, this.ports.local)
        socket.connect(driverHost.ip, this.ports.remote)
        this.connection = socket
        return this.lab.collect()
    }

    receive(frame: Uint8Array): Uint8Array[] {
        this.lab.send(frame)
        const frames = this.lab.collect()
        const accepted = this.listener?.accept()
        if (accepted !== undefined) {
            this.connection?.close()
            this.connection = accepted
            this.failed = undefined
        }
        return frames
    }

    read(): { reading: Reading; frames: Uint8Array[] } {
        let bytes = 0
        if (this.connection === undefined) return { reading: { bytes, status: "none" }, frames: [] }
        for (;;) {
            const result = this.failed ?? this.connection.receive(this.into)
            if (result === 0) return { reading: { bytes, status: "end" }, frames: this.lab.collect() }
            if (typeof result === "number") {
                bytes += result
                continue
            }
            if (result === "EAGAIN") return { reading: { bytes, status: "open" }, frames: this.lab.collect() }
            this.failed = result
            return { reading: { bytes, status: result }, frames: this.lab.collect() }
        }
    }

    write(length: number): Uint8Array[] {
        const result = this.connection?.send(Buffer.alloc(length, 0x61))
        if (typeof result === "string" && result !== "EPIPE") this.failed ??= result
        return this.lab.collect()
    }

    shutdown(): Uint8Array[] {
        this.connection?.shutdown()
        return this.lab.collect()
    }

    close(): Uint8Array[] {
        this.connection?.close()
        this.connection = undefined
        return this.lab.collect()
    }

    look(): Look {
        const { local, remote } = this.ports
        return this.lab.diagnosis.look(
            { ip: comparedHost.ip, port: local },
            { ip: driverHost.ip, port: remote }
        )
    }

    held(): boolean {
        return this.connection !== undefined
    }

    end(): void {
        this.listener?.close()
        if (this.connection !== undefined) {
            this.connection.option(SocketOption.Linger, 1, 0)
            this.connection.close()
        }
        this.lab.collect()
    }

    private socket(): Socket {
        const socket = Socket.tcp()
        socket.option(SocketOption.ReuseAddress, 1)
        socket.option(SocketOption.NoDelay, 1)
        // RFC 6093: urgent data is data like any other
        socket.option(SocketOption.OutOfBandInline, 1)
        return socket
    }
}
