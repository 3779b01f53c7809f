// The transport to a Jacdac bus behind a TCP socket, as DeviceScript's devtools offers it: each frame follows its length.

import { connect, type Socket } from "node:net"
import { Transport } from "jacdac-ts"
import { DeployError } from "./error"

/** The length byte of a frame of this length or more, whose length follows in two more bytes. */
const LONG = 255

export class SocketTransport extends Transport {
    private socket: Socket | undefined
    private received: Uint8Array = new Uint8Array(0)

    constructor(
        private readonly host: string,
        private readonly port: number
    ) {
        super("tcp")
    }

    protected transportConnectAsync(): Promise<void> {
        const { host, port } = this
        return new Promise((resolve, reject) => {
            const socket = connect({ host, port, noDelay: true }, resolve)
            this.socket = socket
            socket.on("error", error => {
                const code = (error as NodeJS.ErrnoException).code ?? error.message
                reject(
                    new DeployError(
                        `no program answers at ${host}:${port} (${code}): start npx devicescript devtools --serial there, ` +
                            "or set --port to the serial port"
                    )
                )
            })
            socket.on("data", bytes => this.take(bytes))
            socket.on("close", () => void this.disconnect(true))
        })
    }

    protected async transportSendPacketAsync(frame: Uint8Array): Promise<void> {
        const { length } = frame
        const before = length < LONG ? [length] : [LONG, length & 0xff, length >> 8]
        this.socket?.write(Uint8Array.from([...before, ...frame]))
    }

    protected async transportDisconnectAsync(): Promise<void> {
        this.socket?.destroy()
        this.socket = undefined
    }

    private take(bytes: Uint8Array): void {
        const all = Buffer.concat([this.received, bytes])
        let at = 0
        while (at < all.length) {
            let start = at + 1
            let length = all[at]
            if (length === LONG) {
                if (at + 3 > all.length) break
                length = all.readUInt16LE(at + 1)
                start = at + 3
            }
            if (start + length > all.length) break
            this.handleFrame(Uint8Array.from(all.subarray(start, start + length)))
            at = start + length
        }
        this.received = all.subarray(at)
    }
}
