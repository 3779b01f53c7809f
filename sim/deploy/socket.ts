// The transport to a Jacdac bus behind a TCP socket, as DeviceScript's devtools offers it: each frame follows its length.

import { connect, type Socket } from "node:net"
import { Transport } from "jacdac-ts"
import { FrameReader, SIMULATOR_PORT, withLength } from "../device/jacdac"
import { DeployError } from "./error"

export class SocketTransport extends Transport {
    private socket: Socket | undefined
    private readonly frames = new FrameReader()

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
                        `no program answers at ${host}:${port} (${code}): ` +
                            (port === SIMULATOR_PORT
                                ? `start the simulator there with --jacdac ${port}`
                                : "start npx devicescript devtools --serial there, or set --port to the serial port")
                    )
                )
            })
            socket.on("data", bytes => {
                for (const frame of this.frames.take(bytes)) this.handleFrame(frame)
            })
            socket.on("close", () => void this.disconnect(true))
        })
    }

    protected async transportSendPacketAsync(frame: Uint8Array): Promise<void> {
        this.socket?.write(withLength(frame))
    }

    protected async transportDisconnectAsync(): Promise<void> {
        this.socket?.destroy()
        this.socket = undefined
    }
}
